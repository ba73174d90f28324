//! Taking over the logins that other programs keep on this machine.
//!
//! `POST /imports` with `dry_run` only says what is there. Secrets never cross the API: the daemon reads the files itself, at
//! the places that the caller's environment names.

use std::collections::BTreeMap;

use remuda_core::{Class, CredentialKind, Host, UnixSeconds, Vendor};
use serde::{Deserialize, Serialize};

use super::{Terms, Who};

/// What to take over, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportStart {
    /// Where to look.
    pub places: Vec<ImportPlace>,
    /// How.
    #[serde(default)]
    pub how: ImportHow,
    /// Only say what is there.
    #[serde(default)]
    pub dry_run: bool,
    /// The owner has read the wording in [`Imported::terms`].
    #[serde(default)]
    pub accept_terms: bool,
}

/// A file of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportPlace {
    /// The program: `claude`, `codex`, `pi`, `opencode`, `qwen`, `multi-claude-code`, `codex-accounts`, `multi-auth`,
    /// `anthropic-auth`.
    pub program: String,
    /// The agent to which it belongs.
    pub host: Host,
    /// The file with the logins.
    pub file: String,
    /// Files that say more about them.
    #[serde(default)]
    pub beside: Vec<String>,
}

/// Who owns the logins afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ImportHow {
    /// Their programs: Remuda reads and watches, and never refreshes or revokes.
    #[default]
    Borrow,
    /// Remuda: it refreshes them from now on, and they are taken out of the programs' files.
    Move,
}

/// What became of a login, or would become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// An account that its program owns.
    Borrowed,
    /// An account of Remuda's own.
    Moved,
    /// The same real account is here already, or was found in another file; see `account` and `why`.
    Known,
    /// It could not be taken over; see `why`.
    Failed,
}

/// One login that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FoundLogin {
    /// Whose file it stands in.
    pub program: String,
    /// The file.
    pub file: String,
    /// The entry in it; empty where the file holds one.
    pub slot: String,
    /// Who serves it.
    pub vendor: Vendor,
    /// What kind of secret it is.
    pub kind: CredentialKind,
    /// Who it is, as far as is known.
    pub who: Who,
    /// When its access ends, if that is known.
    pub expires_at: Option<UnixSeconds>,
    /// Who refreshes it now, in words: a program, or nobody.
    pub refreshed_by: String,
    /// The label of the account that it is, or would become.
    pub account: Option<String>,
    /// What became of it, or would.
    pub fate: Fate,
    /// Why, in words.
    pub why: Option<String>,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportTrouble {
    /// Which.
    pub file: String,
    /// Why.
    pub why: String,
}

/// A status or phrase by which a tool moved on, as a row of `[[refusals]]` in `config.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefusalRow {
    /// At this vendor only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Vendor>,
    /// HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Phrase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phrase: Option<String>,
    /// What it means.
    pub verdict: Class,
}

/// What was found, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Imported {
    /// When this was true.
    pub now: UnixSeconds,
    /// Was nothing changed?
    pub dry_run: bool,
    /// The logins.
    pub logins: Vec<FoundLogin>,
    /// Settings of the tools that hold here now, in words: chains, pools, rests, minimums, reserves.
    pub kept: Vec<String>,
    /// What was not taken over, and why.
    pub not_kept: Vec<String>,
    /// Rows for `config.toml`, which the caller writes there.
    pub refusals: Vec<RefusalRow>,
    /// Files that could not be read. Nothing is concluded from them.
    pub troubles: Vec<ImportTrouble>,
    /// Vendors' wording that has not been accepted yet, by kind of credential.
    pub terms: BTreeMap<String, Terms>,
}
