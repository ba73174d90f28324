//! Takes one login out of the file of its former owner, for `remuda import --move`: two owners of one refresh token log
//! each other out. Everything else in the file stays as it is, byte for byte; the file is replaced in one step.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::file::{Trouble, json, text};
use super::found::Source;
use super::place::Program;
use crate::jsonc::strict;

/// Longest wait for a program that has its file locked.
const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// One step on the way to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    At(usize),
}

/// Takes the login out.
///
/// # Errors
/// Why it is still there. Nothing was changed then.
pub fn take_out(source: &Source) -> Result<(), Trouble> {
    let file = std::fs::canonicalize(&source.file).map_err(|error| Trouble::new(&source.file, error.to_string()))?;
    let _lock = (source.program == Program::Pi).then(|| Lock::take(&file)).transpose()?;
    if source.program == Program::AnthropicAuth {
        let state = file.with_file_name("anthropic-auth-state.json");
        let inside = vec![Step::Key("accounts".to_owned()), Step::Key(source.slot.clone())];
        if state.exists() {
            remove(&state, &inside)?;
        }
    }
    if source.program == Program::Codex && holds_nothing_else(&file)? {
        // As Codex itself does when it logs out.
        return std::fs::remove_file(&file).map_err(|error| Trouble::new(&file, error.to_string()));
    }
    if source.program == Program::Qwen && file.extension().is_none_or(|extension| extension != "json") {
        return Err(Trouble::new(&file, "keys in such files are left where they are: nobody refreshes them"));
    }
    let paths = paths(source, &json(&file)?.unwrap_or_default());
    if paths.is_empty() {
        return Err(Trouble::new(&file, "the entry is not there any more"));
    }
    paths.iter().try_for_each(|path| remove(&file, path))
}

/// Where the login stands.
fn paths(source: &Source, file: &Value) -> Vec<Vec<Step>> {
    let key = |name: &str| Step::Key(name.to_owned());
    let listed = |names: &[&str], slot: &str, list: &Value| {
        let accounts = list["accounts"].as_array().into_iter().flatten();
        let named = |account: &Value| names.iter().any(|name| account[name].as_str() == Some(slot));
        accounts.enumerate().find(|(_, account)| named(account)).map(|(at, _)| vec![key("accounts"), Step::At(at)])
    };
    let slot = source.slot.as_str();
    match source.program {
        Program::Claude => vec![vec![key("claudeAiOauth")]],
        Program::Codex => vec![vec![key("tokens")]],
        Program::OpenCode => match slot.split_once('/') {
            Some((provider, id)) => {
                let inner = listed(&["id"], id, &file[provider]);
                inner.map(|path| std::iter::once(key(provider)).chain(path).collect()).into_iter().collect()
            }
            None => vec![vec![key(slot)]],
        },
        Program::Pi => vec![vec![key(slot)]],
        Program::Qwen if slot == "security.auth.apiKey" => vec![vec![key("security"), key("auth"), key("apiKey")]],
        Program::Qwen => vec![vec![key("env"), key(slot)]],
        Program::MultiClaudeCode => listed(&["label"], slot, file).into_iter().collect(),
        Program::CodexAccounts => listed(&["email", "label"], slot, file).into_iter().collect(),
        Program::MultiAuth | Program::AnthropicAuth => listed(&["id"], slot, file).into_iter().collect(),
    }
}

fn holds_nothing_else(file: &Path) -> Result<bool, Trouble> {
    let known = ["auth_mode", "OPENAI_API_KEY", "tokens", "last_refresh"];
    let json = json(file)?.unwrap_or_default();
    Ok(json.as_object().into_iter().flatten().all(|(name, value)| known.contains(&name.as_str()) || value.is_null()))
}

