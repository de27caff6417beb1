//! What must be tidied when nobody needs it any more: a queue of committed batches with the keys they changed.
//!
//! A batch that everybody who comes will see (it is below the floor) is taken from the queue and its keys are pruned.
//! A key that an open snapshot still needs in an old state goes to the `held` set, once, however often it changes, and
//! that set is walked again when the oldest snapshot has moved. So garbage is bounded by what snapshots really see, and
//! a purge finds all of it without searching for it.

use super::super::key::Key;
use super::super::needed::Needed;
use super::MemStore;
use crate::base::bytes::{Reader, put_run, put_varint};
use crate::base::{Lsn, TreeId};
use hashbrown::HashSet;
use std::collections::{BTreeSet, VecDeque};
use std::ops::Bound;

/// One committed batch: the keys it changed, in a flat buffer of (replaced: u8, tree: varint, key: run).
pub(super) struct Batch {
    lsn: Lsn,
    keys: Vec<u8>,
    /// Where the next key to prune begins in `keys`.
    next: usize,
    pub(super) dropped: Vec<TreeId>,
}

impl Batch {
    pub(super) fn new(lsn: Lsn) -> Batch {
        Batch { lsn, keys: Vec::new(), next: 0, dropped: Vec::new() }
    }

    /// `replaced`: an older state exists, so there is something to prune.
    pub(super) fn push(&mut self, tree: TreeId, key: &[u8], replaced: bool) {
        self.keys.push(u8::from(replaced));
        put_varint(&mut self.keys, u64::from(tree.0));
        put_run(&mut self.keys, key);
    }

    /// The key that begins at `from`, and where the next one does.
    fn key_at(&self, from: usize) -> Option<(bool, TreeId, &[u8], usize)> {
        let mut r = Reader::new(&self.keys[from..]);
        let replaced = r.u8().ok()? == 1;
        let tree = TreeId(r.varint().ok()? as u32);
        let key = r.run().ok()?;
        Some((replaced, tree, key, self.keys.len() - r.remaining()))
    }

    fn keys_from(&self, from: usize) -> impl Iterator<Item = (bool, TreeId, &[u8])> {
        let mut at = from;
        std::iter::from_fn(move || {
            let (replaced, tree, key, next) = self.key_at(at)?;
            at = next;
            Some((replaced, tree, key))
        })
    }
}

#[derive(Default)]
pub(super) struct Past {
    /// Not pruned yet, oldest first.
    fresh: VecDeque<Batch>,
    /// Pruned, kept for SERIALIZABLE validation, oldest first.
    pruned: VecDeque<Batch>,
    /// Keys with old states or ghosts that a snapshot needs.
    held: BTreeSet<(TreeId, Key)>,
    /// The walk over `held`: where it is, and the oldest snapshot when it began.
    walk: Option<(TreeId, Key)>,
    walked_at: Lsn,
    /// Trees dropped, and when.
    dropped: Vec<(Lsn, TreeId)>,
}

impl Past {
    pub(super) fn push(&mut self, batch: Batch) {
        debug_assert!(self.fresh.back().is_none_or(|last| last.lsn < batch.lsn), "commits come in order");
        self.dropped.extend(batch.dropped.iter().map(|&tree| (batch.lsn, tree)));
        self.fresh.push_back(batch);
    }

    pub(super) fn batches(&self) -> usize {
        self.fresh.len() + self.pruned.len()
    }

    pub(super) fn changes(&self, after: Lsn, visit: &mut dyn FnMut(TreeId, Option<&[u8]>) -> bool) {
        for batch in self.fresh.iter().rev().chain(self.pruned.iter().rev()).take_while(|b| b.lsn > after) {
            for (_, tree, key) in batch.keys_from(0) {
                if !visit(tree, Some(key)) {
                    return;
                }
            }
        }
    }

