//! One entry of an `auth.json` that maps names of providers to logins (Pi, OpenCode): which vendor it is, and what stands
//! in it.

use remuda_core::{CredentialKind, Vendor};
use serde_json::Value;

use super::codex::chatgpt;
use super::fields::{pair, secret, text};
use super::found::{Login, Secret, Source};

/// What the name of an entry means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Anthropic,
    /// ChatGPT plans with Codex's client.
    Codex,
    /// OpenAI: keys; in Pi also shared plans.
    OpenAi,
    Alibaba,
}

/// Beginnings of names. The first that fits counts.
const NAMES: &[(&str, Slot)] = &[
    ("anthropic", Slot::Anthropic),
    ("openai-codex", Slot::Codex),
    ("openai", Slot::OpenAi),
    ("alibaba", Slot::Alibaba),
    ("dashscope", Slot::Alibaba),
    ("bailian", Slot::Alibaba),
    ("qwen", Slot::Alibaba),
];

/// The base of a name and its number: `anthropic-account-3` is the third slot of `anthropic`.
pub(super) fn numbered(id: &str) -> (&str, u32) {
    match id.rsplit_once("-account-") {
        Some((base, number)) => number.parse().map_or((id, 1), |number| (base, number)),
        None => (id, 1),
    }
}

/// What a name means; `None`: no vendor that we know.
pub(super) fn meaning(id: &str) -> Option<Slot> {
    let (base, _) = numbered(id);
    let fits = |name: &str| {
        base == name
            || base.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
            || name == "qwen" && base.starts_with("qwen")
    };
    NAMES.iter().find(|(name, _)| fits(name)).map(|(_, slot)| *slot)
}

/// Reads an entry. `Ok(None)`: logged out. `Err`: why it is not taken, in words that follow the name of the entry.
pub(super) fn read(source: Source, entry: &Value) -> Result<Option<Login>, String> {
    let Some(slot) = meaning(&source.slot) else {
        return Err("is no vendor that Remuda knows".to_owned());
    };
    match text(entry, &["type"]).as_deref() {
        Some("oauth") => oauth(slot, source, entry),
        Some("api_key" | "api") => key(slot, source, entry),
        Some("wellknown") => Err("is a login of an organisation's own server".to_owned()),
        Some(other) => Err(format!("is of a kind that is not known ({other})")),
        None => Err("says not what it is".to_owned()),
    }
}

fn oauth(slot: Slot, source: Source, entry: &Value) -> Result<Option<Login>, String> {
    let Some(pair) = pair(entry) else { return Ok(None) };
    let shared = matches!(&pair, Secret::Pair { client_id: Some(_), .. });
    Ok(Some(match slot {
        Slot::Anthropic => Login::new(source, Vendor::Anthropic, CredentialKind::Subscription, pair),
        Slot::Codex | Slot::OpenAi => {
            let mut login = chatgpt(source, pair, entry);
            // The client id is one that OpenAI issued: Sign in with ChatGPT.
            if slot == Slot::OpenAi && shared {
                login.kind = CredentialKind::SharedPlan;
            }
            login
        }
        Slot::Alibaba => {
            return Err(
                "is the free Qwen login, which ended on 2026-04-15: get a key of Alibaba Cloud Model Studio, then \
                        `remuda login qwen`"
                    .to_owned(),
            );
        }
    }))
}

fn key(slot: Slot, source: Source, entry: &Value) -> Result<Option<Login>, String> {
    let Some(written) = text(entry, &["key"]) else { return Ok(None) };
    let vendor = match slot {
        Slot::Anthropic => Vendor::Anthropic,
        Slot::Codex | Slot::OpenAi => Vendor::OpenAi,
        Slot::Alibaba => Vendor::Qwen,
    };
    if written.starts_with('!') {
        return Err(format!("is a command that prints a key; it is not run: `remuda login {vendor} --key-stdin`"));
    }
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if written.chars().all(is_name) && written.starts_with(|c: char| c.is_ascii_uppercase()) {
        return Err(format!("names the environment variable {written}: `remuda login {vendor} --key-env {written}`"));
    }
    // A long-lived token may stand where a key is meant.
    let token = vendor == Vendor::Anthropic && written.starts_with("sk-ant-oat");
    let plan = vendor == Vendor::Qwen && (written.starts_with("sk-sp-") || source.slot.contains("plan"));
    let secret = secret(entry, &["key"]).unwrap_or_default();
    let (kind, secret) = match () {
        () if token => (CredentialKind::StaticToken, Secret::Token(secret)),
        () if plan => (CredentialKind::PlanKey, Secret::Key(secret)),
        () => (CredentialKind::ApiKey, Secret::Key(secret)),
    };
    Ok(Some(Login::new(source, vendor, kind, secret)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("anthropic", Some(Slot::Anthropic))]
    #[case("anthropic-account-12", Some(Slot::Anthropic))]
    #[case("openai-codex", Some(Slot::Codex))]
    #[case("openai-codex-account-2", Some(Slot::Codex))]
    #[case("openai", Some(Slot::OpenAi))]
    #[case("alibaba-account-3", Some(Slot::Alibaba))]
    #[case("alibaba-coding-plan", Some(Slot::Alibaba))]
    #[case("qwen-token-plan", Some(Slot::Alibaba))]
    #[case("qwencloud", Some(Slot::Alibaba))]
    #[case("openrouter", None)]
    #[case("ollama", None)]
    #[case("cursor-account-2", None)]
    fn a_slot_is_known_by_its_name(#[case] id: &str, #[case] expected: Option<Slot>) {
        assert_eq!(meaning(id), expected);
    }
}
