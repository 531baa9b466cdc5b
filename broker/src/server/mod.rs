//! The Kafka port: accepts connections, cuts frames, keeps answers in the order of their requests.

mod connection;
mod frames;
mod listener;
mod memory;

pub use connection::{Peer, Reply};
pub use listener::{bind, serve};
pub use memory::Memory;
