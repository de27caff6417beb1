//! Transactions. (Signatures first; the bodies follow.)

pub mod locks;

use crate::base::{Lsn, Result, TreeId};
use crate::storage::{Direction, Entries, KeyRange};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use locks::{LockKey, LockMode, Locked, Wait};

const LATER: &str = "the bodies of these signatures are being written";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxnId(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

/// What a statement is going to do, which decides the snapshot it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads only: the durable prefix.
    Read,
    /// Writes or locks rows: the applied prefix.
    Write,
}

/// Marks a statement's start, for [`Txn::undo_statement`]. Statements nest (functions, triggers).
#[derive(Clone, Copy, Debug)]
pub struct Statement(());

/// Marks a savepoint, for [`Txn::rollback_to`].
#[derive(Clone, Copy, Debug)]
pub struct Savepoint(());

/// What a statement sees: a snapshot, kept alive by this value, and the transaction's own writes made before it.
#[derive(Clone)]
pub struct ReadView(());

impl ReadView {
    pub fn lsn(&self) -> Lsn {
        unimplemented!("{LATER}")
    }
}

/// Whether a row is still as a view shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Currency {
    Current,
    Updated,
    Deleted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Of the commit record; `None` when nothing was written.
    pub lsn: Option<Lsn>,
    /// The client may be told of success when this much of the log is durable.
    pub wait_for: Lsn,
}

/// How a blocking wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    Granted,
    TimedOut,
    Cancelled,
}

/// A place in a lock's queue: a future that is ready when the lock is granted. Dropping it leaves the queue.
pub struct LockWait(());

impl LockWait {
    /// `timeout: None` waits for ever. Error: the server stops.
    pub fn wait_blocking(self, _timeout: Option<Duration>, _cancelled: &AtomicBool) -> Result<Waited> {
        unimplemented!("{LATER}")
    }
}

impl Future for LockWait {
    type Output = Result<()>;
    fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        unimplemented!("{LATER}")
    }
}

/// One transaction. Dropping it rolls back.
pub struct Txn(());

#[allow(unused_variables)]
impl Txn {
    pub fn id(&self) -> TxnId {
        unimplemented!("{LATER}")
    }
    pub fn isolation(&self) -> Isolation {
        unimplemented!("{LATER}")
    }
    /// Before the first statement: SET TRANSACTION.
    pub fn set_isolation(&mut self, isolation: Isolation, read_only: bool) {
        unimplemented!("{LATER}")
    }
    /// Later statements read at least this much; COMMIT waits for it. A session passes what its earlier transactions saw.
    pub fn raise_floor(&self, lsn: Lsn) {
        unimplemented!("{LATER}")
    }
    /// What the transaction has seen so far: the next transaction of the session starts from it.
    pub fn floor(&self) -> Lsn {
        unimplemented!("{LATER}")
    }
    /// Chooses the statement's snapshot, begins a new command, and marks the write set.
    pub fn begin_statement(&mut self, access: Access) -> Result<Statement> {
        unimplemented!("{LATER}")
    }
    /// READ COMMITTED lets go of the statement's snapshot (views that are still around keep theirs).
    pub fn end_statement(&mut self) {
        unimplemented!("{LATER}")
    }
    /// Pops the writes made since the statement began, keeps the locks. Undoing an outer statement undoes inner ones.
    pub fn undo_statement(&mut self, statement: Statement) {
        unimplemented!("{LATER}")
    }
    /// Own writes so far become visible to views taken from now on.
    pub fn next_command(&mut self) {
        unimplemented!("{LATER}")
    }
    /// The current statement's snapshot with the own writes of earlier commands. Needs a begun statement.
    pub fn view(&self) -> ReadView {
        unimplemented!("{LATER}")
    }
    /// Appends the value to the cleared `out`; false when there is no such key.
    pub fn get(&self, view: &ReadView, tree: TreeId, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        unimplemented!("{LATER}")
    }
    /// Like `get`, on the latest committed state with all own writes: meaningful under a lock.
    pub fn get_latest(&self, tree: TreeId, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        unimplemented!("{LATER}")
    }
    /// Whether somebody has committed a newer version of the row than `view` shows.
    pub fn currency(&self, view: &ReadView, tree: TreeId, key: &[u8]) -> Result<Currency> {
        unimplemented!("{LATER}")
    }
    /// `currency` as an error: a restart in READ COMMITTED, 40001 otherwise.
    pub fn check_current(&self, view: &ReadView, tree: TreeId, key: &[u8]) -> Result<()> {
        unimplemented!("{LATER}")
    }
    /// Whether this transaction wrote the key after `view` was taken (PostgreSQL's TM_SelfModified).
    pub fn wrote_since(&self, view: &ReadView, tree: TreeId, key: &[u8]) -> bool {
        unimplemented!("{LATER}")
    }
    pub fn scan(&self, view: ReadView, tree: TreeId, range: KeyRange, direction: Direction) -> Scan {
        unimplemented!("{LATER}")
    }
    /// Like `scan`, on the latest committed state with all own writes made before the call.
    pub fn scan_latest(&self, tree: TreeId, range: KeyRange, direction: Direction) -> Scan {
        unimplemented!("{LATER}")
    }
    /// 53400 when the write set is full; nothing is lost then.
    pub fn put(&mut self, tree: TreeId, key: &[u8], value: &[u8]) -> Result<()> {
        unimplemented!("{LATER}")
    }
    pub fn delete(&mut self, tree: TreeId, key: &[u8]) -> Result<()> {
        unimplemented!("{LATER}")
    }
    /// A new tree that exists from the commit on, and for this transaction at once.
    pub fn create_tree(&mut self) -> Result<TreeId> {
        unimplemented!("{LATER}")
    }
    pub fn drop_tree(&mut self, tree: TreeId) -> Result<()> {
        unimplemented!("{LATER}")
    }
    /// Nothing was written so far.
    pub fn is_clean(&self) -> bool {
        unimplemented!("{LATER}")
    }
    /// Error: a [`crate::base::Flow::Wait`] when it queued (see `take_wait`), 40P01 when waiting would deadlock.
    pub fn lock(&mut self, key: &LockKey<'_>, mode: LockMode, wait: Wait) -> Result<Locked> {
        unimplemented!("{LATER}")
    }
    /// The queue place behind the last [`crate::base::Flow::Wait`].
    pub fn take_wait(&mut self) -> Option<LockWait> {
        unimplemented!("{LATER}")
    }
    pub fn savepoint(&mut self) -> Savepoint {
        unimplemented!("{LATER}")
    }
    /// Undoes the writes and releases the locks since the savepoint, which stays.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        unimplemented!("{LATER}")
    }
    pub fn release(&mut self, savepoint: Savepoint) {
        unimplemented!("{LATER}")
    }
    /// Makes the writes visible to all and ends the transaction. On an error it is rolled back.
    pub fn commit(&mut self) -> Result<Committed> {
        self.commit_with(|_| {})
    }
    /// `publish` runs under the writer lock right before the commit becomes visible, if anything was written.
    pub fn commit_with(&mut self, publish: impl FnOnce(Lsn)) -> Result<Committed> {
        unimplemented!("{LATER}")
    }
    pub fn rollback(&mut self) {
        unimplemented!("{LATER}")
    }
}

/// A scan in progress. It borrows nothing.
pub struct Scan(());

impl Scan {
    /// Refills `out` with up to `max` entries; false when these were the last ones.
    pub fn next(&mut self, _txn: &Txn, _out: &mut Entries, _max: usize) -> Result<bool> {
        unimplemented!("{LATER}")
    }
}
