//! One run of the shop, from the first event to the verdict.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use rdkafka::Message;
use tokio::sync::mpsc;

use lab::client::{self, Settings};
use lab::final_read::{self, Extent, ReadEnd};
use lab::gap::{Gaps, PhaseGap};
use lab::publisher::{RunClock, Schedule, SharedGaps, lock};

use crate::event::{Published, Topic};
use crate::fault::{FaultAction, FaultNews, FaultOutcome, run_faults};
use crate::fraud::Times;
use crate::group::{GroupReport, GroupSetting};
use crate::groups::{FraudDesk, Groups};
use crate::input;
use crate::ledger::{Ledger, Place};
use crate::publish::{Partitions, Publishing, Source, producer_settings};
use crate::recommendations::Recommendations;
use crate::report::Report;
use crate::screen::{Moment, Snapshot};
use crate::shoppers::{Pattern, Shoppers};
use crate::verdict::Evidence;

/// Partitions of each topic.
const PARTITIONS: i32 = 6;

/// How many events an endless run is expected to have, for the number of customers.
const ENDLESS_SECONDS: u64 = 300;

/// A run goes on after its last fault for a part of the time before it.
const AFTER_LAST_FAULT: f64 = 1.3;

/// How long the verifying read may take.
const VERIFY_LIMIT: Duration = Duration::from_secs(60);

/// The least time that the verifying read has for one topic.
const TOPIC_LIMIT_MIN: Duration = Duration::from_secs(10);

/// What a run is to be.
pub struct Options {
    /// `HOST:PORT,...` of any Kafka cluster.
    pub bootstrap: String,
    /// How long events are published; None for until cancelled, or the end of the file.
    pub seconds: Option<u64>,
    /// A file of the user's own instead of shoppers made by chance; see [`input::inspect`].
    pub input: Option<input::Plan>,
    /// What the shoppers are made from.
    pub seed: u64,
    /// Events a second.
    pub rate: u32,
    /// The broker session of the cluster: no request of the clients waits longer.
    pub session_timeout_ms: u32,
    /// Closes the shop early when it completes; everything is still verified.
    pub cancelled: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Opens the shop, lets the faults happen, closes it, verifies, and reports.
///
/// An error means that the run could not be made: the cluster cannot be reached, a topic cannot be
/// created. What goes wrong later is in the report.
pub async fn run(
    options: Options,
    faults: Vec<FaultAction>,
    mut progress: impl FnMut(&Moment) + Send,
) -> anyhow::Result<Report> {
    ensure!(options.rate > 0, "the rate must be at least 1 event a second");
    let shop = Shop::open(&options).await?;
    let rate = pace(&options, &faults);
    let source = match &options.input {
        Some(plan) => Source::File(Box::new(plan.replay()?)),
        None => {
            let seconds = options.seconds.unwrap_or(ENDLESS_SECONDS);
            let expected = seconds * u64::from(options.rate);
            Source::Shoppers(Box::new(Shoppers::new(options.seed, expected)))
        }
    };
    progress(&Moment::Opens {
        bootstrap: options.bootstrap.clone(),
        partitions: shop.partitions.count(),
        source: describe(&options, rate),
    });
    let mut groups = Groups::start(&shop.group_setting(), shop.times)?;
    groups.wait_until_joined(&shop.partitions).await;
    let day = shop.business(options, source, rate, faults, &groups, &mut progress).await?;
    progress(&Moment::CatchingUp);
    let reports = groups.finish(&shop.stop_groups, &shop.ledger).await?;
    progress(&Moment::Verifying);
    let unread = shop.verify().await?;
    Ok(shop.report(day, &groups, reports, unread))
}

/// Events a second: as asked, or slower where a file would be over before the last fault is.
fn pace(options: &Options, faults: &[FaultAction]) -> f64 {
    let rate = f64::from(options.rate);
    let last_fault = faults.iter().map(|fault| fault.at_second).fold(0.0, f64::max);
    match &options.input {
        Some(plan) if last_fault > 0.0 => {
            rate.min(plan.summary.purchases as f64 / (last_fault * AFTER_LAST_FAULT))
        }
        _ => rate,
    }
}

fn describe(options: &Options, rate: f64) -> String {
    match &options.input {
        Some(plan) => format!(
            "{} purchases of a file at {} a second (no clicks or carts: the file has none)",
            plan.summary.purchases,
            (rate * 10.0).round() / 10.0
        ),
        None => format!("shoppers of seed {} at {rate} events a second", options.seed),
    }
}

/// What the parts of a run share.
struct Shop {
    bootstrap: String,
    settings: Settings,
    run: String,
    clock: RunClock,
    partitions: Partitions,
    /// Where the run begins in each topic.
    first_offsets: [BTreeMap<i32, i64>; 3],
    ledger: Arc<Mutex<Ledger>>,
    gaps: SharedGaps,
    stop_groups: Arc<AtomicBool>,
    remarks: Vec<String>,
    labelled: bool,
    times: Times,
}

/// What the time between opening and closing left behind.
struct Day {
    seconds: f64,
    labels: HashMap<u64, Pattern>,
    faults: Vec<FaultOutcome>,
    gaps: Vec<PhaseGap>,
    /// Why publishing ended too early, if it did.
    stopped: Option<String>,
    /// Somebody closed the shop early.
    cancelled: bool,
}

impl Shop {
    async fn open(options: &Options) -> anyhow::Result<Shop> {
        let topics = Topic::ALL.map(|topic| client::Topic {
            name: topic.name().to_owned(),
            partitions: PARTITIONS,
            replication_factor: None,
            config: Settings::new(),
        });
        let counts = client::ensure_topics(&options.bootstrap, &topics).await?;
        let partitions = Partitions([counts[0], counts[1], counts[2]]);
        let settings = client::prompt_settings(options.session_timeout_ms);
        let mut first_offsets = [const { BTreeMap::new() }; 3];
        for topic in Topic::ALL {
            let count = partitions.0[topic.index()];
            first_offsets[topic.index()] =
                client::log_ends(&options.bootstrap, &settings, topic.name(), count).await?;
        }
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut remarks = Vec::new();
        if let Some(plan) = &options.input {
            remarks.extend(input_remarks(plan));
        }
        Ok(Shop {
            bootstrap: options.bootstrap.clone(),
            settings,
            run: format!("{:x}-{:x}", unix.as_millis(), std::process::id()),
            clock: RunClock::start(),
            gaps: Arc::new(Mutex::new(Gaps::new(partitions.count()))),
            partitions,
            first_offsets,
            ledger: Arc::default(),
            stop_groups: Arc::default(),
            remarks,
            labelled: options.input.is_none(),
            times: match &options.input {
                Some(plan) if plan.summary.days_only => Times::DaysOnly,
                _ => Times::Exact,
            },
        })
    }

