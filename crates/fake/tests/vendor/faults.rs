use std::io::{Read, Write};
use std::time::{Duration, Instant};

use remuda_fake::{Chunking, ClockMode, Config, Ending, Fault, Point, Refusal};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, ask, bearer, eventually, key, start, start_with, streaming, with};

async fn scripted(fault: Fault) -> (Client, Vec<(String, String)>) {
    let client = start().await;
    let account = client.subscription("a");
    client.vendor.script(&account, [fault]);
    let auth = bearer(&account.issue_tokens().access_token);
    (client, auth)
}

/// Every row can be had by its name.
#[rstest]
#[case("overloaded", 529, "overloaded_error")]
#[case("api_error", 500, "api_error")]
#[case("timeout", 504, "timeout_error")]
#[case("prompt_too_long", 400, "invalid_request_error")]
#[case("spend_limit", 400, "invalid_request_error")]
#[case("third_party_apps", 400, "invalid_request_error")]
#[case("organization_disabled", 400, "invalid_request_error")]
#[case("payment_required", 402, "billing_error")]
#[case("token_expired", 401, "authentication_error")]
#[case("token_revoked", 403, "permission_error")]
#[case("oauth_not_allowed", 403, "permission_error")]
#[case("only_claude_code", 403, "permission_error")]
#[case("conflict", 409, "conflict_error")]
#[case("too_large", 413, "request_too_large")]
#[case("bare_burst", 429, "rate_limit_error")]
#[case("enforced_spend_limit", 429, "rate_limit_error")]
#[case("fast_mode_credits", 429, "rate_limit_error")]
#[case("extra_usage_required", 429, "rate_limit_error")]
#[tokio::test]
async fn a_row_of_the_error_table_comes_as_scripted(#[case] name: &str, #[case] status: u16, #[case] kind: &str) {
    let refusal: Refusal = serde_json::from_value(json!(name)).unwrap();
    let (client, auth) = scripted(Fault::refuse(refusal)).await;
    let answer = client.message(&auth, &ask("x")).await;
    assert_eq!((answer.status, answer.error_type().as_str()), (status, kind));
    assert_eq!(client.message(&auth, &ask("x")).await.status, 200, "once");
    assert_eq!(client.vendor.pending_faults(), 0);
}

#[tokio::test]
async fn the_edge_answers_in_html_and_an_empty_429_is_empty() {
    let (client, auth) = scripted(Fault::refuse(Refusal::HtmlForbidden)).await;
    client.vendor.script("a", [Fault::refuse(Refusal::EmptyBurst)]);
    let html = client.message(&auth, &ask("x")).await;
    assert_eq!((html.status, html.header("content-type")), (403, Some("text/html; charset=UTF-8")));
    assert!(html.text().contains("Just a moment"));
    let empty = client.message(&auth, &ask("x")).await;
    assert_eq!((empty.status, empty.text().as_str(), empty.header("content-type")), (429, "", None));
    assert!(empty.headers.keys().all(|name| !name.as_str().contains("ratelimit") && name != "retry-after"));
}

#[tokio::test]
async fn a_spend_limit_ends_with_the_month_of_the_vendors_clock() {
    let clock = ClockMode::Simulated(1_796_336_130); // 2026-12-03
    let client = start_with(Config { clock, ..Config::default() }).await;
    let account = client.api_key("k");
    client.vendor.script(
        &account,
        [Fault::refuse(Refusal::EnforcedSpendLimit), Fault::error_event(Refusal::SpendLimit, Point::AfterHandshake)],
    );
    let answer = client.message(&key(account.key()), &ask("x")).await;
    assert!(answer.message().ends_with("You will regain access on 2027-01-01 at 00:00 UTC."), "{}", answer.message());
    assert_eq!(answer.json()["error"]["details"]["error_code"], "enforced_spend_limit_reached");
    assert_eq!(answer.header("retry-after"), None);
    assert!(
        client.message(&key(account.key()), &streaming(ask("x"))).await.text().contains("on 2027-01-01 at 00:00 UTC")
    );
}

