//! `use`, `next`, `fallback`, `pool`, `spend`, `reset`.

use remuda_fake::Window;
use serde_json::json;

use crate::trial::Trial;

#[tokio::test(flavor = "multi_thread")]
async fn use_names_what_was_chosen_before_as_its_undo() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    let used = trial.remuda(&["use", "personal"]).ok();
    assert!(used.out.contains("go to personal") && used.out.contains("Undo: remuda use work"), "{used:?}");
    let again = trial.remuda(&["use", "PERSONAL"]).ok();
    assert!(again.out.contains("already") && !again.out.contains("Undo"), "{again:?}");
    trial.remuda(&["use", "wrok"]).failed(1, &["did you mean \"work\"?"]);
    assert_eq!(trial.remuda(&["status", "--json"]).json()["active"], "personal");
}

#[tokio::test(flavor = "multi_thread")]
async fn next_goes_round_and_never_to_a_metered_account() {
    let trial = Trial::new().await;
    trial.add_free(&["one", "two"]);
    trial.add_key("paid", &[]);
    trial.add_free(&["four"]);
    let next = || trial.json(&["next"])["target"].as_str().unwrap().to_owned();
    assert_eq!([next(), next(), next()], ["two", "four", "one"]);
    trial.remuda(&["accounts", "disable", "two"]).ok();
    trial.remuda(&["accounts", "disable", "four"]).ok();
    trial.remuda(&["next"]).failed(1, &["no other account can serve", "paid", "metered"]);
    let chosen = trial.remuda(&["use", "paid"]).ok();
    assert!(chosen.out.contains("costs money"), "{chosen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_set_listed_and_cleared_and_needs_a_yes_to_be_cleared() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    trial.add_key("paid", &[]);
    let set = trial.remuda(&["fallback", "work", "personal", "paid"]).ok();
    assert!(set.out.contains("personal, then paid") && set.out.contains("remuda spend paid"), "{set:?}");
    assert!(set.out.contains("Undo: remuda fallback work --clear"), "{set:?}");
    trial.remuda(&["fallback", "work"]).failed(2, &["remuda fallback work --clear"]);
    assert_eq!(trial.json(&["fallback"])["chains"], json!([{"source": "work", "targets": ["personal", "paid"]}]));
    let cleared = trial.remuda(&["fallback", "work", "--clear"]).ok();
    assert!(cleared.out.contains("Undo: remuda fallback work personal paid"), "{cleared:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_makes_no_sense_changes_nothing() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    trial.remuda(&["fallback", "work", "personal"]).ok();
    trial.remuda(&["fallback", "work", "perosnal"]).failed(1, &["did you mean \"personal\"?"]);
    trial.remuda(&["fallback", "work", "personal", "@nopool"]).failed(1, &["no pool @nopool"]);
    trial.remuda(&["fallback", "work", "WORK"]).failed(1, &["cannot stand in for itself"]);
    trial.remuda(&["fallback", "work", "personal", "personal"]).failed(1, &["named twice"]);
    trial.remuda(&["fallback", "nobody", "work"]).failed(1, &["no account \"nobody\""]);
    assert_eq!(trial.json(&["fallback"])["chains"], json!([{"source": "work", "targets": ["personal"]}]));
    trial.remuda(&["fallback", "personal", "work"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_is_made_changed_used_and_removed_with_what_named_it() {
    let trial = Trial::new().await;
    trial.add_free(&["one", "two", "three"]);
    trial.remuda(&["pool", "create", "@spare", "two"]).ok();
    trial.remuda(&["pool", "create", "Spare", "one"]).failed(1, &["already"]);
    let edited = trial.remuda(&["pool", "edit", "spare", "--add", "three"]).ok();
    assert!(edited.out.contains("two, three") && edited.out.contains("Undo: remuda pool edit spare two"), "{edited:?}");
    trial.remuda(&["pool", "edit", "spare", "--remove", "two", "--remove", "three"]).failed(1, &["would hold nobody"]);
    trial.remuda(&["use", "@spare"]).ok();
    trial.remuda(&["fallback", "one", "@spare"]).ok();
    let removed = trial.remuda(&["pool", "remove", "spare", "--yes"]).ok();
    assert!(removed.out.contains("no longer stands in for one"), "{removed:?}");
    assert!(removed.out.contains("no account is chosen any more"), "{removed:?}");
    assert!(removed.out.contains("Undo: remuda pool create spare two three"), "{removed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spend_rule_needs_a_metered_account_and_a_ceiling() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    trial.add_key("paid", &[]);
    assert_eq!(trial.json(&["spend"])["without_rule"], json!(["paid"]));
    trial.remuda(&["spend", "work", "--daily", "5"]).failed(1, &["needs no rule"]);
    trial.remuda(&["spend", "paid"]).failed(2, &["--daily 5"]);
    trial.remuda(&["spend", "paid", "--after", "burst"]).failed(2, &["daily ceiling"]);
    trial.remuda(&["spend", "paid", "--daily", "-1"]).failed(2, &[]);
    trial.remuda(&["spend", "paid", "--daily", "5"]).ok();
    let more = trial.remuda(&["spend", "paid", "--after", "burst", "--after", "window_exhausted"]).ok();
    assert!(more.out.contains("Undo: remuda spend paid --daily 5 --after window_exhausted"), "{more:?}");
    let rule = trial.json(&["spend"])["rules"][0].clone();
    assert_eq!((&rule["daily_limit_usd"], &rule["after"]), (&json!(5.0), &json!(["window_exhausted", "burst"])));
    trial.remuda(&["spend", "paid", "--clear"]).ok();
    assert_eq!(trial.json(&["spend"])["rules"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rest_shows_in_status_moves_requests_and_ends_with_reset() {
    let trial = Trial::new().await;
    let work = trial.add_key("work", &["--cost", "free"]);
    trial.add_free(&["personal"]);
    trial.remuda(&["fallback", "work", "personal"]).ok();
    trial.vendor.script(&work, [remuda_fake::Fault::spent(Window::FiveHour, 7200)]);
    let daemon = trial.serve();
    let key = trial.key(&[]);
    assert_eq!(daemon.ask(&key, "hello").status, 200);
    let status = trial.json(&["status"]);
    assert_eq!(status["accounts"][0]["state"], "resting", "{status}");
    assert_eq!(status["accounts"][0]["resting"]["reason"], "window_exhausted");
    let explained = trial.remuda(&["explain"]).ok();
    assert!(explained.out.contains("Served by personal in place of work"), "{explained:?}");
    let log = trial.remuda(&["log"]).ok();
    assert!(log.out.contains("work → personal"), "{log:?}");
    let reset = trial.remuda(&["reset"]).ok();
    assert!(reset.out.contains("work may be asked again at once"), "{reset:?}");
    assert_eq!(trial.json(&["status"])["accounts"][0]["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_holds_for_its_session_alone_until_pins_are_reset() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    let session = "3431a7ea-cc81-40eb-b180-35def10f6d59";
    trial.remuda(&["use", "personal", "--session", "3431"]).failed(1, &["no session begins with \"3431\""]);
    trial.remuda(&["use", "personal", "--session", session]).ok();
    let moved = trial.remuda(&["use", "work", "--session", session]).ok();
    assert!(moved.out.contains(&format!("Undo: remuda use personal --session claude:{session}")), "{moved:?}");
    let status = trial.remuda(&["status", "--json"]).json();
    assert_eq!(status["pins"], json!([{"session": format!("claude:{session}"), "target": "work"}]));
    assert_eq!(trial.json(&["reset", "pins"])["sessions"], 1);
    assert_eq!(trial.remuda(&["status", "--json"]).json()["pins"], json!([]));
}
