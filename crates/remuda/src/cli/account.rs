//! `login`, `accounts`, `key`.

use super::daemon::RunHost;
use clap::{Args, Subcommand, ValueEnum};
use remuda_control::types::KeyHeader;
use remuda_core::{CostClass, Host, Protocol, Vendor};

/// Vendors a person can log in to.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum VendorArg {
    /// Claude plans and Console API keys
    Anthropic,
    /// ChatGPT plans (Codex) and API keys
    #[value(name = "openai")]
    OpenAi,
    /// Keys of Alibaba Cloud Model Studio: pay-as-you-go, Coding Plan, Token Plan
    Qwen,
    /// Any endpoint that speaks Anthropic's or OpenAI's protocols (needs --base-url)
    Compatible,
}

/// Protocols of compatible endpoints.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ProtocolArg {
    /// Anthropic's Messages
    Messages,
    /// OpenAI's Responses
    Responses,
    /// OpenAI's Chat Completions
    Chat,
}

impl From<ProtocolArg> for Protocol {
    fn from(arg: ProtocolArg) -> Self {
        match arg {
            ProtocolArg::Messages => Self::Messages,
            ProtocolArg::Responses => Self::Responses,
            ProtocolArg::Chat => Self::Chat,
        }
    }
}

/// How a key travels.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KeyHeaderArg {
    /// authorization: Bearer …
    Bearer,
    /// x-api-key: …
    XApiKey,
}

impl From<KeyHeaderArg> for KeyHeader {
    fn from(arg: KeyHeaderArg) -> Self {
        match arg {
            KeyHeaderArg::Bearer => Self::Bearer,
            KeyHeaderArg::XApiKey => Self::XApiKey,
        }
    }
}

/// `name=name` of `--model`.
fn model_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((ours, theirs)) if !ours.trim().is_empty() && !theirs.trim().is_empty() => {
            Ok((ours.trim().to_owned(), theirs.trim().to_owned()))
        }
        _ => Err("it has the form NAME=NAME: the name that agents use, then the endpoint's".to_owned()),
    }
}

impl From<VendorArg> for Vendor {
    fn from(arg: VendorArg) -> Self {
        match arg {
            // Of a compatible endpoint the vendor follows from what it speaks.
            VendorArg::Anthropic | VendorArg::Compatible => Self::Anthropic,
            VendorArg::OpenAi => Self::OpenAi,
            VendorArg::Qwen => Self::Qwen,
        }
    }
}

/// What using an account costs.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CostArg {
    /// Part of a subscription that is paid anyway
    Included,
    /// Every token costs money: stands in for others only by a rule (remuda spend)
    Metered,
    /// Costs nothing
    Free,
}

impl From<CostArg> for CostClass {
    fn from(arg: CostArg) -> Self {
        match arg {
            CostArg::Included => Self::Included,
            CostArg::Metered => Self::Metered,
            CostArg::Free => Self::Free,
        }
    }
}

/// Agent programs.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum HostArg {
    /// Claude Code
    Claude,
    /// Codex CLI
    Codex,
    /// Pi
    Pi,
    /// OpenCode
    #[value(name = "opencode")]
    OpenCode,
    /// Qwen Code
    Qwen,
    /// Any other program
    Other,
}

impl From<HostArg> for Host {
    fn from(arg: HostArg) -> Self {
        match arg {
            HostArg::Claude => Self::Claude,
            HostArg::Codex => Self::Codex,
            HostArg::Pi => Self::Pi,
            HostArg::OpenCode => Self::OpenCode,
            HostArg::Qwen => Self::Qwen,
            HostArg::Other => Self::Other,
        }
    }
}

/// Add an account, or renew its login.
///
/// Without further options the vendor's page opens in your browser. Logging in again under the same label renews that
/// account in place; the same real account is never stored twice under two labels. Keys and tokens are read from
/// standard input or the environment, never from the command line, where other programs could see them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda login anthropic                              log in with the browser
  remuda login anthropic --label work --paste         on a machine without a browser
  remuda login anthropic --label key --key-stdin < key.txt
  claude setup-token | remuda login anthropic --label ci --token-stdin
  remuda login openai                                 a ChatGPT plan, for Codex
  remuda login openai --device                        the same, over SSH
  remuda login openai --key-stdin < key.txt           an API key
  remuda login qwen                                   asks for a key and finds out where it belongs
  remuda login compatible --label lan --base-url http://10.0.0.7:8080 --key-env LAN_KEY --cost free
  remuda login compatible --base-url https://llm.corp/v1 --speaks chat --model '*=corp-large'

