//! Anthropic's prompt-cache marks in a Messages body: which stand there, and which edits bring about what a mode wants.
//!
//! A mark (`cache_control`) ends a prefix that the vendor keeps, for five minutes or with `ttl: "1h"` for an hour. At
//! most four may stand in a request, and one hour may not follow five minutes in the order tools, system, messages
//! (platform.claude.com/docs/en/build-with-claude/prompt-caching). The edits are splices: every byte outside the marks
//! stays as the agent sent it, and editing what was edited changes nothing.

mod edit;
mod outline;
mod place;

use serde::{Deserialize, Serialize};

use crate::splice::Edit;
use edit::Editor;
use outline::Outline;

/// What is done with the marks of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing.
    #[default]
    Off,
    /// The agent's own marks are kept for an hour.
    Explicit,
    /// One mark for the whole request, which the vendor moves along by itself.
    Automatic,
    /// Up to four one-hour marks where they pay: the end of the system prompt, the beginning of the conversation, the
    /// latest user turn, and a bridge to the turn before if the vendor would not look back that far.
    Hybrid,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Off, Self::Explicit, Self::Automatic, Self::Hybrid];

    /// `off`, `explicit`, `automatic`, `hybrid`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Explicit => "explicit",
            Self::Automatic => "automatic",
            Self::Hybrid => "hybrid",
        }
    }
}

/// What marks should become, and where they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The mode that holds for the request.
    pub mode: Mode,
    /// Is it a request of a subagent? Those are short: their prefixes are not worth an hour.
    pub subagent: bool,
    /// Does the upstream take `ttl`? Some compatible endpoints refuse a request that has one.
    pub ttl: bool,
}

/// What is to be done with one body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// In order, without overlap; none: the body stays as it is.
    pub edits: Vec<Edit>,
    /// Marks that the body has afterwards: tools, system, messages, results inside messages, and the top.
    pub breakpoints: usize,
}

/// The edits that a wish asks for. `None`: the body cannot be read as a Messages request; leave it alone.
#[must_use]
pub fn marks(body: &[u8], wish: Wish) -> Option<Marks> {
    let outline = Outline::read(body)?;
    let mut editor = Editor::new(body, &outline);
    match (wish.mode, wish.subagent) {
        (Mode::Off, _) => {}
        (_, true) => editor.shorten(),
        (Mode::Explicit, false) if wish.ttl => editor.lengthen(),
        (Mode::Explicit, false) => {}
        (Mode::Automatic, false) => editor.only_at_top(wish.ttl),
        (Mode::Hybrid, false) => editor.only_at(&place::anchors(&outline), wish.ttl),
    }
    Some(editor.finish())
}
