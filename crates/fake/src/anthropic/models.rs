//! The models that exist here, and `GET /v1/models`.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::refused::Refused;

/// Id, display name, created. Newest first, as the vendor lists them; state of November 2026.
const MODELS: &[(&str, &str, &str)] = &[
    ("claude-opus-5-5", "Claude Opus 5.5", "2026-10-01T00:00:00Z"),
    ("claude-fable-5", "Claude Fable 5", "2026-09-01T00:00:00Z"),
    ("claude-opus-5", "Claude Opus 5", "2026-08-01T00:00:00Z"),
    ("claude-sonnet-5", "Claude Sonnet 5", "2026-07-01T00:00:00Z"),
    ("claude-opus-4-6", "Claude Opus 4.6", "2026-02-04T00:00:00Z"),
    ("claude-sonnet-4-6", "Claude Sonnet 4.6", "2026-02-04T00:00:00Z"),
    ("claude-opus-4-5-20251101", "Claude Opus 4.5", "2025-11-24T00:00:00Z"),
    ("claude-haiku-4-5-20251001", "Claude Haiku 4.5", "2025-10-15T00:00:00Z"),
    ("claude-sonnet-4-5-20250929", "Claude Sonnet 4.5", "2025-09-29T00:00:00Z"),
];

/// Undated names of dated models.
const ALIASES: &[(&str, &str)] = &[
    ("claude-opus-4-5", "claude-opus-4-5-20251101"),
    ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
    ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
];

fn position(id: &str) -> Option<usize> {
    let id = ALIASES.iter().find(|(alias, _)| *alias == id).map_or(id, |(_, dated)| *dated);
    MODELS.iter().position(|(known, _, _)| *known == id)
}

pub(crate) fn exists(id: &str) -> bool {
    position(id).is_some()
}

fn entry((id, display_name, created_at): &(&str, &str, &str)) -> Value {
    json!({"type": "model", "id": id, "display_name": display_name, "created_at": created_at})
}

/// `/v1/models/{id}`
pub(crate) fn one(id: &str) -> Result<Answer, Refused> {
    let model = position(id).and_then(|at| MODELS.get(at));
    let model = model.ok_or_else(|| Refused::saying(Refusal::ModelNotFound, format!("model: {id}")))?;
    Ok(Answer::json(200, &entry(model)))
}

/// `/v1/models?limit&after_id&before_id`
pub(crate) fn list(query: &[(String, String)]) -> Result<Answer, Refused> {
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let limit = match value("limit").map(str::parse::<usize>) {
        None => 20,
        Some(Ok(limit @ 1..=1000)) => limit,
        Some(_) => return Err(Refused::invalid("limit: Input should be between 1 and 1000")),
    };
    let known = |id: &str| position(id).ok_or_else(|| Refused::invalid(format!("Unknown model id in cursor: {id}")));
    let from = value("after_id").map(known).transpose()?.map_or(0, |at| at + 1);
    let to = value("before_id").map(known).transpose()?.unwrap_or(MODELS.len()).max(from);
    let range = MODELS.get(from..to).unwrap_or_default();
    let page = &range[..limit.min(range.len())];
    let id = |model: Option<&(&str, &str, &str)>| model.map_or(Value::Null, |(id, _, _)| Value::from(*id));
    Ok(Answer::json(
        200,
        &json!({
            "data": page.iter().map(entry).collect::<Vec<_>>(),
            "first_id": id(page.first()),
            "last_id": id(page.last()),
            "has_more": page.len() < range.len(),
        }),
    ))
}
