//! A response as a stream of events, in the vendor's order and framing; the same in a WebSocket.

use serde::Serialize;
use serde_json::{Value, json};

use super::object::{OutItem, OutputText, Response};
use crate::answer::{Event, Part};
use crate::speech::pieces;

/// Every event has its type first and a number in its stream.
#[derive(Serialize)]
struct Numbered<'a, T: Serialize> {
    #[serde(rename = "type")]
    kind: &'a str,
    sequence_number: usize,
    #[serde(flatten)]
    rest: T,
}

#[derive(Serialize)]
struct Whole<T: Serialize> {
    response: T,
}

#[derive(Serialize)]
struct Item<T: Serialize> {
    output_index: usize,
    item: T,
}

/// A delta or what it comes to in the end.
#[derive(Serialize)]
struct Within<'a, T: Serialize> {
    item_id: &'a str,
    output_index: usize,
    #[serde(flatten)]
    rest: T,
}

#[derive(Serialize)]
struct TextDelta<'a> {
    content_index: usize,
    delta: &'a str,
    logprobs: [(); 0],
}

#[derive(Serialize)]
struct TextDone<'a> {
    content_index: usize,
    text: &'a str,
    logprobs: [(); 0],
}

#[derive(Serialize)]
struct ContentPart<'a> {
    content_index: usize,
    part: OutputText<'a>,
}

/// A list of events that numbers itself.
#[derive(Default)]
struct Stream(Vec<Event>);

impl Stream {
    fn say(&mut self, part: Part, kind: &str, rest: impl Serialize) {
        let sequence_number = self.0.len();
        self.0.push(Event::named(part, kind, &Numbered { kind, sequence_number, rest }));
    }

    fn within(&mut self, part: Part, kind: &str, output_index: usize, item: &OutItem, rest: impl Serialize) {
        self.say(part, kind, Within { item_id: item.id(), output_index, rest });
    }
}

/// The whole stream.
pub(crate) fn events(response: &Response<'_>) -> Vec<Event> {
    let mut stream = Stream::default();
    stream.say(Part::Handshake, "response.created", Whole { response: response.begun() });
    stream.say(Part::Handshake, "response.in_progress", Whole { response: response.begun() });
    for (output_index, item) in response.output.items.iter().enumerate() {
        stream.say(Part::Opening, "response.output_item.added", Item { output_index, item: item.begun() });
        inside(&mut stream, output_index, item);
        stream.say(Part::Closing, "response.output_item.done", Item { output_index, item });
    }
    let last = format!("response.{}", response.status());
    stream.say(Part::Closing, &last, Whole { response: response.ended() });
    stream.0
}

fn inside(stream: &mut Stream, at: usize, item: &OutItem) {
    match item {
        OutItem::Reasoning { summary: Some(summary), .. } => {
            let part = |text: &str| json!({"summary_index": 0, "part": {"type": "summary_text", "text": text}});
            let begin = "response.reasoning_summary_part.added";
            stream.within(Part::Opening, begin, at, item, part(""));
            for delta in pieces(summary) {
                let delta = json!({"summary_index": 0, "delta": delta});
                stream.within(Part::Content, "response.reasoning_summary_text.delta", at, item, delta);
            }
            let done = json!({"summary_index": 0, "text": summary});
            stream.within(Part::Closing, "response.reasoning_summary_text.done", at, item, done);
            stream.within(Part::Closing, "response.reasoning_summary_part.done", at, item, part(summary));
        }
        OutItem::Reasoning { summary: None, .. } | OutItem::Compaction { .. } => {}
        OutItem::Message { text, .. } => {
            let part = |text| ContentPart { content_index: 0, part: OutputText(text) };
            stream.within(Part::Opening, "response.content_part.added", at, item, part(""));
            for delta in pieces(text) {
                let delta = TextDelta { content_index: 0, delta, logprobs: [] };
                stream.within(Part::Content, "response.output_text.delta", at, item, delta);
            }
            let done = TextDone { content_index: 0, text, logprobs: [] };
            stream.within(Part::Closing, "response.output_text.done", at, item, done);
            stream.within(Part::Closing, "response.content_part.done", at, item, part(text));
        }
        OutItem::Function { arguments, .. } => {
            for delta in pieces(arguments) {
                let delta = json!({"delta": delta});
                stream.within(Part::Content, "response.function_call_arguments.delta", at, item, delta);
            }
            let done = json!({"arguments": arguments});
            stream.within(Part::Closing, "response.function_call_arguments.done", at, item, done);
        }
        OutItem::Custom { input, .. } => {
            for delta in pieces(input) {
                let delta = json!({"delta": delta});
                stream.within(Part::Content, "response.custom_tool_call_input.delta", at, item, delta);
            }
            let done = json!({"input": input});
            stream.within(Part::Closing, "response.custom_tool_call_input.done", at, item, done);
        }
    }
}

/// Things that a client has never seen but must pass on, between the events of a stream.
pub(crate) fn among(events: Vec<Event>) -> Vec<Event> {
    let mut all = Vec::new();
    let mut opened = false;
    for event in events {
        if event.part == Part::Opening && !opened {
            opened = true;
            let raw = |text: &'static str| Event { bytes: text.into(), part: Part::Handshake };
            all.push(raw(": a comment\n\n"));
            all.push(raw(
                "event: response.herd_notice\r\nid: 7\r\ndata:{\"type\":\r\ndata: \"response.herd_notice\",\"herd\":[1,2.50,null]}\r\n\r\n",
            ));
            let data: Value = json!({"type": "herd.metadata", "names": ["Ñandú", null]});
            all.push(Event::named(Part::Handshake, "herd.metadata", &data));
        }
        all.push(event);
    }
    all
}
