//! Where one of Alibaba's keys is at home. Each kind of key has endpoints of its own in several regions, and nothing about
//! the key tells which: they are asked in turn, with a request that costs nothing.

use std::collections::BTreeMap;

use remuda_core::{CredentialKind, Protocol, Vendor};
use remuda_store::{AuthHeader, Credential, Endpoint};
use remuda_vendors::qwen::key::{Answer, check_call, read};
use remuda_vendors::qwen::{Base, KeyKind};
use remuda_vendors::{Profile, compatible};
use secrecy::{ExposeSecret, SecretString};

use super::LoginRequest;
use super::failure::LoginFailure;
use super::finish::Obtained;
use crate::exchange::Exchange;

/// Finds the endpoint that takes the key.
pub(super) async fn examine(
    request: &LoginRequest,
    key: SecretString,
    exchange: &dyn Exchange,
) -> Result<Obtained, LoginFailure> {
    let mut notes = Vec::new();
    let base = match &request.base_url {
        Some(url) => named(request, url, &key, exchange, &mut notes).await?,
        None => found(request, &key, exchange, &mut notes).await?,
    };
    if base.kind != KeyKind::PayAsYouGo {
        notes.push(format!("it is a {} key: no metered billing through this address", base.kind.words()));
    }
    notes.push("Alibaba tells neither whose key this is nor what is left: its answers will show".to_owned());
    Ok(Obtained {
        vendor: Vendor::Qwen,
        credential: Credential::Key { key },
        kind: base.kind.credential_kind(),
        endpoint: endpoint(&base),
        profile: Profile { plan: plan(&base), ..Profile::default() },
        notes,
    })
}

fn plan(base: &Base) -> Option<String> {
    (base.kind.credential_kind() == CredentialKind::PlanKey).then(|| base.kind.words().to_owned())
}

/// What is stored of a base: everything that is spoken there.
fn endpoint(base: &Base) -> Endpoint {
    let mut bases: BTreeMap<Protocol, String> =
        [Protocol::Responses, Protocol::Chat].map(|protocol| (protocol, base.openai.clone())).into();
    bases.extend(base.anthropic.iter().map(|url| (Protocol::Messages, url.clone())));
    // Token Plan refuses `x-api-key`; all kinds take a bearer (token-plan-faq).
    Endpoint { bases, auth_header: AuthHeader::Bearer, ..Endpoint::default() }
}

/// Asks the endpoints that this key can have, until one takes it.
async fn found(
    request: &LoginRequest,
    key: &SecretString,
    exchange: &dyn Exchange,
    notes: &mut Vec<String>,
) -> Result<Base, LoginFailure> {
    let (mut lapsed, mut refused, mut unclear) = (Vec::new(), Vec::new(), Vec::new());
    for base in request.addresses.qwen.candidates(key.expose_secret()) {
        let name = format!("{}, {}", base.kind.words(), base.region);
        match exchange.send(&check_call(base, key)).await.map(|answer| read(answer.status, &answer.body)) {
            Ok(Answer::Takes) => return Ok(base.clone()),
            Ok(Answer::TakesBut(why)) => {
                notes.push(why.to_owned());
                return Ok(base.clone());
            }
            Ok(Answer::LapsedOrElsewhere) => lapsed.push(name),
            Ok(Answer::Refuses) => refused.push(name),
            Ok(Answer::Unclear(status)) => unclear.push(format!("{name} answered {status}")),
            Err(error) => unclear.push(format!("{name}: {error}")),
        }
    }
    // Most telling first: who might be the home of the key, then who could not be asked.
    if !lapsed.is_empty() {
        return Err(LoginFailure::PlanLapsed { tried: lapsed.join("; ") });
    }
    if !unclear.is_empty() {
        return Err(LoginFailure::HomeUnknown { why: unclear.join("; ") });
    }
    Err(LoginFailure::NowhereAtHome { tried: refused.join("; ") })
}

/// The person says where it is at home.
async fn named(
    request: &LoginRequest,
    url: &str,
    key: &SecretString,
    exchange: &dyn Exchange,
    notes: &mut Vec<String>,
) -> Result<Base, LoginFailure> {
    let base = request.addresses.qwen.of_url(url).cloned().unwrap_or_else(|| {
        // A workspace has an address of its own (`https://<workspace>.cn-beijing.maas.aliyuncs.com/…`).
        let plan = KeyKind::possible(key.expose_secret()) == [KeyKind::CodingPlan];
        let kind = if plan { KeyKind::CodingPlan } else { KeyKind::PayAsYouGo };
        let openai = compatible::bases(Protocol::Chat, url).into_iter().next().unwrap_or_else(|| url.to_owned());
        Base { kind, region: url.to_owned(), openai, anthropic: None }
    });
    match exchange.send(&check_call(&base, key)).await.map(|answer| read(answer.status, &answer.body)) {
        Ok(Answer::Takes) => {}
        Ok(Answer::TakesBut(why)) => notes.push(why.to_owned()),
        Ok(Answer::LapsedOrElsewhere) => return Err(LoginFailure::PlanLapsed { tried: base.openai }),
        Ok(Answer::Refuses) => return Err(LoginFailure::KeyRefused { endpoint: base.openai, status: 401 }),
        Ok(Answer::Unclear(status)) => {
            notes.push(format!("the key could not be checked (the endpoint answered {status})"));
        }
        Err(error) => notes.push(format!("the key could not be checked ({error})")),
    }
    Ok(base)
}
