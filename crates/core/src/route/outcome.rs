//! How a request ends, and which refusal is handed on when nobody could serve.

use serde::{Deserialize, Serialize};

use super::gate::{Gate, Seen};
use super::path::Candidate;
use super::skip::{Passed, SkipReason};
use crate::id::AccountId;
use crate::time::UnixSeconds;
use crate::verdict::Class;

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// Served.
    Served {
        /// By whom.
        account: AccountId,
        /// The model that was put in place of the one named, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// Nobody could serve.
    Error {
        /// Whose answer is handed to the client; `None`: nothing was sent, the gateway answers itself.
        from: Option<AccountId>,
        /// The class of that answer; `None` together with `from`: no route.
        class: Option<Class>,
        /// Seconds until the earliest return among the accounts of the path. The true value.
        retry_after_s: Option<f64>,
    },
    /// Broke off after content.
    StreamError {
        /// Whose stream.
        from: AccountId,
        /// Why.
        class: Class,
    },
}

impl Outcome {
    /// What went wrong, if something did.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        match self {
            Self::Served { .. } => None,
            Self::Error { class, .. } => *class,
            Self::StreamError { class, .. } => Some(*class),
        }
    }
}

/// A refusal that ended the request: handed on as it is, with the account's own return if it set a limit.
pub(super) fn handed_on(gate: &Gate<'_>, candidate: &Candidate, class: Class, now: UnixSeconds) -> Outcome {
    let limit = matches!(class, Class::WindowExhausted | Class::ModelExhausted | Class::Billing | Class::Burst);
    let returns_at = gate.returns_at(candidate).filter(|_| limit);
    Outcome::Error {
        from: Some(candidate.account),
        class: Some(class),
        retry_after_s: returns_at.map(|at| seconds(now, at)),
    }
}

/// Nobody could serve: the first limit is the most useful answer, or else the first refusal.
pub(super) fn of_all<'a>(
    gate: &Gate<'_>,
    seen: &Seen,
    visited: impl Iterator<Item = &'a Candidate>,
    skipped: &[Passed],
    now: UnixSeconds,
) -> Outcome {
    let limit = |class| matches!(class, Class::WindowExhausted | Class::ModelExhausted | Class::Burst);
    let first = seen.refusals.iter().find(|(_, class)| limit(*class)).or(seen.refusals.first());
    // Whoever stands behind the limit of moves alone is free for the next request.
    let free = skipped.iter().any(|passed| passed.reason == SkipReason::HopLimit).then_some(now + 1);
    let earliest = visited.filter_map(|candidate| gate.returns_at(candidate)).chain(free).min();
    Outcome::Error {
        from: first.map(|(account, _)| *account),
        class: first.map(|(_, class)| *class),
        retry_after_s: earliest.map(|at| seconds(now, at)),
    }
}

/// Seconds are few enough for an `f64` to hold them exactly.
fn seconds(now: UnixSeconds, at: UnixSeconds) -> f64 {
    at.saturating_sub(now) as f64
}
