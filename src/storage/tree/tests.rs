//! Trees of 512-byte pages against a `BTreeMap`.

use super::super::page::{Node, NodeMut};
use super::super::pager::{Pager, PagerOptions, Root};
use super::super::range::{Direction, KeyRange};
use super::verify::TreeStats;
use super::*;
use crate::base::{Lsn, PageId, SqlState};
use crate::io::{Disk, Rng, SimDisk};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const PAGE: usize = 512;
const LIMITS: Limits = Limits::of(PAGE);

type Model = BTreeMap<Vec<u8>, (u64, bool, Vec<u8>)>;

fn pager(page_bytes: usize, frames: usize) -> Arc<Pager> {
    let options = PagerOptions { page_bytes, frames, ..PagerOptions::default() };
    Pager::open(Arc::new(SimDisk::new(1)), "data", options).unwrap().0
}

struct Tree {
    pager: Arc<Pager>,
    root: PageId,
    model: Model,
}

impl Tree {
    fn new() -> Tree {
        let pager = pager(PAGE, 4096);
        let root = create(&pager.write()).unwrap();
        Tree { pager, root, model: Model::new() }
    }

    fn change(&mut self, key: &[u8], change: Change<'_>) {
        let old = self.model.get(key).cloned();
        let seen = update(&self.pager.write(), self.root, key, |slot| {
            (change, slot.map(|slot| (slot.hdr, slot.ghost, slot.value.to_vec())))
        });
        assert_eq!(seen.unwrap(), old);
        match change {
            Change::Keep => {}
            Change::Put { hdr, value } => drop(self.model.insert(key.to_vec(), (hdr, false, value.to_vec()))),
            Change::Ghost { hdr } => drop(self.model.insert(key.to_vec(), (hdr, true, Vec::new()))),
            Change::Remove => drop(self.model.remove(key)),
        }
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.change(key, Change::Put { hdr: 1, value });
    }

    /// The shape is right, the entries are the model's, and no page is lost.
    fn check(&self) -> TreeStats {
        let mut entries = Model::new();
        let mut pages = BTreeSet::new();
        let stats = verify(&self.pager, self.root, &mut |visit| match visit {
            Visit::Page(pid) => assert!(pages.insert(pid)),
            Visit::Entry { key, slot } => {
                entries.insert(key.to_vec(), (slot.hdr, slot.ghost, slot.value.to_vec()));
            }
        });
        let stats = stats.unwrap();
        assert!(entries == self.model, "the tree's entries are not the model's");
        assert_eq!(stats.entries, entries.len());
        assert_eq!(self.pager.stats().pages, pages.len());
        let mut walked = BTreeSet::new();
        each_page(&self.pager, self.root, &mut |pid| assert!(walked.insert(pid))).unwrap();
        assert_eq!(walked, pages);
        stats
    }

    fn check_reads(&self, key: &[u8], range: &KeyRange) {
        let found = lookup(&self.pager, self.root, key, |slot| slot.map(|s| (s.hdr, s.ghost, s.value.to_vec())));
        assert_eq!(found.unwrap().as_ref(), self.model.get(key));
        let expected: Vec<Vec<u8>> = self.model.keys().filter(|key| range.contains(key)).cloned().collect();
        let mut forward = scan(&self.pager, self.root, range, Direction::Forward);
        assert_eq!(forward, expected);
        forward.reverse();
        assert_eq!(scan(&self.pager, self.root, range, Direction::Backward), forward);
    }
}

fn scan(pager: &Pager, root: PageId, range: &KeyRange, direction: Direction) -> Vec<Vec<u8>> {
    let mut rest = range.clone();
    let mut keys = Vec::new();
    loop {
        let step = visit_leaf(pager, root, &rest, direction, |key, _| {
            keys.push(key.to_vec());
            true
        });
        match (step.unwrap(), direction) {
            (Step::Done, _) => return keys,
            (Step::Next(fence), Direction::Forward) => rest.lower = Bound::Included(fence),
            (Step::Next(fence), Direction::Backward) => rest.upper = Bound::Excluded(fence),
            (Step::Stopped, _) => unreachable!("the visitor never says stop"),
        }
    }
}

