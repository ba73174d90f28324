//! Qwen Code: keys in `settings.json` (`env`) and `.env`. Its own login has ended and is only recognised.

use remuda_core::{CredentialKind, UnixSeconds, Vendor};
use secrecy::SecretString;

use super::fields::{pair, text};
use super::file::{Trouble, json, text as file_text};
use super::found::{Found, Login, Secret, Source};
use super::place::{Place, Program};

/// Variables that hold a key of Alibaba's, and what kind of key they are for.
const KEYS: &[(&str, CredentialKind)] = &[
    ("BAILIAN_CODING_PLAN_API_KEY", CredentialKind::PlanKey),
    ("BAILIAN_TOKEN_PLAN_API_KEY", CredentialKind::PlanKey),
    ("QWEN_TOKEN_PLAN_API_KEY", CredentialKind::PlanKey),
    ("DASHSCOPE_API_KEY", CredentialKind::ApiKey),
];

pub(super) fn read(place: &Place, _now: UnixSeconds, found: &mut Found) -> Result<(), Trouble> {
    for file in &place.beside {
        match file.file_name().and_then(|name| name.to_str()) {
            Some("oauth_creds.json") => match json(file) {
                Ok(Some(login)) if pair(&login).is_some() => found.remarks.push(
                    "Qwen Code's login (oauth_creds.json) is of the free Qwen login, which ended on 2026-04-15: nothing was \
                     taken. Get a key of Alibaba Cloud Model Studio, then `remuda login qwen`"
                        .to_owned(),
                ),
                Ok(_) => {}
                Err(trouble) => found.troubles.push(trouble),
            },
            _ => match file_text(file) {
                Ok(text) => {
                    for line in text.unwrap_or_default().lines() {
                        let line = line.trim();
                        let line = line.strip_prefix("export ").unwrap_or(line);
                        if let Some((name, value)) = line.split_once('=') {
                            let value = value.trim().trim_matches(['"', '\'']);
                            key(place, file.clone(), name.trim(), value, found);
                        }
                    }
                }
                Err(trouble) => found.troubles.push(trouble),
            },
        }
    }
    let Some(settings) = json(&place.file)? else { return Ok(()) };
    for (name, value) in settings["env"].as_object().into_iter().flatten() {
        key(place, place.file.clone(), name, value.as_str().unwrap_or_default(), found);
    }
    let base = text(&settings["security"]["auth"], &["baseUrl"]);
    let written = settings.pointer("/security/auth/apiKey").and_then(serde_json::Value::as_str).unwrap_or_default();
    if !written.is_empty() && base.as_ref().is_some_and(|url| url.contains("aliyuncs.com")) {
        let source =
            Source { program: Program::Qwen, file: place.file.clone(), slot: "security.auth.apiKey".to_owned() };
        let kind = if written.starts_with("sk-sp-") { CredentialKind::PlanKey } else { CredentialKind::ApiKey };
        let mut login = Login::new(source, Vendor::Qwen, kind, Secret::Key(SecretString::from(written)));
        login.base_url = base;
        found.logins.push(login);
    }
    Ok(())
}

fn key(_place: &Place, file: std::path::PathBuf, name: &str, value: &str, found: &mut Found) {
    let Some((_, kind)) = KEYS.iter().find(|(known, _)| *known == name) else { return };
    if value.is_empty() || value.starts_with('$') {
        return;
    }
    let kind = if value.starts_with("sk-sp-") { CredentialKind::PlanKey } else { *kind };
    let source = Source { program: Program::Qwen, file, slot: name.to_owned() };
    found.logins.push(Login::new(source, Vendor::Qwen, kind, Secret::Key(SecretString::from(value))));
}
