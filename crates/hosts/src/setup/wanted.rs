//! Which values lead each agent to the gateway for good, and where they stand. Observed with the versions that the agents'
//! own modules name.

use std::ffi::OsStr;
use std::path::PathBuf;

use remuda_core::{Host, Vendor};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::edit::{Edit, Format};
use crate::launch::Environment;
use crate::spec::{HostSpec, Way};

/// What is known when an agent is to be set up.
pub struct Surroundings<'a> {
    /// The environment, for the places that agents look in.
    pub inherited: &'a Environment,
    /// The person's home directory.
    pub home: PathBuf,
    /// The gateway's address.
    pub base_url: &'a str,
    /// The client key made for this agent.
    pub key: &'a SecretString,
    /// Vendors of the accounts that there are, those of the active choice first. Not empty.
    pub served: &'a [Vendor],
    /// Is there a file?
    pub exists: &'a dyn Fn(&std::path::Path) -> bool,
}

/// The values for one file.
#[derive(Debug)]
pub struct Wanted {
    /// Where the agent looks for it.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
    /// The values.
    pub edits: Vec<Edit>,
}

/// All that setting an agent up means.
#[derive(Debug, Default)]
pub struct SetupPlan {
    /// The files.
    pub files: Vec<Wanted>,
    /// What the person should know.
    pub notes: Vec<String>,
}

impl Surroundings<'_> {
    /// The agent's own directory: named by a variable, else below the home directory.
    fn directory(&self, variable: &str, otherwise: &str) -> PathBuf {
        let named = self.inherited.get(OsStr::new(variable)).filter(|named| !named.is_empty());
        named.map_or_else(|| self.home.join(otherwise), PathBuf::from)
    }

    fn key(&self) -> Value {
        Value::from(self.key.expose_secret())
    }

    fn url(&self, way: &Way) -> Value {
        Value::from(format!("{}{}", self.base_url, way.path))
    }

    /// The ways to accounts that there are, in the agent's own order.
    fn ways(&self, host: &HostSpec) -> impl Iterator<Item = &'static Way> {
        host.ways.iter().filter(|way| self.served.contains(&way.vendor))
    }
}

fn edit(path: &[&str], value: Value) -> Edit {
    Edit { path: path.iter().map(|name| (*name).to_owned()).collect(), value }
}

/// The plan for one agent. Empty: none of the accounts is of use to it.
#[must_use]
pub fn plan(host: &HostSpec, around: &Surroundings<'_>) -> SetupPlan {
    // An agent that speaks one protocol at a time goes to the vendor of the active choice, if it can.
    let first = around.served.iter().find_map(|vendor| host.way(*vendor));
    let Some(first) = first else { return SetupPlan::default() };
    match host.host {
        Host::Claude => claude(around, first),
        Host::Codex => codex(around, first),
        Host::Pi => pi(around, host),
        Host::OpenCode => opencode(around, host),
        Host::Qwen => qwen(around, first),
        Host::Other => SetupPlan::default(),
    }
}

fn claude(around: &Surroundings<'_>, way: &Way) -> SetupPlan {
    let path = around.directory("CLAUDE_CONFIG_DIR", ".claude").join("settings.json");
    let edits = vec![
        edit(&["env", "ANTHROPIC_BASE_URL"], around.url(way)),
        edit(&["env", "ANTHROPIC_AUTH_TOKEN"], around.key()),
    ];
    SetupPlan { files: vec![Wanted { path, format: Format::Json, edits }], notes: vec![] }
}

