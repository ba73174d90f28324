//! `remuda login`: every way in, and every way in which it must not go.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use remuda_fake::AccountSpec;

use crate::trial::{Trial, everything_below, get};

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_login_shows_who_it_is_and_the_first_account_is_chosen() {
    let trial = Trial::new().await;
    trial.vendor.add_account(AccountSpec::subscription("ann")).unwrap();
    let ended = trial.log_in("ann", &["--label", "personal"]).ok();
    for says in ["Logged in: personal", "ann@example.com", "Max", "included", "Requests go to it", "remuda run claude"]
    {
        assert!(ended.out.contains(says), "{says:?}: {ended:?}");
    }
    assert!(ended.err.contains("Before you go on"), "the vendor's wording comes first: {ended:?}");
    let status = trial.remuda(&["status", "--json"]).json();
    assert_eq!((status["active"].as_str(), &status["accounts"][0]["state"]), (Some("personal"), &"ready".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_label_an_account_is_named_after_its_address() {
    let trial = Trial::new().await;
    trial.vendor.add_account(AccountSpec::subscription("ann")).unwrap();
    trial.log_in("ann", &[]).ok();
    assert_eq!(trial.json(&["accounts"])["accounts"][0]["label"], "ann@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_code_logs_in_and_nonsense_may_be_followed_by_the_code() {
    let trial = Trial::new().await;
    trial.vendor.add_account(AccountSpec::subscription("ann")).unwrap();
    trial.vendor.set_browser(remuda_fake::Browser::User("ann".to_owned()));
    let mut command = trial.command(&["login", "anthropic", "--label", "personal", "--paste", "--accept-terms"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut shown = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    let page = loop {
        assert!(shown.read_line(&mut said).unwrap() > 0, "no address: {said}");
        let last = said.lines().next_back().unwrap();
        if let Some(page) = last.split_whitespace().find(|word| word.starts_with("http://")) {
            break get(page);
        }
    };
    let with_code = page.location.expect("the vendor leads to its page with the code");
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "I see no code!\n{with_code}").unwrap();
    drop(input);
    shown.read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    assert!(said.contains("there is no code in this text"), "{said}");
    assert_eq!(trial.json(&["accounts", "show", "personal"])["account"]["kind"], "subscription");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_comes_from_standard_input_or_the_environment_and_is_metered() {
    let trial = Trial::new().await;
    trial.add_key("one", &[]);
    let two = trial.vendor.add_account(AccountSpec::api_key("two")).unwrap();
    let mut command = trial.command(&["login", "anthropic", "--label", "two", "--key-env", "ITS_KEY", "--json"]);
    let ended = crate::trial::ended({
        command.env("ITS_KEY", two.key());
        command
    });
    assert_eq!(ended.ok().json()["account"]["cost"], "metered");
    let accounts = trial.json(&["accounts"]);
    assert_eq!(accounts["accounts"].as_array().unwrap().len(), 2);
    let stored = everything_below(&trial.home());
    assert!(!stored.contains(two.key()), "keys are sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_lived_token_is_included() {
    let trial = Trial::new().await;
    let account = trial.vendor.add_account(AccountSpec::static_token("ci")).unwrap();
    let login = ["login", "anthropic", "--label", "ci", "--token-stdin", "--accept-terms", "--json"];
    let view = trial.remuda_reading(&login, account.key()).ok().json();
    assert_eq!((&view["account"]["kind"], &view["account"]["cost"]), (&"static_token".into(), &"included".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_real_account_under_a_second_label_is_refused_with_the_label_that_holds_it() {
    let trial = Trial::new().await;
    trial.vendor.add_account(AccountSpec::subscription("ann")).unwrap();
    trial.log_in("ann", &["--label", "personal"]).ok();
    trial.log_in("ann", &["--label", "another"]).failed(1, &["personal", "--label personal"]);
    assert_eq!(trial.json(&["accounts"])["accounts"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_in_again_under_the_same_label_renews_the_account_in_place() {
    let trial = Trial::new().await;
    trial.vendor.add_account(AccountSpec::subscription("ann")).unwrap();
    trial.log_in("ann", &["--label", "personal"]).ok();
    let before = trial.json(&["accounts", "show", "personal"]);
    let again = trial.log_in("ann", &["--label", "personal"]).ok();
    assert!(again.out.contains("renewed"), "{again:?}");
    assert!(!again.err.contains("Before you go on"), "the wording was accepted before: {again:?}");
    assert_eq!(trial.json(&["accounts", "show", "personal"])["account"]["id"], before["account"]["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_that_nobody_accepted_store_nothing() {
    let trial = Trial::new().await;
    let account = trial.vendor.add_account(AccountSpec::static_token("ci")).unwrap();
    let refused = trial.remuda_reading(&["login", "anthropic", "--token-stdin"], account.key());
    refused.failed(2, &["Anthropic: ", "--accept-terms"]);
    assert_eq!(trial.json(&["accounts"])["accounts"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_another_maker_needs_a_grant_that_shows_the_wording_each_time() {
    let trial = Trial::new().await;
    let account = trial.vendor.add_account(AccountSpec::static_token("ci")).unwrap();
    let login = ["login", "anthropic", "--label", "ci", "--token-stdin", "--accept-terms"];
    trial.remuda_reading(&login, account.key()).ok();
    let granted = trial.remuda_reading(&[&login[..], &["--allow-host", "pi"]].concat(), account.key()).ok();
    assert!(granted.err.contains("third-party harnesses"), "{granted:?}");
    assert_eq!(trial.json(&["accounts", "show", "ci"])["account"]["allowed_hosts"], serde_json::json!(["pi"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_vendor_does_not_know_is_refused_and_never_shown() {
    let trial = Trial::new().await;
    let key = "sk-ant-api03-planted-secret-that-nobody-knows";
    let refused =
        trial.remuda_reading(&["login", "anthropic", "--key-stdin"], key).failed(1, &["does not accept this key"]);
    assert!(!refused.err.contains("planted") && !refused.out.contains("planted"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_key_and_a_missing_variable_are_wrong_usage() {
    let trial = Trial::new().await;
    trial.remuda_reading(&["login", "anthropic", "--key-stdin"], "\n").failed(2, &["standard input is empty"]);
    trial.remuda(&["login", "anthropic", "--key-env", "NOT_THERE"]).failed(2, &["NOT_THERE is not set"]);
    trial.remuda(&["login", "anthropic", "--paste", "--key-stdin"]).failed(2, &["cannot be used with"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compatible_endpoint_is_kept_with_the_account() {
    let trial = Trial::new().await;
    let account = trial.vendor.add_account(AccountSpec::api_key("lan")).unwrap();
    let base = format!("{}/", trial.vendor.base_url());
    let login = ["login", "anthropic", "--label", "lan", "--key-stdin", "--base-url", &base, "--cost", "free"];
    trial.remuda_reading(&login, account.key()).ok();
    let shown = trial.json(&["accounts", "show", "lan"]);
    assert_eq!(shown["account"]["base_url"], trial.vendor.base_url());
    assert_eq!(shown["account"]["cost"], "free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_through_the_daemon_is_usable_at_once() {
    let trial = Trial::new().await;
    trial.vendor.add_account(AccountSpec::subscription("ann")).unwrap();
    let daemon = trial.serve();
    trial.log_in("ann", &["--label", "personal"]).ok();
    let answer = daemon.ask(&trial.key(&[]), "hello");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(trial.vendor.violations(), [""; 0]);
}
