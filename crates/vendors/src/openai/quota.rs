//! Where OpenAI states quota: `x-codex-*` headers, the Codex usage endpoint and `codex.rate_limits` events for subscriptions,
//! `x-ratelimit-*` buckets for API keys. A window is known by its length: the slots primary and secondary swap.

use http::HeaderMap;
use remuda_core::UnixSeconds;
use serde_json::Value;

use crate::quota::slot::{About, HeaderSlot, Slot};
use crate::time::{Wait, duration, moment, moment_in, number_in, seconds_in};

/// Of another product.
const CODE_REVIEW: [&str; 2] = ["code-review", "code_review"];

/// The windows in the headers: `x-codex-primary-used-percent` and its siblings; `x-<limit-id>-primary-…` for additional limits
/// of single models.
pub(crate) fn in_headers(headers: &HeaderMap, now: UnixSeconds) -> impl Iterator<Item = HeaderSlot<'_>> {
    headers.iter().filter_map(move |(name, percent)| {
        let slot = name.as_str().strip_suffix("-used-percent")?;
        let limit = slot.strip_suffix("-primary").or_else(|| slot.strip_suffix("-secondary"))?.strip_prefix("x-")?;
        if limit.is_empty() || is_code_review(limit) {
            return None;
        }
        let text = |field: &str| sibling(headers, slot, field);
        let value = percent.to_str().ok()?.trim();
        let percent = value.parse::<f64>().ok().filter(|percent| percent.is_finite());
        let minutes = text("-window-minutes").and_then(|minutes| minutes.parse::<f64>().ok());
        let resets = text("-reset-at")
            .and_then(|at| moment(at, now))
            .or_else(|| text("-reset-after-seconds").and_then(|seconds| Wait::of(seconds.parse().ok()?, now)));
        if is_absent(percent, minutes, resets) {
            return None;
        }
        let about = if limit == "codex" {
            About::Account(minutes.and_then(|minutes| length(minutes * 60.0)))
        } else {
            let limit_name = sibling(headers, &slot[..2 + limit.len()], "-limit-name");
            About::Model(limit_name.filter(|name| !name.is_empty()).unwrap_or(limit))
        };
        if matches!(about, About::Model(name) if is_code_review(name)) {
            return None;
        }
        Some(HeaderSlot {
            slot: Slot { about, percent, resets_at: resets.map(|wait| wait.until) },
            refuses: None,
            evidence: (name.as_str(), value),
        })
    })
}

/// The last of the empty buckets: `x-ratelimit-remaining-<bucket>`, `x-ratelimit-reset-<bucket>`, which is a Go duration.
pub(crate) fn empty_bucket(headers: &HeaderMap, now: UnixSeconds) -> Option<Wait> {
    headers
        .iter()
        .filter_map(|(name, remaining)| {
            let bucket = name.as_str().strip_prefix("x-ratelimit-remaining-")?;
            if remaining.to_str().ok()?.trim().parse::<f64>().ok()? > 0.0 {
                return None;
            }
            let reset = headers.get(format!("x-ratelimit-reset-{bucket}"))?;
            Wait::of(duration::whole(reset.to_str().ok()?)?, now)
        })
        .fold(None, |latest, wait| Wait::later(latest, Some(wait)))
}

/// The windows in the usage endpoint's answer: lengths in seconds.
pub(crate) fn in_usage(json: &Value, now: UnixSeconds) -> Vec<Slot<'_>> {
    let mut slots = Vec::new();
    if let Some(limit) = json.get("rate_limit") {
        slots.extend(usage_pair(limit, None, now));
    }
    for limit in json.get("additional_rate_limits").and_then(Value::as_array).into_iter().flatten() {
        let name = ["limit_name", "metered_feature"].into_iter().find_map(|key| limit.get(key)?.as_str());
        if let (Some(name), Some(limit)) = (name.filter(|name| !is_code_review(name)), limit.get("rate_limit")) {
            slots.extend(usage_pair(limit, Some(name), now));
        }
    }
    slots
}

fn usage_pair<'a>(limit: &'a Value, model: Option<&'a str>, now: UnixSeconds) -> impl Iterator<Item = Slot<'a>> {
    ["primary_window", "secondary_window"]
        .into_iter()
        .filter_map(move |slot| json_slot(limit.get(slot)?, "limit_window_seconds", 1.0, model, now))
}

/// The JSON of a quota event; `None` for the many other events, which are not parsed.
pub(crate) fn event(data: &[u8]) -> Option<Value> {
    const KIND: &str = "codex.rate_limits";
    // quota events are small; long content that mentions one is not worth a parse
    const MAX_EVENT: usize = 16 * 1024;
    if data.len() > MAX_EVENT || memchr::memmem::find(data, KIND.as_bytes()).is_none() {
        return None;
    }
    let json: Value = serde_json::from_slice(data).ok()?;
    (json.get("type")?.as_str()? == KIND).then_some(json)
}

/// The windows in a `codex.rate_limits` event: lengths in minutes.
pub(crate) fn in_event(json: &Value, now: UnixSeconds) -> Vec<Slot<'_>> {
    let limit = ["limit_name", "metered_limit_name"].into_iter().find_map(|key| json.get(key)?.as_str());
    if limit.is_some_and(is_code_review) {
        return Vec::new();
    }
    let model = limit.filter(|limit| !limit.is_empty() && *limit != "codex");
    ["primary", "secondary"]
        .into_iter()
        .filter_map(|slot| json_slot(json.get("rate_limits")?.get(slot)?, "window_minutes", 60.0, model, now))
        .collect()
}

fn json_slot<'a>(slot: &Value, length_key: &str, unit_s: f64, model: Option<&'a str>, now: i64) -> Option<Slot<'a>> {
    let percent = slot.get("used_percent").and_then(number_in);
    let stated_length = slot.get(length_key).and_then(number_in);
    let resets = slot
        .get("reset_at")
        .and_then(|at| moment_in(at, now))
        .or_else(|| slot.get("reset_after_seconds").and_then(|seconds| seconds_in(seconds, now)));
    if is_absent(percent, stated_length, resets) {
        return None;
    }
    let about = match model {
        Some(name) => About::Model(name),
        None => About::Account(stated_length.and_then(|units| length(units * unit_s))),
    };
    Some(Slot { about, percent, resets_at: resets.map(|wait| wait.until) })
}

/// The vendor's way to say that there is no such window: nothing used, no length, no reset.
fn is_absent(percent: Option<f64>, length: Option<f64>, resets: Option<Wait>) -> bool {
    percent.is_none_or(|percent| percent == 0.0) && length.is_none_or(|length| length == 0.0) && resets.is_none()
}

/// Whole seconds of a stated length.
fn length(seconds: f64) -> Option<u64> {
    const A_YEAR: f64 = 366.0 * 86_400.0;
    (1.0..=A_YEAR).contains(&seconds).then(|| seconds.round() as u64)
}

fn is_code_review(limit: &str) -> bool {
    CODE_REVIEW.iter().any(|name| limit.ends_with(name))
}

/// Value of the header whose name is `slot` and `field` together.
fn sibling<'a>(headers: &'a HeaderMap, slot: &str, field: &str) -> Option<&'a str> {
    headers.iter().find_map(|(name, value)| {
        let ours = name.as_str().strip_prefix(slot) == Some(field);
        if ours { value.to_str().ok().map(str::trim) } else { None }
    })
}
