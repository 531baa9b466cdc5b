//! Proof that a peer belongs to the cluster: a token derived from the shared cluster secret.
//!
//! A client sends `janus-token: role:node_id:mac` with every call, where `mac` is
//! HMAC-SHA256(secret, cluster id, role, node id) in hexadecimal. The token proves that its bearer
//! knew the secret and names who it speaks for; it does not hide the traffic, and it can be replayed
//! by whoever reads the wire.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// The metadata key that carries the token.
pub const TOKEN_HEADER: &str = "janus-token";

/// Shorter secrets can be guessed.
const SECRET_BYTES_MIN: usize = 16;
const SECRET_BYTES_MAX: u64 = 4096;

/// The shared secret of a cluster (`janus.cluster.secret.file`).
#[derive(Clone)]
pub struct Secret(Arc<[u8]>);

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("cannot read the cluster secret {path}: {source}")]
    Read { path: String, source: std::io::Error },
    #[error(
        "the cluster secret {0} must hold between 16 and 4096 bytes; write one with \
         'head -c 32 /dev/urandom | base64 > FILE' and copy it to every server"
    )]
    Length(String),
}

impl Secret {
    /// Reads the secret from a file. White space around it does not count.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let name = path.display().to_string();
        let read = |source| SecretError::Read { path: name.clone(), source };
        if std::fs::metadata(path).map_err(read)?.len() > SECRET_BYTES_MAX {
            return Err(SecretError::Length(name));
        }
        let bytes = std::fs::read(path).map_err(read)?;
        Self::new(&bytes).ok_or(SecretError::Length(name))
    }

    /// `None` when it is too short.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let trimmed = bytes.trim_ascii();
        (trimmed.len() >= SECRET_BYTES_MIN).then(|| Self(trimmed.into()))
    }

    fn mac(&self, cluster_id: &str, peer: Peer) -> Hmac<Sha256> {
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        // The parts are of variable length: a separator that none of them holds keeps them apart.
        for part in ["janus", cluster_id, peer.role.as_str(), &peer.node_id.to_string()] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// What a process is to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Broker,
    Controller,
    /// A command line tool.
    Tool,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Controller => "controller",
            Self::Tool => "tool",
        }
    }
}

/// Who sent a request. Present in the extensions of every request that passed a [`Guard`] with a
/// secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub role: Role,
    /// -1 for tools.
    pub node_id: i32,
}

/// The client half: puts the token on every request.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    token: Option<MetadataValue<Ascii>>,
}

impl Credentials {
    /// For a cluster without a secret.
    pub fn none() -> Self {
        Self::default()
    }

    /// `None` as secret makes [`Credentials::none`].
    pub fn new(secret: Option<&Secret>, cluster_id: &str, role: Role, node_id: i32) -> Self {
        let token = secret.map(|secret| {
            let mac = secret.mac(cluster_id, Peer { role, node_id }).finalize().into_bytes();
            let token = format!("{}:{node_id}:{}", role.as_str(), hex(&mac));
            MetadataValue::from_str(&token).expect("letters, digits and colons are ASCII")
        });
        Self { token }
    }

    /// The token as text, for the listener on which brokers speak Kafka's protocol to each other.
    /// Without a secret it only names the bearer.
    pub fn token_text(&self, role: Role, node_id: i32) -> String {
        let token = self.token.as_ref().and_then(|token| token.to_str().ok());
        token.map_or_else(|| format!("{}:{node_id}:", role.as_str()), str::to_owned)
    }
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.token {
            request.metadata_mut().insert(TOKEN_HEADER, token.clone());
        }
        Ok(request)
    }
}

/// The server half: lets only members of the cluster pass. Without a secret everybody passes.
#[derive(Clone, Debug)]
pub struct Guard {
    secret: Option<Secret>,
    cluster_id: Arc<str>,
    only: Option<Role>,
}

impl Guard {
    pub fn new(secret: Option<Secret>, cluster_id: &str) -> Self {
        Self { secret, cluster_id: cluster_id.into(), only: None }
    }

    /// A guard that refuses everybody who has another role.
    pub fn only(mut self, role: Role) -> Self {
        self.only = Some(role);
        self
    }

