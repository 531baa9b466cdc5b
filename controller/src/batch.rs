//! Requests on their way to one commit: which commands are decided together, and how what they
//! decided is cut. Pure.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use metadata::codec::{self, BATCH_OVERHEAD_BYTES};
use metadata::{
    BATCH_BYTES_MAX, ClusterImage, Command, ControlError, ControllerEpoch, Offset, Outcome, Record,
};

/// Commands decided together and committed as one batch.
pub const BATCH_COMMANDS_MAX: usize = 64;

/// Commands of one caller, decided in order, each on its own. They may spread over several batches.
#[derive(Debug)]
pub struct Request {
    commands: VecDeque<Command>,
    outcomes: Vec<Outcome>,
    reply: Option<oneshot::Sender<Answer>>,
}

/// What became of a request. A request without an answer (its sender was dropped) met a controller
/// that is not active any more, and its outcome is unknown.
#[derive(Debug)]
pub struct Answer {
    pub epoch: ControllerEpoch,
    /// Offset of an image in which all effects are visible.
    pub offset: Offset,
    /// One for each command, in order.
    pub outcomes: Vec<Outcome>,
}

impl Request {
    pub fn new(commands: Vec<Command>) -> (Self, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        (Self { commands: commands.into(), outcomes: Vec::new(), reply: Some(reply) }, answer)
    }

    /// A wish of the controller itself: nobody waits for the answer.
    pub fn internal(command: Command) -> Self {
        Self { commands: [command].into(), outcomes: Vec::new(), reply: None }
    }

    fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    /// Answers a request whose effects are committed and published.
    pub fn finish(self, epoch: ControllerEpoch, offset: Offset) {
        let outcomes = self.outcomes;
        match self.reply {
            // The caller may have gone.
            Some(reply) => drop(reply.send(Answer { epoch, offset, outcomes })),
            None => outcomes.into_iter().filter_map(Result::err).for_each(|error| {
                tracing::warn!("A change that the controller wanted was refused: {error}");
            }),
        }
    }
}

/// One batch: everything that is committed before the next decision.
#[derive(Debug)]
pub struct Batch {
    /// The image once all is committed.
    pub next: ClusterImage,
    /// Committed one after the other. More than one only where a single command decided more than
    /// a store takes at once: every prefix of its records is a valid state.
    pub commits: Vec<Vec<Record>>,
    /// Requests that are complete with this batch.
    pub finished: Vec<Request>,
}

impl Batch {
    /// Decides commands from the front of the queue until the batch is full.
    ///
    /// Commands see each other's effects. `decide` returns the records of a command, and the records
    /// that must precede them and are nobody's outcome.
    pub fn assemble(
        image: &ClusterImage,
        queue: &mut VecDeque<Request>,
        mut decide: impl FnMut(&ClusterImage, &Command) -> (Vec<Record>, Outcome),
    ) -> Self {
        let mut next = image.clone();
        let mut records = Vec::new();
        let mut bytes = BATCH_OVERHEAD_BYTES;
        let mut finished = Vec::new();
        let mut decided = 0;
        'full: while let Some(mut request) = queue.pop_front() {
            if request.is_abandoned() {
                continue;
            }
            while let Some(command) = request.commands.front() {
                if decided == BATCH_COMMANDS_MAX {
                    queue.push_front(request);
                    break 'full;
                }
                let (before, outcome) = decide(&next, command);
                let outcome = outcome.and_then(refuse_what_no_store_takes);
                let mut after = next.clone();
                let mut added = Vec::new();
                for record in before.into_iter().chain(outcome.iter().flatten().cloned()) {
                    if is_change(&after, &record) {
                        after.apply(&record);
                        added.push(record);
                    }
                }
                let size: usize = added.iter().map(codec::encoded_len).sum();
                if !records.is_empty() && bytes + size > BATCH_BYTES_MAX {
                    queue.push_front(request);
                    break 'full;
                }
                next = after;
                records.extend(added);
                bytes += size;
                decided += 1;
                request.outcomes.push(outcome);
                request.commands.pop_front();
            }
            finished.push(request);
        }
        let commits = codec::batches(&records).map(<[Record]>::to_vec).collect();
        Self { next, commits, finished }
    }
}

/// Whether a record is worth a commit. All brokers register again with a new controller, which needs
/// their answers to be quick and has nothing to store for them.
fn is_change(image: &ClusterImage, record: &Record) -> bool {
    match record {
        Record::Broker(it) => image.brokers.get(&it.id).is_none_or(|known| **known != *it),
        _ => true,
    }
}

/// A record cannot be cut. One that is too large would fail each time that it is tried.
fn refuse_what_no_store_takes(records: Vec<Record>) -> Outcome {
    let largest = records.iter().map(codec::encoded_len).max().unwrap_or(0);
    if largest + BATCH_OVERHEAD_BYTES > BATCH_BYTES_MAX {
        return Err(ControlError::InvalidRequest(format!(
            "it would store a value of {largest} bytes, and {BATCH_BYTES_MAX} is the limit"
        )));
    }
    Ok(records)
}
