//! Answers that come before the request has been taken whole.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::scripted::{Fed, Server, client, client_with, collect, post, wait_for_close};

const REFUSAL: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 9\r\n\r\nexhausted";

/// Reads the head of a request and nothing of its body beyond the same read.
async fn read_head(socket: &mut TcpStream) {
    let mut raw = Vec::new();
    while memchr::memmem::find(&raw, b"\r\n\r\n").is_none() {
        assert!(socket.read_buf(&mut raw).await.unwrap() > 0);
    }
}

#[tokio::test]
async fn a_refusal_during_a_large_upload_is_returned_at_once_and_ends_the_upload() {
    let server = Server::start(|mut socket, _| async move {
        read_head(&mut socket).await;
        socket.write_all(REFUSAL).await.unwrap();
        // Neither reads on nor closes: only the client can end this.
        std::future::pending().await
    })
    .await;
    let client = client();
    let response = client.send(&server.origin, post(vec![b'x'; 64 << 20])).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(collect(response).await.unwrap().0, b"exhausted");
    assert_eq!(client.counts().idle, 0, "the vendor still waits for the rest of the body on this connection");
}

#[tokio::test]
async fn a_refusal_behind_a_failed_write_is_read() {
    let server = Server::start(|mut socket, _| async move {
        read_head(&mut socket).await;
        socket.write_all(REFUSAL).await.unwrap();
        // Closing with unread bytes resets the connection: the client's next write fails.
    })
    .await;
    let client = client();
    // More than the buffers of a socket hold, so that the write is under way when the connection breaks.
    let body = Bytes::from(vec![b'x'; 32 << 20]);
    for _ in 0..20 {
        let response = client.send(&server.origin, post(body.clone())).await.unwrap();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(collect(response).await.unwrap().0, b"exhausted");
    }
}

#[tokio::test]
async fn a_failed_write_without_an_answer_is_an_error_that_blames_the_connection() {
    let server = Server::start(|mut socket, _| async move { read_head(&mut socket).await }).await;
    let error = client().send(&server.origin, post(vec![b'x'; 16 << 20])).await.unwrap_err();
    assert!(matches!(error, remuda_upstream::Error::Write { .. } | remuda_upstream::Error::Closed { .. }), "{error}");
    assert!(error.sent() && !error.may_resend());
}

#[tokio::test]
async fn an_answer_that_begins_early_goes_on_while_the_request_is_still_written() {
    let length = 8 << 20;
    let server = Server::start(move |mut socket, _| async move {
        read_head(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n").await.unwrap();
        let mut piece = vec![0; 65_536];
        let mut read = 0;
        while read == 0 || piece[read - 1] != b'!' {
            read = socket.read(&mut piece).await.unwrap();
            assert!(read > 0, "the request ended early");
        }
        socket.write_all(b"5\r\nwhole\r\n0\r\n\r\n").await.unwrap();
        wait_for_close(&mut socket).await;
    })
    .await;
    let (feed, body) = Fed::new(length + 1);
    let request = Request::builder().method(Method::POST).uri("/").body(body).unwrap();
    feed.send(Ok(Bytes::from_static(b"x"))).unwrap();
    let client = client();
    let response = client.send(&server.origin, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hi");
    feed.send(Ok(vec![b'x'; usize::try_from(length).unwrap() - 1].into())).unwrap();
    feed.send(Ok(Bytes::from_static(b"!"))).unwrap();
    drop(feed);
    assert_eq!(body.collect().await.unwrap().to_bytes(), "whole");
    assert_eq!(client.counts().idle, 1, "both directions ended in order");
}

#[tokio::test]
async fn behind_a_refusal_no_more_of_the_request_is_sent() {
    let (report, mut rests) = mpsc::unbounded_channel();
    let (end, ends) = mpsc::unbounded_channel();
    let ends = std::sync::Mutex::new(Some(ends));
    let server = Server::start(move |mut socket, _| {
        let (report, mut ends) = (report.clone(), ends.lock().unwrap().take().unwrap());
        async move {
            read_head(&mut socket).await;
            socket.write_all(b"HTTP/1.1 429 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n").await.unwrap();
            ends.recv().await.unwrap();
            socket.write_all(b"1\r\n!\r\n0\r\n\r\n").await.unwrap();
            let mut rest = Vec::new();
            let _ = socket.read_to_end(&mut rest).await;
            report.send(rest.len()).unwrap();
        }
    })
    .await;
    let (feed, body) = Fed::new(100);
    let request = Request::builder().method(Method::POST).uri("/").body(body).unwrap();
    let mut body = client().send(&server.origin, request).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "no");
    // Nobody takes it any more.
    let _ = feed.send(Ok(vec![b'x'; 50].into()));
    end.send(()).unwrap();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "!");
    assert_eq!(rests.recv().await, Some(0));
}

#[tokio::test]
async fn an_early_answer_that_ends_before_the_request_costs_the_connection_only() {
    let server = Server::start(|mut socket, _| async move {
        read_head(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
        wait_for_close(&mut socket).await;
    })
    .await;
    let (_feed, body) = Fed::new(100);
    let request = Request::builder().method(Method::POST).uri("/").body(body).unwrap();
    let client = client();
    assert_eq!(collect(client.send(&server.origin, request).await.unwrap()).await.unwrap().0, b"hi");
    assert_eq!(client.counts().idle, 0);
}

#[tokio::test]
async fn a_kept_connection_that_refuses_early_is_not_taken_for_a_closed_one() {
    let (seen, mut requests) = mpsc::unbounded_channel();
    let server = Server::start(move |mut socket, nth| {
        let seen = seen.clone();
        async move {
            read_head(&mut socket).await;
            seen.send(nth).unwrap();
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            read_head(&mut socket).await;
            seen.send(nth).unwrap();
            socket.write_all(REFUSAL).await.unwrap();
        }
    })
    .await;
    let client = client_with(|_| {});
    client.send(&server.origin, post("{}")).await.unwrap();
    let response = client.send(&server.origin, post(vec![b'x'; 2 << 20])).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((requests.recv().await, requests.recv().await), (Some(0), Some(0)));
    assert_eq!((server.accepted(), client.counts().resent), (1, 0));
}