    /// The id of the broker whose token this is; `None` if it is not proven. Without a secret every
    /// claim is believed.
    pub fn verify_broker(&self, token: &str) -> Option<i32> {
        let Some(secret) = &self.secret else {
            return token.strip_prefix("broker:")?.strip_suffix(':')?.parse().ok();
        };
        let peer = self.check(secret, token)?;
        (peer.role == Role::Broker).then_some(peer.node_id)
    }

    fn check(&self, secret: &Secret, token: &str) -> Option<Peer> {
        let mut parts = token.split(':');
        let (role, node_id, mac) = (parts.next()?, parts.next()?, parts.next()?);
        let role = [Role::Broker, Role::Controller, Role::Tool]
            .into_iter()
            .find(|known| known.as_str() == role)?;
        let peer = Peer { role, node_id: node_id.parse().ok()? };
        secret.mac(&self.cluster_id, peer).verify_slice(&unhex(mac)?).ok()?;
        parts.next().is_none().then_some(peer)
    }
}

impl Interceptor for Guard {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let Some(secret) = &self.secret else { return Ok(request) };
        let token = request.metadata().get(TOKEN_HEADER).ok_or_else(|| {
            Status::unauthenticated(
                "this cluster has a secret and the request carries no token; \
                 set janus.cluster.secret.file",
            )
        })?;
        let peer =
            token.to_str().ok().and_then(|token| self.check(secret, token)).ok_or_else(|| {
                Status::unauthenticated(format!(
                    "the token does not prove membership of cluster {}: another secret, or another \
                     cluster",
                    self.cluster_id
                ))
            })?;
        if self.only.is_some_and(|role| role != peer.role) {
            return Err(Status::permission_denied(format!(
                "a {} may not call this service",
                peer.role.as_str()
            )));
        }
        request.extensions_mut().insert(peer);
        Ok(request)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 2 * <Sha256 as sha2::Digest>::output_size() || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes()).unwrap()
    }

    fn pass(credentials: Credentials, guard: Guard) -> Result<Option<Peer>, tonic::Code> {
        let request = credentials.clone().call(Request::new(())).unwrap();
        let request = guard.clone().call(request).map_err(|status| status.code())?;
        Ok(request.extensions().get::<Peer>().copied())
    }

    #[test]
    fn only_the_secret_of_the_same_cluster_opens() {
        let ours = secret("0123456789abcdef");
        let guard = Guard::new(Some(ours.clone()), "cluster-a");
        let broker =
            |secret: &Secret, cluster| Credentials::new(Some(secret), cluster, Role::Broker, 7);
        let seven = Peer { role: Role::Broker, node_id: 7 };
        assert_eq!(pass(broker(&ours, "cluster-a"), guard.clone()), Ok(Some(seven)));

        let refused = Err(tonic::Code::Unauthenticated);
        assert_eq!(pass(broker(&ours, "cluster-b"), guard.clone()), refused);
        assert_eq!(pass(broker(&secret("fedcba9876543210"), "cluster-a"), guard.clone()), refused);
        assert_eq!(pass(Credentials::none(), guard.clone()), refused);
        let raft = guard.only(Role::Controller);
        assert_eq!(pass(broker(&ours, "cluster-a"), raft), Err(tonic::Code::PermissionDenied));
        assert_eq!(pass(Credentials::none(), Guard::new(None, "cluster-a")), Ok(None));
    }

    #[test]
    fn a_token_cannot_be_altered() {
        let ours = secret("0123456789abcdef");
        let guard = Guard::new(Some(ours.clone()), "cluster");
        let token = Credentials::new(Some(&ours), "cluster", Role::Broker, 7).token.unwrap();
        let token = token.to_str().unwrap();
        assert!(guard.check(&ours, token).is_some());
        assert!(guard.check(&ours, &token.replace(":7:", ":8:")).is_none());
        assert!(guard.check(&ours, &token.replace("broker", "controller")).is_none());
        assert!(guard.check(&ours, &format!("{token}:")).is_none());
        assert!(guard.check(&ours, &token[..token.len() - 1]).is_none());
        assert!(guard.check(&ours, "").is_none());
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(Secret::new(b" 123456789012345 \n").is_none());
        assert!(Secret::new(b" 1234567890123456 \n").is_some());
    }
}
