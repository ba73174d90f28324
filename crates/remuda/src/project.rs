//! `.remuda.toml`: a project's choice of account, for agents that are started in its directory or below.
//!
//! It refuses rather than guesses: a file that cannot be read, or that names an account which is not there, stops
//! `remuda run`. Work must never land on the private plan because of a typing mistake.

use std::io;
use std::path::{Path, PathBuf};

use remuda_control::{Code, Failure};
use serde::{Deserialize, Serialize};

use crate::config::parse_toml;

/// Its name.
pub(crate) const FILE: &str = ".remuda.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectFile {
    account: Option<String>,
    pool: Option<String>,
}

/// What a project file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ProjectPin {
    /// The file.
    pub(crate) path: PathBuf,
    /// Label or `@pool`.
    pub(crate) target: String,
}

/// The nearest project file at or above this directory.
pub(crate) fn find(directory: &Path) -> Result<Option<ProjectPin>, Failure> {
    for directory in directory.ancestors() {
        if let Some(pin) = find_here(directory)? {
            return Ok(Some(pin));
        }
    }
    Ok(None)
}

/// The project file of this very directory.
pub(crate) fn find_here(directory: &Path) -> Result<Option<ProjectPin>, Failure> {
    let path = directory.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => read(&text, path).map(Some),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Failure::new(Code::Store, format!("{} cannot be read", path.display()))
            .why(error.to_string())
            .remedy("it says which account this project uses: make it readable, or remove it")),
    }
}

fn read(text: &str, path: PathBuf) -> Result<ProjectPin, Failure> {
    let file: ProjectFile = parse_toml(text, &path)?;
    let target = match (file.account, file.pool) {
        (Some(account), None) if !account.trim().is_empty() => account.trim().to_owned(),
        (None, Some(pool)) if !pool.trim_start_matches('@').trim().is_empty() => {
            format!("@{}", pool.trim_start_matches('@').trim())
        }
        _ => {
            return Err(Failure::invalid(format!("{} does not say which account", path.display()))
                .remedy("write one line: account = \"label\", or: pool = \"name\""));
        }
    };
    Ok(ProjectPin { path, target })
}

/// Writes the choice into the directory's own file. Returns its path.
pub(crate) fn write(directory: &Path, target: &str) -> Result<PathBuf, Failure> {
    let path = directory.join(FILE);
    let (key, name) = match target.strip_prefix('@') {
        Some(pool) => ("pool", pool),
        None => ("account", target),
    };
    let line = format!("{key} = {}\n", toml::Value::String(name.to_owned()));
    std::fs::write(&path, line).map_err(|error| {
        Failure::new(Code::Store, format!("{} cannot be written", path.display())).why(error.to_string())
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn the_nearest_file_above_counts() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(find(&deep).unwrap(), None);
        write(dir.path(), "my \"own\" label").unwrap();
        assert_eq!(find(&deep).unwrap().unwrap().target, "my \"own\" label");
        write(&dir.path().join("a"), "@spare").unwrap();
        assert_eq!(find(&deep).unwrap().unwrap().target, "@spare");
    }

    #[rstest]
    #[case::both("account = 'a'\npool = 'b'")]
    #[case::neither("")]
    #[case::empty("account = ' '")]
    #[case::misspelt("acount = 'a'")]
    #[case::garbage("work")]
    fn what_is_not_clear_is_refused(#[case] text: &str) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), text).unwrap();
        assert_eq!(find(dir.path()).unwrap_err().code, Code::Invalid);
    }
}
