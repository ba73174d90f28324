//! What a reader brings back: logins, what their program wished for them, and what could not be understood.

use std::collections::BTreeMap;
use std::path::PathBuf;

use remuda_core::snapshot::Strategy;
use remuda_core::{Class, CredentialKind, UnixSeconds, Vendor, Window};
use remuda_vendors::Profile;
use secrecy::SecretString;

use super::file::Trouble;
use super::place::Program;

/// Where a login stands: enough to find it again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Whose file.
    pub program: Program,
    /// The file.
    pub file: PathBuf,
    /// The entry in it; empty where the file holds one login.
    pub slot: String,
}

/// A secret as it stands in a file. Printing it shows nothing.
#[derive(Clone, Debug)]
pub enum Secret {
    /// An OAuth pair.
    Pair {
        /// Access token.
        access: SecretString,
        /// Single-use refresh token; `None`: only its owner has one.
        refresh: Option<SecretString>,
        /// When the access token ends.
        expires_at: Option<UnixSeconds>,
        /// When it was last refreshed.
        last_refresh_at: Option<UnixSeconds>,
        /// The client id that the vendor issued with it (shared plans).
        client_id: Option<String>,
    },
    /// A key.
    Key(SecretString),
    /// A long-lived token.
    Token(SecretString),
}

/// One login.
#[derive(Clone, Debug)]
pub struct Login {
    /// Where it stands.
    pub source: Source,
    /// Who serves it.
    pub vendor: Vendor,
    /// What kind it is.
    pub kind: CredentialKind,
    /// The label that the person gave it there.
    pub label: Option<String>,
    /// The secret.
    pub secret: Secret,
    /// Who it is, as far as the files tell.
    pub profile: Profile,
    /// An endpoint of its own.
    pub base_url: Option<String>,
    /// Travels the key as `x-api-key`? `None`: not said.
    pub x_api_key: Option<bool>,
    /// Had the person switched it off?
    pub off: bool,
    /// It rests until then.
    pub rests_until: Option<UnixSeconds>,
    /// Single models rest.
    pub models_rest: BTreeMap<String, UnixSeconds>,
    /// Least remaining percent per window.
    pub min_remaining: BTreeMap<Window, f64>,
}

impl Login {
    pub(super) fn new(source: Source, vendor: Vendor, kind: CredentialKind, secret: Secret) -> Self {
        Self {
            source,
            vendor,
            kind,
            label: None,
            secret,
            profile: Profile::default(),
            base_url: None,
            x_api_key: None,
            off: false,
            rests_until: None,
            models_rest: BTreeMap::new(),
            min_remaining: BTreeMap::new(),
        }
    }

    /// When its access ends, if that is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixSeconds> {
        match &self.secret {
            Secret::Pair { expires_at, .. } => *expires_at,
            Secret::Key(_) | Secret::Token(_) => None,
        }
    }
}

/// A set of accounts between which a tool moved by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// In order.
    pub members: Vec<Source>,
    /// How a member was chosen.
    pub strategy: Strategy,
}

/// A status or phrase by which a tool moved on: a row of the person's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// At this vendor only.
    pub vendor: Option<Vendor>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Phrase.
    pub phrase: Option<String>,
    /// What it means.
    pub verdict: Class,
}

/// Least remaining percent per window, below which nothing serves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reserves {
    /// Of every account.
    pub everyone: BTreeMap<Window, f64>,
    /// Of single accounts.
    pub accounts: BTreeMap<Source, BTreeMap<Window, f64>>,
}

/// What a tool's settings say beyond single logins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wishes {
    /// Who stands in for whom, in order.
    pub chains: Vec<(Source, Vec<Source>)>,
    /// Sets between which the tool moved by itself.
    pub pools: Vec<Pool>,
    /// Where requests went.
    pub active: Option<Source>,
    /// Hard reserves. `None`: the tool has no such switch, or it is off.
    pub kill_switch: Option<Reserves>,
    /// Minimums of accounts that stand in other files.
    pub minimums: Vec<(Source, BTreeMap<Window, f64>)>,
    /// May an account with a minimum serve while its quota is not known?
    pub unknown_quota_open: Option<bool>,
    /// Statuses and phrases.
    pub rows: Vec<Row>,
}

/// Everything that was found in one place.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The logins, in the order in which the person had them.
    pub logins: Vec<Login>,
    /// The tool's settings.
    pub wishes: Wishes,
    /// What a person wants to know: what was not taken, and why.
    pub remarks: Vec<String>,
    /// Files that could not be read.
    pub troubles: Vec<Trouble>,
}
