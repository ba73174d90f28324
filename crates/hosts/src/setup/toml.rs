//! A value into or out of TOML, with comments and order kept.

use serde_json::Value;
use toml_edit::{DocumentMut, InlineTable, Item, Table};

use super::edit::EditError;

fn document(text: &str) -> Result<DocumentMut, EditError> {
    // The library's message quotes the line, which may hold a secret.
    text.parse().map_err(|error: toml_edit::TomlError| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        EditError::Broken(format!("line {line} is no TOML"))
    })
}

/// The text as JSON, for comparing values.
pub(super) fn parse(text: &str) -> Result<Value, EditError> {
    Ok(json_of(document(text)?.as_item()))
}

fn json_of(item: &Item) -> Value {
    if let Some(table) = item.as_table_like() {
        return Value::Object(table.iter().map(|(name, item)| (name.to_owned(), json_of(item))).collect());
    }
    match item.as_value() {
        Some(toml_edit::Value::String(text)) => Value::from(text.value().as_str()),
        Some(toml_edit::Value::Boolean(truth)) => Value::from(*truth.value()),
        Some(toml_edit::Value::Integer(number)) => Value::from(*number.value()),
        Some(toml_edit::Value::Float(number)) => Value::from(*number.value()),
        Some(toml_edit::Value::Array(array)) => {
            array.iter().map(|value| json_of(&Item::Value(value.clone()))).collect()
        }
        _ => Value::Null,
    }
}

fn toml_of(value: &Value) -> toml_edit::Value {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Bool(truth) => (*truth).into(),
        Value::Number(number) => number.as_i64().map_or_else(|| number.as_f64().unwrap_or_default().into(), Into::into),
        Value::Array(all) => all.iter().map(toml_of).collect::<toml_edit::Array>().into(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name, toml_of(value))).collect::<InlineTable>().into()
        }
        Value::Null => "".into(),
    }
}

/// The text with this value.
pub(super) fn set(text: &str, path: &[String], value: &Value) -> Result<String, EditError> {
    let mut document = document(text)?;
    let Some((last, sections)) = path.split_last() else { return Ok(text.to_owned()) };
    let mut at: &mut Item = document.as_item_mut();
    for (depth, name) in sections.iter().enumerate() {
        let not_a_section = || EditError::NotASection(path[..=depth].join("."));
        let table = at.as_table_like_mut().ok_or_else(not_a_section)?;
        at = table.entry(name).or_insert_with(|| {
            let mut new = Table::new();
            // `[a.b]` says it all; `[a]` before it would be a line for nothing.
            new.set_implicit(depth + 1 < sections.len());
            Item::Table(new)
        });
        if !at.is_table_like() {
            return Err(not_a_section());
        }
    }
    let table = at.as_table_like_mut().ok_or_else(|| EditError::NotASection(sections.join(".")))?;
    let mut new = toml_of(value);
    if let Some(old) = table.get(last).and_then(Item::as_value) {
        // The comment behind a value stays behind it.
        *new.decor_mut() = old.decor().clone();
    }
    match table.get_mut(last) {
        Some(there) => *there = Item::Value(new),
        None => {
            table.insert(last, Item::Value(new));
        }
    }
    Ok(document.to_string())
}

/// The text without this value, and without sections that have nothing in them then.
pub(super) fn remove(text: &str, path: &[String]) -> Result<String, EditError> {
    let mut document = document(text)?;
    let Some((last, sections)) = path.split_last() else { return Ok(text.to_owned()) };
    let mut at: &mut Item = document.as_item_mut();
    for name in sections {
        match at.as_table_like_mut().and_then(|table| table.get_mut(name)) {
            Some(inner) => at = inner,
            None => return Ok(text.to_owned()),
        }
    }
    if let Some(table) = at.as_table_like_mut() {
        table.remove(last);
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn path(dotted: &str) -> Vec<String> {
        dotted.split('.').map(str::to_owned).collect()
    }

    const MINE: &str = "# mine\nmodel = \"gpt-5.5\" # best\n\n[features]\nplugins = false # not here\n\n[projects.\"/x\"]\ntrust_level = \"trusted\"\n";

    #[test]
    fn a_value_goes_before_the_sections_and_everything_else_stays() {
        let out = set(MINE, &path("openai_base_url"), &json!("http://x")).unwrap();
        assert_eq!(out, MINE.replace("# best\n", "# best\nopenai_base_url = \"http://x\"\n"));
        assert_eq!(set(&out, &path("openai_base_url"), &json!("http://x")).unwrap(), out);
        assert_eq!(remove(&out, &path("openai_base_url")).unwrap(), MINE);
    }

    #[test]
    fn a_replaced_value_keeps_its_comment() {
        let out = set(MINE, &path("model"), &json!("other")).unwrap();
        assert_eq!(out, MINE.replace("\"gpt-5.5\"", "\"other\""));
    }

    #[test]
    fn a_section_of_ours_is_one_heading() {
        let out = set(MINE, &path("model_providers.remuda.name"), &json!("Remuda")).unwrap();
        assert_eq!(out, format!("{MINE}\n[model_providers.remuda]\nname = \"Remuda\"\n"));
    }

    #[rstest]
    #[case("model = 1\nmodel = 2")]
    #[case("key = planted-value")]
    fn broken_text_is_told_by_its_line_and_not_shown(#[case] text: &str) {
        let error = set(text, &path("a"), &json!(1)).unwrap_err().to_string();
        assert!(error.contains("line") && !error.contains("planted"), "{error}");
    }

    #[test]
    fn a_value_in_the_place_of_a_section_is_not_overwritten() {
        assert_eq!(set(MINE, &path("model.x"), &json!(1)), Err(EditError::NotASection("model".to_owned())));
    }
}
