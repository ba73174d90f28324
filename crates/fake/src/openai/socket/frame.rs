//! One exchange in a WebSocket: a `response.create` comes in, frames go out. Nothing here waits.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::answer::{Event, Part};
use crate::breaking::{break_point, kept_events};
use crate::fault::{Effect, Fault, Point};
use crate::grammar::Grammar;
use crate::grants::AccountIndex;
use crate::incoming::Call;
use crate::log::{Ending, Progress};
use crate::manner::Manner;
use crate::openai::responses::Done;
use crate::openai::unknown_response;
use crate::quota::QuotaHeaders;
use crate::quota::headers::Pairs;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::route::{model_of, record};
use crate::site::Site;
use crate::state::{State, meets};
use crate::vendor::Shared;
use crate::{codex, desk, openai};

/// A connection ends after this.
const LIFE_S: i64 = 3600;
/// A connection knows this many of its latest responses.
const MEMORY: usize = 16;
/// Fields of a frame that are no fields of a request.
const ENVELOPE: &[&str] = &["type", "generate", "stream", "background", "previous_response_id"];

/// A frame that goes out.
pub(super) struct Frame {
    pub(super) text: String,
    /// It carries content.
    pub(super) content: bool,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    GoOn,
    Close,
    Drop,
    Reset,
    Hang,
}

/// See the module.
pub(super) struct Said {
    pub(super) frames: Vec<Frame>,
    pub(super) delay: Duration,
    pub(super) pace: Duration,
    pub(super) after: After,
    /// How it is recorded when the connection is closed after it.
    pub(super) ending: Ending,
    pub(super) progress: Arc<Progress>,
}

/// What one connection remembers.
pub(super) struct Conversation {
    index: AccountIndex,
    opened_at: i64,
    /// Id and items of the latest responses.
    known: VecDeque<(String, Vec<Value>)>,
}

impl Conversation {
    pub(super) fn new(index: AccountIndex, opened_at: i64) -> Self {
        Self { index, opened_at, known: VecDeque::new() }
    }

    /// Takes a frame and writes it down; makes up everything that follows it.
    pub(super) fn answer(&mut self, shared: &Shared, call: &mut Call, text: &str) -> Said {
        call.raw = Bytes::copy_from_slice(text.as_bytes());
        call.body = Ok(call.raw.clone());
        let progress = Arc::new(Progress::default());
        let json: Option<Value> = serde_json::from_str(text).ok();
        let mut state = shared.state.lock();
        let state = &mut *state;
        record(state, shared, call, json.as_ref(), Some(self.index), &progress);
        let pace = shared.config.event_delay;
        let mut said = Said {
            frames: Vec::new(),
            delay: Duration::ZERO,
            pace,
            after: After::GoOn,
            ending: Ending::Complete,
            progress,
        };
        if state.clock.now() - self.opened_at >= LIFE_S {
            said.after = After::Close;
            said.refuse(&OpenAiRefusal::WebsocketConnectionLimit.into());
            return said;
        }
        let model = json.as_ref().and_then(model_of);
        // Nothing is asked of a model by a warm-up.
        let asks = !json.as_ref().is_some_and(is_warm_up);
        let fault =
            state.take_fault(Some(self.index), |fault| asks && !fault.early && meets(fault, call.endpoint, model));
        if let Some(fault) = &fault {
            said.delay = Duration::from_millis(fault.delay_ms);
            said.pace = fault.pace_ms.map_or(pace, Duration::from_millis);
        }
        let json = json.filter(|json| json.get("type").and_then(Value::as_str) == Some("response.create"));
        let Some(json) = json else {
            let what = "Invalid message: expected a JSON object of type 'response.create'.";
            said.refuse(&Refused::saying(OpenAiRefusal::InvalidRequest, what));
            return said;
        };
        self.perform(shared, state, call, &json, fault.as_ref(), &mut said);
        said
    }

    fn perform(
        &mut self,
        shared: &Shared,
        state: &mut State,
        call: &Call,
        json: &Value,
        fault: Option<&Fault>,
        said: &mut Said,
    ) {
        let effect = fault.map_or(&Effect::Serve, |fault| &fault.effect);
        let refused = match effect {
            Effect::Refuse(refusal) | Effect::ErrorEvent { refusal, at: Point::BeforeHeaders } => {
                Some(desk::refuse(state, self.index, call, *refusal))
            }
            Effect::Spent { window, resets_in_s } => {
                let model = model_of(json).unwrap_or_default();
                Some(desk::spent(state, self.index, call, model, window, *resets_in_s))
            }
            _ => None,
        };
        let after_effect = fault.is_some_and(|fault| fault.after_effect);
        let canned = matches!(effect, Effect::Answer { .. });
        let served = (refused.is_none() && !canned || after_effect).then(|| {
            let manner = Manner { novelties: fault.is_some_and(|fault| fault.novelties), wide_text: false };
            self.serve(shared, state, call, json, manner)
        });
        match (refused, served, effect) {
            (None, _, Effect::Answer { status, body, .. }) => {
                said.progress.answered(*status);
                said.frames.push(Frame { text: body.clone(), content: false });
            }
            (Some(refused), ..) | (None, Some(Err(refused)), _) => said.refuse(&refused),
            (None, Some(Ok((mut events, offset, grammar))), _) => {
                said.progress.answered(200);
                if let Some(at) = break_point(effect) {
                    let keep = kept_events(&events, at).min(events.len());
                    events.truncate(keep);
                    if let Effect::ErrorEvent { refusal, .. } = effect {
                        let refused = desk::fail(state, self.index, call, *refusal);
                        events.push(grammar.failure(&refused, keep.saturating_sub(offset)));
                    }
                }
                said.frames.extend(
                    events
                        .iter()
                        .filter(|event| is_frame(event))
                        .map(|event| Frame { text: event.text().to_owned(), content: event.part == Part::Content }),
                );
                said.after = match effect {
                    Effect::Truncate { clean: true, .. } => After::Close,
                    Effect::Truncate { clean: false, .. } => After::Drop,
                    Effect::Stall { .. } => After::Hang,
                    Effect::Reset { .. } => After::Reset,
                    _ => After::GoOn,
                };
                if said.after == After::Close {
                    said.ending = Ending::Broken;
                }
            }
            (None, None, _) => {}
        }
    }

