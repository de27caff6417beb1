//! The front of the stream: what everybody sees is freed, in order, and its garbage is named to the caller. What an old
//! snapshot holds back is settled meanwhile: each record learns to skip the states that no snapshot sees, so a chain
//! is as long as the number of snapshots that see different states, not as the number of updates. Settling goes in
//! stream order too, so the record before has been settled and one or two steps suffice; it looks at memory only, so
//! of a state whose record has spilled the chain keeps one link.

use super::super::needed::Needed;
use super::item::{ABORTED, HEAD_BYTES, Item, Kind, SKIP_WORD, WORD};
use super::read::Fetched;
use super::segment::{Place, Segment, Table};
use super::{POSITION_ALIGN, Undo};
use crate::base::{Lsn, Result, TreeId};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// What may be freed.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Batches up to here: every snapshot, open or to come, sees them, and nobody asks for their changes.
    pub visible: Lsn,
    /// The oldest open snapshot.
    pub oldest_open: Option<Lsn>,
}

impl Limit {
    pub fn new(needed: &Needed) -> Limit {
        let visible = needed.oldest().min(needed.changes_after);
        Limit { visible, oldest_open: needed.snapshots.first().copied() }
    }

    fn passes(&self, lsn_word: u64) -> bool {
        if lsn_word & ABORTED != 0 {
            return self.oldest_open.is_none_or(|oldest| oldest.0 > lsn_word & !ABORTED);
        }
        lsn_word != 0 && lsn_word <= self.visible.0
    }
}

/// A record whose going leaves something to tidy.
pub struct Garbage {
    /// The header that the entry has if this was its newest change.
    pub position: u64,
    pub kind: Kind,
    pub tree: TreeId,
    /// The header of the previous state, with the caller's bits.
    pub prev_hdr: u64,
    key: Range<usize>,
    value: Range<usize>,
}

/// A stretch of the stream that may go. The one who collects keeps it from call to call.
#[derive(Default)]
pub struct Collected {
    garbage: Vec<Garbage>,
    bytes: Vec<u8>,
    to: u64,
    batches: usize,
    pub records: usize,
    replaced: usize,
    /// Aborted batches whose header was passed, with their ends. Their records leave nothing.
    aborted: Vec<(u64, u64)>,
    segment: Option<(u64, Arc<Segment>)>,
}

impl Collected {
    /// Deletes, records whose previous header has bits of the caller's, and dropped trees: with key and previous value.
    pub fn garbage(&self) -> impl Iterator<Item = (&Garbage, &[u8], &[u8])> {
        self.garbage.iter().map(|g| (g, &self.bytes[g.key.clone()], &self.bytes[g.value.clone()]))
    }

    pub(super) fn passed_aborted(&self, batch: u64) -> bool {
        self.aborted.iter().any(|&(header, _)| header == batch)
    }

    fn clear(&mut self, from: u64) {
        self.garbage.clear();
        self.bytes.clear();
        (self.to, self.batches, self.records, self.replaced) = (from, 0, 0, 0);
    }

    fn add_header(&mut self, position: u64, header: &Item) {
        self.batches += 1;
        self.aborted.retain(|&(_, end)| end > position);
        if header.is_aborted() {
            self.aborted.push((position, header.end()));
        }
    }

    fn add(&mut self, position: u64, item: &Item, segment: &Segment, at: u64) {
        self.records += 1;
        let kind = item.kind();
        self.replaced += usize::from(kind.replaced());
        let marked = kind.had_value() && item.prev() & (POSITION_ALIGN - 1) != 0;
        let leaves = kind == Kind::Delete || kind == Kind::DropTree || marked;
        if !leaves || self.passed_aborted(item.batch()) {
            return;
        }
        let from = self.bytes.len();
        segment.read_bytes(at + HEAD_BYTES, item.key_len(), &mut self.bytes);
        let key_end = self.bytes.len();
        if marked {
            segment.read_bytes(at + item.value_offset(), item.value_len(), &mut self.bytes);
        }
        let (key, value) = (from..key_end, key_end..self.bytes.len());
        self.garbage.push(Garbage { position, kind, tree: item.tree(), prev_hdr: item.prev(), key, value });
    }

    fn segment(&mut self, undo: &Undo, number: u64) -> Result<Arc<Segment>> {
        match &self.segment {
            Some((n, segment)) if *n == number => return Ok(Arc::clone(segment)),
            _ => self.segment = None,
        }
        let segment = undo.segment(number)?.expect("only this caller frees");
        self.segment = Some((number, Arc::clone(&segment)));
        Ok(segment)
    }
}

