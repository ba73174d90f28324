//! Quota windows as vendors report them, identified by length and scope, never by position.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::UnixSeconds;

/// One quota bucket. Written `five_hour`, `seven_day`, `other:<seconds>`, `model:<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub enum Window {
    /// 18 000 seconds.
    FiveHour,
    /// 604 800 seconds.
    SevenDay,
    /// An account-wide window of another length, in seconds.
    Other(u64),
    /// A window that concerns one model or model family; lower-case name.
    Model(String),
}

impl Window {
    /// Seconds of the five-hour window.
    pub const FIVE_HOUR_S: u64 = 18_000;
    /// Seconds of the seven-day window.
    pub const SEVEN_DAY_S: u64 = 604_800;

    /// The account-wide window of this length.
    #[must_use]
    pub fn of_length(seconds: u64) -> Self {
        match seconds {
            Self::FIVE_HOUR_S => Self::FiveHour,
            Self::SEVEN_DAY_S => Self::SevenDay,
            other => Self::Other(other),
        }
    }

    /// Length in seconds where it is known.
    #[must_use]
    pub fn length_s(&self) -> Option<u64> {
        match self {
            Self::FiveHour => Some(Self::FIVE_HOUR_S),
            Self::SevenDay => Some(Self::SEVEN_DAY_S),
            Self::Other(s) => Some(*s),
            Self::Model(_) => None,
        }
    }

    /// Does it count for requests that name this model? Windows of the whole account always do. Vendors name a model
    /// window by a full model (`gpt-5.3-codex-spark`) or by a family, Anthropic's headers with its length in front
    /// (`7d_opus`), so a model belongs to it if its name contains that name.
    #[must_use]
    pub fn concerns(&self, model: &str) -> bool {
        self.family().is_none_or(|family| model.to_ascii_lowercase().contains(family))
    }

    /// The model or family that it is about; `None`: the whole account.
    #[must_use]
    pub fn family(&self) -> Option<&str> {
        let Self::Model(name) = self else { return None };
        Some(name.strip_prefix("7d_").unwrap_or(name))
    }

    /// Is the other one the same bucket? `model:opus` (the usage endpoint's name) and `model:7d_opus` (the headers') are.
    #[must_use]
    pub fn is_bucket(&self, other: &Self) -> bool {
        self == other || self.family().is_some_and(|family| other.family() == Some(family))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FiveHour => f.write_str("five_hour"),
            Self::SevenDay => f.write_str("seven_day"),
            Self::Other(s) => write!(f, "other:{s}"),
            Self::Model(name) => write!(f, "model:{name}"),
        }
    }
}

/// A text that names no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such window: {0:?} (five_hour or 5h, seven_day, 7d or 1w, 30d, other:<seconds>, model:<name>)")]
pub struct UnknownWindow(pub String);

impl TryFrom<String> for Window {
    type Error = UnknownWindow;

    /// Reads what [`fmt::Display`] writes, and lengths as people write them: `5h`, `7d`, `1w`, `90m`.
    fn try_from(text: String) -> Result<Self, UnknownWindow> {
        let lower = text.trim().to_ascii_lowercase();
        let window = match (lower.as_str(), lower.split_once(':')) {
            ("five_hour", _) => Some(Self::FiveHour),
            ("seven_day", _) => Some(Self::SevenDay),
            (_, Some(("other", seconds))) => seconds.parse().ok().filter(|s| *s > 0).map(Self::of_length),
            (_, Some(("model", name))) if !name.is_empty() => Some(Self::Model(name.to_owned())),
            (short, _) => short_length(short).map(Self::of_length),
        };
        window.ok_or(UnknownWindow(text))
    }
}

/// `5h`, `7d`, `1w`, `90m` in seconds.
fn short_length(text: &str) -> Option<u64> {
    let unit = match text.bytes().last()? {
        b'm' => 60,
        b'h' => 3600,
        b'd' => 86_400,
        b'w' => 604_800,
        _ => return None,
    };
    // No vendor has a window of more than a year, and none of nothing.
    let length = u64::from(text[..text.len() - 1].parse::<u32>().ok()?).checked_mul(unit)?;
    (1..=366 * 86_400).contains(&length).then_some(length)
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

/// Where a reading comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReadingSource {
    /// Headers of an answer.
    Headers,
    /// The vendor's usage endpoint.
    Usage,
    /// An event inside a stream.
    Event,
}

