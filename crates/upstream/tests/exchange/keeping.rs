//! Connections between requests: kept, reused, found closed, thrown away.

use http_body_util::BodyExt;
use remuda_upstream::{Counts, Error};
use rstest::rstest;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::scripted::{SECOND, Server, client, client_with, collect, post, read_request, skip, until, wait_for_close};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

/// Answers every request of every connection.
async fn willing() -> Server {
    Server::start(|mut socket, _| async move {
        while !read_request(&mut socket).await.head.is_empty() {
            socket.write_all(OK).await.unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn requests_one_after_the_other_share_a_connection() {
    let server = willing().await;
    let client = client();
    for _ in 0..10 {
        collect(client.clone().send(&server.origin, post("{}")).await.unwrap()).await.unwrap();
    }
    assert_eq!(server.accepted(), 1);
    assert_eq!(client.counts(), Counts { opened: 1, reused: 9, resent: 0, idle: 1 });
}

#[tokio::test]
async fn requests_at_the_same_time_have_a_connection_each_and_the_last_used_is_used_first() {
    let server = willing().await;
    let client = client();
    let first = client.send(&server.origin, post("{}")).await.unwrap();
    let second = client.send(&server.origin, post("{}")).await.unwrap();
    assert_eq!(server.accepted(), 2);
    collect(first).await.unwrap();
    skip(30 * SECOND).await;
    collect(second).await.unwrap();
    skip(40 * SECOND).await;
    // The first has waited 70 s, the second 40 s: had the first been taken, a third would have been opened.
    collect(client.send(&server.origin, post("{}")).await.unwrap()).await.unwrap();
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_connection_that_waited_too_long_is_not_used_again() {
    let server = willing().await;
    let client = client_with(|config| config.keep_idle_for = 60 * SECOND);
    collect(client.send(&server.origin, post("{}")).await.unwrap()).await.unwrap();
    skip(61 * SECOND).await;
    collect(client.send(&server.origin, post("{}")).await.unwrap()).await.unwrap();
    assert_eq!(server.accepted(), 2);
    assert_eq!(client.counts().idle, 1);
    skip(61 * SECOND).await;
    client.close_expired();
    assert_eq!(client.counts().idle, 0);
}

#[tokio::test]
async fn unused_connections_are_bounded_per_origin_and_in_all_and_the_oldest_goes_first() {
    let (one, other) = (willing().await, willing().await);
    let client = client_with(|config| (config.max_idle_per_origin, config.max_idle) = (2, 3));
    let mut answers = Vec::new();
    for server in [&one, &one, &one, &other, &other] {
        answers.push(client.send(&server.origin, post("{}")).await.unwrap());
    }
    for (answer, idle) in answers.into_iter().zip([1, 2, 2, 3, 3]) {
        collect(answer).await.unwrap();
        assert_eq!(client.counts().idle, idle);
    }
    // Left are one connection to the first origin and two to the second.
    let mut answers = Vec::new();
    for server in [&one, &one, &other, &other] {
        answers.push(client.send(&server.origin, post("{}")).await.unwrap());
    }
    assert_eq!((one.accepted(), other.accepted()), (4, 2));
    drop(answers);
    client.close_idle();
    assert_eq!(client.counts().idle, 0);
}

#[rstest]
#[case::close("HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 2\r\n\r\nhi", false)]
#[case::close_among_others("HTTP/1.1 200 OK\r\nconnection: x, close\r\ncontent-length: 2\r\n\r\nhi", false)]
#[case::old_version("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi", false)]
#[case::old_version_kept("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nhi", true)]
#[case::bytes_behind_the_end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi!", false)]
#[case::bytes_behind_the_last_chunk(
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n!",
    false
)]
#[case::chunks("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", true)]
#[tokio::test]
async fn a_connection_is_kept_only_if_the_answer_allows_it(#[case] raw: &'static str, #[case] kept: bool) {
    let server = Server::start(move |mut socket, _| async move {
        read_request(&mut socket).await;
        socket.write_all(raw.as_bytes()).await.unwrap();
        wait_for_close(&mut socket).await;
    })
    .await;
    let client = client();
    assert_eq!(collect(client.send(&server.origin, post("{}")).await.unwrap()).await.unwrap().0, b"hi");
    assert_eq!(client.counts().idle, usize::from(kept));
}

/// The first connection answers once and then does to the second request what `fate` says; others answer.
async fn fateful(fate: &'static [u8]) -> (Server, mpsc::UnboundedReceiver<(usize, usize)>) {
    let (send, receive) = mpsc::unbounded_channel();
    let server = Server::start(move |mut socket, nth| {
        let send = send.clone();
        async move {
            send.send((nth, read_request(&mut socket).await.body.len())).unwrap();
            socket.write_all(OK).await.unwrap();
            send.send((nth, read_request(&mut socket).await.body.len())).unwrap();
            socket.write_all(fate).await.unwrap();
        }
    })
    .await;
    (server, receive)
}

#[tokio::test]
async fn a_request_that_met_a_closed_connection_is_sent_again_whole() {
    let (server, mut requests) = fateful(b"").await;
    let client = client();
    collect(client.send(&server.origin, post("{}")).await.unwrap()).await.unwrap();
    let response = client.send(&server.origin, post(vec![b'x'; 100_000])).await.unwrap();
    assert_eq!(collect(response).await.unwrap().0, b"hi");
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(requests.recv().await.unwrap());
    }
    assert_eq!(seen, [(0, 2), (0, 100_000), (1, 100_000)]);
    assert_eq!(client.counts(), Counts { opened: 2, reused: 1, resent: 1, idle: 1 });
}

#[tokio::test]
async fn a_request_whose_answer_has_begun_is_not_sent_again() {
    let (server, _requests) = fateful(b"HTTP/1.1 2").await;
    let client = client();
    collect(client.send(&server.origin, post("{}")).await.unwrap()).await.unwrap();
    let error = client.send(&server.origin, post("{}")).await.unwrap_err();
    assert!(matches!(error, Error::Closed { before_head: true, .. }), "{error}");
    assert!(error.sent());
    assert_eq!((server.accepted(), client.counts().resent), (1, 0));
}

#[tokio::test]
async fn a_request_that_was_worked_on_for_a_while_is_not_sent_again() {
    let server = Server::start(|mut socket, _| async move {
        read_request(&mut socket).await;
        socket.write_all(OK).await.unwrap();
        read_request(&mut socket).await;
        skip(3 * SECOND).await;
    })
    .await;
    let client = client();
    collect(client.send(&server.origin, post("{}")).await.unwrap()).await.unwrap();
    let error = client.send(&server.origin, post("{}")).await.unwrap_err();
    assert!(matches!(error, Error::Closed { before_head: true, .. }), "{error}");
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_fresh_connection_that_closes_is_not_tried_again() {
    let server = Server::start(|mut socket, _| async move {
        read_request(&mut socket).await;
    })
    .await;
    let error = client().send(&server.origin, post("{}")).await.unwrap_err();
    assert!(matches!(error, Error::Closed { before_head: true, .. }), "{error}");
    assert_eq!(server.accepted(), 1);
}

#[rstest]
#[case::closed(b"")]
#[case::timed_out(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")]
#[tokio::test]
async fn a_kept_connection_that_said_something_or_closed_is_thrown_away(#[case] unasked: &'static [u8]) {
    let server = Server::start(move |mut socket, nth| async move {
        read_request(&mut socket).await;
        socket.write_all(OK).await.unwrap();
        if nth == 0 {
            socket.write_all(unasked).await.unwrap();
            if !unasked.is_empty() {
                wait_for_close(&mut socket).await;
            }
        } else {
            wait_for_close(&mut socket).await;
        }
    })
    .await;
    let client = client();
    let response = client.send(&server.origin, post("{}")).await.unwrap();
    let mut body = response.into_body();
    // The unasked bytes may arrive with the answer or behind it; either way the connection must go.
    body.frame().await.unwrap().unwrap();
    until(|| {
        client.close_expired();
        client.counts().idle == 0
    })
    .await;
    collect(client.send(&server.origin, post("{}")).await.unwrap()).await.unwrap();
    assert_eq!(client.counts(), Counts { opened: 2, reused: 0, resent: 0, idle: 1 });
}

#[tokio::test]
async fn nothing_is_kept_when_keeping_is_switched_off() {
    let server = willing().await;
    let client = client_with(|config| config.max_idle = 0);
    for _ in 0..3 {
        collect(client.send(&server.origin, post("{}")).await.unwrap()).await.unwrap();
    }
    assert_eq!(server.accepted(), 3);
    assert_eq!(client.counts().idle, 0);
}
