//! Files of earlier multi-account tools that hold a list of accounts: `multi-claude-code.json` and `codex-accounts.json` of
//! Pi, `multi-auth.json` of OpenCode.

use remuda_core::snapshot::Strategy;
use remuda_core::{CredentialKind, UnixSeconds, Vendor};
use serde_json::Value;

use super::codex::chatgpt;
use super::fields::{moment, pair, text};
use super::file::{Trouble, json};
use super::found::{Found, Login, Pool, Source};
use super::place::{Place, Program};

/// What is only told where ChatGPT accounts were rotated.
const NO_ROTATION: &str = "codex-accounts moved between ChatGPT plans by itself; that is not taken over, because OpenAI's \
    terms forbid rotating accounts to pass limits. Each account is there; a chain or pool is yours to write";

/// `{activeLabel?, accounts[] {label, accessToken, refreshToken, expiresAt, lastUsed, rateLimitedUntil, fallbackTo[]}}`
pub(super) fn multi_claude_code(place: &Place, now: UnixSeconds, found: &mut Found) -> Result<(), Trouble> {
    let Some(file) = json(&place.file)? else { return Ok(()) };
    let accounts = list(place, &file, found)?;
    let source =
        |label: &str| Source { program: Program::MultiClaudeCode, file: place.file.clone(), slot: label.to_owned() };
    for account in &accounts {
        let Some(label) = text(account, &["label"]) else {
            found.remarks.push("multi-claude-code holds an account without a label".to_owned());
            continue;
        };
        let Some(pair) = pair(account) else {
            found.remarks.push(format!("multi-claude-code's {label} is logged out"));
            continue;
        };
        let mut login = Login::new(source(&label), Vendor::Anthropic, CredentialKind::Subscription, pair);
        login.rests_until = rest(account, "rateLimitedUntil", now);
        login.label = Some(label.clone());
        found.logins.push(login);
        let targets = account["fallbackTo"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let targets: Vec<Source> =
            targets.map(|target| canonical(&accounts, target)).map(|label| source(&label)).collect();
        if !targets.is_empty() {
            found.wishes.chains.push((source(&label), targets));
        }
    }
    found.wishes.active = text(&file, &["activeLabel"]).map(|label| source(&canonical(&accounts, &label)));
    Ok(())
}

/// Labels are the same without regard to case; the account's own spelling names it.
fn canonical(accounts: &[Value], label: &str) -> String {
    let labels = accounts.iter().filter_map(|account| text(account, &["label"]));
    labels
        .into_iter()
        .find(|known| known.to_lowercase() == label.trim().to_lowercase())
        .unwrap_or_else(|| label.to_owned())
}

/// `{version, accounts[] {email, accessToken, refreshToken, expiresAt, accountId?, quotaExhaustedUntil?, needsReauth?}, activeEmail?}`
pub(super) fn codex_accounts(place: &Place, now: UnixSeconds, found: &mut Found) -> Result<(), Trouble> {
    let Some(file) = json(&place.file)? else { return Ok(()) };
    let source =
        |email: &str| Source { program: Program::CodexAccounts, file: place.file.clone(), slot: email.to_owned() };
    let before = found.logins.len();
    for account in &list(place, &file, found)? {
        let Some(email) = text(account, &["email", "label"]) else {
            found.remarks.push("codex-accounts holds an account without an address".to_owned());
            continue;
        };
        let Some(pair) = pair(account) else {
            found.remarks.push(format!("codex-accounts' {email} is logged out"));
            continue;
        };
        let mut login = chatgpt(source(&email), pair, account);
        login.rests_until = rest(account, "quotaExhaustedUntil", now);
        login.profile.email = login.profile.email.or_else(|| Some(email.clone()));
        login.label = Some(email);
        found.logins.push(login);
    }
    if found.logins.len() > before + 1 {
        found.remarks.push(NO_ROTATION.to_owned());
    }
    found.wishes.active = text(&file, &["activeEmail"]).map(|email| source(&email));
    Ok(())
}

/// `{type: "multi-oauth", accounts[] {id, label, access, refresh, expires, rateLimitedUntil, mode}, currentAccountIndex, autoFailover}`
pub(super) fn multi_auth(place: &Place, now: UnixSeconds, found: &mut Found) -> Result<(), Trouble> {
    let Some(file) = json(&place.file)? else { return Ok(()) };
    list(place, &file, found)?;
    multi_oauth(place, Program::MultiAuth, "", &file, now, found);
    Ok(())
}

/// The same list inside another file, under a prefix for its slots.
pub(super) fn multi_oauth(
    place: &Place,
    program: Program,
    prefix: &str,
    entry: &Value,
    now: UnixSeconds,
    found: &mut Found,
) {
    let mut sources = Vec::new();
    for (at, account) in entry["accounts"].as_array().into_iter().flatten().enumerate() {
        let id = text(account, &["id"]).unwrap_or_else(|| at.to_string());
        let source = Source { program, file: place.file.clone(), slot: format!("{prefix}{id}") };
        sources.push(source.clone());
        let label = text(account, &["label"]);
        let Some(pair) = pair(account) else {
            found.remarks.push(format!("{}'s {} is logged out", program.words(), label.unwrap_or(id)));
            continue;
        };
        let mut login = Login::new(source, Vendor::Anthropic, CredentialKind::Subscription, pair);
        login.label = label;
        login.rests_until = rest(account, "rateLimitedUntil", now);
        found.logins.push(login);
    }
    let current = entry["currentAccountIndex"].as_u64().and_then(|at| sources.get(usize::try_from(at).ok()?));
    found.wishes.active = current.cloned();
    if entry["autoFailover"].as_bool() == Some(true) && sources.len() > 1 {
        let pool = Pool { name: "opencode".to_owned(), members: sources, strategy: Strategy::Ordered };
        found.wishes.pools.push(pool);
    }
}

/// The accounts of a file. Bad ones are skipped by their readers; a list of the wrong type is a damaged file.
fn list(place: &Place, file: &Value, _found: &mut Found) -> Result<Vec<Value>, Trouble> {
    match &file["accounts"] {
        Value::Array(accounts) => Ok(accounts.clone()),
        Value::Null => Ok(Vec::new()),
        _ => Err(Trouble::new(&place.file, "it is damaged: its accounts are no list")),
    }
}

/// A rest that is not over.
pub(super) fn rest(account: &Value, name: &str, now: UnixSeconds) -> Option<UnixSeconds> {
    moment(account, &[name]).filter(|until| remuda_core::time::believable(*until, now))
}
