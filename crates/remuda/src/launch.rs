//! Starts the daemon in the background, for `run`: a process of its own that survives the terminal, with its log in the
//! state directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use remuda_control::{Code, Failure};

use crate::backend::Backend;
use crate::paths::Paths;

/// A daemon that does not answer by then has failed.
const READY_WITHIN: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A log that has grown beyond this begins anew at the next start.
const LARGEST_LOG: u64 = 5 << 20;
/// How much of the log a failure shows.
const LOG_TAIL: u64 = 2_000;

/// The running daemon; started if there is none.
pub(crate) async fn daemon(paths: &Paths) -> Result<Backend, Failure> {
    if let Some(daemon) = Backend::daemon(paths).await? {
        return Ok(daemon);
    }
    paths.create()?;
    let mut child = start(paths).map_err(|e| {
        Failure::new(Code::Internal, "the daemon cannot be started")
            .why(e.to_string())
            .remedy("try `remuda serve` in another terminal")
    })?;
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        if let Some(daemon) = Backend::daemon(paths).await? {
            return Ok(daemon);
        }
        match child.try_wait() {
            // Code 0: another daemon was faster. It answers soon, or the deadline comes.
            Ok(Some(status)) if !status.success() => return Err(failed(paths, &format!("it ended with {status}"))),
            _ if Instant::now() > deadline => return Err(failed(paths, "it does not answer")),
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

fn start(paths: &Paths) -> io::Result<Child> {
    let log = open_log(&paths.log())?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["serve", "--background"])
        .current_dir(&paths.state_dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    // Ctrl-C in the agent's terminal is meant for the agent.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

fn open_log(path: &Path) -> io::Result<File> {
    if std::fs::metadata(path).is_ok_and(|log| log.len() > LARGEST_LOG) {
        std::fs::rename(path, path.with_extension("log.old"))?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn failed(paths: &Paths, how: &str) -> Failure {
    let tail = tail(&paths.log()).unwrap_or_default();
    Failure::new(Code::Internal, format!("the daemon did not start: {how}"))
        .why(format!("the end of {}:\n{}", paths.log().display(), tail.trim_end()))
        .remedy("mend what it names, or watch it with `remuda serve` in another terminal")
}

fn tail(path: &Path) -> io::Result<String> {
    let mut log = File::open(path)?;
    let from = log.metadata()?.len().saturating_sub(LOG_TAIL);
    log.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    log.take(LOG_TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // The first line is probably cut.
    let whole = if from > 0 { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
    Ok(whole.to_owned())
}
