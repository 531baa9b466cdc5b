//! A report as Markdown: what stands in `docs/results/`, and what people see.

use std::fmt::{self, Write};

use crate::measure::QUIET_S;
use crate::report::{Report, Row, Verdict};
use crate::scenario::Better;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.peer {
            Some(peer) => writeln!(f, "# {} beside {peer}\n", self.janus)?,
            None => writeln!(f, "# {} alone\n", self.janus)?,
        }
        if self.quick {
            writeln!(f, "**A quick run: it tests the harness. Its figures mean nothing.**\n")?;
        }
        writeln!(f, "{}\n", self.summary())?;
        self.table(f)?;
        self.failures(f)?;
        self.machine(f)?;
        self.method(f)?;
        writeln!(f, "\n## Settings\n\nWhat is not named here is the default.\n")?;
        for (whose, settings) in &self.settings {
            let settings = match settings.is_empty() {
                true => "as shipped".to_owned(),
                false => settings.join(", "),
            };
            writeln!(f, "- {whose}: {settings}")?;
        }
        Ok(())
    }
}

impl Report {
    fn summary(&self) -> String {
        let judged = self.rows.iter().filter_map(|row| row.pass);
        let passed = judged.clone().filter(|pass| *pass).count();
        let judged = judged.count();
        let verdict = match self.verdict {
            Verdict::Pass => "**pass**",
            Verdict::Fail => "**fail**",
            Verdict::None => "none",
        };
        let commit = self.commit.as_deref().unwrap_or("unknown");
        let mut text = format!("{}, commit {commit}. Verdict: {verdict}", self.date);
        if judged > 0 {
            let _ = write!(text, " ({passed} of {judged} marks reached)");
        }
        text + "."
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(peer) = &self.peer else {
            writeln!(f, "| scenario | figure | unit | {} | least-most |", self.janus)?;
            writeln!(f, "|---|---|---|---:|---:|")?;
            for row in &self.rows {
                let figure = Row::figure(&row.janus).map_or("-".to_owned(), number);
                writeln!(
                    f,
                    "| {} | {} | {} | {figure} | {} |",
                    row.scenario,
                    row.metric,
                    row.unit,
                    range(&row.janus)
                )?;
            }
            return Ok(());
        };
        writeln!(
            f,
            "| scenario | figure | unit | {} | {peer} | times better | least-most | mark |",
            self.janus
        )?;
        writeln!(f, "|---|---|---|---:|---:|---:|---:|---|")?;
        for row in &self.rows {
            let figure = |values: &[Option<f64>]| Row::figure(values).map_or("-".into(), number);
            let ratio = row.ratio.map_or("-".to_owned(), number);
            let spread = row.spread.map_or("-".to_owned(), |(least, most)| {
                format!("{}-{}", number(least), number(most))
            });
            let arrow = match row.better {
                Better::Lower => "",
                Better::Higher => " (more is better)",
            };
            writeln!(
                f,
                "| {} | {}{arrow} | {} | {} | {} | {ratio} | {spread} | {} |",
                row.scenario,
                row.metric,
                row.unit,
                figure(&row.janus),
                figure(&row.peer),
                mark(row)
            )?;
        }
        Ok(())
    }

