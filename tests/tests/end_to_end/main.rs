//! Real servers and real clients, in every mode. `JANUS_BIN_DIR` names the binaries under test.

mod bench;
mod big_file;
mod clients;
mod command_line;
mod configuration;
mod disks;
mod gaps;
mod groups;
mod hostile;
mod kafka_tools;
mod kills;
mod load;
mod machines;
mod metrics;
mod outages;
mod proxies;
mod storage;
mod wire;
mod znodes;
mod zombies;
