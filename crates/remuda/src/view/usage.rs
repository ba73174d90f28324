//! What was used: a table, a sparkline over time, and the same for spreadsheets.

use remuda_control::types::{Usage, UsageRow, UsageSum, UsageTime};

use super::table::Table;
use super::words::{DIM, STRONG, command, paint};

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Columns for the sparkline when the terminal's width is unknown.
const USUAL_COLUMNS: usize = 80;

/// `remuda usage`.
pub(crate) fn usage(usage: &Usage, columns: Option<usize>) -> String {
    if usage.total.sum.requests == 0 {
        return format!("Nothing was used in that time. {} lists requests.\n", command(["log"]));
    }
    let mut text = String::new();
    if usage.times.len() > 1 {
        text.push_str(&format!("{}\n\n", sparkline(&usage.times, columns.unwrap_or(USUAL_COLUMNS))));
    }
    let mut table = Table::new(["", "REQUESTS", "FAILED", "INPUT", "CACHED", "OUTPUT", "USD", "CACHE SAVED"]);
    if usage.rows.is_empty() {
        for time in usage.times.iter().filter(|time| time.sum.requests > 0) {
            table.row(cells(&time.name, &time.sum));
        }
    } else if usage.times.is_empty() {
        for row in &usage.rows {
            table.row(cells(named(row), &row.sum));
        }
    } else {
        for time in usage.times.iter().filter(|time| time.sum.requests > 0) {
            table.row(cells(&paint(STRONG, &time.name), &time.sum));
            for row in &time.rows {
                table.row(cells(&format!("  {}", named(row)), &row.sum));
            }
        }
    }
    table.row(cells(&paint(STRONG, "total"), &usage.total.sum));
    text.push_str(&table.render());
    text.push_str(&foot(usage));
    text
}

fn named(row: &UsageRow) -> &str {
    if row.key.is_empty() { "(not known)" } else { &row.key }
}

fn cells(name: &str, sum: &UsageSum) -> [String; 8] {
    let failed = if sum.failed == 0 { String::new() } else { sum.failed.to_string() };
    let cached = sum.cache_hit_percent().map(|percent| format!("{percent:.0} %")).unwrap_or_default();
    let unknown = if sum.unpriced == 0 { "" } else { " + ?" };
    let saved = if sum.cache_saved_usd.abs() < 0.005 { String::new() } else { format!("{:.2}", sum.cache_saved_usd) };
    [
        name.to_owned(),
        sum.requests.to_string(),
        failed,
        short(sum.prompt()),
        cached,
        short(sum.output),
        format!("{:.2}{unknown}", sum.cost_usd),
        saved,
    ]
}

fn foot(usage: &Usage) -> String {
    let mut notes = vec![format!("List prices of {}.", usage.prices)];
    if usage.total.sum.metered_usd >= 0.005 {
        notes.push(format!("{:.2} USD of it on metered accounts.", usage.total.sum.metered_usd));
    }
    match usage.total.sum.unpriced {
        0 => {}
        1 => notes.push("The price of one request is not known; it is in no sum.".to_owned()),
        n => notes.push(format!("The prices of {n} requests are not known; they are in no sum.")),
    }
    format!("{}\n", paint(DIM, notes.join(" ")))
}

/// One bar for each bucket, the newest last; tokens, since they are always known.
fn sparkline(times: &[UsageTime], columns: usize) -> String {
    let newest = &times[times.len().saturating_sub(columns.max(1))..];
    let tokens = |time: &UsageTime| time.sum.prompt() + time.sum.output;
    let most = newest.iter().map(tokens).max().unwrap_or(0).max(1);
    let bar = |time: &UsageTime| match tokens(time) {
        0 => ' ',
        n => {
            let height = (u128::from(n) * BARS.len() as u128).div_ceil(u128::from(most));
            BARS[usize::try_from(height).unwrap_or(1).clamp(1, BARS.len()) - 1]
        }
    };
    newest.iter().map(bar).collect()
}

