//! Fraud detection: one purchase at a time, from what the customer did before, without labels.
//!
//! Each trace adds to a score, and above a threshold the purchase is flagged. Weights and threshold
//! were set by hand from what such thefts look like; nothing was fitted to the labels of the shop,
//! which the detector never sees. A purchase that was flagged does not become a habit.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;

use serde::Serialize;

use crate::event::{Action, Event};

/// Customers remembered; those not seen for longest are forgotten.
const CUSTOMERS_MAX: usize = 200_000;

/// Devices and countries remembered for each customer.
const PLACES_MAX: usize = 8;

/// How far back purchases count as a burst, and how many of them are remembered.
const BURST_MS: i64 = 10 * 60 * 1000;
const BURST_MAX: usize = 16;

/// A customer's habits are mixed with the shop's as if the shop's were this many purchases.
const PRIOR_PURCHASES: f64 = 2.0;

/// Purchases before a new device or country means anything.
const ACQUAINTED: u32 = 2;

/// Purchases before the shop's own habits say anything about a customer who has none.
const SHOP_ACQUAINTED: u32 = 30;

const THRESHOLD: f64 = 2.5;

/// How exact the times of the events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// To the minute or better.
    Exact,
    /// To the day: nothing can be said about nights and minutes.
    DaysOnly,
}

/// A trace of fraud in a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trace {
    /// The amount is far above the customer's habit.
    LargeAmount,
    /// The customer never used this device.
    NewDevice,
    /// The customer never bought from this country.
    NewCountry,
    /// There were other purchases within minutes.
    Burst,
    /// A small amount among other purchases within minutes.
    SmallAmounts,
    /// The customer does not usually shop at night.
    Night,
}

/// A purchase that was flagged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// Whose purchase.
    pub customer: String,
    /// How much.
    pub amount: f64,
    /// How suspicious; the threshold is 2.5.
    pub score: f64,
    /// Why.
    pub traces: Vec<Trace>,
}

/// The state of the detector.
#[derive(Debug)]
pub struct Detector {
    times: Times,
    customers: HashMap<String, Habits>,
    /// Everybody's amounts.
    shop: Amounts,
    seen: u64,
    flagged: u64,
    traces: BTreeMap<Trace, u64>,
}

#[derive(Debug, Default)]
struct Habits {
    amounts: Amounts,
    night_purchases: u32,
    devices: Vec<String>,
    countries: Vec<String>,
    recent_ms: VecDeque<i64>,
    last_seen: u64,
}

/// Mean and deviation of the logarithms of amounts (Welford).
#[derive(Debug, Clone, Copy, Default)]
struct Amounts {
    count: u32,
    mean: f64,
    squares: f64,
}

impl Amounts {
    fn add(&mut self, logarithm: f64) {
        self.count += 1;
        let before = logarithm - self.mean;
        self.mean += before / f64::from(self.count);
        self.squares += before * (logarithm - self.mean);
    }

    /// Mean and deviation, drawn towards the shop's while there is little to go by.
    fn habit(&self, shop: &Amounts) -> (f64, f64) {
        let own = f64::from(self.count);
        let weight = own + PRIOR_PURCHASES;
        let mean = (own * self.mean + PRIOR_PURCHASES * shop.mean) / weight;
        let shop_variance = shop.squares / f64::from(shop.count.max(1));
        let variance = (self.squares + PRIOR_PURCHASES * shop_variance) / weight;
        (mean, variance.sqrt().max(0.5))
    }
}

impl Detector {
    /// Nothing seen yet.
    pub fn new(times: Times) -> Detector {
        Detector {
            times,
            customers: HashMap::new(),
            shop: Amounts::default(),
            seen: 0,
            flagged: 0,
            traces: BTreeMap::new(),
        }
    }

    /// Judges one event; only purchases can raise an alert.
    pub fn observe(&mut self, event: &Event) -> Option<Alert> {
        let Action::Transaction { amount, .. } = event.action else { return None };
        self.seen += 1;
        if !self.customers.contains_key(&event.customer) && self.customers.len() >= CUSTOMERS_MAX {
            self.forget_the_oldest();
        }
        let habits = self.customers.entry(event.customer.clone()).or_default();
        habits.last_seen = self.seen;
        let logarithm = amount.max(0.01).ln();
        let (score, traces) = habits.score(event, logarithm, &self.shop, self.times);

        habits.recent_ms.push_back(event.time_ms);
        if habits.recent_ms.len() > BURST_MAX {
            habits.recent_ms.pop_front();
        }
        self.shop.add(logarithm);
        if score < THRESHOLD {
            habits.learn(event, logarithm);
            return None;
        }
        self.flagged += 1;
        for trace in &traces {
            *self.traces.entry(*trace).or_default() += 1;
        }
        let score = (score * 100.0).round() / 100.0;
        Some(Alert { customer: event.customer.clone(), amount, score, traces })
    }

    /// Purchases flagged so far.
    pub fn flagged(&self) -> u64 {
        self.flagged
    }

    /// Purchases judged so far.
    pub fn judged(&self) -> u64 {
        self.seen
    }

    /// How often each trace contributed to a flag.
    pub fn traces(&self) -> &BTreeMap<Trace, u64> {
        &self.traces
    }

    fn forget_the_oldest(&mut self) {
        let mut ages: Vec<u64> = self.customers.values().map(|habits| habits.last_seen).collect();
        let middle = ages.len() / 2;
        let (_, median, _) = ages.select_nth_unstable(middle);
        let limit = *median;
        self.customers.retain(|_, habits| habits.last_seen > limit);
    }
}

fn is_night(time_ms: i64) -> bool {
    time_ms.div_euclid(3_600_000).rem_euclid(24) < 5
}

