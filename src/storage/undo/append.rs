//! The end of the stream: batches begin, take records, and are published or undone.

use super::Undo;
use super::item::{ABORTED, BEFORE_WORD, END_WORD, HEAD_BYTES, Item, Kind, LSN_WORD, WORD};
use super::segment::{Place, Segment};
use crate::base::{Lsn, TreeId};
use parking_lot::MutexGuard;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};

/// Where the stream ends.
pub(super) struct Tail {
    segment: Arc<Segment>,
    end: u64,
    segment_end: u64,
    /// The header published last, 0 before the first.
    last_published: u64,
}

impl Tail {
    pub fn new(segment: Arc<Segment>, base: u64, segment_bytes: u64) -> Tail {
        Tail { segment, end: base, segment_end: (base | (segment_bytes - 1)) + 1, last_published: 0 }
    }

    pub fn end(&self) -> u64 {
        self.end
    }

    pub fn last_published(&self) -> u64 {
        self.last_published
    }
}

/// A batch that nobody sees yet. It must be published or aborted.
#[must_use]
pub struct Pending {
    header: u64,
}

impl Pending {
    /// Tells it from other batches.
    pub fn header(&self) -> u64 {
        self.header
    }
}

/// What an entry was before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before<'a> {
    Absent,
    Ghost { hdr: u64 },
    Live { hdr: u64, value: &'a [u8] },
}

/// The right to append.
pub struct Appender<'a> {
    undo: &'a Undo,
    tail: MutexGuard<'a, Tail>,
}

impl Undo {
    pub fn appender(&self) -> Appender<'_> {
        Appender { undo: self, tail: self.tail.lock() }
    }

    /// The segment with a pending batch's header, and where in it the header is.
    fn pending_header(&self, header: u64) -> (Arc<Segment>, u64) {
        match self.table.read().get(self.number(header)) {
            Some(Place::Memory(segment)) => (Arc::clone(segment), self.offset(header)),
            _ => panic!("the segment of a pending batch's header left memory"),
        }
    }
}

impl Appender<'_> {
    pub fn begin(&mut self) -> Pending {
        let header = self.append(&Item::header(0), &[], &[]);
        self.undo.pending.lock().push(header);
        self.undo.counts.batches.fetch_add(1, Relaxed);
        Pending { header }
    }

    /// Notes what an entry was before a put or, with `deletes`, a delete of its value. Answers the entry's new header.
    pub fn push(&mut self, batch: &Pending, tree: TreeId, key: &[u8], before: Before<'_>, deletes: bool) -> u64 {
        let (kind, prev, value) = match before {
            Before::Absent => (Kind::Insert, 0, [].as_slice()),
            Before::Ghost { hdr } => (Kind::Revive, hdr, [].as_slice()),
            Before::Live { hdr, value } => (if deletes { Kind::Delete } else { Kind::Replace }, hdr, value),
        };
        assert!(!deletes || kind == Kind::Delete, "deleting nothing changes nothing");
        self.push_record(kind, batch, tree, key, prev, value)
    }

    /// Notes that the batch drops a tree, so that purge is told when nobody sees it any more.
    pub fn push_drop(&mut self, batch: &Pending, tree: TreeId) {
        self.push_record(Kind::DropTree, batch, tree, &[], 0, &[]);
    }

    /// Notes that the batch fills a tree that is empty. Answers the header of all the entries.
    pub fn push_load(&mut self, batch: &Pending, tree: TreeId) -> u64 {
        self.push_record(Kind::Load, batch, tree, &[], 0, &[])
    }

    fn push_record(&mut self, kind: Kind, batch: &Pending, tree: TreeId, key: &[u8], prev: u64, value: &[u8]) -> u64 {
        let item = Item::record(kind, tree, key.len(), value.len(), batch.header, prev);
        let counts = &self.undo.counts;
        counts.records.fetch_add(1, Relaxed);
        if kind.replaced() {
            counts.replaced.fetch_add(1, Relaxed);
        }
        self.append(&item, key, value)
    }

    fn append(&mut self, item: &Item, key: &[u8], value: &[u8]) -> u64 {
        let bytes = item.byte_len();
        if self.tail.segment_end - self.tail.end < bytes {
            self.next_segment(bytes);
        }
        let position = self.tail.end;
        let at = self.undo.offset(position);
        self.tail.segment.put_item(at, item);
        self.tail.segment.put_bytes(at + HEAD_BYTES, key);
        self.tail.segment.put_bytes(at + item.value_offset(), value);
        self.tail.end += bytes;
        position
    }

    fn next_segment(&mut self, bytes: u64) {
        assert!(bytes <= self.undo.segment_bytes, "a segment holds several of the largest entries");
        let tail = &mut *self.tail;
        if tail.end < tail.segment_end {
            tail.segment.store(self.undo.offset(tail.end), Kind::Pad as u64);
        }
        let segment = Arc::new(Segment::new(self.undo.segment_bytes));
        self.undo.table.write().push(Arc::clone(&segment));
        self.undo.in_memory.fetch_add(1, Relaxed);
        tail.segment = segment;
        tail.end = tail.segment_end;
        tail.segment_end += self.undo.segment_bytes;
    }

    /// Makes the batch visible to snapshots from `lsn` on, by one store.
    pub fn publish(&mut self, batch: Pending, lsn: Lsn) {
        let undo = self.undo;
        assert!(lsn.0 != 0 && lsn.0 < ABORTED, "an LSN is below 2^63");
        debug_assert!(undo.published_lsn.load(Relaxed) < lsn.0, "batches are published in order");
        let (segment, at) = undo.pending_header(batch.header);
        segment.store(at + BEFORE_WORD as u64 * WORD, self.tail.last_published);
        segment.store(at + END_WORD as u64 * WORD, self.tail.end);
        segment.store(at + LSN_WORD as u64 * WORD, lsn.0);
        self.tail.last_published = batch.header;
        undo.published_lsn.store(lsn.0, Release);
        self.no_longer_pending(batch.header);
    }

    /// Gives the batch up. The caller has put all entries back ([`Undo::records_of`]); `applied` is the newest LSN that a snapshot
    /// can have had by then.
    pub fn abort(&mut self, batch: Pending, applied: Lsn) {
        let (segment, at) = self.undo.pending_header(batch.header);
        segment.store(at + END_WORD as u64 * WORD, self.tail.end);
        segment.store(at + LSN_WORD as u64 * WORD, ABORTED | applied.0);
        self.no_longer_pending(batch.header);
    }

    fn no_longer_pending(&self, header: u64) {
        let mut pending = self.undo.pending.lock();
        let i = pending.iter().position(|&h| h == header).expect("the batch was pending");
        pending.swap_remove(i);
        let end = pending.iter().copied().min().unwrap_or(self.tail.end);
        self.undo.published_end.store(end, Release);
    }
}
