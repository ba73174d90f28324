//! The bytes of the measured exchange: one request of an agent, one answer of 20 events with 160 bytes each.

/// Events in an answer.
pub const EVENTS: usize = 20;
/// Bytes of one event on average, framing of SSE included and that of HTTP not.
pub const EVENT_BYTES: usize = 160;

/// Header by which the generator tells the upstream how to answer. Proxies pass it on.
pub const MODE_HEADER: &str = "x-bench";

/// How the upstream answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All events in one write.
    Burst,
    /// Each event in a write of its own.
    Events,
    /// A short JSON answer, after the whole body was read.
    Json,
    /// The first events at once, then one every ten seconds.
    Slow,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Events => "events",
            Self::Json => "json",
            Self::Slow => "slow",
        }
    }

    pub fn of(head: &[u8]) -> Self {
        let named = |mode: &Self| {
            memchr::memmem::find(head, format!("{MODE_HEADER}: {}\r\n", mode.as_str()).as_bytes()).is_some()
        };
        [Self::Burst, Self::Events, Self::Slow].into_iter().find(named).unwrap_or(Self::Json)
    }
}

fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn delta(bytes: usize) -> String {
    let with = |text: &str| {
        let data =
            format!(r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#);
        event("content_block_delta", &data)
    };
    with(&"x".repeat(bytes.saturating_sub(with("").len())))
}

/// The events of one answer, as Anthropic sends them: `EVENTS × EVENT_BYTES` bytes in total.
pub fn events() -> Vec<String> {
    let first = [
        event(
            "message_start",
            r#"{"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-6","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":100,"output_tokens":1}}}"#,
        ),
        event(
            "content_block_start",
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        ),
    ];
    let last = [
        event("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
        event(
            "message_delta",
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":20}}"#,
        ),
        event("message_stop", r#"{"type":"message_stop"}"#),
    ];
    let deltas = EVENTS - first.len() - last.len();
    let mut left = EVENTS * EVENT_BYTES - first.iter().chain(&last).map(String::len).sum::<usize>();
    let middle = (0..deltas).map(|done| {
        let bytes = left / (deltas - done);
        left -= bytes;
        delta(bytes)
    });
    first.clone().into_iter().chain(middle).chain(last).collect()
}

/// One HTTP chunk.
pub fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

/// End of a chunked answer. With the CRLF before it, it occurs nowhere else in an answer.
pub const LAST_CHUNK: &str = "0\r\n\r\n";

/// Head of a streamed answer, with the quota headers that Anthropic sends.
pub const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_011CBench\r\nanthropic-ratelimit-requests-limit: 4000\r\nanthropic-ratelimit-requests-remaining: 3999\r\ntransfer-encoding: chunked\r\n\r\n";

/// A whole short answer.
pub fn json_answer() -> String {
    let body = r#"{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-6","content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":100,"output_tokens":1}}"#;
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_011CBench\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A request with a JSON body of about `body_bytes`, as Claude Code sends it to `path`.
pub fn request(host: &str, path: &str, key: &str, session: usize, mode: Mode, body_bytes: usize) -> Vec<u8> {
    let stream = mode != Mode::Json;
    let mut body = format!(
        r#"{{"model":"claude-sonnet-4-6","max_tokens":32000,"stream":{stream},"metadata":{{"user_id":"{{\"device_id\":\"00\",\"account_uuid\":\"\",\"session_id\":\"{session:08}-0000-4000-8000-000000000000\"}}"}},"messages":[{{"role":"user","content":""#,
    );
    let end = r#""}]}"#;
    body.push_str(&"lorem ipsum ".repeat(body_bytes.saturating_sub(body.len() + end.len()) / 12));
    body.push_str(end);
    let mode = mode.as_str();
    let head = format!(
        "POST {path}/v1/messages?beta=true HTTP/1.1\r\nhost: {host}\r\naccept: application/json\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\nuser-agent: claude-cli/2.1.329 (external, cli)\r\nx-claude-code-session-id: {session:08}-0000-4000-8000-000000000000\r\nanthropic-beta: claude-code-20250219,interleaved-thinking-2025-05-14\r\nanthropic-version: 2023-06-01\r\nx-app: cli\r\n{MODE_HEADER}: {mode}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body.into_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_20_events_of_160_bytes() {
        let events = events();
        assert_eq!(events.len(), EVENTS);
        assert_eq!(events.iter().map(String::len).sum::<usize>(), EVENTS * EVENT_BYTES);
    }

    #[test]
    fn a_request_is_as_long_as_it_says_and_its_body_is_json() {
        let request = request("h", "/p", "k", 7, Mode::Burst, 1000);
        let at = memchr::memmem::find(&request, b"\r\n\r\n").unwrap() + 4;
        let (head, body) = request.split_at(at);
        assert!(String::from_utf8_lossy(head).contains(&format!("content-length: {}\r\n", body.len())));
        assert!((980..=1000).contains(&body.len()), "{}", body.len());
        serde_json::from_slice::<serde_json::Value>(body).unwrap();
        assert_eq!(Mode::of(head), Mode::Burst);
    }
}
