//! How many requests a token may make: a bucket that fills evenly and holds a quarter of a minute's worth.

use std::collections::HashMap;

use parking_lot::Mutex;

/// See the module. Holds one bucket per valid token, so it is as small as their list.
#[derive(Debug)]
pub struct Limit {
    per_minute: u32,
    buckets: Mutex<HashMap<[u8; 32], Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    /// Thousandths of a minute's requests, times 60.
    level: u64,
    at_ms: u64,
}

impl Limit {
    /// So many per minute.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, buckets: Mutex::default() }
    }

    /// Takes one. Otherwise: seconds until there is one.
    ///
    /// # Errors
    /// The bucket is empty.
    pub fn take(&self, token: [u8; 32], now_ms: u64) -> Result<(), u64> {
        const ONE: u64 = 60_000;
        let rate = u64::from(self.per_minute.max(1));
        let most = (rate * ONE / 4).max(ONE);
        let mut buckets = self.buckets.lock();
        if buckets.len() >= 64 && !buckets.contains_key(&token) {
            buckets.clear();
        }
        let bucket = buckets.entry(token).or_insert(Bucket { level: most, at_ms: now_ms });
        let gained = now_ms.saturating_sub(bucket.at_ms).saturating_mul(rate);
        *bucket = Bucket { level: bucket.level.saturating_add(gained).min(most), at_ms: bucket.at_ms.max(now_ms) };
        match bucket.level.checked_sub(ONE) {
            Some(left) => {
                bucket.level = left;
                Ok(())
            }
            None => Err((ONE - bucket.level).div_ceil(rate * 1000).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_a_quarter_minute_then_the_rate_and_each_token_on_its_own() {
        let limit = Limit::new(120);
        let taken = (0..100).take_while(|_| limit.take([1; 32], 5_000).is_ok()).count();
        assert_eq!(taken, 30);
        assert_eq!(limit.take([1; 32], 5_000), Err(1));
        assert_eq!(limit.take([2; 32], 5_000), Ok(()));
        assert_eq!(limit.take([1; 32], 5_500), Ok(()));
        assert_eq!(limit.take([1; 32], 5_500), Err(1));
        let after_a_rest = (0..100).take_while(|_| limit.take([1; 32], 999_000).is_ok()).count();
        assert_eq!(after_a_rest, 30);
    }

    #[test]
    fn a_slow_rate_states_how_long_to_wait() {
        let limit = Limit::new(2);
        assert_eq!(limit.take([1; 32], 0), Ok(()));
        assert_eq!(limit.take([1; 32], 10_000), Err(20));
    }
}
