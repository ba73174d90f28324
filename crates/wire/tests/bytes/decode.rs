//! Undoing content codings, within limits.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use remuda_wire::decode::{DecodeError, Limits, decode, is_coded};
use rstest::rstest;

use crate::split::{cuts, split};

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::encode_all(body, 3).unwrap()
}

fn frames(body: &[u8]) -> [Bytes; 1] {
    [Bytes::copy_from_slice(body)]
}

proptest! {
    #[test]
    fn what_was_coded_comes_back_from_any_frames(body in prop::collection::vec(any::<u8>(), 0..5000), cuts in cuts(), how in 0..4) {
        let (encoding, coded) = match how {
            0 => ("gzip", gzip(&body)),
            1 => ("ZSTD", zstd(&body)),
            2 => ("identity, gzip , zstd", zstd(&gzip(&body))),
            _ => ("identity", body.clone()),
        };
        let frames: Vec<_> = split(&coded, &cuts).into_iter().map(Bytes::copy_from_slice).collect();
        prop_assert_eq!(decode(encoding, &frames, Limits::default()).unwrap(), body);
    }
}

#[rstest]
#[case("", false)]
#[case("identity", false)]
#[case(" Identity , ", false)]
#[case("gzip", true)]
#[case("identity,zstd", true)]
#[case("br", true)]
fn identity_is_no_coding(#[case] encoding: &str, #[case] coded: bool) {
    assert_eq!(is_coded(encoding), coded);
}

#[test]
fn bodies_of_several_members_come_back_whole() {
    for (encoding, code) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("zstd", zstd)] {
        let coded = [code(b"one "), code(b"two")].concat();
        assert_eq!(decode(encoding, &frames(&coded), Limits::default()).unwrap(), "one two");
    }
}

#[test]
fn an_unknown_coding_is_named() {
    let error = decode("br", &frames(b"x"), Limits::default()).unwrap_err();
    assert!(matches!(&error, DecodeError::Unsupported(coding) if coding == "br"), "{error}");
}

#[rstest]
#[case("gzip", gzip(&[b'x'; 5000]))]
#[case("zstd", zstd(&[b'x'; 5000]))]
fn broken_and_cut_bodies_are_errors(#[case] encoding: &str, #[case] coded: Vec<u8>) {
    for broken in [&coded[..coded.len() - 4], &coded[1..], b"plain"] {
        let error = decode(encoding, &frames(broken), Limits::default()).unwrap_err();
        assert!(matches!(&error, DecodeError::Broken { coding, .. } if *coding == encoding), "{error}");
    }
}

#[rstest]
#[case("gzip", gzip)]
#[case("zstd", zstd)]
fn a_body_that_grows_too_much_is_refused(#[case] encoding: &str, #[case] code: fn(&[u8]) -> Vec<u8>) {
    let coded = code(&vec![0; 3 << 20]);
    let by_size = Limits { max: 2 << 20, ratio: usize::MAX };
    let by_ratio = Limits { max: usize::MAX, ratio: 10 };
    for limits in [by_size, by_ratio] {
        let error = decode(encoding, &frames(&coded), limits).unwrap_err();
        assert!(matches!(error, DecodeError::TooLarge), "{error}");
    }
    let exactly = Limits { max: 3 << 20, ratio: usize::MAX };
    assert_eq!(decode(encoding, &frames(&coded), exactly).unwrap().len(), 3 << 20);
}

#[test]
fn a_small_body_may_be_any_times_its_coded_size() {
    let coded = zstd(&[b'x'; 100_000]);
    assert!(coded.len() * 200 < 100_000);
    assert_eq!(decode("zstd", &frames(&coded), Limits::default()).unwrap().len(), 100_000);
}

#[test]
fn a_zstd_window_beyond_eight_mebibytes_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(&[0; 1000]).unwrap();
    let coded = encoder.finish().unwrap();
    let error = decode("zstd", &frames(&coded), Limits::default()).unwrap_err();
    assert!(matches!(error, DecodeError::Broken { .. }), "{error}");
}
