//! The JSON contents of records. Unknown fields are ignored, so that fields can be added within a version.

use bytes::Bytes;
use http::HeaderValue;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::record::{Kind, Record};

/// The versions of the protocol that this crate speaks.
pub const PROTOCOLS: &[u32] = &[1];
/// The header that names the conversation of an HTTP request or a WebSocket.
pub const CONVERSATION: &str = "x-remuda-conversation";
/// The header that every answer of a relay has.
pub const RELAY: &str = "x-remuda-relay";
/// The media type of records.
pub const MEDIA_TYPE: &str = "application/x-remuda-relay";

/// "Who is there?"
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Versions that the client speaks.
    pub protocols: Vec<u32>,
}

/// The relay introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version that is spoken from here on: the highest common one.
    pub protocol: u32,
    /// Which relay this is, for people: `remuda 0.1.0`.
    pub relay: String,
    /// Changes whenever the relay forgets what it has seen of this conversation.
    pub epoch: String,
    /// The relay's clock, milliseconds since 1970.
    pub now_ms: u64,
    /// Largest body, in bytes.
    pub most_body_bytes: u64,
    /// Seconds after which a relay that has nothing to say says that it is there.
    pub alive_s: u32,
    /// `http`, `websocket`.
    pub transports: Vec<String>,
    /// Origins of vendors that it calls.
    #[serde(default)]
    pub upstreams: Vec<String>,
}

/// A request, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its id.
    pub id: String,
}

/// The rest of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The request's id.
    pub id: String,
    /// Bytes of complete records of its answer that have arrived, without [`Kind::Alive`].
    pub received: u64,
}

/// Room for more of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// Bytes of records that the client takes beyond what it has granted before.
    pub bytes: u64,
}

/// A header: name and value. The characters of the value are its bytes, read as ISO 8859-1.
pub type Pair = (String, String);

/// A header's value as text.
#[must_use]
pub fn header_text(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

/// A header's value from its text. `None`: no header has it.
#[must_use]
pub fn header_value(text: &str) -> Option<HeaderValue> {
    let bytes = text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>()?;
    HeaderValue::from_bytes(&bytes).ok()
}

/// Status and headers of the vendor's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerHead {
    /// HTTP status.
    pub status: u16,
    /// In order, hop-by-hop headers left out.
    pub headers: Vec<Pair>,
}

/// The end of the vendor's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerEnd {
    /// Headers behind the body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trailers: Vec<Pair>,
}

/// The relay has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What it is.
    pub code: Code,
    /// In words. Never holds anything of a body or a header.
    pub message: String,
    /// Could the vendor have seen the request?
    pub called: bool,
    /// The present epoch, where the client did not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
}

impl Problem {
    /// A failure before anything was sent to the vendor.
    #[must_use]
    pub fn before(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), called: false, epoch: None }
    }

    /// A failure when the vendor may have seen the request.
    #[must_use]
    pub fn after(code: Code, message: impl Into<String>) -> Self {
        Self { called: true, ..Self::before(code, message) }
    }
}

/// A record with this JSON.
#[must_use]
pub fn record(kind: Kind, content: &impl Serialize) -> Record {
    // These types have string keys and no custom serialisers: writing them cannot fail.
    Record::new(kind, Bytes::from(serde_json::to_vec(content).unwrap_or_default()))
}

/// Reads the JSON of a record.
///
/// # Errors
/// It is not of this form. The message holds nothing of the content.
pub fn read<T: DeserializeOwned>(content: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(content).map_err(|error| {
        let what = format!("unreadable JSON at line {} column {}", error.line(), error.column());
        Problem::before(Code::Malformed, what)
    })
}
