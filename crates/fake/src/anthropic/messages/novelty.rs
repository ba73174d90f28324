//! Things that a client has never seen but must pass on: unknown events, block types, fields, comments, line ends.

use bytes::Bytes;
use serde_json::{Value, json};

use super::message::Message;
use crate::answer::{Event, Part};

fn raw(part: Part, text: &str) -> Event {
    Event { bytes: Bytes::from(text.to_owned()), part }
}

/// Strews them between the events of a stream. What was there stays, in its order.
pub(crate) fn among(events: Vec<Event>) -> Vec<Event> {
    let mut all = Vec::new();
    let mut opened = false;
    for event in events {
        let handshake = event.part == Part::Handshake;
        if event.part == Part::Opening && !opened {
            opened = true;
            all.push(raw(Part::Handshake, ": a comment\n\n"));
            all.push(raw(
                Part::Handshake,
                "event: herd_notice\ndata: {\"type\":\"herd_notice\",\"notice\":{\"herd\":[1,2.50,null]}}\n\n",
            ));
        }
        all.push(event);
        if handshake && all.len() == 1 {
            // Carriage returns, a field no one knows, id and retry, data without a space, data in two lines.
            all.push(raw(
                Part::Handshake,
                "event: mixed_manners\r\nid: 7\r\nretry: 1000\r\nflavour: hay\r\ndata:{\"type\":\r\ndata: \"mixed_manners\"}\r\n\r\n",
            ));
        }
    }
    // An unknown kind of block with an unknown kind of delta, before the message's end.
    let end = all.len().saturating_sub(2);
    let index = 90;
    let block = [
        (
            Part::Opening,
            "content_block_start",
            json!({"type": "content_block_start", "index": index, "content_block": {"type": "hoofprint", "depth": 1e-7}}),
        ),
        (
            Part::Content,
            "content_block_delta",
            json!({"type": "content_block_delta", "index": index, "delta": {"type": "hoofprint_delta", "mark": "\u{2028}"}}),
        ),
        (Part::Closing, "content_block_stop", json!({"type": "content_block_stop", "index": index, "hoof": null})),
    ];
    let block = block.map(|(part, name, data)| raw(part, &format!("event: {name}\ndata: {data}\n\n")));
    all.splice(end..end, block);
    all
}

/// The same for a message in one piece: unknown fields and an unknown block.
pub(crate) fn within(message: &Message<'_>) -> Value {
    let mut json = serde_json::to_value(message).unwrap_or_default();
    if let Value::Object(fields) = &mut json {
        fields.insert("herd".to_owned(), json!({"size": 3, "names": ["Ñandú", null]}));
        if let Some(Value::Array(content)) = fields.get_mut("content") {
            content.push(json!({"type": "hoofprint", "depth": 1e-7}));
        }
    }
    json
}
