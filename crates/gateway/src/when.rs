//! Times for people, in messages to clients: the clock on their wall and how long it is until then.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use remuda_core::UnixSeconds;

/// `now` plus a number of seconds, rounded up; far futures stay far futures.
#[must_use]
pub fn later(now: UnixSeconds, seconds: f64) -> UnixSeconds {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
    let seconds = seconds.ceil().clamp(0.0, 1e12) as i64;
    now.saturating_add(seconds)
}

/// `at 14:05 (in 1 h 59 min)`, with the day when it is not within the next 20 hours.
#[must_use]
pub fn in_words(now: UnixSeconds, at: UnixSeconds) -> String {
    format!("at {} (in {})", clock(now, at, &TimeZone::system()), duration(at - now))
}

/// `until 14:05 (1 h 59 min)`.
#[must_use]
pub fn until_words(now: UnixSeconds, at: UnixSeconds) -> String {
    format!("until {} ({})", clock(now, at, &TimeZone::system()), duration(at - now))
}

fn clock(now: UnixSeconds, at: UnixSeconds, zone: &TimeZone) -> String {
    let Ok(moment) = Timestamp::from_second(at) else { return "a time far away".to_owned() };
    let format = if at - now < 20 * 3600 { "%H:%M" } else { "%a %-d %b %H:%M" };
    moment.to_zoned(zone.clone()).strftime(format).to_string()
}

/// `45 s`, `12 min`, `1 h 59 min`, `3 d 4 h`. Rounded up, so that nobody comes back too early.
#[must_use]
pub fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let minutes = (seconds + 59) / 60;
    let two = |big: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{big} {unit}") } else { format!("{big} {unit} {small} {small_unit}") }
    };
    match seconds {
        0..=90 => format!("{seconds} s"),
        91..=3540 => format!("{minutes} min"),
        3541..=86_400 => two(minutes / 60, "h", minutes % 60, "min"),
        _ => {
            let hours = (seconds + 3599) / 3600;
            two(hours / 24, "d", hours % 24, "h")
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0 s")]
    #[case(90, "90 s")]
    #[case(91, "2 min")]
    #[case(3540, "59 min")]
    #[case(3541, "1 h")]
    #[case(7140, "1 h 59 min")]
    #[case(86_400, "24 h")]
    #[case(90_000, "1 d 1 h")]
    #[case(-5, "0 s")]
    fn durations_read_well(#[case] seconds: i64, #[case] words: &str) {
        assert_eq!(duration(seconds), words);
    }

    #[test]
    fn a_day_is_named_when_it_is_not_soon() {
        let now = 1_795_168_800; // 2026-11-20 10:00 UTC
        assert_eq!(clock(now, now + 3600, &TimeZone::UTC), "11:00");
        assert_eq!(clock(now, now + 3 * 86_400, &TimeZone::UTC), "Mon 23 Nov 10:00");
    }
}