/// `812`, `12.3k`, `1.4M`.
fn short(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{}.{}k", n / 1_000, n % 1_000 / 100),
        _ => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

/// `remuda usage --csv`: one line for each bucket and part.
pub(crate) fn usage_csv(usage: &Usage) -> String {
    let mut text = String::from(
        "from,to,key,requests,failed,moved,input,output,reasoning,cache_read,cache_write_5m,cache_write_1h,cost_usd,\
         metered_usd,unpriced,cache_saved_usd\n",
    );
    let mut line = |from: i64, to: i64, key: &str, sum: &UsageSum| {
        text.push_str(&format!(
            "{},{},{},{},{},{},{},{},{},{},{},{},{:.6},{:.6},{},{:.6}\n",
            stamp(from),
            stamp(to),
            field(key),
            sum.requests,
            sum.failed,
            sum.moved,
            sum.input,
            sum.output,
            sum.reasoning,
            sum.cache_read,
            sum.cache_write_5m,
            sum.cache_write_1h,
            sum.cost_usd,
            sum.metered_usd,
            sum.unpriced,
            sum.cache_saved_usd,
        ));
    };
    if usage.times.is_empty() {
        let whole = std::slice::from_ref(&usage.total);
        for row in if usage.rows.is_empty() { whole } else { &usage.rows } {
            line(usage.since, usage.until, &row.key, &row.sum);
        }
    }
    for time in &usage.times {
        if usage.rows.is_empty() {
            line(time.from, time.to, "total", &time.sum);
        }
        for row in &time.rows {
            line(time.from, time.to, &row.key, &row.sum);
        }
    }
    text
}

/// A moment that every spreadsheet reads.
fn stamp(at: i64) -> String {
    jiff::Timestamp::from_second(at).map(|at| at.to_string()).unwrap_or_default()
}

/// A text as a field. A leading `=`, `+`, `-` or `@` would be a formula to a spreadsheet.
fn field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(n: u64) -> UsageSum {
        UsageSum {
            requests: n,
            failed: n / 10,
            input: n * 100,
            output: n * 90,
            cache_read: n * 900,
            cost_usd: n as f64 * 0.125,
            cache_saved_usd: n as f64 * 0.5,
            unpriced: u64::from(n > 20),
            ..UsageSum::default()
        }
    }

    fn time(day: i64, n: u64) -> UsageTime {
        let from = 1_793_404_800 + day * 86_400;
        let rows = vec![UsageRow::new("work".to_owned(), sum(n)), UsageRow::new(String::new(), UsageSum::default())];
        UsageTime { from, to: from + 86_400, name: stamp(from)[..10].to_owned(), sum: sum(n), rows }
    }

    fn days() -> Usage {
        let times: Vec<UsageTime> = [(0, 12), (1, 0)].map(|(day, n)| time(day, n)).into();
        Usage {
            now: 1_793_577_600,
            since: times[0].from,
            until: times[1].to,
            zone: "UTC".to_owned(),
            prices: "2026-10-24".to_owned(),
            total: UsageRow::new("total".to_owned(), sum(42)),
            rows: Vec::new(),
            times,
        }
    }

    fn rows() -> Vec<UsageRow> {
        vec![UsageRow::new("=work, \"big\"".to_owned(), sum(42)), UsageRow::new(String::new(), sum(1))]
    }

    #[test]
    fn what_usage_says() {
        let plain = |usage: &Usage| anstream::adapter::strip_str(&super::usage(usage, Some(80))).to_string();
        let mut days = days();
        let both = Usage { rows: rows(), ..days.clone() };
        days.times.iter_mut().for_each(|time| time.rows.clear());
        let by_day = plain(&days);
        let by_account = Usage { rows: rows(), times: Vec::new(), ..days.clone() };
        let csv = [usage_csv(&days), usage_csv(&by_account), usage_csv(&both)].join("\n");
        insta::assert_snapshot!([by_day, plain(&by_account), plain(&both), csv].join("\n────\n"));
    }

    #[test]
    fn the_sparkline_shows_the_newest_that_fit() {
        let times: Vec<UsageTime> = [8, 0, 1, 4, 8].into_iter().enumerate().map(|(d, n)| time(d as i64, n)).collect();
        assert_eq!(sparkline(&times, 80), "█ ▁▄█");
        assert_eq!(sparkline(&times, 2), "▄█");
    }
}
