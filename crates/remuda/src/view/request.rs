//! Requests, one line each. The full story of one is `explain`, whose text comes with the answer.

use remuda_control::types::Log;
use remuda_core::record::{AttemptEnd, Record};
use remuda_core::route::Outcome;

use super::table::Table;
use super::words::{BAD, DIM, GOOD, WARN, command, moment_s, paint};

/// Enough of an id to name the request: milliseconds of its arrival.
const SHORT_ID: usize = 13;

/// `remuda log`: oldest first, as in every log.
pub(crate) fn log_page(log: &Log, zone: &jiff::tz::TimeZone) -> String {
    if log.requests.is_empty() {
        return format!("No requests yet. Start an agent with {}\n", command(["run", "claude"]));
    }
    let mut table =
        Table::new(["WHEN", "REQUEST", "AGENT", "MODEL", "SERVED BY", "RESULT", "FIRST BYTE", "TOKENS", "USD"]);
    for record in log.requests.iter().rev() {
        let [first_byte, tokens, usd] = figures(record);
        table.row([
            moment_s(record.at, log.now, zone),
            short_id(record),
            record.host.as_str().to_owned(),
            record.model.clone(),
            path(record),
            result(record),
            first_byte,
            tokens,
            usd,
        ]);
    }
    table.render()
}

/// One line of `remuda log --follow`, without columns that need to see other lines.
pub(crate) fn log_line(record: &Record, now: i64, zone: &jiff::tz::TimeZone) -> String {
    let [first_byte, tokens, _] = figures(record);
    let facts = [
        moment_s(record.at, now, zone),
        short_id(record),
        record.host.as_str().to_owned(),
        record.model.clone(),
        path(record),
        result(record),
        first_byte,
        tokens,
    ];
    facts.into_iter().filter(|fact| !fact.is_empty()).collect::<Vec<_>>().join("  ")
}

fn short_id(record: &Record) -> String {
    record.id.to_string().chars().take(SHORT_ID).collect()
}

/// `personal`, or `personal → work` when the request moved.
fn path(record: &Record) -> String {
    let mut names: Vec<&str> = record.source_label.as_deref().into_iter().collect();
    for attempt in &record.attempts {
        if names.last() != Some(&attempt.label.as_str()) {
            names.push(&attempt.label);
        }
    }
    names.join(" → ")
}

fn result(record: &Record) -> String {
    let abandoned = record.attempts.last().is_some_and(|last| last.ended == AttemptEnd::Abandoned);
    match &record.outcome {
        _ if record.stopped => paint(WARN, "stopped"),
        _ if abandoned => paint(DIM, "client left"),
        Outcome::Served { .. } if record.truncated => paint(WARN, format!("{} cut off", record.client_status)),
        Outcome::Served { .. } => paint(GOOD, record.client_status),
        Outcome::Error { class, .. } => {
            let why = class.map_or("no route", remuda_core::Class::as_str);
            paint(BAD, format!("{} {why}", record.client_status))
        }
        Outcome::StreamError { class, .. } => paint(BAD, format!("broke off, {}", class.as_str())),
    }
}

fn figures(record: &Record) -> [String; 3] {
    let first_byte = record.first_byte_ms.map(|ms| format!("{}.{}s", ms / 1000, ms % 1000 / 100)).unwrap_or_default();
    let tokens = &record.tokens;
    let cached = [tokens.cache_read, tokens.cache_write_5m, tokens.cache_write_1h];
    let input = cached.iter().flatten().chain(tokens.input.iter()).sum::<u64>();
    let tokens = match (tokens.input, tokens.output) {
        (None, None) => String::new(),
        (_, output) => format!("{} → {}", count(input), count(output.unwrap_or(0))),
    };
    let usd = record.cost_usd.map(|usd| format!("{usd:.4}")).unwrap_or_default();
    [first_byte, tokens, usd]
}

/// `812`, `12.3k`, `1.4M`.
fn count(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{}.{}k", n / 1_000, n % 1_000 / 100),
        _ => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_page_of_the_log() {
        let log = sample::log();
        let line = log_line(&log.requests[0], log.now, &jiff::tz::TimeZone::UTC);
        let text = log_page(&log, &jiff::tz::TimeZone::UTC) + "\n" + &line;
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
    }
}
