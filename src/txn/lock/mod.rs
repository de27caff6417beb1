//! Locks on rows, tables, names and numbers: one table in memory for all of them.
//!
//! Read in this order: `mode.rs`, `queue.rs`, `table.rs`, `fast.rs`, `wait.rs`, `owner.rs`.

mod fast;
mod mode;
mod owner;
mod queue;
mod sync;
mod table;
mod wait;

#[cfg(test)]
mod shuttle_tests;
#[cfg(test)]
mod tests;

use super::TxnId;

pub use mode::{LockKey, LockMode, LockTag};
pub use owner::Owner;
pub use queue::OwnerId;
pub use table::LockLine;
pub use wait::{LockWait, Waited};

pub(super) use fast::Noted;
pub(super) use queue::Scope;
pub(super) use table::{LockHash, LockTable, Outcome};
pub(super) use wait::Ticket;

/// What to do when the lock is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Queue, and end the statement with [`crate::base::Error::wait`].
    Block,
    /// Answer [`Locked::Busy`] and queue for nothing: NOWAIT, SKIP LOCKED, `pg_try_advisory_lock`.
    No,
}

/// How a lock request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    Granted,
    /// The transaction had it, in this mode or one that covers it.
    AlreadyHeld,
    /// Somebody else has it. The caller words 55P03, or skips the row.
    Busy,
}
