//! Live analytics: what goes on in the shop, what it earns, where visits end.
//!
//! Events of one visit arrive over three topics in any order, so nothing here depends on the order:
//! a visit is what is known about it, and whether a cart was abandoned is decided when asked.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;

use crate::counting::Counter;
use crate::event::{Action, Event};

/// A cart without a purchase is abandoned after half an hour of the shop's clock.
const ABANDONED_AFTER_MS: i64 = 30 * 60 * 1000;

/// Visits kept in memory; the oldest are settled when there are more.
const VISITS_MAX: usize = 100_000;

const PRODUCTS_MAX: usize = 50_000;
const TOP_PRODUCTS: usize = 10;

/// Revenue is shown over so many seconds.
const WINDOW_SECONDS: u64 = 60;

/// The state of live analytics.
#[derive(Debug)]
pub struct Analytics {
    clicks: u64,
    cart_additions: u64,
    transactions: u64,
    revenue: f64,
    /// Revenue by second of our clock, the last minute only.
    recent: VecDeque<(u64, f64)>,
    first_second: Option<u64>,
    units: Counter<String>,
    product_revenue: HashMap<String, f64>,
    hours: [u64; 24],
    visits: HashMap<u64, Visit>,
    settled: Funnel,
    latest_ms: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Visit {
    last_ms: i64,
    clicked: bool,
    cart_value: f64,
    filled_cart: bool,
    bought: bool,
}

/// How far visits went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Funnel {
    /// Visits seen.
    pub visits: u64,
    /// Visits with a click.
    pub with_click: u64,
    /// Visits that put something into the cart.
    pub with_cart: u64,
    /// Visits that bought.
    pub with_purchase: u64,
    /// Visits that filled a cart and left it.
    pub abandoned_carts: u64,
    /// What lay in the abandoned carts.
    pub abandoned_value: f64,
    /// Filled carts that may still be bought.
    pub open_carts: u64,
}

/// A product and how it sold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProductSales {
    /// Its name.
    pub product: String,
    /// How many were sold.
    pub units: u64,
    /// For how much.
    pub revenue: f64,
}

/// What live analytics has to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnalyticsReport {
    /// Events seen.
    pub events: u64,
    /// Per second of the run.
    pub events_per_second: f64,
    /// Clicks among them.
    pub clicks: u64,
    /// Cart additions among them.
    pub cart_additions: u64,
    /// Purchases among them.
    pub transactions: u64,
    /// What all purchases cost.
    pub revenue: f64,
    /// Revenue per minute of our own clock.
    pub revenue_per_minute: f64,
    /// What a purchase costs on average.
    pub average_purchase: f64,
    /// Best sellers by revenue.
    pub top_products: Vec<ProductSales>,
    /// How far visits went; null when the data knows no visits.
    pub funnel: Option<Funnel>,
    /// The share of filled carts that were left; null when there was none.
    pub abandonment: Option<f64>,
    /// The hour of the shop's day with most purchases.
    pub busiest_hour: Option<usize>,
}

impl Analytics {
    /// Nothing seen yet.
    pub fn new() -> Analytics {
        Analytics {
            clicks: 0,
            cart_additions: 0,
            transactions: 0,
            revenue: 0.0,
            recent: VecDeque::new(),
            first_second: None,
            units: Counter::new(PRODUCTS_MAX),
            product_revenue: HashMap::new(),
            hours: [0; 24],
            visits: HashMap::new(),
            settled: Funnel::default(),
            latest_ms: i64::MIN,
        }
    }

    /// Takes in one event that arrived in this second of our clock.
    pub fn observe(&mut self, event: &Event, arrival_second: u64) {
        self.first_second.get_or_insert(arrival_second);
        self.latest_ms = self.latest_ms.max(event.time_ms);
        match &event.action {
            Action::Click { .. } => self.clicks += 1,
            Action::CartAddition { .. } => self.cart_additions += 1,
            Action::Transaction { items, amount } => {
                self.transactions += 1;
                self.revenue += amount;
                self.hours[(event.time_ms.div_euclid(3_600_000)).rem_euclid(24) as usize] += 1;
                self.earn(*amount, arrival_second);
                for item in items {
                    let units = item.quantity.max(0.0).round() as u64;
                    self.units.add(item.product.clone(), units.max(1));
                    *self.product_revenue.entry(item.product.clone()).or_default() +=
                        item.quantity * item.price;
                }
                if self.product_revenue.len() > 2 * PRODUCTS_MAX {
                    let units = &self.units;
                    self.product_revenue.retain(|product, _| units.get(product.as_str()) > 0);
                }
            }
        }
        if let Some(session) = event.session {
            self.visit(session, event);
        }
    }