impl Undo {
    /// Gathers up to `records_max` records from the front that may go. True when it stopped for that.
    pub fn collect(&self, limit: &Limit, records_max: usize, out: &mut Collected) -> Result<bool> {
        let end = self.published_end.load(Acquire);
        let mut position = self.base();
        out.clear(position);
        // The batch asked for last: its records stand together.
        let mut passed = 0;
        while position < end {
            if out.records >= records_max {
                return Ok(true);
            }
            let segment = out.segment(self, self.number(position))?;
            let at = self.offset(position);
            let item = segment.item(at);
            let batch = match item.kind() {
                Kind::Pad => {
                    position = self.segment_end(position);
                    out.to = position.min(end);
                    continue;
                }
                Kind::Header => position,
                _ => item.batch(),
            };
            if batch != passed {
                // A header that is freed already let its batch pass.
                let header = self.fetch(batch)?;
                #[cfg(test)]
                let header = header.filter(|h| !(h.is_aborted() && self.mutates(super::Mutation::AbortedAtOnce)));
                if header.is_some_and(|header| !limit.passes(header.lsn_word())) {
                    return Ok(false);
                }
                passed = batch;
            }
            match item.kind() {
                Kind::Header => out.add_header(position, &item),
                _ => out.add(position, &item, &segment, at),
            }
            position += item.byte_len();
            out.to = position;
        }
        Ok(false)
    }

    /// Frees what was gathered. The caller has tidied what it names, or keeps others from it until it has.
    pub fn release(&self, collected: &mut Collected) {
        let to = collected.to;
        debug_assert!(to >= self.base(), "the base only grows");
        self.base.store(to, Release);
        self.counts.batches.fetch_sub(collected.batches, Relaxed);
        self.counts.records.fetch_sub(collected.records, Relaxed);
        self.counts.replaced.fetch_sub(collected.replaced, Relaxed);
        collected.clear(to);
        if self.number(to) > self.table.read().first {
            self.free_segments(self.number(to));
        }
    }

    fn free_segments(&self, before: u64) {
        let gone = {
            let mut table = self.table.write();
            // The appender's segment stays, though everything in it may be freed.
            let last = table.first + table.places.len() as u64 - 1;
            table.pop_before(before.min(last))
        };
        let in_memory = gone.iter().filter(|place| matches!(place, Place::Memory(_))).count();
        self.in_memory.fetch_sub(in_memory, Relaxed);
        self.free_slots(gone.iter().filter_map(|place| match place {
            Place::Spilled(slot) => Some(*slot),
            Place::Memory(_) => None,
        }));
    }

    /// Lets about `budget` records skip the states that nobody needs. True when it stopped for that.
    pub fn settle(&self, needed: &Needed, budget: usize, scratch: &mut Collected) -> Result<bool> {
        let end = self.published_end.load(Acquire);
        let mut position = self.settled_end.load(Acquire).max(self.base());
        let mut left = budget;
        let mut batch = (0, 0);
        while position < end && left > 0 {
            let segment = scratch.segment(self, self.number(position))?;
            let at = self.offset(position);
            let item = segment.item(at);
            if item.kind() == Kind::Pad {
                position = self.segment_end(position).min(end);
                continue;
            }
            let header = if item.kind() == Kind::Header { position } else { item.batch() };
            if header != batch.0 {
                batch = (header, self.fetch(header)?.map_or(1, |h| h.lsn_word()));
            }
            let aborted = batch.1 & ABORTED != 0;
            if batch.1 == 0 || (!aborted && batch.1 > needed.floor.0) {
                break;
            }
            if item.kind().replaced() && !aborted {
                left -= 1;
                let skip = self.skip_for(&self.table.read(), position, &item, batch.1, needed);
                if skip != item.skip() {
                    segment.store(at + SKIP_WORD as u64 * WORD, skip);
                }
            }
            position += item.byte_len();
        }
        self.settled_lsn.fetch_max(needed.floor.0, Release);
        self.settled_end.fetch_max(position, Release);
        Ok(left == 0)
    }

    /// Which record a reader who has passed the one at `position` should take the previous state from: 0 for that one.
    fn skip_for(&self, table: &Table, position: u64, item: &Item, lsn: u64, needed: &Needed) -> u64 {
        let (mut from, mut from_item) = (position, *item);
        loop {
            let before = from_item.prev() & !(POSITION_ALIGN - 1);
            let Fetched::Item(older) = self.fetch_in(table, before) else { break };
            let Fetched::Item(header) = self.fetch_in(table, older.batch()) else { break };
            if self.wants(needed, header.lsn_word(), lsn) {
                break;
            }
            let next = if older.skip() == 0 { before } else { older.skip() };
            let Fetched::Item(next_item) = self.fetch_in(table, next) else { break };
            (from, from_item) = (next, next_item);
            if !from_item.kind().replaced() {
                break;
            }
        }
        if from == position { 0 } else { from }
    }

    fn wants(&self, needed: &Needed, from: u64, to: u64) -> bool {
        #[cfg(test)]
        if self.mutates(super::Mutation::SkipBlindly) {
            return false;
        }
        needed.wants(Lsn(from), Lsn(to))
    }
}
