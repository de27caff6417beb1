//! The stream under an abstract tree, against a full history, by random steps: the simulation of `mvcc_model.py`, with tiny
//! segments that spill. Each rule has a mutation that turns it off and must make the simulation fail.

use super::*;
use crate::base::TreeId;
use crate::io::{Rng, SimDisk, seeds};
use crate::storage::{Needed, Registration, Snapshots};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

const TREE: TreeId = TreeId(3);
const KEYS: u8 = 14;

/// What the simulation itself does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    None,
    Undo(Mutation),
    /// Free what is applied though not durable.
    NoDurableFloor,
    /// Free without looking at open snapshots.
    NoLimbo,
    /// The spilled segments' file is mixed up.
    WrongSlot,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    hdr: u64,
    /// `None` is a ghost.
    value: Option<Vec<u8>>,
}

/// Since when an entry has had a value, or none.
type State = (Lsn, Option<Vec<u8>>);

type Ops = Vec<(u8, Option<Vec<u8>>)>;

struct Big {
    batch: Pending,
    ops: Ops,
}

/// A reader between the copy of an entry and its question to the stream.
struct Slow {
    snapshot: Registration,
    key: u8,
    below: u64,
    entry: Option<Entry>,
}

struct Sim {
    rng: Rng,
    undo: Undo,
    tree: BTreeMap<u8, Entry>,
    snapshots: Arc<Snapshots>,
    open: Vec<Registration>,
    /// Readers that have copied an entry and not asked the stream yet.
    slow: Vec<Slow>,
    applied: Lsn,
    durable: Lsn,
    history: BTreeMap<u8, Vec<State>>,
    locked: BTreeSet<u8>,
    big: Vec<Big>,
    changes_after: Lsn,
    collected: Collected,
    /// Positions of records of aborted batches.
    aborted: BTreeSet<u64>,
    rule: Rule,
}

fn key(k: u8) -> Vec<u8> {
    vec![k; usize::from(k) + 1]
}

fn options(disk: &SimDisk, spill: bool) -> UndoOptions {
    let spill = spill.then(|| SpillOptions { disk: Arc::new(disk.clone()), path: "undo".to_string() });
    UndoOptions { segment_bytes: 512, memory_bytes: 1024, spill }
}

impl Sim {
    fn new(seed: u64, rule: Rule) -> Sim {
        let mut rng = Rng::new(seed);
        let base = rng.below(2000);
        let spill = rng.chance(4, 5) || matches!(rule, Rule::WrongSlot | Rule::Undo(Mutation::SpillPending));
        let mut undo = Undo::open(base, options(&SimDisk::new(seed), spill)).unwrap();
        if let Rule::Undo(mutation) = rule {
            undo.mutation = Some(mutation);
        }
        Sim {
            rng,
            undo,
            tree: BTreeMap::new(),
            snapshots: Arc::default(),
            open: Vec::new(),
            slow: Vec::new(),
            applied: Lsn(1),
            durable: Lsn(1),
            history: BTreeMap::new(),
            locked: BTreeSet::new(),
            big: Vec::new(),
            changes_after: Lsn(0),
            collected: Collected::default(),
            aborted: BTreeSet::new(),
            rule,
        }
    }

    fn pick(&mut self, most: u64) -> Ops {
        let free: Vec<u8> = (0..KEYS).filter(|k| !self.locked.contains(k)).collect();
        let mut ops = BTreeMap::new();
        if free.is_empty() {
            return Ops::new();
        }
        for _ in 0..1 + self.rng.below(most) {
            let k = free[self.rng.below(free.len() as u64) as usize];
            let len = self.rng.below(40) as usize;
            let value = (!self.rng.chance(35, 100)).then(|| (0..len).map(|_| self.rng.below(256) as u8).collect());
            ops.insert(k, value);
        }
        ops.into_iter().collect()
    }

    fn apply(&mut self, batch: &Pending, ops: &Ops) {
        let mut appender = self.undo.appender();
        for (k, value) in ops {
            let old = self.tree.get(k);
            let before = match old {
                None => Before::Absent,
                Some(Entry { hdr, value: None }) => Before::Ghost { hdr: *hdr },
                Some(Entry { hdr, value: Some(value) }) => Before::Live { hdr: *hdr, value },
            };
            if value.is_none() && !matches!(before, Before::Live { .. }) {
                continue;
            }
            let hdr = appender.push(batch, TREE, &key(*k), before, value.is_none());
            self.tree.insert(*k, Entry { hdr, value: value.clone() });
        }
    }

