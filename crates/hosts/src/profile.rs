//! Direct mode: the genuine agent without the gateway, in a profile directory of its account, with the login that it made
//! there itself. Remuda only says where; it never reads, refreshes or moves that login.

use remuda_core::Vendor;

/// How an agent is kept apart per account.
#[derive(Debug)]
pub struct Profile {
    /// The variable that moves everything the agent keeps.
    pub variable: &'static str,
    /// The logins that it can make there.
    pub logins: &'static [OwnLogin],
    /// What its process must not inherit, because it would serve in place of that login.
    pub remove: &'static [&'static str],
}

/// A login that an agent makes by itself.
#[derive(Debug)]
pub struct OwnLogin {
    /// Whose.
    pub vendor: Vendor,
    /// The agent's own arguments for logging in.
    pub login: &'static [&'static str],
    /// The agent's own arguments that end well when it is logged in.
    pub status: &'static [&'static str],
}

impl Profile {
    /// The login at this vendor; `None`: the agent makes none there.
    #[must_use]
    pub fn login(&self, vendor: Vendor) -> Option<&OwnLogin> {
        self.logins.iter().find(|login| login.vendor == vendor)
    }
}
