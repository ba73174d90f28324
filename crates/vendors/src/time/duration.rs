//! Durations as vendors write them: Go style (`1h30m`, `11.054s`, `20ms`) or with unit words (`~41615 min`, `2 hours`).

/// Seconds of the duration at the start of a lower-case text; what follows is not looked at. `None` if there is none.
pub(crate) fn leading(text: &str) -> Option<f64> {
    let mut rest = text.trim_start().trim_start_matches('~');
    let mut total = None;
    while let Some((seconds, after)) = part(rest) {
        total = Some(total.unwrap_or(0.0) + seconds);
        rest = after;
    }
    total
}

/// Seconds of a text that is a Go-style duration and nothing else.
pub(crate) fn whole(text: &str) -> Option<f64> {
    let text = text.trim();
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let (seconds, after) = part(rest)?;
        total += seconds;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// One number with its unit, and what follows.
fn part(text: &str) -> Option<(f64, &str)> {
    let text = text.trim_start();
    let (number, rest) = number(text)?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    Some((number * unit_seconds(unit)?, rest))
}

/// Digits with at most one fraction. A point without digits behind it ends a sentence, not a number.
fn number(text: &str) -> Option<(f64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    if whole == 0 {
        return None;
    }
    let fraction = text[whole..].strip_prefix('.').map_or(0, digits);
    let end = if fraction == 0 { whole } else { whole + 1 + fraction };
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("11.054s. visit the docs", Some(11.054))]
    #[case("20ms", Some(0.02))]
    #[case("6m0s", Some(360.0))]
    #[case("1h30m.", Some(5400.0))]
    #[case("1m12.5s", Some(72.5))]
    #[case("1h 15m", Some(4500.0))]
    #[case("~41615 min.", Some(2_496_900.0))]
    #[case("2 hours", Some(7200.0))]
    #[case("1 hour 30 minutes, then", Some(5400.0))]
    #[case("1.5 days", Some(129_600.0))]
    #[case("3 days. 5 accounts", Some(259_200.0))]
    #[case("1 sec", Some(1.0))]
    #[case("a few minutes", None)]
    #[case("5", None)]
    #[case("5 monkeys", None)]
    #[case("5mb", None)]
    #[case(".5s", None)]
    #[case("later", None)]
    #[case("", None)]
    fn durations_in_prose(#[case] text: &str, #[case] expected: Option<f64>) {
        assert_eq!(leading(text), expected);
    }

    #[rstest]
    #[case("1s", Some(1.0))]
    #[case("6m0s", Some(360.0))]
    #[case("12ms", Some(0.012))]
    #[case("9h0m0s", Some(32_400.0))]
    #[case("1s later", None)]
    #[case("60", None)]
    #[case("", None)]
    fn durations_in_headers_are_nothing_else(#[case] text: &str, #[case] expected: Option<f64>) {
        assert_eq!(whole(text), expected);
    }
}