    /// The events of the answer, how many of them do not count as the response's own, and how it would fail.
    fn serve(
        &mut self,
        shared: &Shared,
        state: &mut State,
        call: &Call,
        json: &Value,
        manner: Manner,
    ) -> Result<(Vec<Event>, usize, Grammar), Refused> {
        let earlier = match json.get("previous_response_id").and_then(Value::as_str) {
            Some(id) => {
                let known = self.known.iter().find(|(known, _)| known == id);
                known.map(|(_, items)| items.clone()).ok_or_else(|| unknown_response(id))?
            }
            None => Vec::new(),
        };
        if is_warm_up(json) {
            return Ok(self.warm_up(shared, json, earlier));
        }
        let fields = json.as_object().into_iter().flatten();
        let request: Map<String, Value> = fields
            .filter(|(name, _)| !ENVELOPE.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let (done, _) = self.respond(shared, state, call, &Value::Object(request), &earlier, manner)?;
        let mut events = Vec::new();
        if call.site == Site::ChatGpt
            && let Some(account) = state.accounts.get(self.index)
            && account.spec.quota_headers != QuotaHeaders::None
        {
            events.push(codex::limits_event(account, state.clock.now()));
        }
        let offset = events.len();
        let grammar = Grammar::Responses { id: done.id.clone(), model: done.model.clone() };
        events.extend(done.events);
        self.remember(done.id, done.items);
        Ok((events, offset, grammar))
    }

    fn respond(
        &self,
        shared: &Shared,
        state: &mut State,
        call: &Call,
        json: &Value,
        earlier: &[Value],
        manner: Manner,
    ) -> Result<(Done, Pairs), Refused> {
        match call.site {
            Site::ChatGpt => codex::respond(shared, state, self.index, json, earlier, manner),
            _ => openai::respond(shared, state, self.index, json, earlier, manner),
        }
    }

    /// `generate: false`: the prompt is taken in, nothing is said, nothing is counted.
    fn warm_up(&mut self, shared: &Shared, json: &Value, earlier: Vec<Value>) -> (Vec<Event>, usize, Grammar) {
        let id = shared.mint.id("resp_");
        let model = model_of(json).unwrap_or_default().to_owned();
        let response = |status: &str, usage: Value| {
            json!({
                "id": id, "object": "response", "status": status, "error": null, "incomplete_details": null,
                "model": model, "output": [], "usage": usage,
            })
        };
        let none = json!({
            "input_tokens": 0, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 0, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0,
        });
        let event = |at: usize, kind: &str, response: Value| {
            let data = json!({"type": kind, "sequence_number": at, "response": response});
            Event::named(Part::Handshake, kind, &data)
        };
        let events = vec![
            event(0, "response.created", response("in_progress", Value::Null)),
            event(1, "response.completed", response("completed", none)),
        ];
        let mut items = earlier;
        items.extend(json.get("input").and_then(Value::as_array).into_iter().flatten().cloned());
        let grammar = Grammar::Responses { id: id.clone(), model: model.clone() };
        self.remember(id, items);
        (events, 0, grammar)
    }

    fn remember(&mut self, id: String, items: Vec<Value>) {
        self.known.push_back((id, items));
        if self.known.len() > MEMORY {
            self.known.pop_front();
        }
    }
}

fn is_warm_up(json: &Value) -> bool {
    json.get("generate") == Some(&Value::Bool(false))
}

/// Comments of event streams have no place here.
fn is_frame(event: &Event) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(event.text()).is_ok()
}

impl Said {
    /// `{"type":"error","status":…,"error":{…},"headers":{…}}`
    fn refuse(&mut self, refused: &Refused) {
        self.progress.answered(refused.row.status);
        let error: Value = serde_json::from_str(&refused.error()).unwrap_or_default();
        let header = |(name, value): &(String, String)| {
            // As seen: shares are texts, lengths are numbers.
            let number = value.parse::<i64>().ok().filter(|_| name.ends_with("-window-minutes"));
            (name.clone(), number.map_or_else(|| Value::from(value.clone()), Value::from))
        };
        let headers: Map<String, Value> = refused.headers().iter().map(header).collect();
        let mut wrapped = json!({"type": "error", "status": refused.row.status, "error": error});
        if !headers.is_empty() {
            wrapped["headers"] = Value::Object(headers);
        }
        self.frames.push(Frame { text: wrapped.to_string(), content: false });
    }
}
