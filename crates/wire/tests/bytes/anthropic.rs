//! Anthropic's token counts.

use remuda_core::record::Tokens;
use remuda_wire::anthropic::{event_tokens, merge_tokens, message_tokens};
use rstest::rstest;

fn tokens(input: u64, output: u64, cache_read: u64, five: u64, hour: u64) -> Tokens {
    Tokens {
        input: Some(input),
        output: Some(output),
        cache_read: Some(cache_read),
        cache_write_5m: Some(five),
        cache_write_1h: Some(hour),
        reasoning: None,
    }
}

#[test]
fn a_stream_states_its_counts_at_the_start_and_the_last_word_at_the_end() {
    let start = br#"{"type":"message_start","message":{"id":"msg_1","role":"assistant","content":[],"model":"m",
        "usage":{"input_tokens":3,"cache_creation_input_tokens":30,"cache_read_input_tokens":9000,
        "cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":1,
        "service_tier":"standard"}}}"#;
    let mut total = event_tokens(start).unwrap();
    assert_eq!(total, tokens(3, 1, 9000, 10, 20));
    let delta = br#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":512}}"#;
    merge_tokens(&mut total, event_tokens(delta).unwrap());
    assert_eq!(total, tokens(3, 512, 9000, 10, 20));
    let full =
        br#"{"type":"message_delta","usage":{"input_tokens":4,"cache_read_input_tokens":0,"output_tokens":600}}"#;
    merge_tokens(&mut total, event_tokens(full).unwrap());
    assert_eq!(total, tokens(4, 600, 0, 10, 20));
}

#[test]
fn an_answer_in_one_piece_states_its_counts_on_top() {
    let body = br#"{"type":"message","content":[{"type":"text","text":"\"usage\":{\"input_tokens\":99}"}],
        "usage":{"input_tokens":5,"output_tokens":6,"cache_read_input_tokens":null,"cache_creation_input_tokens":8}}"#;
    let want = Tokens { input: Some(5), output: Some(6), cache_write_5m: Some(8), ..Tokens::default() };
    assert_eq!(message_tokens(body), Some(want), "without a breakdown a write is of the five-minute kind");
}

#[rstest]
#[case(br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#)]
#[case(br#"{"input_tokens":77}"#)]
#[case(br#"{"usage":"none"}"#)]
#[case(b"<html>")]
#[case(b"")]
fn where_nothing_is_counted_nothing_is_stated(#[case] body: &[u8]) {
    assert_eq!(message_tokens(body), None);
    assert_eq!(event_tokens(body), None);
}
