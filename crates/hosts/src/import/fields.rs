//! The spellings that these files share. They come from many hands: the same thing has several names, times are seconds,
//! milliseconds or text.

use std::collections::BTreeMap;

use remuda_core::{UnixSeconds, Window};
use secrecy::SecretString;
use serde_json::Value;

use super::found::Secret;

const ACCESS: &[&str] = &["access", "accessToken", "access_token"];
const REFRESH: &[&str] = &["refresh", "refreshToken", "refresh_token"];
const EXPIRES: &[&str] = &["expires", "expiresAt", "expires_at", "expiry_date"];
const LAST: &[&str] = &["lastRefreshedAt", "last_refresh", "lastRefresh"];
const CLIENT: &[&str] = &["clientId", "client_id"];

/// The first of these that holds a text.
pub(super) fn text(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| value.get(name)?.as_str()).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
}

/// The same, as a secret.
pub(super) fn secret(value: &Value, names: &[&str]) -> Option<SecretString> {
    text(value, names).map(SecretString::from)
}

/// A moment: seconds, milliseconds (above 1e11), or RFC 3339.
pub(super) fn moment(value: &Value, names: &[&str]) -> Option<UnixSeconds> {
    names.iter().find_map(|name| read_moment(value.get(name)?))
}

/// See [`moment`].
pub(super) fn read_moment(value: &Value) -> Option<UnixSeconds> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.trim().parse() {
            Ok(number) => number,
            Err(_) => return remuda_vendors::rfc3339(text),
        },
        _ => return None,
    };
    // No token of these days ends after the year 5138, and none of the time of milliseconds before 1973.
    let seconds = if seconds > 1e11 { seconds / 1000.0 } else { seconds };
    (seconds.is_finite() && seconds > 0.0).then_some(seconds as UnixSeconds)
}

/// A token pair. `None`: logged out.
pub(super) fn pair(value: &Value) -> Option<Secret> {
    let access = secret(value, ACCESS)?;
    let by_itself = remuda_vendors::openai::claims::expires_at(&access);
    Some(Secret::Pair {
        refresh: secret(value, REFRESH),
        expires_at: by_itself.or_else(|| moment(value, EXPIRES)),
        last_refresh_at: moment(value, LAST),
        client_id: text(value, CLIENT),
        access,
    })
}

const WINDOWS: &[(&[&str], Window)] = &[
    (&["five_hour", "fiveHour", "5h"], Window::FiveHour),
    (&["seven_day", "sevenDay", "7d", "1w", "week", "weekly"], Window::SevenDay),
];

/// Percents by window. Zero says nothing.
pub(super) fn percents(value: &Value) -> BTreeMap<Window, f64> {
    let percent = |names: &[&str]| names.iter().find_map(|name| value.get(name)?.as_f64());
    let known = WINDOWS.iter().filter_map(|(names, window)| Some((window.clone(), percent(names)?)));
    known.filter(|(_, percent)| *percent > 0.0 && *percent <= 100.0).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!(1_795_168_800), Some(1_795_168_800))]
    #[case(json!(1_795_168_800_123_i64), Some(1_795_168_800))]
    #[case(json!("1795168800"), Some(1_795_168_800))]
    #[case(json!("2026-11-20T10:00:00.5Z"), Some(1_795_168_800))]
    #[case(json!(0), None)]
    #[case(json!(-5), None)]
    #[case(json!(null), None)]
    #[case(json!("later"), None)]
    fn times_come_in_many_spellings(#[case] value: Value, #[case] expected: Option<UnixSeconds>) {
        assert_eq!(read_moment(&value), expected);
    }

    #[test]
    fn a_pair_without_an_access_token_is_a_logout() {
        assert!(pair(&json!({"refresh": "r", "access": ""})).is_none());
        assert!(matches!(pair(&json!({"accessToken": "a"})), Some(Secret::Pair { refresh: None, .. })));
        assert!(!format!("{:?}", pair(&json!({"access": "geheim"}))).contains("geheim"));
    }

    #[test]
    fn windows_have_many_names() {
        let read = percents(&json!({"5h": 10, "sevenDay": 20.5, "scoped": 3}));
        assert_eq!(read, BTreeMap::from([(Window::FiveHour, 10.0), (Window::SevenDay, 20.5)]));
        assert!(percents(&json!({"five_hour": 0, "seven_day": 120})).is_empty());
    }
}
