//! Recommendations: what is bought together more often than chance would have it.
//!
//! The lift of a pair is how many times more often both are in one purchase than if customers chose
//! independently: `purchases(a and b) * purchases / (purchases(a) * purchases(b))`.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::counting::Counter;
use crate::event::{Action, Event};

const PRODUCTS_MAX: usize = 50_000;
const PAIRS_MAX: usize = 300_000;

/// A purchase of more different products counts with its first ones: pairs grow with the square.
const BASKET_MAX: usize = 40;

/// A pair needs this many purchases before anybody is told about it.
const SUPPORT_MIN: u64 = 3;

const PER_PRODUCT: usize = 5;
const TOP_PAIRS: usize = 10;
const TOP_PRODUCTS: usize = 10;

/// The state of the recommender.
#[derive(Debug)]
pub struct Recommendations {
    purchases: u64,
    numbers: HashMap<String, u32>,
    names: Vec<String>,
    products: Counter<u32>,
    pairs: Counter<(u32, u32)>,
}

/// Two products bought together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The one.
    pub product: String,
    /// The other.
    pub with: String,
    /// Purchases with both.
    pub together: u64,
    /// How many times more often than chance.
    pub lift: f64,
}

/// What to offer with a product.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Offer {
    /// The other product.
    pub product: String,
    /// Purchases with both.
    pub together: u64,
    /// How many times more often than chance.
    pub lift: f64,
}

/// A product and what to offer with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProductOffers {
    /// The product.
    pub product: String,
    /// The best offers, by lift.
    pub offers: Vec<Offer>,
}

/// What the recommender has to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecommendationsReport {
    /// Purchases seen.
    pub purchases: u64,
    /// Different pairs in memory.
    pub pairs: u64,
    /// The pairs that stand out most.
    pub top: Vec<Pair>,
    /// For the products bought most often: what to offer with them.
    pub bought_together: Vec<ProductOffers>,
    /// By how much counts of pairs may be too low because rare ones were forgotten.
    pub count_error_max: u64,
}

impl Recommendations {
    /// Nothing seen yet.
    pub fn new() -> Recommendations {
        Recommendations {
            purchases: 0,
            numbers: HashMap::new(),
            names: Vec::new(),
            products: Counter::new(PRODUCTS_MAX),
            pairs: Counter::new(PAIRS_MAX),
        }
    }

    /// Takes in one event; only purchases matter.
    pub fn observe(&mut self, event: &Event) {
        let Action::Transaction { items, .. } = &event.action else { return };
        let basket: BTreeSet<u32> =
            items.iter().filter_map(|item| self.number(&item.product)).take(BASKET_MAX).collect();
        self.purchases += 1;
        for product in &basket {
            self.products.add(*product, 1);
        }
        for one in &basket {
            for other in basket.range(one + 1..) {
                self.pairs.add((*one, *other), 1);
            }
        }
    }

    /// The number of a product; none for new ones once there are too many.
    fn number(&mut self, product: &str) -> Option<u32> {
        if let Some(number) = self.numbers.get(product) {
            return Some(*number);
        }
        if self.names.len() >= PRODUCTS_MAX {
            return None;
        }
        let number = self.names.len() as u32;
        self.names.push(product.to_owned());
        self.numbers.insert(product.to_owned(), number);
        Some(number)
    }

    fn lift(&self, one: u32, other: u32, together: u64) -> f64 {
        let expected = self.products.get(&one) as f64 * self.products.get(&other) as f64
            / self.purchases as f64;
        if expected > 0.0 { together as f64 / expected } else { 0.0 }
    }

    /// What to offer with a product: the best first, never more than five.
    pub fn offers(&self, product: &str) -> Vec<Offer> {
        let Some(number) = self.numbers.get(product).copied() else { return Vec::new() };
        let mut offers: Vec<Offer> = self
            .supported()
            .filter_map(|((one, other), together)| {
                let with = match number {
                    number if number == one => other,
                    number if number == other => one,
                    _ => return None,
                };
                let product = self.names[with as usize].clone();
                Some(Offer { product, together, lift: hundredths(self.lift(one, other, together)) })
            })
            .filter(|offer| offer.lift > 1.0)
            .collect();
        offers.sort_by(|a, b| b.lift.total_cmp(&a.lift).then(a.product.cmp(&b.product)));
        offers.truncate(PER_PRODUCT);
        offers
    }

