//! Where requests go: `use` and `next`.

use remuda_core::snapshot::{Snapshot, Target};
use remuda_core::{Account, AccountId, AccountStatus, CostClass, SessionKey, UnixSeconds};
use remuda_gateway::warmth::Price;
use remuda_store::Edit;
use uuid::Uuid;

use super::stored::Told;
use super::{Api, find};
use crate::types::{ActiveChange, ActiveChanged, NextChange, SwitchPrice};
use crate::types::{Code, Failure};

/// A price that is worth telling.
pub(super) fn switch_price(price: Price) -> Option<SwitchPrice> {
    (price.sessions > 0).then_some(SwitchPrice {
        sessions: price.sessions as u64,
        tokens: price.tokens,
        usd: (price.unknown == 0).then_some(price.usd),
    })
}

/// A length of time in words for notes.
fn minutes(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..5_400 => format!("{} min", (s + 59) / 60),
        s @ 5_400..172_800 => format!("{} h", (s + 3_599) / 3600),
        s => format!("{} days", (s + 86_399) / 86_400),
    }
}

impl Api {
    /// Chooses where requests go.
    ///
    /// # Errors
    /// There is no such account, pool or session, or the store fails.
    pub async fn use_target(&self, change: ActiveChange) -> Result<ActiveChanged, Failure> {
        let target = self.herd.look(|herd, _| find::target(herd, &change.target))?;
        self.choose(target, change.session.as_deref(), Vec::new()).await
    }

    /// Moves to the next account in the owner's order that can serve. Never to a metered one: money is spent only on an
    /// account that its owner names.
    ///
    /// # Errors
    /// No other account can serve, or the store fails.
    pub async fn next(&self, change: NextChange) -> Result<ActiveChanged, Failure> {
        let now = self.now();
        let session = change.session.as_deref().map(|text| self.session(text)).transpose()?;
        let pinned = session.and_then(|session| {
            self.herd.session_pins().into_iter().find(|(known, _)| *known == session).map(|(_, target)| target)
        });
        let next = self.herd.look(|herd, _| next_after(herd, pinned.as_ref().or(herd.active.as_ref()), now));
        let (id, passed_over) = next?;
        self.choose(Target::Account(id), change.session.as_deref(), passed_over).await
    }

    async fn choose(
        &self,
        target: Target,
        session: Option<&str>,
        mut notes: Vec<String>,
    ) -> Result<ActiveChanged, Failure> {
        let now = self.now();
        let session = session.map(|text| self.session(text)).transpose()?;
        let before = match &session {
            None => self.herd.look(|herd, _| herd.active.as_ref().map(|target| find::written(herd, target))),
            Some(session) => {
                let pins = self.herd.session_pins();
                let pin = pins.into_iter().find(|(known, _)| known == session);
                self.herd.look(|herd, _| pin.map(|(_, target)| find::written(herd, &target)))
            }
        };
        let switch = switch_price(self.herd.price_of_switch(Some(&target), session.as_ref(), now));
        let edit = match &session {
            None => Edit::Active(Some(target.clone())),
            Some(session) => Edit::PinSession(session.clone(), Some(target.clone())),
        };
        self.herd.edit(vec![edit]).await.told()?;
        let target = self.herd.look(|herd, _| {
            notes.extend(notes_on(herd, &target, now));
            find::written(herd, &target)
        });
        Ok(ActiveChanged { target, before, session: session.map(|s| s.0), switch, notes })
    }

