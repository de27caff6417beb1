//! [`Txn`]: statements, reads, writes and locks of one transaction.

use super::cover::Covers;
use super::lock::{LockHash, LockKey, LockMode, LockWait, Locked, Noted, Outcome, Owner, Scope, Ticket, Wait};
use super::reads::Reads;
use super::standbys::Safety;
use super::transactions::Transactions;
use super::view::{Access, Currency, Isolation, ReadView, Savepoint, Statement, TxnId};
use super::write_set::{Room, WriteSet};
use crate::base::{Error, Lsn, Result, SqlState, TreeId};
use crate::io::Disk;
use crate::storage::{Registration, Store};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A lock of this transaction.
struct Held {
    hash: LockHash,
    mode: LockMode,
}

/// A queue place that the transaction has taken and not looked after since.
struct Pending {
    hash: LockHash,
    mode: LockMode,
    scope: Scope,
    ticket: Arc<Ticket>,
}

/// One transaction. Dropping it rolls back.
///
/// One thread at a time writes through it; reads take `&self`.
pub struct Txn {
    pub(super) shared: Arc<Transactions>,
    owner: Owner,
    id: TxnId,
    pub(super) isolation: Isolation,
    read_only: bool,
    /// What its commit waits for.
    pub(super) safety: Safety,
    /// The statement runs again: it has met what its first snapshot did not show.
    runs_again: bool,
    pub(super) writes: WriteSet,
    /// The current statement's snapshot; above READ COMMITTED the transaction's.
    snapshot: Option<Registration>,
    /// SERIALIZABLE: keeps the changes since the snapshot known.
    conflicts: Option<Registration>,
    pub(super) reads: Option<Mutex<Reads>>,
    /// Own changes before this position are seen by views taken now.
    own_before: u32,
    /// The newest state that the transaction has seen.
    floor: AtomicU64,
    held: SmallVec<[Held; 8]>,
    pub(super) covers: Covers,
    pending: Option<Pending>,
    wait: Option<LockWait>,
}

impl Txn {
    pub(super) fn new(shared: Arc<Transactions>, owner: Owner, id: TxnId, isolation: Isolation) -> Txn {
        let options = &shared.options;
        let room = Room { memory_bytes: options.write_set_memory_bytes, disk: options.scratch.clone() };
        let writes = WriteSet::new(options.write_set_bytes_max, room);
        let covers = Covers::new(options.table_lock_threshold);
        Txn {
            shared,
            owner,
            id,
            isolation,
            read_only: false,
            safety: Safety::Local,
            runs_again: false,
            writes,
            snapshot: None,
            conflicts: None,
            reads: noted_reads(isolation, false),
            own_before: 0,
            floor: AtomicU64::new(0),
            held: SmallVec::new(),
            covers,
            pending: None,
            wait: None,
        }
    }

    pub fn id(&self) -> TxnId {
        self.id
    }

    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// SET TRANSACTION. The isolation must not change after the first statement.
    pub fn set_isolation(&mut self, isolation: Isolation, read_only: bool) {
        assert!(self.isolation == isolation || self.snapshot.is_none(), "the first statement fixes the isolation");
        self.isolation = isolation;
        self.read_only = read_only;
        self.reads = noted_reads(isolation, read_only);
    }

    /// What the commit waits for. It has a meaning while standbys are waited for at all.
    pub fn set_safety(&mut self, safety: Safety) {
        self.safety = safety;
    }

    pub fn safety(&self) -> Safety {
        self.safety
    }

    /// Later statements read at least this much, and COMMIT waits for it. A session passes the floor of its earlier
    /// transactions, so that its reads never go back in time.
    pub fn raise_floor(&self, lsn: Lsn) {
        self.floor.fetch_max(lsn.0, Ordering::Relaxed);
    }

    /// The newest state that the transaction has seen.
    pub fn floor(&self) -> Lsn {
        Lsn(self.floor.load(Ordering::Relaxed))
    }

