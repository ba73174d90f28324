//! What holds for every agent. Where they differ, what the person sees is the agent's own way to show it.

use remuda_fake::{Fault, OpenAiRefusal, Point, QwenRefusal, Refusal, Vendor, Window};
use rstest::rstest;

use super::{
    Agent, CLAUDE, CLAUDE_ON_QWEN, CODEX, OPENCODE, OPENCODE_ON_OPENAI, OPENCODE_ON_QWEN, PI, PI_ON_OPENAI, PI_ON_QWEN,
    QWEN, QWEN_ON_ANTHROPIC, QWEN_ON_OPENAI, Running, answers, wait_until, warms_up,
};
use crate::run::Stopped;
use crate::trial::{Trial, everything_below};

#[rstest]
#[case::claude(&CLAUDE)]
#[case::codex(&CODEX)]
#[case::pi(&PI)]
#[case::opencode(&OPENCODE)]
#[case::qwen(&QWEN)]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine agent"]
async fn a_prompt_is_answered_and_a_tool_is_used(#[case] agent: &Agent) {
    let trial = Trial::new().await;
    trial.key_for(agent, "console");
    let _stopped = Stopped(&trial);
    answers(&agent.begin(&trial, "the only question"), "pong");

    let (tool, command, more) = agent.shell;
    let made = trial.project().join("made-by-the-tool");
    let call = format!("use tool {tool} with {{\"{command}\":\"echo done > {}\",{more}}}", made.display());
    answers(&agent.begin(&trial, &call), "tool result");
    assert_eq!(std::fs::read_to_string(made).unwrap().trim(), "done");
    agent.asked(&trial, &[("console", 200), ("console", 200), ("console", 200)]);

    for kept in std::fs::read_dir(trial.user_home()).unwrap().map(|entry| entry.unwrap().path()) {
        // Its own files; the herd shows how each key begins.
        if kept.is_dir() && kept != trial.home() {
            assert!(!everything_below(&kept).contains("rmd_"), "a client key in {}", kept.display());
        }
    }
}

#[rstest]
#[case::codex(&CODEX)]
#[case::pi(&PI)]
#[case::opencode(&OPENCODE)]
#[case::qwen(&QWEN)]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine agent"]
async fn a_limit_in_mid_conversation_moves_it_along_the_chain(#[case] agent: &Agent) {
    let trial = Trial::new().await;
    let work = trial.plan_for(agent, "work");
    trial.plan_for(agent, "personal");
    let _stopped = Stopped(&trial);
    trial.remuda(&["use", "work"]).ok();
    trial.remuda(&["fallback", "work", "personal"]).ok();

    answers(&agent.begin(&trial, "the first question"), "pong");
    work.set_window(Window::FiveHour, 100.0, 7200);
    answers(&agent.go_on(&trial, "the second question"), "pong");

    agent.asked(&trial, &[("work", 200), ("work", 429), ("personal", 200)]);
    let explained = trial.remuda(&["explain", "last"]).ok().out;
    assert!(explained.contains("Meant for work: the session lives there."), "one conversation: {explained}");
    assert!(explained.contains("Served by personal in place of work."), "{explained}");
}

#[rstest]
#[case::claude(&CLAUDE)]
#[case::codex(&CODEX)]
#[case::pi(&PI)]
#[case::opencode(&OPENCODE)]
#[case::qwen(&QWEN)]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine agent"]
async fn a_failure_inside_the_stream_before_content_is_never_seen(#[case] agent: &Agent) {
    let trial = Trial::new().await;
    trial.key_for(agent, "console");
    let _stopped = Stopped(&trial);
    let fault = match agent.vendor {
        Vendor::Anthropic => Fault::error_event(Refusal::ApiError, Point::AfterHandshake),
        Vendor::OpenAi => Fault::error_event(OpenAiRefusal::ServerError, Point::AfterHandshake),
        Vendor::Qwen => Fault::error_event(QwenRefusal::InternalError, Point::AfterHandshake),
    };
    let fault = fault.for_model(agent.model);
    trial.vendor.script("console", [fault]);
    let answer = agent.begin(&trial, "the only question");
    answers(&answer, "pong");
    assert_eq!(answer.out.matches("pong").count(), 1, "{answer:?}");
    assert_eq!(agent.turns(&trial).len(), 2, "the vendor was asked again");
    // Through a WebSocket Codex sends only what is new. Repeated elsewhere that is refused as `previous_response_not_found`,
    // upon which Codex sends the whole conversation by itself, without a word.
    if agent.host != "codex" {
        assert_eq!(requests(&trial, agent), 1, "by the gateway, not by the agent");
    }
}

