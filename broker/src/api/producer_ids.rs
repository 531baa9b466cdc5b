//! InitProducerId for idempotent producers: ids come in blocks from the controller.

use std::time::Duration;

use kafka::ErrorCode;
use kafka::messages::{InitProducerIdRequest, InitProducerIdResponse};
use metadata::{Command, Record};
use tokio::sync::Mutex;

use super::Context;
use crate::broker::Broker;

/// Ids in one block of the controller (Kafka's ProducerIdsBlock).
const BLOCK: i64 = 1_000;
const BLOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The ids of the current block that are left.
#[derive(Debug, Default)]
pub struct ProducerIds {
    left: Mutex<std::ops::Range<i64>>,
}

impl ProducerIds {
    /// An id that no producer of this cluster has had.
    async fn next(&self, broker: &Broker) -> Result<i64, ErrorCode> {
        // Held while a block is fetched: others wait for the same block.
        let mut left = self.left.lock().await;
        if left.is_empty() {
            let command = Command::AllocateProducerIds {
                broker: broker.options.id,
                broker_epoch: broker.epoch(),
            };
            let outcome = broker
                .controller
                .submit_one(command, "broker", BLOCK_TIMEOUT)
                .await
                .map_err(|_| ErrorCode::CoordinatorLoadInProgress)?;
            let records = outcome.map_err(|_| ErrorCode::CoordinatorLoadInProgress)?;
            let next = records.iter().rev().find_map(|record| match record {
                Record::ProducerIds(block) => Some(block.next),
                _ => None,
            });
            let next = next.ok_or(ErrorCode::UnknownServerError)?;
            *left = next - BLOCK..next;
        }
        left.next().ok_or(ErrorCode::UnknownServerError)
    }
}

pub(super) async fn init_producer_id(
    context: Context,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let refuse = |code: ErrorCode| InitProducerIdResponse {
        error_code: code.code(),
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    };
    if request.transactional_id.is_some() {
        // Transactions are not built yet: a clear no instead of a client that waits.
        return refuse(ErrorCode::TransactionalIdAuthorizationFailed);
    }
    match context.broker.producer_ids.next(&context.broker).await {
        // A producer that gives its old id gets a new one too: it starts over at sequence 0.
        Ok(producer_id) => {
            InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() }
        }
        Err(code) => refuse(code),
    }
}