    /// Chooses the statement's snapshot, begins a new command, and marks the write set.
    ///
    /// Readers get the durable prefix, or as much more as this session has seen already; whoever writes or locks gets
    /// everything. Above READ COMMITTED the first statement chooses for all, as a writer unless the transaction is
    /// declared read-only. Error: 53400 when too many snapshots are open.
    pub fn begin_statement(&mut self, access: Access) -> Result<Statement> {
        let reads_only = match self.isolation {
            Isolation::ReadCommitted => access == Access::Read,
            Isolation::RepeatableRead | Isolation::Serializable => self.read_only,
        };
        if self.snapshot.is_none() || self.isolation == Isolation::ReadCommitted {
            let may_lag = access != Access::Write && self.shared.standbys.withhold() && !self.runs_again;
            self.take_snapshot(reads_only || may_lag)?;
        }
        self.next_command();
        Ok(Statement(self.writes.mark()))
    }

    fn take_snapshot(&mut self, reads_only: bool) -> Result<()> {
        let (shared, floor) = (&self.shared, self.floor());
        let choose = || if reads_only { shared.readable(floor) } else { shared.applied() };
        if self.reads.is_some() {
            // Before the snapshot, so it is not newer.
            self.conflicts = Some(shared.conflicts.register(choose)?);
        }
        let renewed = self.snapshot.as_mut().is_some_and(|snapshot| snapshot.renew(choose));
        if !renewed {
            self.snapshot = Some(shared.snapshots.register(choose)?);
        }
        let lsn = self.snapshot.as_ref().expect("just taken").lsn();
        self.raise_floor(lsn);
        Ok(())
    }

    /// READ COMMITTED lets go of the statement's snapshot (views that are still around keep theirs).
    pub fn end_statement(&mut self) {
        if self.isolation == Isolation::ReadCommitted {
            self.snapshot = None;
        }
        self.runs_again = false;
    }

    /// Pops the writes made since the statement began, keeps the locks. Undoing an outer statement undoes inner ones.
    pub fn undo_statement(&mut self, statement: Statement) {
        self.runs_again = true;
        self.writes.undo_to(statement.0);
        self.own_before = self.own_before.min(statement.0.changes());
    }

    /// Own writes so far become visible to views taken from now on.
    pub fn next_command(&mut self) {
        self.own_before = self.writes.mark().changes();
    }

    /// The current statement's snapshot with the own writes of earlier commands. Needs a begun statement.
    pub fn view(&self) -> ReadView {
        let snapshot = self.snapshot.clone().expect("a statement has begun");
        ReadView { snapshot, own_before: self.own_before }
    }

    /// Puts the value into `out`, in place of what was there; false when there is no such key.
    pub fn get(&self, view: &ReadView, tree: TreeId, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        if let Some(reads) = &self.reads {
            reads.lock().point(tree, key);
        }
        self.get_at(tree, key, view.lsn(), view.own_before, out)
    }

    /// Like `get`, on the latest committed state with all own writes: meaningful under a lock.
    pub fn get_latest(&self, tree: TreeId, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        let found = self.get_at(tree, key, Lsn::MAX, self.writes.mark().changes(), out);
        if self.shared.standbys.withhold() {
            // Of what waits for standbys only this one key may have been seen.
            self.raise_floor(self.shared.store.newest(tree, key)?.lsn);
        } else {
            self.saw_latest();
        }
        found
    }

    fn get_at(&self, tree: TreeId, key: &[u8], at: Lsn, own_before: u32, out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        match self.writes.get(tree, key, own_before) {
            Some(Some(own)) => {
                out.extend_from_slice(own);
                Ok(true)
            }
            Some(None) => Ok(false),
            None if self.writes.created(tree) => Ok(false),
            None => self.shared.store.get(tree, key, at, out),
        }
    }

    /// The next snapshot is to show the newest state of this entry, which is locked, though it may wait for standbys.
    pub fn will_see(&self, tree: TreeId, key: &[u8]) -> Result<()> {
        if self.shared.standbys.withhold() {
            self.raise_floor(self.shared.store.newest(tree, key)?.lsn);
        }
        Ok(())
    }

    /// The transaction has seen what others have applied.
    pub(super) fn saw_latest(&self) {
        self.raise_floor(self.shared.applied());
    }

