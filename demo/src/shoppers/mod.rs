//! Shoppers made by chance: reproducible from a seed, endless, in the order of the shop's clock.
//!
//! Customers visit by the hour of the day, click by popularity, fill carts, abandon many of them
//! and buy the rest. A known share of all purchases is fraud. Honest customers do odd things too (new
//! telephones, journeys, presents, second orders minutes later, shopping at night), so that nobody
//! can tell the two apart without errors.
//!
//! The label stands beside the event, never in it: whoever publishes keeps it apart.

mod catalogue;
mod fraudsters;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;

use crate::event::{Action, Event, Item};

use catalogue::{Catalogue, Zipf};

pub use fraudsters::{FRAUD_SHARE, Pattern};

/// The shop opens on 2 March 2026 at 8:00, a Monday.
const OPENING_MS: i64 = 1_772_438_400_000;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Visits of the average customer on a day.
const VISITS_PER_DAY: f64 = 1.0;

/// The share of filled carts that are left.
const ABANDONMENT: f64 = 0.55;

/// Nobody needs several of anything dearer.
const SEVERAL_BELOW: f64 = 260.0;

/// How busy each hour of the day is, 1 on average by day.
const HOURS: [f64; 24] = [
    0.25, 0.12, 0.06, 0.05, 0.05, 0.10, 0.30, 0.60, 0.9, 1.1, 1.2, 1.2, 1.3, 1.2, 1.1, 1.1, 1.1,
    1.1, 1.2, 1.4, 1.6, 1.6, 1.2, 0.6,
];

const COUNTRIES: [(&str, f64); 6] =
    [("BR", 0.72), ("AR", 0.08), ("PT", 0.07), ("CL", 0.06), ("UY", 0.04), ("US", 0.03)];

/// One customer and their habits.
#[derive(Debug)]
struct Customer {
    id: String,
    country: &'static str,
    devices: Vec<String>,
    category: &'static str,
    /// What they tend to spend, against the average.
    generosity: f64,
    sleeps_at_night: bool,
    /// The amounts they paid so far: how many, and their mean.
    purchases: u32,
    mean_amount: f64,
}

/// An event to come, with what only the generator knows about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What happens.
    pub event: Event,
    /// The fraud that this purchase is part of, if it is one.
    pub label: Option<Pattern>,
}

/// An endless, reproducible sequence of events in the order of their times.
pub struct Shoppers {
    random: StdRng,
    catalogue: Catalogue,
    customers: Vec<Customer>,
    activity: Zipf,
    next_visit_ms: i64,
    next_session: u64,
    upcoming: BinaryHeap<Reverse<Upcoming>>,
    planned: u64,
    counts: Counts,
    /// Fraudulent purchases by pattern.
    stolen: [u64; Pattern::ALL.len()],
}

/// What was generated so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Purchases, fraud included.
    pub transactions: u64,
    /// Purchases that are fraud.
    pub frauds: u64,
    /// Visits that put something into the cart and left it there.
    pub abandoned_carts: u64,
}

struct Upcoming {
    time_ms: i64,
    order: u64,
    planned: Planned,
}

impl PartialEq for Upcoming {
    fn eq(&self, other: &Upcoming) -> bool {
        self.order == other.order
    }
}

impl Eq for Upcoming {}

impl PartialOrd for Upcoming {
    fn partial_cmp(&self, other: &Upcoming) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Upcoming {
    fn cmp(&self, other: &Upcoming) -> std::cmp::Ordering {
        (self.time_ms, self.order).cmp(&(other.time_ms, other.order))
    }
}

impl Shoppers {
    /// Shoppers for a run of about this many events: enough customers, each with several purchases.
    pub fn new(seed: u64, expected_events: u64) -> Shoppers {
        let mut random = StdRng::seed_from_u64(seed);
        let catalogue = Catalogue::new(&mut random);
        let count = (expected_events / 400).clamp(60, 20_000) as usize;
        let customers = (1..=count).map(|number| Customer::new(number, &mut random)).collect();
        Shoppers {
            random,
            catalogue,
            customers,
            activity: Zipf::new(count, 0.5),
            next_visit_ms: OPENING_MS,
            next_session: 1,
            upcoming: BinaryHeap::new(),
            planned: 0,
            counts: Counts::default(),
            stolen: [0; Pattern::ALL.len()],
        }
    }

