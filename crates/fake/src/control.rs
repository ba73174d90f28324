//! `/__fake/…`: script the vendor and read its log over HTTP, for when it runs as a program. Loopback only, like
//! everything here; pages of other sites are kept out by their `Origin`.

use bytes::Bytes;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::anthropic;
use crate::fault::{Fault, Who};
use crate::incoming::BadBody;
use crate::log::Seen;
use crate::quota::Window;
use crate::refusal::Refusal;
use crate::refused::Refused;
use crate::vendor::Shared;

/// Where it all begins.
pub(crate) const PREFIX: &str = "/__fake/";

/// `POST /__fake/faults`; without `account` they meet everybody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    account: Option<String>,
    faults: Vec<Fault>,
}

/// `POST /__fake/tokens`: logs in without a browser; worth nothing elsewhere.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    account: String,
}

/// `POST /__fake/windows`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetWindow {
    account: String,
    window: Window,
    used_percent: f64,
    resets_in_s: i64,
}

/// `POST /__fake/advance`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: i64,
}

pub(crate) fn answer(shared: &Shared, head: &Parts, raw: Result<Bytes, BadBody>) -> Answer {
    let done = raw.map_err(anthropic::bad_body).and_then(|raw| {
        if head.headers.contains_key("origin") {
            return Err(Refusal::Cors.into());
        }
        route(shared, head, &raw)
    });
    match done {
        Ok(body) => Answer::json(200, &body),
        Err(refused) => refused.answer("req_control"),
    }
}

fn route(shared: &Shared, head: &Parts, raw: &[u8]) -> Result<Value, Refused> {
    match (head.method.as_str(), head.uri.path().strip_prefix(PREFIX).unwrap_or_default()) {
        ("POST", "faults") => {
            let script: Script = parse(raw)?;
            let who = script.account.map_or(Who::Any, Who::Account);
            let mut state = shared.state.lock();
            if let Who::Account(name) = &who
                && state.index_of(name).is_none()
            {
                return Err(no_account(name));
            }
            state.faults.extend(script.faults.into_iter().map(|fault| (who.clone(), fault)));
            Ok(json!({"pending": state.faults.len()}))
        }
        ("POST", "windows") => {
            let set: SetWindow = parse(raw)?;
            let index = shared.state.lock().index_of(&set.account).ok_or_else(|| no_account(&set.account))?;
            shared.set_window(index, &set.window, set.used_percent, set.resets_in_s);
            Ok(json!({}))
        }
        ("POST", "replies") => {
            shared.state.lock().replies.insert(0, parse(raw)?);
            Ok(json!({}))
        }
        ("POST", "tokens") => {
            let Named { account } = parse(raw)?;
            let index = shared.state.lock().index_of(&account).ok_or_else(|| no_account(&account))?;
            Ok(serde_json::to_value(shared.issue_tokens(index)).unwrap_or_default())
        }
        ("POST", "advance") => {
            let advance: Advance = parse(raw)?;
            let mut state = shared.state.lock();
            state.clock.advance(advance.seconds);
            Ok(json!({"now": state.clock.now()}))
        }
        ("GET", "requests") => {
            Ok(json!({"requests": shared.state.lock().log.all().iter().map(shown).collect::<Vec<_>>()}))
        }
        ("GET", "violations") => Ok(json!({"violations": shared.state.lock().violations.all()})),
        _ => Err(Refused::saying(
            Refusal::NotFound,
            "POST faults, POST windows, POST replies, POST tokens, POST advance, GET requests, GET violations",
        )),
    }
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a [u8]) -> Result<T, Refused> {
    serde_json::from_slice(raw).map_err(|error| Refused::invalid(error.to_string()))
}

fn no_account(name: &str) -> Refused {
    Refused::saying(Refusal::NotFound, format!("no account named {name:?}"))
}

/// A request as JSON. The credential is shown by its account only.
fn shown(seen: &Seen) -> Value {
    let headers: Vec<Value> = seen
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "authorization" | "x-api-key"))
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect();
    json!({
        "number": seen.number,
        "at_ms": seen.at_ms,
        "site": seen.site,
        "endpoint": seen.endpoint,
        "method": seen.method,
        "path": seen.path,
        "headers": headers,
        "body": String::from_utf8_lossy(&seen.body),
        "account": seen.account,
        "model": seen.model,
        "request_id": seen.request_id,
        "status": seen.status,
        "content": seen.content,
        "ending": seen.ending,
    })
}
