//! What can be set before the vendor opens its doors: the vendor's own habits and the accounts it has.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::{Kind, Plan};
use crate::clock::ClockMode;
use crate::quota::{Buckets, Cost, ModelWindow, QuotaHeaders};
use crate::site::{QwenPlan, Region};

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
    /// The same for ChatGPT accounts: 10 days at the real vendor.
    pub chatgpt_token_life_s: i64,
    /// The ports whose `http://localhost:PORT/auth/callback` may stand in a ChatGPT login. The real vendor has registered
    /// 1455 and 1457 for its client and nothing else; tests that run side by side may bring their own.
    pub chatgpt_redirect_ports: Vec<u16>,
    /// Shortest time between two polls of the device flow, in seconds: 5 at the real vendor.
    pub device_interval_s: i64,
    /// Are WebSockets spoken? Without, every handshake is answered 426.
    pub websockets: bool,
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
            chatgpt_token_life_s: 864_000,
            chatgpt_redirect_ports: vec![1455, 1457],
            device_interval_s: 5,
            websockets: true,
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
    /// The subscription (of the vendor whose page it is) that was added first; consents at once.
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
/// Without one the answer follows from the newest text of the person (texts in a tag of their own, such as
/// `<system-reminder>…`, are the agent's and do not count):
///
/// * the newest message brings tool results: `tool result: ` and its first line;
/// * `use tool NAME` or `use tool NAME with {…}`, and the request offers that tool: a call of it with that input. A tool
///   that takes plain text (`apply_patch` of Codex) gets it as `with "…"`, a JSON string;
/// * `count to N` (at most 100 000): the numbers, one text delta each;
/// * else `pong ` and the prompt's first 120 characters.
///
/// A thinking block comes first if the request enables thinking, with adaptive thinking (and OpenAI's reasoning models)
/// only if the prompt contains the word `think`. `max_tokens` cuts the answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// Part of the prompt.
    pub when: String,
    /// The answer; with a call, the text before it.
    pub say: String,
    /// A tool that is called, if the request offers it; the result is answered as above.
    #[serde(default)]
    pub call: Option<ToolCall>,
}

/// A scripted call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Its name, as the request declares it.
    pub tool: String,
    /// Its arguments: an object, or a string for tools that take plain text.
    pub input: serde_json::Value,
}

impl Reply {
    /// Says this.
    #[must_use]
    pub fn say(when: &str, say: &str) -> Self {
        Self { when: when.to_owned(), say: say.to_owned(), call: None }
    }

    /// Calls this tool with these arguments.
    #[must_use]
    pub fn call(when: &str, tool: &str, input: serde_json::Value) -> Self {
        let say = format!("I use the tool {tool}.");
        Self { when: when.to_owned(), say, call: Some(ToolCall { tool: tool.to_owned(), input }) }
    }
}

/// What is particular to a ChatGPT account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatGpt {
    /// `chatgpt_plan_type`: `plus`, `pro`, `team`, `business`, `free`, `edu`…
    pub plan: String,
    /// Does the plan include Codex? Else a login ends with `missing_codex_entitlement`.
    pub entitled: bool,
    /// Which window is reported in which slot.
    pub slots: Slots,
    /// Purchased credits, as the vendor writes their balance.
    pub credits: Option<String>,
    /// Does a stream over HTTP begin with `codex.rate_limits` too, as in WebSockets?
    pub rate_limit_events: bool,
}

impl Default for ChatGpt {
    fn default() -> Self {
        Self {
            plan: "plus".to_owned(),
            entitled: true,
            slots: Slots::FiveHourFirst,
            credits: None,
            rate_limit_events: false,
        }
    }
}

/// Which windows the Codex backend reports as primary and secondary. Clients must tell them apart by their length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slots {
    /// Five hours, then the week.
    #[default]
    FiveHourFirst,
    /// The week, then five hours.
    WeekFirst,
    /// The week alone, as with some Pro plans: there is no five-hour window.
    WeekOnly,
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

/// One account as its vendor knows it.
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
    /// ChatGPT accounts only.
    pub chatgpt: ChatGpt,
    /// Alibaba's keys only.
    pub region: Region,
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
            chatgpt: ChatGpt::default(),
            region: Region::China,
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

    /// An OpenAI API key of an organisation of its own.
    #[must_use]
    pub fn openai_key(name: &str) -> Self {
        Self { kind: Kind::OpenAiKey, ..Self::subscription(name) }
    }

    /// A ChatGPT Plus account with Codex, in a workspace of its own. Its model window is `x-codex-bengalfox-…`.
    #[must_use]
    pub fn chatgpt(name: &str) -> Self {
        Self { kind: Kind::ChatGpt, model_windows: vec![ModelWindow::spark()], ..Self::subscription(name) }
    }

    /// A key of one of Alibaba's offers, in China.
    #[must_use]
    pub fn qwen(name: &str, plan: QwenPlan) -> Self {
        Self { kind: Kind::Qwen(plan), model_windows: Vec::new(), ..Self::subscription(name) }
    }

    /// In another region (Alibaba).
    #[must_use]
    pub fn in_region(self, region: Region) -> Self {
        Self { region, ..self }
    }
}
