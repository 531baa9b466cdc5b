//! The binary `janus` as people and scripts use it: real processes, real clusters.

mod cluster;
mod support;
mod usage;
