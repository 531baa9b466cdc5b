//! What both servers tell the people who run them. Today: log lines.

mod logging;

pub use logging::init_logging;
