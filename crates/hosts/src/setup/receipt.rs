//! What was written, so that it can be taken out again: exactly, if the file is as we left it; otherwise only our values, and
//! only where they still are ours. Holds no secret: values are kept as hashes, and what was before is in the backup.

use std::path::PathBuf;

use remuda_core::Host;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::edit::{Edit, EditError, Format};
use super::wanted::Wanted;

/// One agent, set up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Which agent.
    pub host: Host,
    /// Id of the client key that was made for it.
    pub key: String,
    /// The gateway's address that was written.
    pub url: String,
    /// When, in Unix seconds.
    pub at: i64,
    /// The files.
    pub files: Vec<Written>,
}

/// One file that was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// Where the agent looks for it.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
    /// SHA-256 of what we wrote.
    pub sum: String,
    /// A copy of what was there; `None`: nothing was.
    pub backup: Option<PathBuf>,
    /// What we put in.
    pub changes: Vec<Change>,
}

/// One value that was put in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Where.
    pub path: Vec<String>,
    /// SHA-256 of the value.
    pub sum: String,
}

/// What taking our values out means for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It becomes what it was, byte for byte.
    Exactly,
    /// It was changed since: this is it without our values. `kept`: values that are no longer ours and stay.
    Without {
        /// The text; `None`: nothing is left of a file that was not there before.
        text: Option<String>,
        /// Names of values that somebody else has changed since.
        kept: Vec<String>,
    },
}

/// SHA-256 in hexadecimal.
pub(crate) fn sum(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Change {
    pub(crate) fn of(edit: &Edit) -> Self {
        Self { path: edit.path.clone(), sum: sum(&edit.value.to_string()) }
    }

    fn is(&self, value: &Value) -> bool {
        sum(&value.to_string()) == self.sum
    }
}

impl Written {
    /// Puts all values in. Returns the new text, and what is to be remembered of it.
    ///
    /// # Errors
    /// The text is broken, or a value stands in the way.
    pub fn apply(wanted: &Wanted, before: Option<&str>, backup: Option<PathBuf>) -> Result<(String, Self), EditError> {
        let mut text = before.unwrap_or_default().to_owned();
        for edit in &wanted.edits {
            text = wanted.format.set(&text, &edit.path, &edit.value)?;
        }
        let changes = wanted.edits.iter().map(Change::of).collect();
        let (path, format) = (wanted.path.clone(), wanted.format);
        let written = Self { path, format, sum: sum(&text), backup, changes };
        Ok((text, written))
    }

    /// Is every value still there as we wrote it?
    ///
    /// # Errors
    /// The text is broken.
    pub fn stands(&self, now: &str) -> Result<bool, EditError> {
        for change in &self.changes {
            if !self.format.get(now, &change.path)?.is_some_and(|value| change.is(&value)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What becomes of the file when our values are taken out. `backup`: what was there before.
    ///
    /// # Errors
    /// The file or its backup is broken.
    pub fn restore(&self, now: &str, backup: Option<&str>) -> Result<Restored, EditError> {
        if sum(now) == self.sum {
            return Ok(Restored::Exactly);
        }
        let before = |path: &[String]| backup.map_or(Ok(None), |text| self.format.get(text, path));
        let (mut text, mut kept) = (now.to_owned(), Vec::new());
        for change in &self.changes {
            match self.format.get(&text, &change.path)? {
                Some(value) if change.is(&value) => {
                    text = match before(&change.path)? {
                        Some(old) => self.format.set(&text, &change.path, &old)?,
                        None => self.format.remove(&text, &change.path)?,
                    };
                }
                Some(_) => kept.push(change.path.join(".")),
                None => {}
            }
            // Sections that we made and in which nothing is left.
            for depth in (1..change.path.len()).rev() {
                let section = &change.path[..depth];
                let empty = self.format.get(&text, section)?.is_some_and(|value| value == serde_json::json!({}));
                if empty && before(section)?.is_none() {
                    text = self.format.remove(&text, section)?;
                }
            }
        }
        let nothing = self.format.get(&text, &[])? == Some(serde_json::json!({}));
        let text = (backup.is_some() || !nothing || text.contains("//") || text.contains('#')).then_some(text);
        Ok(Restored::Without { text, kept })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MINE: &str = "{\n  // mine\n  \"env\": {\n    \"BASE\": \"https://mine\"\n  }\n}\n";

    fn edits() -> Vec<Edit> {
        let edit = |path: &[&str], value: Value| Edit { path: path.iter().map(|p| (*p).to_owned()).collect(), value };
        vec![
            edit(&["env", "BASE"], json!("http://127.0.0.1:4747")),
            edit(&["ours", "deep", "key"], json!("rmd_planted")),
        ]
    }

    fn written(before: Option<&str>) -> (Written, String) {
        let wanted = Wanted { path: "settings.json".into(), format: Format::Json, edits: edits() };
        let (text, written) = Written::apply(&wanted, before, before.map(|_| PathBuf::from("backup"))).unwrap();
        (written, text)
    }

    #[test]
    fn an_untouched_file_becomes_what_it_was() {
        let (written, text) = written(Some(MINE));
        assert!(written.stands(&text).unwrap());
        assert_eq!(written.restore(&text, Some(MINE)).unwrap(), Restored::Exactly);
        assert!(!serde_json::to_string(&written).unwrap().contains("rmd_planted"));
    }

    #[test]
    fn of_a_file_that_was_changed_since_only_our_values_go() {
        let (written, text) = written(Some(MINE));
        let now = text.replace("{\n  // mine", "{\n  \"theme\": \"dark\",\n  // mine");
        assert!(written.stands(&now).unwrap());
        let expected = MINE.replace("{\n  // mine", "{\n  \"theme\": \"dark\",\n  // mine");
        let restored = written.restore(&now, Some(MINE)).unwrap();
        assert_eq!(restored, Restored::Without { text: Some(expected), kept: vec![] });
    }

    #[test]
    fn a_value_that_somebody_else_has_changed_since_stays_and_is_named() {
        let (written, text) = written(Some(MINE));
        let now = text.replace("http://127.0.0.1:4747", "https://elsewhere");
        assert!(!written.stands(&now).unwrap());
        let Restored::Without { text: Some(text), kept } = written.restore(&now, Some(MINE)).unwrap() else { panic!() };
        assert_eq!(kept, ["env.BASE"]);
        assert!(text.contains("https://elsewhere") && !text.contains("ours"), "{text}");
    }

    #[test]
    fn nothing_is_left_of_a_file_that_was_not_there_unless_somebody_else_put_something_in() {
        let (written, text) = written(None);
        assert_eq!(written.restore(&text, None).unwrap(), Restored::Exactly);
        let Restored::Without { text: gone, .. } = written.restore(&format!("{text}\n"), None).unwrap() else {
            panic!()
        };
        assert_eq!(gone, None);
        let theirs = text.replacen('{', "{\n  \"theme\": 1,", 1);
        let Restored::Without { text: left, .. } = written.restore(&theirs, None).unwrap() else { panic!() };
        assert_eq!(left.as_deref(), Some("{\n  \"theme\": 1\n}\n"));
    }

    #[test]
    fn a_broken_file_is_refused() {
        let (written, _) = written(Some(MINE));
        assert!(matches!(written.restore("{ planted", Some(MINE)), Err(EditError::Broken(_))));
    }
}
