//! Lock modes and keys.

use crate::base::{Oid, TreeId};

/// What a lock is on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LockKey<'a> {
    /// A row by its primary key (row modes).
    Row { tree: TreeId, key: &'a [u8] },
    /// A table, index, sequence, ... (table modes).
    Relation { database: Oid, relation: Oid },
    /// `pg_advisory_lock`: `Share` or `Exclusive`. `sub` is 1 for one 64-bit key, 2 for two 32-bit keys.
    Advisory { database: Oid, class: u32, object: u32, sub: u16 },
    /// Anything with bytes for a name: the key values of a unique index, a catalog name (row modes).
    Name { space: u32, name: &'a [u8] },
}

/// PostgreSQL's four row modes and eight table modes. Row modes only meet row modes, table modes table modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    KeyShare,
    ShareRow,
    NoKeyUpdate,
    Update,
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

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
