//! Is a window used faster than it lasts? Compares the share used with the share of time that has gone by.

use serde::{Deserialize, Serialize};

use crate::quota::{Reading, Window};
use crate::time::UnixSeconds;

/// How a window is used in comparison with an even burn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pace {
    /// Percent that an even burn would have used by the time of the reading.
    pub even_percent: f64,
    /// Percent used beyond that: above zero it is used faster than it lasts, below zero there is a reserve. Less than one
    /// percent to either side is on pace.
    pub ahead_percent: f64,
    /// When nothing will be left if it goes on as it has so far; `None`: it lasts until it starts anew.
    pub runs_out_at: Option<UnixSeconds>,
}

impl Pace {
    /// Earlier than after this many seconds of a window nothing is projected: one request would decide it.
    const TOO_EARLY_S: i64 = 300;

    /// `None`: the window's length or reset is not known, it has hardly begun, or it is over.
    #[must_use]
    pub fn of(window: &Window, reading: &Reading, now: UnixSeconds) -> Option<Self> {
        let length = i64::try_from(window.length_s()?).ok()?;
        let resets_at = reading.resets_at.filter(|at| *at > now)?;
        let gone = length - (resets_at - reading.read_at);
        if length <= 0 || gone < Self::TOO_EARLY_S || gone > length || !reading.used_percent.is_finite() {
            return None;
        }
        let even_percent = 100.0 * gone as f64 / length as f64;
        let used = reading.used_percent.clamp(0.0, 100.0);
        let left_s = (used > 0.0).then(|| (100.0 - used) * gone as f64 / used);
        let runs_out_at = left_s.map(|left| reading.read_at.saturating_add(left.ceil() as i64));
        Some(Self {
            even_percent,
            ahead_percent: used - even_percent,
            runs_out_at: runs_out_at.filter(|at| *at < resets_at),
        })
    }

    /// Within one percent of an even burn.
    #[must_use]
    pub fn is_even(&self) -> bool {
        self.ahead_percent.abs() < 1.0
    }
}

#[cfg(test)]
mod tests {
    use crate::quota::ReadingSource;

    use super::*;

    const START: UnixSeconds = 1_000_000;
    const LENGTH: i64 = Window::FIVE_HOUR_S as i64;

    fn pace(used_percent: f64, after_s: i64) -> Option<Pace> {
        let reading = Reading {
            used_percent,
            resets_at: Some(START + LENGTH),
            source: ReadingSource::Headers,
            read_at: START + after_s,
        };
        Pace::of(&Window::FiveHour, &reading, START + after_s)
    }

    #[test]
    fn half_of_it_at_half_time_is_on_pace_and_lasts() {
        let pace = pace(50.0, LENGTH / 2).unwrap();
        assert!(pace.is_even() && pace.ahead_percent.abs() < 1e-9);
        assert_eq!(pace.runs_out_at, None);
    }

    #[test]
    fn too_fast_runs_out_when_the_rest_is_burnt_at_the_same_rate() {
        let pace = pace(75.0, LENGTH / 2).unwrap();
        assert!((pace.ahead_percent - 25.0).abs() < 1e-9);
        assert_eq!(pace.runs_out_at, Some(START + LENGTH / 2 + LENGTH / 6));
    }

    #[test]
    fn a_reserve_lasts() {
        let pace = pace(10.0, LENGTH / 2).unwrap();
        assert!((pace.ahead_percent + 40.0).abs() < 1e-9);
        assert_eq!(pace.runs_out_at, None);
        assert_eq!(super::Pace::of(&Window::FiveHour, &unused(), START + 3_600).unwrap().runs_out_at, None);
    }

    fn unused() -> Reading {
        Reading {
            used_percent: 0.0,
            resets_at: Some(START + LENGTH),
            source: ReadingSource::Usage,
            read_at: START + 3_600,
        }
    }

    #[test]
    fn what_cannot_be_known_is_not_guessed() {
        assert_eq!(pace(5.0, 299), None, "hardly begun");
        assert_eq!(pace(5.0, -60), None, "its reset is further away than it is long");
        assert_eq!(pace(5.0, LENGTH), None, "over");
        let reading = unused();
        assert_eq!(Pace::of(&Window::Model("opus".to_owned()), &reading, START + 3_600), None, "of unknown length");
        assert_eq!(Pace::of(&Window::FiveHour, &Reading { resets_at: None, ..reading }, START + 3_600), None);
    }
}
