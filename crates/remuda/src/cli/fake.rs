//! `fake`.

use std::str::FromStr;

use clap::Args;

/// Run the vendor in miniature, for tests and trials.
///
/// Anthropic on this machine: login pages, tokens, messages, quota windows, errors on demand. It answers without any
/// model and is worth nothing elsewhere. It runs until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda fake                                           two subscriptions and an API key
  remuda fake --account work --account key:key          a subscription `work`, an API key `key`

A herd of its own for trials: REMUDA_HOME=/tmp/trial, with the printed lines in /tmp/trial/config.toml.
Scripting it: POST /__fake/faults, /__fake/windows, /__fake/advance; GET /__fake/requests, /__fake/violations.")]
pub(crate) struct FakeArgs {
    /// Where to listen; loopback only
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
    /// An account: NAME, NAME:key or NAME:token (may be given several times)
    #[arg(long, value_name = "NAME[:KIND]")]
    pub(crate) account: Vec<FakeAccountArg>,
    /// The same keys and tokens at every start
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Pause before each event of a stream
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) event_delay_ms: u64,
}

/// What kind of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FakeKind {
    /// Logs in at the vendor's page.
    Subscription,
    /// An API key.
    Key,
    /// A long-lived token.
    Token,
}

/// `NAME[:KIND]`.
#[derive(Clone, Debug)]
pub(crate) struct FakeAccountArg {
    pub(crate) name: String,
    pub(crate) kind: FakeKind,
}

impl FromStr for FakeAccountArg {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, kind) = text.split_once(':').unwrap_or((text, "subscription"));
        let kind = match kind {
            "subscription" => FakeKind::Subscription,
            "key" => FakeKind::Key,
            "token" => FakeKind::Token,
            other => return Err(format!("{other:?} is no kind of account: subscription, key or token")),
        };
        if name.is_empty() {
            Err("an account needs a name".to_owned())
        } else {
            Ok(Self { name: name.to_owned(), kind })
        }
    }
}
