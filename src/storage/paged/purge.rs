//! Purge: what the undo stream's freed records leave behind is tidied, at once and completely, so nothing has to be searched
//! for: ghosts, chunks of replaced values, dropped trees. After a restart, with the stream gone, the ghosts of the earlier
//! run are searched for, in the trees that the directory marks.

use super::super::needed::Needed;
use super::super::pager::PageWriter;
use super::super::range::{Cursor, Direction, KeyRange};
use super::super::tree::{self, Change, Step};
use super::super::undo::{Collected, Kind, Limit};
use super::directory::{LargeId, Tree};
use super::{LARGE, PagedStore, large};
use crate::base::{Result, SqlState, TreeId};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// How many records, or pages of a dropped tree, are tidied in one turn of the writer.
const SLICE: usize = 64;

/// A leaf to look for ghosts in costs as much as this many records.
const LEAF_COST: usize = 16;

/// How often it is looked whether somebody is inside a tree still.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// What only the one that purges may touch.
#[derive(Default)]
pub(super) struct Purging {
    collected: Collected,
    /// Large values whose chunks are to be removed.
    pub dead_values: Vec<LargeId>,
    /// Trees in which ghosts of an earlier run may be, and where the search is.
    unswept: Vec<(Arc<Tree>, Cursor)>,
}

impl Purging {
    pub fn collected(&self) -> &Collected {
        &self.collected
    }

    pub fn new(dead_values: Vec<LargeId>, trees: &[Arc<Tree>]) -> Purging {
        let unswept = trees.iter().filter(|tree| tree.unswept.load(Relaxed));
        let cursor = || Cursor::new(KeyRange::all(), Direction::Forward);
        Purging {
            collected: Collected::default(),
            dead_values,
            unswept: unswept.map(|tree| (Arc::clone(tree), cursor())).collect(),
        }
    }
}

impl PagedStore {
    /// Purges about `budget` records' worth; true when there may be more.
    pub(super) fn purge_alone(&self, purging: &mut Purging, needed: &Needed, budget: usize) -> bool {
        match self.purge_within(purging, needed, budget) {
            Ok(more) => more,
            // It goes on when there is room again.
            Err(e) if e.code() == SqlState::DISK_FULL => false,
            Err(e) => {
                tracing::error!("old row versions cannot be purged: {}", e.message());
                false
            }
        }
    }

    fn purge_within(&self, purging: &mut Purging, needed: &Needed, budget: usize) -> Result<bool> {
        let mut left = budget;
        let limit = Limit::new(needed);
        while left > 0 && self.purge_slice(purging, &limit, &mut left)? {}
        if limit.visible < needed.floor && left > 0 && self.undo.settle(needed, left, &mut purging.collected)? {
            left = 0;
        }
        self.undo.spill();
        self.remove_dead_values(purging, &mut left)?;
        self.sweep(purging, &mut left)?;
        self.free_doomed(&mut left)?;
        Ok(left == 0)
    }

    /// Frees a stretch of the undo stream; true when there is more to free.
    fn purge_slice(&self, purging: &mut Purging, limit: &Limit, left: &mut usize) -> Result<bool> {
        let Purging { collected, dead_values, .. } = purging;
        let more = self.undo.collect(limit, SLICE.min(*left), collected)?;
        *left -= collected.records.min(*left);
        let mut writer = None;
        if collected.garbage().next().is_some() {
            self.pager.admit(2 * SLICE)?;
            self.prefault_garbage(collected)?;
            let w = writer.insert(self.pager.write());
            for (garbage, key, _) in collected.garbage() {
                match garbage.kind {
                    Kind::DropTree => self.doom(garbage.tree),
                    Kind::Delete => self.remove_ghost(w, garbage.tree, key, garbage.position)?,
                    _ => {}
                }
            }
        }
        // Not before all of that is done: after an error the same records come again.
        for (garbage, _, value) in collected.garbage() {
            if let (Kind::Delete, Ok(tree)) = (garbage.kind, self.tree(garbage.tree)) {
                tree.ghosts.fetch_sub(1, Relaxed);
            }
            if garbage.kind.had_value() && garbage.prev_hdr & LARGE != 0 {
                dead_values.push(LargeId { tree: garbage.tree, number: large::reference(value)? });
            }
        }
        // Before the writer goes: who takes a batch back must see either the ghost or the base behind it.
        self.undo.release(collected);
        Ok(more)
    }

    fn prefault_garbage(&self, collected: &Collected) -> Result<()> {
        for (garbage, key, _) in collected.garbage().filter(|(g, ..)| g.kind == Kind::Delete) {
            if let Ok(tree) = self.tree(garbage.tree) {
                tree::prefault(&self.pager, tree.root, key)?;
            }
        }
        Ok(())
    }

