//! Reading and writing changes nothing, for every message and version.

use proptest::prelude::*;

use crate::codecs::{self, Outcome};
use crate::sample::{randomness, sample};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_was_read_is_written_back(randomness in randomness()) {
        for codec in codecs::all() {
            let schema = &codec.schema;
            for version in schema.versions.min..=schema.versions.max {
                let bytes = sample(schema, version, &randomness).bytes;
                match (codec.recode)(Some(&bytes), version, version) {
                    Outcome::Written(written) => {
                        prop_assert_eq!(written, &bytes, "{} {}", schema.name, version);
                    }
                    other => prop_assert!(false, "{} {version}: {other:?}", schema.name),
                }
                (codec.read_twice)(&bytes, version);
            }
        }
    }
}
