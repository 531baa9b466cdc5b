//! Commands to the active controller, for clients' admin requests and for partition leaders.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use grpc::client::ControllerClient;
use metadata::{Command, ControllerEpoch, Outcome, codec};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{Images, epoch};

/// Commands of one call: the controller decides up to 64 at once.
const COMMANDS_MAX: usize = 64;
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Why there is no answer. What was asked may have been committed all the same.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    #[error("no active controller answered in time")]
    TimedOut,
    #[error("the controller's answer cannot be read: {0}")]
    Garbled(String),
}

/// The way to whichever controller is active now.
#[derive(Clone)]
pub struct Controller {
    cluster_id: Arc<str>,
    /// Set by the session while it is connected to the active controller.
    active: watch::Receiver<Option<ControllerClient>>,
    images: Images,
}

impl Controller {
    pub fn new(
        cluster_id: Arc<str>,
        active: watch::Receiver<Option<ControllerClient>>,
        images: Images,
    ) -> Self {
        Self { cluster_id, active, images }
    }

    /// Submits commands until a controller has answered for all of them, then waits until the
    /// broker's own image shows their effects (read your writes), both within `deadline`.
    ///
    /// A call whose answer was lost is sent again, so commands must bear being decided twice.
    pub async fn submit(
        &self,
        commands: &[Command],
        principal: &str,
        deadline: Duration,
    ) -> Result<Vec<Outcome>, SubmitError> {
        let deadline = Instant::now() + deadline;
        let mut outcomes = Vec::with_capacity(commands.len());
        for commands in commands.chunks(COMMANDS_MAX) {
            let encoded: Vec<Bytes> =
                commands.iter().map(|it| Bytes::from(codec::encode_command(it))).collect();
            let (answers, epoch, offset) =
                timeout_at(deadline, self.call(encoded, principal, deadline))
                    .await
                    .map_err(|_| SubmitError::TimedOut)??;
            outcomes.extend(answers);
            timeout_at(deadline, self.images.wait_for(epoch, offset)).await.ok();
        }
        Ok(outcomes)
    }

    /// One command.
    pub async fn submit_one(
        &self,
        command: Command,
        principal: &str,
        deadline: Duration,
    ) -> Result<Outcome, SubmitError> {
        let mut outcomes = self.submit(&[command], principal, deadline).await?;
        outcomes.pop().ok_or_else(|| SubmitError::Garbled("no outcome".into()))
    }

    /// The quorum as the active controller sees it.
    pub async fn describe_quorum(
        &self,
        deadline: Duration,
    ) -> Result<grpc::DescribeQuorumReply, SubmitError> {
        let deadline = Instant::now() + deadline;
        let asked = async {
            let mut active = self.active.clone();
            loop {
                let client = active.wait_for(Option::is_some).await;
                let Some(mut client) = client.ok().and_then(|it| it.clone()) else {
                    // The session has ended: the broker is stopping.
                    return Err(SubmitError::TimedOut);
                };
                let mut request = tonic::Request::new(grpc::DescribeQuorumRequest {
                    cluster_id: self.cluster_id.to_string(),
                });
                request.set_timeout(deadline.saturating_duration_since(Instant::now()));
                let answered = tokio::select! {
                    answered = client.describe_quorum(request) => answered,
                    Ok(()) = active.changed() => continue,
                };
                match answered.map(tonic::Response::into_inner) {
                    Ok(reply) if reply.active_id == reply.answered_by => return Ok(reply),
                    Ok(_) => {}
                    Err(status) => tracing::debug!("describe quorum: {}", status.message()),
                }
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        };
        timeout_at(deadline, asked).await.map_err(|_| SubmitError::TimedOut)?
    }

    async fn call(
        &self,
        commands: Vec<Bytes>,
        principal: &str,
        deadline: Instant,
    ) -> Result<(Vec<Outcome>, ControllerEpoch, u64), SubmitError> {
        let mut active = self.active.clone();
        loop {
            let client = active.wait_for(Option::is_some).await;
            let Some(mut client) = client.ok().and_then(|it| it.clone()) else {
                // The session has ended: the broker is stopping.
                return Err(SubmitError::TimedOut);
            };
            let mut request = tonic::Request::new(grpc::SubmitRequest {
                cluster_id: self.cluster_id.to_string(),
                commands: commands.clone(),
                principal: principal.to_owned(),
            });
            request.set_timeout(deadline.saturating_duration_since(Instant::now()));
            let answered = tokio::select! {
                answered = client.submit(request) => answered,
                // The session has left this controller: its successor answers.
                Ok(()) = active.changed() => continue,
            };
            match answered.map(tonic::Response::into_inner) {
                Ok(reply) if reply.not_active.is_none() => {
                    let epoch = epoch::from_wire(reply.epoch);
                    let outcomes = reply
                        .outcomes
                        .iter()
                        .map(|it| codec::decode_outcome(it))
                        .collect::<Result<Vec<_>, _>>()
                        .map_err(|error| SubmitError::Garbled(error.to_string()))?;
                    if outcomes.len() != commands.len() {
                        return Err(SubmitError::Garbled("outcomes are missing".into()));
                    }
                    return Ok((outcomes, epoch, reply.offset));
                }
                // The session notices too, and puts the next active controller in its place.
                Ok(_) => {}
                Err(status) => tracing::debug!("submit to the controller: {}", status.message()),
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
}
