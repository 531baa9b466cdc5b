//! Controller epochs on the wire.

use metadata::ControllerEpoch;

/// What is not there is older than every epoch.
pub fn from_wire(epoch: Option<grpc::Epoch>) -> ControllerEpoch {
    let epoch = epoch.unwrap_or_default();
    ControllerEpoch { generation: epoch.generation, term: epoch.term }
}

pub fn to_wire(epoch: ControllerEpoch) -> grpc::Epoch {
    grpc::Epoch { generation: epoch.generation, term: epoch.term }
}
