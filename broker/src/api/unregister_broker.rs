//! UnregisterBroker: forgets a broker that will not come back.

use std::time::Duration;

use kafka::messages::{UnregisterBrokerRequest, UnregisterBrokerResponse};
use metadata::Command;

use super::Context;
use super::control_error::{error_fields, forward};

/// The request does not say how long it may take.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) async fn unregister_broker(
    context: Context,
    request: UnregisterBrokerRequest,
) -> UnregisterBrokerResponse {
    let command = Command::UnregisterBroker { id: request.broker_id };
    let mut outcomes = forward(&context, &[command], TIMEOUT).await;
    let outcome = outcomes.pop().expect("one outcome for each command");
    let (error_code, error_message) = error_fields(&outcome);
    UnregisterBrokerResponse { error_code, error_message, ..Default::default() }
}
