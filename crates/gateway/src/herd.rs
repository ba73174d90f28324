//! The live state of the gateway: the snapshot that routing looks at, who may come in, where sessions live. In memory
//! for the data plane, written behind to the store; commands of the owner go to the store first.
//!
//! Locks are held for the length of a look-up or of one pure routing step, never across an await.

mod quota;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use parking_lot::RwLock;
use remuda_core::poll::PollState;
use remuda_core::request::{Home, PinScope};
use remuda_core::route::{Action, Answer, Refreshed, Route, StateChange};
use remuda_core::snapshot::{Policy, Snapshot, Target};
use remuda_core::{
    AccountId, AccountStatus, Capabilities, Protocol, Protocols, RequestFacts, SessionKey, UnixSeconds, Vendor,
};
use remuda_credentials::Clock;
use remuda_store::{ClientKey, Edit, Halt, KeyId, Mark, NewAccount, Origin, Profile, Removed, Store, StoreError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::choice::{self, Chosen};
use crate::events::{Events, Happening};
use crate::journal::Journal;
use crate::keys::{ClientKeys, Known, Refused};
use crate::lines::Lines;
use crate::provenance::{self, Provenance};
use crate::sessions::Sessions;
use crate::warmth::{Price, Turn, Warmths};

pub use quota::Asked;

/// Shared by the data plane and the control API.
pub struct Herd {
    state: RwLock<State>,
    active_untried: AtomicBool,
    store: Arc<dyn Store>,
    journal: Arc<Journal>,
    events: Events,
    provenance: Provenance,
    lines: Arc<Lines>,
    returned: Notify,
    clock: Arc<dyn Clock>,
    commands: tokio::sync::Mutex<()>,
}

struct State {
    snapshot: Snapshot,
    profiles: BTreeMap<AccountId, Arc<Profile>>,
    keys: ClientKeys,
    sessions: Sessions,
    warmths: Warmths,
    pins: HashMap<SessionKey, Chosen>,
    halts: BTreeMap<SessionKey, Halt>,
    active: Option<Chosen>,
    choices: u64,
    /// When each account was last sent a request by this process.
    used: BTreeMap<AccountId, UnixSeconds>,
    polls: BTreeMap<AccountId, PollState>,
    /// Days since 1970-01-01 (UTC): that of the spending that is counted.
    spend_day: i64,
}

/// What one attempt needs to know of an account.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Its routing facts that do not change during an attempt.
    pub label: String,
    /// Who serves it.
    pub vendor: Vendor,
    /// What kind of secret it has.
    pub kind: remuda_core::CredentialKind,
    /// What using it costs.
    pub cost: remuda_core::CostClass,
    /// The rest.
    pub profile: Arc<Profile>,
}

impl Mount {
    /// The first of these protocols that the account speaks, and the base URL where it does. `known`: where vendors listen
    /// if not where they really do.
    #[must_use]
    pub fn place<'a>(
        &'a self,
        wanted: Protocols,
        known: &'a BTreeMap<(Vendor, Protocol), String>,
    ) -> Option<(Protocol, &'a str)> {
        wanted.iter().find_map(|protocol| Some((protocol, self.base(protocol, known)?)))
    }

    fn base<'a>(&'a self, protocol: Protocol, known: &'a BTreeMap<(Vendor, Protocol), String>) -> Option<&'a str> {
        let own = &self.profile.endpoint.bases;
        if !own.is_empty() {
            return own.get(&protocol).map(String::as_str);
        }
        let real = remuda_vendors::endpoint::base(self.vendor, self.kind, protocol)?;
        // A key speaks Codex's protocol where it speaks every other: at the API, not at the backend of ChatGPT plans.
        let at_api = protocol == Protocol::Codex && !self.kind.is_login();
        let place = if at_api { Protocol::Responses } else { protocol };
        Some(known.get(&(self.vendor, place)).map_or(real, String::as_str))
    }

    /// What the place can do beside the protocol itself.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        let own = self.profile.endpoint.capabilities;
        own.unwrap_or_else(|| remuda_vendors::endpoint::capabilities(self.vendor))
    }
}

