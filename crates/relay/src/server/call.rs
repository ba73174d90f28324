//! Asks the vendor and writes its answer to a recording. One call per message, whatever becomes of the client's
//! connection; it ends early when the client cancels or has been gone for too long.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use remuda_upstream::{Client, Error, Origin, Stage};
use tokio::sync::OwnedSemaphorePermit;

use crate::code::Code;
use crate::message::{AnswerEnd, AnswerHead, Problem, record};
use crate::record::{Kind, Record};
use crate::server::recording::Recording;
use crate::server::upstream::passed;

/// Longest piece of an answer in one record.
const MOST_DATA: usize = 64 * 1024;

/// Everything that a call needs.
pub struct Call {
    /// The way to the vendors.
    pub client: Client,
    /// Which of them.
    pub origin: Origin,
    /// The request without its body.
    pub request: Request<()>,
    /// The body.
    pub body: Bytes,
    /// Its share of what may be on its way.
    pub permit: OwnedSemaphorePermit,
    /// Where the answer goes.
    pub recording: Arc<Recording>,
    /// How long nobody may follow.
    pub grace: Duration,
}

impl Call {
    /// Makes the call.
    pub async fn run(self) {
        let recording = Arc::clone(&self.recording);
        let grace = self.grace;
        let ended = tokio::select! {
            ended = self.ask() => ended,
            () = recording.cancel.cancelled() => Err(Problem::after(Code::Cancelled, "the request was cancelled")),
            () = recording.abandoned(grace) => Err(Problem::after(Code::Cancelled, "the client was gone")),
        };
        recording.finish(&match ended {
            Ok(end) => record(Kind::End, &end),
            Err(problem) => record(Kind::Problem, &problem),
        });
    }

    async fn ask(self) -> Result<AnswerEnd, Problem> {
        let Self { client, origin, request, body, permit, recording, .. } = self;
        let request = request.map(|()| Full::new(body));
        let answer = client.send(&origin, request).await.map_err(|error| problem(&error))?;
        drop(permit);
        let (head, mut rest) = answer.into_parts();
        let head = AnswerHead { status: head.status.as_u16(), headers: passed(&head.headers) };
        recording.push(&record(Kind::Head, &head));
        let mut end = AnswerEnd::default();
        loop {
            recording.room().await;
            let Some(frame) = rest.frame().await else { return Ok(end) };
            match frame.map_err(|error| problem(&error))?.into_data() {
                Ok(mut data) => {
                    while !data.is_empty() {
                        let piece = data.split_to(data.len().min(MOST_DATA));
                        recording.push(&Record::new(Kind::Data, piece));
                    }
                }
                Err(frame) => end.trailers = frame.trailers_ref().map(passed).unwrap_or_default(),
            }
        }
    }
}

/// What a failed call means for the client. The texts of these errors hold no header, body or path.
fn problem(error: &Error) -> Problem {
    let code = match error {
        Error::Certificates { .. } | Error::Connect { .. } | Error::Tls { .. } => Code::VendorUnreachable,
        Error::Timeout { stage: Stage::Connect, .. } => Code::VendorUnreachable,
        Error::Timeout { .. } => Code::VendorSilent,
        Error::Write { .. } | Error::Body { .. } | Error::Closed { .. } | Error::Malformed { .. } => Code::VendorBroke,
    };
    Problem { called: error.sent(), ..Problem::before(code, error.to_string()) }
}
