//! What all transactions of one database share: the trees, the log, the snapshots, the locks, and the one writer lock.

use super::lock::{LockLine, LockTable, Owner};
use super::standbys::{Safety, Standbys};
use super::transaction::Txn;
use super::view::{Isolation, TxnId};
use crate::base::{Error, Lsn, Result, SqlState, TreeId};
use crate::io::Disk;
use crate::storage::{Needed, PagedStore, Snapshots, Store};
use crate::wal::Wal;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

#[derive(Clone)]
pub struct TxnOptions {
    /// How many bytes the uncommitted changes of one transaction may take,
    pub write_set_bytes_max: u64,
    /// and from where on they go to the disk.
    pub write_set_memory_bytes: u64,
    /// `None` keeps all of them in memory.
    pub scratch: Option<Arc<dyn Disk>>,
    /// A transaction that has locked so many rows and keys of a table tries to lock the table (`cover.rs`).
    pub table_lock_threshold: u32,
}

impl Default for TxnOptions {
    fn default() -> Self {
        TxnOptions {
            write_set_bytes_max: 1 << 40,
            write_set_memory_bytes: 256 << 20,
            scratch: None,
            table_lock_threshold: 1_000_000,
        }
    }
}

/// Told the first error after which nothing can be relied on. It should not return; a server's ends the process.
pub type OnFatal = Arc<dyn Fn(&Error) + Send + Sync>;

/// What only the one that commits may touch.
#[derive(Default)]
pub(super) struct Writer {
    /// Changes since a commit purged last.
    pub(super) unpurged: usize,
}

pub struct Transactions {
    pub(super) store: Arc<PagedStore>,
    pub(super) wal: Arc<Wal>,
    pub(super) snapshots: Arc<Snapshots>,
    /// Snapshots of SERIALIZABLE transactions: the changes after the oldest must be known.
    pub(super) conflicts: Arc<Snapshots>,
    locks: Arc<LockTable>,
    /// Held while a commit in parts is under way, and while a checkpoint is begun: none lies in the middle of one.
    pub(super) large: Mutex<()>,
    /// Held from the check of a commit to its becoming visible.
    pub(super) writer: Mutex<Writer>,
    pub(super) options: TxnOptions,
    on_fatal: OnFatal,
    /// Why the trees can no longer be relied on.
    failure: Mutex<Option<Error>>,
    /// What the trees held when they were opened: nothing before it can be shown.
    opened: Lsn,
    /// Everything up to here is in the trees.
    applied: AtomicU64,
    /// Commits up to here were acknowledged without waiting; every reader sees them.
    acknowledged: AtomicU64,
    next_txn: AtomicU64,
    next_owner: AtomicU32,
    pub(super) next_tree: AtomicU32,
    /// Commits that wait for other nodes.
    pub(super) standbys: Arc<Standbys>,
    /// The log is another node's, and what comes with it is all that changes the trees.
    pub(super) follows: AtomicBool,
    /// The log ends in the middle of a transaction in parts.
    pub(super) parts_open: AtomicBool,
}

/// How the log was found.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The first tree id that was never used.
    pub next_tree: TreeId,
    pub follows: bool,
    pub parts_open: bool,
}

impl Transactions {
    /// The trees hold everything that the log holds.
    pub fn new(
        store: Arc<PagedStore>,
        wal: Arc<Wal>,
        found: Found,
        options: TxnOptions,
        on_fatal: OnFatal,
    ) -> Arc<Transactions> {
        let end = wal.appended();
        Arc::new(Transactions {
            store,
            wal,
            snapshots: Arc::default(),
            conflicts: Arc::default(),
            locks: Arc::new(LockTable::new()),
            large: Mutex::default(),
            writer: Mutex::default(),
            options,
            on_fatal,
            failure: Mutex::default(),
            opened: end,
            applied: AtomicU64::new(end.0),
            acknowledged: AtomicU64::new(0),
            // Ids go on from the log's length, so they rarely repeat after a restart.
            next_txn: AtomicU64::new(end.0.max(3)),
            next_owner: AtomicU32::new(1),
            next_tree: AtomicU32::new(found.next_tree.0),
            standbys: Arc::default(),
            follows: AtomicBool::new(found.follows),
            parts_open: AtomicBool::new(found.parts_open),
        })
    }

