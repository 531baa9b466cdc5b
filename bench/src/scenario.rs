//! What can be measured, in the order in which it is, and the figures that come of it.

use std::fmt;

use serde::Serialize;

/// How a producer compresses its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

/// One thing to measure. What each does says [`Scenario::description`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// A new cluster from nothing to its first acknowledged record, then without work.
    ColdStart,
    /// A cluster that has worked, without work.
    Idle,
    /// Records of 1 KiB as fast as they are taken.
    Throughput(Compression),
    /// Records of 100 bytes as fast as they are taken.
    SmallRecords,
    /// One record in every request.
    Requests,
    /// Records at a fixed rate, a second.
    Latency(u32),
    /// A topic of 1,000 partitions.
    Partitions,
}

impl Scenario {
    /// All, in the order in which they are measured.
    pub const ALL: [Self; 11] = [
        Self::ColdStart,
        Self::Idle,
        Self::Throughput(Compression::Plain),
        Self::Throughput(Compression::Lz4),
        Self::Throughput(Compression::Zstd),
        Self::SmallRecords,
        Self::Requests,
        Self::Latency(500),
        Self::Latency(5_000),
        Self::Latency(20_000),
        Self::Partitions,
    ];

    /// The scenarios whose names are `name` or begin with it and a dash; none for an unknown name.
    pub fn named(name: &str) -> Vec<Self> {
        let group = format!("{name}-");
        let all = Self::ALL.into_iter();
        all.filter(|it| it.to_string() == name || it.to_string().starts_with(&group)).collect()
    }

    /// Whether it gives a running cluster something to do.
    pub(crate) fn is_work(self) -> bool {
        !matches!(self, Self::ColdStart | Self::Idle)
    }

    /// One sentence for people.
    pub fn description(self) -> String {
        match self {
            Self::ColdStart => {
                "start of all servers to the first acknowledged record; then memory \
                                and CPU without work"
                    .to_owned()
            }
            Self::Idle => "memory and CPU without work, after work".to_owned(),
            Self::Throughput(compression) => format!(
                "1 GB of 1 KiB records, {compression}, flat out, with one consumer: server CPU per \
                 GB, MB/s, memory"
            ),
            Self::SmallRecords => {
                "records of 100 bytes flat out, with one consumer: a second, and \
                                   CPU each"
                    .to_owned()
            }
            Self::Requests => {
                "one record of 100 bytes per request, five requests in flight to each \
                               broker: a second, and CPU each"
                    .to_owned()
            }
            Self::Latency(rate) => {
                format!("end to end from intended send times at {rate} records of 1 KiB a second")
            }
            Self::Partitions => {
                "one topic of 1,000 partitions, from its creation until each has taken a record"
                    .to_owned()
            }
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ColdStart => f.write_str("cold-start"),
            Self::Idle => f.write_str("idle"),
            Self::Throughput(compression) => write!(f, "throughput-{compression}"),
            Self::SmallRecords => f.write_str("records"),
            Self::Requests => f.write_str("requests"),
            Self::Latency(rate) => write!(f, "latency-{rate}"),
            Self::Partitions => f.write_str("partitions"),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        })
    }
}

/// Which bounds the ratios are judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// Against Apache Kafka of the same level: many times better.
    Kafka,
    /// One mode of Janus against the other: the data plane is the same within 5 %.
    Modes,
    /// Nothing is judged.
    None,
}

/// Which direction is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Costs: seconds, bytes.
    Lower,
    /// Yields: records a second.
    Higher,
}

/// One figure of a scenario: what it is, and what its ratio has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    pub name: &'static str,
    pub unit: &'static str,
    pub better: Better,
    /// How many times better than Kafka it has to be.
    times_better: Option<f64>,
    data_plane: bool,
}

impl Metric {
    pub(crate) fn lower(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, better: Better::Lower, times_better: None, data_plane: false }
    }

    pub(crate) fn higher(name: &'static str, unit: &'static str) -> Self {
        Self { better: Better::Higher, ..Self::lower(name, unit) }
    }

    /// It has to be so many times better than Kafka's.
    pub(crate) fn times_better(self, times: f64) -> Self {
        Self { times_better: Some(times), ..self }
    }

    /// It must not depend on the mode.
    pub(crate) fn data_plane(self) -> Self {
        Self { data_plane: true, ..self }
    }

    /// The least ratio that passes.
    pub(crate) fn mark(&self, marks: Marks) -> Option<f64> {
        match marks {
            Marks::Kafka => self.times_better,
            Marks::Modes => self.data_plane.then_some(0.95),
            Marks::None => None,
        }
    }
}

/// What one measurement gave.
pub(crate) type Values = Vec<(Metric, f64)>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_scenario_or_a_group() {
        assert_eq!(Scenario::named("idle"), [Scenario::Idle]);
        assert_eq!(Scenario::named("latency").len(), 3);
        assert_eq!(Scenario::named("latency-500"), [Scenario::Latency(500)]);
        assert!(Scenario::named("through").is_empty());
        for scenario in Scenario::ALL {
            assert_eq!(Scenario::named(&scenario.to_string()), [scenario]);
            assert!(!scenario.description().is_empty());
        }
    }

    #[test]
    fn marks_follow_what_is_compared() {
        let metric = Metric::lower("server CPU", "s").times_better(5.0).data_plane();
        assert_eq!(metric.mark(Marks::Kafka), Some(5.0));
        assert_eq!(metric.mark(Marks::Modes), Some(0.95));
        assert_eq!(metric.mark(Marks::None), None);
    }
}
