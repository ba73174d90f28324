//! Asking for another protocol.

use http::{Method, Request};
use http_body_util::BodyExt;
use remuda_upstream::{Client, Config, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::scripted::*;

fn wish() -> Request<()> {
    let request = Request::builder().method(Method::GET).uri("/socket?x=1");
    request.header("upgrade", "websocket").header("sec-websocket-key", "k").body(()).unwrap()
}

#[tokio::test]
async fn behind_a_yes_both_sides_speak_what_they_like() {
    let server = Server::start(|mut socket, _| async move {
        let head = read_request(&mut socket).await.head.to_ascii_lowercase();
        assert!(head.starts_with("get /socket?x=1 http/1.1"), "{head}");
        assert!(head.contains("connection: upgrade\r\n") && head.contains("upgrade: websocket\r\n"), "{head}");
        assert!(!head.contains("content-length") && !head.contains("transfer-encoding"), "{head}");
        let yes = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nx-own: 1\r\n\r\nfirst";
        socket.write_all(yes.as_bytes()).await.unwrap();
        let mut asked = [0; 4];
        socket.read_exact(&mut asked).await.unwrap();
        assert_eq!(&asked, b"ping");
        socket.write_all(b"pong").await.unwrap();
    })
    .await;
    let client = Client::new(Config::default()).unwrap();
    let Upgrade::Switched(headers, mut connection) = client.upgrade(&server.origin, wish()).await.unwrap() else {
        panic!("refused")
    };
    assert_eq!(headers["x-own"], "1");
    let mut first = [0; 5];
    connection.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"first", "what came with the head is not lost");
    connection.write_all(b"ping").await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"pong");
}

#[tokio::test]
async fn a_no_is_an_ordinary_answer() {
    let no = b"HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\n\r\nno".to_vec();
    let server = Server::answering(vec![no]).await;
    let client = Client::new(Config::default()).unwrap();
    let Upgrade::Refused(answer) = client.upgrade(&server.origin, wish()).await.unwrap() else { panic!("switched") };
    assert_eq!(answer.status(), 426);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "no");
}
