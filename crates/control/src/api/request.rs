//! What happened to requests, and why.

use remuda_core::explain::explain;
use remuda_core::record::Record;
use remuda_core::{RequestId, RequestKind, SessionKey};
use remuda_store::{Cursor, RecordQuery};
use uuid::Uuid;

use super::Api;
use super::stored::Told;
use crate::types::{Code, Failure};
use crate::types::{Explained, Log, LogAsked, RequestRef};

/// How many requests are listed when nobody says how many.
const USUAL_PAGE: u32 = 20;
/// How far `last` looks back for a turn of a conversation.
const LOOK_BACK: u32 = 50;

impl Api {
    /// A page of requests, newest first.
    ///
    /// # Errors
    /// The cursor is none of ours, or the store fails.
    pub async fn requests(&self, asked: LogAsked) -> Result<Log, Failure> {
        let before = asked.before.as_deref().map(cursor).transpose()?;
        let limit = asked.limit.unwrap_or(USUAL_PAGE);
        self.herd.flush().await;
        let served_by = match &asked.account {
            Some(text) => Some(self.id_of(text)?),
            None => None,
        };
        let query = RecordQuery {
            before,
            session: asked.session.as_deref().map(|text| self.past_session(text)).transpose()?,
            served_by,
            class: asked.class,
            model: asked.model,
            since: asked.since,
            until: asked.until,
            host: asked.agent,
            project: asked.project,
            failed: asked.failed,
            search: asked.search.filter(|text| !text.is_empty()),
            limit,
        };
        let page = self.herd.store().records(query).await.told()?;
        Ok(Log {
            now: self.now(),
            requests: page.records,
            next: page.next.map(|cursor| format!("{}.{}", cursor.at, cursor.id)),
        })
    }

    /// Why a request went where it went.
    ///
    /// # Errors
    /// There is no such request, or several are meant, or the store fails.
    pub async fn explain(&self, asked: RequestRef) -> Result<Explained, Failure> {
        self.herd.flush().await;
        let request = match asked.request.trim() {
            "last" => self.last().await?,
            id => self.named(id).await?,
        };
        let text = explain(&request, self.now());
        Ok(Explained { request, text })
    }

    /// A session that is known, or the whole name of one that was.
    fn past_session(&self, text: &str) -> Result<SessionKey, Failure> {
        let whole = text.contains(':').then(|| SessionKey(text.trim().to_owned()));
        self.session(text).or_else(|failure| whole.ok_or(failure))
    }

    /// The newest turn of a conversation; listings of models and token counts are rarely what a person asks about.
    async fn last(&self) -> Result<Record, Failure> {
        let page =
            self.herd.store().records(RecordQuery { limit: LOOK_BACK, ..RecordQuery::default() }).await.told()?;
        let turn = |record: &Record| matches!(record.kind, RequestKind::Main | RequestKind::Subagent);
        let position = page.records.iter().position(turn).unwrap_or(0);
        page.records.into_iter().nth(position).ok_or_else(|| {
            Failure::new(Code::UnknownRequest, "there are no requests yet")
                .remedy("start an agent with `remuda run claude`, or see `remuda demo`")
        })
    }

    async fn named(&self, text: &str) -> Result<Record, Failure> {
        let mut found = match Uuid::parse_str(text) {
            Ok(id) => self.herd.store().record(RequestId(id)).await.told()?.into_iter().collect(),
            Err(_) => self.herd.store().records_by_prefix(text).await.told()?,
        };
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(Failure::new(Code::UnknownRequest, format!("no request {text:?} is recorded"))
                .why("records are kept for a bounded time and number")
                .remedy("`remuda log` lists the requests that are; `last` is the newest one")),
            _ => {
                let ids: Vec<String> = found.iter().map(|record| record.id.to_string()).collect();
                Err(Failure::new(Code::UnknownRequest, format!("several requests begin with {text:?}"))
                    .why(ids.join(", "))
                    .remedy("write more of the id"))
            }
        }
    }
}

/// `<arrival in unix seconds>.<id>`, as [`Log::next`] has it.
fn cursor(text: &str) -> Result<Cursor, Failure> {
    let parts = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, Uuid::parse_str(id).ok()?)));
    let (at, id) = parts
        .ok_or_else(|| Failure::invalid(format!("{text:?} is no cursor")).remedy("take `next` of the page before"))?;
    Ok(Cursor { at, id: RequestId(id) })
}