fn remove(file: &Path, path: &[Step]) -> Result<(), Trouble> {
    let before = text(file)?.unwrap_or_default();
    let Some(after) = without(&before, path) else { return Err(Trouble::new(file, "the entry is not there any more")) };
    let replace = || -> std::io::Result<()> {
        let directory = file.parent().ok_or_else(|| std::io::Error::other("it has no directory"))?;
        let beside = directory.join(format!(".{}.remuda-{}", name(file), std::process::id()));
        let written = (|| {
            let mut new = std::fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
            new.set_permissions(std::fs::Permissions::from_mode(0o600))?;
            new.write_all(after.as_bytes())?;
            new.set_permissions(std::fs::metadata(file)?.permissions())?;
            new.sync_all()?;
            // Somebody who has written meanwhile is not overwritten.
            if std::fs::read(file)? != before.as_bytes() {
                return Err(std::io::Error::other("its program has just changed it; try again"));
            }
            std::fs::rename(&beside, file)
        })();
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        written
    };
    replace().map_err(|error| Trouble::new(file, error.to_string()))
}

fn name(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The lock of Pi: a directory beside the file (proper-lockfile).
struct Lock(PathBuf);

impl Lock {
    fn take(file: &Path) -> Result<Self, Trouble> {
        let lock = file.with_file_name(format!("{}.lock", name(file)));
        let begun = Instant::now();
        loop {
            match std::fs::create_dir(&lock) {
                Ok(()) => return Ok(Self(lock)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && begun.elapsed() < LOCK_WAIT => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    return Err(Trouble::new(file, "Pi has it locked; end Pi, then try again"));
                }
                Err(error) => return Err(Trouble::new(file, error.to_string())),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// The text without the entry at this path. `None`: there is none.
fn without(text: &str, path: &[Step]) -> Option<String> {
    let strict = strict(text);
    let (start, end) = find(strict.as_bytes(), skip_blank(strict.as_bytes(), 0), path)?;
    let bytes = strict.as_bytes();
    let after = skip_blank(bytes, end);
    let (from, to) = if bytes.get(after) == Some(&b',') {
        (start, skip_blank(bytes, after + 1))
    } else {
        let before = bytes[..start].iter().rposition(|byte| !byte.is_ascii_whitespace())?;
        (if bytes[before] == b',' { before } else { start }, end)
    };
    Some(format!("{}{}", text.get(..from)?, text.get(to..)?))
}

/// Begin and end of the member or element at this path; a member begins with its name.
fn find(text: &[u8], at: usize, path: &[Step]) -> Option<(usize, usize)> {
    let (step, rest) = path.split_first()?;
    let close = match text.get(at)? {
        b'{' => b'}',
        b'[' => b']',
        _ => return None,
    };
    let (mut at, mut number) = (skip_blank(text, at + 1), 0);
    while *text.get(at)? != close {
        let start = at;
        let mut here = matches!(step, Step::At(wanted) if close == b']' && *wanted == number);
        if close == b'}' {
            let end = value_end(text, at)?;
            let name: String = serde_json::from_slice(&text[at..end]).ok()?;
            here = matches!(step, Step::Key(wanted) if *wanted == name);
            at = skip_blank(text, end);
            at = skip_blank(text, if *text.get(at)? == b':' { at + 1 } else { return None });
        }
        // Without a value there is no way on: this is no JSON.
        let end = value_end(text, at).filter(|end| *end > at)?;
        if here {
            return if rest.is_empty() { Some((start, end)) } else { find(text, at, rest) };
        }
        at = skip_blank(text, end);
        if *text.get(at)? == b',' {
            at = skip_blank(text, at + 1);
        }
        number += 1;
    }
    None
}

fn skip_blank(text: &[u8], from: usize) -> usize {
    text[from.min(text.len())..]
        .iter()
        .position(|byte| !byte.is_ascii_whitespace())
        .map_or(text.len(), |found| from + found)
}

/// Behind the value that begins here.
fn value_end(text: &[u8], from: usize) -> Option<usize> {
    let (mut at, mut depth, mut quoted) = (from, 0_usize, false);
    loop {
        let byte = *text.get(at)?;
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => {
                quoted = !quoted;
                if !quoted && depth == 0 {
                    return Some(at + 1);
                }
            }
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
        if at == text.len() && depth == 0 && !quoted {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn path(text: &str) -> Vec<Step> {
        text.split('/').map(|step| step.parse().map_or_else(|_| Step::Key(step.to_owned()), Step::At)).collect()
    }

    #[rstest]
    #[case("{\"a\": 1, \"b\": {\"x\": [1, \"}\"]}, \"c\": 2}", "b", "{\"a\": 1, \"c\": 2}")]
    #[case("{\"a\": 1}", "a", "{}")]
    #[case("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "b", "{\n  \"a\": 1\n}\n")]
    #[case("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "a", "{\n  \"b\": 2\n}\n")]
    #[case("{\"l\": [{\"id\": \"x\"}, {\"id\": \"y\"}]}", "l/0", "{\"l\": [{\"id\": \"y\"}]}")]
    #[case("{\"l\": [{\"id\": \"x\"}, {\"id\": \"y\"}]}", "l/1", "{\"l\": [{\"id\": \"x\"}]}")]
    #[case("{\"a\\\"b\": 1, \"c\": \"\\\\\"}", "c", "{\"a\\\"b\": 1}")]
    fn one_entry_goes_and_the_rest_stays_as_it_is(#[case] text: &str, #[case] at: &str, #[case] expected: &str) {
        assert_eq!(without(text, &path(at)).unwrap(), expected);
    }

    #[test]
    fn what_is_not_there_cannot_be_taken_out() {
        assert_eq!(without("{\"a\": 1}", &path("b")), None);
        assert_eq!(without("{\"a\": [1]}", &path("a/3")), None);
        assert_eq!(without("", &path("a")), None);
        assert_eq!(without("{\"a\": ", &path("a")), None);
    }

    #[test]
    fn codex_is_logged_out_as_it_does_it_itself_and_unknown_fields_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("auth.json");
        let source = Source { program: Program::Codex, file: file.clone(), slot: String::new() };
        std::fs::write(&file, "{\"auth_mode\":\"chatgpt\",\"OPENAI_API_KEY\":null,\"tokens\":{\"a\":1}}").unwrap();
        take_out(&source).unwrap();
        assert!(!file.exists());
        std::fs::write(&file, "{\"tokens\":{\"a\":1},\"agent_identity\":{\"k\":1}}").unwrap();
        take_out(&source).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"agent_identity\":{\"k\":1}}");
    }

    #[test]
    fn a_link_stays_a_link_rights_stay_and_pis_lock_is_taken_and_given_back() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.json"), dir.path().join("auth.json"));
        std::fs::write(&real, "{\"anthropic\": {\"access\": \"a\"}, \"other\": 1}").unwrap();
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let source = Source { program: Program::Pi, file: link.clone(), slot: "anthropic".to_owned() };
        take_out(&source).unwrap();
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "{\"other\": 1}");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(left.len(), 2, "no lock and no half file stays");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[{}\\[\\],:\" ab0\\\\]{0,30}") {
            let _ = without(&text, &path("a"));
            let _ = without(&text, &path("a/0"));
        }

        #[test]
        fn what_is_left_of_an_object_is_the_object_without_the_entry(
            values in proptest::collection::btree_map("[a-c\"]{1,2}", "[ -~]{0,6}", 1..5),
            pretty: bool,
            at: prop::sample::Index,
        ) {
            let object: serde_json::Map<String, Value> =
                values.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect();
            let name = at.get(&values.keys().cloned().collect::<Vec<_>>()).clone();
            let value = Value::Object(object.clone());
            let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
            let left = without(&text, &[Step::Key(name.clone())]).unwrap();
            let mut expected = object;
            expected.remove(&name);
            prop_assert_eq!(serde_json::from_str::<Value>(&left).unwrap(), Value::Object(expected));
        }
    }
}
