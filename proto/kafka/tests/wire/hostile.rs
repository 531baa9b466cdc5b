//! Broken and malicious bytes: an error, no panic, and little memory.

use bytes::Bytes;
use kafka::{HEAP_ALLOWANCE, HEAP_PER_FRAME_BYTE};
use proptest::prelude::*;

use crate::codecs::{self, Codec};
use crate::sample::{Length, fixed_randomness, randomness, sample};

/// Reads bytes and checks how much memory that took; says whether they could be read.
fn read(codec: &Codec, version: i16, bytes: Bytes) -> bool {
    let limit = HEAP_PER_FRAME_BYTE * bytes.len() + HEAP_ALLOWANCE;
    let mut readable = false;
    let used = allocation_counter::measure(|| readable = (codec.read)(bytes, version).is_ok());
    assert!(
        used.bytes_max <= limit as u64,
        "{} {version} took {} bytes",
        codec.schema.name,
        used.bytes_max
    );
    readable
}

fn each_version(mut test: impl FnMut(&Codec, i16)) {
    for codec in codecs::all() {
        for version in codec.schema.versions.min..=codec.schema.versions.max {
            test(&codec, version);
        }
    }
}

#[test]
fn no_part_of_a_message_is_a_message() {
    for randomness in fixed_randomness(3) {
        each_version(|codec, version| {
            let bytes = sample(&codec.schema, version, &randomness).bytes;
            // Messages of many kilobytes are mostly filler: all ends near a border, some others.
            let step = bytes.len() / 1000 + 1;
            for end in
                (0..bytes.len()).step_by(step).chain(bytes.len().saturating_sub(50)..bytes.len())
            {
                assert!(!read(codec, version, bytes.slice(..end)), "{end} {}", codec.schema.name);
            }
            assert!(read(codec, version, bytes));
        });
    }
}

#[test]
fn lengths_that_lie_are_found_out() {
    for randomness in fixed_randomness(4) {
        each_version(|codec, version| {
            let sample = sample(&codec.schema, version, &randomness);
            for length in &sample.lengths {
                let left = sample.bytes.len() - length.at - length.size;
                for lie in [i32::MAX, i32::MAX - 1, left as i32 + 1, 1 << 20, 0x7fff] {
                    if lie as usize <= left {
                        continue;
                    }
                    let bytes = with_length(&sample.bytes, length, lie);
                    // Two bytes cannot say all of these; cut, they may be true.
                    if length.size == 2 && !length.is_varint && i16::try_from(lie).is_err() {
                        read(codec, version, bytes);
                    } else {
                        assert!(!read(codec, version, bytes), "{} {version}", codec.schema.name);
                    }
                }
                for lie in [i32::MIN, -2, -1, 0, left as i32] {
                    read(codec, version, with_length(&sample.bytes, length, lie));
                }
            }
        });
    }
}

/// Nearly every byte a count or an empty value: the worst there is for memory.
#[test]
fn many_tiny_values_take_bounded_memory() {
    let size = 256 * 1024;
    each_version(|codec, version| {
        for filler in [0, 1, 2] {
            let mut bytes = sample(&codec.schema, version, &[1; 8]).bytes.to_vec();
            bytes.resize(size, filler);
            let lengths = sample(&codec.schema, version, &[1; 8]).lengths;
            for length in lengths.iter().take(8) {
                let body = with_length(&Bytes::from(bytes.clone()), length, size as i32 / 2);
                read(codec, version, body);
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn random_bytes_are_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let bytes = Bytes::from(bytes);
        each_version(|codec, version| {
            read(codec, version, bytes.clone());
        });
    }

    #[test]
    fn changed_bytes_are_harmless(
        randomness in randomness(),
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4),
    ) {
        each_version(|codec, version| {
            let mut bytes = sample(&codec.schema, version, &randomness).bytes.to_vec();
            for (at, byte) in &changes {
                let length = bytes.len();
                if length > 0 {
                    bytes[at % length] = *byte;
                }
            }
            read(codec, version, bytes.into());
        });
    }
}

/// The same bytes with another length in one place.
fn with_length(bytes: &Bytes, length: &Length, value: i32) -> Bytes {
    let mut changed = bytes[..length.at].to_vec();
    if length.is_varint {
        let mut rest = value.wrapping_add(1) as u32;
        while rest >= 0x80 {
            changed.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        changed.push(rest as u8);
    } else {
        changed.extend(&value.to_be_bytes()[4 - length.size..]);
    }
    changed.extend(&bytes[length.at + length.size..]);
    changed.into()
}
