//! The rule by which a relay takes a message of a conversation or refuses it, and what the client does then.

use crate::delta::{ApplyError, Op, apply};
use crate::hash::BodyHash;

/// The last body of a conversation that a relay has rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its fingerprint.
    pub hash: BodyHash,
    /// How many messages it took, counted by the client.
    pub revision: u64,
}

/// How a message states its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'a> {
    /// Whole.
    Full(&'a [u8]),
    /// As edits of an earlier one.
    Delta {
        /// The earlier one.
        base: BodyHash,
        /// The edits.
        ops: &'a [Op<'a>],
    },
}

/// A body on its way to a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its place in the conversation. A whole body may begin anew at any.
    pub revision: u64,
    /// The fingerprint of the body that must result.
    pub next: BodyHash,
    /// How it is stated.
    pub form: Form<'a>,
}

/// Why a message is refused. Nothing was sent to the vendor, and what the relay holds stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The relay holds no body of this conversation, or another one.
    #[error("the relay does not hold the body that the edits refer to")]
    BaseMismatch,
    /// The message is not the next one, or its edits are not in order.
    #[error("the message or its edits are out of order")]
    OutOfOrder,
    /// An edit reaches past the end.
    #[error("an edit reaches past the end of the body")]
    OutOfRange,
    /// An edit cuts a character in two.
    #[error("an edit cuts a character in two")]
    NotCharBoundary,
    /// The body is not the one that was meant.
    #[error("the rebuilt body is not the one that was meant")]
    HashMismatch,
}

/// What a client does after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Sends the whole body to the relay, once.
    Full,
    /// Leaves the relay out.
    Direct,
}

impl Refusal {
    /// A whole body that does not arrive as it was sent will not do so the next time either; any other refusal is about
    /// what the relay remembers.
    #[must_use]
    pub fn then(self, form: &Form<'_>) -> Then {
        match form {
            Form::Delta { .. } => Then::Full,
            Form::Full(_) => Then::Direct,
        }
    }
}

impl From<ApplyError> for Refusal {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::OutOfOrder => Self::OutOfOrder,
            ApplyError::OutOfRange => Self::OutOfRange,
            ApplyError::NotCharBoundary => Self::NotCharBoundary,
        }
    }
}

/// Rebuilds the body of a message on what the relay holds. `held.1` must be the body that `held.0.hash` is of. What is
/// returned takes its place; only then may the vendor be called.
///
/// # Errors
/// The first check that fails, in this order: revision, base, edits, result.
pub fn settle(held: Option<(Standing, &[u8])>, message: &Message<'_>) -> Result<(Standing, Vec<u8>), Refusal> {
    let body = match message.form {
        Form::Full(body) => body.to_vec(),
        Form::Delta { base, ops } => {
            let (standing, old) = held.ok_or(Refusal::BaseMismatch)?;
            if Some(message.revision) != standing.revision.checked_add(1) {
                return Err(Refusal::OutOfOrder);
            }
            if base != standing.hash {
                return Err(Refusal::BaseMismatch);
            }
            apply(old, ops)?
        }
    };
    if BodyHash::of(&body) != message.next {
        return Err(Refusal::HashMismatch);
    }
    Ok((Standing { hash: message.next, revision: message.revision }, body))
}
