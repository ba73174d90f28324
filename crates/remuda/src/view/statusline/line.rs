//! What a status line tells: whom it is about, chosen from what the daemon says.

use remuda_control::types::{AccountView, Ending, HerdView, RequestView, State};
use remuda_core::{AccountId, RequestKind, UnixSeconds};
use serde::Serialize;

/// Did the daemon answer?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Daemon {
    /// It did.
    Answers,
    /// It does not run.
    Off,
    /// Not in time, or nothing that can be read.
    Silent,
}

/// Whom the line is about. Also the JSON of the command.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    /// Did the daemon answer? If not, all else is empty.
    pub(crate) daemon: Daemon,
    /// When this was true; 0 without an answer.
    pub(crate) now: UnixSeconds,
    /// Label or `@pool`; `None`: no account is chosen.
    pub(crate) target: Option<String>,
    /// The account of the conversation, when another one stands in for it.
    pub(crate) instead_of: Option<String>,
    /// The account, where it is one and known.
    pub(crate) account: Option<Box<AccountView>>,
    /// The members, where it is a pool.
    pub(crate) members: Option<Members>,
}

/// How a pool is.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Members {
    /// So many can serve.
    pub(crate) ready: usize,
    /// Of so many.
    pub(crate) all: usize,
    /// The first of those that rest is back then.
    pub(crate) back_at: Option<UnixSeconds>,
}

/// Who served a conversation last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    /// Its label at that time.
    pub(crate) account: String,
    /// Its id.
    pub(crate) id: Option<AccountId>,
    /// The account that it was meant for, when that is another one.
    pub(crate) instead_of: Option<String>,
}

/// Who served the last turn of this conversation, if it is among these, newest first. Subagents and the host's own small
/// requests may go elsewhere without the conversation doing so.
pub(crate) fn served(recent: &[RequestView], session: &str) -> Option<Served> {
    let turn = recent.iter().find(|request| {
        request.session.as_deref() == Some(session)
            && request.kind == RequestKind::Main
            && request.ending == Ending::Served
    })?;
    let instead_of = if turn.moved { turn.source.clone() } else { None };
    Some(Served { account: turn.account.clone()?, id: turn.account_id, instead_of })
}

impl Line {
    /// Nobody said anything.
    pub(crate) fn without(daemon: Daemon) -> Self {
        Self { daemon, now: 0, target: None, instead_of: None, account: None, members: None }
    }

    /// About the account that served a conversation last; `None`: it is gone.
    pub(crate) fn served(now: UnixSeconds, herd: &HerdView, served: &Served) -> Option<Self> {
        let known = |account: &&AccountView| served.id.map_or(account.label == served.account, |id| account.id == id);
        let account = herd.accounts.iter().find(known)?.label.clone();
        Some(Self { instead_of: served.instead_of.clone(), ..Self::to(now, herd, Some(account)) })
    }

    /// About a label or `@pool`.
    pub(crate) fn to(now: UnixSeconds, herd: &HerdView, target: Option<String>) -> Self {
        let pool = target.as_deref().and_then(|target| target.strip_prefix('@'));
        let members = pool.and_then(|name| herd.pools.iter().find(|pool| pool.name == name)).map(|pool| {
            let of: Vec<&AccountView> =
                herd.accounts.iter().filter(|account| pool.members.contains(&account.label)).collect();
            Members {
                ready: of.iter().filter(|account| account.state == State::Ready).count(),
                all: of.len(),
                back_at: of.iter().filter_map(|account| Some(account.resting.as_ref()?.until)).min(),
            }
        });
        let account = herd.accounts.iter().find(|account| Some(&account.label) == target.as_ref()).cloned();
        Self { daemon: Daemon::Answers, now, target, instead_of: None, account: account.map(Box::new), members }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;

    fn recent() -> Vec<RequestView> {
        let mut recent: Vec<RequestView> = sample::log().requests.iter().map(RequestView::from).collect();
        for (request, session) in recent.iter_mut().zip(["claude:a", "claude:a", "claude:b"]) {
            request.session = Some(session.to_owned());
        }
        recent
    }

    #[test]
    fn the_last_turn_that_was_served_tells_who_serves_and_for_whom() {
        let served = served(&recent(), "claude:a").unwrap();
        assert_eq!((served.account.as_str(), served.instead_of.as_deref()), ("personal", Some("work")));
    }

    #[test]
    fn subagents_failures_and_other_conversations_tell_nothing() {
        let mut recent = recent();
        recent[0].kind = RequestKind::Subagent;
        assert_eq!(served(&recent, "claude:a"), None, "the older one failed");
        assert_eq!(served(&recent, "claude:b"), None, "its client left");
        assert_eq!(served(&recent, "claude:c"), None);
    }

    #[test]
    fn a_renamed_account_is_known_by_its_id_and_one_that_is_gone_is_not_shown() {
        let status = sample::status();
        let mut herd = HerdView { accounts: status.accounts, ..HerdView::default() };
        let served = served(&recent(), "claude:a").unwrap();
        herd.accounts[1].label = "mine".to_owned();
        assert_eq!(Line::served(1, &herd, &served).unwrap().target.as_deref(), Some("mine"));
        herd.accounts.remove(1);
        assert!(Line::served(1, &herd, &served).is_none());
    }
}
