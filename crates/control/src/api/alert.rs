//! Alerts: listed, marked as seen, watched over.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Api;
use crate::alerts::{AlertRules, Notify, troubles};
use crate::types::{AlertRef, AlertSeen, AlertView, Alerts, Code, Empty, Event, Failure};

/// What happens within this time is looked at together.
const TOGETHER: Duration = Duration::from_secs(1);
/// Windows end and sessions fall silent without an event.
const AT_LEAST_EVERY: Duration = Duration::from_secs(60);

impl Api {
    /// Alerts that hold, and those of the last day.
    ///
    /// # Errors
    /// None so far.
    pub async fn alerts(&self, _: Empty) -> Result<Alerts, Failure> {
        Ok(Alerts { now: self.now(), alerts: self.desk.lock().all() })
    }

    /// Marks an alert as seen.
    ///
    /// # Errors
    /// There is none of this id.
    pub async fn see_alert(&self, AlertRef { alert }: AlertRef) -> Result<AlertSeen, Failure> {
        let seen = self.desk.lock().see(alert.trim());
        let alert = seen.ok_or_else(|| {
            Failure::new(Code::UnknownAlert, format!("there is no alert {alert:?}"))
                .remedy("`remuda alerts` lists them")
        })?;
        self.ring.push(Event::Alerts { at: self.now(), alert: alert.clone() });
        Ok(AlertSeen { alert })
    }

    /// The numbers of the rules, from now on.
    pub fn set_alert_rules(&self, rules: AlertRules) {
        *self.rules.lock() = rules;
        // Whoever watches over them looks again.
        self.ring.nudge();
    }

    /// Watches over everything that is worth an alert, until the daemon stops.
    pub async fn watch_alerts(self: Arc<Self>, notify: Arc<dyn Notify>, stop: CancellationToken) {
        let mut changed = self.ring.follow();
        loop {
            for alert in self.settle_alerts() {
                self.ring.push(Event::Alerts { at: self.now(), alert: alert.clone() });
                if stop.run_until_cancelled(notify.tell(&alert)).await.is_none() {
                    return;
                }
            }
            // Its own alerts are no reason to look again.
            changed.mark_unchanged();
            let next = async {
                if tokio::time::timeout(AT_LEAST_EVERY, changed.changed()).await.is_ok() {
                    tokio::time::sleep(TOGETHER).await;
                }
            };
            if stop.run_until_cancelled(next).await.is_none() {
                return;
            }
        }
    }

    /// Looks at everything now. Returns what is to be told.
    pub(crate) fn settle_alerts(&self) -> Vec<AlertView> {
        let (now, rules) = (self.now(), *self.rules.lock());
        let troubles = self.herd.look(|herd, _| troubles(herd, &self.paces.lock(), &rules, now));
        self.desk.lock().settle(troubles, now)
    }
}
