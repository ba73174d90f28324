//! Codex CLI. Every row was observed with the genuine 0.169.0 against a scripted upstream (November 2026).
//!
//! Codex hides conversations of another provider id, so it keeps its own: `openai`, with another base URL. That provider
//! takes its credential from Codex's login or, in `codex exec` and `codex review` only, from `CODEX_API_KEY`. A Codex that is
//! logged in sends its own token and our key beside it, in the one header of that provider that can be set per process.
//! Only a terminal session without any login cannot use that provider at all.

use std::ffi::{OsStr, OsString};

use remuda_core::{Host, Protocol, Vendor};

use crate::overlay::{Additions, PlanError, Start};
use crate::profile::{OwnLogin, Profile};
use crate::spec::{Cost, HostSpec, Remove, Set, Value, Way};

pub(crate) static CODEX: HostSpec = HostSpec {
    host: Host::Codex,
    name: "Codex CLI",
    program: "codex",
    program_variable: "REMUDA_CODEX_BIN",
    elsewhere: &[".local/bin/codex"],
    install: "install it with: npm install -g @openai/codex",
    ways: &[Way { vendor: Vendor::OpenAi, protocol: Protocol::Codex, path: PATH, set: &[] }],
    set: &[
        Set {
            name: "CODEX_API_KEY",
            value: Value::Key,
            instead: "to use that key through Remuda: remuda login openai --key-env CODEX_API_KEY",
        },
        Set { name: "OPENAI_PROJECT", value: Value::Key, instead: "the account that serves has its own project" },
    ],
    remove: &[Remove {
        names: &["OPENAI_ORGANIZATION"],
        why: "it would be sent along, and it belongs to one account",
        instead: "the account that serves has its own organisation",
    }],
    headers_variable: None,
    overlay,
    own_commands: &[
        "login",
        "logout",
        "mcp",
        "plugin",
        "completion",
        "update",
        "doctor",
        "sandbox",
        "debug",
        "apply",
        "a",
        "archive",
        "delete",
        "unarchive",
        "migrate-rollouts",
        "migrate-nfs-db",
        "cloud",
        "features",
        "help",
    ],
    costs: &[
        Cost {
            feature: "the terminal program without a login of its own",
            effect: "its built-in provider wants a login, so it runs under the provider id `remuda`, and `codex resume` shows the conversations of that id only",
            remedy: Some(
                "log Codex in once, with whatever account: the gateway puts in place of its token that of the account that serves",
            ),
            seen_with: "0.169.0",
        },
        Cost {
            feature: "plan usage in /status and the usage line",
            effect: "that of Codex's own login, not of the account that serves",
            remedy: Some("remuda status"),
            seen_with: "0.169.0",
        },
        Cost {
            feature: "apps and connectors of ChatGPT, Codex cloud",
            effect: "use Codex's own login directly; codex exec works with a key on the gateway and has none",
            remedy: Some("remuda run codex --direct --account LABEL"),
            seen_with: "0.169.0",
        },
        Cost {
            feature: "start without a network",
            effect: "a Codex that is logged in with ChatGPT asks chatgpt.com for its workspace before the first turn, whatever its base URL",
            remedy: None,
            seen_with: "0.169.0",
        },
    ],
    profile: Some(Profile {
        variable: "CODEX_HOME",
        logins: &[OwnLogin { vendor: Vendor::OpenAi, login: &["login"], status: &["login", "status"] }],
        remove: &["CODEX_API_KEY", "CODEX_ACCESS_TOKEN", "OPENAI_API_KEY", "OPENAI_ORGANIZATION", "OPENAI_PROJECT"],
    }),
};

const PATH: &str = "/codex";

/// Options that take a value in the next argument (`codex --help`, 0.169.0).
const WITH_VALUE: [&str; 19] = [
    "-c",
    "--config",
    "--enable",
    "--disable",
    "--remote",
    "--remote-auth-token-env",
    "-i",
    "--image",
    "-m",
    "--model",
    "--local-provider",
    "-p",
    "--profile",
    "-s",
    "--sandbox",
    "-a",
    "--ask-for-approval",
    "-C",
    "--cd",
];