/// Short keys of few letters, keys that share a long beginning, and keys as long as they may be.
fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => proptest::collection::vec(prop_oneof![Just(0u8), Just(0xff), any::<u8>()], 0..4),
        3 => any::<u16>().prop_map(|n| [b"a beginning that many share ".as_slice(), &n.to_be_bytes()].concat()),
        2 => (any::<u16>(), LIMITS.key - 4..=LIMITS.key).prop_map(|(n, len)| {
            let mut key = n.to_be_bytes().to_vec();
            key.resize(len, b'x');
            key
        }),
        2 => (any::<u16>(), LIMITS.key - 4..=LIMITS.key).prop_map(|(n, len)| {
            let mut key = vec![b'y'; len - 2];
            key.extend_from_slice(&n.to_be_bytes());
            key
        }),
    ]
}

fn bounds() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![keys().prop_map(Bound::Included), keys().prop_map(Bound::Excluded), Just(Bound::Unbounded)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// I8: the shape is checked after every few changes.
    #[test]
    fn a_tree_is_a_map(
        ops in proptest::collection::vec((keys(), 0..10u8, 0..LIMITS.entry), 1..400),
        ranges in proptest::collection::vec((keys(), bounds(), bounds()), 10),
        drain in any::<bool>(),
    ) {
        let mut tree = Tree::new();
        for (n, (key, kind, len)) in (1u64..).zip(ops) {
            let value = vec![n as u8; len.min(LIMITS.entry - key.len())];
            // Half of the changes go to entries that are there.
            let known = tree.model.range(key.clone()..).next().map(|(known, _)| known.clone());
            let key = if kind % 2 == 0 { known.unwrap_or(key) } else { key };
            let room = LIMITS.entry - key.len();
            match kind {
                0 => tree.change(&key, Change::Remove),
                1 => tree.change(&key, Change::Ghost { hdr: n }),
                2 => tree.change(&key, Change::Keep),
                _ => tree.change(&key, Change::Put { hdr: n, value: &value[..value.len().min(room)] }),
            }
        }
        tree.check();
        for (key, lower, upper) in ranges {
            tree.check_reads(&key, &KeyRange { lower, upper });
        }
        if drain {
            for (n, key) in tree.model.keys().cloned().collect::<Vec<_>>().into_iter().enumerate() {
                tree.change(&key, Change::Remove);
                if n % 16 == 0 {
                    tree.check();
                }
            }
            let stats = tree.check();
            prop_assert_eq!((stats.height, stats.leaves), (1, 1));
        }
    }

    #[test]
    fn a_built_tree_is_the_same_map(entries in proptest::collection::btree_map(keys(), 0..LIMITS.entry, 0..300)) {
        let mut tree = Tree::new();
        let w = tree.pager.write();
        let mut builder = Builder::new(PAGE);
        for (n, (key, len)) in (1u64..).zip(entries) {
            let value = vec![n as u8; len.min(LIMITS.entry - key.len())];
            prop_assert!(builder.takes(&key));
            builder.push(&w, &key, n, &value).unwrap();
            prop_assert!(!builder.takes(&key));
            tree.model.insert(key, (n, false, value));
        }
        builder.finish(&w, tree.root).unwrap();
        drop(w);
        tree.check();
        for key in tree.model.keys().step_by(7) {
            tree.check_reads(key, &KeyRange { lower: Bound::Excluded(key.clone()), upper: Bound::Unbounded });
        }
        // It takes changes like any other tree.
        for key in tree.model.keys().step_by(3).cloned().collect::<Vec<_>>() {
            tree.change(&key, Change::Put { hdr: 1000, value: &[9; 8] });
            tree.change(&key, Change::Remove);
        }
        tree.check();
    }
}

/// A checkpoint holds the tree as the freeze found it, whatever changes while it is written.
#[test]
fn a_checkpoint_holds_the_tree_of_its_freeze() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(3));
    let options = || PagerOptions { page_bytes: PAGE, frames: 64, ..PagerOptions::default() };
    let (pager, found) = Pager::open(disk.clone(), "data", options()).unwrap();
    assert!(found.is_none());
    let root = create(&pager.write()).unwrap();
    let mut tree = Tree { pager, root, model: Model::new() };
    let mut rng = Rng::new(5);
    for round in 0..6u64 {
        let mut frozen = Model::new();
        for n in 0..400 {
            if n == 200 {
                frozen = tree.model.clone();
                let payload = root.0.to_le_bytes().to_vec();
                tree.pager.write().freeze(Root { lsn: Lsn(round + 1), payload });
            }
            tree.pager.admit(16).unwrap();
            let key = number(rng.below(500) as u32);
            match rng.below(if round < 3 { 6 } else { 2 }) {
                0 => tree.change(&key, Change::Remove),
                1 => tree.change(&key, Change::Ghost { hdr: n }),
                _ => tree.change(&key, Change::Put { hdr: n, value: &vec![round as u8; n as usize % 90] }),
            }
            if n % 50 == 0 {
                tree.pager.flush_some(5).unwrap();
            }
        }
        tree.check();
        tree.pager.checkpoint(&|_| {}, &|_| Ok(())).unwrap();
        let (pager, found) = Pager::open(disk.clone(), "data", options()).unwrap();
        assert_eq!(found.unwrap().lsn, Lsn(round + 1));
        tree = Tree { pager, root, model: frozen };
        tree.check();
    }
}