/// Codex shows the conversations of one provider id only. Without a login of its own it can keep the built-in one; with one
/// there is no place for the client key beside it in any file, so that a provider of ours is the only way.
fn codex(around: &Surroundings<'_>, way: &Way) -> SetupPlan {
    let directory = around.directory("CODEX_HOME", ".codex");
    let (config, auth) = (directory.join("config.toml"), directory.join("auth.json"));
    let file = |edits| Wanted { path: config.clone(), format: Format::Toml, edits };
    if !(around.exists)(&auth) {
        let login = vec![edit(&["auth_mode"], json!("apikey")), edit(&["OPENAI_API_KEY"], around.key())];
        return SetupPlan {
            files: vec![
                file(vec![edit(&["openai_base_url"], around.url(way))]),
                Wanted { path: auth, format: Format::Json, edits: login },
            ],
            notes: vec![],
        };
    }
    let ours = |name: &str, value| edit(&["model_providers", "remuda", name], value);
    let edits = vec![
        edit(&["model_provider"], json!("remuda")),
        ours("name", json!("Remuda")),
        ours("base_url", around.url(way)),
        ours("wire_api", json!("responses")),
        ours("http_headers", json!({ "x-remuda-key": around.key() })),
    ];
    let note = "Codex is logged in, so that it needs a provider id of ours: while it is set up, `codex resume` lists only \
                conversations that began with it (the others open by their id). `remuda run codex` keeps them all in one list";
    SetupPlan { files: vec![file(edits)], notes: vec![note.to_owned()] }
}

fn pi(around: &Surroundings<'_>, host: &HostSpec) -> SetupPlan {
    let path = around.directory("PI_CODING_AGENT_DIR", ".pi/agent").join("models.json");
    let mut edits = Vec::new();
    for way in around.ways(host) {
        let names: &[&str] = match way.vendor {
            Vendor::Anthropic => &["anthropic"],
            Vendor::OpenAi => &["openai"],
            Vendor::Qwen => &["qwen-token-plan"],
        };
        for name in names {
            let at = |member: &str, value| edit(&["providers", name, member], value);
            edits.extend([
                at("baseUrl", around.url(way)),
                at("apiKey", around.key()),
                edit(&["providers", name, "headers", "x-remuda-key"], around.key()),
            ]);
            if way.vendor == Vendor::Anthropic {
                edits.push(edit(&["providers", name, "compat", "sendSessionAffinityHeaders"], json!(true)));
            }
        }
    }
    SetupPlan { files: vec![Wanted { path, format: Format::Json, edits }], notes: vec![] }
}

fn opencode(around: &Surroundings<'_>, host: &HostSpec) -> SetupPlan {
    let base = around.directory("XDG_CONFIG_HOME", ".config").join("opencode");
    let directory = around.directory("OPENCODE_CONFIG_DIR", "");
    let directory = if directory == around.home.join("") { base } else { directory };
    // It reads both; the one with comments counts more.
    let path = ["opencode.jsonc", "opencode.json"].map(|name| directory.join(name));
    let path = path.iter().find(|path| (around.exists)(path)).unwrap_or(&path[1]).clone();
    let mut edits = Vec::new();
    for way in around.ways(host) {
        for name in crate::opencode::providers(way.vendor) {
            let at = |member: &[&str], value| edit(&[&["provider", name, "options"], member].concat(), value);
            edits.extend([
                at(&["baseURL"], around.url(way)),
                at(&["apiKey"], around.key()),
                at(&["headers", "x-remuda-key"], around.key()),
                at(&["fetch"], Value::Null),
            ]);
        }
    }
    SetupPlan { files: vec![Wanted { path, format: Format::Json, edits }], notes: vec![] }
}

