//! How an account stands: which window binds, how far a reading can be trusted, until when a spent account is spent. The
//! one place for these rules; every view and every strategy asks here.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::quota::{Reading, Window};
use crate::snapshot::Policy;
use crate::time::UnixSeconds;
use crate::verdict::Class;

/// How far a reading can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Young enough to decide on.
    Fresh,
    /// Older than that: shown, not relied on.
    Old,
    /// Its window has ended since: nothing of it is used any more as far as is known.
    Over,
    /// The vendor has refused requests since it was read, and that outranks it.
    Refuted,
}

impl Account {
    /// How far this account's reading can be trusted.
    #[must_use]
    pub fn trust(&self, window: &Window, reading: &Reading, policy: &Policy, now: UnixSeconds) -> Trust {
        let mut rests = self.model_cooling.iter().filter(|(model, _)| window.concerns(model)).map(|(_, rest)| rest);
        let model_refused = window.family().is_some() && rests.any(|rest| self.refutes(rest, reading, now));
        let refused = window.family().is_none() && self.cooling.as_ref().is_some_and(|r| self.refutes(r, reading, now));
        if (refused || model_refused) && !reading.is_spent(now) {
            Trust::Refuted
        } else if reading.is_over(now) {
            Trust::Over
        } else if reading.usable(policy, now) {
            Trust::Fresh
        } else {
            Trust::Old
        }
    }

    /// A refusal for want of quota, in force and not older than the reading, of an account whose other windows do not
    /// explain it.
    fn refutes(&self, rest: &crate::Cooldown, reading: &Reading, now: UnixSeconds) -> bool {
        let for_want = matches!(rest.reason, Class::WindowExhausted | Class::ModelExhausted);
        let explained = self.readings.values().any(|other| other.is_spent(now));
        for_want && rest.holds(now) && rest.since >= reading.read_at && !explained
    }

    /// The window that gives out first: of those that concern the model (`None`: of those of the whole account) the one
    /// with the least left; of equals the one that starts anew last. `None`: nothing has been read.
    #[must_use]
    pub fn binding(&self, model: Option<&str>, now: UnixSeconds) -> Option<(&Window, &Reading)> {
        let concerned = self.readings.iter().filter(|(window, _)| match model {
            Some(model) => window.concerns(model),
            None => window.family().is_none(),
        });
        concerned.min_by(|(_, a), (_, b)| {
            let last = |reading: &Reading| reading.resets_at.unwrap_or(UnixSeconds::MAX);
            a.remaining(now).total_cmp(&b.remaining(now)).then_with(|| last(b).cmp(&last(a)))
        })
    }

    /// Until when readings say that nothing is left: the latest reset among the spent windows that concern the model
    /// (`None`: among those of the whole account). The reset of a window that is not spent counts for nothing.
    /// `None`: none is spent; `Some(None)`: one is, and says not until when.
    #[must_use]
    pub fn spent_until(&self, model: Option<&str>, now: UnixSeconds) -> Option<Option<UnixSeconds>> {
        let spent = self.readings.iter().filter(|(window, reading)| {
            reading.is_spent(now) && model.map_or(window.family().is_none(), |model| window.concerns(model))
        });
        spent.map(|(_, reading)| reading.resets_at).reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b)))
    }
}

#[cfg(test)]
mod tests {
    use crate::account::{Cooldown, CostClass, CredentialKind, Vendor};
    use crate::id::{AccountId, Label};
    use crate::quota::ReadingSource;

    use super::*;

    const NOW: UnixSeconds = 100_000;

    fn account(readings: &[(Window, f64, Option<UnixSeconds>)]) -> Account {
        let id = AccountId(uuid::Uuid::from_u128(1));
        let label = Label::new("a").unwrap();
        let mut account = Account::new(id, label, Vendor::Anthropic, CredentialKind::Subscription, CostClass::Included);
        for (window, used_percent, resets_at) in readings {
            let (used_percent, resets_at) = (*used_percent, *resets_at);
            let reading = Reading { used_percent, resets_at, source: ReadingSource::Headers, read_at: NOW - 60 };
            account.readings.insert(window.clone(), reading);
        }
        account
    }

