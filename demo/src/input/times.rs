//! How a file writes its times: found out by trying all ways on all rows.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, fmt::strtime};

/// Ways to write a time, the likelier first where two fit the same text.
const FORMATS: [Way; 21] = [
    Way::Instant,
    Way::Unix,
    Way::DateTime("%Y-%m-%d %H:%M:%S%.f"),
    Way::DateTime("%Y-%m-%dT%H:%M:%S%.f"),
    Way::DateTime("%Y-%m-%d %H:%M"),
    Way::DateTime("%Y-%m-%dT%H:%M"),
    Way::Date("%Y-%m-%d"),
    Way::DateTime("%Y/%m/%d %H:%M:%S"),
    Way::Date("%Y/%m/%d"),
    Way::DateTime("%m/%d/%Y %H:%M:%S"),
    Way::DateTime("%m/%d/%Y %H:%M"),
    Way::Date("%m/%d/%Y"),
    Way::DateTime("%d/%m/%Y %H:%M:%S"),
    Way::DateTime("%d/%m/%Y %H:%M"),
    Way::Date("%d/%m/%Y"),
    Way::DateTime("%m/%d/%y %H:%M"),
    Way::DateTime("%d/%m/%y %H:%M"),
    Way::DateTime("%d-%m-%Y %H:%M"),
    Way::Date("%d-%m-%Y"),
    Way::DateTime("%d.%m.%Y %H:%M"),
    Way::Date("%d.%m.%Y"),
];

/// One way to write a time; without a zone it is taken as UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// With a zone or offset, as in RFC 3339.
    Instant,
    /// Seconds or milliseconds since 1970.
    Unix,
    DateTime(&'static str),
    Date(&'static str),
}

impl Way {
    fn parse(self, text: &str) -> Option<i64> {
        match self {
            Way::Instant => text.parse::<Timestamp>().ok().map(|at| at.as_millisecond()),
            Way::Unix => {
                let number: i64 = text.parse().ok()?;
                // Ten digits of seconds reach the year 2286; thirteen are milliseconds.
                match number {
                    100_000_000..100_000_000_000 => Some(number * 1000),
                    100_000_000_000..100_000_000_000_000 => Some(number),
                    _ => None,
                }
            }
            Way::DateTime(format) => {
                let time: DateTime = strtime::parse(format, text).ok()?.to_datetime().ok()?;
                in_utc(time)
            }
            Way::Date(format) => {
                let date: Date = strtime::parse(format, text).ok()?.to_date().ok()?;
                in_utc(date.at(0, 0, 0, 0))
            }
        }
    }
}

/// Years in which people sold things by computer; a two-digit year read as four is none of them.
const YEARS: std::ops::RangeInclusive<i16> = 1950..=2200;

fn in_utc(time: DateTime) -> Option<i64> {
    if !YEARS.contains(&time.year()) {
        return None;
    }
    time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

/// The ways that fit all rows so far.
#[derive(Debug, Clone)]
pub(super) struct TimeFormats {
    fitting: Vec<Way>,
}

impl TimeFormats {
    pub(super) fn all() -> TimeFormats {
        TimeFormats { fitting: FORMATS.to_vec() }
    }

    /// Drops the ways that do not fit this text; an error if none would be left.
    pub(super) fn keep_fitting(&mut self, text: &str) -> Result<(), String> {
        let fits = |way: &Way| way.parse(text).is_some();
        if !self.fitting.iter().any(fits) {
            return Err(if self.fitting.len() == FORMATS.len() {
                format!(
                    "the time '{text}' is in no known form; use 2024-12-31 23:59:59, RFC 3339 or \
                     seconds since 1970"
                )
            } else {
                format!("the time '{text}' is not in the form of the rows before it")
            });
        }
        self.fitting.retain(fits);
        Ok(())
    }

    /// Milliseconds since 1970, by the likeliest way.
    pub(super) fn parse(&self, text: &str) -> Result<i64, String> {
        self.fitting
            .iter()
            .find_map(|way| way.parse(text))
            .ok_or_else(|| format!("the time '{text}' is not in the form of the other rows"))
    }

    /// Whether all rows name days without hours.
    pub(super) fn are_days_only(&self) -> bool {
        self.fitting.iter().all(|way| matches!(way, Way::Date(_)))
    }

    /// A word about times that could be read in two ways.
    pub(super) fn remark(&self) -> Option<String> {
        let months_first =
            |way: &Way| matches!(way, Way::DateTime(f) | Way::Date(f) if f.starts_with("%m"));
        let days_first =
            |way: &Way| matches!(way, Way::DateTime(f) | Way::Date(f) if f.starts_with("%d/"));
        (self.fitting.iter().any(months_first) && self.fitting.iter().any(days_first)).then(|| {
            "times are read as month/day/year; no row tells whether day/month is meant".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<i64, String> {
        let mut formats = TimeFormats::all();
        for text in texts {
            formats.keep_fitting(text)?;
        }
        formats.parse(texts[0])
    }

    #[test]
    fn common_ways_to_write_a_time_are_known() {
        let expected = 1_291_191_960_000; // 2010-12-01 08:26:00 UTC
        for text in [
            "2010-12-01T08:26:00Z",
            "2010-12-01T05:26:00-03:00",
            "2010-12-01 08:26:00",
            "2010-12-01T08:26:00.000",
            "2010-12-01 08:26",
            "12/1/2010 8:26",
            "12/01/2010 08:26:00",
            "12/1/10 8:26",
            "01.12.2010 08:26",
            "1291191960",
            "1291191960000",
        ] {
            assert_eq!(read(&[text]), Ok(expected), "{text}");
        }
        assert_eq!(read(&["2010-12-01"]), Ok(1_291_161_600_000));
    }

    #[test]
    fn later_rows_decide_between_days_and_months() {
        assert_eq!(read(&["1/12/2010 8:26", "13/12/2010 9:00"]), Ok(1_291_191_960_000));
        let mut formats = TimeFormats::all();
        formats.keep_fitting("1/12/2010 8:26").unwrap();
        assert!(formats.remark().is_some());
        formats.keep_fitting("13/12/2010 8:26").unwrap();
        assert!(formats.remark().is_none());
    }

    #[test]
    fn nonsense_and_mixtures_are_refused() {
        for text in ["yesterday", "2010-13-01 08:26", "12", "2010-12-01 25:00"] {
            assert!(read(&[text]).is_err(), "{text}");
        }
        assert!(read(&["2010-12-01", "12/1/2010 8:26"]).unwrap_err().contains("before it"));
    }
}