/// What is known about one window of one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reading {
    /// Share used, 0 to 100 percent.
    pub used_percent: f64,
    /// When the window starts anew, if stated believably.
    pub resets_at: Option<UnixSeconds>,
    /// Where it was read.
    pub source: ReadingSource,
    /// When it was read.
    pub read_at: UnixSeconds,
}

impl Reading {
    /// Stated resets of one window differ by up to two seconds from answer to answer (Anthropic's usage endpoint, measured
    /// 2026-07); a window that has started anew moves its reset by at least this many seconds.
    const RESET_MOVES_S: i64 = 60;

    /// Percent left. A window whose reset has passed has started anew: what was used of it before is gone.
    #[must_use]
    pub fn remaining(&self, now: UnixSeconds) -> f64 {
        if self.is_over(now) { 100.0 } else { (100.0 - self.used_percent).clamp(0.0, 100.0) }
    }

    /// Has the window that it is about ended since?
    #[must_use]
    pub fn is_over(&self, now: UnixSeconds) -> bool {
        self.resets_at.is_some_and(|at| at <= now)
    }

    /// Nothing is left.
    #[must_use]
    pub fn is_spent(&self, now: UnixSeconds) -> bool {
        self.remaining(now) <= 0.0
    }

    /// Did the vendor start the window anew **before** the time that the older reading stated? Then less is used than
    /// before, and the stated reset has moved on, or is gone because the new window has not been used yet.
    #[must_use]
    pub fn came_early(&self, older: &Self) -> bool {
        let Some(stated) = older.resets_at.filter(|at| *at > self.read_at) else { return false };
        let newer = self.read_at > older.read_at && self.used_percent < older.used_percent;
        newer
            && match self.resets_at {
                Some(at) => at >= stated + Self::RESET_MOVES_S,
                None => self.used_percent < 1.0,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Option<String> {
        Window::try_from(text.to_owned()).ok().map(|window| window.to_string())
    }

    #[test]
    fn windows_are_read_as_they_are_written_and_as_people_write_them() {
        for (text, meant) in [
            ("five_hour", "five_hour"),
            ("5h", "five_hour"),
            ("300m", "five_hour"),
            ("7d", "seven_day"),
            ("1W", "seven_day"),
            ("30d", "other:2592000"),
            ("other:18000", "five_hour"),
            ("model:7d_opus", "model:7d_opus"),
            ("model:Fable", "model:fable"),
        ] {
            assert_eq!(window(text).as_deref(), Some(meant), "{text}");
        }
        for text in ["", "5", "h", "0h", "-5h", "5 h", "week", "model:", "other:0", "other:x", "9999999999999d", "5.5h"]
        {
            assert_eq!(window(text), None, "{text}");
        }
    }

    fn reading(used_percent: f64, resets_at: Option<UnixSeconds>, read_at: UnixSeconds) -> Reading {
        Reading { used_percent, resets_at, source: ReadingSource::Usage, read_at }
    }

    #[test]
    fn a_window_that_starts_anew_before_its_time_is_noticed() {
        let spent = reading(100.0, Some(9_000), 1_000);
        assert!(reading(2.0, Some(19_000), 1_100).came_early(&spent));
        assert!(reading(0.0, None, 1_100).came_early(&spent), "the new one has not been used yet");
        assert!(!reading(2.0, Some(19_000), 9_000).came_early(&spent), "that was its time");
        assert!(!reading(97.0, Some(9_001), 1_100).came_early(&spent), "two sources disagree about one window");
        assert!(!reading(100.0, Some(9_100), 1_100).came_early(&spent), "its reset moved and nothing came back");
        assert!(!reading(2.0, Some(19_000), 900).came_early(&spent), "older knowledge");
        assert!(!reading(2.0, Some(19_000), 1_100).came_early(&reading(100.0, None, 1_000)), "no time was stated");
    }
}
