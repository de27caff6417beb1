//! One open database of trees: opens it, recovers it, begins transactions on it, closes it.
//!
//! Entry points: [`Engine::open`], [`Engine::begin_as`], [`Engine::wait_durable`], [`Engine::close`]; [`Engine::follower`] and
//! [`Engine::lead`] on a node that copies another's log, [`BaseCopy`] and [`BaseWriter`] to begin one; [`Engine::check`] for the
//! files of a stopped one.
//!
//! Must not know: tables, rows, SQL, clients.
//!
//! Invariants:
//! 1. After `open` the trees hold exactly the transactions whose records in the log are complete, in its order.
//! 2. A commit that [`Engine::wait_durable`] has answered survives every crash; one that survives is whole; those that
//!    survive are a prefix of the log.
//!
//! 3. The log before the newest checkpoint is not needed to open.
//!
//! Threads: every method may be called from any thread. `open`, `close`, `checkpoint` and the blocking forms block. The
//! thread `checkpoint` makes checkpoints when they are due.
//!
//! After a crash: `open` again, from the newest checkpoint and the log after it; it changes nothing that was durable, so a
//! crash during it does no harm.
//!
//! Read in this order: `replay.rs`, `recovery.rs`, `gather.rs`, `checkpoint.rs`, this file, `follow.rs`, `copy.rs`, `format.rs`,
//! `at_rest.rs`, `verify.rs`.

mod at_rest;
mod checkpoint;
mod copy;
mod follow;
mod format;
mod gather;
mod recovery;
mod replay;
mod verify;

#[cfg(test)]
mod isolation_tests;
#[cfg(test)]
mod log_tests;
#[cfg(test)]
mod sim_tests;
#[cfg(test)]
mod standby_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod verify_tests;

pub use at_rest::AtRest;
pub use checkpoint::CheckpointOptions;
pub use copy::{BaseCopy, BaseHead, BaseWriter};
pub use follow::{Applied, Follower};
pub use format::{FORMAT, FORMAT_FILE, check_empty, settle_format, write_format};
pub use replay::KIND_RESTORE_POINT;
pub use verify::EngineCheck;

use crate::base::{Error, Flow, Lsn, Result, SqlState, TreeId};
use crate::io::{Clock, Disk, Entropy};
use crate::storage::batch::{KIND_BATCH, KIND_END};
use crate::storage::{
    CheckpointPin, Cursor, Direction, Entries, KeyRange, PAGE_BYTES, PagedOptions, PagedStore, PagerOptions,
    PagerStats, SpillOptions, Store, StoreStats, UndoOptions,
};
use crate::txn::{Access, Found, Isolation, LockLine, OnFatal, Owner, Safety, Standbys, Transactions, Txn, TxnOptions};
use crate::wal::{Record, Wal, WalOptions};
use checkpoint::{Checkpointer, Pace};
use parking_lot::Mutex;
use recovery::{PARTS_AHEAD, Recovery, Unfinished, apply_all};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};

/// How many old versions are looked at between two looks at what is still needed.
const PURGE_STEP: usize = 4096;

/// How many entries are visited at a time.
const VISITED: usize = 1024;

/// The trees.
pub const DATA_FILE: &str = "data";
/// The folder of the log, unless the options say otherwise.
pub const WAL_DIR: &str = "wal";
/// Old versions that do not fit in memory; worth nothing after a restart.
const UNDO_FILE: &str = "undo.tmp";

#[derive(Clone)]
pub struct EngineOptions {
    /// The folder of the log, on the disk that is passed to [`Engine::open`].
    pub wal_dir: String,
    pub wal: WalOptions,
    /// Memory for pages.
    pub buffer_bytes: u64,
    /// Memory for old versions; what is more goes to a temporary file.
    pub undo_bytes: u64,
    pub page_bytes: usize,
    pub checkpoint: CheckpointOptions,
    pub txn: TxnOptions,
    /// The log is a copy of another node's, which grows by what comes from there; nobody commits here.
    pub follows: bool,
    /// Told the error of the first failed write or read of the trees' file, after which nothing can be relied on. It
    /// should not return; the default aborts the process.
    pub on_fatal: OnFatal,
}

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions {
            wal_dir: WAL_DIR.to_string(),
            wal: WalOptions::default(),
            buffer_bytes: 128 << 20,
            undo_bytes: 64 << 20,
            page_bytes: PAGE_BYTES,
            checkpoint: CheckpointOptions::default(),
            txn: TxnOptions::default(),
            follows: false,
            on_fatal: Arc::new(|e| {
                tracing::error!("the data file cannot be written, the process stops: {e}");
                std::process::abort();
            }),
        }
    }
}

impl EngineOptions {
    fn paged(&self, disk: &Arc<dyn Disk>) -> PagedOptions {
        let frames = (self.buffer_bytes / self.page_bytes as u64) as usize;
        let pager = PagerOptions { page_bytes: self.page_bytes, frames, ..PagerOptions::default() };
        let spill = SpillOptions { disk: Arc::clone(disk), path: UNDO_FILE.to_string() };
        let undo = UndoOptions { memory_bytes: self.undo_bytes, spill: Some(spill), ..UndoOptions::default() };
        PagedOptions { file: DATA_FILE.to_string(), pager, undo }
    }
}

