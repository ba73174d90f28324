//! The chunked coding of answers, undone in place: the payloads of all chunks in a read are moved together, so that
//! they leave as one frame.

use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Longest chunk-size line with its extensions, in bytes.
const MAX_LINE: u16 = 4096;
/// Largest trailer section, in bytes.
const MAX_TRAILERS: usize = 16 * 1024;
/// Most trailer fields.
const MAX_TRAILER_FIELDS: usize = 64;

/// A decoder of one body. It keeps no payload, so any split of the input will do.
#[derive(Debug)]
pub(crate) struct Chunked {
    state: State,
    /// Bytes of the current chunk-size line so far.
    line: u16,
    trailers: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the hexadecimal size. `None`: no digit yet.
    Size(Option<u64>),
    /// Behind the size, in what this client does not read.
    Extension(u64),
    /// Before the line feed that ends the size line.
    SizeEnd(u64),
    Data(u64),
    /// Behind the payload, before its carriage return.
    DataCr,
    /// Before its line feed.
    DataLf,
    Trailers,
    End,
}

/// What a call found in the bytes it was given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Where the payload stands now.
    pub(crate) payload: Range<usize>,
    /// How many bytes belong to the body: all of them, unless it has ended.
    pub(crate) used: usize,
}

impl Chunked {
    pub(crate) fn new() -> Self {
        Self { state: State::Size(None), line: 0, trailers: Vec::new() }
    }

    /// Has the last chunk with its trailers been read?
    pub(crate) fn ended(&self) -> bool {
        self.state == State::End
    }

    /// Decodes `raw` in place.
    pub(crate) fn decode(&mut self, raw: &mut [u8]) -> Result<Decoded, &'static str> {
        let mut payload = 0..0;
        let mut at = 0;
        while let Some(&byte) = raw.get(at) {
            match self.state {
                State::Size(size) => {
                    self.state = self.size(size, byte)?;
                    at += 1;
                }
                State::Extension(size) => {
                    self.count_line()?;
                    match byte {
                        b'\r' => self.state = State::SizeEnd(size),
                        b'\n' => return Err("a chunk-size line without a carriage return"),
                        _ => {}
                    }
                    at += 1;
                }
                State::SizeEnd(size) => {
                    if byte != b'\n' {
                        return Err("a chunk-size line without a line feed");
                    }
                    self.line = 0;
                    self.state = if size == 0 { State::Trailers } else { State::Data(size) };
                    at += 1;
                }
                State::Data(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(raw.len() - at);
                    if payload.is_empty() {
                        payload = at..at + here;
                    } else {
                        raw.copy_within(at..at + here, payload.end);
                        payload.end += here;
                    }
                    at += here;
                    let left = left - here as u64;
                    self.state = if left == 0 { State::DataCr } else { State::Data(left) };
                }
                State::DataCr if byte == b'\r' => {
                    self.state = State::DataLf;
                    at += 1;
                }
                State::DataLf if byte == b'\n' => {
                    self.state = State::Size(None);
                    at += 1;
                }
                State::DataCr | State::DataLf => return Err("a chunk longer than its size"),
                State::Trailers => {
                    self.trailer(byte)?;
                    at += 1;
                }
                State::End => break,
            }
        }
        Ok(Decoded { payload, used: at })
    }

    fn size(&mut self, size: Option<u64>, byte: u8) -> Result<State, &'static str> {
        self.count_line()?;
        let digit = match (byte, size) {
            (b'0'..=b'9', _) => byte - b'0',
            (b'a'..=b'f', _) => byte - b'a' + 10,
            (b'A'..=b'F', _) => byte - b'A' + 10,
            (b'\r', Some(size)) => return Ok(State::SizeEnd(size)),
            (b';' | b' ' | b'\t', Some(size)) => return Ok(State::Extension(size)),
            _ => return Err("a chunk without a size"),
        };
        let size = size.unwrap_or(0);
        if size >> 56 != 0 {
            return Err("a chunk size beyond all reason");
        }
        Ok(State::Size(Some(size << 4 | u64::from(digit))))
    }

    fn count_line(&mut self) -> Result<(), &'static str> {
        self.line += 1;
        if self.line > MAX_LINE { Err("a chunk-size line longer than 4 KiB") } else { Ok(()) }
    }

    fn trailer(&mut self, byte: u8) -> Result<(), &'static str> {
        if self.trailers.len() == MAX_TRAILERS {
            return Err("trailers larger than 16 KiB");
        }
        self.trailers.push(byte);
        if self.trailers == b"\r\n" || self.trailers.ends_with(b"\r\n\r\n") {
            self.state = State::End;
        }
        Ok(())
    }

    /// The trailers of an ended body; `None` if it has none.
    pub(crate) fn take_trailers(&mut self) -> Result<Option<HeaderMap>, &'static str> {
        let raw = std::mem::take(&mut self.trailers);
        if raw.len() <= 2 {
            return Ok(None);
        }
        let mut fields = [httparse::EMPTY_HEADER; MAX_TRAILER_FIELDS];
        let Ok(httparse::Status::Complete((_, fields))) = httparse::parse_headers(&raw, &mut fields) else {
            return Err("unreadable trailers");
        };
        let mut trailers = HeaderMap::with_capacity(fields.len());
        for field in fields {
            let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| "unreadable trailers")?;
            let value = HeaderValue::from_bytes(field.value).map_err(|_| "unreadable trailers")?;
            trailers.append(name, value);
        }
        Ok(Some(trailers))
    }
}
