//! The pages at which a person consents: who is signed in there, and where the browser is sent.

use crate::account::Kind;
use crate::answer::Answer;
use crate::config::Browser;
use crate::grants::AccountIndex;
use crate::query;
use crate::state::{Account, State};

/// A query, read.
pub(crate) type Query = [(String, String)];

/// A value of a query; empty if it is not there.
pub(crate) fn value<'a>(query: &'a Query, name: &str) -> &'a str {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

/// Whose consent it is.
pub(crate) enum Choice {
    /// This account's.
    Account(AccountIndex),
    /// A person has to choose.
    Ask,
    /// Nobody's.
    Nobody,
}

/// Who is signed in at a page for accounts of this kind; a hint (name or email) goes first.
pub(crate) fn who(state: &State, kind: Kind, hint: &str) -> Choice {
    let found = |index: Option<AccountIndex>| index.map_or(Choice::Nobody, Choice::Account);
    if !hint.is_empty() {
        return found(state.account_named(hint, kind));
    }
    match &state.browser {
        Browser::First => found(state.accounts.iter().position(|account| account.spec.kind == kind)),
        Browser::User(name) => found(state.account_named(name, kind)),
        Browser::Person => Choice::Ask,
        Browser::Declines => Choice::Nobody,
    }
}

/// The page that lists the accounts of this kind to choose from.
pub(crate) fn chooser(state: &State, kind: Kind, raw_query: &str) -> Answer {
    let link = |account: &Account| {
        let (name, email) = (&account.spec.name, &account.spec.email);
        let href = escape(&format!("?{raw_query}&login_hint={}", query::escape(name)));
        format!(
            "<li><a href=\"{href}\">{} ({}, {})</a>",
            escape(name),
            escape(email),
            escape(&account.spec.organization)
        )
    };
    let links: String = state.accounts.iter().filter(|account| account.spec.kind == kind).map(link).collect();
    let body = format!("<!DOCTYPE html><title>Authorize</title><p>Sign in and authorize as</p><ul>{links}</ul>");
    Answer::text(200, "text/html; charset=utf-8", body)
}

/// A page with one sentence.
pub(crate) fn html(status: u16, text: &str) -> Answer {
    let body = format!("<!DOCTYPE html><title>Authorize</title><p>{}</p>", escape(text));
    Answer::text(status, "text/html; charset=utf-8", body)
}

/// Sends the browser to this address with this query.
pub(crate) fn back(target: &str, pairs: &[(&str, &str)]) -> Answer {
    let query: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", query::escape(value))).collect();
    Answer::text(302, "", "").header("location", format!("{target}?{}", query.join("&")))
}

/// 43 characters of base64url: what S256 makes.
pub(crate) fn is_challenge(text: &str) -> bool {
    let base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.len() == 43 && text.chars().all(base64url)
}

/// Text for HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
