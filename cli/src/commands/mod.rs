//! The commands, one file for each group. Each reads its arguments, asks, and shows the answer.

pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod consume;
pub(crate) mod demo;
pub(crate) mod format;
pub(crate) mod groups;
pub(crate) mod produce;
pub(crate) mod quorum;
pub(crate) mod servers;
pub(crate) mod status;
pub(crate) mod topics;
pub(crate) mod up;
pub(crate) mod voters;
