//! `provider-failover.json` of Pi with its state: rotation between the slots of Pi's `auth.json`. It holds no logins of its
//! own; what it wished for them is put on those that Pi's file brought.

use std::collections::BTreeMap;

use remuda_core::snapshot::Strategy;
use remuda_core::time::believable;
use remuda_core::{Class, UnixSeconds, Vendor};
use serde_json::Value;

use super::fields::read_moment;
use super::file::{Trouble, json};
use super::found::{Found, Pool, Row, Source};
use super::place::Place;
use super::slot::numbered;

/// Lists of patterns of the person's own, and what they mean.
const PATTERNS: &[(&str, Class)] = &[
    ("ignoreErrorPatterns", Class::RequestFault),
    ("authErrorPatterns", Class::CredentialStale),
    ("limitErrorPatterns", Class::WindowExhausted),
    ("modelErrorPatterns", Class::ModelExhausted),
    ("transientErrorPatterns", Class::Transient),
];

/// Preferences without a counterpart, which are told if they were set.
const NOT_KEPT: &[&str] = &[
    "cooldownMs",
    "transientCooldownMs",
    "maxAutoContinuesPerPrompt",
    "continuationPrompt",
    "preferredModels",
    "preferLatestModel",
    "reasoningLevel",
    "resumeIdleTimeoutMs",
    "stuckWatchdogMs",
    "neverFailoverProviders",
];

pub(super) fn read(place: &Place, now: UnixSeconds, found: &mut Found) -> Result<(), Trouble> {
    let [settings, state] = [0, 1].map(|at| place.beside.get(at));
    let Some(settings) = settings.map(|file| json(file)).transpose()?.flatten() else { return Ok(()) };
    order(&settings, found);
    if settings["enabled"].as_bool() != Some(false) {
        rotation(&settings, found);
    }
    patterns(&settings, found);
    for name in NOT_KEPT.iter().filter(|name| settings.get(name).is_some_and(|value| *value != Value::Null)) {
        found.remarks.push(format!("provider-failover's {name} is not taken over"));
    }
    match state.map(|file| json(file)).transpose() {
        Ok(Some(Some(state))) => rests(&state, now, found),
        Ok(_) => {}
        Err(trouble) => found.troubles.push(trouble),
    }
    Ok(())
}

/// The person's order of families, then the number of the slot.
fn order(settings: &Value, found: &mut Found) {
    let families: Vec<&str> = texts(&settings["providerOrder"]).collect();
    if !families.is_empty() {
        found.logins.sort_by_key(|login| {
            let (base, number) = numbered(&login.source.slot);
            let family = families.iter().position(|known| *known == base || *known == login.vendor.as_str());
            (family.unwrap_or(families.len()), number)
        });
    }
}

/// Slots of one vendor between which the extension moved.
fn rotation(settings: &Value, found: &mut Found) {
    let named: Vec<&str> = texts(&settings["fallbacks"]).map(|name| name.split('/').next().unwrap_or(name)).collect();
    let only_named = settings["autoDiscover"].as_bool() == Some(false) && !named.is_empty();
    let mut by_vendor: BTreeMap<Vendor, Vec<Source>> = BTreeMap::new();
    for login in found.logins.iter().filter(|login| !only_named || named.contains(&&*login.source.slot)) {
        by_vendor.entry(login.vendor).or_default().push(login.source.clone());
    }
    if by_vendor.len() > 1 {
        found.remarks.push(
            "provider-failover moved between vendors by itself; that is not taken over: a chain names the model for the \
             other vendor"
                .to_owned(),
        );
    }
    for (vendor, members) in by_vendor.into_iter().filter(|(_, members)| members.len() > 1) {
        if vendor == Vendor::OpenAi {
            found.remarks.push(
                "provider-failover moved between ChatGPT plans by itself; that is not taken over, because OpenAI's terms \
                 forbid rotating accounts to pass limits"
                    .to_owned(),
            );
            continue;
        }
        found.wishes.pools.push(Pool { name: format!("pi {vendor}"), members, strategy: Strategy::Ordered });
    }
}

/// Phrases of the person's own become rows; what is a pattern or a single word does not.
fn patterns(settings: &Value, found: &mut Found) {
    for (name, verdict) in PATTERNS {
        let mut left_out = 0;
        for pattern in texts(&settings[name]) {
            let plain = pattern.split_whitespace().count() > 1
                && !pattern.contains(['\\', '*', '^', '$', '(', '[', '|', '?', '+']);
            if plain {
                let phrase = Some(pattern.to_lowercase());
                found.wishes.rows.push(Row { vendor: None, status: None, phrase, verdict: *verdict });
            } else {
                left_out += 1;
            }
        }
        if left_out > 0 {
            found.remarks.push(format!(
                "{left_out} of provider-failover's {name} are single words or patterns and are not taken over: they would \
                 be found in texts that mean something else (docs/configuration.md, refusals)"
            ));
        }
    }
}

fn rests(state: &Value, now: UnixSeconds, found: &mut Found) {
    let until = |value: &Value| read_moment(value).filter(|until| believable(*until, now));
    let models = &state["exhaustedUntilByModel"];
    for login in &mut found.logins {
        let slot = login.source.slot.as_str();
        login.rests_until = until(&state["exhaustedUntilByProvider"][slot]).or(login.rests_until);
        // `slot/model`, or the models of a slot in an object of their own.
        let nested = models[slot].as_object().into_iter().flatten().map(|(model, at)| (model.as_str(), at));
        let flat = models.as_object().into_iter().flatten();
        let flat = flat.filter_map(|(name, at)| Some((name.strip_prefix(slot)?.strip_prefix('/')?, at)));
        let all: Vec<_> = nested.chain(flat).filter_map(|(model, at)| Some((model.to_owned(), until(at)?))).collect();
        login.models_rest.extend(all);
    }
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}
