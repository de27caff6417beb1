//! Trees in memory: a `BTreeMap` for each, its entries with their versions behind them.
//!
//! A tree's lock is held for a leaf-sized copy or for one change, never across either's caller. Changes come from one
//! thread at a time (the writer); the log makes them durable, so there is nothing to write here.

mod history;
mod version;

use super::batch::{Batch, Op};
use super::entries::Entries;
use super::key::Key;
use super::needed::Needed;
use super::range::{Cursor, Direction};
use super::store::{History, Newest, Store, StoreStats};
use crate::base::{Error, Lsn, Result, TreeId};
use hashbrown::HashMap;
use history::Past;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use version::Version;

/// How many entries, and bytes, a scan looks at before it lets go of the tree.
const STEP_ENTRIES: usize = 1024;
const STEP_BYTES: usize = 256 << 10;

#[derive(Default)]
struct Tree {
    entries: RwLock<BTreeMap<Key, Version>>,
}

/// A [`Store`] that holds everything in memory.
#[derive(Default)]
pub struct MemStore {
    trees: RwLock<HashMap<TreeId, Arc<Tree>>>,
    past: Mutex<Past>,
    /// Keeps purges apart from each other.
    purging: Mutex<()>,
    pub(super) mutation: Option<Mutation>,
}

/// Rules that a test can turn off, to prove that it notices.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutation {
    /// Readers see the newest state whatever their snapshot.
    Dirty,
    /// Deletes are not remembered for purge.
    GhostLeak,
}

impl MemStore {
    pub fn new() -> MemStore {
        MemStore::default()
    }

    fn mutates(&self, rule: Mutation) -> bool {
        self.mutation == Some(rule)
    }

    fn tree(&self, tree: TreeId) -> Result<Arc<Tree>> {
        self.trees.read().get(&tree).cloned().ok_or_else(|| no_tree(tree))
    }

    /// Calls `f` with the tree's entry for `key`.
    fn with_entry<T>(&self, tree: TreeId, key: &[u8], f: impl FnOnce(Option<&Version>) -> T) -> Result<T> {
        let trees = self.trees.read();
        let tree = trees.get(&tree).ok_or_else(|| no_tree(tree))?;
        let entries = tree.entries.read();
        Ok(f(entries.get(key)))
    }

    fn reading_at(&self, at: Lsn) -> Lsn {
        if self.mutates(Mutation::Dirty) {
            return Lsn::MAX;
        }
        at
    }
}

fn no_tree(tree: TreeId) -> Error {
    Error::internal(format!("tree {tree} does not exist"))
}

fn as_slices(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

/// Copies what `at` shows until the step is full. The key it stopped behind, or `None` at the end of the range.
fn copy_out<'a>(
    entries: impl Iterator<Item = (&'a Key, &'a Version)>,
    at: Lsn,
    out: &mut Entries,
    max: usize,
) -> Option<&'a Key> {
    let (len_max, bytes_max) = (out.len() + max, out.byte_len() + STEP_BYTES);
    for (seen, (key, version)) in entries.enumerate() {
        if let Some(value) = version.at(at) {
            out.push(key.as_slice(), value);
        }
        if out.len() >= len_max || out.byte_len() >= bytes_max || seen >= STEP_ENTRIES {
            return Some(key);
        }
    }
    None
}

impl Store for MemStore {
    fn get(&self, tree: TreeId, key: &[u8], at: Lsn, out: &mut Vec<u8>) -> Result<bool> {
        let at = self.reading_at(at);
        self.with_entry(tree, key, |entry| match entry.and_then(|version| version.at(at)) {
            Some(value) => {
                out.extend_from_slice(value);
                true
            }
            None => false,
        })
    }

    fn scan(&self, tree: TreeId, at: Lsn, cursor: &mut Cursor, out: &mut Entries, max: usize) -> Result<()> {
        if cursor.done || max == 0 {
            return Ok(());
        }
        let at = self.reading_at(at);
        let tree = self.tree(tree)?;
        let entries = tree.entries.read();
        let range = entries.range::<[u8], _>((as_slices(&cursor.rest.lower), as_slices(&cursor.rest.upper)));
        let stop = match cursor.direction {
            Direction::Forward => copy_out(range, at, out, max),
            Direction::Backward => copy_out(range.rev(), at, out, max),
        };
        match stop {
            Some(key) => cursor.advance_past(key.as_slice()),
            None => cursor.done = true,
        }
        Ok(())
    }

    fn newest(&self, tree: TreeId, key: &[u8]) -> Result<Newest> {
        self.with_entry(tree, key, |entry| match entry {
            Some(version) => Newest { lsn: version.lsn, live: version.value.is_some() },
            None => Newest { lsn: Lsn::ZERO, live: false },
        })
    }

