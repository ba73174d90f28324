//! The vendors as a program for people: accounts from options, scripted and read over HTTP under `/__fake/`.
//!
//! ```text
//! curl -d '{"account":"personal","faults":[{"effect":{"refuse":"overloaded"},"times":3}]}' $URL/__fake/faults
//! curl -d '{"faults":[{"effect":{"truncate":{"at":"after_content","clean":true}}}]}'       $URL/__fake/faults
//! curl -d '{"account":"codex","faults":[{"effect":{"refuse":{"openai":"usage_limit_reached"}}}]}'  $URL/__fake/faults
//! curl -d '{"when":"list","say":"","call":{"tool":"shell","input":{"command":["ls"]}}}'        $URL/__fake/replies
//! curl -d '{"account":"codex"}'     $URL/__fake/tokens
//! curl -d '{"account":"work","window":"five_hour","used_percent":100,"resets_in_s":600}'   $URL/__fake/windows
//! curl -d '{"seconds":18000}' $URL/__fake/advance
//! curl $URL/__fake/requests
//! curl $URL/__fake/violations
//! ```

use std::net::{Ipv4Addr, SocketAddr};

use crate::account::FakeAccount;
use crate::config::{AccountSpec, Browser, Config};
use crate::site::QwenPlan;
use crate::vendor::{Fake, StartError};

/// What a person can choose on the command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; loopback only.
    pub listen: SocketAddr,
    /// Its accounts. Empty: one of every kind, and a second subscription; see [`serve`].
    pub accounts: Vec<AccountSpec>,
    /// The same keys and tokens on every start with the same number.
    pub seed: Option<u64>,
    /// Pause before each event of a stream, in milliseconds.
    pub event_delay_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), accounts: Vec::new(), seed: None, event_delay_ms: 0 }
    }
}

/// Vendors that serve until they are shut down.
pub struct Running {
    /// The vendors.
    pub vendor: Fake,
    /// Its accounts in the order of the options.
    pub accounts: Vec<FakeAccount>,
}

/// Starts the vendors with these accounts, a person at the pages of logins and the control endpoint. Without accounts:
/// Anthropic's `personal` and `work` (subscriptions) and `metered` (a key), OpenAI's `codex` (ChatGPT Plus) and `openai` (a
/// key), Alibaba's `qwen` (pay-as-you-go), `coding-plan` and `token-plan`.
///
/// # Errors
/// [`StartError`].
pub async fn serve(options: Options) -> Result<Running, StartError> {
    let config = Config {
        listen: options.listen,
        seed: options.seed,
        event_delay: std::time::Duration::from_millis(options.event_delay_ms),
        browser: Browser::Person,
        agent_retries: true,
        ..Config::default()
    };
    let vendor = Fake::start(config).await?;
    let specs = if options.accounts.is_empty() {
        vec![
            AccountSpec::subscription("personal"),
            AccountSpec::subscription("work"),
            AccountSpec::api_key("metered"),
            AccountSpec::chatgpt("codex"),
            AccountSpec::openai_key("openai"),
            AccountSpec::qwen("qwen", QwenPlan::PayAsYouGo),
            AccountSpec::qwen("coding-plan", QwenPlan::Coding),
            AccountSpec::qwen("token-plan", QwenPlan::Token),
        ]
    } else {
        options.accounts
    };
    let accounts = specs.into_iter().map(|spec| vendor.add_account(spec)).collect::<Result<_, _>>()?;
    Ok(Running { vendor, accounts })
}
