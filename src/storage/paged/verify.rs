//! Checks of the whole, and counts. Both walk everything, and want commits and purges to rest.

use super::super::pager::PagerStats;
use super::super::store::StoreStats;
use super::super::tree::{self, Slot, Visit};
use super::super::undo::{Collected, Kind, UndoStats};
use super::directory::{self, DROPPED, LargeId, Tree};
use super::{LARGE, PagedStore, large};
use crate::base::{Error, Lsn, PageId, Result, SqlState};
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Sizes that are known without a walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PagedStats {
    pub pager: PagerStats,
    pub undo: UndoStats,
    pub trees: usize,
    /// Dropped trees whose pages are not all free.
    pub doomed: usize,
    /// Replaced large values of an earlier run, or purged ones, whose chunks are to be removed.
    pub dead_values: usize,
    /// The newest commit applied.
    pub applied: Lsn,
}

fn broken(why: impl Into<String>) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, why)
}

/// What the walk has met.
#[derive(Default)]
struct Met {
    pages: HashSet<PageId>,
    /// Large values that a newest or an older state refers to.
    newest: HashSet<LargeId>,
    older: HashSet<LargeId>,
    /// Deletes in the undo stream, by tree.
    deletes: HashMap<crate::base::TreeId, usize>,
}

impl Met {
    fn page(&mut self, pid: PageId) -> Result<()> {
        if self.pages.insert(pid) { Ok(()) } else { Err(broken(format!("page {pid} is in two places"))) }
    }
}

impl PagedStore {
    pub fn paged_stats(&self) -> PagedStats {
        PagedStats {
            pager: self.pager.stats(),
            undo: self.undo.stats(),
            trees: self.trees.read().len(),
            doomed: self.doomed.lock().len(),
            dead_values: self.purging.lock().dead_values.len(),
            applied: self.applying.lock().lsn,
        }
    }

    pub(super) fn store_stats(&self) -> StoreStats {
        let undo = self.undo.stats();
        let trees: Vec<Arc<Tree>> = self.trees.read().values().cloned().collect();
        let mut stats = StoreStats {
            trees: trees.len(),
            old_versions: undo.replaced,
            batches: undo.batches,
            ..StoreStats::default()
        };
        for tree in trees {
            if let Ok(counts) = tree::verify(&self.pager, tree.root, &mut |_| {}) {
                stats.entries += counts.entries;
                stats.ghosts += counts.ghosts;
            }
        }
        stats
    }

    pub(super) fn verify_all(&self) -> Result<()> {
        let purging = self.purging.lock();
        let applying = self.applying.lock();
        let mut met = Met::default();
        if let Some(load) = &applying.load {
            load.pages().iter().try_for_each(|&pid| met.page(pid))?;
            met.newest.extend(load.large());
        }
        self.verify_undo(purging.collected(), &mut met)?;
        let trees: Vec<Arc<Tree>> = self.trees.read().values().cloned().collect();
        for tree in &trees {
            self.verify_tree(tree, &mut met).map_err(|e| e.context(format!("in tree {}", tree.id)))?;
        }
        let doomed: Vec<Arc<Tree>> = self.doomed.lock().clone();
        for tree in &doomed {
            let mut pages = Vec::new();
            for root in [Some(tree.root), tree.chunks()].into_iter().flatten() {
                tree::each_page(&self.pager, root, &mut |pid| pages.push(pid))?;
            }
            pages.into_iter().try_for_each(|pid| met.page(pid))?;
        }
        self.verify_directory(&trees, &doomed, &mut met)?;
        let mut dead: HashSet<LargeId> =
            directory::list(&self.pager, self.directory)?.dead_values.into_iter().collect();
        if let Some(value) = dead.iter().find(|value| met.newest.contains(*value)) {
            return Err(broken(format!("{value:?} is in use, and noted as dead")));
        }
        if let Some(value) = met.older.iter().find(|value| !dead.contains(*value)) {
            return Err(broken(format!("nobody will remove {value:?}")));
        }
        for tree in &trees {
            self.verify_chunks(tree, &mut met, &dead)?;
        }
        dead.retain(|value| !met.older.contains(value));
        if let Some(value) = dead.iter().find(|value| !purging.dead_values.contains(*value)) {
            return Err(broken(format!("purge does not know that {value:?} is dead")));
        }
        self.pager.verify(&mut |pid| met.pages.contains(&pid))
    }

    fn verify_undo(&self, collected: &Collected, met: &mut Met) -> Result<()> {
        self.undo.records(collected, &mut |record| {
            if record.kind == Kind::Delete {
                *met.deletes.entry(record.tree).or_default() += 1;
            }
            if record.kind.had_value() && record.prev_hdr & LARGE != 0 {
                met.older.insert(LargeId { tree: record.tree, number: large::reference(record.value)? });
            }
            Ok(())
        })
    }

