//! Counters and durations that the request path adds to: relaxed atomics, no lock, no allocation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::{Family, Recent};

/// Something that is counted. It only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `amount` more.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// Counts one more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// How many there are so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Four buckets for each power of two of microseconds, up to 67 s: a quantile is wrong by at most an
/// eighth.
const BUCKETS: usize = 100;

/// The quantiles that Kafka's summaries have.
const QUANTILES: [(&str, f64); 6] = [
    ("0.5", 0.5),
    ("0.75", 0.75),
    ("0.95", 0.95),
    ("0.98", 0.98),
    ("0.99", 0.99),
    ("0.999", 0.999),
];

/// How long something took, as often as it happened.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
    recent: Recent<Durations>,
}

/// A reading of one or several histograms.
#[derive(Clone, Debug)]
pub struct Durations {
    counts: Box<[u64; BUCKETS]>,
    sum_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        let counts = std::array::from_fn(|_| AtomicU64::new(0));
        Self { counts, sum_us: AtomicU64::new(0), recent: Recent::new(Durations::default()) }
    }
}

impl Default for Durations {
    fn default() -> Self {
        Self { counts: Box::new([0; BUCKETS]), sum_us: 0 }
    }
}

impl Histogram {
    /// Two atomic additions.
    pub fn record(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket_of(us)].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Everything since the start.
    pub fn all(&self) -> Durations {
        Durations {
            counts: Box::new(std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed))),
            sum_us: self.sum_us.load(Ordering::Relaxed),
        }
    }

    /// Everything since the start, and what of it is from the last one or two minutes.
    pub fn all_and_recent(&self) -> (Durations, Durations) {
        let all = self.all();
        let (_, earlier) = self.recent.earlier(Instant::now(), &all);
        let counts = std::array::from_fn(|at| all.counts[at].saturating_sub(earlier.counts[at]));
        let sum_us = all.sum_us.saturating_sub(earlier.sum_us);
        let recent = Durations { counts: Box::new(counts), sum_us };
        (all, recent)
    }

    /// A summary in milliseconds, as Kafka has them: count and sum since the start, quantiles of the
    /// last one or two minutes.
    pub fn write_summary_ms(&self, family: &mut Family<'_>, labels: &[(&str, &str)]) {
        let (all, recent) = self.all_and_recent();
        all.write_summary_ms(&recent, family, labels);
    }

    /// A Prometheus histogram in seconds.
    pub fn write_seconds(&self, family: &mut Family<'_>, labels: &[(&str, &str)]) {
        self.all().write_seconds(family, labels);
    }
}

impl Durations {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds what another histogram has.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&*other.counts) {
            *mine += theirs;
        }
        self.sum_us = self.sum_us.wrapping_add(other.sum_us);
    }

    /// Milliseconds within which the fraction `quantile` of them took; 0 when there were none.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        let rank = (self.count() as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank.max(1)
        });
        at.map_or(0.0, |at| bucket_end_us(at) as f64 / 1_000.0)
    }

    /// Milliseconds on average; 0 when there were none.
    pub fn mean_ms(&self) -> f64 {
        self.sum_us as f64 / self.count().max(1) as f64 / 1_000.0
    }

    /// A summary in milliseconds: count and sum of these, quantiles of the `recent` ones.
    pub fn write_summary_ms(
        &self,
        recent: &Self,
        family: &mut Family<'_>,
        labels: &[(&str, &str)],
    ) {
        let mut labelled = labels.to_vec();
        for (name, quantile) in QUANTILES {
            labelled.push(("quantile", name));
            family.sample(&labelled, recent.quantile_ms(quantile));
            labelled.pop();
        }
        family.suffixed("_sum", labels, self.sum_us as f64 / 1_000.0);
        family.suffixed("_count", labels, self.count());
    }

    fn write_seconds(&self, family: &mut Family<'_>, labels: &[(&str, &str)]) {
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            // From 256 µs on, every power of two. The last bucket has no end.
            let end_us = bucket_end_us(at);
            if end_us.is_power_of_two() && end_us >= 256 && at + 1 < BUCKETS {
                let end = (end_us as f64 / 1e6).to_string();
                family.suffixed("_bucket", &[labels, &[("le", &end)]].concat(), seen);
            }
        }
        family.suffixed("_bucket", &[labels, &[("le", "+Inf")]].concat(), seen);
        family.suffixed("_sum", labels, self.sum_us as f64 / 1e6);
        family.suffixed("_count", labels, seen);
    }
}

fn bucket_of(us: u64) -> usize {
    if us < 4 {
        return us as usize;
    }
    let power = us.ilog2() as usize;
    let quarter = (us >> (power - 2)) as usize & 3;
    ((power - 1) * 4 + quarter).min(BUCKETS - 1)
}

/// The first number of microseconds that lies beyond the bucket.
fn bucket_end_us(at: usize) -> u64 {
    match at {
        0..4 => at as u64 + 1,
        _ => (at as u64 % 4 + 5) << (at / 4 - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Page};

    #[test]
    fn every_duration_lies_in_the_bucket_that_ends_after_it() {
        let mut before = 0;
        for at in 0..BUCKETS - 1 {
            let end = bucket_end_us(at);
            assert!(end > before);
            assert_eq!([bucket_of(before), bucket_of(end - 1), bucket_of(end)], [at, at, at + 1]);
            before = end;
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_right_by_an_eighth_or_two() {
        let histogram = Histogram::default();
        (1..=1_000).for_each(|ms| histogram.record(Duration::from_millis(ms)));
        let (all, recent) = histogram.all_and_recent();
        assert_eq!([all.count(), recent.count()], [1_000, 1_000]);
        for (quantile, exact) in [(0.5, 500.0), (0.99, 990.0)] {
            let found = recent.quantile_ms(quantile);
            assert!((exact..exact * 1.25).contains(&found), "{quantile}: {found}");
        }
        assert_eq!(all.mean_ms(), 500.5);
        assert_eq!(Durations::default().quantile_ms(0.99), 0.0);
    }

    #[test]
    fn buckets_are_cumulative_and_end_with_all() {
        let histogram = Histogram::default();
        for ms in [1, 10, 10, 100_000] {
            histogram.record(Duration::from_millis(ms));
        }
        let mut page = Page::default();
        histogram.write_seconds(&mut page.family("took", Kind::Histogram, "How long"), &[]);
        let text = page.finish();
        assert!(text.contains("took_bucket{le=\"0.001024\"} 1\n"), "{text}");
        assert!(text.contains("took_bucket{le=\"0.016384\"} 3\n"), "{text}");
        assert!(text.contains("took_bucket{le=\"+Inf\"} 4\ntook_sum 100.021\ntook_count 4\n"));
    }
}
