//! The name under which OpenAI knows this installation ("Sign in with ChatGPT"): a UUID, made when it is first needed and
//! the same ever after. It names no person and no machine.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::types::{Code, Failure};

/// Where the name stands.
#[derive(Clone, Debug)]
pub struct Installation(PathBuf);

impl Installation {
    /// In this file, which need not exist yet.
    #[must_use]
    pub fn at(file: PathBuf) -> Self {
        Self(file)
    }

    /// The name; made now if there is none.
    pub(super) fn id(&self) -> Result<String, Failure> {
        let unusable = |error: std::io::Error| {
            Failure::new(Code::Store, format!("{} cannot be used", self.0.display())).why(error.to_string())
        };
        match read(&self.0).map_err(unusable)? {
            Some(id) => Ok(id),
            None => {
                let id = uuid::Uuid::now_v7().to_string();
                let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.0);
                match made.and_then(|mut file| file.write_all(id.as_bytes()).and_then(|()| file.sync_all())) {
                    Ok(()) => Ok(id),
                    // Another command was faster.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                        let theirs = read(&self.0).map_err(unusable)?;
                        theirs.ok_or_else(|| unusable(ErrorKind::InvalidData.into()))
                    }
                    Err(error) => Err(unusable(error)),
                }
            }
        }
    }
}

fn read(file: &Path) -> std::io::Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => match uuid::Uuid::parse_str(text.trim()) {
            Ok(id) => Ok(Some(id.to_string())),
            Err(_) => Err(std::io::Error::new(ErrorKind::InvalidData, "it holds no UUID; remove it to get a new one")),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_made_once_and_a_damaged_one_is_not_replaced() {
        let home = tempfile::tempdir().unwrap();
        let installation = Installation::at(home.path().join("installation"));
        let id = installation.id().unwrap();
        assert_eq!(installation.id().unwrap(), id);
        std::fs::write(home.path().join("installation"), "damaged").unwrap();
        assert_eq!(installation.id().unwrap_err().code, Code::Store);
    }
}
