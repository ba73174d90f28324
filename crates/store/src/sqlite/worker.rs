//! The one thread that owns the connections. SQLite blocks, and one writer needs no locks; callers wait off the
//! runtime, and what they handed over is carried out even when they stop waiting.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::engine::Engine;
use crate::error::StoreError;

/// Jobs that may wait. Beyond it callers wait too.
const QUEUE: usize = 256;
/// From call to answer. Far above the wait for another process's transaction, far below anybody's patience.
const DEADLINE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(2);

type Job = Box<dyn FnOnce(&mut Engine) + Send>;

/// The thread and the way to it.
pub(super) struct Worker {
    jobs: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// Starts the thread. The engine is opened on it.
    pub(super) async fn start(
        open: impl FnOnce() -> Result<Engine, StoreError> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (jobs, inbox) = sync_channel::<Job>(QUEUE);
        let (opened, answer) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("remuda-store".to_owned())
            .spawn(move || match open() {
                Ok(mut engine) => {
                    let _ = opened.send(Ok(())); // fails only if nobody waits any more
                    for job in inbox {
                        job(&mut engine);
                    }
                }
                Err(e) => {
                    let _ = opened.send(Err(e));
                }
            })
            .map_err(|e| StoreError::Engine(Box::new(e)))?;
        let worker = Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) };
        off_runtime(move || wait(&answer, Instant::now() + DEADLINE)).await??;
        Ok(worker)
    }

    /// Hands a job over and waits for its answer.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Engine) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let deadline = Instant::now() + DEADLINE;
        let jobs = lock(&self.jobs).clone().ok_or(StoreError::Closed)?;
        let (reply, answer) = sync_channel(1);
        let job: Job = Box::new(move |engine| {
            let _ = reply.send(job(engine)); // fails only if nobody waits any more
        });
        // At once, before the first await: from here on the job is carried out.
        let waiting = match jobs.try_send(job) {
            Ok(()) => None,
            Err(TrySendError::Full(job)) => Some(job),
            Err(TrySendError::Disconnected(_)) => return Err(stopped()),
        };
        off_runtime(move || {
            if let Some(job) = waiting {
                enqueue(&jobs, job, deadline)?;
            }
            wait(&answer, deadline)
        })
        .await?
    }

    /// Takes no more jobs, carries out those it has, and ends.
    pub(super) async fn close(&self) {
        drop(lock(&self.jobs).take());
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            let _ = off_runtime(move || joined(thread)).await;
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(lock(&self.jobs).take());
        if let Some(thread) = lock(&self.thread).take() {
            joined(thread);
        }
    }
}

/// Waits on a blocking thread. (While one waits there a runtime with a paused clock does not move its time on, so tests
/// on simulated time can use a real store.)
async fn off_runtime<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(wait).await.map_err(|e| StoreError::Engine(Box::new(e)))
}

fn enqueue(jobs: &SyncSender<Job>, mut job: Job, deadline: Instant) -> Result<(), StoreError> {
    loop {
        match jobs.try_send(job) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Disconnected(_)) => return Err(stopped()),
            Err(TrySendError::Full(_)) if Instant::now() >= deadline => {
                return Err(StoreError::Busy { what: "the store".to_owned() });
            }
            Err(TrySendError::Full(same)) => {
                job = same;
                thread::sleep(PAUSE);
            }
        }
    }
}

fn wait<T>(answer: &Receiver<Result<T, StoreError>>, deadline: Instant) -> Result<T, StoreError> {
    match answer.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => Err(StoreError::Timeout),
        Err(RecvTimeoutError::Disconnected) => Err(stopped()),
    }
}

fn stopped() -> StoreError {
    StoreError::Engine("its thread has stopped".into())
}

fn joined(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("the store's thread panicked");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
