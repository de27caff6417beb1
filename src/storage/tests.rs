//! The stores against a full history, by random steps: the simulation of `mvcc_model.py`. Each rule of versions has a
//! mutation that turns it off and must make the simulation fail. Everything here runs on each implementation.

use super::mem::{MemStore, Mutation};
use super::*;
use crate::base::{Lsn, TreeId};
use crate::io::{SimDisk, seeds};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

const TREE: TreeId = TreeId(1);
const KEYS: u64 = 14;

/// A small generator, so that this folder's tests need nothing of others.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }

    fn percent(&mut self, p: u64) -> bool {
        self.below(100) < p
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    Mem,
    Paged,
}

const BOTH: [Which; 2] = [Which::Mem, Which::Paged];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    None,
    Mem(Mutation),
    Paged(paged::Mutation),
    /// Purge up to what is applied, not what is durable.
    NoDurableFloor,
    /// Purge without looking at open snapshots.
    NoLimbo,
}

/// Since when an entry has had a value, or none.
type State = (Lsn, Option<Vec<u8>>);

struct Sim {
    dice: Dice,
    store: Arc<dyn Store>,
    snapshots: Arc<Snapshots>,
    open: Vec<Registration>,
    applied: Lsn,
    durable: Lsn,
    history: BTreeMap<u64, Vec<State>>,
    rule: Rule,
}

fn key(k: u64) -> Vec<u8> {
    format!("key {k:04} {}", "x".repeat(k as usize * 2)).into_bytes()
}

/// An empty store. Pages, frames and the undo stream are as small as they may be.
fn fresh(which: Which, rule: Rule) -> Arc<dyn Store> {
    if which == Which::Mem {
        let mut store = MemStore::new();
        if let Rule::Mem(mutation) = rule {
            store.mutation = Some(mutation);
        }
        return Arc::new(store);
    }
    let disk = Arc::new(SimDisk::new(1));
    let spill = Some(SpillOptions { disk: disk.clone(), path: "undo".to_string() });
    let options = PagedOptions {
        pager: PagerOptions { page_bytes: 512, frames: 24, ..PagerOptions::default() },
        undo: UndoOptions { segment_bytes: 1024, memory_bytes: 4096, spill },
        ..PagedOptions::default()
    };
    let (mut store, _) = PagedStore::open(disk, options).unwrap();
    if let Rule::Paged(mutation) = rule {
        Arc::get_mut(&mut store).unwrap().mutation = Some(mutation);
    }
    store
}

impl Sim {
    fn new(which: Which, seed: u64, rule: Rule) -> Sim {
        let store = fresh(which, rule);
        let mut e = Encoder::new();
        e.push(Op::NewTree(TREE));
        store.apply(&e.finish(), Lsn(1), History::Keep).unwrap();
        Sim {
            dice: Dice(seed),
            store,
            snapshots: Arc::default(),
            open: Vec::new(),
            applied: Lsn(1),
            durable: Lsn(1),
            history: BTreeMap::new(),
            rule,
        }
    }

    fn commit(&mut self) {
        let mut picked: Vec<u64> = (0..1 + self.dice.below(4)).map(|_| self.dice.below(KEYS)).collect();
        picked.sort();
        picked.dedup();
        self.applied = Lsn(self.applied.0 + 1 + self.dice.below(3));
        let mut e = Encoder::new();
        for k in picked {
            let value = (!self.dice.percent(35)).then(|| self.dice.below(1 << 40).to_le_bytes().to_vec());
            match &value {
                Some(v) => e.push(Op::Put { tree: TREE, key: &key(k), value: v }),
                None => e.push(Op::Delete { tree: TREE, key: &key(k) }),
            }
            self.history.entry(k).or_default().push((self.applied, value));
        }
        let batch = e.finish();
        self.store.prefault(&batch).unwrap();
        self.store.prepare(&batch).unwrap();
        self.store.apply(&batch, self.applied, History::Keep).unwrap();
    }

    fn purge(&mut self, budget: usize) -> bool {
        let floor = if self.rule == Rule::NoDurableFloor { self.applied } else { self.durable };
        let needed = if self.rule == Rule::NoLimbo || self.rule == Rule::NoDurableFloor {
            let snapshots =
                if self.rule == Rule::NoLimbo { Vec::new() } else { self.snapshots.needed(Lsn::ZERO).snapshots };
            Needed { snapshots, floor, changes_after: Lsn::MAX }
        } else {
            self.snapshots.needed(floor)
        };
        self.store.purge(&needed, budget)
    }

    fn truth(&self, k: u64, at: Lsn) -> Option<Vec<u8>> {
        self.history.get(&k)?.iter().rev().find(|(l, _)| *l <= at)?.1.clone()
    }

