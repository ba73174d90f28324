//! A plain HTTP client and the requests of an honest agent.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use remuda_fake::{Config, Fake, FakeAccount};
use serde_json::{Value, json};
use tokio::net::TcpStream;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: Option<HeaderMap>,
    /// One entry per frame that hyper saw.
    pub(crate) frames: Vec<Bytes>,
    pub(crate) body: Bytes,
    /// The body ended as it should.
    pub(crate) complete: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn error_type(&self) -> String {
        self.json()["error"]["type"].as_str().unwrap().to_owned()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap().to_owned()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The chunks of a completion, without `[DONE]`.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        let text = self.text();
        let data = text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// Event name and data of each event, with exact framing required.
    pub(crate) fn events(&self) -> Vec<(String, Value)> {
        let text = self.text();
        let one = |event: &str| {
            let (name, data) = event.split_once('\n').unwrap();
            let data = data.strip_prefix("data: ").unwrap();
            (name.strip_prefix("event: ").unwrap().to_owned(), serde_json::from_str(data).unwrap())
        };
        assert!(text.ends_with("\n\n"), "{text}");
        text.trim_end_matches('\n').split("\n\n").map(one).collect()
    }

    pub(crate) fn event_names(&self) -> Vec<String> {
        self.events().into_iter().map(|(name, _)| name).collect()
    }
}

pub(crate) struct Client {
    pub(crate) vendor: Fake,
}

pub(crate) async fn start() -> Client {
    start_with(Config::default()).await
}

pub(crate) async fn start_with(config: Config) -> Client {
    Client { vendor: Fake::start(config).await.unwrap() }
}

/// How an agent with this token asks.
pub(crate) fn bearer(token: &str) -> Vec<(String, String)> {
    headers(&[
        ("authorization", &format!("Bearer {token}")),
        ("anthropic-beta", "claude-code-20250219,oauth-2025-04-20,token-counting-2024-11-01"),
    ])
}

pub(crate) fn key(key: &str) -> Vec<(String, String)> {
    headers(&[("x-api-key", key)])
}

fn headers(own: &[(&str, &str)]) -> Vec<(String, String)> {
    let always = [
        ("anthropic-version", "2023-06-01"),
        ("content-type", "application/json"),
        ("user-agent", "claude-cli/2.1.329 (external, sdk-cli)"),
    ];
    own.iter().chain(&always).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A one-message prompt.
pub(crate) fn ask(text: &str) -> Value {
    json!({"model": "claude-sonnet-4-6", "max_tokens": 32_000, "messages": [{"role": "user", "content": text}]})
}

/// With these fields on top.
pub(crate) fn with(mut json: Value, fields: Value) -> Value {
    let (Value::Object(map), Value::Object(fields)) = (&mut json, fields) else { panic!("objects") };
    map.extend(fields);
    json
}

pub(crate) fn streaming(json: Value) -> Value {
    with(json, json!({"stream": true}))
}

impl Client {
    pub(crate) fn subscription(&self, name: &str) -> FakeAccount {
        self.vendor.add_account(remuda_fake::AccountSpec::subscription(name)).unwrap()
    }

    pub(crate) fn api_key(&self, name: &str) -> FakeAccount {
        self.vendor.add_account(remuda_fake::AccountSpec::api_key(name)).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(String, String)], json: &Value) -> Answer {
        self.send("POST", path, headers, json.to_string()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(String, String)]) -> Answer {
        self.send("GET", path, headers, String::new()).await.unwrap()
    }

    pub(crate) async fn message(&self, headers: &[(String, String)], json: &Value) -> Answer {
        self.post("/v1/messages?beta=true", headers, json).await
    }

    /// An own connection for each request; `Err` if no status came.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, hyper::Error> {
        let address = self.vendor.address();
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", address.to_string());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = sender.send_request(request.body(Full::new(body.into())).unwrap()).await?;
        let (head, mut body) = response.into_parts();
        let mut answer = Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            trailers: None,
            frames: Vec::new(),
            body: Bytes::new(),
            complete: true,
        };
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) if frame.is_data() => answer.frames.push(frame.into_data().unwrap()),
                Ok(frame) => answer.trailers = frame.into_trailers().ok(),
                Err(_) => answer.complete = false,
            }
        }
        answer.body = answer.frames.concat().into();
        Ok(answer)
    }
}

/// Waits for what must happen soon, without sleeping longer than needed.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
