//! Reading the stream: which state of an entry a snapshot sees, and which keys commits changed.
//!
//! The walk goes from the newest state back. A state is the snapshot's when its record is freed, or its batch has an LSN
//! that the snapshot includes. In memory the walk holds the table's lock; when it needs a spilled segment it lets go of
//! it for each read, and looks at `base` afterwards: what was freed meanwhile may have been overwritten.

use super::append::Pending;
use super::item::{ABORTED, HEAD_BYTES, Item, Kind};
use super::reclaim::Collected;
use super::segment::{Place, Segment, Table};
use super::{POSITION_ALIGN, Undo};
use crate::base::{Lsn, Result, TreeId};
use std::sync::Arc;

/// Which state of an entry is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The one in the tree.
    Newest,
    /// An older one, with this header; its value was appended to `out`.
    Value { hdr: u64 },
    /// An older one without a value, with this header, 0 before the first.
    Nothing { hdr: u64 },
    /// The answer is on disk; ask [`Undo::seen`] without holding a latch.
    Spilled,
    /// It was freed while looking: look at the entry again. Happens at [`Lsn::MAX`] only.
    Gone,
}

pub(super) enum Fetched {
    Item(Item),
    Freed,
    Spilled,
}

/// The record whose previous state is seen.
enum Walked {
    Newest,
    Before(u64, Item),
    Spilled,
    Gone,
}

/// One record, as the visitors get it.
pub struct Record<'a> {
    pub position: u64,
    /// The header of its batch.
    pub batch: u64,
    pub kind: Kind,
    pub tree: TreeId,
    pub key: &'a [u8],
    pub prev_hdr: u64,
    /// The previous state's value.
    pub value: &'a [u8],
}

impl Undo {
    /// What a batch's LSN word says to a reader: whether the snapshot includes the batch.
    fn includes(&self, at: Lsn, word: u64) -> bool {
        #[cfg(test)]
        if word == 0 && self.mutates(super::Mutation::Dirty) {
            return true;
        }
        word != 0 && word & ABORTED == 0 && word <= at.0
    }

    pub(super) fn fetch_in(&self, table: &Table, position: u64) -> Fetched {
        if position < self.base() {
            return Fetched::Freed;
        }
        match table.get(self.number(position)) {
            Some(Place::Memory(segment)) => Fetched::Item(segment.item(self.offset(position))),
            Some(Place::Spilled(_)) => Fetched::Spilled,
            None => Fetched::Freed,
        }
    }

    /// The item at a position, from disk if need be; `None` when it is freed.
    pub(super) fn fetch(&self, position: u64) -> Result<Option<Item>> {
        let slot = {
            let table = self.table.read();
            match (self.fetch_in(&table, position), table.get(self.number(position))) {
                (Fetched::Item(item), _) => return Ok(Some(item)),
                (Fetched::Spilled, Some(Place::Spilled(slot))) => *slot,
                _ => return Ok(None),
            }
        };
        let spill = self.spill.as_ref().expect("who spilled has a file");
        let read = spill.read_item(slot, self.offset(position), self.segment_bytes);
        // What was freed meanwhile may have been overwritten, or cut off with the file's end.
        if position < self.base() { Ok(None) } else { read.map(Some) }
    }

    /// Appends bytes of an item, from disk if need be; false when it is freed.
    fn fetch_bytes(&self, item: u64, from: u64, len: usize, out: &mut Vec<u8>) -> Result<bool> {
        let at = self.offset(item) + from;
        let slot = match self.table.read().get(self.number(item)) {
            Some(Place::Memory(segment)) if item >= self.base() => {
                segment.read_bytes(at, len, out);
                return Ok(true);
            }
            Some(Place::Spilled(slot)) => *slot,
            _ => return Ok(false),
        };
        let spill = self.spill.as_ref().expect("who spilled has a file");
        let before = out.len();
        let read = spill.read_bytes(slot, at, len, self.segment_bytes, out);
        if item < self.base() {
            out.truncate(before);
            return Ok(false);
        }
        read.map(|()| true)
    }

    /// A whole segment, read back if need be; `None` when it is freed.
    pub(super) fn segment(&self, number: u64) -> Result<Option<Arc<Segment>>> {
        let slot = match self.table.read().get(number) {
            Some(Place::Memory(segment)) => return Ok(Some(Arc::clone(segment))),
            Some(Place::Spilled(slot)) => *slot,
            None => return Ok(None),
        };
        let spill = self.spill.as_ref().expect("who spilled has a file");
        spill.read_segment(slot, self.segment_bytes).map(|segment| Some(Arc::new(segment)))
    }

