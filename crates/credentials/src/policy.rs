//! What to do about one credential now. Pure: the keeper brings the facts and the time, and acts on the decision.
//!
//! The one place for the rules of refreshing: when it is due, when it is barred, what is served meanwhile, how long a
//! failure rests, and which of two pairs is the newer one.

use remuda_core::time::believable;
use remuda_core::{UnixSeconds, Vendor};
use remuda_store::credential::OauthPair;
use remuda_store::{Credential, StoredCredential};

/// Refresh when fewer seconds than this remain.
pub const EARLY_S: i64 = 300;

/// Codex logins are refreshed at the latest this many seconds after the last time, as the official client does.
pub const CODEX_MAX_AGE_S: i64 = 8 * 24 * 3600;

/// A login whose vendor states the earliest moment for a refresh (about 6 minutes before the end) is refreshed from that
/// moment on, if it lies within this many seconds of the end. A vendor that states a moment far from the end would
/// otherwise be asked for a new pair again and again.
pub const STATED_EARLY_S: i64 = 600;

/// Rest after the first passing failure; doubles with each further one.
pub const FIRST_REST_S: i64 = 60;

/// Longest rest after passing failures when the vendor states none.
pub const LONGEST_REST_S: i64 = 900;

/// Rest after the endpoint refused our request as such.
pub const CONFIG_REST_S: i64 = 900;

/// Everything the decision looks at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Who serves the account.
    pub vendor: Vendor,
    /// The secret and its generation.
    pub stored: &'a StoredCredential,
    /// Newest generation whose access token or key the vendor has refused; older reports do not concern this secret.
    pub refused: Option<u64>,
    /// Has the vendor condemned this very generation?
    pub condemned: bool,
    /// After failures: nothing is sent to the token endpoint before this.
    pub rest_until: Option<UnixSeconds>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The secret is good and no refresh is due, or none is allowed now.
    Serve,
    /// The secret is good; refresh it off the request path.
    ServeAndRefresh,
    /// There is nothing good to serve: refresh, and wait for it.
    Refresh,
    /// There is nothing good to serve and no refresh is allowed before this second.
    NotBefore(UnixSeconds),
    /// There is nothing good to serve and there never will be without a login.
    Condemned,
    /// There is nothing good to serve, and renewing it is the business of the program that owns the login.
    OwnerMustRenew,
}

/// Decides for one credential.
#[must_use]
pub fn decide(facts: Facts<'_>, now: UnixSeconds) -> Decision {
    let good = good(facts, now);
    match &facts.stored.credential {
        Credential::Key { .. } | Credential::Static { .. } if good => Decision::Serve,
        Credential::Key { .. } | Credential::Static { .. } => Decision::Condemned,
        Credential::Borrowed { .. } if good => Decision::Serve,
        Credential::Borrowed { .. } => Decision::OwnerMustRenew,
        Credential::Oauth(_) if facts.condemned => {
            if good {
                Decision::Serve
            } else {
                Decision::Condemned
            }
        }
        Credential::Oauth(pair) => {
            let wanted = !good || due(facts.vendor, pair, now);
            match (good, wanted, barred_until(facts, pair, now)) {
                (true, false, _) | (true, true, Some(_)) => Decision::Serve,
                (true, true, None) => Decision::ServeAndRefresh,
                (false, _, None) => Decision::Refresh,
                (false, _, Some(until)) => Decision::NotBefore(until),
            }
        }
    }
}

/// The first second at which a wanted refresh may be sent, if that lies in the future. `None`: now, or none is wanted.
#[must_use]
pub fn next_attempt_not_before(facts: Facts<'_>, now: UnixSeconds) -> Option<UnixSeconds> {
    match &facts.stored.credential {
        Credential::Oauth(pair) if !facts.condemned && (!good(facts, now) || due(facts.vendor, pair, now)) => {
            barred_until(facts, pair, now)
        }
        _ => None,
    }
}