    fn supported(&self) -> impl Iterator<Item = ((u32, u32), u64)> {
        self.pairs
            .iter()
            .filter(|(_, together)| *together >= SUPPORT_MIN)
            .map(|(pair, together)| (*pair, together))
    }

    /// Everything, for the end.
    pub fn report(&self) -> RecommendationsReport {
        // Lift alone favours the rare; the distance from chance in standard deviations does not.
        let mut pairs: Vec<(f64, Pair)> = self
            .supported()
            .map(|((one, other), together)| {
                let lift = self.lift(one, other, together);
                let expected = together as f64 / lift.max(f64::MIN_POSITIVE);
                let excess = (together as f64 - expected) / expected.sqrt();
                let (product, with) =
                    (self.names[one as usize].clone(), self.names[other as usize].clone());
                (excess, Pair { product, with, together, lift: hundredths(lift) })
            })
            .filter(|(_, pair)| pair.lift > 1.0)
            .collect();
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.product.cmp(&b.1.product)));
        pairs.truncate(TOP_PAIRS);

        let mut products: Vec<(u32, u64)> =
            self.products.iter().map(|(product, count)| (*product, count)).collect();
        products.sort_by_key(|(product, count)| (std::cmp::Reverse(*count), *product));
        let bought_together = products
            .into_iter()
            .map(|(number, _)| self.names[number as usize].as_str())
            .map(|product| ProductOffers {
                product: product.to_owned(),
                offers: self.offers(product),
            })
            .take(TOP_PRODUCTS)
            .filter(|product| !product.offers.is_empty())
            .collect();
        RecommendationsReport {
            purchases: self.purchases,
            pairs: self.pairs.iter().count() as u64,
            top: pairs.into_iter().map(|(_, pair)| pair).collect(),
            bought_together,
            count_error_max: self.pairs.floor(),
        }
    }
}

impl Default for Recommendations {
    fn default() -> Recommendations {
        Recommendations::new()
    }
}

fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Item;

    fn bought(products: &[&str]) -> Event {
        let items = products
            .iter()
            .map(|product| Item { product: (*product).into(), quantity: 1.0, price: 1.0 })
            .collect();
        Event {
            time_ms: 0,
            customer: "c".into(),
            session: None,
            country: None,
            device: None,
            action: Action::Transaction { items, amount: 1.0 },
        }
    }

    #[test]
    fn lift_is_against_chance_and_the_best_comes_first() {
        let mut recommendations = Recommendations::new();
        for _ in 0..10 {
            recommendations.observe(&bought(&["phone", "case", "phone"]));
            recommendations.observe(&bought(&["bread", "butter"]));
        }
        for _ in 0..20 {
            recommendations.observe(&bought(&["bread", "phone"]));
            recommendations.observe(&bought(&["bread"]));
        }
        let offers = recommendations.offers("phone");
        // 60 purchases, 30 with a phone, 10 with a case, 10 with both: 10 * 60 / (30 * 10).
        assert_eq!(offers, [Offer { product: "case".into(), together: 10, lift: 2.0 }]);
        let report = recommendations.report();
        assert_eq!((report.purchases, report.pairs), (60, 3));
        assert_eq!((report.top[0].lift, report.top.len()), (2.0, 2));
    }

    #[test]
    fn rare_pairs_are_not_offered_and_large_purchases_are_cut() {
        let mut recommendations = Recommendations::new();
        recommendations.observe(&bought(&["a", "b"]));
        assert!(recommendations.offers("a").is_empty());
        assert!(recommendations.offers("unknown").is_empty());

        let names: Vec<String> = (0..500).map(|number| number.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        recommendations.observe(&bought(&names));
        assert_eq!(recommendations.pairs.iter().count(), 1 + BASKET_MAX * (BASKET_MAX - 1) / 2);
    }
}
