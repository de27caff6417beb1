//! One open database of trees: opens it, recovers it, begins transactions on it, closes it.
//!
//! Entry points: [`Engine::open`], [`Engine::begin_as`], [`Engine::wait_durable`], [`Engine::close`].
//!
//! Must not know: tables, rows, SQL, clients.
//!
//! Invariants:
//! 1. After `open` the trees hold exactly the transactions whose records in the log are complete, in its order.
//! 2. A commit that [`Engine::wait_durable`] has answered survives every crash; one that survives is whole; those that
//!    survive are a prefix of the log.
//!
//! Threads: every method may be called from any thread. `open`, `close` and the blocking forms block.
//!
//! After a crash: `open` again; it changes nothing that was durable, so a crash during it does no harm.
//!
//! Read in this order: `recovery.rs`, this file.

mod recovery;

#[cfg(test)]
mod sim_tests;
#[cfg(test)]
mod tests;

use crate::base::{Flow, Lsn, Result, TreeId};
use crate::io::{Clock, Disk, Entropy};
use crate::storage::{MemStore, Store, StoreStats};
use crate::txn::{Access, Isolation, LockLine, Owner, Transactions, Txn, TxnOptions};
use crate::wal::{Wal, WalOptions};
use recovery::Recovery;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How many old versions are looked at between two looks at what is still needed.
const PURGE_STEP: usize = 4096;

#[derive(Clone)]
pub struct EngineOptions {
    /// The folder of the log, on the disk that is passed to [`Engine::open`].
    pub wal_dir: String,
    pub wal: WalOptions,
    pub txn: TxnOptions,
}

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions { wal_dir: "wal".to_string(), wal: WalOptions::default(), txn: TxnOptions::default() }
    }
}

/// An open database.
pub struct Engine {
    store: Arc<dyn Store>,
    wal: Arc<Wal>,
    transactions: Arc<Transactions>,
}

impl Engine {
    /// Opens the database, making it when there is none, and replays its log.
    ///
    /// Errors: XX001 when the log is damaged; 0A000 when it was written by a newer version; those of the disk.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
        options: EngineOptions,
    ) -> Result<Arc<Engine>> {
        let EngineOptions { wal_dir, wal, txn } = options;
        let store = Arc::new(MemStore::new());
        let mut recovery = Recovery::new(&*store);
        let wal = Wal::open(disk, clock, entropy, &wal_dir, wal, Lsn::ZERO, |record| recovery.replay(&record))?;
        let next_tree = recovery.finish();
        let wal = Arc::new(wal);
        let store: Arc<dyn Store> = store;
        let transactions = Transactions::new(Arc::clone(&store), Arc::clone(&wal), next_tree, txn);
        Ok(Arc::new(Engine { store, wal, transactions }))
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

    /// A commit is acknowledged before it is durable (`synchronous_commit = off`): every reader sees it from now on.
    pub fn acknowledge(&self, lsn: Lsn) {
        self.transactions.acknowledge(lsn);
    }

    /// Runs a small transaction of its own and commits it without waiting for durability (sequences). The LSN of its
    /// commit belongs into [`Txn::raise_floor`] of the transaction that uses the result. `work` runs again after a lock wait, which
    /// blocks the thread, and after a restart; it must not need a lock that its caller's transaction holds.
    pub fn autonomous<T>(&self, mut work: impl FnMut(&mut Txn) -> Result<T>) -> Result<(T, Lsn)> {
        let never = AtomicBool::new(false);
        let mut txn = self.begin(Isolation::ReadCommitted);
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

    /// The LSNs of open snapshots, in no order.
    pub fn open_snapshots(&self) -> Vec<Lsn> {
        self.transactions.open_snapshots()
    }

    /// The trees that exist, ascending: none in a fresh directory.
    pub fn trees(&self) -> Vec<TreeId> {
        self.store.trees()
    }

    /// Walks everything; slow.
    pub fn stats(&self) -> StoreStats {
        self.store.stats()
    }

    /// Walks everything and checks the invariants of the trees; slow. Commits must rest.
    pub fn verify(&self) -> Result<()> {
        self.store.verify()
    }

    /// Makes everything durable and ends the log's threads. Commits afterwards fail to become durable.
    pub fn close(&self) -> Result<()> {
        self.wal.close()
    }
}
