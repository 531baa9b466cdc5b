//! Requests by API and version, how long they took, and the errors they were answered with
//! (`kafka_network_requestmetrics_*`).

use std::time::Instant;

use kafka::{ApiKey, ErrorCode, SERVED};
use telemetry::{Counter, Durations, Histogram, Kind, Page};

/// Higher than any version of any API.
const VERSIONS: usize = 32;
/// APIs whose answers hold an error for each partition and are counted by it.
const COUNTED_ERRORS: [ApiKey; 2] = [ApiKey::Produce, ApiKey::Fetch];

/// Names under which Kafka shows Fetch once more, by who sent it.
const FETCH_CONSUMER: &str = "FetchConsumer";
const FETCH_FOLLOWER: &str = "FetchFollower";

/// All requests since the start.
#[derive(Debug)]
pub struct Requests {
    /// At the row of the API in [`SERVED`]; fetches of consumers under Fetch.
    rows: Vec<Row>,
    /// Fetches of other brokers.
    follower_fetches: Row,
    /// By API as in [`COUNTED_ERRORS`], then by code + 1.
    errors: [Vec<Counter>; COUNTED_ERRORS.len()],
}

#[derive(Debug, Default)]
struct Row {
    versions: [Counter; VERSIONS],
    time: Histogram,
}

/// A request that is being answered.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// A row of `Requests::rows`; one more is `follower_fetches`.
    row: usize,
    at: Instant,
}

impl Default for Requests {
    fn default() -> Self {
        let codes = ErrorCode::ALL.iter().map(|it| it.code() + 1).max().unwrap_or(0) as usize + 1;
        let counters = || (0..codes).map(|_| Counter::default()).collect();
        Self {
            rows: SERVED.iter().map(|_| Row::default()).collect(),
            follower_fetches: Row::default(),
            errors: std::array::from_fn(|_| counters()),
        }
    }
}

impl Requests {
    /// A frame begins with its API's key and version. `None`: an API that is not served.
    pub fn arrived(&self, frame: &[u8], from_broker: bool) -> Option<Arrival> {
        let [a, b, c, d] = *frame.first_chunk::<4>()?;
        let key = ApiKey::try_from(i16::from_be_bytes([a, b])).ok()?;
        let row = match key {
            ApiKey::Fetch if from_broker => self.rows.len(),
            _ => SERVED.binary_search_by_key(&key, |served| served.key).ok()?,
        };
        let version = usize::try_from(i16::from_be_bytes([c, d])).ok()?;
        self.row(row).versions.get(version)?.increment();
        Some(Arrival { row, at: Instant::now() })
    }

    /// Its answer is on its way to the kernel.
    pub fn answered(&self, arrival: Option<Arrival>) {
        if let Some(Arrival { row, at }) = arrival {
            self.row(row).time.record(at.elapsed());
        }
    }

    /// A partition of a request was refused.
    pub fn failed(&self, key: ApiKey, code: ErrorCode) {
        let api = COUNTED_ERRORS.iter().position(|it| *it == key);
        let counter = api.and_then(|api| self.errors[api].get((code.code() + 1) as usize));
        if let Some(counter) = counter {
            counter.increment();
        }
    }

    fn row(&self, row: usize) -> &Row {
        self.rows.get(row).unwrap_or(&self.follower_fetches)
    }

    /// Rows that have been used, by the name that Kafka gives them.
    fn used(&self) -> impl Iterator<Item = (&'static str, &Row)> {
        let served = SERVED.iter().zip(&self.rows).map(|(served, row)| match served.key {
            ApiKey::Fetch => (FETCH_CONSUMER, row),
            key => (key.name(), row),
        });
        let all = served.chain([(FETCH_FOLLOWER, &self.follower_fetches)]);
        all.filter(|(_, row)| row.versions.iter().any(|it| it.get() > 0))
    }

    pub(super) fn write(&self, page: &mut Page) {
        let name = "kafka_network_requestmetrics_requests_total";
        let mut family = page.family(name, Kind::Counter, "Requests");
        for (request, row) in self.used() {
            let versions = row.versions.iter().enumerate().filter(|(_, count)| count.get() > 0);
            for (version, count) in versions {
                let version = version.to_string();
                family.sample(&[("request", request), ("version", &version)], count.get());
            }
        }
        let name = "kafka_network_requestmetrics_errors_total";
        let help = "Partitions in requests that were refused";
        let mut family = page.family(name, Kind::Counter, help);
        for (key, counters) in COUNTED_ERRORS.iter().zip(&self.errors) {
            for error in ErrorCode::ALL {
                let count = counters[(error.code() + 1) as usize].get();
                if count > 0 {
                    family.sample(&[("request", key.name()), ("error", error.name())], count);
                }
            }
        }
        let name = "kafka_network_requestmetrics_totaltimems";
        let help = "Milliseconds from a request's arrival to its answer";
        let mut family = page.family(name, Kind::Summary, help);
        let mut fetches = [Durations::default(), Durations::default()];
        for (request, row) in self.used() {
            let (all, recent) = row.time.all_and_recent();
            all.write_summary_ms(&recent, &mut family, &[("request", request)]);
            if [FETCH_CONSUMER, FETCH_FOLLOWER].contains(&request) {
                fetches[0].merge(&all);
                fetches[1].merge(&recent);
            }
        }
        let [all, recent] = fetches;
        all.write_summary_ms(&recent, &mut family, &[("request", ApiKey::Fetch.name())]);
        let name = "janus_network_request_seconds";
        let help = "Seconds from a request's arrival to its answer";
        let mut family = page.family(name, Kind::Histogram, help);
        for (request, row) in self.used() {
            row.time.write_seconds(&mut family, &[("request", request)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_who_sent_them_and_how_they_ended() {
        let requests = Requests::default();
        let fetch = [0, 1, 0, 17, 0, 0];
        requests.answered(requests.arrived(&fetch, true));
        requests.answered(requests.arrived(&fetch, false));
        requests.failed(ApiKey::Produce, ErrorCode::NotLeaderOrFollower);
        requests.failed(ApiKey::Produce, ErrorCode::UnknownServerError);
        for nonsense in [&[0, 1][..], &[0, 1, 0, 99], &[0, 1, 255, 255], &[99, 99, 0, 0]] {
            assert!(requests.arrived(nonsense, false).is_none());
        }
        let mut page = Page::default();
        requests.write(&mut page);
        let text = page.finish();
        for line in [
            r#"requests_total{request="FetchConsumer",version="17"} 1"#,
            r#"requests_total{request="FetchFollower",version="17"} 1"#,
            r#"errors_total{request="Produce",error="NOT_LEADER_OR_FOLLOWER"} 1"#,
            r#"errors_total{request="Produce",error="UNKNOWN_SERVER_ERROR"} 1"#,
            r#"totaltimems_count{request="Fetch"} 2"#,
        ] {
            let line = format!("\nkafka_network_requestmetrics_{line}\n");
            assert!(text.contains(&line), "{line} is missing in {text}");
        }
        assert!(!text.contains("Metadata"), "{text}");
    }
}
