//! Each stage has its deadline; the whole has none.

use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use remuda_upstream::{Error, Origin, Stage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::scripted::{Fed, SECOND, Server, client, client_with, post, read_request, skip};

const SHORT: Duration = Duration::from_millis(50);

fn stage(error: &Error) -> (Stage, bool) {
    match error {
        Error::Timeout { stage, sent, .. } => (*stage, *sent),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn nobody_listening_is_a_connect_error_that_may_be_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin: Origin = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let error = client().send(&origin, post("{}")).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error}");
    assert!(!error.sent() && error.may_resend());
}

#[tokio::test]
async fn a_handshake_that_stalls_is_a_connect_timeout() {
    let server = Server::silent().await;
    let origin = format!("https://127.0.0.1:{}", server.origin.port()).parse().unwrap();
    let client = client_with(|config| config.connect_timeout = SHORT);
    let error = client.send(&origin, post("{}")).await.unwrap_err();
    assert_eq!(stage(&error), (Stage::Connect, false));
    assert!(error.may_resend());
}

#[tokio::test]
async fn a_vendor_that_takes_nothing_is_a_send_timeout() {
    let server = Server::silent().await;
    let client = client_with(|config| config.idle_timeout = SHORT);
    let error = client.send(&server.origin, post(vec![0; 64 << 20])).await.unwrap_err();
    assert_eq!(stage(&error), (Stage::Send, true));
}

#[tokio::test]
async fn a_vendor_that_does_not_answer_is_a_head_timeout() {
    let server = Server::silent().await;
    let client = client_with(|config| config.head_timeout = SHORT);
    let error = client.send(&server.origin, post("{}")).await.unwrap_err();
    assert_eq!(stage(&error), (Stage::Head, true));
    assert!(!error.may_resend());
}

#[tokio::test]
async fn a_half_sent_head_does_not_move_the_deadline() {
    let server = Server::start(|mut socket, _| async move {
        loop {
            if socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_err() {
                return;
            }
            skip(8 * SECOND).await;
        }
    })
    .await;
    let error = client().send(&server.origin, post("{}")).await.unwrap_err();
    assert_eq!(stage(&error), (Stage::Head, true));
}

#[tokio::test]
async fn an_answer_that_falls_silent_is_an_idle_timeout_behind_what_it_said() {
    let server = Server::start(|mut socket, _| async move {
        read_request(&mut socket).await;
        // Long enough for the timer to have been set to the head's deadline, which is further away.
        skip(5 * SECOND).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhi").await.unwrap();
        std::future::pending().await
    })
    .await;
    let client = client_with(|config| (config.idle_timeout, config.head_timeout) = (SHORT, 3600 * SECOND));
    let mut body = client.send(&server.origin, post("{}")).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hi");
    let error = tokio::time::timeout(20 * SECOND, body.frame()).await.unwrap().unwrap().unwrap_err();
    assert_eq!(stage(&error), (Stage::Idle, true));
    assert!(body.frame().await.is_none(), "an error is the last word");
    assert_eq!(client.counts().idle, 0);
}

#[tokio::test]
async fn an_answer_may_take_any_time_as_long_as_it_is_not_silent() {
    let (go, next) = mpsc::unbounded_channel::<()>();
    let next = std::sync::Arc::new(tokio::sync::Mutex::new(next));
    let server = Server::start(move |mut socket, _| {
        let next = std::sync::Arc::clone(&next);
        async move {
            read_request(&mut socket).await;
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n").await.unwrap();
            for _ in 0..10 {
                next.lock().await.recv().await.unwrap();
                skip(15 * SECOND).await;
                socket.write_all(b".").await.unwrap();
            }
        }
    })
    .await;
    let mut body = client().send(&server.origin, post("{}")).await.unwrap().into_body();
    for _ in 0..10 {
        go.send(()).unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), ".");
    }
}

#[tokio::test]
async fn waiting_for_the_callers_own_body_is_not_counted() {
    let (send, mut arrived) = mpsc::unbounded_channel();
    let server = Server::start(move |mut socket, _| {
        let send = send.clone();
        async move {
            let mut taken = Vec::new();
            while !taken.ends_with(b"abcdef") {
                socket.read_buf(&mut taken).await.unwrap();
                send.send(()).unwrap();
            }
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let (feed, body) = Fed::new(6);
    let request = Request::builder().method(Method::POST).uri("/").body(body).unwrap();
    let slowly = async {
        feed.send(Ok("ab".into())).unwrap();
        for piece in ["cd", "ef"] {
            arrived.recv().await.unwrap();
            skip(3600 * SECOND).await;
            feed.send(Ok(piece.into())).unwrap();
        }
    };
    let client = client();
    let (response, ()) = tokio::join!(client.send(&server.origin, request), slowly);
    assert_eq!(response.unwrap().status(), StatusCode::OK);
}
