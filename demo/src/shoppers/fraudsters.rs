//! The known share of fraud: four ways of stealing, each with purchases that could be honest.

use rand::Rng;
use rand::rngs::StdRng;
use serde::Serialize;

use crate::event::{Action, Event, Item};

use super::{COUNTRIES, HOUR_MS, MINUTE_MS, SECOND_MS, Shoppers, amount_of, device, exponential};

/// The share of all purchases that are fraud.
pub const FRAUD_SHARE: f64 = 0.04;

/// Nobody steals before the shop knows its customers a little.
const HONEST_TRANSACTIONS_MIN: u64 = 50;

/// How a theft goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// Many small purchases within minutes, to find out whether a stolen card works.
    CardTesting,
    /// One or two purchases far beyond the customer's habit, from elsewhere.
    AccountTakeover,
    /// A handful of ordinary purchases in a hurry.
    Velocity,
    /// Some larger purchases while the customer sleeps.
    Night,
}

impl Pattern {
    /// All four.
    pub const ALL: [Pattern; 4] =
        [Pattern::CardTesting, Pattern::AccountTakeover, Pattern::Velocity, Pattern::Night];
}

/// One theft: when its purchases happen, what they cost, how likely its traces are.
struct Theft {
    first_ms: i64,
    purchases: usize,
    pause_ms: f64,
    /// Against the customer's mean; None for the cheapest things.
    amount_factor: Option<(f64, f64)>,
    new_device: f64,
    new_country: f64,
}

/// Commits a theft if the share of fraud has fallen below the known one.
pub(super) fn strike(shop: &mut Shoppers, now_ms: i64) {
    let counts = shop.counts;
    let due = (counts.transactions as f64 * FRAUD_SHARE) as u64;
    if counts.transactions < HONEST_TRANSACTIONS_MIN || counts.frauds >= due {
        return;
    }
    let victim = victim(shop);
    // The patterns differ in purchases per theft; each shall have its part of the whole.
    let start = shop.random.random_range(0..Pattern::ALL.len());
    let place = (0..Pattern::ALL.len())
        .map(|step| (start + step) % Pattern::ALL.len())
        .min_by_key(|place| shop.stolen[*place])
        .expect("there are patterns");
    let pattern = Pattern::ALL[place];
    let theft = theft(pattern, now_ms, &mut shop.random);
    shop.stolen[place] += theft.purchases as u64;
    commit(shop, victim, pattern, theft);
}

/// Thieves prefer accounts with a history, where they can find one.
fn victim(shop: &mut Shoppers) -> usize {
    let count = shop.customers.len();
    let mut victim = shop.random.random_range(0..count);
    for _ in 0..5 {
        if shop.customers[victim].purchases >= 3 {
            break;
        }
        victim = shop.random.random_range(0..count);
    }
    victim
}

fn theft(pattern: Pattern, now_ms: i64, random: &mut StdRng) -> Theft {
    let soon_ms = now_ms + random.random_range(0..2 * HOUR_MS);
    match pattern {
        Pattern::CardTesting => Theft {
            first_ms: soon_ms,
            purchases: random.random_range(5..12),
            pause_ms: 25.0 * SECOND_MS as f64,
            amount_factor: None,
            new_device: 0.6,
            new_country: 0.35,
        },
        Pattern::AccountTakeover => Theft {
            first_ms: soon_ms,
            purchases: random.random_range(1..3),
            pause_ms: 8.0 * MINUTE_MS as f64,
            amount_factor: Some((3.0, 20.0)),
            new_device: 0.85,
            new_country: 0.55,
        },
        Pattern::Velocity => Theft {
            first_ms: soon_ms,
            purchases: random.random_range(4..8),
            pause_ms: 1.5 * MINUTE_MS as f64,
            amount_factor: Some((0.5, 2.5)),
            new_device: 0.45,
            new_country: 0.2,
        },
        Pattern::Night => {
            let midnight_ms = now_ms - now_ms % (24 * HOUR_MS) + 24 * HOUR_MS;
            Theft {
                first_ms: midnight_ms + HOUR_MS + random.random_range(0..3 * HOUR_MS),
                purchases: random.random_range(1..4),
                pause_ms: 15.0 * MINUTE_MS as f64,
                amount_factor: Some((1.2, 5.0)),
                new_device: 0.5,
                new_country: 0.25,
            }
        }
    }
}

fn commit(shop: &mut Shoppers, victim: usize, pattern: Pattern, theft: Theft) {
    let random = &mut shop.random;
    let customer = &shop.customers[victim];
    let known = customer.devices.len();
    let device = if random.random_bool(theft.new_device) {
        device(random)
    } else {
        customer.devices[random.random_range(0..known)].clone()
    };
    let country = if random.random_bool(theft.new_country) {
        COUNTRIES[random.random_range(0..COUNTRIES.len())].0
    } else {
        customer.country
    };
    let (id, mean_amount) = (customer.id.clone(), customer.mean_amount);
    let mut time_ms = theft.first_ms;
    for _ in 0..theft.purchases {
        let item = match theft.amount_factor {
            None => item(shop, None),
            Some((low, high)) => {
                let factor = low * (high / low).powf(shop.random.random::<f64>());
                item(shop, Some(mean_amount * factor))
            }
        };
        let items = vec![item];
        let amount = amount_of(&items);
        let event = Event {
            time_ms,
            customer: id.clone(),
            session: Some(shop.next_session),
            country: Some(country.to_owned()),
            device: Some(device.clone()),
            action: Action::Transaction { items, amount },
        };
        shop.next_session += 1;
        shop.plan(event, Some(pattern));
        let pause_ms = theft.pause_ms * (0.3 + 0.7 * exponential(&mut shop.random));
        time_ms += SECOND_MS + pause_ms as i64;
    }
}

/// Something that costs about this much, or something cheap.
fn item(shop: &mut Shoppers, amount: Option<f64>) -> Item {
    let number = match amount {
        None => shop.catalogue.cheap(&mut shop.random),
        Some(amount) => shop.catalogue.priced_about(amount),
    };
    let product = &shop.catalogue.products[number];
    let quantity = amount.map_or(1.0, |amount| (amount / product.price).round().clamp(1.0, 5.0));
    Item { product: product.name.to_owned(), quantity, price: product.price }
}
