//! The peek, against serde_json.

use proptest::prelude::*;
use remuda_wire::peek::{Facts, Peek, Status, Text, Wanted};
use rstest::rstest;
use serde_json::Value;

use crate::json;
use crate::split::{cuts, split};

fn all() -> Wanted {
    Wanted::MODEL | Wanted::STREAM | Wanted::USER_ID | Wanted::MAX_TOKENS
}

/// Feeds everything, whatever the status.
fn peek<'a>(wanted: Wanted, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Status, Facts) {
    let mut peek = Peek::new(wanted);
    pieces.into_iter().for_each(|piece| {
        peek.feed(piece);
    });
    (peek.status(), peek.into_facts())
}

fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn valid_json_is_read_as_serde_json_reads_it(json in json::object(), dress in json::dress(), cuts in cuts()) {
        let body = json::write(&json, &dress);
        let want: Value = serde_json::from_slice(&body).unwrap();
        let (status, got) = peek(all(), split(&body, &cuts));
        prop_assert!(matches!(status, Status::Found | Status::Ended), "{status:?}");
        prop_assert_eq!(got.model.as_ref().map(|text| text.value.clone()), text(want.get("model")));
        prop_assert_eq!(got.stream, want.get("stream").and_then(Value::as_bool));
        prop_assert_eq!(got.max_tokens, want.get("max_tokens").and_then(Value::as_u64));
        let user_id = want.get("metadata").and_then(|metadata| metadata.get("user_id"));
        prop_assert_eq!(got.user_id.as_ref().map(|text| text.value.clone()), text(user_id));
        for Text { value, raw, range } in [got.model, got.user_id].into_iter().flatten() {
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            prop_assert_eq!(&body[range], &raw[..]);
            prop_assert_eq!(serde_json::from_slice::<String>(&raw).unwrap(), value);
        }
    }

    #[test]
    fn any_bytes_are_read_the_same_however_they_are_cut(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[{}\\[\\]\":,\\\\ a1tm]{0,60}".prop_map(String::into_bytes),
            (json::object(), json::dress(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(json, dress, at, byte)| {
                let mut body = json::write(&json, &dress);
                let at = at.index(body.len());
                body[at] = byte;
                body
            }),
        ],
        cuts in cuts(),
    ) {
        prop_assert_eq!(peek(all(), split(&body, &cuts)), peek(all(), [&body[..]]));
        prop_assert_eq!(peek(all(), body.chunks(1)), peek(all(), [&body[..]]));
    }

    #[test]
    fn only_what_is_wanted_is_found(json in json::object(), dress in json::dress(), which in 0_usize..4) {
        let wanted = [Wanted::MODEL, Wanted::STREAM, Wanted::USER_ID, Wanted::MAX_TOKENS][which];
        let body = json::write(&json, &dress);
        let (_, one) = peek(wanted, [&body[..]]);
        let (_, full) = peek(all(), [&body[..]]);
        let mut want = Facts::default();
        match which {
            0 => want.model = full.model,
            1 => want.stream = full.stream,
            2 => want.user_id = full.user_id,
            _ => want.max_tokens = full.max_tokens,
        }
        prop_assert_eq!(one, want);
    }
}

#[test]
fn it_is_found_as_soon_as_it_has_passed() {
    let mut peek = Peek::new(Wanted::MODEL | Wanted::STREAM);
    assert_eq!(
        peek.feed(b"{\"model\":\"claude-opus-4-6\",\"messages\":[{\"content\":\"\\\"stream\\\":tr"),
        Status::More
    );
    assert_eq!(peek.feed(b"ue}\"}],\"stream\":true"), Status::More, "a literal ends with what follows it");
    assert_eq!(peek.feed(b","), Status::Found);
    let facts = peek.into_facts();
    assert_eq!(facts.model.unwrap().value, "claude-opus-4-6");
    assert_eq!(facts.stream, Some(true));
}

#[rstest]
#[case::no_object("[1]", Status::Malformed)]
#[case::text("\"model\"", Status::Malformed)]
#[case::nothing("", Status::More)]
#[case::cut("{\"model\":\"x", Status::More)]
#[case::no_colon("{\"model\" \"x\"}", Status::Malformed)]
#[case::no_key("{1:2}", Status::Malformed)]
#[case::two_commas("{\"a\":1,,\"model\":\"x\"}", Status::Malformed)]
#[case::trailing_comma("{\"a\":1,}", Status::Malformed)]
#[case::no_value("{\"model\":}", Status::Malformed)]
#[case::form("model=x&stream=true", Status::Malformed)]
#[case::empty_object(" {} ", Status::Ended)]
#[case::absent("{\"modell\":\"x\",\"nested\":{\"model\":\"y\"}}", Status::Ended)]
fn what_cannot_be_read_is_unknown(#[case] body: &str, #[case] status: Status) {
    assert_eq!(peek(Wanted::MODEL, [body.as_bytes()]), (status, Facts::default()));
}

#[test]
fn a_repeated_member_counts_with_its_last_value_when_feeding_goes_on() {
    let (_, facts) = peek(all(), [&br#"{"model":"a","metadata":{"user_id":"u"},"model":"b","metadata":{}}"#[..]]);
    assert_eq!(facts.model.unwrap().value, "b");
    assert_eq!(facts.user_id, None);
    let (_, facts) = peek(all(), [&br#"{"model":"a","model":7}"#[..]]);
    assert_eq!(facts.model, None);
}

#[test]
fn a_value_too_long_to_be_real_is_unknown_and_not_kept() {
    let body = format!(r#"{{"model":"{}","stream":true}}"#, "x".repeat(5000));
    let (status, facts) = peek(Wanted::MODEL | Wanted::STREAM, [body.as_bytes()]);
    assert_eq!((status, facts.model, facts.stream), (Status::Found, None, Some(true)));
}

#[test]
fn depth_and_length_are_no_matter() {
    let body = format!(
        r#"{{"a":{}"x"{},"b":"{}","model":"m"}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000),
        "\\\\\\\"".repeat(100_000)
    );
    let (status, facts) = peek(Wanted::MODEL, body.as_bytes().chunks(1009));
    assert_eq!((status, facts.model.unwrap().value.as_str()), (Status::Found, "m"));
}
