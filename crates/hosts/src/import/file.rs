//! Reads a file that belongs to another program: bounded, only regular files, and never a corrupt one taken for an empty
//! one. Links are followed: people keep these files in a directory of dot files.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Files of logins have a few kilobytes; `.claude.json` can have some megabytes.
const MAX_BYTES: u64 = 32 << 20;

/// A file that could not be read. Says nothing of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Which.
    pub file: PathBuf,
    /// Why, in words.
    pub why: String,
}

impl Trouble {
    pub(super) fn new(file: &Path, why: impl Into<String>) -> Self {
        Self { file: file.to_owned(), why: why.into() }
    }
}

/// The text of a file; `None`: it is not there, or empty.
pub(super) fn text(file: &Path) -> Result<Option<String>, Trouble> {
    let trouble = |why: String| Trouble::new(file, why);
    let open = || {
        // Looked at before it is opened: opening a pipe would wait for its other end.
        let found = std::fs::metadata(file)?;
        if !found.is_file() {
            return Err(std::io::Error::other("it is no regular file"));
        }
        if found.len() > MAX_BYTES {
            return Err(std::io::Error::other("it is far larger than such files are"));
        }
        let mut text = Vec::new();
        std::fs::File::open(file)?.take(MAX_BYTES).read_to_end(&mut text)?;
        Ok(text)
    };
    match open() {
        Ok(bytes) => {
            let text = String::from_utf8(bytes).map_err(|_| trouble("it is no text".to_owned()))?;
            Ok(Some(text).filter(|text| !text.trim().is_empty()))
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(trouble("you may not read it".to_owned())),
        Err(error) => Err(trouble(error.to_string())),
    }
}

/// A JSON object; comments and trailing commas are forgiven, anything else that is wrong is trouble.
pub(super) fn json(file: &Path) -> Result<Option<Value>, Trouble> {
    let Some(text) = text(file)? else { return Ok(None) };
    // The parser's own words quote the text, which holds secrets.
    let value: Value = serde_json::from_str(&crate::jsonc::strict(&text))
        .map_err(|error| Trouble::new(file, format!("it is damaged: no JSON from line {} on", error.line())))?;
    if value.is_object() { Ok(Some(value)) } else { Err(Trouble::new(file, "it holds no JSON object")) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_corrupt_file_is_trouble_and_its_words_are_not_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("auth.json");
        std::fs::write(&file, "{\"refresh\": \"rt_secret\",\n oops").unwrap();
        let trouble = json(&file).unwrap_err();
        assert!(trouble.why.contains("line 2") && !trouble.why.contains("secret"), "{trouble:?}");
        std::fs::write(&file, "[1]").unwrap();
        assert_eq!(json(&file).unwrap_err().why, "it holds no JSON object");
        std::fs::write(&file, [0xff, 0xfe]).unwrap();
        assert_eq!(json(&file).unwrap_err().why, "it is no text");
    }

    #[test]
    fn what_is_not_there_or_empty_holds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(json(&dir.path().join("none.json")), Ok(None));
        let file = dir.path().join("empty.json");
        std::fs::write(&file, " \n").unwrap();
        assert_eq!(json(&file), Ok(None));
        assert_eq!(json(&file.join("below")), Ok(None));
    }

    #[test]
    fn links_are_followed_and_directories_pipes_and_giants_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("a.json"), dir.path().join("l.json"));
        std::fs::write(&file, "{\"a\": 1, // mine\n}").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(json(&link).unwrap().unwrap()["a"], 1);
        assert_eq!(json(dir.path()).unwrap_err().why, "it is no regular file");
        std::os::unix::fs::symlink("/dev/zero", dir.path().join("zero")).unwrap();
        assert_eq!(json(&dir.path().join("zero")).unwrap_err().why, "it is no regular file");
        std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).unwrap();
        assert_eq!(json(&dir.path().join("dangling")), Ok(None));
    }

    #[test]
    fn a_file_without_permission_is_trouble() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.json");
        std::fs::write(&file, "{}").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
        // The superuser may read everything.
        if std::fs::File::open(&file).is_err() {
            assert_eq!(json(&file).unwrap_err().why, "you may not read it");
        }
    }
}