    fn check_at(&mut self, at: Lsn) -> Result<(), String> {
        let expected: Vec<(Vec<u8>, Vec<u8>)> = (0..KEYS).filter_map(|k| Some((key(k), self.truth(k, at)?))).collect();
        for k in 0..KEYS {
            let mut out = Vec::new();
            let found = self.store.get(TREE, &key(k), at, &mut out).unwrap();
            if found.then_some(out) != self.truth(k, at) {
                return Err(format!("get {k} at {at}"));
            }
        }
        for direction in [Direction::Forward, Direction::Backward] {
            let mut cursor = Cursor::new(KeyRange::all(), direction);
            let mut out = Entries::new();
            while !cursor.done {
                let max = 1 + self.dice.below(5) as usize;
                self.store.scan(TREE, at, &mut cursor, &mut out, max).unwrap();
            }
            let mut got: Vec<_> = out.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
            if direction == Direction::Backward {
                got.reverse();
            }
            if got != expected {
                return Err(format!("scan {direction:?} at {at}"));
            }
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), String> {
        for at in self.open.iter().map(|r| r.lsn()).collect::<Vec<_>>() {
            self.check_at(at)?;
        }
        self.check_at(self.durable)?;
        self.check_at(Lsn::MAX)?;
        self.store.verify().map_err(|e| e.to_string())
    }

    fn run(&mut self, steps: usize) -> Result<(), String> {
        for _ in 0..steps {
            match self.dice.below(100) {
                0..45 => self.commit(),
                45..57 => {
                    let at = if self.dice.percent(50) { self.applied } else { self.durable };
                    self.open.push(self.snapshots.register(|| at).map_err(|e| e.to_string())?);
                }
                57..70 if !self.open.is_empty() => {
                    let i = self.dice.below(self.open.len() as u64) as usize;
                    self.open.swap_remove(i);
                }
                70..80 => {
                    let ahead = self.dice.below(self.applied.0 - self.durable.0 + 1);
                    self.durable = Lsn(self.durable.0 + ahead);
                }
                80..92 => {
                    let budget = 1 + self.dice.below(12) as usize;
                    self.purge(budget);
                }
                _ => self.check()?,
            }
        }
        self.open.clear();
        self.durable = self.applied;
        while self.purge(100) {}
        let stats = self.store.stats();
        if (stats.old_versions, stats.ghosts, stats.batches) != (0, 0, 0) {
            return Err(format!("garbage is left: {stats:?}"));
        }
        self.check()
    }
}

fn failures(which: Which, rule: Rule, seeds: Range<u64>) -> Vec<String> {
    let run = |seed| Some(format!("{which:?}, seed {seed}: {}", Sim::new(which, seed, rule).run(600).err()?));
    seeds.filter_map(run).collect()
}

/// I5, of both stores.
#[test]
fn every_snapshot_reads_its_own_past() {
    for which in BOTH {
        assert_eq!(failures(which, Rule::None, seeds(30)), Vec::<String>::new());
    }
}

#[test]
fn each_rule_is_needed() {
    let rules = [
        (Which::Mem, Rule::NoDurableFloor),
        (Which::Mem, Rule::NoLimbo),
        (Which::Mem, Rule::Mem(Mutation::Dirty)),
        (Which::Mem, Rule::Mem(Mutation::GhostLeak)),
        (Which::Paged, Rule::NoDurableFloor),
        (Which::Paged, Rule::NoLimbo),
        (Which::Paged, Rule::Paged(paged::Mutation::Dirty)),
        (Which::Paged, Rule::Paged(paged::Mutation::GhostLeak)),
    ];
    for (which, rule) in rules {
        assert!(!failures(which, rule, 0..10).is_empty(), "{which:?}: {rule:?} can be turned off unnoticed");
    }
}

#[test]
fn a_dropped_tree_stays_for_the_snapshots_before_it() {
    BOTH.into_iter().for_each(dropped_tree_stays);
}

fn dropped_tree_stays(which: Which) {
    let store = fresh(which, Rule::None);
    let snapshots = Arc::new(Snapshots::default());
    let mut e = Encoder::new();
    e.push(Op::NewTree(TREE));
    e.push(Op::Put { tree: TREE, key: b"k", value: b"v" });
    store.apply(&e.finish(), Lsn(1), History::Keep).unwrap();
    let before = snapshots.register(|| Lsn(1)).unwrap();
    let mut e = Encoder::new();
    e.push(Op::DropTree(TREE));
    store.apply(&e.finish(), Lsn(2), History::Keep).unwrap();
    store.purge(&snapshots.needed(Lsn(2)), 100);
    assert!(store.get(TREE, b"k", Lsn(1), &mut Vec::new()).unwrap());
    drop(before);
    store.purge(&snapshots.needed(Lsn(2)), 100);
    assert!(store.get(TREE, b"k", Lsn(2), &mut Vec::new()).is_err());
    assert!(store.trees().is_empty());
}

#[test]
fn changes_are_known_as_long_as_validation_needs_them() {
    BOTH.into_iter().for_each(changes_are_known);
}

fn changes_are_known(which: Which) {
    let store = fresh(which, Rule::None);
    let put = |key: &[u8], lsn| {
        let mut e = Encoder::new();
        e.push(Op::Put { tree: TREE, key, value: b"" });
        store.apply(&e.finish(), Lsn(lsn), History::Keep).unwrap();
    };
    let mut e = Encoder::new();
    e.push(Op::NewTree(TREE));
    store.apply(&e.finish(), Lsn(1), History::Keep).unwrap();
    put(b"a", 2);
    put(b"b", 3);
    put(b"a", 4);
    let changed = |after| {
        let mut keys = Vec::new();
        store
            .changes(Lsn(after), &mut |_, key| {
                keys.push(key.expect("nothing was loaded").to_vec());
                true
            })
            .unwrap();
        keys
    };
    while store.purge(&Needed { snapshots: vec![], floor: Lsn(4), changes_after: Lsn(2) }, 1) {}
    assert_eq!(changed(2), [b"a".to_vec(), b"b".to_vec()]);
    while store.purge(&Needed { snapshots: vec![], floor: Lsn(4), changes_after: Lsn::MAX }, 1) {}
    assert!(changed(0).is_empty());
}
