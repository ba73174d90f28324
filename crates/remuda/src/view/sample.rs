//! Answers for the snapshot tests of the views.

use std::collections::BTreeMap;

use remuda_control::types::*;
use remuda_core::headroom::SaidOf;
use remuda_core::pace::Pace;
use remuda_core::record::Record;
use remuda_core::snapshot::{Strategy, UnknownQuota};
use remuda_core::standing::Trust;
use remuda_core::{
    AccountId, Class, CostClass, CredentialKind, Host, Protocol, Reading, ReadingSource, UnixSeconds, Vendor, Window,
};
use uuid::Uuid;

/// 2025-11-20 12:00 UTC.
pub(super) const NOW: UnixSeconds = 1_763_640_000;

fn id(n: u128) -> AccountId {
    AccountId(Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0000 + n))
}

fn account(n: u128, label: &str) -> AccountView {
    AccountView {
        id: id(n),
        label: label.to_owned(),
        vendor: Vendor::Anthropic,
        kind: CredentialKind::Subscription,
        cost: CostClass::Included,
        state: State::Ready,
        active: false,
        who: Who::default(),
        base_url: None,
        bases: BTreeMap::new(),
        speaks: Protocol::Messages.into(),
        resting: None,
        resting_models: Vec::new(),
        windows: Vec::new(),
        min_remaining: BTreeMap::new(),
        quota: QuotaView::default(),
        trouble: None,
        spend: None,
        allowed_hosts: Vec::new(),
        chain: Vec::new(),
        stands_in_for: Vec::new(),
        pools: Vec::new(),
        added_at: Some(NOW - 30 * 86_400),
        borrowed: None,
    }
}

fn window(window: Window, used_percent: f64, resets_in: i64) -> WindowView {
    let resets_at = Some(NOW + resets_in);
    let source = ReadingSource::Headers;
    let reading = Reading { used_percent, resets_at, source, read_at: NOW - 90 };
    WindowView {
        used_percent,
        remaining_percent: reading.remaining(NOW),
        resets_at,
        read_at: reading.read_at,
        age_s: 90,
        source,
        trust: if reading.is_over(NOW) { Trust::Over } else { Trust::Fresh },
        binding: false,
        pace: Pace::of(&window, &reading, NOW),
        window,
    }
}

fn who(email: &str, organization: &str, plan: &str) -> Who {
    Who { email: Some(email.to_owned()), organization: Some(organization.to_owned()), plan: Some(plan.to_owned()) }
}

fn rest(seconds: i64, stated: bool, reason: Class, evidence: &str) -> Rest {
    Rest { until: NOW + seconds, reason, stated, evidence: evidence.to_owned() }
}

pub(crate) fn status() -> Status {
    let mut work = account(1, "work");
    work.active = true;
    work.who = who("ann@example.com", "Example Inc", "Team");
    work.state = State::Resting;
    work.resting =
        Some(rest(4380, true, Class::WindowExhausted, "429, anthropic-ratelimit-unified-5h-status: rejected"));
    work.windows = vec![window(Window::FiveHour, 100.0, 4380), window(Window::SevenDay, 61.0, 273_600)];
    work.chain = vec!["personal".to_owned(), "@spare".to_owned()];
    let mut personal = account(2, "personal");
    personal.who = who("ann@home.example", "Ann", "Max 20x");
    personal.windows = vec![
        window(Window::FiveHour, 42.6, 8040),
        window(Window::SevenDay, 12.0, 400_000),
        window(Window::Model("opus".to_owned()), 92.0, 400_000),
    ];
    personal.resting_models = vec![ModelRest {
        model: "claude-opus-4-8".to_owned(),
        rest: rest(400_000, true, Class::ModelExhausted, "429, 7d_opus-status: rejected"),
    }];
    personal.windows[0].binding = true;
    personal.quota.minimum = vec![floor(Window::FiveHour, 10.0, SaidOf::Everyone, Some(57.4))];
    personal.trouble = Some(TroubleView {
        retry_at: Some(NOW + 120),
        why: Some("the token could not be refreshed: the vendor answered 503".to_owned()),
    });
    personal.quota.usage.trouble = Some("the usage endpoint answered 429".to_owned());
    personal.quota.usage.not_before = Some(NOW + 240);
    personal.stands_in_for = vec!["work".to_owned()];
    personal.allowed_hosts = vec![Host::Pi];
    let mut side = account(3, "side project");
    side.state = State::NeedsLogin;
    side.windows = vec![window(Window::FiveHour, 80.0, -600)];
    side.pools = vec!["spare".to_owned()];
    let mut key = account(4, "key");
    key.kind = CredentialKind::ApiKey;
    key.cost = CostClass::Metered;
    key.state = State::Resting;
    key.resting = Some(rest(840, false, Class::Billing, "402"));
    key.base_url = Some("http://10.0.0.7:8080".to_owned());
    key.min_remaining = BTreeMap::from([(Window::SevenDay, 10.0)]);
    key.quota.minimum = vec![floor(Window::SevenDay, 10.0, SaidOf::Account, None)];
    key.quota.usage.why_not = Some("the vendor states no plan windows for keys".to_owned());
    key.spend = Some(SpendRuleView {
        account: "key".to_owned(),
        after: vec![Class::WindowExhausted],
        daily_limit_usd: 5.0,
        spent_today_usd: 1.2,
    });
    let mut old = account(5, "old");
    old.state = State::Paused;
    Status {
        now: NOW,
        daemon: Some(Daemon {
            pid: 4711,
            started_at: NOW - 8040,
            url: "http://127.0.0.1:4747".to_owned(),
            socket: "/home/ann/.local/state/remuda/remuda.sock".to_owned(),
            version: "0.1.0".to_owned(),
        }),
        active: Some("work".to_owned()),
        accounts: vec![work, personal, side, key, old],
        pools: vec![PoolView {
            name: "spare".to_owned(),
            strategy: Strategy::Ordered,
            members: vec!["side project".to_owned(), "key".to_owned()],
            on_chains_of: vec!["work".to_owned()],
            active: false,
        }],
        pins: vec![PinView { session: "claude:3431a7ea".to_owned(), target: "personal".to_owned() }],
        holds: Vec::new(),
        warm: None,
    }
}

