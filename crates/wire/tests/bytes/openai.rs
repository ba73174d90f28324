use remuda_core::record::Tokens;
use remuda_wire::openai::tokens;
use remuda_wire::opening::first_words;
use rstest::rstest;

fn counted(input: u64, output: u64, cache_read: Option<u64>) -> Option<Tokens> {
    Some(Tokens { input: Some(input), output: Some(output), cache_read, ..Tokens::default() })
}

#[rstest]
#[case::responses_event(
    r#"{"type":"response.completed","response":{"id":"r","usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":60},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":107}}}"#,
    counted(40, 7, Some(60))
)]
#[case::responses_json(r#"{"id":"r","usage":{"input_tokens":5,"output_tokens":1}}"#, counted(5, 1, None))]
#[case::chat(
    r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":9}}}"#,
    counted(0, 2, Some(9))
)]
#[case::chat_chunk_without(r#"{"choices":[{"delta":{"content":"usage"}}],"usage":null}"#, None)]
#[case::more_cached_than_read(
    r#"{"usage":{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":5}}}"#,
    counted(0, 2, Some(5))
)]
#[case::garbage("no json", None)]
fn usage_is_read_whatever_it_is_called(#[case] json: &str, #[case] expected: Option<Tokens>) {
    assert_eq!(tokens(json.as_bytes()), expected);
}

#[rstest]
#[case::messages(r#"{"messages":[{"role":"user","content":"hi"},{"role":"user","content":"later"}]}"#, Some("hi"))]
#[case::blocks(
    r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"a","cache_control":{}},{"type":"image"},{"type":"text","text":"b"}]}]}"#,
    Some("a\nb")
)]
#[case::responses(
    r#"{"input":[{"role":"developer","content":"d"},{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}]}"#,
    Some("hi")
)]
#[case::one_string(r#"{"input":"hi"}"#, Some("hi"))]
#[case::blank(r#"{"messages":[{"role":"user","content":" "}]}"#, None)]
#[case::nobody_spoke(r#"{"messages":[{"role":"assistant","content":"x"}]}"#, None)]
#[case::garbage("[1", None)]
fn a_conversation_begins_with_the_first_words_of_the_person(#[case] body: &str, #[case] expected: Option<&str>) {
    assert_eq!(first_words(body.as_bytes()).as_deref(), expected);
}
