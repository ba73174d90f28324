//! What can go wrong between a request and the end of its answer, and whether the vendor may have seen the request.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::origin::Origin;

/// The error of a request body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A part of an exchange with a deadline of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Name look-up, TCP and TLS.
    Connect,
    /// The vendor taking the request.
    Send,
    /// From the end of the request to the head of the answer.
    Head,
    /// Between two reads of the answer's body.
    Idle,
}

/// A failed exchange. Messages hold no header, no body and no path of a request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client cannot be built: the file with extra certificates is unreadable or holds none.
    #[error("cannot use the certificates in {}: {why}", path.display())]
    Certificates {
        /// [`Config::extra_ca_file`](crate::Config::extra_ca_file).
        path: PathBuf,
        /// In words.
        why: String,
    },
    /// The name did not resolve, or nobody answered at its addresses.
    #[error("cannot connect to {origin}: {source}")]
    Connect {
        /// Where to.
        origin: Origin,
        /// The last failure.
        source: io::Error,
    },
    /// TCP connected, TLS did not: a certificate that is not trusted, a proxy in between, no common version.
    #[error("cannot speak TLS with {origin}: {source}")]
    Tls {
        /// Where to.
        origin: Origin,
        /// What rustls said.
        source: io::Error,
    },
    /// A stage outlived its deadline.
    #[error("{}", stage_text(*.stage, *.after))]
    Timeout {
        /// Which.
        stage: Stage,
        /// The deadline.
        after: Duration,
        /// Had any byte of the request been written?
        sent: bool,
    },
    /// The vendor stopped taking the request and left no readable answer.
    #[error("the connection broke while the request was being sent: {source}")]
    Write {
        /// What the socket said.
        source: io::Error,
        /// Had any byte of the request been written?
        sent: bool,
    },
    /// The request's own body failed, or was not as long as it said.
    #[error("the body of the request failed: {source}")]
    Body {
        /// What it said.
        source: BoxError,
        /// Had any byte of the request been written?
        sent: bool,
    },
    /// The vendor closed the connection without an answer (`before_head`) or in the middle of one. A body that ends
    /// before its stated length or its last chunk ends with this error, never cleanly.
    #[error("{}", closed_text(*.before_head, .source.as_ref()))]
    Closed {
        /// No complete head had arrived.
        before_head: bool,
        /// What the socket said; `None`: an orderly end of the connection.
        source: Option<io::Error>,
    },
    /// The answer is not HTTP/1.1 as this client understands it, or exceeds a limit.
    #[error("unreadable answer: {what}")]
    Malformed {
        /// In words.
        what: &'static str,
    },
}

impl Error {
    /// Could the vendor have processed any part of the request?
    #[must_use]
    pub fn sent(&self) -> bool {
        match self {
            Self::Certificates { .. } | Self::Connect { .. } | Self::Tls { .. } => false,
            Self::Timeout { sent, .. } | Self::Write { sent, .. } | Self::Body { sent, .. } => *sent,
            Self::Closed { .. } | Self::Malformed { .. } => true,
        }
    }

    /// Is it certain that sending the request again on a fresh connection cannot make it happen twice? A failure of
    /// the request's own body is no such case: the body would fail again.
    #[must_use]
    pub fn may_resend(&self) -> bool {
        !self.sent() && !matches!(self, Self::Certificates { .. } | Self::Body { .. })
    }
}

fn stage_text(stage: Stage, after: Duration) -> String {
    let what = match stage {
        Stage::Connect => "no connection",
        Stage::Send => "the request was not taken",
        Stage::Head => "no answer",
        Stage::Idle => "the answer fell silent",
    };
    format!("{what} within {} s", after.as_secs_f64())
}

fn closed_text(before_head: bool, source: Option<&io::Error>) -> String {
    let when = if before_head { "before it answered" } else { "in the middle of the answer" };
    match source {
        Some(source) => format!("the vendor's connection closed {when}: {source}"),
        None => format!("the vendor's connection closed {when}"),
    }
}
