//! Weak table locks, kept with whoever holds them.
//!
//! Every statement locks its tables in a mode that no other statement's lock conflicts with: only DDL and LOCK TABLE take
//! the four strong modes. So a weak lock is noted with its owner alone, in memory that no other session writes, as long as
//! nobody has or wants a strong one (PostgreSQL's "fast path locking", `src/backend/storage/lmgr/README`).
//!
//! Whoever wants a strong lock first announces that, then moves all weak locks of the table from their owners into the
//! lock table, where it meets them. An owner looks at the announcements while it holds its own mutex: either it sees the
//! new one and goes to the lock table too, or its lock is there to be moved.

use super::mode::{LockMode, LockTag, Modes};
use super::queue::OwnerId;
use super::sync::{Mutex, MutexGuard};
use super::table::LockHash;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

/// How many tables an owner notes by itself.
const NOTES: usize = 16;
/// Announcements are counted by parts of the hash.
const PARTS: usize = 256;

pub(in crate::txn) struct Note {
    hash: LockHash,
    pub(super) tag: LockTag,
    pub(super) modes: Modes,
}

/// The weak locks that one owner notes.
pub(in crate::txn) struct Notes {
    pub(super) owner: OwnerId,
    list: Mutex<SmallVec<[Note; 4]>>,
}

impl Notes {
    fn new(owner: OwnerId) -> Notes {
        Notes { owner, list: Mutex::new(SmallVec::new()) }
    }

    pub(in crate::txn) fn lock(&self) -> NotesGuard<'_> {
        NotesGuard(self.list.lock())
    }
}

pub(in crate::txn) struct NotesGuard<'a>(MutexGuard<'a, SmallVec<[Note; 4]>>);

impl NotesGuard<'_> {
    /// Lets go of a weak lock; false when it is not noted here.
    pub(in crate::txn) fn release(&mut self, hash: LockHash, mode: LockMode) -> bool {
        let Some(at) = self.0.iter().position(|n| n.hash == hash && n.modes.has(mode)) else { return false };
        let modes = self.0[at].modes.without(mode);
        self.0[at].modes = modes;
        if modes == Modes::NONE {
            self.0.swap_remove(at);
        }
        true
    }

    pub(super) fn notes(&self) -> impl Iterator<Item = &Note> {
        self.0.iter()
    }
}

/// How a weak lock was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::txn) enum Noted {
    Granted,
    AlreadyHeld,
    /// It belongs into the lock table.
    No,
}

/// All owners, and how many strong locks are held or wanted.
pub(super) struct FastPath {
    strong: [AtomicU32; PARTS],
    owners: Mutex<Vec<Arc<Notes>>>,
}

impl FastPath {
    pub(super) fn new() -> FastPath {
        FastPath { strong: std::array::from_fn(|_| AtomicU32::new(0)), owners: Mutex::new(Vec::new()) }
    }

    fn strong(&self, hash: LockHash) -> &AtomicU32 {
        &self.strong[hash.part(PARTS)]
    }

    pub(super) fn register(&self, owner: OwnerId) -> Arc<Notes> {
        let notes = Arc::new(Notes::new(owner));
        self.owners.lock().push(Arc::clone(&notes));
        notes
    }

    pub(super) fn unregister(&self, notes: &Arc<Notes>) {
        self.owners.lock().retain(|n| !Arc::ptr_eq(n, notes));
    }

    pub(super) fn owners(&self) -> Vec<Arc<Notes>> {
        self.owners.lock().clone()
    }

    pub(super) fn note(&self, notes: &Notes, hash: LockHash, tag: LockTag, mode: LockMode) -> Noted {
        if !mode.is_weak() {
            return Noted::No;
        }
        let mut list = notes.list.lock();
        let at = list.iter().position(|n| n.hash == hash);
        if at.is_some_and(|at| list[at].modes.has(mode)) {
            return Noted::AlreadyHeld;
        }
        if self.strong(hash).load(SeqCst) > 0 || (at.is_none() && list.len() == NOTES) {
            return Noted::No;
        }
        match at {
            Some(at) => list[at].modes = list[at].modes.with(mode),
            None => list.push(Note { hash, tag, modes: Modes::NONE.with(mode) }),
        }
        Noted::Granted
    }

    /// Announces a strong lock; `put` gets the weak ones, to put them into the lock table.
    pub(super) fn announce(&self, hash: LockHash, mut put: impl FnMut(OwnerId, &Note)) {
        self.strong(hash).fetch_add(1, SeqCst);
        for notes in self.owners.lock().iter() {
            let mut list = notes.list.lock();
            if let Some(at) = list.iter().position(|n| n.hash == hash) {
                let note = list.swap_remove(at);
                put(notes.owner, &note);
            }
        }
    }

    /// A strong lock is given back, or no longer wanted.
    pub(super) fn withdraw(&self, hash: LockHash) {
        self.strong(hash).fetch_sub(1, SeqCst);
    }
}
