//! The table for people: medians, ratios, and whether each goal is reached.

use std::fmt::Write;

use crate::scenario::{Figures, Footprint, LOADS, Load, Throughput};
use crate::target::Kind;

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Median over the rounds of one target's figure divided by the other's in the same round.
fn ratio(of: &[f64], to: &[f64]) -> f64 {
    median(&of.iter().zip(to).map(|(of, to)| of / to).collect::<Vec<_>>())
}

struct Goal {
    text: &'static str,
    measured: String,
    reached: bool,
}

fn at_least(text: &'static str, value: f64, limit: f64) -> Goal {
    Goal { text, measured: format!("{value:.2}"), reached: value >= limit }
}

fn at_most(text: &'static str, value: f64, limit: f64, unit: &str) -> Goal {
    Goal { text, measured: format!("{value:.2} {unit}").trim_end().to_owned(), reached: value <= limit }
}

fn throughput<'a>(figures: &'a Figures, load: &Load, target: Kind) -> Option<&'a Throughput> {
    figures.throughput.iter().find(|one| one.load.name == load.name && one.target == target)
}

fn goals(figures: &Figures) -> Option<Vec<Goal>> {
    let of = |load: &Load, target| throughput(figures, load, target);
    let [burst, events, one, five] = &LOADS;
    let foot = figures.footprint.iter().find(|foot| foot.target == Kind::Remuda)?;
    Some(vec![
        at_least(
            "burst, requests/s at least 0.8 × nginx",
            ratio(&of(burst, Kind::Remuda)?.requests_per_s, &of(burst, Kind::Nginx)?.requests_per_s),
            0.8,
        ),
        at_most(
            "event by event, CPU per request at most 1.15 × nginx",
            ratio(&of(events, Kind::Remuda)?.cpu_us_per_request, &of(events, Kind::Nginx)?.cpu_us_per_request),
            1.15,
            "",
        ),
        at_least(
            "1 MB bodies, at least 0.8 × bare hyper",
            ratio(&of(one, Kind::Remuda)?.megabytes_per_s, &of(one, Kind::BareHyper)?.megabytes_per_s),
            0.8,
        ),
        at_least(
            "5 MB bodies, at least 0.8 × bare hyper",
            ratio(&of(five, Kind::Remuda)?.megabytes_per_s, &of(five, Kind::BareHyper)?.megabytes_per_s),
            0.8,
        ),
        at_most("memory per idle stream at most 40 KB", foot.bytes_per_stream / 1e3, 40.0, "KB"),
        at_most("idle memory at most 15 MB", idle_megabytes(foot), 15.0, "MB"),
        at_most("cold start to the first answer at most 40 ms", median(&foot.cold_start_ms), 40.0, "ms"),
        at_most("stripped binary at most 15 MB", figures.binary_bytes as f64 / 1e6, 15.0, "MB"),
    ])
}

fn idle_megabytes(foot: &Footprint) -> f64 {
    median(&foot.idle_bytes.iter().map(|bytes| *bytes as f64 / 1e6).collect::<Vec<_>>())
}

pub fn table(figures: &Figures) -> String {
    let mut out = String::new();
    write_tables(figures, &mut out).map_or_else(|_| String::new(), |()| out)
}

fn write_tables(figures: &Figures, out: &mut String) -> std::fmt::Result {
    writeln!(out, "| median over the rounds | {} |", Kind::ALL.map(Kind::as_str).join(" | "))?;
    writeln!(out, "|---|{}", "---:|".repeat(Kind::ALL.len()))?;
    for load in &LOADS {
        let mut row = |what: &str, value: &dyn Fn(&Throughput) -> Option<f64>| {
            let cells = Kind::ALL.map(|target| {
                throughput(figures, load, target).and_then(value).map_or_else(|| "–".to_owned(), |v| format!("{v:.1}"))
            });
            writeln!(out, "| {}, {what} | {} |", load.name, cells.join(" | "))
        };
        if load.body_bytes >= 1_000_000 {
            row("MB/s", &|one| Some(median(&one.megabytes_per_s)))?;
        } else {
            row("requests/s", &|one| Some(median(&one.requests_per_s)))?;
        }
        row("CPU per request, µs", &|one| (one.target != Kind::Direct).then(|| median(&one.cpu_us_per_request)))?;
    }
    for foot in &figures.footprint {
        writeln!(
            out,
            "\n{}: first answer after {:.1} ms, idle {:.1} MB, {:.1} KB for each of {} idle streams",
            foot.target.as_str(),
            median(&foot.cold_start_ms),
            idle_megabytes(foot),
            foot.bytes_per_stream / 1e3,
            foot.streams
        )?;
    }
    writeln!(out, "\n| goal | remuda | |\n|---|---:|---|")?;
    for goal in goals(figures).unwrap_or_default() {
        writeln!(out, "| {} | {} | {} |", goal.text, goal.measured, if goal.reached { "reached" } else { "MISSED" })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_compares_figures_of_the_same_round() {
        assert!((ratio(&[8.0, 16.0, 4.0], &[10.0, 20.0, 5.0]) - 0.8).abs() < 1e-9);
    }

    #[test]
    fn medians() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    }
}
