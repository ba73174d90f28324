//! A vendor's answer on its way through the relay: the call writes it, a transport follows it. What was read is kept for
//! a while, so that a client that lost its connection goes on where it stopped instead of asking the vendor again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::record::{Kind, Record};

/// Bytes that the vendor's answer may be ahead of whoever follows it.
const AHEAD: u64 = 256 * 1024;

/// One answer. Shared between the call and its followers.
#[derive(Debug)]
pub struct Recording {
    /// The request that it answers.
    id: String,
    state: Mutex<State>,
    changed: Notify,
    most: usize,
    /// Ends the call.
    pub cancel: CancellationToken,
}

#[derive(Debug)]
struct State {
    /// Records with the offset at which each begins.
    kept: VecDeque<(u64, Bytes)>,
    kept_bytes: usize,
    /// Offset behind the last record.
    end: u64,
    finished: Option<Instant>,
    /// Offset up to which it was read.
    read: u64,
    /// Counts followers; only the newest goes on.
    follower: u64,
    /// Since when nobody follows.
    left: Option<Instant>,
}

/// What a follower gets.
#[derive(Debug)]
pub enum Step {
    /// The next record, as it stands on the wire.
    Record(Bytes),
    /// It has been silent for a while.
    Silent,
    /// There is no more.
    End,
    /// Somebody else follows now.
    Displaced,
}

impl Recording {
    /// An empty one, for the request with this id, that keeps at most so many bytes.
    #[must_use]
    pub fn new(id: String, most: usize) -> Arc<Self> {
        let state = State {
            kept: VecDeque::new(),
            kept_bytes: 0,
            end: 0,
            finished: None,
            read: 0,
            follower: 0,
            left: Some(Instant::now()),
        };
        Arc::new(Self { id, state: Mutex::new(state), changed: Notify::new(), most, cancel: CancellationToken::new() })
    }

    /// Adds a record.
    pub fn push(&self, record: &Record) {
        let bytes = record.to_bytes();
        let mut state = self.state.lock();
        let at = state.end;
        state.end += bytes.len() as u64;
        state.kept_bytes += bytes.len();
        state.kept.push_back((at, bytes));
        while state.kept_bytes > self.most
            && let Some((at, bytes)) = state.kept.front()
            && at + bytes.len() as u64 <= state.read
        {
            state.kept_bytes -= bytes.len();
            state.kept.pop_front();
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Adds the last record: [`Kind::End`] or [`Kind::Problem`].
    pub fn finish(&self, record: &Record) {
        debug_assert!(matches!(record.kind, Kind::End | Kind::Problem));
        self.push(record);
        self.state.lock().finished.get_or_insert_with(Instant::now);
        self.changed.notify_waiters();
    }

    /// For how long it has been complete.
    #[must_use]
    pub fn finished_for(&self) -> Option<Duration> {
        self.state.lock().finished.map(|at| at.elapsed())
    }

    /// Waits until the vendor may say more: whoever follows has read most of what is there.
    pub async fn room(&self) {
        self.until(|state| (state.end - state.read < AHEAD).then_some(())).await;
    }

    /// Waits until nobody has followed for `grace`.
    pub async fn abandoned(&self, grace: Duration) {
        loop {
            let left = self.until(|state| state.left).await;
            let back = self.until(|state| state.left.is_none_or(|now| now != left).then_some(()));
            if tokio::time::timeout_at(left + grace, back).await.is_err() {
                return;
            }
        }
    }

    async fn until<T>(&self, ready: impl Fn(&State) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(value) = ready(&self.state.lock()) {
                return value;
            }
            changed.await;
        }
    }

    /// Follows it from this offset; whoever followed before is displaced. `None`: what stands there is not kept any
    /// more, or never was.
    #[must_use]
    pub fn follow(self: &Arc<Self>, from: u64) -> Option<Follower> {
        let mut state = self.state.lock();
        let known = from == state.end || state.kept.binary_search_by_key(&from, |(at, _)| *at).is_ok();
        if !known {
            return None;
        }
        state.follower += 1;
        state.left = None;
        let number = state.follower;
        drop(state);
        self.changed.notify_waiters();
        Some(Follower { recording: Arc::clone(self), at: from, number })
    }
}

/// Reads an answer. Dropped before the end, the call waits a while for another one and then ends.
#[derive(Debug)]
pub struct Follower {
    recording: Arc<Recording>,
    at: u64,
    number: u64,
}

impl Follower {
    /// What comes next, or [`Step::Silent`] after a time without anything.
    pub async fn next(&mut self, silent_after: Duration) -> Step {
        let (at, number) = (self.at, self.number);
        let ready = self.recording.until(|state| {
            if state.follower != number {
                return Some(Step::Displaced);
            }
            match state.kept.binary_search_by_key(&at, |(start, _)| *start) {
                Ok(index) => Some(Step::Record(state.kept[index].1.clone())),
                Err(_) => state.finished.map(|_| Step::End),
            }
        });
        let step = tokio::time::timeout(silent_after, ready).await.unwrap_or(Step::Silent);
        if let Step::Record(bytes) = &step {
            self.at += bytes.len() as u64;
            let mut state = self.recording.state.lock();
            state.read = state.read.max(self.at);
            drop(state);
            self.recording.changed.notify_waiters();
        }
        step
    }