/// An open database.
pub struct Engine {
    store: Arc<PagedStore>,
    wal: Arc<Wal>,
    transactions: Arc<Transactions>,
    checkpointer: Arc<Checkpointer>,
    checkpoint_thread: Mutex<Option<JoinHandle<()>>>,
    /// The log had transactions behind the newest checkpoint.
    recovered: AtomicBool,
    /// Where the follower goes on, until there is one.
    following: Mutex<Option<Unfinished>>,
}

impl Engine {
    /// Opens the database, making it when there is none.
    ///
    /// 1. The newest checkpoint gives the trees as they were at its LSN.
    /// 2. The log after that LSN is applied to them.
    /// 3. The log ends where its last whole record ends; new records go there.
    ///
    /// Errors: XX001 when the log or a page is damaged; 0A000 when they were written by a newer version; those of the disk.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
        options: EngineOptions,
    ) -> Result<Arc<Engine>> {
        let paged = options.paged(&disk);
        let EngineOptions { wal_dir, mut wal, checkpoint, mut txn, follows, on_fatal, .. } = options;
        wal.incarnation &= !follows;
        txn.scratch.get_or_insert_with(|| Arc::clone(&disk));
        let (store, opened) = PagedStore::open(Arc::clone(&disk), paged)?;
        let mut recovered = false;
        let (wal, (next_tree, unfinished)) = thread::scope(|scope| {
            let (applier, work) = sync_channel(PARTS_AHEAD);
            let apply = || apply_all(&*store, work);
            let applying = thread::Builder::new().name("recover".into()).spawn_scoped(scope, apply)?;
            let mut recovery = Recovery::new(applier, opened.next_tree, &*clock);
            let replay = |record: Record<'_>| {
                recovered |= matches!(record.kind, KIND_BATCH | KIND_END);
                recovery.replay(&record)
            };
            let wal = Wal::open(disk, clock.clone(), entropy, &wal_dir, wal, opened.lsn, replay);
            // In any case it ends here, and with it the other thread.
            let finished = recovery.finish();
            applying.join().map_err(|_| Error::internal("the thread that applies the log panicked"))??;
            Ok::<_, Error>((Arc::new(wal?), finished?))
        })?;
        let found = Found { next_tree, follows, parts_open: follows && unfinished.replay.is_open() };
        let transactions = Transactions::new(store.clone(), Arc::clone(&wal), found, txn, on_fatal.clone());
        let automatic = checkpoint.automatic;
        let checkpointer =
            Checkpointer::new(store.clone(), wal.clone(), transactions.clone(), clock, checkpoint, opened.lsn);
        let thread = if automatic { Some(checkpointer.spawn(on_fatal)?) } else { None };
        let (checkpoint_thread, following) = (Mutex::new(thread), Mutex::new(follows.then_some(unfinished)));
        let recovered = AtomicBool::new(recovered && !follows);
        Ok(Arc::new(Engine { store, wal, transactions, checkpointer, checkpoint_thread, recovered, following }))
    }

    /// Begins a transaction of no session.
    pub fn begin(&self, isolation: Isolation) -> Txn {
        self.transactions.begin(&self.transactions.owner(0), isolation)
    }

    /// A session towards the lock table. `process` is its number in deadlock reports and `pg_locks`.
    pub fn owner(&self, process: i32) -> Owner {
        self.transactions.owner(process)
    }

    /// Begins a transaction of a session, which has no other one open.
    pub fn begin_as(&self, owner: &Owner, isolation: Isolation) -> Txn {
        self.transactions.begin(owner, isolation)
    }

    /// Everything up to here survives a crash.
    pub fn durable(&self) -> Lsn {
        self.wal.durable()
    }

    /// Everything up to here is visible to writers.
    pub fn applied(&self) -> Lsn {
        self.transactions.applied()
    }

    /// Resolves when everything up to `lsn` is durable.
    pub fn wait_durable(&self, lsn: Lsn) -> impl Future<Output = Result<()>> + Send + use<> {
        self.wal.wait(lsn)
    }

    pub fn wait_durable_blocking(&self, lsn: Lsn) -> Result<()> {
        self.wal.wait_blocking(lsn)
    }

    /// From now on commits wait for standbys, or do not. After a crash, what has been recovered may not be shown before they
    /// have it: nobody knows whether they do.
    pub fn require_standbys(&self, required: bool) {
        self.transactions.require_standbys(required, self.recovered.swap(false, Relaxed));
    }

    /// Commits that wait for other nodes.
    pub fn standbys(&self) -> &Arc<Standbys> {
        self.transactions.standbys()
    }

    /// What a reader may see who has seen nothing yet.
    pub fn readable(&self) -> Lsn {
        self.transactions.readable(Lsn::ZERO)
    }

    /// A commit is acknowledged before it is durable (`synchronous_commit = off`): every reader sees it from now on.
    pub fn acknowledge(&self, lsn: Lsn) {
        self.transactions.acknowledge(lsn);
    }

    /// Runs a small transaction of its own and commits it without waiting for durability (sequences). The LSN of its
    /// commit belongs into [`Txn::raise_floor`] of the transaction that uses the result. `work` runs again after a lock wait, which
    /// blocks the thread, and after a restart; it must not need a lock that its caller's transaction holds.
    pub fn autonomous<T>(&self, work: impl FnMut(&mut Txn) -> Result<T>) -> Result<(T, Lsn)> {
        self.autonomous_as(Safety::Local, work)
    }

    /// The same, to be as safe as `safety` says.
    pub fn autonomous_as<T>(&self, safety: Safety, mut work: impl FnMut(&mut Txn) -> Result<T>) -> Result<(T, Lsn)> {
        let never = AtomicBool::new(false);
        let mut txn = self.begin(Isolation::ReadCommitted);
        txn.set_safety(safety);
        loop {
            let statement = txn.begin_statement(Access::Write)?;
            match work(&mut txn) {
                Ok(result) => return Ok((result, txn.commit()?.wait_for)),
                Err(e) if e.flow() == Flow::Fail => return Err(e),
                Err(_) => {
                    txn.undo_statement(statement);
                    txn.end_statement();
                    if let Some(wait) = txn.take_wait() {
                        wait.wait_blocking(None, &never)?;
                    }
                }
            }
        }
    }

    /// Forgets all old versions that nobody needs. Commits do a little of it; a server calls this now and then, for when
    /// there are none.
    pub fn purge(&self) {
        while self.transactions.purge(PURGE_STEP) {}
    }

    /// Who holds and who waits for locks.
    pub fn lock_snapshot(&self) -> Vec<LockLine> {
        self.transactions.lock_lines()
    }

    /// The processes of the sessions that one waits for.
    pub fn blocking(&self, process: i32) -> BTreeSet<i32> {
        self.transactions.blocking(process)
    }

    /// The LSNs of open snapshots, in no order.
    pub fn open_snapshots(&self) -> Vec<Lsn> {
        self.transactions.open_snapshots()
    }

    /// The trees that exist, ascending: none in a fresh directory.
    pub fn trees(&self) -> Vec<TreeId> {
        self.store.trees()
    }

    /// Hands all entries of a tree to `visit`, in order and a run at a time, as they were at `at`, of which a snapshot is open.
    pub fn visit_at(&self, tree: TreeId, at: Lsn, visit: &mut dyn FnMut(&Entries) -> Result<()>) -> Result<()> {
        let mut cursor = Cursor::new(KeyRange::all(), Direction::Forward);
        let mut entries = Entries::new();
        while !cursor.done {
            entries.clear();
            self.store.scan(tree, at, &mut cursor, &mut entries, VISITED)?;
            visit(&entries)?;
        }
        Ok(())
    }

    /// Walks everything; slow.
    pub fn stats(&self) -> StoreStats {
        self.store.stats()
    }

    /// Walks everything and checks the invariants of the trees; slow. Commits must rest.
    pub fn verify(&self) -> Result<()> {
        self.store.verify()
    }

    /// Makes a checkpoint of what is applied, as fast as it goes, and answers its LSN.
    ///
    /// Errors: 53100 when the disk is full; nothing is lost then.
    pub fn checkpoint(&self) -> Result<Lsn> {
        self.checkpointer.run(Pace::Fast)
    }

    /// Makes a checkpoint of what is applied at the pace of those that are made by themselves.
    pub fn checkpoint_spread(&self) -> Result<Lsn> {
        self.checkpointer.run(Pace::Spread)
    }

    /// Keeps the newest checkpoint readable until the pin is dropped. None before the first checkpoint.
    pub fn pin(&self) -> Option<CheckpointPin> {
        self.store.pager().pin()
    }

    pub fn wal(&self) -> &Arc<Wal> {
        &self.wal
    }

    /// Names this place of the log, and answers it.
    pub fn restore_point(&self, name: &str) -> Result<Lsn> {
        if self.follows() {
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "recovery is in progress")
                .hint("WAL control functions cannot be executed during recovery."));
        }
        // Nobody else appends meanwhile: a commit relies on the room that the log has promised to it.
        self.transactions.at_rest(|_, _| self.wal.append(KIND_RESTORE_POINT, name.as_bytes()))
    }

    pub fn pager_stats(&self) -> PagerStats {
        self.store.pager().stats()
    }

    /// Makes everything durable, makes a checkpoint so that the next start is quick, and ends the threads. Commits
    /// afterwards fail to become durable.
    pub fn close(&self) -> Result<()> {
        self.stop_checkpoints();
        let checkpoint = self.checkpoint();
        self.wal.close()?;
        checkpoint.map(drop)
    }

    fn stop_checkpoints(&self) {
        self.checkpointer.stop();
        if let Some(thread) = self.checkpoint_thread.lock().take() {
            // It panicked at worst, and said so.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop_checkpoints();
    }
}
