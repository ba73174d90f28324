//! `fake`.

use std::str::FromStr;

use clap::Args;

/// Run the vendors in miniature, for tests and trials.
///
/// Anthropic, OpenAI and Alibaba on this machine: login pages, tokens, every protocol, quota windows, errors on demand.
/// They answer without any model and are worth nothing elsewhere. They run until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda fake                                           accounts of every vendor and kind
  remuda fake --account work --account key:key          Anthropic: a subscription `work`, an API key `key`
  remuda fake --account plus:chatgpt --account plan:qwen-coding

A herd of its own for trials: REMUDA_HOME=/tmp/trial, with the printed lines in /tmp/trial/config.toml.
Scripting them: POST /__fake/faults, /__fake/windows, /__fake/replies, /__fake/tokens, /__fake/advance;
GET /__fake/requests, /__fake/violations.")]
pub(crate) struct FakeArgs {
    /// Where to listen; loopback only
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
    /// An account: NAME or NAME:KIND, of kind subscription, key or token (Anthropic), chatgpt or openai-key, qwen-key,
    /// qwen-coding or qwen-token (may be given several times)
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
    /// Anthropic: logs in at the vendor's page.
    Subscription,
    /// Anthropic: an API key.
    Key,
    /// Anthropic: a long-lived token.
    Token,
    /// OpenAI: a ChatGPT plan with Codex; logs in at the vendor's page.
    ChatGpt,
    /// OpenAI: an API key.
    OpenAiKey,
    /// Alibaba: a key billed by use.
    QwenKey,
    /// Alibaba: the Coding Plan.
    QwenCoding,
    /// Alibaba: the Token Plan.
    QwenToken,
}

/// By their names.
const KINDS: &[(&str, FakeKind)] = &[
    ("subscription", FakeKind::Subscription),
    ("key", FakeKind::Key),
    ("token", FakeKind::Token),
    ("chatgpt", FakeKind::ChatGpt),
    ("openai-key", FakeKind::OpenAiKey),
    ("qwen-key", FakeKind::QwenKey),
    ("qwen-coding", FakeKind::QwenCoding),
    ("qwen-token", FakeKind::QwenToken),
];

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
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == kind).copied() else {
            let known: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
            return Err(format!("{kind:?} is no kind of account: {}", known.join(", ")));
        };
        if name.is_empty() {
            Err("an account needs a name".to_owned())
        } else {
            Ok(Self { name: name.to_owned(), kind })
        }
    }
}
