//! The command line of Janus: clusters on this machine, topics, records, groups, configuration.
//!
//! ```text
//! arguments      what can be typed
//! commands/*     one file for each group of commands
//!    |      \
//! cluster/   client/ (requests to any Kafka cluster)   output (tables, JSON, progress)
//! ```
//!
//! As a library it offers [`cluster::LocalCluster`], with which tests and demonstrations make a
//! cluster, break it and look at it. What it does not do: it holds no metadata and takes no
//! decisions; everything is asked of brokers and controllers.

mod arguments;
mod client;
pub mod cluster;
mod commands;
mod output;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use arguments::Arguments;

/// Wrong usage or configuration: exit status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(String);

impl Usage {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// Nothing is known to be wrong, but something could not be checked: exit status 3.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unknown(pub(crate) String);

/// The whole program: reads the command line, runs the command, says what went wrong.
pub async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody is left to tell when the stream is closed.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(2),
            };
        }
    };
    match arguments.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(match error {
                _ if error.is::<Usage>() => 2,
                _ if error.is::<Unknown>() => 3,
                _ => 1,
            })
        }
    }
}

/// The reader of our output has seen enough (`janus topics list | head`).
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
