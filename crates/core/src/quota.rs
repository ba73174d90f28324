//! Quota windows as vendors report them, identified by length and scope, never by position.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::UnixSeconds;

/// One quota bucket. Written `five_hour`, `seven_day`, `other:<seconds>`, `model:<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
        let Self::Model(name) = self else { return true };
        let family = name.strip_prefix("7d_").unwrap_or(name);
        model.to_ascii_lowercase().contains(family)
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
#[error("no such window: {0:?} (five_hour or 5h, seven_day, 7d or 1w, other:<seconds>, model:<name>)")]
pub struct UnknownWindow(pub String);

impl TryFrom<String> for Window {
    type Error = UnknownWindow;
    fn try_from(text: String) -> Result<Self, UnknownWindow> {
        Ok(match text.as_str() {
            "five_hour" | "5h" => Self::FiveHour,
            "seven_day" | "7d" | "1w" => Self::SevenDay,
            other => match other.split_once(':') {
                Some(("other", s)) => match s.parse() {
                    Ok(s) => Self::of_length(s),
                    Err(_) => return Err(UnknownWindow(text)),
                },
                Some(("model", name)) if !name.is_empty() => Self::Model(name.to_owned()),
                _ => return Err(UnknownWindow(text)),
            },
        })
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

/// Where a reading comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