    fn publish(&mut self, big: Big) {
        self.applied = Lsn(self.applied.0 + 1 + self.rng.below(3));
        self.undo.appender().publish(big.batch, self.applied);
        for (k, value) in big.ops {
            self.locked.remove(&k);
            self.history.entry(k).or_default().push((self.applied, value));
        }
    }

    fn abort(&mut self, big: Big) {
        let Sim { undo, tree, aborted, .. } = self;
        let mut back = Vec::new();
        undo.records_of(&big.batch, &mut |r| {
            aborted.insert(r.position);
            back.push((r.key[0], r.kind, r.prev_hdr, r.value.to_vec()));
            Ok(())
        })
        .unwrap();
        for (k, kind, hdr, value) in back.into_iter().rev() {
            let gone = hdr < undo.base() && undo.mutation != Some(Mutation::GhostLeak);
            match kind {
                Kind::Insert => drop(tree.remove(&k)),
                Kind::Revive if gone => drop(tree.remove(&k)),
                Kind::Revive => drop(tree.insert(k, Entry { hdr, value: None })),
                _ => drop(tree.insert(k, Entry { hdr, value: Some(value) })),
            }
        }
        undo.appender().abort(big.batch, self.applied);
        self.locked.retain(|k| big.ops.iter().all(|(changed, _)| changed != k));
    }

    fn needed(&mut self) -> Needed {
        let floor = if self.rule == Rule::NoDurableFloor { self.applied } else { self.durable };
        let mut needed = match self.rule {
            Rule::NoDurableFloor | Rule::NoLimbo => {
                let snapshots =
                    if self.rule == Rule::NoLimbo { Vec::new() } else { self.snapshots.needed(Lsn::ZERO).snapshots };
                Needed { snapshots, floor, changes_after: Lsn::MAX }
            }
            _ => self.snapshots.needed(floor),
        };
        if self.rng.chance(1, 4) {
            self.changes_after = Lsn(self.changes_after.0 + self.rng.below(self.durable.0 - self.changes_after.0 + 1));
        }
        needed.changes_after = self.changes_after;
        needed
    }

    fn purge(&mut self, budget: usize) -> bool {
        let needed = self.needed();
        self.purge_to(&needed, budget)
    }

    fn purge_to(&mut self, needed: &Needed, budget: usize) -> bool {
        let mut collected = std::mem::take(&mut self.collected);
        let more = self.undo.collect(&Limit::new(needed), budget, &mut collected).unwrap();
        for (garbage, key, _) in collected.garbage() {
            assert!(!self.aborted.contains(&garbage.position), "what was aborted leaves nothing");
            let ghost = Entry { hdr: garbage.position, value: None };
            if garbage.kind == Kind::Delete && self.tree.get(&key[0]) == Some(&ghost) {
                self.tree.remove(&key[0]);
            }
        }
        self.undo.release(&mut collected);
        let more = self.undo.settle(needed, budget, &mut collected).unwrap() || more;
        self.collected = collected;
        self.undo.spill();
        if self.rule == Rule::WrongSlot {
            let mut table = self.undo.table.write();
            for place in &mut table.places {
                if let segment::Place::Spilled(slot) = place {
                    *slot = 0;
                }
            }
        }
        more
    }

    fn truth(&self, k: u8, at: Lsn) -> Option<Vec<u8>> {
        self.history.get(&k)?.iter().rev().find(|(l, _)| *l <= at)?.1.clone()
    }

    fn read(&self, k: u8, at: Lsn) -> Result<Option<Vec<u8>>> {
        let below = self.undo.visible_below(at);
        self.resolve(at, below, self.tree.get(&k))
    }

    fn resolve(&self, at: Lsn, below: u64, entry: Option<&Entry>) -> Result<Option<Vec<u8>>> {
        let Some(entry) = entry else { return Ok(None) };
        if entry.hdr < below {
            return Ok(entry.value.clone());
        }
        let mut out = Vec::new();
        Ok(match self.undo.seen(entry.hdr, at, &mut out)? {
            Seen::Newest => entry.value.clone(),
            Seen::Value { .. } => Some(out),
            Seen::Nothing { .. } => None,
            Seen::Spilled | Seen::Gone => panic!("nothing is freed meanwhile"),
        })
    }

    fn copy_for_later(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let snapshot = self.open[self.rng.below(self.open.len() as u64) as usize].clone();
        let key = self.rng.below(u64::from(KEYS)) as u8;
        let below = self.undo.visible_below(snapshot.lsn());
        let entry = self.tree.get(&key).cloned();
        self.slow.push(Slow { snapshot, key, below, entry });
    }

