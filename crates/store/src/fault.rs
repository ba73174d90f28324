//! Places at which tests kill the process, to see that nothing is lost. Exists only with the feature `fault-points`,
//! which only test builds have; without it [`point`] is nothing.
//!
//! Points so far: `after_intent`, `before_exchange`, `after_exchange` (credentials), `before_persist`,
//! `during_persist`, `after_persist` (store: around a credential's transaction).

/// Dies here, without any clean-up, if the environment variable `REMUDA_FAULT_POINT` names this point.
#[cfg(feature = "fault-points")]
pub fn point(name: &str) {
    if std::env::var_os("REMUDA_FAULT_POINT").is_some_and(|wanted| wanted == name) {
        std::process::abort();
    }
}

/// Nothing: this build has no fault points.
#[cfg(not(feature = "fault-points"))]
#[inline(always)]
pub fn point(_name: &str) {}
