//! Floors: the minimum, which gives way when there is nobody else, and the kill switch, which never does.

use std::collections::BTreeMap;

use remuda_core::snapshot::{KillSwitch, Minimum, Snapshot, UnknownQuota};
use remuda_core::{Account, AccountId, UnixSeconds, Window};
use remuda_store::Edit;

use super::stored::Told;
use super::{Api, find, left};
use crate::types::{
    AccountFloors, Empty, Failure, FloorChange, FloorView, KillSwitchChanged, KillSwitchView, Minimums,
    MinimumsChanged, UnknownSaid,
};

impl Api {
    /// The minimums that hold.
    ///
    /// # Errors
    /// None so far.
    pub async fn minimums(&self, _: Empty) -> Result<Minimums, Failure> {
        let now = self.now();
        Ok(self.herd.look(|herd, _| minimums(herd, now)))
    }

    /// Changes minimums, of one account or of everyone.
    ///
    /// # Errors
    /// The account is unknown, a percentage makes no sense, or the store fails.
    pub async fn set_minimum(&self, change: FloorChange) -> Result<MinimumsChanged, Failure> {
        if change.enabled.is_some() {
            return Err(Failure::invalid("a minimum has no switch").remedy("0 asks for nothing: 5h=0"));
        }
        check(&change.set)?;
        let now = self.now();
        let (edits, before) = self.herd.look(|herd, _| {
            let edits = match &change.account {
                None => vec![Edit::Minimum(general_minimum(&herd.minimum, &change))],
                Some(account) => {
                    let account = find::account(herd, account)?;
                    let mut edits = vec![Edit::MinRemaining(account.id, changed(&account.min_remaining, &change))];
                    match change.unknown {
                        Some(said) => edits.push(Edit::UnknownQuota(account.id, own_unknown(said))),
                        None if change.clear => edits.push(Edit::UnknownQuota(account.id, None)),
                        None => {}
                    }
                    edits
                }
            };
            Ok::<_, Failure>((edits, minimums(herd, now)))
        })?;
        self.herd.edit(edits).await.told()?;
        let after = self.herd.look(|herd, _| minimums(herd, now));
        let notes = notes(&after.accounts, "stands behind everybody else");
        Ok(MinimumsChanged { before, after, notes })
    }

    /// The hard reserves.
    ///
    /// # Errors
    /// None so far.
    pub async fn kill_switch(&self, _: Empty) -> Result<KillSwitchView, Failure> {
        let now = self.now();
        Ok(self.herd.look(|herd, _| kill_switch(herd, now)))
    }

    /// Switches it on or off, changes reserves of one account or of everyone.
    ///
    /// # Errors
    /// The account is unknown, a percentage makes no sense, there is nothing to hold back, or the store fails.
    pub async fn set_kill_switch(&self, change: FloorChange) -> Result<KillSwitchChanged, Failure> {
        if change.unknown.is_some() {
            return Err(Failure::invalid("what an unknown quota means is said with the minimum")
                .remedy("for example: remuda minimum --unknown closed"));
        }
        check(&change.set)?;
        let now = self.now();
        let (switch, before) =
            self.herd.look(|herd, _| Ok::<_, Failure>((changed_switch(herd, &change)?, kill_switch(herd, now))))?;
        let asks = |floors: &BTreeMap<Window, f64>| floors.values().any(|percent| *percent > 0.0);
        if change.enabled == Some(true) && !asks(&switch.everyone) && !switch.accounts.values().any(asks) {
            return Err(Failure::invalid("the kill switch has nothing to hold back yet")
                .remedy("say how much, for example: remuda killswitch on 5h=5 7d=10"));
        }
        self.herd.edit(vec![Edit::KillSwitch(switch)]).await.told()?;
        let after = self.herd.look(|herd, _| kill_switch(herd, now));
        let notes = if after.enabled { notes(&after.accounts, "serves nobody") } else { Vec::new() };
        Ok(KillSwitchChanged { before, after, notes })
    }
}

