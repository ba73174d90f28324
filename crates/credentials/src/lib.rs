//! Tokens: the refresh discipline and the login engines.
//!
//! The gateway asks the [`Keeper`] for the token of an account and tells it when the vendor refused one; nobody else
//! ever sends a refresh token.

mod clock;
mod keeper;
mod token;

pub use clock::{Clock, SystemClock};
pub use keeper::{Keeper, StatusChange};
pub use token::{Token, TokenError};
