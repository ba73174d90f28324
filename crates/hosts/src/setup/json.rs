//! A value into or out of JSON as people write it: a splice, so that comments, order and layout stay.

use std::ops::Range;

use serde_json::Value;

use super::edit::EditError;
use crate::jsonc;

/// One `"name": value`.
struct Member {
    name: String,
    key: usize,
    value: Range<usize>,
}

/// An object in the text, between its braces.
struct Object {
    open: usize,
    close: usize,
    members: Vec<Member>,
}

/// Reads positions out of text that [`jsonc::strict`] has cleaned and that is known to be JSON.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn space(&self, mut at: usize) -> usize {
        while self.0.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        at
    }

    fn string(&self, from: usize) -> usize {
        let mut at = from + 1;
        while let Some(byte) = self.0.get(at) {
            match byte {
                b'"' => return at + 1,
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        self.0.len()
    }

    /// Where the value that begins here ends.
    fn value(&self, from: usize) -> usize {
        let (mut at, mut depth) = (from, 0_usize);
        while let Some(byte) = self.0.get(at) {
            match byte {
                b'"' => {
                    at = self.string(at);
                    if depth == 0 {
                        return at;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => return at,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        return at + 1;
                    }
                }
                b',' if depth == 0 => return at,
                byte if depth == 0 && byte.is_ascii_whitespace() => return at,
                _ => {}
            }
            at += 1;
        }
        at
    }

    fn object(&self, open: usize) -> Object {
        let mut members = Vec::new();
        let mut at = self.space(open + 1);
        while self.0.get(at) == Some(&b'"') {
            let key = at;
            let end = self.string(key);
            let name = serde_json::from_slice(&self.0[key..end]).unwrap_or_default();
            let from = self.space(self.space(end) + 1);
            let value = from..self.value(from);
            at = self.space(value.end);
            members.push(Member { name, key, value });
            if self.0.get(at) == Some(&b',') {
                at = self.space(at + 1);
            }
        }
        Object { open, close: at, members }
    }
}

/// The text with this value.
pub(super) fn set(text: &str, path: &[String], value: &Value) -> Result<String, EditError> {
    jsonc::parse(text).map_err(EditError::Broken)?;
    let strict = jsonc::strict(text);
    let Some(mut open) = strict.find('{') else {
        // Nothing there yet, or comments only.
        let before = if text.trim().is_empty() { String::new() } else { format!("{}\n", text.trim_end()) };
        return Ok(format!("{before}{}\n", written(&nested(path, value), "", "  ")));
    };
    let scan = Scan(strict.as_bytes());
    let unit = unit(text, &scan, open);
    let mut indent = String::new();
    for (depth, name) in path.iter().enumerate() {
        let object = scan.object(open);
        // Of a name that stands twice the last one counts, as for every reader.
        let Some(member) = object.members.iter().rev().find(|member| member.name == *name) else {
            let value = nested(&path[depth + 1..], value);
            return Ok(inserted(text, &strict, &object, name, &value, &indent, &unit));
        };
        indent.push_str(&unit);
        let is_object = strict.as_bytes().get(member.value.start) == Some(&b'{');
        if depth + 1 == path.len() {
            let new = written(value, &indent, &unit);
            return Ok(format!("{}{new}{}", &text[..member.value.start], &text[member.value.end..]));
        }
        if !is_object {
            return Err(EditError::NotASection(path[..=depth].join(".")));
        }
        open = member.value.start;
    }
    Ok(text.to_owned())
}

/// The text without this value.
pub(super) fn remove(text: &str, path: &[String]) -> Result<String, EditError> {
    jsonc::parse(text).map_err(EditError::Broken)?;
    let strict = jsonc::strict(text);
    let scan = Scan(strict.as_bytes());
    let Some(mut open) = strict.find('{') else { return Ok(text.to_owned()) };
    for (depth, name) in path.iter().enumerate() {
        let object = scan.object(open);
        let Some(at) = object.members.iter().rposition(|member| member.name == *name) else {
            return Ok(text.to_owned());
        };
        let member = &object.members[at];
        if depth + 1 == path.len() {
            return Ok(cut(text, &strict, &object, at));
        }
        if strict.as_bytes().get(member.value.start) != Some(&b'{') {
            return Ok(text.to_owned());
        }
        open = member.value.start;
    }
    Ok(text.to_owned())
}

fn nested(path: &[String], value: &Value) -> Value {
    path.iter().rev().fold(value.clone(), |value, name| Value::Object([(name.clone(), value)].into_iter().collect()))
}

/// A value over several lines, its later lines indented.
fn written(value: &Value, indent: &str, unit: &str) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let inner = format!("{indent}{unit}");
            let lines: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{inner}{}: {}", Value::from(name.as_str()), written(value, &inner, unit)))
                .collect();
            format!("{{\n{}\n{indent}}}", lines.join(",\n"))
        }
        other => other.to_string(),
    }
}

