//! Where a request is meant to go, before routing looks at who can serve: the pin of its client key, the pin of its
//! session, the session's home, or the active target. Pure.
//!
//! Every explicit choice of a person gets a number, counted up. A session remembers the number of the last choice that
//! it followed. A choice with a higher number is fresh: it moves the session, and the account gets one real attempt
//! whatever is believed about it. An older one has had its attempt; from then on the ordinary rules hold. So
//! `remuda use` acts in the middle of every running conversation, once, and a dead account that somebody chose long ago
//! is not tried again with every request.

use remuda_core::AccountId;
use remuda_core::record::SourceReason;
use remuda_core::snapshot::{Snapshot, Target};

/// An explicit choice and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// What was chosen.
    pub target: Target,
    /// Its place in the order of all choices; 0: before this process began.
    pub number: u64,
}

/// Where the session lives and which choice it followed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// The account.
    pub account: AccountId,
    /// The number of the last choice that it followed.
    pub followed: u64,
}

/// What is known when a request arrives.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// The only target that the client key may use, and whether a project file says so.
    pub key: Option<(&'a Chosen, bool)>,
    /// The session's own pin.
    pub session: Option<&'a Chosen>,
    /// The session's home.
    pub home: Option<Home>,
    /// The active target.
    pub active: Option<&'a Chosen>,
    /// Has nobody asked the active target since it was chosen?
    pub active_untried: bool,
}

/// Where the request is meant to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant {
    /// A fresh manual choice of one account.
    pub choice: Option<AccountId>,
    /// The account it belongs to without being a fresh choice.
    pub bound: Option<AccountId>,
    /// The target to place it in when neither of the two is known.
    pub within: Option<Target>,
    /// Why.
    pub reason: SourceReason,
    /// The number that the session has followed now.
    pub followed: u64,
}

/// Decides. The key's pin is a limit and beats all else; a session's pin beats its home; a home beats the active target
/// unless that was chosen later.
#[must_use]
pub fn meant(known: &Known<'_>, snapshot: &Snapshot) -> Meant {
    let followed = known.home.map_or(0, |h| h.followed);
    let pinned = known
        .key
        .map(|(chosen, project)| (chosen, if project { SourceReason::Project } else { SourceReason::Process }))
        .or(known.session.map(|chosen| (chosen, SourceReason::Session)));
    if let Some((chosen, reason)) = pinned {
        let fresh = known.home.is_none() || chosen.number > followed;
        return aim(chosen, fresh, known.home, snapshot, reason);
    }
    match (known.active, known.home) {
        (Some(active), Some(home)) if active.number > home.followed => {
            aim(active, true, known.home, snapshot, SourceReason::Active)
        }
        (_, Some(home)) if snapshot.accounts.contains_key(&home.account) => Meant {
            choice: None,
            bound: Some(home.account),
            within: None,
            reason: SourceReason::Bound,
            followed: home.followed,
        },
        (Some(active), _) => aim(active, known.active_untried, None, snapshot, SourceReason::Active),
        (None, _) => Meant { choice: None, bound: None, within: None, reason: SourceReason::Active, followed },
    }
}

fn aim(chosen: &Chosen, fresh: bool, home: Option<Home>, snapshot: &Snapshot, reason: SourceReason) -> Meant {
    let followed = chosen.number.max(home.map_or(0, |h| h.followed));
    let nowhere = Meant { choice: None, bound: None, within: None, reason, followed };
    match &chosen.target {
        Target::Account(account) if fresh => Meant { choice: Some(*account), ..nowhere },
        Target::Account(account) => Meant { bound: Some(*account), ..nowhere },
        Target::Pool(name) => {
            let member = home
                .map(|h| h.account)
                .filter(|account| snapshot.pools.get(name).is_some_and(|pool| pool.members.contains(account)));
            Meant { bound: member, within: Some(chosen.target.clone()), ..nowhere }
        }
    }
}

#[cfg(test)]
mod tests {
    use remuda_core::Label;
    use remuda_core::account::{Account, CostClass, CredentialKind, Vendor};
    use remuda_core::snapshot::Pool;

    use super::*;