    /// What was generated so far, events still to come included.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn plan(&mut self, event: Event, label: Option<Pattern>) {
        if let Action::Transaction { .. } = event.action {
            self.counts.transactions += 1;
            self.counts.frauds += u64::from(label.is_some());
        }
        self.planned += 1;
        self.upcoming.push(Reverse(Upcoming {
            time_ms: event.time_ms,
            order: self.planned,
            planned: Planned { event, label },
        }));
    }

    /// Somebody comes in: everything they will do is planned at once.
    fn visit(&mut self) {
        let time_ms = self.next_visit_ms;
        let hour = (time_ms / HOUR_MS % 24) as usize;
        let visits_per_ms = self.customers.len() as f64 * VISITS_PER_DAY / (24 * HOUR_MS) as f64;
        let pause_ms = exponential(&mut self.random) / (visits_per_ms * HOURS[hour]);
        self.next_visit_ms += pause_ms.max(1.0) as i64;

        let mut customer = self.activity.sample(&mut self.random);
        // By night most visitors are people who shop at night.
        for _ in 0..4 {
            if hour < 6 && self.customers[customer].sleeps_at_night {
                customer = self.activity.sample(&mut self.random);
            }
        }
        let bought_ms = self.browse(customer, time_ms);
        if let Some(bought_ms) = bought_ms
            && self.random.random_bool(0.04)
        {
            // They forgot something.
            let again_ms = bought_ms + self.random.random_range(2..10) * MINUTE_MS;
            self.browse(customer, again_ms);
        }
        fraudsters::strike(self, time_ms);
    }

    /// One session; returns when it ended in a purchase.
    fn browse(&mut self, customer: usize, start_ms: i64) -> Option<i64> {
        let session = self.next_session;
        self.next_session += 1;
        let (country, device) = self.whereabouts(customer);
        let mut time_ms = start_ms;
        let mut cart: Vec<Item> = Vec::new();
        let clicks = 1 + (exponential(&mut self.random) * 7.0) as usize;
        let visitor = &self.customers[customer];
        let base = Event {
            time_ms,
            customer: visitor.id.clone(),
            session: Some(session),
            country: Some(country.to_owned()),
            device: Some(device),
            action: Action::Click { product: String::new() },
        };
        let (category, generosity) = (visitor.category, visitor.generosity);
        let mut wanted: Option<usize> = None;
        for _ in 0..clicks.min(40) {
            time_ms += SECOND_MS + (exponential(&mut self.random) * 25_000.0) as i64;
            let follows = wanted.take();
            let product = follows.unwrap_or_else(|| self.look(category));
            let chosen = self.catalogue.products[product].clone();
            let click = Action::Click { product: chosen.name.to_owned() };
            self.plan(Event { time_ms, action: click, ..base.clone() }, None);
            // Dear things are looked at more often than bought, by modest people above all.
            let reach = (600.0 * generosity / chosen.price).min(1.0);
            let temptation = if follows.is_some() { 0.65 } else { 0.05 + 0.17 * reach };
            if self.random.random_bool(temptation) && cart.len() < 10 {
                time_ms += SECOND_MS + (exponential(&mut self.random) * 8_000.0) as i64;
                let quantity = self.quantity(chosen.price);
                let item = Item { product: chosen.name.to_owned(), quantity, price: chosen.price };
                cart.push(item.clone());
                let addition = Action::CartAddition { item };
                self.plan(Event { time_ms, action: addition, ..base.clone() }, None);
                let companion = self.random.random_range(0..chosen.companions.len());
                wanted = Some(chosen.companions[companion]);
            }
        }
        if cart.is_empty() {
            return None;
        }
        if self.random.random_bool(ABANDONMENT) {
            self.counts.abandoned_carts += 1;
            return None;
        }
        time_ms += 10 * SECOND_MS + (exponential(&mut self.random) * 60_000.0) as i64;
        let amount = amount_of(&cart);
        self.customers[customer].paid(amount);
        let purchase = Action::Transaction { items: cart, amount };
        self.plan(Event { time_ms, action: purchase, ..base }, None);
        Some(time_ms)
    }

