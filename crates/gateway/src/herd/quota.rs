//! What is left of the accounts: readings come in here, whoever brings them, and here the poller sees whom to ask about.

use std::collections::BTreeMap;

use remuda_core::poll::{self, Interest, PollPolicy, PollState};
use remuda_core::snapshot::Target;
use remuda_core::{AccountId, CredentialKind, Protocol, Reading, RequestFacts, UnixSeconds, Vendor, Window};
use remuda_store::StoreError;

use super::Herd;
use crate::events::Happening;
use crate::keys::Known;

/// What asking about an account needs to know of it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whose.
    pub account: AccountId,
    /// Who is asked.
    pub vendor: Vendor,
    /// With what kind of secret.
    pub kind: CredentialKind,
    /// The vendor's id of the workspace, which ChatGPT wants to see.
    pub workspace: Option<String>,
    /// Names the login whose credential is used: [`Herd::harvest`].
    pub earned_by: UnixSeconds,
    /// Where it lives, if not at the vendor's own place.
    pub base: Option<String>,
    /// When it was last asked about, as far as is known here.
    pub asked_at: Option<UnixSeconds>,
}

impl Herd {
    /// The vendor has stated what is left in an account's windows. `earned_by`: when its owner had logged in last when the
    /// request was sent ([`remuda_store::Profile::last_login_at`]): what the credential of an earlier login has earned is
    /// no news of this one.
    pub fn harvest(&self, account: AccountId, earned_by: UnixSeconds, readings: Vec<(Window, Reading)>) {
        if readings.is_empty() {
            return;
        }
        let now = self.clock.now();
        let mut state = self.state.write();
        if state.profiles.get(&account).is_none_or(|profile| profile.last_login_at != earned_by) {
            return;
        }
        let learned = state.snapshot.learn(account, readings, now);
        if learned.newer.is_empty() {
            return;
        }
        state.snapshot.live.read(account);
        self.journal.readings(account, &learned.newer);
        self.tell_of(&learned.changes);
        drop(state);
        self.events.tell(Happening::Windows(account));
        if !learned.changes.is_empty() {
            tracing::info!(%account, "a window started anew before its stated time; its rest ends with a probe");
            self.returned.notify_waiters();
        }
    }

    /// What asking about an account has left behind.
    #[must_use]
    pub fn polls(&self) -> BTreeMap<AccountId, PollState> {
        self.state.read().polls.clone()
    }

    /// Asking about an account has left this behind.
    pub(crate) fn polled(&self, account: AccountId, poll: PollState) {
        let mut state = self.state.write();
        if state.snapshot.accounts.contains_key(&account) {
            state.polls.insert(account, poll);
        }
    }

    /// What other processes on the same store have read meanwhile.
    ///
    /// # Errors
    /// The store cannot be read; memory stays as it was.
    pub(crate) async fn share_readings(&self) -> Result<(), StoreError> {
        self.refresh_from_store().await
    }

    /// What asking about this account needs; `None`: there is none, or it has an endpoint of its own that is no vendor's.
    pub(crate) fn asking_about(&self, account: AccountId) -> Option<Asked> {
        let state = self.state.read();
        let facts = state.snapshot.accounts.get(&account)?;
        let profile = state.profiles.get(&account)?;
        let protocol = if facts.vendor == Vendor::Anthropic { Protocol::Messages } else { Protocol::Codex };
        Some(Asked {
            account,
            vendor: facts.vendor,
            kind: facts.kind,
            workspace: profile.organisation_uuid.clone(),
            earned_by: profile.last_login_at,
            base: profile.endpoint.bases.get(&protocol).cloned(),
            asked_at: state.polls.get(&account).and_then(|poll| poll.asked_at),
        })
    }

    /// The accounts that this request may come to and that are worth a question before it is routed: something must remain
    /// of them, and what remains is not known.
    pub(crate) fn in_question(&self, who: &Known, facts: &RequestFacts, now: UnixSeconds) -> Vec<AccountId> {
        let state = self.state.read();
        let session = facts.session.as_ref();
        let home = session.and_then(|session| state.sessions.settled(session)).map(|settled| &settled.home);
        let home = home.map(|home| match &home.pool {
            Some(pool) => Target::Pool(pool.clone()),
            None => Target::Account(home.account),
        });
        let pinned = session.and_then(|session| state.pins.get(session)).map(|chosen| &chosen.target);
        let targets = [who.key.pin.as_ref(), pinned, home.as_ref(), state.snapshot.active.as_ref()];
        let targets: Vec<&Target> = targets.into_iter().flatten().collect();
        let mut ids = poll::in_question(&state.snapshot, &targets, &facts.model, now);
        ids.retain(|id| {
            let Some(account) = state.snapshot.accounts.get(id) else { return false };
            // What an answer of late did not name is not found out by asking again.
            let told = |poll: &PollState| {
                poll.failures == 0 && poll.asked_at.is_some_and(|at| now - at <= state.snapshot.policy.quota_max_age_s)
            };
            let in_vain = state.polls.get(id).is_some_and(|poll| poll.not_before > now || told(poll));
            !in_vain && remuda_vendors::no_usage_endpoint(account.vendor, account.kind).is_none()
        });
        ids
    }

    /// The accounts about which a vendor is to be asked now, those first that matter most. A login that belongs to another
    /// program is only asked about while it serves.
    pub(crate) fn due_polls(&self, policy: &PollPolicy, now: UnixSeconds) -> Vec<AccountId> {
        let state = self.state.read();
        let never = PollState::default();
        let borrowed = |id: &AccountId| state.profiles.get(id).is_none_or(|profile| profile.borrowed.is_some());
        let mut due: Vec<_> = poll::interests(&state.snapshot, &state.used, now)
            .into_iter()
            .filter(|(id, interest)| *interest == Interest::Serving || !borrowed(id))
            .filter_map(|(id, interest)| {
                let account = state.snapshot.accounts.get(&id)?;
                let at = poll::due(account, interest, state.polls.get(&id).unwrap_or(&never), policy, now)?;
                let can = remuda_vendors::no_usage_endpoint(account.vendor, account.kind).is_none();
                (can && at <= now).then_some((std::cmp::Reverse(interest), at, id))
            })
            .collect();
        due.sort_unstable();
        due.into_iter().map(|(_, _, id)| id).collect()
    }
}
