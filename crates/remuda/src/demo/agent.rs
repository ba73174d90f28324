//! A small agent: asks over HTTP, reads the stream as it comes, and remembers the conversation.

use std::time::Instant;

use anyhow::Context;
use remuda_control::types::SentSecret;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// One conversation.
pub(crate) struct Agent {
    http: reqwest::Client,
    url: String,
    key: SentSecret,
    session: &'static str,
    messages: Vec<Value>,
}

/// What the agent got.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Heard {
    /// HTTP status.
    pub(crate) status: u16,
    /// The organisation that the vendor says answered.
    pub(crate) organization: Option<String>,
    /// The vendor's, or the gateway's, seconds to wait.
    pub(crate) retry_after: Option<String>,
    /// The text, all words joined; of a refusal its message.
    pub(crate) text: String,
    /// How many messages began.
    pub(crate) begun: usize,
    /// How many messages ended.
    pub(crate) ended: usize,
    /// Milliseconds from the question to the first word.
    pub(crate) first_word_ms: Option<u128>,
}

impl Agent {
    /// `url`: the gateway's, as an agent has it in its environment.
    pub(crate) fn new(http: reqwest::Client, url: &str, key: SentSecret, session: &'static str) -> Self {
        Self { http, url: format!("{url}/anthropic/v1/messages"), key, session, messages: Vec::new() }
    }

    /// The next question as it goes over the wire.
    pub(crate) fn body(&mut self, prompt: &str) -> Vec<u8> {
        self.messages.push(json!({"role": "user", "content": prompt}));
        let body = json!({"model": "claude-sonnet-4-6", "max_tokens": 1024, "stream": true, "messages": self.messages});
        body.to_string().into_bytes()
    }

    /// Sends it. Returns when the head of the answer is there.
    pub(crate) async fn send(&self, body: Vec<u8>) -> anyhow::Result<Answer> {
        let asked_at = Instant::now();
        let request = self
            .http
            .post(&self.url)
            .bearer_auth(self.key.0.expose_secret())
            .header("anthropic-version", "2023-06-01")
            .header("content-type", "application/json")
            .header("x-claude-code-session-id", self.session)
            .body(body);
        let response = request.send().await.context("the gateway did not answer")?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let heard = Heard {
            status: response.status().as_u16(),
            organization: header("anthropic-organization-id"),
            retry_after: header("retry-after"),
            ..Heard::default()
        };
        Ok(Answer { response, unread: Vec::new(), asked_at, heard })
    }

    /// The answer becomes part of the conversation.
    pub(crate) fn remember(&mut self, heard: &Heard) {
        self.messages.push(json!({"role": "assistant", "content": heard.text}));
    }
}

/// An answer that is still coming.
pub(crate) struct Answer {
    response: reqwest::Response,
    unread: Vec<u8>,
    asked_at: Instant,
    /// What came so far.
    pub(crate) heard: Heard,
}

impl Answer {
    /// The next words; `None`: that was all.
    pub(crate) async fn words(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            while let Some(event) = self.event() {
                if let Some(words) = self.heard.take_in(&event) {
                    self.heard.first_word_ms.get_or_insert_with(|| self.asked_at.elapsed().as_millis());
                    return Ok(Some(words));
                }
            }
            match self.response.chunk().await.context("the answer broke off")? {
                Some(bytes) => self.unread.extend_from_slice(&bytes),
                None => return Ok(self.heard.take_in_refusal(&std::mem::take(&mut self.unread))),
            }
        }
    }

    /// The data of the next whole event.
    fn event(&mut self) -> Option<Value> {
        let end = self.unread.windows(2).position(|two| two == b"\n\n")? + 2;
        let event: Vec<u8> = self.unread.drain(..end).collect();
        let data = event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: "));
        Some(data.and_then(|data| serde_json::from_slice(data).ok()).unwrap_or_default())
    }
}

impl Heard {
    /// Counts an event. Returns its words, if it has any.
    fn take_in(&mut self, event: &Value) -> Option<String> {
        match event.get("type").and_then(Value::as_str) {
            Some("message_start") => self.begun += 1,
            Some("message_stop") => self.ended += 1,
            _ => {}
        }
        let words = event.pointer("/delta/text").and_then(Value::as_str)?;
        self.text.push_str(words);
        Some(words.to_owned())
    }

    /// The message of an answer that is no stream.
    fn take_in_refusal(&mut self, body: &[u8]) -> Option<String> {
        let error: Value = serde_json::from_slice(body).ok()?;
        let message = error.pointer("/error/message").and_then(Value::as_str)?;
        message.clone_into(&mut self.text);
        Some(message.to_owned())
    }
}
