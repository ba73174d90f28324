//! What all places of a relay have in common: tokens, the round trip, switching it on.

use remuda_control::{Code, Failure};
use remuda_upstream::Origin;
use secrecy::{ExposeSecret, SecretString};

use super::state::{Answers, answers};
use crate::command::Context;
use crate::config::{self, Relay};
use crate::relay_use::write_token;

/// A fresh token: 192 random bits.
pub(super) fn new_token() -> anyhow::Result<SecretString> {
    let random = format!("{}{}", remuda_relay::server::random_epoch()?, &remuda_relay::server::random_epoch()?[..16]);
    Ok(format!("rly_{random}").into())
}

/// Origins that a relay is to call beside the vendors' own.
pub(super) fn check_origins(origins: &[String]) -> Result<(), Failure> {
    for text in origins {
        text.parse::<Origin>().map_err(|error| {
            Failure::invalid(format!("--allow {text}: {error}")).remedy("for example: --allow https://llm.example.com")
        })?;
    }
    Ok(())
}

/// Asks the relay at this address until it answers this token, or the time is over.
pub(super) async fn round_trip(url: &str, token: &SecretString) -> Result<Answers, Failure> {
    let wanted = Relay { url: Some(url.to_owned()), ..Relay::default() };
    let mut last = None;
    let answered = super::cloudflare::spreads(|| async {
        answers(&wanted, token).await.ok().filter(|answers| answers.error.is_none())
    });
    if let Some(answers) = answered.await {
        return Ok(answers);
    }
    if let Ok(answers) = answers(&wanted, token).await {
        last = answers.error;
    }
    Err(Failure::new(Code::Conflict, format!("the relay is set up, but {url} does not answer as one yet"))
        .why(last.unwrap_or_default())
        .remedy("a new address can take some minutes: then `remuda relay on --url …`, or set it up again"))
}

/// Keeps the token and switches the relay on.
pub(super) fn switch_on(context: &Context, url: &str, token: &SecretString) -> Result<(), Failure> {
    let path = context.paths.config();
    context.paths.create()?;
    write_token(&context.paths.relay_token(), token.expose_secret())?;
    config::set(&path, "relay.url", &super::switch::quoted(url))?;
    config::set(&path, "relay.enabled", "true").map(drop)
}
