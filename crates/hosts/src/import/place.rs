//! Which program keeps its logins where. One table; the environment is the caller's.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use remuda_core::Host;

use crate::launch::Environment;

/// Programs whose files are read: agents, and multi-account tools of former times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// Claude Code's `.credentials.json`.
    Claude,
    /// Codex's `auth.json`.
    Codex,
    /// Pi's `auth.json`, with the slots that `provider-failover` puts there.
    Pi,
    /// OpenCode's `auth.json`.
    OpenCode,
    /// Qwen Code's settings, and the login that has ended.
    Qwen,
    /// `multi-claude-code.json` of Pi.
    MultiClaudeCode,
    /// `codex-accounts.json` of Pi.
    CodexAccounts,
    /// `multi-auth.json` of OpenCode.
    MultiAuth,
    /// `anthropic-auth.json` with its state file, of OpenCode and Pi.
    AnthropicAuth,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Claude,
        Self::Codex,
        Self::Pi,
        Self::OpenCode,
        Self::Qwen,
        Self::MultiClaudeCode,
        Self::CodexAccounts,
        Self::MultiAuth,
        Self::AnthropicAuth,
    ];

    /// Its name in commands and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Pi => "pi",
            Self::OpenCode => "opencode",
            Self::Qwen => "qwen",
            Self::MultiClaudeCode => "multi-claude-code",
            Self::CodexAccounts => "codex-accounts",
            Self::MultiAuth => "multi-auth",
            Self::AnthropicAuth => "anthropic-auth",
        }
    }

    /// The program of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|program| program.as_str() == name)
    }

    /// Its name for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Claude => "Claude Code",
            Self::Codex => "Codex",
            Self::Pi => "Pi",
            Self::OpenCode => "OpenCode",
            Self::Qwen => "Qwen Code",
            Self::MultiClaudeCode => "multi-claude-code",
            Self::CodexAccounts => "codex-accounts",
            Self::MultiAuth => "multi-auth",
            Self::AnthropicAuth => "anthropic-auth",
        }
    }
}

/// One file of one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub program: Program,
    /// The agent to which it belongs (`--from`).
    pub host: Host,
    /// The file that holds logins.
    pub file: PathBuf,
    /// Files beside it that say more about them.
    pub beside: Vec<PathBuf>,
}

impl Place {
    /// The place to which a login belongs that was borrowed from this file.
    #[must_use]
    pub fn of(program: Program, file: &Path) -> Self {
        let near = |name: &str| file.with_file_name(name);
        let (host, file, beside) = match program {
            Program::Claude => {
                let inside = near(".claude.json");
                let outside = file.parent().and_then(Path::parent).map(|dir| dir.join(".claude.json"));
                let who = if inside.exists() { Some(inside) } else { outside };
                (Host::Claude, file.to_owned(), who.into_iter().collect())
            }
            Program::Codex => (Host::Codex, file.to_owned(), Vec::new()),
            Program::Pi | Program::MultiClaudeCode | Program::CodexAccounts => (Host::Pi, file.to_owned(), Vec::new()),
            Program::OpenCode | Program::MultiAuth => (Host::OpenCode, file.to_owned(), Vec::new()),
            Program::Qwen => (Host::Qwen, near("settings.json"), vec![near(".env"), near("oauth_creds.json")]),
            Program::AnthropicAuth => (Host::OpenCode, file.to_owned(), vec![near("anthropic-auth-state.json")]),
        };
        Self { program, host, file, beside }
    }

    /// The files whose change can mean that somebody has logged in or out. Claude Code writes its `.claude.json` all the
    /// time.
    #[must_use]
    pub fn watched(&self) -> Vec<PathBuf> {
        let beside = if self.program == Program::Claude { &[][..] } else { &self.beside };
        std::iter::once(&self.file).chain(beside).cloned().collect()
    }
}

