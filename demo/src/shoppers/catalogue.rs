//! What the shop sells, how popular each thing is, and what goes with what.

use rand::Rng;
use rand::rngs::StdRng;

/// A category: its name, the lowest and highest price, and its products.
type Category = (&'static str, f64, f64, [&'static str; 12]);

const CATEGORIES: [Category; 8] = [
    (
        "phones",
        700.0,
        5200.0,
        [
            "Smartphone Aurora 5",
            "Smartphone Aurora 5 Pro",
            "Smartphone Mica",
            "Smartphone Mica Mini",
            "Smartphone Onda",
            "Smartphone Onda Plus",
            "Feature phone Sabia",
            "Foldable phone Leque",
            "Rugged phone Pedra",
            "Smartphone Brisa",
            "Smartphone Brisa Lite",
            "Smartphone Farol",
        ],
    ),
    (
        "phone accessories",
        14.9,
        249.0,
        [
            "Silicone case",
            "Leather case",
            "Tempered glass",
            "USB-C charger 30 W",
            "USB-C cable 2 m",
            "Power bank 10 Ah",
            "Wireless charger",
            "Car holder",
            "Selfie stick",
            "Bluetooth earphones",
            "Memory card 256 GB",
            "Phone ring",
        ],
    ),
    (
        "computers",
        45.0,
        6900.0,
        [
            "Notebook 14",
            "Notebook 16 gamer",
            "Monitor 27",
            "Mechanical keyboard",
            "Wireless mouse",
            "Mouse pad",
            "Webcam full HD",
            "External SSD 1 TB",
            "USB hub",
            "Headset",
            "Router Wi-Fi 6",
            "Laser printer",
        ],
    ),
    (
        "kitchen",
        12.5,
        1290.0,
        [
            "Espresso machine",
            "Coffee capsules 50",
            "Air fryer",
            "Blender",
            "Chef's knife",
            "Cutting board",
            "Non-stick pan",
            "Pressure cooker",
            "Mug set",
            "Electric kettle",
            "Food scale",
            "Baking tray",
        ],
    ),
    (
        "books",
        9.9,
        129.0,
        [
            "Distributed systems, a primer",
            "The log that never lies",
            "Short stories of the harbour",
            "Cooking for one",
            "A history of Recife",
            "Chess openings",
            "Poems of the backlands",
            "The garden in pots",
            "Learn to draw",
            "A child's atlas",
            "Crossword puzzles",
            "Sticker album",
        ],
    ),
    (
        "sports",
        19.9,
        2490.0,
        [
            "Running shoes",
            "Yoga mat",
            "Dumbbells 5 kg",
            "Football",
            "Goalkeeper gloves",
            "Swimming goggles",
            "Mountain bike",
            "Bike helmet",
            "Bike lock",
            "Water bottle",
            "Heart rate strap",
            "Tennis racket",
        ],
    ),
    (
        "fashion",
        24.9,
        590.0,
        [
            "T-shirt",
            "Jeans",
            "Summer dress",
            "Rain jacket",
            "Leather belt",
            "Sneakers",
            "Sandals",
            "Sun hat",
            "Sunglasses",
            "Backpack",
            "Wool socks",
            "Wrist watch",
        ],
    ),
    (
        "toys",
        4.9,
        399.0,
        [
            "Building blocks 500",
            "Puzzle 1000",
            "Board game Feira",
            "Doll",
            "Toy car",
            "Kite",
            "Marbles",
            "Plush capybara",
            "Water pistol",
            "Card game",
            "Science kit",
            "Sticker pack",
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
    /// The shop's offer: the names are fixed, prices, popularity and companions come from chance.
    pub(super) fn new(random: &mut StdRng) -> Catalogue {
        let mut products = Vec::new();
        for (category, low, high, names) in &CATEGORIES {
            let first = products.len();
            for (place, name) in names.iter().enumerate() {
                // Prices spread evenly on a logarithmic scale, with the last digit shops like.
                let price = low * (high / low).powf(random.random::<f64>());
                let companions = std::array::from_fn(|step| {
                    first + (place + 1 + step * 2 + place % 3) % names.len()
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
