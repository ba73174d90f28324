//! The relay itself, apart from how messages reach it: conversations, their gates and bodies, the calls under way.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use remuda_upstream::Client;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::code::Code;
use crate::exchange::settle;
use crate::gate::{Gate, Pass};
use crate::message::{Hello, PROTOCOLS, Problem, Welcome};
use crate::request::{self, Head, Payload};
use crate::server::call::Call;
use crate::server::recording::{Follower, Recording};
use crate::server::vault::{Key, Sealed};
use crate::server::{Settings, Upstreams};

/// The relay's clock: milliseconds since 1970.
pub type NowMs = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How often old conversations are looked for.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// Most bodies that are rebuilt at one moment: each takes a core and up to three times its length in memory.
const MOST_REBUILT: usize = 4;

/// See the module. Owned by [`crate::server::serve`], which ends it.
pub struct Relay {
    pub(crate) settings: Settings,
    pub(crate) now_ms: NowMs,
    upstreams: Upstreams,
    client: Client,
    epoch: String,
    conversations: Mutex<HashMap<String, Arc<Mutex<Conversation>>>>,
    /// Bytes of sealed bodies, as far as they have been counted.
    sealed_bytes: AtomicUsize,
    rebuilding: Semaphore,
    under_way: Arc<Semaphore>,
    calls: TaskTracker,
}

/// What is remembered of one conversation.
#[derive(Default)]
struct Conversation {
    gate: Gate,
    sealed: Option<Sealed>,
    /// The answer to the last message.
    answer: Option<Arc<Recording>>,
    used_ms: u64,
}

/// Counts, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Conversations.
    pub conversations: usize,
    /// Bytes of sealed bodies.
    pub sealed_bytes: usize,
    /// Calls under way.
    pub calls: usize,
}

impl Relay {
    /// A relay that has seen nothing. `epoch` must be one that no earlier relay had: random.
    #[must_use]
    pub fn new(settings: Settings, upstreams: Upstreams, client: Client, epoch: String, now_ms: NowMs) -> Arc<Self> {
        Arc::new(Self {
            sealed_bytes: AtomicUsize::new(0),
            rebuilding: Semaphore::new(MOST_REBUILT),
            under_way: Arc::new(Semaphore::new(kib(settings.most_under_way) as usize)),
            settings,
            now_ms,
            upstreams,
            client,
            epoch,
            conversations: Mutex::default(),
            calls: TaskTracker::new(),
        })
    }

    /// Introduces itself.
    ///
    /// # Errors
    /// [`Code::Protocol`].
    pub fn welcome(&self, hello: &Hello) -> Result<Welcome, Problem> {
        let common = PROTOCOLS.iter().filter(|version| hello.protocols.contains(version)).max();
        let protocol = *common.ok_or_else(|| {
            Problem::before(Code::Protocol, format!("this relay speaks versions {PROTOCOLS:?} of the protocol"))
        })?;
        Ok(Welcome {
            protocol,
            relay: format!("remuda {}", env!("CARGO_PKG_VERSION")),
            epoch: self.epoch.clone(),
            now_ms: (self.now_ms)(),
            most_body_bytes: self.settings.most_body as u64,
            alive_s: u32::try_from(self.settings.alive.as_secs()).unwrap_or(u32::MAX).max(1),
            transports: vec!["http".to_owned(), "websocket".to_owned()],
            upstreams: self.upstreams.names(),
        })
    }

    /// Takes an exchange: rebuilds the body, calls the vendor unless it was called before, and gives its answer.
    ///
    /// # Errors
    /// Why not. Unless [`Problem::called`], the vendor knows nothing of it.
    pub async fn exchange(self: &Arc<Self>, conversation: &str, content: Bytes) -> Result<Follower, Problem> {
        let known = self.conversation(conversation)?;
        let _turn = self.rebuilding.acquire().await;
        let (relay, name) = (Arc::clone(self), conversation.to_owned());
        let rebuilt = tokio::task::spawn_blocking(move || relay.take(&name, &known, &content)).await;
        let (follower, call) = rebuilt.map_err(|_| Problem::before(Code::Internal, "the relay failed"))??;
        if let Some(call) = call {
            self.calls.spawn(call.run());
            if self.sealed_bytes.load(Ordering::Relaxed) > self.settings.most_kept {
                self.tidy();
            }
        }
        Ok(follower)
    }

