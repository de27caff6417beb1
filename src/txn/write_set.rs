//! A transaction's own changes: a log in the order they were made, and an ordered map from each key to its last change.
//!
//! The log makes savepoints trivial (cut its tail) and gives each command its view of the transaction's own writes (the
//! changes before a position); each change remembers the previous one of its key, so a key can be read as of any
//! position. The map orders the keys for scans and for the batch that commit writes.
//!
//! Bytes live in chunks, so that a set of gigabytes grows without being copied.
//!
//! A map key is the tree, big-endian, followed by the entry's key, so one map holds all trees in (tree, key) order.

use crate::base::{Error, Result, SqlState, TreeId};
use crate::storage::{Batch, Encoder, Key, Op};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::Bound;

const TREE_BYTES: usize = size_of::<u32>();
const NONE: u32 = u32::MAX;
/// `value_len` of a delete.
const DELETED: u32 = u32::MAX;
/// A change must fit into one log record, with room for what is around it.
const BYTES_MAX: usize = 1 << 29;
/// What an empty set keeps of its arena, and as much of its log.
const KEPT_BYTES: usize = 4 << 10;
/// What a change costs beyond its bytes: its place in the log and its key's in the map.
const CHANGE_BYTES: usize = size_of::<Change>() + 48;

/// Map keys are built here to look something up.
type Scratch = SmallVec<[u8; 64]>;

/// The size of an arena's chunks. The first grows up to it; what is larger has a chunk of its own.
const CHUNK_BYTES: usize = 1 << 20;

/// A place in the arena.
#[derive(Clone, Copy)]
struct Place {
    chunk: u32,
    offset: u32,
}

/// Bytes in the order they came, which end where a savepoint says.
#[derive(Default)]
struct Arena {
    chunks: Vec<Vec<u8>>,
    bytes: usize,
}

impl Arena {
    /// Appends both, next to each other.
    fn push(&mut self, key: &[u8], value: &[u8]) -> Place {
        let len = key.len() + value.len();
        match self.chunks.last() {
            None => self.chunks.push(Vec::new()),
            Some(last) if last.len() + len > CHUNK_BYTES => {
                self.chunks.push(Vec::with_capacity(CHUNK_BYTES.max(len)));
            }
            Some(_) => {}
        }
        let chunk = self.chunks.len() - 1;
        let last = &mut self.chunks[chunk];
        let place = Place { chunk: chunk as u32, offset: last.len() as u32 };
        last.extend_from_slice(key);
        last.extend_from_slice(value);
        self.bytes += len;
        place
    }

    fn get(&self, place: Place, skip: u32, len: u32) -> &[u8] {
        let from = (place.offset + skip) as usize;
        &self.chunks[place.chunk as usize][from..from + len as usize]
    }

    /// Bytes it has room for without asking for more.
    fn capacity(&self) -> usize {
        self.chunks.iter().map(Vec::capacity).sum()
    }

    /// Forgets everything from `place` on.
    fn truncate(&mut self, place: Place) {
        let keep = place.chunk as usize + 1;
        self.bytes -= self.chunks.drain(keep..).map(|chunk| chunk.len()).sum::<usize>();
        let last = &mut self.chunks[keep - 1];
        self.bytes -= last.len() - place.offset as usize;
        last.truncate(place.offset as usize);
    }

    /// Forgets everything, but for the room of the first chunk.
    fn clear(&mut self) {
        self.chunks.truncate(1);
        self.chunks.iter_mut().for_each(Vec::clear);
        self.bytes = 0;
    }
}

/// One change. Its map key and its value follow each other in the arena from `start`.
struct Change {
    start: Place,
    key_len: u32,
    value_len: u32,
    /// The previous change of the same key.
    previous: u32,
}

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

pub(super) struct WriteSet {
    log: Vec<Change>,
    arena: Arena,
    last: BTreeMap<Key, u32>,
    trees: Vec<TreeChange>,
    bytes_max: u64,
}

