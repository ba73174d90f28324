//! What an agent needs beyond variables, as data: arguments, further variables, and files of ours. Pure; the code that is
//! particular to an agent stands in its module and is named by its table.

use std::ffi::OsString;
use std::path::PathBuf;

use remuda_core::Vendor;

use crate::launch::Environment;

/// Computes the additions of one agent. Holds no secret: a client key is named by its variable.
pub type Overlay = fn(&Start<'_>) -> Result<Additions, PlanError>;

/// The variable that holds the client key, for what reads it by name.
pub(crate) const KEY_VARIABLE: &str = "REMUDA_CLIENT_KEY";
/// The variable that holds the gateway's address.
pub(crate) const URL_VARIABLE: &str = "REMUDA_URL";

/// What is known when an agent is about to be started.
pub struct Start<'a> {
    /// The gateway's address without a path or a slash at the end: `http://127.0.0.1:4747`.
    pub base_url: &'a str,
    /// Vendors of the accounts that can serve it. Not empty.
    pub served: &'a [Vendor],
    /// What the person says to the agent.
    pub args: &'a [OsString],
    /// The environment that it would inherit.
    pub inherited: &'a Environment,
    /// What was found on the machine.
    pub facts: &'a Facts,
}

/// What was found on the machine; see [`HostSpec::look`](crate::HostSpec::look).
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Has the agent a login of its own? `None`: nobody needs to know.
    pub own_login: Option<bool>,
    /// Settings of the machine's administrator that the overlay replaces and therefore holds too.
    pub system_settings: Option<(PathBuf, String)>,
}

/// What is added to the agent's command line and environment.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Additions {
    /// Arguments before the person's own.
    pub before: Vec<OsString>,
    /// Variables whose values are no secrets.
    pub set: Vec<(&'static str, OsString)>,
    /// Files of ours, written before the start.
    pub files: Vec<File>,
    /// What the person should know.
    pub notes: Vec<String>,
}

/// A file of ours that the agent reads. Its name is made from its content, so that it is written once and never changes.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// `pi.ts`: the content's hash goes between.
    pub name: &'static str,
    /// What it holds. Never a secret.
    pub content: String,
    /// How the agent hears of it.
    pub told_by: ToldBy,
}

/// How an agent hears of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldBy {
    /// An option before the person's own arguments.
    Option(&'static str),
    /// A variable.
    Variable(&'static str),
}

/// The agent cannot be started like this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It does not speak the protocols of the accounts that could serve it.
    #[error("{agent} does not speak the protocol of {}", list(served))]
    OtherVendor {
        /// The agent's name.
        agent: &'static str,
        /// Whose accounts were chosen.
        served: Vec<Vendor>,
        /// Whose accounts it could use.
        speaks: Vec<Vendor>,
    },
    /// It keeps everything in one place.
    #[error("{agent} cannot keep accounts apart")]
    NoProfile {
        /// The agent's name.
        agent: &'static str,
    },
    /// A configuration of the person that must be kept beside ours cannot be read.
    #[error("{place} is no JSON: {why}")]
    NotJson {
        /// Where it stands.
        place: String,
        /// What is wrong with it.
        why: String,
    },
}

fn list(vendors: &[Vendor]) -> String {
    vendors.iter().map(|vendor| vendor.as_str()).collect::<Vec<_>>().join(" or ")
}

/// Nothing beyond variables.
pub(crate) fn none(_: &Start<'_>) -> Result<Additions, PlanError> {
    Ok(Additions::default())
}
