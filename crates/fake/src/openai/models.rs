//! The models behind API keys, and `GET /v1/models`.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;

/// A model as far as rules depend on it.
pub(crate) struct Model {
    pub(crate) id: &'static str,
    /// Reasons: takes `reasoning`, refuses `max_tokens` and sampling parameters.
    pub(crate) reasons: bool,
    created: i64,
}

const fn model(id: &'static str, reasons: bool, created: i64) -> Model {
    Model { id, reasons, created }
}

/// State of November 2026: those that Codex 0.169 and other agents of the time know.
const MODELS: &[Model] = &[
    model("gpt-6.1-sol", true, 1_794_000_000),
    model("gpt-6.1-terra", true, 1_794_000_000),
    model("gpt-6-astra", true, 1_792_000_000),
    model("gpt-6-sol", true, 1_792_000_000),
    model("gpt-6-luna", true, 1_792_000_000),
    model("gpt-5.6-sol", true, 1_789_000_000),
    model("gpt-5.6-terra", true, 1_789_000_000),
    model("gpt-5.6-luna", true, 1_789_000_000),
    model("gpt-5.5", true, 1_786_000_000),
    model("gpt-5.4", true, 1_780_000_000),
    model("gpt-5.4-mini", true, 1_780_000_000),
    model("gpt-5.4-nano", true, 1_780_000_000),
    model("gpt-5", true, 1_754_425_777),
    model("gpt-5-mini", true, 1_754_425_777),
    model("gpt-4.1", false, 1_744_316_542),
    model("gpt-4.1-mini", false, 1_744_318_173),
    model("gpt-4o", false, 1_715_367_049),
];

/// The model of this id, or the vendor's 404.
pub(crate) fn find(id: &str) -> Result<&'static Model, Refused> {
    MODELS.iter().find(|model| model.id == id).ok_or_else(|| {
        Refused::saying(
            OpenAiRefusal::ModelNotFound,
            format!("The model `{id}` does not exist or you do not have access to it."),
        )
    })
}

fn entry(model: &Model) -> Value {
    json!({"id": model.id, "object": "model", "created": model.created, "owned_by": "system"})
}

/// `/v1/models`
pub(crate) fn list() -> Answer {
    Answer::json(200, &json!({"object": "list", "data": MODELS.iter().map(entry).collect::<Vec<_>>()}))
}

/// `/v1/models/{id}`
pub(crate) fn one(id: &str) -> Result<Answer, Refused> {
    find(id).map(|model| Answer::json(200, &entry(model)))
}
