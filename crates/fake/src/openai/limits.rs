//! Per-minute limits of API keys: the headers of every answer, and the 429.

use crate::openai_auth::jwt::organization_id;
use crate::quota::buckets::{Bucket, Limit};
use crate::quota::headers::Pairs;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::state::Account;

/// Takes a request of so many tokens from the minute, or refuses as the vendor does. The headers come either way.
pub(crate) fn admit(account: &mut Account, model: &str, tokens: u64, now_ms: i64) -> Result<Pairs, Refused> {
    let refused = account.minute.admit(tokens, 0, now_ms);
    let pairs = headers(account);
    let Err((limit, wait)) = refused else { return Ok(pairs) };
    let (refusal, what, bucket, requested) = match limit {
        Limit::Requests => (OpenAiRefusal::RequestsPerMinute, "requests per min (RPM)", &account.minute.requests, 1),
        Limit::InputTokens | Limit::OutputTokens => {
            (OpenAiRefusal::TokensPerMinute, "tokens per min (TPM)", &account.minute.input, tokens)
        }
    };
    let (limit, used) = (bucket.limit(), bucket.limit() - bucket.remaining());
    let text = format!(
        "Rate limit reached for {model} in organization {} on {what}: Limit {limit}, Used {used}, Requested {requested}. \
         Please try again in {}. Visit https://platform.openai.com/account/rate-limits to learn more.",
        organization_id(account),
        go_duration(wait)
    );
    let wait_ms = (wait * 1000.0).ceil();
    let waits = vec![
        ("retry-after".to_owned(), wait.ceil().to_string()),
        ("retry-after-ms".to_owned(), wait_ms.to_string()),
        ("x-should-retry".to_owned(), "true".to_owned()),
    ];
    Err(Refused::saying(refusal, text).with(pairs).with(waits))
}

/// `x-ratelimit-*`, as they stand.
pub(crate) fn headers(account: &Account) -> Pairs {
    let mut pairs = vec![
        ("openai-organization".to_owned(), organization_id(account)),
        ("openai-processing-ms".to_owned(), "12".to_owned()),
        ("openai-version".to_owned(), "2020-10-01".to_owned()),
    ];
    let mut bucket = |name: &str, bucket: &Bucket| {
        pairs.push((format!("x-ratelimit-limit-{name}"), bucket.limit().to_string()));
        pairs.push((format!("x-ratelimit-remaining-{name}"), bucket.remaining().to_string()));
        pairs.push((format!("x-ratelimit-reset-{name}"), go_duration(bucket.full_in_s())));
    };
    bucket("requests", &account.minute.requests);
    bucket("tokens", &account.minute.input);
    pairs
}

/// As Go writes durations: `12ms`, `1.5s`, `6m0s`, `1h30m0s`.
pub(crate) fn go_duration(seconds: f64) -> String {
    let ms = (seconds * 1000.0).ceil().max(0.0) as u64;
    if ms < 1000 {
        return if ms == 0 { "0s".to_owned() } else { format!("{ms}ms") };
    }
    let (hours, minutes, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms % 60_000);
    let (whole, rest) = (ms / 1000, ms % 1000);
    let seconds = if rest == 0 {
        format!("{whole}s")
    } else {
        format!("{whole}.{}s", format!("{rest:03}").trim_end_matches('0'))
    };
    match (hours, minutes) {
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m{seconds}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_does() {
        for (seconds, text) in [
            (0.0, "0s"),
            (0.012, "12ms"),
            (1.0, "1s"),
            (11.054, "11.054s"),
            (72.5, "1m12.5s"),
            (360.0, "6m0s"),
            (5400.0, "1h30m0s"),
        ] {
            assert_eq!(go_duration(seconds), text);
        }
    }
}