    /// The conversation that a person means by a session id or the beginning of one.
    pub(super) fn session(&self, text: &str) -> Result<SessionKey, Failure> {
        let text = text.trim();
        let mut known = self.herd.sessions_like(text);
        match (known.len(), Uuid::parse_str(text)) {
            (1, _) => Ok(known.remove(0)),
            // The full id of a conversation that has not asked for anything yet. Only Claude Code's are known so far.
            (0, Ok(_)) => Ok(SessionKey(format!("claude:{text}"))),
            (0, Err(_)) => Err(Failure::new(Code::UnknownSession, format!("no session begins with {text:?}"))
                .remedy("`remuda log --json` names the sessions of recent requests")),
            _ => {
                let names: Vec<String> = known.into_iter().map(|session| session.0).collect();
                Err(Failure::new(Code::UnknownSession, format!("several sessions begin with {text:?}"))
                    .why(names.join(", "))
                    .remedy("write more of the id"))
            }
        }
    }
}

/// The account after the present one, around the ring, and what to say about those passed over.
fn next_after(
    herd: &Snapshot,
    present: Option<&Target>,
    now: UnixSeconds,
) -> Result<(AccountId, Vec<String>), Failure> {
    let present = match present {
        Some(Target::Account(id)) => Some(*id),
        Some(Target::Pool(name)) => herd.pools.get(name).and_then(|pool| pool.members.last().copied()),
        None => None,
    };
    let all: Vec<&Account> = find::in_order(herd).collect();
    let after = present.and_then(|id| all.iter().position(|account| account.id == id)).map_or(0, |at| at + 1);
    let mut passed_over = Vec::new();
    for account in all.iter().cycle().skip(after).take(all.len()).filter(|account| Some(account.id) != present) {
        match why_not(herd, account, now) {
            None => return Ok((account.id, passed_over)),
            Some(why) => passed_over.push(format!("passed over {}: {why}", account.label)),
        }
    }
    let failure = Failure::new(Code::Conflict, "no other account can serve now");
    Err(if passed_over.is_empty() {
        failure.remedy("add one with `remuda login`")
    } else {
        failure.why(passed_over.join("; ")).remedy("choose one by its name all the same: `remuda use`")
    })
}

fn why_not(herd: &Snapshot, account: &Account, now: UnixSeconds) -> Option<String> {
    match account.status {
        AccountStatus::NeedsLogin => return Some("it needs a login".to_owned()),
        AccountStatus::Disabled => return Some("the vendor has closed it".to_owned()),
        AccountStatus::Paused => return Some("it is off".to_owned()),
        AccountStatus::Ready => {}
    }
    if account.cost == CostClass::Metered {
        return Some("it is metered, choose it by its name".to_owned());
    }
    let rest = herd.resting(account, now)?;
    Some(format!("it rests for {}", minutes(rest.until - now)))
}

/// What a careful owner wants to know about a choice.
fn notes_on(herd: &Snapshot, target: &Target, now: UnixSeconds) -> Vec<String> {
    let accounts: Vec<&Account> = match target {
        Target::Account(id) => herd.accounts.get(id).into_iter().collect(),
        Target::Pool(name) => {
            let members = herd.pools.get(name).into_iter().flat_map(|pool| &pool.members);
            members.filter_map(|id| herd.accounts.get(id)).collect()
        }
    };
    accounts.into_iter().flat_map(|account| notes_on_account(herd, account, now)).collect()
}

fn notes_on_account(herd: &Snapshot, account: &Account, now: UnixSeconds) -> Vec<String> {
    let label = &account.label;
    let mut notes = Vec::new();
    match account.status {
        AccountStatus::NeedsLogin => {
            notes.push(format!("{label} needs a login: `remuda login {} --label {label}`", account.vendor))
        }
        AccountStatus::Disabled => notes.push(format!("the vendor has closed {label}")),
        AccountStatus::Paused => notes.push(format!("{label} is off: `remuda accounts enable {label}`")),
        AccountStatus::Ready => {}
    }
    if account.cost == CostClass::Metered {
        notes.push(format!("{label} is metered: every request on it costs money"));
    }
    if let Some(rest) = herd.resting(account, now) {
        let left = minutes(rest.until - now);
        notes.push(format!("{label} is believed to rest for {left}; the next request finds out"));
    }
    notes
}
