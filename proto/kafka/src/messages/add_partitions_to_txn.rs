//! AddPartitionsToTxn (api key 24); generated from `schemas/add_partitions_to_txn.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnRequest {
    /// `Transactions`, versions 4+.
    pub transactions: Vec<AddPartitionsToTxnTransaction>,
    /// `V3AndBelowTransactionalId`, versions 0 to 3.
    pub v3_and_below_transactional_id: Str,
    /// `V3AndBelowProducerId`, versions 0 to 3.
    pub v3_and_below_producer_id: i64,
    /// `V3AndBelowProducerEpoch`, versions 0 to 3.
    pub v3_and_below_producer_epoch: i16,
    /// `V3AndBelowTopics`, versions 0 to 3.
    pub v3_and_below_topics: Vec<AddPartitionsToTxnTopic>,
}

impl Message for AddPartitionsToTxnRequest {
    const NAME: &'static str = "AddPartitionsToTxnRequest";
    const API_KEY: i16 = 24;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 3;
        let transactions = if version >= 4 {
            d.array(flexible, version, 14, AddPartitionsToTxnTransaction::decode)?
        } else {
            Vec::new()
        };
        let v3_and_below_transactional_id =
            if version <= 3 { d.string(flexible)? } else { Str::new() };
        let v3_and_below_producer_id = if version <= 3 { d.i64()? } else { 0 };
        let v3_and_below_producer_epoch = if version <= 3 { d.i16()? } else { 0 };
        let v3_and_below_topics = if version <= 3 {
            d.array(flexible, version, 3, AddPartitionsToTxnTopic::decode)?
        } else {
            Vec::new()
        };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            transactions,
            v3_and_below_transactional_id,
            v3_and_below_producer_id,
            v3_and_below_producer_epoch,
            v3_and_below_topics,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 3;
        if version >= 4 {
            e.array(&self.transactions, flexible, version, AddPartitionsToTxnTransaction::encode)?;
        } else if !self.transactions.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "AddPartitionsToTxnRequest.Transactions",
                version,
            });
        }
        if version <= 3 {
            e.string(&self.v3_and_below_transactional_id, flexible)?;
        } else if !self.v3_and_below_transactional_id.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "AddPartitionsToTxnRequest.V3AndBelowTransactionalId",
                version,
            });
        }
        if version <= 3 {
            e.i64(self.v3_and_below_producer_id);
        } else if self.v3_and_below_producer_id != 0 {
            return Err(EncodeError::UnsupportedField {
                field: "AddPartitionsToTxnRequest.V3AndBelowProducerId",
                version,
            });
        }
        if version <= 3 {
            e.i16(self.v3_and_below_producer_epoch);
        } else if self.v3_and_below_producer_epoch != 0 {
            return Err(EncodeError::UnsupportedField {
                field: "AddPartitionsToTxnRequest.V3AndBelowProducerEpoch",
                version,
            });
        }
        if version <= 3 {
            e.array(&self.v3_and_below_topics, flexible, version, AddPartitionsToTxnTopic::encode)?;
        } else if !self.v3_and_below_topics.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "AddPartitionsToTxnRequest.V3AndBelowTopics",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for AddPartitionsToTxnRequest {
    type Response = AddPartitionsToTxnResponse;
}

/// Part of [`AddPartitionsToTxnRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTransaction {
    /// `TransactionalId`, versions 4+.
    pub transactional_id: Str,
    /// `ProducerId`, versions 4+.
    pub producer_id: i64,
    /// `ProducerEpoch`, versions 4+.
    pub producer_epoch: i16,
    /// `VerifyOnly`, versions 4+.
    pub verify_only: bool,
    /// `Topics`, versions 4+.
    pub topics: Vec<AddPartitionsToTxnTopic>,
}

