//! A transaction's own changes: a log in the order they were made, and for each tree the way from a key to its last change.
//!
//! The log makes savepoints trivial (cut its tail) and gives each command its view of the transaction's own writes (the
//! changes before a position); each change knows the previous one of its key, so a key can be read as of any
//! position. Each tree orders its keys for scans and for the batch that commit writes; keys that come in ascending
//! order cost it four bytes each.
//!
//! Read in this order: `log.rs`, `own.rs`, this file.

mod log;
mod own;
#[cfg(test)]
mod tests;

use crate::base::{Error, Result, SqlState, TreeId};
use crate::io::Disk;
use crate::storage::{Batch, Direction, Encoder, Op};
use log::{CHANGE_BYTES, Change, HEAD_BYTES_MAX, Log, Role};
use own::{Own, Passed, as_of};
use std::ops::Bound;
use std::sync::Arc;
use std::{mem, thread};

/// A change must fit into one log record, with room for what is around it.
const BYTES_MAX: usize = 1 << 29;
/// What an empty set keeps of its memory.
const KEPT_BYTES: usize = 8 << 10;
/// A set with more memory is dropped by a thread of its own.
const ASIDE_BYTES: usize = 32 << 20;
/// Of how many trees an empty set keeps the memory.
const KEPT_TREES: usize = 16;
/// Positions are below this.
const CHANGES_MAX: usize = u32::MAX as usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TreeChange {
    Created(TreeId),
    Dropped(TreeId),
}

/// A position in the log of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    changes: u32,
    trees: u32,
}

impl Mark {
    /// How many changes there were.
    pub(super) fn changes(self) -> u32 {
        self.changes
    }
}

/// Where a set keeps its changes.
#[derive(Clone)]
pub(super) struct Room {
    /// In memory up to here,
    pub(super) memory_bytes: u64,
    /// then here, if anywhere.
    pub(super) disk: Option<Arc<dyn Disk>>,
}

pub(super) struct WriteSet {
    log: Log,
    /// Ascending by tree.
    own: Vec<Own>,
    /// Where in `own` the last change went.
    recent: usize,
    /// What finding the changes by their keys costs.
    beside_bytes: usize,
    trees: Vec<TreeChange>,
    bytes_max: u64,
    room: Room,
}

impl WriteSet {
    pub(super) fn new(bytes_max: u64, room: Room) -> WriteSet {
        let log = Log::default();
        WriteSet { log, own: Vec::new(), recent: 0, beside_bytes: 0, trees: Vec::new(), bytes_max, room }
    }

    /// Forgets everything, but keeps a little memory for the next transaction.
    pub(super) fn reset(&mut self) {
        let kept = self.log.capacity() + self.own.iter().map(Own::capacity).sum::<usize>();
        if kept > KEPT_BYTES || self.own.len() > KEPT_TREES {
            let old = mem::replace(self, WriteSet::new(self.bytes_max, self.room.clone()));
            if kept > ASIDE_BYTES {
                // Giving gigabytes back takes a while; a ROLLBACK does not wait for it. Without a thread it is done here.
                drop(thread::Builder::new().name("txn-forget".to_string()).spawn(move || drop(old)));
            }
            return;
        }
        self.forget_changes();
        self.trees.clear();
    }

    fn forget_changes(&mut self) {
        self.log.clear();
        self.own.iter_mut().for_each(Own::clear);
        self.beside_bytes = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.log.is_empty() && self.trees.is_empty()
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { changes: self.log.len() as u32, trees: self.trees.len() as u32 }
    }

    /// Takes back everything after `mark`.
    pub(super) fn undo_to(&mut self, mark: Mark) {
        self.trees.truncate(mark.trees as usize);
        if mark.changes == 0 {
            return self.forget_changes();
        }
        while self.log.len() > mark.changes as usize {
            let change = self.log.get(self.log.len() as u32 - 1);
            let at = position(&self.own, change.tree).expect("a changed tree is known");
            self.own[at].forget(&self.log, &change);
            self.beside_bytes -= own::bytes(change.role);
            self.log.pop();
        }
    }

