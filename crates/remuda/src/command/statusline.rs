//! `remuda statusline`: drawn many times an hour by programs that wait for it, so it asks little, waits for nobody and
//! never fails.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use remuda_control::types::{Empty, HerdView, SessionsAsked};
use remuda_control::verb::{GetOverview, GetStatus, ListSessions};
use remuda_control::{Client, Code, Failure};
use serde::Deserialize;

use super::OK;
use crate::cli::{DrawnBy, StatusLineArgs};
use crate::config::{self, StatusLine};
use crate::output::Out;
use crate::paths::Paths;
use crate::project;
use crate::view::{self, Daemon, Drawn, Line};

/// Claude Code writes before it waits; whoever writes nothing is not waited for.
const TO_SAY: Duration = Duration::from_millis(50);
/// The daemon answers within a few milliseconds; a prompt that waits longer than this is felt.
const TO_ANSWER: Duration = Duration::from_millis(200);
/// Claude Code says some two kilobytes.
const MOST_SAID: u64 = 256 << 10;

pub(super) async fn statusline(out: Out, args: StatusLineArgs) -> anyhow::Result<u8> {
    let said = if args.drawn_by == DrawnBy::Claude { listen() } else { Said::default() };
    let paths = Paths::find(std::env::var_os("REMUDA_HOME"));
    // A mistake in the file is told by every other command.
    let mut shown = paths
        .as_ref()
        .ok()
        .and_then(|paths| config::load(&paths.config()).ok())
        .map_or_else(StatusLine::default, |config| config.statusline);
    shown.fields = args.fields.unwrap_or(shown.fields);
    shown.show = args.show.unwrap_or(shown.show);
    let line = match paths.and_then(|paths| paths.socket()) {
        Ok(socket) => look(&socket, &said).await,
        Err(_) => Line::without(Daemon::Off),
    };
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let drawn = Drawn { by: args.drawn_by, colours: !args.no_colour && !no_color };
    out.drawn(line, |line| view::statusline(line, &shown, drawn))?;
    Ok(OK)
}

/// What Claude Code says of itself (code.claude.com/docs/en/statusline), as far as it matters here.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Said {
    session_id: Option<String>,
    cwd: Option<PathBuf>,
    workspace: Option<Workspace>,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Workspace {
    project_dir: Option<PathBuf>,
}

impl Said {
    /// The first JSON value, without waiting for the end behind it. What cannot be read says nothing.
    fn read(from: impl Read) -> Self {
        Self::deserialize(&mut serde_json::Deserializer::from_reader(from.take(MOST_SAID))).unwrap_or_default()
    }

    /// As the gateway calls the conversation.
    fn session(&self) -> Option<String> {
        let id = self.session_id.as_deref().map(str::trim).filter(|id| !id.is_empty())?;
        Some(format!("{}:{id}", remuda_core::Host::Claude.as_str()))
    }

    /// Where the agent was started.
    fn directory(&self) -> Option<PathBuf> {
        let started = self.workspace.as_ref().and_then(|workspace| workspace.project_dir.clone());
        started.or_else(|| self.cwd.clone()).or_else(|| std::env::current_dir().ok())
    }
}

/// Reads standard input, for a moment. Its thread ends with the process at the latest: a read cannot be called off.
fn listen() -> Said {
    if std::io::stdin().is_terminal() {
        return Said::default();
    }
    let (tell, told) = mpsc::sync_channel(1);
    std::thread::spawn(move || tell.send(Said::read(std::io::BufReader::new(std::io::stdin()))));
    told.recv_timeout(TO_SAY).unwrap_or_default()
}

async fn look(socket: &Path, said: &Said) -> Line {
    match tokio::time::timeout(TO_ANSWER, ask(&Client::new(socket), said)).await {
        Ok(Ok(line)) => line,
        Ok(Err(failure)) if failure.code == Code::NotRunning => Line::without(Daemon::Off),
        Ok(Err(_)) | Err(_) => Line::without(Daemon::Silent),
    }
}

/// Who served the conversation last; else its pin, its home, the project's choice, the active one.
async fn ask(client: &Client, said: &Said) -> Result<Line, Failure> {
    let here = || said.directory().and_then(|directory| project::find(&directory).ok().flatten()).map(|pin| pin.target);
    let Some(session) = said.session() else {
        // Held in memory by the daemon; the overview asks its store.
        let status = client.call::<GetStatus>(&Empty {}).await?;
        let (active, accounts, pools, pins) = (status.active, status.accounts, status.pools, status.pins);
        let herd = HerdView { active, accounts, pools, pins, chains: Vec::new() };
        let target = here().or_else(|| herd.active.clone());
        return Ok(Line::to(status.now, &herd, target));
    };
    let overview = client.call::<GetOverview>(&Empty {}).await?;
    let herd = &overview.herd;
    let served = view::served(&overview.recent, &session);
    if let Some(line) = served.and_then(|served| Line::served(overview.now, herd, &served)) {
        return Ok(line);
    }
    let sessions = client.call::<ListSessions>(&SessionsAsked::default()).await?;
    let known = sessions.sessions.into_iter().find(|known| known.session == session);
    let target = known.and_then(|known| known.pin.or(known.account)).or_else(here).or_else(|| herd.active.clone());
    Ok(Line::to(overview.now, herd, target))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn claude_code_says_which_conversation_it_is_and_where() {
        let said = Said::read(
            &br#"{"hook_event_name": "Status", "session_id": "3431a7ea-1", "transcript_path": "/t.jsonl", "cwd": "/p/sub",
                "model": {"id": "claude-opus-4-8", "display_name": "Opus"}, "version": "2.1.329",
                "workspace": {"current_dir": "/p/sub", "project_dir": "/p"}, "cost": {"total_cost_usd": 0.1}}
                and what follows is not waited for"#[..],
        );
        assert_eq!(said.session().as_deref(), Some("claude:3431a7ea-1"));
        assert_eq!(said.directory().as_deref(), Some(Path::new("/p")));
    }

    #[rstest]
    #[case("")]
    #[case("hello")]
    #[case("[1, 2]")]
    #[case(r#"{"session_id": 7}"#)]
    #[case(r#"{"session_id": "3431"#)]
    fn what_cannot_be_read_says_nothing(#[case] text: &str) {
        assert_eq!(Said::read(text.as_bytes()), Said::default());
    }

    #[test]
    fn an_empty_id_is_no_conversation() {
        assert_eq!(Said::read(&br#"{"session_id": " "}"#[..]).session(), None);
    }
}
