//! Who locks: a session, whose transactions come and go, and who may hold advisory locks beyond them.

use super::fast::Notes;
use super::mode::{LockKey, LockMode};
use super::queue::{OwnerId, Scope};
use super::table::{LockHash, LockTable};
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;

/// A session towards the lock table. Its transactions, one at a time, never conflict with its session-level locks.
/// Dropping it, with its transactions, releases everything.
#[derive(Clone)]
pub struct Owner(Arc<Inner>);

struct Inner {
    id: OwnerId,
    table: Arc<LockTable>,
    notes: Arc<Notes>,
    /// How often each session-level lock was taken.
    session: Mutex<HashMap<(LockHash, LockMode), u32>>,
}

impl Owner {
    pub(in crate::txn) fn new(table: &Arc<LockTable>, process: i32, serial: u32) -> Owner {
        let id = OwnerId(u64::from(process as u32) << 32 | u64::from(serial));
        let notes = table.register(id);
        Owner(Arc::new(Inner { id, table: Arc::clone(table), notes, session: Mutex::default() }))
    }

    pub(in crate::txn) fn id(&self) -> OwnerId {
        self.0.id
    }

    pub(in crate::txn) fn table(&self) -> &Arc<LockTable> {
        &self.0.table
    }

    /// The weak table locks of its transactions.
    pub(in crate::txn) fn notes(&self) -> &Notes {
        &self.0.notes
    }

    /// Counts a session-level lock that was granted.
    pub(in crate::txn) fn count(&self, hash: LockHash, mode: LockMode) {
        *self.0.session.lock().entry((hash, mode)).or_default() += 1;
    }

    /// Releases a session-level lock that was granted but never counted.
    pub(in crate::txn) fn release_uncounted(&self, hash: LockHash, mode: LockMode) {
        if !self.0.session.lock().contains_key(&(hash, mode)) {
            self.0.table.release(self.0.id, hash, mode, Scope::Session);
        }
    }

    /// Undoes one taking of a session-level lock; false when it is not held.
    pub fn unlock(&self, key: &LockKey<'_>, mode: LockMode) -> bool {
        let hash = self.0.table.hash(key);
        let mut session = self.0.session.lock();
        let Some(count) = session.get_mut(&(hash, mode)) else { return false };
        *count -= 1;
        if *count == 0 {
            session.remove(&(hash, mode));
            self.0.table.release(self.0.id, hash, mode, Scope::Session);
        }
        true
    }

    /// Releases all session-level locks (`pg_advisory_unlock_all`, DISCARD ALL).
    pub fn unlock_all(&self) {
        self.0.unlock_all();
    }
}

impl Inner {
    fn unlock_all(&self) {
        for ((hash, mode), _) in self.session.lock().drain() {
            self.table.release(self.id, hash, mode, Scope::Session);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.unlock_all();
        self.table.unregister(&self.notes);
    }
}
