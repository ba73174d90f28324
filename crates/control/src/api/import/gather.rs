//! Reads all files and sees which logins are one account: by identity where the vendor tells it, else by the secret itself.

use std::collections::HashSet;

use remuda_core::{AccountId, CredentialKind, Identity, UnixSeconds, Vendor};
use remuda_credentials::login::same_secret;
use remuda_hosts::import::{self, Login, Place, Program, Secret, Trouble, Wishes};
use remuda_store::{Borrowed, Credential};
use secrecy::{ExposeSecret, SecretString};

use super::super::Api;
use super::super::stored::Told;
use crate::types::Failure;

/// At most so many logins are asked for by name; more are compared by their secrets only.
const MAX_ASKED: usize = 32;

/// Everything that was found.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) groups: Vec<Group>,
    pub(super) wishes: Wishes,
    pub(super) remarks: Vec<String>,
    pub(super) troubles: Vec<Trouble>,
}

/// Logins that are one account.
pub(super) struct Group {
    /// The one that is taken: the first that has not run out.
    pub(super) login: Login,
    /// The others.
    pub(super) others: Vec<Login>,
    pub(super) identity: Option<Identity>,
    /// The account that it is here already.
    pub(super) here: Option<Here>,
}

/// An account that is here already.
pub(super) struct Here {
    pub(super) account: AccountId,
    pub(super) label: String,
    /// It was borrowed from this very place.
    pub(super) from_here: bool,
    /// It is borrowed at all; otherwise its login is our own.
    pub(super) borrowed: bool,
}

impl Group {
    fn of(login: Login) -> Self {
        let identity = login.profile.identity(login.vendor);
        Self { login, others: Vec::new(), identity, here: None }
    }

    fn is(&self, other: &Login) -> bool {
        let identity = other.profile.identity(other.vendor);
        let same_person = identity.is_some() && identity == self.identity && self.login.vendor == other.vendor;
        let all = std::iter::once(&self.login).chain(&self.others);
        same_person || all.into_iter().any(|login| same(&login.secret, &other.secret))
    }

    fn add(&mut self, other: Login, now: UnixSeconds) {
        self.identity = self.identity.take().or_else(|| other.profile.identity(other.vendor));
        let over = |login: &Login| login.expires_at().is_some_and(|end| end <= now);
        // The label, the rests and the minimums that the person gave it anywhere hold for it.
        let label = self.login.label.take().or_else(|| other.label.clone());
        let (mut taken, rest) =
            if over(&self.login) && !over(&other) { (other, self.login.clone()) } else { (self.login.clone(), other) };
        taken.label = label;
        taken.rests_until = taken.rests_until.max(rest.rests_until);
        taken.models_rest.extend(rest.models_rest.clone());
        if taken.min_remaining.is_empty() {
            taken.min_remaining.clone_from(&rest.min_remaining);
        }
        taken.off &= rest.off;
        taken.profile = taken.profile.or(rest.profile.clone());
        self.login = taken;
        self.others.push(rest);
    }
}

/// The same key, or the same token of a pair.
fn same(a: &Secret, b: &Secret) -> bool {
    fn tokens(secret: &Secret) -> impl Iterator<Item = &str> {
        let (one, other) = match secret {
            Secret::Pair { access, refresh, .. } => (access, refresh.as_ref()),
            Secret::Key(secret) | Secret::Token(secret) => (secret, None),
        };
        std::iter::once(one).chain(other).map(|secret| secret.expose_secret())
    }
    tokens(a).any(|one| tokens(b).any(|other| one == other))
}

/// The access token, key or long-lived token.
pub(super) fn access(secret: &Secret) -> &SecretString {
    match secret {
        Secret::Pair { access, .. } | Secret::Key(access) | Secret::Token(access) => access,
    }
}

/// The place of a login, as the store remembers it.
pub(super) fn borrowed_from(login: &Login) -> Borrowed {
    Borrowed {
        program: login.source.program.as_str().to_owned(),
        file: login.source.file.display().to_string(),
        slot: login.source.slot.clone(),
    }
}

impl Api {
    pub(super) async fn gather(&self, places: &[Place]) -> Result<Gathered, Failure> {
        let now = self.now();
        let list = places.to_vec();
        let read = move || list.iter().map(|place| import::read(place, now)).collect::<Vec<_>>();
        let found = tokio::task::spawn_blocking(read).await.unwrap_or_default();
        let mut gathered = Gathered::default();
        let mut asked = 0;
        for found in found {
            gathered.remarks.extend(found.remarks);
            gathered.troubles.extend(found.troubles);
            join(&mut gathered.wishes, found.wishes);
            for mut login in found.logins {
                if asked < MAX_ASKED && self.name(&mut login).await {
                    asked += 1;
                }
                match gathered.groups.iter_mut().find(|group| group.is(&login)) {
                    Some(group) => group.add(login, now),
                    None => gathered.groups.push(Group::of(login)),
                }
            }
        }
        let mut seen = HashSet::new();
        gathered.remarks.retain(|remark| seen.insert(remark.clone()));
        for group in &mut gathered.groups {
            group.here = self.here(group).await?;
        }
        Ok(gathered)
    }

