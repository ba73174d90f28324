//! Whoever answers the verbs: a running daemon, or, when none runs, this process itself.

use std::time::{Duration, Instant};

use remuda_control::types::Empty;
use remuda_control::verb::GetStatus;
use remuda_control::{Client, Code, Failure, Serve};

use crate::config::Config;
use crate::here::Here;
use crate::instance::{self, Holder, Role};
use crate::paths::Paths;

/// How long to wait for another command, or for a daemon that is just starting or stopping.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(25);

/// Answers verbs.
pub(crate) enum Backend {
    /// The daemon.
    Daemon(Client),
    /// Nobody else works on the state: this process does.
    Here(Box<Here>),
}

impl Backend {
    /// Whoever is there. `config` is needed only if that is this process.
    pub(crate) async fn open(paths: &Paths, config: Result<&Config, Failure>) -> Result<Self, Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(daemon) = Self::daemon(paths).await? {
                return Ok(daemon);
            }
            if let Some(here) = Here::open(paths, config.as_ref().map_err(|e| e.clone())?).await? {
                return Ok(Self::Here(Box::new(here)));
            }
            if Instant::now() > deadline {
                return Err(busy(instance::holder(paths).as_ref()));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The daemon, if one runs and answers.
    pub(crate) async fn daemon(paths: &Paths) -> Result<Option<Self>, Failure> {
        let client = Client::new(&paths.socket()?);
        match client.call::<GetStatus>(&Empty {}).await {
            Ok(_) => Ok(Some(Self::Daemon(client))),
            Err(failure) if failure.code == Code::NotRunning => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Asks.
    pub(crate) async fn call<V: Serve>(&self, input: V::Input) -> Result<V::Answer, Failure> {
        match self {
            Self::Daemon(client) => client.call::<V>(&input).await,
            Self::Here(here) => here.call::<V>(input).await,
        }
    }

    /// Lets go of the state if this process has it.
    pub(crate) async fn close(self) {
        if let Self::Here(here) = self {
            here.close().await;
        }
    }
}

/// Somebody holds the lock and does not answer.
pub(crate) fn busy(holder: Option<&Holder>) -> Failure {
    let failure = Failure::new(Code::Busy, "another remuda works on the state and does not let go");
    match holder {
        Some(Holder { role: Role::Daemon, pid, .. }) => failure
            .why(format!("process {pid} is a daemon that does not answer"))
            .remedy(format!("wait a moment, or end it: kill {pid}")),
        Some(Holder { role: Role::Command, pid, .. }) => failure
            .why(format!("process {pid} is a command that has not ended, perhaps one that waits for your answer"))
            .remedy("finish it, then try again"),
        None => failure.remedy("try again in a moment"),
    }
}
