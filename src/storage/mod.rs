//! Trees: ordered maps from key bytes to value bytes, whose entries keep the states that open snapshots need.
//!
//! Entry points: [`Store`] is what the layers above use; [`PagedStore`] is it, on pages in one data file, and `MemStore`, in
//! memory, is the oracle that tests compare it with. [`Batch`] is a set of changes, in the form in which the log holds it
//! and [`Store::apply`] takes it. [`Snapshots`] says which LSNs are being read. [`Cursor`] and [`Entries`] carry a scan.
//!
//! Must not know: transactions, rows, SQL, who reads and why, how a commit is ordered or made durable.
//!
//! Invariants:
//! 1. Trees hold committed states only. A state counts from its commit's LSN until the next one's.
//! 2. `apply` is the only thing that changes what a tree says; purge only forgets what nobody can ask for.
//! 3. A read at the LSN of a registered snapshot answers as if the log had ended there, before and after any purge.
//! 4. When no snapshot is open and everything is durable, a full purge leaves no old version and no ghost.
//! 5. Every entry with an old version or a ghost is known to purge ([`Store::verify`] checks it).
//!
//! Threads: any may read; one at a time applies, in LSN order; purges keep apart by themselves. No lock is held while a
//! caller's code runs, except that `changes` calls its visitor.
//!
//! After a crash: a store is what its newest checkpoint says, and the engine applies the log after it.
//!
//! Read in this order: `batch.rs`, `store.rs`, `needed.rs`, `snapshots.rs`, `range.rs`, `entries.rs`, `key.rs`; then from the
//! ground up `page`, `pager`, `tree`, `undo`, `paged`, each with a contract of its own; `mem` for what they all amount to.

pub mod batch;
mod entries;
mod key;
#[cfg(test)]
mod mem;
mod needed;
mod page;
mod paged;
mod pager;
mod range;
mod snapshots;
mod store;
mod tree;
mod undo;

#[cfg(test)]
mod tests;

pub use batch::{Batch, Encoder, Op};
pub use entries::Entries;
pub use key::Key;
#[cfg(test)]
pub use mem::MemStore;
pub use needed::Needed;
pub use paged::{Opened, PagedOptions, PagedStats, PagedStore, PendingBatch, StoreCheck};
pub use pager::{
    Block, CheckpointPin, Epoch, FileBuilder, Home, PAGE_BYTES, PagerOptions, PagerStats, Progress, Root, check_image,
    fall_back, newest_checkpoint, older_checkpoint,
};

/// The longest key of a page of the usual size.
pub const KEY_BYTES_MAX: usize = tree::Limits::of(PAGE_BYTES).key;

pub use range::{Cursor, Direction, KeyRange, prefix_end};
pub use snapshots::{Registration, Snapshots};
pub use store::{History, Newest, Store, StoreStats};
pub use undo::{SpillOptions, UndoOptions, UndoStats};
