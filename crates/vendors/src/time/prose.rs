//! Times in a vendor's own words: durations after a few fixed phrases, and two absolute forms. Nothing else states a time:
//! not "later", not "3pm", not a number by itself.

use jiff::civil::DateTime;
use remuda_core::UnixSeconds;

use super::{Wait, date, duration};
use crate::own_words::OwnWords;

/// What stands before a duration.
const BEFORE_DURATION: [&str; 5] = ["try again in", "retry after", "retry in", "resets in", "reset in"];

/// The latest believable statement, or none.
pub(crate) fn stated(words: &OwnWords, now: UnixSeconds) -> Option<Wait> {
    let durations = BEFORE_DURATION
        .iter()
        .flat_map(|phrase| words.after_each(phrase))
        .filter_map(|rest| Wait::of(duration::leading(rest)?, now));
    let dates = words.after_each("utc").filter_map(|rest| {
        let before = words.as_str().len() - rest.len() - "utc".len();
        date_before(&words.as_str()[..before], now)
    });
    durations.chain(dates).fold(None, |latest, wait| Wait::later(latest, Some(wait)))
}

/// `MM-DD HH:MM:SS` or `YYYY-MM-DD at HH:MM` at the end of a text.
fn date_before(text: &str, now: UnixSeconds) -> Option<Wait> {
    let mut words = text.split_ascii_whitespace().rev();
    let clock: Vec<i8> = fields(words.next()?, ':')?;
    let day = words.next().filter(|word| *word != "at").or_else(|| words.next())?;
    let (hour, minute, second) = match clock[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let moment = |year, month, day| date::utc(DateTime::new(year, month, day, hour, minute, second, 0).ok()?);
    match fields::<i16>(day, '-')?[..] {
        [year, month, day] => Wait::until(moment(year, month.try_into().ok()?, day.try_into().ok()?)?, now),
        // without a year: this year's, or else next year's
        [month, day] => {
            let (month, day) = (month.try_into().ok()?, day.try_into().ok()?);
            let year = jiff::Timestamp::from_second(now).ok()?.to_zoned(jiff::tz::TimeZone::UTC).year();
            [year, year.checked_add(1)?]
                .into_iter()
                .filter_map(|year| moment(year, month, day))
                .find(|moment| *moment > now as f64)
                .and_then(|moment| Wait::until(moment, now))
        }
        _ => None,
    }
}

/// Numbers between separators; nothing but digits counts.
fn fields<N: std::str::FromStr>(word: &str, separator: char) -> Option<Vec<N>> {
    word.split(separator)
        .map(|field| field.bytes().all(|b| b.is_ascii_digit()).then(|| field.parse().ok()).flatten())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use remuda_core::time::believable;
    use rstest::rstest;

    use super::*;

    const NOW: UnixSeconds = 1_795_168_800; // 2026-11-20 10:00:00 UTC

    fn read(text: &str) -> Option<i64> {
        stated(&OwnWords::of(text), NOW).map(|wait| wait.until - NOW)
    }

    #[rstest]
    #[case("Please try again in 11.054s. Visit https://example.test/429", Some(12))]
    #[case("Limit resets in 1h 15m", Some(4500))]
    #[case("will reset in 2 days", Some(172_800))]
    #[case("Please retry after 30s", Some(30))]
    #[case("Retry in ~5 min", Some(300))]
    #[case("try again in 20s, your week resets in 3h", Some(10_800))]
    #[case("You will regain access on 2026-12-01 at 00:00 UTC.", Some(914_400))]
    #[case("reset at 11-21 10:00:00 UTC", Some(86_400))]
    #[case("reset at 2026-11-21 10:00:00 UTC", Some(86_400))]
    #[case("reset at 11-20 09:59:59 UTC", None)]
    #[case("reset at 11-20 10:00:00 UTC", None)]
    #[case("reset at 02-30 10:00:00 UTC", None)]
    #[case("reset at 13-45 99:00:00 UTC", None)]
    #[case("on 2025-12-01 at 00:00 UTC", None)]
    #[case("on 2026-12-01 at 00:00", None)]
    #[case("2026-12-01 at noon UTC", None)]
    #[case("UTC", None)]
    #[case("try again later", None)]
    #[case("try again in a few minutes", None)]
    #[case("try again in 0s", None)]
    #[case("resets 3pm", None)]
    #[case("presets in 5 min", None)]
    #[case("retry attempt 3 of 10 took 30s", None)]
    #[case("tool said \"try again in 30s\"", None)]
    fn only_fixed_forms_state_a_time(#[case] text: &str, #[case] expected: Option<i64>) {
        assert_eq!(read(text), expected, "{text}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic_and_believably(
            text in "(try again in |resets? in |[0-9]{1,4}-[0-9]{2} |at |UTC|[0-9:.~ ]{1,9}|(h|m|s|ms|days)|.){0,12}",
            now in 0..4_000_000_000_i64,
        ) {
            if let Some(wait) = stated(&OwnWords::of(&text), now) {
                prop_assert!(believable(wait.until, now));
            }
        }
    }
}
