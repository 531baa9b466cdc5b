//! What is measured: a cluster whose servers are processes of this machine.

use anyhow::Result;
use async_trait::async_trait;

/// What a process of a cluster does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Serves clients.
    Broker,
    /// Decides about metadata.
    Controller,
    /// Keeps the metadata of others. Its figures stand apart.
    ZooKeeper,
}

/// One process of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// What it does.
    pub role: Role,
    /// Which process it is.
    pub pid: i32,
}

/// A cluster of three brokers that can be made, paused and thrown away.
///
/// Paused clusters keep their memory and their compiled code but use no CPU: so two clusters can
/// take turns without either growing cold.
#[async_trait]
pub trait Cluster: Send {
    /// For people: what it is, with its version or mode.
    fn name(&self) -> String;

    /// Settings that differ from what its makers ship, `key=value`.
    fn settings(&self) -> Vec<String>;

    /// Makes a new, empty cluster. Nothing runs yet.
    async fn prepare(&mut self) -> Result<()>;

    /// Starts every process and does not wait until they serve.
    async fn launch(&mut self) -> Result<()>;

    /// `HOST:PORT,...` of its brokers. Known once it was launched.
    fn bootstrap(&self) -> Result<String>;

    /// Every process that belongs to it.
    fn servers(&self) -> Result<Vec<Server>>;

    /// SIGSTOP to all.
    async fn pause(&mut self) -> Result<()>;

    /// SIGCONT to all. They may need a while to find each other again.
    async fn resume(&mut self) -> Result<()>;

    /// Ends every process, paused ones too, and removes the data. Nothing to end is no error.
    async fn stop(&mut self) -> Result<()>;
}