/// The first argument that is neither an option nor the value of one.
pub(crate) fn command(args: &[OsString]) -> Option<&OsStr> {
    let mut args = args.iter().map(OsString::as_os_str);
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy();
        if WITH_VALUE.contains(&&*text) {
            args.next();
        } else if !text.starts_with('-') {
            return Some(arg);
        }
    }
    None
}

/// Does it take `CODEX_API_KEY` for its credential?
fn takes_key(args: &[OsString]) -> bool {
    command(args).is_some_and(|command| ["exec", "e", "review"].iter().any(|takes| command == *takes))
}

/// Must it be known whether Codex is logged in?
pub(crate) fn needs_login(args: &[OsString]) -> bool {
    let own = command(args).is_some_and(|command| CODEX.own_commands.iter().any(|own| command == *own));
    !own && !takes_key(args)
}

fn overlay(start: &Start<'_>) -> Result<Additions, PlanError> {
    let url = format!("{}{PATH}", start.base_url);
    let mut additions = Additions::default();
    let provider = if needs_login(start.args) && start.facts.own_login == Some(false) {
        additions.notes.push(
            "Codex has no login of its own, so that this conversation is kept under the provider id `remuda`; \
             with one (codex login, any account) it is listed with the others"
                .to_owned(),
        );
        additions.before.extend(config(format!(
            "model_providers.remuda={{name=\"Remuda\",base_url=\"{url}\",env_key=\"CODEX_API_KEY\",wire_api=\"responses\"}}"
        )));
        "remuda"
    } else {
        additions.before.extend(config(format!("openai_base_url=\"{url}\"")));
        "openai"
    };
    additions.before.extend(config(format!("model_provider=\"{provider}\"")));
    Ok(additions)
}

fn config(override_: String) -> [OsString; 2] {
    ["-c".into(), override_.into()]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::overlay::Facts;

    fn added(args: &[&str], own_login: Option<bool>) -> (Vec<String>, usize) {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let facts = Facts { own_login, ..Facts::default() };
        let inherited = crate::Environment::new();
        let base_url = "http://127.0.0.1:4747";
        let start = Start { base_url, served: &[Vendor::OpenAi], args: &args, inherited: &inherited, facts: &facts };
        let additions = overlay(&start).unwrap();
        let before = additions.before.into_iter().map(|arg| arg.into_string().unwrap());
        (before.filter(|arg| arg != "-c").collect(), additions.notes.len())
    }

    #[rstest]
    #[case::exec(&["exec", "hi"], None)]
    #[case::behind_options(&["-m", "gpt-5.5", "--full-auto", "e", "hi"], None)]
    #[case::a_terminal_with_a_login(&[], Some(true))]
    fn its_own_provider_is_kept(#[case] args: &[&str], #[case] own_login: Option<bool>) {
        let (before, notes) = added(args, own_login);
        assert_eq!(before, ["openai_base_url=\"http://127.0.0.1:4747/codex\"", "model_provider=\"openai\""]);
        assert_eq!(notes, 0);
    }

    #[test]
    fn a_terminal_without_a_login_gets_a_provider_of_ours_and_a_note() {
        let (before, notes) = added(&["resume", "--last"], Some(false));
        assert_eq!(before.last().unwrap(), "model_provider=\"remuda\"");
        assert!(before[0].contains("/codex") && before[0].contains("env_key=\"CODEX_API_KEY\""), "{before:?}");
        assert_eq!(notes, 1);
    }

    #[rstest]
    #[case(&[], true)]
    #[case(&["say exec"], true)]
    #[case(&["-C", "exec", "resume"], true)]
    #[case(&["exec", "resume", "--last"], false)]
    #[case(&["--config=x=1", "review"], false)]
    #[case(&["login", "status"], false)]
    fn only_a_terminal_session_depends_on_its_login(#[case] args: &[&str], #[case] depends: bool) {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        assert_eq!(needs_login(&args), depends);
    }
}
