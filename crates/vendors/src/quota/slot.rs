//! One window as a vendor states it, before it is known whether it can be used.

use remuda_core::{Reading, ReadingSource, UnixSeconds, Window};

/// Longer names of model windows are cut.
const MAX_NAME: usize = 64;

/// What a window is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum About<'a> {
    /// The whole account; the length in seconds where it is stated.
    Account(Option<u64>),
    /// One model or family, as the vendor writes it.
    Model(&'a str),
}

/// One window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slot<'a> {
    /// What it is about.
    pub(crate) about: About<'a>,
    /// Share used in percent, if readable; not clamped.
    pub(crate) percent: Option<f64>,
    /// When it starts anew, if stated believably.
    pub(crate) resets_at: Option<UnixSeconds>,
}

/// A window in headers, with what says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderSlot<'a> {
    /// The window.
    pub(crate) slot: Slot<'a>,
    /// The vendor's own word on it: does it refuse? `None`: it says nothing.
    pub(crate) refuses: Option<bool>,
    /// Name and value of the header that tells whether it is spent.
    pub(crate) evidence: (&'a str, &'a str),
}

impl HeaderSlot<'_> {
    /// Spent by the vendor's word, or, without one, because it is full.
    pub(crate) fn is_spent(&self) -> bool {
        self.refuses.unwrap_or_else(|| self.slot.percent.is_some_and(|percent| percent >= 100.0))
    }
}

impl Slot<'_> {
    /// The reading, unless the share is unreadable or the window's length unknown.
    pub(crate) fn reading(&self, source: ReadingSource, now: UnixSeconds) -> Option<(Window, Reading)> {
        let used_percent = self.percent.filter(|percent| percent.is_finite())?.clamp(0.0, 100.0);
        let window = match self.about {
            About::Account(length) => Window::of_length(length.filter(|length| *length > 0)?),
            About::Model(name) => Window::Model(model_name(name).filter(|name| !name.is_empty())?),
        };
        Some((window, Reading { used_percent, resets_at: self.resets_at, source, read_at: now }))
    }
}

/// Lower case; runs of anything but `a-z0-9._` become one `-`. `None` for nothing but such runs.
fn model_name(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len().min(MAX_NAME));
    for c in text.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_') {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
        if name.len() >= MAX_NAME {
            break;
        }
    }
    (name != "-").then_some(name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("GPT-5.3-Codex-Spark", Some("gpt-5.3-codex-spark"))]
    #[case("Astra  Preview", Some("astra-preview"))]
    #[case("7d_oi", Some("7d_oi"))]
    #[case("Größe", Some("gr-e"))]
    #[case("!!", None)]
    fn model_windows_have_plain_names(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(model_name(text).as_deref(), expected);
    }

    #[test]
    fn a_window_of_unknown_length_is_none() {
        let slot = Slot { about: About::Account(None), percent: Some(50.0), resets_at: None };
        assert_eq!(slot.reading(ReadingSource::Headers, 0), None);
    }
}
