//! Brokers and controllers joining, dying, returning and leaving.

use std::sync::Arc;

use super::election::{Rules, change};
use super::state::State;
use super::{Outcome, RegisterBroker};
use crate::{Broker, BrokerId, ControlError, Controller, Partition, Record, codec};

/// The largest registration, encoded. Listeners and directories are few.
const REGISTRATION_BYTES_MAX: usize = 64 * 1024;

/// Registers a broker, fenced. The answer is the [`Record::Broker`] among the records.
pub(super) fn register(state: State<'_>, request: &RegisterBroker) -> Outcome {
    let before = state.image.brokers.get(&request.id);
    check(request)?;
    let registration = Broker {
        id: request.id,
        epoch: 1 + state.image.brokers.values().map(|it| it.epoch).max().unwrap_or(0),
        incarnation: request.incarnation,
        listeners: request.listeners.clone(),
        rack: request.rack.clone(),
        log_dirs: request.log_dirs.clone(),
        fenced: true,
        in_controlled_shutdown: false,
    };
    if codec::encoded_len(&Record::Broker(registration.clone())) > REGISTRATION_BYTES_MAX {
        return Err(ControlError::InvalidRequest(format!(
            "the registration of broker {} is larger than {REGISTRATION_BYTES_MAX} bytes; give it \
             fewer listeners or log directories",
            request.id
        )));
    }
    match before {
        // The same process asks again: it did not hear the answer, or its listeners have changed.
        Some(before) if before.incarnation == request.incarnation => {
            let Broker { epoch, fenced, in_controlled_shutdown, .. } = **before;
            let again = Broker { epoch, fenced, in_controlled_shutdown, ..registration };
            Ok(vec![Record::Broker(again)])
        }
        Some(before) if !before.fenced => {
            Err(ControlError::DuplicateBrokerRegistration(request.id))
        }
        _ => {
            let clean = before.is_some_and(|it| request.previous_epoch == Some(it.epoch));
            let mut records = match clean {
                true => without(state, request.id, Rules::new(state).leaving(request.id)),
                false => {
                    without(state, request.id, Rules::new(state).stopped_uncleanly(request.id))
                }
            };
            records.push(Record::Broker(registration));
            Ok(records)
        }
    }
}

fn check(request: &RegisterBroker) -> Result<(), ControlError> {
    if request.id < 0 {
        let reason = format!("broker id {} is negative", request.id);
        return Err(ControlError::InvalidRequest(reason));
    }
    if request.listeners.is_empty() {
        let reason = format!("broker {} has no listener", request.id);
        return Err(ControlError::InvalidRequest(reason));
    }
    for (index, listener) in request.listeners.iter().enumerate() {
        if request.listeners[..index].iter().any(|it| it.name == listener.name) {
            let reason = format!("broker {} has two listeners {}", request.id, listener.name);
            return Err(ControlError::InvalidRequest(reason));
        }
    }
    for (index, directory) in request.log_dirs.iter().enumerate() {
        if request.log_dirs[..index].contains(directory) {
            let reason = format!("broker {} has two directories {directory}", request.id);
            return Err(ControlError::InvalidRequest(reason));
        }
    }
    Ok(())
}

/// Upserts a controller.
pub(super) fn register_controller(state: State<'_>, controller: &Controller) -> Vec<Record> {
    match state.image.controllers.get(&controller.id) {
        Some(before) if **before == *controller => Vec::new(),
        _ => vec![Record::Controller(controller.clone())],
    }
}

/// Forgets a broker for good. Its replicas stay assigned to it, and the last copy of a partition
/// stays eligible: it may come back.
pub(super) fn unregister(state: State<'_>, id: BrokerId) -> Outcome {
    if !state.image.brokers.contains_key(&id) {
        return Err(ControlError::BrokerIdNotRegistered(id));
    }
    let mut records = without(state, id, Rules::new(state).stopped_uncleanly(id));
    records.push(Record::BrokerRemoved(id));
    Ok(records)
}

/// Takes a dead broker out of every ISR and moves its leaderships elsewhere.
pub(super) fn fence(state: State<'_>, id: BrokerId, epoch: i64) -> Outcome {
    let broker = registered(state, id, epoch)?;
    if broker.fenced {
        return Ok(Vec::new());
    }
    let mut records = without(state, id, Rules::new(state).leaving(id));
    records.push(Record::Broker(Broker { fenced: true, ..Broker::clone(broker) }));
    Ok(records)
}

/// Lets a broker serve, and gives a leader to partitions that were waiting for it.
pub(super) fn unfence(state: State<'_>, id: BrokerId, epoch: i64) -> Outcome {
    let broker = registered(state, id, epoch)?;
    if !broker.fenced {
        return Ok(Vec::new());
    }
    let unfenced = Broker { fenced: false, in_controlled_shutdown: false, ..Broker::clone(broker) };
    let mut records = vec![Record::Broker(unfenced)];
    let rules = Rules::new(state).joining(id);
    let waiting = state.image.partitions_on(id).filter(|it| it.leader.is_none());
    records.extend(waiting.filter_map(|it| change(it, rules, |_| {})).map(Record::Partition));
    Ok(records)
}

/// Moves leaderships to other members of the ISR, and takes the broker out of ISRs that have
/// others. What only it can lead it keeps. Asked again, it moves what has become movable.
pub(super) fn begin_controlled_shutdown(state: State<'_>, id: BrokerId, epoch: i64) -> Outcome {
    let broker = registered(state, id, epoch)?;
    if broker.fenced {
        return Ok(Vec::new());
    }
    let mut records = Vec::new();
    if !broker.in_controlled_shutdown {
        let leaving = Broker { in_controlled_shutdown: true, ..Broker::clone(broker) };
        records.push(Record::Broker(leaving));
    }
    let others = |it: &&Arc<Partition>| {
        it.isr.contains(&id)
            && it.isr.iter().any(|other| *other != id && state.image.is_active(*other))
    };
    let rules = Rules::new(state).leaving(id);
    records.extend(
        state
            .image
            .partitions_on(id)
            .filter(others)
            .filter_map(|it| change(it, rules, |after| after.isr.retain(|member| *member != id)))
            .map(Record::Partition),
    );
    Ok(records)
}

/// Every partition on a broker, settled without it. The cost follows its own partitions.
fn without(state: State<'_>, id: BrokerId, rules: Rules<'_>) -> Vec<Record> {
    state
        .image
        .partitions_on(id)
        .filter(|it| it.isr.contains(&id) || it.elr.contains(&id))
        .filter_map(|it| change(it, rules, |after| after.isr.retain(|member| *member != id)))
        .map(Record::Partition)
        .collect()
}

fn registered(state: State<'_>, id: BrokerId, epoch: i64) -> Result<&Arc<Broker>, ControlError> {
    let broker = state.image.brokers.get(&id).ok_or(ControlError::BrokerIdNotRegistered(id))?;
    state.check_broker_epoch(id, epoch)?;
    Ok(broker)
}
