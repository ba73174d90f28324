//! A message as server-sent events, in the vendor's order and framing.

use serde::Serialize;
use serde_json::Value;

use super::message::{Message, OutBlock, Usage};
use crate::answer::{Event, Part};
use crate::speech::pieces;

/// The data of an event; field order as on the wire.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Data<'a> {
    MessageStart { message: &'a Message<'a> },
    ContentBlockStart { index: usize, content_block: OutBlock },
    Ping,
    ContentBlockDelta { index: usize, delta: Delta<'a> },
    ContentBlockStop { index: usize },
    MessageDelta { delta: Stop, usage: Usage },
    MessageStop,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the names on the wire")]
enum Delta<'a> {
    ThinkingDelta { thinking: &'a str },
    SignatureDelta { signature: &'a str },
    TextDelta { text: &'a str },
    InputJsonDelta { partial_json: &'a str },
}

#[derive(Serialize)]
struct Stop {
    stop_reason: Option<&'static str>,
    stop_sequence: Option<&'static str>,
}

fn event(part: Part, data: &Data<'_>) -> Event {
    let name = match data {
        Data::MessageStart { .. } => "message_start",
        Data::ContentBlockStart { .. } => "content_block_start",
        Data::Ping => "ping",
        Data::ContentBlockDelta { .. } => "content_block_delta",
        Data::ContentBlockStop { .. } => "content_block_stop",
        Data::MessageDelta { .. } => "message_delta",
        Data::MessageStop => "message_stop",
    };
    Event::named(part, name, data)
}

/// A ping, wherever one is wanted.
pub(crate) fn ping() -> Event {
    event(Part::Handshake, &Data::Ping)
}

/// The whole stream. The ping follows the first block's start, as in the vendor's documentation.
pub(crate) fn events(message: &Message<'_>) -> Vec<Event> {
    let mut all = vec![event(Part::Handshake, &Data::MessageStart { message: &message.begun() })];
    for (index, block) in message.content.iter().enumerate() {
        all.push(event(Part::Opening, &Data::ContentBlockStart { index, content_block: empty(block) }));
        if index == 0 {
            all.push(ping());
        }
        let mut delta = |delta| all.push(event(Part::Content, &Data::ContentBlockDelta { index, delta }));
        match block {
            OutBlock::Thinking { thinking, signature } => {
                pieces(thinking).for_each(|thinking| delta(Delta::ThinkingDelta { thinking }));
                delta(Delta::SignatureDelta { signature });
            }
            OutBlock::Text { text } => pieces(text).for_each(|text| delta(Delta::TextDelta { text })),
            OutBlock::ToolUse { input, .. } => {
                let json = input.to_string();
                delta(Delta::InputJsonDelta { partial_json: "" });
                pieces(&json).for_each(|partial_json| delta(Delta::InputJsonDelta { partial_json }));
            }
        }
        all.push(event(Part::Closing, &Data::ContentBlockStop { index }));
    }
    let stop = Stop { stop_reason: message.stop_reason, stop_sequence: None };
    all.push(event(Part::Closing, &Data::MessageDelta { delta: stop, usage: message.usage }));
    all.push(event(Part::Closing, &Data::MessageStop));
    all
}

/// A block as it stands in `content_block_start`.
fn empty(block: &OutBlock) -> OutBlock {
    match block {
        OutBlock::Thinking { .. } => OutBlock::Thinking { thinking: String::new(), signature: String::new() },
        OutBlock::Text { .. } => OutBlock::Text { text: String::new() },
        OutBlock::ToolUse { id, name, .. } => {
            OutBlock::ToolUse { id: id.clone(), name: name.clone(), input: Value::Object(serde_json::Map::new()) }
        }
    }
}