    fn remove_ghost(&self, w: &PageWriter<'_>, tree: TreeId, key: &[u8], position: u64) -> Result<()> {
        // A tree that was dropped since takes its ghosts along.
        let Ok(tree) = self.tree(tree) else { return Ok(()) };
        #[cfg(test)]
        if self.mutates(super::Mutation::GhostLeak) {
            return Ok(());
        }
        tree::update(w, tree.root, key, |old| match old {
            Some(slot) if slot.ghost && slot.hdr == position => (Change::Remove, ()),
            _ => (Change::Keep, ()),
        })
    }

    fn remove_dead_values(&self, purging: &mut Purging, left: &mut usize) -> Result<()> {
        while let Some(&value) = purging.dead_values.last() {
            if *left == 0 {
                return Ok(());
            }
            self.pager.admit(2 * SLICE)?;
            let w = self.pager.write();
            // Chunks of a dropped tree go with it.
            let removed =
                self.tree(value.tree).map_or(Ok(0), |tree| self.remove_some_chunks(&w, &tree, value.number))?;
            *left -= removed.clamp(1, *left);
            if removed == 0 {
                self.unmark_dead(&w, value)?;
                purging.dead_values.pop();
            }
        }
        Ok(())
    }

    /// Takes a tree out of sight, for its pages to be freed.
    pub(super) fn doom(&self, id: TreeId) {
        let gone = self.trees.write().remove(&id);
        self.doomed.lock().extend(gone);
    }

    /// Frees trees that a batch had made which was taken back, and waits until they are gone. Nobody can be inside for long.
    ///
    /// Errors: 53100, and then it may be called again.
    pub fn free_trees(&self, trees: &[TreeId]) -> Result<()> {
        loop {
            // Nobody else frees them meanwhile.
            let purging = self.purging.lock();
            let mut any_number = usize::MAX;
            self.free_doomed(&mut any_number)?;
            if !self.doomed.lock().iter().any(|tree| trees.contains(&tree.id)) {
                return Ok(());
            }
            drop(purging);
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Frees pages of trees that nobody is inside of any more.
    pub(super) fn free_doomed(&self, left: &mut usize) -> Result<()> {
        let mut waiting = std::mem::take(&mut *self.doomed.lock());
        let mut result = Ok(());
        while let Some(i) = waiting.iter().position(|tree| Arc::strong_count(tree) == 1) {
            if *left == 0 {
                break;
            }
            if let Err(e) = self.pager.admit(SLICE) {
                result = Err(e);
                break;
            }
            let w = self.pager.write();
            *left -= SLICE.min(*left);
            match self.free_some(&w, &waiting[i]) {
                Ok(true) => continue,
                Ok(false) => drop(waiting.swap_remove(i)),
                Err(e) => {
                    result = Err(e);
                    break;
                }
            }
        }
        self.doomed.lock().append(&mut waiting);
        result
    }

    /// Frees some pages of a dropped tree; true when there are more.
    fn free_some(&self, w: &PageWriter<'_>, tree: &Tree) -> Result<bool> {
        if let Some(chunks) = tree.chunks() {
            if !tree::free_all(w, chunks, SLICE)? {
                self.enter_chunks(w, tree, None)?;
            }
            return Ok(true);
        }
        if tree::free_all(w, tree.root, SLICE)? {
            return Ok(true);
        }
        self.strike(w, tree.id).map(|()| false)
    }

    /// Looks for dead ghosts of an earlier run, a leaf at a time.
    fn sweep(&self, purging: &mut Purging, left: &mut usize) -> Result<()> {
        #[cfg(test)]
        if self.mutates(super::Mutation::NoSweep) {
            return Ok(());
        }
        while let Some((tree, cursor)) = purging.unswept.last_mut() {
            if *left == 0 {
                return Ok(());
            }
            *left -= LEAF_COST.min(*left);
            // One that is only dropped may come back with its ghosts, when the batch fails.
            let doomed = !self.trees.read().contains_key(&tree.id);
            if !doomed {
                self.sweep_leaf(tree, cursor)?;
            }
            if cursor.done || doomed {
                tree.unswept.store(false, Relaxed);
                purging.unswept.pop();
            }
        }
        Ok(())
    }

    fn sweep_leaf(&self, tree: &Tree, cursor: &mut Cursor) -> Result<()> {
        let mut dead: Vec<Vec<u8>> = Vec::new();
        let base = self.undo.base();
        let step = tree::visit_leaf(&self.pager, tree.root, &cursor.rest, cursor.direction, |key, slot| {
            if slot.ghost && slot.hdr < base {
                dead.push(key.to_vec());
            }
            true
        })?;
        if !dead.is_empty() {
            self.pager.admit(2 * dead.len())?;
            let w = self.pager.write();
            for key in &dead {
                tree::update(&w, tree.root, key, |old| match old {
                    Some(slot) if slot.ghost && slot.hdr < base => (Change::Remove, ()),
                    _ => (Change::Keep, ()),
                })?;
            }
        }
        match step {
            Step::Next(fence) => cursor.skip_to(fence),
            Step::Done => cursor.done = true,
            Step::Stopped => {}
        }
        Ok(())
    }
}
