//! Applying: the operations of a batch become new states of entries, with what was before in the undo stream.
//!
//! A batch is pending until all of it is applied, then published by one store. Between its slices the pager's writer is let go,
//! so purge, and batches that are applied in one slice, come in between; readers come in at any time.

use super::super::batch::{Batch, Op};
use super::super::pager::PageWriter;
use super::super::store::History;
use super::super::tree::{self, Change, Finger, Slot};
use super::super::undo::{self, Appender, Before};
use super::directory::{DROPPED, GHOSTS, LargeId, Tree};
use super::large::{self, REFERENCE_BYTES};
use super::load::Load;
use super::{LARGE, PagedStore, no_tree};
use crate::base::{Error, Lsn, PageId, Result, SqlState, TreeId};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// How many changes of pages one turn of the writer makes.
const TURN_CHANGES: usize = 256;

/// How many of a batch's leaves are read ahead; of more, the first would be gone again by the time.
const PREFAULT_MAX: usize = 4096;

/// From how many changes on it is worth knowing how many pages there are to change.
const MANY_CHANGES: usize = 1024;

/// What a batch may change beside its leaves: the directory, inner pages, roots.
const PAGES_BESIDE: usize = 16;

/// What only the one that applies may touch.
pub(super) struct Applying {
    pub lsn: Lsn,
    /// The next large value's number.
    pub next_value: u64,
    /// The tree that a pending batch is filling.
    pub load: Option<Load>,
}

/// The pager's writer and the end of the undo stream, for a while at a time. Everybody who waits gets in between.
pub(super) struct Turn<'a> {
    store: &'a PagedStore,
    held: Option<(PageWriter<'a>, Appender<'a>)>,
    /// In the tree at hand.
    finger: Finger,
    changes: usize,
}

impl<'a> Turn<'a> {
    pub fn new(store: &'a PagedStore) -> Turn<'a> {
        let held = Some((store.pager.write(), store.undo.appender()));
        Turn { store, held, finger: Finger::default(), changes: 0 }
    }

    pub fn writer(&self) -> &PageWriter<'a> {
        &self.held.as_ref().expect("it is let go of only within `breathe`").0
    }

    fn parts(&mut self) -> (&PageWriter<'a>, &mut Appender<'a>, &mut Finger) {
        let (w, appender) = self.held.as_mut().expect("it is let go of only within `breathe`");
        (w, appender, &mut self.finger)
    }

    /// Says that a change was made; now and then lets go and waits for the next turn. No state of ours may be half
    /// made but those of a pending batch.
    pub fn breathe(&mut self) {
        self.changes += 1;
        if self.changes < TURN_CHANGES {
            return;
        }
        self.changes = 0;
        self.finger = Finger::default();
        self.held = None;
        if self.store.undo.is_crowded() {
            self.store.undo.spill();
        }
        self.held = Some((self.store.pager.write(), self.store.undo.appender()));
    }
}

/// A batch that nobody sees yet, though its changes are in the pages. It must be published or unapplied.
#[must_use]
pub struct PendingBatch {
    pub(super) undo: undo::Pending,
    pub(super) created: Vec<Arc<Tree>>,
    pub(super) dropped: Vec<Arc<Tree>>,
    /// Large enough for empty trees to be loaded.
    large: bool,
}

/// The number in a state that is a large value.
pub(super) fn large_of(slot: &Slot<'_>) -> Option<u64> {
    (!slot.ghost && slot.hdr & LARGE != 0).then(|| large::reference(slot.value).ok()).flatten()
}

fn before<'a>(old: &Option<Slot<'a>>) -> Before<'a> {
    match old {
        None => Before::Absent,
        Some(slot) if slot.ghost => Before::Ghost { hdr: slot.hdr },
        Some(slot) => Before::Live { hdr: slot.hdr, value: slot.value },
    }
}