fn check(set: &BTreeMap<Window, Option<f64>>) -> Result<(), Failure> {
    match set.iter().find_map(|(window, percent)| Some((window, percent.filter(|p| !(0.0..=100.0).contains(p))?))) {
        None => Ok(()),
        Some((window, percent)) => Err(Failure::invalid(format!("{percent}% of {window} cannot remain"))
            .why("what must remain of a window is a share of it, from 0 to 100 percent")
            .remedy("for example: 5h=10")),
    }
}

fn changed(known: &BTreeMap<Window, f64>, change: &FloorChange) -> BTreeMap<Window, f64> {
    let mut floors = if change.clear { BTreeMap::new() } else { known.clone() };
    for (window, percent) in &change.set {
        match percent {
            Some(percent) => drop(floors.insert(window.clone(), *percent)),
            None => drop(floors.remove(window)),
        }
    }
    floors
}

fn general_minimum(known: &Minimum, change: &FloorChange) -> Minimum {
    let unknown = match change.unknown {
        Some(said) => own_unknown(said).unwrap_or_default(),
        None if change.clear => UnknownQuota::default(),
        None => known.unknown,
    };
    Minimum { everyone: changed(&known.everyone, change), unknown }
}

fn own_unknown(said: UnknownSaid) -> Option<UnknownQuota> {
    match said {
        UnknownSaid::Open => Some(UnknownQuota::Open),
        UnknownSaid::Closed => Some(UnknownQuota::Closed),
        UnknownSaid::Default => None,
    }
}

fn changed_switch(herd: &Snapshot, change: &FloorChange) -> Result<KillSwitch, Failure> {
    let mut switch = herd.kill_switch.clone();
    if let Some(enabled) = change.enabled {
        switch.enabled = enabled;
    }
    match &change.account {
        None => switch.everyone = changed(&switch.everyone, change),
        Some(account) => {
            let id: AccountId = find::account(herd, account)?.id;
            let own = changed(switch.accounts.get(&id).unwrap_or(&BTreeMap::new()), change);
            if own.is_empty() { drop(switch.accounts.remove(&id)) } else { drop(switch.accounts.insert(id, own)) }
        }
    }
    Ok(switch)
}

fn minimums(herd: &Snapshot, now: UnixSeconds) -> Minimums {
    let floors = |account: &Account| left::floors(herd, account, herd.minimum_of(account), now);
    Minimums {
        now,
        everyone: herd.minimum.everyone.clone(),
        unknown: herd.minimum.unknown,
        accounts: find::in_order(herd).map(|account| of_account(herd, account, floors(account))).collect(),
    }
}

fn kill_switch(herd: &Snapshot, now: UnixSeconds) -> KillSwitchView {
    let floors = |account: &Account| left::floors(herd, account, herd.reserve_of(account), now);
    KillSwitchView {
        now,
        enabled: herd.kill_switch.enabled,
        everyone: herd.kill_switch.everyone.clone(),
        accounts: find::in_order(herd).map(|account| of_account(herd, account, floors(account))).collect(),
    }
}

fn of_account(herd: &Snapshot, account: &Account, floors: Vec<FloorView>) -> AccountFloors {
    let (unknown, unknown_said_of) = herd.unknown_quota_of(account);
    AccountFloors { account: account.label.to_string(), floors, unknown, unknown_said_of }
}

/// Accounts that are held back by what is not known, which a person may not expect: a key has no such windows at all.
fn notes(accounts: &[AccountFloors], so: &str) -> Vec<String> {
    let unknown = |floor: &&FloorView| floor.percent > 0.0 && floor.remaining_percent.is_none();
    let held = accounts.iter().filter(|account| account.unknown == UnknownQuota::Closed);
    let told = held.filter_map(|account| {
        let windows: Vec<String> =
            account.floors.iter().filter(unknown).map(|floor| floor.window.to_string()).collect();
        let windows = (!windows.is_empty()).then(|| windows.join(" and "))?;
        Some(format!(
            "{} has no usable reading of {windows}, so it {so} until it has; if its vendor states none, let it off with \
             =0, or with --unknown open",
            account.account
        ))
    });
    told.collect()
}
