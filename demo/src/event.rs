//! What happens in the shop, as the records of its three topics.

use serde::{Deserialize, Serialize};

/// The three topics of the shop, in the order of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Clicks on product pages.
    Clicks,
    /// Products put into the cart.
    CartAdditions,
    /// Completed purchases.
    Transactions,
}

impl Topic {
    /// All three.
    pub const ALL: [Topic; 3] = [Topic::Clicks, Topic::CartAdditions, Topic::Transactions];

    /// The topic's name in the cluster.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Clicks => "cliques_do_site",
            Topic::CartAdditions => "adicoes_ao_carrinho",
            Topic::Transactions => "transacoes_concluidas",
        }
    }

    /// The topic of this name.
    pub fn from_name(name: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// Its place in [`Topic::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Something a customer did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Milliseconds since 1970 on the shop's own clock, which may run faster than ours.
    pub time_ms: i64,
    /// Who; also the record's key, so that one customer's events of a topic keep their order.
    pub customer: String,
    /// The visit, where the data knows visits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<u64>,
    /// Where the customer is, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Which device it was, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// What.
    #[serde(flatten)]
    pub action: Action,
}

/// What a customer did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// Looked at a product.
    Click {
        /// Its name.
        product: String,
    },
    /// Put a product into the cart.
    CartAddition {
        /// What and how much of it.
        item: Item,
    },
    /// Paid.
    Transaction {
        /// Everything that was bought together.
        items: Vec<Item>,
        /// What it cost.
        amount: f64,
    },
}

/// A product in a cart or a purchase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its name.
    pub product: String,
    /// How many.
    pub quantity: f64,
    /// Price of one.
    pub price: f64,
}

impl Event {
    /// The topic it belongs to.
    pub fn topic(&self) -> Topic {
        match self.action {
            Action::Click { .. } => Topic::Clicks,
            Action::CartAddition { .. } => Topic::CartAdditions,
            Action::Transaction { .. } => Topic::Transactions,
        }
    }
}

/// An event as it stands in a record: with the name that makes it unique.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// Which run of the shop wrote it.
    pub run: String,
    /// Its number within the run; both together identify it.
    pub sequence: u64,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_flat_json_and_comes_back() {
        let published = Published {
            run: "a1".into(),
            sequence: 7,
            event: Event {
                time_ms: 1_000,
                customer: "c-1".into(),
                session: None,
                country: Some("BR".into()),
                device: None,
                action: Action::Transaction {
                    items: vec![Item { product: "mug".into(), quantity: 2.0, price: 1.5 }],
                    amount: 3.0,
                },
            },
        };
        let text = serde_json::to_string(&published).unwrap();
        assert_eq!(
            text,
            r#"{"run":"a1","sequence":7,"time_ms":1000,"customer":"c-1","country":"BR","type":"transaction","items":[{"product":"mug","quantity":2.0,"price":1.5}],"amount":3.0}"#
        );
        assert_eq!(serde_json::from_str::<Published>(&text).unwrap(), published);
        assert_eq!(published.event.topic().name(), "transacoes_concluidas");
        assert_eq!(Topic::from_name("cliques_do_site"), Some(Topic::Clicks));
    }
}
