//! `statusline`: one line, from the daemon, whatever is wrong.

use std::time::{Duration, Instant};

use remuda_fake::{AccountSpec, FakeAccount, Fault, Window};

use crate::trial::{Ended, Trial, exchange};

/// A busy machine may answer later than a prompt waits.
const PATIENCE: Duration = Duration::from_secs(20);

fn line(trial: &Trial, args: &[&str], input: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let Ended { out, err, code } = trial.remuda_reading(&[&["statusline"], args].concat(), input);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        if !out.contains("no answer") || Instant::now() > deadline {
            return out;
        }
    }
}

fn subscription(trial: &Trial, label: &str) -> FakeAccount {
    let spec = AccountSpec::subscription(label);
    let email = spec.email.clone();
    let account = trial.vendor.add_account(spec).unwrap();
    trial.log_in(&email, &["--label", label]).ok();
    account
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_of_a_conversation_follows_it_to_its_stand_in() {
    const PLAIN: &[&str] = &["--no-colour"];
    const SESSION: &str = r#"{"session_id": "3431a7ea", "workspace": {"current_dir": "/"}}"#;
    let trial = Trial::new().await;
    assert_eq!(line(&trial, PLAIN, SESSION), "remuda: not running\n");
    let (work, personal) = (subscription(&trial, "work"), subscription(&trial, "personal"));
    trial.remuda(&["fallback", "work", "personal"]).ok();
    personal.set_window(Window::FiveHour, 40.0, 9_000);
    personal.set_window(Window::SevenDay, 12.0, 400_000);
    trial.vendor.script(&work, [Fault::spent(Window::FiveHour, 7_230)]);
    let daemon = trial.serve();
    assert_eq!(line(&trial, PLAIN, SESSION), "work\n", "nothing was asked yet");

    let head = format!(
        "x-api-key: {}\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n\
         x-claude-code-session-id: 3431a7ea\r\n",
        trial.key(&[])
    );
    let body =
        r#"{"model": "claude-sonnet-4-6", "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]}"#;
    assert_eq!(exchange("POST", &format!("{}/anthropic/v1/messages", daemon.url), &head, body).status, 200);

    let of_it = line(&trial, PLAIN, SESSION);
    assert!(of_it.starts_with("personal · ↪ for work · 5h 60% · 7d 88% left · ↻ 2h"), "{of_it}");
    let json: serde_json::Value = serde_json::from_str(&line(&trial, &["--json"], SESSION)).unwrap();
    assert_eq!((&json["daemon"], &json["instead_of"]), (&"answers".into(), &"work".into()), "{json}");
    for other in ["", "hello", r#"{"session_id": 7}"#, r#"{"session_id": "another"}"#] {
        let active = line(&trial, PLAIN, other);
        assert!(active.starts_with("work rests") && active.contains("back in 2h"), "{other}: {active}");
    }

    std::fs::write(trial.project().join(".remuda.toml"), "account = 'personal'\n").unwrap();
    let tmux = line(&trial, &["--for", "tmux", "--fields", "5h,account", "--show", "used"], "");
    assert_eq!(tmux, "#[fg=green]5h 40%#[default]#[dim] used#[default]#[dim] · #[default]#[bold]personal#[default]\n");

    let config = trial.home().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap() + "\n[statusline]\nfields = ['7d']\nshow = 'used'\n";
    std::fs::write(&config, text).unwrap();
    assert_eq!(line(&trial, PLAIN, SESSION), "7d 12% used\n");
    assert_eq!(line(&trial, &[], SESSION), "\x1b[32m7d 12%\x1b[0m\x1b[2m used\x1b[0m\n", "colours without a terminal");
    let mut command = trial.command(&["statusline", "--for", "fish"]);
    command.env("NO_COLOR", "1");
    assert!(!crate::trial::ended(command).ok().out.contains('\x1b'));
    trial.remuda(&["stop"]).ok();
    assert_eq!(daemon.wait(), 0);
    assert_eq!(line(&trial, PLAIN, SESSION), "remuda: not running\n");
}
