//! The bytes of a record: who sent it, which one it is, when it was due; then text like an event's.

/// Run, sequence in its partition, intended time: eight bytes each.
pub(crate) const HEADER_BYTES: usize = 24;

/// How many different texts there are. A prime: a partition sees all of them before one comes again,
/// so that no batch contains the same text twice.
const TEXTS: usize = 1021;

/// What the header of a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Which load it belongs to.
    pub run: u64,
    /// Counts from 0 in every partition.
    pub sequence: u64,
    /// Microseconds of the load's clock.
    pub intended_us: u64,
}

impl Header {
    /// `None`: too short to be a record of ours.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let word = |index: usize| {
            let part = bytes.get(8 * index..8 * index + 8)?;
            Some(u64::from_be_bytes(part.try_into().expect("eight bytes were taken")))
        };
        Some(Self { run: word(0)?, sequence: word(1)?, intended_us: word(2)? })
    }
}

/// Makes the values of records, all of one size.
#[derive(Debug)]
pub(crate) struct Values {
    texts: Vec<u8>,
    value: Vec<u8>,
}

impl Values {
    /// The same size makes the same texts.
    pub(crate) fn new(value_bytes: usize) -> Self {
        assert!(value_bytes > HEADER_BYTES, "a record has room for its header");
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let text_bytes = value_bytes - HEADER_BYTES;
        let mut texts = Vec::with_capacity(TEXTS * text_bytes);
        for _ in 0..TEXTS {
            let mut text = event(&mut random, text_bytes);
            text.truncate(text_bytes);
            texts.extend_from_slice(text.as_bytes());
        }
        Self { texts, value: vec![0; value_bytes] }
    }

    /// The value of record `number`.
    pub(crate) fn value(&mut self, number: u64, header: Header) -> &[u8] {
        let text_bytes = self.value.len() - HEADER_BYTES;
        let at = (number % TEXTS as u64) as usize * text_bytes;
        for (place, word) in [header.run, header.sequence, header.intended_us].iter().enumerate() {
            self.value[8 * place..8 * place + 8].copy_from_slice(&word.to_be_bytes());
        }
        self.value[HEADER_BYTES..].copy_from_slice(&self.texts[at..at + text_bytes]);
        &self.value
    }
}

/// At least `bytes` of JSON, about half of it random: it compresses as events of applications do.
fn event(random: &mut Random, bytes: usize) -> String {
    const ACTIONS: [&str; 4] = ["page_view", "add_to_cart", "checkout", "search"];
    const PLACES: [&str; 4] = ["Lisbon", "Nairobi", "Osaka", "Valparaiso"];
    let mut text = String::with_capacity(bytes + 256);
    while text.len() < bytes {
        let action = ACTIONS[random.below(4)];
        let place = PLACES[random.below(4)];
        text += &format!(
            "{{\"action\":\"{action}\",\"customer\":\"c{:08}\",\"session\":\"{:016x}{:016x}\",\
             \"product\":\"p{:06}\",\"place\":\"{place}\",\"amount\":{}.{:02},\"trace\":\"{:016x}\"}}",
            random.below(100_000_000),
            random.next(),
            random.next(),
            random.below(1_000_000),
            random.below(500),
            random.below(100),
            random.next(),
        );
    }
    text
}

/// Xorshift: the same on every machine and in every run.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> usize {
        (self.next() % bound) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_size_and_their_header() {
        for bytes in [25, 100, 1024] {
            let mut values = Values::new(bytes);
            let header = Header { run: 7, sequence: 3, intended_us: 99 };
            let value = values.value(2_000, header);
            assert_eq!(value.len(), bytes);
            assert_eq!(Header::read(value), Some(header));
            assert_eq!(Header::read(&value[..23]), None);
        }
    }

    #[test]
    fn neighbours_differ() {
        let mut values = Values::new(1024);
        let header = Header { run: 0, sequence: 0, intended_us: 0 };
        let first = values.value(0, header).to_vec();
        assert_ne!(values.value(16, header), first);
        assert_eq!(values.value(TEXTS as u64, header), first);
    }
}