fn map_key(tree: TreeId, key: &[u8]) -> Scratch {
    let mut out = Scratch::from_slice(&tree.0.to_be_bytes());
    out.extend_from_slice(key);
    out
}

fn split(map_key: &[u8]) -> (TreeId, &[u8]) {
    let (tree, key) = map_key.split_first_chunk::<TREE_BYTES>().expect("a map key begins with its tree");
    (TreeId(u32::from_be_bytes(*tree)), key)
}

impl WriteSet {
    pub(super) fn new(bytes_max: u64) -> WriteSet {
        WriteSet { log: Vec::new(), arena: Arena::default(), last: BTreeMap::new(), trees: Vec::new(), bytes_max }
    }

    /// Forgets everything, but keeps a little memory for the next transaction.
    pub(super) fn reset(&mut self) {
        if self.arena.capacity() > KEPT_BYTES || self.log.capacity() > KEPT_BYTES / size_of::<Change>() {
            *self = WriteSet::new(self.bytes_max);
            return;
        }
        self.log.clear();
        self.arena.clear();
        self.last.clear();
        self.trees.clear();
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
            self.log.clear();
            self.arena.clear();
            self.last.clear();
            return;
        }
        while self.log.len() > mark.changes as usize {
            let change = self.log.pop().expect("longer than the mark");
            let key = self.arena.get(change.start, 0, change.key_len);
            if change.previous == NONE {
                self.last.remove(key);
            } else {
                *self.last.get_mut(key).expect("a changed key is in the map") = change.previous;
            }
            self.arena.truncate(change.start);
        }
    }

    /// `value: None` deletes. 53400 when the budget is used up; the set is as before then.
    pub(super) fn change(&mut self, tree: TreeId, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let map_key = map_key(tree, key);
        if map_key.len() + value.map_or(0, <[u8]>::len) > BYTES_MAX {
            return Err(too_wide());
        }
        let (key_len, value_len) = (map_key.len() as u32, value.map_or(DELETED, |v| v.len() as u32));
        let grown = self.arena.bytes + map_key.len() + value.map_or(0, <[u8]>::len);
        if (grown + (self.log.len() + 1) * CHANGE_BYTES) as u64 > self.bytes_max || self.log.len() + 1 >= NONE as usize
        {
            return Err(self.full());
        }
        let place = self.log.len() as u32;
        let previous = match self.last.get_mut(map_key.as_slice()) {
            Some(last) => std::mem::replace(last, place),
            None => {
                self.last.insert(Key::from(map_key.as_slice()), place);
                NONE
            }
        };
        let start = self.arena.push(&map_key, value.unwrap_or_default());
        self.log.push(Change { start, key_len, value_len, previous });
        Ok(())
    }

    fn full(&self) -> Error {
        Error::new(SqlState::CONFIGURATION_LIMIT_EXCEEDED, "transaction has too many uncommitted changes")
            .detail(format!("The changes of a transaction can take at most {} bytes of memory.", self.bytes_max))
            .hint("Commit in smaller parts, or raise write_set_bytes_max.")
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

    fn value(&self, change: &Change) -> Option<&[u8]> {
        (change.value_len != DELETED).then(|| self.arena.get(change.start, change.key_len, change.value_len))
    }

    /// The last change of a key before position `before`, following the key's chain from `place`.
    fn as_of(&self, mut place: u32, before: u32) -> Option<&Change> {
        while place >= before {
            if place == NONE {
                return None;
            }
            place = self.log[place as usize].previous;
        }
        Some(&self.log[place as usize])
    }

    /// The own state of a key as of position `before`: `None` when it was not changed, `Some(None)` when deleted.
    pub(super) fn get(&self, tree: TreeId, key: &[u8], before: u32) -> Option<Option<&[u8]>> {
        if self.log.is_empty() {
            return None;
        }
        let place = *self.last.get(map_key(tree, key).as_slice())?;
        self.as_of(place, before).map(|change| self.value(change))
    }

    /// The key was changed at or after position `from`.
    pub(super) fn changed_since(&self, tree: TreeId, key: &[u8], from: u32) -> bool {
        self.last.get(map_key(tree, key).as_slice()).is_some_and(|&place| place >= from)
    }

    /// The own states, as of position `before`, of the keys between two bounds.
    pub(super) fn range<'a>(
        &'a self,
        tree: TreeId,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        before: u32,
    ) -> impl DoubleEndedIterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let lower = match lower {
            Bound::Unbounded => Bound::Included(map_key(tree, &[])),
            bound => bound.map(|key| map_key(tree, key)),
        };
        let upper = match (upper, tree.0.checked_add(1)) {
            (Bound::Unbounded, Some(next)) => Bound::Excluded(map_key(TreeId(next), &[])),
            (Bound::Unbounded, None) => Bound::Unbounded,
            (bound, _) => bound.map(|key| map_key(tree, key)),
        };
        let bounds = (lower.as_ref().map(|b| b.as_slice()), upper.as_ref().map(|b| b.as_slice()));
        self.last.range::<[u8], _>(bounds).filter_map(move |(key, &place)| {
            let change = self.as_of(place, before)?;
            Some((&key.as_slice()[TREE_BYTES..], self.value(change)))
        })
    }

    /// Whether any key of the tree was changed before position `before`.
    pub(super) fn touches(&self, tree: TreeId, before: u32) -> bool {
        before > 0 && self.range(tree, Bound::Unbounded, Bound::Unbounded, before).next().is_some()
    }

    /// About how many bytes the net effect takes.
    pub(super) fn bytes(&self) -> usize {
        self.arena.bytes
    }

    /// The net effect, as the log and the trees take it. Empty when nothing is left to do.
    pub(super) fn encode(&self) -> Batch {
        let mut out = Encoder::new();
        let pushed = self.for_each_op(|op| {
            out.push(op);
            Ok(())
        });
        pushed.expect("encoding does not fail");
        out.finish()
    }

    /// The net effect in parts, each made when the one before has been dealt with.
    pub(super) fn for_each_part(&self, mut deal: impl FnMut(Batch) -> Result<()>) -> Result<()> {
        let mut out = Encoder::new();
        self.for_each_op(|op| {
            out.push(op);
            out.take_full().map_or(Ok(()), &mut deal)
        })?;
        let rest = out.finish();
        if rest.is_empty() { Ok(()) } else { deal(rest) }
    }

    /// Visits the net effect in the order of a batch.
    fn for_each_op(&self, mut visit: impl FnMut(Op<'_>) -> Result<()>) -> Result<()> {
        let lasting = |tree: TreeId| !self.dropped(tree);
        for change in &self.trees {
            if let TreeChange::Created(tree) = *change
                && lasting(tree)
            {
                visit(Op::NewTree(tree))?;
            }
        }
        // The answer for one tree holds for all its keys, which follow each other.
        let mut current: Option<(TreeId, bool, bool)> = None;
        for (map_key, &place) in &self.last {
            let (tree, key) = split(map_key.as_slice());
            let (_, keep, fresh) = match current {
                Some(answer @ (t, ..)) if t == tree => answer,
                _ => *current.insert((tree, lasting(tree), self.created(tree))),
            };
            match self.value(&self.log[place as usize]) {
                _ if !keep => {}
                Some(value) => visit(Op::Put { tree, key, value })?,
                None if !fresh => visit(Op::Delete { tree, key })?,
                None => {}
            }
        }
        for change in &self.trees {
            if let TreeChange::Dropped(tree) = *change
                && !self.created(tree)
            {
                visit(Op::DropTree(tree))?;
            }
        }
        Ok(())
    }
}

