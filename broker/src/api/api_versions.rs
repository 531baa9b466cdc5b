//! ApiVersions (KIP-511): which APIs and versions are served, from the one table.

use kafka::ErrorCode;
use kafka::messages::{ApiVersionsRequest, ApiVersionsResponse};

use crate::server::Peer;

pub(super) fn api_versions(
    peer: &mut Peer,
    request: &ApiVersionsRequest,
    version: i16,
) -> ApiVersionsResponse {
    if version >= 3 {
        let (name, software) = (&request.client_software_name, &request.client_software_version);
        if !is_valid(name) || !is_valid(software) {
            let error_code = ErrorCode::InvalidRequest.code();
            return ApiVersionsResponse { error_code, ..Default::default() };
        }
        peer.client_software = Some((name.to_string(), software.to_string()));
    }
    kafka::api_versions_response()
}

/// KIP-511: letters, digits, dashes and dots, neither first nor last a dash or dot.
fn is_valid(text: &str) -> bool {
    let inner = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '.';
    let outer = |it: Option<char>| it.is_some_and(|it| it.is_ascii_alphanumeric());
    text.chars().all(inner) && outer(text.chars().next()) && outer(text.chars().last())
}
