//! Which explicit choice of a person holds for a request, before routing looks at who can serve. Pure.
//!
//! Every explicit choice of a person gets a number, counted up. A session remembers the number of the last choice that
//! it followed. A choice with a higher number is fresh: it moves the session, and the account gets one real attempt
//! whatever is believed about it. An older one has had its attempt; from then on the ordinary rules hold. So
//! `remuda use` acts in the middle of every running conversation, once, and a dead account that somebody chose long ago
//! is not tried again with every request.

use remuda_core::request::{Home, Pin, PinScope};
use remuda_core::snapshot::Target;

/// An explicit choice and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// What was chosen.
    pub target: Target,
    /// Its place in the order of all choices; 0: before this process began.
    pub number: u64,
}

/// Where a session lives and which choice it followed last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Its home.
    pub home: Home,
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
    /// Where the session lives.
    pub settled: Option<&'a Settled>,
    /// The active target.
    pub active: Option<&'a Chosen>,
    /// Has nobody asked the active target since it was chosen?
    pub active_untried: bool,
}

/// The choice that holds for a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// For routing.
    pub pin: Option<Pin>,
    /// The number that the session has followed then.
    pub followed: u64,
}

/// Finds the choice that holds: the narrowest, process before session before project; a global one only while it is
/// fresh, because later it is simply the active target.
#[must_use]
pub fn held(known: &Known<'_>) -> Held {
    let followed = known.settled.map_or(0, |s| s.followed);
    let of_key = |by_project: bool, scope: PinScope| {
        known.key.filter(|(_, project)| *project == by_project).map(|(chosen, _)| (chosen, scope))
    };
    let narrow = of_key(false, PinScope::Process)
        .or(known.session.map(|chosen| (chosen, PinScope::Session)))
        .or_else(|| of_key(true, PinScope::Project));
    let (chosen, scope, fresh) = match (narrow, known.active) {
        (Some((chosen, scope)), _) => (chosen, scope, known.settled.is_none() || chosen.number > followed),
        (None, Some(active)) if known.settled.is_some() => (active, PinScope::Global, active.number > followed),
        (None, Some(active)) => (active, PinScope::Global, known.active_untried),
        (None, None) => return Held { pin: None, followed },
    };
    let held = Held { pin: None, followed: followed.max(chosen.number) };
    if scope == PinScope::Global && !fresh {
        return held;
    }
    Held { pin: Some(Pin { target: chosen.target.clone(), scope, fresh }), ..held }
}

#[cfg(test)]
mod tests {
    use remuda_core::AccountId;

    use super::*;

    fn id(n: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(n))
    }

    fn account(n: u128, number: u64) -> Chosen {
        Chosen { target: Target::Account(id(n)), number }
    }

    fn settled(n: u128, followed: u64) -> Settled {
        Settled { home: Home { account: id(n), pool: None }, followed }
    }

    fn pin(n: u128, scope: PinScope, fresh: bool) -> Option<Pin> {
        Some(Pin { target: Target::Account(id(n)), scope, fresh })
    }

    #[test]
    fn without_a_choice_the_ordinary_rules_hold() {
        let active = account(1, 0);
        assert_eq!(held(&Known { active: Some(&active), ..Known::default() }).pin, None);
        let home = settled(2, 3);
        let active = account(1, 3);
        assert_eq!(held(&Known { active: Some(&active), settled: Some(&home), ..Known::default() }).pin, None);
        assert_eq!(held(&Known::default()), Held::default());
    }

    #[test]
    fn a_later_use_moves_a_live_session_once_with_one_real_attempt() {
        let (active, home) = (account(1, 4), settled(2, 3));
        let first = held(&Known { active: Some(&active), settled: Some(&home), ..Known::default() });
        assert_eq!(first, Held { pin: pin(1, PinScope::Global, true), followed: 4 });
        let home = settled(1, first.followed);
        assert_eq!(held(&Known { active: Some(&active), settled: Some(&home), ..Known::default() }).pin, None);
    }

    #[test]
    fn the_first_request_after_use_is_a_real_attempt_also_in_a_new_session() {
        let active = account(1, 1);
        let known = Known { active: Some(&active), active_untried: true, ..Known::default() };
        assert_eq!(held(&known).pin, pin(1, PinScope::Global, true));
    }

    #[test]
    fn a_process_pin_beats_a_session_pin_and_that_one_a_project_pin() {
        let (key, session, active, home) = (account(1, 1), account(2, 9), account(3, 10), settled(3, 10));
        let mut known = Known {
            key: Some((&key, false)),
            session: Some(&session),
            settled: Some(&home),
            active: Some(&active),
            active_untried: true,
        };
        assert_eq!(held(&known).pin, pin(1, PinScope::Process, false));
        known.key = Some((&key, true));
        assert_eq!(held(&known).pin, pin(2, PinScope::Session, false));
        known.session = None;
        assert_eq!(held(&known).pin, pin(1, PinScope::Project, false));
    }

    #[test]
    fn a_pin_that_had_its_attempt_is_not_fresh_even_when_the_session_had_to_move_meanwhile() {
        let (session, home) = (account(1, 5), settled(2, 4));
        let fresh = held(&Known { session: Some(&session), settled: Some(&home), ..Known::default() });
        assert_eq!(fresh.pin, pin(1, PinScope::Session, true));
        let moved = settled(2, fresh.followed);
        let later = held(&Known { session: Some(&session), settled: Some(&moved), ..Known::default() });
        assert_eq!(later.pin, pin(1, PinScope::Session, false));
    }

    #[test]
    fn a_pinned_key_is_fresh_for_every_new_session() {
        let key = account(1, 1);
        let known = Known { key: Some((&key, false)), ..Known::default() };
        assert_eq!(held(&known).pin, pin(1, PinScope::Process, true));
    }
}