    /// Whether somebody has committed a newer version of the row than `view` shows.
    pub fn currency(&self, view: &ReadView, tree: TreeId, key: &[u8]) -> Result<Currency> {
        if self.writes.created(tree) {
            return Ok(Currency::Current);
        }
        let newest = self.shared.store.newest(tree, key)?;
        Ok(match newest.live {
            _ if newest.lsn <= view.lsn() => Currency::Current,
            true => Currency::Updated,
            false => Currency::Deleted,
        })
    }

    /// `currency` as an error: a restart in READ COMMITTED, 40001 in PostgreSQL's words otherwise.
    pub fn check_current(&self, view: &ReadView, tree: TreeId, key: &[u8]) -> Result<()> {
        let what = match self.currency(view, tree, key)? {
            Currency::Current => return Ok(()),
            _ if self.isolation == Isolation::ReadCommitted => return Err(Error::restart()),
            Currency::Updated => "update",
            Currency::Deleted => "delete",
        };
        let message = format!("could not serialize access due to concurrent {what}");
        Err(Error::new(SqlState::T_R_SERIALIZATION_FAILURE, message))
    }

    /// Whether this transaction wrote the key after `view` was taken (PostgreSQL's `TM_SelfModified`).
    pub fn wrote_since(&self, view: &ReadView, tree: TreeId, key: &[u8]) -> bool {
        self.writes.changed_since(tree, key, view.own_before)
    }

    /// Error: 53400 when the write set is full, 54000 when the entry is too large; nothing is lost then.
    pub fn put(&mut self, tree: TreeId, key: &[u8], value: &[u8]) -> Result<()> {
        self.writes.change(tree, key, Some(value))
    }

    /// Deleting what is not there is fine. Error: 53400 when the write set is full.
    pub fn delete(&mut self, tree: TreeId, key: &[u8]) -> Result<()> {
        self.writes.change(tree, key, None)
    }

    /// A new tree that exists from the commit on, and for this transaction at once.
    pub fn create_tree(&mut self) -> Result<TreeId> {
        let tree = self.shared.new_tree_id()?;
        self.writes.create_tree(tree);
        Ok(tree)
    }

    /// The tree ends with the commit; open snapshots read it on.
    pub fn drop_tree(&mut self, tree: TreeId) -> Result<()> {
        self.writes.drop_tree(tree);
        Ok(())
    }

    /// How many bytes of work the transaction should keep in memory, and where the rest of it may go.
    pub fn room(&self) -> (u64, Option<Arc<dyn Disk>>) {
        let options = &self.shared.options;
        (options.write_set_memory_bytes, options.scratch.clone())
    }

    /// Nothing is written.
    pub fn is_clean(&self) -> bool {
        self.writes.is_empty()
    }

    /// Locks until the transaction ends, or is rolled back to a savepoint before.
    ///
    /// Error: a [`crate::base::Flow::Wait`] when it queued (see [`Txn::take_wait`]), 40P01 when waiting would deadlock.
    pub fn lock(&mut self, key: &LockKey<'_>, mode: LockMode, wait: Wait) -> Result<Locked> {
        self.settle_pending(None);
        let hash = self.owner.table().hash(key);
        let locked = self.request(hash, key, mode, Scope::Transaction, wait)?;
        if locked == Locked::Granted {
            self.held.push(Held { hash, mode });
        }
        Ok(locked)
    }

    /// Locks until [`Owner::unlock`], however the transaction ends. Each call counts.
    pub fn lock_for_session(&mut self, key: &LockKey<'_>, mode: LockMode, wait: Wait) -> Result<Locked> {
        let hash = self.owner.table().hash(key);
        self.settle_pending(Some((hash, mode)));
        let locked = self.request(hash, key, mode, Scope::Session, wait)?;
        if locked != Locked::Busy {
            self.owner.count(hash, mode);
        }
        Ok(locked)
    }

    fn request(
        &mut self,
        hash: LockHash,
        key: &LockKey<'_>,
        mode: LockMode,
        scope: Scope,
        wait: Wait,
    ) -> Result<Locked> {
        let (table, tag) = (self.owner.table(), key.tag());
        if scope == Scope::Transaction {
            match table.note(self.owner.notes(), hash, tag, mode) {
                Noted::Granted => return Ok(Locked::Granted),
                Noted::AlreadyHeld => return Ok(Locked::AlreadyHeld),
                Noted::No => {}
            }
        }
        match table.lock(self.owner.id(), self.id, hash, tag, mode, scope, wait)? {
            Outcome::Granted => Ok(Locked::Granted),
            Outcome::AlreadyHeld => Ok(Locked::AlreadyHeld),
            Outcome::Busy => Ok(Locked::Busy),
            Outcome::Queued(ticket, wait) => {
                self.pending = Some(Pending { hash, mode, scope, ticket });
                self.wait = Some(wait);
                Err(Error::wait())
            }
        }
    }

