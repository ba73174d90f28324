//! Changing the file by command: comments, order and spelling of everything else stay as they are, and a change after
//! which the file would be refused is not made.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use remuda_control::{Code, Failure};
use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::read::text;
use super::{Config, effective, parse_toml};
use crate::paths::unusable;

/// One key before and after.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Edited {
    /// Its dotted name.
    pub(crate) key: String,
    /// What held before.
    pub(crate) before: Value,
    /// What holds now.
    pub(crate) value: Value,
    /// The file.
    pub(crate) path: PathBuf,
}

/// Sets a key. `value` is TOML (`300`, `false`, `["a"]`), or else a plain text.
pub(crate) fn set(path: &Path, key: &str, value: &str) -> Result<Edited, Failure> {
    let value: toml_edit::Value = value.parse().unwrap_or_else(|_| value.into());
    change(path, key, |table, last| {
        match table.get_mut(last) {
            // Its decoration goes with it: a comment behind the old value explains the key.
            Some(Item::Value(old)) => {
                let decor = old.decor().clone();
                let mut value = value;
                *value.decor_mut() = decor;
                *old = value;
            }
            _ => drop(table.insert(last, Item::Value(value))),
        }
    })
}

/// Lets a key have its default again.
pub(crate) fn unset(path: &Path, key: &str) -> Result<Edited, Failure> {
    change(path, key, |table, last| drop(table.remove(last)))
}

fn change(path: &Path, key: &str, edit: impl FnOnce(&mut dyn TableLike, &str)) -> Result<Edited, Failure> {
    let before = effective(path)?;
    let names: Vec<&str> = key.split('.').map(str::trim).collect();
    let Some((last, tables)) = names.split_last().filter(|(last, _)| !last.is_empty()) else {
        return Err(Failure::invalid(format!("{key:?} is no key")).remedy("for example: quota.poll_every_s"));
    };
    let mut document: DocumentMut = text(path)?
        .parse()
        .map_err(|e: toml_edit::TomlError| Failure::invalid(format!("{}: {}", path.display(), e.message())))?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for name in tables {
        let inner = table.entry(name).or_insert_with(|| {
            let mut inner = Table::new();
            inner.set_implicit(true);
            Item::Table(inner)
        });
        table = inner.as_table_like_mut().ok_or_else(|| {
            Failure::invalid(format!("{name} is no section")).remedy("see `remuda config show --effective`")
        })?;
    }
    edit(table, last);
    let changed = document.to_string();
    // Refused as if the person had written it, and nothing is changed.
    parse_toml::<Config>(&changed, path)?;
    write_whole(path, &changed)?;
    let value_of = |all: &std::collections::BTreeMap<String, super::Effective>| {
        all.get(key).map_or(Value::Null, |known| known.value.clone())
    };
    Ok(Edited {
        key: key.to_owned(),
        before: value_of(&before),
        value: value_of(&effective(path)?),
        path: path.to_owned(),
    })
}

/// Replaces the file in one step, with the rights that it has. One that is a link stays a link.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    let replace = || -> io::Result<()> {
        let path = match std::fs::canonicalize(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            found => found?,
        };
        let directory = path.parent().ok_or_else(|| io::Error::other("it has no directory"))?;
        std::fs::create_dir_all(directory)?;
        let mut beside = tempfile::NamedTempFile::new_in(directory)?;
        beside.write_all(text.as_bytes())?;
        if let Ok(known) = std::fs::metadata(&path) {
            beside.as_file().set_permissions(known.permissions())?;
        }
        beside.as_file().sync_all()?;
        beside.persist(&path)?;
        Ok(())
    };
    replace().map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => Failure::new(Code::Store, format!("{} cannot be written", path.display()))
            .why(error.to_string())
            .remedy("it may be managed by another program: change it there"),
        _ => unusable(path, &error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn a_key_is_changed_and_every_comment_stays() {
        let (_dir, path) =
            file("# mine\nlisten   = '127.0.0.1:9' # not 4747\n\n# why\n[quota]\npoll = true # for now\n");
        let edited = set(&path, "quota.poll", "false").unwrap();
        assert_eq!((edited.before, edited.value), (true.into(), false.into()));
        set(&path, "quota.poll_every_s", "600").unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "# mine\nlisten   = '127.0.0.1:9' # not 4747\n\n# why\n[quota]\npoll = false # for now\npoll_every_s = 600\n"
        );
    }

    #[test]
    fn a_key_comes_into_a_section_that_is_made_for_it_and_goes_again() {
        let (_dir, path) = file("");
        assert_eq!(set(&path, "vendors.anthropic.api", "http://a").unwrap().value, "http://a");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[vendors.anthropic]\napi = \"http://a\"\n");
        assert_eq!(unset(&path, "vendors.anthropic.api").unwrap().value, Value::Null);
    }

    #[test]
    fn what_would_be_refused_is_not_written() {
        let (_dir, path) = file("[quota]\npoll = true\n");
        for (key, value) in [("quota.pol", "true"), ("quota.poll", "perhaps"), ("quota.poll_every_s", "1"), ("", "1")] {
            assert_eq!(set(&path, key, value).unwrap_err().code, Code::Invalid, "{key}");
        }
        assert_eq!(set(&path, "quota.pol", "true").unwrap_err().remedy.as_deref(), Some("did you mean `poll`?"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[quota]\npoll = true\n");
    }

    #[test]
    fn a_link_stays_a_link_and_rights_stay() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, path) = file("");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let link = dir.path().join("link.toml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        set(&link, "quota.poll", "false").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
