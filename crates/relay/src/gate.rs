//! Which message of a conversation a relay lets through to the vendor, and how often: never twice.
//!
//! A client numbers its relay's lifetime (epoch), its messages (id) and their order (time of sending, always rising).
//! So a relay needs to remember only the last message that it took: what is older is a repetition, what is the same gets
//! the same answer, and what was meant for an earlier life of the relay is refused. What is older than [`WINDOW_MS`] is
//! refused without remembering anything.

use crate::code::Code;
use crate::message::Problem;
use crate::request::Head;

/// How far a message's time of sending may lie from the relay's clock. What a relay remembers of a conversation must not
/// be forgotten earlier.
pub const WINDOW_MS: u64 = 300_000;

/// The last message that was taken. One per conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    last: Option<(String, u64)>,
}

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// It is new. If it fits, call [`Gate::took`] and then the vendor.
    New,
    /// It was taken before: give its answer again, do not call the vendor.
    Again,
}

impl Gate {
    /// A gate that has let this message through.
    #[must_use]
    pub fn after(id: String, at_ms: u64) -> Self {
        Self { last: Some((id, at_ms)) }
    }

    /// Looks at a message that has arrived in this epoch.
    ///
    /// # Errors
    /// [`Code::Epoch`] with the present epoch, [`Code::Stale`].
    pub fn look(&self, head: &Head, epoch: &str, now_ms: u64) -> Result<Pass, Problem> {
        if head.epoch != epoch {
            let forgot = Problem::before(Code::Epoch, "the relay has forgotten this conversation");
            return Err(Problem { epoch: Some(epoch.to_owned()), ..forgot });
        }
        match &self.last {
            Some((id, _)) if *id == head.id => Ok(Pass::Again),
            Some((_, at)) if head.at_ms <= *at => {
                Err(Problem::before(Code::Stale, "a later message of this conversation has been taken"))
            }
            _ if head.at_ms.abs_diff(now_ms) > WINDOW_MS => {
                Err(Problem::before(Code::Stale, "sent too long ago, or by a clock that is far off"))
            }
            _ => Ok(Pass::New),
        }
    }

    /// The message is taken. From here on its vendor may be called.
    pub fn took(&mut self, head: &Head) {
        self.last = Some((head.id.clone(), head.at_ms));
    }

    /// The id of the message that was taken last.
    #[must_use]
    pub fn last_id(&self) -> Option<&str> {
        self.last.as_ref().map(|(id, _)| id.as_str())
    }

    /// Would anything that it remembers still be refused without it?
    #[must_use]
    pub fn is_past(&self, now_ms: u64) -> bool {
        self.last.as_ref().is_none_or(|(_, at)| now_ms > at.saturating_add(2 * WINDOW_MS))
    }
}
