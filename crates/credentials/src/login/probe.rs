//! What a compatible endpoint can do, found out when it is added with requests that cost nothing, and said to the person.

use std::collections::BTreeMap;

use remuda_core::{Capabilities, CredentialKind, Protocol, Vendor};
use remuda_store::{AuthHeader, Credential, Endpoint};
use remuda_vendors::Profile;
use remuda_vendors::compatible::{
    Answer, KeyHeader, bases, count_call, models_call, protocol_call, read, read_models, word_call,
};
use secrecy::SecretString;

use super::failure::LoginFailure;
use super::finish::Obtained;
use super::{Compatible, LoginRequest};
use crate::exchange::Exchange;

/// What is looked for where the person does not say what the endpoint speaks.
const LOOKED_FOR: [Protocol; 3] = [Protocol::Messages, Protocol::Responses, Protocol::Chat];

/// One endpoint under examination.
struct Probe<'a> {
    exchange: &'a dyn Exchange,
    key: &'a SecretString,
    notes: Vec<String>,
}

/// Examines the endpoint and the key.
pub(super) async fn examine(
    request: &LoginRequest,
    what: &Compatible,
    key: SecretString,
    exchange: &dyn Exchange,
) -> Result<Obtained, LoginFailure> {
    let url = request.base_url.as_deref().ok_or(LoginFailure::BadUrl("is missing: say where the endpoint is"))?;
    let mut probe = Probe { exchange, key: &key, notes: Vec::new() };
    let (spoken, header) = probe.spoken(url, &what.speaks, request.auth_header).await?;
    let capabilities = probe.capabilities(&spoken, header, &what.models).await;
    probe.check_models(&spoken, header, &what.models).await;
    let notes = probe.notes;
    let vendor = if spoken.contains_key(&Protocol::Messages) { Vendor::Anthropic } else { Vendor::OpenAi };
    let endpoint =
        Endpoint { bases: spoken, auth_header: header, models: what.models.clone(), capabilities: Some(capabilities) };
    let credential = Credential::Key { key };
    Ok(Obtained { vendor, credential, kind: CredentialKind::ApiKey, endpoint, profile: Profile::default(), notes })
}

fn key_header(header: AuthHeader) -> KeyHeader {
    match header {
        AuthHeader::Bearer => KeyHeader::Bearer,
        AuthHeader::XApiKey => KeyHeader::XApiKey,
    }
}