    /// The id of the request whose answer it follows.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.recording.id
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut state = self.recording.state.lock();
        if state.follower == self.number {
            state.left = Some(Instant::now());
            drop(state);
            self.recording.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn data(byte: u8, length: usize) -> Record {
        Record::new(Kind::Data, vec![byte; length])
    }

    async fn record(follower: &mut Follower) -> Bytes {
        match follower.next(LONG).await {
            Step::Record(bytes) => bytes,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_follower_goes_on_where_the_first_stopped_and_displaces_it() {
        let recording = Recording::new(String::new(), 1000);
        recording.push(&data(1, 10));
        recording.push(&data(2, 10));
        let mut first = recording.follow(0).unwrap();
        assert_eq!(record(&mut first).await[5], 1);
        let mut second = recording.follow(15).unwrap();
        assert!(matches!(first.next(LONG).await, Step::Displaced));
        assert_eq!(record(&mut second).await[5], 2);
        assert!(matches!(second.next(LONG).await, Step::Silent));
        recording.finish(&Record::new(Kind::End, &b"{}"[..]));
        assert_eq!(record(&mut second).await.len(), 7);
        assert!(matches!(second.next(LONG).await, Step::End));
        assert!(recording.follow(16).is_none(), "no record begins there");
    }

    #[tokio::test(start_paused = true)]
    async fn the_vendor_waits_for_whoever_reads() {
        let recording = Recording::new(String::new(), 1000);
        recording.push(&data(1, 300 * 1024));
        assert!(tokio::time::timeout(LONG, recording.room()).await.is_err());
        let mut follower = recording.follow(0).unwrap();
        record(&mut follower).await;
        assert!(tokio::time::timeout(LONG, recording.room()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_was_read_is_let_go() {
        let recording = Recording::new(String::new(), 30);
        recording.push(&data(1, 20));
        recording.push(&data(2, 20));
        assert!(recording.follow(0).is_some());
        let mut follower = recording.follow(0).unwrap();
        record(&mut follower).await;
        recording.push(&data(3, 20));
        assert!(recording.follow(0).is_none(), "let go");
        assert_eq!(record(&mut recording.follow(25).unwrap()).await[5], 2);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_who_follows_for_the_time_of_grace_is_nobody_at_all() {
        let recording = Recording::new(String::new(), 1000);
        let grace = Duration::from_secs(20);
        let begun = Instant::now();
        let watch = {
            let recording = Arc::clone(&recording);
            async move {
                recording.abandoned(grace).await;
                begun.elapsed()
            }
        };
        let client = async {
            tokio::time::sleep(Duration::from_secs(15)).await;
            let follower = recording.follow(0).unwrap();
            tokio::time::sleep(Duration::from_secs(100)).await;
            drop(follower);
        };
        let (elapsed, ()) = tokio::join!(watch, client);
        assert_eq!(elapsed.as_secs(), 135);
    }
}
