//! The relay, as a person reads it.

use super::words::{BAD, DIM, GOOD, STRONG, WARN, command, paint};
use crate::command::{Answers, Planned, Saved, Serving, State};

/// After `relay serve`, when it is ready.
pub(crate) fn relay_serving(serving: &Serving) -> String {
    format!(
        "{} {}\n{}\nSwitch it on where your agents run: {}; Ctrl-C ends it.\n",
        paint(GOOD, "Relay at"),
        paint(STRONG, &serving.url),
        paint(DIM, format!("It calls {}.", serving.upstreams.join(", "))),
        command(["relay", "on", "--url", "https://…"])
    )
}

/// Before `relay setup` and `teardown`.
pub(crate) fn relay_plan(planned: &Planned) -> String {
    let Planned { plan, url } = planned;
    if plan.steps.is_empty() {
        return format!("{} {}: all is as it should be.\n", paint(GOOD, "Nothing to do at"), plan.place);
    }
    let steps: String = plan.steps.iter().enumerate().map(|(n, step)| format!("  {}. {step}\n", n + 1)).collect();
    format!("At {}, for {}:\n{steps}", paint(STRONG, &plan.place), paint(STRONG, url))
}

/// After `relay on`, `off` and `status`.
pub(crate) fn relay_state(state: &State) -> String {
    let Some(url) = &state.url else {
        return format!(
            "No relay is known. {} makes one; docs/relay.md explains what it is for.\n",
            command(["relay", "setup", "--cloudflare"])
        );
    };
    let switch = if state.enabled { paint(GOOD, "on") } else { paint(DIM, "off") };
    let mut text = format!("Relay {switch}: {} over {}{}\n", paint(STRONG, url), state.transport, scope(state));
    if let Some(answers) = &state.answers {
        text.push_str(&answered(answers));
    }
    if let Some(saved) = &state.saved {
        text.push_str(&saving(saved));
    }
    text
}

fn scope(state: &State) -> String {
    let part = |what: &str, names: &[String]| match names {
        [] => String::new(),
        names => format!(", only {what} {}", names.join(", ")),
    };
    part("for", &state.accounts) + &part("from", &state.hosts)
}

fn answered(answers: &Answers) -> String {
    let Answers { relay, ms, clock_ahead_s, error } = answers;
    match (error, relay) {
        (Some(error), _) => format!("{} {error}\n", paint(BAD, "It does not answer as a relay:")),
        (None, relay) => {
            let name = relay.as_deref().unwrap_or("a relay");
            let clock = match clock_ahead_s.unsigned_abs() {
                0..60 => String::new(),
                off => format!(" {}", paint(WARN, format!("Its clock is {off} s off ours."))),
            };
            format!("It answers: {name}, {ms} ms there and back.{clock}\n")
        }
    }
}

fn saving(saved: &Saved) -> String {
    let Saved { records, requests, deltas, body_bytes, sent_bytes, left_out } = saved;
    let percent = 100.0 - 100.0 * *sent_bytes as f64 / (*body_bytes).max(1) as f64;
    let mut text = match requests {
        0 => format!("{}\n", paint(DIM, format!("None of the last {records} requests went through it."))),
        _ => format!(
            "Saved {}: {} uploaded for {} of bodies in {requests} requests, {deltas} of them as what changed.\n",
            paint(GOOD, format!("{percent:.1} %")),
            size(*sent_bytes),
            size(*body_bytes),
        ),
    };
    if *left_out > 0 {
        text.push_str(&format!("{}\n", paint(WARN, format!("Left out because it failed: {left_out}."))));
    }
    text
}

/// Bytes in the unit that a person would use.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(state: &State) -> String {
        anstream::adapter::strip_str(&relay_state(state)).to_string()
    }

    #[test]
    fn it_says_what_is_saved_and_what_is_wrong() {
        let mut state = State {
            enabled: true,
            url: Some("https://relay.example".to_owned()),
            transport: "http",
            accounts: vec!["work".to_owned()],
            hosts: vec![],
            answers: Some(Answers { relay: Some("remuda 0.1.0".to_owned()), ms: 31, clock_ahead_s: 90, error: None }),
            saved: Some(Saved {
                records: 50,
                requests: 40,
                deltas: 38,
                body_bytes: 51_800_000,
                sent_bytes: 590_000,
                left_out: 1,
            }),
        };
        assert_eq!(
            plain(&state),
            "Relay on: https://relay.example over http, only for work\n\
             It answers: remuda 0.1.0, 31 ms there and back. Its clock is 90 s off ours.\n\
             Saved 98.9 %: 590 kB uploaded for 51.8 MB of bodies in 40 requests, 38 of them as what changed.\n\
             Left out because it failed: 1.\n"
        );
        state.answers = Some(Answers { relay: None, ms: 3, clock_ahead_s: 0, error: Some("no route".to_owned()) });
        assert!(plain(&state).contains("It does not answer as a relay: no route"));
        state.url = None;
        assert!(plain(&state).contains("remuda relay setup --cloudflare"));
    }
}
