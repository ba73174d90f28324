//! The logins that other programs keep on this machine: found, read, understood. Nothing is ever sent anywhere, and only
//! `take_out` writes; what becomes of a login is decided by `remuda import`.
//!
//! ```text
//! place      which program keeps what where          file      reads a file, carefully
//! found      what a reader brings back               fields    the spellings that these files share
//! claude · codex · pi · opencode · qwen              the agents' own files
//! labelled · anthropic_auth · failover               the files of earlier multi-account tools
//! ```

mod anthropic_auth;
mod claude;
mod codex;
mod failover;
mod fields;
mod file;
mod found;
mod labelled;
mod opencode;
mod pi;
mod place;
mod qwen;
mod slot;
mod take_out;

pub use file::Trouble;
pub use found::{Found, Login, Pool, Reserves, Row, Secret, Source, Wishes};
pub use place::{Place, Program, places};
pub use take_out::take_out;

use remuda_core::UnixSeconds;

/// Reads what a program keeps. A file that is not there holds nothing; one that cannot be read is told as trouble and
/// never taken for empty.
#[must_use]
pub fn read(place: &Place, now: UnixSeconds) -> Found {
    let read = match place.program {
        Program::Claude => claude::read,
        Program::Codex => codex::read,
        Program::Pi => pi::read,
        Program::OpenCode => opencode::read,
        Program::Qwen => qwen::read,
        Program::MultiClaudeCode => labelled::multi_claude_code,
        Program::CodexAccounts => labelled::codex_accounts,
        Program::MultiAuth => labelled::multi_auth,
        Program::AnthropicAuth => anthropic_auth::read,
    };
    let mut found = Found::default();
    if let Err(trouble) = read(place, now, &mut found) {
        found.troubles.push(trouble);
    }
    found
}