/// By how much its owner indents: the spaces before the first member.
fn unit(text: &str, scan: &Scan<'_>, open: usize) -> String {
    let first = scan.object(open).members.first().map(|member| member.key);
    let before = first.map_or("", |key| &text[open + 1..key]);
    match before.rsplit_once('\n') {
        Some((_, spaces)) if !spaces.is_empty() && spaces.trim().is_empty() => spaces.to_owned(),
        _ => "  ".to_owned(),
    }
}

fn inserted(text: &str, strict: &str, object: &Object, name: &str, value: &Value, indent: &str, unit: &str) -> String {
    let inner = format!("{indent}{unit}");
    let name = Value::from(name);
    let Some(last) = object.members.last() else {
        let new = format!("\n{inner}{name}: {}\n{indent}", written(value, &inner, unit));
        // Comments in an empty object stay before it.
        let kept = text[object.open + 1..object.close].trim_end();
        return format!("{}{kept}{new}{}", &text[..=object.open], &text[object.close..]);
    };
    let end = last.value.end;
    if !text[object.open..object.close].contains('\n') {
        let new = format!(", {name}: {}", written(value, &inner, unit).replace('\n', " "));
        return format!("{}{new}{}", &text[..end], &text[end..]);
    }
    let new = format!("\n{inner}{name}: {}", written(value, &inner, unit));
    // A comma at the end, as some write it, is blank in the strict text.
    let comma = comma_behind(text, end, object.close);
    let from = comma.map_or(end, |at| at + 1);
    // What else stands on that line (a comment) belongs to the member before.
    let line = text[from..object.close].find('\n').map_or(object.close, |at| from + at);
    let line = if strict[from..line].trim().is_empty() { line } else { from };
    let (first, last) = if comma.is_some() { ("", ",") } else { (",", "") };
    format!("{}{first}{}{new}{last}{}", &text[..end], &text[end..line], &text[line..])
}

/// Where a comma stands between comments and spaces.
fn comma_behind(text: &str, from: usize, to: usize) -> Option<usize> {
    // Followed by something, no comma is blanked.
    let probe = format!("{{\"\":0{}\"\":0}}", &text[from..to]);
    let blanked = jsonc::strict(&probe);
    blanked.find(',').map(|at| from + at - "{\"\":0".len())
}