#[rstest]
#[case::claude(&CLAUDE)]
#[case::codex(&CODEX)]
#[case::pi(&PI)]
#[case::opencode(&OPENCODE)]
#[case::qwen(&QWEN)]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine agent"]
async fn a_failure_after_content_reaches_the_agent_which_asks_again(#[case] agent: &Agent) {
    let trial = Trial::new().await;
    trial.key_for(agent, "console");
    let _stopped = Stopped(&trial);
    trial.vendor.script("console", [Fault::reset(Point::AfterContent).for_model(agent.model)]);
    // Qwen Code keeps what came and asks its model to go on; the others ask the same once more.
    let answer = if agent.host == "qwen" { "pong pong" } else { "pong the only question" };
    answers(&agent.begin(&trial, "the only question"), answer);
    assert_eq!(agent.turns(&trial).len(), 2);
    assert_eq!(requests(&trial, agent), 2, "by the agent, not by the gateway");
    // The vendor cannot know that; to it every repetition after content is wrong.
    let again = "a request was sent again after content of its answer had been delivered";
    assert!(trial.vendor.violations().iter().all(|wrong| wrong == again), "{:?}", trial.vendor.violations());
}

/// The ways beside the one by which each agent is tested above.
#[rstest]
#[case::on_qwen_claude(&CLAUDE_ON_QWEN)]
#[case::on_openai_pi(&PI_ON_OPENAI)]
#[case::on_qwen_pi(&PI_ON_QWEN)]
#[case::on_openai_opencode(&OPENCODE_ON_OPENAI)]
#[case::on_qwen_opencode(&OPENCODE_ON_QWEN)]
#[case::on_openai_qwen(&QWEN_ON_OPENAI)]
#[case::on_anthropic_qwen(&QWEN_ON_ANTHROPIC)]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine agent"]
async fn accounts_of_other_vendors_serve_it_too(#[case] agent: &Agent) {
    let trial = Trial::new().await;
    trial.key_for(agent, "other");
    let _stopped = Stopped(&trial);
    answers(&agent.begin(&trial, "the only question"), "pong");
    // OpenCode asks for a title, too; with some vendors by the same model.
    let turns = agent.turns(&trial);
    assert!(!turns.is_empty() && turns.iter().all(|turn| turn.status == Some(200)), "{turns:?}");
    assert_eq!(trial.vendor.violations(), [""; 0]);
}

