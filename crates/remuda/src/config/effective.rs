//! What holds, and since when it does: every key with its value and where the value comes from.

use std::collections::BTreeMap;
use std::path::Path;

use remuda_control::{Code, Failure};
use serde::Serialize;
use serde_json::Value;

use super::read::{line_of, text};
use super::{Config, parse_toml};

/// One key that holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Effective {
    /// Its value; null: not set, and there is no default.
    pub(crate) value: Value,
    /// The line of `config.toml` that says so; `None`: nobody does, it is the default.
    pub(crate) line: Option<usize>,
}

/// Every key by its dotted name.
pub(crate) fn effective(path: &Path) -> Result<BTreeMap<String, Effective>, Failure> {
    let text = text(path)?;
    let config: Config = parse_toml(&text, path)?;
    let internal = |error: String| Failure::new(Code::Internal, "the configuration cannot be shown").why(error);
    let values = serde_json::to_value(&config).map_err(|e| internal(e.to_string()))?;
    let written = toml_edit::Document::parse(text.as_str()).map_err(|e| internal(e.to_string()))?;
    let mut lines = BTreeMap::new();
    note_lines(written.as_table(), "", &text, &mut lines);
    let mut all = BTreeMap::new();
    flatten("", values, &lines, &mut all);
    Ok(all)
}

fn note_lines(table: &dyn toml_edit::TableLike, prefix: &str, text: &str, lines: &mut BTreeMap<String, usize>) {
    for (key, item) in table.iter() {
        let name = joined(prefix, key);
        match item.as_table_like() {
            Some(inner) => note_lines(inner, &name, text, lines),
            None => {
                if let Some(span) = item.span() {
                    lines.insert(name, line_of(text, span.start));
                }
            }
        }
    }
}

fn flatten(prefix: &str, value: Value, lines: &BTreeMap<String, usize>, all: &mut BTreeMap<String, Effective>) {
    match value {
        Value::Object(table) if !table.is_empty() => {
            for (key, inner) in table {
                flatten(&joined(prefix, &key), inner, lines, all);
            }
        }
        value => {
            all.insert(prefix.to_owned(), Effective { value, line: lines.get(prefix).copied() });
        }
    }
}

fn joined(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_tells_its_value_and_the_line_that_set_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, "# mine\nhosts = ['herd.lan']\n\n[quota]\npoll = false\n").unwrap();
        let all = effective(&path).unwrap();
        assert_eq!(all["quota.poll"], Effective { value: false.into(), line: Some(5) });
        assert_eq!(all["quota.poll_every_s"], Effective { value: 300.into(), line: None });
        assert_eq!(all["hosts"].line, Some(2));
        assert_eq!(all["listen"].value, "127.0.0.1:4747");
        assert_eq!(all["vendors.anthropic.api"], Effective { value: Value::Null, line: None });
    }
}
