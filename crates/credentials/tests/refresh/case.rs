//! The form of `refresh.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
pub struct Cases {
    pub format: String,
    pub version: u32,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
pub struct Case {
    pub id: String,
    pub title: String,
    pub given: Given,
    pub when: Vec<Event>,
    pub endpoint: Vec<Answer>,
    pub then: Then,
}

#[derive(Deserialize)]
pub struct Given {
    pub now: i64,
    pub vendor: String,
    pub credential: Pair,
    pub other_credential: Option<Pair>,
    pub processes: Option<usize>,
    pub lock: Option<Lock>,
    pub account: Option<String>,
    pub backoff_until: Option<i64>,
    pub cooling_until: Option<i64>,
    pub store: Option<String>,
    #[serde(default)]
    pub verdicts: Vec<OldVerdict>,
}

#[derive(Clone, Deserialize)]
pub struct Pair {
    pub kind: Option<String>,
    pub access: String,
    pub refresh: Option<String>,
    pub expires_at: Option<i64>,
    pub generation: u64,
    pub last_refresh_at: Option<i64>,
    pub earliest_refresh_at: Option<i64>,
}

#[derive(Deserialize)]
pub struct Lock {
    pub holder: String,
    pub lease_until: i64,
}

#[derive(Deserialize)]
pub struct OldVerdict {
    pub generation: u64,
    pub error: String,
}

#[derive(Deserialize)]
pub struct Event {
    pub t: i64,
    #[serde(rename = "do")]
    pub what: String,
    pub caller: Option<String>,
    pub credential: Option<String>,
    pub access: Option<String>,
    pub stored: Option<Pair>,
    pub at: Option<String>,
    pub times: Option<u32>,
}

#[derive(Clone, Deserialize)]
pub struct Answer {
    pub status: Option<u16>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
    pub delay_s: Option<f64>,
    pub fault: Option<String>,
}

#[derive(Deserialize)]
pub struct Then {
    pub exchanges: usize,
    pub sent_refresh_tokens: Vec<String>,
    pub stored: Option<Pair>,
    pub stored_one_of: Option<Vec<Pair>>,
    pub account: String,
    pub next_attempt_not_before: Option<i64>,
    pub error: Option<String>,
    #[serde(default)]
    pub callers: BTreeMap<String, String>,
    pub order: Option<Vec<String>>,
    pub sent_at: Option<Vec<i64>>,
    pub exchanges_overlap: Option<bool>,
    pub store_untouched: Option<bool>,
}
