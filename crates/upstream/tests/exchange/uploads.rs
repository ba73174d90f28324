//! Bodies of requests: whole, or an error that says whether anything had been sent.

use bytes::Bytes;
use http::{Method, Request};
use proptest::prelude::*;
use remuda_upstream::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::scripted::{Fed, Pieces, Server, client, collect, post, read_request, wait_for_close};

/// Answers with the body it got.
async fn echo() -> Server {
    Server::start(|mut socket, _| async move {
        let body = read_request(&mut socket).await.body;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&body).await.unwrap();
    })
    .await
}

fn request<B>(body: B) -> Request<B> {
    Request::builder().method(Method::POST).uri("/").body(body).unwrap()
}

#[tokio::test]
async fn a_body_of_many_megabytes_arrives_whole_in_both_directions() {
    let server = echo().await;
    let body: Vec<u8> = (0..20_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let got = collect(client().send(&server.origin, post(body.clone())).await.unwrap()).await.unwrap().0;
    assert!(got == body);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_frames_arrive_in_order(sizes in prop::collection::vec(0_usize..40_000, 0..120), stated in any::<bool>()) {
        let pieces: Vec<Bytes> = sizes.iter().enumerate().map(|(n, &size)| vec![b'a' + (n % 26) as u8; size].into()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (got, want) = runtime.block_on(async {
            let server = echo().await;
            if stated {
                let (feed, body) = Fed::new(sizes.iter().sum::<usize>() as u64);
                pieces.iter().for_each(|piece| feed.send(Ok(piece.clone())).unwrap());
                drop(feed);
                let answer = client().send(&server.origin, request(body)).await.unwrap();
                (collect(answer).await.unwrap().0, pieces.concat())
            } else {
                let answer = client().send(&server.origin, request(Pieces(pieces.clone().into()))).await.unwrap();
                let mut chunked = Vec::new();
                for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                    chunked.extend(format!("{:x}\r\n", piece.len()).bytes());
                    chunked.extend_from_slice(piece);
                    chunked.extend(b"\r\n");
                }
                chunked.extend(b"0\r\n\r\n");
                (collect(answer).await.unwrap().0, chunked)
            }
        });
        prop_assert!(got == want);
    }
}

#[tokio::test]
async fn a_body_that_fails_before_anything_was_sent_says_so() {
    let server = echo().await;
    let (feed, body) = Fed::new(10);
    feed.send(Err("the client went away")).unwrap();
    let error = client().send(&server.origin, request(body)).await.unwrap_err();
    assert!(matches!(error, Error::Body { sent: false, .. }), "{error}");
    assert!(!error.may_resend(), "the body would fail again");
    assert!(error.to_string().contains("the client went away"));
}

#[tokio::test]
async fn a_body_that_fails_half_way_closes_the_connection() {
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |mut socket, _| {
        let send = send.clone();
        async move {
            let mut taken = Vec::new();
            while !taken.ends_with(b"half") {
                socket.read_buf(&mut taken).await.unwrap();
            }
            send.send("half").unwrap();
            wait_for_close(&mut socket).await;
            send.send("closed").unwrap();
        }
    })
    .await;
    let (feed, body) = Fed::new(8);
    feed.send(Ok("half".into())).unwrap();
    let fail = async {
        assert_eq!(receive.recv().await, Some("half"));
        feed.send(Err("gone")).unwrap();
    };
    let client = client();
    let (sent, ()) = tokio::join!(client.send(&server.origin, request(body)), fail);
    assert!(matches!(sent.unwrap_err(), Error::Body { sent: true, .. }));
    assert_eq!(receive.recv().await, Some("closed"));
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_it_said_is_an_error() {
    for pieces in [&["abc"][..], &["abcde", "f"]] {
        let server = echo().await;
        let (feed, body) = Fed::new(5);
        pieces.iter().for_each(|&piece| feed.send(Ok(piece.into())).unwrap());
        drop(feed);
        let error = client().send(&server.origin, request(body)).await.unwrap_err();
        assert!(matches!(error, Error::Body { .. }), "{error}");
    }
}