fn qwen(around: &Surroundings<'_>, way: &Way) -> SetupPlan {
    let path = around.directory("QWEN_HOME", ".qwen").join("settings.json");
    let prefix = if way.vendor == Vendor::Anthropic { "ANTHROPIC" } else { "OPENAI" };
    let edits = vec![
        edit(&["security", "auth", "selectedType"], json!(crate::qwen::protocol(way.vendor))),
        edit(&["env", &format!("{prefix}_BASE_URL")], around.url(way)),
        edit(&["env", &format!("{prefix}_API_KEY")], around.key()),
        edit(&["model", "generationConfig", "customHeaders", "x-session-id"], json!("${session_id}")),
        edit(&["outboundCorrelation", "allowDynamicHeaderValues"], json!(true)),
    ];
    let note =
        "models that settings.json names under modelProviders keep their own endpoints and do not go through Remuda";
    SetupPlan { files: vec![Wanted { path, format: Format::Json, edits }], notes: vec![note.to_owned()] }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::*;
    use crate::spec::{HOSTS, spec};

    fn planned(host: Host, served: &[Vendor], there: &[&str], variables: &[(&str, &str)]) -> SetupPlan {
        let inherited = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let key = SecretString::from("rmd_key");
        let exists = |path: &Path| there.iter().any(|there| Path::new(there) == path);
        let base_url = "http://127.0.0.1:4747";
        let home = PathBuf::from("/home/me");
        plan(
            spec(host).unwrap(),
            &Surroundings { inherited: &inherited, home, base_url, key: &key, served, exists: &exists },
        )
    }

    #[rstest]
    #[case(Host::Claude, &[], "/home/me/.claude/settings.json")]
    #[case(Host::Claude, &[("CLAUDE_CONFIG_DIR", "/c")], "/c/settings.json")]
    #[case(Host::Codex, &[], "/home/me/.codex/config.toml")]
    #[case(Host::Pi, &[("PI_CODING_AGENT_DIR", "/p")], "/p/models.json")]
    #[case(Host::OpenCode, &[], "/home/me/.config/opencode/opencode.json")]
    #[case(Host::OpenCode, &[("XDG_CONFIG_HOME", "/x")], "/x/opencode/opencode.json")]
    #[case(Host::OpenCode, &[("OPENCODE_CONFIG_DIR", "/o")], "/o/opencode.json")]
    #[case(Host::Qwen, &[("QWEN_HOME", "/q")], "/q/settings.json")]
    fn the_file_is_where_the_agent_looks(
        #[case] host: Host,
        #[case] variables: &[(&str, &str)],
        #[case] expected: &str,
    ) {
        let served = [Vendor::Anthropic, Vendor::OpenAi, Vendor::Qwen];
        assert_eq!(planned(host, &served, &[], variables).files[0].path, Path::new(expected));
    }

    #[test]
    fn every_agent_is_led_to_the_gateway_with_its_key() {
        for host in HOSTS {
            for vendor in host.vendors() {
                let values: Vec<Value> = planned(host.host, &[vendor], &[], &[])
                    .files
                    .into_iter()
                    .flat_map(|f| f.edits)
                    .map(|e| e.value)
                    .collect();
                let way = host.way(vendor).unwrap();
                assert!(values.contains(&json!(format!("http://127.0.0.1:4747{}", way.path))), "{values:?}");
                assert!(values.contains(&json!("rmd_key")), "{values:?}");
            }
        }
    }

    #[test]
    fn a_codex_with_a_login_keeps_it_and_its_owner_hears_what_that_means() {
        let without = planned(Host::Codex, &[Vendor::OpenAi], &[], &[]);
        assert_eq!(without.files[0].edits[0].path, ["openai_base_url"]);
        assert!(without.notes.is_empty());
        let with = planned(Host::Codex, &[Vendor::OpenAi], &["/home/me/.codex/auth.json"], &[]);
        assert_eq!((with.files.len(), with.notes.len()), (1, 1));
        assert_eq!(with.files[0].edits[0].value, "remuda");
    }

    #[test]
    fn an_opencode_with_comments_in_its_settings_gets_them_there() {
        let there = ["/home/me/.config/opencode/opencode.jsonc", "/home/me/.config/opencode/opencode.json"];
        let plan = planned(Host::OpenCode, &[Vendor::Qwen], &there, &[]);
        assert_eq!(plan.files[0].path, Path::new(there[0]));
    }

    #[test]
    fn accounts_that_are_of_no_use_to_an_agent_set_nothing_up() {
        assert!(planned(Host::Codex, &[Vendor::Anthropic], &[], &[]).files.is_empty());
    }
}
