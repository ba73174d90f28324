//! Bytes are sacred, in both directions.

use bytes::Bytes;
use proptest::prelude::*;
use remuda_core::{CostClass, Host};
use secrecy::ExposeSecret;

use crate::script::{Play, Script, chunked};
use crate::world::{World, body, spoken};

const STREAM: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n: a comment\n\nevent: brand_new_event\ndata: {\"type\":\"brand_new_event\",\"x\":\"\u{1F40E}\"}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"h\u{e9}llo\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":7}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

async fn scripted(plays: Vec<Play>) -> (World, Script) {
    let script = Script::start(plays).await;
    let mut world = World::new().await;
    world.key_at("scripted", &script.url).await;
    (world, script)
}

#[test]
fn for_any_chunking_of_any_stream_the_client_sees_exactly_the_upstreams_bytes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let strategy = (
        // Mutilated and extended streams too: whatever it is, it passes.
        prop_oneof![
            Just(STREAM.as_bytes().to_vec()),
            proptest::collection::vec(any::<u8>(), 0..400).prop_map(|noise| [&noise[..], b"\n\ndata: {}\n\n"].concat()),
            (0..STREAM.len()).prop_map(|n| [&STREAM.as_bytes()[..n], b"\n\nevent: x\ndata: {}\n\n"].concat()),
            Just(STREAM.replace('\n', "\r\n").into_bytes()),
        ],
        proptest::collection::vec(1usize..200, 1..6),
        proptest::collection::vec(1usize..400, 1..6),
    );
    let nothing_yet = Play { pieces: Vec::new(), close: true };
    let (world, script) = runtime.block_on(scripted(vec![nothing_yet]));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(400));
    runner
        .run(&strategy, |(bytes, chunks, writes)| {
            script.set(chunked(&bytes, &chunks, &writes, "content-type: text/event-stream\r\n"));
            runtime.block_on(async {
                let response = world.ask("s", "hi").send().await.unwrap();
                let status = response.status();
                let seen = response.bytes().await.unwrap();
                assert_eq!(status, 200, "{seen:?}");
                assert_eq!(seen, Bytes::from(bytes));
            });
            Ok(())
        })
        .unwrap();
    runtime.block_on(world.end());
}

#[tokio::test]
async fn a_compressed_stream_passes_packed_and_is_counted_all_the_same() {
    use std::io::Write;
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(STREAM.as_bytes()).unwrap();
    let packed = gz.finish().unwrap();
    let headers = "content-type: text/event-stream\r\ncontent-encoding: gzip\r\n";
    let (world, _script) = scripted(vec![chunked(&packed, &[37], &[50], headers)]).await;
    let response = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(response.bytes().await.unwrap(), packed);
    let record = world.record().await;
    assert_eq!((record.tokens.input, record.tokens.output), (Some(3), Some(7)));
    world.end().await;
}