    fn verify_tree(&self, tree: &Tree, met: &mut Met) -> Result<()> {
        let mut result = Ok(());
        tree::verify(&self.pager, tree.root, &mut |visit| {
            if result.is_err() {
                return;
            }
            result = match visit {
                Visit::Page(pid) => met.page(pid),
                Visit::Entry { key, slot } => self.verify_entry(tree, key, slot, met),
            };
        })?;
        result?;
        let deletes = met.deletes.get(&tree.id).copied().unwrap_or_default();
        if deletes != tree.ghosts.load(Relaxed) {
            return Err(broken(format!("{deletes} deletes are in the undo stream, not {:?}", tree.ghosts)));
        }
        Ok(())
    }

    fn verify_entry(&self, tree: &Tree, key: &[u8], slot: Slot<'_>, met: &mut Met) -> Result<()> {
        if !slot.ghost && slot.hdr & LARGE != 0 {
            let value = LargeId { tree: tree.id, number: large::reference(slot.value)? };
            if !met.newest.insert(value) {
                return Err(broken(format!("two entries share the large value of {key:?}")));
            }
        }
        if slot.hdr >= self.undo.base() {
            return match self.undo.leads_to(slot.hdr, tree.id, key, slot.ghost)? {
                true => Ok(()),
                false => Err(broken(format!("the header of {key:?} leads elsewhere"))),
            };
        }
        if slot.ghost && !tree.unswept.load(Relaxed) {
            return Err(broken(format!("nobody will purge {key:?}")));
        }
        Ok(())
    }

    /// The directory's list and the one in memory are the same, and its own pages are whole.
    fn verify_directory(&self, trees: &[Arc<Tree>], doomed: &[Arc<Tree>], met: &mut Met) -> Result<()> {
        let mut pages = Vec::new();
        tree::verify(&self.pager, self.directory, &mut |visit| {
            if let Visit::Page(pid) = visit {
                pages.push(pid);
            }
        })?;
        pages.into_iter().try_for_each(|pid| met.page(pid))?;
        let listed = directory::list(&self.pager, self.directory)?.trees;
        let known: HashMap<_, _> = trees.iter().chain(doomed).map(|tree| (tree.id, tree)).collect();
        for tree in &listed {
            let same = known.get(&tree.id).is_some_and(|k| {
                k.root == tree.root && k.chunks() == tree.chunks() && k.flags.load(Relaxed) == tree.flags.load(Relaxed)
            });
            if !same {
                return Err(broken(format!("the directory's entry of tree {} is not what memory says", tree.id)));
            }
        }
        if listed.len() != known.len() || doomed.iter().any(|tree| !tree.has(DROPPED)) {
            return Err(broken("the directory does not list the trees that there are"));
        }
        Ok(())
    }

    /// Every large value that a state refers to is whole, and every other one is known to be dead.
    fn verify_chunks(&self, tree: &Tree, met: &mut Met, dead: &HashSet<LargeId>) -> Result<()> {
        let (mut pages, mut result) = (Vec::new(), Ok(()));
        let mut whole = HashSet::new();
        // The value whose chunks are being met, and how many.
        let mut current = (0, 0);
        let mut chunk = |key: &[u8], bytes: &[u8]| -> Result<()> {
            let (number, place) = large::split_key(key).ok_or_else(|| broken("a chunk's key is damaged"))?;
            if number != current.0 {
                current = (number, 0);
            }
            let value = LargeId { tree: tree.id, number };
            let wanted = met.newest.contains(&value) || met.older.contains(&value);
            if wanted && place != current.1 {
                return Err(broken(format!("chunks of {value:?} are missing before {place}")));
            }
            if !wanted && !dead.contains(&value) {
                return Err(broken(format!("chunk {place} of {value:?} belongs to nobody")));
            }
            current.1 += 1;
            if large::is_last(bytes) {
                whole.insert(number);
            }
            Ok(())
        };
        if let Some(root) = tree.chunks() {
            tree::verify(&self.pager, root, &mut |visit| match visit {
                Visit::Page(pid) => pages.push(pid),
                Visit::Entry { key, slot } if result.is_ok() => result = chunk(key, slot.value),
                Visit::Entry { .. } => {}
            })?;
        }
        result?;
        let mut used = met.newest.iter().chain(&met.older).filter(|value| value.tree == tree.id);
        if let Some(value) = used.find(|value| !whole.contains(&value.number)) {
            return Err(broken(format!("chunks of {value:?} are missing")));
        }
        pages.into_iter().try_for_each(|pid| met.page(pid))
    }
}
