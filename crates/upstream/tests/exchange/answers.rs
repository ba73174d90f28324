//! Bodies of answers: every framing, split anywhere, gives exactly the vendor's bytes, and never a false end.

use http_body::Body;
use http_body_util::BodyExt;
use proptest::prelude::*;
use remuda_upstream::{Client, Error};
use rstest::rstest;

use crate::scripted::{Server, client, collect, get, post};

/// How the scripted vendor frames its body.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Length,
    Chunked,
    UntilClose,
}

fn answer(framing: Framing, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut raw = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n".to_vec();
    match framing {
        Framing::Length => {
            let length: usize = chunks.iter().map(Vec::len).sum();
            raw.extend(format!("content-length: {length}\r\n\r\n").bytes());
            raw.extend(chunks.concat());
        }
        Framing::UntilClose => {
            raw.extend(b"\r\n");
            raw.extend(chunks.concat());
        }
        Framing::Chunked => {
            raw.extend(b"transfer-encoding: chunked\r\n\r\n");
            for (nth, chunk) in chunks.iter().filter(|chunk| !chunk.is_empty()).enumerate() {
                let extension = ["", ";a=b", " ; x=\"y\""][nth % 3];
                raw.extend(format!("{:X}{extension}\r\n", chunk.len()).bytes());
                raw.extend(chunk);
                raw.extend(b"\r\n");
            }
            raw.extend(b"0\r\n\r\n");
        }
    }
    raw
}

fn split(raw: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(raw.len() + 1)).collect();
    cuts.extend([0, raw.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| raw[pair[0]..pair[1]].to_vec()).filter(|piece| !piece.is_empty()).collect()
}

/// Bytes that do not repeat at any place where they could be mistaken.
fn chunk((size, seed): (usize, u8)) -> Vec<u8> {
    (0..size).map(|at| (at as u32 ^ u32::from(seed)).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

async fn fetch(client: &Client, pieces: Vec<Vec<u8>>) -> Result<Vec<u8>, Error> {
    let server = Server::answering(pieces).await;
    let response = client.send(&server.origin, post("{}")).await?;
    collect(response).await.map(|(body, _)| body)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_chunking_and_any_splitting_gives_exactly_the_bytes(
        framing in prop_oneof![Just(Framing::Length), Just(Framing::Chunked), Just(Framing::UntilClose)],
        chunks in prop::collection::vec((0_usize..20_000, any::<u8>()).prop_map(chunk), 0..20),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let got = runtime.block_on(async { fetch(&client(), split(&answer(framing, &chunks), &cuts)).await });
        prop_assert_eq!(got.unwrap(), chunks.concat());
    }

    #[test]
    fn a_body_cut_anywhere_is_an_error_and_never_a_clean_end(
        chunked in any::<bool>(),
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..5),
        cut in any::<prop::sample::Index>(),
    ) {
        let raw = answer(if chunked { Framing::Chunked } else { Framing::Length }, &chunks);
        let cut = cut.index(raw.len());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let got = runtime.block_on(async { fetch(&client(), split(&raw[..cut], &[])).await });
        let head = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        match got {
            Err(Error::Closed { before_head, .. }) => prop_assert_eq!(before_head, cut < head),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

#[tokio::test]
async fn what_one_write_brought_comes_as_one_frame() {
    let chunks: Vec<_> = (0..20).map(|n| format!("event: ping\ndata: {n:0140}\n\n").into_bytes()).collect();
    let server = Server::answering(vec![answer(Framing::Chunked, &chunks)]).await;
    let mut body = client().send(&server.origin, post("{}")).await.unwrap().into_body();
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), chunks.concat());
    assert!(body.is_end_stream(), "the end is known with the last frame, so that it can be written with it");
}

#[tokio::test]
async fn trailers_are_delivered_behind_the_data() {
    let raw = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\nX-Sum: 2\r\n\r\n";
    for step in [1, 7, raw.len()] {
        let server = Server::answering(raw.as_bytes().chunks(step).map(<[u8]>::to_vec).collect()).await;
        let client = client();
        let (body, trailers) = collect(client.send(&server.origin, post("{}")).await.unwrap()).await.unwrap();
        assert_eq!(body, b"abc");
        let trailers = trailers.unwrap();
        assert_eq!(trailers.get_all("x-sum").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(client.counts().idle, 1, "trailers end a body like any other");
    }
}

#[rstest]
#[case::head("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")]
#[case::no_content("POST", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n")]
#[case::not_modified("GET", "HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n")]
#[case::nothing("POST", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")]
#[tokio::test]
async fn an_answer_without_a_body_ends_at_once_and_frees_its_connection(#[case] method: &str, #[case] raw: &str) {
    let server = Server::answering(vec![raw.into()]).await;
    let client = client();
    let mut request = get("/");
    *request.method_mut() = method.parse().unwrap();
    let response = client.send(&server.origin, request).await.unwrap();
    assert!(response.body().is_end_stream());
    assert_eq!(client.counts().idle, 1);
    assert_eq!(collect(response).await.unwrap().0, b"");
}

#[rstest]
#[case::no_size("\r\n")]
#[case::no_hex("xyz\r\n")]
#[case::negative("-1\r\nab\r\n0\r\n\r\n")]
#[case::beyond_reason("fffffffffffffffff\r\n")]
#[case::longer_than_said("2\r\nabc\r\n0\r\n\r\n")]
#[case::bare_line_feed("3\nabc\n0\n\n")]
#[case::bare_line_feed_in_extension("3;a\nabc\r\n0\r\n\r\n")]
#[case::broken_trailer("0\r\nno colon\r\n\r\n")]
#[tokio::test]
async fn a_broken_chunk_is_an_error(#[case] body: &str) {
    let raw = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}");
    let server = Server::answering(vec![raw.into()]).await;
    let client = client();
    let error = collect(client.send(&server.origin, post("{}")).await.unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    assert_eq!(client.counts().idle, 0);
}

#[rstest]
#[case::extension(format!("3;{}\r\nabc\r\n0\r\n\r\n", "x".repeat(5000)))]
#[case::trailers(format!("0\r\nx: {}\r\n\r\n", "x".repeat(20_000)))]
#[case::many_trailers(format!("0\r\n{}\r\n", "x: y\r\n".repeat(65)))]
#[tokio::test]
async fn chunk_extensions_and_trailers_are_bounded(#[case] body: String) {
    let raw = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}");
    let server = Server::answering(vec![raw.into()]).await;
    let error = collect(client().send(&server.origin, post("{}")).await.unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}
