//! Responses over WebSocket, as Codex speaks it: turns on one socket, moves between accounts, vendors without one.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use remuda_core::record::{AttemptEnd, Record};
use remuda_core::{Host, RequestKind};
use remuda_fake::{Config, Endpoint, FakeAccount, Fault, OpenAiRefusal, Point};
use remuda_store::RecordQuery;
use rstest::rstest;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::openai::turn;
use crate::world::World;

const PATH: &str = "/codex/responses";
/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

struct Socket(WebSocketStream<TcpStream>);

async fn open(world: &World, path: &str) -> Result<Socket, Error> {
    let address = world.url.strip_prefix("http://").unwrap();
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    let bearer = format!("Bearer {}", world.key.expose_secret());
    for (name, value) in [
        ("authorization", bearer.as_str()),
        ("openai-beta", "responses_websockets=2026-02-06"),
        ("originator", "codex_exec"),
        ("session-id", "s1"),
        ("thread-id", "s1"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    client_async(request, stream).await.map(|(socket, _)| Socket(socket))
}

fn create(mut body: Value, more: Value) -> Value {
    let frame = body.as_object_mut().unwrap();
    frame.remove("stream");
    frame.insert("type".to_owned(), json!("response.create"));
    frame.extend(more.as_object().unwrap().clone());
    body
}

impl Socket {
    async fn next(&mut self) -> Option<Value> {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("no frame came") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(text.as_str()).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// All frames up to a last one.
    async fn exchange(&mut self, frame: &Value) -> Vec<Value> {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            let kind = frame["type"].as_str().unwrap().to_owned();
            frames.push(frame);
            if ["error", "response.completed", "response.failed", "response.incomplete"].contains(&kind.as_str()) {
                break;
            }
        }
        frames
    }
}

fn text(frames: &[Value]) -> String {
    frames.last().unwrap()["response"]["output"].as_array().unwrap().last().unwrap()["content"][0]["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// What the vendor got over WebSockets or HTTP, by account.
fn turns(world: &World) -> Vec<(String, String)> {
    let asked = world.vendor.requests().into_iter().filter(|r| r.endpoint == Endpoint::Responses);
    asked.map(|r| (r.method, r.account.unwrap_or_default())).collect()
}

fn by(method: &str, account: &str) -> (String, String) {
    (method.to_owned(), account.to_owned())
}

async fn records(world: &World, count: usize) -> Vec<Record> {
    for _ in 0..500 {
        world.daemon.herd.flush().await;
        let page = world.daemon.herd.store().records(RecordQuery::default()).await.unwrap();
        if page.records.len() >= count {
            return page.records.into_iter().rev().collect();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("fewer than {count} records");
}

async fn world_of(config: Config) -> World {
    world_and_account(config).await.0
}

/// With the first account as its vendor knows it.
async fn world_and_account(config: Config) -> (World, FakeAccount) {
    let mut world = World::with(config, Host::Codex).await;
    let work = world.chatgpt("work").await;
    world.chatgpt("home").await;
    world.chain("work", &["home"]).await;
    (world, work)
}

#[tokio::test]
async fn turns_of_one_socket_share_one_connection_and_each_has_its_record() {
    let world = world_of(Config::default()).await;
    let mut socket = open(&world, PATH).await.unwrap();
    let first = socket.exchange(&create(turn("hi"), json!({}))).await;
    assert_eq!(text(&first), "pong hi");
    let id = first.last().unwrap()["response"]["id"].clone();
    let input = json!([{"role": "user", "content": [{"type": "input_text", "text": "more"}]}]);
    let second = socket.exchange(&create(turn(""), json!({"input": input, "previous_response_id": id}))).await;
    assert_eq!(text(&second), "pong more");
    assert_eq!(turns(&world), [by("WS", "work"), by("WS", "work")]);
    let opened = world.vendor.requests().into_iter().filter(|r| r.endpoint == Endpoint::Socket).count();
    assert_eq!(opened, 1);
    let records = records(&world, 2).await;
    assert!(records.iter().all(|r| r.attempts[0].ended == AttemptEnd::Served && r.kind == RequestKind::Main));
    assert!(records.iter().all(|r| r.tokens.output.unwrap() > 0));
    assert!(records[0].attempts[0].changes.iter().any(|change| change == "over WebSocket"));
    assert_eq!(records[0].session.as_ref().unwrap().0, "codex:s1");
    drop(socket);
    world.end().await;
}

#[rstest]
#[case::refused(Fault::refuse(OpenAiRefusal::UsageLimitReached))]
#[case::failed_behind_the_handshake(Fault::error_event(OpenAiRefusal::InsufficientQuota, Point::AfterHandshake))]
#[tokio::test]
async fn a_refusal_before_content_moves_on_unseen(#[case] fault: Fault) {
    let world = world_of(Config::default()).await;
    world.vendor.script("work", [fault]);
    let mut socket = open(&world, PATH).await.unwrap();
    let frames = socket.exchange(&create(turn("hi"), json!({}))).await;
    assert_eq!(text(&frames), "pong hi");
    assert_eq!(frames.iter().filter(|f| f["type"] == "response.created").count(), 1);
    assert_eq!(turns(&world), [by("WS", "work"), by("WS", "home")]);
    drop(socket);
    world.end().await;
}

#[tokio::test]
async fn on_a_move_the_agent_is_told_to_send_everything_again() {
    let world = world_of(Config::default()).await;
    let mut socket = open(&world, PATH).await.unwrap();
    let first = socket.exchange(&create(turn("hi"), json!({}))).await;
    let id = first.last().unwrap()["response"]["id"].clone();
    world.activate("home").await;
    let next = socket.exchange(&create(turn("more"), json!({"previous_response_id": id}))).await;
    assert_eq!((&next[0]["type"], &next[0]["status"]), (&json!("error"), &json!(400)));
    assert_eq!(next[0]["error"]["code"], "previous_response_not_found");
    let whole = socket.exchange(&create(turn("more"), json!({}))).await;
    assert_eq!(text(&whole), "pong more");
    assert_eq!(turns(&world), [by("WS", "work"), by("WS", "home")]);
    drop(socket);
    world.end().await;
}

#[tokio::test]
async fn a_warm_up_is_no_turn() {
    let world = world_of(Config::default()).await;
    let mut socket = open(&world, PATH).await.unwrap();
    let warm = socket.exchange(&create(turn("hi"), json!({"generate": false}))).await;
    assert_eq!(warm.last().unwrap()["type"], "response.completed");
    let record = records(&world, 1).await.remove(0);
    assert_eq!(record.kind, RequestKind::Background);
    assert_eq!(record.session.unwrap().0, "codex:s1");
    let turn = socket.exchange(&create(turn("hi"), json!({}))).await;
    assert_eq!(text(&turn), "pong hi");
    drop(socket);
    world.end().await;
}

#[tokio::test]
async fn where_the_vendor_has_no_socket_the_turn_goes_over_http() {
    let world = world_of(Config { websockets: false, ..Config::default() }).await;
    let mut socket = open(&world, PATH).await.unwrap();
    let warm = socket.exchange(&create(turn("hi"), json!({"generate": false}))).await;
    assert_eq!(warm.last().unwrap()["type"], "response.completed", "answered here");
    for _ in 0..2 {
        let frames = socket.exchange(&create(turn("hi"), json!({}))).await;
        assert_eq!(text(&frames), "pong hi");
    }
    assert_eq!(turns(&world), [by("POST", "work"), by("POST", "work")]);
    let opened = world.vendor.requests().into_iter().filter(|r| r.endpoint == Endpoint::Socket).count();
    assert_eq!(opened, 1, "asked once");
    let id = json!("resp_1");
    let next = socket.exchange(&create(turn("more"), json!({"previous_response_id": id}))).await;
    assert_eq!(next[0]["error"]["code"], "previous_response_not_found");
    drop(socket);
    world.end().await;
}

#[tokio::test]
async fn when_nobody_can_the_limit_is_wrapped_with_its_reset() {
    let world = world_of(Config::default()).await;
    for name in ["work", "home"] {
        world.vendor.script(name, [Fault::spent(remuda_fake::Window::FiveHour, 7200)]);
    }
    let mut socket = open(&world, PATH).await.unwrap();
    let frames = socket.exchange(&create(turn("hi"), json!({}))).await;
    assert_eq!((&frames[0]["status"], &frames[0]["error"]["type"]), (&json!(429), &json!("usage_limit_reached")));
    assert!(frames[0]["error"]["resets_in_seconds"].as_i64().unwrap() > 7000);
    assert!(frames[0]["headers"]["retry-after"].as_str().unwrap().parse::<i64>().unwrap() > 7000);
    drop(socket);
    world.end().await;
}

#[tokio::test]
async fn after_content_the_failure_is_the_agents_to_see() {
    let world = world_of(Config::default()).await;
    world.vendor.script("work", [Fault::error_event(OpenAiRefusal::ServerError, Point::AfterContent)]);
    let mut socket = open(&world, PATH).await.unwrap();
    let frames = socket.exchange(&create(turn("count to 20"), json!({}))).await;
    let last = frames.last().unwrap()["type"].as_str().unwrap();
    assert!(["response.failed", "error"].contains(&last), "{last}");
    assert_eq!(turns(&world), [by("WS", "work")]);
    assert!(matches!(records(&world, 1).await[0].attempts[0].ended, AttemptEnd::BrokeOff { .. }));
    drop(socket);
    world.end().await;
}

#[tokio::test]
async fn a_stream_that_is_cut_closes_the_socket() {
    let world = world_of(Config::default()).await;
    world.vendor.script("work", [Fault::truncate(Point::AfterContent, false)]);
    let mut socket = open(&world, PATH).await.unwrap();
    let frames = socket.exchange(&create(turn("count to 20"), json!({}))).await;
    assert_ne!(frames.last().unwrap()["type"], "response.completed");
    assert!(socket.next().await.is_none(), "no last word, no further frame");
    world.end().await;
}

#[tokio::test]
async fn what_is_not_understood_is_said_so_and_the_socket_goes_on() {
    let world = world_of(Config::default()).await;
    let mut socket = open(&world, PATH).await.unwrap();
    let frames = socket.exchange(&json!({"type": "response.paint"})).await;
    assert_eq!(frames[0]["error"]["code"], "invalid_event");
    assert_eq!(text(&socket.exchange(&create(turn("hi"), json!({}))).await), "pong hi");
    drop(socket);
    world.end().await;
}

#[rstest]
#[case::qwen("/qwen/v1/responses")]
#[case::nobody_speaks_it("/openai/v1/responses")]
#[tokio::test]
async fn where_no_socket_can_be_served_http_is_named_at_once(#[case] path: &str) {
    let world = world_of(Config::default()).await;
    let Err(Error::Http(answer)) = open(&world, path).await else { panic!("a socket was opened") };
    assert_eq!(answer.status(), 426);
    world.end().await;
}

#[tokio::test]
async fn an_agent_that_hangs_up_ends_its_turn_at_the_vendor() {
    let world = world_of(Config::default()).await;
    world.vendor.script("work", [Fault::stall(Point::AfterContent)]);
    let mut socket = open(&world, PATH).await.unwrap();
    socket.0.send(Message::text(create(turn("hi"), json!({})).to_string())).await.unwrap();
    while socket.next().await.unwrap()["type"] != "response.output_text.delta" {}
    drop(socket);
    assert_eq!(records(&world, 1).await[0].attempts[0].ended, AttemptEnd::Abandoned);
    world.end().await;
}

#[tokio::test]
async fn a_stale_token_is_refreshed_before_the_agent_notices() {
    let (world, work) = world_and_account(Config::default()).await;
    work.revoke_access();
    let mut socket = open(&world, PATH).await.unwrap();
    assert_eq!(text(&socket.exchange(&create(turn("hi"), json!({}))).await), "pong hi");
    assert_eq!(turns(&world), [by("WS", "work")]);
    let record = records(&world, 1).await.remove(0);
    assert_eq!(record.attempts.len(), 2, "{:?}", record.attempts);
    assert!(record.attempts[0].refreshed.is_some());
    drop(socket);
    world.end().await;
}

#[tokio::test]
async fn a_connection_that_the_vendor_finds_too_old_is_not_used_again() {
    let world = world_of(Config::default()).await;
    let mut socket = open(&world, PATH).await.unwrap();
    let first = socket.exchange(&create(turn("hi"), json!({}))).await;
    let id = first.last().unwrap()["response"]["id"].clone();
    world.vendor.advance(3601);
    let next = socket.exchange(&create(turn("more"), json!({"previous_response_id": id}))).await;
    assert_eq!(next[0]["error"]["code"], "websocket_connection_limit_reached", "agents begin anew at that");
    assert_eq!(text(&socket.exchange(&create(turn("more"), json!({}))).await), "pong more");
    let opened = world.vendor.requests().into_iter().filter(|r| r.endpoint == Endpoint::Socket).count();
    assert_eq!(opened, 2);
    drop(socket);
    world.end().await;
}
