//! `config.toml` as a person reads about it.

use serde_json::Value;

use super::table::Table;
use super::words::{DIM, GOOD, paint};
use crate::command::{AllKeys, Checked, Shown};
use crate::config::Edited;

/// The file itself.
pub(crate) fn config_shown(shown: &Shown) -> String {
    match &shown.text {
        Some(text) if text.is_empty() || text.ends_with('\n') => text.clone(),
        Some(text) => format!("{text}\n"),
        None => format!("There is no {}: every key has its default.\n", shown.path.display()),
    }
}

/// Every key, its value, and where it comes from.
pub(crate) fn effective(all: &AllKeys) -> String {
    let mut table = Table::new(["KEY", "VALUE", "FROM"]);
    for (key, held) in &all.keys {
        let from = match held.line {
            Some(line) => format!("line {line}"),
            None => paint(DIM, "default"),
        };
        table.row([key.clone(), value(&held.value), from]);
    }
    format!("{}\n{}\n", table.render(), paint(DIM, all.path.display()))
}

/// The file is good.
pub(crate) fn checked(checked: &Checked) -> String {
    if !checked.exists {
        return format!("There is no {}: every key has its default.\n", checked.path.display());
    }
    let sets = match checked.sets.len() {
        0 => "it sets nothing".to_owned(),
        _ => format!("it sets {}", checked.sets.join(", ")),
    };
    format!("{} {}: {sets}\n", paint(GOOD, "Good:"), checked.path.display())
}

/// One key was changed.
pub(crate) fn edited(edited: &Edited) -> String {
    format!(
        "{} is {} now {}\nA running daemon reads {} again by itself.\n",
        edited.key,
        value(&edited.value),
        paint(DIM, format!("(before: {})", value(&edited.before))),
        edited.path.display()
    )
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "(not set)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