    fn earn(&mut self, amount: f64, second: u64) {
        match self.recent.back_mut() {
            Some((last, sum)) if *last >= second => *sum += amount,
            _ => self.recent.push_back((second, amount)),
        }
        while self.recent.front().is_some_and(|(old, _)| old + WINDOW_SECONDS <= second) {
            self.recent.pop_front();
        }
    }

    fn visit(&mut self, session: u64, event: &Event) {
        let visit = self.visits.entry(session).or_default();
        visit.last_ms = visit.last_ms.max(event.time_ms);
        match &event.action {
            Action::Click { .. } => visit.clicked = true,
            Action::CartAddition { item } => {
                visit.filled_cart = true;
                visit.cart_value += item.quantity * item.price;
            }
            Action::Transaction { .. } => visit.bought = true,
        }
        if self.visits.len() > VISITS_MAX {
            self.settle_oldest();
        }
    }

    /// Forgets the older half of all visits, after counting them.
    fn settle_oldest(&mut self) {
        let mut times: Vec<i64> = self.visits.values().map(|visit| visit.last_ms).collect();
        let (_, median, _) = times.select_nth_unstable(VISITS_MAX / 2);
        let limit_ms = *median;
        let settled = &mut self.settled;
        self.visits.retain(|_, visit| {
            let stays = visit.last_ms > limit_ms;
            if !stays {
                settled.count(visit, i64::MAX);
            }
            stays
        });
    }

    /// Revenue of the last minute, or of as much of it as has passed, per minute.
    pub fn revenue_per_minute_now(&self, second: u64) -> f64 {
        let Some(first) = self.first_second else { return 0.0 };
        let span = (second.saturating_sub(first) + 1).min(WINDOW_SECONDS);
        let since = (second + 1).saturating_sub(WINDOW_SECONDS);
        let sum: f64 =
            self.recent.iter().filter(|(at, _)| *at >= since).map(|(_, amount)| amount).sum();
        sum * 60.0 / span as f64
    }

    /// Events seen so far.
    pub fn events(&self) -> u64 {
        self.clicks + self.cart_additions + self.transactions
    }

    /// Revenue so far.
    pub fn revenue(&self) -> f64 {
        self.revenue
    }

    /// How far visits went up to now.
    pub fn funnel(&self) -> Funnel {
        let mut funnel = self.settled;
        for visit in self.visits.values() {
            funnel.count(visit, self.latest_ms);
        }
        funnel
    }

    /// The share of filled carts that were left, open ones not counted.
    pub fn abandonment(&self) -> Option<f64> {
        let funnel = self.funnel();
        let decided = funnel.with_cart - funnel.open_carts;
        (decided > 0).then(|| funnel.abandoned_carts as f64 / decided as f64)
    }

    /// Everything, for the end of a run that took so many seconds.
    pub fn report(&self, seconds: f64) -> AnalyticsReport {
        let seconds = seconds.max(1.0);
        let mut sales: Vec<ProductSales> = self
            .product_revenue
            .iter()
            .map(|(product, revenue)| ProductSales {
                product: product.clone(),
                units: self.units.get(product.as_str()),
                revenue: cents(*revenue),
            })
            .collect();
        sales.sort_by(|a, b| b.revenue.total_cmp(&a.revenue).then(a.product.cmp(&b.product)));
        sales.truncate(TOP_PRODUCTS);
        let funnel = self.funnel();
        AnalyticsReport {
            events: self.events(),
            events_per_second: (self.events() as f64 / seconds * 10.0).round() / 10.0,
            clicks: self.clicks,
            cart_additions: self.cart_additions,
            transactions: self.transactions,
            revenue: cents(self.revenue),
            revenue_per_minute: cents(self.revenue * 60.0 / seconds),
            average_purchase: cents(self.revenue / self.transactions.max(1) as f64),
            top_products: sales,
            funnel: (funnel.visits > 0)
                .then_some(Funnel { abandoned_value: cents(funnel.abandoned_value), ..funnel }),
            abandonment: self.abandonment().map(|share| (share * 1000.0).round() / 1000.0),
            busiest_hour: (self.transactions > 0)
                .then(|| (0..24).max_by_key(|hour| self.hours[*hour]))
                .flatten(),
        }
    }
}