impl Herd {
    /// Reads everything from the store.
    ///
    /// # Errors
    /// The store cannot be read. That is never an empty herd.
    pub async fn load(
        store: Arc<dyn Store>,
        journal: Arc<Journal>,
        clock: Arc<dyn Clock>,
        policy: Policy,
    ) -> Result<Self, StoreError> {
        let now = clock.now();
        store.prune_client_keys(now).await?;
        let herd = store.load(now).await?;
        let mut keys = ClientKeys::default();
        for key in store.client_keys().await? {
            keys.insert(key, 0);
        }
        let mut sessions = Sessions::new(Sessions::MOST);
        for bound in store.sessions(now).await?.into_iter().rev() {
            sessions.restore(bound.session, bound.home, bound.touched_at);
        }
        let provenance = Provenance::new(Provenance::MOST);
        for origin in store.origins(now).await?.into_iter().rev() {
            provenance.learn(origin.account, [origin.mark]);
        }
        let mut snapshot = herd.snapshot;
        snapshot.policy = policy;
        let active = snapshot.active.clone().map(|target| Chosen { target, number: 0 });
        let pins = herd.session_pins.into_iter().map(|(s, target)| (s, Chosen { target, number: 0 })).collect();
        let profiles = herd.profiles.into_iter().map(|(id, p)| (id, Arc::new(p))).collect();
        let state = State {
            snapshot,
            profiles,
            keys,
            sessions,
            warmths: Warmths::default(),
            pins,
            halts: herd.halts,
            active,
            choices: 0,
            used: BTreeMap::new(),
            polls: herd.polls,
            spend_day: now.div_euclid(86_400),
        };
        Ok(Self {
            state: RwLock::new(state),
            active_untried: AtomicBool::new(false),
            store,
            journal,
            events: Events::default(),
            provenance,
            lines: Arc::default(),
            returned: Notify::new(),
            clock,
            commands: tokio::sync::Mutex::new(()),
        })
    }

    // --- data plane ---------------------------------------------------------------------------------------------

    /// Recognises the client key of a request.
    ///
    /// # Errors
    /// There is none that opens.
    pub fn recognise(&self, headers: &HeaderMap, now: UnixSeconds) -> Result<Known, Refused> {
        self.state.read().keys.recognise(headers, now)
    }

    /// Finds the choice that holds for a request and starts its way; fills in `facts.pin` and `facts.bound`. A client
    /// without session ids is one session per client key.
    pub fn begin(&self, who: &Known, mut facts: RequestFacts, now: UnixSeconds) -> (Route, Vec<StateChange>) {
        let session = facts.session.clone().unwrap_or_else(|| SessionKey(format!("key:{}", who.key.id)));
        let key_pin = who.key.pin.clone().map(|target| Chosen { target, number: who.chosen });
        let mut state = self.state.write();
        let state = &mut *state;
        state.turn_the_day(now);
        let parent = facts.conversation.parent.as_ref();
        let of_parent = parent.and_then(|parent| state.sessions.settled(parent));
        let held = choice::held(&choice::Known {
            key: key_pin.as_ref().map(|chosen| (chosen, who.key.pinned_by_project)),
            session: state.pins.get(&session).or_else(|| state.pins.get(parent?)),
            // A subagent that is new here has followed every choice that its parent has.
            settled: state.sessions.settled(&session).or(of_parent),
            active: state.active.as_ref(),
            active_untried: self.active_untried.load(Ordering::Relaxed),
        });
        if held.pin.as_ref().is_some_and(|pin| pin.scope == PinScope::Global) {
            self.active_untried.store(false, Ordering::Relaxed);
        }
        facts.conversation.patience_s = who.key.hold_s;
        facts.conversation.warm = state.warmths.of(&session, now);
        facts.conversation.parent_home = of_parent.map(|s| s.home.clone());
        facts.bound = state.sessions.settled(&session).map(|s| s.home.clone());
        facts.pin = held.pin;
        facts.session = Some(session.clone());
        let (route, changes) = Route::begin(facts, &state.snapshot, now);
        self.remember(state, &changes, now);
        state.sessions.follow(&session, held.followed);
        if state.sessions.touch(&session, now) {
            self.journal.touched(session, now);
        }
        (route, changes)
    }

