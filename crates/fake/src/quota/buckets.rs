//! Per-minute limits of API keys: token buckets that refill continuously.

use super::Buckets;

/// One bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    limit: f64,
    level: f64,
    at_ms: i64,
}

impl Bucket {
    fn new(limit: u64, now_ms: i64) -> Self {
        let limit = limit as f64;
        Self { limit, level: limit, at_ms: now_ms }
    }

    fn refill(&mut self, now_ms: i64) {
        let seconds = (now_ms - self.at_ms).max(0) as f64 / 1000.0;
        self.level = (self.level + seconds * self.limit / 60.0).min(self.limit);
        self.at_ms = now_ms;
    }

    /// Seconds until this much can be taken; 0: now. More than the limit is never there at once: a full bucket will do.
    fn wait_s(&self, amount: f64) -> f64 {
        let missing = amount.min(self.limit) - self.level;
        if missing <= 0.0 { 0.0 } else { missing * 60.0 / self.limit }
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit as u64
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.level.max(0.0) as u64
    }

    /// Seconds until it is full again.
    pub(crate) fn full_in_s(&self) -> f64 {
        (self.limit - self.level).max(0.0) * 60.0 / self.limit.max(1.0)
    }

    /// Unix seconds at which it is full again, rounded up.
    pub(crate) fn full_at(&self) -> i64 {
        (self.at_ms as f64 / 1000.0 + self.full_in_s()).ceil() as i64
    }
}

/// Which limit refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Requests,
    InputTokens,
    OutputTokens,
}

/// The three buckets of a key's organisation. (The real vendor keeps them per model class.)
#[derive(Clone, Debug)]
pub(crate) struct Minute {
    pub(crate) requests: Bucket,
    pub(crate) input: Bucket,
    pub(crate) output: Bucket,
}

impl Minute {
    pub(crate) fn new(limits: &Buckets, now_ms: i64) -> Self {
        Self {
            requests: Bucket::new(limits.requests, now_ms),
            input: Bucket::new(limits.input_tokens, now_ms),
            output: Bucket::new(limits.output_tokens, now_ms),
        }
    }

    /// Takes one request, or says which limit refuses and for how many seconds.
    pub(crate) fn admit(&mut self, input: u64, output: u64, now_ms: i64) -> Result<(), (Limit, f64)> {
        let (input, output) = (input as f64, output as f64);
        for bucket in [&mut self.requests, &mut self.input, &mut self.output] {
            bucket.refill(now_ms);
        }
        for (bucket, amount, limit) in [
            (&self.requests, 1.0, Limit::Requests),
            (&self.input, input, Limit::InputTokens),
            (&self.output, output, Limit::OutputTokens),
        ] {
            let wait = bucket.wait_s(amount);
            if wait > 0.0 {
                return Err((limit, wait));
            }
        }
        self.requests.level -= 1.0;
        self.input.level -= input;
        self.output.level -= output;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_refuses_when_empty_and_refills_by_the_clock() {
        let mut minute = Minute::new(&Buckets { requests: 2, input_tokens: 1000, output_tokens: 1000 }, 0);
        assert!(minute.admit(10, 10, 0).is_ok());
        assert!(minute.admit(10, 10, 0).is_ok());
        let (limit, wait) = minute.admit(10, 10, 0).unwrap_err();
        assert_eq!(limit, Limit::Requests);
        assert!((wait - 30.0).abs() < 1e-9);
        assert!(minute.admit(10, 10, 30_000).is_ok());
    }

    #[test]
    fn a_request_larger_than_the_minute_passes_with_a_full_bucket() {
        let mut minute = Minute::new(&Buckets { requests: 100, input_tokens: 50, output_tokens: 50 }, 0);
        assert!(minute.admit(500, 1, 0).is_ok());
        assert_eq!(minute.admit(1, 1, 0).unwrap_err().0, Limit::InputTokens);
    }
}
