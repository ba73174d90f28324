//! Quota windows from headers, usage endpoints and in-stream events. Where each vendor puts them is in
//! `<vendor>/quota.rs`; what a window is and when it is spent is said here, once.

pub(crate) mod limits;
pub(crate) mod slot;

use http::HeaderMap;
use remuda_core::{Account, Reading, ReadingSource, UnixSeconds, Vendor, Window};

use self::slot::Slot;
use crate::{anthropic, openai};

/// Windows that an answer's headers report. On the way of every answer, so it returns at once, without allocating, when
/// there are none. Each window occurs once.
#[must_use]
pub fn windows_from_headers(vendor: Vendor, headers: &HeaderMap, now: UnixSeconds) -> Vec<(Window, Reading)> {
    match vendor {
        Vendor::Anthropic => {
            readings(anthropic::quota::in_headers(headers, now).map(|slot| slot.slot), ReadingSource::Headers, now)
        }
        Vendor::OpenAi => {
            readings(openai::quota::in_headers(headers, now).map(|slot| slot.slot), ReadingSource::Headers, now)
        }
        Vendor::Qwen => Vec::new(),
    }
}

/// Windows in the answer of the vendor's usage endpoint.
#[must_use]
pub fn windows_from_usage(vendor: Vendor, json: &serde_json::Value, now: UnixSeconds) -> Vec<(Window, Reading)> {
    match vendor {
        Vendor::Anthropic => readings(anthropic::quota::in_usage(json, now), ReadingSource::Usage, now),
        Vendor::OpenAi => readings(openai::quota::in_usage(json, now), ReadingSource::Usage, now),
        Vendor::Qwen => Vec::new(),
    }
}

/// Windows in one in-stream event (the JSON after `data:`, or a text frame). Cheap for vendors that send none.
#[must_use]
pub fn windows_from_event(vendor: Vendor, data: &[u8], now: UnixSeconds) -> Vec<(Window, Reading)> {
    match vendor {
        Vendor::OpenAi => match openai::quota::event(data) {
            Some(json) => readings(openai::quota::in_event(&json, now), ReadingSource::Event, now),
            None => Vec::new(),
        },
        Vendor::Anthropic | Vendor::Qwen => Vec::new(),
    }
}

/// Each window once (of two the fuller), and no more than an account remembers.
fn readings<'a>(
    slots: impl IntoIterator<Item = Slot<'a>>,
    source: ReadingSource,
    now: UnixSeconds,
) -> Vec<(Window, Reading)> {
    let mut readings: Vec<(Window, Reading)> = Vec::new();
    for (window, reading) in slots.into_iter().filter_map(|slot| slot.reading(source, now)) {
        if let Some((_, known)) = readings.iter_mut().find(|(known, _)| *known == window) {
            if known.used_percent < reading.used_percent {
                *known = reading;
            }
        } else if readings.len() < Account::MAX_READINGS {
            readings.push((window, reading));
        }
    }
    readings
}
