//! How a conversation began: for agents that name it nowhere. The first words of the person stay the same in every turn,
//! while everything else in a request may change.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Body<'a> {
    /// Messages and Chat Completions.
    #[serde(borrow, default)]
    messages: Option<Vec<&'a RawValue>>,
    /// Responses.
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

/// The text of the first message of the person in a request body. `None` if there is none that can be read.
#[must_use]
pub fn first_words(body: &[u8]) -> Option<String> {
    let body: Body<'_> = serde_json::from_slice(body).ok()?;
    let messages = match (body.messages, body.input) {
        (Some(messages), _) => messages,
        (None, Some(input)) if input.get().starts_with('"') => return text(input),
        (None, Some(input)) => serde_json::from_str(input.get()).ok()?,
        (None, None) => return None,
    };
    let mut messages = messages.into_iter().filter_map(|raw| serde_json::from_str::<Message<'_>>(raw.get()).ok());
    let first = messages.find(|message| message.role.as_deref() == Some("user"))?;
    text(first.content?)
}

fn text(content: &RawValue) -> Option<String> {
    let text = match content.get().as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(content.get()).ok()?,
        _ => {
            let blocks: Vec<Block<'_>> = serde_json::from_str(content.get()).ok()?;
            let texts: Vec<Cow<'_, str>> = blocks.into_iter().filter_map(|block| block.text).collect();
            texts.join("\n")
        }
    };
    (!text.trim().is_empty()).then_some(text)
}
