//! Undoes the content coding of a collected body, so that it can be peeked at. What is forwarded stays coded.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

/// Window of a zstd body at most: 8 MiB, as RFC 9659 has it for HTTP.
const ZSTD_WINDOW_LOG: u32 = 23;
/// A ratio says nothing about small bodies: up to this size they may become.
const RATIO_COUNTS_FROM: usize = 1 << 20;

/// How large a decoded body may become.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes.
    pub max: usize,
    /// Times the size of the coded body; results below 1 MiB are allowed in any case.
    pub ratio: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max: 32 << 20, ratio: 200 }
    }
}

/// Why a body cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A coding that is not known here.
    #[error("content-encoding {0:?} is not supported; gzip, zstd and identity are")]
    Unsupported(String),
    /// More than [`Limits`] allow.
    #[error("the decoded body is larger than allowed")]
    TooLarge,
    /// Not what its content-encoding says, or cut short.
    #[error("the body is not valid {coding}: {source}")]
    Broken {
        /// `gzip` or `zstd`.
        coding: &'static str,
        /// What the decoder said.
        source: io::Error,
    },
}

/// Is there anything to undo? False for absent, empty and `identity`.
#[must_use]
pub fn is_coded(content_encoding: &str) -> bool {
    codings(content_encoding).next().is_some()
}

/// Decodes `frames` from the codings of a `content-encoding` header, the last one first.
///
/// # Errors
/// If a coding is unknown, the data is broken, or the result exceeds `limits`.
pub fn decode(content_encoding: &str, frames: &[Bytes], limits: Limits) -> Result<Bytes, DecodeError> {
    let mut body = frames.to_vec();
    for coding in codings(content_encoding).rev() {
        body = vec![undo(coding, &body, limits)?];
    }
    Ok(match <[Bytes; 1]>::try_from(body) {
        Ok([whole]) => whole,
        Err(frames) => frames.concat().into(),
    })
}

fn codings(content_encoding: &str) -> impl DoubleEndedIterator<Item = &str> {
    let named = content_encoding.split(',').map(str::trim);
    named.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
}

fn undo(coding: &str, frames: &[Bytes], limits: Limits) -> Result<Bytes, DecodeError> {
    let coded: usize = frames.iter().map(Bytes::len).sum();
    let allowed = limits.max.min(coded.saturating_mul(limits.ratio).max(RATIO_COUNTS_FROM));
    let source = Source { frames, at: &[] };
    match coding.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => read("gzip", MultiGzDecoder::new(source), allowed),
        "zstd" => {
            let broken = |source| DecodeError::Broken { coding: "zstd", source };
            let mut decoder = zstd::stream::read::Decoder::new(source).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(broken)?;
            read("zstd", decoder, allowed)
        }
        _ => Err(DecodeError::Unsupported(coding.to_owned())),
    }
}

fn read(coding: &'static str, decoder: impl Read, allowed: usize) -> Result<Bytes, DecodeError> {
    let mut body = Vec::new();
    let most = u64::try_from(allowed).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(most).read_to_end(&mut body).map_err(|source| DecodeError::Broken { coding, source })?;
    if body.len() > allowed { Err(DecodeError::TooLarge) } else { Ok(body.into()) }
}

/// Frames read as one.
struct Source<'a> {
    frames: &'a [Bytes],
    /// What is left of the frame before them.
    at: &'a [u8],
}

impl Read for Source<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at.is_empty() {
            let Some((first, rest)) = self.frames.split_first() else { return Ok(0) };
            (self.at, self.frames) = (first, rest);
        }
        self.at.read(buf)
    }
}
