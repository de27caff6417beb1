//! A place in a lock's queue, as a future and as a blocking call.

use super::queue::OwnerId;
use super::sync::{Condvar, Mutex};
use super::table::{LockHash, LockTable};
use crate::base::Result;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How often a blocking wait looks whether it was cancelled.
const CANCEL_POLL: Duration = Duration::from_millis(10);

/// Waiting -> Granted | Left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Granted,
    Left,
}

/// What a waiter and whoever grants the lock share. The state changes under the lock table's shard.
pub(in crate::txn) struct Ticket {
    state: Mutex<(State, Option<Waker>)>,
    changed: Condvar,
}

impl Ticket {
    pub(super) fn new() -> Arc<Ticket> {
        Arc::new(Ticket { state: Mutex::new((State::Waiting, None)), changed: Condvar::new() })
    }

    pub(super) fn state(&self) -> State {
        self.state.lock().0
    }

    #[cfg(test)]
    pub(super) fn is_granted(&self) -> bool {
        self.state() == State::Granted
    }

    pub(super) fn set(&self, state: State) {
        self.state.lock().0 = state;
    }

    /// Wakes whoever waits, after `set`.
    pub(super) fn wake(&self) {
        let waker = self.state.lock().1.take();
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// How a blocking wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    Granted,
    TimedOut,
    Cancelled,
}

/// A place in a lock's queue: a future that is ready when the lock is granted. Dropping it leaves the queue, or keeps
/// the lock when it was granted meanwhile.
pub struct LockWait {
    pub(super) table: Arc<LockTable>,
    pub(super) owner: OwnerId,
    pub(super) hash: LockHash,
    pub(super) ticket: Arc<Ticket>,
}

impl LockWait {
    /// Blocks the thread. `timeout: None` waits for ever.
    pub fn wait_blocking(self, timeout: Option<Duration>, cancelled: &AtomicBool) -> Result<Waited> {
        let deadline = timeout.map(|t| Instant::now() + t);
        let mut state = self.ticket.state.lock();
        while state.0 == State::Waiting {
            if cancelled.load(Ordering::Relaxed) {
                return Ok(Waited::Cancelled);
            }
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(Waited::TimedOut);
            }
            state = self.ticket.changed.wait_for(state, left.unwrap_or(CANCEL_POLL).min(CANCEL_POLL));
        }
        Ok(Waited::Granted)
    }
}

impl Future for LockWait {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut state = self.ticket.state.lock();
        if state.0 != State::Waiting {
            return Poll::Ready(Ok(()));
        }
        match &mut state.1 {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Drop for LockWait {
    fn drop(&mut self) {
        if self.ticket.state() == State::Waiting {
            self.table.leave(self.owner, self.hash);
        }
    }
}
