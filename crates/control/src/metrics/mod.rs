//! Figures for Prometheus: counted while requests end, written when somebody asks. Labels are bounded: accounts are those
//! that are there, everything else is a word from a fixed list. Models, sessions and directories are no labels.

mod histogram;
mod text;

use std::collections::BTreeMap;

use histogram::Histogram;
use parking_lot::Mutex;
use remuda_core::record::{AttemptEnd, Record, Tokens};
use remuda_core::{AccountId, Class, CostClass, Host, Vendor};

use crate::types::Ending;
pub(crate) use text::Text;

/// Everything that was counted since the daemon began.
#[derive(Default)]
pub(crate) struct Metrics {
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    requests: BTreeMap<(Host, Vendor, &'static str), u64>,
    attempts: BTreeMap<(AccountId, &'static str), u64>,
    verdicts: BTreeMap<(AccountId, Class), u64>,
    moves: BTreeMap<AccountId, u64>,
    tokens: BTreeMap<(AccountId, &'static str), u64>,
    cost: BTreeMap<(AccountId, &'static str), f64>,
    first_byte: BTreeMap<Vendor, Histogram>,
    duration: BTreeMap<Vendor, Histogram>,
    gap: BTreeMap<Vendor, Histogram>,
}

/// Bounds in seconds.
const FIRST_BYTE: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0];
const DURATION: &[f64] = &[0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
const GAP: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

impl Metrics {
    /// A request has ended.
    pub(crate) fn ended(&self, record: &Record) {
        let mut counted = self.counted.lock();
        let ending = ending(Ending::of(record));
        *counted.requests.entry((record.host, record.vendor, ending)).or_default() += 1;
        for attempt in &record.attempts {
            let (end, class) = match &attempt.ended {
                AttemptEnd::Served => ("served", None),
                AttemptEnd::Abandoned => ("abandoned", None),
                AttemptEnd::BrokeOff { verdict } => ("broke_off", Some(verdict.class)),
                AttemptEnd::Refused { verdict, .. } => ("refused", Some(verdict.class)),
                AttemptEnd::Unreachable { .. } => ("unreachable", None),
            };
            *counted.attempts.entry((attempt.account, end)).or_default() += 1;
            if let Some(class) = class {
                *counted.verdicts.entry((attempt.account, class)).or_default() += 1;
            }
        }
        for pair in record.attempts.windows(2) {
            if let [from, to] = pair
                && from.account != to.account
            {
                *counted.moves.entry(from.account).or_default() += 1;
            }
        }
        if let Some(last) = record.attempts.last() {
            for (kind, tokens) in kinds(&record.tokens) {
                *counted.tokens.entry((last.account, kind)).or_default() += tokens;
            }
            if let (Some(usd), Some(class)) = (record.cost_usd, record.cost_class) {
                *counted.cost.entry((last.account, cost(class))).or_default() += usd;
            }
        }
        let vendor = record.vendor;
        if let Some(ms) = record.first_byte_ms {
            counted.first_byte.entry(vendor).or_insert_with(|| Histogram::new(FIRST_BYTE)).add(seconds(ms));
        }
        if let Some(ms) = record.longest_gap_ms {
            counted.gap.entry(vendor).or_insert_with(|| Histogram::new(GAP)).add(seconds(ms));
        }
        counted.duration.entry(vendor).or_insert_with(|| Histogram::new(DURATION)).add(seconds(record.total_ms));
    }

    /// Writes everything. `label`: the label of an account that is there; what was counted of one that is gone is left out.
    pub(crate) fn write(&self, text: &mut Text, label: impl Fn(AccountId) -> Option<String>) {
        let mut counted = self.counted.lock();
        counted.forget(|id| label(id).is_some());
        text.head("remuda_requests_total", "counter", "Requests that have ended.");
        for ((host, vendor, ending), n) in &counted.requests {
            let labels = [("agent", host.as_str()), ("vendor", &vendor.to_string()), ("ending", ending)];
            text.sample("remuda_requests_total", &labels, *n as f64);
        }
        text.head("remuda_attempts_total", "counter", "Tries at accounts.");
        for ((account, end), n) in &counted.attempts {
            let account = label(*account).unwrap_or_default();
            text.sample("remuda_attempts_total", &[("account", &account), ("end", end)], *n as f64);
        }
        text.head("remuda_verdicts_total", "counter", "What refusals of accounts meant.");
        for ((account, class), n) in &counted.verdicts {
            let account = label(*account).unwrap_or_default();
            text.sample("remuda_verdicts_total", &[("account", &account), ("class", class.as_str())], *n as f64);
        }
        text.head("remuda_moves_total", "counter", "Requests that moved away from an account before their first byte.");
        for (account, n) in &counted.moves {
            text.sample("remuda_moves_total", &[("account", &label(*account).unwrap_or_default())], *n as f64);
        }
        text.head("remuda_tokens_total", "counter", "Tokens that vendors counted.");
        for ((account, kind), n) in &counted.tokens {
            let account = label(*account).unwrap_or_default();
            text.sample("remuda_tokens_total", &[("account", &account), ("kind", kind)], *n as f64);
        }
        text.head("remuda_cost_usd_total", "counter", "List price of requests whose price is known, in US dollars.");
        for ((account, class), usd) in &counted.cost {
            let account = label(*account).unwrap_or_default();
            text.sample("remuda_cost_usd_total", &[("account", &account), ("cost", class)], *usd);
        }
        for (name, help, all) in [
            ("remuda_first_byte_seconds", "Time until the client got the first byte.", &counted.first_byte),
            ("remuda_request_seconds", "Time until the end of the request.", &counted.duration),
            ("remuda_longest_gap_seconds", "Longest silence within an answer after its first byte.", &counted.gap),
        ] {
            text.head(name, "histogram", help);
            for (vendor, histogram) in all {
                histogram.write(text, name, ("vendor", &vendor.to_string()));
            }
        }
    }
}

impl Counted {
    fn forget(&mut self, there: impl Fn(AccountId) -> bool) {
        self.attempts.retain(|(account, _), _| there(*account));
        self.verdicts.retain(|(account, _), _| there(*account));
        self.moves.retain(|account, _| there(*account));
        self.tokens.retain(|(account, _), _| there(*account));
        self.cost.retain(|(account, _), _| there(*account));
    }
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Served => "served",
        Ending::Failed => "failed",
        Ending::BrokeOff => "broke_off",
        Ending::Abandoned => "abandoned",
        Ending::Stopped => "stopped",
    }
}

fn cost(class: CostClass) -> &'static str {
    match class {
        CostClass::Included => "included",
        CostClass::Metered => "metered",
        CostClass::Free => "free",
    }
}

fn kinds(tokens: &Tokens) -> impl Iterator<Item = (&'static str, u64)> {
    let all = [
        ("input", tokens.input),
        ("output", tokens.output),
        ("cache_read", tokens.cache_read),
        ("cache_write_5m", tokens.cache_write_5m),
        ("cache_write_1h", tokens.cache_write_1h),
        ("reasoning", tokens.reasoning),
    ];
    all.into_iter().filter_map(|(kind, n)| Some((kind, n?)))
}
