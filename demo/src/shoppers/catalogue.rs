//! What the shop sells, how popular each thing is, and what goes with what.

use rand::Rng;
use rand::rngs::StdRng;

/// A category: its name, the category of what goes with it, and its products with their prices.
type Category = (&'static str, usize, [(&'static str, f64); 12]);

const PHONE_ACCESSORIES: usize = 1;

const CATEGORIES: [Category; 8] = [
    (
        "phones",
        PHONE_ACCESSORIES,
        [
            ("Smartphone Aurora 5", 2199.0),
            ("Smartphone Aurora 5 Pro", 3999.0),
            ("Smartphone Mica", 1499.0),
            ("Smartphone Mica Mini", 1199.0),
            ("Smartphone Onda", 999.0),
            ("Smartphone Onda Plus", 1299.0),
            ("Feature phone Sabia", 189.0),
            ("Foldable phone Leque", 5999.0),
            ("Rugged phone Pedra", 1799.0),
            ("Smartphone Brisa", 799.0),
            ("Smartphone Brisa Lite", 599.0),
            ("Smartphone Farol", 2799.0),
        ],
    ),
    (
        "phone accessories",
        PHONE_ACCESSORIES,
        [
            ("Silicone case", 39.0),
            ("Leather case", 89.0),
            ("Tempered glass", 19.0),
            ("USB-C charger 30 W", 79.0),
            ("USB-C cable 2 m", 29.0),
            ("Power bank 10 Ah", 119.0),
            ("Wireless charger", 99.0),
            ("Car holder", 45.0),
            ("Selfie stick", 35.0),
            ("Bluetooth earphones", 159.0),
            ("Memory card 256 GB", 129.0),
            ("Phone ring", 12.0),
        ],
    ),
    (
        "computers",
        2,
        [
            ("Notebook 14", 2899.0),
            ("Notebook 16 gamer", 6499.0),
            ("Monitor 27", 1199.0),
            ("Mechanical keyboard", 349.0),
            ("Wireless mouse", 89.0),
            ("Mouse pad", 29.0),
            ("Webcam full HD", 199.0),
            ("External SSD 1 TB", 449.0),
            ("USB hub", 69.0),
            ("Headset", 229.0),
            ("Router Wi-Fi 6", 379.0),
            ("Laser printer", 1099.0),
        ],
    ),
    (
        "kitchen",
        3,
        [
            ("Espresso machine", 899.0),
            ("Coffee capsules 50", 79.0),
            ("Air fryer", 449.0),
            ("Blender", 199.0),
            ("Chef's knife", 119.0),
            ("Cutting board", 49.0),
            ("Non-stick pan", 109.0),
            ("Pressure cooker", 229.0),
            ("Mug set", 59.0),
            ("Electric kettle", 129.0),
            ("Food scale", 45.0),
            ("Baking tray", 35.0),
        ],
    ),
    (
        "books",
        4,
        [
            ("Distributed systems, a primer", 119.0),
            ("The log that never lies", 59.0),
            ("Short stories of the harbour", 39.0),
            ("Cooking for one", 49.0),
            ("A history of Recife", 69.0),
            ("Chess openings", 45.0),
            ("Poems of the backlands", 29.0),
            ("The garden in pots", 35.0),
            ("Learn to draw", 42.0),
            ("A child's atlas", 55.0),
            ("Crossword puzzles", 12.0),
            ("Sticker album", 9.0),
        ],
    ),
    (
        "sports",
        5,
        [
            ("Running shoes", 399.0),
            ("Yoga mat", 89.0),
            ("Dumbbells 5 kg", 129.0),
            ("Football", 99.0),
            ("Goalkeeper gloves", 79.0),
            ("Swimming goggles", 49.0),
            ("Mountain bike", 2299.0),
            ("Bike helmet", 179.0),
            ("Bike lock", 69.0),
            ("Water bottle", 35.0),
            ("Heart rate strap", 249.0),
            ("Tennis racket", 549.0),
        ],
    ),
    (
        "fashion",
        6,
        [
            ("T-shirt", 49.0),
            ("Jeans", 179.0),
            ("Summer dress", 149.0),
            ("Rain jacket", 229.0),
            ("Leather belt", 79.0),
            ("Sneakers", 299.0),
            ("Sandals", 89.0),
            ("Sun hat", 45.0),
            ("Sunglasses", 159.0),
            ("Backpack", 199.0),
            ("Wool socks", 24.0),
            ("Wrist watch", 349.0),
        ],
    ),
    (
        "toys",
        7,
        [
            ("Building blocks 500", 199.0),
            ("Puzzle 1000", 69.0),
            ("Board game Feira", 129.0),
            ("Doll", 89.0),
            ("Toy car", 29.0),
            ("Kite", 35.0),
            ("Marbles", 9.0),
            ("Plush capybara", 59.0),
            ("Water pistol", 24.0),
            ("Card game", 29.0),
            ("Science kit", 149.0),
            ("Sticker pack", 5.0),
        ],
    ),
];