    /// Finds out how the last wait ended, and leaves the queue if it has not. `about_to_count`: the session-level lock
    /// that the caller is about to take again.
    fn settle_pending(&mut self, about_to_count: Option<(LockHash, LockMode)>) {
        self.wait = None;
        let Some(Pending { hash, mode, scope, ticket }) = self.pending.take() else { return };
        if !self.owner.table().settle(self.owner.id(), hash, &ticket) {
            return;
        }
        match scope {
            Scope::Transaction => self.held.push(Held { hash, mode }),
            Scope::Session if about_to_count == Some((hash, mode)) => {}
            Scope::Session => self.owner.release_uncounted(hash, mode),
        }
    }

    /// How many locks it holds, with what became of the last wait.
    pub(super) fn settled_locks(&mut self) -> usize {
        self.settle_pending(None);
        self.held.len()
    }

    /// The queue place behind the last [`crate::base::Flow::Wait`].
    pub fn take_wait(&mut self) -> Option<LockWait> {
        self.wait.take()
    }

    pub fn savepoint(&mut self) -> Savepoint {
        let locks = self.settled_locks();
        Savepoint { writes: self.writes.mark(), locks }
    }

    /// Undoes the writes and releases the locks since the savepoint, which stays.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        self.settle_pending(None);
        self.writes.undo_to(savepoint.writes);
        self.own_before = self.own_before.min(savepoint.writes.changes());
        self.release_locks(savepoint.locks);
    }

    /// Forgets the savepoint and keeps what came after it.
    pub fn release(&mut self, _savepoint: Savepoint) {}

    /// Undoes everything and releases the locks. The transaction is as new, with no statement begun.
    pub fn rollback(&mut self) {
        if !self.writes.is_empty() {
            self.writes.reset();
        }
        self.end();
    }

    /// Makes a new transaction, with an id of its own, of one that has been committed or rolled back.
    pub fn renew(&mut self, isolation: Isolation) {
        debug_assert!(self.writes.is_empty() && self.held.is_empty() && self.snapshot.is_none(), "it has ended");
        self.id = self.shared.new_txn_id();
        self.floor = AtomicU64::new(0);
        self.set_isolation(isolation, false);
    }

    /// Lets go of everything but the writes, which are committed or gone.
    pub(super) fn end(&mut self) {
        self.settle_pending(None);
        self.release_locks(0);
        self.snapshot = None;
        self.conflicts = None;
        self.runs_again = false;
        self.own_before = 0;
        self.reads = noted_reads(self.isolation, self.read_only);
    }

    /// Newest first: whoever waits for several gets the one it will need last, last.
    fn release_locks(&mut self, keep: usize) {
        self.covers.release(keep);
        if self.held.len() <= keep {
            return;
        }
        let (table, owner) = (self.owner.table(), self.owner.id());
        let mut notes = self.owner.notes().lock();
        for Held { hash, mode } in self.held.drain(keep..).rev() {
            if !notes.release(hash, mode) {
                table.release(owner, hash, mode, Scope::Transaction);
            }
        }
    }

    /// The snapshot that SERIALIZABLE validates from.
    /// Of the snapshot that is open, if one is.
    pub fn snapshot_lsn(&self) -> Option<Lsn> {
        self.snapshot.as_ref().map(Registration::lsn)
    }
}

/// Where to note what is read. Who only reads is never refused, so nothing is noted then.
fn noted_reads(isolation: Isolation, read_only: bool) -> Option<Mutex<Reads>> {
    (isolation == Isolation::Serializable && !read_only).then(Mutex::default)
}

impl Drop for Txn {
    fn drop(&mut self) {
        self.settle_pending(None);
        self.release_locks(0);
    }
}