    fn walk(&self, hdr: u64, at: Lsn, mut fetch: impl FnMut(u64) -> Result<Fetched>) -> Result<Walked> {
        let mut position = hdr & !(POSITION_ALIGN - 1);
        let mut seen = Walked::Newest;
        // The record that is asked last leads to the next one, or another in its place.
        loop {
            let record = match fetch(position)? {
                Fetched::Item(item) => item,
                Fetched::Spilled => return Ok(Walked::Spilled),
                Fetched::Freed if at == Lsn::MAX && matches!(seen, Walked::Newest) => return Ok(Walked::Gone),
                Fetched::Freed => return Ok(seen),
            };
            match fetch(record.batch())? {
                Fetched::Item(header) if self.includes(at, header.lsn_word()) => return Ok(seen),
                Fetched::Item(_) => {}
                Fetched::Spilled => return Ok(Walked::Spilled),
                Fetched::Freed => return Ok(seen),
            }
            let from = if record.skip() == 0 { position } else { record.skip() };
            let from_record = match if from == position { Fetched::Item(record) } else { fetch(from)? } {
                Fetched::Item(item) => item,
                Fetched::Spilled => return Ok(Walked::Spilled),
                Fetched::Freed => return Ok(Walked::Gone),
            };
            position = from_record.prev() & !(POSITION_ALIGN - 1);
            seen = Walked::Before(from, from_record);
            if from_record.kind().is_first() {
                return Ok(seen);
            }
        }
    }

    /// Like [`Undo::seen`], but never reads the disk, so that a latch may be held.
    pub fn seen_in_memory(&self, hdr: u64, at: Lsn, out: &mut Vec<u8>) -> Seen {
        let table = self.table.read();
        let walked = self.walk(hdr, at, |position| Ok(self.fetch_in(&table, position)));
        match walked.expect("nothing was read") {
            Walked::Newest => Seen::Newest,
            Walked::Spilled => Seen::Spilled,
            Walked::Gone => Seen::Gone,
            Walked::Before(_, record) if !record.kind().had_value() => Seen::Nothing { hdr: record.prev() },
            Walked::Before(position, record) => match table.get(self.number(position)) {
                Some(Place::Memory(segment)) => {
                    segment.read_bytes(self.offset(position) + record.value_offset(), record.value_len(), out);
                    Seen::Value { hdr: record.prev() }
                }
                _ => Seen::Gone,
            },
        }
    }

    /// Which state of the entry with header `hdr` is seen at `at`, a registered snapshot's LSN or [`Lsn::MAX`].
    ///
    /// The header and the state in the tree must have been copied under one latch; none need be held now.
    pub fn seen(&self, hdr: u64, at: Lsn, out: &mut Vec<u8>) -> Result<Seen> {
        match self.seen_in_memory(hdr, at, out) {
            Seen::Spilled => {}
            seen => return Ok(seen),
        }
        let fetch = |position| Ok(self.fetch(position)?.map_or(Fetched::Freed, Fetched::Item));
        Ok(match self.walk(hdr, at, fetch)? {
            Walked::Newest => Seen::Newest,
            Walked::Gone | Walked::Spilled => Seen::Gone,
            Walked::Before(_, record) if !record.kind().had_value() => Seen::Nothing { hdr: record.prev() },
            Walked::Before(position, record) => {
                if self.fetch_bytes(position, record.value_offset(), record.value_len(), out)? {
                    Seen::Value { hdr: record.prev() }
                } else {
                    Seen::Gone
                }
            }
        })
    }

    /// The commit LSN of a state's header, if the state is published and not freed.
    ///
    /// `Ok(None)`: pending. `Ok(Some(Lsn::ZERO))`: freed, so everybody sees it.
    pub fn lsn_of(&self, hdr: u64) -> Result<Option<Lsn>> {
        let Some(record) = self.fetch(hdr & !(POSITION_ALIGN - 1))? else { return Ok(Some(Lsn::ZERO)) };
        let Some(header) = self.fetch(record.batch())? else { return Ok(Some(Lsn::ZERO)) };
        let word = header.lsn_word();
        Ok((word != 0 && word & ABORTED == 0).then_some(Lsn(word)))
    }

