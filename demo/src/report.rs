//! The report of a run: for scripts as JSON, for people in words.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::analytics::AnalyticsReport;
use crate::fraud::Trace;
use crate::group::GroupReport;
use crate::recommendations::RecommendationsReport;
use crate::shoppers::Pattern;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing acknowledged was lost or duplicated, every group kept up, every fault was survived.
    Pass,
    /// A promise was broken.
    Fail,
    /// Nothing broken was seen, but something could not be checked.
    Unknown,
}

/// A fault and what it cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultReport {
    /// Its name.
    pub fault: String,
    /// When it happened, in seconds of the run.
    pub at_second: f64,
    /// Over all partitions, the longest time from the intended send time of the oldest record
    /// unacknowledged after the fault to the first acknowledgement.
    pub write_gap_ms: u64,
    /// The partition that waited longest.
    pub partition: Option<String>,
    /// False if some partition took no writes any more.
    pub recovered: bool,
    /// What the fault said of itself, or why it could not be done.
    pub outcome: String,
    /// False if the fault could not be done.
    pub done: bool,
}

/// How well fraud was told from honest purchases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FraudReport {
    /// Purchases flagged.
    pub flagged: u64,
    /// The share of flagged purchases that were fraud; null where nobody knows.
    pub precision: Option<f64>,
    /// The share of frauds that were flagged; null where nobody knows.
    pub recall: Option<f64>,
    /// Purchases judged.
    pub judged: u64,
    /// Purchases that were fraud; null where nobody knows.
    pub frauds: Option<u64>,
    /// Recall by the kind of fraud; null where nobody knows.
    pub recall_by_pattern: Option<BTreeMap<Pattern, f64>>,
    /// How often each trace contributed to a flag.
    pub traces: BTreeMap<Trace, u64>,
}

/// Everything about a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How it ended.
    pub verdict: Verdict,
    /// Why it did not pass; empty if it did.
    pub reasons: Vec<String>,
    /// Events acknowledged.
    pub acknowledged: u64,
    /// Acknowledged events that the verifying read of all partitions found.
    pub consumed: u64,
    /// Acknowledged events that it did not find.
    pub lost: u64,
    /// Events at more than one offset of the log.
    pub duplicated: u64,
    /// Events whose outcome stayed unknown.
    pub unknown: u64,
    /// How long it ran.
    pub seconds: f64,
    /// The faults, in order.
    pub faults: Vec<FaultReport>,
    /// The three groups.
    pub groups: Vec<GroupReport>,
    /// Live analytics.
    pub analytics: AnalyticsReport,
    /// Bought together.
    pub recommendations: RecommendationsReport,
    /// Fraud detection.
    pub fraud: FraudReport,
    /// The settings of the producers, which every gap depends on.
    pub client: BTreeMap<String, String>,
    /// What else is worth knowing.
    pub remarks: Vec<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::Unknown => "UNKNOWN",
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_faults(f)?;
        self.write_analytics(f)?;
        self.write_recommendations(f)?;
        self.write_fraud(f)?;
        self.write_books(f)
    }
}

impl Report {
    fn write_faults(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.faults.is_empty() {
            return Ok(());
        }
        writeln!(f, "Faults")?;
        for fault in &self.faults {
            let end = match (&fault.partition, fault.recovered) {
                (Some(partition), true) => {
                    format!("longest wait for a write {} ms, on {partition}", fault.write_gap_ms)
                }
                (Some(partition), false) => format!("{partition} took no writes any more"),
                (None, _) => "no writes waited".to_owned(),
            };
            writeln!(f, "  at {:>5.1} s  {}: {end}", fault.at_second, fault.fault)?;
            writeln!(f, "              {}", fault.outcome)?;
        }
        writeln!(f)
    }

    fn write_analytics(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let analytics = &self.analytics;
        writeln!(f, "Live analytics")?;
        writeln!(
            f,
            "  {} events, {} a second: {} clicks, {} cart additions, {} purchases",
            thousands(analytics.events as f64, 0),
            thousands(analytics.events_per_second, 0),
            thousands(analytics.clicks as f64, 0),
            thousands(analytics.cart_additions as f64, 0),
            thousands(analytics.transactions as f64, 0)
        )?;
        writeln!(
            f,
            "  revenue {}, {} a minute, {} a purchase",
            thousands(analytics.revenue, 2),
            thousands(analytics.revenue_per_minute, 2),
            thousands(analytics.average_purchase, 2)
        )?;
        if let Some(funnel) = &analytics.funnel {
            writeln!(
                f,
                "  visits {} -> with a cart {} -> with a purchase {}; carts left: {}, worth {}",
                thousands(funnel.visits as f64, 0),
                thousands(funnel.with_cart as f64, 0),
                thousands(funnel.with_purchase as f64, 0),
                percent(analytics.abandonment),
                thousands(funnel.abandoned_value, 2)
            )?;
        }
        for sales in analytics.top_products.iter().take(5) {
            let revenue = thousands(sales.revenue, 2);
            writeln!(f, "  {revenue:>14}  {} ({} sold)", sales.product, sales.units)?;
        }
        writeln!(f)
    }

    fn write_recommendations(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Bought together")?;
        if self.recommendations.top.is_empty() {
            writeln!(f, "  no pair stands out in {} purchases", self.recommendations.purchases)?;
        }
        for pair in self.recommendations.top.iter().take(5) {
            writeln!(
                f,
                "  {} + {}: {} times, {:.1} times more often than chance",
                pair.product, pair.with, pair.together, pair.lift
            )?;
        }
        writeln!(f)
    }

    fn write_fraud(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraud = &self.fraud;
        writeln!(f, "Fraud detection")?;
        write!(f, "  {} of {} purchases flagged", fraud.flagged, fraud.judged)?;
        match fraud.frauds {
            Some(frauds) => writeln!(
                f,
                "; {frauds} were fraud: precision {}, recall {}",
                percent(fraud.precision),
                percent(fraud.recall)
            )?,
            None => writeln!(f, "; nobody knows which were fraud")?,
        }
        writeln!(f)
    }

    fn write_books(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in &self.groups {
            writeln!(
                f,
                "Group {}: {} events, {} given again, {} behind",
                group.group,
                thousands(group.consumed as f64, 0),
                group.redelivered,
                group.behind
            )?;
        }
        for remark in &self.remarks {
            writeln!(f, "Note: {remark}")?;
        }
        writeln!(
            f,
            "\n{}: {} events acknowledged, {} read back, {} lost, {} duplicated",
            self.verdict,
            thousands(self.acknowledged as f64, 0),
            thousands(self.consumed as f64, 0),
            self.lost,
            self.duplicated
        )?;
        for reason in &self.reasons {
            writeln!(f, "  {reason}")?;
        }
        Ok(())
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or("not known".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// A number with commas between the thousands.
pub(crate) fn thousands(number: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", number.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), ""), |parts| parts);
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    let sign = if number < 0.0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{out}") } else { format!("{sign}{out}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(1_234_567.891, 2), "1,234,567.89");
        assert_eq!(thousands(999.0, 0), "999");
        assert_eq!(thousands(-1000.0, 0), "-1,000");
    }
}
