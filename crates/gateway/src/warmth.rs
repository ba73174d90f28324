//! Where each conversation's prompt is in the cache, as far as answers have told, and what writing it anew would cost. In
//! memory only: a cache lives an hour at most.

use std::collections::HashMap;

use remuda_core::record::Tokens;
use remuda_core::request::Warmth;
use remuda_core::{AccountId, SessionKey, UnixSeconds};

/// Conversations whose cache is known. When there are too many, those that are cold are forgotten, then all.
#[derive(Debug, Default)]
pub struct Warmths {
    of: HashMap<SessionKey, Warm>,
}

#[derive(Clone, Debug)]
struct Warm {
    warmth: Warmth,
    /// How long the cache lives: what the vendor last wrote with.
    lives_s: i64,
}

/// What one answer has cost and counted.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// Who has served it.
    pub account: AccountId,
    /// The model that answered.
    pub model: &'a str,
    /// What was counted.
    pub tokens: &'a Tokens,
    /// At list price.
    pub cost_usd: Option<f64>,
    /// Could home have served it?
    pub away: bool,
}

/// What moving conversations would cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// Conversations with a warm cache elsewhere.
    pub sessions: usize,
    /// Tokens that would be written anew.
    pub tokens: u64,
    /// What that costs more than reading them, in US dollars at list price, as far as prices are known.
    pub usd: f64,
    /// Conversations whose price is not known.
    pub unknown: usize,
}

impl Warmths {
    /// Most conversations.
    const MOST: usize = 20_000;
    /// Lifetimes of Anthropic's cache, by what it was written with.
    const FIVE_MINUTES_S: i64 = 300;
    const HOUR_S: i64 = 3_600;

    /// The conversation's cache, if it is warm.
    #[must_use]
    pub fn of(&self, session: &SessionKey, now: UnixSeconds) -> Option<Warmth> {
        self.of.get(session).map(|warm| &warm.warmth).filter(|warmth| warmth.until > now).cloned()
    }

    /// An answer has ended.
    pub fn learn(&mut self, session: &SessionKey, turn: &Turn<'_>, now: UnixSeconds) {
        let Tokens { input, cache_read, cache_write_5m, cache_write_1h, .. } = *turn.tokens;
        let count = |tokens: Option<u64>| tokens.unwrap_or(0);
        if count(cache_read) + count(cache_write_5m) + count(cache_write_1h) == 0 {
            return;
        }
        let known = self.of.get(session).filter(|warm| warm.warmth.account == turn.account);
        let lives_s = match (count(cache_write_1h), count(cache_write_5m), known) {
            (1.., ..) => Self::HOUR_S,
            (0, 0, Some(known)) => known.lives_s,
            _ => Self::FIVE_MINUTES_S,
        };
        let before = known.map_or(0.0, |warm| warm.warmth.spent_away_usd);
        let spent_away_usd = if turn.away { before + turn.cost_usd.unwrap_or(0.0) } else { 0.0 };
        let cached = [input, cache_read, cache_write_5m, cache_write_1h];
        let tokens = cached.into_iter().flatten().fold(0, u64::saturating_add);
        let rewrite_usd = rewrite_usd(turn.model, tokens, lives_s);
        if self.of.len() >= Self::MOST && !self.of.contains_key(session) {
            self.of.retain(|_, warm| warm.warmth.until > now);
            if self.of.len() >= Self::MOST {
                self.of.clear();
            }
        }
        let warmth = Warmth { account: turn.account, tokens, until: now + lives_s, rewrite_usd, spent_away_usd };
        self.of.insert(session.clone(), Warm { warmth, lives_s });
    }

    /// What it costs if these conversations go to other accounts than they are at.
    #[must_use]
    pub fn price(&self, now: UnixSeconds, moves: impl Fn(&SessionKey, AccountId) -> bool) -> Price {
        let mut price = Price::default();
        for (session, Warm { warmth, .. }) in &self.of {
            if warmth.until <= now || !moves(session, warmth.account) {
                continue;
            }
            price.sessions += 1;
            price.tokens = price.tokens.saturating_add(warmth.tokens);
            match warmth.rewrite_usd {
                Some(usd) => price.usd += usd,
                None => price.unknown += 1,
            }
        }
        price
    }

    /// Forgets an account that is gone.
    pub fn forget_account(&mut self, account: AccountId) {
        self.of.retain(|_, warm| warm.warmth.account != account);
    }
}

