//! Tokens: the refresh discipline and the login engines.
//!
//! The gateway asks the [`Keeper`] for the token of an account and tells it when the vendor refused one; nobody else
//! ever sends a refresh token.
//!
//! ```text
//! policy     pure: what to do about one credential now
//! keeper     live: what the gateway calls        entry   memory of one account
//! flight     one refresh, from lock to publish   timer   the regular pass
//! exchange   effect: a vendor's endpoint         http    the real one, over HTTPS
//! clock      effect: the time                    login   how secrets come in
//! ```

mod clock;
mod entry;
mod exchange;
mod flight;
mod http;
mod keeper;
pub mod login;
pub mod policy;
mod timer;
mod token;

pub use clock::{Clock, SystemClock};
pub use exchange::{Answer, Exchange, MAX_BODY, SendError};
pub use http::Https;
pub use keeper::{Keeper, RefreshTrouble, StatusChange};
pub use timer::TICK;
pub use token::{Token, TokenError};
