//! A client and a relay with a network between them that loses, repeats, delays and reorders, a relay that restarts and
//! forgets at any moment, and clocks that differ: never a wrong body at the vendor, never the same request twice, and nothing
//! through the relay that was given up on or went directly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use remuda_relay::client::lane::{Lane, Prepared, ToVendor};
use remuda_relay::code::Code;
use remuda_relay::exchange::{Standing, settle};
use remuda_relay::gate::{Gate, Pass};
use remuda_relay::message::{Problem, Welcome};
use remuda_relay::request::parse;

/// What the scheduler decides, used up one by one; when it is used up everything goes well.
struct Choices(Vec<u8>);

impl Choices {
    fn next(&mut self, below: usize) -> usize {
        if below < 2 { 0 } else { self.0.pop().map_or(0, usize::from) % below }
    }
}

#[derive(Default)]
struct Relay {
    life: usize,
    gate: Gate,
    held: Option<(Standing, Vec<u8>)>,
    /// Bodies that the vendor got, with the ids of their messages.
    called: Vec<(String, Vec<u8>)>,
}

impl Relay {
    fn restart(&mut self) {
        *self = Self { life: self.life + 1, called: std::mem::take(&mut self.called), ..Self::default() };
    }

    fn welcome(&self, now_ms: u64) -> Welcome {
        Welcome {
            protocol: 1,
            relay: String::new(),
            epoch: format!("life {}", self.life),
            now_ms,
            most_body_bytes: 1 << 20,
            alive_s: 1,
            transports: Vec::new(),
            upstreams: Vec::new(),
        }
    }

    fn take(&mut self, content: &[u8], now_ms: u64) -> Result<(), Problem> {
        let (head, payload) = parse(content, 1 << 20)?;
        if self.gate.look(&head, &format!("life {}", self.life), now_ms)? == Pass::Again {
            return Ok(());
        }
        let settled = payload.message(&head, |message| {
            settle(self.held.as_ref().map(|(standing, body)| (*standing, body.as_slice())), message)
                .map_err(|refusal| Problem::before(refusal.into(), refusal.to_string()))
        })?;
        self.gate.took(&head);
        self.called.push((head.id, settled.1.clone()));
        self.held = Some(settled);
        Ok(())
    }
}

/// How a request ended for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Answered,
    /// The vendor knows nothing of it: it goes directly.
    Direct,
    /// Nobody knows: it is not sent again.
    Unknown,
}

struct World {
    choices: Choices,
    relay: Relay,
    /// Copies of messages that may still arrive, at any time.
    flying: Vec<Bytes>,
    client_ms: u64,
    /// The relay's clock is ahead by so much.
    ahead_ms: u64,
    ids: u8,
}

impl World {
    fn relay_ms(&self) -> u64 {
        self.client_ms + self.ahead_ms
    }

    /// Time passes and things happen that nobody asked for.
    fn weather(&mut self) {
        self.client_ms += [0, 1, 200, 20_000, 400_000][self.choices.next(5)];
        match self.choices.next(8) {
            1 => self.relay.restart(),
            2 => self.relay.held = None,
            3 | 4 if !self.flying.is_empty() => {
                let index = self.choices.next(self.flying.len());
                // A copy arrives late; whatever the relay says to it, nobody hears. It may arrive again.
                let copy = self.flying[index].clone();
                let _unheard = self.relay.take(&copy, self.relay_ms());
            }
            5 => self.flying.clear(),
            _ => {}
        }
    }

    /// One sending of a message. `None`: no answer came.
    fn send(&mut self, message: &Prepared) -> Option<Result<(), Problem>> {
        self.flying.push(message.content.clone());
        self.weather();
        if self.choices.next(4) == 1 {
            return None; // Not arrived (yet).
        }
        let answer = self.relay.take(&message.content, self.relay_ms());
        self.weather();
        (self.choices.next(4) != 1).then_some(answer)
    }

