//! The text that Prometheus reads (exposition format 0.0.4), written family by family.

use std::fmt::{Display, Write};

/// What the samples of a family mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows. Its name ends with `_total`.
    Counter,
    /// What is the case now.
    Gauge,
    /// Quantiles, a sum and a count.
    Summary,
    /// Buckets, a sum and a count.
    Histogram,
}

/// One answer to a scrape.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

/// A name under which samples with different labels stand. Every name is begun once on a page.
#[derive(Debug)]
pub struct Family<'a> {
    text: &'a mut String,
    name: &'a str,
}

impl Page {
    /// Begins a family. One without samples is legal.
    pub fn family<'a>(&'a mut self, name: &'a str, kind: Kind, help: &str) -> Family<'a> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
            Kind::Histogram => "histogram",
        };
        let text = &mut self.text;
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a String grows");
        Family { text, name }
    }

    /// A family of one counter without labels.
    pub fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, Kind::Counter, help).sample(&[], value);
    }

    /// A family of one gauge without labels.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, Kind::Gauge, help).sample(&[], value);
    }

    /// The text.
    pub fn finish(self) -> String {
        self.text
    }
}

impl Family<'_> {
    /// One sample. `value` is a number as Rust writes it.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.suffixed("", labels, value);
    }

    /// One of the further samples of a summary or a histogram: `_bucket`, `_sum`, `_count`.
    pub(crate) fn suffixed(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        for (index, (name, value)) in labels.iter().enumerate() {
            self.text.push(if index == 0 { '{' } else { ',' });
            self.text.push_str(name);
            self.text.push_str("=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        writeln!(self.text, " {value}").expect("a String grows");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_numbers_are_plain() {
        let mut page = Page::default();
        let mut family = page.family("lag", Kind::Gauge, "How far behind");
        family.sample(&[("group", "a\"b\\c\nd"), ("partition", "0")], 7);
        family.sample(&[], 0.25);
        page.counter("in_total", "How many", u64::MAX);
        assert_eq!(
            page.finish(),
            "# HELP lag How far behind\n# TYPE lag gauge\n\
             lag{group=\"a\\\"b\\\\c\\nd\",partition=\"0\"} 7\nlag 0.25\n\
             # HELP in_total How many\n# TYPE in_total counter\nin_total 18446744073709551615\n"
        );
    }
}
