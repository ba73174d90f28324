//! What can be set before the vendor opens its doors: the vendor's own habits and the accounts it has.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::{Kind, Plan};
use crate::clock::ClockMode;
use crate::quota::{Buckets, Cost, ModelWindow, QuotaHeaders};

/// The vendor's habits. `Config::default()` is the real vendor's, on a free loopback port and real time.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen. Only loopback is accepted; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Real or simulated time for tokens, windows and caches. Delays between bytes are always real.
    pub clock: ClockMode,
    /// Makes ids, keys and tokens the same on every start. `None`: random.
    pub seed: Option<u64>,
    /// Life of an access token in seconds (`expires_in`). About 8 hours at the real vendor.
    pub access_token_life_s: i64,
    /// Does a refresh end the older access tokens of the same login at once? The real vendor lets them run out.
    pub refresh_revokes_access: bool,
    /// Who is signed in at the authorize page.
    pub browser: Browser,
    /// Pause before each event of a stream.
    pub event_delay: Duration,
    /// Prefixes shorter than this many tokens are not cached.
    pub cache_min_tokens: u64,
    /// Answers to particular prompts; the first whose `when` is in the prompt. Else the built-in rules of
    /// [`Reply`] apply.
    pub replies: Vec<Reply>,
    /// Does the agent behind the gateway ask again by itself when an answer breaks off? Claude Code 2.1.329 does, with the
    /// very same request. Then a request that comes again after broken-off content is not held against the gateway.
    pub agent_retries: bool,
    /// How much is remembered of what was received.
    pub log: LogLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: ClockMode::Real,
            seed: None,
            access_token_life_s: 28_800,
            refresh_revokes_access: false,
            browser: Browser::First,
            event_delay: Duration::ZERO,
            cache_min_tokens: 1024,
            replies: Vec::new(),
            agent_retries: false,
            log: LogLimits::default(),
        }
    }
}

/// Who is signed in at the authorize page. A `login_hint` in the query (name or email) goes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Browser {
    /// The subscription that was added first; consents at once.
    First,
    /// The account of this name; consents at once.
    User(String),
    /// A person: the page lists the accounts to choose from.
    Person,
    /// Somebody who declines (`error=access_denied`).
    Declines,
}

/// A canned answer.
///
/// Without one the answer follows from the newest user text (text blocks that begin with `<system-reminder>` do not
/// count):
///
/// * the newest message brings tool results: `tool result: ` and its first line;
/// * `use tool NAME` or `use tool NAME with {…}`, and the request offers that tool: a call of it with that input;
/// * `count to N` (at most 100 000): the numbers, one text delta each;
/// * else `pong ` and the prompt's first 120 characters.
///
/// A thinking block comes first if the request enables thinking, with adaptive thinking only if the prompt contains the
/// word `think`. `max_tokens` cuts the answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// Part of the prompt.
    pub when: String,
    /// The answer.
    pub say: String,
}

/// Bounds of the log. What is older goes first.
#[derive(Clone, Copy, Debug)]
pub struct LogLimits {
    /// Most requests.
    pub requests: usize,
    /// Most bytes of bodies over all remembered requests.
    pub body_bytes: usize,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self { requests: 20_000, body_bytes: 256 * 1024 * 1024 }
    }
}

/// One account as the vendor knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountSpec {
    /// Name in this vendor's log and scripts; unique. Not on the wire.
    pub name: String,
    /// The person. Equal emails are the same person (`account.uuid`).
    pub email: String,
    /// The organisation's name. Equal names are the same organisation (`organization.uuid`).
    pub organization: String,
    /// What it can be used with.
    pub kind: Kind,
    /// Which plan (subscriptions and static tokens).
    pub plan: Plan,
    /// Model-scoped weekly windows beside the five-hour and the seven-day window.
    pub model_windows: Vec<ModelWindow>,
    /// What one answered request takes from each window.
    pub cost: Cost,
    /// Which quota headers its answers carry.
    pub quota_headers: QuotaHeaders,
    /// Per-minute limits (API keys).
    pub buckets: Buckets,
}

impl Default for AccountSpec {
    fn default() -> Self {
        Self::subscription("somebody")
    }
}

impl AccountSpec {
    /// A Max subscription of `NAME@example.com` in an organisation of its own; a thousand answers fill five hours.
    #[must_use]
    pub fn subscription(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            email: format!("{name}@example.com"),
            organization: format!("{name}@example.com's Organization"),
            kind: Kind::Subscription,
            plan: Plan::Max20x,
            model_windows: vec![ModelWindow::fable()],
            cost: Cost::default(),
            quota_headers: QuotaHeaders::Full,
            buckets: Buckets::default(),
        }
    }

    /// An API key of an organisation of its own.
    #[must_use]
    pub fn api_key(name: &str) -> Self {
        Self { kind: Kind::ApiKey, ..Self::subscription(name) }
    }

    /// A long-lived, inference-only token of a subscription, as `claude setup-token` makes it.
    #[must_use]
    pub fn static_token(name: &str) -> Self {
        Self { kind: Kind::StaticToken, ..Self::subscription(name) }
    }
}
