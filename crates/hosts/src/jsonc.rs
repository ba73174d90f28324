//! JSON as people write it in settings files: with comments and commas at the end. Read by blanking both, so that every other
//! byte stays where it is and positions hold for the text as it stands.

use serde_json::Value;

/// The same text without comments and trailing commas, at the same length.
pub(crate) fn strict(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let mut at = usize::from(text.starts_with('\u{feff}')) * 3;
    out[..at].fill(b' ');
    // The last comma that nothing has followed yet, and the last byte that is neither space nor comment.
    let (mut comma, mut last) = (None, b'{');
    while let Some(&byte) = out.get(at) {
        let end = match byte {
            b'"' => string_end(&out, at),
            b'/' if out.get(at + 1) == Some(&b'/') => blank(&mut out, at, |rest| rest.iter().position(|b| *b == b'\n')),
            b'/' if out.get(at + 1) == Some(&b'*') => {
                blank(&mut out, at, |rest| rest[2..].windows(2).position(|pair| pair == b"*/").map(|found| found + 4))
            }
            _ => at + 1,
        };
        match out[at] {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            now => {
                if let (b'}' | b']', Some(comma)) = (now, comma) {
                    out[comma] = b' ';
                }
                comma = (now == b',' && !matches!(last, b'{' | b'[' | b',')).then_some(at);
                last = now;
            }
        }
        at = end;
    }
    // Only whole characters were replaced, by spaces.
    String::from_utf8(out).unwrap_or_default()
}

/// Behind the closing quote; the end of the text if there is none.
fn string_end(text: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// Blanks a comment but for its line breaks; returns where it ends.
fn blank(text: &mut [u8], from: usize, length: impl Fn(&[u8]) -> Option<usize>) -> usize {
    let end = length(&text[from..]).map_or(text.len(), |length| from + length);
    for byte in &mut text[from..end] {
        if *byte != b'\n' && *byte != b'\r' {
            *byte = b' ';
        }
    }
    end
}

/// Reads it. The error says where, and holds nothing of the text.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let strict = strict(text);
    if strict.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let value: Value = serde_json::from_str(&strict).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => "it ends too early".to_owned(),
        _ => format!("line {}, column {}", error.line(), error.column()),
    })?;
    if value.is_object() { Ok(value) } else { Err("it is not an object".to_owned()) }
}

/// Puts `over` over `under`: objects member by member, everything else whole.
pub(crate) fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                merge(under.entry(name).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::comments("{ // one\n \"a\": /* two */ 1 }", json!({"a": 1}))]
    #[case::trailing_commas("{\"a\": [1, 2, ], }", json!({"a": [1, 2]}))]
    #[case::a_comment_behind_the_last_comma("{\"a\": 1, // end\n}", json!({"a": 1}))]
    #[case::no_comment_in_a_string("{\"a\": \"http://x/*y*/,}\"}", json!({"a": "http://x/*y*/,}"}))]
    #[case::an_escaped_quote("{\"a\\\"//\": 1}", json!({"a\"//": 1}))]
    #[case::nothing(" \n", json!({}))]
    #[case::a_byte_order_mark("\u{feff}{}", json!({}))]
    #[case::only_a_comment("// nothing yet", json!({}))]
    fn is_read_as_people_write_it(#[case] text: &str, #[case] value: Value) {
        assert_eq!(parse(text).unwrap(), value);
    }

    #[rstest]
    #[case("{\"planted\": }")]
    #[case("[1]")]
    #[case("{\"planted\": \"x")]
    #[case("{,}")]
    #[case("/* planted")]
    fn broken_or_other_text_is_told_without_its_content(#[case] text: &str) {
        match parse(text) {
            Err(why) => assert!(!why.contains("planted"), "{why}"),
            // A comment without an end hides all that follows.
            Ok(value) => assert_eq!((text, value), ("/* planted", json!({}))),
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_length(text in "[{}\\[\\],/*\" \\\\a1é\n:]{0,40}") {
            prop_assert_eq!(strict(&text).len(), text.len());
        }
    }

    #[test]
    fn merging_keeps_what_is_not_named() {
        let mut under = json!({"a": {"b": 1, "c": [1]}, "d": 2});
        merge(&mut under, json!({"a": {"c": [], "e": {"f": null}}}));
        assert_eq!(under, json!({"a": {"b": 1, "c": [], "e": {"f": null}}, "d": 2}));
    }
}