#[tokio::test]
async fn faults_meet_whom_what_and_how_often_they_say() {
    let client = start().await;
    let (a, b) = (client.subscription("a"), client.subscription("b"));
    let (a_auth, b_auth) = (bearer(&a.issue_tokens().access_token), bearer(&b.issue_tokens().access_token));
    let opus = with(ask("x"), json!({"model": "claude-opus-5"}));
    client.vendor.script(
        &a,
        [
            Fault::refuse(Refusal::Overloaded).times(2),
            Fault::refuse(Refusal::ApiError).for_model("claude-opus-5"),
            Fault::refuse(Refusal::Timeout).on(remuda_fake::Endpoint::CountTokens),
        ],
    );
    assert_eq!(client.message(&b_auth, &ask("x")).await.status, 200);
    assert_eq!(client.message(&bearer("sk-ant-oat01-nobody"), &ask("x")).await.status, 401);
    for expected in [529, 529, 200] {
        assert_eq!(client.message(&a_auth, &ask("x")).await.status, expected);
    }
    assert_eq!(client.message(&a_auth, &opus).await.status, 500);
    assert_eq!(client.vendor.pending_faults(), 1);
    assert_eq!(client.post("/v1/messages/count_tokens", &a_auth, &ask("x")).await.status, 504);
    client.vendor.script(remuda_fake::Who::Any, [Fault::refuse(Refusal::Conflict)]);
    assert_eq!(client.message(&b_auth, &ask("x")).await.status, 409);
}

#[rstest]
#[case(Refusal::Overloaded, "overloaded_error")]
#[case(Refusal::RateLimit, "rate_limit_error")]
#[case(Refusal::ApiError, "api_error")]
#[tokio::test]
async fn an_error_event_comes_before_or_after_content(#[case] refusal: Refusal, #[case] kind: &str) {
    for (point, before) in [
        (Point::AfterHeaders, vec![]),
        (Point::AfterHandshake, vec!["message_start", "ping"]),
        (Point::AfterContent, vec!["message_start", "content_block_start", "ping", "content_block_delta"]),
        (Point::After(2), vec!["message_start", "content_block_start"]),
    ] {
        let (client, auth) = scripted(Fault::error_event(refusal, point)).await;
        let answer = client.message(&auth, &streaming(ask("one two three"))).await;
        assert_eq!(answer.status, 200);
        let mut names = answer.event_names();
        assert_eq!(names.pop().as_deref(), Some("error"));
        assert_eq!(names, before);
        let (_, error) = answer.events().pop().unwrap();
        assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!(kind)));
        assert!(answer.complete);
        let seen = client.vendor.requests().pop().unwrap();
        assert_eq!((seen.ending, seen.content), (Ending::Broken, point == Point::AfterContent));
    }
}

#[tokio::test]
async fn without_a_stream_an_error_event_is_an_error_status() {
    let (client, auth) = scripted(Fault::error_event(Refusal::Overloaded, Point::AfterContent)).await;
    assert_eq!(client.message(&auth, &ask("x")).await.status, 529);
}

#[tokio::test]
async fn a_stream_can_end_early_properly_or_not() {
    for clean in [true, false] {
        let (client, auth) = scripted(Fault::truncate(Point::AfterContent, clean)).await;
        let answer = client.message(&auth, &streaming(ask("one two three"))).await;
        assert_eq!(answer.complete, clean);
        assert_eq!(answer.event_names().last().map(String::as_str), Some("content_block_delta"));
    }
    let (client, auth) = scripted(Fault::truncate(Point::AfterContent, false)).await;
    let answer = client.message(&auth, &ask("one two three")).await;
    assert!(!answer.complete && !answer.body.is_empty());
}

