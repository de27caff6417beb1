//! Rows, indexes and constraints on trees.
//!
//! Entry points: [`TableDef`] is a table as the catalog describes it with its SQL texts bound; on it are `fetch`,
//! `lookup`, `lookup_unique` for one row, `insert`, `insert_or_conflict`, `update`, `delete`, `lock_row` for changes,
//! `parent_exists` and `referencing` for foreign keys, `build_index`, `rewrite_from`, `analyze` for all rows.
//! [`TableScan`] and [`IndexScan`] hand out batches; [`key_range`] makes their ranges. [`Tables`], one for each node,
//! has what outlives transactions: row ids, sequences (`nextval`, `setval`), activity counts.
//!
//! Must not know: plans, names, SQL. Expressions come bound, with `Input` positions in `Table::columns`.
//!
//! A row everywhere is one [`Datum`](crate::types::Datum) for each of `Table::columns`, NULL for dropped ones; a *position* is an index
//! into that (attribute number less one).
//!
//! Invariants:
//! 1. Every row has exactly one entry in each index whose predicate it satisfies, and every entry a row ([`TableDef::verify`]).
//!    Both are written by the same transaction, so this holds at every snapshot.
//! 2. Two rows with the same non-NULL key of a unique index never both commit: writers hold the key's lock when they
//!    look, and when they take an entry away.
//! 3. A row's bytes do not depend on the table's later columns: ADD COLUMN and DROP COLUMN rewrite nothing.
//! 4. No sequence value is handed out twice, unless the transactions that got it all failed to commit before a crash.
//!
//! Threads: any; a transaction is used by one at a time. Locks within: a sequence's mutex is held while a transaction of
//! its own commits. Nothing here waits for a row lock: [`Error::wait`](crate::base::Error::wait) unwinds to whoever can.
//!
//! Read in this order: `layout.rs`, `entry.rs`, `def.rs`, `scan.rs`, `write.rs`, `lock.rs`; then the rest.

mod analyze;
mod batch;
mod bounds;
mod build;
mod build_index;
mod check;
mod def;
mod entry;
mod evaluate;
mod foreign_key;
mod keys;
mod layout;
mod lock;
mod runs;
mod scan;
mod sequence;
mod tables;
mod verify;
mod write;
mod write_batch;

pub use batch::{ScanColumn, ctid};
pub use bounds::{Limit, encode_prefix, key_range};
pub use build::fresh_trees;
pub use def::{CheckDef, IndexDef, IndexExprs, KeyColumn, KeySource, RowKeyDef, TableDef};
pub use evaluate::RowEvaluator;
pub use foreign_key::ChildRow;
pub use layout::{Layout, RowView};
pub use lock::RowLock;
pub use scan::{FetchedRow, IndexScan, Read, TableScan, index_covers};
pub use sequence::{SequenceValue, drop_sequence_value, sequence_type_bounds};
pub use tables::{Activity, RowIds, Tables};
pub use write::{Insertion, Recheck, Rechecks};
pub use write_batch::BatchWriter;

#[cfg(test)]
mod tests;