#[test]
fn a_page_in_the_wrong_place_is_damage() {
    let mut tree = Tree::new();
    for n in 0..1000 {
        tree.put(&number(n), b"12345678");
    }
    // The root's first child becomes its second, too: right level, wrong keys.
    let w = tree.pager.write();
    let children = {
        let page = w.read(tree.root).unwrap();
        let node = Node::new(&page);
        assert!(node.level() >= 2);
        [node.child(0), node.child(1)]
    };
    NodeMut::new(&mut w.page_mut(tree.root).unwrap()).set_child(1, children[0]);
    let error = verify(&tree.pager, tree.root, &mut |_| {}).unwrap_err();
    assert_eq!(error.code(), SqlState::DATA_CORRUPTED);
    // A page of another level, on the way of any descent.
    let leaf = Node::new(&w.read(PageId(children[1])).unwrap()).child(0);
    NodeMut::new(&mut w.page_mut(tree.root).unwrap()).set_child(1, leaf);
    drop(w);
    let key = tree.model.keys().nth(500).unwrap();
    assert_eq!(lookup(&tree.pager, tree.root, key, |_| ()).unwrap_err().code(), SqlState::DATA_CORRUPTED);
    let removed = update(&tree.pager.write(), tree.root, key, |_| (Change::Remove, ()));
    assert_eq!(removed.unwrap_err().code(), SqlState::DATA_CORRUPTED);
    assert!(verify(&tree.pager, tree.root, &mut |_| {}).is_err());
}

fn number(n: u32) -> Vec<u8> {
    [b"row/".as_slice(), &n.to_be_bytes()].concat()
}

#[test]
fn ascending_keys_leave_full_pages() {
    let mut tree = Tree::new();
    for n in 0..4000 {
        tree.put(&number(n), b"12345678");
    }
    let stats = tree.check();
    assert!(stats.height >= 3);
    assert!(stats.leaf_bytes * 100 > stats.leaves * PAGE * 90, "{stats:?}");
}

#[test]
fn ascending_groups_leave_full_pages() {
    let mut tree = Tree::new();
    for n in 0..400 {
        for group in 0..10u8 {
            tree.put(&[&[group], number(n).as_slice()].concat(), b"12345678");
        }
    }
    let stats = tree.check();
    assert!(stats.leaf_bytes * 100 > stats.leaves * PAGE * 70, "{stats:?}");
    // A group at a time.
    let mut tree = Tree::new();
    for group in [5u8, 3, 8, 1, 9, 2] {
        for n in 0..400 {
            tree.put(&[&[group], number(n).as_slice()].concat(), b"12345678");
        }
    }
    let stats = tree.check();
    assert!(stats.leaf_bytes * 100 > stats.leaves * PAGE * 85, "{stats:?}");
}

#[test]
fn descending_keys_and_their_removal() {
    let mut tree = Tree::new();
    for n in (0..3000).rev() {
        tree.put(&number(n), b"12345678");
    }
    let stats = tree.check();
    assert!(stats.leaf_bytes * 100 > stats.leaves * PAGE * 48, "{stats:?}");
    for n in (0..3000).filter(|n| n % 10 != 0) {
        tree.change(&number(n), Change::Remove);
    }
    let stats = tree.check();
    assert!(stats.leaf_bytes * 100 > stats.leaves * PAGE * 35, "{stats:?}");
    for n in (0..3000).rev() {
        tree.change(&number(n), Change::Remove);
    }
    let stats = tree.check();
    assert_eq!((stats.height, stats.leaves, stats.entries), (1, 1, 0));
}

#[test]
fn a_scan_can_stop() {
    let mut tree = Tree::new();
    for n in 0..100 {
        tree.put(&number(n), b"");
    }
    let mut seen = Vec::new();
    let step = visit_leaf(&tree.pager, tree.root, &KeyRange::all(), Direction::Backward, |key, _| {
        seen.push(key.to_vec());
        seen.len() < 3
    });
    assert_eq!(step.unwrap(), Step::Stopped);
    assert_eq!(seen, [number(99), number(98), number(97)]);
}

