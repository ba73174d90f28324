//! `quota`, `minimum`, `killswitch`: what is left, and what must remain.

use remuda_fake::{AccountSpec, Endpoint, Window};
use serde_json::{Value, json};

use crate::trial::Trial;

/// A subscription `work`, logged in, and active.
async fn with_subscription() -> (Trial, remuda_fake::FakeAccount) {
    let trial = Trial::new().await;
    let spec = AccountSpec::subscription("ann");
    let email = spec.email.clone();
    let account = trial.vendor.add_account(spec).unwrap();
    trial.log_in(&email, &["--label", "work"]).ok();
    (trial, account)
}

fn window<'a>(account: &'a Value, name: &str) -> &'a Value {
    let windows = account["windows"].as_array().unwrap();
    windows.iter().find(|w| w["window"] == name).unwrap_or_else(|| panic!("no {name} in {account}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn quota_refresh_asks_the_vendor_and_shows_all_that_is_known() {
    let (trial, account) = with_subscription().await;
    trial.add_key("paid", &[]);
    assert_eq!(trial.json(&["quota"])["accounts"][0]["windows"], json!([]), "nobody has asked yet");
    account.set_window(Window::FiveHour, 40.0, 9_000);
    account.set_window(Window::SevenDay, 80.0, 90_000);

    let refreshed = trial.json(&["quota", "--refresh"]);
    let polled = refreshed["polled"].as_array().unwrap();
    assert_eq!((&polled[0]["account"], &polled[0]["how"]), (&json!("work"), &json!("answered")));
    assert_eq!((&polled[1]["account"], &polled[1]["how"]), (&json!("paid"), &json!("nobody")));
    let work = &refreshed["accounts"][0];
    let five = window(work, "five_hour");
    assert_eq!((&five["used_percent"], &five["remaining_percent"]), (&json!(40.0), &json!(60.0)));
    assert_eq!((&five["source"], &five["trust"]), (&json!("usage"), &json!("fresh")));
    assert!((five["pace"]["even_percent"].as_f64().unwrap() - 50.0).abs() < 1.0, "{five}");
    assert_eq!(five["pace"]["runs_out_at"], Value::Null, "less than half at half time");
    let week = window(work, "seven_day");
    assert_eq!((&five["binding"], &week["binding"]), (&json!(false), &json!(true)));

    let shown = trial.remuda(&["quota", "work"]).ok().out;
    for says in ["60%", "20%", "in reserve", "asked", "2h"] {
        assert!(shown.contains(says), "{says}: {shown}");
    }
    assert!(!shown.contains("paid"), "only the account that was named: {shown}");
    let again = trial.remuda(&["quota", "--refresh"]).ok().out;
    assert!(again.contains("was asked a moment ago"), "{again}");
    let asked = trial.vendor.requests().into_iter().filter(|seen| seen.endpoint == Endpoint::Usage).count();
    assert_eq!(asked, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_login_forgets_what_was_read() {
    let (trial, account) = with_subscription().await;
    account.set_window(Window::FiveHour, 40.0, 9_000);
    trial.remuda(&["quota", "--refresh"]).ok();
    assert_ne!(trial.json(&["quota"])["accounts"][0]["windows"], json!([]));
    trial.log_in("ann@example.test", &["--label", "work"]);
    trial.log_in(account.email(), &["--label", "work"]).ok();
    assert_eq!(trial.json(&["quota"])["accounts"][0]["windows"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minimum_tells_what_holds_and_who_says_so() {
    let (trial, account) = with_subscription().await;
    trial.add_key("paid", &[]);
    account.set_window(Window::FiveHour, 95.0, 9_000);
    trial.remuda(&["quota", "--refresh"]).ok();
    let set = trial.json(&["minimum", "5h=10", "1w=20"]);
    assert_eq!(set["everyone"], json!({"five_hour": 10.0, "seven_day": 20.0}));
    assert_eq!(set["before"]["everyone"], json!({}));
    assert!(set["notes"].to_string().contains("paid has no usable reading"), "{set}");

    let own = trial.json(&["minimum", "work", "5h=3", "model:Opus=15", "--unknown", "open"]);
    let floors = &own["accounts"][0]["floors"];
    assert_eq!(floors[0]["window"], "five_hour");
    assert_eq!((&floors[0]["percent"], &floors[0]["said_of"]), (&json!(3.0), &json!("account")));
    assert_eq!(floors[0]["remaining_percent"], 5.0);
    assert_eq!((&floors[1]["window"], &floors[1]["said_of"]), (&json!("seven_day"), &json!("everyone")));
    assert_eq!(floors[2]["window"], "model:opus");
    assert_eq!((&own["accounts"][0]["unknown"], &own["accounts"][1]["unknown"]), (&json!("open"), &json!("closed")));

    trial.remuda(&["minimum", "work", "5h=default"]).ok();
    let status = trial.remuda(&["status"]).out;
    assert!(status.contains("stands behind others (5h below 10%)"), "{status}");
    let cleared = trial.json(&["minimum", "work", "--clear"]);
    assert_eq!(cleared["accounts"][0]["unknown_said_of"], "everyone");
    assert_eq!(cleared["accounts"][0]["floors"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_with_the_reason_and_changes_nothing() {
    let (trial, _) = with_subscription().await;
    trial.remuda(&["minimum", "5h=10"]).ok();
    trial.remuda(&["minimum", "5h=110"]).failed(2, &["110% of five_hour cannot remain", "0 to 100"]);
    trial.remuda(&["minimum", "5h=-1"]).failed(2, &["cannot remain"]);
    trial.remuda(&["minimum", "5x=10"]).failed(2, &["no such window", "5h"]);
    trial.remuda(&["minimum", "wrok", "5h=1"]).failed(1, &["did you mean \"work\"?"]);
    trial.remuda(&["minimum", "work", "home", "5h=1"]).failed(2, &["\"home\""]);
    trial.remuda(&["killswitch", "on"]).failed(2, &["nothing to hold back", "killswitch on 5h=5"]);
    assert_eq!(trial.json(&["minimum"])["everyone"], json!({"five_hour": 10.0}));
    assert_eq!(trial.json(&["killswitch"])["enabled"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_switch_holds_an_account_back_even_when_there_is_nobody_else() {
    let (trial, account) = with_subscription().await;
    let daemon = trial.serve();
    let key = trial.key(&[]);
    assert_eq!(daemon.ask(&key, "hello").status, 200);
    account.set_window(Window::FiveHour, 97.0, 9_000);
    account.set_window(Window::SevenDay, 10.0, 90_000);
    assert_eq!(daemon.ask(&key, "hello").status, 200, "this answer tells that 3 % are left");
    let on = trial.remuda(&["killswitch", "on", "5h=5"]).ok().out;
    assert!(on.contains("The kill switch is on") && on.contains("Undo: remuda killswitch off"), "{on}");
    let refused = daemon.ask(&key, "hello");
    assert_eq!(refused.status, 429, "{refused:?}");
    let status = trial.remuda(&["status"]).out;
    assert!(status.contains("the kill switch holds it back (5h below 5%)"), "{status}");
    trial.remuda(&["killswitch", "work", "5h=2"]).ok();
    assert_eq!(daemon.ask(&key, "hello").status, 200, "less is kept of this one");
    trial.remuda(&["killswitch", "off"]).ok();
    trial.remuda(&["killswitch", "work", "--clear"]).ok();
    assert_eq!(daemon.ask(&key, "hello").status, 200);
}
