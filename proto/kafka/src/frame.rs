//! Whole requests and responses: length prefix, header and body.

use bytes::Bytes;

use crate::{
    ApiKey, Chunks, DecodeError, DecodeReason, Decoder, EncodeError, Encoder, Message, Request,
    RequestHeader, Str, response_header_version,
};

/// The bytes of a request to send, length prefix included.
pub fn encode_request<R: Request>(
    correlation_id: i32,
    client_id: Option<Str>,
    request: &R,
    api_version: i16,
) -> Result<Chunks, EncodeError> {
    let api_key = api_key_of::<R>();
    let header = RequestHeader { api_key, api_version, correlation_id, client_id };
    let mut e = start();
    header.encode(&mut e)?;
    request.encode(&mut e, api_version)?;
    finish(e)
}

/// The bytes of a response to send, length prefix included.
pub fn encode_response<M: Message>(
    correlation_id: i32,
    response: &M,
    api_version: i16,
) -> Result<Chunks, EncodeError> {
    let mut e = start();
    e.i32(correlation_id);
    if response_header_version(api_key_of::<M>(), api_version) >= 1 {
        e.no_tags();
    }
    response.encode(&mut e, api_version)?;
    finish(e)
}

/// The response in a received frame, which is given without its length prefix. Bytes behind the
/// body are ignored, as Kafka ignores them.
pub fn decode_response<R: Request>(
    frame: Bytes,
    correlation_id: i32,
    api_version: i16,
) -> Result<R::Response, DecodeError> {
    let mut d = Decoder::new(frame);
    let found = d.i32()?;
    if found != correlation_id {
        let reason = DecodeReason::CorrelationId { expected: correlation_id, found };
        return Err(DecodeError { position: 0, reason });
    }
    if response_header_version(api_key_of::<R>(), api_version) >= 1 {
        d.skip_tags()?;
    }
    R::Response::decode(&mut d, api_version)
}

fn api_key_of<M: Message>() -> ApiKey {
    ApiKey::try_from(M::API_KEY).expect("the schemas are those of known APIs")
}

fn start() -> Encoder {
    let mut e = Encoder::new();
    e.i32(0);
    e
}

fn finish(mut e: Encoder) -> Result<Chunks, EncodeError> {
    let length = e.len() - size_of::<i32>();
    e.set_length_prefix(i32::try_from(length).map_err(|_| EncodeError::TooLong(length))?);
    Ok(e.finish())
}
