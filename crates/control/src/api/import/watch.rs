//! Borrowed logins follow the files of their owners: a token that was renewed there is taken over, a login that has gone
//! leaves the rotation within seconds, one that has come back returns, and a new one in a file from which others are
//! borrowed joins. The files are looked at, never written; no token is ever refreshed or revoked here.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use remuda_core::{AccountId, AccountStatus};
use remuda_hosts::import::{self, Found, Login, Place, Program};
use remuda_store::{Borrowed, Credential, Edit, Rotation, StoredCredential};
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

use super::super::Api;
use super::super::stored::Told;
use super::gather::{access, borrowed_from};
use super::take::borrowed;
use crate::types::{Failure, ImportHow};

/// Between two looks. A look costs one `stat` for each file.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// By what a changed file is known. One that was replaced within the same tick has another inode or length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

/// What is remembered of one file.
#[derive(Default)]
struct Seen {
    stamps: Option<Vec<Option<Stamp>>>,
    /// The logins that were in it at the last look, so that only those that come later join. `None`: it was never read.
    slots: Option<Vec<String>>,
}

/// The files from which something is borrowed. At most as many as there are accounts.
#[derive(Default)]
pub struct Watched(BTreeMap<(Program, PathBuf), Seen>);

impl Api {
    /// What is in the files now. Whoever logs in from here on is a newcomer.
    pub async fn watched_files(&self) -> Watched {
        let mut watched = Watched::default();
        let now = self.now();
        for (program, file) in self.borrowed_files().into_keys() {
            let place = Place::of(program, &file);
            let found = tokio::task::spawn_blocking(move || import::read(&place, now)).await.unwrap_or_default();
            let slots = found.troubles.is_empty().then(|| found.logins.iter().map(key).collect());
            watched.0.insert((program, file), Seen { stamps: None, slots });
        }
        watched
    }

