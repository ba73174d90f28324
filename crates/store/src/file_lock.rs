//! Exclusive locks across processes. The kernel frees them when their holder dies, so none is ever stale.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::StoreError;
use crate::permissions::open_private;

/// How often a taken lock is tried again. Short beside a token exchange, long beside a system call.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits for the lock, blocking this thread. It is held until the file is dropped.
pub(crate) fn acquire(path: &Path, wait: Duration, what: &str) -> Result<File, StoreError> {
    let deadline = Instant::now() + wait;
    let file = open_private(path)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(e)) => return Err(StoreError::io(path, e)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(StoreError::Busy { what: what.to_owned() });
            }
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
        }
    }
}
