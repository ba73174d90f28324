//! `limit`, `hold`.

use clap::{Args, Subcommand};
use remuda_core::Window;

/// Say what an account may be used for.
///
/// Without limits every request is equal. A share that is kept for interactive work is left alone by subagents, and one
/// that is kept from the background by work that nobody waits for: they go on along the chain, or are refused, while there
/// is less. --hold lets requests wait instead of failing when nobody can serve.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda limit                                    list all limits
  remuda limit work --subagents 5h=20             the last 20 % of five hours are for conversations, not for subagents
  remuda limit work --background 5h=50 --background 7d=30
  remuda limit work --at-once 6                   at most six requests at a time; others wait their turn
  remuda limit work --hold 5h                     when nobody on its chain can serve, wait up to five hours
  remuda limit --all --hold 30m                   for every account that says nothing else
  remuda limit work --clear")]
pub(crate) struct LimitArgs {
    /// Label of an account
    #[arg(conflicts_with = "all")]
    pub(crate) account: Option<String>,
    /// All accounts, where their own limits say nothing else
    #[arg(long)]
    pub(crate) all: bool,
    /// Least remaining percent of a window for subagents (may be given several times; 0: none)
    #[arg(long, value_name = "WINDOW=PERCENT", value_parser = share)]
    pub(crate) subagents: Vec<(Window, f64)>,
    /// Least remaining percent of a window for work in the background (may be given several times; 0: none)
    #[arg(long, value_name = "WINDOW=PERCENT", value_parser = share)]
    pub(crate) background: Vec<(Window, f64)>,
    /// Most requests at once (0: as many as come)
    #[arg(long, value_name = "N")]
    pub(crate) at_once: Option<u32>,
    /// How long a request may wait for the first account that is back (30m, 5h; 0: not at all)
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(crate) hold: Option<i64>,
    /// Forget all limits of the account, then set what else is given
    #[arg(long)]
    pub(crate) clear: bool,
}

/// `remuda hold …`.
#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// List requests that wait for an account (the default)
    List,
    /// Let requests wait no longer: each gets the refusal it was spared
    #[command(after_help = "\
Examples:
  remuda hold cancel             all that wait
  remuda hold cancel 7d15f2a0    one of them (the ids are in `remuda hold`)")]
    Cancel {
        /// Which one: its id, or the end of it
        request: Option<String>,
    },
}

/// `5h=20`, `seven_day=10`.
fn share(text: &str) -> Result<(Window, f64), String> {
    let (window, percent) = text.split_once('=').ok_or("write a window and a share: 5h=20")?;
    let window = Window::try_from(window.trim().to_owned()).map_err(|error| error.to_string())?;
    let percent = percent.trim().trim_end_matches('%').trim_end();
    let percent: f64 = percent.parse().map_err(|_| format!("{percent:?} is no share in percent"))?;
    Ok((window, percent))
}

/// `30m`, `5h`, `1h 30m`, `90` (seconds), `0`, `off`.
pub(crate) fn seconds(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if text == "off" {
        return Ok(0);
    }
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(i64::from(seconds));
    }
    let long = || format!("{text:?} is no length of time: write 30m, 5h or 1h30m");
    let span: jiff::SignedDuration = text.parse().map_err(|_| long())?;
    if span.is_negative() { Err(long()) } else { Ok(span.as_secs()) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("30m", Some(1_800))]
    #[case("5h", Some(18_000))]
    #[case("1h30m", Some(5_400))]
    #[case("90", Some(90))]
    #[case("off", Some(0))]
    #[case("-5m", None)]
    #[case("soon", None)]
    fn lengths_of_time(#[case] text: &str, #[case] expected: Option<i64>) {
        assert_eq!(seconds(text).ok(), expected);
    }

    #[rstest]
    #[case("5h=20", Some((Window::FiveHour, 20.0)))]
    #[case("seven_day = 7.5%", Some((Window::SevenDay, 7.5)))]
    #[case("model:opus=5", Some((Window::Model("opus".to_owned()), 5.0)))]
    #[case("5h", None)]
    #[case("month=5", None)]
    #[case("5h=much", None)]
    fn shares_of_windows(#[case] text: &str, #[case] expected: Option<(Window, f64)>) {
        assert_eq!(share(text).ok(), expected);
    }
}
