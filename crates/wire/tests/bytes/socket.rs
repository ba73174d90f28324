use bytes::Bytes;
use remuda_wire::socket::{as_http, previous};
use remuda_wire::splice::splice;
use rstest::rstest;

#[rstest]
#[case::first(r#"{"type":"response.create","model":"m","stream":true}"#, r#"{"model":"m","stream":true}"#)]
#[case::spaced(r#"{ "type" : "response.create" , "model":"m", "stream": true}"#, r#"{  "model":"m", "stream": true}"#)]
#[case::last(r#"{"model":"m","stream":true,"type":"response.create"}"#, r#"{"model":"m","stream":true}"#)]
#[case::without_stream(r#"{"type":"response.create","model":"m"}"#, r#"{"stream":true,"model":"m"}"#)]
#[case::not_streamed(r#"{"type":"response.create","stream":false,"generate":true,"x":1}"#, r#"{"stream":true,"x":1}"#)]
#[case::inner_types_stay(
    r#"{"type":"response.create","stream":true,"input":[{"type":"message"}]}"#,
    r#"{"stream":true,"input":[{"type":"message"}]}"#
)]
fn a_frame_becomes_a_body(#[case] frame: &str, #[case] expected: &str) {
    let edits = as_http(frame.as_bytes());
    let body = splice([Bytes::copy_from_slice(frame.as_bytes())], &edits).unwrap().concat();
    assert_eq!(String::from_utf8(body).unwrap(), expected);
}

#[test]
fn what_a_frame_goes_on_from() {
    assert_eq!(previous(br#"{"previous_response_id":"resp_1"}"#).as_deref(), Some("resp_1"));
    assert_eq!(previous(br#"{"previous_response_id":null}"#), None);
    assert_eq!(previous(b"{"), None);
}
