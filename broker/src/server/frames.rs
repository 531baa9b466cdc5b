//! Cutting length-prefixed frames out of a byte stream, with bounded memory.

use bytes::{Buf, Bytes, BytesMut};

use crate::limits::{READ_BYTES_MAX, READ_BYTES_MIN, SHARED_FRAME_BYTES};

/// The bytes of a connection that have arrived and are not yet a whole frame.
#[derive(Debug)]
pub(super) struct Frames {
    buffer: BytesMut,
    /// A large frame that is being filled: (what has arrived, its full length).
    large: Option<(BytesMut, usize)>,
    read_bytes: usize,
    frame_bytes_max: usize,
}

/// The peer does not speak the protocol: nothing after this can be trusted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a request of {length} bytes was announced; the limit is {max} (socket.request.max.bytes), and \
     a client that speaks another protocol looks the same"
)]
pub(super) struct BadLength {
    length: i32,
    max: usize,
}

impl Frames {
    pub(super) fn new(frame_bytes_max: usize) -> Self {
        let buffer = BytesMut::new();
        Self { buffer, large: None, read_bytes: READ_BYTES_MIN, frame_bytes_max }
    }

    /// Where the next read goes. Its spare capacity bounds what is read at once.
    pub(super) fn space(&mut self) -> &mut BytesMut {
        match &mut self.large {
            Some((frame, length)) => {
                // Grows with what really arrives, not with what was announced.
                let missing = *length - frame.len();
                let step = missing.min(frame.len().max(READ_BYTES_MAX));
                if frame.capacity() == frame.len() {
                    frame.reserve(step);
                }
                frame
            }
            None => {
                self.buffer.reserve(self.read_bytes);
                &mut self.buffer
            }
        }
    }

    /// Tells how much the last read brought, to read more at once while data keeps coming.
    pub(super) fn filled(&mut self, bytes: usize) {
        if bytes >= self.read_bytes {
            self.read_bytes = (self.read_bytes * 4).min(READ_BYTES_MAX);
        } else if bytes * 8 < self.read_bytes {
            self.read_bytes = (self.read_bytes / 2).max(READ_BYTES_MIN);
        }
    }

    /// The length of the next frame, once it has been announced.
    pub(super) fn announced(&mut self) -> Result<Option<usize>, BadLength> {
        if let Some((_, length)) = &self.large {
            return Ok(Some(*length));
        }
        let Some(prefix) = self.buffer.first_chunk::<4>() else {
            self.release();
            return Ok(None);
        };
        let announced = i32::from_be_bytes(*prefix);
        let max = self.frame_bytes_max;
        let length = usize::try_from(announced).ok().filter(|length| (1..=max).contains(length));
        length.map(Some).ok_or(BadLength { length: announced, max })
    }

    /// How much of the frame that has been announced is here.
    pub(super) fn arrived(&self) -> usize {
        self.large.as_ref().map_or(self.buffer.len(), |(frame, _)| frame.len())
    }

    /// The frame that was announced with this length, without its prefix, when all of it is here.
    pub(super) fn next(&mut self, length: usize) -> Option<Bytes> {
        if let Some((frame, length)) = &mut self.large {
            if frame.len() < *length {
                return None;
            }
            let whole = frame.split_to(*length).freeze();
            // A read may have brought the beginning of the next frame.
            self.buffer = BytesMut::from(&frame[..]);
            self.large = None;
            return Some(whole);
        }
        if self.buffer.len() >= 4 + length {
            self.buffer.advance(4);
            return Some(self.buffer.split_to(length).freeze());
        }
        if length > SHARED_FRAME_BYTES {
            self.buffer.advance(4);
            let mut frame = BytesMut::with_capacity(length.min(READ_BYTES_MAX * 4));
            frame.extend_from_slice(&self.buffer);
            self.buffer = BytesMut::new();
            self.large = Some((frame, length));
        }
        None
    }

    /// An idle connection holds no buffer.
    fn release(&mut self) {
        if self.buffer.is_empty() && self.read_bytes == READ_BYTES_MIN {
            self.buffer = BytesMut::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize, fill: u8) -> Vec<u8> {
        let mut bytes = (length as i32).to_be_bytes().to_vec();
        bytes.extend(std::iter::repeat_n(fill, length));
        bytes
    }

    fn next(frames: &mut Frames) -> Option<Bytes> {
        let length = frames.announced().unwrap()?;
        frames.next(length)
    }

    #[test]
    fn frames_of_any_size_arrive_whole_however_they_are_cut() {
        let sizes = [1, 5, 4_000, SHARED_FRAME_BYTES + 1, 3, 2_000_000, 7];
        let stream: Vec<u8> =
            sizes.iter().enumerate().flat_map(|(i, size)| frame(*size, i as u8)).collect();
        for step in [1, 3, 4, 5, 1_000, 65_536, 1 << 22] {
            if step < 1_000 && cfg!(debug_assertions) {
                continue; // Byte by byte takes long without optimisation and finds nothing new.
            }
            let mut frames = Frames::new(100 << 20);
            let (mut at, mut found) = (0, Vec::new());
            while at < stream.len() {
                let space = frames.space();
                let room = (space.capacity() - space.len()).min(step).min(stream.len() - at);
                space.extend_from_slice(&stream[at..at + room]);
                at += room;
                frames.filled(room);
                while let Some(frame) = next(&mut frames) {
                    found.push(frame);
                }
            }
            assert_eq!(found.iter().map(Bytes::len).collect::<Vec<_>>(), sizes);
            assert!(found.iter().enumerate().all(|(i, it)| it.iter().all(|b| *b == i as u8)));
        }
    }

    #[test]
    fn impossible_lengths_are_refused_before_anything_is_allocated() {
        for announced in [0, -1, i32::MIN, i32::MAX, 1_001] {
            let mut frames = Frames::new(1_000);
            frames.space().extend_from_slice(&announced.to_be_bytes());
            assert!(frames.announced().is_err(), "{announced}");
        }
    }

    #[test]
    fn an_announced_frame_takes_memory_only_as_it_arrives() {
        let mut frames = Frames::new(100 << 20);
        frames.space().extend_from_slice(&(100i32 << 20).to_be_bytes());
        assert_eq!(next(&mut frames), None);
        assert!(frames.space().capacity() <= 2 << 20);
    }
}
