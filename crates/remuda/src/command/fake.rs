//! `remuda fake`: the vendor in miniature as a program, for trials.

use std::net::SocketAddr;

use remuda_control::{Code, Failure};
use remuda_fake::{AccountSpec, Options};
use serde::Serialize;

use super::OK;
use crate::cli::{FakeAccountArg, FakeArgs, FakeKind};
use crate::output::Out;
use crate::view;

/// A vendor that runs.
#[derive(Debug, Serialize)]
pub(crate) struct FakeRuns {
    /// Its address.
    pub(crate) url: String,
    /// The lines for `config.toml` by which a trial herd finds it.
    pub(crate) config: String,
    /// Its accounts.
    pub(crate) accounts: Vec<FakeAccountRuns>,
}

/// One of its accounts.
#[derive(Debug, Serialize)]
pub(crate) struct FakeAccountRuns {
    /// Its name.
    pub(crate) name: String,
    /// Its API key, or its long-lived token. Worth nothing elsewhere.
    pub(crate) secret: String,
}

pub(super) async fn fake(out: Out, args: FakeArgs) -> anyhow::Result<u8> {
    let listen: SocketAddr = args.listen.parse().map_err(|_| {
        Failure::invalid(format!("{:?} is no address with a port", args.listen)).remedy("for example: 127.0.0.1:8080")
    })?;
    let accounts = args.account.iter().map(spec).collect();
    let running =
        remuda_fake::serve(Options { listen, accounts, seed: args.seed, event_delay_ms: args.event_delay_ms })
            .await
            .map_err(|error| Failure::new(Code::Conflict, error.to_string()))?;
    let vendor = &running.vendor;
    let config = format!(
        "[vendors.anthropic]\napi = \"{}\"\nauthorize = \"{}\"\ntoken = \"{}\"\ncopy_code = \"{}\"\n",
        vendor.base_url(),
        vendor.authorize_url(),
        vendor.token_url(),
        vendor.copy_code_redirect(),
    );
    let accounts = running
        .accounts
        .iter()
        .map(|account| FakeAccountRuns { name: account.name().to_owned(), secret: account.key().to_owned() });
    let runs = FakeRuns { url: vendor.base_url(), config, accounts: accounts.collect() };
    out.answer(runs, view::fake_runs)?;
    tokio::signal::ctrl_c().await?;
    running.vendor.shutdown().await;
    Ok(OK)
}

fn spec(account: &FakeAccountArg) -> AccountSpec {
    match account.kind {
        FakeKind::Subscription => AccountSpec::subscription(&account.name),
        FakeKind::Key => AccountSpec::api_key(&account.name),
        FakeKind::Token => AccountSpec::static_token(&account.name),
    }
}
