//! Pi. Every row was observed with the genuine 1.5.2 against a scripted upstream (November 2026).
//!
//! Pi takes base URLs from its own `models.json` or from an extension; the extension can be given for one process.

use remuda_core::{Host, Protocol, Vendor};

use crate::overlay::{Additions, File, KEY_VARIABLE, PlanError, Start, ToldBy, URL_VARIABLE};
use crate::profile::{OwnLogin, Profile};
use crate::spec::{Cost, HostSpec, Remove, Set, Value, Way};

pub(crate) static PI: HostSpec = HostSpec {
    host: Host::Pi,
    name: "Pi",
    program: "pi",
    program_variable: "REMUDA_PI_BIN",
    elsewhere: &[".local/bin/pi"],
    install: "install it with: npm install -g @earendil-works/pi-coding-agent",
    ways: &[
        Way { vendor: Vendor::Anthropic, protocol: Protocol::Messages, path: "/anthropic", set: &[] },
        Way { vendor: Vendor::OpenAi, protocol: Protocol::Responses, path: "/openai/v1", set: &[] },
        Way { vendor: Vendor::Qwen, protocol: Protocol::Chat, path: "/qwen/v1", set: &[] },
    ],
    set: &[
        Set { name: URL_VARIABLE, value: Value::Gateway, instead: "" },
        Set { name: KEY_VARIABLE, value: Value::Key, instead: "" },
        Set { name: "REMUDA_VENDORS", value: Value::Served, instead: "" },
    ],
    remove: &[
        Remove {
            names: &["ANTHROPIC_API_KEY"],
            why: "Pi would send it along with every request",
            instead: "to use that key through Remuda: remuda login anthropic --key-env ANTHROPIC_API_KEY",
        },
        Remove {
            names: &["ANTHROPIC_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN"],
            why: "the gateway holds the logins",
            instead: "to use that token through Remuda: printenv THE_VARIABLE | remuda login anthropic --token-stdin",
        },
        Remove {
            names: &["OPENAI_API_KEY"],
            why: "Pi would send it along with every request",
            instead: "to use that key through Remuda: remuda login openai --key-env OPENAI_API_KEY",
        },
        Remove {
            names: &["QWEN_TOKEN_PLAN_API_KEY"],
            why: "Pi would send it along with every request",
            instead: "to use that key through Remuda: remuda login qwen --key-env QWEN_TOKEN_PLAN_API_KEY",
        },
    ],
    headers_variable: None,
    overlay,
    own_commands: &["install", "remove", "uninstall", "update", "list", "config", "auth", "mcp"],
    costs: &[
        Cost {
            feature: "the provider openai-codex (ChatGPT login)",
            effect: "goes through the gateway only while Pi has a ChatGPT login of its own, whose token the gateway replaces",
            remedy: Some("use the models of the provider openai"),
            seen_with: "1.5.2",
        },
        Cost {
            feature: "providers of other vendors in Pi's own settings",
            effect: "untouched: they go to their vendors directly",
            remedy: None,
            seen_with: "1.5.2",
        },
        Cost {
            feature: "waiting for a limit",
            effect: "Pi repeats after 2, 4 and 8 seconds whatever retry-after says, then ends the turn",
            remedy: Some("a fallback chain: remuda fallback"),
            seen_with: "1.5.2",
        },
    ],
    profile: Some(Profile {
        variable: "PI_CODING_AGENT_DIR",
        logins: &[
            OwnLogin {
                vendor: Vendor::Anthropic,
                login: &["auth", "login", "anthropic"],
                status: &["auth", "check", "--provider", "anthropic", "--no-refresh"],
            },
            OwnLogin {
                vendor: Vendor::OpenAi,
                login: &["auth", "login", "openai-codex"],
                status: &["auth", "check", "--provider", "openai-codex", "--no-refresh"],
            },
        ],
        remove: &["ANTHROPIC_API_KEY", "ANTHROPIC_OAUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY"],
    }),
};

fn overlay(_: &Start<'_>) -> Result<Additions, PlanError> {
    let content = include_str!("pi/extension.ts").to_owned();
    let file = File { name: "pi.ts", content, told_by: ToldBy::Option("-e") };
    Ok(Additions { files: vec![file], ..Additions::default() })
}
