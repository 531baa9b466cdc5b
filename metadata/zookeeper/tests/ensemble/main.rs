//! The store on a real ZooKeeper server.

mod broker_lease;
mod commits;
mod contract;
mod controllers;
mod election;
mod server;