impl PagedStore {
    pub(super) fn prefault_batch(&self, batch: &Batch) -> Result<()> {
        let mut last: Option<Arc<Tree>> = None;
        let mut left = PREFAULT_MAX;
        batch.for_each(|op| {
            let (Op::Put { tree: id, key, .. } | Op::Delete { tree: id, key }) = op else { return Ok(()) };
            if left == 0 {
                return Ok(());
            }
            left -= 1;
            if last.as_ref().is_none_or(|tree| tree.id != id) {
                last = self.trees.read().get(&id).cloned();
            }
            let last = last.as_ref().filter(|tree| !tree.loading.load(Relaxed));
            last.map_or(Ok(()), |tree| tree::prefault(&self.pager, tree.root, key))
        })
    }

    pub(super) fn prefetch_batch(&self, batch: &Batch) -> Result<()> {
        let mut last: Option<(TreeId, tree::Ahead<'_>)> = None;
        batch.for_each(|op| {
            let (Op::Put { tree: id, key, .. } | Op::Delete { tree: id, key }) = op else { return Ok(()) };
            if last.as_ref().is_none_or(|(tree, _)| *tree != id) {
                last.take().into_iter().for_each(|(_, ahead)| ahead.prefetch());
                let tree = self.trees.read().get(&id).cloned().filter(|tree| !tree.loading.load(Relaxed));
                last = tree.map(|tree| (id, tree::Ahead::new(&self.pager, tree.root)));
            }
            last.as_mut().map_or(Ok(()), |(_, ahead)| ahead.note(key))
        })?;
        last.into_iter().for_each(|(_, ahead)| ahead.prefetch());
        Ok(())
    }

    pub(super) fn prepare_batch(&self, batch: &Batch) -> Result<()> {
        self.undo.admit()?;
        let scattered = self.check_batch(batch)?;
        self.pager.admit(self.pages_touched(batch, scattered))
    }

    /// Answers how many changes may each touch another page: those of trees that are not being loaded.
    fn check_batch(&self, batch: &Batch) -> Result<usize> {
        let trees = self.trees.read();
        let mut created = Vec::new();
        let mut known: Option<TreeId> = None;
        let (mut scattered, mut loading) = (0, false);
        batch.for_each(|op| match op {
            Op::NewTree(tree) if trees.contains_key(&tree) || created.contains(&tree) => {
                Err(Error::internal(format!("tree {tree} exists already")))
            }
            Op::NewTree(tree) => {
                scattered += 1;
                created.push(tree);
                Ok(())
            }
            Op::Put { tree, .. } | Op::Delete { tree, .. } | Op::DropTree(tree) => {
                if known != Some(tree) {
                    let old = trees.get(&tree);
                    if old.is_none() && !created.contains(&tree) {
                        return Err(no_tree(tree));
                    }
                    loading = old.is_some_and(|old| old.loading.load(Relaxed));
                    known = Some(tree);
                }
                scattered += usize::from(!loading);
                match op {
                    Op::Put { key, .. } => self.check_key(key),
                    _ => Ok(()),
                }
            }
        })?;
        Ok(scattered)
    }

    /// At most about how many pages applying a batch changes.
    fn pages_touched(&self, batch: &Batch, scattered: usize) -> usize {
        let old = match scattered {
            n @ ..MANY_CHANGES => 2 * n,
            n => (2 * n).min(self.pager.stats().pages),
        };
        old + 4 * batch.byte_len() / self.pager.page_bytes() + PAGES_BESIDE
    }

    fn check_key(&self, key: &[u8]) -> Result<()> {
        if key.len() <= self.limits.key && key.len() + REFERENCE_BYTES <= self.limits.entry {
            return Ok(());
        }
        let message = format!("index row size {} exceeds maximum {}", key.len(), self.limits.key);
        Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message))
    }

    pub(super) fn apply_batch(&self, batch: &Batch, lsn: Lsn, history: History) -> Result<()> {
        if history == History::Forget {
            let mut applying = self.applying.lock();
            self.apply_ops(batch, None, &mut applying)?;
            applying.lsn = lsn;
            return Ok(());
        }
        let mut pending = PendingBatch { large: false, ..self.begin_pending() };
        match self.apply_pending(&mut pending, batch) {
            Ok(()) => {
                self.publish(pending, lsn);
                Ok(())
            }
            Err(e) => self.unapply(pending).and(Err(e)),
        }
    }

    /// Begins a batch that is applied in parts. No checkpoint can be frozen until it is published or unapplied.
    pub fn begin_pending(&self) -> PendingBatch {
        let undo = self.undo.appender().begin();
        PendingBatch { undo, created: Vec::new(), dropped: Vec::new(), large: true }
    }

    /// Applies more changes to keys that the batch has not changed yet. Other batches may be applied between two calls.
    pub fn apply_pending(&self, pending: &mut PendingBatch, batch: &Batch) -> Result<()> {
        self.apply_ops(batch, Some(pending), &mut self.applying.lock())
    }

    /// Completes the batch, so that nothing is left that might fail.
    pub fn complete(&self, pending: &mut PendingBatch) -> Result<()> {
        let mut applying = self.applying.lock();
        let Some(load) = applying.load.as_mut().filter(|load| load.is_of(Some(pending))) else { return Ok(()) };
        load.end(&self.pager.write())?;
        applying.load = None;
        Ok(())
    }

    /// Makes the batch visible. It is complete, if it was applied in parts.
    pub fn publish(&self, pending: PendingBatch, lsn: Lsn) {
        let mut applying = self.applying.lock();
        assert!(!applying.load.as_ref().is_some_and(|load| load.is_of(Some(&pending))), "the batch is complete");
        self.undo.appender().publish(pending.undo, lsn);
        applying.lsn = lsn;
    }

    fn apply_ops(&self, batch: &Batch, pending: Option<&mut PendingBatch>, applying: &mut Applying) -> Result<()> {
        let mut ops = Ops { store: self, turn: Turn::new(self), pending, applying, tree: None, way: Way::Usual };
        batch.for_each(|op| {
            match op {
                Op::Put { tree, key, value } => {
                    ops.find(tree, key)?;
                    ops.put(key, value)?;
                }
                Op::Delete { tree, key } => {
                    ops.find(tree, key)?;
                    ops.delete(key)?;
                }
                Op::NewTree(tree) => ops.create(tree)?,
                Op::DropTree(tree) => ops.drop_tree(tree)?,
            }
            ops.turn.breathe();
            Ok(())
        })
    }
}