#[tokio::test]
async fn unknown_headers_and_status_codes_of_the_vendor_pass() {
    let wire = b"HTTP/1.1 207 Whatever\r\ncontent-length: 2\r\nx-new-thing: 1\r\nx-new-thing: 2\r\nconnection: keep-alive, x-hop\r\nx-hop: 1\r\n\r\nok";
    let (world, _script) = scripted(vec![Play { pieces: vec![wire.to_vec()], close: false }]).await;
    let response = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(response.status(), 207);
    assert_eq!(response.headers().get_all("x-new-thing").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert!(!response.headers().contains_key("x-hop"));
    assert_eq!(response.text().await.unwrap(), "ok");
    world.end().await;
}

#[tokio::test]
async fn a_request_reaches_the_vendor_with_its_own_bytes_and_headers_and_only_the_credential_replaced() {
    let mut world = World::new().await;
    world.subscription("work").await;
    let odd = br#"{ "stream":true,"model" : "claude-sonnet-4-6","unknown":{"deep":[1,2,{"x":null}]}, "max_tokens":64,
        "messages":[{"role":"user","content":"h\u00e9 \ud83d\udc0e"}],"metadata":{"user_id":"not json"} }"#;
    world.vendor.expect_body(odd);
    let response = world
        .http
        .post(format!("{}/anthropic/v1/messages?beta=true", world.url))
        .header("x-api-key", world.key.expose_secret())
        .header("anthropic-version", "2023-06-01")
        .header("anthropic-beta", "claude-code-20250219,made-up-2026-01-01")
        .header("user-agent", "claude-cli/2.1.329 (external, cli)")
        .header("x-stainless-timeout", "600")
        .body(odd.to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    response.bytes().await.unwrap();
    let seen = world.vendor.requests().pop().unwrap();
    assert_eq!(&seen.body[..], odd);
    assert_eq!(seen.path, "/v1/messages?beta=true");
    assert_eq!(seen.header("user-agent"), Some("claude-cli/2.1.329 (external, cli)"));
    assert_eq!(seen.header("x-stainless-timeout"), Some("600"));
    assert_eq!(seen.header("anthropic-beta"), Some("claude-code-20250219,made-up-2026-01-01,oauth-2025-04-20"));
    assert_eq!(seen.header("x-api-key"), None);
    world.end().await;
}

#[tokio::test]
async fn claude_codes_identity_field_agrees_with_the_account_that_serves_and_nothing_else_changes() {
    let mut world = World::new().await;
    let work = world.subscription("work").await;
    let user_id =
        r#"{\"device_id\":\"d\",\"account_uuid\":\"11111111-1111-4111-8111-111111111111\",\"session_id\":\"s-1\"}"#;
    let text = format!(
        r#"{{"model":"claude-sonnet-4-6","max_tokens":64,"messages":[{{"role":"user","content":"hi"}}],"metadata":{{"user_id":"{user_id}"}},"stream":true}}"#
    );
    let response = world
        .http
        .post(format!("{}/anthropic/v1/messages", world.url))
        .bearer_auth(world.key.expose_secret())
        .header("anthropic-version", "2023-06-01")
        .body(text.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap();
    let seen = world.vendor.requests().pop().unwrap();
    let expected = text.replace("11111111-1111-4111-8111-111111111111", work.account_uuid());
    assert_eq!(String::from_utf8(seen.body.to_vec()).unwrap(), expected);
    let record = world.record().await;
    assert_eq!(record.session.unwrap().0, "claude:s-1");
    assert!(record.attempts[0].changes.iter().any(|c| c.contains("account_uuid")), "{:?}", record.attempts);
    world.end().await;
}

#[tokio::test]
async fn zstd_request_bodies_pass_and_are_understood() {
    let mut world = World::new().await;
    world.subscription("work").await;
    let packed = zstd::stream::encode_all(body("hi", true).to_string().as_bytes(), 3).unwrap();
    let response = world
        .http
        .post(format!("{}/anthropic/v1/messages", world.url))
        .bearer_auth(world.key.expose_secret())
        .header("anthropic-version", "2023-06-01")
        .header("content-type", "application/json")
        .header("content-encoding", "zstd")
        .body(packed.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    assert!(spoken(&text).starts_with("pong"), "{text}");
    assert_eq!(world.vendor.requests().pop().unwrap().body, packed);
    assert_eq!(world.record().await.model, "claude-sonnet-4-6");
    world.end().await;
}

#[tokio::test]
async fn answers_that_are_no_streams_and_counted_tokens_and_models_pass() {
    let mut world = World::new().await;
    world.subscription("work").await;
    let message: serde_json::Value = world.post("s", &body("hi", false)).send().await.unwrap().json().await.unwrap();
    assert_eq!(message["type"], "message");
    let record = world.record().await;
    assert!(record.tokens.output.is_some_and(|n| n > 0), "{record:?}");
    let counted = world
        .http
        .post(format!("{}/anthropic/v1/messages/count_tokens", world.url))
        .bearer_auth(world.key.expose_secret())
        .header("anthropic-version", "2023-06-01")
        .json(&serde_json::json!({"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": "hi"}]}))
        .send()
        .await
        .unwrap();
    assert_eq!(counted.status(), 200);
    assert!(counted.json::<serde_json::Value>().await.unwrap()["input_tokens"].as_u64().is_some());
    let models = world
        .http
        .get(format!("{}/anthropic/v1/models?limit=1000", world.url))
        .bearer_auth(world.key.expose_secret())
        .header("anthropic-version", "2023-06-01")
        .send()
        .await
        .unwrap();
    assert_eq!(models.status(), 200);
    world.end().await;
}

#[tokio::test]
async fn a_large_body_of_another_host_streams_through_unchanged() {
    let mut world = World::with(remuda_fake::Config::default(), Host::Other).await;
    world.api_key("key", CostClass::Included).await;
    let prompt = "x".repeat(3 * 1024 * 1024);
    let text = body(&prompt, false).to_string();
    world.vendor.expect_body(text.as_bytes());
    let response = world.post("s", &body(&prompt, false)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap();
    assert_eq!(world.record().await.request_bytes, text.len() as u64);
    world.end().await;
}
