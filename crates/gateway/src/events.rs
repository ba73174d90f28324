//! What happens in the gateway, told as it happens to whoever watches, and the requests under way, which can be stopped.
//!
//! Facts only, no views: the control API turns them into its event stream, metrics and alerts. With nobody watching a
//! happening costs one look at an empty cell.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use parking_lot::Mutex;
use remuda_core::record::Record;
use remuda_core::route::StateChange;
use remuda_core::{AccountId, Host, RequestFacts, RequestId, RequestKind, SessionKey, UnixSeconds, Vendor};
use tokio_util::sync::CancellationToken;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Happening<'a> {
    /// What is believed about an account has changed: its status or its rests.
    Account(AccountId),
    /// An account's answer stated what is left in its windows.
    Windows(AccountId),
    /// The owner changed something: accounts, chains, pools, pins, rules or the active target.
    Owner,
    /// A request was understood and is on its way.
    Started(&'a Arc<Live>),
    /// An account is asked for it. More than once: it moved.
    Asked(&'a Arc<Live>),
    /// It waits on purpose, for a retry or for a window to reset.
    Waits(&'a Arc<Live>),
    /// Its wait is over.
    Resumes(&'a Arc<Live>),
    /// Its first byte went to the client.
    Streams(&'a Arc<Live>),
    /// It is over.
    Finished(&'a Arc<Live>, &'a Record),
}

/// Whoever wants to know.
pub trait Watcher: Send + Sync + 'static {
    /// Takes note and returns at once: the caller may hold the herd's lock, so looking at the herd from here would never end.
    fn happened(&self, what: Happening<'_>);
}

/// Where a request under way is.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// Nobody was asked yet.
    Routing,
    /// An account is being asked.
    Asking,
    /// It waits on purpose until then.
    Waiting {
        /// Unix seconds.
        until: UnixSeconds,
    },
    /// Nobody could serve, and it waits for somebody to be back.
    Held {
        /// Since when.
        since: UnixSeconds,
        /// When the first is expected back.
        until: UnixSeconds,
    },
    /// The answer goes to the client.
    Streaming,
}

/// The part of a request under way that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Where it is.
    pub stage: Stage,
    /// Who is or was asked last: id and label.
    pub account: Option<(AccountId, String)>,
    /// How many times an account was asked.
    pub attempts: u32,
}

/// A request under way.
#[derive(Debug)]
pub struct Live {
    /// Its id.
    pub id: RequestId,
    /// When it arrived.
    pub at: UnixSeconds,
    /// Which agent sent it.
    pub host: Host,
    /// What it is for.
    pub kind: RequestKind,
    /// Its vendor protocol.
    pub vendor: Vendor,
    /// Its conversation.
    pub session: Option<SessionKey>,
    /// The model it names.
    pub model: String,
    /// The working directory of its agent, where known.
    pub project: Option<String>,
    /// When it arrived, for durations.
    pub started: Instant,
    /// Cancelled when its owner stops it.
    pub stop: CancellationToken,
    /// Cancelled when it shall not be held any longer: it ends with what it was held on.
    pub let_go: CancellationToken,
    progress: Mutex<Progress>,
}

impl Live {
    /// Where it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.lock().clone()
    }
}

/// See the module's description. Shared by all requests.
#[derive(Default)]
pub struct Events {
    watcher: OnceLock<Arc<dyn Watcher>>,
    live: Mutex<HashMap<RequestId, Arc<Live>>>,
    leaving: CancellationToken,
}

impl Events {
    /// Lets somebody watch. Only the first one does; there is one control API.
    pub fn watch(&self, watcher: Arc<dyn Watcher>) {
        let _ = self.watcher.set(watcher);
    }

    /// Tells what happened.
    pub fn tell(&self, what: Happening<'_>) {
        if let Some(watcher) = self.watcher.get() {
            watcher.happened(what);
        }
    }

    /// Findings that say something about accounts.
    pub fn found(&self, changes: &[StateChange]) {
        for account in changes.iter().filter_map(StateChange::account) {
            self.tell(Happening::Account(account));
        }
    }

    /// Requests under way, oldest first.
    #[must_use]
    pub fn live(&self) -> Vec<Arc<Live>> {
        let mut all: Vec<_> = self.live.lock().values().cloned().collect();
        all.sort_by_key(|live| (live.at, live.id));
        all
    }

    /// One request under way.
    #[must_use]
    pub fn find(&self, id: RequestId) -> Option<Arc<Live>> {
        self.live.lock().get(&id).cloned()
    }

    /// A request was understood.
    pub(crate) fn started(
        &self,
        id: RequestId,
        at: UnixSeconds,
        project: Option<String>,
        facts: &RequestFacts,
    ) -> Arc<Live> {
        let live = Arc::new(Live {
            id,
            at,
            host: facts.host,
            kind: facts.kind,
            vendor: facts.vendor,
            session: facts.session.clone(),
            model: facts.model.clone(),
            project,
            started: Instant::now(),
            stop: CancellationToken::new(),
            let_go: CancellationToken::new(),
            progress: Mutex::new(Progress { stage: Stage::Routing, account: None, attempts: 0 }),
        });
        self.live.lock().insert(id, Arc::clone(&live));
        self.tell(Happening::Started(&live));
        live
    }

    /// An account is asked for it.
    pub(crate) fn asked(&self, live: &Arc<Live>, account: AccountId, label: &str) {
        {
            let mut progress = live.progress.lock();
            progress.stage = Stage::Asking;
            progress.account = Some((account, label.to_owned()));
            progress.attempts += 1;
        }
        self.tell(Happening::Asked(live));
    }

    /// It waits on purpose.
    pub(crate) fn waits(&self, live: &Arc<Live>, until: UnixSeconds) {
        live.progress.lock().stage = Stage::Waiting { until };
        self.tell(Happening::Waits(live));
    }

    /// Its wait is over.
    pub(crate) fn resumes(&self, live: &Arc<Live>) {
        live.progress.lock().stage = Stage::Routing;
        self.tell(Happening::Resumes(live));
    }

    /// It waits for somebody to be back.
    pub(crate) fn held(&self, live: &Arc<Live>, now: UnixSeconds, until: UnixSeconds) {
        {
            let mut progress = live.progress.lock();
            let since = match progress.stage {
                Stage::Held { since, .. } => since,
                _ => now,
            };
            progress.stage = Stage::Held { since, until };
        }
        self.tell(Happening::Waits(live));
    }

    /// The daemon is about to end: those who are held are not waited for. Their agents come back to the next one.
    pub fn let_all_go(&self) {
        self.leaving.cancel();
        for live in self.live() {
            live.let_go.cancel();
        }
    }

    /// Is the daemon about to end?
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.is_cancelled()
    }

    /// Its first byte goes to the client.
    pub(crate) fn streams(&self, live: &Arc<Live>) {
        live.progress.lock().stage = Stage::Streaming;
        self.tell(Happening::Streams(live));
    }

    /// It is over.
    pub(crate) fn finished(&self, live: &Arc<Live>, record: &Record) {
        self.live.lock().remove(&live.id);
        self.tell(Happening::Finished(live, record));
    }
}
