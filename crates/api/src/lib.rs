//! What goes in and out of the control API: the JSON that programs may rely on.
//!
//! Every answer is a JSON object with `"version": 1` ([`Versioned`]). Within a version fields are only added. Times are unix seconds, money is US dollars, shares are percent from 0 to 100. Accounts and pools are named
//! as a person names them: `label` or `@pool`; wherever an account is asked for, its id is accepted too.
//!
//! Used by the server side, by its client, and by every view that shows an answer. No I/O, no HTTP.

mod account;
mod choice;
mod failure;
mod key;
mod login;
mod money;
mod request;
mod status;
mod version;

pub use account::{
    AccountChange, AccountChanged, AccountRef, AccountRemoved, AccountShown, AccountView, Accounts, BorrowedFrom,
    ModelRest, Rest, State, Who, WindowView,
};
pub use choice::{
    ActiveChange, ActiveChanged, ChainChange, ChainChanged, ChainView, Chains, NextChange, PinView, PoolChange,
    PoolChanged, PoolCreate, PoolRef, PoolView, Pools, Reset, ResetDone, ResetWhat,
};
pub use failure::{Code, Failure, FailureAnswer};
pub use key::{KeyCreate, KeyCreated, KeyRef, KeyRevoked, KeyScope, KeyView, Keys};
pub use login::{
    CompatibleStart, KeyHeader, LoginCode, LoginMethod, LoginRef, LoginStage, LoginStart, LoginView, SentSecret, Terms,
    TermsAsked,
};
pub use money::{SpendChange, SpendChanged, SpendRuleView, SpendRules};
pub use request::{Explained, Log, LogAsked, RequestRef};
pub use status::{Daemon, Empty, Status, Stopping};
pub use version::{VERSION, Versioned};