impl Probe<'_> {
    /// The status of the answer; `Err`: there was none.
    async fn ask(&self, call: &remuda_vendors::Call) -> Result<(u16, Vec<u8>), String> {
        self.exchange.send(call).await.map(|answer| (answer.status, answer.body)).map_err(|error| error.to_string())
    }

    /// Which protocols are spoken where, and how the key travels.
    async fn spoken(
        &mut self,
        url: &str,
        said: &[Protocol],
        said_header: Option<AuthHeader>,
    ) -> Result<(BTreeMap<Protocol, String>, AuthHeader), LoginFailure> {
        let looked_for = if said.is_empty() { &LOOKED_FOR[..] } else { said };
        let mut header = said_header;
        let (mut spoken, mut others) = (BTreeMap::new(), Vec::new());
        let mut refused = None;
        for protocol in looked_for {
            for base in bases(*protocol, url) {
                match self.at(*protocol, &base, header).await {
                    Ok((Answer::There, with)) => {
                        header = Some(with);
                        spoken.insert(*protocol, base);
                        break;
                    }
                    Ok((Answer::KeyRefused, _)) => refused = Some(base),
                    Ok((Answer::NotThere, _)) => others.push(format!("no {protocol} at {base}")),
                    Ok((Answer::Unclear(status), _)) => others.push(format!("{protocol} at {base} answered {status}")),
                    Err(why) => others.push(format!("{protocol} at {base}: {why}")),
                }
            }
        }
        if let (true, Some(endpoint)) = (spoken.is_empty(), refused) {
            return Err(LoginFailure::KeyRefused { endpoint, status: 401 });
        }
        if spoken.is_empty() && !said.is_empty() {
            // The person says so; an endpoint that is just down does not cost them the key.
            self.notes.push(format!("nothing could be checked: {}", others.join("; ")));
            spoken = said.iter().filter_map(|one| Some((*one, bases(*one, url).into_iter().next()?))).collect();
        }
        if spoken.is_empty() {
            let names: Vec<&str> = looked_for.iter().map(|protocol| protocol.as_str()).collect();
            return Err(LoginFailure::SpeaksNothing {
                url: url.to_owned(),
                looked_for: names.join(", "),
                found: others.join("; "),
            });
        }
        let found: Vec<String> = spoken.iter().map(|(protocol, base)| format!("{protocol} at {base}")).collect();
        self.notes.push(format!("speaks {}", found.join(", ")));
        Ok((spoken, header.unwrap_or_default()))
    }

    /// Asks with the header that is known to be right, or with both.
    async fn at(
        &self,
        protocol: Protocol,
        base: &str,
        header: Option<AuthHeader>,
    ) -> Result<(Answer, AuthHeader), String> {
        let first = if protocol == Protocol::Messages { AuthHeader::XApiKey } else { AuthHeader::Bearer };
        let second = if first == AuthHeader::Bearer { AuthHeader::XApiKey } else { AuthHeader::Bearer };
        let tries = header.map_or_else(|| vec![first, second], |known| vec![known]);
        let mut last = (Answer::KeyRefused, first);
        for header in tries {
            let call = protocol_call(protocol, base, Some(self.key), key_header(header));
            let (status, body) = self.ask(&call).await?;
            last = (read(status, &body), header);
            if last.0 != Answer::KeyRefused {
                break;
            }
        }
        Ok(last)
    }

    /// Counting, a longer cache, betas.
    async fn capabilities(
        &mut self,
        spoken: &BTreeMap<Protocol, String>,
        header: AuthHeader,
        models: &BTreeMap<String, String>,
    ) -> Capabilities {
        let mut can = Capabilities { cache_ttl: false, betas: false, count_tokens: false };
        for (protocol, base) in spoken {
            let Some(call) = count_call(*protocol, base, Some(self.key), key_header(header)) else { continue };
            if let Ok((status, body)) = self.ask(&call).await {
                can.count_tokens |= read(status, &body) == Answer::There;
            }
        }
        self.notes.push(format!("counts tokens: {}", yes(can.count_tokens)));
        let Some(base) = spoken.get(&Protocol::Messages) else { return can };
        match self.model(base, header, models).await {
            Some(model) if can.count_tokens => {
                let takes = async |ttl, beta| {
                    let call = word_call(base, &model, ttl, beta, Some(self.key), key_header(header));
                    self.ask(&call).await.is_ok_and(|(status, _)| (200..300).contains(&status))
                };
                if takes(false, false).await {
                    (can.cache_ttl, can.betas) = (takes(true, false).await, takes(false, true).await);
                    let (ttl, betas) = (yes(can.cache_ttl), yes(can.betas));
                    self.notes.push(format!("an hour of cache: {ttl}; beta headers: {betas}"));
                    return can;
                }
                self.notes.push(unchecked("it does not count the tokens of its own model"));
            }
            Some(_) => self.notes.push(unchecked("it counts no tokens")),
            None => self.notes.push(unchecked("it lists no models; name one with --model")),
        }
        can
    }

    /// A model with which something can be asked.
    async fn model(&self, base: &str, header: AuthHeader, models: &BTreeMap<String, String>) -> Option<String> {
        if let Some(model) = models.values().next() {
            return Some(model.clone());
        }
        let call = models_call(Protocol::Messages, base, Some(self.key), key_header(header));
        let (status, body) = self.ask(&call).await.ok()?;
        (200..300).contains(&status).then(|| read_models(&body).into_iter().next())?
    }

    /// Are the models to which the map leads there?
    async fn check_models(
        &mut self,
        spoken: &BTreeMap<Protocol, String>,
        header: AuthHeader,
        models: &BTreeMap<String, String>,
    ) {
        let Some((protocol, base)) = spoken.first_key_value().filter(|_| !models.is_empty()) else { return };
        let call = models_call(*protocol, base, Some(self.key), key_header(header));
        let listed = match self.ask(&call).await {
            Ok((200..=299, body)) => read_models(&body),
            _ => Vec::new(),
        };
        for model in models.values().filter(|model| !listed.is_empty() && !listed.contains(model)) {
            self.notes.push(format!("the endpoint does not list {model}, to which your map leads"));
        }
    }
}

fn yes(can: bool) -> &'static str {
    if can { "yes" } else { "no" }
}

fn unchecked(why: &str) -> String {
    format!("an hour of cache and beta headers could not be checked ({why}): neither will be sent")
}
