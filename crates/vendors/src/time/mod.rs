//! The time rules of `tests/cases/README.md`, section 1: what a vendor's statement about the future is worth.
//!
//! Everything here ends in [`Wait`], which exists only for believable statements.

pub(crate) mod date;
pub(crate) mod duration;
pub(crate) mod prose;
pub(crate) mod retry_after;

use remuda_core::UnixSeconds;
use remuda_core::time::believable;
use serde_json::Value;

/// Numbers above this are milliseconds.
const MILLISECONDS_FROM: f64 = 1e12;

/// A believable statement about when to come back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wait {
    /// From now, exact.
    pub(crate) seconds: f64,
    /// The moment, rounded up to a whole second.
    pub(crate) until: UnixSeconds,
}

impl Wait {
    /// So many seconds from now.
    pub(crate) fn of(seconds: f64, now: UnixSeconds) -> Option<Self> {
        let until = whole_second(now as f64 + seconds)?;
        (seconds > 0.0 && believable(until, now)).then_some(Self { seconds, until })
    }

    /// Until a moment, in seconds since 1970.
    pub(crate) fn until(moment: f64, now: UnixSeconds) -> Option<Self> {
        let until = whole_second(moment)?;
        believable(until, now).then_some(Self { seconds: moment - now as f64, until })
    }

    /// Until a moment that is a whole second.
    pub(crate) fn until_second(until: UnixSeconds, now: UnixSeconds) -> Option<Self> {
        believable(until, now).then(|| Self { seconds: (until - now) as f64, until })
    }

    /// The later of two statements, where at least one was made.
    pub(crate) fn later(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(a), Some(b)) => Some(if b.seconds > a.seconds { b } else { a }),
            (one, other) => one.or(other),
        }
    }
}

/// Rounds up. `None` for what no clock shows (NaN, infinite, beyond the year 9999).
fn whole_second(moment: f64) -> Option<UnixSeconds> {
    const YEAR_10000: f64 = 253_402_300_800.0;
    (moment.is_finite() && moment.abs() < YEAR_10000).then(|| moment.ceil() as UnixSeconds)
}

/// Seconds since 1970 from a number that may be milliseconds.
pub(crate) fn epoch(number: f64) -> f64 {
    if number > MILLISECONDS_FROM { number / 1000.0 } else { number }
}

/// A moment as text: epoch seconds or milliseconds, or RFC 3339.
pub(crate) fn moment(text: &str, now: UnixSeconds) -> Option<Wait> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(number) => Wait::until(epoch(number), now),
        Err(_) => Wait::until(date::rfc3339(text)?, now),
    }
}

/// A moment in JSON: a number, or [`moment`] as a string.
pub(crate) fn moment_in(value: &Value, now: UnixSeconds) -> Option<Wait> {
    match value {
        Value::Number(number) => Wait::until(epoch(number.as_f64()?), now),
        Value::String(text) => moment(text, now),
        _ => None,
    }
}

/// A wait in seconds in JSON: a number, or a number in a string.
pub(crate) fn seconds_in(value: &Value, now: UnixSeconds) -> Option<Wait> {
    Wait::of(number_in(value)?, now)
}

/// A finite number in JSON, also as a string.
pub(crate) fn number_in(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const NOW: UnixSeconds = 1_795_168_800;

    #[rstest]
    #[case("1795168860", Some(1_795_168_860))]
    #[case(" 1795168860.2 ", Some(1_795_168_861))]
    #[case("1795168860000", Some(1_795_168_860))]
    #[case("1795168860001", Some(1_795_168_861))]
    #[case("2026-11-20T10:01:00Z", Some(1_795_168_860))]
    #[case("2026-11-20T11:01:00.001+01:00", Some(1_795_168_861))]
    #[case("1795168800", None)]
    #[case("1795168799", None)]
    #[case("1798192800", Some(1_798_192_800))]
    #[case("1798192801", None)]
    #[case("253402300799", None)]
    #[case("-1", None)]
    #[case("NaN", None)]
    #[case("inf", None)]
    #[case("1e400", None)]
    #[case("soon", None)]
    #[case("", None)]
    fn a_moment_counts_only_if_it_is_believable(#[case] text: &str, #[case] expected: Option<UnixSeconds>) {
        assert_eq!(moment(text, NOW).map(|wait| wait.until), expected, "{text}");
    }

    #[test]
    fn the_later_statement_wins_and_one_is_enough() {
        let (short, long) = (Wait::of(1.0, NOW), Wait::of(1.5, NOW));
        assert_eq!(Wait::later(short, long), long);
        assert_eq!(Wait::later(long, short), long);
        assert_eq!(Wait::later(None, short), short);
        assert_eq!(Wait::later(None, None), None);
    }

    proptest! {
        #[test]
        fn whatever_is_stated_the_result_is_believable(seconds in any::<f64>(), now in 0..4_000_000_000_i64) {
            let waits = [Wait::of(seconds, now), Wait::until(seconds, now), Wait::until(epoch(seconds), now)];
            for wait in waits.into_iter().flatten() {
                prop_assert!(believable(wait.until, now));
                prop_assert!(wait.seconds > 0.0 && wait.seconds.is_finite());
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,80}", now in any::<i32>()) {
            if let Some(wait) = moment(&text, now.into()) {
                prop_assert!(believable(wait.until, now.into()));
            }
        }
    }
}