/// Zipf's exponent: the product of rank n is clicked in proportion to 1 / n^1.05.
const POPULARITY_EXPONENT: f64 = 1.05;

/// How many others a product goes with.
const COMPANIONS: usize = 3;

/// One thing to buy.
#[derive(Debug, Clone)]
pub(super) struct Product {
    /// Its name, unique.
    pub name: &'static str,
    /// Its category's name.
    pub category: &'static str,
    /// The price of one.
    pub price: f64,
    /// Products that people who buy this one often add.
    pub companions: [usize; COMPANIONS],
}

/// Everything the shop sells.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// All products; the index of a product is its number.
    pub products: Vec<Product>,
    popularity: Zipf,
    by_rank: Vec<usize>,
    by_price: Vec<usize>,
}

impl Catalogue {
    /// The shop's offer: names and companions are fixed, prices and popularity come from chance.
    pub(super) fn new(random: &mut StdRng) -> Catalogue {
        let mut products = Vec::new();
        for (category, companion_category, offers) in &CATEGORIES {
            for (place, (name, list_price)) in offers.iter().enumerate() {
                // Every shop has its own prices, with the last digit that shops like.
                let price = list_price * random.random_range(0.85..1.15);
                let companions = std::array::from_fn(|step| {
                    let distance = 1 + step * 2 + place % 3;
                    companion_category * offers.len() + (place + distance) % offers.len()
                });
                products.push(Product { name, category, price: price.floor() + 0.9, companions });
            }
        }
        let mut by_rank: Vec<usize> = (0..products.len()).collect();
        for place in (1..by_rank.len()).rev() {
            by_rank.swap(place, random.random_range(0..=place));
        }
        let mut by_price: Vec<usize> = (0..products.len()).collect();
        by_price.sort_by(|a, b| products[*a].price.total_cmp(&products[*b].price));
        let popularity = Zipf::new(products.len(), POPULARITY_EXPONENT);
        Catalogue { products, popularity, by_rank, by_price }
    }

    /// A product by popularity.
    pub(super) fn popular(&self, random: &mut StdRng) -> usize {
        self.by_rank[self.popularity.sample(random)]
    }

    /// A product by popularity, of this category if chance allows.
    pub(super) fn popular_in(&self, category: &str, random: &mut StdRng) -> usize {
        (0..8)
            .map(|_| self.popular(random))
            .find(|product| self.products[*product].category == category)
            .unwrap_or_else(|| self.popular(random))
    }

    /// The product whose price comes nearest.
    pub(super) fn priced_about(&self, price: f64) -> usize {
        let at = self.by_price.partition_point(|product| self.products[*product].price < price);
        let candidates = [at.saturating_sub(1), at.min(self.by_price.len() - 1)];
        let distance = |place: usize| (self.products[self.by_price[place]].price - price).abs();
        let [left, right] = candidates;
        self.by_price[if distance(left) <= distance(right) { left } else { right }]
    }

    /// One of the cheapest products.
    pub(super) fn cheap(&self, random: &mut StdRng) -> usize {
        self.by_price[random.random_range(0..12)]
    }
}

/// Draws ranks: rank n (from 0) with a probability in proportion to 1 / (n + 1)^exponent.
#[derive(Debug)]
pub(super) struct Zipf {
    cumulative: Vec<f64>,
}

impl Zipf {
    /// Over `count` ranks, of which there must be at least one.
    pub(super) fn new(count: usize, exponent: f64) -> Zipf {
        let mut sum = 0.0;
        let cumulative = (1..=count)
            .map(|rank| {
                sum += (rank as f64).powf(-exponent);
                sum
            })
            .collect();
        Zipf { cumulative }
    }

    /// A rank, counted from 0.
    pub(super) fn sample(&self, random: &mut StdRng) -> usize {
        let total = self.cumulative.last().expect("there is at least one rank");
        let drawn = random.random::<f64>() * total;
        self.cumulative.partition_point(|sum| *sum < drawn).min(self.cumulative.len() - 1)
    }
}