    fn failures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.failures.is_empty() {
            writeln!(f, "\n## What does not count\n")?;
        }
        for it in &self.failures {
            let reason = it.reason.replace('\n', " ");
            writeln!(f, "- {}, {}, turn {}: {reason}", it.cluster, it.scenario, it.turn)?;
        }
        Ok(())
    }

    fn machine(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = &self.machine;
        writeln!(
            f,
            "\n## Machine\n\n{}, {} cores, {:.0} GB, Linux {}. Clusters and client share it.\n",
            machine.cpu, machine.cores, machine.memory_gb, machine.kernel
        )?;
        writeln!(f, "| calibration | before | after |\n|---|---:|---:|")?;
        let rows = [
            ("fdatasync of 4 KiB, us", self.calibration.iter().map(|it| it.fdatasync_us).collect()),
            (
                "loopback round trip, us",
                self.calibration.iter().map(|it| it.loopback_round_trip_us).collect(),
            ),
            ("memcpy, GB/s", self.calibration.iter().map(|it| it.memcpy_gb_per_s).collect()),
            (
                "first write into a page, us",
                self.calibration.iter().map(|it| it.fresh_page_us).collect(),
            ),
        ];
        for (name, values) in rows {
            let values: Vec<f64> = values;
            let values: Vec<String> = values.into_iter().map(number).collect();
            writeln!(f, "| {name} | {} |", values.join(" | "))?;
        }
        for remark in &self.remarks {
            writeln!(f, "\nNote: {remark}.")?;
        }
        Ok(())
    }

    fn method(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warm_up: Vec<String> = self.warm_up_s.iter().map(|it| format!("{it} s")).collect();
        let turns = self.turns;
        writeln!(f, "\n## Method\n")?;
        writeln!(
            f,
            "- {turns} turns in the order A B B A ...; a figure is the median of its turns, a ratio \
             the median of the turns' ratios, always so that more than 1 is better for Janus.\n\
             - Warm-up with every kind of load: {}. Who is not measured is paused (SIGSTOP): it keeps \
             its memory and compiled code and uses no CPU. After a pause: wait until all replicas are \
             in sync, then a load of 200 MB.\n\
             - Three brokers and three controllers or ZooKeepers each; the same client, librdkafka, in \
             one process with one producer and one consumer. Records are JSON of about half random \
             text; 1 GB is 10^9 bytes of their values.\n\
             - Server CPU: user and system time of all brokers and controllers (/proc/PID/stat) from \
             the first record to the last one consumed; ZooKeepers and the client stand apart. \
             Memory: proportional set size. Latencies: from the intended send time to the consumer.\n\
             - A guard counts every partition's sequence: a turn that lost, repeated or reordered a \
             record is void, and the run fails.\n\
             - Cold start: from the start of the processes, on formatted disks, to a record of a new \
             topic acknowledged by all replicas. Memory and CPU without work: `cold-start` of the new \
             cluster, `idle` after the loads before it, each after {QUIET_S} s without work.\n\
             - Partitions: on the warm clusters, after six minutes of rest, in which ext4 without a \
             journal forgets deleted files (it creates files slowly until then). The topics of earlier \
             turns stay, for the same reason. The clients are warm too: the producer has its id and has \
             sent a record to another topic.",
            warm_up.join(" for Janus, "),
        )
    }
}

fn mark(row: &Row) -> String {
    match (row.mark, row.pass) {
        (None, _) => String::new(),
        (Some(mark), Some(true)) => format!("{} reached", number(mark)),
        (Some(mark), Some(false)) => format!("{} **missed**", number(mark)),
        (Some(mark), None) => number(mark),
    }
}

fn range(values: &[Option<f64>]) -> String {
    let known = || values.iter().flatten().copied();
    match (known().min_by(f64::total_cmp), known().max_by(f64::total_cmp)) {
        (Some(least), Some(most)) => format!("{}-{}", number(least), number(most)),
        _ => "-".to_owned(),
    }
}

/// Three digits that count, thousands apart.
pub(crate) fn number(value: f64) -> String {
    let text = match value.abs() {
        small if small < 1.0 => format!("{value:.3}"),
        small if small < 10.0 => format!("{value:.2}"),
        small if small < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mut grouped = String::new();
    for (place, character) in text.chars().enumerate() {
        if place > 0 && place < digits && (digits - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(character);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_three_digits() {
        let shown = [0.0123, 1.0, 12.34, 123.4, 1234.0, 1_234_567.0].map(number);
        assert_eq!(shown, ["0.012", "1.00", "12.3", "123", "1,234", "1,234,567"]);
    }
}