impl Default for Analytics {
    fn default() -> Analytics {
        Analytics::new()
    }
}

impl Funnel {
    fn count(&mut self, visit: &Visit, now_ms: i64) {
        self.visits += 1;
        self.with_click += u64::from(visit.clicked);
        self.with_cart += u64::from(visit.filled_cart);
        self.with_purchase += u64::from(visit.bought);
        if visit.filled_cart && !visit.bought {
            if now_ms.saturating_sub(visit.last_ms) >= ABANDONED_AFTER_MS {
                self.abandoned_carts += 1;
                self.abandoned_value += visit.cart_value;
            } else {
                self.open_carts += 1;
            }
        }
    }
}

/// Rounded to cents.
pub(crate) fn cents(amount: f64) -> f64 {
    (amount * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Item;

    fn event(session: u64, minute: i64, action: Action) -> Event {
        Event {
            time_ms: minute * 60_000,
            customer: "c".into(),
            session: Some(session),
            country: None,
            device: None,
            action,
        }
    }

    fn item(price: f64) -> Item {
        Item { product: format!("thing of {price}"), quantity: 2.0, price }
    }

    fn purchase(price: f64) -> Action {
        Action::Transaction { items: vec![item(price)], amount: 2.0 * price }
    }

    #[test]
    fn carts_are_abandoned_whatever_the_order_of_arrival() {
        let click = || Action::Click { product: "x".into() };
        let mut events = [
            event(1, 0, click()),
            event(1, 1, Action::CartAddition { item: item(10.0) }),
            event(1, 2, purchase(10.0)),
            event(2, 3, click()),
            event(2, 4, Action::CartAddition { item: item(5.0) }),
            event(3, 100, click()),
            event(3, 101, Action::CartAddition { item: item(7.0) }),
        ];
        for _ in 0..events.len() {
            events.rotate_left(1);
            let mut analytics = Analytics::new();
            events.iter().for_each(|event| analytics.observe(event, 0));
            let funnel = analytics.funnel();
            assert_eq!((funnel.visits, funnel.with_cart, funnel.with_purchase), (3, 3, 1));
            assert_eq!((funnel.abandoned_carts, funnel.open_carts), (1, 1));
            assert_eq!(funnel.abandoned_value, 10.0);
            assert_eq!(analytics.abandonment(), Some(0.5));
        }
    }

    #[test]
    fn revenue_per_minute_covers_the_last_minute_only() {
        let mut analytics = Analytics::new();
        analytics.observe(&event(1, 0, purchase(50.0)), 0);
        assert_eq!(analytics.revenue_per_minute_now(29), 200.0);
        analytics.observe(&event(2, 0, purchase(10.0)), 100);
        assert_eq!(analytics.revenue_per_minute_now(100), 20.0);
        assert_eq!(analytics.revenue(), 120.0);
        let report = analytics.report(60.0);
        assert_eq!(report.top_products[0].product, "thing of 50");
        assert_eq!(report.top_products[0].units, 2);
    }

    #[test]
    fn memory_is_bounded_and_settled_visits_still_count() {
        let mut analytics = Analytics::new();
        let visits = VISITS_MAX as u64 * 2;
        for session in 0..visits {
            let addition = Action::CartAddition { item: item(1.0) };
            analytics.observe(&event(session, session as i64, addition), 0);
        }
        assert!(analytics.visits.len() <= VISITS_MAX);
        assert_eq!(analytics.funnel().visits, visits);
        assert_eq!(analytics.funnel().abandoned_carts, visits - 30);
    }
}
