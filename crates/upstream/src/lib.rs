//! A pooled HTTP/1.1 client for the hot path of the data plane.
//!
//! Everything that one read brought is handed over as **one** body frame. Clients that pass one chunk per task
//! wake-up make the server side write and flush each of them, which costs several times the CPU in bursts.
//! Used by the gateway for requests to vendors; calls where speed does not matter (logins, usage polls) do not need it.
//!
//! There are no background tasks: the caller's task drives its connection through [`Client::send`] and through the
//! returned [`Incoming`]; dropping either closes the connection and so cancels the request at the vendor.

mod chunked;
mod client;
mod config;
mod connect;
mod connected;
mod connection;
mod error;
mod exchange;
mod head;
mod incoming;
mod origin;
mod pool;
mod stream;
mod tls;
mod upgrade;
mod upload;
mod watch;

pub use client::{Client, Counts};
pub use config::Config;
pub use connected::Connected;
pub use error::{BoxError, Error, Stage};
pub use incoming::Incoming;
pub use origin::{Origin, OriginError};
pub use upgrade::{Upgrade, Upgraded};
