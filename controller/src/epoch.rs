//! Controller epochs on the wire.

use metadata::ControllerEpoch;

/// A term of 0 means nothing: no controller ever had it.
pub(crate) fn from_wire(epoch: Option<grpc::Epoch>) -> Option<ControllerEpoch> {
    epoch
        .filter(|epoch| epoch.term > 0)
        .map(|epoch| ControllerEpoch { generation: epoch.generation, term: epoch.term })
}

pub(crate) fn to_wire(epoch: ControllerEpoch) -> grpc::Epoch {
    grpc::Epoch { generation: epoch.generation, term: epoch.term }
}
