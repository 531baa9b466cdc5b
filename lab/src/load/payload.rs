//! What a record of the load says: whose it is, which one, when it was due; and checkable bytes.

use crate::history::Value;

/// Magic, run, value, due time: eight bytes each.
pub const HEADER_BYTES: usize = 32;

const MAGIC: [u8; 8] = *b"janusLAB";

/// Values of two producers lie this far apart.
const PRODUCER_STEP: u64 = 1_000_000_000_000;

/// No value of a producer reaches this.
const VALUE_MAX: u64 = 1 << 62;

/// What the bytes of a record turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    /// A record of this run.
    Ours { value: Value, intended_us: u64 },
    /// A whole record of another run on the same topic.
    OtherRun,
    /// No record of any run, or a damaged one; the value identifies its bytes.
    Foreign { value: Value },
}

/// The value of a producer's record; reads well in decimal.
pub(super) fn value_of(producer: usize, sequence: u64) -> Value {
    producer as u64 * PRODUCER_STEP + sequence
}

/// The producer and the sequence number of a value.
pub(super) fn producer_of(value: Value) -> (usize, u64) {
    ((value / PRODUCER_STEP) as usize, value % PRODUCER_STEP)
}

/// Fills `bytes` with a record of at least [`HEADER_BYTES`].
pub(super) fn encode(bytes: &mut Vec<u8>, run: u64, value: Value, intended_us: u64, size: usize) {
    bytes.clear();
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&run.to_be_bytes());
    bytes.extend_from_slice(&value.to_be_bytes());
    bytes.extend_from_slice(&intended_us.to_be_bytes());
    padding(value, size.saturating_sub(HEADER_BYTES), |chunk| bytes.extend_from_slice(chunk));
}

/// Understands the bytes of a record, the padding included.
pub(super) fn decode(bytes: &[u8], run: u64) -> Payload {
    let word = |index: usize| {
        let part = bytes.get(8 * index..8 * index + 8)?;
        Some(u64::from_be_bytes(part.try_into().expect("eight bytes were taken")))
    };
    let parsed = (|| Some((word(1)?, word(2)?, word(3)?)))();
    let foreign = Payload::Foreign { value: VALUE_MAX + hash(bytes) % VALUE_MAX };
    let Some((their_run, value, intended_us)) = parsed else { return foreign };
    if !bytes.starts_with(&MAGIC) {
        return foreign;
    }
    if their_run != run {
        return Payload::OtherRun;
    }
    let mut rest = &bytes[HEADER_BYTES..];
    let mut whole = true;
    padding(value, rest.len(), |chunk| {
        whole &= rest.starts_with(chunk);
        rest = &rest[chunk.len().min(rest.len())..];
    });
    if whole { Payload::Ours { value, intended_us } } else { foreign }
}

/// Bytes that depend on the value and do not compress to nothing (xorshift).
fn padding(value: Value, length: usize, mut emit: impl FnMut(&[u8])) {
    let mut state = value.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut left = length;
    while left > 0 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let chunk = state.to_le_bytes();
        emit(&chunk[..left.min(8)]);
        left -= left.min(8);
    }
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_comes_back_and_damage_shows() {
        for size in [HEADER_BYTES, 33, 100, 1000] {
            let mut bytes = Vec::new();
            encode(&mut bytes, 5, value_of(3, 77), 1234, size);
            assert_eq!(bytes.len(), size);
            let value = value_of(3, 77);
            assert_eq!(decode(&bytes, 5), Payload::Ours { value, intended_us: 1234 });
            assert_eq!(producer_of(value), (3, 77));
            assert_eq!(decode(&bytes, 6), Payload::OtherRun);

            let last = bytes.len() - 1;
            if size > HEADER_BYTES {
                bytes[last] ^= 1;
                assert!(matches!(decode(&bytes, 5), Payload::Foreign { .. }));
            }
            assert!(matches!(decode(&bytes[..20], 5), Payload::Foreign { .. }));
        }
        assert!(matches!(decode(b"", 5), Payload::Foreign { .. }));
    }
}
