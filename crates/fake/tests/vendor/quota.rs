use remuda_fake::{AccountSpec, Buckets, ClockMode, Config, Cost, Fault, QuotaHeaders, Refusal, Window};

use crate::client::{ask, bearer, key, start, start_with, with};

const NOW: i64 = 1_795_168_800;

async fn simulated() -> crate::client::Client {
    start_with(Config { clock: ClockMode::Simulated(NOW), ..Config::default() }).await
}

#[tokio::test]
async fn windows_fill_refuse_and_reset_by_the_clock() {
    let client = simulated().await;
    let cost = Cost { five_hour: 40.0, seven_day: 5.0, model: 0.0 };
    let spec = AccountSpec { cost, ..AccountSpec::subscription("a") };
    let account = client.vendor.add_account(spec).unwrap();
    let tokens = account.issue_tokens();
    let auth = bearer(&tokens.access_token);
    let unified = |answer: &crate::client::Answer, name: &str| {
        answer.header(&format!("anthropic-ratelimit-unified-{name}")).map(str::to_owned)
    };
    let first = client.message(&auth, &ask("1")).await;
    assert_eq!(unified(&first, "5h-utilization").as_deref(), Some("0.4"));
    assert_eq!(unified(&first, "5h-status").as_deref(), Some("allowed"));
    assert_eq!(unified(&first, "5h-reset"), Some((NOW + 18_000).to_string()));
    assert_eq!(unified(&first, "7d-reset"), Some((NOW + 604_800).to_string()));
    assert_eq!(unified(&first, "representative-claim").as_deref(), Some("five_hour"));
    client.message(&auth, &ask("2")).await;
    let third = client.message(&auth, &ask("3")).await;
    assert_eq!((third.status, unified(&third, "5h-utilization").as_deref()), (200, Some("1.2")));

    client.vendor.advance(100);
    let refused = client.message(&auth, &ask("4")).await;
    assert_eq!((refused.status, refused.error_type().as_str()), (429, "rate_limit_error"));
    assert_eq!(unified(&refused, "status").as_deref(), Some("rejected"));
    assert_eq!(unified(&refused, "5h-status").as_deref(), Some("rejected"));
    assert_eq!(unified(&refused, "7d-status").as_deref(), Some("allowed"));
    assert_eq!(unified(&refused, "reset"), Some((NOW + 18_000).to_string()));
    assert_eq!(refused.header("retry-after"), Some("17900"));

    client.vendor.advance(17_899);
    assert_eq!(client.message(&auth, &ask("5")).await.status, 429);
    client.vendor.advance(1);
    let anew = client.message(&auth, &ask("6")).await;
    assert_eq!((anew.status, unified(&anew, "5h-utilization").as_deref()), (200, Some("0.4")));
    assert_eq!(unified(&anew, "7d-utilization").as_deref(), Some("0.2"), "the week goes on");
}

#[tokio::test]
async fn a_spent_account_may_answer_with_the_bare_trio_only() {
    let client = simulated().await;
    let spec = AccountSpec { quota_headers: QuotaHeaders::TrioWhenSpent, ..AccountSpec::subscription("a") };
    let account = client.vendor.add_account(spec).unwrap();
    account.set_window(Window::FiveHour, 101.0, 5400);
    let refused = client.message(&bearer(&account.issue_tokens().access_token), &ask("x")).await;
    assert_eq!(refused.status, 429);
    let mut limits: Vec<_> =
        refused.headers.keys().map(|name| name.as_str()).filter(|n| n.contains("ratelimit")).collect();
    limits.sort_unstable();
    let names = ["5h-reset", "5h-status", "5h-utilization"];
    assert_eq!(limits, names.map(|name| format!("anthropic-ratelimit-unified-{name}")));
    assert_eq!(refused.header("anthropic-ratelimit-unified-5h-utilization"), Some("1.01"));
    assert!(refused.header("retry-after").is_none());
}

