//! Claude Code. Every row was observed with the genuine 2.1.329 against a scripted upstream (November 2026).

use remuda_core::{Host, Protocol, Vendor};

use crate::overlay;
use crate::profile::{OwnLogin, Profile};
use crate::spec::{Cost, HostSpec, Remove, Set, Value, Way};

/// The client key goes in as `ANTHROPIC_AUTH_TOKEN`, for three reasons. With it Claude Code needs no login of its own, also
/// in an empty home directory, and a saved login stays as it is. It retries a 429 whatever quota headers come with it; with
/// a login it turns those into "You've hit your 5-hour limit" and gives up. And unlike `ANTHROPIC_API_KEY` it asks for no
/// approval that would be written into the person's settings.
pub(crate) static CLAUDE: HostSpec = HostSpec {
    host: Host::Claude,
    name: "Claude Code",
    program: "claude",
    program_variable: "REMUDA_CLAUDE_BIN",
    elsewhere: &[".local/bin/claude", ".claude/local/claude"],
    install: "install it with: npm install -g @anthropic-ai/claude-code",
    ways: &[
        Way { vendor: Vendor::Anthropic, protocol: Protocol::Messages, path: "/anthropic", set: &[] },
        Way { vendor: Vendor::Qwen, protocol: Protocol::Messages, path: "/qwen/anthropic", set: &[] },
    ],
    set: &[
        Set {
            name: "ANTHROPIC_BASE_URL",
            value: Value::BaseUrl,
            instead: "to use that endpoint through Remuda: remuda login anthropic --base-url URL",
        },
        Set {
            name: "ANTHROPIC_AUTH_TOKEN",
            value: Value::Key,
            instead: "to use that token through Remuda: remuda login anthropic --base-url URL --key-env ANTHROPIC_AUTH_TOKEN",
        },
        // Documented for programs that start Claude Code and choose its provider: without it the `env` block and the
        // `apiKeyHelper` of any settings file win over the environment and lead around the gateway.
        Set { name: "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", value: Value::Text("1"), instead: "" },
    ],
    remove: &[
        Remove {
            names: &["ANTHROPIC_API_KEY"],
            why: "Claude Code would send it along with every request",
            instead: "to use that key through Remuda: remuda login anthropic --key-env ANTHROPIC_API_KEY",
        },
        Remove {
            names: &["CLAUDE_CODE_OAUTH_TOKEN"],
            why: "the gateway holds the logins",
            instead: "to use that token through Remuda: printenv CLAUDE_CODE_OAUTH_TOKEN | remuda login anthropic --token-stdin",
        },
        Remove {
            names: &[
                "CLAUDE_CODE_USE_BEDROCK",
                "CLAUDE_CODE_USE_VERTEX",
                "CLAUDE_CODE_USE_FOUNDRY",
                "CLAUDE_CODE_USE_MANTLE",
                "CLAUDE_CODE_USE_ANTHROPIC_AWS",
                "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
            ],
            why: "Claude Code would go to that cloud and never ask the gateway",
            instead: "to use that cloud, start claude without Remuda",
        },
        Remove {
            names: &["ANTHROPIC_UNIX_SOCKET"],
            why: "Claude Code would connect to that socket and never ask the gateway",
            instead: "to use that socket, start claude without Remuda",
        },
    ],
    headers_variable: Some("ANTHROPIC_CUSTOM_HEADERS"),
    overlay: overlay::none,
    own_commands: &[],
    costs: &[
        Cost {
            feature: "one-hour prompt cache",
            effect: "with a login of its own Claude Code asks for a cache of one hour, with a token for five minutes",
            remedy: Some("ENABLE_PROMPT_CACHING_1H=1 (with an API-key account the one-hour cache costs more to write)"),
            seen_with: "2.1.329",
        },
        Cost {
            feature: "features that need a claude.ai login (plan usage in /usage, Remote Control, claude.ai connectors)",
            effect: "not there, since Claude Code is not logged in itself; plan usage is shown by remuda status",
            remedy: Some(
                "keep its own login: ANTHROPIC_BASE_URL as above, and the client key in ANTHROPIC_CUSTOM_HEADERS=x-remuda-key: …",
            ),
            seen_with: "2.1.329",
        },
        Cost {
            feature: "settings and policies that an organisation serves from claude.ai",
            effect: "not fetched with a custom ANTHROPIC_BASE_URL; managed settings on the machine still apply",
            remedy: None,
            seen_with: "2.1.329",
        },
        Cost {
            feature: "beta features reserved for Anthropic's own address (cache scope, cache diagnosis, tool provenance)",
            effect: "not requested with a custom ANTHROPIC_BASE_URL",
            remedy: None,
            seen_with: "2.1.329",
        },
        Cost {
            feature: "endpoint, credentials, proxy and custom headers in the env block of settings.json",
            effect: "ignored while Remuda starts Claude Code; the rest of the settings applies",
            remedy: Some("set proxy variables in the shell"),
            seen_with: "2.1.329",
        },
    ],
    profile: Some(Profile {
        variable: "CLAUDE_CONFIG_DIR",
        logins: &[OwnLogin { vendor: Vendor::Anthropic, login: &["auth", "login"], status: &["auth", "status"] }],
        remove: &[
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_BASE_URL",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_USE_VERTEX",
            "CLAUDE_CODE_USE_FOUNDRY",
            "CLAUDE_CODE_USE_MANTLE",
            "CLAUDE_CODE_USE_ANTHROPIC_AWS",
            "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
            "ANTHROPIC_UNIX_SOCKET",
        ],
    }),
};