    fn look(&mut self, category: &str) -> usize {
        if self.random.random_bool(0.45) {
            self.catalogue.popular_in(category, &mut self.random)
        } else {
            self.catalogue.popular(&mut self.random)
        }
    }

    /// People buy several of what is cheap.
    fn quantity(&mut self, price: f64) -> f64 {
        if price > SEVERAL_BELOW {
            return 1.0;
        }
        match self.random.random::<f64>() {
            drawn if drawn < 0.88 => 1.0,
            drawn if drawn < 0.97 => 2.0,
            _ => f64::from(self.random.random_range(3..9)),
        }
    }

    /// Country and device of a visit: the usual ones, a journey, or a new telephone.
    fn whereabouts(&mut self, customer: usize) -> (&'static str, String) {
        let customer = &mut self.customers[customer];
        let country = if self.random.random_bool(0.03) {
            COUNTRIES[self.random.random_range(0..COUNTRIES.len())].0
        } else {
            customer.country
        };
        if self.random.random_bool(0.015) {
            customer.devices.push(device(&mut self.random));
        }
        // Most people use the device that they got last.
        let newest = customer.devices.len() - 1;
        let chosen = if self.random.random_bool(0.75) {
            newest
        } else {
            self.random.random_range(0..=newest)
        };
        (country, customer.devices[chosen].clone())
    }
}

impl Iterator for Shoppers {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        while self.upcoming.peek().is_none_or(|next| next.0.time_ms >= self.next_visit_ms) {
            self.visit();
        }
        self.upcoming.pop().map(|next| next.0.planned)
    }
}

impl Customer {
    fn new(number: usize, random: &mut StdRng) -> Customer {
        let mut drawn = random.random::<f64>();
        let country = COUNTRIES
            .iter()
            .find(|(_, share)| {
                drawn -= share;
                drawn < 0.0
            })
            .unwrap_or(&COUNTRIES[0])
            .0;
        let categories = ["phones", "computers", "kitchen", "books", "sports", "fashion", "toys"];
        Customer {
            id: format!("customer-{number:05}"),
            country,
            devices: (0..random.random_range(1..3)).map(|_| device(random)).collect(),
            category: categories[random.random_range(0..categories.len())],
            generosity: (normal(random) * 0.7).exp(),
            sleeps_at_night: random.random_bool(0.85),
            purchases: 0,
            mean_amount: 150.0,
        }
    }

    fn paid(&mut self, amount: f64) {
        self.purchases += 1;
        self.mean_amount += (amount - self.mean_amount) / f64::from(self.purchases);
    }
}

fn amount_of(items: &[Item]) -> f64 {
    let sum: f64 = items.iter().map(|item| item.quantity * item.price).sum();
    (sum * 100.0).round() / 100.0
}

fn device(random: &mut StdRng) -> String {
    let kinds = ["android", "iphone", "windows", "mac", "linux"];
    format!(
        "{}-{:06x}",
        kinds[random.random_range(0..kinds.len())],
        random.random_range(0..1 << 24)
    )
}

/// Exponentially distributed with mean 1.
fn exponential(random: &mut StdRng) -> f64 {
    -(1.0 - random.random::<f64>()).ln()
}

/// Normally distributed with mean 0 and deviation 1 (Box and Muller).
fn normal(random: &mut StdRng) -> f64 {
    let radius = (2.0 * exponential(random)).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}
