//! What a relay itself can have to say against a request. Never mixed up with the vendor's errors: on HTTP the code stands
//! in the header [`HEADER`], inside an answer it is a record of its own.

use serde::{Deserialize, Serialize};

use crate::exchange::Refusal;

/// The header that only a relay's own errors have.
pub const HEADER: &str = "x-remuda-relay-error";

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal $status:literal,)+) => {
        /// See the module's description. In JSON and in the header: the text in the protocol's table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code { $($(#[doc = $doc])+ #[serde(rename = $text)] $name,)+ }

        impl Code {
            /// All of them, as the protocol's table lists them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The HTTP status that goes with it where nothing of an answer has been sent.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }
        }
    };
}

codes! {
    /// No token, or one that is not valid (any more).
    Unauthorized = "unauthorized" 401,
    /// The vendor's address is not on the relay's list.
    UpstreamNotAllowed = "upstream_not_allowed" 403,
    /// No such path or method.
    NotFound = "not_found" 404,
    /// The relay knows no such request.
    UnknownRequest = "unknown_request" 404,
    /// The relay holds no body of this conversation, or another one.
    BaseMismatch = "base_mismatch" 409,
    /// Not the next message of the conversation.
    OutOfOrder = "out_of_order" 409,
    /// The rebuilt body is not the one that was meant.
    HashMismatch = "hash_mismatch" 409,
    /// Meant for the relay as it was before it forgot everything.
    Epoch = "epoch" 409,
    /// Too old, or older than a message that was taken: a repetition.
    Stale = "stale" 409,
    /// The answer was given and is not kept any more.
    AnswerGone = "answer_gone" 410,
    /// Larger than the relay takes.
    TooLarge = "too_large" 413,
    /// Unreadable.
    Malformed = "malformed" 400,
    /// An edit reaches past the end of the body.
    OutOfRange = "out_of_range" 400,
    /// An edit cuts a character in two.
    NotCharBoundary = "not_char_boundary" 400,
    /// No common version of the protocol.
    Protocol = "protocol" 426,
    /// Too many requests with this token.
    RateLimited = "rate_limited" 429,
    /// A later message of the conversation has taken this one's place, or the client has cancelled it.
    Cancelled = "cancelled" 499,
    /// Something in the relay failed.
    Internal = "internal" 500,
    /// The vendor could not be reached.
    VendorUnreachable = "vendor_unreachable" 502,
    /// The vendor's connection broke before or in its answer.
    VendorBroke = "vendor_broke" 502,
    /// The relay has no room.
    Overloaded = "overloaded" 503,
    /// The vendor fell silent.
    VendorSilent = "vendor_silent" 504,
}

impl Code {
    /// Does the relay refuse with this code before it has called the vendor, and for what it remembers of the
    /// conversation, so that the whole body may be sent in place of edits?
    #[must_use]
    pub fn wants_whole_body(self) -> bool {
        matches!(
            self,
            Self::BaseMismatch | Self::OutOfOrder | Self::HashMismatch | Self::OutOfRange | Self::NotCharBoundary
        )
    }

    /// The code of this name.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl From<Refusal> for Code {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BaseMismatch => Self::BaseMismatch,
            Refusal::OutOfOrder => Self::OutOfOrder,
            Refusal::OutOfRange => Self::OutOfRange,
            Refusal::NotCharBoundary => Self::NotCharBoundary,
            Refusal::HashMismatch => Self::HashMismatch,
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
