//! Who gets in, and what the others are told.

use remuda_core::CostClass;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{World, body};

#[tokio::test]
async fn a_wrong_key_is_told_so_in_the_vendors_shape() {
    let world = World::new().await;
    for key in ["", "rmd_wrong", "sk-ant-api03-x"] {
        let response = world
            .http
            .post(format!("{}/anthropic/v1/messages", world.url))
            .bearer_auth(key)
            .json(&body("hi", true))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 401);
        let json: serde_json::Value = response.json().await.unwrap();
        assert_eq!(json["type"], "error");
        assert_eq!(json["error"]["type"], "authentication_error");
        assert!(json["error"]["message"].as_str().unwrap().contains("remuda run"), "{json}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_foreign_host_header_or_page_gets_nowhere() {
    let mut world = World::new().await;
    world.subscription("work").await;
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example"), ("origin", "null")] {
        let response = world.ask("s", "hi").header(name, value).send().await.unwrap();
        assert_eq!(response.status(), 403, "{name}: {value}");
    }
    assert!(world.asked().is_empty());
    world.end().await;
}

#[tokio::test]
async fn a_body_over_32_mb_is_refused_in_the_vendors_shape_announced_or_not() {
    let mut world = World::new().await;
    world.subscription("work").await;
    let big = body(&"x".repeat(33 * 1024 * 1024), true).to_string();
    let address = world.url.strip_prefix("http://").unwrap().to_owned();
    // By its length alone: no byte of it is sent.
    let mut raw = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /anthropic/v1/messages HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        world.key.expose_secret(),
        big.len()
    );
    raw.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let n = raw.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..n]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("request_too_large"), "{answer}");
    assert!(world.asked().is_empty());
    world.end().await;
}

#[tokio::test]
async fn garbage_is_the_vendors_to_refuse_and_harms_nobody() {
    let mut world = World::new().await;
    world.api_key("key", CostClass::Included).await;
    let response = world
        .http
        .post(format!("{}/anthropic/v1/messages", world.url))
        .bearer_auth(world.key.expose_secret())
        .header("anthropic-version", "2023-06-01")
        .body("}{ not json")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 400);
    world.daemon.herd.look(|snapshot, _| assert!(snapshot.accounts.values().all(|a| a.cooling.is_none())));
    world.end().await;
}

#[tokio::test]
async fn unknown_paths_are_said_to_be_unserved() {
    let world = World::new().await;
    let response = world.http.post(format!("{}/anthropic/v1/messages/batches", world.url)).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert!(response.text().await.unwrap().contains("does not serve"));
    let hello = world.http.head(format!("{}/anthropic/api/hello", world.url)).send().await.unwrap();
    assert_eq!(hello.status(), 200);
    world.end().await;
}

#[tokio::test]
async fn without_any_account_the_person_is_told_how_to_add_one() {
    let world = World::new().await;
    let response = world.ask("s", "hi").send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert!(response.text().await.unwrap().contains("remuda login"));
    world.end().await;
}
