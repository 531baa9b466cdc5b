//! The codecs of record batches, in the framing that Kafka gives each, with a cap on the output.
//!
//! Decompression reads a stream and stops at the cap: no declared size is believed, so a batch of a
//! few bytes cannot make a reader allocate what it declares (CVE-2023-34455 is such a batch).

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use bytes::{BufMut, Bytes, BytesMut};

use crate::BatchError;

/// How the records of a batch are compressed. The numbers are those of the attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    /// Every codec, in the order of its id.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    pub fn id(self) -> u8 {
        self as u8
    }

    pub fn from_id(id: u8) -> Result<Self, BatchError> {
        Self::ALL.get(usize::from(id)).copied().ok_or(BatchError::UnsupportedCompression(id))
    }

    /// The name that `compression.type` uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "uncompressed",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Codec {
    type Err = String;

    /// Accepts the values of `compression.type` (topics, where none is `uncompressed`) and of the
    /// producer's setting of that name (where it is `none`).
    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "none" => Ok(Self::None),
            name => Self::ALL
                .into_iter()
                .find(|codec| codec.name() == name)
                .ok_or_else(|| format!("'{name}' is not a compression type")),
        }
    }
}

/// Compresses the records of a batch.
pub fn compress(codec: Codec, records: &[u8]) -> Bytes {
    let compressed = match codec {
        Codec::None => Ok(records.to_vec()),
        Codec::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(records).and_then(|()| encoder.finish())
        }
        Codec::Snappy => return xerial::compress(records),
        Codec::Lz4 => compress_lz4(records),
        Codec::Zstd => zstd::encode_all(records, zstd::DEFAULT_COMPRESSION_LEVEL),
    };
    compressed.expect("compressing from memory to memory does not fail").into()
}

/// Kafka's Java client reads independent blocks only, and writes blocks of 64 KiB.
fn compress_lz4(records: &[u8]) -> io::Result<Vec<u8>> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let info = FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(records)?;
    Ok(encoder.finish()?)
}

/// Decompresses the records of a batch to at most `limit_bytes`. Uncompressed records are not copied
/// and not limited: they are in memory already.
pub fn decompress(codec: Codec, records: &Bytes, limit_bytes: usize) -> Result<Bytes, BatchError> {
    let corrupt = |error: io::Error| BatchError::Corrupt(format!("{codec}: {error}"));
    match codec {
        Codec::None => Ok(records.clone()),
        Codec::Gzip => {
            read_to_limit(flate2::bufread::MultiGzDecoder::new(&records[..]), limit_bytes)
                .map_err(corrupt)?
        }
        Codec::Snappy => xerial::decompress(records, limit_bytes),
        Codec::Lz4 => read_to_limit(lz4_flex::frame::FrameDecoder::new(&records[..]), limit_bytes)
            .map_err(corrupt)?,
        Codec::Zstd => {
            let decoder = zstd::Decoder::with_buffer(&records[..]).map_err(corrupt)?;
            read_to_limit(decoder, limit_bytes).map_err(corrupt)?
        }
    }
}

/// The outer error is the stream's, the inner one the limit's.
fn read_to_limit(stream: impl Read, limit_bytes: usize) -> io::Result<Result<Bytes, BatchError>> {
    let mut records = Vec::new();
    let limit = u64::try_from(limit_bytes).unwrap_or(u64::MAX);
    stream.take(limit.saturating_add(1)).read_to_end(&mut records)?;
    Ok(match records.len() > limit_bytes {
        true => Err(BatchError::TooLarge { limit_bytes }),
        false => Ok(records.into()),
    })
}

/// Snappy as the Java library of Xerial frames it: a magic, two versions, then blocks of raw snappy
/// with their lengths. Some clients send one raw block without the frame: read, never written.
mod xerial {
    use super::*;

    const MAGIC: &[u8; 8] = b"\x82SNAPPY\0";
    const HEADER_BYTES: usize = MAGIC.len() + 8;
    const BLOCK_BYTES: usize = 32 * 1024;
    /// A copy of 64 bytes takes 3: no valid block inflates further.
    const RATIO_MAX: usize = 22;

    pub(super) fn compress(records: &[u8]) -> Bytes {
        let mut framed = BytesMut::with_capacity(HEADER_BYTES + records.len() / 2);
        framed.put_slice(MAGIC);
        framed.put_i32(1);
        framed.put_i32(1);
        let mut encoder = snap::raw::Encoder::new();
        for block in records.chunks(BLOCK_BYTES) {
            let compressed =
                encoder.compress_vec(block).expect("a block of 32 KiB is within snappy's limit");
            framed.put_i32(compressed.len() as i32);
            framed.put_slice(&compressed);
        }
        framed.freeze()
    }

    pub(super) fn decompress(framed: &[u8], limit_bytes: usize) -> Result<Bytes, BatchError> {
        let mut records = Vec::new();
        if !framed.starts_with(MAGIC) {
            append_block(framed, &mut records, limit_bytes)?;
            return Ok(records.into());
        }
        let mut rest =
            framed.get(HEADER_BYTES..).ok_or_else(|| corrupt("the header is cut off"))?;
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let block = after.get(..length).ok_or_else(|| corrupt("a block is cut off"))?;
            append_block(block, &mut records, limit_bytes)?;
            rest = &after[length..];
        }
        match rest.is_empty() {
            true => Ok(records.into()),
            false => Err(corrupt("a block length is cut off")),
        }
    }

    fn append_block(
        block: &[u8],
        records: &mut Vec<u8>,
        limit_bytes: usize,
    ) -> Result<(), BatchError> {
        let size = snap::raw::decompress_len(block).map_err(corrupt)?;
        if size > block.len().saturating_mul(RATIO_MAX) {
            return Err(corrupt("a block declares more than snappy can hold"));
        }
        let start = records.len();
        if size > limit_bytes.saturating_sub(start) {
            return Err(BatchError::TooLarge { limit_bytes });
        }
        records.resize(start + size, 0);
        let written =
            snap::raw::Decoder::new().decompress(block, &mut records[start..]).map_err(corrupt)?;
        match written == size {
            true => Ok(()),
            false => Err(corrupt("a block is shorter than it declares")),
        }
    }

    fn corrupt(what: impl fmt::Display) -> BatchError {
        BatchError::Corrupt(format!("snappy: {what}"))
    }
}
