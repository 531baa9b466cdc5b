//! The Janus broker: Kafka's protocol on one side, gRPC to the controllers on the other.
//!
//! ```text
//!  clients --> server (connections) --> api (one file per request) --> replica (logs, roles)
//!                                        |                              ^       |
//!                                        +--> group (coordinators) -----+       v
//!  controllers <-- control (session, images, commands) <-------------- isr, fetchers --> other brokers
//! ```
//!
//! Read `broker`, `server`, `api`, `replica`, `control`, in this order. Nothing here knows which
//! coordination mode the cluster runs in.

// `pub` inside a private module is that module's interface to the others.
#![allow(unreachable_pub)]

mod api;
mod broker;
mod clock;
mod control;
mod group;
mod limits;
mod metrics;
mod peer;
mod replica;
mod run;
mod server;

pub use run::{RunError, run};
