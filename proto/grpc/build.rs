//! Compiles the .proto files without an installed `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["proto/controller.proto", "proto/raft.proto"];
    let descriptors = protox::compile(files, ["proto"])?;
    tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    files.iter().for_each(|file| println!("cargo::rerun-if-changed={file}"));
    Ok(())
}
