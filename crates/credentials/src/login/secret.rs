//! Secrets that a person gives: keys and long-lived tokens. Looked at, checked with the endpoint where that costs
//! nothing, and handed on to be stored.

use std::collections::BTreeMap;

use remuda_core::{CredentialKind, Protocol, Vendor};
use remuda_store::{AuthHeader, Credential, Endpoint};
use remuda_vendors::anthropic::key::check_call;
use remuda_vendors::anthropic::profile::{from_json, profile_call};
use remuda_vendors::anthropic::{Endpoints, KeyKind};
use remuda_vendors::{Profile, openai};
use secrecy::{ExposeSecret, SecretString};

use super::failure::LoginFailure;
use super::finish::Obtained;
use super::{Compatible, LoginRequest, Place, Way, alibaba, probe};
use crate::exchange::Exchange;

/// Trims what a terminal or file adds, and refuses what no header can carry.
fn tidy(secret: &SecretString) -> Result<SecretString, LoginFailure> {
    let text = secret.expose_secret().trim();
    if text.is_empty() {
        return Err(LoginFailure::BadSecret("the secret is empty".to_owned()));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(LoginFailure::BadSecret(
            "the secret contains spaces or other characters that no key has; copy it again".to_owned(),
        ));
    }
    Ok(SecretString::from(text))
}

/// Looks at the secret and asks the endpoint about it. An endpoint that cannot be reached does not cost the person the
/// secret: it is kept, with a note.
pub(super) async fn examine(
    request: &LoginRequest,
    secret: &SecretString,
    exchange: &dyn Exchange,
) -> Result<Obtained, LoginFailure> {
    let secret = tidy(secret)?;
    if let Place::Compatible(what) = &request.place {
        return probe::examine(request, what, secret, exchange).await;
    }
    if matches!(request.way, Way::Token(_)) && request.vendor != Vendor::Anthropic {
        return Err(LoginFailure::NoSuchWay("only Anthropic has long-lived tokens (`claude setup-token`)"));
    }
    match (request.vendor, &request.base_url) {
        (Vendor::Anthropic, _) => anthropic(request, secret, exchange).await,
        (Vendor::OpenAi, None) => openai(&request.addresses.openai, secret, exchange).await,
        (Vendor::OpenAi, Some(_)) => {
            let what = Compatible { speaks: vec![Protocol::Responses, Protocol::Chat], ..Compatible::default() };
            probe::examine(request, &what, secret, exchange).await
        }
        (Vendor::Qwen, _) => alibaba::examine(request, secret, exchange).await,
    }
}

async fn openai(at: &openai::Endpoints, key: SecretString, exchange: &dyn Exchange) -> Result<Obtained, LoginFailure> {
    openai::key::check(key.expose_secret()).map_err(|why| LoginFailure::BadSecret(why.to_owned()))?;
    let mut notes = Vec::new();
    match exchange.send(&openai::key::check_call(&at.api_base, &key)).await {
        Ok(answer) if (200..300).contains(&answer.status) => {}
        Ok(answer) if answer.status == 401 => {
            return Err(LoginFailure::KeyRefused { endpoint: at.api_base.clone(), status: 401 });
        }
        // A key may lack the right to list models, and one without credit is still a key.
        Ok(answer) => notes.push(format!("the key could not be checked (the endpoint answered {})", answer.status)),
        Err(error) => notes.push(format!("the key could not be checked ({error})")),
    }
    Ok(Obtained {
        vendor: Vendor::OpenAi,
        credential: Credential::Key { key },
        kind: CredentialKind::ApiKey,
        endpoint: Endpoint { auth_header: AuthHeader::Bearer, ..Endpoint::default() },
        profile: Profile::default(),
        notes,
    })
}