    /// As `client::deliver` does.
    fn deliver(&mut self, message: &Prepared) -> Result<(), Option<Problem>> {
        let mut lost = false;
        for _ in 0..4 {
            match self.send(message) {
                Some(Ok(())) => return Ok(()),
                Some(Err(problem)) if !lost || problem.code.wants_whole_body() => return Err(Some(problem)),
                Some(Err(_)) => return Err(None),
                None => lost = true,
            }
        }
        Err(None)
    }

    /// As `client::relayed` does. The ids of the messages go to `ids`.
    fn request(&mut self, lane: &mut Lane, body: &Bytes, ids: &mut Vec<String>) -> Ended {
        let mut again = true;
        loop {
            if lane.relay().is_none() {
                lane.welcomed(self.relay.welcome(self.relay_ms()), self.client_ms);
            }
            self.weather();
            self.ids += 1;
            let to = ToVendor { method: "POST", url: "https://vendor.example", headers: &[], body };
            let message = lane.prepare([self.ids; 16], self.client_ms, &to).unwrap();
            ids.push(message.id.clone());
            match self.deliver(&message) {
                Ok(()) => {
                    lane.took(&message);
                    return Ended::Answered;
                }
                Err(Some(problem)) => {
                    let forgot = problem.code == Code::Epoch;
                    if forgot {
                        lane.forget_relay()
                    } else {
                        lane.forget_body()
                    }
                    let whole = message.delta && problem.code.wants_whole_body();
                    if !(again && (whole || forgot)) {
                        return Ended::Direct;
                    }
                    again = false;
                }
                Err(None) => {
                    lane.forget_relay();
                    return Ended::Unknown;
                }
            }
        }
    }
}

fn body(request: usize) -> Bytes {
    let turns: String = (0..=request).map(|turn| format!("turn {turn} of the story é🐎;")).collect();
    turns.into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_is_wrong_and_nothing_is_twice(choices in proptest::collection::vec(any::<u8>(), 0..250), ahead_ms in prop_oneof![Just(0u64), Just(5_000), Just(10_000_000)]) {
        let mut world = World {
            choices: Choices(choices),
            relay: Relay::default(),
            flying: Vec::new(),
            client_ms: 1_000_000_000,
            ahead_ms,
            ids: 0,
        };
        let mut lane = Lane::new([7; 48]);
        let mut meant: BTreeMap<String, usize> = BTreeMap::new();
        let mut ended = Vec::new();
        for number in 0..10 {
            let mut ids = Vec::new();
            ended.push(world.request(&mut lane, &body(number), &mut ids));
            meant.extend(ids.into_iter().map(|id| (id, number)));
        }
        // Everything that is still flying arrives, twice.
        for copy in world.flying.clone().iter().chain(&world.flying.clone()) {
            let _unheard = world.relay.take(copy, world.relay_ms());
        }
        let mut calls = vec![0; ended.len()];
        for (id, got) in &world.relay.called {
            let number = meant[id];
            calls[number] += 1;
            prop_assert_eq!(&got[..], &body(number)[..], "a wrong body at the vendor");
        }
        for (number, (calls, ended)) in calls.iter().zip(&ended).enumerate() {
            match ended {
                Ended::Answered => prop_assert_eq!(*calls, 1, "request {} was answered", number),
                Ended::Direct => prop_assert_eq!(*calls, 0, "request {} went directly", number),
                Ended::Unknown => prop_assert!(*calls <= 1, "request {} is unknown", number),
            }
        }
    }
}

#[test]
fn in_good_weather_every_request_is_answered() {
    let mut world = World {
        choices: Choices(Vec::new()),
        relay: Relay::default(),
        flying: Vec::new(),
        client_ms: 1_000_000_000,
        ahead_ms: 0,
        ids: 0,
    };
    let mut lane = Lane::new([7; 48]);
    for number in 0..10 {
        assert_eq!(world.request(&mut lane, &body(number), &mut Vec::new()), Ended::Answered);
    }
    assert_eq!(world.relay.called.len(), 10);
}
