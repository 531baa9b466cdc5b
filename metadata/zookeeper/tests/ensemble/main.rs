//! The store on a real ZooKeeper server.

mod commits;
mod contract;
mod controllers;
mod election;
mod presence;
mod server;
