//! `remuda config`: works on the file alone, so that it also helps when the file is broken.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use anyhow::Context as _;
use remuda_control::{Code, Failure};
use serde::Serialize;

use super::{FAILED, OK};
use crate::cli::ConfigCommand;
use crate::config::{self, Effective};
use crate::output::Out;
use crate::paths::Paths;
use crate::view;

/// The file as it is.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its text; `None`: there is none, all is default.
    pub(crate) text: Option<String>,
}

/// Every key that holds.
#[derive(Debug, Serialize)]
pub(crate) struct AllKeys {
    /// The file.
    pub(crate) path: PathBuf,
    /// Keys by their dotted names.
    pub(crate) keys: BTreeMap<String, Effective>,
}

/// The file is good.
#[derive(Debug, Serialize)]
pub(crate) struct Checked {
    /// The file.
    pub(crate) path: PathBuf,
    /// Is there one?
    pub(crate) exists: bool,
    /// Keys that it sets.
    pub(crate) sets: Vec<String>,
}

/// What a new file begins with.
const BEGINNING: &str = "\
# Settings of Remuda. Every key has a default: `remuda config show --effective` lists them, with what holds now.
# Accounts, chains, minimums and rules are no settings: commands change them.
";

pub(super) fn config(out: Out, command: Option<ConfigCommand>) -> anyhow::Result<u8> {
    let path = Paths::find(std::env::var_os("REMUDA_HOME"))?.config();
    match command.unwrap_or(ConfigCommand::Show { effective: true }) {
        ConfigCommand::Show { effective: false } => {
            let text = path.exists().then(|| std::fs::read_to_string(&path)).transpose();
            let text = text.with_context(|| format!("{} cannot be read", path.display()))?;
            out.answer(Shown { path, text }, view::config_shown)?;
        }
        ConfigCommand::Show { effective: true } => {
            let keys = config::effective(&path)?;
            out.answer(AllKeys { path, keys }, view::effective)?;
        }
        ConfigCommand::Check => out.answer(check(path)?, view::checked)?,
        ConfigCommand::Edit => return edit(out, &path),
        ConfigCommand::Set { key, value } => out.answer(config::set(&path, &key, &value)?, view::edited)?,
        ConfigCommand::Unset { key } => out.answer(config::unset(&path, &key)?, view::edited)?,
        ConfigCommand::Schema => {
            let mut schema = serde_json::to_string_pretty(&config::schema())?;
            schema.push('\n');
            out.print(&schema)?;
        }
    }
    Ok(OK)
}

fn check(path: PathBuf) -> Result<Checked, Failure> {
    let keys = config::effective(&path)?;
    let sets = keys.into_iter().filter(|(_, key)| key.line.is_some()).map(|(name, _)| name).collect();
    Ok(Checked { exists: path.exists(), path, sets })
}

/// Works on a copy: a daemon never sees a half-written file, and a refused one changes nothing.
fn edit(out: Out, path: &Path) -> anyhow::Result<u8> {
    if !out.can_ask() {
        return Err(Failure::invalid("an editor needs a terminal").remedy("use `remuda config set KEY VALUE`").into());
    }
    let before = if path.exists() { std::fs::read_to_string(path)? } else { BEGINNING.to_owned() };
    let copy = tempfile::Builder::new().prefix("remuda-config-").suffix(".toml").tempfile()?;
    std::fs::write(copy.path(), &before)?;
    loop {
        run_editor(copy.path())?;
        let text = std::fs::read_to_string(copy.path())?;
        if text == before {
            out.note("Nothing was changed.");
            return Ok(OK);
        }
        match config::parse_toml::<config::Config>(&text, path) {
            Ok(_) => {
                config::write_whole(path, &text)?;
                out.answer(check(path.to_owned())?, view::checked)?;
                return Ok(OK);
            }
            Err(refused) => {
                out.failure(&refused);
                let again = out.ask("Edit it again? [Y/n]")?;
                if again.is_none_or(|answer| matches!(answer.to_lowercase().as_str(), "n" | "no")) {
                    out.note("The file stays as it was.");
                    return Ok(FAILED);
                }
            }
        }
    }
}

/// As other programs do it: the variable may hold arguments.
fn run_editor(file: &Path) -> Result<(), Failure> {
    let named = ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var_os(name).filter(|v| !v.is_empty()));
    let editor = named.unwrap_or_else(|| OsString::from("vi"));
    let mut line = editor.clone();
    line.push(" \"$1\"");
    let failed = |why: String| {
        Failure::new(Code::Internal, format!("the editor {} did not end well", editor.display()))
            .why(why)
            .remedy("set EDITOR to the editor that you use")
    };
    let ended = Process::new("/bin/sh").arg("-c").arg(line).arg("sh").arg(file).status();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(status.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}
