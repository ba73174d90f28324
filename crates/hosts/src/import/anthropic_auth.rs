//! `anthropic-auth.json` of OpenCode and Pi (settings and, in former times, tokens) with `anthropic-auth-state.json`
//! (tokens). Its first account is the agent's own login and stands in the agent's file; the others stand in for it.

use std::collections::BTreeMap;

use remuda_core::{Class, CredentialKind, Host, UnixSeconds, Vendor, Window};
use serde_json::Value;

use super::fields::{moment, pair, percents, secret, text};
use super::file::{Trouble, json};
use super::found::{Found, Login, Reserves, Row, Secret, Source};
use super::labelled::rest;
use super::place::{Place, Program};

/// Where API keys of this tool go if nothing else is said.
const DEFAULT_BASE: &str = "https://api.kie.ai/claude";
/// What its fallback statuses mean here anyway: a stale login, a refusal of the account, a limit.
const KNOWN_STATUSES: [u64; 3] = [401, 403, 429];

/// Settings that have no counterpart, by their path, if they are on.
const NOT_KEPT: &[(&str, &str)] = &[
    ("/claudeCache/enabled", "prompt cache (claudeCache)"),
    ("/cacheKeep/enabled", "keeping the cache warm (cacheKeep)"),
    ("/prime/enabled", "priming of windows (prime)"),
    ("/dump/enabled", "dumps of requests (dump)"),
    ("/relay/enabled", "relay"),
    ("/claudeFast/enabled", "fast mode (claudeFast)"),
];

pub(super) fn read(place: &Place, now: UnixSeconds, found: &mut Found) -> Result<(), Trouble> {
    let Some(settings) = json(&place.file)? else { return Ok(()) };
    let state = match place.beside.first().map(|file| json(file)).transpose() {
        Ok(state) => state.flatten().unwrap_or_default(),
        Err(trouble) => {
            found.troubles.push(trouble);
            Value::Null
        }
    };
    let main = main(place);
    let source = |id: &str| Source { program: Program::AnthropicAuth, file: place.file.clone(), slot: id.to_owned() };
    let minimum = percents(&settings["quota"]["minimumRemaining"]);
    let mut stand_ins = Vec::new();
    let accounts = settings["accounts"].as_array().cloned().unwrap_or_default();
    for account in &accounts {
        let Some(id) = text(account, &["id"]) else {
            found.remarks.push("anthropic-auth holds an account without an id".to_owned());
            continue;
        };
        let label = text(account, &["label"]);
        let tokens = &state["accounts"][&id];
        let login = match secret(account, &["apiKey"]) {
            Some(key) => {
                let mut login = Login::new(source(&id), Vendor::Anthropic, CredentialKind::ApiKey, Secret::Key(key));
                login.base_url = text(account, &["baseURL", "baseUrl"]).or_else(|| Some(DEFAULT_BASE.to_owned()));
                login.x_api_key = Some(text(account, &["authHeader"]).as_deref() == Some("x-api-key"));
                login
            }
            None => match newer(account, tokens) {
                Some(pair) => Login::new(source(&id), Vendor::Anthropic, CredentialKind::Subscription, pair),
                None => {
                    found.remarks.push(format!("anthropic-auth's {} is logged out", label.unwrap_or(id)));
                    continue;
                }
            },
        };
        let off = account["enabled"].as_bool() == Some(false);
        let rests_until = rest(tokens, "rateLimitedUntil", now);
        let own = percents(&account["minimumRemaining"]);
        let min_remaining = if own.is_empty() { minimum.clone() } else { own };
        if !off {
            stand_ins.push(source(&id));
        }
        found.logins.push(Login { label, off, rests_until, min_remaining, ..login });
    }
    if !stand_ins.is_empty() {
        found.wishes.chains.push((main.clone(), stand_ins));
    }
    found.wishes.active = Some(main.clone());
    if !minimum.is_empty() {
        found.wishes.minimums.push((main.clone(), minimum));
        found.wishes.unknown_quota_open =
            settings.pointer("/quota/failClosedOnUnknownQuota").map(|v| v == &Value::Bool(false));
    }
    kill_switch(place, &settings["killswitch"], &main, found);
    statuses(&settings["fallbackOn"], found);
    not_kept(&settings, found);
    Ok(())
}

/// The login that comes first: the agent's own.
fn main(place: &Place) -> Source {
    let (program, file) = match place.host {
        Host::Pi => (Program::Pi, place.file.with_file_name("auth.json")),
        // Found by its program and slot: OpenCode's own file stands elsewhere.
        _ => (Program::OpenCode, std::path::PathBuf::new()),
    };
    Source { program, file, slot: "anthropic".to_owned() }
}

/// Tokens in the settings are of former times, and count only if they are newer.
fn newer(account: &Value, state: &Value) -> Option<Secret> {
    let age = |value: &Value| moment(value, &["expires", "expiresAt", "expires_at"]).unwrap_or_default();
    match (pair(account), pair(state)) {
        (Some(old), Some(new)) => Some(if age(account) > age(state) { old } else { new }),
        (one, other) => one.or(other),
    }
}

fn kill_switch(place: &Place, switch: &Value, main: &Source, found: &mut Found) {
    if switch["enabled"].as_bool() != Some(true) {
        return;
    }
    let mut everyone = percents(switch);
    let mut accounts: BTreeMap<Source, BTreeMap<Window, f64>> = BTreeMap::new();
    let by_account = ["thresholds", "accounts"].iter().filter_map(|name| switch.get(name)?.as_object()).flatten();
    for (name, thresholds) in by_account {
        let read = percents(thresholds);
        if thresholds.get("scoped").and_then(Value::as_f64).is_some_and(|percent| percent > 0.0) {
            found.remarks.push(format!(
                "the kill switch of {name} for single models names no model; set it by hand (docs/quota.md)"
            ));
        }
        match name.as_str() {
            "all" | "*" => everyone.extend(read),
            "main" => drop(accounts.insert(main.clone(), read)),
            id => {
                let source = Source { program: Program::AnthropicAuth, file: place.file.clone(), slot: id.to_owned() };
                accounts.insert(source, read);
            }
        }
    }
    if everyone.is_empty() && accounts.is_empty() {
        // Its own defaults (percent left): five hours 5, week 10.
        everyone = BTreeMap::from([(Window::FiveHour, 5.0), (Window::SevenDay, 10.0)]);
    }
    found.wishes.kill_switch = Some(Reserves { everyone, accounts });
}

/// Statuses beyond those by which Remuda moves on anyway become rows of the person's own.
fn statuses(list: &Value, found: &mut Found) {
    for status in list.as_array().into_iter().flatten().filter_map(Value::as_u64) {
        let Ok(known) = u16::try_from(status) else { continue };
        if !KNOWN_STATUSES.contains(&status) && (400..600).contains(&known) {
            let vendor = Some(Vendor::Anthropic);
            found.wishes.rows.push(Row { vendor, status: Some(known), phrase: None, verdict: Class::Transient });
        }
    }
}

fn not_kept(settings: &Value, found: &mut Found) {
    for (path, words) in NOT_KEPT {
        if settings.pointer(path).and_then(Value::as_bool) == Some(true) {
            found.remarks.push(format!("anthropic-auth's setting is not taken over: {words}"));
        }
    }
    if let Some(mode) = text(&settings["routing"], &["mode"]).filter(|mode| mode != "main-first") {
        found.remarks.push(format!(
            "anthropic-auth's routing mode {mode} is not taken over (main-first is): a pool with a strategy does the like, \
             `remuda pool create`"
        ));
    }
}
