//! Claude Code's identity field: what is stated must agree with the credential, and nothing else may change.

use bytes::Bytes;
use proptest::prelude::*;
use remuda_wire::identity::UserId;
use remuda_wire::peek::{Peek, Wanted};
use remuda_wire::splice::{Edit, splice};
use rstest::rstest;
use serde_json::{Value, json};

use crate::json::{self, Json};

const OLD: &str = "0b6a2c8e-1f7d-4a3e-9d53-2f1c86f3a111";
const NEW: &str = "f2a1b0c9-5e4d-4c3b-8a29-0011223344ff";

fn body(user_id: &str) -> Vec<u8> {
    serde_json::to_vec(&json!({"model": "m", "metadata": {"user_id": user_id}, "stream": true})).unwrap()
}

fn read(body: &[u8]) -> Option<UserId> {
    let mut peek = Peek::new(Wanted::USER_ID);
    peek.feed(body);
    UserId::read(&peek.into_facts().user_id?)
}

fn apply(body: &[u8], edits: &[Edit]) -> Vec<u8> {
    splice([Bytes::copy_from_slice(body)], edits).unwrap().concat()
}

fn inner(body: &[u8]) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap();
    serde_json::from_str(body["metadata"]["user_id"].as_str().unwrap()).unwrap()
}

#[test]
fn session_and_account_are_read() {
    let body = body(&format!(r#"{{"device_id":"d","account_uuid":"{OLD}","session_id":"s-1"}}"#));
    let user_id = read(&body).unwrap();
    assert_eq!(user_id.session_id(), Some("s-1"));
    assert_eq!(user_id.account_uuid(), Some(OLD));
}

#[test]
fn an_account_of_the_same_length_changes_36_bytes_in_place() {
    let body = body(&format!(r#"{{"device_id":"d","account_uuid":"{OLD}","session_id":"s-1"}}"#));
    let edits = read(&body).unwrap().restate(NEW);
    let want = String::from_utf8(body.clone()).unwrap().replace(OLD, NEW);
    assert_eq!(apply(&body, &edits), want.as_bytes());
    assert_eq!(read(&body).unwrap().restate_same_length(NEW), Some(edits));
}

#[test]
fn a_credential_without_uuid_empties_the_statement() {
    let body = body(&format!(r#"{{"device_id":"d","account_uuid":"{OLD}","session_id":"s-1"}}"#));
    let user_id = read(&body).unwrap();
    let want = String::from_utf8(body.clone()).unwrap().replace(OLD, "");
    assert_eq!(apply(&body, &user_id.restate("")), want.as_bytes());

    let padded = apply(&body, &user_id.restate_same_length("").unwrap());
    assert_eq!(padded.len(), body.len());
    let quote_and_spaces = format!(r#"\"session_id\":\"s-1\"}}"{}}}"#, " ".repeat(36));
    assert!(String::from_utf8(padded.clone()).unwrap().contains(&quote_and_spaces));
    assert_eq!(inner(&padded), json!({"device_id": "d", "account_uuid": "", "session_id": "s-1"}));
}

#[rstest]
#[case::empty(r#"{"device_id":"d","account_uuid":"","session_id":"s"}"#)]
#[case::absent(r#"{"device_id":"d","session_id":"s"}"#)]
#[case::null(r#"{"account_uuid":null,"session_id":"s"}"#)]
#[case::nested(r#"{"x":{"account_uuid":"a"},"session_id":"s"}"#)]
fn an_identity_is_never_invented(#[case] user_id: &str) {
    let user_id = read(&body(user_id)).unwrap();
    assert_eq!(user_id.account_uuid(), None);
    assert_eq!(user_id.session_id(), Some("s"));
    assert!(user_id.restate(NEW).is_empty());
    assert_eq!(user_id.restate_same_length(NEW), Some(Vec::new()));
}

#[test]
fn the_same_account_changes_nothing() {
    let user_id = read(&body(&format!(r#"{{"account_uuid":"{OLD}"}}"#))).unwrap();
    assert!(user_id.restate(OLD).is_empty());
    assert_eq!(user_id.session_id(), None);
}

#[test]
fn a_longer_account_cannot_keep_the_length() {
    let user_id = read(&body(r#"{"account_uuid":"short"}"#)).unwrap();
    assert_eq!(user_id.restate_same_length(NEW), None);
    assert_eq!(user_id.restate(NEW).len(), 1);
}

#[rstest]
#[case("a\"b")]
#[case("a\\b")]
#[case("ä")]
#[case("a b")]
fn an_account_that_is_no_identifier_is_not_written(#[case] uuid: &str) {
    let user_id = read(&body(&format!(r#"{{"account_uuid":"{OLD}"}}"#))).unwrap();
    assert!(user_id.restate(uuid).is_empty());
}

#[rstest]
#[case::old_form("user_0123_account__session_5d6e")]
#[case::broken("{\"account_uuid\":\"x\"")]
#[case::list("[\"account_uuid\"]")]
#[case::empty("")]
fn a_user_id_of_another_form_is_left_alone(#[case] user_id: &str) {
    assert_eq!(read(&body(user_id)), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Both the inner and the outer text may be escaped in any way that JSON allows.
    #[test]
    fn in_any_dress_only_the_account_changes(
        before in any::<String>(),
        account in "[^\u{0}]{1,20}",
        after in any::<String>(),
        inner_dress in json::dress(),
        outer_dress in json::dress(),
    ) {
        let text = |text: &str| Json::Text(text.to_owned());
        let member = |key: &str, value| (key.to_owned(), value);
        let stated = Json::Object(vec![
            member("device_id", text(&before)),
            member("account_uuid", text(&account)),
            member("session_id", text(&after)),
        ]);
        let stated = String::from_utf8(json::write(&stated, &inner_dress)).unwrap();
        let metadata = Json::Object(vec![member("user_id", text(&stated)), member("other", text(&after))]);
        let body = json::write(&Json::Object(vec![member("metadata", metadata)]), &outer_dress);

        let user_id = read(&body).unwrap();
        prop_assert_eq!(user_id.account_uuid(), Some(account.as_str()));
        let changed = apply(&body, &user_id.restate(NEW));
        prop_assert_eq!(inner(&changed), json!({"device_id": before, "account_uuid": NEW, "session_id": after}));
        let emptied = apply(&body, &user_id.restate_same_length("").unwrap());
        prop_assert_eq!(emptied.len(), body.len());
        prop_assert_eq!(inner(&emptied), json!({"device_id": before, "account_uuid": "", "session_id": after}));
    }
}