    fn prepare(&self, batch: &Batch) -> Result<()> {
        let trees = self.trees.read();
        let mut created = Vec::new();
        batch.for_each(|op| match op {
            Op::NewTree(tree) if trees.contains_key(&tree) || created.contains(&tree) => {
                Err(Error::internal(format!("tree {tree} exists already")))
            }
            Op::NewTree(tree) => {
                created.push(tree);
                Ok(())
            }
            Op::Put { tree, .. } | Op::Delete { tree, .. } | Op::DropTree(tree) => {
                let known = trees.contains_key(&tree) || created.contains(&tree);
                if known { Ok(()) } else { Err(no_tree(tree)) }
            }
        })
    }

    fn apply(&self, batch: &Batch, lsn: Lsn, history: History) -> Result<()> {
        let mut past = (history == History::Keep).then(|| history::Batch::new(lsn));
        let mut last: Option<(TreeId, Arc<Tree>)> = None;
        batch.for_each(|op| {
            let (id, key, value) = match op {
                Op::Put { tree, key, value } => (tree, key, Some(value)),
                Op::Delete { tree, key } => (tree, key, None),
                Op::NewTree(tree) => {
                    self.trees.write().insert(tree, Arc::default());
                    return Ok(());
                }
                Op::DropTree(tree) => {
                    match &mut past {
                        Some(past) => past.dropped.push(tree),
                        None => drop(self.trees.write().remove(&tree)),
                    }
                    return Ok(());
                }
            };
            if last.as_ref().is_none_or(|(tree, _)| *tree != id) {
                last = Some((id, self.tree(id)?));
            }
            let (_, tree) = last.as_ref().expect("just set");
            match &mut past {
                Some(past) => self.change(tree, id, key, value, lsn, past),
                None => overwrite(tree, key, value, lsn),
            }
            Ok(())
        })?;
        if let Some(batch) = past {
            self.past.lock().push(batch);
        }
        Ok(())
    }

    fn changes(&self, after: Lsn, visit: &mut dyn FnMut(TreeId, Option<&[u8]>) -> bool) -> Result<()> {
        self.past.lock().changes(after, visit);
        Ok(())
    }

    fn purge(&self, needed: &Needed, budget: usize) -> bool {
        let Some(_alone) = self.purging.try_lock() else { return true };
        self.purge_alone(needed, budget)
    }

    fn trees(&self) -> Vec<TreeId> {
        let mut trees: Vec<TreeId> = self.trees.read().keys().copied().collect();
        trees.sort_unstable();
        trees
    }

    fn verify(&self) -> Result<()> {
        for id in self.trees() {
            let tree = self.tree(id)?;
            let entries = tree.entries.read();
            let past = self.past.lock();
            for (key, version) in entries.iter() {
                let mut newer = version;
                while let Some(older) = newer.older.as_deref() {
                    if older.lsn >= newer.lsn {
                        return Err(Error::internal(format!("tree {id}: versions of {key:?} are out of order")));
                    }
                    newer = older;
                }
                let garbage = version.older.is_some() || version.value.is_none();
                if garbage && !past.will_visit(id, key) {
                    return Err(Error::internal(format!("tree {id}: nobody will purge {key:?}")));
                }
            }
        }
        Ok(())
    }

    fn stats(&self) -> StoreStats {
        let mut stats = StoreStats { batches: self.past.lock().batches(), ..StoreStats::default() };
        for id in self.trees() {
            let Ok(tree) = self.tree(id) else { continue };
            stats.trees += 1;
            for version in tree.entries.read().values() {
                stats.entries += 1;
                stats.ghosts += usize::from(version.value.is_none());
                stats.old_versions += version.depth();
            }
        }
        stats
    }
}

impl MemStore {
    fn change(&self, tree: &Tree, id: TreeId, key: &[u8], value: Option<&[u8]>, lsn: Lsn, past: &mut history::Batch) {
        let mut entries = tree.entries.write();
        match entries.get_mut(key) {
            // Deleting nothing.
            Some(old) if old.value.is_none() && value.is_none() => {}
            Some(old) => {
                old.push(lsn, value);
                if self.mutates(Mutation::GhostLeak) && value.is_none() {
                    return;
                }
                past.push(id, key, true);
            }
            None => {
                if value.is_some() {
                    entries.insert(Key::from(key), Version::new(lsn, value));
                    past.push(id, key, false);
                }
            }
        }
    }
}

/// Sets a state without keeping the old one.
fn overwrite(tree: &Tree, key: &[u8], value: Option<&[u8]>, lsn: Lsn) {
    let mut entries = tree.entries.write();
    match value {
        None => drop(entries.remove(key)),
        Some(_) => match entries.get_mut(key) {
            Some(old) => *old = Version::new(lsn, value),
            None => drop(entries.insert(Key::from(key), Version::new(lsn, value))),
        },
    }
}
