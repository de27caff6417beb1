//! Reading: an entry's newest state from its leaf, an older one from the undo stream. The state and its header are copied
//! under the leaf's latch; whatever may touch the disk (spilled undo, a large value's chunks) comes after letting go.

use super::super::entries::Entries;
use super::super::range::Cursor;
use super::super::store::Newest;
use super::super::tree::{self, Slot, Step};
use super::super::undo::Seen;
use super::directory::Tree;
use super::large::Fetch;
use super::{LARGE, PagedStore};
use crate::base::{Lsn, Result};

/// How many entries, and bytes, a step of a scan looks at.
const STEP_ENTRIES: usize = 1024;
const STEP_BYTES: usize = 256 << 10;

/// What one visit of a leaf gives the scan.
struct Visit<'a> {
    store: &'a PagedStore,
    at: Lsn,
    below: u64,
    out: &'a mut Entries,
    len_max: usize,
    bytes_max: usize,
    looked: usize,
    /// The key at which the visit stopped, and if it is an entry that cannot be answered under the latch, its state.
    key: Vec<u8>,
    apart: Option<Apart>,
    older: Vec<u8>,
}

/// A state to be answered without the latch: `value` with its header, still to be asked for when `ask` is set.
struct Apart {
    hdr: u64,
    live: bool,
    value: Vec<u8>,
    ask: bool,
}

impl PagedStore {
    fn reading_at(&self, at: Lsn) -> Lsn {
        #[cfg(test)]
        if self.mutates(super::Mutation::Dirty) {
            return Lsn::MAX;
        }
        at
    }

    pub(super) fn get_at(&self, tree: &Tree, key: &[u8], at: Lsn, out: &mut Vec<u8>) -> Result<bool> {
        let at = self.reading_at(at);
        let start = out.len();
        loop {
            let below = self.undo.visible_below(at);
            let found = tree::lookup(&self.pager, tree.root, key, |slot| {
                slot.map(|slot| {
                    out.extend_from_slice(slot.value);
                    (slot.hdr, !slot.ghost)
                })
            })?;
            let Some((hdr, live)) = found else { return Ok(false) };
            if hdr < below && hdr & LARGE == 0 {
                return Ok(live);
            }
            match self.finish(tree, (hdr, live), hdr >= below, at, start, out)? {
                Some(found) => return Ok(found),
                None => out.truncate(start),
            }
        }
    }

    /// Turns the newest state, copied to `out` from `start` on, into what `at` sees. `None`: look at the entry again.
    fn finish(
        &self,
        tree: &Tree,
        (mut hdr, mut live): (u64, bool),
        ask: bool,
        at: Lsn,
        start: usize,
        out: &mut Vec<u8>,
    ) -> Result<Option<bool>> {
        if ask {
            let older = out.len();
            match self.undo.seen(hdr, at, out)? {
                Seen::Newest => {}
                Seen::Value { hdr: before } => {
                    out.drain(start..older);
                    (hdr, live) = (before, true);
                }
                Seen::Nothing { .. } => {
                    out.truncate(start);
                    return Ok(Some(false));
                }
                Seen::Gone | Seen::Spilled => return Ok(None),
            }
        }
        if !live || hdr & LARGE == 0 {
            return Ok(Some(live));
        }
        match self.fetch_large(tree, start, out)? {
            Fetch::Whole => Ok(Some(true)),
            // Replaced, seen by all and purged since.
            Fetch::Gone if at == Lsn::MAX => Ok(None),
            Fetch::Gone => Err(super::large::damaged()),
        }
    }

