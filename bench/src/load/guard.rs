//! Checks at full rate that a partition gave back what was sent: all of it, once, in order.

use super::payload::Header;

/// Counts what came out of every partition of a load.
#[derive(Debug)]
pub(crate) struct Guard {
    run: u64,
    /// The next sequence number of each partition.
    next: Vec<u64>,
    received: u64,
    skipped: u64,
    stepped_back: u64,
    foreign: u64,
    /// Where it went wrong first.
    example: Option<String>,
}

impl Guard {
    pub(crate) fn new(run: u64, partitions: i32) -> Self {
        Self {
            run,
            next: vec![0; partitions as usize],
            received: 0,
            skipped: 0,
            stepped_back: 0,
            foreign: 0,
            example: None,
        }
    }

    /// Takes the next record of a partition; its header, if it is one of this load.
    pub(crate) fn take(&mut self, partition: i32, value: &[u8]) -> Option<Header> {
        let header = Header::read(value).filter(|header| header.run == self.run);
        let next = self.next.get_mut(partition as usize);
        let (Some(header), Some(next)) = (header, next) else {
            self.foreign += 1;
            return None;
        };
        self.received += 1;
        if header.sequence != *next {
            if header.sequence > *next {
                self.skipped += header.sequence - *next;
            } else {
                self.stepped_back += 1;
            }
            self.example.get_or_insert_with(|| {
                format!("partition {partition} gave {} where {next} was due", header.sequence)
            });
        }
        *next = (*next).max(header.sequence + 1);
        Some(header)
    }

    /// Records of this load that came, repeated ones included.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// What is wrong, given how many records were acknowledged; `None`: nothing.
    pub(crate) fn complaint(&self, acknowledged: u64) -> Option<String> {
        let missing = acknowledged.saturating_sub(self.received);
        let wrong = [
            (missing, "did not come"),
            (self.skipped, "were skipped"),
            (self.stepped_back, "came again or late"),
            (self.foreign, "were nobody's"),
        ];
        let wrong = wrong.iter().filter(|(count, _)| *count > 0);
        let wrong: Vec<String> = wrong.map(|(count, what)| format!("{count} {what}")).collect();
        let example = self.example.iter().map(|example| format!(" ({example})"));
        (!wrong.is_empty()).then(|| {
            format!("of {acknowledged} records {}{}", wrong.join(", "), example.collect::<String>())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::payload::Values;
    use super::*;

    fn after(records: &[(i32, u64)]) -> Option<String> {
        let mut guard = Guard::new(1, 2);
        for (partition, sequence) in records {
            let header = Header { run: 1, sequence: *sequence, intended_us: 5 };
            let taken = guard.take(*partition, Values::new(32).value(0, header));
            assert_eq!(taken, Some(header));
        }
        guard.complaint(3)
    }

    #[test]
    fn partitions_are_counted_apart() {
        assert_eq!(after(&[(0, 0), (1, 0), (0, 1)]), None);
    }

    #[test]
    fn loss_repetition_and_order_are_seen() {
        assert_eq!(after(&[(0, 0), (0, 1)]).unwrap(), "of 3 records 1 did not come");
        let gap = after(&[(0, 0), (0, 2), (1, 0)]).unwrap();
        assert_eq!(gap, "of 3 records 1 were skipped (partition 0 gave 2 where 1 was due)");
        let again = after(&[(0, 0), (0, 0), (0, 1)]).unwrap();
        assert!(again.contains("1 came again or late"), "{again}");
        let swapped = after(&[(0, 1), (0, 0), (0, 2)]).unwrap();
        assert!(swapped.contains("1 were skipped, 1 came again or late"), "{swapped}");
    }

    #[test]
    fn what_another_load_sent_is_nobodys() {
        let mut guard = Guard::new(1, 1);
        let other = Header { run: 2, sequence: 0, intended_us: 0 };
        assert_eq!(guard.take(0, Values::new(32).value(0, other)), None);
        assert_eq!(guard.take(0, b"short"), None);
        assert_eq!(guard.complaint(0).unwrap(), "of 0 records 2 were nobody's");
    }
}
