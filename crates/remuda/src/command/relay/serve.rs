//! `remuda relay serve`: a relay in the foreground. Needs no herd and keeps no file.

use std::sync::Arc;
use std::time::Duration;

use remuda_control::{Code, Failure};
use remuda_relay::server::{Relay, Settings, Tokens, Upstreams, listen, random_epoch};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::cli::RelayServeArgs;
use crate::command::OK;
use crate::output::Out;
use crate::relay_use::now_ms;
use crate::serve::Signals;
use crate::view;

/// Answers under way may end within this time after the relay was asked to stop.
const DRAIN: Duration = Duration::from_secs(30);
/// The token, where there is no file of it.
const TOKEN: &str = "REMUDA_RELAY_TOKEN";

/// What `relay serve` says when it is ready.
#[derive(Debug, Serialize)]
pub(crate) struct Serving {
    /// Where it is.
    pub(crate) url: String,
    /// Does it speak TLS itself?
    pub(crate) tls: bool,
    /// What it calls.
    pub(crate) upstreams: Vec<String>,
}

pub(super) async fn serve(out: Out, args: RelayServeArgs) -> anyhow::Result<u8> {
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(listen::tls(cert, key).map_err(|error| Failure::invalid(error.to_string()))?),
        _ => None,
    };
    if !args.listen.ip().is_loopback() && tls.is_none() && !args.behind_tls_proxy {
        return Err(Failure::invalid(format!(
            "{} can be reached from other machines, and there is no TLS",
            args.listen
        ))
        .why("credentials and conversations would cross the network in the open")
        .remedy("give --tls-cert and --tls-key, or say --behind-tls-proxy if only such a proxy reaches it")
        .into());
    }
    let tokens = match &args.token_file {
        Some(path) => Tokens::read(path),
        None => Tokens::parse(&std::env::var(TOKEN).map_err(|_| {
            Failure::invalid("nobody could use this relay: it has no token")
                .remedy(format!("give --token-file, or set {TOKEN}; `remuda relay setup --print` makes a token"))
        })?),
    };
    let tokens = tokens.map_err(|error| Failure::invalid(error.to_string()))?;
    let upstreams = Upstreams::with(&args.allow).map_err(|(text, error)| {
        Failure::invalid(format!("--allow {text}: {error}")).remedy("for example: --allow https://llm.example.com")
    })?;
    let settings = Settings {
        most_kept: args.keep_mb as usize * 1024 * 1024,
        per_minute: args.per_minute.max(1),
        ..Settings::default()
    };
    let mut signals = Signals::catch(false)?;
    let client = remuda_upstream::Client::new(remuda_upstream::Config::default())?;
    let names = upstreams.names();
    let relay = Relay::new(settings, upstreams, client, random_epoch()?, Arc::new(now_ms));
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        Failure::new(Code::Conflict, format!("{} cannot be listened on", args.listen))
            .why(error.to_string())
            .remedy("choose another one with --listen")
    })?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let with_tls = tls.is_some();
    let listening = listen::serve(relay, tokens, args.token_file, listener, tls)?;
    let ready = Serving { url: format!("{scheme}://{}", listening.address), tls: with_tls, upstreams: names };
    out.answer(ready, view::relay_serving)?;
    let name = signals.next().await;
    tracing::info!(signal = name, "asked to stop");
    listening.end(DRAIN).await;
    Ok(OK)
}
