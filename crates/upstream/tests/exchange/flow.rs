//! The caller sets the pace, and walking away is felt by the vendor.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::scripted::{SECOND, Server, client, post, read_request, wait_for_close};

#[tokio::test]
async fn a_slow_reader_slows_the_vendor_and_gets_every_byte() {
    const TOTAL: usize = 64 << 20;
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let server = Server::start(move |mut socket, _| {
        let counter = Arc::clone(&counter);
        async move {
            read_request(&mut socket).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {TOTAL}\r\n\r\n");
            socket.write_all(head.as_bytes()).await.unwrap();
            for _ in 0..TOTAL / 65_536 {
                socket.write_all(&[7; 65_536]).await.unwrap();
                counter.fetch_add(65_536, Ordering::SeqCst);
            }
        }
    })
    .await;
    let mut body = client().send(&server.origin, post("{}")).await.unwrap().into_body();
    let mut got = body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    let mut before = usize::MAX;
    while before != written.load(Ordering::SeqCst) {
        before = written.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(before < TOTAL / 2, "{before} bytes were taken from the vendor for a reader that took {got}");
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        assert!(data.len() <= 512 * 1024, "a frame of {} bytes", data.len());
        assert!(data.iter().all(|&byte| byte == 7));
        got += data.len();
    }
    assert_eq!(got, TOTAL);
}

/// Reports the end of the connection after `beginning` was answered.
async fn watching(beginning: &'static [u8]) -> (Server, mpsc::UnboundedReceiver<&'static str>) {
    let (send, receive) = mpsc::unbounded_channel();
    let server = Server::start(move |mut socket, _| {
        let send = send.clone();
        async move {
            read_request(&mut socket).await;
            socket.write_all(beginning).await.unwrap();
            send.send("answered").unwrap();
            wait_for_close(&mut socket).await;
            send.send("closed").unwrap();
        }
    })
    .await;
    (server, receive)
}

#[tokio::test]
async fn dropping_a_body_before_its_end_closes_the_vendors_connection() {
    let (server, mut events) = watching(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n").await;
    let client = client();
    let mut body = client.send(&server.origin, post("{}")).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(client.counts().idle, 0);
    assert_eq!(events.recv().await, Some("answered"));
    assert_eq!(tokio::time::timeout(10 * SECOND, events.recv()).await.unwrap(), Some("closed"));
}

#[tokio::test]
async fn dropping_a_request_that_waits_for_its_answer_closes_the_vendors_connection() {
    let (server, mut events) = watching(b"").await;
    let client = client();
    {
        let sending = client.send(&server.origin, post("{}"));
        tokio::pin!(sending);
        tokio::select! {
            _ = &mut sending => panic!("nobody answered"),
            event = events.recv() => assert_eq!(event, Some("answered")),
        }
    }
    assert_eq!(tokio::time::timeout(10 * SECOND, events.recv()).await.unwrap(), Some("closed"));
}
