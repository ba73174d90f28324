//! Heads: what the vendor gets to read, and which answers are refused.

use http::{Method, Request, StatusCode, Version};
use http_body_util::Full;
use remuda_upstream::Error;
use rstest::rstest;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::scripted::{Pieces, Server, client, collect, get, post, read_request};

/// A server that passes on what it was sent.
async fn recording() -> (Server, mpsc::UnboundedReceiver<crate::scripted::Taken>) {
    let (send, receive) = mpsc::unbounded_channel();
    let server = Server::start(move |mut socket, _| {
        let send = send.clone();
        async move {
            let taken = read_request(&mut socket).await;
            send.send(taken).unwrap();
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
    })
    .await;
    (server, receive)
}

#[tokio::test]
async fn a_request_goes_out_as_given_with_only_host_and_framing_added() {
    let (server, mut taken) = recording().await;
    let request = Request::builder()
        .method(Method::POST)
        .uri("https://elsewhere.example/v1/messages?beta=true&x=%20y")
        .header("X-App", "cli")
        .header("anthropic-beta", "a")
        .header("anthropic-beta", "b,c")
        .header("host", "elsewhere.example")
        .header("connection", "close")
        .header("content-length", "7")
        .header("expect", "100-continue")
        .body(Full::new("hello".into()))
        .unwrap();
    client().send(&server.origin, request).await.unwrap();
    let taken = taken.recv().await.unwrap();
    let host = format!("127.0.0.1:{}", server.origin.port());
    assert_eq!(
        taken.head,
        format!(
            "POST /v1/messages?beta=true&x=%20y HTTP/1.1\r\nhost: {host}\r\nx-app: cli\r\nanthropic-beta: a\r\n\
             anthropic-beta: b,c\r\ncontent-length: 5\r\n\r\n"
        )
    );
    assert_eq!(taken.body, b"hello");
}

#[tokio::test]
async fn a_body_of_unknown_length_goes_out_in_chunks() {
    let (server, mut taken) = recording().await;
    let pieces = Pieces(["abc".into(), "".into(), "0123456789abcdef".into()].into());
    let request = Request::builder().method(Method::POST).uri("/x").body(pieces).unwrap();
    client().send(&server.origin, request).await.unwrap();
    let taken = taken.recv().await.unwrap();
    assert!(taken.head.ends_with("\r\ntransfer-encoding: chunked\r\n\r\n"), "{}", taken.head);
    assert_eq!(taken.body, b"3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
}

#[rstest]
#[case(Method::GET, false)]
#[case(Method::HEAD, false)]
#[case(Method::DELETE, false)]
#[case(Method::POST, true)]
#[case(Method::PUT, true)]
#[tokio::test]
async fn an_empty_body_is_stated_only_where_one_is_expected(#[case] method: Method, #[case] stated: bool) {
    let (server, mut taken) = recording().await;
    let mut request = get("/v1/models");
    *request.method_mut() = method;
    client().send(&server.origin, request).await.unwrap();
    let head = taken.recv().await.unwrap().head;
    assert_eq!(head.contains("content-length: 0\r\n"), stated, "{head}");
    assert!(!head.contains("transfer-encoding"), "{head}");
}

#[tokio::test]
async fn status_headers_and_repeated_headers_of_an_answer_survive() {
    let raw = b"HTTP/1.1 529 Whatever It Says\r\nRequest-Id: req_1\r\nset-cookie: a\r\nset-cookie: b\r\n\
        x-odd: caf\xe9\r\nanthropic-ratelimit-unified-5h-utilization:0.5\r\ncontent-length: 2\r\n\r\nhi";
    for step in [1, 10, raw.len()] {
        let server = Server::answering(raw.chunks(step).map(<[u8]>::to_vec).collect()).await;
        let response = client().send(&server.origin, post("{}")).await.unwrap();
        assert_eq!(response.status().as_u16(), 529);
        assert_eq!(response.version(), Version::HTTP_11);
        assert_eq!(response.headers()["request-id"], "req_1");
        assert_eq!(response.headers()["anthropic-ratelimit-unified-5h-utilization"], "0.5");
        assert_eq!(response.headers()["x-odd"].as_bytes(), b"caf\xe9");
        assert_eq!(response.headers().get_all("set-cookie").iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(collect(response).await.unwrap().0, b"hi");
    }
}

#[tokio::test]
async fn informational_heads_are_passed_over() {
    let raw = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n\
        HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
    for step in [1, raw.len()] {
        let server = Server::answering(raw.as_bytes().chunks(step).map(<[u8]>::to_vec).collect()).await;
        let response = client().send(&server.origin, post("{}")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers().get("link").is_none());
        assert_eq!(collect(response).await.unwrap().0, b"hi");
    }
}

#[tokio::test]
async fn a_stated_length_beside_chunks_is_dropped() {
    let raw = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    let server = Server::answering(vec![raw.into()]).await;
    let response = client().send(&server.origin, post("{}")).await.unwrap();
    assert!(response.headers().get("content-length").is_none());
    assert_eq!(collect(response).await.unwrap().0, b"hi");
}

#[rstest]
#[case::not_http("SSH-2.0-OpenSSH_9.9\r\n\r\n")]
#[case::http_2("HTTP/2 200\r\n\r\n")]
#[case::no_status("HTTP/1.1 OK\r\n\r\n")]
#[case::status_too_small("HTTP/1.1 099 Low\r\n\r\n")]
#[case::space_before_colon("HTTP/1.1 200 OK\r\nx : y\r\n\r\n")]
#[case::no_colon("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n")]
#[case::nul("HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n")]
#[case::upgrade("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n")]
#[case::two_lengths("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab")]
#[case::signed_length("HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nab")]
#[case::empty_length("HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\nab")]
#[case::length_beyond_u64("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nab")]
#[case::other_coding("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n")]
#[tokio::test]
async fn a_malformed_head_is_an_error_and_its_connection_is_not_kept(#[case] raw: &str) {
    let server = Server::answering(vec![raw.into()]).await;
    let client = client();
    let error = client.send(&server.origin, post("{}")).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    assert!(error.sent() && !error.may_resend());
    assert_eq!(client.counts().idle, 0);
}

#[rstest]
#[case::bytes(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(65 * 1024)))]
#[case::endless("x".repeat(70 * 1024))]
#[case::fields(format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(257)))]
#[case::informational("HTTP/1.1 100 Continue\r\n\r\n".repeat(17))]
#[tokio::test]
async fn a_head_is_bounded(#[case] raw: String) {
    let server = Server::answering(vec![raw.into_bytes()]).await;
    let error = client().send(&server.origin, post("{}")).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[rstest]
#[case::bytes(format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: {}\r\n\r\n", "y".repeat(60 * 1024)))]
#[case::fields(format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{}\r\n", "x: y\r\n".repeat(255)))]
#[tokio::test]
async fn a_large_head_below_the_bound_passes(#[case] raw: String) {
    let server = Server::answering(vec![raw.into_bytes()]).await;
    assert_eq!(client().send(&server.origin, post("{}")).await.unwrap().status(), StatusCode::OK);
}
