//! What the tools' settings wished for their accounts: chains, pools, minimums, reserves. What the owner has written here
//! goes before it.

use remuda_core::AccountId;
use remuda_core::snapshot::{ChainStep, KillSwitch, Pool, Target, UnknownQuota};
use remuda_hosts::import::{Reserves, Source};
use remuda_store::Edit;

use super::super::Api;
use super::super::stored::Told;
use super::gather::{Gathered, Group, matches};
use crate::types::Failure;

/// Which login became which account.
#[derive(Default)]
pub(super) struct Accounts(Vec<(Source, Option<AccountId>, String)>);

impl Accounts {
    pub(super) fn add(&mut self, group: &Group, account: Option<AccountId>) {
        for login in std::iter::once(&group.login).chain(&group.others) {
            let name = login.label.clone().or_else(|| login.profile.email.clone());
            let name = name.unwrap_or_else(|| format!("{} {}", login.source.program.words(), login.source.slot));
            self.0.push((login.source.clone(), account, name.trim().to_owned()));
        }
    }

    pub(super) fn of(&self, source: &Source) -> Option<AccountId> {
        self.0.iter().find(|(known, ..)| matches(source, known)).and_then(|(_, account, _)| *account)
    }

    pub(super) fn first(&self) -> Option<AccountId> {
        self.0.iter().find_map(|(_, account, _)| *account)
    }

    /// Was it found, whether or not it became an account (a dry run)?
    fn name(&self, source: &Source) -> Option<&str> {
        self.0.iter().find(|(known, ..)| matches(source, known)).map(|(.., name)| name.as_str())
    }
}

impl Api {
    /// Carries them out, or (`dry_run`) only says what would be. Returns what holds, in words; what does not is put to the
    /// remarks.
    pub(super) async fn grant_wishes(
        &self,
        gathered: &mut Gathered,
        accounts: &Accounts,
        dry_run: bool,
    ) -> Result<Vec<String>, Failure> {
        let mut kept = Vec::new();
        let mut edits = Vec::new();
        let wishes = gathered.wishes.clone();
        let lost = &mut gathered.remarks;
        for (source, targets) in &wishes.chains {
            self.chain(source, targets, accounts, &mut edits, &mut kept, lost);
        }
        for pool in &wishes.pools {
            self.pool(pool, accounts, &mut edits, &mut kept, lost);
        }
        for (source, minimum) in &wishes.minimums {
            let Some(name) = accounts.name(source) else { continue };
            kept.push(format!("the minimum of {name}"));
            edits.extend(accounts.of(source).map(|id| Edit::MinRemaining(id, minimum.clone())));
        }
        if wishes.unknown_quota_open == Some(true) {
            for (source, _) in &wishes.minimums {
                edits.extend(accounts.of(source).map(|id| Edit::UnknownQuota(id, Some(UnknownQuota::Open))));
            }
            kept.push("accounts with a minimum serve while their quota is not known".to_owned());
        }
        if let Some(Reserves { everyone, accounts: single }) = wishes.kill_switch {
            let before = self.herd().look(|herd, _| herd.kill_switch.clone());
            if before == KillSwitch::default() {
                let single = single.iter().filter_map(|(source, floors)| Some((accounts.of(source)?, floors.clone())));
                edits.push(Edit::KillSwitch(KillSwitch { enabled: true, everyone, accounts: single.collect() }));
                kept.push("the kill switch and its reserves".to_owned());
            } else {
                lost.push("the tool's kill switch is not taken over: you have set one here already".to_owned());
            }
        }
        if !dry_run && !edits.is_empty() {
            self.herd().edit(edits).await.told()?;
        }
        Ok(kept)
    }

    fn chain(
        &self,
        source: &Source,
        targets: &[Source],
        accounts: &Accounts,
        edits: &mut Vec<Edit>,
        kept: &mut Vec<String>,
        lost: &mut Vec<String>,
    ) {
        let Some(name) = accounts.name(source) else {
            lost.push(format!("the chain of {} is not taken over: its login was not found", shown(source)));
            return;
        };
        for target in targets.iter().filter(|target| accounts.name(target).is_none()) {
            lost.push(format!("{} no longer stands in for {name}: its login was not found", shown(target)));
        }
        let found: Vec<&Source> = targets.iter().filter(|target| accounts.name(target).is_some()).collect();
        if found.is_empty() {
            return;
        }
        let names: Vec<&str> = found.iter().filter_map(|target| accounts.name(target)).collect();
        let words = format!("the chain of {name}: {}", names.join(", "));
        let Some(id) = accounts.of(source) else {
            kept.push(words);
            return;
        };
        if self.herd().look(|herd, _| herd.chains.get(&id).is_some_and(|chain| !chain.is_empty())) {
            lost.push(format!("the tool's chain of {name} is not taken over: you have written one here already"));
            return;
        }
        let mut steps: Vec<ChainStep> = Vec::new();
        for account in found.iter().filter_map(|target| accounts.of(target)) {
            let target = Target::Account(account);
            if account != id && steps.iter().all(|step| step.target != target) {
                steps.push(ChainStep { target, model: None });
            }
        }
        if !steps.is_empty() {
            kept.push(words);
            edits.push(Edit::Chain(id, steps));
        }
    }

    fn pool(
        &self,
        pool: &remuda_hosts::import::Pool,
        accounts: &Accounts,
        edits: &mut Vec<Edit>,
        kept: &mut Vec<String>,
        lost: &mut Vec<String>,
    ) {
        let names: Vec<&str> = pool.members.iter().filter_map(|member| accounts.name(member)).collect();
        if names.len() < 2 {
            return;
        }
        let known = |herd: &remuda_core::Snapshot| herd.pools.keys().any(|name| name.to_lowercase() == pool.name);
        if self.herd().look(|herd, _| known(herd)) {
            lost.push(format!("the tool's rotation is not taken over: there is a pool @{} already", pool.name));
            return;
        }
        let mut members: Vec<AccountId> = Vec::new();
        for id in pool.members.iter().filter_map(|member| accounts.of(member)) {
            if !members.contains(&id) {
                members.push(id);
            }
        }
        kept.push(format!(
            "the rotation between {} as the pool @{}: send requests to it with `remuda use @{}`",
            names.join(", "),
            pool.name,
            pool.name
        ));
        if members.len() > 1 {
            edits.push(Edit::Pool(pool.name.clone(), Pool { strategy: pool.strategy, members }));
        }
    }
}

fn shown(source: &Source) -> String {
    format!("{} {}", source.program.words(), source.slot)
}