    fn opus() -> Window {
        Window::Model("7d_opus".to_owned())
    }

    #[test]
    fn the_window_with_the_least_left_binds_and_of_equals_the_one_that_is_back_last() {
        let a = account(&[
            (Window::FiveHour, 30.0, Some(NOW + 60)),
            (Window::SevenDay, 80.0, Some(NOW + 9_000)),
            (opus(), 95.0, Some(NOW + 9_000)),
        ]);
        assert_eq!(a.binding(None, NOW).unwrap().0, &Window::SevenDay, "a model's window binds only its models");
        assert_eq!(a.binding(Some("claude-opus-5"), NOW).unwrap().0, &opus());
        assert_eq!(a.binding(Some("claude-haiku-5"), NOW).unwrap().0, &Window::SevenDay);
        let equal = account(&[(Window::FiveHour, 100.0, Some(NOW + 60)), (Window::SevenDay, 100.0, Some(NOW + 9_000))]);
        assert_eq!(equal.binding(None, NOW).unwrap().0, &Window::SevenDay);
        assert_eq!(account(&[]).binding(None, NOW), None);
    }

    #[test]
    fn a_window_that_is_over_binds_nobody() {
        let a = account(&[(Window::FiveHour, 100.0, Some(NOW - 1)), (Window::SevenDay, 10.0, Some(NOW + 9_000))]);
        assert_eq!(a.binding(None, NOW).unwrap().0, &Window::SevenDay);
        assert_eq!(a.spent_until(None, NOW), None);
    }

    #[test]
    fn among_spent_windows_the_latest_reset_counts_and_others_count_for_nothing() {
        let week = (Window::SevenDay, 99.0, Some(NOW + 90_000));
        let five = |used| (Window::FiveHour, used, Some(NOW + 60));
        assert_eq!(account(&[five(40.0), week.clone()]).spent_until(None, NOW), None);
        assert_eq!(account(&[five(100.0), week]).spent_until(None, NOW), Some(Some(NOW + 60)));
        let both = account(&[five(100.0), (Window::SevenDay, 100.0, Some(NOW + 90_000))]);
        assert_eq!(both.spent_until(None, NOW), Some(Some(NOW + 90_000)));
        let unsaid = account(&[five(100.0), (Window::SevenDay, 100.0, None)]);
        assert_eq!(unsaid.spent_until(None, NOW), Some(None));
        let model = account(&[five(1.0), (opus(), 100.0, Some(NOW + 70))]);
        assert_eq!(model.spent_until(None, NOW), None);
        assert_eq!(model.spent_until(Some("claude-opus-5"), NOW), Some(Some(NOW + 70)));
    }

    #[test]
    fn trust_falls_with_age_and_with_refusals() {
        let policy = Policy::default();
        let mut a = account(&[(Window::FiveHour, 40.0, Some(NOW + 9_000))]);
        let trust = |a: &Account, now| a.trust(&Window::FiveHour, &a.readings[&Window::FiveHour], &policy, now);
        assert_eq!(trust(&a, NOW), Trust::Fresh);
        assert_eq!(trust(&a, NOW + 1_000), Trust::Old);
        assert_eq!(trust(&a, NOW + 9_000), Trust::Over);
        let (reason, evidence) = (Class::WindowExhausted, "429".to_owned());
        let rest = Cooldown { until: NOW + 900, reason, stated: false, since: NOW - 10, evidence, probing_until: None };
        a.cooling = Some(rest);
        assert_eq!(trust(&a, NOW), Trust::Refuted, "the vendor refuses although 60 % are left");
        let week = Reading { used_percent: 100.0, ..a.readings[&Window::FiveHour].clone() };
        a.readings.insert(Window::SevenDay, week);
        assert_eq!(trust(&a, NOW), Trust::Fresh, "the week explains the refusal");
    }
}
