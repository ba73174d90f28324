//! Connections that wait for their next request: per origin, the last used first, bounded in number and age.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::config::Config;
use crate::connection::Connection;
use crate::origin::Origin;

pub(crate) struct Pool {
    keep_for: Duration,
    max_per_origin: usize,
    max: usize,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// The oldest first. No queue is empty.
    by_origin: HashMap<Origin, VecDeque<Waiting>>,
    count: usize,
}

struct Waiting {
    connection: Box<Connection>,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            keep_for: config.keep_idle_for,
            max_per_origin: config.max_idle_per_origin,
            max: config.max_idle,
            idle: Mutex::default(),
        }
    }

    /// The connection to `origin` that was used last, if one is still good.
    pub(crate) fn take(&self, origin: &Origin) -> Option<Box<Connection>> {
        loop {
            let mut waiting = self.idle.lock().pop(origin, VecDeque::pop_back)?;
            if self.still_good(&mut waiting) {
                waiting.connection.reused = true;
                return Some(waiting.connection);
            }
        }
    }

    /// Keeps a connection for the next request.
    pub(crate) fn put(&self, origin: &Origin, connection: Box<Connection>) {
        if self.max == 0 || self.max_per_origin == 0 {
            return;
        }
        // What has to go is closed after the lock is released.
        let _evicted = {
            let mut idle = self.idle.lock();
            let evicted = if idle.by_origin.get(origin).is_some_and(|queue| queue.len() >= self.max_per_origin) {
                idle.pop(origin, VecDeque::pop_front)
            } else if idle.count >= self.max {
                idle.oldest().and_then(|origin| idle.pop(&origin, VecDeque::pop_front))
            } else {
                None
            };
            idle.count += 1;
            let waiting = Waiting { connection, since: Instant::now() };
            idle.by_origin.entry(origin.clone()).or_default().push_back(waiting);
            evicted
        };
    }

    pub(crate) fn clear(&self) {
        drop(std::mem::take(&mut *self.idle.lock()));
    }

    /// Closes what is too old or was closed by the other side.
    pub(crate) fn clear_expired(&self) {
        let mut idle = self.idle.lock();
        for queue in idle.by_origin.values_mut() {
            queue.retain_mut(|waiting| self.still_good(waiting));
        }
        idle.by_origin.retain(|_, queue| !queue.is_empty());
        idle.count = idle.by_origin.values().map(VecDeque::len).sum();
    }

    pub(crate) fn count(&self) -> usize {
        self.idle.lock().count
    }

    fn still_good(&self, waiting: &mut Waiting) -> bool {
        waiting.since.elapsed() < self.keep_for && waiting.connection.stream.is_quiet()
    }
}

impl Idle {
    fn pop(&mut self, origin: &Origin, end: fn(&mut VecDeque<Waiting>) -> Option<Waiting>) -> Option<Waiting> {
        let queue = self.by_origin.get_mut(origin)?;
        let waiting = end(queue);
        if queue.is_empty() {
            self.by_origin.remove(origin);
        }
        self.count -= usize::from(waiting.is_some());
        waiting
    }

    /// The origin whose oldest connection is the oldest of all.
    fn oldest(&self) -> Option<Origin> {
        let ages = self.by_origin.iter().filter_map(|(origin, queue)| Some((queue.front()?.since, origin)));
        ages.min_by_key(|(since, _)| *since).map(|(_, origin)| origin.clone())
    }
}
