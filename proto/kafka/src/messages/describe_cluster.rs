//! DescribeCluster (api key 60); generated from `schemas/describe_cluster.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 2.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClusterRequest {
    /// `IncludeClusterAuthorizedOperations`, all versions.
    pub include_cluster_authorized_operations: bool,
    /// `EndpointType`, versions 1+.
    pub endpoint_type: i8,
    /// `IncludeFencedBrokers`, versions 2+.
    pub include_fenced_brokers: bool,
}

impl Default for DescribeClusterRequest {
    fn default() -> Self {
        Self {
            include_cluster_authorized_operations: false,
            endpoint_type: 1,
            include_fenced_brokers: false,
        }
    }
}

impl Message for DescribeClusterRequest {
    const NAME: &'static str = "DescribeClusterRequest";
    const API_KEY: i16 = 60;
    const VERSIONS: RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let include_cluster_authorized_operations = d.bool()?;
        let endpoint_type = if version >= 1 { d.i8()? } else { 1 };
        let include_fenced_brokers = if version >= 2 { d.bool()? } else { false };
        d.skip_tags()?;
        Ok(Self { include_cluster_authorized_operations, endpoint_type, include_fenced_brokers })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        e.bool(self.include_cluster_authorized_operations);
        if version >= 1 {
            e.i8(self.endpoint_type);
        } else if self.endpoint_type != 1 {
            return Err(EncodeError::UnsupportedField {
                field: "DescribeClusterRequest.EndpointType",
                version,
            });
        }
        if version >= 2 {
            e.bool(self.include_fenced_brokers);
        } else if self.include_fenced_brokers {
            return Err(EncodeError::UnsupportedField {
                field: "DescribeClusterRequest.IncludeFencedBrokers",
                version,
            });
        }
        e.no_tags();
        Ok(())
    }
}

impl Request for DescribeClusterRequest {
    type Response = DescribeClusterResponse;
}

/// Response, versions 0 to 2.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClusterResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ErrorMessage`, all versions, nullable.
    pub error_message: Option<Str>,
    /// `EndpointType`, versions 1+.
    pub endpoint_type: i8,
    /// `ClusterId`, all versions.
    pub cluster_id: Str,
    /// `ControllerId`, all versions.
    pub controller_id: i32,
    /// `Brokers`, all versions.
    pub brokers: Vec<DescribeClusterBroker>,
    /// `ClusterAuthorizedOperations`, all versions.
    pub cluster_authorized_operations: i32,
}

impl Default for DescribeClusterResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: None,
            endpoint_type: 1,
            cluster_id: Str::new(),
            controller_id: -1,
            brokers: Vec::new(),
            cluster_authorized_operations: i32::MIN,
        }
    }
}

impl Message for DescribeClusterResponse {
    const NAME: &'static str = "DescribeClusterResponse";
    const API_KEY: i16 = 60;
    const VERSIONS: RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let throttle_time_ms = d.i32()?;
        let error_code = d.i16()?;
        let error_message = d.nullable_string(flexible)?;
        let endpoint_type = if version >= 1 { d.i8()? } else { 1 };
        let cluster_id = d.string(flexible)?;
        let controller_id = d.i32()?;
        let brokers = d.array(flexible, version, 11, DescribeClusterBroker::decode)?;
        let cluster_authorized_operations = d.i32()?;
        d.skip_tags()?;
        Ok(Self {
            throttle_time_ms,
            error_code,
            error_message,
            endpoint_type,
            cluster_id,
            controller_id,
            brokers,
            cluster_authorized_operations,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible)?;
        if version >= 1 {
            e.i8(self.endpoint_type);
        } else if self.endpoint_type != 1 {
            return Err(EncodeError::UnsupportedField {
                field: "DescribeClusterResponse.EndpointType",
                version,
            });
        }
        e.string(&self.cluster_id, flexible)?;
        e.i32(self.controller_id);
        e.array(&self.brokers, flexible, version, DescribeClusterBroker::encode)?;
        e.i32(self.cluster_authorized_operations);
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeClusterResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeClusterBroker {
    /// `BrokerId`, all versions.
    pub broker_id: i32,
    /// `Host`, all versions.
    pub host: Str,
    /// `Port`, all versions.
    pub port: i32,
    /// `Rack`, all versions, nullable.
    pub rack: Option<Str>,
    /// `IsFenced`, versions 2+.
    pub is_fenced: bool,
}

impl DescribeClusterBroker {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let broker_id = d.i32()?;
        let host = d.string(flexible)?;
        let port = d.i32()?;
        let rack = d.nullable_string(flexible)?;
        let is_fenced = if version >= 2 { d.bool()? } else { false };
        d.skip_tags()?;
        Ok(Self { broker_id, host, port, rack, is_fenced })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.i32(self.broker_id);
        e.string(&self.host, flexible)?;
        e.i32(self.port);
        e.nullable_string(self.rack.as_ref(), flexible)?;
        if version >= 2 {
            e.bool(self.is_fenced);
        } else if self.is_fenced {
            return Err(EncodeError::UnsupportedField {
                field: "DescribeClusterBroker.IsFenced",
                version,
            });
        }
        e.no_tags();
        Ok(())
    }
}
