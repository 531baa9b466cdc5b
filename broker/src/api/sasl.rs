//! The opening of a connection between brokers: one SASL mechanism of our own, whose token proves
//! membership of the cluster. Ordinary clients never see it advertised.

use kafka::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka::{ErrorCode, Str};

use crate::broker::Broker;
use crate::peer::MECHANISM;
use crate::server::Peer;

pub(super) fn handshake(request: &SaslHandshakeRequest) -> SaslHandshakeResponse {
    if &*request.mechanism == MECHANISM {
        return SaslHandshakeResponse::default();
    }
    let error_code = ErrorCode::UnsupportedSaslMechanism.code();
    SaslHandshakeResponse { error_code, ..Default::default() }
}

pub(super) fn authenticate(
    broker: &Broker,
    peer: &mut Peer,
    request: &SaslAuthenticateRequest,
) -> SaslAuthenticateResponse {
    let token = std::str::from_utf8(&request.auth_bytes).unwrap_or_default();
    let proven = broker.options.guard.verify_broker(token);
    // Replicas connect on the inter-broker listener only, whatever a client has got hold of.
    let expected_listener = *peer.listener == *broker.options.inter_broker_listener;
    match proven.filter(|_| expected_listener) {
        Some(id) => {
            peer.broker = Some(id);
            broker.images.settle(id);
            SaslAuthenticateResponse::default()
        }
        None => {
            tracing::warn!("{}: not a broker of this cluster", peer.address);
            SaslAuthenticateResponse {
                error_code: ErrorCode::SaslAuthenticationFailed.code(),
                error_message: Some(Str::from_static("not a broker of this cluster")),
                ..Default::default()
            }
        }
    }
}
