//! What a controller does while another one is active: it makes itself known there.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{debug, info};

use grpc::auth::Credentials;
use grpc::client::connect;
use grpc::{SubmitReply, SubmitRequest};
use metadata::{Command, Controller, Leadership, codec};

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
}

impl Standby {
    /// Ends when the store is gone. It is safe to drop it at any time.
    pub async fn run(mut self) {
        loop {
            let Leadership { leader, .. } = *self.leadership.borrow_and_update();
            let mut leadership = self.leadership.clone();
            tokio::select! {
                // The registration ends; then only a change of leadership is of interest.
                changed = leadership.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                () = self.register(leader) => {}
            }
            if self.leadership.changed().await.is_err() {
                return;
            }
        }
    }

    /// Tries until it succeeds. The active controller registers itself.
    async fn register(&self, leader: Option<i32>) {
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

    async fn try_register(&self, leader: i32) -> Result<(), String> {
        let endpoint = self.quorum.endpoint(leader).ok_or("its address is unknown")?;
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
