//! Endpoints that speak one of the vendors' protocols: what they can do, found out by requests that cost nothing.
//!
//! A request without a body that makes sense is refused by whoever knows the path (400, 422) and not found by whoever
//! does not. Whether a longer cache and beta headers are understood is asked where tokens are only counted.

use remuda_core::Protocol;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::call::Call;
use crate::refusal::Refusal;

/// How a key travels. Both are tried where the person does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyHeader {
    /// `authorization: Bearer …`
    Bearer,
    /// `x-api-key: …`
    XApiKey,
}

/// What an endpoint says to such a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The path is known.
    There,
    /// It is not.
    NotThere,
    /// The key is not taken, at least not in this header.
    KeyRefused,
    /// Nothing can be said from this status.
    Unclear(u16),
}

/// The beta by which Anthropic once opened the longer cache: whoever takes beta headers at all takes this one.
const BETA: &[(&str, &str)] =
    &[("anthropic-version", "2023-06-01"), ("anthropic-beta", "extended-cache-ttl-2025-04-11")];
const PLAIN: &[(&str, &str)] = &[("anthropic-version", "2023-06-01")];

/// The bases at which a protocol may be spoken, given the address that a person wrote: people copy it from settings in
/// which it ends with a version, or not.
#[must_use]
pub fn bases(protocol: Protocol, written: &str) -> Vec<String> {
    let written = written.trim_end_matches('/');
    let bare = written.strip_suffix("/v1").unwrap_or(written);
    match protocol {
        Protocol::Messages => vec![bare.to_owned()],
        Protocol::Codex => vec![written.to_owned()],
        // Some serve them without a version, some only with one.
        Protocol::Responses | Protocol::Chat if bare == written => vec![format!("{bare}/v1"), bare.to_owned()],
        Protocol::Responses | Protocol::Chat => vec![written.to_owned()],
    }
}

/// Is the protocol spoken at this base? The body is empty on purpose.
#[must_use]
pub fn protocol_call(protocol: Protocol, base: &str, key: Option<&SecretString>, header: KeyHeader) -> Call {
    let path = match protocol {
        Protocol::Messages => "/v1/messages",
        Protocol::Responses | Protocol::Codex => "/responses",
        Protocol::Chat => "/chat/completions",
    };
    with_key(Call { headers: headers(protocol), ..Call::post_json(format!("{base}{path}"), "{}") }, key, header)
}

/// Is the counting of tokens served? `None`: the protocol has none.
#[must_use]
pub fn count_call(protocol: Protocol, base: &str, key: Option<&SecretString>, header: KeyHeader) -> Option<Call> {
    let path = match protocol {
        Protocol::Messages => "/v1/messages/count_tokens",
        Protocol::Responses => "/responses/input_tokens",
        Protocol::Chat | Protocol::Codex => return None,
    };
    Some(with_key(Call { headers: headers(protocol), ..Call::post_json(format!("{base}{path}"), "{}") }, key, header))
}

/// Counts the tokens of one word for this model: `ttl` with an hour of cache, `beta` with a beta header. A refusal where
/// the plain question is answered means that it is not understood.
#[must_use]
pub fn word_call(
    base: &str,
    model: &str,
    ttl: bool,
    beta: bool,
    key: Option<&SecretString>,
    header: KeyHeader,
) -> Call {
    let mut block = json!({"type": "text", "text": "hello"});
    if ttl {
        block["cache_control"] = json!({"type": "ephemeral", "ttl": "1h"});
    }
    let body = json!({"model": model, "messages": [{"role": "user", "content": [block]}]});
    let call = Call::post_json(format!("{base}/v1/messages/count_tokens"), body.to_string());
    with_key(Call { headers: if beta { BETA } else { PLAIN }, ..call }, key, header)
}

/// The models that an endpoint lists.
#[must_use]
pub fn models_call(protocol: Protocol, base: &str, key: Option<&SecretString>, header: KeyHeader) -> Call {
    let path = if protocol == Protocol::Messages { "/v1/models" } else { "/models" };
    with_key(Call { headers: headers(protocol), ..Call::get(format!("{base}{path}")) }, key, header)
}