fn too_wide() -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("row is too big, the maximum is {BYTES_MAX} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type State = BTreeMap<(u32, Vec<u8>), Option<Vec<u8>>>;

    #[derive(Clone, Debug)]
    enum Step {
        Change(u32, Vec<u8>, Option<Vec<u8>>),
        Mark,
        UndoTo(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let key = || prop::collection::vec(0u8..3, 0..3);
        let change = (0u32..3, key(), prop::option::of(key())).prop_map(|(t, k, v)| Step::Change(t, k, v));
        prop::collection::vec(
            prop_oneof![6 => change, 1 => Just(Step::Mark), 1 => (0usize..5).prop_map(Step::UndoTo)],
            0..60,
        )
    }

    fn read(w: &WriteSet, before: u32) -> State {
        (0..3)
            .flat_map(|tree| {
                w.range(TreeId(tree), Bound::Unbounded, Bound::Unbounded, before)
                    .map(move |(k, v)| ((tree, k.to_vec()), v.map(<[u8]>::to_vec)))
            })
            .collect()
    }

    proptest! {
        #[test]
        fn savepoints_and_views_agree_with_copies(steps in steps()) {
            let mut w = WriteSet::new(1 << 20);
            let mut now = State::new();
            let mut marks: Vec<(Mark, State)> = Vec::new();
            for step in steps {
                match step {
                    Step::Change(tree, key, value) => {
                        w.change(TreeId(tree), &key, value.as_deref()).unwrap();
                        now.insert((tree, key), value);
                    }
                    Step::Mark => marks.push((w.mark(), now.clone())),
                    Step::UndoTo(back) => {
                        if let Some((mark, state)) = marks.len().checked_sub(back + 1).map(|i| marks[i].clone()) {
                            marks.truncate(marks.len() - back);
                            w.undo_to(mark);
                            now = state;
                        }
                    }
                }
                prop_assert_eq!(&read(&w, u32::MAX - 1), &now);
                for (mark, state) in &marks {
                    prop_assert_eq!(&read(&w, mark.changes()), state);
                    for (tree, key) in now.keys() {
                        let own = w.get(TreeId(*tree), key, mark.changes()).map(|v| v.map(<[u8]>::to_vec));
                        prop_assert_eq!(own, state.get(&(*tree, key.clone())).cloned());
                    }
                }
            }
            let mut encoded = State::new();
            w.encode().for_each(|op| {
                match op {
                    Op::Put { tree, key, value } => encoded.insert((tree.0, key.to_vec()), Some(value.to_vec())),
                    Op::Delete { tree, key } => encoded.insert((tree.0, key.to_vec()), None),
                    _ => None,
                };
                Ok(())
            }).unwrap();
            prop_assert_eq!(encoded, now);
        }
    }

    #[test]
    fn a_full_set_refuses_and_keeps_what_it_has() {
        let mut w = WriteSet::new(200);
        w.change(TreeId(1), b"k", Some(b"old")).unwrap();
        let e = w.change(TreeId(1), b"k", Some(&[0; 200])).unwrap_err();
        assert_eq!(e.code(), SqlState::CONFIGURATION_LIMIT_EXCEEDED);
        assert_eq!(w.get(TreeId(1), b"k", 1), Some(Some(b"old".as_slice())));
        assert_eq!(w.encode().len(), 1);
    }

    #[test]
    fn trees_made_and_dropped_leave_nothing() {
        let mut w = WriteSet::new(1 << 20);
        w.create_tree(TreeId(7));
        w.change(TreeId(7), b"k", Some(b"v")).unwrap();
        let mark = w.mark();
        w.drop_tree(TreeId(7));
        assert!(w.encode().is_empty());
        w.undo_to(mark);
        w.drop_tree(TreeId(3));
        w.change(TreeId(3), b"k", Some(b"v")).unwrap();
        w.change(TreeId(7), b"k", None).unwrap();
        let mut ops = Vec::new();
        w.encode()
            .for_each(|op| {
                ops.push(format!("{op:?}"));
                Ok(())
            })
            .unwrap();
        assert_eq!(ops, ["NewTree(TreeId(7))", "DropTree(TreeId(3))"]);
    }
}
