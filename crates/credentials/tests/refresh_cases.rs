//! Runs every case of `refresh.json` through the real keeper and the real SQLite store, on simulated time with a
//! scripted token endpoint. Each case runs twice: with processes that hear at once of what others stored, and with
//! processes that do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "a test")]

mod refresh;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use refresh::case::{Case, Cases, Pair};
use refresh::world::{Signals, World};
use secrecy::ExposeSecret;

fn cases() -> Cases {
    let directory = std::env::var_os("REMUDA_CASES_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases")), PathBuf::from);
    let path = directory.join("refresh.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn refresh_cases() {
    let cases = cases();
    assert_eq!((cases.format.as_str(), cases.version), ("remuda-cases/refresh", 1));
    assert!(!cases.cases.is_empty());
    let mut report = String::new();
    for case in &cases.cases {
        for signals in [Signals::All, Signals::Few] {
            for (what, expected, got) in run(case, signals) {
                let (id, title) = (&case.id, &case.title);
                let _ =
                    writeln!(report, "{id} ({title}; signals: {signals:?}): {what}: expected {expected}, got {got}");
            }
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

/// What differs: what, expected, got. A case that cannot be acted out to its end is a difference too.
fn run(case: &Case, signals: Signals) -> Vec<(&'static str, String, String)> {
    let act = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let played = async {
                let mut world = World::new(case, signals).await;
                world.act().await;
                compare(case, &world).await
            };
            // On simulated time: over at once if everything waits for everything.
            tokio::time::timeout(Duration::from_secs(100 * 86_400), played).await.expect("nothing goes on any more")
        })
    };
    std::panic::catch_unwind(act).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        vec![("the case", "acted out".to_owned(), text.unwrap_or_default())]
    })
}

async fn compare(case: &Case, world: &World<'_>) -> Vec<(&'static str, String, String)> {
    let then = &case.then;
    let mut differences = Vec::new();
    let mut check = |what, expected: String, got: String| {
        if expected != got {
            differences.push((what, expected, got));
        }
    };
    {
        let seen = world.endpoint.seen.lock().unwrap();
        check("exchanges", then.exchanges.to_string(), seen.sent.len().to_string());
        check("sent_refresh_tokens", format!("{:?}", then.sent_refresh_tokens), format!("{:?}", seen.sent));
        check("exchanges without an answer in the script", "0".to_owned(), seen.unexpected.to_string());
        if let Some(sent_at) = &then.sent_at {
            check("sent_at", format!("{sent_at:?}"), format!("{:?}", seen.sent_at));
        }
        if let Some(overlap) = then.exchanges_overlap {
            check("exchanges_overlap", overlap.to_string(), seen.overlap.to_string());
        }
    }
    let stored = format!("{:?}", world.stored().await);
    let borrowed = case.given.credential.kind.as_deref() == Some("borrowed");
    if let Some(expected) = &then.stored {
        check("stored", shown(expected, borrowed), stored.clone());
    }
    if let Some(one_of) = &then.stored_one_of {
        let allowed: Vec<String> = one_of.iter().map(|pair| shown(pair, borrowed)).collect();
        if !allowed.contains(&stored) {
            check("stored_one_of", allowed.join(" or "), stored);
        }
    }
    check("account", then.account.clone(), world.account().await.to_owned());
    check(
        "next_attempt_not_before",
        format!("{:?}", then.next_attempt_not_before),
        format!("{:?}", world.next_attempt_not_before()),
    );
    check("error", format!("{:?}", then.error.as_deref()), format!("{:?}", world.error().await));
    let callers = world.callers.lock().unwrap();
    for (caller, expected) in &then.callers {
        let got = match callers.get(caller) {
            Some(Ok(token)) => token.secret().expose_secret().to_owned(),
            Some(Err(_)) => "error".to_owned(),
            None => "nothing".to_owned(),
        };
        check("callers", format!("{caller}: {expected}"), format!("{caller}: {got}"));
    }
    if let Some(order) = &then.order {
        check("order", "true".to_owned(), world.trace.contains(order).to_string());
    }
    if then.store_untouched == Some(true) {
        check("store_untouched", "Some(true)".to_owned(), format!("{:?}", world.untouched));
    }
    differences
}

/// The refresh token of a borrowed login stays with its owner: we hold none.
fn shown(pair: &Pair, borrowed: bool) -> String {
    let refresh = pair.refresh.clone().filter(|_| !borrowed);
    format!("{:?}", Some((pair.access.clone(), refresh, pair.expires_at, pair.generation)))
}
