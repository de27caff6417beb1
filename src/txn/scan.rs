//! Scans: a tree as a view shows it, with the transaction's own changes laid over it.
//!
//! The tree is copied out a step at a time, and each step merged with the own changes of the same stretch of keys. Both
//! sides keep only a position between calls, so the scan borrows nothing and the transaction may go on writing: what
//! it writes after the view was taken the scan does not see.

use super::reads::ReadSlot;
use super::transaction::Txn;
use super::view::ReadView;
use crate::base::{Lsn, Result, TreeId};
use crate::storage::{Cursor, Direction, Entries, KeyRange, Store};
use std::cmp::Ordering;
use std::ops::Bound;

/// A scan in progress.
pub struct Scan {
    tree: TreeId,
    at: Lsn,
    own_before: u32,
    /// What is left of the tree.
    cursor: Cursor,
    /// What is left of the own changes; `None` when there are none to see.
    own: Option<Cursor>,
    /// Entries of the tree that the merge has not reached, from `next` on.
    ahead: Entries,
    next: usize,
    /// SERIALIZABLE: the range, and where to note how much of it was read.
    noted: Option<(ReadSlot, KeyRange)>,
    /// Keeps the snapshot open.
    _view: Option<ReadView>,
}

impl Txn {
    /// Entries of `range` in the order of `direction`, as `view` shows them.
    pub fn scan(&self, view: ReadView, tree: TreeId, range: KeyRange, direction: Direction) -> Scan {
        let noted = self.reads.as_ref().map(|reads| (reads.lock().open(tree), range.clone()));
        let (at, own_before) = (view.lsn(), view.own_before);
        Scan { noted, _view: Some(view), ..self.scan_at(at, own_before, tree, range, direction) }
    }

    /// Like `scan`, on the latest committed state with all own writes made before the call: meaningful under a lock.
    pub fn scan_latest(&self, tree: TreeId, range: KeyRange, direction: Direction) -> Scan {
        self.scan_at(Lsn::MAX, self.writes.mark().changes(), tree, range, direction)
    }

    fn scan_at(&self, at: Lsn, own_before: u32, tree: TreeId, range: KeyRange, direction: Direction) -> Scan {
        let mut cursor = Cursor::new(range, direction);
        let own = self.writes.touches(tree, own_before).then(|| cursor.clone());
        cursor.done |= self.writes.created(tree);
        Scan { tree, at, own_before, cursor, own, ahead: Entries::new(), next: 0, noted: None, _view: None }
    }
}

impl Scan {
    /// Refills `out` with up to `max` entries; false when nothing is left behind them. After true there may
    /// still be nothing.
    pub fn next(&mut self, txn: &Txn, out: &mut Entries, max: usize) -> Result<bool> {
        out.clear();
        let max = max.max(1);
        let more = match self.own {
            None => self.copy(txn, out, max)?,
            Some(_) => self.merge(txn, out, max)?,
        };
        self.note(txn);
        if self.at == Lsn::MAX {
            txn.saw_latest();
        }
        Ok(more)
    }

    fn copy(&mut self, txn: &Txn, out: &mut Entries, max: usize) -> Result<bool> {
        while out.is_empty() && !self.cursor.done {
            txn.shared.store.scan(self.tree, self.at, &mut self.cursor, out, max)?;
        }
        Ok(!self.cursor.done)
    }

    fn merge(&mut self, txn: &Txn, out: &mut Entries, max: usize) -> Result<bool> {
        loop {
            self.fill(txn, max)?;
            let own = self.own.as_mut().expect("the caller looked");
            let passed = merge_step(txn, self.tree, self.own_before, own, (&self.ahead, &mut self.next), out, max);
            if let Some(key) = passed {
                own.advance_past(&key);
            }
            let tree_done = self.cursor.done && self.next == self.ahead.len();
            if tree_done && own.done {
                return Ok(false);
            }
            if out.len() >= max {
                return Ok(true);
            }
        }
    }

    /// Makes sure that the next entry of the tree is known, or that there is none.
    fn fill(&mut self, txn: &Txn, max: usize) -> Result<()> {
        if self.next < self.ahead.len() {
            return Ok(());
        }
        self.ahead.clear();
        self.next = 0;
        while self.ahead.is_empty() && !self.cursor.done {
            txn.shared.store.scan(self.tree, self.at, &mut self.cursor, &mut self.ahead, max)?;
        }
        Ok(())
    }

    /// Notes what was looked at so far.
    fn note(&mut self, txn: &Txn) {
        let (Some((slot, range)), Some(reads)) = (&self.noted, &txn.reads) else { return };
        let mut seen = range.clone();
        if !self.cursor.done {
            match self.cursor.direction {
                Direction::Forward => seen.upper = include(&self.cursor.rest.lower),
                Direction::Backward => seen.lower = include(&self.cursor.rest.upper),
            }
        }
        reads.lock().set(*slot, seen);
    }
}

/// The bound of what was looked at, from that of what was not.
fn include(rest: &Bound<Vec<u8>>) -> Bound<Vec<u8>> {
    match rest {
        Bound::Excluded(key) | Bound::Included(key) => Bound::Included(key.clone()),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// Merges until `out` is full, or the known entries of the tree are used up while there may be more of them, or both
/// sides are. Answers the last own key it passed; sets `own.done` at the end of the own changes.
fn merge_step(
    txn: &Txn,
    tree: TreeId,
    own_before: u32,
    own: &mut Cursor,
    (ahead, next): (&Entries, &mut usize),
    out: &mut Entries,
    max: usize,
) -> Option<Vec<u8>> {
    if own.done {
        while *next < ahead.len() && out.len() < max {
            let (key, value) = ahead.get(*next);
            out.push(key, value);
            *next += 1;
        }
        return None;
    }
    let more_of_tree = !ahead.is_empty();
    let bounds = (own.rest.lower.as_ref().map(Vec::as_slice), own.rest.upper.as_ref().map(Vec::as_slice));
    let direction = own.direction;
    let mut changes = txn.writes.range(tree, bounds.0, bounds.1, own_before, direction);
    let mut passed = None;
    let mut change = changes.next();
    while out.len() < max {
        let entry = (*next < ahead.len()).then(|| ahead.get(*next));
        if entry.is_none() && more_of_tree {
            break;
        }
        let order = match (entry, change) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((key, _)), Some((own, _))) if direction == Direction::Forward => key.cmp(own),
            (Some((key, _)), Some((own, _))) => own.cmp(key),
        };
        if let (Some((key, value)), Ordering::Less) = (entry, order) {
            out.push(key, value);
        }
        if let (Some((key, value)), Ordering::Equal | Ordering::Greater) = (change, order) {
            if let Some(value) = value {
                out.push(key, value);
            }
            passed = Some(key);
            change = changes.next();
        }
        *next += usize::from(order != Ordering::Greater);
    }
    let none_left = change.is_none();
    let passed = passed.map(<[u8]>::to_vec);
    drop(changes);
    own.done |= none_left;
    passed
}
