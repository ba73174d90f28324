//! Responses over WebSocket: the handshake, one exchange after the other, and every way in which one can end.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::Request;
use remuda_fake::{
    AccountSpec, Config, Ending, Endpoint, FakeAccount, Fault, OpenAiRefusal, Point, QuotaHeaders, Reply, Window,
};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::{Client, start, start_with, with};
use crate::codex::{RESPONSES, agent, ask};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

struct Socket(WebSocketStream<TcpStream>);

fn request(client: &Client, path: &str, headers: &[(String, String)]) -> Request<()> {
    let mut request = format!("ws://{}{path}", client.vendor.address()).into_client_request().unwrap();
    for (name, value) in headers.iter().filter(|(name, _)| name != "content-type") {
        request.headers_mut().insert(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
    }
    request
}

async fn open_at(client: &Client, path: &str, headers: &[(String, String)]) -> Result<Socket, Error> {
    let stream = TcpStream::connect(client.vendor.address()).await.unwrap();
    client_async(request(client, path, headers), stream).await.map(|(socket, _)| Socket(socket))
}

fn beta(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.push(("openai-beta".to_owned(), "responses_websockets=2026-02-06".to_owned()));
    headers
}

fn create(json: Value) -> Value {
    with(json, json!({"type": "response.create"}))
}

impl Socket {
    async fn say(&mut self, json: &Value) {
        self.0.send(Message::text(json.to_string())).await.unwrap();
    }

    /// The next frame; `None`: the connection was closed, properly or not.
    async fn next(&mut self) -> Option<Value> {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("no frame came");
        match next {
            Some(Ok(Message::Text(text))) => Some(serde_json::from_str(text.as_str()).unwrap()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => None,
            Some(Ok(other)) => panic!("{other:?}"),
        }
    }

    /// All frames up to a last one.
    async fn exchange(&mut self, json: &Value) -> Vec<Value> {
        self.say(json).await;
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            let last = frame["type"] == "error"
                || ["response.completed", "response.failed", "response.incomplete"]
                    .iter()
                    .any(|kind| frame["type"] == *kind);
            frames.push(frame);
            if last {
                break;
            }
        }
        frames
    }
}

fn kinds(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
}

async fn account() -> (Client, FakeAccount, Socket) {
    let client = start().await;
    let account = client.vendor.add_account(AccountSpec::chatgpt("plus")).unwrap();
    let headers = beta(agent(&account.issue_tokens().access_token, &account));
    let socket = open_at(&client, RESPONSES, &headers).await.unwrap();
    (client, account, socket)
}

#[tokio::test]
async fn an_exchange_is_the_stream_in_frames_with_the_quota_first() {
    let (client, account, mut socket) = account().await;
    account.set_window(Window::FiveHour, 30.0, 600);
    let frames = socket.exchange(&create(ask("hello"))).await;
    assert_eq!(kinds(&frames)[..3], ["codex.rate_limits", "response.created", "response.in_progress"]);
    assert_eq!(frames[0]["rate_limits"]["primary"]["used_percent"], 30.1);
    assert_eq!(frames[0]["rate_limits"]["primary"]["window_minutes"], 300);
    assert_eq!(frames[1]["sequence_number"], 0);
    let done = frames.last().unwrap();
    assert_eq!(done["response"]["output"][0]["content"][0]["text"], "pong hello");
    let seen = client.vendor.requests();
    assert_eq!((seen[0].endpoint, seen[0].status, seen[0].method.as_str()), (Endpoint::Socket, Some(101), "GET"));
    assert_eq!((seen[1].endpoint, seen[1].status, seen[1].method.as_str()), (Endpoint::Responses, Some(200), "WS"));
    assert_eq!(
        (seen[1].account.as_deref(), seen[1].model.as_deref(), seen[1].content),
        (Some("plus"), Some("gpt-5.5"), true)
    );
    crate::client::eventually("the exchange ends", || client.vendor.requests()[1].ending == Ending::Complete).await;
    assert_eq!(client.vendor.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn later_turns_bring_only_what_is_new() {
    let (client, account, mut socket) = account().await;
    client.vendor.reply(Reply::call("look", "shell", json!({"command": ["ls"]})));
    let warm = socket.exchange(&create(with(ask("look"), json!({"generate": false})))).await;
    assert_eq!(kinds(&warm), ["response.created", "response.completed"]);
    assert_eq!(warm[1]["response"]["usage"]["total_tokens"], 0);
    assert!(account.windows().iter().all(|window| window.used_percent == 0.0), "a warm-up is not counted");
    let on = |frames: &[Value], input: Value| {
        let id = frames.last().unwrap()["response"]["id"].clone();
        create(with(ask(""), json!({"input": input, "previous_response_id": id})))
    };
    let call = socket.exchange(&on(&warm, json!([]))).await;
    let call_id = call.last().unwrap()["response"]["output"][1]["call_id"].clone();
    let output = json!([{"type": "function_call_output", "call_id": call_id, "output": "a.txt"}]);
    let answer = socket.exchange(&on(&call, output)).await;
    assert_eq!(answer.last().unwrap()["response"]["output"][0]["content"][0]["text"], "tool result: a.txt");
    let (before, after) = (&call.last().unwrap()["response"]["usage"], &answer.last().unwrap()["response"]["usage"]);
    assert!(after["input_tokens"].as_u64() > before["input_tokens"].as_u64(), "the whole conversation counts");
}

#[tokio::test]
async fn an_earlier_response_is_known_on_its_own_connection_only() {
    let (client, account, mut socket) = account().await;
    let first = socket.exchange(&create(ask("x"))).await;
    let id = first.last().unwrap()["response"]["id"].clone();
    let headers = beta(agent(&account.issue_tokens().access_token, &account));
    let mut other = open_at(&client, RESPONSES, &headers).await.unwrap();
    let next = create(with(ask("y"), json!({"previous_response_id": id})));
    let refused = other.exchange(&next).await;
    assert_eq!(
        (&refused[0]["status"], &refused[0]["error"]["code"]),
        (&json!(400), &json!("previous_response_not_found"))
    );
    assert_eq!(kinds(&other.exchange(&create(ask("z"))).await).last(), Some(&"response.completed"), "it goes on");
    assert_eq!(kinds(&socket.exchange(&next).await).last(), Some(&"response.completed"));
}

#[tokio::test]
async fn a_spent_window_comes_as_a_wrapped_error_with_headers() {
    let (client, account, mut socket) = account().await;
    account.set_window(Window::FiveHour, 100.0, 600);
    let refused = socket.exchange(&create(ask("x"))).await;
    let error = &refused[0];
    assert_eq!((&error["type"], &error["status"]), (&json!("error"), &json!(429)));
    assert_eq!(error["error"]["type"], "usage_limit_reached");
    assert_eq!(error["error"]["resets_at"].as_i64().unwrap(), client.vendor.now() + 600);
    assert_eq!(error["headers"]["x-codex-primary-used-percent"], "100");
    assert_eq!(error["headers"]["x-codex-primary-window-minutes"], 300);
    assert_eq!(client.vendor.requests()[1].status, Some(429));
    client.vendor.advance(601);
    assert_eq!(kinds(&socket.exchange(&create(ask("x"))).await).last(), Some(&"response.completed"));
}

#[tokio::test]
async fn a_connection_lasts_an_hour() {
    let (client, _, mut socket) = account().await;
    client.vendor.advance(3600);
    let refused = socket.exchange(&create(ask("x"))).await;
    assert_eq!(refused[0]["error"]["code"], "websocket_connection_limit_reached");
    assert_eq!(socket.next().await, None);
}

#[rstest]
#[case(Fault::truncate(Point::AfterContent, true), 1)]
#[case(Fault::truncate(Point::AfterContent, false), 1)]
#[case(Fault::reset(Point::AfterContent), 1)]
#[case(Fault::truncate(Point::AfterHandshake, true), 0)]
#[case(Fault::reset(Point::BeforeHeaders), 0)]
#[tokio::test]
async fn an_exchange_breaks_off_where_it_is_scripted(#[case] fault: Fault, #[case] deltas: usize) {
    let (client, account, mut socket) = account().await;
    client.vendor.script(&account, [fault]);
    let warm = socket.exchange(&create(with(ask("x"), json!({"generate": false})))).await;
    assert_eq!(warm.len(), 2, "warm-ups are spared");
    let frames = socket.exchange(&create(ask("one two three"))).await;
    assert_eq!(kinds(&frames).iter().filter(|kind| **kind == "response.output_text.delta").count(), deltas);
    assert!(!kinds(&frames).contains(&"response.completed"));
    crate::client::eventually("the end is seen", || client.vendor.requests()[2].ending == Ending::Broken).await;
    assert_eq!(client.vendor.requests()[2].content, deltas > 0);
}

#[tokio::test]
async fn a_stalled_exchange_says_nothing_more() {
    let (client, account, mut socket) = account().await;
    client.vendor.script(&account, [Fault::stall(Point::AfterHandshake)]);
    socket.say(&create(ask("x"))).await;
    for kind in ["codex.rate_limits", "response.created", "response.in_progress"] {
        assert_eq!(socket.next().await.unwrap()["type"], kind);
    }
    assert!(tokio::time::timeout(Duration::from_millis(50), socket.0.next()).await.is_err());
}

#[tokio::test]
async fn failures_come_in_the_stream_or_wrapped() {
    let (client, account, mut socket) = account().await;
    client.vendor.script(
        &account,
        [
            Fault::error_event(OpenAiRefusal::ServerIsOverloaded, Point::AfterHandshake),
            Fault::refuse(OpenAiRefusal::TokenInvalidated),
            Fault::spent(Window::SevenDay, 60),
            Fault::answer(500, "", "{\"type\":\"error\",\"status\":500}"),
        ],
    );
    let failed = socket.exchange(&create(ask("x"))).await;
    assert_eq!(kinds(&failed), ["codex.rate_limits", "response.created", "response.in_progress", "response.failed"]);
    assert_eq!(failed[3]["response"]["error"]["code"], "server_is_overloaded");
    assert_eq!(failed[3]["sequence_number"], 2);
    let wrapped = socket.exchange(&create(ask("x"))).await;
    assert_eq!((&wrapped[0]["status"], &wrapped[0]["error"]["code"]), (&json!(401), &json!("token_invalidated")));
    let spent = socket.exchange(&create(ask("x"))).await;
    assert_eq!(spent[0]["headers"]["x-codex-secondary-used-percent"], "100");
    assert_eq!(socket.exchange(&create(ask("x"))).await[0], json!({"type": "error", "status": 500}));
    assert_eq!(kinds(&socket.exchange(&json!({"type": "session.update"})).await), ["error"]);
    assert_eq!(socket.exchange(&create(with(ask("x"), json!({"store": true})))).await[0]["status"], 400);
}

#[tokio::test]
async fn a_handshake_is_refused_as_http() {
    let (client, account, _socket) = account().await;
    let good = beta(agent(&account.issue_tokens().access_token, &account));
    let status = async |headers: &[(String, String)]| match open_at(&client, RESPONSES, headers).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("{:?}", other.err()),
    };
    assert_eq!(status(&beta(agent("nonsense", &account))).await, 401);
    assert_eq!(status(&agent(&account.issue_tokens().access_token, &account)).await, 400, "the beta header");
    client.vendor.script(&account, [Fault::refuse(OpenAiRefusal::UpgradeRequired).on(Endpoint::Socket)]);
    assert_eq!(status(&good).await, 426);
    assert!(open_at(&client, RESPONSES, &good).await.is_ok());
    assert_eq!(client.get(RESPONSES, &good).await.status, 405, "no upgrade was asked for");
}

#[tokio::test]
async fn where_no_websockets_are_spoken_every_handshake_is_told_to_use_http() {
    let client = start_with(Config { websockets: false, ..Config::default() }).await;
    let account = client.vendor.add_account(AccountSpec::chatgpt("plus")).unwrap();
    let headers = beta(agent(&account.issue_tokens().access_token, &account));
    let Err(Error::Http(response)) = open_at(&client, RESPONSES, &headers).await else { panic!("it opened") };
    assert_eq!(response.status(), 426);
    assert_eq!(
        client.post(RESPONSES, &agent(&account.issue_tokens().access_token, &account), &ask("x")).await.status,
        200
    );
}

#[tokio::test]
async fn a_vendor_that_tells_nothing_of_quota_sends_no_frames_of_it() {
    let client = start().await;
    let silent = AccountSpec { quota_headers: QuotaHeaders::None, ..AccountSpec::chatgpt("plus") };
    let account = client.vendor.add_account(silent).unwrap();
    let headers = beta(agent(&account.issue_tokens().access_token, &account));
    let mut socket = open_at(&client, RESPONSES, &headers).await.unwrap();
    assert_eq!(kinds(&socket.exchange(&create(ask("x"))).await)[0], "response.created");
    let over_http = client.post(RESPONSES, &agent(&account.issue_tokens().access_token, &account), &ask("y")).await;
    assert!(over_http.headers.keys().all(|name| !name.as_str().starts_with("x-codex-primary")));
}

#[tokio::test]
async fn api_keys_have_the_same_way_in_without_quota_frames() {
    let client = start().await;
    let account = client.vendor.add_account(AccountSpec::openai_key("key")).unwrap();
    let headers = beta(vec![("authorization".to_owned(), format!("Bearer {}", account.key()))]);
    let mut socket = open_at(&client, "/openai/v1/responses", &headers).await.unwrap();
    let frames = socket.exchange(&create(ask("hello"))).await;
    assert_eq!(kinds(&frames)[0], "response.created");
    assert_eq!(kinds(&frames).last(), Some(&"response.completed"));
    let unknown = socket.exchange(&create(with(ask("x"), json!({"foo": 1})))).await;
    assert_eq!(unknown[0]["error"]["code"], "unknown_parameter");
}

#[tokio::test]
async fn a_vendor_that_shuts_down_closes_its_sockets() {
    let (client, _, mut socket) = account().await;
    client.vendor.shutdown().await;
    assert_eq!(socket.next().await, None);
}