    /// The rest of an answer.
    ///
    /// # Errors
    /// [`Code::UnknownRequest`], [`Code::AnswerGone`].
    pub fn resume(&self, conversation: &str, id: &str, from: u64) -> Result<Follower, Problem> {
        let gone = || Problem::after(Code::AnswerGone, "the answer is not kept any more");
        let unknown = || Problem {
            epoch: Some(self.epoch.clone()),
            ..Problem::before(Code::UnknownRequest, "the relay has not taken such a request")
        };
        let known = self.conversations.lock().get(conversation).cloned().ok_or_else(unknown)?;
        let known = known.lock();
        if known.gate.last_id() != Some(id) {
            return Err(unknown());
        }
        known.answer.as_ref().and_then(|answer| answer.follow(from)).ok_or_else(gone)
    }

    /// Ends a request that nobody needs any more. Nothing happens if it has ended or is not known.
    pub fn cancel(&self, conversation: &str, id: &str) {
        let known = self.conversations.lock().get(conversation).cloned();
        if let Some(known) = known
            && let known = known.lock()
            && known.gate.last_id() == Some(id)
            && let Some(answer) = &known.answer
        {
            answer.cancel.cancel();
        }
    }

    /// What it holds at this moment.
    #[must_use]
    pub fn held(&self) -> Held {
        let all: Vec<_> = self.conversations.lock().values().cloned().collect();
        let sealed = all.iter().filter_map(|one| one.lock().sealed.as_ref().map(Sealed::size));
        Held { conversations: all.len(), sealed_bytes: sealed.sum(), calls: self.calls.len() }
    }

