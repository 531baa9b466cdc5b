//! A number that says what an image holds, so that two servers can tell whether theirs hold the same.
//!
//! It is the sum of the hashes of all entries: whatever the order in which they came, and kept up
//! to date by every change at the cost of the entry that changed. Whoever makes an image of
//! another one's differences compares it, see `broker/src/control/received.rs`.

use std::sync::Arc;

use imbl::OrdMap;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::codec;

/// See the module. Changes entries together with the sum, so that none is changed without it.
///
/// Servers of different versions compare it: what is hashed is pinned by `tests/codec.rs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    pub fn value(self) -> u64 {
        self.0
    }

    /// Puts an entry into a map; returns the one that it replaces.
    pub(crate) fn put<K, V>(
        &mut self,
        map: &mut OrdMap<K, Arc<V>>,
        kind: &str,
        key: K,
        value: Arc<V>,
    ) -> Option<Arc<V>>
    where
        K: Ord + Clone + Serialize,
        V: Serialize,
    {
        self.add(kind, &key, &*value);
        let before = map.insert(key.clone(), value);
        if let Some(before) = &before {
            self.subtract(kind, &key, &**before);
        }
        before
    }

    /// Takes an entry out of a map and returns it.
    pub(crate) fn take<K, V>(
        &mut self,
        map: &mut OrdMap<K, Arc<V>>,
        kind: &str,
        key: &K,
    ) -> Option<Arc<V>>
    where
        K: Ord + Clone + Serialize,
        V: Serialize,
    {
        let before = map.remove(key)?;
        self.subtract(kind, key, &*before);
        Some(before)
    }

    /// Sets what there is one of.
    pub(crate) fn set<V>(&mut self, slot: &mut Option<Arc<V>>, kind: &str, value: Arc<V>)
    where
        V: Serialize + ?Sized,
    {
        self.add(kind, &(), &*value);
        if let Some(before) = slot.replace(value) {
            self.subtract(kind, &(), &*before);
        }
    }

    fn add(&mut self, kind: &str, key: &impl Serialize, value: &(impl Serialize + ?Sized)) {
        self.0 = self.0.wrapping_add(hash(kind, key, value));
    }

    fn subtract(&mut self, kind: &str, key: &impl Serialize, value: &(impl Serialize + ?Sized)) {
        self.0 = self.0.wrapping_sub(hash(kind, key, value));
    }
}

fn hash(kind: &str, key: &impl Serialize, value: &(impl Serialize + ?Sized)) -> u64 {
    let digest = Sha256::digest(codec::encode(&(kind, key, value)));
    u64::from_be_bytes(*digest.first_chunk().expect("a digest has 32 bytes"))
}