/// Can the secret be sent with a prospect of success? The vendor's refusal beats the clock.
fn good(facts: Facts<'_>, now: UnixSeconds) -> bool {
    facts.refused != Some(facts.stored.generation)
        && match &facts.stored.credential {
            Credential::Key { .. } | Credential::Static { .. } => !facts.condemned,
            _ => unexpired(facts.stored, now),
        }
}

/// Has the secret time left by the clock? A token is over at its second.
#[must_use]
pub fn unexpired(stored: &StoredCredential, now: UnixSeconds) -> bool {
    match &stored.credential {
        Credential::Key { .. } | Credential::Static { .. } => true,
        Credential::Oauth(pair) => pair.expires_at > now,
        Credential::Borrowed { expires_at, .. } => expires_at.is_none_or(|end| end > now),
    }
}

fn due(vendor: Vendor, pair: &OauthPair, now: UnixSeconds) -> bool {
    let left = pair.expires_at.saturating_sub(now);
    match pair.earliest_refresh_at {
        // token sharing has a window of its own; the eight days are of Codex logins, which state no such moment
        Some(earliest) => now >= earliest && left < STATED_EARLY_S || left < EARLY_S,
        None => {
            let aged = pair.last_refresh_at.is_some_and(|last| now.saturating_sub(last) > CODEX_MAX_AGE_S);
            left < EARLY_S || vendor == Vendor::OpenAi && aged
        }
    }
}

/// Refreshing before `earliest_refresh_at` burns the token, so that bar holds even for a refused or ended one.
fn barred_until(facts: Facts<'_>, pair: &OauthPair, now: UnixSeconds) -> Option<UnixSeconds> {
    pair.earliest_refresh_at.max(facts.rest_until).filter(|until| *until > now)
}

/// The end of the rest after the `failures`-th passing failure in a row (1 = the first). What the vendor states wins.
#[must_use]
pub fn rest_after(failures: u32, stated: Option<UnixSeconds>, now: UnixSeconds) -> UnixSeconds {
    stated.filter(|at| believable(*at, now)).unwrap_or_else(|| {
        let doublings = failures.saturating_sub(1).min(16);
        now + (FIRST_REST_S << doublings).min(LONGEST_REST_S)
    })
}

