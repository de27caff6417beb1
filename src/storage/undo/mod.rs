//! The undo stream: what entries were before commits changed them, for readers of older snapshots. It lives in memory,
//! spills to a temporary file beyond a budget, and is forgotten by a restart.
//!
//! Entry points: [`Undo::appender`] begins a batch, pushes its records and publishes it. [`Undo::visible_below`] and
//! [`Undo::seen`] answer what an entry was at an LSN. [`Undo::collect`] and [`Undo::release`] take the garbage from the
//! front, [`Undo::settle`] shortens what cannot go yet, [`Undo::changes`] lists the keys that commits changed.
//!
//! Must not know: pages, trees beyond their ids, what makes a commit durable.
//!
//! A *position* is a byte in the stream, a multiple of 8, never reused, not even by a later run on the same data. An
//! entry's header is the position of the record that its newest change left, which holds the state before and that
//! state's header. The record leads to its batch's header, which holds the commit LSN.
//!
//! Invariants:
//! 1. Everything below `base` is freed, and is visible to every registered snapshot and to every one to come: purge
//!    frees a batch only when its LSN is not above the oldest that is needed. So who meets a freed position stops
//!    there, and nobody has to say which part of the stream he may still read.
//! 2. A batch is pending (LSN 0, visible to nobody) until one store publishes it. Batches are published in LSN order;
//!    their records may interleave.
//! 3. An aborted batch's records are referenced by nobody who comes later; it is freed when every snapshot that was
//!    open at the abort is closed.
//! 4. A record's `skip` leads past states in whose interval no snapshot lies or can come to lie.
//! 5. The segment that holds a pending batch's header is in memory.
//! 6. A reader that names [`Lsn::MAX`] is registered nowhere. What he follows may be freed under him; he is told so
//!    ([`Seen::Gone`]) and looks at the entry again.
//!
//! Threads: one appends at a time, one collects at a time, any read. Locks, in order: tail, spill, pending, table. None
//! is held across I/O but `spill` across writing.
//!
//! After a crash: the stream goes on at the position that the checkpoint names, empty; all headers in pages are below
//! it. The temporary file is removed when the stream is opened.
//!
//! Read in this order: `item.rs`, `segment.rs`, this file, `append.rs`, `read.rs`, `reclaim.rs`, `spill.rs`.

mod append;
mod item;
mod read;
mod reclaim;
mod segment;
mod spill;

#[cfg(test)]
mod sim_tests;

pub use append::{Appender, Before, Pending};
pub use item::Kind;
pub use read::{Record, Seen};
pub use reclaim::{Collected, Limit};
pub use spill::SpillOptions;

use crate::base::{Lsn, Result};
use append::Tail;
use parking_lot::{Mutex, RwLock};
use segment::{Segment, Table};
use spill::Spill;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicU64, AtomicUsize};

/// Positions are multiples of this; the bits below are the caller's.
pub const POSITION_ALIGN: u64 = item::WORD;

pub struct UndoOptions {
    /// A power of two, and at least 4 times what the largest entry takes.
    pub segment_bytes: u64,
    /// What the stream may hold in memory before it spills.
    pub memory_bytes: u64,
    /// Where it spills to; `None` keeps everything in memory.
    pub spill: Option<SpillOptions>,
}

impl Default for UndoOptions {
    fn default() -> Self {
        UndoOptions { segment_bytes: 1 << 20, memory_bytes: 512 << 20, spill: None }
    }
}

pub struct Undo {
    segment_bytes: u64,
    memory_segments_max: usize,
    table: RwLock<Table>,
    /// Segments in memory.
    in_memory: AtomicUsize,
    tail: Mutex<Tail>,
    /// Headers of the pending batches.
    pending: Mutex<Vec<u64>>,
    spill: Option<Spill>,
    /// Everything below is freed.
    base: AtomicU64,
    /// Everything below is published, with LSNs not above `published_lsn`.
    published_end: AtomicU64,
    published_lsn: AtomicU64,
    /// Everything below has LSNs not above `settled_lsn`.
    settled_end: AtomicU64,
    settled_lsn: AtomicU64,
    counts: Counts,
    #[cfg(test)]
    pub(super) mutation: Option<Mutation>,
}