/// All places, by the environment of the person (`HOME` and the variables by which the programs are moved), those of agents
/// first. `from`: of this agent only.
#[must_use]
pub fn places(environment: &Environment, from: Option<Host>) -> Vec<Place> {
    let variable = |name: &str| environment.get(OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from);
    let Some(home) = variable("HOME") else { return Vec::new() };
    let under = |names: &[&str], otherwise: &str| {
        names.iter().find_map(|name| variable(name)).unwrap_or_else(|| home.join(otherwise))
    };
    let claude = under(&["CLAUDE_CONFIG_DIR"], ".claude");
    // Next to the directory, but inside it where that is moved.
    let claude_json =
        variable("CLAUDE_CONFIG_DIR").map_or_else(|| home.join(".claude.json"), |dir| dir.join(".claude.json"));
    let codex = under(&["CODEX_HOME"], ".codex");
    let pi = under(&["PI_CODING_AGENT_DIR", "PI_AGENT_DIR"], ".pi/agent");
    let data = under(&["XDG_DATA_HOME"], ".local/share").join("opencode");
    let config =
        variable("OPENCODE_CONFIG_DIR").unwrap_or_else(|| under(&["XDG_CONFIG_HOME"], ".config").join("opencode"));
    let qwen = home.join(".qwen");
    let in_config = |name: &str| config.join(name);

    let place = |program, host, file: PathBuf, beside: Vec<PathBuf>| Place { program, host, file, beside };
    let anthropic_auth = |host, file: PathBuf| {
        let state = file.with_file_name("anthropic-auth-state.json");
        place(Program::AnthropicAuth, host, file, vec![state])
    };
    let opencode_auth = variable("OPENCODE_ANTHROPIC_AUTH_FILE").unwrap_or_else(|| in_config("anthropic-auth.json"));
    let pi_auth = variable("PI_ANTHROPIC_AUTH_FILE").unwrap_or_else(|| pi.join("anthropic-auth.json"));
    let failover = ["provider-failover.json", "provider-failover-state.json"].map(|name| pi.join(name)).to_vec();
    let all = vec![
        place(Program::Claude, Host::Claude, claude.join(".credentials.json"), vec![claude_json]),
        place(Program::Codex, Host::Codex, codex.join("auth.json"), vec![codex.join("config.toml")]),
        place(Program::Pi, Host::Pi, pi.join("auth.json"), failover),
        place(Program::OpenCode, Host::OpenCode, data.join("auth.json"), Vec::new()),
        place(
            Program::Qwen,
            Host::Qwen,
            qwen.join("settings.json"),
            vec![qwen.join(".env"), qwen.join("oauth_creds.json")],
        ),
        place(Program::MultiClaudeCode, Host::Pi, pi.join("multi-claude-code.json"), Vec::new()),
        place(Program::CodexAccounts, Host::Pi, pi.join("codex-accounts.json"), Vec::new()),
        // The plugin itself knows only the home directory, whatever XDG says.
        place(
            Program::MultiAuth,
            Host::OpenCode,
            first_there(&[in_config("multi-auth.json"), home.join(".config/opencode/multi-auth.json")]),
            Vec::new(),
        ),
        anthropic_auth(Host::OpenCode, opencode_auth),
        anthropic_auth(Host::Pi, pi_auth),
    ];
    all.into_iter().filter(|place| from.is_none_or(|host| host == place.host)).collect()
}

fn first_there(files: &[PathBuf]) -> PathBuf {
    let there = files.iter().find(|file| Path::exists(file));
    there.or(files.first()).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(variables: &[(&str, &str)], from: Option<Host>) -> Vec<String> {
        let environment = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        places(&environment, from).iter().map(|place| place.file.display().to_string()).collect()
    }

    #[test]
    fn the_programs_keep_their_logins_here() {
        assert_eq!(
            files(&[("HOME", "/h")], None),
            [
                "/h/.claude/.credentials.json",
                "/h/.codex/auth.json",
                "/h/.pi/agent/auth.json",
                "/h/.local/share/opencode/auth.json",
                "/h/.qwen/settings.json",
                "/h/.pi/agent/multi-claude-code.json",
                "/h/.pi/agent/codex-accounts.json",
                "/h/.config/opencode/multi-auth.json",
                "/h/.config/opencode/anthropic-auth.json",
                "/h/.pi/agent/anthropic-auth.json",
            ]
        );
    }

    #[test]
    fn a_program_that_was_moved_is_found_where_it_is() {
        let moved = [("HOME", "/h"), ("CODEX_HOME", "/c"), ("CLAUDE_CONFIG_DIR", "/l"), ("XDG_DATA_HOME", "/d")];
        assert_eq!(files(&moved, Some(Host::Codex)), ["/c/auth.json"]);
        assert_eq!(files(&moved, Some(Host::Claude)), ["/l/.credentials.json"]);
        assert!(files(&moved, Some(Host::OpenCode)).contains(&"/d/opencode/auth.json".to_owned()));
        assert!(files(&[("CODEX_HOME", "/c")], None).is_empty(), "without a home nothing is guessed");
    }

    #[test]
    fn names_lead_back_to_their_programs() {
        assert!(Program::ALL.into_iter().all(|program| Program::named(program.as_str()) == Some(program)));
    }
}