async fn raw(client: &Client, auth: &[(String, String)], body: &Value) -> TcpStream {
    let mut stream = TcpStream::connect(client.vendor.address()).await.unwrap();
    let body = body.to_string();
    let mut head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n",
        client.vendor.address(),
        body.len()
    );
    auth.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_reset_is_a_reset_before_the_headers_and_in_the_middle() {
    let (client, auth) = scripted(Fault::reset(Point::BeforeHeaders)).await;
    let mut stream = raw(&client, &auth, &streaming(ask("x"))).await;
    let error = stream.read(&mut [0; 16]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(client.vendor.requests()[0].status, None);

    let (client, auth) = scripted(Fault::reset(Point::AfterContent)).await;
    let mut stream = raw(&client, &auth, &streaming(ask("x"))).await;
    let mut read = Vec::new();
    let error = stream.read_to_end(&mut read).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(String::from_utf8_lossy(&read).contains("content_block_delta"), "what came before the reset arrived");
    assert_eq!(client.vendor.requests()[0].ending, Ending::Broken);
}

#[tokio::test]
async fn a_stall_keeps_the_connection_open_and_the_log_knows() {
    let (client, auth) = scripted(Fault::stall(Point::AfterContent)).await;
    let mut stream = raw(&client, &auth, &streaming(ask("x"))).await;
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("text_delta") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
    }
    let nothing = tokio::time::timeout(Duration::from_millis(100), stream.read_buf(&mut read)).await;
    assert!(nothing.is_err(), "neither bytes nor an end");
    assert_eq!(client.vendor.requests()[0].ending, Ending::Broken);
    client.vendor.shutdown().await; // a stalled stream does not hold it up
}

#[tokio::test]
async fn headers_can_be_slow_and_events_can_be_paced() {
    let (client, auth) = scripted(Fault::serve().delayed(Duration::from_millis(120))).await;
    let began = Instant::now();
    assert_eq!(client.message(&auth, &ask("x")).await.status, 200);
    assert!(began.elapsed() >= Duration::from_millis(120));
    client.vendor.script("a", [Fault::serve().paced(Duration::from_millis(10))]);
    let began = Instant::now();
    let answer = client.message(&auth, &streaming(ask("x"))).await;
    assert!(began.elapsed() >= Duration::from_millis(80), "eight events");
    assert!(answer.frames.len() >= 8);
}

#[tokio::test]
async fn any_chunking_carries_the_same_events() {
    let (client, auth) = scripted(Fault::serve().chunked(Chunking::Bytes(1))).await;
    let one = client.message(&auth, &streaming(ask("ü und 🐎"))).await;
    assert!(one.frames.len() > 100);
    client.vendor.script("a", [Fault::serve().chunked(Chunking::Whole), Fault::serve().chunked(Chunking::SplitUtf8)]);
    let whole = client.message(&auth, &streaming(ask("ü und 🐎"))).await;
    assert_eq!(one.event_names(), whole.event_names());
    let split = client.message(&auth, &streaming(ask("plain"))).await;
    assert!(split.frames.iter().any(|frame| std::str::from_utf8(frame).is_err()), "a character is cut");
    assert!(split.text().contains("🐎"));
}

#[tokio::test]
async fn a_whole_stream_in_one_write_is_one_chunk() {
    let (client, auth) = scripted(Fault::serve().chunked(Chunking::Whole)).await;
    let mut stream = raw(&client, &auth, &streaming(ask("x"))).await;
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n0\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
    }
    let text = String::from_utf8(read).unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    let (size, rest) = body.split_once("\r\n").unwrap();
    let size = usize::from_str_radix(size, 16).unwrap();
    assert_eq!(&rest[size..], "\r\n0\r\n\r\n");
}

#[tokio::test]
async fn novelties_stand_between_the_known_events() {
    let (client, auth) = scripted(Fault::serve().with_novelties()).await;
    let answer = client.message(&auth, &streaming(ask("x"))).await;
    let text = answer.text();
    for novelty in [": a comment\n\n", "event: herd_notice\n", "event: mixed_manners\r\nid: 7\r\n", "hoofprint_delta"] {
        assert!(text.contains(novelty), "{novelty}");
    }
    assert!(answer.headers.contains_key("x-herd"));
    let known = ["message_start", "content_block_start", "text_delta", "message_delta", "message_stop"];
    let places: Vec<_> = known.iter().map(|name| text.find(&format!("\"type\":\"{name}\"")).unwrap()).collect();
    assert!(places.is_sorted());
    client.vendor.script("a", [Fault::serve().with_novelties()]);
    assert_eq!(client.message(&auth, &ask("x")).await.json()["herd"]["size"], 3);
}

