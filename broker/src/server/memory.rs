//! How much memory the requests and answers of all clients together may take.
//!
//! A request pays for its whole length before anything is kept for it, and gets it back when it is
//! answered. Who cannot pay is not read: the wait is handed on to the client by TCP. Waiting is fair,
//! and nobody waits while holding a part. Requests of large size have a share of their own, so that a
//! few that come slowly do not stand before the many that do not. Other brokers do not pay: what
//! clients wait for comes from them.
//!
//! Answers are bounded softly: while too much is unread, each connection gets little ahead.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{
    ANSWER_BYTES, ANSWER_BYTES_CROWDED, LARGE_REQUEST_BYTES, SHARED_FRAME_BYTES,
    UNSENT_BYTES_PER_CONNECTION,
};

/// What all connections share.
#[derive(Debug)]
pub struct Memory {
    ordinary: Share,
    large: Share,
    unsent: AtomicUsize,
}

#[derive(Debug)]
struct Share {
    bytes: usize,
    free: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Memory {
    /// `queued.max.request.bytes`, half of it for large requests. `None`: no limit.
    pub fn new(request_bytes_max: Option<usize>) -> Self {
        let half = request_bytes_max.map_or(Semaphore::MAX_PERMITS, |bytes| bytes / 2);
        Self { ordinary: Share::new(half), large: Share::new(half), unsent: AtomicUsize::new(0) }
    }

    fn share(&self, length: usize) -> &Share {
        if length > LARGE_REQUEST_BYTES { &self.large } else { &self.ordinary }
    }

    /// Whether somebody waits for what a request of this length has.
    pub(super) fn is_wanted(&self, length: usize) -> bool {
        self.share(length).waiting.load(Relaxed) > 0
    }

    pub(super) fn unsent(&self, bytes: usize) {
        self.unsent.fetch_add(bytes, Relaxed);
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.unsent.fetch_sub(bytes, Relaxed);
    }

    /// Whether clients leave so much unread that nobody gets far ahead any more.
    fn is_crowded(&self) -> bool {
        self.unsent.load(Relaxed) >= ANSWER_BYTES
    }

    /// How much one connection may leave unread before it is answered no further.
    pub(super) fn unsent_bytes_max(&self) -> usize {
        if self.is_crowded() { ANSWER_BYTES_CROWDED } else { UNSENT_BYTES_PER_CONNECTION }
    }

    /// How large the answer to one fetch of a client may be, of `configured` bytes.
    pub fn fetch_bytes_max(&self, configured: usize) -> usize {
        if self.is_crowded() { configured.min(ANSWER_BYTES_CROWDED) } else { configured }
    }
}

impl Share {
    fn new(bytes: usize) -> Self {
        let bytes = bytes.clamp(1, Semaphore::MAX_PERMITS);
        Self { bytes, free: Arc::new(Semaphore::new(bytes)), waiting: Arc::default() }
    }
}

/// What the next request of a connection has, or waits for.
#[derive(Default)]
pub(super) enum Claim {
    #[default]
    Nothing,
    Waiting(Pin<Box<dyn Future<Output = OwnedSemaphorePermit> + Send>>),
    /// `None`: it is free.
    Granted(Option<OwnedSemaphorePermit>),
}

impl Claim {
    /// Ready when a request of this length may be read. Small ones are free: they come whole with
    /// what a connection reads anyway.
    pub(super) fn poll(
        &mut self,
        memory: &Memory,
        length: usize,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        if matches!(self, Self::Nothing) {
            *self = Self::new(memory, length);
        }
        if let Self::Waiting(permit) = self {
            match permit.as_mut().poll(context) {
                Poll::Ready(permit) => *self = Self::Granted(Some(permit)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    fn new(memory: &Memory, length: usize) -> Self {
        if length <= SHARED_FRAME_BYTES {
            return Self::Granted(None);
        }
        let share = memory.share(length);
        // What is larger than the share goes alone.
        let bytes = u32::try_from(length.min(share.bytes)).expect("a length is an i32");
        if let Ok(permit) = share.free.clone().try_acquire_many_owned(bytes) {
            return Self::Granted(Some(permit));
        }
        let free = share.free.clone();
        let waiter = Waiter::new(&share.waiting);
        Self::Waiting(Box::pin(async move {
            let permit = free.acquire_many_owned(bytes).await.expect("never closed");
            drop(waiter);
            permit
        }))
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting(_))
    }

    /// Whether it holds what others may wait for.
    pub(super) fn holds(&self) -> bool {
        matches!(self, Self::Granted(Some(_)))
    }

    /// Hands over what the request has paid.
    pub(super) fn take(&mut self) -> Option<OwnedSemaphorePermit> {
        match std::mem::take(self) {
            Self::Granted(permit) => permit,
            Self::Nothing | Self::Waiting(_) => None,
        }
    }
}

/// One of those who wait.
struct Waiter(Arc<AtomicUsize>);

impl Waiter {
    fn new(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Relaxed);
        Self(waiting.clone())
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn poll(claim: &mut Claim, memory: &Memory, length: usize) -> bool {
        claim.poll(memory, length, &mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_request_waits_until_there_is_room_and_others_wait_behind_it() {
        let memory = Memory::new(Some(2 << 20));
        let (mut first, mut second, mut third) = Default::default();
        assert!(poll(&mut first, &memory, 600 << 10));
        assert!(!memory.is_wanted(1));
        assert!(!poll(&mut second, &memory, 600 << 10));
        assert!(!poll(&mut third, &memory, 100 << 10), "there is room, but the second came first");
        assert!(memory.is_wanted(1));
        let answered = first.take();
        assert!(!poll(&mut second, &memory, 600 << 10));
        drop(answered);
        assert!(poll(&mut second, &memory, 600 << 10) && poll(&mut third, &memory, 100 << 10));
        assert!(!memory.is_wanted(1));
    }

    #[test]
    fn who_gives_up_lets_the_next_one_go_on() {
        let memory = Memory::new(Some(2 << 20));
        let (mut first, mut second, mut third) = Default::default();
        assert!(poll(&mut first, &memory, 600 << 10));
        assert!(!poll(&mut second, &memory, 1 << 20));
        assert!(!poll(&mut third, &memory, 100 << 10));
        drop(second);
        assert!(poll(&mut third, &memory, 100 << 10));
        assert!(!memory.is_wanted(1));
    }

    #[test]
    fn a_request_that_is_larger_than_everything_goes_alone() {
        let memory = Memory::new(Some(8 << 20));
        let (mut small, mut huge) = Default::default();
        assert!(poll(&mut small, &memory, 3 << 20));
        assert!(!poll(&mut huge, &memory, 100 << 20));
        drop(small);
        assert!(poll(&mut huge, &memory, 100 << 20));
        let mut next = Claim::default();
        assert!(!poll(&mut next, &memory, 3 << 20));
        drop(huge);
        assert!(poll(&mut next, &memory, 3 << 20));
    }

    #[test]
    fn large_requests_do_not_stand_before_ordinary_ones_and_small_ones_are_free() {
        let memory = Memory::new(Some(8 << 20));
        let (mut large, mut ordinary, mut small) = Default::default();
        assert!(poll(&mut large, &memory, 64 << 20));
        assert!(poll(&mut ordinary, &memory, 1 << 20) && ordinary.holds());
        assert!(poll(&mut small, &memory, SHARED_FRAME_BYTES) && !small.holds());
        let unlimited = Memory::new(None);
        let mut claims: Vec<Claim> = (0..100).map(|_| Claim::default()).collect();
        assert!(claims.iter_mut().all(|claim| poll(claim, &unlimited, 100 << 20)));
    }

    #[test]
    fn unread_answers_of_all_make_each_connection_wait_sooner() {
        let memory = Memory::new(None);
        memory.unsent(ANSWER_BYTES);
        assert_eq!(memory.unsent_bytes_max(), ANSWER_BYTES_CROWDED);
        assert_eq!(memory.fetch_bytes_max(50 << 20), ANSWER_BYTES_CROWDED);
        memory.sent(1);
        assert_eq!(memory.unsent_bytes_max(), UNSENT_BYTES_PER_CONNECTION);
        assert_eq!(memory.fetch_bytes_max(50 << 20), 50 << 20);
    }
}
