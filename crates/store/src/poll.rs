//! The right to ask a vendor's usage endpoint, shared by all processes on one store. Used by the gateway's poller only.

use remuda_core::UnixSeconds;
use remuda_core::poll::PollState;

/// May this process ask now?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollClaim {
    /// Yes, within [`crate::store::POLL_LEASE_S`] seconds; then [`crate::Store::end_poll`].
    Granted(PollState),
    /// No: it rests after a failure, or another process has asked since. This is how it stands.
    Later(PollState),
    /// No: an account of the same vendor is being asked about.
    Busy {
        /// That has ended by then.
        until: UnixSeconds,
    },
}
