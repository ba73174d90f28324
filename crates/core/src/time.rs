//! Time as the core sees it: a number that the caller passes in.

/// Seconds since 1970-01-01 00:00:00 UTC. The core never reads a clock.
pub type UnixSeconds = i64;

/// The furthest moment a vendor's statement may name and still be believed: 35 days ahead.
///
/// Monthly and 30-day windows exist; anything later is a mistake or a trick.
pub const BELIEVABLE_HORIZON_S: i64 = 35 * 24 * 3600;

/// A statement about the future counts only if it lies after `now` and within [`BELIEVABLE_HORIZON_S`].
#[must_use]
pub fn believable(at: UnixSeconds, now: UnixSeconds) -> bool {
    at > now && at - now <= BELIEVABLE_HORIZON_S
}
