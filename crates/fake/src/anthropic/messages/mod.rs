//! `POST /v1/messages` and `count_tokens`: validation, quota, cache accounting, the answer.

mod cache;
mod compose;
mod message;
mod novelty;
mod prompt;
mod rules;
mod stream;

pub(crate) use cache::Cache;
pub(crate) use stream::ping;

use serde_json::Value;

use crate::answer::Answer;
use crate::anthropic::models;
use crate::grammar::Grammar;
use crate::grants::AccountIndex;
use crate::manner::Manner;
use crate::mint::Mint;
use crate::quota::buckets::Limit;
use crate::quota::headers::{self, Pairs};
use crate::refusal::Refusal;
use crate::refused::Refused;
use crate::state::{Account, State};
use crate::vendor::Shared;
use prompt::Prompt;

/// Answers one message, or refuses.
pub(crate) fn create(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    json: &Value,
    manner: Manner,
) -> Result<Answer, Refused> {
    let (now, now_ms) = (state.clock.now(), state.clock.now_ms());
    let Some(account) = state.accounts.get_mut(index) else { return Err(Refusal::ApiError.into()) };
    let prompt = read(json, &shared.mint, account)?;
    let blocks = compose::answer(&prompt, &state.replies, &shared.mint, account, manner);
    let output = compose::cut(blocks, prompt.max_tokens);
    let (total, _) = prompt.tokens();
    let quota = admit(account, &prompt, total, output.tokens, (now, now_ms)).map_err(|refused| {
        refused.with(vec![("anthropic-organization-id".to_owned(), account.organization_uuid.clone())])
    })?;
    let usage = account.cache.account_for(&prompt, shared.config.cache_min_tokens, now_ms);
    let message = message::Message::new(shared.mint.id("msg_"), prompt.model, output, usage);
    let answer = if prompt.stream {
        let mut events = stream::events(&message);
        if manner.novelties {
            events = novelty::among(events);
        }
        Answer::stream(events, Grammar::Messages)
    } else if manner.novelties {
        Answer::json(200, &novelty::within(&message))
    } else {
        Answer::json(200, &message)
    };
    Ok(answer.header("anthropic-organization-id", account.organization_uuid.clone()).with(quota))
}

/// Counts, or refuses. Takes no quota.
pub(crate) fn count_tokens(
    shared: &Shared,
    state: &State,
    index: AccountIndex,
    json: &Value,
) -> Result<Answer, Refused> {
    let Some(account) = state.accounts.get(index) else { return Err(Refusal::ApiError.into()) };
    // `max_tokens` is no parameter of this endpoint.
    let mut json = json.clone();
    if let Value::Object(fields) = &mut json {
        fields.insert("max_tokens".to_owned(), Value::from(1));
    }
    let prompt = read(&json, &shared.mint, account)?;
    let (total, _) = prompt.tokens();
    Ok(Answer::text(200, "application/json", format!(r#"{{"input_tokens":{total}}}"#)))
}

fn read<'a>(json: &'a Value, mint: &Mint, account: &Account) -> Result<Prompt<'a>, Refused> {
    let prompt = Prompt::read(json)?;
    if !models::exists(prompt.model) {
        return Err(Refused::saying(Refusal::ModelNotFound, format!("model: {}", prompt.model)));
    }
    rules::check(&prompt, mint, &account.account_uuid)?;
    Ok(prompt)
}

/// The quota gate: takes what the request costs and gives the headers of its answer.
fn admit(
    account: &mut Account,
    prompt: &Prompt<'_>,
    input: u64,
    output: u64,
    (now, now_ms): (i64, i64),
) -> Result<Pairs, Refused> {
    if account.is_metered() {
        let refused = account.minute.admit(input, output, now_ms);
        let pairs = headers::per_minute(&account.minute);
        return match refused {
            Ok(()) => Ok(pairs),
            Err((limit, wait)) => {
                let refusal = match limit {
                    Limit::Requests => Refusal::RequestsPerMinute,
                    Limit::InputTokens => Refusal::InputTokensPerMinute,
                    Limit::OutputTokens => Refusal::OutputTokensPerMinute,
                };
                let retry_after = ("retry-after".to_owned(), wait.ceil().to_string());
                Err(Refused::from(refusal).with(pairs).with(vec![retry_after]))
            }
        };
    }
    account.windows.roll(now);
    let style = account.spec.quota_headers;
    if account.windows.spent_for(prompt.model) {
        let pairs = headers::unified(&account.windows, style, prompt.model, true, now);
        return Err(Refused::from(Refusal::RateLimit).with(pairs));
    }
    account.windows.charge(&account.spec.cost, prompt.model, now);
    Ok(headers::unified(&account.windows, style, prompt.model, false, now))
}
