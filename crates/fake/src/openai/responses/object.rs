//! A response as the vendor writes it: field order as on the wire.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::compose::Output;
use super::prompt::Prompt;
use crate::speech::tokens_of;

/// An item of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OutItem {
    Reasoning {
        id: String,
        summary: Option<String>,
        encrypted: Option<String>,
    },
    Message {
        id: String,
        text: String,
    },
    Function {
        id: String,
        call_id: String,
        name: String,
        namespace: Option<String>,
        arguments: String,
    },
    Custom {
        id: String,
        call_id: String,
        name: String,
        namespace: Option<String>,
        input: String,
    },
    /// The conversation so far, packed.
    Compaction {
        id: String,
        encrypted: String,
    },
}

impl OutItem {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Reasoning { id, .. }
            | Self::Message { id, .. }
            | Self::Function { id, .. }
            | Self::Custom { id, .. }
            | Self::Compaction { id, .. } => id,
        }
    }

    /// What it counts as output; reasoning is counted by itself.
    pub(crate) fn tokens(&self) -> u64 {
        match self {
            Self::Reasoning { .. } | Self::Compaction { .. } => 0,
            Self::Message { text, .. } => tokens_of(text.len()).max(1),
            Self::Function { name, arguments: input, .. } | Self::Custom { name, input, .. } => {
                tokens_of(name.len() + input.len()).max(1)
            }
        }
    }

    /// As it stands in `response.output_item.added`: begun and empty.
    pub(crate) fn begun(&self) -> Begun<'_> {
        Begun(self)
    }
}

/// See [`OutItem::begun`].
pub(crate) struct Begun<'a>(&'a OutItem);

impl Serialize for Begun<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self.0, true, serializer)
    }
}

impl Serialize for OutItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self, false, serializer)
    }
}

fn write<S: Serializer>(item: &OutItem, begun: bool, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("id", item.id())?;
    let status = if begun { "in_progress" } else { "completed" };
    let whole = |text: &str| if begun { String::new() } else { text.to_owned() };
    match item {
        OutItem::Reasoning { summary, encrypted, .. } => {
            map.serialize_entry("type", "reasoning")?;
            if let Some(encrypted) = encrypted {
                map.serialize_entry("encrypted_content", encrypted)?;
            }
            let summary = summary.iter().filter(|_| !begun).map(|text| json!({"type": "summary_text", "text": text}));
            map.serialize_entry("summary", &summary.collect::<Vec<_>>())?;
        }
        OutItem::Message { text, .. } => {
            map.serialize_entry("type", "message")?;
            map.serialize_entry("status", status)?;
            let part = (!begun).then(|| OutputText(text));
            map.serialize_entry("content", &part.into_iter().collect::<Vec<_>>())?;
            map.serialize_entry("role", "assistant")?;
        }
        OutItem::Function { call_id, name, namespace, arguments, .. } => {
            map.serialize_entry("type", "function_call")?;
            map.serialize_entry("status", status)?;
            map.serialize_entry("arguments", &whole(arguments))?;
            map.serialize_entry("call_id", call_id)?;
            map.serialize_entry("name", name)?;
            if let Some(namespace) = namespace {
                map.serialize_entry("namespace", namespace)?;
            }
        }
        OutItem::Custom { call_id, name, namespace, input, .. } => {
            map.serialize_entry("type", "custom_tool_call")?;
            map.serialize_entry("status", status)?;
            map.serialize_entry("call_id", call_id)?;
            map.serialize_entry("input", &whole(input))?;
            map.serialize_entry("name", name)?;
            if let Some(namespace) = namespace {
                map.serialize_entry("namespace", namespace)?;
            }
        }
        OutItem::Compaction { encrypted, .. } => {
            map.serialize_entry("type", "compaction")?;
            map.serialize_entry("encrypted_content", encrypted)?;
        }
    }
    map.end()
}

/// A part of a message.
pub(crate) struct OutputText<'a>(pub(crate) &'a str);

impl Serialize for OutputText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "output_text")?;
        map.serialize_entry("annotations", &[(); 0])?;
        map.serialize_entry("logprobs", &[(); 0])?;
        map.serialize_entry("text", self.0)?;
        map.end()
    }
}

/// What a request cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
}

impl Usage {
    pub(crate) fn json(self) -> Value {
        json!({
            "input_tokens": self.input,
            "input_tokens_details": {"cached_tokens": self.cached},
            "output_tokens": self.output,
            "output_tokens_details": {"reasoning_tokens": self.reasoning},
            "total_tokens": self.input + self.output,
        })
    }
}

/// A response, begun or ended.
pub(crate) struct Response<'a> {
    pub(crate) id: String,
    pub(crate) created_at: i64,
    pub(crate) prompt: &'a Prompt<'a>,
    pub(crate) output: Output,
    pub(crate) usage: Usage,
}

impl Response<'_> {
    pub(crate) fn status(&self) -> &'static str {
        if self.output.cut { "incomplete" } else { "completed" }
    }

    /// As in `response.created`.
    pub(crate) fn begun(&self) -> Snapshot<'_> {
        Snapshot { response: self, begun: true }
    }

    /// As at its end.
    pub(crate) fn ended(&self) -> Snapshot<'_> {
        Snapshot { response: self, begun: false }
    }
}

/// A response at one moment.
pub(crate) struct Snapshot<'a> {
    response: &'a Response<'a>,
    begun: bool,
}

/// Fields of the request that a response repeats, with what stands there if the request says nothing.
const REPEATED: &[(&str, &str)] = &[
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("store", "true"),
    ("temperature", "1.0"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_p", "1.0"),
    ("truncation", r#""disabled""#),
];

impl Serialize for Snapshot<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { response, begun } = *self;
        let json = response.prompt.json;
        let null = Value::Null;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &response.id)?;
        map.serialize_entry("object", "response")?;
        map.serialize_entry("created_at", &response.created_at)?;
        map.serialize_entry("status", if begun { "in_progress" } else { response.status() })?;
        map.serialize_entry("background", &false)?;
        map.serialize_entry("error", &null)?;
        let incomplete = (!begun && response.output.cut).then(|| json!({"reason": "max_output_tokens"}));
        map.serialize_entry("incomplete_details", &incomplete)?;
        map.serialize_entry("instructions", json.get("instructions").unwrap_or(&null))?;
        map.serialize_entry("max_output_tokens", &response.prompt.max_output_tokens)?;
        map.serialize_entry("max_tool_calls", &null)?;
        map.serialize_entry("model", response.prompt.model)?;
        map.serialize_entry("output", if begun { &[][..] } else { &response.output.items })?;
        for (field, otherwise) in REPEATED {
            let otherwise = || serde_json::from_str(otherwise).unwrap_or_default();
            map.serialize_entry(field, &json.get(field).cloned().unwrap_or_else(otherwise))?;
        }
        map.serialize_entry("service_tier", if begun { "auto" } else { "default" })?;
        map.serialize_entry("usage", &(!begun).then(|| response.usage.json()))?;
        map.serialize_entry("user", &null)?;
        map.serialize_entry("metadata", &json!({}))?;
        map.end()
    }
}
