//! The Retry-After headers, the finer one first.

use http::HeaderMap;
use remuda_core::UnixSeconds;

use super::{Wait, date};

/// `retry-after-ms`, else `retry-after` as seconds (with fraction), HTTP-date or RFC 3339. A statement that is not believable
/// is as good as absent.
pub(crate) fn retry_after(headers: &HeaderMap, now: UnixSeconds) -> Option<Wait> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let fine = text("retry-after-ms").and_then(|ms| Wait::of(ms.parse::<f64>().ok()? / 1000.0, now));
    fine.or_else(|| {
        let value = text("retry-after")?;
        match value.parse::<f64>() {
            Ok(seconds) => Wait::of(seconds, now),
            Err(_) => Wait::until(date::http_date(value).or_else(|| date::rfc3339(value))?, now),
        }
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use rstest::rstest;

    use super::*;

    const NOW: UnixSeconds = 1_785_729_906;

    fn read(pairs: &[(&'static str, &'static str)]) -> Option<f64> {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        retry_after(&headers, NOW).map(|wait| wait.seconds)
    }

    #[rstest]
    #[case(&[("retry-after", "60")], Some(60.0))]
    #[case(&[("retry-after", " 1.5 ")], Some(1.5))]
    #[case(&[("retry-after", "Mon, 03 Aug 2026 04:06:36 GMT")], Some(90.0))]
    #[case(&[("retry-after", "2026-08-03T04:06:36Z")], Some(90.0))]
    #[case(&[("retry-after-ms", "250"), ("retry-after", "9")], Some(0.25))]
    #[case(&[("retry-after-ms", "abc"), ("retry-after", "4")], Some(4.0))]
    #[case(&[("retry-after-ms", "0"), ("retry-after", "4")], Some(4.0))]
    #[case(&[("retry-after", "0")], None)]
    #[case(&[("retry-after", "-1")], None)]
    #[case(&[("retry-after", "1785729966")], None)]
    #[case(&[("retry-after", "Mon, 03 Aug 2026 04:05:06 GMT")], None)]
    #[case(&[("retry-after", "tomorrow")], None)]
    #[case(&[], None)]
    fn the_finer_readable_header_counts(
        #[case] headers: &[(&'static str, &'static str)],
        #[case] expected: Option<f64>,
    ) {
        assert_eq!(read(headers), expected);
    }
}
