//! `remuda demo`: the main job on a stage of its own, told while it happens and checked afterwards.
//!
//! The daemon is the real one, set up through the control API as a person would do it; only the vendor is a miniature,
//! the agent a small client, and time can be put forward. `story` acts, `check` judges what was seen, `stage` leaves
//! nothing behind. Texts are in `view::demo`.

mod agent;
mod check;
mod clock;
mod stage;
mod story;

pub(crate) use check::{Check, judge};
pub(crate) use stage::Stage;
pub(crate) use story::{Turn, tell};

use serde::Serialize;

/// How the demo went.
#[derive(Debug, Serialize)]
pub(crate) struct DemoDone {
    /// Did everything hold that the demo claims?
    pub(crate) held: bool,
    /// What it claims.
    pub(crate) checks: Vec<Check>,
    /// Milliseconds from the start to the end, with everything taken down.
    pub(crate) took_ms: u64,
}

/// The accounts. What the demo claims is about them.
pub(crate) mod names {
    /// A subscription that others use, too. The conversation is sent to it.
    pub(crate) const ENTERPRISE: &str = "enterprise";
    /// A subscription that may stand in for it, but nobody for this one.
    pub(crate) const PERSONAL: &str = "personal";
    /// An API key that costs money, first on the chain, without a rule that lets it spend.
    pub(crate) const SIDE_PROJECT: &str = "side-project";
}
