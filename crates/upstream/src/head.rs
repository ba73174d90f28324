//! Heads on the wire: writing that of a request, reading that of an answer, and how each body is framed.

use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, request};

use crate::error::Error;
use crate::origin::Origin;

/// Largest head of an answer, in bytes.
pub(crate) const MAX_HEAD: usize = 64 * 1024;
/// Most header fields in an answer.
const MAX_FIELDS: usize = 256;

/// How a request's body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// This many bytes.
    Length(u64),
    /// Its length is not known beforehand.
    Chunked,
}

/// How an answer's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    None,
    /// After this many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) parts: Parts,
    pub(crate) framing: Framing,
    /// May the connection serve another request behind this answer?
    pub(crate) keep_alive: bool,
}

/// Writes the head of a request.
pub(crate) fn encode(origin: &Origin, parts: &request::Parts, sending: Sending) -> Bytes {
    let mut head = begin(origin, parts);
    match sending {
        Sending::Length(0) if !expects_body(&parts.method) => {}
        Sending::Length(length) => field(&mut head, &CONTENT_LENGTH, length.to_string().as_bytes()),
        Sending::Chunked => field(&mut head, &TRANSFER_ENCODING, b"chunked"),
    }
    head.extend_from_slice(b"\r\n");
    head.freeze()
}

/// Writes the head of a request for another protocol. It has no body.
pub(crate) fn encode_upgrade(origin: &Origin, parts: &request::Parts) -> Bytes {
    let mut head = begin(origin, parts);
    field(&mut head, &CONNECTION, b"Upgrade");
    head.extend_from_slice(b"\r\n");
    head.freeze()
}

/// The request line and the headers that are not about the body.
fn begin(origin: &Origin, parts: &request::Parts) -> BytesMut {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let size: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let mut head = BytesMut::with_capacity(size + path.len() + origin.header().len() + 96);
    head.extend_from_slice(parts.method.as_str().as_bytes());
    head.extend_from_slice(b" ");
    if !path.starts_with('/') && path != "*" {
        head.extend_from_slice(b"/");
    }
    head.extend_from_slice(path.as_bytes());
    head.extend_from_slice(b" HTTP/1.1\r\n");
    field(&mut head, &HOST, origin.header().as_bytes());
    for (name, value) in &parts.headers {
        if ![HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT].contains(name) {
            field(&mut head, name, value.as_bytes());
        }
    }
    head
}

/// One field of a head or of trailers.
pub(crate) fn field(head: &mut BytesMut, name: &HeaderName, value: &[u8]) {
    head.extend_from_slice(name.as_str().as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

/// Methods whose empty body is stated (RFC 9110, 8.6).
fn expects_body(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

/// Where the head in `buf` ends, behind its empty line. Bytes before `seen` were searched before.
pub(crate) fn end(buf: &[u8], seen: usize) -> Option<usize> {
    // The empty line may have begun in bytes that were searched before.
    let from = seen.saturating_sub(3);
    memchr::memchr_iter(b'\n', &buf[from..]).map(|at| from + at + 1).find_map(|next| match &buf[next..] {
        [b'\n', ..] => Some(next + 1),
        [b'\r', b'\n', ..] => Some(next + 2),
        _ => None,
    })
}

/// Reads a complete head.
///
/// Values share one copy of the head, made to measure: an answer that is kept does not keep a read buffer alive.
pub(crate) fn parse(raw: &[u8], method: &Method) -> Result<Head, Error> {
    let raw = Bytes::copy_from_slice(raw);
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, &raw, &mut fields);
    match parsed {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(malformed("a head that ends too early")),
        Err(httparse::Error::TooManyHeaders) => return Err(malformed("more than 256 header fields")),
        Err(httparse::Error::Status | httparse::Error::Version) => return Err(malformed("it is not HTTP/1.1")),
        Err(_) => return Err(malformed("a broken head")),
    }
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.version = if response.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    parts.status = response
        .code
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or_else(|| malformed("a status below 100"))?;
    parts.headers.reserve(response.headers.len());
    for header in response.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| malformed("a broken header name"))?;
        let value = HeaderValue::from_maybe_shared(raw.slice_ref(header.value))
            .map_err(|_| malformed("a broken header value"))?;
        parts.headers.append(name, value);
    }
    let framing = framing(&mut parts, method)?;
    let keep_alive = framing != Framing::UntilClose && keep_alive(&parts);
    Ok(Head { parts, framing, keep_alive })
}

fn framing(parts: &mut Parts, method: &Method) -> Result<Framing, Error> {
    let chunked = is_chunked(&parts.headers)?;
    if chunked {
        // RFC 9112, 6.1: the coding wins over a stated length, which must not be passed on.
        parts.headers.remove(CONTENT_LENGTH);
    }
    let length = content_length(&parts.headers)?;
    if method == Method::HEAD || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return Ok(Framing::None);
    }
    Ok(match (chunked, length) {
        (true, _) => Framing::Chunked,
        (false, Some(length)) => Framing::Length(length),
        (false, None) => Framing::UntilClose,
    })
}

fn is_chunked(headers: &HeaderMap) -> Result<bool, Error> {
    let mut codings = headers
        .get_all(TRANSFER_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty());
    match (codings.next(), codings.next()) {
        (None, _) => Ok(false),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(true),
        _ => Err(malformed("a transfer-encoding other than chunked")),
    }
}

fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Error> {
    let mut stated = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        for text in value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            let length = std::str::from_utf8(text)
                .ok()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| malformed("an unreadable content-length"))?;
            if stated.is_some_and(|stated| stated != length) {
                return Err(malformed("two different content-lengths"));
            }
            stated = Some(length);
        }
    }
    Ok(stated)
}

fn keep_alive(parts: &Parts) -> bool {
    let says = |word: &str| {
        parts.headers.get_all(CONNECTION).iter().any(|value| {
            let mut words = value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
            words.any(|said| said.eq_ignore_ascii_case(word.as_bytes()))
        })
    };
    // A 1.0 server that sends a chunked body does not know what it does: its connection is not trusted further.
    match parts.version {
        Version::HTTP_11 => !says("close"),
        _ => says("keep-alive") && !parts.headers.contains_key(TRANSFER_ENCODING),
    }
}

pub(crate) fn malformed(what: &'static str) -> Error {
    Error::Malformed { what }
}