async fn anthropic(
    request: &LoginRequest,
    secret: SecretString,
    exchange: &dyn Exchange,
) -> Result<Obtained, LoginFailure> {
    let mut at = request.addresses.anthropic.clone();
    if let Some(base) = &request.base_url {
        at.api_base.clone_from(base);
    }
    let bases: BTreeMap<Protocol, String> =
        request.base_url.iter().map(|url| (Protocol::Messages, url.clone())).collect();
    let kind = kind(request, &secret)?;
    let mut notes = Vec::new();
    let (credential, profile, auth_header) = if kind == CredentialKind::StaticToken {
        let profile = examine_token(&at, &secret, exchange, &mut notes).await;
        (Credential::Static { token: secret }, profile, AuthHeader::Bearer)
    } else {
        let header = examine_key(request, &at, &secret, exchange, &mut notes).await?;
        (Credential::Key { key: secret }, Profile::default(), header)
    };
    let endpoint = Endpoint { bases, auth_header, ..Endpoint::default() };
    Ok(Obtained { vendor: Vendor::Anthropic, credential, kind, endpoint, profile, notes })
}

/// Which kind of secret it is, by what the person said and by its prefix. They must agree: the terms that were shown
/// before the login differ.
fn kind(request: &LoginRequest, secret: &SecretString) -> Result<CredentialKind, LoginFailure> {
    let said = if matches!(request.way, Way::Token(_)) { CredentialKind::StaticToken } else { CredentialKind::ApiKey };
    let found = match KeyKind::of(secret.expose_secret()) {
        // Secrets of compatible endpoints look like anything.
        KeyKind::Unknown if request.base_url.is_some() => said,
        found => found.credential_kind().map_err(|why| LoginFailure::BadSecret(why.to_owned()))?,
    };
    if found == said {
        return Ok(said);
    }
    let words = if found == CredentialKind::StaticToken {
        "this is a long-lived token (sk-ant-oat…), not an API key: log in with --token-stdin"
    } else {
        "this is an API key (sk-ant-api…), not a long-lived token: log in with --key-stdin"
    };
    Err(LoginFailure::BadSecret(words.to_owned()))
}

/// Long-lived tokens may lack the right to ask for the profile, so no answer condemns one.
async fn examine_token(
    endpoints: &Endpoints,
    token: &SecretString,
    exchange: &dyn Exchange,
    notes: &mut Vec<String>,
) -> Profile {
    match exchange.send(&profile_call(endpoints, token)).await {
        Ok(answer) if answer.status == 200 => {
            serde_json::from_slice(&answer.body).map(|json| from_json(&json)).unwrap_or_default()
        }
        Ok(answer) if answer.status == 401 => {
            notes.push("the vendor answered 401 when asked whose token this is: it may be wrong or revoked".to_owned());
            Profile::default()
        }
        Ok(_) => {
            notes.push("the vendor does not tell whose token this is, so a duplicate cannot be noticed".to_owned());
            Profile::default()
        }
        Err(error) => {
            notes.push(format!("the token could not be checked ({error})"));
            Profile::default()
        }
    }
}

async fn examine_key(
    request: &LoginRequest,
    at: &Endpoints,
    key: &SecretString,
    exchange: &dyn Exchange,
    notes: &mut Vec<String>,
) -> Result<AuthHeader, LoginFailure> {
    let headers = match (request.auth_header, &request.base_url) {
        (Some(header), _) => vec![header],
        (None, None) => vec![AuthHeader::XApiKey],
        (None, Some(_)) => vec![AuthHeader::XApiKey, AuthHeader::Bearer],
    };
    let first = headers.first().copied().unwrap_or_default();
    for header in headers {
        match exchange.send(&check_call(at, key, header == AuthHeader::Bearer)).await {
            Ok(answer) if (200..300).contains(&answer.status) => return Ok(header),
            Ok(answer) if answer.status == 401 => {}
            // Not every compatible endpoint lists models, and a key without credit is still a key.
            Ok(answer) => {
                notes.push(format!("the key could not be checked (the endpoint answered {})", answer.status));
                return Ok(header);
            }
            Err(error) => {
                notes.push(format!("the key could not be checked ({error})"));
                return Ok(first);
            }
        }
    }
    Err(LoginFailure::KeyRefused { endpoint: at.api_base.clone(), status: 401 })
}
