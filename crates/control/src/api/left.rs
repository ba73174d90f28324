//! What is left of an account, as views show it; and asking the vendors.

use remuda_core::headroom::Floor;
use remuda_core::pace::Pace;
use remuda_core::snapshot::Snapshot;
use remuda_core::{Account, AccountId, AccountStatus, UnixSeconds};
use remuda_gateway::Polled;

use super::{Api, find};
use crate::types::{
    AccountView, Failure, FloorView, PolledHow, PolledView, QuotaRefresh, QuotaRefreshed, QuotaView, TroubleView,
    UsageView, WindowView,
};

impl Api {
    /// Asks vendors what is left, now. One that has asked for patience gets it all the same.
    ///
    /// # Errors
    /// The account is unknown.
    pub async fn refresh_quota(&self, asked: QuotaRefresh) -> Result<QuotaRefreshed, Failure> {
        let ids: Vec<AccountId> = match &asked.account {
            Some(account) => vec![self.id_of(account)?],
            None => self.herd.look(|herd, _| find::in_order(herd).map(|account| account.id).collect()),
        };
        let mut polled = Vec::with_capacity(ids.len());
        for id in ids {
            let (label, status) = self.herd.look(|herd, _| {
                let status = herd.accounts.get(&id).map(|account| account.status);
                (find::label(herd, id), status)
            });
            // Asking about an account that cannot serve anyway would only make the vendor look.
            let came = match status {
                Some(AccountStatus::Ready) => self.poller.poll(id).await,
                Some(AccountStatus::NeedsLogin) => Polled::Nobody { why: "it needs a login first".to_owned() },
                Some(AccountStatus::Disabled) => Polled::Nobody { why: "the vendor has closed it".to_owned() },
                Some(AccountStatus::Paused) => Polled::Nobody { why: "it is switched off".to_owned() },
                None => continue,
            };
            polled.push(polled_view(label, came));
        }
        self.herd.flush().await;
        Ok(QuotaRefreshed { now: self.now(), polled, accounts: self.views() })
    }

    /// All accounts, in the owner's order.
    pub(crate) fn views(&self) -> Vec<AccountView> {
        let now = self.now();
        let mut views: Vec<AccountView> = self.herd.look(|herd, profiles| {
            find::in_order(herd).map(|account| super::see::view(herd, profiles, account, now)).collect()
        });
        let polls = self.herd.polls();
        for view in &mut views {
            self.complete(view, polls.get(&view.id), now);
        }
        views
    }

    /// What only the keeper and the poller know.
    pub(super) fn complete(
        &self,
        view: &mut AccountView,
        poll: Option<&remuda_core::poll::PollState>,
        now: UnixSeconds,
    ) {
        view.quota.usage = UsageView {
            why_not: remuda_vendors::no_usage_endpoint(view.vendor, view.kind).map(str::to_owned),
            asked_at: poll.and_then(|poll| poll.asked_at),
            not_before: poll.map(|poll| poll.not_before).filter(|at| *at > now),
            trouble: poll.and_then(|poll| poll.trouble.clone()),
        };
        view.trouble = self.logins.keeper.trouble(view.id).map(|trouble| TroubleView {
            retry_at: trouble.retry_at,
            why: trouble.failure.map(|failure| failure.to_string()),
        });
    }
}

fn polled_view(account: String, polled: Polled) -> PolledView {
    let view = |how, windows, until, why| PolledView { account, how, windows, until, why };
    match polled {
        Polled::Answered { windows } => view(PolledHow::Answered, windows, None, None),
        Polled::Fresh => view(PolledHow::Fresh, 0, None, None),
        Polled::Rests { until, why } => view(PolledHow::Rests, 0, Some(until), Some(why)),
        Polled::Failed { until, why } => view(PolledHow::Failed, 0, Some(until), Some(why)),
        Polled::Busy => view(PolledHow::Busy, 0, None, None),
        Polled::Nobody { why } => view(PolledHow::Nobody, 0, None, Some(why)),
    }
}

/// Shortest first, models last.
pub(super) fn windows(herd: &Snapshot, account: &Account, now: UnixSeconds) -> Vec<WindowView> {
    let binding = account.binding(None, now).map(|(window, _)| window.clone());
    let mut all: Vec<WindowView> = account
        .readings
        .iter()
        .map(|(window, reading)| WindowView {
            window: window.clone(),
            used_percent: reading.used_percent,
            remaining_percent: reading.remaining(now),
            resets_at: reading.resets_at,
            read_at: reading.read_at,
            age_s: (now - reading.read_at).max(0),
            source: reading.source,
            trust: account.trust(window, reading, &herd.policy, now),
            binding: binding.as_ref() == Some(window),
            pace: Pace::of(window, reading, now),
        })
        .collect();
    all.sort_by_key(|w| w.window.length_s().unwrap_or(u64::MAX));
    all
}

/// What is known from readings and rules; [`Api::complete`] adds the rest.
pub(super) fn quota(herd: &Snapshot, account: &Account, now: UnixSeconds) -> QuotaView {
    let spent = account.spent_until(None, now);
    let (unknown, said_of) = herd.unknown_quota_of(account);
    QuotaView {
        spent: spent.is_some(),
        spent_until: spent.flatten(),
        minimum: floors(herd, account, herd.minimum_of(account), now),
        reserve: floors(herd, account, herd.reserve_of(account), now),
        kill_switch: herd.kill_switch.enabled,
        unknown,
        unknown_said_of: Some(said_of),
        usage: UsageView::default(),
    }
}

/// Floors and how the account stands to them.
pub(super) fn floors<'a>(
    herd: &Snapshot,
    account: &Account,
    floors: impl Iterator<Item = Floor<'a>>,
    now: UnixSeconds,
) -> Vec<FloorView> {
    let mut all: Vec<FloorView> = floors
        .map(|Floor { window, percent, said_of }| FloorView {
            window: window.clone(),
            percent,
            said_of,
            remaining_percent: account
                .reading_of(window)
                .filter(|reading| reading.usable(&herd.policy, now))
                .map(|reading| reading.remaining(now)),
        })
        .collect();
    all.sort_by_key(|floor| (floor.window.length_s().unwrap_or(u64::MAX), floor.window.clone()));
    all
}