    /// A single login.
    pub(super) async fn group(&self, mut login: Login) -> Result<Group, Failure> {
        self.name(&mut login).await;
        let mut group = Group::of(login);
        group.here = self.here(&group).await?;
        Ok(group)
    }

    /// Whose a token is that has just come, by the word of Anthropic itself; where it gives none, by that of the file.
    pub(super) async fn confirm(&self, login: &mut Login) {
        if is_opaque(login) && login.expires_at().is_none_or(|end| end > self.now()) {
            let whose = self.logins.desk.whose(&self.logins.addresses, access(&login.secret)).await;
            login.profile = whose.unwrap_or_default().or(std::mem::take(&mut login.profile));
        }
    }

    /// Anthropic's tokens do not tell whose they are; its profile endpoint does. Returns whether it was asked.
    async fn name(&self, login: &mut Login) -> bool {
        let over = login.expires_at().is_some_and(|end| end <= self.now());
        if !is_opaque(login) || over || login.profile.identity(login.vendor).is_some() {
            return false;
        }
        let whose = self.logins.desk.whose(&self.logins.addresses, access(&login.secret)).await;
        login.profile = std::mem::take(&mut login.profile).or(whose.unwrap_or_default());
        true
    }

    /// The account here that it is.
    async fn here(&self, group: &Group) -> Result<Option<Here>, Failure> {
        let all = || std::iter::once(&group.login).chain(&group.others);
        let places: Vec<Borrowed> = all().map(borrowed_from).collect();
        let found = self.herd().look(|herd, profiles| {
            let of = |id: &AccountId| profiles.get(id).and_then(|profile| profile.borrowed.clone());
            let accounts = || herd.accounts.values().filter(|account| account.vendor == group.login.vendor);
            let by_identity = accounts().find(|account| group.identity.is_some() && account.identity == group.identity);
            // The place alone says who it is only where the vendor does not.
            let by_place = accounts().find(|account| {
                (group.identity.is_none() || account.identity.is_none())
                    && of(&account.id).is_some_and(|from| places.contains(&from))
            });
            by_identity.or(by_place).map(|account| {
                let from = of(&account.id);
                Here {
                    account: account.id,
                    label: account.label.to_string(),
                    from_here: from.as_ref().is_some_and(|from| places.contains(from)),
                    borrowed: from.is_some(),
                }
            })
        });
        if found.is_some() || !matches!(group.login.secret, Secret::Key(_) | Secret::Token(_)) {
            return Ok(found);
        }
        let wanted = Credential::Key { key: access(&group.login.secret).clone() };
        let ids: Vec<(AccountId, String)> = self.herd().look(|herd, _| {
            let same_vendor = herd.accounts.values().filter(|account| account.vendor == group.login.vendor);
            same_vendor.map(|account| (account.id, account.label.to_string())).collect()
        });
        for (account, label) in ids {
            match self.herd().store().credential(account).await {
                Ok(stored) if same_secret(&stored.credential, &wanted) => {
                    return Ok(Some(Here { account, label, from_here: false, borrowed: false }));
                }
                // One that cannot be read is no reason to take no other.
                Ok(_) | Err(remuda_store::StoreError::CredentialUnreadable(_)) => {}
                Err(error) => return Err(error).told(),
            }
        }
        Ok(None)
    }
}

/// Does the token itself not tell whose it is?
fn is_opaque(login: &Login) -> bool {
    login.vendor == Vendor::Anthropic
        && matches!(login.kind, CredentialKind::Subscription | CredentialKind::StaticToken)
}

/// The tools' settings, one after the other.
fn join(all: &mut Wishes, more: Wishes) {
    all.chains.extend(more.chains);
    all.pools.extend(more.pools);
    all.minimums.extend(more.minimums);
    all.rows.extend(more.rows.into_iter().filter(|row| !all.rows.contains(row)).collect::<Vec<_>>());
    all.active = all.active.take().or(more.active);
    all.kill_switch = all.kill_switch.take().or(more.kill_switch);
    all.unknown_quota_open = all.unknown_quota_open.or(more.unknown_quota_open);
}

/// The file of the agent itself, for sources that name only the agent and the slot.
pub(super) fn matches(wished: &import::Source, source: &import::Source) -> bool {
    let same_file = wished.file.as_os_str().is_empty() || wished.file == source.file;
    wished.program == source.program && wished.slot == source.slot && same_file
        // The agent's own login of the vendor, wherever it stands.
        || wished.program == Program::OpenCode && source.program == Program::OpenCode && wished.slot == source.slot
}