impl AddPartitionsToTxnTransaction {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let transactional_id = d.string(flexible)?;
        let producer_id = d.i64()?;
        let producer_epoch = d.i16()?;
        let verify_only = d.bool()?;
        let topics = d.array(flexible, version, 3, AddPartitionsToTxnTopic::decode)?;
        d.skip_tags()?;
        Ok(Self { transactional_id, producer_id, producer_epoch, verify_only, topics })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.transactional_id, flexible)?;
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.bool(self.verify_only);
        e.array(&self.topics, flexible, version, AddPartitionsToTxnTopic::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`AddPartitionsToTxnRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTopic {
    /// `Name`, all versions.
    pub name: Str,
    /// `Partitions`, all versions.
    pub partitions: Vec<i32>,
}

impl AddPartitionsToTxnTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let name = d.string(flexible)?;
        let partitions = d.array(flexible, version, 4, |d, _| d.i32())?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 3;
        e.string(&self.name, flexible)?;
        e.array(&self.partitions, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Response, versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, versions 4+.
    pub error_code: i16,
    /// `ResultsByTransaction`, versions 4+.
    pub results_by_transaction: Vec<AddPartitionsToTxnResult>,
    /// `ResultsByTopicV3AndBelow`, versions 0 to 3.
    pub results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>,
}

impl Message for AddPartitionsToTxnResponse {
    const NAME: &'static str = "AddPartitionsToTxnResponse";
    const API_KEY: i16 = 24;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 3;
        let throttle_time_ms = d.i32()?;
        let error_code = if version >= 4 { d.i16()? } else { 0 };
        let results_by_transaction = if version >= 4 {
            d.array(flexible, version, 3, AddPartitionsToTxnResult::decode)?
        } else {
            Vec::new()
        };
        let results_by_topic_v3_and_below = if version <= 3 {
            d.array(flexible, version, 3, AddPartitionsToTxnTopicResult::decode)?
        } else {
            Vec::new()
        };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            throttle_time_ms,
            error_code,
            results_by_transaction,
            results_by_topic_v3_and_below,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 3;
        e.i32(self.throttle_time_ms);
        if version >= 4 {
            e.i16(self.error_code);
        }
        if version >= 4 {
            e.array(
                &self.results_by_transaction,
                flexible,
                version,
                AddPartitionsToTxnResult::encode,
            )?;
        } else if !self.results_by_transaction.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "AddPartitionsToTxnResponse.ResultsByTransaction",
                version,
            });
        }
        if version <= 3 {
            e.array(
                &self.results_by_topic_v3_and_below,
                flexible,
                version,
                AddPartitionsToTxnTopicResult::encode,
            )?;
        } else if !self.results_by_topic_v3_and_below.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "AddPartitionsToTxnResponse.ResultsByTopicV3AndBelow",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`AddPartitionsToTxnResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnResult {
    /// `TransactionalId`, versions 4+.
    pub transactional_id: Str,
    /// `TopicResults`, versions 4+.
    pub topic_results: Vec<AddPartitionsToTxnTopicResult>,
}

impl AddPartitionsToTxnResult {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let transactional_id = d.string(flexible)?;
        let topic_results = d.array(flexible, version, 3, AddPartitionsToTxnTopicResult::decode)?;
        d.skip_tags()?;
        Ok(Self { transactional_id, topic_results })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.transactional_id, flexible)?;
        e.array(&self.topic_results, flexible, version, AddPartitionsToTxnTopicResult::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`AddPartitionsToTxnResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTopicResult {
    /// `Name`, all versions.
    pub name: Str,
    /// `ResultsByPartition`, all versions.
    pub results_by_partition: Vec<AddPartitionsToTxnPartitionResult>,
}

impl AddPartitionsToTxnTopicResult {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let name = d.string(flexible)?;
        let results_by_partition =
            d.array(flexible, version, 6, AddPartitionsToTxnPartitionResult::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, results_by_partition })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 3;
        e.string(&self.name, flexible)?;
        e.array(
            &self.results_by_partition,
            flexible,
            version,
            AddPartitionsToTxnPartitionResult::encode,
        )?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`AddPartitionsToTxnResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnPartitionResult {
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
    /// `PartitionErrorCode`, all versions.
    pub partition_error_code: i16,
}

impl AddPartitionsToTxnPartitionResult {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let partition_index = d.i32()?;
        let partition_error_code = d.i16()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { partition_index, partition_error_code })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 3;
        e.i32(self.partition_index);
        e.i16(self.partition_error_code);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
