//! What goes in and out of the control API: the JSON that programs may rely on.
//!
//! Every answer is a JSON object with `"version": 1` ([`Versioned`]). Within a version fields are only added. Times are unix seconds, money is US dollars, shares are percent from 0 to 100. Accounts and pools are named
//! as a person names them: `label` or `@pool`; wherever an account is asked for, its id is accepted too.
//!
//! Used by the server side, by its client, and by every view that shows an answer. No I/O, no HTTP.

mod account;
mod alert;
mod choice;
mod dashboard;
mod event;
mod failure;
mod import;
mod key;
mod limit;
mod live;
mod login;
mod money;
mod overview;
mod quota;
mod request;
mod session;
mod status;
mod usage;
mod version;

pub use account::{
    AccountChange, AccountChanged, AccountRef, AccountRemoved, AccountShown, AccountView, Accounts, BorrowedFrom,
    ModelRest, Rest, State, Who,
};
pub use alert::{AlertKind, AlertRef, AlertSeen, AlertView, Alerts};
pub use choice::{
    ActiveChange, ActiveChanged, ChainChange, ChainChanged, ChainView, Chains, NextChange, PinView, PoolChange,
    PoolChanged, PoolCreate, PoolRef, PoolView, Pools, Reset, ResetDone, ResetWhat, SwitchPrice,
};
pub use dashboard::{CSRF_COOKIE, CSRF_HEADER, DashboardLink, OPEN_PATH, SESSION_COOKIE};
pub use event::{EVENTS_PATH, Event, EventKind, EventsAsked, HerdView, LoginStep, Step};
pub use failure::{Code, Failure, FailureAnswer};
pub use import::{Fate, FoundLogin, ImportHow, ImportPlace, ImportStart, ImportTrouble, Imported, RefusalRow};
pub use key::{KeyCreate, KeyCreated, KeyRef, KeyRevoked, KeyScope, KeyView, Keys};
pub use limit::{HoldCancel, HoldView, Holds, HoldsCancelled, LimitChange, LimitChanged, LimitList, LimitView};
pub use live::{Ending, LiveRef, LiveRequests, LiveStage, LiveStopped, LiveView, RequestView};
pub use login::{
    CompatibleStart, KeyHeader, LoginCode, LoginMethod, LoginRef, LoginStage, LoginStart, LoginView, SentSecret, Terms,
    TermsAsked,
};
pub use money::{SpendChange, SpendChanged, SpendRuleView, SpendRules};
pub use overview::Overview;
pub use quota::{
    AccountFloors, FloorChange, FloorView, KillSwitchChanged, KillSwitchView, Minimums, MinimumsChanged, PolledHow,
    PolledView, QuotaRefresh, QuotaRefreshed, QuotaView, TroubleView, UnknownSaid, UsageView, WindowView,
};
pub use request::{Explained, Log, LogAsked, RequestRef};
pub use session::{SessionChanged, SessionHalt, SessionRef, SessionStop, SessionView, Sessions, SessionsAsked};
pub use status::{Daemon, Empty, Status, Stopping};
pub use usage::{Usage, UsageAsked, UsageBucket, UsageBy, UsageRow, UsageSum, UsageTime};
pub use version::{VERSION, Versioned};
