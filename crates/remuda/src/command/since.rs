//! Points in time as a person types them: a length back from now, or a date.

use jiff::Zoned;
use jiff::civil::{Date, DateTime};
use remuda_control::Failure;
use remuda_core::UnixSeconds;

/// `30m`, `2h`, `3d`, `2w`, `2026-11-01`, `2026-11-01T14:00`.
pub(super) fn since(text: &str, now: &Zoned) -> Result<UnixSeconds, Failure> {
    let text = text.trim();
    length(text)
        .and_then(|seconds| now.timestamp().as_second().checked_sub(seconds))
        .or_else(|| date(text, now))
        .ok_or_else(|| {
            Failure::invalid(format!("{text:?} is no time")).remedy("write 30m, 2h, 3d, 2w, or a date: 2026-11-01")
        })
}

fn length(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at(text.len().checked_sub(1).filter(|at| text.is_char_boundary(*at))?);
    let unit = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    number.parse::<u32>().ok().map(|number| i64::from(number) * unit)
}

fn date(text: &str, now: &Zoned) -> Option<UnixSeconds> {
    let there = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from)).ok()?;
    Some(there.to_zoned(now.time_zone().clone()).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("30m", Some(1_800))]
    #[case("2h", Some(7_200))]
    #[case(" 3d ", Some(3 * 86_400))]
    #[case("1w", Some(7 * 86_400))]
    #[case("2026-11-20", Some(14 * 3_600))]
    #[case("2026-11-20T13:30", Some(1_800))]
    #[case("yesterday", None)]
    #[case("", None)]
    #[case("-2h", None)]
    #[case("ü", None)]
    fn a_time_is_a_length_back_or_a_date(#[case] text: &str, #[case] before: Option<i64>) {
        let now: Zoned = "2026-11-20T14:00[UTC]".parse().unwrap();
        let then = before.map(|seconds| now.timestamp().as_second() - seconds);
        assert_eq!(since(text, &now).ok(), then, "{text:?}");
    }
}
