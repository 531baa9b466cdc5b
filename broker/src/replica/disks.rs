//! What this broker does when a disk fails it.
//!
//! ```text
//!  no space left        it asks to be fenced, so that it leads nothing and is in no ISR, and asks
//!                       to serve again once there is room
//!  a damaged replica    that replica alone gives up its leadership and is fetched anew (`damage`)
//!  any other refusal    the broker ends: nobody knows what the disk holds
//! ```
//!
//! Everybody reports the errors that they meet; what follows from them is decided here, once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use partition_log::StorageError;
use tokio::sync::watch;

use crate::control::Intent;

/// Room for many batches and index entries: with less, leading again would not last.
const ROOM_BYTES: usize = 16 << 20;
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The directories of this broker, and whether they can be written.
#[derive(Debug)]
pub struct Disks {
    directories: Vec<PathBuf>,
    health: watch::Sender<Health>,
}

#[derive(Debug, PartialEq, Eq)]
enum Health {
    Sound,
    /// Some directory has no space left.
    Full,
    /// Says what failed.
    Failed(String),
}

impl Disks {
    pub fn new(directories: Vec<PathBuf>) -> Self {
        Self { directories, health: watch::Sender::new(Health::Sound) }
    }

    /// A write failed, and left nothing behind that should not be there.
    pub fn report(&self, error: &StorageError) {
        if error.is_out_of_resources() {
            return tracing::error!("{error}");
        }
        if !error.is_out_of_space() {
            return self.fail(error);
        }
        self.health.send_if_modified(|health| {
            let news = *health == Health::Sound;
            if news {
                tracing::error!(
                    "{error}: this broker leads nothing until {} MiB are free; remove files or \
                     enlarge the disk",
                    ROOM_BYTES >> 20
                );
                *health = Health::Full;
            }
            news
        });
    }

    /// Nobody knows what the disk holds now: the broker ends.
    pub fn fail(&self, error: &dyn std::fmt::Display) {
        self.health.send_if_modified(|health| {
            let news = !matches!(health, Health::Failed(_));
            if news {
                *health = Health::Failed(error.to_string());
            }
            news
        });
    }

    /// Whether a leader may try to append.
    pub fn are_sound(&self) -> bool {
        *self.health.borrow() == Health::Sound
    }

    /// Returns when a disk has failed for good, with what failed.
    pub async fn failed(&self) -> String {
        let mut health = self.health.subscribe();
        let failed = health.wait_for(|it| matches!(it, Health::Failed(_))).await;
        match failed.as_deref() {
            Ok(Health::Failed(error)) => error.clone(),
            _ => std::future::pending().await,
        }
    }

    /// Lets the broker serve while there is space, once it has recovered. Runs until the task is
    /// dropped.
    pub async fn run(self: Arc<Self>, intent: watch::Sender<Intent>) {
        let wish = |from: Intent, to: Intent| {
            intent.send_if_modified(|it| {
                let changes = *it == from;
                *it = if changes { to } else { *it };
                changes
            })
        };
        let mut health = self.health.subscribe();
        loop {
            match *health.borrow_and_update() {
                Health::Sound => drop(wish(Intent::StayFenced, Intent::Serve)),
                Health::Full | Health::Failed(_) => drop(wish(Intent::Serve, Intent::StayFenced)),
            }
            tokio::select! {
                changed = health.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK_INTERVAL), if !self.are_sound() => self.look().await,
            }
        }
    }

    /// Looks whether there is room again.
    async fn look(self: &Arc<Self>) {
        let this = self.clone();
        let room = move || {
            this.directories
                .iter()
                .try_for_each(|directory| partition_log::claim_room(directory, ROOM_BYTES))
        };
        match tokio::task::spawn_blocking(room).await {
            Ok(Ok(())) => drop(self.health.send_if_modified(|health| {
                let heals = *health == Health::Full;
                if heals {
                    tracing::info!("there is space again: this broker serves");
                    *health = Health::Sound;
                }
                heals
            })),
            Ok(Err(error)) => self.report(&error),
            Err(error) => tracing::error!("looking for space: {error}"),
        }
    }
}