    fn id(n: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(n))
    }

    fn world() -> Snapshot {
        let mut snapshot = Snapshot::default();
        for n in 1..=3 {
            let label = Label::new(&format!("a{n}")).unwrap();
            let account = Account::new(id(n), label, Vendor::Anthropic, CredentialKind::ApiKey, CostClass::Included);
            snapshot.accounts.insert(id(n), account);
        }
        snapshot.pools.insert("p".to_owned(), Pool { members: vec![id(1), id(2)], ..Pool::default() });
        snapshot
    }

    fn account(n: u128, number: u64) -> Chosen {
        Chosen { target: Target::Account(id(n)), number }
    }

    fn home(n: u128, followed: u64) -> Option<Home> {
        Some(Home { account: id(n), followed })
    }

    #[test]
    fn a_new_session_goes_to_the_active_account() {
        let active = account(1, 0);
        let m = meant(&Known { active: Some(&active), ..Known::default() }, &world());
        assert_eq!((m.choice, m.bound, m.reason), (None, Some(id(1)), SourceReason::Active));
    }

    #[test]
    fn the_first_request_after_use_is_a_real_attempt_also_in_a_new_session() {
        let active = account(1, 1);
        let m = meant(&Known { active: Some(&active), active_untried: true, ..Known::default() }, &world());
        assert_eq!((m.choice, m.bound), (Some(id(1)), None));
    }

    #[test]
    fn a_live_session_stays_at_home_whatever_was_active_before() {
        let active = account(1, 3);
        let m = meant(&Known { active: Some(&active), home: home(2, 3), ..Known::default() }, &world());
        assert_eq!((m.choice, m.bound, m.reason), (None, Some(id(2)), SourceReason::Bound));
    }

    #[test]
    fn a_later_use_moves_a_live_session_once_with_one_real_attempt() {
        let active = account(1, 4);
        let m = meant(&Known { active: Some(&active), home: home(2, 3), ..Known::default() }, &world());
        assert_eq!((m.choice, m.bound, m.followed), (Some(id(1)), None, 4));
        let m = meant(&Known { active: Some(&active), home: home(1, 4), ..Known::default() }, &world());
        assert_eq!((m.choice, m.bound), (None, Some(id(1))));
    }

    #[test]
    fn a_keys_pin_is_a_limit_that_nothing_beats() {
        let (key, session, active) = (account(1, 1), account(2, 9), account(3, 10));
        let known = Known {
            key: Some((&key, true)),
            session: Some(&session),
            home: home(3, 10),
            active: Some(&active),
            active_untried: true,
        };
        let m = meant(&known, &world());
        assert_eq!((m.choice, m.bound, m.reason), (None, Some(id(1)), SourceReason::Project));
    }

    #[test]
    fn a_pin_that_had_its_attempt_is_no_choice_any_more() {
        let pin = account(1, 5);
        let fresh = meant(&Known { session: Some(&pin), home: home(2, 4), ..Known::default() }, &world());
        assert_eq!((fresh.choice, fresh.reason), (Some(id(1)), SourceReason::Session));
        let later = meant(&Known { session: Some(&pin), home: home(2, fresh.followed), ..Known::default() }, &world());
        assert_eq!((later.choice, later.bound), (None, Some(id(1))), "even when the session had to move meanwhile");
    }

    #[test]
    fn a_pool_keeps_a_session_on_the_member_it_lives_on() {
        let pool = Chosen { target: Target::Pool("p".to_owned()), number: 7 };
        let inside = meant(&Known { active: Some(&pool), home: home(2, 1), ..Known::default() }, &world());
        assert_eq!((inside.choice, inside.bound), (None, Some(id(2))));
        let outside = meant(&Known { active: Some(&pool), home: home(3, 1), ..Known::default() }, &world());
        assert_eq!((outside.bound, outside.within), (None, Some(pool.target.clone())));
    }

    #[test]
    fn a_home_that_was_removed_counts_as_none() {
        let active = account(1, 0);
        let m = meant(&Known { active: Some(&active), home: home(99, 0), ..Known::default() }, &world());
        assert_eq!((m.bound, m.reason), (Some(id(1)), SourceReason::Active));
    }
}
