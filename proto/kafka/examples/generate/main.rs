//! Writes `src/messages/*.rs` from `schemas/*.schema`.
//!
//! Run `cargo run -p kafka --example generate` after a change of a schema. The output is checked
//! in: it can be read, and nobody waits for it in a build. A test compares it with the schemas.

mod codec;
mod rust;
mod schema;

use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = schema::read_folder(&root.join("schemas"));
    for (name, text) in rust::generate(&files) {
        let path = root.join("src/messages").join(name);
        std::fs::write(&path, text)
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }
}