    pub fn begin(self: &Arc<Self>, owner: &Owner, isolation: Isolation) -> Txn {
        Txn::new(Arc::clone(self), owner.clone(), self.new_txn_id(), isolation)
    }

    pub(super) fn new_txn_id(&self) -> TxnId {
        TxnId(self.next_txn.fetch_add(1, Relaxed))
    }

    /// `process` is the session's number in deadlock reports and `pg_locks`.
    pub fn owner(&self, process: i32) -> Owner {
        Owner::new(&self.locks, process, self.next_owner.fetch_add(1, Relaxed))
    }

    pub fn applied(&self) -> Lsn {
        Lsn(self.applied.load(Acquire))
    }

    pub(super) fn set_applied(&self, lsn: Lsn) {
        self.applied.store(lsn.0, Release);
    }

    /// What a reader may see who has seen everything up to `floor`.
    pub fn readable(&self, floor: Lsn) -> Lsn {
        let acknowledged = Lsn(self.acknowledged.load(Acquire));
        // The log may be durable a moment before the trees have it.
        let applied = self.applied();
        // Looked at last: what is applied by now was noted before.
        self.wal
            .durable()
            .max(acknowledged)
            .min(applied)
            .min(self.standbys.shown())
            .max(floor.max(self.opened).min(applied))
    }

    /// From now on commits wait for standbys, or do not. `all`: what the trees hold may not be shown before those have it.
    pub fn require_standbys(&self, required: bool, all: bool) {
        let _writer = self.writer.lock();
        self.standbys.require(required);
        if all {
            self.standbys.note(self.applied(), Safety::Flushed);
        }
    }

    pub fn standbys(&self) -> &Arc<Standbys> {
        &self.standbys
    }

    /// A commit is acknowledged before it is durable (`synchronous_commit = off`): readers see it from now on.
    pub fn acknowledge(&self, lsn: Lsn) {
        self.acknowledged.fetch_max(lsn.0, AcqRel);
    }

    pub(super) fn new_tree_id(&self) -> Result<TreeId> {
        let id = self.next_tree.fetch_update(Relaxed, Relaxed, |id| id.checked_add(1));
        let full = |_| Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "no tree number is left");
        id.map(TreeId).map_err(full)
    }

    /// What must stay readable. Commits that are not durable yet, or wait for standbys, do not count as seen by everybody: a
    /// reader of what is before them may come any moment.
    fn needed(&self) -> Needed {
        let floor = self.wal.durable().min(self.applied()).min(self.standbys.shown());
        let changes_after = self.conflicts.needed(floor).oldest();
        Needed { changes_after, ..self.snapshots.needed(floor) }
    }

    /// Commits are impossible from now on.
    pub fn fail(&self, e: Error) -> Error {
        (self.on_fatal)(&e);
        self.failure.lock().get_or_insert_with(|| e.clone());
        e
    }

    /// The caller holds the writer lock.
    pub(super) fn check_failure(&self) -> Result<()> {
        self.failure.lock().clone().map_or(Ok(()), Err)
    }

    /// Calls `f` while no commit is under way, with what is applied and the tree id that the next tree will get at least.
    /// Commits wait meanwhile.
    pub fn at_rest<T>(&self, f: impl FnOnce(Lsn, TreeId) -> T) -> T {
        let _large = self.large.lock();
        let _writer = self.writer.lock();
        f(self.applied(), TreeId(self.next_tree.load(Relaxed)))
    }

    /// Forgets old versions, about `budget` of them; true when there may be more.
    pub fn purge(&self, budget: usize) -> bool {
        self.store.purge(&self.needed(), budget)
    }

    /// Who holds and who waits.
    pub fn lock_lines(&self) -> Vec<LockLine> {
        self.locks.lines()
    }

    /// The processes that one waits for.
    pub fn blocking(&self, process: i32) -> BTreeSet<i32> {
        self.locks.blocking(process)
    }

    /// The LSNs of open snapshots.
    pub fn open_snapshots(&self) -> Vec<Lsn> {
        self.snapshots.open()
    }
}
