//! Tests of the log through its public interface, in one binary.

mod append_and_read;
mod compaction;
mod dump_log;
mod kafka_directories;
mod model;
mod producers;
mod recovery;
mod refusals;
mod retention;
mod support;
