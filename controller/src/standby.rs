//! What a controller does while another one is active: it makes itself known there.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{debug, info};

use grpc::auth::Credentials;
use grpc::client::connect;
use grpc::{SubmitReply, SubmitRequest};
use metadata::{Command, Controller, ControllerId, Leadership, codec};

use crate::service::Quorum;

const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
const SUBMIT_DEADLINE: Duration = Duration::from_secs(5);
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Registers this controller with every active controller that it learns of.
pub struct Standby {
    pub me: Controller,
    pub cluster_id: Arc<str>,
    pub leadership: watch::Receiver<Leadership>,
    pub quorum: Arc<Quorum>,
    pub credentials: Credentials,
    /// Where to reach controllers instead of where they say (`janus.peer.address.map`).
    pub addresses: BTreeMap<ControllerId, String>,
}

impl Standby {
    /// Never ends. It is safe to drop it at any time.
    pub async fn run(&self) -> ! {
        let mut leadership = self.leadership.clone();
        loop {
            let leader = leadership.borrow_and_update().leader;
            let registering = self.register(leader).then(|()| pending::<Infallible>());
            tokio::select! {
                changed = leadership.changed() => if changed.is_err() {
                    // The store is gone, and the process is about to end.
                    pending().await
                },
                never = registering => match never {},
            }
        }
    }

    /// Tries until it succeeds. The active controller registers itself.
    async fn register(&self, leader: Option<ControllerId>) {
        let Some(leader) = leader.filter(|leader| *leader != self.me.id) else { return };
        let mut backoff = BACKOFF_MIN;
        loop {
            match self.try_register(leader).await {
                Ok(()) => {
                    info!("Registered with the active controller {leader}");
                    return;
                }
                Err(reason) => debug!("Not registered with controller {leader} yet: {reason}"),
            }
            sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn try_register(&self, leader: ControllerId) -> Result<(), String> {
        let mapped = self.addresses.get(&leader).cloned();
        let endpoint =
            mapped.or_else(|| self.quorum.endpoint(leader)).ok_or("its address is unknown")?;
        let mut client = connect(&endpoint, CONNECT_DEADLINE, self.credentials.clone())
            .await
            .map_err(|error| error.to_string())?;
        let command = Command::RegisterController(self.me.clone());
        let mut request = tonic::Request::new(SubmitRequest {
            cluster_id: self.cluster_id.to_string(),
            commands: vec![codec::encode_command(&command).into()],
            principal: format!("controller {}", self.me.id),
        });
        request.set_timeout(SUBMIT_DEADLINE);
        let reply = client.submit(request).await.map_err(|status| status.message().to_owned())?;
        match reply.into_inner() {
            SubmitReply { not_active: Some(_), .. } => Err("it is not active yet".into()),
            SubmitReply { outcomes, .. } => {
                let outcome = outcomes.first().ok_or("it sent no outcome")?;
                let outcome = codec::decode_outcome(outcome).map_err(|error| error.to_string())?;
                outcome.map(drop).map_err(|error| error.to_string())
            }
        }
    }
}