fn floor(window: Window, percent: f64, said_of: SaidOf, remaining_percent: Option<f64>) -> FloorView {
    FloorView { window, percent, said_of, remaining_percent }
}

fn floors() -> Vec<AccountFloors> {
    let of = |account: &str, floors| AccountFloors {
        account: account.to_owned(),
        floors,
        unknown: UnknownQuota::Closed,
        unknown_said_of: SaidOf::Everyone,
    };
    vec![
        of(
            "work",
            vec![
                floor(Window::FiveHour, 10.0, SaidOf::Everyone, Some(8.4)),
                floor(Window::SevenDay, 25.0, SaidOf::Account, Some(39.0)),
            ],
        ),
        of("personal", Vec::new()),
        AccountFloors {
            unknown: UnknownQuota::Open,
            unknown_said_of: SaidOf::Account,
            ..of("key", vec![floor(Window::FiveHour, 10.0, SaidOf::Everyone, None)])
        },
    ]
}

pub(crate) fn minimums() -> Minimums {
    let everyone = BTreeMap::from([(Window::FiveHour, 10.0)]);
    Minimums { now: NOW, everyone, unknown: UnknownQuota::Closed, accounts: floors() }
}

pub(crate) fn kill_switch() -> KillSwitchView {
    let everyone = BTreeMap::from([(Window::FiveHour, 10.0), (Window::Model("opus".to_owned()), 5.0)]);
    KillSwitchView { now: NOW, enabled: true, everyone, accounts: floors() }
}

pub(crate) fn empty_status() -> Status {
    Status {
        now: NOW,
        daemon: None,
        active: None,
        accounts: Vec::new(),
        pools: Vec::new(),
        pins: Vec::new(),
        holds: Vec::new(),
        warm: None,
    }
}

pub(crate) fn record(json: serde_json::Value) -> Record {
    let mut whole = serde_json::json!({
        "version": 1, "host": "claude", "kind": "main", "vendor": "anthropic", "path": "/v1/messages",
        "session": null, "model": "claude-sonnet-4-6", "source": id(1), "source_label": "work",
        "source_reason": "active", "skipped": [], "client_status": 200, "first_byte_ms": 1240, "total_ms": 5000,
        "held_ms": 0, "request_bytes": 87_000, "response_bytes": 4000, "tokens": {}, "cost_usd": null,
        "truncated": false,
    });
    if let (Some(whole), serde_json::Value::Object(json)) = (whole.as_object_mut(), json) {
        whole.extend(json);
    }
    serde_json::from_value(whole).unwrap()
}

pub(crate) fn attempt(n: u128, label: &str, status: u16, ended: serde_json::Value) -> serde_json::Value {
    serde_json::json!({
        "account": id(n), "label": label, "status": status, "upstream_request_id": null, "started_ms": 0,
        "head_ms": 100, "ended": ended, "changes": [],
    })
}

pub(crate) fn log() -> Log {
    use serde_json::json;
    let refused = json!({
        "end": "refused", "in_stream": false,
        "verdict": {
            "class": "window_exhausted", "scope": "account", "fail_over": true, "retry_same_after_s": null,
            "until": null, "evidence": "429",
        },
    });
    let moved = record(json!({
        "id": "0197a000-0003-7000-8000-000000000001", "at": NOW - 10,
        "attempts": [attempt(1, "work", 429, refused.clone()), attempt(2, "personal", 200, json!({"end": "served"}))],
        "outcome": {"result": "served", "account": id(2)},
        "tokens": {"input": 812, "output": 1460, "cache_read": 43_000},
        "cost_usd": 0.0421,
    }));
    let failed = record(json!({
        "id": "0197a000-0002-7000-8000-000000000001", "at": NOW - 3700,
        "attempts": [attempt(1, "work", 429, refused)],
        "outcome": {"result": "error", "from": id(1), "class": "window_exhausted", "retry_after_s": 4380.0},
        "client_status": 429, "first_byte_ms": null,
    }));
    let left = record(json!({
        "id": "0197a000-0001-7000-8000-000000000001", "at": NOW - 90_000,
        "attempts": [attempt(1, "work", 200, json!({"end": "abandoned"}))],
        "outcome": {"result": "served", "account": id(1)},
    }));
    Log { now: NOW, requests: vec![moved, failed, left], next: None }
}
