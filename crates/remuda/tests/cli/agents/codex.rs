//! What is particular to Codex.

use remuda_fake::Window;

use super::{CODEX, answers};
use crate::run::Stopped;
use crate::trial::{Trial, everything_below};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Codex"]
async fn its_own_provider_id_stays_so_that_its_history_stays_visible() {
    let trial = Trial::new().await;
    trial.plan_for(&CODEX, "chatgpt");
    let _stopped = Stopped(&trial);
    answers(&CODEX.begin(&trial, "the first question"), "pong");
    answers(&CODEX.go_on(&trial, "the second question"), "pong");
    let sessions = trial.user_home().join(".codex/sessions");
    let kept = everything_below(&sessions);
    assert!(kept.contains("the first question") && kept.contains("the second question"), "one conversation: {kept}");
    assert!(kept.contains(r#""model_provider":"openai""#) && !kept.contains(r#""model_provider":"remuda""#), "{kept}");
    assert!(!trial.user_home().join(".codex/auth.json").exists(), "no login was made for it");
    assert!(!trial.user_home().join(".codex/config.toml").exists(), "none of its files was touched");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine Codex"]
async fn an_api_key_stands_in_for_a_spent_plan_when_its_owner_allows_it() {
    let trial = Trial::new().await;
    let plan = trial.plan_for(&CODEX, "chatgpt");
    trial.key_for(&CODEX, "console");
    let _stopped = Stopped(&trial);
    trial.remuda(&["use", "chatgpt"]).ok();
    trial.remuda(&["fallback", "chatgpt", "console"]).ok();
    plan.set_window(Window::FiveHour, 100.0, 7200);
    answers(&CODEX.begin(&trial, "the only question"), "pong");
    let served: Vec<_> = CODEX.turns(&trial).into_iter().filter(|turn| turn.status == Some(200)).collect();
    assert!(served.iter().all(|turn| turn.account.as_deref() == Some("console")), "{served:?}");
}
