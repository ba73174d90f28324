//! What readings of quota windows teach: the only way in which they enter the snapshot.
//!
//! A percentage alone never ends a rest: what the vendor has said to a request outranks it. Only the sight of the very
//! window that was spent starting anew before its stated time does, and even then a single request finds out first.

use crate::account::{Account, Cooldown};
use crate::id::AccountId;
use crate::quota::{Reading, Window};
use crate::route::StateChange;
use crate::snapshot::Snapshot;
use crate::time::UnixSeconds;
use crate::verdict::Class;

/// What was new in a set of readings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learned {
    /// Those that were newer than what was known: to be written down.
    pub newer: Vec<(Window, Reading)>,
    /// Rests that are cut short because of them; already applied.
    pub changes: Vec<StateChange>,
}

/// A window that was seen to start anew before its stated time.
struct Early {
    window: Window,
    before: Reading,
    reading: Reading,
}

impl Snapshot {
    /// Takes over readings of one account, each unless something newer is known.
    pub fn learn(&mut self, id: AccountId, readings: Vec<(Window, Reading)>, now: UnixSeconds) -> Learned {
        let Some(account) = self.accounts.get_mut(&id) else { return Learned::default() };
        let mut learned = Learned::default();
        let mut early = Vec::new();
        for (window, reading) in readings {
            let before = account.reading_of(&window).cloned();
            if !account.learn(window.clone(), reading.clone()) {
                continue;
            }
            if let Some(before) = before.filter(|before| reading.came_early(before)) {
                early.push(Early { window: window.clone(), before, reading: reading.clone() });
            }
            learned.newer.push((window, reading));
        }
        learned.changes = early.iter().flat_map(|early| cut_short(account, early, now)).collect();
        for change in &learned.changes {
            self.apply(change);
        }
        learned
    }
}

/// The rests that this window's early start makes doubtful: they end now, as a guess does, with a single probe.
fn cut_short(account: &Account, early: &Early, now: UnixSeconds) -> Vec<StateChange> {
    let caused = |rest: &Cooldown, class: Class| {
        rest.reason == class && rest.holds(now) && rest.since < early.reading.read_at && early.explains(rest)
    };
    let ended = |rest: &Cooldown| {
        Some(Cooldown { until: now, stated: false, evidence: early.in_words(), probing_until: None, ..rest.clone() })
    };
    if early.window.family().is_none() {
        // Of several spent windows all must be free.
        let spent = account.readings.iter().any(|(w, reading)| w.family().is_none() && reading.is_spent(now));
        let rest = account.cooling.as_ref().filter(|rest| !spent && caused(rest, Class::WindowExhausted));
        return rest.map(|rest| StateChange::Cooling(account.id, ended(rest))).into_iter().collect();
    }
    let resting = account.model_cooling.iter().filter(|(model, _)| early.window.concerns(model));
    resting
        .filter(|(_, rest)| caused(rest, Class::ModelExhausted))
        .map(|(model, rest)| StateChange::ModelCooling(account.id, model.clone(), ended(rest)))
        .collect()
}

impl Early {
    /// Is it this window that the rest waits for? It was spent, or the rest ends when it would have started anew.
    fn explains(&self, rest: &Cooldown) -> bool {
        const NEAR_S: i64 = 120;
        let full = self.before.used_percent >= 100.0;
        full || self.before.resets_at.is_some_and(|at| (at - rest.until).abs() <= NEAR_S)
    }

