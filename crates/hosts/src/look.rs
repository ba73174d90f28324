//! What must be known of the machine before an agent is planned. The only look at the agent's own affairs; nothing is changed.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use remuda_core::{Host, Vendor};
use tokio::process::Command;

use crate::launch::Environment;
use crate::overlay::Facts;
use crate::spec::HostSpec;
use crate::{codex, qwen};

/// An agent that does not say by then whether it is logged in counts as logged in: it says so itself once it runs.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

impl HostSpec {
    /// Finds out what planning needs.
    ///
    /// # Errors
    /// Settings of the machine's administrator are there and cannot be read.
    pub async fn look(&self, program: &Path, args: &[OsString], inherited: &Environment) -> std::io::Result<Facts> {
        let mut facts = Facts::default();
        if self.host == Host::Codex && codex::needs_login(args) {
            facts.own_login = Some(self.is_logged_in(program).await);
        }
        if self.host == Host::Qwen {
            let path = qwen::system_settings(inherited);
            facts.system_settings = match std::fs::read_to_string(&path) {
                Ok(text) => Some((path, text)),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
            };
        }
        Ok(facts)
    }

    async fn is_logged_in(&self, program: &Path) -> bool {
        let Some(login) = self.profile.as_ref().and_then(|profile| profile.logins.first()) else { return true };
        says_yes(Command::new(program).args(login.status)).await.unwrap_or(true)
    }

    /// Has the agent a login of this vendor in that profile? `None`: it does not say.
    pub async fn is_logged_in_at(&self, program: &Path, vendor: Vendor, profile: &Path) -> Option<bool> {
        let how = self.profile.as_ref()?;
        let mut command = Command::new(program);
        command.args(how.login(vendor)?.status).env(how.variable, profile);
        for name in how.remove {
            command.env_remove(name);
        }
        says_yes(&mut command).await
    }
}

/// Does the program end well? `None`: it does not end in time, or cannot be started.
async fn says_yes(command: &mut Command) -> Option<bool> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let ended = tokio::time::timeout(ANSWERS_WITHIN, command.status()).await;
    Some(ended.ok()?.ok()?.success())
}