#[tokio::test]
async fn trailers_follow_for_those_who_take_them() {
    let (client, mut auth) = scripted(Fault::serve().trailer("x-late", "7").header("x-extra", "1")).await;
    auth.push(("te".to_owned(), "trailers".to_owned()));
    let answer = client.message(&auth, &streaming(ask("x"))).await;
    assert_eq!(answer.header("x-extra"), Some("1"));
    assert_eq!(answer.trailers.unwrap()["x-late"], "7");
    assert_eq!(client.vendor.requests()[0].ending, Ending::Complete);
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn compressed_events_can_be_read_as_they_come() {
    let (client, mut auth) = scripted(Fault::serve().compressed()).await;
    client.vendor.script("a", [Fault::serve().compressed(), Fault::serve().compressed()]);
    let plain = client.message(&auth, &streaming(ask("one two"))).await;
    assert_eq!(plain.header("content-encoding"), None, "the client did not ask for it");
    auth.push(("accept-encoding".to_owned(), "gzip, deflate, br, zstd".to_owned()));
    let answer = client.message(&auth, &streaming(ask("one two"))).await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut reader = flate2::write::GzDecoder::new(Vec::new());
    for (at, frame) in answer.frames.iter().enumerate() {
        reader.write_all(frame).unwrap();
        reader.flush().unwrap();
        let whole_events = reader.get_ref().ends_with(b"\n\n");
        assert!(whole_events, "event {at} is there when its bytes are");
    }
    let text = String::from_utf8(reader.finish().unwrap()).unwrap();
    assert!(text.starts_with("event: message_start\n") && text.contains("message_stop"));
    let json = client.message(&auth, &ask("one two")).await;
    let mut text = String::new();
    flate2::read::GzDecoder::new(json.body.as_ref()).read_to_string(&mut text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["type"], "message");
}

#[tokio::test]
async fn an_early_answer_does_not_wait_for_the_body() {
    let (client, auth) = scripted(Fault::refuse(Refusal::RateLimit).early()).await;
    let mut stream = TcpStream::connect(client.vendor.address()).await.unwrap();
    let mut head =
        format!("POST /v1/messages HTTP/1.1\r\nhost: {}\r\ncontent-length: 2000000\r\n", client.vendor.address());
    auth.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n{{").as_bytes()).await.unwrap();
    let mut read = Vec::new();
    stream.read_buf(&mut read).await.unwrap();
    assert!(read.starts_with(b"HTTP/1.1 429 "));
}

#[tokio::test]
async fn retry_after_stands_as_it_was_scripted() {
    let client = start().await;
    let account = client.api_key("k");
    for value in ["1.5", "120", "Sat, 09 Jan 2027 06:40:30 GMT", "-5", "soon"] {
        client.vendor.script(&account, [Fault::refuse(Refusal::RequestsPerMinute).retry_after(value)]);
        assert_eq!(client.message(&key(account.key()), &ask("x")).await.header("retry-after"), Some(value));
    }
    client.vendor.script(&account, [Fault::refuse(Refusal::RequestsPerMinute).retry_after("")]);
    assert_eq!(client.message(&key(account.key()), &ask("x")).await.header("retry-after"), None);
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed() {
    let (client, auth) = scripted(Fault::serve().paced(Duration::from_millis(5))).await;
    let mut stream = raw(&client, &auth, &streaming(ask("count to 1000"))).await;
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("text_delta") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
    }
    drop(stream);
    eventually("the client is gone", || client.vendor.requests()[0].ending == Ending::ClientGone).await;
    assert!(client.vendor.requests()[0].content);
}
