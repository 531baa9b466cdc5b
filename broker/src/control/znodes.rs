//! The leases that are znodes: held for as long as the active controller wants them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use metadata_zookeeper::{BrokerLease, BrokerLeaseConfig, OpenError as LeaseError};
use tokio::task::JoinSet;

use super::Lease;
use super::lease::Witness;
use super::session::Registration;
use crate::clock::monotonic_ms;

/// Every znode lease of this broker. They outlive the connection to a controller.
pub struct Znodes {
    /// Where to reach servers of an ensemble instead of where its connect string says.
    addresses: BTreeMap<String, String>,
    held: Mutex<BTreeMap<String, Held>>,
}

/// One ephemeral znode, a lease of this broker.
struct Held {
    lease: BrokerLease,
    /// Tells the broker's lease of every renewal.
    _renewing: JoinSet<()>,
}

impl Znodes {
    /// Holds nothing yet.
    pub fn new(addresses: BTreeMap<String, String>) -> Self {
        Self { addresses, held: Mutex::default() }
    }

    /// Holds what is wanted and lets go of everything else. The controller must have accepted the
    /// registration.
    pub fn hold(
        &self,
        wanted: &[grpc::ZnodeLease],
        registration: &Registration,
        lease: &Arc<Lease>,
    ) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let unwanted = held
            .extract_if(.., |connect, _| wanted.iter().all(|wanted| wanted.connect != *connect));
        for (_, Held { lease, .. }) in unwanted {
            tokio::spawn(lease.release());
        }
        for wanted in wanted {
            if held.contains_key(&wanted.connect) {
                continue;
            }
            match begin(wanted, &self.addresses, registration, lease) {
                Ok(lease) => drop(held.insert(wanted.connect.clone(), lease)),
                Err(error) => {
                    tracing::error!("cannot hold a lease as the controller asks: {error}")
                }
            }
        }
    }

    /// Lets go of everything: this broker is gone.
    pub async fn release(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        for Held { lease, .. } in held.into_values() {
            lease.release().await;
        }
    }
}

fn begin(
    wanted: &grpc::ZnodeLease,
    addresses: &BTreeMap<String, String>,
    registration: &Registration,
    lease: &Arc<Lease>,
) -> Result<Held, LeaseError> {
    let held = BrokerLease::hold(BrokerLeaseConfig {
        connect: wanted.connect.clone(),
        server_address_map: addresses.clone(),
        session_timeout_ms: wanted.session_timeout_ms,
        broker_id: registration.id,
        listeners: registration.listeners.clone(),
        rack: registration.rack.clone(),
    })?;
    let mut renewals = held.renewals();
    let (lease, witness) = (lease.clone(), Witness::Ensemble(wanted.connect.clone()));
    let mut renewing = JoinSet::new();
    renewing.spawn(async move {
        while renewals.changed().await.is_ok() {
            match *renewals.borrow_and_update() {
                Some(renewal) => {
                    let sent_ms = monotonic_ms() - renewal.sent.elapsed().as_millis() as i64;
                    let duration_ms = renewal.lease.as_millis() as i64;
                    lease.renew(&witness, sent_ms, duration_ms, monotonic_ms());
                }
                None => lease.lapse(&witness, monotonic_ms()),
            }
        }
    });
    Ok(Held { lease: held, _renewing: renewing })
}
