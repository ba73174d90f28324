//! Claude Code: `.credentials.json`, and who it is in `.claude.json`. On macOS the login is in the keychain, which only
//! Claude Code itself may open.

use remuda_core::{CredentialKind, UnixSeconds, Vendor};
use remuda_vendors::Profile;
use serde_json::Value;

use super::fields::{pair, text};
use super::file::{Trouble, json};
use super::found::{Found, Login, Source};
use super::place::{Place, Program};

pub(super) fn read(place: &Place, _now: UnixSeconds, found: &mut Found) -> Result<(), Trouble> {
    let who = match place.beside.first().map(|file| json(file)) {
        Some(Ok(Some(json))) => who(&json["oauthAccount"]),
        Some(Err(trouble)) => {
            found.troubles.push(trouble);
            Profile::default()
        }
        Some(Ok(None)) | None => Profile::default(),
    };
    let Some(file) = json(&place.file)? else {
        if cfg!(target_os = "macos") {
            let why = "Claude Code keeps its login in the macOS keychain, where only Claude Code may read it: log in with \
                       `remuda login anthropic`";
            found.remarks.push(why.to_owned());
        }
        return Ok(());
    };
    let oauth = &file["claudeAiOauth"];
    let Some(secret) = pair(oauth) else { return Ok(()) };
    let source = Source { program: Program::Claude, file: place.file.clone(), slot: String::new() };
    let mut login = Login::new(source, Vendor::Anthropic, CredentialKind::Subscription, secret);
    login.profile = Profile { plan: plan(oauth).or_else(|| who.plan.clone()), ..who };
    found.logins.push(login);
    Ok(())
}

fn who(account: &Value) -> Profile {
    Profile {
        person: text(account, &["accountUuid"]),
        organisation: text(account, &["organizationUuid"]),
        email: text(account, &["emailAddress"]),
        name: text(account, &["displayName"]),
        organisation_name: text(account, &["organizationName"]),
        plan: None,
    }
}

/// `max` and `default_claude_max_20x` make `Max 20x`.
fn plan(oauth: &Value) -> Option<String> {
    let kind = text(oauth, &["subscriptionType"])?;
    let tier = text(oauth, &["rateLimitTier"]).unwrap_or_default();
    let factor = tier.rsplit('_').next().filter(|last| last.ends_with('x') && last.len() > 1);
    let mut letters = kind.chars();
    let first = letters.next()?.to_uppercase().to_string() + letters.as_str();
    Some(factor.map_or_else(|| first.clone(), |factor| format!("{first} {factor}")))
}