/// Settings and logins of the person that lead elsewhere: to a port that nobody listens on.
#[rstest]
#[case::codex(&CODEX, &[
    (".codex/config.toml", "model_provider = \"mine\"\nopenai_base_url = \"http://127.0.0.1:9/v1\"\n[model_providers.mine]\nname = \"mine\"\nbase_url = \"http://127.0.0.1:9/v1\"\n"),
    (".codex/auth.json", r#"{"auth_mode":"apikey","OPENAI_API_KEY":"sk-theirs"}"#),
])]
#[case::pi(&PI, &[
    (".pi/agent/models.json", r#"{"providers":{"anthropic":{"baseUrl":"http://127.0.0.1:9"}}}"#),
    (".pi/agent/auth.json", r#"{"anthropic":{"type":"oauth","access":"sk-ant-oat01-theirs","refresh":"theirs","expires":4102444800000}}"#),
])]
#[case::opencode(&OPENCODE, &[
    (".config/opencode/opencode.json", r#"{"$schema":"https://opencode.ai/config.json","provider":{"anthropic":{"options":{"baseURL":"http://127.0.0.1:9/v1","apiKey":"theirs"}}}}"#),
    (".local/share/opencode/auth.json", r#"{"anthropic":{"type":"api","key":"sk-theirs"}}"#),
])]
#[case::openai_opencode(&OPENCODE_ON_OPENAI, &[
    (".local/share/opencode/auth.json", r#"{"openai":{"type":"oauth","access":"theirs","refresh":"theirs","expires":4102444800000,"accountId":"theirs"}}"#),
])]
#[case::qwen(&QWEN, &[
    (".qwen/settings.json", r#"{"security":{"auth":{"selectedType":"openai"}},"memory":{"enableManagedAutoMemory":false},"modelProviders":{"openai":[{"id":"qwen3-coder-plus","baseUrl":"http://127.0.0.1:9/v1","envKey":"THEIRS"}]}}"#),
])]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine agent"]
async fn a_home_that_leads_elsewhere_does_not_lead_around_the_gateway(
    #[case] agent: &Agent,
    #[case] files: &[(&str, &str)],
) {
    let trial = Trial::new().await;
    trial.key_for(agent, "console");
    let _stopped = Stopped(&trial);
    for (name, text) in files {
        let path = trial.user_home().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    answers(&agent.begin(&trial, "the only question"), "pong");
    assert!(!agent.turns(&trial).is_empty());
    assert_eq!(trial.vendor.violations(), [""; 0]);
    for seen in trial.vendor.requests() {
        assert!(seen.headers.values().all(|value| !value.as_bytes().ends_with(b"theirs")), "{seen:?}");
    }
    for (name, text) in files.iter().filter(|(name, _)| name.contains("auth.json") || agent.host != "qwen") {
        let now = std::fs::read_to_string(trial.user_home().join(name)).unwrap();
        assert_eq!(&now, text, "{name}");
    }
}

#[rstest]
#[case::claude(&CLAUDE)]
#[case::codex(&CODEX)]
#[case::pi(&PI)]
#[case::opencode(&OPENCODE)]
#[case::qwen(&QWEN)]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine agent"]
async fn set_up_it_uses_the_gateway_without_remuda_around_it(#[case] agent: &Agent) {
    let trial = Trial::new().await;
    trial.key_for(agent, "console");
    let _stopped = Stopped(&trial);
    trial.remuda(&["setup", agent.host, "--yes"]).ok();
    answers(&agent.by_itself(&trial, "the only question"), "pong");
    assert!(!agent.turns(&trial).is_empty());
    assert_eq!(trial.vendor.violations(), [""; 0]);
    let key = &trial.json(&["key"])["keys"][0];
    assert_eq!(key["name"], format!("remuda setup {}", agent.host));
    trial.remuda(&["undo", agent.host]).ok();
}

/// How often the agent itself asked its model, not counting what only warms up a WebSocket.
fn requests(trial: &Trial, agent: &Agent) -> usize {
    let log = trial.json(&["log"]);
    let all = log["requests"].as_array().unwrap().iter().filter(|request| request["model"] == agent.model).count();
    all - trial.vendor.requests().iter().filter(|seen| warms_up(seen)).count()
}

#[rstest]
#[case::claude(&CLAUDE)]
#[case::codex(&CODEX)]
#[case::pi(&PI)]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine agent"]
async fn when_nobody_can_serve_the_agent_ends_and_says_why(#[case] agent: &Agent) {
    let trial = nobody_can_serve(agent).await;
    let _stopped = Stopped(&trial);
    let refused = agent.begin(&trial, "the only question");
    let said = format!("{}{}", refused.out, refused.err);
    // Codex has its own words for a plan that is used up, and the time of its reset.
    let why =
        if agent.host == "codex" { "hit your usage limit. Try again at" } else { "work has used up its plan window" };
    assert!(said.contains(why), "{refused:?}");
    assert!(!said.contains("/login"), "the agent must not think that it is logged out: {refused:?}");
    only_work_was_asked(&trial);
}

/// They try again by themselves for more than a minute, which nobody needs to see here.
#[rstest]
#[case::opencode(&OPENCODE)]
#[case::qwen(&QWEN)]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine agent"]
async fn when_nobody_can_serve_the_agent_tries_again_by_itself(#[case] agent: &Agent) {
    let trial = nobody_can_serve(agent).await;
    let _stopped = Stopped(&trial);
    let mut waiting = Running::start(agent, &trial, "the only question");
    wait_until("it has asked twice", || requests(&trial, agent) >= 2);
    assert!(waiting.runs(), "it does not take this for the end");
    only_work_was_asked(&trial);
}

/// A spent account that nobody may stand in for, and another one with room.
async fn nobody_can_serve(agent: &Agent) -> Trial {
    let trial = Trial::new().await;
    let work = trial.plan_for(agent, "work");
    trial.plan_for(agent, "personal");
    trial.remuda(&["use", "work"]).ok();
    work.set_window(Window::FiveHour, 100.0, 7200);
    trial
}

#[track_caller]
fn only_work_was_asked(trial: &Trial) {
    let asked: Vec<_> = trial.vendor.requests().into_iter().filter(|seen| seen.endpoint.is_inference()).collect();
    assert!(!asked.is_empty() && asked.iter().all(|seen| seen.account.as_deref() == Some("work")), "{asked:?}");
}