/// Is what the store holds an old pair, put back over the one in `memory` (a restored backup)? Then the one in memory
/// must be written again: the vendor has long revoked the old one.
///
/// A lower generation alone does not prove it: a login after the backup was restored counts on from the low generation.
/// Such a login is later than the pair in memory. Only pairs rotate, so for all other secrets the store is right.
#[must_use]
pub fn outdated(stored: &StoredCredential, memory: &StoredCredential) -> bool {
    match (&stored.credential, &memory.credential) {
        (Credential::Oauth(stored_pair), Credential::Oauth(memory_pair)) => {
            stored.generation < memory.generation
                && !matches!(
                    (stored_pair.last_refresh_at, memory_pair.last_refresh_at),
                    (Some(in_store), Some(in_memory)) if in_store > in_memory
                )
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use secrecy::SecretString;

    use super::*;

    const NOW: UnixSeconds = 1_795_168_800;

    fn pair(expires_in: i64) -> OauthPair {
        OauthPair {
            access: SecretString::from("a"),
            refresh: SecretString::from("r"),
            expires_at: NOW + expires_in,
            last_refresh_at: None,
            earliest_refresh_at: None,
            client_id: None,
        }
    }

    fn oauth(pair: OauthPair) -> StoredCredential {
        StoredCredential { credential: Credential::Oauth(pair), generation: 3 }
    }

    fn fixed(credential: Credential) -> StoredCredential {
        StoredCredential { credential, generation: 3 }
    }

    fn facts(stored: &StoredCredential) -> Facts<'_> {
        Facts { vendor: Vendor::Anthropic, stored, refused: None, condemned: false, rest_until: None }
    }

    #[rstest]
    #[case::plenty_left(3600, Decision::Serve)]
    #[case::exactly_five_minutes_left(300, Decision::Serve)]
    #[case::a_second_less(299, Decision::ServeAndRefresh)]
    #[case::one_second_left(1, Decision::ServeAndRefresh)]
    #[case::over_at_its_second(0, Decision::Refresh)]
    #[case::long_over(-90_000, Decision::Refresh)]
    fn remaining_time_decides(#[case] left: i64, #[case] expected: Decision) {
        let stored = oauth(pair(left));
        assert_eq!(decide(facts(&stored), NOW), expected);
    }

    #[test]
    fn a_refused_token_is_not_served_although_the_clock_says_it_is_good() {
        let stored = oauth(pair(3600));
        assert_eq!(decide(Facts { refused: Some(3), ..facts(&stored) }, NOW), Decision::Refresh);
    }

    #[test]
    fn a_refusal_of_an_older_generation_does_not_concern_the_newer_one() {
        let stored = oauth(pair(3600));
        assert_eq!(decide(Facts { refused: Some(2), ..facts(&stored) }, NOW), Decision::Serve);
    }

    #[test]
    fn a_condemned_refresh_token_does_not_spoil_an_access_token_that_still_works() {
        let stored = oauth(pair(100));
        assert_eq!(decide(Facts { condemned: true, ..facts(&stored) }, NOW), Decision::Serve);
        assert_eq!(decide(Facts { condemned: true, ..facts(&stored) }, NOW + 100), Decision::Condemned);
    }

    #[test]
    fn while_resting_a_good_token_is_served_and_a_bad_one_waits() {
        let stored = oauth(pair(100));
        let resting = Facts { rest_until: Some(NOW + 500), ..facts(&stored) };
        assert_eq!(decide(resting, NOW), Decision::Serve);
        assert_eq!(next_attempt_not_before(resting, NOW), Some(NOW + 500));
        assert_eq!(decide(resting, NOW + 100), Decision::NotBefore(NOW + 500));
        assert_eq!(decide(resting, NOW + 500), Decision::Refresh);
    }

    #[test]
    fn codex_logins_are_refreshed_after_eight_days_and_anthropic_ones_are_not() {
        let last = |ago: i64| oauth(OauthPair { last_refresh_at: Some(NOW - ago), ..pair(90_000) });
        let of = |vendor, stored: &StoredCredential| decide(Facts { vendor, ..facts(stored) }, NOW);
        assert_eq!(of(Vendor::OpenAi, &last(CODEX_MAX_AGE_S + 1)), Decision::ServeAndRefresh);
        assert_eq!(of(Vendor::OpenAi, &last(CODEX_MAX_AGE_S)), Decision::Serve);
        assert_eq!(of(Vendor::Anthropic, &last(CODEX_MAX_AGE_S + 1)), Decision::Serve);
    }

    #[rstest]
    #[case::before_it(NOW + 1, 400, Decision::Serve)]
    #[case::from_it_on(NOW, 400, Decision::ServeAndRefresh)]
    #[case::long_since_but_far_from_the_end(NOW - 1000, 2000, Decision::Serve)]
    #[case::ended_before_it(NOW + 1, 0, Decision::NotBefore(NOW + 1))]
    #[case::nearly_ended_before_it(NOW + 1, 10, Decision::Serve)]
    fn the_stated_earliest_moment_is_a_bar_and_a_beginning(
        #[case] earliest: i64,
        #[case] left: i64,
        #[case] expected: Decision,
    ) {
        let stored = oauth(OauthPair { earliest_refresh_at: Some(earliest), ..pair(left) });
        assert_eq!(decide(Facts { vendor: Vendor::OpenAi, ..facts(&stored) }, NOW), expected);
    }

    #[test]
    fn a_borrowed_login_is_never_refreshed() {
        let borrowed = |end| {
            fixed(Credential::Borrowed {
                access: SecretString::from("a"),
                expires_at: end,
                source: "/home/x/auth.json".to_owned(),
            })
        };
        assert_eq!(decide(facts(&borrowed(Some(NOW + 1))), NOW), Decision::Serve);
        assert_eq!(decide(facts(&borrowed(None)), NOW), Decision::Serve);
        assert_eq!(decide(facts(&borrowed(Some(NOW))), NOW), Decision::OwnerMustRenew);
        assert_eq!(
            decide(Facts { refused: Some(3), ..facts(&borrowed(None)) }, NOW),
            Decision::OwnerMustRenew,
            "refused by the vendor"
        );
    }

    #[test]
    fn rests_double_to_a_quarter_of_an_hour() {
        let rests: Vec<i64> = (1..=7).map(|n| rest_after(n, None, NOW) - NOW).collect();
        assert_eq!(rests, [60, 120, 240, 480, 900, 900, 900]);
    }

    #[rstest]
    #[case::shorter(5, 5)]
    #[case::longer_than_ours(7200, 7200)]
    #[case::past_is_not_believed(-5, 60)]
    #[case::beyond_35_days_is_not_believed(36 * 86_400, 60)]
    fn a_stated_time_wins(#[case] stated: i64, #[case] expected: i64) {
        assert_eq!(rest_after(1, Some(NOW + stated), NOW), NOW + expected);
    }

    #[test]
    fn a_lower_generation_in_the_store_is_an_old_backup_unless_it_is_a_later_login() {
        let at = |generation, time| StoredCredential {
            credential: Credential::Oauth(OauthPair { last_refresh_at: time, ..pair(0) }),
            generation,
        };
        let memory = at(4, Some(NOW - 60));
        assert!(outdated(&at(2, Some(NOW - 9000)), &memory));
        assert!(outdated(&at(2, None), &memory));
        assert!(!outdated(&at(3, Some(NOW)), &memory), "a login after the backup was restored");
        assert!(!outdated(&at(4, Some(NOW - 60)), &memory), "the same");
        assert!(!outdated(&at(5, Some(NOW - 9000)), &memory), "a higher generation, whatever the clocks say");
    }

    #[test]
    fn for_secrets_that_do_not_rotate_the_store_is_right() {
        let key =
            |generation| StoredCredential { credential: Credential::Key { key: SecretString::from("k") }, generation };
        assert!(!outdated(&key(1), &key(4)));
        assert!(!outdated(&key(1), &oauth(pair(0))), "the subscription was replaced by a key");
    }

    proptest! {
        /// The laws that hold for every pair, whatever its numbers.
        #[test]
        fn laws(
            left in -1_000i64..1_000,
            earliest in proptest::option::of(-1_000i64..1_000),
            last in proptest::option::of(-2 * CODEX_MAX_AGE_S..0),
            rest in proptest::option::of(-1_000i64..1_000),
            refused in proptest::option::of(1u64..5),
            condemned: bool,
            openai: bool,
        ) {
            let stored = oauth(OauthPair {
                earliest_refresh_at: earliest.map(|x| NOW + x),
                last_refresh_at: last.map(|x| NOW + x),
                ..pair(left)
            });
            let vendor = if openai { Vendor::OpenAi } else { Vendor::Anthropic };
            let facts = Facts { vendor, stored: &stored, refused, condemned, rest_until: rest.map(|x| NOW + x) };
            let decision = decide(facts, NOW);
            let sends = matches!(decision, Decision::Refresh | Decision::ServeAndRefresh);
            let serves = matches!(decision, Decision::Serve | Decision::ServeAndRefresh);
            prop_assert!(!(sends && earliest.is_some_and(|x| x > 0)), "before the earliest moment");
            prop_assert!(!(sends && rest.is_some_and(|x| x > 0)), "while resting");
            prop_assert!(!(sends && condemned), "a condemned pair");
            prop_assert_eq!(serves, left > 0 && refused != Some(3), "a good token is always served, a bad one never");
            if let Decision::NotBefore(until) = decision {
                prop_assert!(until > NOW);
                prop_assert_eq!(next_attempt_not_before(facts, NOW), Some(until));
            }
        }
    }
}
