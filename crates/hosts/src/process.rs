//! The agent's process: started in the wrapper's place at the terminal, waited for, its end passed on.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use tokio::process::Command;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::launch::Launch;

/// The agent could not be started or waited for.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The signals that are to be passed on could not be caught.
    #[error("cannot catch signals")]
    Signals(#[source] std::io::Error),
    /// A file of ours that the agent reads could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The program did not start.
    #[error("cannot start {}", program.display())]
    Start {
        /// Which.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The system lost track of it.
    #[error("cannot wait for the agent")]
    Wait(#[source] std::io::Error),
}

/// Starts the agent and waits for its end.
///
/// It has the wrapper's standard streams, process group and working directory, so that it owns the terminal: job control
/// and Ctrl-C work as without Remuda. Signals to the wrapper alone are passed on; the wrapper outlives the agent in every
/// case but `SIGKILL`, so that the caller can revoke the client key.
///
/// # Errors
/// When the program cannot be started. What the agent itself reports is its exit status.
pub async fn run(launch: &Launch) -> Result<ExitStatus, RunError> {
    // Caught before the agent starts: a signal in between must not end the wrapper alone. Caught signals, unlike ignored
    // ones, are back at their default in the agent.
    let mut signals = Signals::catch().map_err(RunError::Signals)?;
    for file in &launch.files {
        file.write().map_err(|source| RunError::Write { path: file.path.clone(), source })?;
    }
    let mut command = Command::new(&launch.program);
    command.args(&launch.args);
    for name in &launch.removed {
        command.env_remove(name);
    }
    for (name, setting) in &launch.set {
        command.env(name, setting.as_os_str());
    }
    let mut agent = command.spawn().map_err(|source| RunError::Start { program: launch.program.clone(), source })?;
    let pid = agent.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    loop {
        tokio::select! {
            ended = agent.wait() => return ended.map_err(RunError::Wait),
            (signal, from_keyboard) = signals.next() => {
                if let Some(pid) = pid.filter(|_| !(from_keyboard && owns_terminal())) {
                    // Gone already: then its end is what the next turn of this loop sees.
                    let _gone = kill_process(pid, signal);
                }
            }
        }
    }
}

/// What a shell would report: the agent's own code, or 128 + the signal that ended it.
#[must_use]
pub fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// The signals by which a person or a supervisor ends an agent.
struct Signals {
    interrupt: Stream,
    quit: Stream,
    terminate: Stream,
    hangup: Stream,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal, and whether a key press can have caused it.
    async fn next(&mut self) -> (Signal, bool) {
        tokio::select! {
            _ = self.interrupt.recv() => (Signal::INT, true),
            _ = self.quit.recv() => (Signal::QUIT, true),
            _ = self.terminate.recv() => (Signal::TERM, false),
            _ = self.hangup.recv() => (Signal::HUP, false),
        }
    }
}

/// In the foreground of a terminal a key press reaches the agent by itself; passed on, it would count twice, and agents take
/// the second Ctrl-C for "quit".
fn owns_terminal() -> bool {
    File::open("/dev/tty").is_ok_and(|tty| tcgetpgrp(tty).is_ok_and(|foreground| foreground == getpgrp()))
}
