//! The online shop: three topics, three consumer groups, faults, and an account of every event.
//!
//! ```text
//!  shoppers | input ──> publish ──(idempotent, on schedule)──> cliques_do_site
//!                          │                                   adicoes_ao_carrinho
//!                       ledger                                 transacoes_concluidas
//!                          │                                        │
//!        verifying read ───┴──> verdict <── analytics, recommendations, fraud (one group each)
//! ```
//!
//! Read `event`, `shoppers`, then the cores `analytics`, `recommendations` and `fraud` (functions
//! of events, no IO), then `run`, which puts it all together on any Kafka cluster.
//!
//! What this does not do: it starts and breaks no cluster. Faults are actions given by the caller.

mod event;
mod shoppers;

mod counting;

mod analytics;
mod fraud;
mod recommendations;

pub mod input;

mod fault;
mod group;
mod groups;
mod ledger;
mod publish;
mod report;
mod run;
mod screen;
mod verdict;

pub use analytics::{Analytics, AnalyticsReport, Funnel, ProductSales};
pub use event::{Action, Event, Item, Published, Topic};
pub use fault::{FaultAction, FaultFuture};
pub use fraud::{Alert, Detector, Times, Trace};
pub use group::GroupReport;
pub use recommendations::{Offer, Pair, ProductOffers, Recommendations, RecommendationsReport};
pub use report::{FaultReport, FraudReport, Report, Verdict};
pub use run::{Options, run};
pub use screen::{Moment, Screen, Snapshot};
pub use shoppers::{Counts, FRAUD_SHARE, Pattern, Planned, Shoppers};