#[derive(Default)]
struct Counts {
    batches: AtomicUsize,
    records: AtomicUsize,
    replaced: AtomicUsize,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UndoStats {
    pub batches: usize,
    pub records: usize,
    /// Records with a previous state.
    pub replaced: usize,
    pub bytes: u64,
    pub memory_bytes: u64,
    pub spilled_bytes: u64,
}

/// Rules that a test can turn off, to prove that it notices.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutation {
    /// Pending batches are visible.
    Dirty,
    /// Undoing a batch puts a ghost back that purge has passed already.
    GhostLeak,
    /// States are skipped without asking whether a snapshot needs them.
    SkipBlindly,
    /// Aborted batches are freed at once.
    AbortedAtOnce,
    /// Segments with headers of pending batches spill too.
    SpillPending,
}

impl Undo {
    /// A stream that goes on at `base`, empty.
    pub fn open(base: u64, options: UndoOptions) -> Result<Undo> {
        let UndoOptions { segment_bytes, memory_bytes, spill } = options;
        assert!(segment_bytes.is_power_of_two() && segment_bytes >= 512, "the segment size is a power of two");
        let base = base.max(POSITION_ALIGN).next_multiple_of(POSITION_ALIGN);
        let segment = Arc::new(Segment::new(segment_bytes));
        let mut table = Table { first: base / segment_bytes, ..Table::default() };
        table.push(Arc::clone(&segment));
        Ok(Undo {
            segment_bytes,
            memory_segments_max: usize::try_from(memory_bytes / segment_bytes).unwrap_or(usize::MAX).max(2),
            tail: Mutex::new(Tail::new(segment, base, segment_bytes)),
            table: RwLock::new(table),
            in_memory: AtomicUsize::new(1),
            pending: Mutex::default(),
            spill: spill.map(Spill::open).transpose()?,
            base: AtomicU64::new(base),
            published_end: AtomicU64::new(base),
            published_lsn: AtomicU64::new(0),
            settled_end: AtomicU64::new(base),
            settled_lsn: AtomicU64::new(0),
            counts: Counts::default(),
            #[cfg(test)]
            mutation: None,
        })
    }

    #[cfg(test)]
    fn mutates(&self, rule: Mutation) -> bool {
        self.mutation == Some(rule)
    }

    fn number(&self, position: u64) -> u64 {
        position / self.segment_bytes
    }

    fn offset(&self, position: u64) -> u64 {
        position & (self.segment_bytes - 1)
    }

    /// Where the segment of `position` ends.
    fn segment_end(&self, position: u64) -> u64 {
        (position | (self.segment_bytes - 1)) + 1
    }

    /// Everything below is freed.
    pub fn base(&self) -> u64 {
        self.base.load(Acquire)
    }

    /// Where the next item will begin.
    pub fn end(&self) -> u64 {
        self.tail.lock().end()
    }

    pub fn is_pending(&self) -> bool {
        !self.pending.lock().is_empty()
    }

    /// Entries with headers below this are, in their newest state, visible at `at`; of the others the stream must be
    /// asked. Ask before looking at the entries: what was pending then is above, even if it is aborted afterwards. The two pairs are read end first and stored LSN first, so the LSN read counts for the end read.
    pub fn visible_below(&self, at: Lsn) -> u64 {
        let base = self.base.load(Acquire);
        let published = self.published_end.load(Acquire);
        if at.0 >= self.published_lsn.load(Acquire) {
            return published;
        }
        let settled = self.settled_end.load(Acquire);
        if at.0 >= self.settled_lsn.load(Acquire) { settled.max(base) } else { base }
    }

    pub fn stats(&self) -> UndoStats {
        let total = self.table.read().places.len() as u64;
        let memory = (self.in_memory.load(Relaxed) as u64).min(total);
        UndoStats {
            batches: self.counts.batches.load(Relaxed),
            records: self.counts.records.load(Relaxed),
            replaced: self.counts.replaced.load(Relaxed),
            bytes: self.end() - self.base(),
            memory_bytes: memory * self.segment_bytes,
            spilled_bytes: (total - memory) * self.segment_bytes,
        }
    }
}
