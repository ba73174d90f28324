//! Taking over the logins of other programs. The files are read by `remuda_hosts::import`; here it is decided what becomes
//! of each login, and done.
//!
//! ```text
//! gather   all files read, duplicates seen: identity counts, not the label
//! take     one login becomes an account, borrowed or our own
//! wishes   chains, pools, minimums and reserves of the tools' settings
//! watch    borrowed logins follow their files, for as long as the daemon runs
//! ```

mod gather;
mod take;
mod watch;
mod wishes;

pub use watch::Watched;

use std::collections::BTreeMap;
use std::path::PathBuf;

use remuda_core::snapshot::Target;
use remuda_core::{AccountId, CredentialKind, Vendor};
use remuda_hosts::import::{Place, Program};
use remuda_store::{Acknowledgement, Edit};
use remuda_vendors::terms::terms;

use self::gather::{Gathered, Group};
use self::wishes::Accounts;
use super::Api;
use super::stored::Told;
use crate::types::{Code, Failure};
use crate::types::{
    Fate, FoundLogin, ImportPlace, ImportStart, ImportTrouble, Imported, RefusalRow, Terms, TermsAsked, Who,
};

/// More places than this are refused; there are about ten.
const MAX_PLACES: usize = 64;

impl Api {
    /// Finds the logins of other programs, and takes them over.
    ///
    /// # Errors
    /// A place names no program, terms were not accepted, or the store fails. What happens to single logins is in the
    /// answer.
    pub async fn import(&self, start: ImportStart) -> Result<Imported, Failure> {
        let places = places(&start.places)?;
        let mut gathered = self.gather(&places).await?;
        let terms = self.pending_terms(&gathered.groups).await?;
        if !start.dry_run && !start.accept_terms && !terms.is_empty() {
            let words = terms.values().find_map(|terms| terms.before_login.clone()).unwrap_or_default();
            return Err(Failure::new(Code::TermsNotAccepted, "the vendors' terms have not been accepted yet")
                .why(words)
                .remedy("read them, then say so (--accept-terms)"));
        }
        let mut accounts = Accounts::default();
        let mut logins = Vec::new();
        for group in &gathered.groups {
            let done = if start.dry_run { self.foresee(group, start.how) } else { self.take(group, start.how).await };
            logins.extend(told(group, &done));
            accounts.add(group, done.account);
        }
        if !start.dry_run {
            self.first_choice(&gathered, &accounts).await?;
        }
        let kept = self.grant_wishes(&mut gathered, &accounts, start.dry_run).await?;
        let refusals = gathered.wishes.rows.into_iter().map(|row| RefusalRow {
            vendor: row.vendor,
            status: row.status,
            phrase: row.phrase,
            verdict: row.verdict,
        });
        let told = |trouble: remuda_hosts::import::Trouble| ImportTrouble {
            file: trouble.file.display().to_string(),
            why: trouble.why,
        };
        Ok(Imported {
            now: self.now(),
            dry_run: start.dry_run,
            logins,
            kept,
            not_kept: gathered.remarks,
            refusals: refusals.collect(),
            troubles: gathered.troubles.into_iter().map(told).collect(),
            terms,
        })
    }

    /// The wording that has not been accepted yet for kinds of logins that are new here.
    async fn pending_terms(&self, groups: &[Group]) -> Result<BTreeMap<String, Terms>, Failure> {
        let mut pending = BTreeMap::new();
        for group in groups.iter().filter(|group| group.here.is_none()) {
            let (vendor, kind) = (group.login.vendor, group.login.kind);
            let terms = self.terms(TermsAsked { vendor, kind: Some(kind) }).await?;
            if terms.before_login.is_some() && terms.accepted_at.is_none() {
                let words = serde_json::to_value(kind).ok().and_then(|kind| Some(kind.as_str()?.to_owned()));
                pending.insert(format!("{vendor} {}", words.unwrap_or_default()), terms);
            }
        }
        Ok(pending)
    }

    /// The acknowledgement that a new account of this kind carries.
    fn acknowledgement(&self, vendor: Vendor, kind: CredentialKind) -> Option<Acknowledgement> {
        let words = terms(vendor, kind);
        words.before_login?;
        Some(Acknowledgement { text_version: words.source.to_owned(), at: self.now() })
    }

    /// Where nothing is chosen yet, the account that the tool had chosen is, or else the first.
    async fn first_choice(&self, gathered: &Gathered, accounts: &Accounts) -> Result<(), Failure> {
        if self.herd().look(|herd, _| herd.active.is_some()) {
            return Ok(());
        }
        let wished = gathered.wishes.active.iter().find_map(|source| accounts.of(source));
        match wished.or_else(|| accounts.first()) {
            Some(id) => self.herd().edit(vec![Edit::Active(Some(Target::Account(id)))]).await.told(),
            None => Ok(()),
        }
    }
}

/// What became of a group of logins that are one account.
struct Done {
    account: Option<AccountId>,
    label: Option<String>,
    fate: Fate,
    why: Option<String>,
}

fn places(asked: &[ImportPlace]) -> Result<Vec<Place>, Failure> {
    if asked.len() > MAX_PLACES {
        return Err(Failure::invalid(format!("at most {MAX_PLACES} places can be looked at")));
    }
    let place = |asked: &ImportPlace| {
        let program = Program::named(&asked.program)
            .ok_or_else(|| Failure::invalid(format!("{:?} is no program whose logins are known", asked.program)))?;
        let beside = asked.beside.iter().map(PathBuf::from).collect();
        Ok(Place { program, host: asked.host, file: PathBuf::from(&asked.file), beside })
    };
    asked.iter().map(place).collect()
}

/// Every login of the group, the one that was taken first.
fn told(group: &Group, done: &Done) -> Vec<FoundLogin> {
    let all = std::iter::once(&group.login).chain(&group.others);
    all.enumerate()
        .map(|(at, login)| {
            let owner = login.source.program.words();
            let (fate, why) = if at == 0 {
                (done.fate, done.why.clone())
            } else {
                let first = &group.login.source;
                let why = format!("the same account as in {}", first.file.display());
                (Fate::Known, Some(why))
            };
            let refreshed = matches!(&login.secret, remuda_hosts::import::Secret::Pair { .. });
            FoundLogin {
                program: login.source.program.as_str().to_owned(),
                file: login.source.file.display().to_string(),
                slot: login.source.slot.clone(),
                vendor: login.vendor,
                kind: login.kind,
                who: Who {
                    email: login.profile.email.clone(),
                    organization: login.profile.organisation_name.clone(),
                    plan: login.profile.plan.clone(),
                },
                expires_at: login.expires_at(),
                refreshed_by: match (refreshed, fate) {
                    (true, Fate::Moved) => "Remuda".to_owned(),
                    (true, _) => owner.to_owned(),
                    (false, _) => "nobody".to_owned(),
                },
                account: done.label.clone(),
                fate,
                why,
            }
        })
        .collect()
}

/// In words for a person: where a login stands.
fn place_of(source: &remuda_hosts::import::Source) -> String {
    let file = source.file.display();
    if source.slot.is_empty() { file.to_string() } else { format!("{file}, {}", source.slot) }
}
