//! Tests of the whole codec, all driven by the schemas and the table of codecs, so that a new
//! message or version is covered the day it appears.
//!
//! `sample` makes valid bytes of any message by reading its schema, independently of the generated
//! code. The generated code must read and write them back unchanged (`round_trip`), as must the
//! crate `kafka-protocol` (`differential`) and Kafka's own Java classes (`oracle`). `hostile`
//! breaks them.

#[path = "../../examples/generate/codec.rs"]
mod codec;
#[path = "../../examples/generate/rust.rs"]
mod rust;
#[path = "../../examples/generate/schema.rs"]
mod schema;

mod codecs;
mod differential;
mod hostile;
mod oracle;
mod round_trip;
mod sample;
mod served;
mod wire_types;

/// The generated code that is checked in is what the schemas say.
#[test]
fn the_generated_code_is_up_to_date() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, expected) in rust::generate(&schema::read_folder(&root.join("schemas"))) {
        let found = std::fs::read_to_string(root.join("src/messages").join(&name)).unwrap();
        assert!(
            found == expected,
            "src/messages/{name} is out of date: cargo run -p kafka --example generate"
        );
    }
}