    /// `value: None` deletes. 53400 when the budget is used up, 53100 when the disk is; the set is as before then.
    pub(super) fn change(&mut self, tree: TreeId, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let len = key.len() + value.map_or(0, <[u8]>::len);
        if len > BYTES_MAX {
            return Err(too_wide());
        }
        let grown = self.log.bytes() + HEAD_BYTES_MAX + len + (self.log.len() + 1) * CHANGE_BYTES;
        let beside = self.beside_bytes + own::bytes(Role::First);
        if (grown + beside) as u64 > self.bytes_max || self.log.len() + 1 >= CHANGES_MAX {
            return Err(self.full());
        }
        self.log.make_room(len, &self.room)?;
        let at = self.log.len() as u32;
        if self.own.get(self.recent).is_none_or(|own| own.tree != tree) {
            self.recent = self.find_or_add(tree);
        }
        let role = self.own[self.recent].enter(&self.log, key, at);
        self.beside_bytes += own::bytes(role);
        self.log.push(Change { tree, role, key, value });
        Ok(())
    }

    fn find_or_add(&mut self, tree: TreeId) -> usize {
        position(&self.own, tree).unwrap_or_else(|at| {
            self.own.insert(at, Own::new(tree));
            at
        })
    }

    fn own(&self, tree: TreeId) -> Option<&Own> {
        position(&self.own, tree).ok().map(|at| &self.own[at])
    }

    fn full(&self) -> Error {
        Error::new(SqlState::CONFIGURATION_LIMIT_EXCEEDED, "transaction has too many uncommitted changes")
            .detail(format!("The changes of a transaction can take at most {} bytes.", self.bytes_max))
            .hint("Commit in smaller parts.")
    }

    pub(super) fn create_tree(&mut self, tree: TreeId) {
        self.trees.push(TreeChange::Created(tree));
    }

    pub(super) fn drop_tree(&mut self, tree: TreeId) {
        self.trees.push(TreeChange::Dropped(tree));
    }

    /// The tree exists for this transaction only.
    pub(super) fn created(&self, tree: TreeId) -> bool {
        self.trees.contains(&TreeChange::Created(tree))
    }

    fn dropped(&self, tree: TreeId) -> bool {
        self.trees.contains(&TreeChange::Dropped(tree))
    }

    /// The own state of a key as of position `before`: `None` when it was not changed, `Some(None)` when deleted.
    pub(super) fn get(&self, tree: TreeId, key: &[u8], before: u32) -> Option<Option<&[u8]>> {
        if self.log.is_empty() {
            return None;
        }
        let last = self.own(tree)?.last(&self.log, key)?;
        as_of(&self.log, last, before).map(|change| change.value)
    }

    /// The key was changed at or after position `from`.
    pub(super) fn changed_since(&self, tree: TreeId, key: &[u8], from: u32) -> bool {
        let last = self.own(tree).and_then(|own| own.last(&self.log, key));
        last.is_some_and(|last| last >= from)
    }

