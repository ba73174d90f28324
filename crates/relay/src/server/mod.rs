//! The self-hosted relay: takes messages, rebuilds bodies, calls vendors, gives their answers.
//!
//! A message comes in by [`door`] (HTTP) or [`socket`] (WebSocket) and meets, in order: the [`token`], the [`limit`] of
//! its token, [`relay`] with the conversation's gate and its sealed body ([`vault`]), and the list of [`upstream`]s.
//! Then [`call`] asks the vendor and writes the answer to a [`recording`], which a transport follows; a client that
//! lost its connection follows it again. Nothing here logs a body, a header or a token.

pub mod call;
pub mod door;
pub mod limit;
pub mod listen;
pub mod recording;
pub mod relay;
pub mod settings;
pub mod socket;
pub mod token;
pub mod upstream;
pub mod vault;

pub use listen::{Listening, serve};
pub use relay::{Relay, random_epoch};
pub use settings::Settings;
pub use token::Tokens;
pub use upstream::Upstreams;
