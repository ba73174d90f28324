//! Where Anthropic states quota: `anthropic-ratelimit-unified-*` on every answer to a subscription, per-minute buckets on API
//! keys, and the usage endpoint. Every header is optional; shares are fractions in headers, percent in the usage answer.

use http::HeaderMap;
use remuda_core::{UnixSeconds, Window};
use serde_json::Value;

use crate::quota::limits::{Spent, evidence};
use crate::quota::slot::{About, HeaderSlot, Slot};
use crate::time::{Wait, moment, moment_in, number_in};

const FAMILY: &str = "anthropic-ratelimit-";
const UNIFIED: &str = "anthropic-ratelimit-unified-";
/// The words for "no" in a status. Others (`allowed`, `allowed_warning`, `queueing_soft`, …) let the request in.
const REFUSALS: [&str; 3] = ["rejected", "blocked", "rate_limited"];

/// More windows than this are not looked at; the vendor has sent up to three.
const MAX_WINDOWS: usize = 16;

/// The up to three headers of one window: name and value of each.
#[derive(Clone, Copy)]
struct Stated<'a> {
    token: &'a str,
    about: About<'a>,
    status: Option<(&'a str, &'a str)>,
    share: Option<(&'a str, &'a str)>,
    reset: Option<(&'a str, &'a str)>,
}

/// Is there any quota header?
pub(crate) fn any(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with(FAMILY))
}

/// Is there a header of a single window?
pub(crate) fn any_window(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| window_header(name.as_str()).is_some())
}

/// The windows in the headers: `…-5h-status`, `…-7d-utilization`, `…-7d_oi-reset`. One pass, nothing allocated.
pub(crate) fn in_headers(headers: &HeaderMap, now: UnixSeconds) -> impl Iterator<Item = HeaderSlot<'_>> {
    let mut windows: [Option<Stated<'_>>; MAX_WINDOWS] = [None; MAX_WINDOWS];
    for (name, value) in headers {
        let Some((token, field, about)) = window_header(name.as_str()) else { continue };
        let Some(value) = value.to_str().ok().map(str::trim).filter(|value| !value.is_empty()) else { continue };
        let free = windows.iter_mut().find(|window| window.is_none_or(|window| window.token == token));
        if let Some(window) = free {
            let stated = window.get_or_insert(Stated { token, about, status: None, share: None, reset: None });
            match field {
                Field::Status => stated.status = Some((name.as_str(), value)),
                Field::Utilization => stated.share = Some((name.as_str(), value)),
                Field::Reset => stated.reset = Some((name.as_str(), value)),
            }
        }
    }
    windows.into_iter().flatten().map(move |window| HeaderSlot {
        slot: Slot {
            about: window.about,
            percent: window.share.and_then(|(_, share)| Some(share.parse::<f64>().ok()? * 100.0)),
            resets_at: window.reset.and_then(|(_, reset)| moment(reset, now)).map(|wait| wait.until),
        },
        refuses: window.status.map(|(_, status)| refuses(status)),
        evidence: window.status.or(window.share).or(window.reset).unwrap_or_default(),
    })
}

/// The overall pair, for answers that name no single window.
pub(crate) fn overall(headers: &HeaderMap, now: UnixSeconds) -> Option<Spent> {
    const STATUS: &str = "anthropic-ratelimit-unified-status";
    let status = headers.get(STATUS)?.to_str().ok()?.trim();
    let reset = headers.get("anthropic-ratelimit-unified-reset").and_then(|value| value.to_str().ok());
    refuses(status)
        .then(|| Spent { resets: reset.and_then(|reset| moment(reset, now)), evidence: evidence((STATUS, status)) })
}

