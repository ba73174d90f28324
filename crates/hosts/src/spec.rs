//! The shape of the tables: what is particular to one agent program. Read by [`crate::launch`] and by `doctor`.

use remuda_core::{Host, Protocol, Protocols, Vendor};
use serde::Serialize;

use crate::overlay::Overlay;
use crate::profile::Profile;

/// Everything Remuda knows about starting one agent.
#[derive(Debug)]
pub struct HostSpec {
    /// Which agent.
    pub host: Host,
    /// Its name as its maker writes it.
    pub name: &'static str,
    /// Its program, looked up on `PATH`.
    pub program: &'static str,
    /// Environment variable by which a person names another program: a path, or a name on `PATH`.
    pub program_variable: &'static str,
    /// Where installers put it without adding it to `PATH`, relative to the home directory.
    pub elsewhere: &'static [&'static str],
    /// What to do when it is not installed.
    pub install: &'static str,
    /// How it reaches the accounts of each vendor whose protocols it speaks; the vendor that it was made for first.
    pub ways: &'static [Way],
    /// What its process is given, whichever way it goes.
    pub set: &'static [Set],
    /// What its process must not inherit, because it would lead around the gateway.
    pub remove: &'static [Remove],
    /// Variable with extra request headers, one `Name: value` a line; names that carry a credential are taken out of it.
    pub headers_variable: Option<&'static str>,
    /// What variables cannot say: arguments, and files of ours that it reads.
    pub overlay: Overlay,
    /// Its own commands that never ask a model. They are started without the overlay.
    pub own_commands: &'static [&'static str],
    /// What the agent can do less well behind any gateway.
    pub costs: &'static [Cost],
    /// How it is kept apart per account when it runs without the gateway; `None`: it cannot be.
    pub profile: Option<Profile>,
}

/// The way to the accounts of one vendor.
#[derive(Debug)]
pub struct Way {
    /// Whose accounts.
    pub vendor: Vendor,
    /// What it speaks there; an account that does not is of no use to it.
    pub protocol: Protocol,
    /// Path of the gateway, appended to its address.
    pub path: &'static str,
    /// What the process is given on this way.
    pub set: &'static [Set],
}

/// One variable for the agent's process.
#[derive(Debug)]
pub struct Set {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: Value,
    /// What to do with a value of the person that is replaced. Shown with its name, never with its value.
    pub instead: &'static str,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// The table.
    Text(&'static str),
    /// The gateway's address with the path of the way.
    BaseUrl,
    /// The gateway's address alone.
    Gateway,
    /// The client key.
    Key,
    /// The vendors whose accounts can serve, with commas between: `anthropic,qwen`.
    Served,
}

/// Inherited variables that are left out, for one reason.
#[derive(Debug)]
pub struct Remove {
    /// Their names.
    pub names: &'static [&'static str],
    /// What would happen if they stayed. Reads on from "… is left out: ".
    pub why: &'static str,
    /// What the person can do instead.
    pub instead: &'static str,
}

/// A feature that suffers behind a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// The feature, in the words of the agent's maker.
    pub feature: &'static str,
    /// What becomes of it.
    pub effect: &'static str,
    /// How to get it back, if there is a way.
    pub remedy: Option<&'static str>,
    /// Version of the agent with which this was observed.
    pub seen_with: &'static str,
}

impl HostSpec {
    /// Whose accounts can serve it.
    pub fn vendors(&self) -> impl Iterator<Item = Vendor> + '_ {
        self.ways.iter().map(|way| way.vendor)
    }

    /// Could an account of this vendor that speaks this serve it?
    #[must_use]
    pub fn can_use(&self, vendor: Vendor, speaks: Protocols) -> bool {
        self.ways.iter().any(|way| way.vendor == vendor && speaks.contains(way.protocol))
    }

    /// The way to the accounts of a vendor; `None`: the agent does not speak its protocols.
    #[must_use]
    pub fn way(&self, vendor: Vendor) -> Option<&'static Way> {
        self.ways.iter().find(|way| way.vendor == vendor)
    }
}

/// All agents that Remuda can start, in the order of every list.
pub static HOSTS: [&HostSpec; 5] =
    [&crate::claude::CLAUDE, &crate::codex::CODEX, &crate::pi::PI, &crate::opencode::OPENCODE, &crate::qwen::QWEN];

/// The table of an agent; `None`: Remuda cannot start it.
#[must_use]
pub fn spec(host: Host) -> Option<&'static HostSpec> {
    HOSTS.into_iter().find(|spec| spec.host == host)
}
