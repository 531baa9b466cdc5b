//! The broker's side of the controllers: who is active, registration, heartbeats, the metadata
//! stream, and commands on behalf of clients and partition leaders.
//!
//! ```text
//!   session ---- finds, registers, beats, watches ----> active controller
//!      |  publishes images (ClusterImage, offset)            ^
//!      v                                                     |
//!   Images ---- waited on by ----  Controller::submit -------+
//! ```
//!
//! The broker does not know the coordination mode: what it must hold to stay alive comes down the
//! stream as leases, answers to heartbeats or a znode (`znodes`), which add up to one (`lease`).

mod deaths;
mod epoch;
mod images;
mod lease;
mod received;
mod session;
mod submit;
mod znodes;

pub use images::{Images, Published};
pub use lease::Lease;
pub use received::{Received, Update};
pub use session::{Intent, Registration, Session, SessionOptions};
pub use submit::{Controller, SubmitError};
pub use znodes::Znodes;
