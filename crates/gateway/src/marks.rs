//! Prompt-cache marks: which mode holds for a request, and what it makes of the body.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use remuda_core::{Host, Protocol, RequestFacts, RequestKind};
use remuda_wire::cache::{Mode, Wish, marks};
use remuda_wire::splice;

use crate::herd::Mount;

/// The modes that their owner has set: what is said of an account holds before what is said of an agent, and that before
/// what is said of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheModes {
    /// Of everything.
    pub everywhere: Mode,
    /// Of agents.
    pub hosts: BTreeMap<Host, Mode>,
    /// Of accounts, by label.
    pub accounts: BTreeMap<String, Mode>,
}

impl CacheModes {
    /// The mode for an agent's request on an account.
    #[must_use]
    pub fn of(&self, host: Host, account: &str) -> Mode {
        self.accounts.get(account).or_else(|| self.hosts.get(&host)).copied().unwrap_or(self.everywhere)
    }
}

/// The modes in force.
#[derive(Debug, Default)]
pub struct Marking(RwLock<Arc<CacheModes>>);

impl Marking {
    /// Puts other modes in force, from the next attempt on.
    pub fn set(&self, modes: CacheModes) {
        *self.0.write() = Arc::new(modes);
    }

    /// What is to be done with the marks of this request on this account; `None`: nothing.
    pub(crate) fn wish(&self, facts: &RequestFacts, mount: &Mount, protocol: Protocol) -> Option<Wish> {
        let marked = matches!(facts.kind, RequestKind::Main | RequestKind::Subagent | RequestKind::Side);
        if protocol != Protocol::Messages || !marked {
            return None;
        }
        let mode = self.0.read().of(facts.host, &mount.label);
        // A side call is as short as a subagent's: a title, a summary.
        let subagent = facts.kind != RequestKind::Main;
        (mode != Mode::Off).then(|| Wish { mode, subagent, ttl: mount.capabilities().cache_ttl })
    }
}

/// The body with the marks that a wish asks for, and what to tell about it. `None`: nothing is to be changed.
pub(crate) fn marked(frames: &[Bytes], wish: Wish) -> Option<(Vec<Bytes>, String)> {
    let whole = match frames {
        [one] => one.clone(),
        many => Bytes::from(many.concat()),
    };
    let found = marks(&whole, wish).filter(|found| !found.edits.is_empty())?;
    let frames = splice::splice([whole], &found.edits)
        .inspect_err(|error| tracing::error!(%error, "cache marks do not fit; the body stays as it is"))
        .ok()?;
    let (mode, count) = (wish.mode.as_str(), found.breakpoints);
    Some((frames, format!("cache_control: marks set by mode {mode}, {count} in all")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_an_account_holds_before_the_agent_and_that_before_everything() {
        let mut modes = CacheModes { everywhere: Mode::Explicit, ..CacheModes::default() };
        assert_eq!(modes.of(Host::Pi, "work"), Mode::Explicit);
        modes.hosts.insert(Host::Pi, Mode::Hybrid);
        assert_eq!(modes.of(Host::Pi, "work"), Mode::Hybrid);
        assert_eq!(modes.of(Host::Claude, "work"), Mode::Explicit);
        modes.accounts.insert("work".to_owned(), Mode::Off);
        assert_eq!(modes.of(Host::Pi, "work"), Mode::Off);
    }

    #[test]
    fn only_a_body_that_changes_is_told_of() {
        let wish = Wish { mode: Mode::Explicit, subagent: false, ttl: true };
        let body = |text: &'static str| vec![Bytes::from_static(text.as_bytes())];
        assert!(marked(&body(r#"{"messages":[]}"#), wish).is_none());
        let (frames, told) = marked(&body(r#"{"cache_control":{"type":"ephemeral"},"messages":[]}"#), wish).unwrap();
        assert_eq!(frames.concat(), br#"{"cache_control":{"type":"ephemeral","ttl":"1h"},"messages":[]}"#);
        assert_eq!(told, "cache_control: marks set by mode explicit, 1 in all");
    }
}
