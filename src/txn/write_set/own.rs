//! One tree's changes by key. Keys that come in ascending order, as of a bulk load, are the tree's *run*: their changes'
//! positions, which ascend with the keys. Whatever else comes, a key below the run's last or one that was changed before, goes
//! into a map from the key to its last change. A key may be in both: the map's change is the later one and leads to
//! the run's.

use super::log::{Change, List, Log, Role};
use crate::base::TreeId;
use crate::storage::{Direction, Key};
use std::cmp::Ordering;
use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;
use std::ops::{Bound, Range};

pub struct Own {
    pub tree: TreeId,
    run: List<u32>,
    map: BTreeMap<Key, u32>,
}

/// What finding a change by its key costs at most.
pub fn bytes(role: Role) -> usize {
    match role {
        Role::Run => size_of::<u32>(),
        Role::First | Role::Again(_) => size_of::<(Key, u32)>() + 16,
    }
}

impl Own {
    pub fn new(tree: TreeId) -> Own {
        Own { tree, run: List::default(), map: BTreeMap::new() }
    }

    pub fn clear(&mut self) {
        self.run.clear();
        self.map.clear();
    }

    pub fn capacity(&self) -> usize {
        self.run.capacity() * size_of::<u32>()
    }

    fn run_position(&self, log: &Log, key: &[u8]) -> Option<u32> {
        let at = self.run.partition_point(self.run.len(), |at| log.get(at).key < key);
        (at < self.run.len()).then(|| self.run.get(at)).filter(|&at| log.get(at).key == key)
    }

    /// The last change of a key.
    pub fn last(&self, log: &Log, key: &[u8]) -> Option<u32> {
        let mapped = if self.map.is_empty() { None } else { self.map.get(key).copied() };
        mapped.or_else(|| self.run_position(log, key))
    }

    /// Makes room for a change at position `at`, the log's end, and says how it is found.
    pub fn enter(&mut self, log: &Log, key: &[u8], at: u32) -> Role {
        let ascends = self.run.last().is_none_or(|last| log.get(last).key < key);
        if !self.map.is_empty()
            && let Some(last) = self.map.get_mut(key)
        {
            return Role::Again(std::mem::replace(last, at));
        }
        if ascends {
            self.run.push(at);
            return Role::Run;
        }
        let role = self.run_position(log, key).map_or(Role::First, Role::Again);
        self.map.insert(Key::from(key), at);
        role
    }

    /// Forgets the newest change of all, which is this one.
    pub fn forget(&mut self, log: &Log, change: &Change<'_>) {
        match change.role {
            Role::Run => {
                self.run.pop();
            }
            Role::Again(previous) if log.get(previous).role != Role::Run => {
                *self.map.get_mut(change.key).expect("the map leads to its changes") = previous;
            }
            Role::First | Role::Again(_) => {
                self.map.remove(change.key);
            }
        }
    }

    /// Whether any key was changed before position `before`.
    pub fn touched(&self, log: &Log, before: u32) -> bool {
        let in_run = !self.run.is_empty() && self.run.get(0) < before;
        in_run || self.map.values().any(|&last| as_of(log, last, before).is_some())
    }

    /// The newest changes behind those that a pass in ascending order has passed.
    pub fn rest<'a>(&'a self, log: &'a Log, passed: &Passed) -> OwnRange<'a> {
        let direction = Direction::Forward;
        let lower = passed.key.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let map = MapRange { range: self.map.range::<[u8], _>((lower, Bound::Unbounded)), direction }.peekable();
        OwnRange { own: self, log, run: passed.run..self.run.len(), map, before: u32::MAX, direction }
    }

    /// The positions of the run's changes, from one place in it to another.
    pub fn run_positions(&self, places: Range<usize>) -> impl Iterator<Item = u32> {
        places.map(|place| self.run.get(place))
    }

    /// The changes, as of position `before`, of the keys between two bounds, the lower of which is not behind the upper.
    pub fn range<'a>(
        &'a self,
        log: &'a Log,
        lower: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        before: u32,
        direction: Direction,
    ) -> OwnRange<'a> {
        let len = self.run.partition_point(self.run.len(), |at| at < before);
        let from = match lower {
            Bound::Unbounded => 0,
            Bound::Included(key) => self.run.partition_point(len, |at| log.get(at).key < key),
            Bound::Excluded(key) => self.run.partition_point(len, |at| log.get(at).key <= key),
        };
        let to = match upper {
            Bound::Unbounded => len,
            Bound::Included(key) => self.run.partition_point(len, |at| log.get(at).key <= key),
            Bound::Excluded(key) => self.run.partition_point(len, |at| log.get(at).key < key),
        };
        let map = MapRange { range: self.map.range::<[u8], _>((lower, upper)), direction }.peekable();
        OwnRange { own: self, log, run: from..to, map, before, direction }
    }
}

/// The last change of a key before position `before`, from its change at `at` back.
pub fn as_of(log: &Log, mut at: u32, before: u32) -> Option<Change<'_>> {
    loop {
        let change = log.get(at);
        if at < before {
            return Some(change);
        }
        match change.role {
            Role::Again(previous) => at = previous,
            Role::Run | Role::First => return None,
        }
    }
}

/// How far a pass in ascending order has come.
#[derive(Default)]
pub struct Passed {
    pub run: usize,
    pub key: Option<Vec<u8>>,
}

struct MapRange<'a> {
    range: btree_map::Range<'a, Key, u32>,
    direction: Direction,
}

impl<'a> Iterator for MapRange<'a> {
    type Item = (&'a [u8], u32);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = match self.direction {
            Direction::Forward => self.range.next(),
            Direction::Backward => self.range.next_back(),
        };
        entry.map(|(key, &at)| (key.as_slice(), at))
    }
}

/// The run and the map, merged in the order of a direction.
pub struct OwnRange<'a> {
    own: &'a Own,
    log: &'a Log,
    /// What is left of the run.
    run: Range<usize>,
    map: Peekable<MapRange<'a>>,
    before: u32,
    direction: Direction,
}

impl<'a> OwnRange<'a> {
    /// Where in the run it is.
    pub fn run_place(&self) -> usize {
        self.run.start
    }

    /// What comes next of the run, and stays.
    fn peek_run(&self) -> Option<Change<'a>> {
        let at = match self.direction {
            Direction::Forward => self.run.start,
            Direction::Backward => self.run.end.checked_sub(1)?,
        };
        (!self.run.is_empty()).then(|| self.log.get(self.own.run.get(at)))
    }

    fn pass_run(&mut self) {
        match self.direction {
            Direction::Forward => self.run.start += 1,
            Direction::Backward => self.run.end -= 1,
        }
    }
}

impl<'a> Iterator for OwnRange<'a> {
    type Item = Change<'a>;

    fn next(&mut self) -> Option<Change<'a>> {
        loop {
            let first = self.peek_run();
            let order = match (&first, self.map.peek()) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(run), Some((key, _))) if self.direction == Direction::Forward => run.key.cmp(key),
                (Some(run), Some((key, _))) => key.cmp(&run.key),
            };
            if order != Ordering::Greater {
                self.pass_run();
            }
            if order == Ordering::Less {
                return first;
            }
            let (_, at) = self.map.next().expect("peeked");
            if let Some(change) = as_of(self.log, at, self.before) {
                return Some(change);
            }
        }
    }
}