    /// Whether purge knows of garbage behind the key.
    pub(super) fn will_visit(&self, tree: TreeId, key: &Key) -> bool {
        let queued = |b: &Batch| b.keys_from(b.next).any(|(_, t, k)| (t, k) == (tree, key.as_slice()));
        self.held.contains(&(tree, key.clone())) || self.fresh.iter().any(queued)
    }
}

impl MemStore {
    /// Purges about `budget` keys; true when it stopped for that.
    pub(super) fn purge_alone(&self, needed: &Needed, budget: usize) -> bool {
        let mut left = budget;
        self.purge_fresh(needed, &mut left);
        self.purge_held(needed, &mut left);
        self.drop_trees(needed);
        let mut past = self.past.lock();
        while past.pruned.front().is_some_and(|b| b.lsn <= needed.changes_after) {
            past.pruned.pop_front();
        }
        left == 0
    }

    /// A key that changed often is pruned once: its chain may be long, and one walk does all there is to do now.
    fn purge_fresh(&self, needed: &Needed, left: &mut usize) {
        let mut pruned: HashSet<(TreeId, Key)> = HashSet::new();
        while *left > 0 {
            let mut past = self.past.lock();
            if past.fresh.front().is_none_or(|b| b.lsn > needed.floor) {
                return;
            }
            let mut batch = past.fresh.pop_front().expect("just looked");
            drop(past);
            let mut held = Vec::new();
            while *left > 0 {
                let Some((replaced, tree, key, next)) = batch.key_at(batch.next) else { break };
                if replaced && pruned.insert((tree, Key::from(key))) {
                    *left -= 1;
                    if self.prune(tree, key, needed) {
                        held.push((tree, Key::from(key)));
                    }
                }
                batch.next = next;
            }
            let mut past = self.past.lock();
            past.held.extend(held);
            if batch.next < batch.keys.len() {
                past.fresh.push_front(batch);
            } else if batch.lsn > needed.changes_after {
                past.pruned.push_back(batch);
            }
        }
    }

    /// Walks the held keys once for each move of the oldest snapshot.
    fn purge_held(&self, needed: &Needed, left: &mut usize) {
        while *left > 0 {
            let mut past = self.past.lock();
            if past.walk.is_none() {
                if past.held.is_empty() || past.walked_at >= needed.oldest() {
                    return;
                }
                past.walked_at = needed.oldest();
            }
            let from = past.walk.clone().map_or(Bound::Unbounded, Bound::Excluded);
            let Some((tree, key)) = past.held.range((from, Bound::Unbounded)).next().cloned() else {
                past.walk = None;
                continue;
            };
            drop(past);
            *left -= 1;
            let keep = self.prune(tree, key.as_slice(), needed);
            let mut past = self.past.lock();
            if !keep {
                past.held.remove(&(tree, key.clone()));
            }
            past.walk = Some((tree, key));
        }
    }

    fn drop_trees(&self, needed: &Needed) {
        let mut past = self.past.lock();
        let oldest = needed.oldest();
        let (gone, rest): (Vec<_>, Vec<_>) = past.dropped.drain(..).partition(|&(lsn, _)| lsn <= oldest);
        past.dropped = rest;
        past.held.retain(|(tree, _)| !gone.iter().any(|(_, t)| t == tree));
        drop(past);
        let dropped: Vec<_> = gone.iter().filter_map(|(_, tree)| self.trees.write().remove(tree)).collect();
        // Freeing a big tree takes a while: not under the directory's lock.
        drop(dropped);
    }

    /// Prunes one entry. True when it keeps something that must be looked at again.
    fn prune(&self, tree: TreeId, key: &[u8], needed: &Needed) -> bool {
        let Ok(tree) = self.tree(tree) else { return false };
        let mut entries = tree.entries.write();
        let Some(entry) = entries.get_mut(key) else { return false };
        if entry.prune(needed) {
            entries.remove(key);
            return false;
        }
        // A newer change in the queue comes back to this entry by itself, but being held as well does no harm.
        entry.older.is_some() || entry.value.is_none()
    }
}