#[test]
fn a_dropped_tree_gives_its_pages_back_in_slices() {
    let mut tree = Tree::new();
    for n in 0..2000 {
        tree.put(&number(n), b"12345678");
    }
    let pages = tree.pager.stats().pages;
    let mut slices = 0;
    while free_all(&tree.pager.write(), tree.root, 10).unwrap() {
        slices += 1;
        let mut left = 0;
        each_page(&tree.pager, tree.root, &mut |_| left += 1).unwrap();
        assert_eq!(left, tree.pager.stats().pages);
    }
    assert!(slices + 1 >= pages / 10 && slices < pages / 5);
    assert_eq!(tree.pager.stats().pages, 0);
}

#[test]
fn an_abandoned_tree_gives_its_pages_back() {
    let pager = pager(PAGE, 4096);
    let w = pager.write();
    let mut builder = Builder::new(PAGE);
    for n in 0..1000 {
        builder.push(&w, &number(n), 0, b"value").unwrap();
    }
    assert!(pager.stats().pages > 20);
    builder.into_pages().into_iter().for_each(|pid| w.free(pid));
    assert_eq!(pager.stats().pages, 0);
}

#[test]
fn a_built_tree_is_nine_tenths_full() {
    let mut tree = Tree::new();
    let w = tree.pager.write();
    let mut builder = Builder::new(PAGE);
    for n in 0..3000 {
        builder.push(&w, &number(n), 0, b"12345678").unwrap();
        tree.model.insert(number(n), (0, false, b"12345678".to_vec()));
    }
    builder.finish(&w, tree.root).unwrap();
    drop(w);
    let stats = tree.check();
    let fill = stats.leaf_bytes * 100 / (stats.leaves * PAGE);
    assert!((84..=91).contains(&fill), "{fill}");
}

/// Scans in both directions meet every key that is there all the time, in order, while others come and go.
fn scans_beside_a_writer(frames: usize, rounds: u32) {
    let pager = pager(PAGE, frames);
    let root = create(&pager.write()).unwrap();
    let put = |n: u32, value: &[u8]| {
        pager.admit(16).unwrap();
        prefault(&pager, root, &number(n)).unwrap();
        update(&pager.write(), root, &number(n), |_| (Change::Put { hdr: 1, value }, ())).unwrap();
    };
    (0..600).step_by(10).for_each(|n| put(n, b"always there"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let (pager, stop) = (&*pager, &stop);
        // Also when the writer panics.
        let _stop = OnDrop(stop);
        for direction in [Direction::Forward, Direction::Backward] {
            threads.spawn(move || {
                let mut scans = 0;
                while !stop.load(Ordering::Relaxed) || scans < 3 {
                    let mut keys = scan(pager, root, &KeyRange::all(), direction);
                    if direction == Direction::Backward {
                        keys.reverse();
                    }
                    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
                    let steady = keys.iter().filter(|key| is_steady(key)).count();
                    assert_eq!(steady, 60);
                    let key = number(scans % 60 * 10);
                    let found = lookup(pager, root, &key, |slot| slot.map(|slot| slot.value.to_vec())).unwrap();
                    assert_eq!(found.as_deref(), Some(b"always there".as_slice()));
                    scans += 1;
                }
            });
        }
        let mut rng = Rng::new(7);
        for _ in 0..rounds {
            let from = rng.below(600) as u32;
            for n in (from..from + 40).filter(|n| n % 10 != 0) {
                put(n, &vec![1; n as usize % 60]);
            }
            let from = rng.below(600) as u32;
            for n in (from..from + 60).filter(|n| n % 10 != 0) {
                pager.admit(16).unwrap();
                update(&pager.write(), root, &number(n), |_| (Change::Remove, ())).unwrap();
            }
        }
    });
    verify(&pager, root, &mut |_| {}).unwrap();
    assert_eq!(pager.stats().evictions > 0, frames < 100);
}

struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn is_steady(key: &[u8]) -> bool {
    let n = u32::from_be_bytes(*key.last_chunk().unwrap());
    n < 600 && n.is_multiple_of(10)
}

#[test]
fn scans_beside_a_writer_in_memory() {
    scans_beside_a_writer(4096, 100);
}

#[test]
fn scans_beside_a_writer_with_few_frames() {
    scans_beside_a_writer(24, 60);
}
