//! `janus completions` and `janus man`: what shells and readers need, made from the arguments.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::output::print;

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  janus completions bash > ~/.local/share/bash-completion/completions/janus"
)]
pub(crate) struct Completions {
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "janus", &mut script);
        Ok(print(&String::from_utf8_lossy(&script))?)
    }
}

/// Write the manual pages, one for each command
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus man /usr/local/share/man/man1")]
pub(crate) struct Man {
    /// The folder to write them to
    directory: PathBuf,
}

impl Man {
    pub(crate) fn run(&self) -> Result<()> {
        std::fs::create_dir_all(&self.directory)
            .and_then(|()| clap_mangen::generate_to(Arguments::command(), &self.directory))
            .with_context(|| format!("write manual pages to {}", self.directory.display()))
    }
}