    /// The next step of a request's way, and what it made us remember. Step and memory are one: of two requests only one
    /// takes a probe.
    pub fn next(&self, route: &mut Route, now: UnixSeconds) -> (Action, Vec<StateChange>) {
        let mut state = self.state.write();
        let (action, changes) = route.next(&state.snapshot, now);
        self.remember(&mut state, &changes, now);
        (action, changes)
    }

    /// An account answered. Returns what is remembered because of it.
    pub fn answered(&self, route: &mut Route, answer: Answer, now: UnixSeconds) -> Vec<StateChange> {
        let mut state = self.state.write();
        if answer == Answer::Served
            && let (Some(session), Some(account)) = (&route.request().session, route.tried().last())
        {
            state.sessions.served(session, *account);
        }
        let changes = route.answered(answer, &state.snapshot, now);
        self.remember(&mut state, &changes, now);
        changes
    }

    /// May a request of this session carry what another account than this one gave out?
    #[must_use]
    pub fn may_be_foreign(&self, session: Option<&SessionKey>, account: AccountId) -> bool {
        session.is_none_or(|session| self.state.read().sessions.may_be_foreign(session, account))
    }

    /// An account gave out what only it can read again.
    pub fn gave_out(&self, account: AccountId, marks: Vec<Mark>, now: UnixSeconds) {
        if marks.is_empty() {
            return;
        }
        self.provenance.learn(account, marks.iter().copied());
        self.journal.origins(marks.into_iter().map(|mark| Origin { mark, account, at: now }));
    }

    /// The account that gave a thing out, if that is known.
    #[must_use]
    pub fn origin(&self, thing: &str) -> Option<AccountId> {
        self.provenance.of(provenance::mark(thing))
    }

    /// Is a thing another's than this account's? What nobody is known to have given out is not. Two labels of one real
    /// account are one.
    #[must_use]
    pub fn is_foreign(&self, thing: &str, account: AccountId) -> bool {
        self.origin(thing).is_some_and(|origin| !self.same(origin, account))
    }

    /// Like [`Herd::is_foreign`]; but what nobody has belongs to this account from now on.
    #[must_use]
    pub fn is_claimed_by_another(&self, thing: &str, account: AccountId, now: UnixSeconds) -> bool {
        let mark = provenance::mark(thing);
        let (owner, fresh) = self.provenance.claim(mark, account);
        if fresh {
            self.journal.origins([Origin { mark, account, at: now }]);
        }
        !self.same(owner, account)
    }

    fn same(&self, one: AccountId, other: AccountId) -> bool {
        one == other
            || self.look(|snapshot, _| {
                let identity = |id| snapshot.accounts.get(&id).and_then(|account| account.identity.as_ref());
                identity(one).is_some() && identity(one) == identity(other)
            })
    }

    /// A forced refresh ended. Returns what is remembered because of it.
    pub fn refreshed(&self, route: &mut Route, how: Refreshed, now: UnixSeconds) -> Vec<StateChange> {
        let mut state = self.state.write();
        let changes = route.refreshed(how, &state.snapshot, now);
        self.remember(&mut state, &changes, now);
        changes
    }

    /// The request goes no further.
    pub fn stop(&self, route: &mut Route, now: UnixSeconds) -> Vec<StateChange> {
        let mut state = self.state.write();
        let changes = route.stop(&state.snapshot, now);
        self.remember(&mut state, &changes, now);
        changes
    }

    /// What an attempt on this account needs; `None`: it was removed meanwhile.
    pub fn mount(&self, account: AccountId) -> Option<Mount> {
        let state = self.state.read();
        let facts = state.snapshot.accounts.get(&account)?;
        Some(Mount {
            label: facts.label.as_str().to_owned(),
            vendor: facts.vendor,
            kind: facts.kind,
            cost: facts.cost,
            profile: Arc::clone(state.profiles.get(&account)?),
        })
    }

    /// A request is about to be sent to this account. The account carries it until the ride is dropped.
    pub fn ride(self: &Arc<Self>, account: AccountId) -> Ride {
        let now = self.clock.now();
        let mut state = self.state.write();
        state.snapshot.live.sent(account);
        state.used.insert(account, now);
        drop(state);
        Ride { herd: Arc::clone(self), account, bytes: 0, answered: false }
    }

