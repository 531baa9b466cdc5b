//! A record set in pieces.
//!
//! A Fetch response is written from several segments of the log. Joining them first would copy
//! every byte once more, so a record set is a list of buffers that are written one after the other.

use bytes::{Bytes, BytesMut};

/// Bytes in several buffers, meant to be read and written as one.
#[derive(Clone, Debug, Default)]
pub struct Chunks(pub Vec<Bytes>);

impl Chunks {
    /// The number of bytes in all pieces.
    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Whether no piece holds a byte.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }

    /// The pieces as one buffer; copies only when there is more than one.
    pub fn to_bytes(&self) -> Bytes {
        match self.0.as_slice() {
            [] => Bytes::new(),
            [one] => one.clone(),
            many => {
                let mut joined = BytesMut::with_capacity(self.len());
                many.iter().for_each(|piece| joined.extend_from_slice(piece));
                joined.freeze()
            }
        }
    }
}

impl From<Bytes> for Chunks {
    fn from(bytes: Bytes) -> Self {
        Self(vec![bytes])
    }
}

/// Equal content is equal, however it is cut.
impl PartialEq for Chunks {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.to_bytes() == other.to_bytes()
    }
}

impl Eq for Chunks {}
