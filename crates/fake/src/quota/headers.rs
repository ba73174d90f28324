//! The quota headers of an answer, as the vendor writes them.

use super::buckets::Minute;
use super::windows::{PlanWindow, Windows};
use super::{QuotaHeaders, Window};

const UNIFIED: &str = "anthropic-ratelimit-unified";

/// Name and value, ready for the wire.
pub(crate) type Pairs = Vec<(String, String)>;

/// A window's share from which the vendor warns.
const WARNING_PERCENT: f64 = 90.0;

/// Headers of a subscription's answer. `refused` is true for the 429 that a spent window causes; its windows must count
/// this model.
pub(crate) fn unified(windows: &Windows, style: QuotaHeaders, model: &str, refused: bool, now: i64) -> Pairs {
    let begun: Vec<(&PlanWindow, i64)> = windows.0.iter().filter_map(|w| Some((w, w.resets_at?))).collect();
    let binding = |(window, _): &&(&PlanWindow, i64)| window.spent() && window.counts(model);
    let spent = begun.iter().filter(binding).max_by_key(|(_, resets_at)| *resets_at);
    let mut pairs = Pairs::new();
    match style {
        QuotaHeaders::None => return pairs,
        QuotaHeaders::TrioWhenSpent if refused => {
            for (window, resets_at) in begun.iter().filter(binding) {
                trio(&mut pairs, window, *resets_at, "rejected");
            }
            return pairs;
        }
        QuotaHeaders::TrioWhenSpent | QuotaHeaders::Full => {}
    }
    let counting = begun.iter().filter(|(window, _)| window.counts(model));
    let fullest = counting.max_by(|a, b| a.0.used_percent.total_cmp(&b.0.used_percent));
    let Some((claim, claim_reset)) = (if refused { spent } else { fullest }) else { return pairs };
    let overall = match (refused, claim.used_percent >= WARNING_PERCENT) {
        (true, _) => "rejected",
        (false, true) => "allowed_warning",
        (false, false) => "allowed",
    };
    pairs.push((format!("{UNIFIED}-status"), overall.to_owned()));
    pairs.push((format!("{UNIFIED}-reset"), claim_reset.to_string()));
    pairs.push((format!("{UNIFIED}-representative-claim"), claim_name(&claim.window)));
    for (window, resets_at) in &begun {
        let status = match window.used_percent {
            used if used >= 100.0 && (refused || !window.counts(model)) => "rejected",
            used if used >= WARNING_PERCENT => "allowed_warning",
            _ => "allowed",
        };
        trio(&mut pairs, window, *resets_at, status);
    }
    for (name, value) in [
        ("fallback", "available"),
        ("fallback-percentage", "0.5"),
        ("overage-status", "rejected"),
        ("overage-disabled-reason", "org_level_disabled"),
    ] {
        pairs.push((format!("{UNIFIED}-{name}"), value.to_owned()));
    }
    if refused {
        pairs.push(("retry-after".to_owned(), (claim_reset - now).max(0).to_string()));
    }
    pairs
}

fn trio(pairs: &mut Pairs, window: &PlanWindow, resets_at: i64, status: &str) {
    let name = window.header_name();
    let utilization = (window.used_percent * 100.0).round() / 10_000.0; // a fraction, at most four digits
    pairs.push((format!("{UNIFIED}-{name}-status"), status.to_owned()));
    pairs.push((format!("{UNIFIED}-{name}-utilization"), utilization.to_string()));
    pairs.push((format!("{UNIFIED}-{name}-reset"), resets_at.to_string()));
}

/// The claim of a model window has not been seen in public; its header suffix stands in.
fn claim_name(window: &Window) -> String {
    match window {
        Window::FiveHour => "five_hour".to_owned(),
        Window::SevenDay => "seven_day".to_owned(),
        Window::Month => "month".to_owned(),
        Window::Model(suffix) => format!("seven_day_{suffix}"),
    }
}

/// Headers of an API key's answer.
pub(crate) fn per_minute(minute: &Minute) -> Pairs {
    let mut pairs = Pairs::new();
    let mut bucket = |name: &str, limit: u64, remaining: u64, full_at: i64| {
        pairs.push((format!("anthropic-ratelimit-{name}-limit"), limit.to_string()));
        pairs.push((format!("anthropic-ratelimit-{name}-remaining"), remaining.to_string()));
        pairs.push((format!("anthropic-ratelimit-{name}-reset"), rfc3339(full_at)));
    };
    let thousands = |n: u64| (n + 500) / 1000 * 1000;
    let (requests, input, output) = (&minute.requests, &minute.input, &minute.output);
    bucket("requests", requests.limit(), requests.remaining(), requests.full_at());
    bucket("input-tokens", input.limit(), thousands(input.remaining()), input.full_at());
    bucket("output-tokens", output.limit(), thousands(output.remaining()), output.full_at());
    bucket(
        "tokens",
        input.limit() + output.limit(),
        thousands(input.remaining() + output.remaining()),
        input.full_at().max(output.full_at()),
    );
    pairs
}

/// `2026-11-20T10:00:55Z`
pub(crate) fn rfc3339(unix_seconds: i64) -> String {
    jiff::Timestamp::from_second(unix_seconds).unwrap_or_default().to_string()
}
