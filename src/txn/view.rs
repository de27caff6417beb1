//! What a statement sees, and what a transaction says of itself.

use super::write_set::Mark;
use crate::base::Lsn;
use crate::storage::Registration;

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
    /// Reads only: the durable prefix, so nothing is shown that a crash could take back.
    Read,
    /// Writes or locks rows: the applied prefix. The commit waits until what it saw is durable.
    Write,
    /// The same of rows that it looks at again once they are locked. While something waits for standbys it begins as a
    /// reader, and sees that only when it meets it and runs again.
    WriteRows,
}

/// Marks a statement's start, for [`super::Txn::undo_statement`]. Statements nest (functions, triggers).
#[derive(Clone, Copy, Debug)]
pub struct Statement(pub(super) Mark);

/// Marks a savepoint, for [`super::Txn::rollback_to`]. It ends when the transaction is rolled back to an earlier one.
#[derive(Clone, Copy, Debug)]
pub struct Savepoint {
    pub(super) writes: Mark,
    pub(super) locks: usize,
}

/// What a statement sees: a snapshot, kept alive by this value, and the transaction's own writes made before it.
///
/// A view must not be used after its transaction was rolled back to before the view was taken.
#[derive(Clone)]
pub struct ReadView {
    pub(super) snapshot: Registration,
    /// Own changes before this position of the write set are seen.
    pub(super) own_before: u32,
}

impl ReadView {
    pub fn lsn(&self) -> Lsn {
        self.snapshot.lsn()
    }
}

/// Whether a row is still as a view shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Currency {
    Current,
    Updated,
    Deleted,
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Of the commit record; `None` when nothing was written.
    pub lsn: Option<Lsn>,
    /// The client may be told of success when this much of the log is durable.
    pub wait_for: Lsn,
    /// The newest state of others that it saw: nobody is to be told of it before that may be shown.
    pub seen: Lsn,
}
