//! Transactions on trees: private write sets, snapshots, locks, savepoints and commit.
//!
//! Entry points: [`Transactions`] begins them; [`Txn`] is one; [`ReadView`] is what a statement sees, [`Scan`] a scan of
//! it; [`LockKey`], [`LockMode`] and [`LockWait`] are the locks; [`Owner`] is a session towards the lock table.
//!
//! Must not know: tables, rows, SQL, the wire; how a log record reaches the disk.
//!
//! Invariants:
//! 1. What a transaction writes is seen by nobody else before its commit, and by itself from its next command on.
//! 2. A commit becomes visible whole, at one LSN; visibility follows the order of the log.
//! 3. A reader of [`Access::Read`] sees nothing that a crash could take back, nor what waits for standbys and could be lost
//!    with this node; and a session never sees less than before.
//! 4. A transaction that saw something not yet durable is acknowledged only after that is.
//! 5. Locks are held until the commit is visible. No two holders conflict; whoever waits is granted, leaves, or is told
//!    of a deadlock.
//! 6. After a failed statement is undone the write set is as before it; its locks stay.
//!
//! How a statement goes: `begin_statement`, then reads through `view()` and writes. A row to change is locked, then
//! `check_current`. Errors with a flow end the statement: [`crate::base::Flow::Wait`]: `undo_statement`, await
//! `take_wait()`, run again; [`crate::base::Flow::Restart`]: `undo_statement`, run again. Then `end_statement`.
//!
//! Threads: a transaction belongs to one thread at a time. Locks, in order: large; writer; the store's; the waits mutex, a
//! shard of the lock table, a ticket. Only the commit, and the beginning of a checkpoint, hold the writer lock, and only it may block there, on the log's
//! window. Waiting for a row lock holds nothing.
//!
//! After a crash: transactions without a complete record in the log never were.
//!
//! Read in this order: `view.rs`, `write_set.rs`, `transactions.rs`, `transaction.rs`, `scan.rs`, `lock/mod.rs`,
//! `cover.rs`, `reads.rs`, `standbys.rs`, `commit.rs`, `replay.rs`.

mod commit;
mod cover;
mod lock;
mod reads;
mod replay;
mod scan;
mod standbys;
mod transaction;
mod transactions;
mod view;
mod write_set;

pub use cover::{LockTarget, Rivals};
pub use lock::{LockKey, LockLine, LockMode, LockTag, LockWait, Locked, Owner, OwnerId, Wait, Waited};
pub use replay::Incoming;
pub use scan::Scan;
pub use standbys::{Confirmed, Safety, SafetyWait, Standbys};
pub use transaction::Txn;
pub use transactions::{Found, OnFatal, Transactions, TxnOptions};
pub use view::{Access, Committed, Currency, Isolation, ReadView, Savepoint, Statement, TxnId};
