//! Arbitrary JSON text in every dress: white space, escapes, repeated keys.

use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) enum Json {
    Plain(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// How text is written, drawn upon in turns.
pub(crate) type Dress = Vec<u8>;

pub(crate) fn dress() -> impl Strategy<Value = Dress> {
    prop::collection::vec(any::<u8>(), 1..40)
}

fn plain() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("null".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        Just("-0".to_owned()),
        Just("5.0".to_owned()),
        Just("1e3".to_owned()),
        Just("99999999999999999999999".to_owned()),
    ]
    .prop_map(Json::Plain)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z\"\\\\{}\\[\\],:/ \\n]{0,12}",
        any::<String>(),
        "[\\\\\"]{0,9}",
        Just("claude-sonnet-4-6".to_owned()),
        Just("{\"account_uuid\":\"x\"}".to_owned()),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["model", "stream", "metadata", "user_id", "max_tokens"]).prop_map(str::to_owned),
        1 => text(),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = Json> {
    prop_oneof![plain(), text().prop_map(Json::Text)].prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::List),
            prop::collection::vec((key(), inner), 0..6).prop_map(Json::Object),
        ]
    })
}

pub(crate) fn object() -> impl Strategy<Value = Json> {
    prop::collection::vec((key(), value()), 0..8).prop_map(Json::Object)
}

pub(crate) fn write(json: &Json, dress: &Dress) -> Vec<u8> {
    let mut out = Vec::new();
    let mut turn = dress.iter().copied().cycle();
    write_to(&mut out, json, &mut turn);
    out
}

fn write_to(out: &mut Vec<u8>, json: &Json, turn: &mut impl Iterator<Item = u8>) {
    space(out, turn);
    match json {
        Json::Plain(plain) => out.extend(plain.bytes()),
        Json::Text(text) => write_text(out, text, turn),
        Json::List(list) => {
            out.push(b'[');
            for (nth, item) in list.iter().enumerate() {
                out.extend((nth > 0).then_some(b','));
                write_to(out, item, turn);
            }
            space(out, turn);
            out.push(b']');
        }
        Json::Object(members) => {
            out.push(b'{');
            for (nth, (key, item)) in members.iter().enumerate() {
                out.extend((nth > 0).then_some(b','));
                space(out, turn);
                write_text(out, key, turn);
                space(out, turn);
                out.push(b':');
                write_to(out, item, turn);
            }
            space(out, turn);
            out.push(b'}');
        }
    }
    space(out, turn);
}

fn space(out: &mut Vec<u8>, turn: &mut impl Iterator<Item = u8>) {
    match turn.next().unwrap() {
        byte @ 0..40 => out.push(b" \n\r\t"[usize::from(byte % 4)]),
        40..50 => out.extend(b"  \n"),
        _ => {}
    }
}

fn write_text(out: &mut Vec<u8>, text: &str, turn: &mut impl Iterator<Item = u8>) {
    out.push(b'"');
    for char in text.chars() {
        let mut utf16 = [0; 2];
        match char {
            _ if turn.next().unwrap() < 30 => {
                for unit in char.encode_utf16(&mut utf16) {
                    out.extend(format!("\\u{unit:04x}").bytes());
                }
            }
            '"' => out.extend(b"\\\""),
            '\\' => out.extend(b"\\\\"),
            '\n' => out.extend(b"\\n"),
            '/' => out.extend(b"\\/"),
            '\0'..' ' => out.extend(format!("\\u{:04X}", u32::from(char)).bytes()),
            _ => out.extend(char.to_string().bytes()),
        }
    }
    out.push(b'"');
}