    /// Forgets what has rested for too long, until it is stopped.
    pub(crate) async fn keep_house(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(HOUSEKEEPING)).await.is_some() {
            self.tidy();
        }
    }

    /// Ends all calls.
    pub(crate) async fn end(&self) {
        let all: Vec<_> = self.conversations.lock().values().cloned().collect();
        all.iter().filter_map(|one| one.lock().answer.clone()).for_each(|answer| answer.cancel.cancel());
        self.calls.close();
        self.calls.wait().await;
    }

    fn conversation(&self, name: &str) -> Result<Arc<Mutex<Conversation>>, Problem> {
        let fits =
            (8..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !fits {
            return Err(Problem::before(Code::Malformed, "a conversation is named by 8 to 64 letters, digits, - or _"));
        }
        let mut conversations = self.conversations.lock();
        if let Some(known) = conversations.get(name) {
            return Ok(Arc::clone(known));
        }
        if conversations.len() >= self.settings.most_conversations {
            return Err(Problem::before(Code::Overloaded, "the relay has no room for more conversations"));
        }
        let fresh = Conversation { used_ms: (self.now_ms)(), ..Conversation::default() };
        Ok(Arc::clone(conversations.entry(name.to_owned()).or_insert_with(|| Arc::new(Mutex::new(fresh)))))
    }

    /// The conversation's lock is held from the first look to the last change: two copies of a message cannot both be new.
    fn take(
        &self,
        name: &str,
        known: &Mutex<Conversation>,
        content: &[u8],
    ) -> Result<(Follower, Option<Call>), Problem> {
        let (head, payload) = request::parse(content, self.settings.most_body)?;
        if head.conversation != name {
            return Err(Problem::before(Code::Malformed, "the head names another conversation"));
        }
        let mut known = known.lock();
        if known.gate.look(&head, &self.epoch, (self.now_ms)())? == Pass::Again {
            let gone = || Problem::after(Code::AnswerGone, "the answer is not kept any more");
            let follower = known.answer.as_ref().and_then(|answer| answer.follow(0)).ok_or_else(gone)?;
            return Ok((follower, None));
        }
        let fresh = self.fits(name, &known, &head, &payload)?;
        known.gate.took(&head);
        known.used_ms = (self.now_ms)();
        self.sealed_bytes.fetch_add(fresh.sealed.size(), Ordering::Relaxed);
        if let Some(earlier) = known.sealed.replace(fresh.sealed) {
            self.sealed_bytes
                .fetch_sub(earlier.size().min(self.sealed_bytes.load(Ordering::Relaxed)), Ordering::Relaxed);
        }
        if let Some(earlier) = known.answer.replace(Arc::clone(&fresh.call.recording)) {
            earlier.cancel.cancel();
        }
        Ok((fresh.follower, Some(fresh.call)))
    }

    /// Everything that can be wrong with a new message is found here, before anything is remembered or called.
    fn fits(&self, name: &str, known: &Conversation, head: &Head, payload: &Payload) -> Result<Fresh, Problem> {
        let (origin, request) = self.upstreams.request(head)?;
        let key = Key::parse(&head.key)?;
        // A whole body needs nothing of the earlier one.
        let held = known.sealed.as_ref().filter(|_| head.base.is_some());
        let held = held.and_then(|sealed| Some((sealed.standing, key.open(name, sealed)?)));
        let (standing, body) = payload.message(head, |message| {
            settle(held.as_ref().map(|(standing, body)| (*standing, body.as_slice())), message)
                .map_err(|refusal| Problem::before(refusal.into(), refusal.to_string()))
        })?;
        if body.len() > self.settings.most_body {
            return Err(Problem::before(Code::TooLarge, "the rebuilt body is larger than the relay takes"));
        }
        let full = |_| Problem::before(Code::Overloaded, "too many requests are under way");
        let permit = Arc::clone(&self.under_way).try_acquire_many_owned(kib(body.len())).map_err(full)?;
        if self.calls.len() >= self.settings.most_active {
            return Err(Problem::before(Code::Overloaded, "too many requests are under way"));
        }
        let sealed = key.seal(name, standing, &body)?;
        let recording = Recording::new(head.id.clone(), self.settings.most_answer);
        let follower =
            recording.follow(0).ok_or_else(|| Problem::before(Code::Internal, "an answer was not opened"))?;
        let (client, body, grace) = (self.client.clone(), Bytes::from(body), self.settings.grace);
        let call = Call { client, origin, request, body, permit, recording, grace };
        Ok(Fresh { sealed, follower, call })
    }

    fn tidy(&self) {
        let now = (self.now_ms)();
        let keep_ms = u64::try_from(self.settings.keep_for.as_millis()).unwrap_or(u64::MAX);
        let mut bodies: Vec<(u64, usize, Arc<Mutex<Conversation>>)> = Vec::new();
        self.conversations.lock().retain(|_, shared| {
            // Whoever holds it is using it.
            let Some(mut known) = shared.try_lock() else { return true };
            if known.answer.as_ref().is_some_and(|a| a.finished_for().is_some_and(|t| t > self.settings.keep_answer)) {
                known.answer = None;
            }
            let rested = now.saturating_sub(known.used_ms) > keep_ms;
            if let Some(sealed) = &known.sealed {
                bodies.push((known.used_ms, sealed.size(), Arc::clone(shared)));
            }
            !(rested && known.answer.is_none() && known.gate.is_past(now))
        });
        let mut kept: usize = bodies.iter().map(|(_, size, _)| size).sum();
        if kept > self.settings.most_kept {
            bodies.sort_by_key(|(used, ..)| *used);
            for (_, size, conversation) in bodies {
                // Somewhat below the bound, so that not every message has to look through all of them.
                if kept <= self.settings.most_kept / 8 * 7 {
                    break;
                }
                if let Some(mut conversation) = conversation.try_lock() {
                    conversation.sealed = None;
                    kept -= size;
                }
            }
        }
        self.sealed_bytes.store(kept, Ordering::Relaxed);
    }
}

/// A name for one life of a relay.
///
/// # Errors
/// The system has no randomness.
pub fn random_epoch() -> Result<String, getrandom::Error> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    Ok(crate::client::lane::hex(&random))
}

/// A message that fits.
struct Fresh {
    sealed: Sealed,
    follower: Follower,
    call: Call,
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024).max(1)).unwrap_or(u32::MAX)
}
