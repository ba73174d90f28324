//! Moments, lengths of time and large numbers in words.

use crate::time::UnixSeconds;

/// What "ago" and "in" are counted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) now: UnixSeconds,
}

impl Clock {
    /// `2026-11-20 13:20:00 UTC (3 min ago)`.
    pub(super) fn moment(self, at: UnixSeconds) -> String {
        format!("{} ({})", absolute(at), self.relative(at))
    }

    /// `in 2 h 14 min`, `3 min ago`, `now`.
    pub(super) fn relative(self, at: UnixSeconds) -> String {
        match at.saturating_sub(self.now) {
            0 => "now".to_owned(),
            ahead @ 1.. => format!("in {}", span(ahead)),
            behind => format!("{} ago", span(behind.saturating_neg())),
        }
    }
}

fn absolute(at: UnixSeconds) -> String {
    match jiff::Timestamp::from_second(at) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => format!("{at} s after 1970"),
    }
}

/// Whole seconds with their two largest units: `45 s`, `5 min`, `2 h 14 min`, `3 d 4 h`.
pub(super) fn span(seconds: i64) -> String {
    let (s, min, h, d) = (seconds % 60, seconds / 60 % 60, seconds / 3600 % 24, seconds / 86_400);
    let two = |large: i64, unit: &str, small: i64, below: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {below}"),
    };
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => two(min, "min", s, "s"),
        3600..86_400 => two(h, "h", min, "min"),
        _ => two(d, "d", h, "h"),
    }
}

/// `850 ms`, `1.4 s`, `2 min 3 s`.
pub(super) fn millis(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => span(i64::try_from(ms / 1_000).unwrap_or(i64::MAX)),
    }
}

/// `1,234,567`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0 s")]
    #[case(59, "59 s")]
    #[case(60, "1 min")]
    #[case(3_661, "1 h 1 min")]
    #[case(90_000, "1 d 1 h")]
    #[case(604_800, "7 d")]
    fn spans_have_at_most_two_units(#[case] seconds: i64, #[case] words: &str) {
        assert_eq!(span(seconds), words);
    }

    #[rstest]
    #[case(850, "850 ms")]
    #[case(1_449, "1.4 s")]
    #[case(123_000, "2 min 3 s")]
    fn milliseconds_become_seconds_and_minutes(#[case] ms: u64, #[case] words: &str) {
        assert_eq!(millis(ms), words);
    }

    #[rstest]
    #[case(0, "0")]
    #[case(999, "999")]
    #[case(1_000, "1,000")]
    #[case(1_234_567, "1,234,567")]
    fn large_numbers_are_grouped(#[case] n: u64, #[case] words: &str) {
        assert_eq!(count(n), words);
    }

    #[test]
    fn moments_are_absolute_and_relative() {
        let clock = Clock { now: 1_795_180_800 };
        assert_eq!(clock.moment(1_795_180_620), "2026-11-20 13:17:00 UTC (3 min ago)");
        assert_eq!(clock.moment(1_795_180_800), "2026-11-20 13:20:00 UTC (now)");
        assert_eq!(clock.moment(1_795_189_800), "2026-11-20 15:50:00 UTC (in 2 h 30 min)");
    }
}
