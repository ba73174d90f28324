//! A histogram with fixed bounds.

use super::Text;

/// Counts by bound.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, not added up; what lies beyond the last is in `count` alone.
    counts: Vec<u64>,
    count: u64,
    sum: f64,
}

impl Histogram {
    /// Empty.
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len()], count: 0, sum: 0.0 }
    }

    /// One more.
    pub(super) fn add(&mut self, value: f64) {
        if let Some(at) = self.bounds.iter().position(|bound| value <= *bound) {
            self.counts[at] += 1;
        }
        self.count += 1;
        self.sum += value;
    }

    /// Buckets, sum and count.
    pub(super) fn write(&self, text: &mut Text, name: &str, label: (&str, &str)) {
        let bucket = format!("{name}_bucket");
        let mut below = 0;
        for (bound, count) in self.bounds.iter().zip(&self.counts) {
            below += count;
            text.sample(&bucket, &[label, ("le", &bound.to_string())], below as f64);
        }
        text.sample(&bucket, &[label, ("le", "+Inf")], self.count as f64);
        text.sample(&format!("{name}_sum"), &[label], self.sum);
        text.sample(&format!("{name}_count"), &[label], self.count as f64);
    }
}
