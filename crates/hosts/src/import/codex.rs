//! Codex: `auth.json`, a ChatGPT login or an API key.

use remuda_core::{CredentialKind, UnixSeconds, Vendor};
use remuda_vendors::openai::claims;
use serde_json::Value;

use super::fields::{moment, pair, secret, text};
use super::file::{Trouble, json, text as file_text};
use super::found::{Found, Login, Secret, Source};
use super::place::{Place, Program};

pub(super) fn read(place: &Place, _now: UnixSeconds, found: &mut Found) -> Result<(), Trouble> {
    let Some(file) = json(&place.file)? else {
        let settings = place.beside.first().map(|file| file_text(file)).transpose()?.flatten().unwrap_or_default();
        if settings
            .lines()
            .any(|line| line.trim_start().starts_with("cli_auth_credentials_store") && line.contains("keyring"))
        {
            found.remarks.push(
                "Codex keeps its login in the system's keyring (cli_auth_credentials_store), which is not read: log in with \
                 `remuda login openai`"
                    .to_owned(),
            );
        }
        return Ok(());
    };
    let source = Source { program: Program::Codex, file: place.file.clone(), slot: String::new() };
    let tokens = &file["tokens"];
    if let Some(mut pair) = pair(tokens) {
        if let Secret::Pair { last_refresh_at, .. } = &mut pair {
            *last_refresh_at = moment(&file, &["last_refresh"]);
        }
        found.logins.push(chatgpt(source, pair, tokens));
    } else if let Some(key) = secret(&file, &["OPENAI_API_KEY"]) {
        found.logins.push(Login::new(source, Vendor::OpenAi, CredentialKind::ApiKey, Secret::Key(key)));
    } else if let Some(mode) = text(&file, &["auth_mode"]).filter(|mode| !matches!(&**mode, "chatgpt" | "apikey")) {
        found.remarks.push(format!("Codex is logged in as {mode}, which cannot be used by another program"));
    }
    Ok(())
}

/// A ChatGPT login with what its tokens say of it.
pub(super) fn chatgpt(source: Source, pair: Secret, fields: &Value) -> Login {
    let mut login = Login::new(source, Vendor::OpenAi, CredentialKind::Subscription, pair);
    if let Secret::Pair { access, .. } = &login.secret {
        login.profile = claims::profile(secret(fields, &["id_token", "idToken"]).as_ref(), access);
    }
    if login.profile.organisation.is_none() {
        login.profile.organisation = text(fields, &["account_id", "accountId"]);
    }
    login
}
