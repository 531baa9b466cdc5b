//! The gRPC services between brokers, controllers and tools, generated from `proto/*.proto`, and how
//! a client reaches them.
//!
//! Metadata crosses as bytes: its encoding belongs to the crate `metadata`. Read `auth` for how
//! servers of one cluster prove themselves to each other, `client` for how to connect.

pub mod auth;
pub mod client;

mod generated {
    #![allow(unreachable_pub, unused_qualifications, clippy::all)]

    tonic::include_proto!("janus.v1");
}

pub use generated::*;

/// Largest message that either side receives. A batch is cut at 1 MiB, so nothing comes near it.
pub const MESSAGE_BYTES_MAX: usize = 4 << 20;
