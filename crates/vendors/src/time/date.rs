//! Dates as vendors write them in headers and JSON.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;

/// HTTP-dates of RFC 9110, section 5.6.7: the fixed form is a subset of RFC 2822, the obsolete ones are not.
const IMF_FIXDATE: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);
const OBSOLETE_HTTP_DATES: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// Seconds since 1970 of an RFC 3339 date with its offset.
pub(crate) fn rfc3339(text: &str) -> Option<f64> {
    text.trim().parse::<Timestamp>().ok().map(seconds)
}

/// Seconds since 1970 of an HTTP-date in any of its three forms.
pub(crate) fn http_date(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(date) = IMF_FIXDATE.parse_timestamp(text) {
        return Some(seconds(date));
    }
    OBSOLETE_HTTP_DATES.iter().find_map(|format| utc(DateTime::strptime(format, text).ok()?))
}

/// Seconds since 1970 of a date and time in UTC.
pub(crate) fn utc(date: DateTime) -> Option<f64> {
    date.to_zoned(TimeZone::UTC).ok().map(|zoned| seconds(zoned.timestamp()))
}

fn seconds(timestamp: Timestamp) -> f64 {
    timestamp.as_second() as f64 + f64::from(timestamp.subsec_nanosecond()) / 1e9
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Sun, 06 Nov 1994 08:49:37 GMT")]
    #[case("Sunday, 06-Nov-94 08:49:37 GMT")]
    #[case("Sun Nov  6 08:49:37 1994")]
    fn an_http_date_is_read_in_all_its_forms(#[case] text: &str) {
        assert_eq!(http_date(text), Some(784_111_777.0));
    }

    #[rstest]
    #[case("Sun, 06 Nov 1994")]
    #[case("06.11.1994 08:49:37")]
    #[case("")]
    fn anything_else_is_no_date(#[case] text: &str) {
        assert_eq!(http_date(text), None);
    }
}
