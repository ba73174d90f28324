//! `remuda relay`: the relay of this installation, and running one.

mod api;
/// A module of the Worker as it is built.
macro_rules! module {
    ($name:literal) => {
        Module { name: $name, text: include_str!(concat!("../../../../../integrations/worker/dist/", $name)) }
    };
}
mod cloudflare;
mod place;
mod serve;
mod setup;
mod ssh;
mod state;
mod switch;

use remuda_control::Failure;
use secrecy::SecretString;

use super::Context;
use crate::cli::RelayCommand;

pub(crate) use serve::Serving;
pub(crate) use setup::Planned;
pub(crate) use state::{Answers, Saved, State};

/// Longest token.
const LONGEST_TOKEN: u64 = 512;

pub(super) async fn relay(context: &Context, command: Option<RelayCommand>) -> anyhow::Result<u8> {
    match command.unwrap_or(RelayCommand::Status) {
        RelayCommand::On(args) => switch::on(context, args).await,
        RelayCommand::Off => switch::off(context).await,
        RelayCommand::Status => state::status(context).await,
        RelayCommand::Serve(args) => serve::serve(context.out, args).await,
        RelayCommand::Setup(args) => setup::setup(context, args).await,
        RelayCommand::Rotate(args) => setup::rotate(context, args).await,
        RelayCommand::Teardown(args) => setup::teardown(context, args).await,
    }
}

/// A token from a person or from standard input.
fn token_from_stdin(context: &Context, what: &str) -> anyhow::Result<SecretString> {
    if context.out.can_ask() {
        let typed = context.out.ask_secret(&format!("{what} (not shown):"))?;
        return Ok(one_word(&typed.unwrap_or_default(), "your input")?);
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(std::io::stdin(), LONGEST_TOKEN + 1), &mut text)?;
    Ok(one_word(&text, "standard input")?)
}

/// A token from the environment.
fn token_from_env(name: &str) -> Result<SecretString, Failure> {
    let value = std::env::var(name).map_err(|_| {
        Failure::invalid(format!("the environment variable {name} is not set, or is no text"))
            .remedy(format!("set it for this command: {name}=… remuda relay …"))
    })?;
    one_word(&value, name)
}

fn one_word(text: &str, place: &str) -> Result<SecretString, Failure> {
    let token = text.trim();
    if token.is_empty() || token.len() as u64 > LONGEST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::invalid(format!("what {place} holds is no token"))
            .why("a token is one word without spaces")
            .remedy("give it the token, and nothing else"));
    }
    Ok(token.into())
}
