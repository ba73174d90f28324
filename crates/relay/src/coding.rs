//! Compression of what travels: raw deflate (RFC 1951), the one coding that Cloudflare's runtime and this crate share.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// Bytes that cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodingError {
    /// They are no deflate stream, or go on behind its end.
    #[error("unreadable compressed data")]
    Unreadable,
    /// They unpack to more than is taken.
    #[error("compressed data unpacks to more than is allowed")]
    TooLarge,
}

/// The packed bytes, if they are fewer.
#[must_use]
pub fn pack(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::new(6));
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().filter(|packed| packed.len() < plain.len())
}

/// The plain bytes, at most `most`.
///
/// # Errors
/// See [`CodingError`].
pub fn unpack(packed: &[u8], most: usize) -> Result<Vec<u8>, CodingError> {
    let mut plain = Vec::new();
    let mut decoder = DeflateDecoder::new(packed);
    decoder.by_ref().take(most as u64 + 1).read_to_end(&mut plain).map_err(|_| CodingError::Unreadable)?;
    if plain.len() > most {
        return Err(CodingError::TooLarge);
    }
    if decoder.total_in() == packed.len() as u64 { Ok(plain) } else { Err(CodingError::Unreadable) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(plain in "[a-c]{30,300}") {
            let packed = pack(plain.as_bytes()).unwrap();
            prop_assert_eq!(unpack(&packed, plain.len()).unwrap(), plain.as_bytes());
            prop_assert_eq!(unpack(&packed, plain.len() - 1), Err(CodingError::TooLarge));
            prop_assert_eq!(unpack(&[&packed[..], b"x"].concat(), plain.len()), Err(CodingError::Unreadable));
            prop_assert!(unpack(&packed[..packed.len() - 1], plain.len()).is_err());
        }

        #[test]
        fn any_bytes_are_unpacked_within_bounds_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(plain) = unpack(&bytes, 1000) {
                prop_assert!(plain.len() <= 1000);
            }
        }
    }

    #[test]
    fn what_would_grow_is_left_as_it_is() {
        assert_eq!(pack(b""), None);
        assert_eq!(pack(&[7, 200, 3]), None);
    }
}
