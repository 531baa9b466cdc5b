//! Blocks of producer ids (KIP-730).

use super::Outcome;
use super::state::State;
use crate::{BrokerId, ControlError, ProducerIds, Record};

/// How many ids a block has, as in Kafka.
pub(super) const BLOCK_LEN: i64 = 1000;

/// Hands out the next block. It is `[next - 1000, next)` of the record.
pub(super) fn allocate(state: State<'_>, broker: BrokerId, broker_epoch: i64) -> Outcome {
    state.check_broker_epoch(broker, broker_epoch)?;
    let first = state.image.producer_ids.as_ref().map_or(0, |it| it.next);
    let next = first
        .checked_add(BLOCK_LEN)
        .ok_or_else(|| ControlError::InvalidRequest("all producer ids have been used".into()))?;
    Ok(vec![Record::ProducerIds(ProducerIds { next, broker, broker_epoch })])
}