    fn group_setting(&self) -> GroupSetting {
        GroupSetting {
            bootstrap: self.bootstrap.clone(),
            settings: self.settings.clone(),
            run: self.run.clone(),
            clock: self.clock,
            stop: Arc::clone(&self.stop_groups),
        }
    }

    /// From the opening to the last acknowledgement.
    async fn business(
        &self,
        options: Options,
        source: Source,
        rate: f64,
        faults: Vec<FaultAction>,
        groups: &Groups,
        progress: &mut (impl FnMut(&Moment) + Send),
    ) -> anyhow::Result<Day> {
        let opened_us = self.clock.now_us();
        let stop = Arc::new(AtomicBool::new(false));
        let publishing = Publishing {
            bootstrap: self.bootstrap.clone(),
            settings: self.settings.clone(),
            run: self.run.clone(),
            partitions: self.partitions.clone(),
            schedule: Schedule {
                clock: self.clock,
                first_us: opened_us as f64,
                interval_us: 1e6 / rate,
            },
            until_us: options.seconds.map(|seconds| opened_us + seconds * 1_000_000),
            ledger: Arc::clone(&self.ledger),
            gaps: Arc::clone(&self.gaps),
            stop: Arc::clone(&stop),
        };
        let mut publishing = tokio::spawn(publishing.run(source));
        let (news_sender, mut news) = mpsc::channel(16);
        let gaps = Arc::clone(&self.gaps);
        let faults = tokio::spawn(run_faults(
            faults,
            self.clock,
            opened_us,
            gaps,
            Arc::clone(&stop),
            news_sender,
        ));
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        seconds.tick().await;
        let mut cancelled = options.cancelled;
        let mut closing = false;
        let mut live = Live::default();
        let published = loop {
            tokio::select! {
                published = &mut publishing => break published,
                () = &mut cancelled, if !closing => {
                    closing = true;
                    stop.store(true, Ordering::Relaxed);
                    progress(&Moment::Settling);
                }
                Some(news) = news.recv() => progress(&moment_of(news)),
                _ = seconds.tick() => progress(&live.second(self, groups, opened_us)),
            }
        };
        let seconds = (self.clock.now_us() - opened_us) as f64 / 1e6;
        stop.store(true, Ordering::Relaxed);
        let gaps = std::mem::replace(&mut *lock(&self.gaps), Gaps::new(self.partitions.count()));
        let gaps = gaps.finish(self.clock.now_us());
        // A fault in the middle of its work is let finish, and its last words are passed on.
        while let Some(news) = news.recv().await {
            progress(&moment_of(news));
        }
        let faults = faults.await.context("the faults crashed")?;
        let (labels, stopped) = match published.context("the publishing side crashed")? {
            Ok(labels) => (labels, None),
            Err(error) => (HashMap::new(), Some(format!("{error:#}"))),
        };
        Ok(Day { seconds, labels, faults, gaps, stopped, cancelled: closing })
    }

