//! Direct mode: the genuine agent without the gateway, in a profile directory of its account, with the login that it made
//! there itself. Remuda only says where; it never reads, refreshes or moves that login.

use remuda_core::Vendor;

/// How an agent is kept apart per account.
#[derive(Debug)]
pub struct Profile {
    /// The variable that moves everything the agent keeps.
    pub variable: &'static str,
    /// The vendor whose login it makes there.
    pub vendor: Vendor,
    /// The agent's own arguments for logging in; empty: it logs in when it is started without any.
    pub login: &'static [&'static str],
    /// The agent's own arguments that end well when it is logged in; empty: it has none.
    pub status: &'static [&'static str],
    /// Where it keeps its login, below the profile directory. Only looked for, never read.
    pub login_file: &'static str,
    /// What its process must not inherit, because it would serve in place of that login.
    pub remove: &'static [&'static str],
}
