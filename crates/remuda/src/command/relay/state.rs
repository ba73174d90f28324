//! `remuda relay status`: the relay, whether it answers, and what it has saved according to the decision records.

use std::time::Instant;

use remuda_control::Failure;
use remuda_control::types::LogAsked;
use remuda_control::verb::ListRequests;
use remuda_core::record::Record;
use secrecy::SecretString;
use serde::Serialize;

use crate::backend::Backend;
use crate::command::{Context, FAILED, OK};
use crate::config::{Relay, RelayTransport};
use crate::relay_use::{client, read_token};
use crate::view;

/// Decision records that are looked at, newest first.
const LOOK_BACK: usize = 5_000;
const PAGE: u32 = 1_000;

/// The relay.
#[derive(Debug, Serialize)]
pub(crate) struct State {
    /// Is it switched on?
    pub(crate) enabled: bool,
    /// Where it is.
    pub(crate) url: Option<String>,
    /// How it is spoken to.
    pub(crate) transport: &'static str,
    /// Only these accounts; empty: all.
    pub(crate) accounts: Vec<String>,
    /// Only these agents; empty: all.
    pub(crate) hosts: Vec<String>,
    /// What it says; nothing: it was not asked.
    pub(crate) answers: Option<Answers>,
    /// What it has saved.
    pub(crate) saved: Option<Saved>,
}

/// What a relay said.
#[derive(Debug, Serialize)]
pub(crate) struct Answers {
    /// Its name and version.
    pub(crate) relay: Option<String>,
    /// Milliseconds to it and back, connection included.
    pub(crate) ms: u64,
    /// By how many seconds its clock is ahead.
    pub(crate) clock_ahead_s: i64,
    /// Why it does not answer as a relay.
    pub(crate) error: Option<String>,
}

/// According to the newest decision records.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Saved {
    /// Records that were looked at.
    pub(crate) records: usize,
    /// Requests that went through the relay.
    pub(crate) requests: u64,
    /// Those that went as what changed.
    pub(crate) deltas: u64,
    /// Bytes that would have been uploaded without it.
    pub(crate) body_bytes: u64,
    /// Bytes that were.
    pub(crate) sent_bytes: u64,
    /// Requests for which it was left out because it failed.
    pub(crate) left_out: u64,
}

impl Saved {
    fn count(&mut self, record: &Record) {
        self.records += 1;
        for attempt in &record.attempts {
            if let Some(relayed) = attempt.relayed {
                self.requests += 1;
                self.deltas += u64::from(relayed.delta);
                self.body_bytes += relayed.body_bytes;
                self.sent_bytes += relayed.sent_bytes;
            }
            self.left_out += u64::from(attempt.changes.iter().any(|change| change.starts_with("relay: left out")));
        }
    }
}

impl State {
    pub(super) fn of(relay: &Relay, answers: Option<Answers>, saved: Option<Saved>) -> Self {
        let transport = match relay.transport {
            RelayTransport::Http => "http",
            RelayTransport::WebSocket => "websocket",
        };
        let name = |host: &crate::config::RelayHost| remuda_core::Host::from(*host).as_str().to_owned();
        Self {
            enabled: relay.enabled,
            url: relay.url.clone(),
            transport,
            accounts: relay.accounts.clone(),
            hosts: relay.hosts.iter().map(name).collect(),
            answers,
            saved,
        }
    }
}

/// Asks the relay who it is.
pub(super) async fn answers(relay: &Relay, token: &SecretString) -> Result<Answers, Failure> {
    let client = client(relay, token.clone())?;
    let asked = Instant::now();
    let answer = client.hello().await;
    let ms = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(match answer {
        Ok(welcome) => {
            let ahead =
                i64::try_from(welcome.now_ms).unwrap_or(0) - i64::try_from(crate::relay_use::now_ms()).unwrap_or(0);
            Answers { relay: Some(welcome.relay), ms, clock_ahead_s: ahead / 1000, error: None }
        }
        Err(failure) => Answers { relay: None, ms, clock_ahead_s: 0, error: Some(failure.to_string()) },
    })
}

pub(super) async fn status(context: &Context) -> anyhow::Result<u8> {
    let relay = &context.config()?.relay;
    let answers = match (&relay.url, read_token(&context.paths.relay_token())) {
        (Some(_), Ok(token)) => Some(answers(relay, &token).await?),
        (Some(_), Err(failure)) if relay.enabled => return Err(failure.into()),
        _ => None,
    };
    let well = answers.as_ref().is_none_or(|answers| answers.error.is_none());
    let state = State::of(relay, answers, Some(saved(context).await?));
    context.out.answer(state, view::relay_state)?;
    Ok(if relay.enabled && !well { FAILED } else { OK })
}

async fn saved(context: &Context) -> Result<Saved, Failure> {
    let backend = context.backend().await?;
    let saved = counted(&backend).await;
    backend.close().await;
    saved
}

async fn counted(backend: &Backend) -> Result<Saved, Failure> {
    let mut saved = Saved::default();
    let mut before = None;
    while saved.records < LOOK_BACK {
        let page = backend.call::<ListRequests>(LogAsked { limit: Some(PAGE), before, ..LogAsked::default() }).await?;
        page.requests.iter().for_each(|record| saved.count(record));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    Ok(saved)
}
