//! `remuda relay on`, `off`.

use clap::ValueEnum;
use remuda_control::{Code, Failure};
use secrecy::ExposeSecret;

use super::state::{State, answers};
use super::{token_from_env, token_from_stdin};
use crate::cli::{HostArg, RelayOnArgs, RelayTransportArg};
use crate::command::{Context, OK};
use crate::config::{self, Relay, RelayTransport};
use crate::relay_use::{read_token, write_token};
use crate::view;

/// Takes all accounts or agents in again.
const ALL: &str = "all";

pub(super) async fn on(context: &Context, args: RelayOnArgs) -> anyhow::Result<u8> {
    let path = context.paths.config();
    let mut wanted = Relay { enabled: true, ..context.config()?.relay.clone() };
    wanted.url = args.url.clone().or(wanted.url);
    if let Some(transport) = args.transport {
        wanted.transport = match transport {
            RelayTransportArg::Http => RelayTransport::Http,
            RelayTransportArg::Websocket => RelayTransport::WebSocket,
        };
    }
    for host in args.host.iter().filter(|host| *host != ALL) {
        HostArg::from_str(host, true).map_err(|_| {
            Failure::invalid(format!("{host} is no agent")).remedy("claude, codex, pi, opencode, qwen, or all")
        })?;
    }
    let token_file = context.paths.relay_token();
    let token = if args.token_stdin {
        token_from_stdin(context, "relay token")?
    } else if let Some(name) = &args.token_env {
        token_from_env(name)?
    } else {
        match read_token(&token_file) {
            Err(_) if context.out.can_ask() => token_from_stdin(context, "relay token")?,
            known => known?,
        }
    };
    // Nothing is switched on that does not answer.
    let answers = answers(&wanted, &token).await?;
    if let Some(error) = &answers.error {
        return Err(Failure::new(Code::Conflict, "the relay was not switched on: it does not answer as one")
            .why(error.clone())
            .remedy("check its URL and its token; `remuda relay status` asks it again")
            .into());
    }
    context.paths.create()?;
    write_token(&token_file, token.expose_secret())?;
    if let Some(url) = &args.url {
        config::set(&path, "relay.url", &quoted(url))?;
    }
    if args.transport.is_some() {
        let name = if wanted.transport == RelayTransport::Http { "http" } else { "websocket" };
        config::set(&path, "relay.transport", &quoted(name))?;
    }
    for (key, chosen) in [("relay.accounts", &args.account), ("relay.hosts", &args.host)] {
        if !chosen.is_empty() {
            let names: Vec<String> = chosen.iter().filter(|name| *name != ALL).map(|name| quoted(name)).collect();
            config::set(&path, key, &format!("[{}]", names.join(", ")))?;
        }
    }
    config::set(&path, "relay.enabled", "true")?;
    let state = State::of(&config::load(&path)?.relay, Some(answers), None);
    context.out.answer(state, view::relay_state)?;
    Ok(OK)
}

pub(super) async fn off(context: &Context) -> anyhow::Result<u8> {
    let path = context.paths.config();
    if context.config()?.relay.enabled {
        config::set(&path, "relay.enabled", "false")?;
    }
    let state = State::of(&config::load(&path)?.relay, None, None);
    context.out.answer(state, view::relay_state)?;
    Ok(OK)
}

/// As TOML.
pub(super) fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}