    /// The same, if the account has room for a request on this way. One that asks the same account once more has had its
    /// turn.
    pub fn board(self: &Arc<Self>, route: &Route, account: AccountId, now: UnixSeconds) -> Option<Ride> {
        let mut state = self.state.write();
        let snapshot = &mut state.snapshot;
        let load = snapshot.live.load(account);
        let seat = load.has_seat(snapshot.limits.at_once(account));
        let room = seat && (!route.turns_to_another(snapshot, now) || load.can_take_on(now));
        if route.asks_first() && !room {
            return None;
        }
        snapshot.live.sent(account);
        state.used.insert(account, now);
        drop(state);
        Some(Ride { herd: Arc::clone(self), account, bytes: 0, answered: false })
    }

    /// Does the account carry fewer requests than its owner lets it?
    #[must_use]
    pub fn has_seat(&self, account: AccountId) -> bool {
        let snapshot = &self.state.read().snapshot;
        snapshot.live.load(account).has_seat(snapshot.limits.at_once(account))
    }

    /// A request had to stand in line: see [`Route::look_again`]. Returns what is remembered because of it.
    pub fn look_again(&self, route: &mut Route, now: UnixSeconds) -> Vec<StateChange> {
        let mut state = self.state.write();
        let changes = route.look_again(&state.snapshot, now);
        self.remember(&mut state, &changes, now);
        changes
    }

    /// A request stood in line for too long: see [`Route::too_busy`]. Returns what is remembered because of it.
    pub fn too_busy(&self, route: &mut Route, now: UnixSeconds) -> Vec<StateChange> {
        let changes = route.too_busy();
        self.apply(&changes, now);
        changes
    }

    /// The lines in front of accounts that have no room.
    #[must_use]
    pub fn lines(&self) -> &Arc<Lines> {
        &self.lines
    }

