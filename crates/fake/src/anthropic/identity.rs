//! Usage, profile and roles: what the vendor tells an account about itself.

use serde_json::{Value, json};

use crate::account::Plan;
use crate::answer::Answer;
use crate::quota::windows::{PlanWindow, Windows};
use crate::quota::{Window, headers};
use crate::state::Account;

struct PlanFacts {
    organization_type: &'static str,
    tier: &'static str,
    max: bool,
    pro: bool,
}

fn facts(plan: Plan) -> PlanFacts {
    let facts = |organization_type, tier| PlanFacts { organization_type, tier, max: false, pro: false };
    match plan {
        Plan::Pro => PlanFacts { pro: true, ..facts("claude_pro", "default_claude_ai") },
        Plan::Max5x => PlanFacts { max: true, ..facts("claude_max", "default_claude_max_5x") },
        Plan::Max20x => PlanFacts { max: true, ..facts("claude_max", "default_claude_max_20x") },
        Plan::Team => facts("claude_team", "default_claude_max_5x"),
        Plan::Enterprise => facts("claude_enterprise", "default_claude_max_20x"),
    }
}

/// `GET /api/oauth/profile`
pub(crate) fn profile(account: &Account) -> Answer {
    let spec = &account.spec;
    let facts = facts(spec.plan);
    let body = json!({
        "account": {
            "uuid": account.account_uuid,
            "full_name": spec.name,
            "display_name": spec.name,
            "email": spec.email,
            "has_claude_max": facts.max,
            "has_claude_pro": facts.pro,
            "created_at": "2025-01-15T10:00:00Z",
        },
        "organization": {
            "uuid": account.organization_uuid,
            "name": spec.organization,
            "organization_type": facts.organization_type,
            "billing_type": "stripe_subscription",
            "rate_limit_tier": facts.tier,
            "seat_tier": null,
            "has_extra_usage_enabled": false,
            "subscription_status": "active",
            "subscription_created_at": "2025-01-15T10:00:00Z",
        },
        "application": {"uuid": super::oauth::CLIENT_ID, "name": "Claude Code", "slug": "claude-code"},
        "enabled_plugins": [],
    });
    answer(account, &body)
}

/// `GET /api/oauth/claude_cli/roles`
pub(crate) fn roles(account: &Account) -> Answer {
    let body = json!({
        "organization_uuid": account.organization_uuid,
        "organization_name": account.spec.organization,
        "organization_role": "admin",
        "workspace_uuid": null,
        "workspace_name": null,
        "workspace_role": null,
    });
    answer(account, &body)
}

/// `GET /api/oauth/usage`. Percent here, fractions in headers.
pub(crate) fn usage(account: &mut Account, now: i64) -> Answer {
    account.windows.roll(now);
    let windows = &account.windows;
    let flat = |wanted: Window| {
        let window = windows.0.iter().find(|window| window.window == wanted);
        window.map_or(Value::Null, |window| {
            json!({
                "utilization": percent(window),
                "resets_at": resets_at(window),
                "limit_dollars": null,
                "used_dollars": null,
                "remaining_dollars": null,
            })
        })
    };
    let body = json!({
        "five_hour": flat(Window::FiveHour),
        "seven_day": flat(Window::SevenDay),
        "seven_day_oauth_apps": null,
        "seven_day_opus": null,
        "seven_day_sonnet": null,
        "seven_day_cowork": null,
        "seven_day_omelette": null,
        "tangelo": null,
        "iguana_necktie": null,
        "extra_usage": {
            "is_enabled": false,
            "monthly_limit": null,
            "used_credits": null,
            "utilization": null,
            "currency": null,
        },
        "limits": limits(windows),
        "member_dashboard_available": false,
    });
    answer(account, &body)
}

fn limits(windows: &Windows) -> Vec<Value> {
    let fullest = windows.0.iter().map(|window| window.used_percent).fold(0.0, f64::max);
    let entry = |window: &PlanWindow| {
        let (kind, group) = match &window.window {
            Window::FiveHour => ("session", "session"),
            Window::SevenDay => ("weekly_all", "weekly"),
            Window::Month => ("monthly_all", "monthly"),
            Window::Model(_) => ("weekly_scoped", "weekly"),
        };
        let scope = window
            .scope
            .as_ref()
            .map(|scope| json!({"model": {"id": null, "display_name": scope.display_name}, "surface": null}));
        let severity = match window.used_percent {
            used if used >= 100.0 => "critical",
            used if used >= 75.0 => "warning",
            _ => "normal",
        };
        json!({
            "kind": kind,
            "group": group,
            "percent": percent(window),
            "severity": severity,
            "resets_at": resets_at(window),
            "scope": scope,
            "is_active": window.used_percent > 0.0 && window.used_percent >= fullest,
        })
    };
    windows.0.iter().map(entry).collect()
}

/// Whole percent, as the endpoint gives it.
fn percent(window: &PlanWindow) -> i64 {
    window.used_percent.round() as i64
}

fn resets_at(window: &PlanWindow) -> Option<String> {
    // The endpoint writes microseconds and an offset: 2026-07-17T00:00:00.123456+00:00
    window.resets_at.map(|at| headers::rfc3339(at).replace('Z', ".000000+00:00"))
}

fn answer(account: &Account, body: &Value) -> Answer {
    Answer::json(200, body).header("anthropic-organization-id", account.organization_uuid.clone())
}
