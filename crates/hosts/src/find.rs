//! Where an agent's program is. Looking at the disk is injected, so that the order of the places is tested without one.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::launch::Environment;
use crate::spec::HostSpec;

/// The program is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// Nowhere on `PATH`, nor where its installers put it.
    #[error("{name} is not installed: no {program} on PATH; {install}, or set {variable} to its path")]
    NotInstalled {
        /// The agent.
        name: &'static str,
        /// Its program.
        program: &'static str,
        /// How to install it.
        install: &'static str,
        /// The variable that names another program.
        variable: &'static str,
    },
    /// The person named a program that cannot be run.
    #[error("{variable} is set to {}, which is not an executable file", named.display())]
    NotExecutable {
        /// The variable.
        variable: &'static str,
        /// Its value.
        named: PathBuf,
    },
}

impl HostSpec {
    /// Finds the program: the one that the person named, else on `PATH`, else where its installers put it.
    ///
    /// # Errors
    /// Says what to install or which variable to mend.
    pub fn find(&self, inherited: &Environment) -> Result<PathBuf, FindError> {
        self.find_with(inherited, is_executable)
    }

    fn find_with(&self, inherited: &Environment, is_executable: impl Fn(&Path) -> bool) -> Result<PathBuf, FindError> {
        let on_path = |program: &OsStr| {
            let path = inherited.get(OsStr::new("PATH"))?;
            std::env::split_paths(path).map(|dir| dir.join(program)).find(|file| is_executable(file))
        };
        if let Some(named) = inherited.get(OsStr::new(self.program_variable)).filter(|named| !named.is_empty()) {
            let named = PathBuf::from(named);
            let found = if named.components().count() > 1 {
                is_executable(&named).then(|| named.clone())
            } else {
                on_path(named.as_os_str())
            };
            return found.ok_or(FindError::NotExecutable { variable: self.program_variable, named });
        }
        let home = inherited.get(OsStr::new("HOME")).map(PathBuf::from);
        let mut elsewhere = home.iter().flat_map(|home| self.elsewhere.iter().map(|place| home.join(place)));
        on_path(OsStr::new(self.program)).or_else(|| elsewhere.find(|file| is_executable(file))).ok_or(
            FindError::NotInstalled {
                name: self.name,
                program: self.program,
                install: self.install,
                variable: self.program_variable,
            },
        )
    }
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claude::CLAUDE;
    use rstest::rstest;

    fn env(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[rstest]
    #[case::first_on_path(&[("PATH", "/a:/b")], &["/b/claude", "/a/claude"], "/a/claude")]
    #[case::not_executable_is_passed_over(&[("PATH", "/a:/b")], &["/b/claude"], "/b/claude")]
    #[case::installers_place(&[("PATH", "/a"), ("HOME", "/h")], &["/h/.claude/local/claude"], "/h/.claude/local/claude")]
    #[case::path_before_installers_place(&[("PATH", "/a"), ("HOME", "/h")], &["/a/claude", "/h/.local/bin/claude"], "/a/claude")]
    #[case::named_path_wins(&[("PATH", "/a"), ("REMUDA_CLAUDE_BIN", "/x/cc")], &["/a/claude", "/x/cc"], "/x/cc")]
    #[case::named_program_is_looked_up(&[("PATH", "/a"), ("REMUDA_CLAUDE_BIN", "cc")], &["/a/claude", "/a/cc"], "/a/cc")]
    #[case::empty_name_is_no_name(&[("PATH", "/a"), ("REMUDA_CLAUDE_BIN", "")], &["/a/claude"], "/a/claude")]
    fn is_found(#[case] inherited: &[(&str, &str)], #[case] disk: &[&str], #[case] expected: &str) {
        let found = CLAUDE.find_with(&env(inherited), |file| disk.iter().any(|there| Path::new(there) == file));
        assert_eq!(found, Ok(PathBuf::from(expected)));
    }

    #[test]
    fn a_missing_program_says_how_to_install_it() {
        let error = CLAUDE.find_with(&env(&[("PATH", "/a")]), |_| false).unwrap_err().to_string();
        assert!(error.contains("npm install -g @anthropic-ai/claude-code"), "{error}");
        assert!(error.contains("REMUDA_CLAUDE_BIN"), "{error}");
    }

    #[test]
    fn a_named_program_that_is_missing_is_not_replaced_by_another() {
        let inherited = env(&[("PATH", "/a"), ("REMUDA_CLAUDE_BIN", "/x/cc")]);
        let error = CLAUDE.find_with(&inherited, |file| file == Path::new("/a/claude")).unwrap_err();
        assert!(matches!(error, FindError::NotExecutable { .. }), "{error}");
    }

    #[test]
    fn a_directory_or_a_plain_file_is_not_executable() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("claude");
        std::fs::write(&file, "").unwrap();
        assert!(!is_executable(dir.path()));
        assert!(!is_executable(&file));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_executable(&file));
    }
}
