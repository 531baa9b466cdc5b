//! Rows of a CSV or NDJSON file, with the line each began on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::InputError;

/// A line longer than this is no row of sales.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// What kind of file it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Format {
    Csv { delimiter: u8 },
    Ndjson,
}

impl Format {
    /// Looks at the first line: an object is NDJSON, anything else a CSV header.
    pub(super) fn detect(path: &Path) -> Result<Format, InputError> {
        let mut first = String::new();
        let mut bytes = Vec::new();
        BufReader::new(open(path)?)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut bytes)
            .map_err(|source| InputError::Io { path: path.to_owned(), source })?;
        first.push_str(&decode(&bytes));
        let first = first.trim_start_matches('\u{feff}').trim();
        if first.is_empty() {
            let why = "its first line is empty".to_owned();
            return Err(InputError::Empty { path: path.to_owned(), why });
        }
        if first.starts_with('{') {
            return Ok(Format::Ndjson);
        }
        let delimiter = [b',', b';', b'\t', b'|']
            .into_iter()
            .max_by_key(|delimiter| {
                let count = first.bytes().filter(|byte| byte == delimiter).count();
                // Of equals the first wins; the comma is the first.
                (count, *delimiter == b',')
            })
            .unwrap_or(b',');
        Ok(Format::Csv { delimiter })
    }
}

fn open(path: &Path) -> Result<File, InputError> {
    File::open(path).map_err(|source| InputError::Io { path: path.to_owned(), source })
}

/// UTF-8, or else Latin-1: many exports of older sales data are.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// One row: its cells by the index of their column.
#[derive(Debug)]
pub(super) struct Row {
    pub line: u64,
    pub cells: Cells,
}

#[derive(Debug)]
pub(super) enum Cells {
    ByIndex(Vec<String>),
    ByName(BTreeMap<String, String>),
}

/// Reads rows one after the other.
pub(super) struct Rows<R> {
    path: PathBuf,
    source: Source<R>,
    line: u64,
}

enum Source<R> {
    Csv(Box<csv::Reader<R>>),
    Ndjson { reader: BufReader<R>, first: Option<Row> },
}

impl Rows<File> {
    pub(super) fn open(path: &Path, format: &Format) -> Result<Rows<File>, InputError> {
        Ok(Rows::new(path, format, open(path)?))
    }
}

impl<R: Read> Rows<R> {
    fn new(path: &Path, format: &Format, reader: R) -> Rows<R> {
        let source = match format {
            Format::Csv { delimiter } => {
                let reader = csv::ReaderBuilder::new().delimiter(*delimiter).from_reader(reader);
                Source::Csv(Box::new(reader))
            }
            Format::Ndjson => Source::Ndjson { reader: BufReader::new(reader), first: None },
        };
        Rows { path: path.to_owned(), source, line: 0 }
    }

    /// The line of the row read last.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The names of the columns; those of an NDJSON file are the keys of its first object.
    pub(super) fn names(&mut self) -> Result<Vec<String>, InputError> {
        if let Source::Csv(reader) = &mut self.source {
            let header = reader.byte_headers().map_err(|error| csv_error(&self.path, &error))?;
            return Ok(header
                .iter()
                .map(|name| decode(name).trim_start_matches('\u{feff}').trim().to_owned())
                .collect());
        }
        let row = self.next_row()?;
        let names = match &row {
            Some(Row { cells: Cells::ByName(cells), .. }) => cells.keys().cloned().collect(),
            _ => Vec::new(),
        };
        if let Source::Ndjson { first, .. } = &mut self.source {
            *first = row;
        }
        Ok(names)
    }

    /// The next row; None at the end of the file.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, InputError> {
        match &mut self.source {
            Source::Csv(reader) => {
                let mut record = csv::ByteRecord::new();
                let more = reader
                    .read_byte_record(&mut record)
                    .map_err(|error| csv_error(&self.path, &error))?;
                if !more {
                    return Ok(None);
                }
                self.line = record.position().map_or(0, |position| position.line());
                let cells = record.iter().map(|cell| decode(cell).trim().to_owned()).collect();
                Ok(Some(Row { line: self.line, cells: Cells::ByIndex(cells) }))
            }
            Source::Ndjson { reader, first } => {
                if let Some(row) = first.take() {
                    return Ok(Some(row));
                }
                next_object(&self.path, reader, &mut self.line)
            }
        }
    }
}

fn next_object(
    path: &Path,
    reader: &mut impl BufRead,
    line: &mut u64,
) -> Result<Option<Row>, InputError> {
    let bad = |line, problem| InputError::Row { path: path.to_owned(), line, problem };
    loop {
        let mut bytes = Vec::new();
        let read = reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut bytes)
            .map_err(|source| InputError::Io { path: path.to_owned(), source })?;
        if read == 0 {
            return Ok(None);
        }
        *line += 1;
        if read as u64 == LINE_BYTES_MAX {
            return Err(bad(*line, format!("longer than {LINE_BYTES_MAX} bytes")));
        }
        let text = decode(&bytes);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        let object: BTreeMap<String, Value> = serde_json::from_str(text)
            .map_err(|error| bad(*line, format!("not a JSON object: {error}")))?;
        let cells = object
            .into_iter()
            .map(|(name, value)| {
                let cell = match value {
                    Value::Null => String::new(),
                    Value::String(text) => text.trim().to_owned(),
                    other => other.to_string(),
                };
                (name, cell)
            })
            .collect();
        return Ok(Some(Row { line: *line, cells: Cells::ByName(cells) }));
    }
}

fn csv_error(path: &Path, error: &csv::Error) -> InputError {
    let line = error.position().map_or(0, csv::Position::line);
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells, but the header has {expected_len}; is a quote missing?")
        }
        _ => error.to_string(),
    };
    InputError::Row { path: path.to_owned(), line, problem }
}
