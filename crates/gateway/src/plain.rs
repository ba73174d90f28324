//! Reading an answer that travels compressed: the client gets the vendor's bytes, a copy is unpacked here so that the
//! stream can be judged and its tokens counted.

use std::io::Write;

use bytes::Bytes;
use flate2::write::{GzDecoder, ZlibDecoder};

/// Unpacks a stream frame by frame.
pub enum Plain {
    /// Not compressed: the bytes themselves, not copied.
    Same,
    /// gzip.
    Gzip(Box<GzDecoder<Vec<u8>>>),
    /// deflate, which on the web means zlib.
    Deflate(Box<ZlibDecoder<Vec<u8>>>),
    /// zstd.
    Zstd(Box<zstd::stream::write::Decoder<'static, Vec<u8>>>),
    /// An encoding we cannot read, or broken data: the stream passes without being inspected.
    Opaque,
}

/// Most bytes one frame may unpack to; beyond it the stream is passed without being inspected.
const MOST_PER_FRAME: usize = 8 * 1024 * 1024;

impl Plain {
    /// For the `content-encoding` of an answer.
    #[must_use]
    pub fn of(content_encoding: Option<&str>) -> Self {
        match content_encoding.map(|e| e.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Self::Same,
            Some("gzip" | "x-gzip") => Self::Gzip(Box::new(GzDecoder::new(Vec::new()))),
            Some("deflate") => Self::Deflate(Box::new(ZlibDecoder::new(Vec::new()))),
            Some("zstd") => zstd::stream::write::Decoder::new(Vec::new())
                .map_or(Self::Opaque, |decoder| Self::Zstd(Box::new(decoder))),
            Some(_) => Self::Opaque,
        }
    }

    /// Can it be read?
    #[must_use]
    pub fn is_readable(&self) -> bool {
        !matches!(self, Self::Opaque)
    }

    /// The readable form of the next frame; empty when nothing can be read (yet).
    pub fn read(&mut self, frame: &Bytes) -> Bytes {
        let unpacked = match self {
            Self::Same => return frame.clone(),
            Self::Opaque => return Bytes::new(),
            Self::Gzip(d) => d.write_all(frame).and_then(|()| d.flush()).map(|()| std::mem::take(d.get_mut())),
            Self::Deflate(d) => d.write_all(frame).and_then(|()| d.flush()).map(|()| std::mem::take(d.get_mut())),
            Self::Zstd(d) => d.write_all(frame).and_then(|()| d.flush()).map(|()| std::mem::take(d.get_mut())),
        };
        match unpacked {
            Ok(bytes) if bytes.len() <= MOST_PER_FRAME => Bytes::from(bytes),
            _ => {
                *self = Self::Opaque;
                Bytes::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        e.write_all(data).unwrap();
        e.finish().unwrap()
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut e = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        e.write_all(data).unwrap();
        e.finish().unwrap()
    }

    proptest! {
        #[test]
        fn any_chunking_unpacks_to_the_same_text(
            text in "[a-z \n]{0,400}",
            cuts in proptest::collection::vec(1usize..60, 1..40),
        ) {
            let packed = [
                ("gzip", gzip(text.as_bytes())),
                ("deflate", zlib(text.as_bytes())),
                ("zstd", zstd::stream::encode_all(text.as_bytes(), 1).unwrap()),
                ("identity", text.clone().into_bytes()),
            ];
            for (name, bytes) in packed {
                let mut plain = Plain::of(Some(name));
                let mut out = Vec::new();
                let mut rest = Bytes::from(bytes);
                for cut in cuts.iter().cycle() {
                    if rest.is_empty() {
                        break;
                    }
                    let piece = rest.split_to((*cut).min(rest.len()));
                    out.extend_from_slice(&plain.read(&piece));
                }
                prop_assert_eq!(String::from_utf8(out).unwrap(), text.clone(), "{}", name);
            }
        }

        #[test]
        fn garbage_is_passed_over_not_fatal(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for name in ["gzip", "deflate", "zstd", "br", "made-up"] {
                let mut plain = Plain::of(Some(name));
                let _ = plain.read(&Bytes::from(bytes.clone()));
                let _ = plain.read(&Bytes::from(bytes.clone()));
            }
        }
    }
}
