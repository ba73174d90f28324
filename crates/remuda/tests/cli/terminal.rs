//! On a terminal: questions, colours, widths.

use remuda_fake::AccountSpec;

use crate::trial::Trial;

#[tokio::test(flavor = "multi_thread")]
async fn use_lets_a_person_pick_by_number() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    trial.remuda(&["pool", "create", "both", "work", "personal"]).ok();
    for (typed, chosen) in [("2\n", "personal"), ("3\n", "@both"), ("Work\n", "work"), ("\n", "work")] {
        let picked = trial.on_terminal(&["use"], typed).ok();
        assert!(picked.out.contains("@both"), "{picked:?}");
        assert_eq!(trial.remuda(&["status", "--json"]).json()["active"], chosen, "{picked:?}");
    }
    trial.on_terminal(&["use"], "9\n");
    assert_eq!(trial.remuda(&["status", "--json"]).json()["active"], "work");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_back_is_asked_and_no_is_the_default() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    trial.remuda(&["fallback", "work", "personal"]).ok();
    let chains = || trial.json(&["fallback"])["chains"].as_array().unwrap().len();
    for no in ["\n", "n\n", "what?\n"] {
        let asked = trial.on_terminal(&["fallback", "work"], no).ok();
        assert!(asked.out.contains("personal stands in for") && asked.out.contains("Nothing was changed"), "{asked:?}");
        assert_eq!(chains(), 1);
    }
    trial.on_terminal(&["fallback", "work"], "y\n").ok();
    assert_eq!(chains(), 0);
    trial.on_terminal(&["accounts", "remove", "work"], "\n").ok();
    assert_eq!(trial.json(&["accounts"])["accounts"].as_array().unwrap().len(), 2);
    trial.on_terminal(&["accounts", "remove", "work"], "yes\n").ok();
    assert_eq!(trial.json(&["accounts"])["accounts"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_asks_for_the_terms_and_for_a_name() {
    let trial = Trial::new().await;
    let account = trial.vendor.add_account(AccountSpec::static_token("ann")).unwrap();
    let login = ["login", "anthropic", "--token-stdin"];
    let typed = |answers: &str| format!("{}\n{answers}", account.key());
    let refused = trial.on_terminal(&login, &typed("n\n"));
    assert!(refused.code == 1 && refused.out.contains("nothing was stored"), "{refused:?}");
    assert_eq!(trial.json(&["accounts"])["accounts"], serde_json::json!([]));
    let accepted = trial.on_terminal(&login, &typed("y\n@nonsense\nmy own\n")).ok();
    assert!(accepted.out.contains("cannot be a label") && accepted.out.contains("my own"), "{accepted:?}");
    assert_eq!(trial.json(&["accounts"])["accounts"][0]["label"], "my own");
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_are_for_terminals_and_for_those_who_want_them() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    assert!(!trial.remuda(&["status"]).out.contains('\x1b'));
    assert!(trial.on_terminal(&["status"], "").out.contains('\x1b'));
    assert!(!trial.on_terminal(&["status", "--json"], "").out.contains('\x1b'));
}

/// A terminal changes what a program does in many places. None of them may break a command.
#[tokio::test(flavor = "multi_thread")]
async fn every_listing_works_on_a_terminal() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    for args in [
        &["status"][..],
        &["accounts"],
        &["accounts", "show", "work"],
        &["fallback"],
        &["pool"],
        &["spend"],
        &["key"],
        &["log"],
        &["doctor"],
        &["use", "--help"],
    ] {
        let shown = trial.on_terminal(args, "");
        assert!(matches!(shown.code, 0 | 4) && !shown.out.contains("panicked"), "{args:?}: {shown:?}");
    }
}