/// Reads the names out of the answer to [`models_call`].
#[must_use]
pub fn read_models(body: &[u8]) -> Vec<String> {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let list = json.get("data").or_else(|| json.get("models")).and_then(Value::as_array);
    let named =
        |model: &Value| ["id", "slug", "name"].iter().find_map(|key| model.get(key)?.as_str().map(str::to_owned));
    list.into_iter().flatten().filter_map(named).collect()
}

/// Reads the answer to [`protocol_call`] and [`count_call`].
#[must_use]
pub fn read(status: u16, body: &[u8]) -> Answer {
    match status {
        // Some look for the model first, and say that there is none of no name.
        404 if speaks_of_model(body) => Answer::There,
        404 | 405 | 501 => Answer::NotThere,
        401 | 403 => Answer::KeyRefused,
        // Whoever is throttled, or owes money, has found the path.
        200..=299 | 400 | 402 | 409 | 411..=429 => Answer::There,
        other => Answer::Unclear(other),
    }
}

fn speaks_of_model(body: &[u8]) -> bool {
    let refusal = Refusal::read(body, false);
    refusal.codes().any(|code| code == "model_not_found") || refusal.message().to_lowercase().contains("model")
}

fn headers(protocol: Protocol) -> &'static [(&'static str, &'static str)] {
    if protocol == Protocol::Messages { PLAIN } else { &[] }
}

fn with_key(call: Call, key: Option<&SecretString>, header: KeyHeader) -> Call {
    match header {
        KeyHeader::Bearer => Call { bearer: key.cloned(), ..call },
        KeyHeader::XApiKey => Call { api_key: key.cloned(), ..call },
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Protocol::Messages, "https://h/claude/", &["https://h/claude"])]
    #[case(Protocol::Messages, "https://h/v1", &["https://h"])]
    #[case(Protocol::Chat, "https://h/v1/", &["https://h/v1"])]
    #[case(Protocol::Chat, "https://h/api", &["https://h/api/v1", "https://h/api"])]
    fn an_address_is_understood_with_and_without_its_version(
        #[case] protocol: Protocol,
        #[case] written: &str,
        #[case] expected: &[&str],
    ) {
        assert_eq!(bases(protocol, written), expected);
    }

    #[rstest]
    #[case(200, Answer::There)]
    #[case(400, Answer::There)]
    #[case(422, Answer::There)]
    #[case(429, Answer::There)]
    #[case(404, Answer::NotThere)]
    #[case(405, Answer::NotThere)]
    #[case(401, Answer::KeyRefused)]
    #[case(403, Answer::KeyRefused)]
    #[case(500, Answer::Unclear(500))]
    #[case(302, Answer::Unclear(302))]
    fn a_refusal_of_the_body_shows_that_the_path_is_there(#[case] status: u16, #[case] expected: Answer) {
        assert_eq!(read(status, b"not found"), expected);
    }

    #[rstest]
    #[case(r#"{"error":{"code":"model_not_found","message":"x"}}"#, Answer::There)]
    #[case(r#"{"object":"error","message":"The model `` does not exist.","code":404}"#, Answer::There)]
    #[case(r#"{"detail":"Not Found"}"#, Answer::NotThere)]
    #[case("<html>no model here</html>", Answer::NotThere)]
    fn who_misses_the_model_has_found_the_path(#[case] body: &str, #[case] expected: Answer) {
        assert_eq!(read(404, body.as_bytes()), expected);
    }

    #[test]
    fn lists_of_models_come_in_two_forms() {
        assert_eq!(read_models(br#"{"data":[{"id":"a"},{"id":"b"}]}"#), ["a", "b"]);
        assert_eq!(read_models(br#"{"models":[{"slug":"c"}]}"#), ["c"]);
        assert!(read_models(b"<html>").is_empty());
    }
}
