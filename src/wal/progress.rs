//! How far the log is durable, who waits for it, and when the flusher may sleep.
//!
//! No wake-up is lost:
//! 1. A waiter enters the queue and looks at `durable` once more under the queue's lock; the flusher stores `durable`
//!    first and empties the queue after. Whoever takes the lock second sees what the other did.
//! 2. A waiter states its demand under the lock under which the flusher looks for demand before it sleeps.

use super::sync::{AtomicU64, Condvar, Mutex, Ordering};
use crate::base::{Error, Lsn, Result};
use std::collections::VecDeque;
use std::task::{Poll, Waker};
use std::time::Duration;

pub struct Progress {
    durable: AtomicU64,
    queue: Mutex<Queue>,
    demand: Mutex<Demand>,
    demanded: Condvar,
}

/// Who waits, by position; a new waiter is nearly always the last.
struct Queue {
    waiting: VecDeque<Waiting>,
    tickets: u64,
    failed: Option<Error>,
}

struct Waiting {
    lsn: Lsn,
    ticket: u64,
    waker: Waker,
}

struct Demand {
    lsn: Lsn,
    stop: bool,
}

/// Why the flusher woke up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Flush,
    Stop,
}

impl Progress {
    pub fn new(durable: Lsn) -> Progress {
        Progress {
            durable: AtomicU64::new(durable.0),
            queue: Mutex::new(Queue { waiting: VecDeque::new(), tickets: 0, failed: None }),
            demand: Mutex::new(Demand { lsn: Lsn::ZERO, stop: false }),
            demanded: Condvar::new(),
        }
    }

    pub fn durable(&self) -> Lsn {
        Lsn(self.durable.load(Ordering::Acquire))
    }

    /// The error that ended the log.
    pub fn failure(&self) -> Option<Error> {
        self.queue.lock().failed.clone()
    }

    /// One look of a waiter: done, or queued. Its ticket tells its place at the next look.
    pub fn poll(&self, lsn: Lsn, ticket: &mut Option<u64>, waker: &Waker) -> Poll<Result<()>> {
        if self.durable() >= lsn {
            return Poll::Ready(Ok(()));
        }
        let mut queue = self.queue.lock();
        if self.durable() >= lsn {
            return Poll::Ready(Ok(()));
        }
        if let Some(e) = &queue.failed {
            return Poll::Ready(Err(e.clone()));
        }
        let queued = ticket.and_then(|t| queue.waiting.iter_mut().find(|w| w.ticket == t));
        match queued {
            Some(waiting) => waiting.waker.clone_from(waker),
            None => *ticket = Some(queue.push(lsn, waker.clone())),
        }
        drop(queue);
        self.ask(lsn);
        Poll::Pending
    }

    /// A waiter gives up.
    #[cfg_attr(test, allow(dead_code))]
    pub fn leave(&self, ticket: u64) {
        self.queue.lock().waiting.retain(|w| w.ticket != ticket);
    }

    /// Asks the flusher to get this far.
    pub fn ask(&self, lsn: Lsn) {
        let mut demand = self.demand.lock();
        demand.lsn = demand.lsn.max(lsn);
        drop(demand);
        self.demanded.notify_one();
    }

    /// Tells the flusher to finish.
    pub fn stop(&self) {
        self.demand.lock().stop = true;
        self.demanded.notify_one();
    }

    /// The flusher's sleep: until someone waits for what is appended, or appended records have waited for `interval`.
    pub fn sleep(&self, appended: &AtomicU64, interval: Duration) -> Call {
        let mut demand = self.demand.lock();
        let mut timed_out = false;
        loop {
            if demand.stop {
                return Call::Stop;
            }
            let durable = self.durable();
            let behind = appended.load(Ordering::Acquire) > durable.0;
            if behind && (timed_out || demand.lsn > durable) {
                return Call::Flush;
            }
            (demand, timed_out) = self.demanded.wait_for(demand, interval);
        }
    }

    /// Reports everything up to here durable and wakes those who waited for it. `wakers` is scratch space.
    pub fn publish(&self, durable: Lsn, wakers: &mut Vec<Waker>) {
        self.durable.store(durable.0, Ordering::Release);
        let mut queue = self.queue.lock();
        while queue.waiting.front().is_some_and(|w| w.lsn <= durable) {
            wakers.extend(queue.waiting.pop_front().map(|w| w.waker));
        }
        drop(queue);
        wakers.drain(..).for_each(Waker::wake);
    }

    /// Ends every wait, now and later, with an error.
    pub fn fail(&self, error: Error) {
        let mut queue = self.queue.lock();
        queue.failed.get_or_insert(error);
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.into_iter().for_each(|w| w.waker.wake());
    }
}

impl Queue {
    fn push(&mut self, lsn: Lsn, waker: Waker) -> u64 {
        self.tickets += 1;
        let ticket = self.tickets;
        let later = self.waiting.iter().rev().take_while(|w| w.lsn > lsn).count();
        self.waiting.insert(self.waiting.len() - later, Waiting { lsn, ticket, waker });
        ticket
    }
}
