//! The headers in front of requests and responses.
//!
//! Which form a header has follows from the API and its version. Two rules are odd: the client id
//! keeps its old length field even in flexible versions, and a response to ApiVersions always has
//! the old header, because its reader does not yet know what the broker speaks (KIP-511).

use crate::{ApiKey, DecodeError, DecodeReason, Decoder, EncodeError, Encoder, Str};

/// What stands in front of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// The API that is called.
    pub api_key: ApiKey,
    /// Its version; whether that is served is not checked here.
    pub api_version: i16,
    /// Comes back in the response.
    pub correlation_id: i32,
    /// The client's name for itself, used in quotas and logs.
    pub client_id: Option<Str>,
}

impl RequestHeader {
    /// Reads the header of any API of the protocol; the body follows in the decoder.
    pub fn decode(d: &mut Decoder) -> Result<Self, DecodeError> {
        let position = d.position();
        let api_key = ApiKey::try_from(d.i16()?)
            .map_err(|key| DecodeError { position, reason: DecodeReason::UnknownApiKey(key) })?;
        let api_version = d.i16()?;
        let correlation_id = d.i32()?;
        let client_id = d.nullable_string(false)?;
        if api_version >= api_key.flexible_from() {
            d.skip_tags()?;
        }
        Ok(Self { api_key, api_version, correlation_id, client_id })
    }

    /// Writes the header; the body has to follow.
    pub fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.i16(self.api_key.code());
        e.i16(self.api_version);
        e.i32(self.correlation_id);
        e.nullable_string(self.client_id.as_ref(), false)?;
        if self.api_version >= self.api_key.flexible_from() {
            e.no_tags();
        }
        Ok(())
    }
}

/// The version of the header of a response: 1 has tagged fields, 0 has not.
pub fn response_header_version(api_key: ApiKey, api_version: i16) -> i16 {
    let flexible = api_version >= api_key.flexible_from();
    i16::from(flexible && api_key != ApiKey::ApiVersions)
}
