//! Simulated time and a scripted token endpoint. Time is tokio's paused clock: it moves only when nothing else can,
//! and never while the store works.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use remuda_credentials::{Answer as HttpAnswer, Clock, Exchange, SendError};
use remuda_vendors::Call;
use secrecy::ExposeSecret;
use tokio::sync::Notify;

use super::case::Answer;

/// Begins at the case's `now`.
#[derive(Clone)]
pub struct SimClock {
    base: i64,
    start: tokio::time::Instant,
}

impl SimClock {
    pub fn new(base: i64) -> Self {
        Self { base, start: tokio::time::Instant::now() }
    }

    pub async fn until(&self, t: i64) {
        tokio::time::sleep_until(self.start + Duration::from_secs(t.try_into().unwrap())).await;
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> i64 {
        self.base + i64::try_from(self.start.elapsed().as_secs()).unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A place at which a process dies.
#[derive(Default)]
pub struct KillPoint {
    armed: Mutex<Option<String>>,
    reached: Notify,
    fall: Notify,
}

impl KillPoint {
    pub fn arm(&self, point: Option<String>) {
        *self.armed.lock().unwrap() = point;
    }

    pub fn is(&self, point: &str) -> bool {
        self.armed.lock().unwrap().as_deref() == Some(point)
    }

    /// Stops here until the kill, and never goes on.
    pub async fn pass(&self, point: &str) {
        if self.is(point) {
            self.reached.notify_one();
            self.fall.notified().await;
            std::panic::resume_unwind(Box::new("killed"));
        }
    }

    /// Waits until the process stands at its point, and kills it there.
    pub async fn kill(&self) {
        tokio::time::timeout(Duration::from_secs(3600), self.reached.notified())
            .await
            .expect("the process never came to the point at which it is to be killed");
        self.fall.notify_one();
    }
}

/// What was done, in order.
#[derive(Default)]
pub struct Trace(Mutex<Vec<&'static str>>);

impl Trace {
    pub fn add(&self, step: &'static str) {
        self.0.lock().unwrap().push(step);
    }

    pub fn count(&self, step: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|done| **done == step).count()
    }

    /// Are these steps among those that were done, in this order?
    pub fn contains(&self, steps: &[String]) -> bool {
        let done = self.0.lock().unwrap();
        let mut done = done.iter();
        steps.iter().all(|step| done.any(|other| other == step))
    }
}

/// The token endpoint of a case, shared by all processes.
pub struct Endpoint {
    answers: Mutex<VecDeque<Answer>>,
    pub seen: Mutex<Seen>,
    clock: SimClock,
    trace: Arc<Trace>,
    kill: Arc<KillPoint>,
}

#[derive(Default)]
pub struct Seen {
    pub sent: Vec<String>,
    pub sent_at: Vec<i64>,
    pub overlap: bool,
    running: usize,
    pub unexpected: usize,
}

impl Endpoint {
    pub fn new(answers: &[Answer], clock: SimClock, trace: Arc<Trace>, kill: Arc<KillPoint>) -> Self {
        let answers = Mutex::new(answers.iter().cloned().collect());
        Self { answers, seen: Mutex::default(), clock, trace, kill }
    }
}

#[async_trait]
impl Exchange for Endpoint {
    async fn send(&self, call: &Call) -> Result<HttpAnswer, SendError> {
        self.kill.pass("before_exchange").await;
        let body: serde_json::Value = serde_json::from_str(call.json.as_ref().unwrap().expose_secret()).unwrap();
        let answer = self.answers.lock().unwrap().pop_front();
        if let Some(fault @ ("connect_refused" | "dns")) = answer.as_ref().and_then(|a| a.fault.as_deref()) {
            return Err(SendError::NotSent(fault.to_owned()));
        }
        {
            let mut seen = self.seen.lock().unwrap();
            seen.sent.push(body["refresh_token"].as_str().unwrap().to_owned());
            seen.sent_at.push(self.clock.now());
            seen.running += 1;
            seen.overlap |= seen.running > 1;
            seen.unexpected += usize::from(answer.is_none());
        }
        self.trace.add("exchange");
        let answer = answer.unwrap_or(Answer {
            status: Some(500),
            headers: Default::default(),
            body: String::new(),
            delay_s: None,
            fault: None,
        });
        if let Some(delay) = answer.delay_s {
            self.clock.sleep(Duration::from_secs_f64(delay)).await;
        }
        self.seen.lock().unwrap().running -= 1;
        self.kill.pass("after_exchange").await;
        match answer.fault.as_deref() {
            Some("timeout_after_send") => return Err(SendError::MaybeSent("timeout".to_owned())),
            Some(other) => panic!("unknown fault {other}"),
            None => {}
        }
        let headers: HeaderMap = answer
            .headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap()))
            .collect();
        Ok(HttpAnswer { status: answer.status.unwrap(), headers, body: answer.body.into_bytes() })
    }
}
