//! Settings files on the disk: read whole, replaced whole. A link is followed to the file it names, which keeps its
//! permissions; a file of somebody else is left alone.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A settings file as it was found.
#[derive(Debug)]
pub struct OnDisk {
    /// The file itself, links followed.
    pub place: PathBuf,
    /// What it holds; `None`: it is not there.
    pub text: Option<String>,
    /// Its permissions.
    mode: u32,
}

/// A settings file cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another user's, a directory, or a link to nowhere.
    #[error("{}: {why}", path.display())]
    NotOurs {
        /// Which file.
        path: PathBuf,
        /// What it is.
        why: &'static str,
    },
}

impl OnDisk {
    /// Reads it.
    ///
    /// # Errors
    /// It is no text, or no plain file of this user.
    pub fn read(path: &Path) -> Result<Self, DiskError> {
        let failed = |source| DiskError::Io { path: path.to_owned(), source };
        let not_ours = |why| DiskError::NotOurs { path: path.to_owned(), why };
        let place = match fs::canonicalize(path) {
            Ok(place) => place,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if path.is_symlink() {
                    return Err(not_ours("it is a link to a file that is not there"));
                }
                return Ok(Self { place: path.to_owned(), text: None, mode: 0o600 });
            }
            Err(error) => return Err(failed(error)),
        };
        let meta = fs::metadata(&place).map_err(failed)?;
        if !meta.is_file() {
            return Err(not_ours("it is no file"));
        }
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(not_ours("it belongs to another user"));
        }
        let text = fs::read_to_string(&place).map_err(failed)?;
        Ok(Self { place, text: Some(text), mode: meta.permissions().mode() & 0o7777 })
    }

    /// Can others than its owner read it?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.mode & 0o077 != 0
    }

    /// Replaces it at once, unless it has changed since it was read. A new file is for its owner alone.
    ///
    /// # Errors
    /// It cannot be written, or somebody else wrote it meanwhile.
    pub fn write(&self, text: &str) -> Result<(), DiskError> {
        self.unchanged()?;
        write(&self.place, text, self.mode).map_err(|source| DiskError::Io { path: self.place.clone(), source })
    }

    /// Takes it away, unless it has changed since it was read.
    ///
    /// # Errors
    /// It cannot be removed, or somebody else wrote it meanwhile.
    pub fn remove(&self) -> Result<(), DiskError> {
        self.unchanged()?;
        fs::remove_file(&self.place).map_err(|source| DiskError::Io { path: self.place.clone(), source })
    }

    fn unchanged(&self) -> Result<(), DiskError> {
        let now = match fs::read_to_string(&self.place) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(source) => return Err(DiskError::Io { path: self.place.clone(), source }),
        };
        if now == self.text {
            return Ok(());
        }
        Err(DiskError::NotOurs { path: self.place.clone(), why: "it was changed by another program just now" })
    }
}

/// Writes a file of ours whole, for its owner alone.
///
/// # Errors
/// It cannot be written; nothing half-done stays.
pub fn write_private(place: &Path, text: &str) -> io::Result<()> {
    write(place, text, 0o600)
}

/// Writes a file whole, with these permissions, in a directory that is made for its owner alone if it is not there.
pub(crate) fn write(place: &Path, text: &str, mode: u32) -> io::Result<()> {
    let directory = place.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let half = directory.join(format!(".{name}.{}.remuda", std::process::id()));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&half, place)?;
        fs::File::open(directory)?.sync_all()
    });
    if written.is_err() {
        // Nothing half-done stays behind; that it cannot be removed either is no news.
        let _gone = fs::remove_file(&half);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_a_link_and_the_file_it_names_keeps_its_permissions() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("dotfiles/settings.json"), dir.path().join("settings.json"));
        fs::create_dir(dir.path().join("dotfiles")).unwrap();
        fs::write(&real, "{}").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("dotfiles/settings.json", &link).unwrap();
        let found = OnDisk::read(&link).unwrap();
        assert!(found.is_open());
        found.write("{ }").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "{ }");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(dir.path().join("dotfiles")).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_new_file_is_for_its_owner_alone_and_so_is_its_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/settings.json");
        OnDisk::read(&path).unwrap().write("{}").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn what_changed_since_it_was_read_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings.json");
        let found = OnDisk::read(&path).unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(found.write("ours").unwrap_err().to_string().contains("changed by another program"));
        assert!(found.remove().is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    }

    #[test]
    fn a_link_to_nowhere_and_a_directory_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        assert!(OnDisk::read(&dir.path().join("link")).unwrap_err().to_string().contains("not there"));
        assert!(OnDisk::read(dir.path()).unwrap_err().to_string().contains("no file"));
    }
}
