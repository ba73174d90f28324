//! What must be known of the machine before an agent is planned. The only look at the agent's own affairs; nothing is changed.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use remuda_core::Host;
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
        let Some(profile) = &self.profile else { return true };
        let mut command = Command::new(program);
        command
            .args(profile.status)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        match tokio::time::timeout(ANSWERS_WITHIN, command.status()).await {
            Ok(Ok(status)) => status.success(),
            _ => true,
        }
    }
}
