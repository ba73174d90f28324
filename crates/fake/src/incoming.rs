//! A request as it came in: read whole, bounded, decoded, with the credential it presents.

use std::io::Read;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::log::Endpoint;
use crate::site::Site;

/// Largest body of Messages and `count_tokens`: 32 MB.
pub(crate) const MAX_BODY: usize = 32 * 1024 * 1024;
/// What is read and thrown away of a larger one, so that the client gets to see the 413.
const MAX_READ: usize = 8 * MAX_BODY;

/// Why a body cannot be used; each vendor says it in its own words.
#[derive(Clone, Debug)]
pub(crate) enum BadBody {
    TooLarge,
    /// `content-encoding` unknown, or the body does not follow it.
    Encoding(String),
    /// No JSON.
    Json(String),
}

/// See the module.
pub(crate) struct Call {
    pub(crate) site: Site,
    /// The path as the real vendor would see it.
    pub(crate) path: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) head: Parts,
    /// As received.
    pub(crate) raw: Bytes,
    /// After content decoding.
    pub(crate) body: Result<Bytes, BadBody>,
    pub(crate) request_id: String,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        text(&self.head.headers, name)
    }

    pub(crate) fn has_beta(&self, beta: &str) -> bool {
        let all = self.head.headers.get_all("anthropic-beta").iter().filter_map(|value| value.to_str().ok());
        all.flat_map(|value| value.split(',')).any(|one| one.trim() == beta)
    }

    pub(crate) fn json(&self) -> Result<serde_json::Value, BadBody> {
        serde_json::from_slice(&self.body.clone()?).map_err(|error| BadBody::Json(error.to_string()))
    }

    pub(crate) fn method(&self) -> &str {
        self.head.method.as_str()
    }

    pub(crate) fn query(&self) -> Option<&str> {
        self.head.uri.query()
    }
}

pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What the request shows to prove who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Presented {
    Nothing,
    Key(String),
    Bearer(String),
    /// More than one, which the vendor does not sort out.
    Several,
}

pub(crate) fn presented(headers: &HeaderMap) -> Presented {
    let keys: Vec<_> = headers.get_all("x-api-key").iter().collect();
    let bearers: Vec<_> = headers.get_all("authorization").iter().collect();
    match (keys.as_slice(), bearers.as_slice()) {
        ([], []) => Presented::Nothing,
        ([key], []) => Presented::Key(key.to_str().unwrap_or_default().to_owned()),
        ([], [bearer]) => {
            let bearer = bearer.to_str().unwrap_or_default();
            Presented::Bearer(bearer.strip_prefix("Bearer ").unwrap_or_default().to_owned())
        }
        _ => Presented::Several,
    }
}

/// The whole body, or the fact that it is too large. A client that goes away leaves what had come.
pub(crate) async fn read(mut body: Incoming) -> Result<Bytes, BadBody> {
    let mut all = BytesMut::new();
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        read += data.len();
        if read <= MAX_BODY {
            all.extend_from_slice(&data);
        } else if read > MAX_READ {
            break;
        }
    }
    if read > MAX_BODY { Err(BadBody::TooLarge) } else { Ok(all.freeze()) }
}

/// Undoes `content-encoding`. The Codex backend takes zstd; whether the other vendors do is not documented, these do.
pub(crate) fn decode(raw: &Bytes, encoding: Option<&str>) -> Result<Bytes, BadBody> {
    let unreadable = || BadBody::Encoding("The request body could not be decompressed".to_owned());
    let limit = MAX_BODY as u64 + 1;
    let mut plain = Vec::new();
    match encoding {
        None | Some("identity") => return Ok(raw.clone()),
        Some("gzip") => {
            let mut reader = flate2::read::MultiGzDecoder::new(raw.as_ref()).take(limit);
            reader.read_to_end(&mut plain).map_err(|_| unreadable())?;
        }
        Some("zstd") => {
            let reader = zstd::stream::read::Decoder::with_buffer(raw.as_ref()).map_err(|_| unreadable())?;
            reader.take(limit).read_to_end(&mut plain).map_err(|_| unreadable())?;
        }
        Some(other) => return Err(BadBody::Encoding(format!("Unsupported content-encoding: {other}"))),
    }
    if plain.len() > MAX_BODY { Err(BadBody::TooLarge) } else { Ok(plain.into()) }
}