    fn ask_now(&mut self) -> Result<(), String> {
        let Slow { snapshot, key, below, entry } = self.slow.swap_remove(0);
        let read = self.resolve(snapshot.lsn(), below, entry.as_ref()).map_err(|e| e.to_string())?;
        if read == self.truth(key, snapshot.lsn()) { Ok(()) } else { Err(format!("late: key {key}")) }
    }

    fn check_at(&self, at: Lsn) -> Result<(), String> {
        for k in 0..KEYS {
            let read = self.read(k, at).map_err(|e| e.to_string())?;
            if read != self.truth(k, at) {
                return Err(format!("key {k} at {at}"));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        for snapshot in &self.open {
            self.check_at(snapshot.lsn())?;
        }
        self.check_at(self.durable)?;
        self.check_at(self.applied)?;
        self.check_at(Lsn::MAX)?;
        for (k, entry) in &self.tree {
            if entry.value.is_none() && entry.hdr < self.undo.base() {
                return Err(format!("a dead ghost of key {k}"));
            }
            let lsn = self.undo.lsn_of(entry.hdr).map_err(|e| e.to_string())?;
            let newest = self.history.get(k).and_then(|h| h.last()).map_or(Lsn::ZERO, |(l, _)| *l);
            if !self.locked.contains(k) && lsn != Some(Lsn::ZERO) && lsn.is_none_or(|l| l > newest) {
                return Err(format!("the newest state of key {k} is of {lsn:?}, not {newest}"));
            }
        }
        self.check_changes()
    }

    fn check_changes(&self) -> Result<(), String> {
        let after = self.durable.max(self.changes_after);
        let mut got = BTreeSet::new();
        let noted = self.undo.changes(after, &mut |tree, key| {
            assert_eq!(tree, TREE);
            got.insert(key.expect("nothing is loaded")[0]);
            true
        });
        noted.map_err(|e| e.to_string())?;
        for (k, states) in &self.history {
            // A delete of nothing is no change.
            let changed = states.iter().any(|(l, value)| *l > after && value.is_some());
            if changed && !got.contains(k) {
                return Err(format!("nobody knows that key {k} changed after {after}"));
            }
        }
        let known = |k: &u8| self.history[k].iter().any(|(l, _)| *l > after);
        if got.iter().all(known) { Ok(()) } else { Err("an old change is given as new".to_string()) }
    }

    fn run(&mut self, steps: usize) -> Result<(), String> {
        for _ in 0..steps {
            match self.rng.below(100) {
                0..40 => {
                    let ops = self.pick(3);
                    let batch = self.undo.appender().begin();
                    self.apply(&batch, &ops);
                    self.publish(Big { batch, ops });
                }
                40..48 => self.advance_big(),
                48..52 if !self.big.is_empty() => {
                    let i = self.rng.below(self.big.len() as u64) as usize;
                    let big = self.big.swap_remove(i);
                    if self.rng.chance(2, 5) { self.abort(big) } else { self.publish(big) }
                }
                52..62 => {
                    let at = if self.rng.chance(1, 2) { self.applied } else { self.durable };
                    self.open.push(self.snapshots.register(|| at).map_err(|e| e.to_string())?);
                }
                62..72 if !self.open.is_empty() => {
                    let i = self.rng.below(self.open.len() as u64) as usize;
                    self.open.swap_remove(i);
                }
                72..80 => self.durable = Lsn(self.durable.0 + self.rng.below(self.applied.0 - self.durable.0 + 1)),
                80..83 => self.copy_for_later(),
                83..86 if !self.slow.is_empty() => self.ask_now()?,
                86..94 => {
                    let budget = 1 + self.rng.below(30) as usize;
                    self.purge(budget);
                }
                _ => self.check()?,
            }
        }
        self.finish()
    }

    /// Begins a big batch, or gives one that is pending more changes.
    fn advance_big(&mut self) {
        let ops = self.pick(4);
        self.locked.extend(ops.iter().map(|(k, _)| *k));
        if self.big.len() < 2 {
            let batch = self.undo.appender().begin();
            self.apply(&batch, &ops);
            return self.big.push(Big { batch, ops });
        }
        let mut big = self.big.swap_remove(0);
        self.apply(&big.batch, &ops);
        big.ops.extend(ops);
        self.big.push(big);
    }

    fn finish(&mut self) -> Result<(), String> {
        while let Some(big) = self.big.pop() {
            self.publish(big);
        }
        while !self.slow.is_empty() {
            self.ask_now()?;
        }
        self.open.clear();
        self.durable = self.applied;
        self.changes_after = self.applied;
        while self.purge(100) {}
        let stats = self.undo.stats();
        if (stats.batches, stats.records, stats.replaced, stats.bytes, stats.spilled_bytes) != (0, 0, 0, 0, 0) {
            return Err(format!("garbage is left: {stats:?}"));
        }
        if self.tree.values().any(|e| e.value.is_none()) {
            return Err("a ghost is left".to_string());
        }
        self.check()
    }
}

fn failures(rule: Rule, seeds: Range<u64>) -> Vec<String> {
    let run = |seed| {
        let run = std::panic::AssertUnwindSafe(|| Sim::new(seed, rule).run(800));
        match std::panic::catch_unwind(run) {
            Ok(result) => result.err(),
            Err(_) if rule != Rule::None => Some("panic".to_string()),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    };
    seeds.filter_map(|seed| Some(format!("seed {seed}: {}", run(seed)?))).collect()
}

/// I5 and I6, of the history alone.
#[test]
fn every_snapshot_reads_its_own_past() {
    assert_eq!(failures(Rule::None, seeds(40)), Vec::<String>::new());
}

#[test]
fn each_rule_is_needed() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let rules = [
        Rule::NoDurableFloor,
        Rule::NoLimbo,
        Rule::WrongSlot,
        Rule::Undo(Mutation::Dirty),
        Rule::Undo(Mutation::GhostLeak),
        Rule::Undo(Mutation::SkipBlindly),
        Rule::Undo(Mutation::AbortedAtOnce),
        Rule::Undo(Mutation::SpillPending),
    ];
    let unnoticed: Vec<Rule> = rules.into_iter().filter(|&rule| failures(rule, 0..30).is_empty()).collect();
    std::panic::set_hook(hook);
    assert_eq!(unnoticed, []);
}

/// Updates of few entries beside an old snapshot: both its reader and new ones take few steps, in memory and spilled.
#[test]
fn a_chain_is_as_long_as_snapshots_are_many() {
    let disk = SimDisk::new(1);
    let mut options = options(&disk, true);
    (options.segment_bytes, options.memory_bytes) = (4096, 64 << 10);
    let undo = Undo::open(0, options).unwrap();
    let (mut hdr, mut scratch) = (0, Collected::default());
    for lsn in 1..=20_000u64 {
        let mut appender = undo.appender();
        let batch = appender.begin();
        let value = lsn.to_le_bytes();
        let before = if hdr == 0 { Before::Absent } else { Before::Live { hdr, value: &value } };
        hdr = appender.push(&batch, TREE, b"hot", before, false);
        appender.publish(batch, Lsn(lsn));
        drop(appender);
        if lsn % 256 == 0 {
            let needed = Needed { snapshots: vec![Lsn(10)], floor: Lsn(lsn - 5), changes_after: Lsn::MAX };
            undo.collect(&Limit::new(&needed), 512, &mut scratch).unwrap();
            undo.release(&mut scratch);
            undo.settle(&needed, 512, &mut scratch).unwrap();
            undo.spill();
        }
    }
    undo.spill();
    assert!(undo.stats().spilled_bytes > 0 && undo.stats().memory_bytes <= 64 << 10);
    let mut out = Vec::new();
    assert!(matches!(undo.seen(hdr, Lsn(10), &mut out).unwrap(), Seen::Value { .. }));
    assert_eq!(out, 11u64.to_le_bytes());
    let mut steps = 0;
    let mut position = hdr;
    while let Some(item) = undo.fetch(position).unwrap() {
        steps += 1;
        let from = if item.skip() == 0 { position } else { item.skip() };
        position = undo.fetch(from).unwrap().unwrap().prev();
        if position == 0 {
            break;
        }
    }
    assert!(steps < 600, "{steps} steps");
    assert!(hdr < undo.visible_below(Lsn(20_000)));
}

#[test]
fn a_disk_that_is_full_is_said_before_memory_is() {
    let disk = SimDisk::new(1);
    disk.set_capacity(2000);
    let undo = Undo::open(0, options(&disk, true)).unwrap();
    let mut refused = false;
    for lsn in 1..200 {
        refused |= undo.admit().is_err();
        let mut appender = undo.appender();
        let batch = appender.begin();
        appender.push(&batch, TREE, b"k", Before::Absent, false);
        appender.publish(batch, Lsn(lsn));
        drop(appender);
        undo.spill();
    }
    assert!(refused);
    disk.set_capacity(u64::MAX);
    undo.spill();
    undo.admit().unwrap();
    drop(undo);
    assert!(disk_has(&disk, "undo"));
    Undo::open(0, options(&disk, true)).unwrap();
    assert!(!disk_has(&disk, "undo"));
}

fn disk_has(disk: &SimDisk, path: &str) -> bool {
    crate::io::Disk::exists(disk, path).unwrap()
}
