//! What a login shows.

use remuda_control::types::{AccountView, LoginStage, LoginView, Terms};
use remuda_core::Vendor;

use super::account::who;
use super::notes;
use super::status::plan;
use super::words::{DIM, GOOD, STRONG, command, cost, paint};
use super::wrap::paragraph;

/// A vendor's wording, as far as it has not been accepted yet. `None`: nothing is to be said.
pub(crate) fn terms(terms: &Terms, with_grant: bool) -> Option<String> {
    let before_login = terms.before_login.as_deref().filter(|_| terms.accepted_at.is_none());
    let before_grant = terms.before_grant.as_deref().filter(|_| with_grant);
    let parts: Vec<&str> = [before_login, before_grant].into_iter().flatten().collect();
    if parts.is_empty() {
        return None;
    }
    let mut text = format!("{}\n", paint(STRONG, "Before you go on:"));
    for part in parts {
        text.push_str(&paragraph(part, 2));
        text.push('\n');
    }
    text.push_str(&paragraph(&format!("Source: {}", terms.edition), 2));
    Some(text)
}

/// While the browser is away.
pub(crate) fn browser(url: &str, opened: bool) -> String {
    let first = if opened {
        "Your browser opens this page; log in there:"
    } else {
        "Open this page in a browser on this machine:"
    };
    format!("{first}\n\n  {url}\n\nWaiting for it. No browser here? Ctrl-C, then the same command with --paste.")
}

/// Before a code is pasted.
pub(crate) fn paste(url: &str, vendor: Vendor) -> String {
    let then = match vendor {
        Vendor::Anthropic => "and paste the code that it shows",
        // OpenAI has no page that shows a code.
        Vendor::OpenAi | Vendor::Qwen => {
            "and copy the address of the page at which it ends: the browser says that it cannot open it, which is right"
        }
    };
    format!("Open this page in any browser, log in there, {then}:\n\n  {url}\n")
}

/// While the person types the code elsewhere.
pub(crate) fn device(url: &str, code: &str, seconds: i64) -> String {
    let minutes = (seconds + 59) / 60;
    format!(
        "Open this page in any browser, on any machine, and type this code:\n\n  {url}\n\n  {}\n\n\
         Waiting for it, at most {minutes} minutes. Type only a code that you have asked for yourself. Ctrl-C gives up.",
        paint(STRONG, code)
    )
}

/// After a login.
pub(crate) fn login_done(login: &LoginView) -> String {
    match &login.stage {
        LoginStage::Done { account, renewed, notes } => done(account, *renewed, notes),
        LoginStage::Waiting { url, .. } => browser(url, false),
    }
}

fn done(account: &AccountView, renewed: bool, hints: &[String]) -> String {
    let what = if renewed { "The login is renewed:" } else { "Logged in:" };
    let facts: Vec<String> =
        [who(account), plan(account), cost(account.cost).to_owned()].into_iter().filter(|f| !f.is_empty()).collect();
    let mut text =
        format!("{} {}  {}\n", paint(GOOD, what), paint(STRONG, &account.label), paint(DIM, facts.join(" · ")));
    text.push_str(&notes(hints));
    if account.active {
        let agent = remuda_hosts::HOSTS.into_iter().find(|spec| spec.can_use(account.vendor, account.speaks));
        let start = agent.map(|spec| format!(" Start an agent with {}", command(["run", spec.host.as_str()])));
        text.push_str(&format!("Requests go to it.{}\n", start.unwrap_or_default()));
    } else {
        text.push_str(&format!("Send requests to it with {}\n", command(["use", &account.label])));
    }
    if !renewed {
        text.push_str(&super::undo(["accounts", "remove", &account.label]));
    }
    text
}
