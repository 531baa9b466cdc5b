//! Giving leadership back to preferred replicas.

use super::election::{Rules, change};
use super::state::State;
use crate::Record;

/// Preferred elections for brokers that lead too little of what they should: of the partitions that
/// prefer a broker, more than `imbalance_percentage` are led by others. At most `limit` move.
pub(super) fn balance_leaders(
    state: State<'_>,
    imbalance_percentage: i32,
    limit: usize,
) -> Vec<Record> {
    let mut records = Vec::new();
    for broker in state.image.by_broker.keys().filter(|id| state.image.is_active(**id)) {
        let preferring =
            || state.image.partitions_on(*broker).filter(|it| it.replicas.first() == Some(broker));
        let misplaced = || preferring().filter(|it| it.leader != Some(*broker));
        let (total, wrong) = (preferring().count() as i64, misplaced().count() as i64);
        if wrong * 100 <= total * i64::from(imbalance_percentage) {
            continue;
        }
        // While replicas are being moved, their order is not yet what was asked for.
        let settled = misplaced()
            .filter(|it| it.adding_replicas.is_empty() && it.removing_replicas.is_empty());
        let elected = settled.filter_map(|it| {
            let after = change(it, Rules::new(state).preferred(), |_| {})?;
            (after.leader == Some(*broker)).then_some(Record::Partition(after))
        });
        records.extend(elected.take(limit - records.len()));
    }
    records
}
