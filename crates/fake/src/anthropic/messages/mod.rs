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
use crate::config::Reply;
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
use compose::Output;
use prompt::Prompt;

/// An answer that has not been paid for yet.
pub(crate) struct Prepared<'a> {
    prompt: Prompt<'a>,
    output: Output,
    manner: Manner,
}

/// Checks the request, whosesoever model it is for, and makes up the answer.
pub(crate) fn prepare<'a>(
    json: &'a Value,
    replies: &[Reply],
    mint: &Mint,
    account: &Account,
    manner: Manner,
) -> Result<Prepared<'a>, Refused> {
    let prompt = Prompt::read(json)?;
    rules::check(&prompt, mint, &account.account_uuid)?;
    let blocks = compose::answer(&prompt, replies, mint, account, manner);
    let output = compose::cut(blocks, prompt.max_tokens);
    Ok(Prepared { prompt, output, manner })
}

impl Prepared<'_> {
    /// Tokens that a limit per minute counts: the prompt's and the answer's.
    pub(crate) fn tokens(&self) -> u64 {
        self.prompt.tokens().0 + self.output.tokens
    }

    /// The answer, accounted for.
    pub(crate) fn finish(self, account: &mut Account, mint: &Mint, least_tokens: u64, now_ms: i64) -> Answer {
        let Self { prompt, output, manner } = self;
        let usage = account.cache.account_for(&prompt, least_tokens, now_ms);
        let message = message::Message::new(mint.id("msg_"), prompt.model, output, usage);
        if prompt.stream {
            let mut events = stream::events(&message);
            if manner.novelties {
                events = novelty::among(events);
            }
            Answer::stream(events, Grammar::Messages)
        } else if manner.novelties {
            Answer::json(200, &novelty::within(&message))
        } else {
            Answer::json(200, &message)
        }
    }
}

/// Answers one message, or refuses.
pub(crate) fn create(
    shared: &Shared,
    state: &mut State,
    index: AccountIndex,
    json: &Value,
    manner: Manner,
) -> Result<Answer, Refused> {
    let (now, now_ms) = (state.clock.now(), state.clock.now_ms());
    let State { accounts, replies, .. } = state;
    let Some(account) = accounts.get_mut(index) else { return Err(Refusal::ApiError.into()) };
    known_model(json)?;
    let prepared = prepare(json, replies, &shared.mint, account, manner)?;
    let organization = ("anthropic-organization-id".to_owned(), account.organization_uuid.clone());
    let (input, _) = prepared.prompt.tokens();
    let quota = admit(account, &prepared.prompt, input, prepared.output.tokens, (now, now_ms))
        .map_err(|refused| refused.with(vec![organization.clone()]))?;
    let answer = prepared.finish(account, &shared.mint, shared.config.cache_min_tokens, now_ms);
    Ok(answer.with(vec![organization]).with(quota))
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
    known_model(&json)?;
    let prompt = Prompt::read(&json)?;
    rules::check(&prompt, &shared.mint, &account.account_uuid)?;
    let (total, _) = prompt.tokens();
    Ok(Answer::text(200, "application/json", format!(r#"{{"input_tokens":{total}}}"#)))
}

/// The vendor looks whether there is such a model before anything else, unless the field is wrong altogether.
fn known_model(json: &Value) -> Result<(), Refused> {
    match json.get("model").and_then(Value::as_str) {
        Some(model) if !models::exists(model) => {
            Err(Refused::saying(Refusal::ModelNotFound, format!("model: {model}")))
        }
        _ => Ok(()),
    }
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
