//! Where everything lives: `REMUDA_HOME` if it is set, else the platform's directories for this user.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use remuda_control::{Code, Failure};

/// A Unix socket's path must fit into 107 bytes (104 on macOS, one for the end).
const LONGEST_SOCKET_PATH: usize = 103;

/// All places on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paths {
    /// The user's own: `config.toml`.
    pub(crate) config_dir: PathBuf,
    /// What must not be lost: the store, the key file.
    pub(crate) data_dir: PathBuf,
    /// What a restart makes anew: lock, socket, log.
    pub(crate) state_dir: PathBuf,
    /// Is it all in one directory of the user's choice?
    pub(crate) is_home: bool,
}

impl Paths {
    /// `home`: the value of `REMUDA_HOME`.
    pub(crate) fn find(home: Option<OsString>) -> Result<Self, Failure> {
        if let Some(home) = home.filter(|home| !home.is_empty()) {
            let home = std::path::absolute(&home).map_err(|e| unusable(Path::new(&home), &e))?;
            return Ok(Self { config_dir: home.clone(), data_dir: home.clone(), state_dir: home, is_home: true });
        }
        let args = AppStrategyArgs {
            top_level_domain: "dev".to_owned(),
            author: "remuda".to_owned(),
            app_name: "remuda".to_owned(),
        };
        let strategy = choose_app_strategy(args).map_err(|e| {
            Failure::new(Code::Store, "there is no home directory to keep anything in")
                .why(e.to_string())
                .remedy("set HOME, or set REMUDA_HOME to a directory of yours")
        })?;
        let data_dir = strategy.data_dir();
        Ok(Self {
            config_dir: strategy.config_dir(),
            state_dir: strategy.state_dir().unwrap_or_else(|| data_dir.clone()),
            data_dir,
            is_home: false,
        })
    }

    /// The user's configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.config_dir.join("config.toml")
    }

    /// Held by whoever works on the store.
    pub(crate) fn lock(&self) -> PathBuf {
        self.state_dir.join("instance.lock")
    }

    /// Who that is.
    pub(crate) fn holder(&self) -> PathBuf {
        self.state_dir.join("instance.json")
    }

    /// What a daemon in the background says.
    pub(crate) fn log(&self) -> PathBuf {
        self.state_dir.join("daemon.log")
    }

    /// The token of the user's relay.
    pub(crate) fn relay_token(&self) -> PathBuf {
        self.data_dir.join("relay-token")
    }

    /// Receipts of `remuda setup`, and copies of what was there before.
    pub(crate) fn setups(&self) -> PathBuf {
        self.data_dir.join("setup")
    }

    /// Files of ours that agents read while they run. No secrets.
    pub(crate) fn agents(&self) -> PathBuf {
        self.state_dir.join("agents")
    }

    /// Where the daemon takes commands.
    pub(crate) fn socket(&self) -> Result<PathBuf, Failure> {
        let socket = self.state_dir.join("remuda.sock");
        let bytes = socket.as_os_str().len();
        if bytes <= LONGEST_SOCKET_PATH {
            return Ok(socket);
        }
        Err(Failure::new(Code::Store, "the path of the daemon's socket is too long")
            .why(format!("{} has {bytes} bytes; systems allow {LONGEST_SOCKET_PATH}", socket.display()))
            .remedy("set REMUDA_HOME to a directory with a shorter path"))
    }

    /// Makes the directories that hold data and state, readable by their owner alone.
    pub(crate) fn create(&self) -> Result<(), Failure> {
        for dir in [&self.data_dir, &self.state_dir] {
            make_private(dir).map_err(|e| unusable(dir, &e))?;
        }
        Ok(())
    }
}

/// Made for its owner alone, and corrected if it was not. One that is shared on purpose (`/tmp`) is no place for secrets;
/// one that belongs to another user (a mounted volume) is not ours to change, and `doctor` names it.
fn make_private(dir: &Path) -> io::Result<()> {
    const STICKY: u32 = 0o1000;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let found = std::fs::metadata(dir)?;
    if found.mode() & STICKY != 0 {
        return Err(io::Error::other("it is shared by everybody"));
    }
    let ours = found.uid() == rustix::process::geteuid().as_raw();
    if ours && found.mode() & 0o077 != 0 {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// A directory that cannot be made or written.
pub(crate) fn unusable(dir: &Path, error: &io::Error) -> Failure {
    Failure::new(Code::Store, format!("{} cannot be used", dir.display()))
        .why(error.to_string())
        .remedy("make it a directory that you own and can write, or set REMUDA_HOME to another one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remuda_home_holds_everything() {
        let paths = Paths::find(Some("/srv/herd".into())).unwrap();
        assert_eq!(paths.config(), Path::new("/srv/herd/config.toml"));
        assert_eq!(paths.socket().unwrap(), Path::new("/srv/herd/remuda.sock"));
    }

    #[test]
    fn a_socket_path_that_no_system_takes_is_refused_with_the_way_out() {
        let paths = Paths::find(Some(format!("/{}", "x".repeat(120)).into())).unwrap();
        assert!(paths.socket().unwrap_err().remedy.unwrap().contains("REMUDA_HOME"));
    }

    #[test]
    fn a_directory_that_everybody_shares_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let shared = dir.path().join("tmp");
        std::fs::create_dir(&shared).unwrap();
        std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o1777)).unwrap();
        let refused = Paths::find(Some(shared.clone().into())).unwrap().create().unwrap_err();
        assert_eq!(refused.why.as_deref(), Some("it is shared by everybody"));
        assert_eq!(std::fs::metadata(&shared).unwrap().permissions().mode() & 0o7777, 0o1777);
    }

    #[test]
    fn directories_are_for_their_owner_alone_even_if_they_were_not() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("a/b");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o755)).unwrap();
        Paths::find(Some(home.clone().into())).unwrap().create().unwrap();
        assert_eq!(std::fs::metadata(&home).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