    /// Returns when an account may have come back: its rest was ended, it was mended, or its owner changed something. What
    /// happens after this call is not missed.
    pub fn returned(&self) -> Notified<'_> {
        self.returned.notified()
    }

    /// May a request with this key be held at all?
    #[must_use]
    pub fn may_hold(&self, who: &Known) -> bool {
        let of_chain = || {
            let limits = &self.state.read().snapshot.limits;
            std::iter::once(&limits.everyone)
                .chain(limits.accounts.values())
                .any(|own| own.hold_s.is_some_and(|s| s > 0))
        };
        who.key.hold_s.map_or_else(of_chain, |seconds| seconds > 0)
    }

    /// An answer of this conversation has ended: its prompt is in that account's cache now.
    pub fn warmed(&self, session: &SessionKey, turn: &Turn<'_>, now: UnixSeconds) {
        self.state.write().warmths.learn(session, turn, now);
    }

    /// What it costs if this conversation, or (`None`) every one without a pin of its own, goes on at the target, or (`None`)
    /// anywhere else than it is.
    #[must_use]
    pub fn price_of_switch(&self, target: Option<&Target>, session: Option<&SessionKey>, now: UnixSeconds) -> Price {
        let state = self.state.read();
        let there = |account: AccountId| match target {
            None => false,
            Some(Target::Account(id)) => *id == account,
            Some(Target::Pool(name)) => {
                state.snapshot.pools.get(name).is_some_and(|pool| pool.members.contains(&account))
            }
        };
        state.warmths.price(now, |known, account| {
            let meant = session.map_or(!state.pins.contains_key(known), |session| session == known);
            meant && !there(account)
        })
    }

    /// Findings of routing or of the keeper: into memory now, to the store soon.
    pub fn apply(&self, changes: &[StateChange], now: UnixSeconds) {
        if !changes.is_empty() {
            self.remember(&mut self.state.write(), changes, now);
        }
    }

    /// Money was spent on an account.
    pub fn spent(&self, account: AccountId, usd: f64, now: UnixSeconds) {
        let mut state = self.state.write();
        state.turn_the_day(now);
        if let Some(rule) = state.snapshot.spend_rules.get_mut(&account) {
            rule.spent_today_usd += usd;
        }
        drop(state);
        self.journal.spent(account, now, usd);
    }

    fn remember(&self, state: &mut State, changes: &[StateChange], now: UnixSeconds) {
        for change in changes {
            match change {
                StateChange::Bind(session, home) => state.sessions.bind(session.clone(), home.clone(), now),
                other => state.snapshot.apply(other),
            }
        }
        if changes.iter().any(StateChange::gives_back) {
            self.returned.notify_waiters();
        }
        self.tell_of(changes);
    }

    /// What was applied to the snapshot reaches the disk and whoever watches.
    fn tell_of(&self, changes: &[StateChange]) {
        self.events.found(changes);
        self.journal.changes(changes);
        if changes.iter().any(|change| change.account().is_some()) {
            self.lines.move_on();
        }
    }

    /// Other numbers for routing, from the next step on.
    pub fn set_policy(&self, policy: Policy) {
        self.state.write().snapshot.policy = policy;
    }

    // --- for views ----------------------------------------------------------------------------------------------

    /// Looks at the snapshot and the profiles. Keep it short: routing waits.
    pub fn look<T>(&self, see: impl FnOnce(&Snapshot, &BTreeMap<AccountId, Arc<Profile>>) -> T) -> T {
        let state = self.state.read();
        see(&state.snapshot, &state.profiles)
    }

    /// Sessions that a person has pinned.
    #[must_use]
    pub fn session_pins(&self) -> Vec<(SessionKey, Target)> {
        self.state.read().pins.iter().map(|(s, chosen)| (s.clone(), chosen.target.clone())).collect()
    }

    /// Sessions whose key ends with `:` and a text that begins with `beginning`, for commands that name one.
    #[must_use]
    pub fn sessions_like(&self, beginning: &str) -> Vec<SessionKey> {
        self.state.read().sessions.like(beginning, 10)
    }

    /// Homes of the conversations that were seen last, newest first, at most `most`.
    #[must_use]
    pub fn session_homes(&self, most: usize) -> Vec<(SessionKey, Home, UnixSeconds)> {
        self.state.read().sessions.newest(most)
    }

    /// Conversations that their owner has stopped.
    #[must_use]
    pub fn halts(&self) -> BTreeMap<SessionKey, Halt> {
        self.state.read().halts.clone()
    }

    /// Was this conversation stopped by its owner?
    #[must_use]
    pub fn halted(&self, session: &SessionKey) -> Option<Halt> {
        self.state.read().halts.get(session).cloned()
    }

    /// Requests under way, and those who watch what happens.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Writes what waits to be written.
    pub async fn flush(&self) -> bool {
        self.journal.flush().await
    }

    /// The store, for reading what only it has (decision records).
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The clock that everything here goes by.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    // --- commands of the owner: the store first, then memory ----------------------------------------------------

    /// Carries out commands, all or none. A changed active target or session pin is a fresh choice.
    ///
    /// # Errors
    /// The store refuses one of them; nothing is changed.
    pub async fn edit(&self, edits: Vec<Edit>) -> Result<(), StoreError> {
        let _one_at_a_time = self.commands.lock().await;
        self.journal.flush().await;
        self.store.edit(edits.clone(), self.clock.now()).await?;
        self.reread().await?;
        let mut state = self.state.write();
        for edit in edits {
            match edit {
                Edit::Active(Some(target)) => {
                    let number = state.count();
                    state.active = Some(Chosen { target, number });
                    self.active_untried.store(true, Ordering::Relaxed);
                }
                Edit::PinSession(session, Some(target)) => {
                    let number = state.count();
                    state.pins.insert(session, Chosen { target, number });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Stores a new account.
    ///
    /// # Errors
    /// Label or identity taken, or the store fails.
    pub async fn add_account(&self, new: NewAccount) -> Result<(), StoreError> {
        let _one_at_a_time = self.commands.lock().await;
        self.store.add_account(new, self.clock.now()).await?;
        self.reread().await
    }

    /// The login engine has stored a login of this account: read it again, and forget what was believed about the account
    /// before, also what is still on its way to the disk.
    ///
    /// # Errors
    /// The store cannot be read; memory stays as it was.
    pub async fn logged_in(&self, account: AccountId) -> Result<(), StoreError> {
        self.refresh_from_store().await?;
        let now = self.clock.now();
        let changes = self.look(|snapshot, _| {
            let Some(known) = snapshot.accounts.get(&account) else { return Vec::new() };
            let models = known.model_cooling.keys().map(|m| StateChange::ModelCooling(account, m.clone(), None));
            let rest = known.cooling.iter().map(|_| StateChange::Cooling(account, None));
            let dead = matches!(known.status, AccountStatus::NeedsLogin | AccountStatus::Disabled);
            let status = dead.then_some(StateChange::Status(account, AccountStatus::Ready));
            models.chain(rest).chain(status).collect()
        });
        self.apply(&changes, now);
        let mut state = self.state.write();
        if let Some(known) = state.snapshot.accounts.get_mut(&account) {
            // Another credential earned them, perhaps of another plan.
            known.readings.clear();
        }
        state.polls.remove(&account);
        Ok(())
    }

    /// The store was changed by somebody else: read it again.
    ///
    /// # Errors
    /// The store cannot be read; memory stays as it was.
    pub async fn refresh_from_store(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.commands.lock().await;
        self.reread().await
    }

    /// Removes an account and every mention of it.
    ///
    /// # Errors
    /// There is none, or the store fails.
    pub async fn remove_account(&self, id: AccountId) -> Result<Removed, StoreError> {
        let _one_at_a_time = self.commands.lock().await;
        self.journal.flush().await;
        let removed = self.store.remove_account(id).await?;
        {
            let mut state = self.state.write();
            state.sessions.forget_account(id);
            state.warmths.forget_account(id);
        }
        self.reread().await?;
        Ok(removed)
    }

    /// Removes a pool and every mention of it.
    ///
    /// # Errors
    /// There is none, or the store fails.
    pub async fn remove_pool(&self, name: &str) -> Result<Removed, StoreError> {
        let _one_at_a_time = self.commands.lock().await;
        let removed = self.store.remove_pool(name).await?;
        self.reread().await?;
        Ok(removed)
    }

    /// Ends every rest: each account and model may be asked again at once. Returns the accounts concerned.
    pub async fn end_rests(&self) -> Vec<AccountId> {
        let now = self.clock.now();
        let mut changes = Vec::new();
        let mut rested = Vec::new();
        self.look(|snapshot, _| {
            for account in snapshot.accounts.values() {
                let before = changes.len();
                if account.cooling.is_some() {
                    changes.push(StateChange::Cooling(account.id, None));
                }
                for model in account.model_cooling.keys() {
                    changes.push(StateChange::ModelCooling(account.id, model.clone(), None));
                }
                if changes.len() > before {
                    rested.push(account.id);
                }
            }
        });
        self.apply(&changes, now);
        self.journal.flush().await;
        rested
    }

    /// Forgets session pins and homes. Returns how many sessions are concerned.
    ///
    /// # Errors
    /// The store fails.
    pub async fn forget_sessions(&self) -> Result<usize, StoreError> {
        self.edit(vec![Edit::UnpinSessions]).await?;
        self.journal.flush().await;
        let stored = self.store.forget_sessions().await?;
        let mut state = self.state.write();
        let known = state.sessions.len();
        state.sessions.clear();
        Ok(stored.max(known))
    }

    /// Lets a client key in.
    ///
    /// # Errors
    /// The store fails.
    pub async fn add_key(&self, key: ClientKey) -> Result<(), StoreError> {
        self.store.add_client_key(key.clone()).await?;
        let mut state = self.state.write();
        let number = state.count();
        state.keys.prune(self.clock.now());
        state.keys.insert(key, number);
        Ok(())
    }

    /// Shuts a client key out.
    ///
    /// # Errors
    /// The store fails; the key is shut out of this process all the same.
    pub async fn revoke_key(&self, id: KeyId) -> Result<bool, StoreError> {
        let known = self.state.write().keys.remove(id);
        Ok(self.store.revoke_client_key(id).await? || known)
    }

    /// The keeper found out that an account's login is dead, closed or well again. It is in the store already.
    pub fn status_found(&self, account: AccountId, status: AccountStatus) {
        self.state.write().snapshot.apply(&StateChange::Status(account, status));
        self.events.tell(Happening::Account(account));
    }

    /// Takes over what the store says, except what this process knows better because it is written behind: rests and
    /// readings.
    async fn reread(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let fresh = self.store.load(now).await?;
        let mut state = self.state.write();
        state.turn_the_day(now);
        let mut snapshot = fresh.snapshot;
        for (id, rule) in &mut snapshot.spend_rules {
            // What was spent a moment ago may not be on the disk yet. Within a day it only grows.
            let known = state.snapshot.spend_rules.get(id).map_or(0.0, |known| known.spent_today_usd);
            rule.spent_today_usd = rule.spent_today_usd.max(known);
        }
        snapshot.policy = state.snapshot.policy.clone();
        snapshot.live = std::mem::take(&mut state.snapshot.live);
        snapshot.live.retain(|id| snapshot.accounts.contains_key(&id), |name| snapshot.pools.contains_key(name));
        for (id, account) in &mut snapshot.accounts {
            let Some(known) = state.snapshot.accounts.get(id) else { continue };
            let logged_in_again =
                fresh.profiles.get(id).map(|p| p.last_login_at) != state.profiles.get(id).map(|p| p.last_login_at);
            if !logged_in_again {
                account.cooling.clone_from(&known.cooling);
                account.model_cooling.clone_from(&known.model_cooling);
                // Other processes on this store read too.
                for (window, reading) in &known.readings {
                    account.learn(window.clone(), reading.clone());
                }
            }
        }
        let renumber = |target: Target, known: Option<&Chosen>| match known {
            Some(chosen) if chosen.target == target => chosen.clone(),
            _ => Chosen { target, number: 0 },
        };
        state.active = snapshot.active.clone().map(|target| renumber(target, state.active.as_ref()));
        state.pins = fresh
            .session_pins
            .into_iter()
            .map(|(session, target)| {
                let chosen = renumber(target, state.pins.get(&session));
                (session, chosen)
            })
            .collect();
        state.profiles = fresh.profiles.into_iter().map(|(id, p)| (id, Arc::new(p))).collect();
        state.halts = fresh.halts;
        state.polls = fresh.polls;
        state.used.retain(|id, _| snapshot.accounts.contains_key(id));
        state.snapshot = snapshot;
        drop(state);
        self.returned.notify_waiters();
        self.lines.move_on();
        self.events.tell(Happening::Owner);
        Ok(())
    }
}

/// One request on one account, from before it is sent until it has ended, however it ends.
pub struct Ride {
    herd: Arc<Herd>,
    account: AccountId,
    bytes: u64,
    answered: bool,
}

impl Ride {
    /// The account has answered: it serves, it refuses, or it refused for reasons that are not its own (`None`).
    pub fn answered(&mut self, good: Option<bool>, now: UnixSeconds) {
        if !std::mem::replace(&mut self.answered, true) {
            self.herd.state.write().snapshot.live.answered(self.account, good, now);
            self.herd.lines.move_on();
        }
    }

    /// Its body has so many bytes.
    pub fn weighs(&mut self, bytes: u64) {
        self.bytes = bytes;
    }
}

impl Drop for Ride {
    fn drop(&mut self) {
        let mut state = self.herd.state.write();
        if !self.answered {
            state.snapshot.live.answered(self.account, None, 0);
        }
        state.snapshot.live.ended(self.account, self.bytes);
        drop(state);
        self.herd.lines.move_on();
    }
}

impl State {
    /// On another day (UTC) nothing is spent yet.
    fn turn_the_day(&mut self, now: UnixSeconds) {
        const DAY_S: i64 = 86_400;
        let today = now.div_euclid(DAY_S);
        if std::mem::replace(&mut self.spend_day, today) != today {
            self.snapshot.spend_rules.values_mut().for_each(|rule| rule.spent_today_usd = 0.0);
        }
    }

    fn count(&mut self) -> u64 {
        self.choices += 1;
        self.choices
    }
}
