//! What people see while the shop is open: a line every second, and a line for every event of note.

use std::fmt;
use std::io::Write;

use crate::report::thousands;

/// Something to tell while a run goes on. Its text is one line.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// The shop opens on this cluster.
    Opens {
        /// The cluster.
        bootstrap: String,
        /// Partitions over all three topics.
        partitions: usize,
        /// Where events come from.
        source: String,
    },
    /// A second has passed.
    Second(Snapshot),
    /// A fault begins.
    FaultBegins {
        /// Its name.
        name: String,
        /// Seconds since the opening.
        at_second: f64,
    },
    /// A fault was done, or could not be.
    FaultEnds {
        /// Its name.
        name: String,
        /// What it said of itself, or why it could not be done.
        outcome: Result<String, String>,
    },
    /// Nothing more is published; the last acknowledgements are waited for.
    Settling,
    /// The groups read what is left.
    CatchingUp,
    /// All partitions are read from where the run began.
    Verifying,
}

/// The state of the shop in one second.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Seconds since the opening.
    pub second: u64,
    /// Events acknowledged in the last second.
    pub acknowledged_per_second: u64,
    /// Events that live analytics took in in the last second.
    pub analysed_per_second: u64,
    /// Revenue so far.
    pub revenue: f64,
    /// Revenue per minute, over the last minute.
    pub revenue_per_minute: f64,
    /// The share of filled carts that were left.
    pub abandonment: Option<f64>,
    /// Purchases flagged as fraud.
    pub flagged: u64,
    /// The last alert, in words.
    pub last_alert: Option<String>,
    /// How long a partition has been silent that has something to acknowledge.
    pub waiting_ms: u64,
}

/// Silence shorter than this is not worth a word.
const WAITING_WORTH_TELLING_MS: u64 = 500;

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Opens { bootstrap, partitions, source } => write!(
                f,
                "The shop opens on {bootstrap}: 3 topics, {partitions} partitions, 3 consumer \
                 groups; {source}"
            ),
            Moment::Second(snapshot) => snapshot.fmt(f),
            Moment::FaultBegins { name, at_second } => {
                write!(f, "[{at_second:>4.0} s] FAULT {name}")
            }
            Moment::FaultEnds { name, outcome: Ok(words) } => {
                write!(f, "         {name}: {words}")
            }
            Moment::FaultEnds { name, outcome: Err(problem) } => {
                write!(f, "         {name} could not be done: {problem}")
            }
            Moment::Settling => {
                f.write_str("The shop closes; waiting for the last acknowledgements")
            }
            Moment::CatchingUp => f.write_str("The consumer groups read what is left"),
            Moment::Verifying => f.write_str("Reading every partition to its end, to verify"),
        }
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[{:>4} s] {:>6} events/s, {:>6} analysed | revenue {}, {} a minute",
            self.second,
            thousands(self.acknowledged_per_second as f64, 0),
            thousands(self.analysed_per_second as f64, 0),
            thousands(self.revenue, 0),
            thousands(self.revenue_per_minute, 0)
        )?;
        if let Some(share) = self.abandonment {
            write!(f, " | carts left {:.0} %", share * 100.0)?;
        }
        write!(f, " | {} alerts", self.flagged)?;
        if let Some(alert) = &self.last_alert {
            write!(f, ", last: {alert}")?;
        }
        if self.waiting_ms >= WAITING_WORTH_TELLING_MS {
            write!(f, " | writes wait since {} ms", thousands(self.waiting_ms as f64, 0))?;
        }
        Ok(())
    }
}

/// Writes moments; on a terminal the line of each second replaces the one before.
pub struct Screen<W> {
    out: W,
    /// Columns of the terminal; None if it is none, and every moment gets a line.
    columns: Option<usize>,
    line_open: bool,
}

impl<W: Write> Screen<W> {
    /// A screen on this output; `columns` are those of the terminal, if it is one.
    pub fn new(out: W, columns: Option<usize>) -> Screen<W> {
        Screen { out, columns, line_open: false }
    }

    /// Shows a moment. An output that is gone is no reason to stop the run.
    pub fn show(&mut self, moment: &Moment) {
        let _ = self.try_show(moment);
    }

    fn try_show(&mut self, moment: &Moment) -> std::io::Result<()> {
        let passing = matches!(moment, Moment::Second(_));
        match self.columns {
            Some(columns) if passing => {
                let line = moment.to_string();
                let cut: String = line.chars().take(columns.saturating_sub(1)).collect();
                write!(self.out, "\r\x1b[2K{cut}")?;
                self.line_open = true;
            }
            _ => {
                if std::mem::take(&mut self.line_open) {
                    writeln!(self.out)?;
                }
                writeln!(self.out, "{moment}")?;
            }
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: u64) -> Moment {
        Moment::Second(Snapshot {
            second,
            acknowledged_per_second: 1000,
            analysed_per_second: 990,
            revenue: 1234.5,
            revenue_per_minute: 60.0,
            abandonment: Some(0.6),
            flagged: 2,
            last_alert: Some("customer-1 paid 5.00: at night".into()),
            waiting_ms: 700,
        })
    }

    #[test]
    fn a_second_says_what_matters() {
        assert_eq!(
            second(3).to_string(),
            "[   3 s]  1,000 events/s,    990 analysed | revenue 1,234, 60 a minute | carts left \
             60 % | 2 alerts, last: customer-1 paid 5.00: at night | writes wait since 700 ms"
        );
    }

    #[test]
    fn seconds_replace_each_other_on_a_terminal_only() {
        let mut plain = Screen::new(Vec::new(), None);
        let mut terminal = Screen::new(Vec::new(), Some(20));
        for moment in [second(1), second(2), Moment::Settling] {
            plain.show(&moment);
            terminal.show(&moment);
        }
        assert_eq!(String::from_utf8(plain.out).unwrap().lines().count(), 3);
        let terminal = String::from_utf8(terminal.out).unwrap();
        assert_eq!(terminal.lines().count(), 2);
        assert!(terminal.contains("\r\x1b[2K[   2 s]  1,000 eve\n"), "{terminal:?}");
    }
}
