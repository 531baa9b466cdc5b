//! ListTransactions (api key 66); generated from `schemas/list_transactions.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 2.
#[derive(Clone, Debug, PartialEq)]
pub struct ListTransactionsRequest {
    /// `StateFilters`, all versions.
    pub state_filters: Vec<Str>,
    /// `ProducerIdFilters`, all versions.
    pub producer_id_filters: Vec<i64>,
    /// `DurationFilter`, versions 1+.
    pub duration_filter: i64,
    /// `TransactionalIdPattern`, versions 2+, nullable.
    pub transactional_id_pattern: Option<Str>,
}

impl Default for ListTransactionsRequest {
    fn default() -> Self {
        Self {
            state_filters: Vec::new(),
            producer_id_filters: Vec::new(),
            duration_filter: -1,
            transactional_id_pattern: None,
        }
    }
}

impl Message for ListTransactionsRequest {
    const NAME: &'static str = "ListTransactionsRequest";
    const API_KEY: i16 = 66;
    const VERSIONS: RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let state_filters = d.array(flexible, version, 1, |d, _| d.string(true))?;
        let producer_id_filters = d.array(flexible, version, 8, |d, _| d.i64())?;
        let duration_filter = if version >= 1 { d.i64()? } else { -1 };
        let transactional_id_pattern =
            if version >= 2 { d.nullable_string(flexible)? } else { None };
        d.skip_tags()?;
        Ok(Self { state_filters, producer_id_filters, duration_filter, transactional_id_pattern })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.array(&self.state_filters, flexible, version, |value, e, _| e.string(value, true))?;
        e.array(&self.producer_id_filters, flexible, version, |value, e, _| {
            e.i64(*value);
            Ok(())
        })?;
        if version >= 1 {
            e.i64(self.duration_filter);
        } else if self.duration_filter != -1 {
            return Err(EncodeError::UnsupportedField {
                field: "ListTransactionsRequest.DurationFilter",
                version,
            });
        }
        if version >= 2 {
            e.nullable_string(self.transactional_id_pattern.as_ref(), flexible)?;
        } else if self.transactional_id_pattern.is_some() {
            return Err(EncodeError::UnsupportedField {
                field: "ListTransactionsRequest.TransactionalIdPattern",
                version,
            });
        }
        e.no_tags();
        Ok(())
    }
}

impl Request for ListTransactionsRequest {
    type Response = ListTransactionsResponse;
}

/// Response, versions 0 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListTransactionsResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `UnknownStateFilters`, all versions.
    pub unknown_state_filters: Vec<Str>,
    /// `TransactionStates`, all versions.
    pub transaction_states: Vec<TransactionState>,
}

impl Message for ListTransactionsResponse {
    const NAME: &'static str = "ListTransactionsResponse";
    const API_KEY: i16 = 66;
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
        let unknown_state_filters = d.array(flexible, version, 1, |d, _| d.string(true))?;
        let transaction_states = d.array(flexible, version, 11, TransactionState::decode)?;
        d.skip_tags()?;
        Ok(Self { throttle_time_ms, error_code, unknown_state_filters, transaction_states })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.array(&self.unknown_state_filters, flexible, version, |value, e, _| {
            e.string(value, true)
        })?;
        e.array(&self.transaction_states, flexible, version, TransactionState::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`ListTransactionsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionState {
    /// `TransactionalId`, all versions.
    pub transactional_id: Str,
    /// `ProducerId`, all versions.
    pub producer_id: i64,
    /// `TransactionState`, all versions.
    pub transaction_state: Str,
}

impl TransactionState {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let transactional_id = d.string(flexible)?;
        let producer_id = d.i64()?;
        let transaction_state = d.string(flexible)?;
        d.skip_tags()?;
        Ok(Self { transactional_id, producer_id, transaction_state })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.transactional_id, flexible)?;
        e.i64(self.producer_id);
        e.string(&self.transaction_state, flexible)?;
        e.no_tags();
        Ok(())
    }
}
