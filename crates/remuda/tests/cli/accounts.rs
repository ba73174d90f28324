//! `remuda accounts`, and that an answer does not depend on who gives it.

use serde_json::{Value, json};

use crate::trial::Trial;

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_renamed_switched_off_and_on_and_each_change_names_its_undo() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let renamed = trial.remuda(&["accounts", "rename", "work", "my employer"]).ok();
    assert!(renamed.out.contains("Undo: remuda accounts rename 'my employer' work"), "{renamed:?}");
    let off = trial.remuda(&["accounts", "disable", "My Employer"]).ok();
    assert!(off.out.contains("Undo: remuda accounts enable 'my employer'"), "{off:?}");
    assert!(off.out.contains("requests still go to my employer"), "{off:?}");
    assert_eq!(trial.json(&["accounts", "show", "my employer"])["account"]["state"], "paused");
    trial.remuda(&["accounts", "enable", "my employer"]).ok();
    assert_eq!(trial.json(&["accounts", "show", "my employer"])["account"]["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_that_is_taken_or_no_label_changes_nothing() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    trial.remuda(&["accounts", "rename", "work", "PERSONAL"]).failed(1, &["taken"]);
    trial.remuda(&["accounts", "rename", "work", "@home"]).failed(2, &["cannot be a label", "'@'"]);
    assert_eq!(trial.json(&["accounts"])["accounts"][0]["label"], "work");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_label_is_answered_with_the_nearest_one() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    trial.remuda(&["accounts", "show", "persnal"]).failed(1, &["no account \"persnal\"", "did you mean \"personal\"?"]);
    trial.remuda(&["accounts", "show", "a/b"]).failed(1, &["no account \"a/b\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_needs_a_yes_and_says_which_chains_and_pools_named_the_account() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    trial.remuda(&["fallback", "work", "personal"]).ok();
    trial.remuda(&["pool", "create", "both", "work", "personal"]).ok();
    trial.remuda(&["accounts", "remove", "personal"]).failed(2, &["--yes"]);
    let removed = trial.remuda(&["accounts", "remove", "personal", "--yes"]).ok();
    assert!(removed.out.contains("no longer stands in for work"), "{removed:?}");
    assert!(removed.out.contains("taken out of @both"), "{removed:?}");
    assert_eq!(trial.json(&["fallback"])["chains"], json!([]));
    let removed = trial.remuda(&["accounts", "remove", "work", "--yes"]).ok();
    assert!(removed.out.contains("No account is chosen any more"), "{removed:?}");
}

/// Answers of the daemon and of a command alone are the same, but for the time and the daemon itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_and_a_command_alone_give_the_same_answers() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    trial.add_key("key", &[]);
    let questions: [&[&str]; 9] = [
        &["status"],
        &["accounts"],
        &["accounts", "show", "work"],
        &["fallback"],
        &["pool"],
        &["spend"],
        &["key"],
        &["log"],
        &["use"],
    ];
    trial.remuda(&["fallback", "work", "personal", "key"]).ok();
    trial.remuda(&["pool", "create", "both", "personal", "work"]).ok();
    trial.remuda(&["spend", "key", "--daily", "5", "--after", "burst"]).ok();
    trial.key(&["--account", "work"]);
    let ask = |question: &&[&str]| {
        let mut answer: Value = trial.remuda(&[question, &["--json"][..]].concat()).json();
        assert_eq!(answer["version"], 1, "{question:?}");
        let fields = answer.as_object_mut().unwrap();
        fields.remove("now");
        fields.remove("daemon");
        answer
    };
    let alone: Vec<Value> = questions.iter().map(ask).collect();
    let daemon = trial.serve();
    let served: Vec<Value> = questions.iter().map(ask).collect();
    drop(daemon);
    assert_eq!(alone, served);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_with_json_is_one_document_on_standard_output() {
    let trial = Trial::new().await;
    let failed = trial.remuda(&["use", "nobody", "--json"]);
    assert_eq!((failed.code, failed.err.as_str()), (1, ""));
    let json = failed.json();
    assert_eq!((&json["version"], &json["error"]["code"]), (&json!(1), &json!("unknown_account")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_herd_says_what_to_do_next() {
    let trial = Trial::new().await;
    for (command, says) in [
        (&["accounts"][..], "remuda login anthropic"),
        (&["use"], "remuda login anthropic"),
        (&["log"], "remuda run claude"),
        (&["fallback"], "remuda fallback work personal"),
        (&["pool"], "remuda pool create"),
        (&["key"], "remuda key create"),
        (&["spend"], "No account is metered"),
    ] {
        let ended = trial.remuda(command).ok();
        assert!(ended.out.contains(says), "{command:?}: {ended:?}");
    }
    trial.remuda(&["status"]).failed(4, &[]);
    trial.remuda(&["explain"]).failed(1, &["no requests yet", "remuda run claude"]);
    trial.remuda(&["next"]).failed(1, &["no other account", "remuda login"]);
    trial.remuda(&["run", "claude"]).failed(2, &["not installed"]);
}