    /// Visits the records of one batch, or of all, in a stretch of the stream, in order, until
    /// `visit` returns false. The answer is whether it went on to the end.
    fn visit_range(
        &self,
        from: u64,
        end: u64,
        batch: Option<u64>,
        visit: &mut dyn FnMut(Record<'_>) -> Result<bool>,
    ) -> Result<bool> {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let mut position = from;
        while position < end {
            let Some(segment) = self.segment(self.number(position))? else { return Ok(true) };
            let stop = end.min(self.segment_end(position));
            while position < stop {
                let at = self.offset(position);
                let item = segment.item(at);
                match item.kind() {
                    Kind::Pad => position = self.segment_end(position),
                    Kind::Header => position += HEAD_BYTES,
                    kind => {
                        if batch.is_none_or(|header| item.batch() == header) {
                            key.clear();
                            value.clear();
                            segment.read_bytes(at + HEAD_BYTES, item.key_len(), &mut key);
                            segment.read_bytes(at + item.value_offset(), item.value_len(), &mut value);
                            let (batch, tree, prev_hdr) = (item.batch(), item.tree(), item.prev());
                            if !visit(Record { position, batch, kind, tree, key: &key, prev_hdr, value: &value })? {
                                return Ok(false);
                            }
                        }
                        position += item.byte_len();
                    }
                }
            }
        }
        Ok(true)
    }

    /// Visits the records of a batch that is pending, so that the caller can put the entries back.
    pub fn records_of(&self, batch: &Pending, visit: &mut dyn FnMut(Record<'_>) -> Result<()>) -> Result<()> {
        let end = self.end();
        self.visit_range(batch.header(), end, Some(batch.header()), &mut |record| visit(record).map(|()| true))
            .map(|_| ())
    }

    /// Visits the keys put or deleted by commits after `after`, newest commit first, until `visit` returns false; `None`
    /// is any key of the tree. The caller keeps purge from freeing them, and appending out.
    pub fn changes(&self, after: Lsn, visit: &mut dyn FnMut(TreeId, Option<&[u8]>) -> bool) -> Result<()> {
        let mut header = self.tail.lock().last_published();
        while header != 0 {
            let Some(item) = self.fetch(header)? else { return Ok(()) };
            if item.lsn_word() <= after.0 {
                return Ok(());
            }
            let mut visit_key = |r: Record<'_>| {
                Ok(match r.kind {
                    Kind::DropTree => true,
                    Kind::Load => visit(r.tree, None),
                    _ => visit(r.tree, Some(r.key)),
                })
            };
            let more = self.visit_range(header, item.end(), Some(header), &mut visit_key)?;
            if !more {
                return Ok(());
            }
            header = item.before();
        }
        Ok(())
    }

    /// Visits every record that counts, oldest first. Nobody appends or frees meanwhile; `collected` is the collector's.
    pub fn records(&self, collected: &Collected, visit: &mut dyn FnMut(Record<'_>) -> Result<()>) -> Result<()> {
        let mut each = |record: Record<'_>| {
            let aborted = match self.fetch(record.batch)? {
                Some(header) => header.is_aborted(),
                None => collected.passed_aborted(record.batch),
            };
            if aborted { Ok(true) } else { visit(record).map(|()| true) }
        };
        self.visit_range(self.base(), self.end(), None, &mut each).map(|_| ())
    }

    /// Whether a header is that of a change of this entry, and every state behind it is older.
    pub fn leads_to(&self, hdr: u64, tree: TreeId, key: &[u8], ghost: bool) -> Result<bool> {
        let mut position = hdr & !(POSITION_ALIGN - 1);
        let Some(mut item) = self.fetch(position)? else { return Ok(false) };
        if position >= self.end() || (item.kind() == Kind::Delete) != ghost {
            return Ok(false);
        }
        loop {
            let mut found = Vec::new();
            self.fetch_bytes(position, HEAD_BYTES, item.key_len(), &mut found)?;
            let before = item.prev() & !(POSITION_ALIGN - 1);
            let is_change = item.kind() != Kind::Pad && item.kind() != Kind::Header;
            let of_key = found == key || item.kind() == Kind::Load;
            if !is_change || item.tree() != tree || !of_key || before >= position {
                return Ok(false);
            }
            if item.kind().is_first() {
                return Ok(true);
            }
            match self.fetch(before)? {
                Some(older) => (position, item) = (before, older),
                None => return Ok(true),
            }
        }
    }
}