    /// Reads every partition from where the run began to its end; returns what could not be read.
    async fn verify(&self) -> anyhow::Result<Vec<String>> {
        let mut unread = Vec::new();
        let deadline = Instant::now() + VERIFY_LIMIT;
        for topic in Topic::ALL {
            // The limit is for all three; a topic whose turn comes late still gets a fair chance.
            let limit = deadline.saturating_duration_since(Instant::now()).max(TOPIC_LIMIT_MIN);
            let ends = lock(&self.ledger).ends(topic);
            let extents: BTreeMap<i32, Extent> = self.first_offsets[topic.index()]
                .iter()
                .map(|(partition, first)| {
                    let expected_end = ends.get(partition).copied().unwrap_or(*first);
                    (*partition, Extent { from: Some(*first), expected_end })
                })
                .collect();
            let config = client::config(&self.bootstrap, &self.settings);
            let (ledger, run) = (Arc::clone(&self.ledger), self.run.clone());
            let end = tokio::task::spawn_blocking(move || {
                final_read::read_topic(config, topic.name(), &extents, limit, |message| {
                    let published: Option<Published> =
                        message.payload().and_then(|payload| serde_json::from_slice(payload).ok());
                    if published.as_ref().is_some_and(|published| published.run != run) {
                        return;
                    }
                    let place =
                        Place { topic, partition: message.partition(), offset: message.offset() };
                    lock(&ledger).found(published.map(|published| published.sequence), place);
                })
            })
            .await
            .context("the verifying read crashed")??;
            if let ReadEnd::Partial { partitions, last_error } = end {
                let why = last_error.map(|error| format!(": {error}")).unwrap_or_default();
                unread.push(format!(
                    "the partitions {partitions:?} of {} could not be read to their ends{why}",
                    topic.name()
                ));
            }
        }
        Ok(unread)
    }

    fn report(
        self,
        day: Day,
        groups: &Groups,
        group_reports: Vec<GroupReport>,
        unread: Vec<String>,
    ) -> Report {
        let ledger = lock(&self.ledger);
        let mut analytics = groups.analytics.with_core(|core| core.report(day.seconds));
        if self.times == Times::DaysOnly {
            analytics.busiest_hour = None;
        }
        let evidence = Evidence {
            balance: ledger.balance(),
            seconds: day.seconds,
            stopped: day.stopped,
            cancelled: day.cancelled,
            unread,
            faults: day.faults,
            // The first phase is the time before the first fault.
            gaps: day.gaps.into_iter().skip(1).collect(),
            partition_name: &|slot| self.partitions.name(slot),
            groups: group_reports,
            analytics,
            recommendations: groups.recommendations.with_core(Recommendations::report),
            flagged: groups.fraud.with_core(FraudDesk::flagged_purchases),
            labels: self.labelled.then_some(&day.labels),
            is_acknowledged: &|sequence| ledger.is_acknowledged(sequence),
            client: producer_settings(&self.settings),
            remarks: self.remarks.clone(),
        };
        evidence.judge()
    }
}

fn input_remarks(plan: &input::Plan) -> Vec<String> {
    let summary = &plan.summary;
    let mut remarks = vec![format!(
        "{} rows make {} purchases; columns: {}",
        summary.rows, summary.purchases, summary.columns
    )];
    for (count, words) in [
        (summary.returns, "rows take something back and were left out"),
        (summary.without_product, "rows name no product and were left out"),
        (summary.guests, "rows name no customer; each such order became a guest"),
    ] {
        if count > 0 {
            remarks.push(format!("{count} {words}"));
        }
    }
    if summary.days_only {
        remarks.push(
            "times are days without hours: nothing is said about nights and bursts".to_owned(),
        );
    }
    remarks.extend(summary.time_remark.clone());
    remarks
}

fn moment_of(news: FaultNews) -> Moment {
    match news {
        FaultNews::Begins { name, at_second } => Moment::FaultBegins { name, at_second },
        FaultNews::Ends(outcome) => {
            Moment::FaultEnds { name: outcome.name, outcome: outcome.result }
        }
    }
}

/// What the line of the last second showed, to tell what is new.
#[derive(Default)]
struct Live {
    acknowledged: u64,
    analysed: u64,
}

impl Live {
    fn second(&mut self, shop: &Shop, groups: &Groups, opened_us: u64) -> Moment {
        let now_us = shop.clock.now_us();
        let acknowledged = lock(&shop.ledger).acknowledged();
        let (analysed, revenue, revenue_per_minute, abandonment) =
            groups.analytics.with_core(|analytics| {
                (
                    analytics.events(),
                    analytics.revenue(),
                    analytics.revenue_per_minute_now(now_us / 1_000_000),
                    analytics.abandonment(),
                )
            });
        let (flagged, last_alert) =
            groups.fraud.with_core(|desk| (desk.detector.flagged(), desk.last_alert.clone()));
        let snapshot = Snapshot {
            second: (now_us - opened_us) / 1_000_000,
            acknowledged_per_second: acknowledged - self.acknowledged,
            analysed_per_second: analysed - self.analysed,
            revenue,
            revenue_per_minute,
            abandonment,
            flagged,
            last_alert,
            waiting_ms: lock(&shop.gaps).waiting_ms(now_us),
        };
        *self = Live { acknowledged, analysed };
        Moment::Second(snapshot)
    }
}
