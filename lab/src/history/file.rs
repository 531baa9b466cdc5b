//! The file form of a history: one JSON object a line, one line an operation.
//!
//! ```json
//! {"process":0,"outcome":"ok","send":["orders-0",12,7]}
//! {"process":9,"outcome":"ok","poll":[["orders-0",[[12,7],[13,8]]]],"rebalanced":["orders-0"]}
//! {"process":4,"outcome":"info","transaction":[{"send":["orders-0",null,9]},{"poll":[]}]}
//! {"process":9,"outcome":"ok","assign":["orders-0"]}
//! ```
//!
//! A send is `[key, offset or null, value]`, a poll a list of `[key, [[offset, value], ...]]`.

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};

use super::{Action, History, Operation, Outcome, Poll, Send, Step};

/// Why a history could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryFileError {
    /// The file itself is in trouble.
    #[error("cannot read or write the history: {0}")]
    Io(#[from] std::io::Error),
    /// A line is not an operation: fix or remove it.
    #[error("line {line} of the history is not an operation: {reason}")]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OutcomeForm {
    Ok,
    Info,
    Fail,
}

type SendForm = (String, Option<i64>, u64);
type PollForm = Vec<(String, Vec<(i64, u64)>)>;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StepForm {
    Send(SendForm),
    Poll(PollForm),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ActionForm {
    Send(SendForm),
    Poll(PollForm),
    Transaction(Vec<StepForm>),
    Assign(Vec<String>),
    Subscribe(Vec<String>),
}

#[derive(Serialize, Deserialize)]
struct OperationForm {
    process: u32,
    outcome: OutcomeForm,
    #[serde(flatten)]
    action: ActionForm,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rebalanced: Vec<String>,
}

/// Writes a history, one operation a line.
pub fn write(history: &History, mut into: impl Write) -> Result<(), HistoryFileError> {
    let send_form = |send: &Send| (history.name(send.key).to_owned(), send.offset, send.value);
    let poll_form = |polls: &[Poll]| -> PollForm {
        polls.iter().map(|p| (history.name(p.key).to_owned(), p.records.clone())).collect()
    };
    let names = |keys: &[u32]| keys.iter().map(|key| history.name(*key).to_owned()).collect();
    for operation in history.operations() {
        let form = OperationForm {
            process: operation.process,
            outcome: match operation.outcome {
                Outcome::Ok => OutcomeForm::Ok,
                Outcome::Info => OutcomeForm::Info,
                Outcome::Fail => OutcomeForm::Fail,
            },
            action: match &operation.action {
                Action::Send(send) => ActionForm::Send(send_form(send)),
                Action::Poll(polls) => ActionForm::Poll(poll_form(polls)),
                Action::Transaction(steps) => ActionForm::Transaction(
                    steps
                        .iter()
                        .map(|step| match step {
                            Step::Send(send) => StepForm::Send(send_form(send)),
                            Step::Poll(polls) => StepForm::Poll(poll_form(polls)),
                        })
                        .collect(),
                ),
                Action::Assign(keys) => ActionForm::Assign(names(keys)),
                Action::Subscribe(keys) => ActionForm::Subscribe(names(keys)),
            },
            rebalanced: operation
                .polls()
                .filter(|poll| poll.rebalanced)
                .map(|poll| history.name(poll.key).to_owned())
                .collect(),
        };
        serde_json::to_writer(&mut into, &form).map_err(std::io::Error::from)?;
        into.write_all(b"\n")?;
    }
    into.flush()?;
    Ok(())
}

/// Reads a history; empty lines are skipped.
pub fn read(from: impl BufRead) -> Result<History, HistoryFileError> {
    let mut history = History::new();
    for (index, line) in from.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let form: OperationForm = serde_json::from_str(&line).map_err(|error| {
            HistoryFileError::Malformed { line: index + 1, reason: error.to_string() }
        })?;
        let operation = operation(form, &mut history);
        history.push(operation);
    }
    Ok(history)
}

fn operation(form: OperationForm, history: &mut History) -> Operation {
    let rebalanced = form.rebalanced;
    let send = |(name, offset, value): SendForm, history: &mut History| Send {
        key: history.key(&name),
        offset,
        value,
    };
    let poll = |form: PollForm, history: &mut History| -> Vec<Poll> {
        form.into_iter()
            .map(|(name, records)| Poll {
                key: history.key(&name),
                rebalanced: rebalanced.contains(&name),
                records,
            })
            .collect()
    };
    let keys = |names: Vec<String>, history: &mut History| {
        names.iter().map(|name| history.key(name)).collect()
    };
    Operation {
        process: form.process,
        outcome: match form.outcome {
            OutcomeForm::Ok => Outcome::Ok,
            OutcomeForm::Info => Outcome::Info,
            OutcomeForm::Fail => Outcome::Fail,
        },
        action: match form.action {
            ActionForm::Send(form) => Action::Send(send(form, history)),
            ActionForm::Poll(form) => Action::Poll(poll(form, history)),
            ActionForm::Transaction(steps) => Action::Transaction(
                steps
                    .into_iter()
                    .map(|step| match step {
                        StepForm::Send(form) => Step::Send(send(form, history)),
                        StepForm::Poll(form) => Step::Poll(poll(form, history)),
                    })
                    .collect(),
            ),
            ActionForm::Assign(names) => Action::Assign(keys(names, history)),
            ActionForm::Subscribe(names) => Action::Subscribe(keys(names, history)),
        },
    }
}