/// What writing so many tokens costs more than reading them.
fn rewrite_usd(model: &str, tokens: u64, lives_s: i64) -> Option<f64> {
    let none = Tokens { input: Some(0), ..Tokens::default() };
    let written = match lives_s {
        Warmths::HOUR_S => Tokens { cache_write_1h: Some(tokens), ..none },
        _ => Tokens { cache_write_5m: Some(tokens), ..none },
    };
    let read = Tokens { cache_read: Some(tokens), ..none };
    let price = |tokens| remuda_vendors::anthropic::cost_usd(model, tokens);
    Some(price(&written)? - price(&read)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn id(n: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(n))
    }

    fn session(name: &str) -> SessionKey {
        SessionKey(name.to_owned())
    }

    fn tokens(read: u64, write_5m: u64, write_1h: u64) -> Tokens {
        Tokens {
            input: Some(10),
            output: Some(500),
            cache_read: Some(read),
            cache_write_5m: Some(write_5m),
            cache_write_1h: Some(write_1h),
            ..Tokens::default()
        }
    }

    fn turn<'a>(account: u128, model: &'a str, tokens: &'a Tokens, away: bool) -> Turn<'a> {
        Turn { account: id(account), model, tokens, cost_usd: Some(0.2), away }
    }

    #[test]
    fn the_price_is_what_writing_costs_more_than_reading() {
        let mut all = Warmths::default();
        all.learn(&session("s"), &turn(1, "claude-opus-5", &tokens(90_000, 9_990, 0), false), NOW);
        let warmth = all.of(&session("s"), NOW).unwrap();
        assert_eq!((warmth.account, warmth.tokens, warmth.until), (id(1), 100_000, NOW + 300));
        assert!((warmth.rewrite_usd.unwrap() - (0.625 - 0.05)).abs() < 1e-9);
        assert_eq!(all.of(&session("s"), NOW + 300), None, "it is cold");
    }

    #[test]
    fn a_cache_lives_as_long_as_what_it_was_written_with() {
        let mut all = Warmths::default();
        all.learn(&session("s"), &turn(1, "claude-opus-5", &tokens(0, 0, 90_000), false), NOW);
        all.learn(&session("s"), &turn(1, "claude-opus-5", &tokens(90_000, 0, 0), false), NOW + 10);
        assert_eq!(all.of(&session("s"), NOW + 10).unwrap().until, NOW + 10 + 3_600);
        all.learn(&session("s"), &turn(2, "claude-opus-5", &tokens(90_000, 0, 0), false), NOW + 20);
        assert_eq!(all.of(&session("s"), NOW + 20).unwrap().until, NOW + 20 + 300, "nothing is known of that one");
    }

    #[test]
    fn what_a_detour_costs_adds_up_until_the_conversation_is_home() {
        let mut all = Warmths::default();
        let counted = tokens(90_000, 0, 0);
        let away = |all: &Warmths| all.of(&session("s"), NOW).map(|warmth| warmth.spent_away_usd);
        all.learn(&session("s"), &turn(2, "claude-opus-5", &counted, false), NOW);
        assert_eq!(away(&all), Some(0.0), "home could not have served");
        all.learn(&session("s"), &turn(2, "claude-opus-5", &counted, true), NOW);
        all.learn(&session("s"), &turn(2, "claude-opus-5", &counted, true), NOW);
        assert_eq!(away(&all), Some(0.4));
        all.learn(&session("s"), &turn(1, "claude-opus-5", &counted, false), NOW);
        assert_eq!(away(&all), Some(0.0));
    }

    #[test]
    fn an_unknown_price_is_told_apart_and_an_uncached_prompt_is_nothing() {
        let mut all = Warmths::default();
        all.learn(&session("s"), &turn(1, "claude-opus-5", &tokens(90_000, 0, 0), false), NOW);
        all.learn(&session("t"), &turn(1, "gpt-9", &tokens(50_000, 0, 0), false), NOW);
        all.learn(&session("u"), &turn(1, "claude-opus-5", &tokens(0, 0, 0), false), NOW);
        let price = all.price(NOW, |_, account| account != id(2));
        assert_eq!((price.sessions, price.tokens, price.unknown), (2, 140_020, 1));
        assert!(price.usd > 0.5);
        assert_eq!(all.price(NOW, |_, account| account != id(1)), Price::default());
        assert_eq!(all.price(NOW + 300, |_, _| true), Price::default());
    }
}