impl Habits {
    fn score(
        &self,
        event: &Event,
        logarithm: f64,
        shop: &Amounts,
        times: Times,
    ) -> (f64, Vec<Trace>) {
        let mut score = 0.0;
        let mut traces = Vec::new();
        let mut add = |trace, weight: f64| {
            if weight > 0.0 {
                score += weight;
                traces.push(trace);
            }
        };
        let acquainted = self.amounts.count >= ACQUAINTED;
        let (mean, deviation) = self.amounts.habit(shop);
        // Nothing is large or small while neither the customer nor the shop has a habit.
        let comparable = acquainted || shop.count >= SHOP_ACQUAINTED;
        let deviations = if comparable { (logarithm - mean) / deviation } else { 0.0 };
        add(Trace::LargeAmount, (deviations - 1.5).clamp(0.0, 2.5));

        let unknown = |known: &[String], here: &Option<String>| {
            acquainted && here.as_ref().is_some_and(|here| !known.contains(here))
        };
        add(Trace::NewDevice, if unknown(&self.devices, &event.device) { 1.5 } else { 0.0 });
        add(Trace::NewCountry, if unknown(&self.countries, &event.country) { 1.3 } else { 0.0 });

        if times == Times::DaysOnly {
            return (score, traces);
        }
        let burst = self
            .recent_ms
            .iter()
            .filter(|time_ms| (event.time_ms - **time_ms).abs() <= BURST_MS)
            .count();
        add(
            Trace::Burst,
            match burst {
                0 => 0.0,
                1 => 0.6,
                2 => 1.6,
                _ => 2.6,
            },
        );
        let small = burst > 0 && deviations < -1.0;
        add(Trace::SmallAmounts, if small { 1.0 } else { 0.0 });

        let usual_nights = f64::from(self.night_purchases) / f64::from(self.amounts.count.max(1));
        let unusual = acquainted && is_night(event.time_ms) && usual_nights < 0.2;
        add(Trace::Night, if unusual { 1.0 } else { 0.0 });
        (score, traces)
    }

    fn learn(&mut self, event: &Event, logarithm: f64) {
        self.amounts.add(logarithm);
        self.night_purchases += u32::from(is_night(event.time_ms));
        for (known, here) in
            [(&mut self.devices, &event.device), (&mut self.countries, &event.country)]
        {
            if let Some(here) = here
                && !known.contains(here)
            {
                if known.len() >= PLACES_MAX {
                    known.remove(0);
                }
                known.push(here.clone());
            }
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} paid {:.2}:", self.customer, self.amount)?;
        for (place, trace) in self.traces.iter().enumerate() {
            let words = match trace {
                Trace::LargeAmount => "far above habit",
                Trace::NewDevice => "new device",
                Trace::NewCountry => "new country",
                Trace::Burst => "many in minutes",
                Trace::SmallAmounts => "small amounts",
                Trace::Night => "at night",
            };
            write!(f, "{} {words}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * 3_600_000;
    const NOON_MS: i64 = DAY_MS / 2;

    fn purchase(time_ms: i64, amount: f64, device: &str, country: &str) -> Event {
        Event {
            time_ms,
            customer: "c".into(),
            session: None,
            country: Some(country.into()),
            device: Some(device.into()),
            action: Action::Transaction { items: Vec::new(), amount },
        }
    }

    /// A detector that knows the customer: five ordinary purchases at noon.
    fn acquainted() -> Detector {
        let mut detector = Detector::new(Times::Exact);
        for day in 0..5 {
            let amount = 90.0 + 5.0 * day as f64;
            let ordinary = purchase(day * DAY_MS + NOON_MS, amount, "phone", "BR");
            assert_eq!(detector.observe(&ordinary), None);
        }
        detector
    }

    #[test]
    fn an_ordinary_purchase_and_one_odd_trace_are_let_through() {
        let day = 10 * DAY_MS;
        for event in [
            purchase(day + NOON_MS, 110.0, "phone", "BR"),
            purchase(day + NOON_MS, 110.0, "new phone", "BR"),
            purchase(day + NOON_MS, 110.0, "phone", "PT"),
            purchase(day + 3_600_000, 110.0, "phone", "BR"),
        ] {
            assert_eq!(acquainted().observe(&event), None);
        }
    }

    #[test]
    fn an_account_that_was_taken_over_is_flagged() {
        let alert =
            acquainted().observe(&purchase(10 * DAY_MS + NOON_MS, 2500.0, "other", "US")).unwrap();
        assert_eq!(alert.traces, [Trace::LargeAmount, Trace::NewDevice, Trace::NewCountry]);
        assert!(alert.to_string().contains("new device"));
    }

    #[test]
    fn small_purchases_in_a_row_are_flagged_and_not_learned() {
        let mut detector = acquainted();
        let flagged = (0..8)
            .filter(|step| {
                let time_ms = 10 * DAY_MS + NOON_MS + step * 20_000;
                detector.observe(&purchase(time_ms, 5.0, "phone", "BR")).is_some()
            })
            .count();
        assert_eq!(flagged, 6);
        assert_eq!(detector.flagged(), 6);
        let normal = purchase(11 * DAY_MS + NOON_MS, 110.0, "phone", "BR");
        assert_eq!(detector.observe(&normal), None);
    }

    #[test]
    fn days_without_hours_say_nothing_about_minutes_and_nights() {
        let mut detector = Detector::new(Times::DaysOnly);
        for _ in 0..10 {
            assert_eq!(detector.observe(&purchase(10 * DAY_MS, 100.0, "phone", "BR")), None);
        }
    }

    #[test]
    fn strangers_are_not_judged_by_habits_they_do_not_have() {
        let mut detector = Detector::new(Times::Exact);
        assert_eq!(detector.observe(&purchase(0, 900.0, "a", "BR")), None);
    }
}