/// The last of the empty per-minute buckets: `anthropic-ratelimit-<bucket>-remaining` and `-reset`, which is RFC 3339.
pub(crate) fn empty_bucket(headers: &HeaderMap, now: UnixSeconds) -> Option<Wait> {
    headers
        .iter()
        .filter_map(|(name, remaining)| {
            let bucket = name.as_str().strip_prefix(FAMILY)?.strip_suffix("-remaining")?;
            if remaining.to_str().ok()?.trim().parse::<f64>().ok()? > 0.0 {
                return None;
            }
            let reset = headers.get(format!("{FAMILY}{bucket}-reset"))?;
            moment(reset.to_str().ok()?, now)
        })
        .fold(None, |latest, wait| Wait::later(latest, Some(wait)))
}

/// The windows in the usage endpoint's answer. `limits[]` supersedes the flat slots, which are null on current plans.
pub(crate) fn in_usage(json: &Value, now: UnixSeconds) -> Vec<Slot<'_>> {
    let limits = json.get("limits").and_then(Value::as_array);
    let flat = |key: &str, about| {
        let slot = json.get(key)?;
        usage_slot(about, slot.get("utilization")?, slot, now)
    };
    let of_kind = |kind: &'static str| {
        limits.into_iter().flatten().filter(move |limit| limit.get("kind").and_then(Value::as_str) == Some(kind))
    };
    let listed = |kind, about| of_kind(kind).find_map(|limit| usage_slot(about, limit.get("percent")?, limit, now));

    let five_hour = About::Account(Some(Window::FIVE_HOUR_S));
    let seven_day = About::Account(Some(Window::SEVEN_DAY_S));
    let mut slots = Vec::new();
    slots.extend(flat("five_hour", five_hour).or_else(|| listed("session", five_hour)));
    slots.extend(flat("seven_day", seven_day).or_else(|| listed("weekly_all", seven_day)));
    if limits.is_some() {
        slots.extend(of_kind("weekly_scoped").filter_map(|limit| {
            let model = limit.pointer("/scope/model/display_name")?.as_str()?;
            usage_slot(About::Model(model), limit.get("percent")?, limit, now)
        }));
    } else {
        slots.extend(flat("seven_day_opus", About::Model("opus")));
        slots.extend(flat("seven_day_sonnet", About::Model("sonnet")));
    }
    slots
}

fn usage_slot<'a>(about: About<'a>, percent: &Value, slot: &Value, now: UnixSeconds) -> Option<Slot<'a>> {
    Some(Slot {
        about,
        percent: Some(number_in(percent)?),
        resets_at: slot.get("resets_at").and_then(|at| moment_in(at, now)).map(|wait| wait.until),
    })
}

#[derive(Clone, Copy)]
enum Field {
    Status,
    Utilization,
    Reset,
}

impl Field {
    const ALL: [(Self, &str); 3] =
        [(Self::Status, "-status"), (Self::Utilization, "-utilization"), (Self::Reset, "-reset")];
}

/// Token, field and meaning of a window's header; `None` for every other header, the overage family among them.
fn window_header(name: &str) -> Option<(&str, Field, About<'_>)> {
    let rest = name.strip_prefix(UNIFIED)?;
    let (token, field) =
        Field::ALL.into_iter().find_map(|(field, suffix)| Some((rest.strip_suffix(suffix)?, field)))?;
    Some((token, field, about(token)?))
}

/// `5h`, `7d`: a window of that length. `7d_oi`: a window about a model, whatever the letters mean.
fn about(token: &str) -> Option<About<'_>> {
    let (length, scope) = token.split_once('_').map_or((token, None), |(length, scope)| (length, Some(scope)));
    let unit = match length.bytes().last()? {
        b'm' => 60,
        b'h' => 3600,
        b'd' => 86_400,
        _ => return None,
    };
    let seconds = u64::from(length[..length.len() - 1].parse::<u16>().ok()?) * unit;
    match scope {
        None => Some(About::Account(Some(seconds))),
        Some("") => None,
        Some(_) => Some(About::Model(token)),
    }
}

fn refuses(status: &str) -> bool {
    REFUSALS.iter().any(|word| status.eq_ignore_ascii_case(word))
}
