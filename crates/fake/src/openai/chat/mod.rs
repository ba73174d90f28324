//! Chat Completions: the part that OpenAI and Alibaba have in common. What they let in, and what it costs, is their own.

mod completion;
mod compose;
mod prompt;

pub(crate) use completion::finish;
pub(crate) use compose::compose;
pub(crate) use prompt::{Prompt, ROLES};