/// Takes a member out, with the line it stands on if it stands there alone, and with the comma that is too much then.
fn cut(text: &str, strict: &str, object: &Object, at: usize) -> String {
    let member = &object.members[at];
    let next = object.members.get(at + 1);
    let comma = comma_behind(text, member.value.end, next.map_or(object.close, |next| next.key));
    let end = comma.map_or(member.value.end, |at| at + 1);
    let line = text[..member.key].rfind('\n').map_or(0, |at| at + 1);
    let behind = text[end..].split(['\n', '\r']).next().unwrap_or_default();
    let alone = line > object.open && text[line..member.key].trim().is_empty() && behind.trim().is_empty();
    let mut from = member.key;
    if alone {
        from = line - 1;
        from -= usize::from(text[..from].ends_with('\r'));
    }
    let mut before = text[..from].to_owned();
    if next.is_none() && at > 0 && comma.is_none() {
        // The comma behind the member before it.
        let previous = object.members[at - 1].value.end;
        if let Some(comma) = strict[previous..from].find(',') {
            before.remove(previous + comma);
        }
    }
    let after = &text[end..];
    match next {
        _ if alone => before + after,
        Some(_) => before + after.trim_start_matches([' ', '\t']),
        None => before.trim_end_matches([' ', '\t']).to_owned() + after,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn path(dotted: &str) -> Vec<String> {
        dotted.split('.').map(str::to_owned).collect()
    }

    #[rstest]
    #[case::nothing_there("", "a.b", "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n")]
    #[case::an_empty_object("{}\n", "a", "{\n  \"a\": 1\n}\n")]
    #[case::behind_the_last("{\n    \"x\": true\n}\n", "a", "{\n    \"x\": true,\n    \"a\": 1\n}\n")]
    #[case::a_comment_on_the_line("{\n  \"x\": 2 // why\n}", "a", "{\n  \"x\": 2, // why\n  \"a\": 1\n}")]
    #[case::a_comma_at_the_end("{\n  \"x\": 2, // why\n}", "a", "{\n  \"x\": 2, // why\n  \"a\": 1,\n}")]
    #[case::on_one_line("{ \"x\": 2 }", "a", "{ \"x\": 2, \"a\": 1 }")]
    #[case::tabs("{\n\t\"x\": {\n\t\t\"y\": 2\n\t}\n}", "x.a", "{\n\t\"x\": {\n\t\t\"y\": 2,\n\t\t\"a\": 1\n\t}\n}")]
    #[case::replaced(
        "{\n  // mine\n  \"a\": [1, 2], /* z */ \"b\": 3\n}",
        "a",
        "{\n  // mine\n  \"a\": 1, /* z */ \"b\": 3\n}"
    )]
    #[case::only_a_comment("// mine\n", "a", "// mine\n{\n  \"a\": 1\n}\n")]
    #[case::a_comment_in_an_empty_object("{\n  // mine\n}", "a", "{\n  // mine\n  \"a\": 1\n}")]
    #[case::a_brace_in_a_string("{\n  \"x\": \"}//\"\n}", "a", "{\n  \"x\": \"}//\",\n  \"a\": 1\n}")]
    fn is_set(#[case] text: &str, #[case] at: &str, #[case] expected: &str) {
        let out = set(text, &path(at), &json!(1)).unwrap();
        assert_eq!(out, expected);
        assert_eq!(set(&out, &path(at), &json!(1)).unwrap(), out, "once more changes nothing");
    }

    #[rstest]
    #[case::the_last("{\n  \"x\": 2, // why\n  \"a\": 1\n}", "a", "{\n  \"x\": 2 // why\n}")]
    #[case::the_first("{\n  \"a\": 1,\n  \"x\": 2\n}", "a", "{\n  \"x\": 2\n}")]
    #[case::the_only("{\n  \"a\": 1\n}", "a", "{\n}")]
    #[case::on_one_line("{ \"x\": 2, \"a\": 1 }", "a", "{ \"x\": 2 }")]
    #[case::first_on_one_line("{ \"a\": 1, \"x\": 2 }", "a", "{ \"x\": 2 }")]
    #[case::with_a_comma_at_the_end("{\n  \"x\": 2,\n  \"a\": 1,\n}", "a", "{\n  \"x\": 2,\n}")]
    #[case::inside("{\n  \"x\": {\n    \"a\": 1\n  }\n}", "x.a", "{\n  \"x\": {\n  }\n}")]
    #[case::not_there("{ \"x\": 2 }", "y.a", "{ \"x\": 2 }")]
    fn is_removed(#[case] text: &str, #[case] at: &str, #[case] expected: &str) {
        assert_eq!(remove(text, &path(at)).unwrap(), expected);
    }

    #[rstest]
    #[case("{ \"a\": 1 }", "a.b", EditError::NotASection("a".to_owned()))]
    #[case("[1]", "a", EditError::Broken("it is not an object".to_owned()))]
    fn what_would_be_guessing_is_refused(#[case] text: &str, #[case] at: &str, #[case] error: EditError) {
        assert_eq!(set(text, &path(at), &json!(1)), Err(error));
    }

    /// Objects with comments, commas at the end and odd spaces.
    fn settings() -> impl Strategy<Value = (String, Value)> {
        let name = prop::sample::select(vec!["a", "b", "c", "\\u0064"]);
        let leaf = prop::sample::select(vec!["1", "\"x,}\"", "[1, {\"a\": 2},]", "null", "\"\\\"//\""])
            .prop_map(|text| (text.to_owned(), jsonc_value(text)));
        leaf.prop_recursive(3, 16, 4, move |inner| {
            let gap = prop::sample::select(vec!["", " ", "\n  ", " // c\n", "/* , */", "\n\t"]);
            (prop::collection::btree_map(name.clone(), (inner, gap), 0..4), any::<bool>()).prop_map(
                |(members, comma)| {
                    let mut text = "{".to_owned();
                    let mut all = serde_json::Map::new();
                    let count = members.len();
                    for (at, (name, ((written, value), gap))) in members.into_iter().enumerate() {
                        let last = if at + 1 == count && !comma { "" } else { "," };
                        text.push_str(&format!("{gap}\"{name}\": {written}{last}{gap}"));
                        let name: String = serde_json::from_str(&format!("\"{name}\"")).unwrap();
                        all.insert(name, value);
                    }
                    (text + "}", Value::Object(all))
                },
            )
        })
        .prop_filter("an object", |(text, _)| text.starts_with('{'))
    }

    fn jsonc_value(text: &str) -> Value {
        jsonc::parse(&format!("{{\"v\": {text}}}")).unwrap()["v"].clone()
    }

    proptest! {
        #[test]
        fn setting_changes_that_value_and_no_other((text, before) in settings(), at in prop::sample::select(vec!["a", "d", "a.b", "c.d.e"])) {
            let path = path(at);
            let Ok(out) = set(&text, &path, &json!({"new": [1]})) else { return Ok(()) };
            let mut expected = before;
            jsonc::merge(&mut expected, nested(&path, &Value::Null));
            jsonc::merge(&mut expected, nested(&path, &json!({"new": [1]})));
            prop_assert_eq!(jsonc::parse(&out).unwrap(), expected, "{}", out);
        }

        #[test]
        fn removing_what_was_added_leaves_what_was_there((text, before) in settings()) {
            let path = path("added");
            let out = remove(&set(&text, &path, &json!({"x": 1})).unwrap(), &path).unwrap();
            prop_assert_eq!(jsonc::parse(&out).unwrap(), before, "{}", out);
            for comment in text.matches("// c") {
                prop_assert!(out.contains(comment));
            }
        }

        #[test]
        fn removing_takes_that_value_and_no_other((text, before) in settings(), at in prop::sample::select(vec!["a", "b", "c", "d"])) {
            let out = remove(&text, &path(at)).unwrap();
            let mut expected = before;
            expected.as_object_mut().unwrap().remove(at);
            prop_assert_eq!(jsonc::parse(&out).unwrap(), expected, "{} became {}", text, out);
        }
    }
}
