//! The vendors in miniature: strict, scripted, for tests, the demo and benches. Never part of the data plane.
//!
//! One [`Fake`] plays Anthropic, OpenAI (API keys, the Codex backend, login) and Alibaba over real HTTP on one loopback
//! port. Each host name of a real vendor is a [`Site`] with a path prefix: where a client would use
//! `https://chatgpt.com`, give it [`Fake::url`]`(Site::ChatGpt)`; the path that follows is the real one. They keep the
//! vendors' rules (single-use refresh tokens, signatures and encrypted reasoning bound to their account, cache
//! accounting, quota windows), fail on demand ([`Fault`]) and write down what a gateway must never do
//! ([`Fake::violations`]). They share no code with the crates they judge, so that a mistake there cannot hide here.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use remuda_fake::{AccountSpec, Config, Fake, Fault, OpenAiRefusal, Point, QwenPlan, Refusal, Reply, Site, Window};
//!
//! let vendors = Fake::start(Config::default()).await?;
//! let personal = vendors.add_account(AccountSpec::subscription("personal"))?;
//! let tokens = personal.issue_tokens();
//! personal.set_window(Window::FiveHour, 100.0, 7200); // the next answer is a 429
//! vendors.script(&personal, [Fault::refuse(Refusal::Overloaded).times(2)]);
//! assert!(tokens.access_token.starts_with("sk-ant-oat01-"));
//!
//! let codex = vendors.add_account(AccountSpec::chatgpt("codex"))?;
//! codex.set_window(Window::SevenDay, 80.0, 86_400); // x-codex-secondary-used-percent: 80
//! vendors.script(&codex, [Fault::error_event(OpenAiRefusal::UsageLimitReached, Point::AfterHandshake)]);
//! assert!(vendors.url(Site::ChatGpt).ends_with("/chatgpt")); // + /backend-api/codex/responses
//!
//! let plan = vendors.add_account(AccountSpec::qwen("plan", QwenPlan::Coding))?;
//! assert!(plan.key().starts_with("sk-sp-"));
//! vendors.reply(Reply::call("list the files", "shell", serde_json::json!({"command": ["ls"]})));
//! vendors.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod account;
mod answer;
mod anthropic;
mod breaking;
mod clock;
mod codex;
mod config;
mod consent;
mod control;
mod desk;
mod fault;
mod grammar;
mod grants;
mod incoming;
mod line;
mod log;
mod manner;
mod mint;
mod openai;
mod openai_auth;
mod perform;
mod play;
mod press;
mod query;
mod quota;
mod qwen;
mod refusal;
mod refused;
mod remembered;
mod route;
mod serve;
mod server;
mod site;
mod speech;
mod standing;
mod state;
mod vendor;
mod watch;

pub use account::{FakeAccount, Kind, Plan, Tokens};
pub use clock::ClockMode;
pub use config::{AccountSpec, Browser, ChatGpt, Config, LogLimits, Reply, Slots, ToolCall};
pub use fault::{Chunking, Effect, Fault, Point, Who};
pub use log::{Ending, Endpoint, Seen};
pub use quota::{Buckets, Cost, ModelWindow, QuotaHeaders, Reading, Window};
pub use refusal::{OpenAiRefusal, QwenRefusal, Refusal, VendorRefusal};
pub use serve::{Options, Running, serve};
pub use site::{QwenPlan, Region, Site, Vendor};
pub use vendor::{Fake, NameTaken, StartError};