    /// Watches until `stop`. For the daemon; whoever starts it waits for its end.
    pub async fn watch_borrowed(self: Arc<Self>, mut watched: Watched, stop: CancellationToken) {
        loop {
            if let Err(failure) = self.look(&mut watched).await {
                tracing::warn!(%failure, "borrowed logins could not be looked at; they stay as they are");
            }
            let pause = self.herd().clock().sleep(LOOK_EVERY);
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    async fn look(&self, watched: &mut Watched) -> Result<(), Failure> {
        let by_file = self.borrowed_files();
        watched.0.retain(|file, _| by_file.contains_key(file));
        for (file, borrowers) in by_file {
            let seen = watched.0.entry(file.clone()).or_default();
            self.look_at(&file, borrowers, seen).await?;
        }
        Ok(())
    }

    fn borrowed_files(&self) -> BTreeMap<(Program, PathBuf), Vec<(AccountId, Borrowed)>> {
        let all: Vec<(AccountId, Borrowed)> = self.herd().look(|_, profiles| {
            profiles.iter().filter_map(|(id, profile)| Some((*id, profile.borrowed.clone()?))).collect()
        });
        let mut by_file: BTreeMap<(Program, PathBuf), Vec<(AccountId, Borrowed)>> = BTreeMap::new();
        for (id, from) in all {
            let Some(program) = Program::named(&from.program) else { continue };
            by_file.entry((program, PathBuf::from(&from.file))).or_default().push((id, from));
        }
        by_file
    }

    async fn look_at(
        &self,
        (program, file): &(Program, PathBuf),
        borrowers: Vec<(AccountId, Borrowed)>,
        seen: &mut Seen,
    ) -> Result<(), Failure> {
        let place = Place::of(*program, file);
        let now = self.now();
        let before = seen.stamps.clone();
        let read = move || {
            let stamps: Vec<Option<Stamp>> = place.watched().iter().map(|file| stamp(file)).collect();
            if before.as_ref() == Some(&stamps) { None } else { Some((stamps, import::read(&place, now))) }
        };
        let Some((stamps, mut found)) = tokio::task::spawn_blocking(read).await.ok().flatten() else { return Ok(()) };
        // A file in the middle of being written, or a damaged one, says nothing. It is read again with the next look.
        if !found.troubles.is_empty() {
            tracing::debug!(file = %file.display(), why = found.troubles[0].why, "a borrowed login's file is not readable now");
            return Ok(());
        }
        let mut held = Vec::new();
        for (id, _) in &borrowers {
            if let Credential::Borrowed { access, .. } = self.herd().store().credential(*id).await.told()?.credential {
                held.push(access);
            }
        }
        for login in &mut found.logins {
            let token = access(&login.secret).expose_secret();
            // Who it is stands in another file than the token, and may be older or newer.
            if held.iter().all(|held| held.expose_secret() != token) {
                self.confirm(login).await;
            }
        }
        for (id, from) in &borrowers {
            self.follow(*id, from, &found).await?;
        }
        self.join_newcomers(file, &borrowers, &found, seen).await?;
        seen.slots = Some(found.logins.iter().map(key).collect());
        seen.stamps = Some(stamps);
        Ok(())
    }

    /// One account and the file of its owner.
    async fn follow(&self, id: AccountId, from: &Borrowed, found: &Found) -> Result<(), Failure> {
        let herd = self.herd();
        let Some((identity, status)) =
            herd.look(|herd, _| herd.accounts.get(&id).map(|account| (account.identity.clone(), account.status)))
        else {
            return Ok(());
        };
        // Somebody else under the same entry is another account, and this one is logged out.
        let is_it = |login: &&Login| {
            let theirs = login.profile.identity(login.vendor);
            borrowed_from(login) == *from && (theirs.is_none() || identity.is_none() || theirs == identity)
        };
        let stored = herd.store().credential(id).await.told()?;
        let Credential::Borrowed { access: held, expires_at, .. } = &stored.credential else { return Ok(()) };
        match found.logins.iter().find(is_it) {
            Some(login) => {
                let same =
                    held.expose_secret() == access(&login.secret).expose_secret() && *expires_at == login.expires_at();
                if same {
                    return Ok(());
                }
                let returns = held.expose_secret().is_empty() || status == AccountStatus::NeedsLogin;
                self.replace(id, &stored, borrowed(login)).await?;
                if returns {
                    herd.logged_in(id).await.told()?;
                    tracing::info!(account = %id, program = from.program, "a borrowed login is back");
                }
            }
            None if held.expose_secret().is_empty() => {}
            None => {
                let gone = Credential::Borrowed {
                    access: SecretString::from(""),
                    expires_at: Some(self.now()),
                    source: from.file.clone(),
                };
                self.replace(id, &stored, gone).await?;
                if status != AccountStatus::Paused {
                    herd.edit(vec![Edit::Status(id, AccountStatus::NeedsLogin)]).await.told()?;
                }
                tracing::info!(account = %id, program = from.program, "a borrowed login is gone: its owner has logged out");
            }
        }
        Ok(())
    }

    async fn replace(&self, id: AccountId, stored: &StoredCredential, credential: Credential) -> Result<(), Failure> {
        let newer = StoredCredential { credential, generation: stored.generation + 1 };
        match self.herd().store().advance(id, newer).await.told()? {
            Rotation::Stored { .. } => self.known_to_keeper(id).await,
            // Its owner has logged in here meanwhile; that goes before.
            Rotation::Conflict { .. } => {}
        }
        Ok(())
    }

    /// Logins that have come into the file since the first look.
    async fn join_newcomers(
        &self,
        file: &Path,
        borrowers: &[(AccountId, Borrowed)],
        found: &Found,
        seen: &Seen,
    ) -> Result<(), Failure> {
        let Some(before) = &seen.slots else { return Ok(()) };
        for login in found.logins.iter().filter(|login| !before.contains(&key(login))) {
            // Terms were read for the kinds that are borrowed already, and for no others.
            let accepted = self.herd().look(|herd, _| {
                borrowers
                    .iter()
                    .filter_map(|(id, _)| herd.accounts.get(id))
                    .any(|account| account.vendor == login.vendor && account.kind == login.kind)
            });
            if !accepted {
                tracing::info!(file = %file.display(), "a new login of another kind is there: `remuda import` takes it over");
                continue;
            }
            let group = self.group(login.clone()).await?;
            if group.here.is_none() {
                let done = self.take(&group, ImportHow::Borrow).await;
                tracing::info!(
                    account = done.label,
                    why = done.why,
                    "a login joins from a file from which others are borrowed"
                );
            }
        }
        Ok(())
    }
}

/// Entry and person: another person under the same entry is a newcomer.
fn key(login: &Login) -> String {
    let identity = login.profile.identity(login.vendor).map(|identity| identity.0).unwrap_or_default();
    format!("{}\0{}\0{identity}", login.source.file.display(), login.source.slot)
}

fn stamp(file: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(file).ok()?;
    Some(Stamp { modified: found.modified().ok(), length: found.len(), inode: found.ino() })
}
