//! One lock: who holds it and who waits, as pure state. The table around it owns mutexes, hashing and wake-ups.
//!
//! First come, first served: a request waits when it conflicts with a holder or with somebody who waits before it. An
//! owner that already holds the lock is let in before those who wait for it to let go, or it would wait for itself.
//! Releasing hands the lock over to the first waiters it now suits; there is no race for it.

use super::mode::{LockMode, Modes};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// Who locks: the number of a session's process in the upper half, a serial number in the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerId(pub(super) u64);

impl OwnerId {
    pub fn process(self) -> i32 {
        (self.0 >> 32) as i32
    }
}

/// Until when a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::txn) enum Scope {
    Transaction,
    Session,
}

#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) owner: OwnerId,
    transaction: Modes,
    session: Modes,
}

impl Holder {
    pub(super) fn modes(&self) -> Modes {
        self.transaction.and(self.session)
    }

    fn in_scope(&mut self, scope: Scope) -> &mut Modes {
        match scope {
            Scope::Transaction => &mut self.transaction,
            Scope::Session => &mut self.session,
        }
    }
}

/// `ticket` is whatever the table needs to wake the waiter.
#[derive(Debug)]
pub(super) struct Waiter<T> {
    pub(super) owner: OwnerId,
    pub(super) mode: LockMode,
    pub(super) scope: Scope,
    pub(super) ticket: T,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    AlreadyHeld,
    Granted,
    /// Must wait, at this place of the queue.
    Conflict(usize),
}

#[derive(Debug)]
pub(super) struct Lock<T> {
    holders: SmallVec<[Holder; 1]>,
    #[expect(clippy::box_collection, reason = "most locks have no queue: one word each instead of four")]
    queue: Option<Box<VecDeque<Waiter<T>>>>,
}

impl<T> Default for Lock<T> {
    fn default() -> Self {
        Lock { holders: SmallVec::new(), queue: None }
    }
}

impl<T> Lock<T> {
    pub(super) fn holders(&self) -> &[Holder] {
        &self.holders
    }

    pub(super) fn waiters(&self) -> impl Iterator<Item = &Waiter<T>> {
        self.queue.iter().flat_map(|queue| queue.iter())
    }

    pub(super) fn is_unused(&self) -> bool {
        self.holders.is_empty() && self.waiters().next().is_none()
    }

    fn held_by(&self, owner: OwnerId) -> Modes {
        self.holders.iter().find(|h| h.owner == owner).map_or(Modes::NONE, Holder::modes)
    }

    /// Takes the lock if it can be had at once.
    pub(super) fn request(&mut self, owner: OwnerId, mode: LockMode, scope: Scope) -> Answer {
        let held = self.held_by(owner);
        if held != Modes::NONE {
            let holder = self.holders.iter_mut().find(|h| h.owner == owner).expect("it holds something");
            if mode.covered_by(*holder.in_scope(scope)) {
                return Answer::AlreadyHeld;
            }
        }
        let place = self.waiters().position(|w| w.mode.conflicts().meets(held)).unwrap_or(self.waiters().count());
        if self.blockers(owner, mode, place).next().is_some() {
            return Answer::Conflict(place);
        }
        self.hold(owner, mode, scope);
        Answer::Granted
    }

    /// Who must let go before `owner` can have `mode`, were it at `place` of the queue.
    pub(super) fn blockers(&self, owner: OwnerId, mode: LockMode, place: usize) -> impl Iterator<Item = OwnerId> {
        let conflicts = mode.conflicts();
        let holders =
            self.holders.iter().filter(move |h| h.owner != owner && conflicts.meets(h.modes())).map(|h| h.owner);
        let ahead =
            self.waiters().take(place).filter(move |w| w.owner != owner && conflicts.has(w.mode)).map(|w| w.owner);
        holders.chain(ahead)
    }

    /// Who keeps a waiter waiting; nobody when it does not wait.
    pub(super) fn blockers_of(&self, owner: OwnerId) -> Vec<OwnerId> {
        match self.waiters().position(|w| w.owner == owner) {
            Some(place) => {
                let mode = self.waiters().nth(place).expect("just found").mode;
                self.blockers(owner, mode, place).collect()
            }
            None => Vec::new(),
        }
    }

    /// Takes the lock, which nobody's conflicts with.
    pub(super) fn hold(&mut self, owner: OwnerId, mode: LockMode, scope: Scope) {
        let at = self.holders.iter().position(|h| h.owner == owner).unwrap_or_else(|| {
            self.holders.push(Holder { owner, transaction: Modes::NONE, session: Modes::NONE });
            self.holders.len() - 1
        });
        let modes = self.holders[at].in_scope(scope);
        *modes = modes.with(mode);
    }

    pub(super) fn enqueue(&mut self, place: usize, waiter: Waiter<T>) {
        self.queue.get_or_insert_default().insert(place, waiter);
    }

    /// Leaves the queue; the waiter, if it was there. Call [`Lock::hand_over`] afterwards.
    pub(super) fn dequeue(&mut self, owner: OwnerId) -> Option<Waiter<T>> {
        let queue = self.queue.as_mut()?;
        let place = queue.iter().position(|w| w.owner == owner)?;
        queue.remove(place)
    }

    /// Lets go of one mode; false when it was not held. Call [`Lock::hand_over`] afterwards.
    pub(super) fn release(&mut self, owner: OwnerId, mode: LockMode, scope: Scope) -> bool {
        let Some(at) = self.holders.iter().position(|h| h.owner == owner) else { return false };
        let modes = self.holders[at].in_scope(scope);
        let held = modes.has(mode);
        *modes = modes.without(mode);
        if self.holders[at].modes() == Modes::NONE {
            self.holders.swap_remove(at);
        }
        held
    }

    /// Grants what can be granted now, in order; the new holders' waiters.
    pub(super) fn hand_over(&mut self) -> SmallVec<[Waiter<T>; 1]> {
        let mut granted = SmallVec::new();
        let mut place = 0;
        while let Some(waiter) = self.queue.as_ref().and_then(|queue| queue.get(place)) {
            if self.blockers(waiter.owner, waiter.mode, place).next().is_some() {
                place += 1;
                continue;
            }
            let waiter = self.queue.as_mut().and_then(|queue| queue.remove(place)).expect("just looked");
            self.hold(waiter.owner, waiter.mode, waiter.scope);
            granted.push(waiter);
        }
        if self.queue.as_ref().is_some_and(|queue| queue.is_empty()) {
            self.queue = None;
        }
        granted
    }

    /// I12: no two holders conflict, and nobody waits who could have the lock.
    #[cfg(test)]
    pub(super) fn verify(&self) {
        for (i, a) in self.holders.iter().enumerate() {
            assert!(a.modes() != Modes::NONE);
            for b in &self.holders[i + 1..] {
                assert_ne!(a.owner, b.owner);
                assert!(a.modes().iter().all(|mode| !mode.conflicts().meets(b.modes())), "{a:?} and {b:?}");
            }
        }
        for (place, w) in self.waiters().enumerate() {
            assert!(self.blockers(w.owner, w.mode, place).next().is_some(), "{:?} waits for nobody", w.owner);
        }
    }
}
