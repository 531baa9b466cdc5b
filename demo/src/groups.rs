//! The three consumer groups of the shop, side by side.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lab::publisher::lock;

use crate::analytics::Analytics;
use crate::event::{Published, Topic};
use crate::fraud::{Detector, Times};
use crate::group::{Group, GroupReport, GroupSetting};
use crate::ledger::Ledger;
use crate::publish::Partitions;
use crate::recommendations::Recommendations;
use crate::verdict::FlaggedPurchases;

/// How long the shop waits for its groups before it opens.
const JOIN_LIMIT: Duration = Duration::from_secs(10);

/// How long the groups may take to come to the end.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(60);

/// The detector, with what only the report needs: which events it flagged.
pub(crate) struct FraudDesk {
    pub detector: Detector,
    flagged: Vec<u64>,
    pub last_alert: Option<String>,
}

impl FraudDesk {
    fn observe(&mut self, published: &Published) {
        if let Some(alert) = self.detector.observe(&published.event) {
            self.flagged.push(published.sequence);
            self.last_alert = Some(alert.to_string());
        }
    }

    pub(crate) fn flagged_purchases(&self) -> FlaggedPurchases {
        FlaggedPurchases {
            sequences: self.flagged.clone(),
            judged: self.detector.judged(),
            traces: self.detector.traces().clone(),
        }
    }
}

/// The three consumer groups.
pub(crate) struct Groups {
    pub analytics: Group<Analytics>,
    pub recommendations: Group<Recommendations>,
    pub fraud: Group<FraudDesk>,
}

impl Groups {
    pub(crate) fn start(setting: &GroupSetting, times: Times) -> anyhow::Result<Groups> {
        const PURCHASES: &[Topic] = &[Topic::Transactions];
        let desk =
            FraudDesk { detector: Detector::new(times), flagged: Vec::new(), last_alert: None };
        Ok(Groups {
            analytics: Group::start(
                "live-analytics",
                &Topic::ALL,
                setting,
                Analytics::new(),
                |core, published, second| core.observe(&published.event, second),
            )?,
            recommendations: Group::start(
                "recommendations",
                PURCHASES,
                setting,
                Recommendations::new(),
                |core, published, _| core.observe(&published.event),
            )?,
            fraud: Group::start(
                "fraud-detection",
                PURCHASES,
                setting,
                desk,
                |core, published, _| core.observe(published),
            )?,
        })
    }

    /// Waits until all groups have their partitions, so that people see something from the start.
    ///
    /// A group that takes longer reads from the beginning all the same.
    pub(crate) async fn wait_until_joined(&self, partitions: &Partitions) {
        let count = |topics: &[Topic]| -> usize {
            topics.iter().map(|topic| partitions.0[topic.index()] as usize).sum()
        };
        let deadline = Instant::now() + JOIN_LIMIT;
        while Instant::now() < deadline
            && (self.analytics.assigned() < count(self.analytics.topics())
                || self.recommendations.assigned() < count(self.recommendations.topics())
                || self.fraud.assigned() < count(self.fraud.topics()))
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until all groups have come to the end, stops them, and says what they did.
    pub(crate) async fn finish(
        &mut self,
        stop: &AtomicBool,
        ledger: &Mutex<Ledger>,
    ) -> anyhow::Result<Vec<GroupReport>> {
        let ends: HashMap<(Topic, i32), i64> = Topic::ALL
            .into_iter()
            .flat_map(|topic| {
                let ends = lock(ledger).ends(topic);
                ends.into_iter().map(move |(partition, end)| ((topic, partition), end))
            })
            .collect();
        let caught_up = |topics: &[Topic], positions: &HashMap<(Topic, i32), i64>| {
            ends.iter()
                .filter(|((topic, _), _)| topics.contains(topic))
                .all(|(place, end)| positions.get(place).is_some_and(|position| position >= end))
        };
        let deadline = Instant::now() + CATCH_UP_LIMIT;
        while Instant::now() < deadline
            && !(caught_up(self.analytics.topics(), &self.analytics.positions())
                && caught_up(self.recommendations.topics(), &self.recommendations.positions())
                && caught_up(self.fraud.topics(), &self.fraud.positions()))
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stop.store(true, Ordering::Relaxed);
        self.analytics.finish().await?;
        self.recommendations.finish().await?;
        self.fraud.finish().await?;
        let ledger = lock(ledger);
        Ok(vec![
            self.analytics.report(&ledger),
            self.recommendations.report(&ledger),
            self.fraud.report(&ledger),
        ])
    }
}