An endpoint that is added is examined: which protocols it speaks, how the key travels, whether it counts tokens and
takes an hour of cache and beta headers. What was found is shown and kept.")]
pub(crate) struct LoginArgs {
    /// Who serves the account
    pub(crate) vendor: VendorArg,
    /// What to call it [default: the e-mail address or organisation that the vendor reports]
    #[arg(long, short)]
    pub(crate) label: Option<String>,
    /// Show the address to open anywhere, and paste the code that the page shows
    #[arg(long, group = "way")]
    pub(crate) paste: bool,
    /// Show a short code to type on the vendor's page, on any machine (openai)
    #[arg(long, group = "way")]
    pub(crate) device: bool,
    /// Sign in with ChatGPT: OpenAI shares the plan with this installation. One account, no chains, no pools (openai)
    #[arg(long, conflicts_with_all = ["device", "key_stdin", "key_env", "token_stdin"])]
    pub(crate) shared_plan: bool,
    /// Read an API key from standard input
    #[arg(long, group = "way")]
    pub(crate) key_stdin: bool,
    /// Read an API key from this environment variable
    #[arg(long, value_name = "VAR", group = "way")]
    pub(crate) key_env: Option<String>,
    /// Read a long-lived token (from `claude setup-token`) from standard input
    #[arg(long, group = "way")]
    pub(crate) token_stdin: bool,
    /// An endpoint that speaks the vendor's protocol, in place of the vendor's own
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// What a compatible endpoint speaks [default: that is found out]
    #[arg(long, value_name = "PROTOCOL", value_delimiter = ',')]
    pub(crate) speaks: Vec<ProtocolArg>,
    /// A compatible endpoint's name for a model: the agent's name, then the endpoint's; * stands for all others
    #[arg(long, value_name = "NAME=NAME", value_parser = model_pair)]
    pub(crate) model: Vec<(String, String)>,
    /// How a compatible endpoint takes the key [default: that is found out]
    #[arg(long)]
    pub(crate) key_header: Option<KeyHeaderArg>,
    /// What using it costs [default: metered for keys, included for subscriptions]
    #[arg(long)]
    pub(crate) cost: Option<CostArg>,
    /// Let this agent of another maker use the subscription (shows the vendor's wording; recorded)
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_host: Vec<HostArg>,
    /// Say that you have read the vendor's terms, where nobody can be asked
    #[arg(long)]
    pub(crate) accept_terms: bool,
    /// Do not open a browser, only show the address
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Let this agent log in by itself, in a profile of its own, for `remuda run HOST --direct`
    #[arg(long, value_name = "HOST", requires = "label",
          conflicts_with_all = ["way", "shared_plan", "base_url", "speaks", "model", "key_header", "cost", "allow_host"])]
    pub(crate) with: Option<RunHost>,
}

/// `remuda accounts …`.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// List all accounts (the default)
    List,
    /// Show everything about one account
    Show {
        /// Its label
        account: String,
    },
    /// Give an account another label
    Rename {
        /// Its label
        account: String,
        /// Its new label
        new_label: String,
    },
    /// Switch an account on
    Enable {
        /// Its label
        account: String,
    },
    /// Switch an account off: it serves nothing until it is enabled
    Disable {
        /// Its label
        account: String,
    },
    /// Delete an account with its credential, and take it off all chains and pools
    Remove {
        /// Its label
        account: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// `remuda key …`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key. It is shown once and kept nowhere
    #[command(after_help = "\
Examples:
  remuda key create --name laptop-pi --host pi --account personal
  remuda key create --name scripts --admin --expires-days 30

An agent presents its key as `x-api-key`, `authorization: Bearer` or `x-remuda-key`. `remuda run` makes its own keys.")]
    Create {
        /// What you call it
        #[arg(long)]
        name: String,
        /// The agent that will hold it
        #[arg(long, default_value = "other")]
        host: HostArg,
        /// Only this account serves it (and who stands in for it)
        #[arg(long, conflicts_with = "pool")]
        account: Option<String>,
        /// Only this pool serves it
        #[arg(long)]
        pool: Option<String>,
        /// It opens the control API too
        #[arg(long)]
        admin: bool,
        /// It ends by itself after this many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3650))]
        expires_days: Option<u64>,
    },
    /// List the keys that are still good (the default)
    List,
    /// Make a key open nothing any more
    Revoke {
        /// Its id or name
        key: String,
    },
}
