//! Anthropic in miniature: a strict, scripted vendor for tests, the demo and benches. Never part of the data plane.
//!
//! It speaks the OAuth, Messages, usage and profile protocols over real HTTP on loopback, keeps the vendor's rules
//! (single-use refresh tokens, signatures bound to account and model, cache accounting, quota windows), fails on demand
//! ([`Fault`]) and writes down what a gateway must never do ([`Fake::violations`]). It shares no code with the crates it
//! judges, so that a mistake there cannot hide here.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use remuda_fake::{AccountSpec, Config, Fake, Fault, Refusal, Window};
//!
//! let vendor = Fake::start(Config::default()).await?;
//! let personal = vendor.add_account(AccountSpec::subscription("personal"))?;
//! let tokens = personal.issue_tokens();
//! personal.set_window(Window::FiveHour, 100.0, 7200); // the next answer is a 429
//! vendor.script(&personal, [Fault::refuse(Refusal::Overloaded).times(2)]);
//! assert!(vendor.base_url().starts_with("http://127.0.0.1:"));
//! assert!(tokens.access_token.starts_with("sk-ant-oat01-"));
//! vendor.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod account;
mod answer;
mod auth;
mod clock;
mod config;
mod control;
mod fault;
mod grants;
mod identity;
mod incoming;
mod log;
mod messages;
mod mint;
mod models;
mod oauth;
mod perform;
mod play;
mod query;
mod quota;
mod refusal;
mod route;
mod serve;
mod server;
mod state;
mod vendor;
mod watch;

pub use account::{FakeAccount, Kind, Plan, Tokens};
pub use clock::ClockMode;
pub use config::{AccountSpec, Browser, Config, LogLimits, Reply};
pub use fault::{Chunking, Effect, Fault, Point, Who};
pub use log::{Ending, Endpoint, Seen};
pub use quota::{Buckets, Cost, ModelWindow, QuotaHeaders, Reading, Window};
pub use refusal::Refusal;
pub use serve::{Options, Running, serve};
pub use vendor::{Fake, NameTaken, StartError};