/// The application of some operations.
struct Ops<'a, 'b> {
    store: &'a PagedStore,
    turn: Turn<'a>,
    /// `None`: nothing is kept of what was before.
    pending: Option<&'b mut PendingBatch>,
    applying: &'b mut Applying,
    /// The tree of the operation before.
    tree: Option<Arc<Tree>>,
    way: Way,
}

/// How entries get into the tree at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Usual,
    /// It is empty: the first put begins a load.
    Empty,
    Load,
}

impl Ops<'_, '_> {
    fn find(&mut self, id: TreeId, key: &[u8]) -> Result<()> {
        if self.tree.as_ref().is_none_or(|tree| tree.id != id) {
            let tree = self.store.tree(id)?;
            self.way = self.way_into(&tree, key)?;
            self.tree = Some(tree);
            self.turn.finger = Finger::default();
        }
        Ok(())
    }

    /// Ends the load that is under way, if it is in the way of operations on a tree from `key` on.
    fn way_into(&mut self, tree: &Tree, key: &[u8]) -> Result<Way> {
        let pending = self.pending.as_deref();
        if let Some(load) = &mut self.applying.load {
            match (load.is_of(pending), load.tree() == tree.id) {
                (true, true) if load.takes(key) => return Ok(Way::Load),
                (false, false) => return Ok(Way::Usual),
                #[cfg(test)]
                (false, true) if self.store.mutates(super::Mutation::LoadRegardless) => return Ok(Way::Usual),
                _ => {}
            }
            load.end(self.turn.writer())?;
            self.applying.load = None;
        }
        let loads = pending.is_some_and(|pending| pending.large) && tree::is_empty(self.turn.writer(), tree.root)?;
        Ok(if loads { Way::Empty } else { Way::Usual })
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if self.way == Way::Empty {
            self.begin_load();
        }
        if key.len() + value.len() <= self.store.limits.entry {
            return self.put_state(key, value, 0);
        }
        let number = self.applying.next_value;
        self.applying.next_value += 1;
        let tree = Arc::clone(self.tree.as_ref().expect("found before"));
        let written = self.store.write_large(&mut self.turn, &tree, number, value);
        let put = written.and_then(|()| self.put_state(key, &number.to_le_bytes(), LARGE));
        if let Some(load) = self.applying.load.as_mut().filter(|_| self.way == Way::Load && put.is_ok()) {
            load.note_large(number);
        }
        if put.is_err() {
            self.store.remove_large(&mut self.turn, &tree, number)?;
        }
        put
    }

