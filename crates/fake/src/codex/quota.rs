//! Plan windows of ChatGPT accounts, as the Codex backend tells of them: headers, the event, the usage endpoint, the 429.

use serde_json::{Value, json};

use crate::account::chatgpt_user_id;
use crate::answer::Answer;
use crate::config::Slots;
use crate::quota::headers::Pairs;
use crate::quota::windows::{PlanWindow, Windows};
use crate::quota::{QuotaHeaders, Window};
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::state::Account;

/// The quota gate: takes what a request costs and gives the headers of its answer.
pub(crate) fn admit(account: &mut Account, model: &str, now: i64) -> Result<Pairs, Refused> {
    if account.lapsed || !account.spec.chatgpt.entitled {
        let plan = account.spec.chatgpt.plan.clone();
        return Err(Refused::from(OpenAiRefusal::UsageNotIncluded).field("plan_type", plan));
    }
    account.windows.roll(now);
    let resets_at = account.windows.spent(model).filter_map(|window| window.resets_at).max();
    if let Some(resets_at) = resets_at {
        let pairs = headers(account, &account.windows, model, true, now);
        return Err(limit_reached(account, resets_at, now).with(pairs));
    }
    account.windows.charge(&account.spec.cost, model, now);
    Ok(headers(account, &account.windows, model, false, now))
}

/// The 429's body.
pub(crate) fn limit_reached(account: &Account, resets_at: i64, now: i64) -> Refused {
    Refused::from(OpenAiRefusal::UsageLimitReached)
        .field("plan_type", account.spec.chatgpt.plan.clone())
        .field("resets_at", resets_at)
        .field("resets_in_seconds", (resets_at - now).max(0))
}

/// The account's windows in the slots in which they are reported.
fn slots<'a>(account: &Account, windows: &'a Windows) -> Vec<&'a PlanWindow> {
    let order: &[Window] = match account.spec.chatgpt.slots {
        Slots::FiveHourFirst => &[Window::FiveHour, Window::SevenDay],
        Slots::WeekFirst => &[Window::SevenDay, Window::FiveHour],
        Slots::WeekOnly => &[Window::SevenDay],
    };
    order.iter().filter_map(|wanted| windows.find(wanted)).collect()
}

/// Windows of some models only, once they have begun.
fn scoped(windows: &Windows) -> impl Iterator<Item = (&str, &str, &PlanWindow)> {
    windows.0.iter().filter(|window| window.resets_at.is_some()).filter_map(|window| {
        let scope = window.scope.as_ref()?;
        Some((scope.suffix.as_str(), scope.display_name.as_str(), window))
    })
}

/// A window that has not begun would begin now.
fn resets_at(window: &PlanWindow, now: i64) -> i64 {
    window.resets_at.unwrap_or(now + window.length_s())
}

/// At most two digits after the point.
fn percent(window: &PlanWindow) -> f64 {
    (window.used_percent * 100.0).round() / 100.0
}

/// `x-codex-*`. `refused`: on the 429 that a spent window causes.
pub(crate) fn headers(account: &Account, windows: &Windows, model: &str, refused: bool, now: i64) -> Pairs {
    let mut pairs = Pairs::new();
    let style = account.spec.quota_headers;
    if style == QuotaHeaders::None {
        return pairs;
    }
    let shown = |window: &PlanWindow| {
        !(refused && style == QuotaHeaders::TrioWhenSpent) || window.spent() && window.counts(model)
    };
    let mut trio = |prefix: &str, window: &PlanWindow| {
        let at = resets_at(window, now);
        pairs.push((format!("{prefix}-used-percent"), percent(window).to_string()));
        pairs.push((format!("{prefix}-window-minutes"), (window.length_s() / 60).to_string()));
        pairs.push((format!("{prefix}-reset-after-seconds"), (at - now).max(0).to_string()));
        pairs.push((format!("{prefix}-reset-at"), at.to_string()));
    };
    for (slot, window) in ["primary", "secondary"].into_iter().zip(slots(account, windows)) {
        if shown(window) {
            trio(&format!("x-codex-{slot}"), window);
        }
    }
    for (suffix, _, window) in scoped(windows).filter(|(_, _, window)| shown(window)) {
        trio(&format!("x-codex-{suffix}-primary"), window);
    }
    pairs.extend(scoped(windows).map(|(suffix, name, _)| (format!("x-codex-{suffix}-limit-name"), name.to_owned())));
    let credits = account.spec.chatgpt.credits.as_deref();
    let (has, balance) = (if credits.is_some() { "True" } else { "False" }, credits.unwrap_or("0"));
    for (name, value) in [
        ("plan-type", account.spec.chatgpt.plan.as_str()),
        ("active-limit", "premium"),
        ("primary-over-secondary-limit-percent", "0"),
        ("credits-has-credits", has),
        ("credits-unlimited", "False"),
        ("credits-balance", balance),
    ] {
        pairs.push((format!("x-codex-{name}"), value.to_owned()));
    }
    if refused {
        pairs.push(("x-codex-rate-limit-reached-type".to_owned(), "rate_limit_reached".to_owned()));
    }
    pairs
}

