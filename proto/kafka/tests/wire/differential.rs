//! The crate `kafka-protocol` reads and writes the same bytes.

use kafka::SERVED;
use proptest::prelude::*;

use crate::codecs::{self, Codec, Theirs};
use crate::sample::{randomness, sample};

/// Served versions that `kafka-protocol` lacks; the Java oracle alone covers them.
const LACKING: &[(&str, i16)] = &[
    ("ListOffsetsRequest", 11),
    ("ListOffsetsResponse", 11),
    ("OffsetCommitRequest", 10),
    ("OffsetFetchRequest", 10),
    ("DescribeLogDirsRequest", 5),
    ("DescribeLogDirsResponse", 5),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn kafka_protocol_agrees(randomness in randomness()) {
        for codec in codecs::all() {
            let Some(theirs) = &codec.theirs else { continue };
            for version in shared_versions(&codec, theirs) {
                let schema = &codec.schema;
                let bytes = sample(schema, version, &randomness).bytes;
                let written = (theirs.recode)(&bytes, version);
                prop_assert_eq!(written, Ok(bytes), "{} {}", schema.name, version);
            }
        }
    }
}

#[test]
fn every_served_version_is_compared() {
    let codecs = codecs::all();
    let mut lacking = Vec::new();
    for served in SERVED {
        let of_api = codecs.iter().filter(|codec| codec.schema.key == served.key.code());
        let of_api: Vec<_> = of_api.filter(|codec| codec.theirs.is_some()).collect();
        assert_eq!(of_api.len(), 2, "{} has a request and a response", served.key);
        for version in served.min..=served.max {
            for codec in &of_api {
                let theirs = codec.theirs.as_ref().unwrap();
                if !shared_versions(codec, theirs).contains(&version) {
                    lacking.push((codec.schema.name.as_str(), version));
                }
            }
        }
    }
    assert_eq!(lacking, LACKING);
}

fn shared_versions(codec: &Codec, theirs: &Theirs) -> std::ops::RangeInclusive<i16> {
    let ours = codec.schema.versions;
    ours.min.max(theirs.versions.min)..=ours.max.min(theirs.versions.max)
}
