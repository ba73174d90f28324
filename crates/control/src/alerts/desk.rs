//! What was raised and what is over. In memory and bounded; what still holds after a restart is raised again.

use std::collections::VecDeque;

use remuda_core::UnixSeconds;

use super::Trouble;
use crate::types::AlertView;

/// Alerts that are over stay for a day.
const KEPT_S: i64 = 86_400;
/// Most alerts that are kept.
const MOST: usize = 500;
/// The same trouble that comes back within this time is not told again: windows and sessions waver around their limits.
const QUIET_S: i64 = 1_800;

/// See the module's description.
#[derive(Debug, Default)]
pub(crate) struct AlertDesk {
    /// Newest first.
    alerts: VecDeque<AlertView>,
}

impl AlertDesk {
    /// Takes in what is wrong now. Returns what is to be told: what was raised, and what is over.
    pub(crate) fn settle(&mut self, troubles: Vec<Trouble>, now: UnixSeconds) -> Vec<AlertView> {
        let mut told = Vec::new();
        for alert in self.alerts.iter_mut().filter(|alert| alert.over_at.is_none()) {
            if !troubles.iter().any(|trouble| trouble.id == alert.id) {
                alert.over_at = Some(now);
                told.push(alert.clone());
            }
        }
        for trouble in troubles {
            let known = self.alerts.iter_mut().find(|alert| alert.id == trouble.id);
            match known {
                Some(alert) if alert.over_at.is_none_or(|at| now - at < QUIET_S) => {
                    alert.over_at = None;
                    alert.message = trouble.message;
                }
                _ => {
                    self.alerts.retain(|alert| alert.id != trouble.id);
                    let alert = AlertView {
                        id: trouble.id,
                        kind: trouble.kind,
                        message: trouble.message,
                        remedy: trouble.remedy,
                        account: trouble.account,
                        session: trouble.session,
                        raised_at: now,
                        over_at: None,
                        seen: false,
                    };
                    told.push(alert.clone());
                    self.alerts.push_front(alert);
                }
            }
        }
        self.alerts.retain(|alert| alert.over_at.is_none_or(|at| now - at < KEPT_S));
        self.alerts.truncate(MOST);
        told
    }

    /// All that are kept, newest first.
    pub(crate) fn all(&self) -> Vec<AlertView> {
        self.alerts.iter().cloned().collect()
    }

    /// Those that hold, newest first.
    pub(crate) fn holding(&self) -> Vec<AlertView> {
        self.alerts.iter().filter(|alert| alert.over_at.is_none()).cloned().collect()
    }

    /// Marks one as seen; `None`: there is none of this id.
    pub(crate) fn see(&mut self, id: &str) -> Option<AlertView> {
        let alert = self.alerts.iter_mut().find(|alert| alert.id == id)?;
        alert.seen = true;
        Some(alert.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::AlertKind;

    fn trouble(id: &str, message: &str) -> Trouble {
        Trouble {
            id: id.to_owned(),
            kind: AlertKind::NeedsLogin,
            message: message.to_owned(),
            remedy: None,
            account: None,
            session: None,
        }
    }

    fn told(desk: &mut AlertDesk, now: i64, troubles: &[&str]) -> Vec<(String, bool)> {
        let troubles = troubles.iter().map(|id| trouble(id, "…")).collect();
        desk.settle(troubles, now).into_iter().map(|alert| (alert.id, alert.over_at.is_none())).collect()
    }

    #[test]
    fn the_same_trouble_is_told_once_and_its_end_once() {
        let mut desk = AlertDesk::default();
        assert_eq!(told(&mut desk, 0, &["a"]), [("a".to_owned(), true)]);
        assert_eq!(told(&mut desk, 1, &["a"]), []);
        assert_eq!(told(&mut desk, 2, &["a", "b"]), [("b".to_owned(), true)]);
        assert_eq!(told(&mut desk, 3, &["b"]), [("a".to_owned(), false)]);
        assert_eq!(told(&mut desk, 4, &["b"]), []);
        assert_eq!(desk.holding().len(), 1);
        assert_eq!(desk.all().len(), 2, "what is over is still shown");
    }

    #[test]
    fn what_wavers_is_not_told_again_and_what_returns_later_is() {
        let mut desk = AlertDesk::default();
        told(&mut desk, 0, &["a"]);
        told(&mut desk, 10, &[]);
        assert_eq!(told(&mut desk, 20, &["a"]), [], "it wavers");
        assert_eq!(desk.holding()[0].raised_at, 0);
        told(&mut desk, 30, &[]);
        assert_eq!(told(&mut desk, 30 + QUIET_S, &["a"]), [("a".to_owned(), true)]);
        assert_eq!(desk.all().len(), 1);
    }

    #[test]
    fn what_is_over_for_a_day_is_forgotten_and_what_holds_is_not() {
        let mut desk = AlertDesk::default();
        told(&mut desk, 0, &["a", "b"]);
        told(&mut desk, 1, &["b"]);
        told(&mut desk, 1 + KEPT_S, &["b"]);
        assert_eq!(desk.all().iter().map(|alert| alert.id.as_str()).collect::<Vec<_>>(), ["b"]);
        assert!(desk.see("b").unwrap().seen);
        assert_eq!(desk.see("a"), None);
    }
}