    fn in_words(&self) -> String {
        let minutes = self.before.resets_at.map_or(0, |at| (at - self.reading.read_at) / 60);
        format!(
            "{} started anew {minutes} min before its stated time: {:.0} % used before, {:.0} % now",
            self.window, self.before.used_percent, self.reading.used_percent
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::account::{CostClass, CredentialKind, Vendor};
    use crate::id::Label;
    use crate::quota::ReadingSource;

    use super::*;

    const NOW: UnixSeconds = 10_000;
    const RESET: UnixSeconds = NOW + 9_000;

    fn id() -> AccountId {
        AccountId(uuid::Uuid::from_u128(1))
    }

    fn rest(until: UnixSeconds, reason: Class) -> Cooldown {
        Cooldown { until, reason, stated: true, since: NOW - 100, evidence: "429".to_owned(), probing_until: None }
    }

    fn reading(used_percent: f64, resets_at: UnixSeconds, read_at: UnixSeconds) -> Reading {
        Reading { used_percent, resets_at: Some(resets_at), source: ReadingSource::Usage, read_at }
    }

    /// An account whose five-hour window is spent until [`RESET`], and that rests because of it.
    fn spent() -> Snapshot {
        let label = Label::new("a").unwrap();
        let mut account =
            Account::new(id(), label, Vendor::Anthropic, CredentialKind::Subscription, CostClass::Included);
        account.readings.insert(Window::FiveHour, reading(100.0, RESET, NOW - 100));
        account.readings.insert(Window::SevenDay, reading(40.0, RESET + 90_000, NOW - 100));
        account.cooling = Some(rest(RESET, Class::WindowExhausted));
        Snapshot { accounts: [(id(), account)].into(), ..Snapshot::default() }
    }

    fn anew() -> (Window, Reading) {
        (Window::FiveHour, reading(3.0, NOW + 18_000, NOW))
    }

    #[test]
    fn a_spent_window_that_starts_anew_early_ends_the_rest_with_a_probe_and_the_evidence() {
        let mut herd = spent();
        let learned = herd.learn(id(), vec![anew()], NOW);
        let cooling = herd.accounts[&id()].cooling.clone().unwrap();
        assert!(!cooling.holds(NOW) && cooling.needs_probe(NOW));
        assert_eq!(
            cooling.evidence,
            "five_hour started anew 150 min before its stated time: 100 % used before, 3 % now"
        );
        assert_eq!(learned.changes, [StateChange::Cooling(id(), Some(cooling))]);
        assert_eq!(learned.newer, [anew()]);
    }

    #[test]
    fn a_lower_percentage_alone_ends_no_rest() {
        let mut herd = spent();
        assert!(herd.learn(id(), vec![(Window::FiveHour, reading(50.0, RESET, NOW))], NOW).changes.is_empty());
        assert!(herd.accounts[&id()].cooling.as_ref().unwrap().holds(NOW));
    }

    #[test]
    fn while_another_window_is_spent_the_rest_stays() {
        let mut herd = spent();
        let week = (Window::SevenDay, reading(100.0, RESET + 90_000, NOW));
        assert!(herd.learn(id(), vec![anew(), week], NOW).changes.is_empty());
    }

    #[test]
    fn a_refusal_after_the_reading_outranks_it_and_so_does_one_for_another_reason() {
        for change in [
            |rest: &mut Cooldown| rest.since = NOW,
            |rest: &mut Cooldown| rest.reason = Class::Billing,
            |rest: &mut Cooldown| rest.reason = Class::Burst,
        ] {
            let mut herd = spent();
            change(herd.accounts.get_mut(&id()).unwrap().cooling.as_mut().unwrap());
            assert!(herd.learn(id(), vec![anew()], NOW).changes.is_empty());
        }
    }

    #[test]
    fn a_rest_that_waits_for_another_window_stays() {
        let mut herd = spent();
        let account = herd.accounts.get_mut(&id()).unwrap();
        account.readings.insert(Window::FiveHour, reading(60.0, RESET, NOW - 100));
        account.readings.remove(&Window::SevenDay);
        account.cooling = Some(rest(RESET + 90_000, Class::WindowExhausted));
        assert!(herd.learn(id(), vec![anew()], NOW).changes.is_empty());
    }

    #[test]
    fn a_model_window_ends_only_the_rests_of_its_models() {
        let mut herd = spent();
        let account = herd.accounts.get_mut(&id()).unwrap();
        account.readings.insert(Window::Model("7d_opus".to_owned()), reading(100.0, RESET, NOW - 100));
        for model in ["claude-opus-5", "claude-fable-5"] {
            account.model_cooling.insert(model.to_owned(), rest(RESET, Class::ModelExhausted));
        }
        let usage = (Window::Model("opus".to_owned()), reading(1.0, RESET + 604_800, NOW));
        let changes = herd.learn(id(), vec![usage], NOW).changes;
        assert!(matches!(&changes[..], [StateChange::ModelCooling(_, model, Some(_))] if model == "claude-opus-5"));
        assert!(herd.accounts[&id()].cooling.as_ref().unwrap().holds(NOW), "the account rests on");
    }

    #[test]
    fn what_is_older_than_what_is_known_teaches_nothing() {
        let mut herd = spent();
        let learned = herd.learn(id(), vec![(Window::FiveHour, reading(3.0, NOW + 18_000, NOW - 200))], NOW);
        assert_eq!(learned, Learned::default());
        assert_eq!(herd.learn(AccountId(uuid::Uuid::from_u128(9)), vec![anew()], NOW), Learned::default());
    }

    proptest::proptest! {
        /// Whatever vendors state: readings never make an account rest, never lengthen a rest, and what is known of a
        /// window never grows older.
        #[test]
        fn readings_only_ever_give_back(
            stated in proptest::collection::vec(
                (0.0..130.0_f64, proptest::option::of(-20_000..900_000_i64), -500..20_000_i64, 0..4_usize),
                0..20,
            ),
        ) {
            let windows = [
                Window::FiveHour,
                Window::SevenDay,
                Window::Model("opus".to_owned()),
                Window::Model("7d_opus".to_owned()),
            ];
            let mut herd = spent();
            herd.accounts.get_mut(&id()).unwrap().model_cooling =
                [("claude-opus-5".to_owned(), rest(RESET, Class::ModelExhausted))].into();
            for (used_percent, resets_in, read_in, which) in stated {
                let read_at = NOW + read_in;
                let now = read_at.max(NOW);
                let resets_at = resets_in.map(|s| NOW + s);
                let reading = Reading { used_percent, resets_at, source: ReadingSource::Usage, read_at };
                let before = herd.accounts[&id()].clone();
                herd.learn(id(), vec![(windows[which].clone(), reading)], now);
                let after = &herd.accounts[&id()];
                proptest::prop_assert!(after.cooling.as_ref().unwrap().until <= before.cooling.as_ref().unwrap().until);
                let model = |account: &Account| account.model_cooling["claude-opus-5"].until;
                proptest::prop_assert!(model(after) <= model(&before));
                for (window, known) in &before.readings {
                    proptest::prop_assert!(after.readings[window].read_at >= known.read_at);
                }
            }
        }
    }
}
