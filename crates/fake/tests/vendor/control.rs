use remuda_fake::{Config, Fake, LogLimits, Options, StartError, serve};
use serde_json::json;

use crate::client::{Client, ask, bearer, start, start_with};

#[tokio::test]
async fn everything_can_be_scripted_and_read_over_http() {
    let client = start().await;
    let account = client.subscription("a");
    let auth = bearer(&account.issue_tokens().access_token);
    let faults = json!({"account": "a", "faults": [
        {"effect": {"refuse": "overloaded"}, "headers": [["retry-after", "3"]]},
        {"effect": {"truncate": {"at": "after_content", "clean": true}}, "chunking": {"bytes": 7}},
        {"effect": {"spent": {"window": "five_hour", "resets_in_s": 60}}, "on": "messages", "times": 2},
    ]});
    assert_eq!(client.post("/__fake/faults", &[], &faults).await.json()["pending"], 3);
    let refused = client.message(&auth, &ask("x")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (529, Some("3")));
    let window = json!({"account": "a", "window": {"model": "oi"}, "used_percent": 50.0, "resets_in_s": 90});
    assert_eq!(client.post("/__fake/windows", &[], &window).await.status, 200);
    assert_eq!(account.windows()[2].used_percent, 50.0);
    let now = client.vendor.now();
    let advanced = client.post("/__fake/advance", &[], &json!({"seconds": 100})).await.json();
    assert!(advanced["now"].as_i64().unwrap() >= now + 100);
    assert_eq!(account.windows()[2].used_percent, 0.0);
    let requests = client.get("/__fake/requests", &[]).await.json();
    assert_eq!(requests["requests"].as_array().unwrap().len(), 1, "control requests are not in the log");
    assert_eq!((&requests["requests"][0]["account"], &requests["requests"][0]["status"]), (&json!("a"), &json!(529)));
    assert!(!requests.to_string().contains("sk-ant-oat01"), "no tokens in the log");
    assert_eq!(client.get("/__fake/violations", &[]).await.json(), json!({"violations": []}));
}

#[tokio::test]
async fn every_vendors_rows_and_what_the_model_says_can_be_scripted_over_http() {
    let running = serve(Options::default()).await.unwrap();
    let client = Client { vendor: running.vendor };
    let tokens = client.post("/__fake/tokens", &[], &json!({"account": "codex"})).await.json();
    let codex = running.accounts.iter().find(|account| account.name() == "codex").unwrap();
    let auth = crate::codex::agent(tokens["access_token"].as_str().unwrap(), codex);
    assert!(tokens["refresh_token"].as_str().unwrap().starts_with("rt_") && tokens["id_token"].is_string());
    let reply = json!({"when": "look", "say": "I look.", "call": {"tool": "shell", "input": {"command": ["ls"]}}});
    client.post("/__fake/replies", &[], &reply).await;
    let faults = json!({"account": "codex", "faults": [{"effect": {"refuse": {"openai": "usage_limit_reached"}}}]});
    assert_eq!(client.post("/__fake/faults", &[], &faults).await.json()["pending"], 1);
    let ask = crate::codex::ask("look");
    assert_eq!(client.post(crate::codex::RESPONSES, &auth, &ask).await.status, 429);
    let answer = client.post(crate::codex::RESPONSES, &auth, &ask).await.text();
    assert!(answer.contains("\"name\":\"shell\""), "{answer}");
    let seen = client.get("/__fake/requests", &[]).await.json();
    assert_eq!(
        (&seen["requests"][0]["site"], &seen["requests"][0]["endpoint"]),
        (&json!("chatgpt"), &json!("responses"))
    );
    assert!(!seen.to_string().contains(tokens["access_token"].as_str().unwrap()));
    let faults =
        json!({"faults": [{"effect": {"refuse": {"qwen": "hour_quota"}}}, {"effect": {"refuse": "overloaded"}}]});
    assert_eq!(client.post("/__fake/faults", &[], &faults).await.status, 200);
    assert_eq!(
        client.post("/__fake/faults", &[], &json!({"faults": [{"effect": {"refuse": "hour_quota"}}]})).await.status,
        400
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let client = start().await;
    let unknown = json!({"account": "nobody", "faults": []});
    assert_eq!(client.post("/__fake/faults", &[], &unknown).await.status, 404);
    assert_eq!(client.post("/__fake/faults", &[], &json!({"faults": [{"effect": "explode"}]})).await.status, 400);
    assert_eq!(client.get("/__fake/other", &[]).await.status, 404);
    let page = [("origin".to_owned(), "http://evil.example".to_owned())];
    assert_eq!(client.post("/__fake/advance", &page, &json!({"seconds": 1})).await.status, 401);
}

#[tokio::test]
async fn as_a_program_it_has_accounts_and_repeats_itself_with_a_seed() {
    let options = Options { seed: Some(7), ..Options::default() };
    let (one, two) = (serve(options.clone()).await.unwrap(), serve(options).await.unwrap());
    let names: Vec<_> = one.accounts.iter().map(|account| account.name().to_owned()).collect();
    assert_eq!(names, ["personal", "work", "metered", "codex", "openai", "qwen", "coding-plan", "token-plan"]);
    let keys = |running: &remuda_fake::Running| running.accounts.iter().map(|a| a.key().to_owned()).collect::<Vec<_>>();
    assert_eq!(keys(&one), keys(&two));
    let client = Client { vendor: one.vendor };
    assert_eq!(client.message(&crate::client::key(&keys(&two)[2]), &ask("x")).await.status, 200);
}

#[tokio::test]
async fn it_serves_this_machine_only_and_names_are_unique() {
    let config = Config { listen: "0.0.0.0:0".parse().unwrap(), ..Config::default() };
    assert!(matches!(Fake::start(config).await, Err(StartError::NotLoopback(_))));
    let client = start().await;
    client.subscription("a");
    assert!(client.vendor.add_account(remuda_fake::AccountSpec::api_key("a")).is_err());
    let taken = Config { listen: client.vendor.address(), ..Config::default() };
    assert!(matches!(Fake::start(taken).await, Err(StartError::Listen { .. })));
}

#[tokio::test]
async fn the_log_is_bounded_and_keeps_the_newest() {
    let log = LogLimits { requests: 3, body_bytes: 1_000_000 };
    let client = start_with(Config { log, ..Config::default() }).await;
    for _ in 0..5 {
        client.get("/api/hello", &[]).await;
    }
    let numbers: Vec<_> = client.vendor.requests().iter().map(|seen| seen.number).collect();
    assert_eq!(numbers, [3, 4, 5]);
}
