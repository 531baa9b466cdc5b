//! How commands speak: data on stdout in three formats, progress and advice on stderr.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::ValueEnum;
use comfy_table::{Cell, Color, ContentArrangement, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// The format of data on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns with a header, for people (default on a terminal)
    Table,
    /// One row a line, fields separated by tabs, no header (default elsewhere)
    Plain,
    /// One JSON document; streams print one object a line
    Json,
}

/// The manners of one invocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub format: Format,
    quiet: bool,
    color: bool,
}

/// Rows under headers, for the formats `table` and `plain`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    title: Option<String>,
    headers: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    footer: Option<String>,
}

impl Output {
    pub(crate) fn new(format: Option<Format>, quiet: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let default = if terminal { Format::Table } else { Format::Plain };
        let color = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { format: format.unwrap_or(default), quiet, color }
    }

    /// Prints one result: the document, or the same as a table.
    pub(crate) fn show<T: Serialize>(
        &self,
        document: &T,
        table: impl FnOnce() -> Table,
    ) -> io::Result<()> {
        match self.format {
            Format::Json => self.json(document),
            Format::Plain => print(&table().plain()),
            Format::Table => print(&table().aligned(self.color)),
        }
    }

    /// Prints one result: the document, or one sentence.
    pub(crate) fn say<T: Serialize>(
        &self,
        document: &T,
        sentence: impl FnOnce() -> String,
    ) -> io::Result<()> {
        match self.format {
            Format::Json => self.json(document),
            _ => print(&format!("{}\n", sentence())),
        }
    }

    /// Prints a JSON document: indented for people, on one line for pipes.
    fn json<T: Serialize>(&self, document: &T) -> io::Result<()> {
        let text = match io::stdout().is_terminal() {
            true => serde_json::to_string_pretty(document),
            false => serde_json::to_string(document),
        };
        print(&format!("{}\n", text.map_err(io::Error::other)?))
    }

    /// Whether people want to hear anything beside the data.
    pub(crate) fn wants_notes(&self) -> bool {
        !self.quiet
    }

    /// Tells people something that is not data.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            // Nobody is left to tell when stderr is closed.
            let _ = writeln!(io::stderr(), "{}", text.as_ref());
        }
    }

    /// A spinner on a terminal, nothing elsewhere.
    pub(crate) fn progress(&self, text: impl Into<String>) -> ProgressBar {
        if self.quiet || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new_spinner().with_message(text.into());
        let template = if self.color { "{spinner:.cyan} {msg}" } else { "{spinner} {msg}" };
        bar.set_style(ProgressStyle::with_template(template).expect("the template is constant"));
        bar.enable_steady_tick(Duration::from_millis(80));
        bar
    }
}

impl Table {
    pub(crate) fn new<const N: usize>(headers: [&'static str; N]) -> Self {
        Self { headers: headers.into(), ..Self::default() }
    }

    /// A line above the table, for people only.
    pub(crate) fn title(&mut self, title: String) {
        self.title = Some(title);
    }

    /// A line below the table, for people only.
    pub(crate) fn footer(&mut self, footer: String) {
        self.footer = Some(footer);
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    fn plain(&self) -> String {
        let lines = self.rows.iter().map(|row| row.join("\t") + "\n");
        lines.collect()
    }

    fn aligned(&self, color: bool) -> String {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.headers.iter().map(|header| {
            let cell = Cell::new(header.to_uppercase());
            if color { cell.fg(Color::Cyan) } else { cell }
        }));
        table.add_rows(&self.rows);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        if color {
            table.enforce_styling();
        }
        let title = self.title.iter().map(|title| format!("{title}\n\n"));
        let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
        let footer = self.footer.iter().map(|footer| format!("\n{footer}\n"));
        title.chain(lines).chain(footer).collect()
    }
}

/// Writes to stdout. A reader that has gone away (`| head`) is no error: the program just ends.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["topic", "partitions"]);
        table.row(["orders".into(), "12".into()]);
        table.row(["a".into(), "3".into()]);
        table
    }

    #[test]
    fn plain_rows_are_separated_by_tabs() {
        assert_eq!(table().plain(), "orders\t12\na\t3\n");
    }

    #[test]
    fn tables_are_aligned_under_their_headers() {
        assert_eq!(table().aligned(false), "TOPIC   PARTITIONS\norders  12\na       3\n");
    }
}
