//! The pure decision core of Remuda.
//!
//! Facts in, decisions out: no I/O, no clock, no randomness, no async. The live gateway, `explain`, the
//! simulator and replay all run exactly this code. Times are injected by the caller, everywhere.

pub mod account;
pub mod explain;
pub mod headroom;
pub mod id;
pub mod limits;
pub mod live;
pub mod pace;
pub mod poll;
pub mod protocol;
pub mod quota;
pub mod record;
pub mod request;
pub mod rest;
pub mod route;
pub mod snapshot;
pub mod standing;
pub mod time;
pub mod usage;
pub mod verdict;
mod words;

pub use account::{Account, AccountStatus, Cooldown, CostClass, CredentialKind, Identity, Vendor};
pub use id::{AccountId, Label, LabelError, RequestId, SessionKey};
pub use limits::{AccountLimits, Limits};
pub use live::{Live, Load};
pub use protocol::{Capabilities, Protocol, Protocols};
pub use quota::{Reading, ReadingSource, Window};
pub use request::{Conversation, Home, Host, KeyScope, Pin, PinScope, RequestFacts, RequestKind};
pub use snapshot::Snapshot;
pub use time::UnixSeconds;
pub use verdict::{Class, Scope, Verdict};
