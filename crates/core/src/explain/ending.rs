//! What was remembered, how the request ended, and what it took.

use super::Story;
use super::page::Page;
use super::times::{count, millis};
use crate::account::{AccountStatus, Cooldown, CostClass};
use crate::record::{AttemptEnd, Tokens};
use crate::route::{Outcome, StateChange};
use crate::time::UnixSeconds;
use crate::verdict::Class;

impl Story<'_> {
    pub(super) fn remembered(&self, page: &mut Page) {
        let mut lines = self.record.remembered.iter().filter_map(|change| self.change(change)).peekable();
        if lines.peek().is_some() {
            page.section("Remembered:");
            lines.for_each(|line| page.line(&line));
        }
    }

    fn change(&self, change: &StateChange) -> Option<String> {
        Some(match change {
            StateChange::Cooling(id, Some(rest)) => format!("{} {}", self.label(*id), self.rest("", rest)),
            StateChange::Cooling(id, None) => format!("{} no longer rests.", self.label(*id)),
            StateChange::ModelCooling(id, model, Some(rest)) => {
                format!("{} {}", self.label(*id), self.rest(&format!(" for {model}"), rest))
            }
            StateChange::ModelCooling(id, model, None) => format!("{} no longer rests for {model}.", self.label(*id)),
            StateChange::Status(id, status) => {
                let is = match status {
                    AccountStatus::Ready => "is ready",
                    AccountStatus::NeedsLogin => "needs a new login",
                    AccountStatus::Disabled => "is closed by its vendor",
                    AccountStatus::Paused => "is switched off",
                };
                format!("{} {is}.", self.label(*id))
            }
            StateChange::Bind(_, home) => match &home.pool {
                Some(pool) => format!("The session lives on {}, placed by pool @{pool}.", self.label(home.account)),
                None => format!("The session lives on {}.", self.label(home.account)),
            },
            // Of interest only to other requests of the same moment.
            StateChange::Probing(..) => return None,
        })
    }

    fn rest(&self, of_model: &str, rest: &Cooldown) -> String {
        let guess = if rest.stated { "" } else { "; a guess, the vendor named no time" };
        format!("rests{of_model} until {}: {}{guess}.", self.clock.moment(rest.until), rest.reason.words())
    }

    pub(super) fn ending(&self, page: &mut Page) {
        let client = match self.record.client_status {
            0 => String::new(),
            status => format!(" The client got status {status}."),
        };
        page.section(&format!("{}{client}", self.outcome()));
        if self.record.stopped {
            page.line("Its owner stopped it.");
        }
        if self.record.truncated {
            page.line("The stream ended without its last event: the answer may be incomplete.");
        }
    }

    fn outcome(&self) -> String {
        match &self.record.outcome {
            Outcome::Served { account, model } => {
                let model = model.as_ref().map(|model| format!(" with {model}")).unwrap_or_default();
                let in_place = self.record.source.filter(|source| source != account);
                let in_place =
                    in_place.map(|source| format!(" in place of {}", self.label(source))).unwrap_or_default();
                format!("Served by {}{in_place}{model}.", self.label(*account))
            }
            Outcome::Error { from: Some(from), class: Some(class), retry_after_s } => {
                let why = match class {
                    Class::RequestFault => " Nobody else was asked: the fault is in the request, not in the account.",
                    Class::TermsRefused => " Nobody else was asked: a refusal for the vendor's terms is not evaded.",
                    Class::NetworkBlocked => " Nobody else was asked: the way is blocked, not the account.",
                    _ => "",
                };
                let from = self.label(*from);
                let returns = if why.is_empty() { self.earliest_return(*retry_after_s) } else { String::new() };
                format!("Not served. The answer of {from} was handed on: {}.{why}{returns}", class.words())
            }
            Outcome::Error { retry_after_s, .. } => {
                let last = self.record.attempts.last().map(|attempt| &attempt.ended);
                match last {
                    Some(AttemptEnd::Abandoned) => "The client left before there was an answer.".to_owned(),
                    Some(_) => "Not served: no answer came in time.".to_owned(),
                    None => format!("Not served: nobody could take it.{}", self.earliest_return(*retry_after_s)),
                }
            }
            Outcome::StreamError { from, class } => format!(
                "{} broke off after its answer had begun to reach the client, so nobody was asked again: {}.",
                self.label(*from),
                class.words()
            ),
        }
    }

    fn earliest_return(&self, retry_after_s: Option<f64>) -> String {
        match retry_after_s {
            None => " Earliest return: unknown.".to_owned(),
            Some(seconds) => {
                let ended = self.record.at.saturating_add_unsigned(self.record.total_ms / 1_000);
                // Saturates at the ends of the range.
                let at = ended.saturating_add(seconds.ceil() as UnixSeconds);
                format!(" Earliest return: {}.", self.clock.moment(at))
            }
        }
    }

    pub(super) fn figures(&self, page: &mut Page) {
        let record = self.record;
        page.section("Figures:");
        let first = record.first_byte_ms.map(|ms| format!("first byte after {}, ", millis(ms))).unwrap_or_default();
        let held = match record.held_ms {
            0 => String::new(),
            ms => format!(", {} of it waited on purpose", millis(ms)),
        };
        page.line(&format!("time: {first}end after {}{held}", millis(record.total_ms)));
        page.line(&format!("bytes: {} sent, {} received", count(record.request_bytes), count(record.response_bytes)));
        page.line(&format!("tokens: {}", tokens(&record.tokens)));
        page.line(&format!("cost: {}", cost(record.cost_usd, record.cost_class)));
    }
}

fn tokens(tokens: &Tokens) -> String {
    let named = [
        (tokens.input, "in"),
        (tokens.output, "out"),
        (tokens.cache_read, "from the cache"),
        (tokens.cache_write_5m, "into the five-minute cache"),
        (tokens.cache_write_1h, "into the one-hour cache"),
        (tokens.reasoning, "of the output reasoning"),
    ];
    let stated: Vec<String> =
        named.into_iter().filter_map(|(n, what)| n.map(|n| format!("{} {what}", count(n)))).collect();
    if stated.is_empty() { "not stated".to_owned() } else { stated.join(", ") }
}

fn cost(usd: Option<f64>, class: Option<CostClass>) -> String {
    let paid = match class {
        None => "",
        Some(CostClass::Included) => ", included in the subscription",
        Some(CostClass::Metered) => ", to be paid",
        Some(CostClass::Free) => ", free",
    };
    match usd {
        None => format!("unknown{paid}"),
        Some(usd) => format!("{usd:.4} USD at list price{paid}"),
    }
}