    fn put_state(&mut self, key: &[u8], value: &[u8], mark: u64) -> Result<()> {
        let tree = self.tree.as_ref().expect("found before");
        let (w, appender, finger) = self.turn.parts();
        if self.way == Way::Load {
            return self.applying.load.as_mut().expect("it is under way").push(w, key, mark, value);
        }
        let pending = self.pending.as_deref();
        let replaced = tree::update_near(w, tree.root, finger, key, |old| {
            let position = pending.map_or(0, |p| appender.push(&p.undo, tree.id, key, before(&old), false));
            (Change::Put { hdr: position | mark, value }, old.as_ref().and_then(large_of))
        })?;
        replaced.map_or(Ok(()), |number| self.let_go_of(number))
    }

    fn begin_load(&mut self) {
        let tree = self.tree.as_ref().expect("found before");
        let pending = self.pending.as_deref().expect("only a pending batch loads");
        let hdr = self.turn.parts().1.push_load(&pending.undo, tree.id);
        self.applying.load = Some(Load::new(self.store, Arc::clone(tree), pending, hdr));
        self.way = Way::Load;
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        // Keys come once each: there is nothing to delete in a tree that was empty.
        if self.way != Way::Usual {
            return Ok(());
        }
        let tree = self.tree.as_ref().expect("found before");
        let (w, appender, finger) = self.turn.parts();
        let pending = self.pending.as_deref();
        let (ghost, replaced) = tree::update_near(w, tree.root, finger, key, |old| {
            let Some(slot) = old.filter(|slot| !slot.ghost) else { return (Change::Keep, (false, None)) };
            let replaced = large_of(&slot);
            match pending {
                None => (Change::Remove, (false, replaced)),
                Some(p) => {
                    let hdr = appender.push(&p.undo, tree.id, key, before(&Some(slot)), true);
                    tree.ghosts.fetch_add(1, Relaxed);
                    (Change::Ghost { hdr }, (true, replaced))
                }
            }
        })?;
        if ghost && !tree.has(GHOSTS) {
            self.store.enter(self.turn.writer(), tree, tree.flags.load(Relaxed) | GHOSTS)?;
        }
        replaced.map_or(Ok(()), |number| self.let_go_of(number))
    }

    /// A large value is no longer an entry's newest state.
    fn let_go_of(&mut self, number: u64) -> Result<()> {
        let now = self.pending.is_none();
        #[cfg(test)]
        let now = now || self.store.mutates(super::Mutation::EagerChunks);
        let tree = Arc::clone(self.tree.as_ref().expect("found before"));
        if now {
            return self.store.remove_large(&mut self.turn, &tree, number);
        }
        self.store.mark_dead(self.turn.writer(), LargeId { tree: tree.id, number })
    }

    fn create(&mut self, id: TreeId) -> Result<()> {
        if self.store.trees.read().contains_key(&id) {
            return Err(Error::internal(format!("tree {id} exists already")));
        }
        let w = self.turn.writer();
        let tree = Tree::new(id, tree::create(w)?, PageId::NONE, 0);
        self.store.enter(w, &tree, 0)?;
        self.store.trees.write().insert(id, Arc::clone(&tree));
        if let Some(pending) = &mut self.pending {
            pending.created.push(tree);
        }
        Ok(())
    }

    fn drop_tree(&mut self, id: TreeId) -> Result<()> {
        self.tree = None;
        let tree = self.store.tree(id)?;
        if let Some(load) = self.applying.load.as_mut().filter(|load| load.tree() == id) {
            load.end(self.turn.writer())?;
            self.applying.load = None;
        }
        let (w, appender, _) = self.turn.parts();
        self.store.enter(w, &tree, tree.flags.load(Relaxed) | DROPPED)?;
        match &mut self.pending {
            Some(pending) => {
                appender.push_drop(&pending.undo, id);
                pending.dropped.push(tree);
            }
            None => self.store.doom(id),
        }
        Ok(())
    }
}
