//! Decision records on the disk: how they are asked for, and how long they stay.

use remuda_core::record::Record;
use remuda_core::{AccountId, Class, Host, RequestId, SessionKey, UnixSeconds};

use crate::usage::UsageRetention;

/// How many records stay, and how long. Applied with every append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Most records. Default 20 000.
    pub max_records: u32,
    /// Greatest age in seconds. Default 30 days.
    pub max_age_s: i64,
    /// How long usage stays.
    pub usage: UsageRetention,
}

impl Default for Retention {
    fn default() -> Self {
        Self { max_records: 20_000, max_age_s: 30 * 24 * 3600, usage: UsageRetention::default() }
    }
}

/// Which records. All conditions must hold; the default asks for the newest 50 of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordQuery {
    /// Only what is older than this: [`Page::next`] of the page before.
    pub before: Option<Cursor>,
    /// Only this conversation.
    pub session: Option<SessionKey>,
    /// Only what this account served (or broke off).
    pub served_by: Option<AccountId>,
    /// Only what ended with this class of error.
    pub class: Option<Class>,
    /// Only requests that named this model.
    pub model: Option<String>,
    /// Only what arrived at or after this second.
    pub since: Option<UnixSeconds>,
    /// Only what arrived before this second.
    pub until: Option<UnixSeconds>,
    /// Only what this agent sent.
    pub host: Option<Host>,
    /// Only agents that work in this directory.
    pub project: Option<String>,
    /// Only what was (not) served well.
    pub failed: Option<bool>,
    /// Only where this text occurs, whatever its case, in ids, labels, model, path, directory or the vendors' words.
    pub search: Option<String>,
    /// Most records of the page, 1 to [`RecordQuery::MAX_LIMIT`]; other values are moved to the nearest of these.
    pub limit: u32,
}

impl RecordQuery {
    /// Largest page.
    pub const MAX_LIMIT: u32 = 1_000;
}

impl Default for RecordQuery {
    fn default() -> Self {
        Self {
            before: None,
            session: None,
            served_by: None,
            class: None,
            model: None,
            since: None,
            until: None,
            host: None,
            project: None,
            failed: None,
            search: None,
            limit: 50,
        }
    }
}

/// A place in the list of all records, newest first. Stays valid while records come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Arrival of the last record of the page.
    pub at: UnixSeconds,
    /// Its id.
    pub id: RequestId,
}

/// Some records, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where the next page begins; `None`: this was the last one.
    pub next: Option<Cursor>,
}
