//! One request and its answer on a connection that a test holds, frame by frame.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::Bytes;
use kafka::Request;

const CORRELATION_ID: i32 = 7;

/// The frame of a request.
pub(crate) fn frame<R: Request>(request: &R, version: i16) -> Bytes {
    kafka::encode_request(CORRELATION_ID, None, request, version).unwrap().to_bytes()
}

/// Waits for the answer to a request that was sent.
pub(crate) fn answer<R: Request>(stream: &mut TcpStream, version: i16) -> R::Response {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame).unwrap();
    kafka::decode_response::<R>(frame.into(), CORRELATION_ID, version).unwrap()
}

/// The answer to one request.
pub(crate) fn ask<R: Request>(stream: &mut TcpStream, request: &R, version: i16) -> R::Response {
    stream.write_all(&frame(request, version)).unwrap();
    answer::<R>(stream, version)
}