#[tokio::test]
async fn a_spent_model_window_benches_that_model_only() {
    let client = simulated().await;
    let account = client.subscription("a");
    client.vendor.set_window(&account, Window::Model("oi".to_owned()), 100.0, 86_400);
    let auth = bearer(&account.issue_tokens().access_token);
    let fable = client.message(&auth, &with(ask("x"), serde_json::json!({"model": "claude-fable-5"}))).await;
    assert_eq!(fable.status, 429);
    assert_eq!(fable.header("anthropic-ratelimit-unified-7d_oi-status"), Some("rejected"));
    let sonnet = client.message(&auth, &ask("x")).await;
    assert_eq!(sonnet.status, 200);
    assert_eq!(sonnet.header("anthropic-ratelimit-unified-status"), Some("allowed"));
    assert_eq!(sonnet.header("anthropic-ratelimit-unified-7d_oi-status"), Some("rejected"));
}

#[tokio::test]
async fn usage_tells_the_same_windows_in_percent() {
    let client = simulated().await;
    let account = client.subscription("a");
    account.set_window(Window::FiveHour, 77.4, 3600);
    account.set_window(Window::Model("oi".to_owned()), 63.0, 86_400);
    let answer = client.get("/api/oauth/usage", &bearer(&account.issue_tokens().access_token)).await;
    assert_eq!(answer.header("anthropic-organization-id"), Some(account.organization_uuid()));
    assert!(answer.headers.keys().all(|name| !name.as_str().contains("ratelimit")));
    let usage = answer.json();
    assert_eq!(usage["five_hour"]["utilization"], 77);
    assert_eq!(usage["five_hour"]["resets_at"], "2026-11-20T11:00:00.000000+00:00");
    assert_eq!((&usage["seven_day"]["utilization"], &usage["seven_day"]["resets_at"]), (&0.into(), &().into()));
    let limits = usage["limits"].as_array().unwrap();
    let kinds: Vec<_> = limits.iter().map(|limit| limit["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["session", "weekly_all", "weekly_scoped"]);
    assert_eq!(limits[2]["scope"]["model"]["display_name"], "Fable");
    assert_eq!(limits[0]["is_active"], true);
}

#[tokio::test]
async fn a_key_has_minute_buckets_and_no_windows() {
    let client = simulated().await;
    let buckets = Buckets { requests: 2, ..Buckets::default() };
    let account = client.vendor.add_account(AccountSpec { buckets, ..AccountSpec::api_key("k") }).unwrap();
    let auth = key(account.key());
    let first = client.message(&auth, &ask("1")).await;
    assert_eq!(first.header("anthropic-ratelimit-requests-limit"), Some("2"));
    assert_eq!(first.header("anthropic-ratelimit-requests-remaining"), Some("1"));
    assert_eq!(first.header("anthropic-ratelimit-requests-reset"), Some("2026-11-20T10:00:30Z"));
    assert_eq!(first.header("anthropic-ratelimit-input-tokens-limit"), Some("2000000"));
    assert!(first.headers.keys().all(|name| !name.as_str().contains("unified")));
    client.message(&auth, &ask("2")).await;
    let refused = client.message(&auth, &ask("3")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("30")));
    assert_eq!(refused.message(), "Number of requests has exceeded your per-minute rate limit");
    assert_eq!(refused.header("anthropic-ratelimit-requests-remaining"), Some("0"));
    client.vendor.advance(30);
    assert_eq!(client.message(&auth, &ask("4")).await.status, 200);
}

#[tokio::test]
async fn a_scripted_burst_leaves_the_windows_free_and_a_scripted_spent_window_leaves_them_alone() {
    let client = start().await;
    let account = client.subscription("a");
    let auth = bearer(&account.issue_tokens().access_token);
    client.message(&auth, &ask("begin the windows")).await;
    let before = account.windows();
    client
        .vendor
        .script(&account, [Fault::refuse(Refusal::RateLimit).retry_after("8"), Fault::spent(Window::SevenDay, 7200)]);
    let burst = client.message(&auth, &ask("x")).await;
    assert_eq!((burst.status, burst.header("retry-after")), (429, Some("8")));
    assert_eq!(burst.header("anthropic-ratelimit-unified-5h-status"), Some("allowed"));
    let spent = client.message(&auth, &ask("x")).await;
    assert_eq!(spent.header("anthropic-ratelimit-unified-7d-status"), Some("rejected"));
    assert_eq!(spent.header("anthropic-ratelimit-unified-representative-claim"), Some("seven_day"));
    assert_eq!(account.windows(), before);
    assert_eq!(client.message(&auth, &ask("x")).await.status, 200);
}
