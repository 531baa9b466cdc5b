//! DescribeTransactions (api key 65); generated from `schemas/describe_transactions.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeTransactionsRequest {
    /// `TransactionalIds`, all versions.
    pub transactional_ids: Vec<Str>,
}

impl Message for DescribeTransactionsRequest {
    const NAME: &'static str = "DescribeTransactionsRequest";
    const API_KEY: i16 = 65;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let transactional_ids = d.array(flexible, version, 1, |d, _| d.string(true))?;
        d.skip_tags()?;
        Ok(Self { transactional_ids })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.array(&self.transactional_ids, flexible, version, |value, e, _| e.string(value, true))?;
        e.no_tags();
        Ok(())
    }
}

impl Request for DescribeTransactionsRequest {
    type Response = DescribeTransactionsResponse;
}

/// Response, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeTransactionsResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `TransactionStates`, all versions.
    pub transaction_states: Vec<TransactionState>,
}

impl Message for DescribeTransactionsResponse {
    const NAME: &'static str = "DescribeTransactionsResponse";
    const API_KEY: i16 = 65;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let throttle_time_ms = d.i32()?;
        let transaction_states = d.array(flexible, version, 28, TransactionState::decode)?;
        d.skip_tags()?;
        Ok(Self { throttle_time_ms, transaction_states })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.i32(self.throttle_time_ms);
        e.array(&self.transaction_states, flexible, version, TransactionState::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeTransactionsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionState {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `TransactionalId`, all versions.
    pub transactional_id: Str,
    /// `TransactionState`, all versions.
    pub transaction_state: Str,
    /// `TransactionTimeoutMs`, all versions.
    pub transaction_timeout_ms: i32,
    /// `TransactionStartTimeMs`, all versions.
    pub transaction_start_time_ms: i64,
    /// `ProducerId`, all versions.
    pub producer_id: i64,
    /// `ProducerEpoch`, all versions.
    pub producer_epoch: i16,
    /// `Topics`, all versions.
    pub topics: Vec<TopicData>,
}

impl TransactionState {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let error_code = d.i16()?;
        let transactional_id = d.string(flexible)?;
        let transaction_state = d.string(flexible)?;
        let transaction_timeout_ms = d.i32()?;
        let transaction_start_time_ms = d.i64()?;
        let producer_id = d.i64()?;
        let producer_epoch = d.i16()?;
        let topics = d.array(flexible, version, 3, TopicData::decode)?;
        d.skip_tags()?;
        Ok(Self {
            error_code,
            transactional_id,
            transaction_state,
            transaction_timeout_ms,
            transaction_start_time_ms,
            producer_id,
            producer_epoch,
            topics,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.i16(self.error_code);
        e.string(&self.transactional_id, flexible)?;
        e.string(&self.transaction_state, flexible)?;
        e.i32(self.transaction_timeout_ms);
        e.i64(self.transaction_start_time_ms);
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.array(&self.topics, flexible, version, TopicData::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeTransactionsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicData {
    /// `Topic`, all versions.
    pub topic: Str,
    /// `Partitions`, all versions.
    pub partitions: Vec<i32>,
}

impl TopicData {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let topic = d.string(flexible)?;
        let partitions = d.array(flexible, version, 4, |d, _| d.i32())?;
        d.skip_tags()?;
        Ok(Self { topic, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.topic, flexible)?;
        e.array(&self.partitions, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.no_tags();
        Ok(())
    }
}