    /// The own states, as of position `before`, of the keys between two bounds, in the order of `direction`. The bounds
    /// are not of an empty range.
    pub(super) fn range<'a>(
        &'a self,
        tree: TreeId,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        before: u32,
        direction: Direction,
    ) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let own = self.own(tree).into_iter();
        let changes = own.flat_map(move |own| own.range(&self.log, lower, upper, before, direction));
        changes.map(|change| (change.key, change.value))
    }

    /// Whether any key of the tree was changed before position `before`.
    pub(super) fn touches(&self, tree: TreeId, before: u32) -> bool {
        before > 0 && self.own(tree).is_some_and(|own| own.touched(&self.log, before))
    }

    /// About how many bytes the net effect takes.
    pub(super) fn bytes(&self) -> usize {
        self.log.bytes()
    }

    /// The net effect, as the log and the trees take it. Empty when nothing is left to do.
    pub(super) fn encode(&self) -> Batch {
        let mut out = Encoder::new();
        self.created_trees().for_each(|op| out.push(op));
        for own in self.lasting() {
            own.rest(&self.log, &Passed::default()).for_each(|change| self.push(change, &mut out));
        }
        self.dropped_trees().for_each(|op| out.push(op));
        out.finish()
    }

    /// The net effect in parts, each made when the one before has been dealt with. The memory of what was dealt with is
    /// given back on the way, so the set is good for nothing but [`WriteSet::reset`] afterwards.
    pub(super) fn take_parts(&mut self, deal: impl FnMut(Batch) -> Result<()>) -> Result<()> {
        self.take_parts_with(Encoder::new(), deal)
    }

    fn take_parts_with(&mut self, mut out: Encoder, mut deal: impl FnMut(Batch) -> Result<()>) -> Result<()> {
        let mut left = self.log.changes_by_chunk();
        for op in self.created_trees() {
            out.push(op);
            out.take_full().map_or(Ok(()), &mut deal)?;
        }
        let lasting: Vec<TreeId> = self.lasting().map(|own| own.tree).collect();
        for tree in lasting {
            let at = position(&self.own, tree).expect("it was listed");
            let mut passed = Passed::default();
            let mut more = true;
            while more {
                let from = passed.run;
                more = self.push_part(&self.own[at], &mut passed, &mut out);
                for change in self.own[at].run_positions(from..passed.run) {
                    let chunk = self.log.chunk_of(change);
                    left[chunk] -= 1;
                    if left[chunk] == 0 {
                        self.log.release(chunk);
                    }
                }
                out.take_full().map_or(Ok(()), &mut deal)?;
            }
        }
        for op in self.dropped_trees() {
            out.push(op);
            out.take_full().map_or(Ok(()), &mut deal)?;
        }
        let rest = out.finish();
        if rest.is_empty() { Ok(()) } else { deal(rest) }
    }

    /// Pushes a tree's changes until they fill a part; false when that is all of them.
    fn push_part(&self, own: &Own, passed: &mut Passed, out: &mut Encoder) -> bool {
        let mut rest = own.rest(&self.log, passed);
        while let Some(change) = rest.next() {
            self.push(change, out);
            if out.is_full() {
                *passed = Passed { run: rest.run_place(), key: Some(change.key.to_vec()) };
                return true;
            }
        }
        passed.run = rest.run_place();
        false
    }

    fn push(&self, change: Change<'_>, out: &mut Encoder) {
        let Change { tree, key, .. } = change;
        match change.value {
            Some(value) => out.push(Op::Put { tree, key, value }),
            None if self.created(tree) => {}
            None => out.push(Op::Delete { tree, key }),
        }
    }

    fn lasting(&self) -> impl Iterator<Item = &Own> {
        self.own.iter().filter(|own| !self.dropped(own.tree))
    }

    fn created_trees(&self) -> impl Iterator<Item = Op<'static>> {
        self.trees.iter().filter_map(|change| match *change {
            TreeChange::Created(tree) if !self.dropped(tree) => Some(Op::NewTree(tree)),
            _ => None,
        })
    }

    fn dropped_trees(&self) -> impl Iterator<Item = Op<'static>> {
        self.trees.iter().filter_map(|change| match *change {
            TreeChange::Dropped(tree) if !self.created(tree) => Some(Op::DropTree(tree)),
            _ => None,
        })
    }
}

/// Where the tree's changes are, or belong.
fn position(own: &[Own], tree: TreeId) -> std::result::Result<usize, usize> {
    own.binary_search_by_key(&tree, |own| own.tree)
}

fn too_wide() -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("row is too big, the maximum is {BYTES_MAX} bytes"))
}
