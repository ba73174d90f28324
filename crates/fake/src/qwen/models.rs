//! The models of Alibaba's offers. Names are exact, and each plan has a list of its own.

use serde_json::{Value, json};

use super::row;
use crate::answer::Answer;
use crate::incoming::Call;
use crate::openai::responses::prompt::text;
use crate::refusal::QwenRefusal;
use crate::refused::Refused;
use crate::site::QwenPlan;

/// A model as far as rules depend on it.
pub(crate) struct Model {
    pub(crate) id: &'static str,
    /// Thinks unless told not to, and then answers in streams only.
    pub(crate) thinks: bool,
    /// Answers in streams only.
    pub(crate) stream_only: bool,
    plans: &'static [QwenPlan],
}

const ALL: &[QwenPlan] = &[QwenPlan::PayAsYouGo, QwenPlan::Coding, QwenPlan::Token];
const BY_USE: &[QwenPlan] = &[QwenPlan::PayAsYouGo];
const PLANS: &[QwenPlan] = &[QwenPlan::Coding, QwenPlan::Token];

const fn model(id: &'static str, thinks: bool, stream_only: bool, plans: &'static [QwenPlan]) -> Model {
    Model { id, thinks, stream_only, plans }
}

/// State of November 2026: those that Qwen Code 0.24 knows, and two of other makers.
const MODELS: &[Model] = &[
    model("qwen3.8-max", true, false, ALL),
    model("qwen3.8-flash", true, false, ALL),
    model("qwen3.7-plus", true, false, ALL),
    model("qwen3.7-max", true, false, ALL),
    model("qwen3.6-plus", true, false, ALL),
    model("qwen3.6-flash", true, false, BY_USE),
    model("qwen3.5-plus", true, false, ALL),
    model("qwen3-coder-plus", false, false, ALL),
    model("qwen3-max", false, false, ALL),
    model("qwen3-coder-flash", false, false, BY_USE),
    model("qwen3-coder-next", false, false, PLANS),
    model("qwen-plus", false, false, BY_USE),
    model("qwq-plus", true, true, BY_USE),
    model("glm-5", false, false, PLANS),
    model("kimi-k2.5", false, false, PLANS),
];

/// The model that a body names, or the vendor's 404.
pub(crate) fn find(call: &Call, json: &Value, plan: QwenPlan) -> Result<&'static Model, Refused> {
    let id = text(json, "model");
    if id.is_empty() {
        return Err(row(call, QwenRefusal::InvalidParameter).words("you must provide a model parameter"));
    }
    let known = MODELS.iter().find(|model| model.id == id && model.plans.contains(&plan));
    known.ok_or_else(|| match plan {
        QwenPlan::PayAsYouGo => row(call, QwenRefusal::ModelNotFound)
            .words(format!("The model `{id}` does not exist or you do not have access to it.")),
        QwenPlan::Coding | QwenPlan::Token => {
            row(call, QwenRefusal::ModelNotInPlan).words(format!("model '{id}' is not supported"))
        }
    })
}

/// `GET …/models`
pub(crate) fn list(plan: QwenPlan) -> Answer {
    let models = MODELS.iter().filter(|model| model.plans.contains(&plan));
    let entry =
        |model: &Model| json!({"id": model.id, "object": "model", "created": 1_780_000_000, "owned_by": "system"});
    Answer::json(200, &json!({"object": "list", "data": models.map(entry).collect::<Vec<_>>()}))
}