    pub(super) fn newest_of(&self, tree: &Tree, key: &[u8]) -> Result<Newest> {
        let mut older = Vec::new();
        loop {
            let found = tree::lookup(&self.pager, tree.root, key, |slot| slot.map(|slot| (slot.hdr, !slot.ghost)))?;
            let Some((hdr, live)) = found else { return Ok(Newest { lsn: Lsn::ZERO, live: false }) };
            if let Some(lsn) = self.undo.lsn_of(hdr)? {
                return Ok(Newest { lsn, live });
            }
            // Of a batch that is not visible yet.
            let (hdr, live) = match self.undo.seen(hdr, Lsn::MAX, &mut older)? {
                Seen::Value { hdr } => (hdr, true),
                Seen::Nothing { hdr } => (hdr, false),
                Seen::Newest | Seen::Gone | Seen::Spilled => continue,
            };
            if let Some(lsn) = self.undo.lsn_of(hdr)? {
                return Ok(Newest { lsn, live });
            }
        }
    }

    pub(super) fn scan_at(
        &self,
        tree: &Tree,
        at: Lsn,
        cursor: &mut Cursor,
        out: &mut Entries,
        max: usize,
    ) -> Result<()> {
        if cursor.done || max == 0 {
            return Ok(());
        }
        let (len_max, bytes_max) = (out.len() + max, out.byte_len() + STEP_BYTES);
        let mut visit = Visit {
            store: self,
            at: self.reading_at(at),
            below: 0,
            out,
            len_max,
            bytes_max,
            looked: 0,
            key: Vec::new(),
            apart: None,
            older: Vec::new(),
        };
        while !cursor.done && !visit.is_full() {
            visit.below = self.undo.visible_below(visit.at);
            let (range, direction) = (&cursor.rest, cursor.direction);
            let step = tree::visit_leaf(&self.pager, tree.root, range, direction, |key, slot| {
                visit.looked += 1;
                let go_on = visit.entry(key, slot) && !visit.is_full();
                if !go_on {
                    visit.key.clear();
                    visit.key.extend_from_slice(key);
                }
                go_on
            })?;
            match step {
                Step::Done => cursor.done = true,
                Step::Next(fence) => cursor.skip_to(fence),
                Step::Stopped => {
                    if visit.answer_apart(tree)? {
                        cursor.advance_past(&visit.key);
                    } else {
                        cursor.stand_at(&visit.key);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Visit<'_> {
    fn is_full(&self) -> bool {
        self.out.len() >= self.len_max || self.out.byte_len() >= self.bytes_max || self.looked >= STEP_ENTRIES
    }

    /// Takes what can be answered under the latch; false when the entry cannot.
    fn entry(&mut self, key: &[u8], slot: Slot<'_>) -> bool {
        let mut ask = false;
        if slot.hdr >= self.below {
            self.older.clear();
            match self.store.undo.seen_in_memory(slot.hdr, self.at, &mut self.older) {
                Seen::Newest => {}
                Seen::Nothing { .. } => return true,
                Seen::Value { hdr } if hdr & LARGE == 0 => {
                    self.out.push(key, &self.older);
                    return true;
                }
                Seen::Value { hdr } => {
                    self.apart = Some(Apart { hdr, live: true, value: std::mem::take(&mut self.older), ask: false });
                    return false;
                }
                Seen::Spilled | Seen::Gone => ask = true,
            }
        }
        if !ask && slot.ghost {
            return true;
        }
        if !ask && slot.hdr & LARGE == 0 {
            self.out.push(key, slot.value);
            return true;
        }
        self.apart = Some(Apart { hdr: slot.hdr, live: !slot.ghost, value: slot.value.to_vec(), ask });
        false
    }

    /// Answers the entry that was left, if any. False: look at it again.
    fn answer_apart(&mut self, tree: &Tree) -> Result<bool> {
        let Some(Apart { hdr, live, mut value, ask }) = self.apart.take() else { return Ok(true) };
        match self.store.finish(tree, (hdr, live), ask, self.at, 0, &mut value)? {
            Some(true) => self.out.push(&self.key, &value),
            Some(false) => {}
            None => return Ok(false),
        }
        Ok(true)
    }
}
