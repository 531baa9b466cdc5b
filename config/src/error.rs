//! What is wrong with a configuration: where, why, and what to do about it.

use std::fmt;
use std::sync::Arc;

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// Those of the file first, in its order.
    pub errors: Vec<ConfigError>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub place: Place,
    pub reason: String,
    /// What to do. There is always something.
    pub suggestion: String,
}

/// Where a value stands. In the order in which errors are told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A line of the file, counted from 1.
    Line { file: Arc<str>, line: usize },
    /// The file as a whole: what is missing has no line.
    File(Arc<str>),
    /// The variable of this name.
    Environment(String),
    /// `--override` with this text.
    Override(String),
}

impl ConfigErrors {
    /// `Ok` when there are none.
    pub(crate) fn or<T>(mut errors: Vec<ConfigError>, value: T) -> Result<T, Self> {
        if errors.is_empty() {
            return Ok(value);
        }
        errors.sort_by(|a, b| a.place.cmp(&b.place));
        Err(Self { errors })
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self { errors: vec![error] }
    }
}

impl std::error::Error for ConfigErrors {}
impl std::error::Error for ConfigError {}

/// One line each.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.reason, self.suggestion)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line { file, line } => write!(f, "{file}:{line}"),
            Place::File(file) => f.write_str(file),
            Place::Environment(variable) => write!(f, "environment variable {variable}"),
            Place::Override(text) => write!(f, "--override {text}"),
        }
    }
}
