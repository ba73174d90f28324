//! `POST /oauth/revoke`: a refresh token takes its whole login with it. Codex asks in JSON, shared plans in a form.

use serde_json::{Value, json};

use super::{CLIENT_ID, malformed, required};
use crate::answer::Answer;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::state::State;

/// Revokes; a token that nobody knows is no error (RFC 7009, 2.2).
pub(crate) fn answer(state: &mut State, json: &Value) -> Result<Answer, Refused> {
    let token = required(json, "token")?;
    match required(json, "token_type_hint")? {
        "access_token" => {}
        "refresh_token" => {
            let client_id = required(json, "client_id")?;
            let own = state.grants.login_of(token).is_some_and(|login| login.client_id == client_id);
            if client_id != CLIENT_ID && !own {
                return Err(OpenAiRefusal::InvalidClient.into());
            }
        }
        _ => return Err(malformed("token_type_hint must be refresh_token or access_token").param("token_type_hint")),
    }
    state.grants.revoke_token(token);
    Ok(Answer::json(200, &json!({})))
}
