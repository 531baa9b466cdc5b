//! The shop without a cluster: what the shoppers do, and how well the three cores understand it.

use std::collections::{BTreeMap, HashMap};

use demo::{
    Action, Analytics, Detector, FRAUD_SHARE, Pattern, Planned, Recommendations, Shoppers, Times,
    Topic,
};

const EVENTS: usize = 30_000;

fn day(seed: u64) -> Vec<Planned> {
    Shoppers::new(seed, EVENTS as u64).take(EVENTS).collect()
}

fn purchases(day: &[Planned]) -> impl Iterator<Item = &Planned> {
    day.iter().filter(|planned| planned.event.topic() == Topic::Transactions)
}

#[test]
fn the_same_seed_makes_the_same_day_and_another_seed_another() {
    assert_eq!(day(1), day(1));
    assert_ne!(day(1), day(2));
}

#[test]
fn time_never_runs_backwards() {
    assert!(day(3).windows(2).all(|pair| pair[0].event.time_ms <= pair[1].event.time_ms));
}

#[test]
fn visits_end_in_fewer_carts_and_fewer_purchases() {
    let day = day(4);
    let count = |topic| day.iter().filter(|planned| planned.event.topic() == topic).count();
    let (clicks, carts, purchases) =
        (count(Topic::Clicks), count(Topic::CartAdditions), count(Topic::Transactions));
    assert!(
        clicks > 3 * carts && carts > purchases && purchases > 500,
        "{clicks} {carts} {purchases}"
    );
}

#[test]
fn a_few_products_get_most_of_the_clicks() {
    let mut clicks: HashMap<String, u64> = HashMap::new();
    for planned in day(5) {
        if let Action::Click { product } = planned.event.action {
            *clicks.entry(product).or_default() += 1;
        }
    }
    let mut counts: Vec<u64> = clicks.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let all: u64 = counts.iter().sum();
    let top: u64 = counts.iter().take(counts.len() / 5).sum();
    assert!(top * 2 > all, "the most popular fifth got {top} of {all} clicks");
    assert!(counts.len() > 80, "only {} products were ever clicked", counts.len());
}

#[test]
fn fraud_has_its_known_share_and_every_pattern() {
    let day = day(6);
    let mut patterns: BTreeMap<Pattern, u64> = BTreeMap::new();
    purchases(&day).filter_map(|p| p.label).for_each(|l| *patterns.entry(l).or_default() += 1);
    let frauds: u64 = patterns.values().sum();
    let share = frauds as f64 / purchases(&day).count() as f64;
    assert!((share - FRAUD_SHARE).abs() < 0.015, "the share of fraud is {share}");
    assert_eq!(patterns.len(), Pattern::ALL.len(), "{patterns:?}");
}

#[test]
fn no_record_tells_whether_it_is_fraud() {
    let day = day(7);
    let keys = |planned: &Planned| -> Vec<String> {
        let value = serde_json::to_value(&planned.event).unwrap();
        value.as_object().unwrap().keys().cloned().collect()
    };
    let fraud = purchases(&day).find(|planned| planned.label.is_some()).unwrap();
    let honest = purchases(&day).find(|planned| planned.label.is_none()).unwrap();
    assert_eq!(keys(fraud), keys(honest));
    assert!(!serde_json::to_string(&fraud.event).unwrap().contains("raud"));
}

#[test]
fn the_detector_is_far_better_than_chance_and_not_perfect() {
    let (mut hits, mut flagged, mut frauds) = (0.0, 0.0, 0.0);
    for seed in 100..106 {
        let mut detector = Detector::new(Times::Exact);
        for planned in day(seed) {
            let fraud = f64::from(u8::from(planned.label.is_some()));
            let alert = f64::from(u8::from(detector.observe(&planned.event).is_some()));
            frauds += fraud;
            flagged += alert;
            hits += fraud * alert;
        }
    }
    let (precision, recall) = (hits / flagged, hits / frauds);
    assert!((0.6..0.98).contains(&precision), "precision {precision}");
    assert!((0.5..0.95).contains(&recall), "recall {recall}");
}

#[test]
fn analytics_finds_the_carts_that_were_really_abandoned() {
    let mut shoppers = Shoppers::new(8, EVENTS as u64);
    let mut analytics = Analytics::new();
    let mut revenue = 0.0;
    for planned in shoppers.by_ref().take(EVENTS) {
        if let Action::Transaction { amount, .. } = planned.event.action {
            revenue += amount;
        }
        analytics.observe(&planned.event, 0);
    }
    let report = analytics.report(30.0);
    let funnel = report.funnel.unwrap();
    let truth = shoppers.counts().abandoned_carts;
    // Visits that were still under way when the day was cut off are in one count or the other.
    let difference = truth.abs_diff(funnel.abandoned_carts);
    assert!(difference <= 10, "{} found, {truth} planned", funnel.abandoned_carts);
    assert!((report.revenue - revenue).abs() < 0.02);
    assert_eq!(report.events, EVENTS as u64);
}

#[test]
fn what_goes_together_is_found() {
    let mut recommendations = Recommendations::new();
    for planned in day(9) {
        recommendations.observe(&planned.event);
    }
    let report = recommendations.report();
    assert!(report.top.len() >= 5, "{report:?}");
    assert!(report.top.iter().all(|pair| pair.lift > 1.0 && pair.together >= 3));
    assert!(report.bought_together.iter().all(|product| product.offers.len() <= 5));
}
