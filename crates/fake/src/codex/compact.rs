//! `POST …/responses/compact`: the conversation so far, packed into one encrypted item.

use serde_json::{Value, json};

use super::{detail, models, quota};
use crate::answer::Answer;
use crate::grants::AccountIndex;
use crate::manner::Manner;
use crate::openai::responses::prompt::text;
use crate::openai::responses::{Kitchen, encrypt, prepare};
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::state::State;
use crate::vendor::Shared;

/// The words of the person stay, everything else is packed.
pub(crate) fn answer(shared: &Shared, state: &mut State, index: AccountIndex, json: &Value) -> Result<Answer, Refused> {
    let now = state.clock.now();
    let Some(account) = state.accounts.get_mut(index) else { return Err(OpenAiRefusal::ServerError.into()) };
    let organization = account.organization_uuid.clone();
    if !models::exists(text(json, "model")) {
        return Err(detail(format!(
            "The '{}' model is not supported when using Codex with a ChatGPT account.",
            text(json, "model")
        )));
    }
    if !json.get("input").is_some_and(Value::is_array) {
        return Err(detail("Input must be a list"));
    }
    let manner = Manner::default();
    let kitchen = Kitchen { mint: &shared.mint, replies: &[], organization: &organization, reasons: true, manner };
    let prepared = prepare(json, &[], &kitchen)?;
    let headers = quota::admit(account, prepared.prompt.model, now)?;
    let said = prepared.prompt.items.iter().filter(|item| text(item, "role") == "user");
    let mut output: Vec<Value> = said.map(|item| item.as_ref().clone()).collect();
    let encrypted = encrypt(&shared.mint, &organization, "compaction");
    output.push(json!({"id": shared.mint.id("cmp_"), "type": "compaction", "encrypted_content": encrypted}));
    let input = prepared.input_tokens();
    let body = json!({
        "id": shared.mint.id("resp_"),
        "object": "response.compaction",
        "created_at": now,
        "output": output,
        "usage": {
            "input_tokens": input, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 64, "output_tokens_details": {"reasoning_tokens": 64}, "total_tokens": input + 64,
        },
    });
    Ok(Answer::json(200, &body).with(headers))
}
