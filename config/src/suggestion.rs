//! What to write instead of a value that a key cannot have.

use crate::key::{distance, elements};
use crate::{Check, Key, Type};

impl Key {
    /// What to do about `value`, which [`Key::validate`] refuses.
    pub fn suggestion(&self, value: &str) -> String {
        let value = value.trim();
        let meant = match self.kind {
            Type::Boolean => truth(value).map(str::to_owned),
            Type::Int | Type::Short | Type::Long => self.number(value),
            _ => self.word(value),
        };
        if let Some(meant) = meant.filter(|it| self.validate(it).is_ok()) {
            return format!("write {}={meant}", self.name);
        }
        let what = match (self.check, self.kind) {
            (Check::Any | Check::NotEmpty, Type::Boolean) => "write true or false".into(),
            (Check::Any, Type::Double) => "write a number, such as 0.5".into(),
            (Check::Any, _) => "write a whole number without a unit".into(),
            (Check::OneOf(_) | Check::OneOfIgnoringCase(_), _) => {
                format!("choose of: {}", self.check)
            }
            (Check::Each("", _) | Check::AddressMap | Check::Connect, _) if value.is_empty() => {
                "name one, such as localhost:9093".into()
            }
            (Check::Each("", _), _) => "write, for example, localhost:9093".into(),
            (Check::Each(separator, _), _) => {
                format!("write, for example, 101{separator}localhost:9093")
            }
            (Check::AddressMap, _) => "write, for example, zk1:2181=localhost:12181".into(),
            (Check::Connect, _) => "write, for example, zk1:2181,zk2:2181,zk3:2181/janus".into(),
            (Check::NotEmpty | Check::ThrottledReplicas, _) => "write a value".into(),
            (check, _) => format!("choose a number: {check}"),
        };
        match self.default.filter(|it| !it.is_empty() && it.len() <= 20) {
            Some(default) => format!("{what}; the default is {default}"),
            None => what,
        }
    }

    /// A number with a unit, or with separators, in what this key counts.
    fn number(&self, value: &str) -> Option<String> {
        let plain: String = value.chars().filter(|it| !"_, '".contains(*it)).collect();
        let end = plain.find(|it: char| it.is_ascii_alphabetic()).unwrap_or(plain.len());
        let (digits, unit) = plain.split_at(end);
        let number: i64 = digits.parse().ok()?;
        let factor = match unit.to_ascii_lowercase().as_str() {
            "" => 1,
            unit if self.counts("bytes") || self.counts("size") => bytes_of(unit)?,
            unit => {
                let of_key = match () {
                    () if self.counts("ms") => 1,
                    () if self.counts("seconds") => 1_000,
                    () if self.counts("minutes") => 60_000,
                    () if self.counts("hours") => 3_600_000,
                    () => return None,
                };
                let total = number.checked_mul(milliseconds_of(unit)?)?;
                return (total % of_key == 0).then(|| (total / of_key).to_string());
            }
        };
        Some(number.checked_mul(factor)?.to_string())
    }

    fn counts(&self, unit: &str) -> bool {
        self.name.split('.').any(|part| part == unit)
    }

    /// The word that was mistyped.
    fn word(&self, value: &str) -> Option<String> {
        let (Check::OneOf(words) | Check::OneOfIgnoringCase(words)) = self.check else {
            return None;
        };
        let near = |element: &str| {
            let lower = element.to_lowercase();
            let distances = words.iter().map(|word| (distance(&lower, &word.to_lowercase()), word));
            distances.min().filter(|(distance, _)| *distance <= 2).map(|(_, word)| *word)
        };
        let short = value.len() <= 100;
        let elements: Option<Vec<&str>> = elements(value).filter(|_| short).map(near).collect();
        elements.filter(|it| !it.is_empty()).map(|it| it.join(","))
    }
}

fn truth(value: &str) -> Option<&'static str> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "y" | "on" | "1" | "t" | "enable" | "enabled" | "ture" => Some("true"),
        "no" | "n" | "off" | "0" | "f" | "disable" | "disabled" | "flase" => Some("false"),
        _ => None,
    }
}

fn bytes_of(unit: &str) -> Option<i64> {
    Some(match unit {
        "b" | "bytes" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return None,
    })
}

fn milliseconds_of(unit: &str) -> Option<i64> {
    Some(match unit {
        "ms" => 1,
        "s" | "sec" | "seconds" => 1_000,
        "m" | "min" | "minutes" => 60_000,
        "h" | "hours" => 3_600_000,
        "d" | "days" => 86_400_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::server_key;

    #[test]
    fn what_was_meant_is_found() {
        for (key, value, expected) in [
            ("log.segment.bytes", "1GiB", "write log.segment.bytes=1073741824"),
            ("log.segment.bytes", "100_000_000", "write log.segment.bytes=100000000"),
            ("log.segment.bytes", "4GB", "choose a number: at least 1048576"),
            ("log.retention.ms", "7d", "write log.retention.ms=604800000"),
            ("log.retention.hours", "7d", "write log.retention.hours=168"),
            ("log.retention.hours", "90m", "choose a number: at least 1, or -1"),
            ("num.partitions", "3x", "choose a number: at least 1; the default is 1"),
            ("num.partitions", "99999999999999999999", "choose a number"),
            ("auto.create.topics.enable", "Yes", "write auto.create.topics.enable=true"),
            ("auto.create.topics.enable", "maybe", "write true or false; the default is true"),
            ("log.cleanup.policy", "deletes, compact", "write log.cleanup.policy=delete,compact"),
            ("compression.type", "brotli", "choose of: uncompressed, zstd"),
        ] {
            let key = server_key(key).unwrap();
            assert!(key.validate(value).is_err(), "{}={value}", key.name);
            let suggestion = key.suggestion(value);
            assert!(suggestion.starts_with(expected), "{}={value}: {suggestion}", key.name);
        }
    }
}