/// `codex.rate_limits`, which goes before the events of a response in a WebSocket.
pub(crate) fn event(account: &Account, now: i64) -> Value {
    let shown = slots(account, &account.windows);
    let slot = |at: usize| {
        shown.get(at).map(|window| {
            json!({
                "used_percent": percent(window),
                "window_minutes": window.length_s() / 60,
                "reset_after_seconds": (resets_at(window, now) - now).max(0),
                "reset_at": resets_at(window, now),
            })
        })
    };
    let credits = account.spec.chatgpt.credits.as_deref();
    json!({
        "type": "codex.rate_limits",
        "plan_type": account.spec.chatgpt.plan,
        "rate_limits": {"allowed": true, "limit_reached": false, "primary": slot(0), "secondary": slot(1)},
        "code_review_rate_limits": null,
        "credits": {"has_credits": credits.is_some(), "unlimited": false, "balance": credits},
        "metered_limit_name": null,
        "limit_name": null,
        "promo": null,
    })
}

/// `GET /wham/usage`: whole percent and seconds, where headers have fractions and minutes.
pub(crate) fn usage(account: &Account, now: i64) -> Answer {
    let window = |window: &PlanWindow| {
        json!({
            "used_percent": window.used_percent.round() as i64,
            "limit_window_seconds": window.length_s(),
            "reset_after_seconds": (resets_at(window, now) - now).max(0),
            "reset_at": resets_at(window, now),
        })
    };
    let limit = |shown: &[&PlanWindow]| {
        let reached = shown.iter().any(|window| window.spent());
        json!({
            "allowed": !reached,
            "limit_reached": reached,
            "primary_window": shown.first().map(|shown| window(shown)),
            "secondary_window": shown.get(1).map(|shown| window(shown)),
        })
    };
    let main = limit(&slots(account, &account.windows));
    let reached = main["limit_reached"] == true;
    let additional: Vec<Value> = scoped(&account.windows)
        .map(|(suffix, name, window)| {
            json!({
                "limit_name": name,
                "metered_feature": format!("codex_{suffix}"),
                "rate_limit": limit(&[window]),
            })
        })
        .collect();
    let credits = account.spec.chatgpt.credits.as_deref();
    Answer::json(
        200,
        &json!({
            "user_id": chatgpt_user_id(&account.account_uuid),
            "account_id": account.organization_uuid,
            "email": account.spec.email,
            "plan_type": account.spec.chatgpt.plan,
            "rate_limit": main,
            "code_review_rate_limit": null,
            "additional_rate_limits": if additional.is_empty() { Value::Null } else { additional.into() },
            "credits": {
                "has_credits": credits.is_some(), "unlimited": false, "balance": credits.unwrap_or("0"),
                "approx_local_messages": [0, 0], "approx_cloud_messages": [0, 0],
            },
            "spend_control": {"reached": false, "individual_limit": null},
            "rate_limit_reached_type": reached.then(|| json!({"type": "rate_limit_reached"})),
            "rate_limit_reset_credits": {"available_count": 0},
        }),
    )
}
