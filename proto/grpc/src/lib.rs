//! The gRPC services between brokers, controllers and tools, generated from `proto/*.proto`.
//!
//! Metadata crosses as bytes: its encoding belongs to the crate `metadata`.

#![allow(unreachable_pub, unused_qualifications, clippy::all)]

tonic::include_proto!("janus.v1");
