//! The configuration of one server as a whole: what a broker or a controller cannot start without.

use std::path::Path;

use crate::loader::Loader;
use crate::{ConfigErrors, Listeners, Settings, Source, host_name};

/// Which binary reads the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Broker,
    Controller,
}

/// A configuration with which a server of its role can start.
#[derive(Clone, Debug)]
pub struct Server {
    pub settings: Settings,
    pub listeners: Listeners,
}

impl Server {
    /// What [`Settings::load`] reads, checked for a server of this role. All that is wrong comes
    /// back at once.
    pub fn load(
        role: Role,
        path: &Path,
        overrides: &[String],
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let mut loader = Loader::read(path, overrides, environment)?;
        loader.check_role(role);
        match role {
            Role::Broker => loader.check_broker(),
            Role::Controller => loader.check_controller(),
        }
        let listeners = loader.listeners(role);
        loader.check_secret(role, listeners.as_ref());
        let settings = loader.finish()?;
        let listeners = listeners.expect("what is wrong with them is an error");
        Ok(Self { settings, listeners })
    }
}

impl Loader {
    /// Files of Kafka say whose they are.
    fn check_role(&mut self, role: Role) {
        let key = "process.roles";
        let (mine, other) = match role {
            Role::Broker => ("broker", "controller"),
            Role::Controller => ("controller", "broker"),
        };
        let roles = self.settings.list(key);
        if roles.is_empty() || !self.sound(&[key]) {
            return;
        }
        if !roles.contains(&mine) {
            let reason = format!("{key} is {other}, but this is janus-{mine}");
            self.fail_at(key, reason, format!("start this file with janus-{other}"));
        } else if roles.contains(&other) {
            let warning = format!(
                "{key}: this process is the {mine} only; start janus-{other} with a file of its own"
            );
            let place = self.settings.place(key);
            self.warn(&place, warning);
        }
    }

    fn check_broker(&mut self) {
        let (bootstrap, voters) =
            ("controller.quorum.bootstrap.servers", "controller.quorum.voters");
        if !self.names_nobody(&[bootstrap, voters]) {
            return;
        }
        let suggestion = format!(
            "set {bootstrap}=HOST:PORT,... to the addresses of the janus-controller processes"
        );
        if self.names_nobody(&["zookeeper.connect"]) {
            let reason = format!("{bootstrap} is not set: no controller is named");
            return self.fail_at(bootstrap, reason, suggestion);
        }
        let reason = "zookeeper.connect is not enough for a broker: no controller is named";
        self.fail_at("zookeeper.connect", reason, suggestion);
    }

    fn check_controller(&mut self) {
        let (bootstrap, voters) =
            ("controller.quorum.bootstrap.servers", "controller.quorum.voters");
        let zookeeper = "zookeeper.connect";
        if self.names_nobody(&[bootstrap, voters, zookeeper]) {
            let reason = format!(
                "neither {voters} nor {zookeeper} is set: nothing says how controllers agree"
            );
            let suggestion = format!(
                "set {voters}=ID@HOST:PORT,... for a quorum of their own, or \
                 {zookeeper}=HOST:PORT,... for an ensemble"
            );
            self.fail_at(voters, reason, suggestion);
        }
        // Elsewhere one may be meant to replace the other.
        let in_file = |key| matches!(self.settings.source(key), Source::File { .. });
        let both = in_file(zookeeper) && in_file(voters);
        if both && [zookeeper, voters].iter().all(|key| !self.names_nobody(&[key])) {
            let reason = format!("{zookeeper} and {voters} are both set: these are two modes");
            let suggestion = format!("keep {voters} for raft, or {zookeeper} for ZooKeeper");
            self.fail_at(zookeeper, reason, suggestion);
        }
        let mut ids: Vec<String> = Vec::new();
        for voter in self.settings.list(voters).into_iter().map(str::to_owned).collect::<Vec<_>>() {
            let id = voter.split('@').next().unwrap_or_default().trim().to_owned();
            if ids.contains(&id) {
                let reason = format!("{voters} names two controllers with the id {id}");
                self.fail_at(voters, reason, "give each controller an id of its own");
            }
            ids.push(id);
        }
    }

    /// Whether none of these keys has a value, nor was meant to have one.
    fn names_nobody(&self, keys: &[&str]) -> bool {
        self.sound(keys)
            && keys.iter().all(|key| self.settings.string(key).is_none_or(str::is_empty))
    }

    fn listeners(&mut self, role: Role) -> Option<Listeners> {
        let sound = self.sound(&[
            "listeners",
            "advertised.listeners",
            "listener.security.protocol.map",
            "inter.broker.listener.name",
            "security.inter.broker.protocol",
            "controller.listener.names",
        ]);
        if !sound {
            return None;
        }
        let listeners = match role {
            Role::Broker => Listeners::of_broker(&self.settings, &host_name()),
            Role::Controller => Listeners::of_controller(&self.settings, &host_name()),
        };
        match listeners {
            Ok(listeners) => Some(listeners),
            Err(wrong) => {
                self.errors.extend(wrong.errors);
                None
            }
        }
    }

    /// A server that others can reach must be able to tell who they are.
    fn check_secret(&mut self, role: Role, listeners: Option<&Listeners>) {
        let key = "janus.cluster.secret.file";
        if let Some(path) = self.settings.string(key).filter(|it| !it.is_empty()) {
            if let Err(error) = std::fs::read(path) {
                let reason = format!("{key}: cannot read the cluster secret {path}: {error}");
                let suggestion = "write one with 'head -c 32 /dev/urandom | base64 > FILE', copy it \
                                  to every server, and let this user read it";
                self.fail_at(key, reason, suggestion);
            }
            return;
        }
        let Some(listeners) = listeners.filter(|_| self.sound(&[key, "janus.insecure"])) else {
            return;
        };
        // Of a broker, clients may be far away: whom it must know are the other brokers.
        let guarded = match role {
            Role::Broker => listeners.named(&listeners.inter_broker),
            Role::Controller => listeners.listeners.first(),
        };
        let Some(open) = guarded.filter(|it| !it.is_loopback()) else { return };
        if !self.settings.bool("janus.insecure") {
            let reason = format!(
                "listener {} at {} can be reached from other machines, and there is no cluster \
                 secret",
                open.name,
                open.bind_address()
            );
            let suggestion = format!(
                "set {key} on every server, listen on 127.0.0.1, or set janus.insecure=true to let \
                 anybody who reaches it act as a server of the cluster"
            );
            self.fail_at("listeners", reason, suggestion);
        }
    }
}
