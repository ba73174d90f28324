//! A completion as the vendors write it: in one piece, or in chunks with the role first and `[DONE]` last.

use serde::Serialize;
use serde_json::{Value, json};

use super::compose::{Output, calls_json};
use super::prompt::Prompt;
use crate::answer::{Answer, Event, Part};
use crate::grammar::Grammar;
use crate::manner::Manner;
use crate::openai::cache::Prefixes;
use crate::speech::pieces;

/// Field order as on the wire.
#[derive(Serialize)]
struct Completion<'a> {
    id: &'a str,
    object: &'a str,
    created: i64,
    model: &'a str,
    choices: Vec<Choice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
    service_tier: &'a str,
    system_fingerprint: Option<&'a str>,
}

#[derive(Serialize)]
struct Choice {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<Value>,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

/// A completion with everything that can be asked of it.
pub(crate) enum Done {
    /// In one piece.
    Whole(Value),
    /// In chunks.
    Chunks(Vec<Event>),
}

impl Done {
    /// As the answer of an HTTP request, with this way to fail.
    pub(crate) fn answer(self, grammar: Grammar) -> Answer {
        match self {
            Self::Whole(json) => Answer::json(200, &json),
            Self::Chunks(events) => Answer::stream(events, grammar),
        }
    }
}

/// The answer, accounted for.
pub(crate) fn finish(
    prompt: &Prompt<'_>,
    output: Output,
    prefixes: &mut Prefixes,
    least_tokens: u64,
    id: String,
    now_ms: i64,
    manner: Manner,
) -> Done {
    let key = crate::openai::responses::prompt::text(prompt.json, "prompt_cache_key");
    let (input, cached) = prefixes.account_for(prompt.model, key, &prompt.blocks(), least_tokens, now_ms);
    let usage = json!({
        "prompt_tokens": input,
        "completion_tokens": output.tokens,
        "total_tokens": input + output.tokens,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": output.thought_tokens, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    });
    let frame = |object, choices, usage| Completion {
        id: &id,
        object,
        created: now_ms / 1000,
        model: prompt.model,
        choices,
        usage,
        service_tier: "default",
        system_fingerprint: None,
    };
    if !prompt.stream {
        let mut message = json!({"role": "assistant", "content": output.text, "refusal": null, "annotations": []});
        if let Some(thought) = &output.thought {
            message["reasoning_content"] = json!(thought);
        }
        if !output.calls.is_empty() {
            message["tool_calls"] = json!(calls_json(&output.calls));
        }
        let finish_reason = Some(output.finish_reason);
        let choice = Choice { index: 0, message: Some(message), delta: None, logprobs: None, finish_reason };
        let mut json = serde_json::to_value(frame("chat.completion", vec![choice], Some(usage))).unwrap_or_default();
        if manner.novelties {
            json["herd"] = json!({"size": 3, "names": ["Ñandú", null]});
        }
        return Done::Whole(json);
    }
    let null = prompt.include_usage.then_some(Value::Null);
    let mut events = Vec::new();
    let mut say = |part, delta: Value, finish_reason| {
        let choice = Choice { index: 0, message: None, delta: Some(delta), logprobs: None, finish_reason };
        events.push(Event::data(part, &frame("chat.completion.chunk", vec![choice], null.clone())));
    };
    say(Part::Handshake, json!({"role": "assistant", "content": "", "refusal": null}), None);
    for delta in output.thought.iter().flat_map(|thought| pieces(thought)) {
        say(Part::Content, json!({"content": null, "reasoning_content": delta}), None);
    }
    for delta in pieces(&output.text) {
        say(Part::Content, json!({"content": delta}), None);
    }
    for (index, call) in output.calls.iter().enumerate() {
        let begun = json!({
            "index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""},
        });
        say(Part::Opening, json!({"tool_calls": [begun]}), None);
        for delta in pieces(&call.arguments) {
            let delta = json!({"index": index, "function": {"arguments": delta}});
            say(Part::Content, json!({"tool_calls": [delta]}), None);
        }
    }
    say(Part::Closing, json!({}), Some(output.finish_reason));
    if prompt.include_usage {
        events.push(Event::data(Part::Closing, &frame("chat.completion.chunk", Vec::new(), Some(usage))));
    }
    events.push(Event { bytes: "data: [DONE]\n\n".into(), part: Part::Closing });
    if manner.novelties {
        let strange =
            "data:{\"id\":\"herd\",\r\ndata: \"object\":\"herd.notice\",\"choices\":[],\"herd\":[1,2.50,null]}\r\n\r\n";
        let raw = |text: &'static str| Event { bytes: text.into(), part: Part::Handshake };
        events.splice(1..1, [raw(": a comment\n\n"), raw(strange)]);
    }
    Done::Chunks(events)
}
