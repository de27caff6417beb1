//! The paged store beside the one in memory, which is the oracle, on a disk that loses power. Random batches (in one go
//! and pending in slices, some taken back), new and dropped trees, large values, snapshots, purges, checkpoints a step
//! at a time, full disks; pages, frames and undo segments as small as they may be. After a crash the log's surviving
//! prefix is the truth: what the checkpoint holds and the log adds must be what all of the log makes.
//!
//! `HEADWATER_SEEDS` sets how many seeds run. The canaries turn one rule off each, and must be noticed.

use super::super::undo;
use super::*;
use crate::base::SqlState;
use crate::io::{Rng, SimDisk, seeds};
use crate::storage::{Cursor, Direction, Encoder, KeyRange, MemStore, Op, Registration, Snapshots, SpillOptions};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

const KEYS: u64 = 40;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    None,
    Store(Mutation),
    Undo(undo::Mutation),
    /// Recovery leaves out the first batch behind the checkpoint.
    SkipOne,
    /// The superblock does not wait for the log.
    LogLags,
}

enum Stop {
    /// The power is gone.
    Crash,
    Fail(String),
}

type Step<T = ()> = Result<T, Stop>;

fn fail<T>(what: impl Into<String>) -> Step<T> {
    Err(Stop::Fail(what.into()))
}

/// A batch that is applied in slices.
struct Big {
    pending: PendingBatch,
    whole: Encoder,
    tree: TreeId,
    /// Made by the batch itself.
    fresh: bool,
    /// Each slice goes on behind the one before, as bulk loads do.
    ascending: bool,
    keys: BTreeSet<Vec<u8>>,
}

/// How often what loads can meet was met.
#[derive(Clone, Copy, Debug, Default)]
struct Loads {
    published: usize,
    /// Ended because another batch changed the tree.
    disturbed: usize,
    abandoned: usize,
    taken_back: usize,
}

struct Sim {
    rng: Rng,
    disk: SimDisk,
    store: Arc<PagedStore>,
    oracle: MemStore,
    snapshots: Arc<Snapshots>,
    open: Vec<Registration>,
    log: Vec<(Lsn, Batch)>,
    applied: Lsn,
    durable: Lsn,
    changes_after: Lsn,
    /// Until when each tree exists.
    trees: BTreeMap<TreeId, Lsn>,
    next_tree: u32,
    big: Option<Big>,
    crashes: usize,
    checkpoints: usize,
    loads: Loads,
    rule: Rule,
}

fn options(disk: &SimDisk, seed: u64) -> PagedOptions {
    let spill = Some(SpillOptions { disk: Arc::new(disk.clone()), path: "undo".to_string() });
    PagedOptions {
        pager: PagerOptions { page_bytes: 512, frames: 20 + (seed % 3) as usize * 30, ..PagerOptions::default() },
        undo: UndoOptions { segment_bytes: 1024, memory_bytes: 4096, spill },
        ..PagedOptions::default()
    }
}

fn open(disk: &SimDisk, seed: u64, rule: Rule) -> Result<(Arc<PagedStore>, Opened)> {
    let (mut store, opened) = PagedStore::open(Arc::new(disk.clone()), options(disk, seed))?;
    let inside = Arc::get_mut(&mut store).expect("nobody else has it yet");
    match rule {
        Rule::Store(mutation) => inside.mutation = Some(mutation),
        Rule::Undo(mutation) => inside.undo.mutation = Some(mutation),
        _ => {}
    }
    Ok((store, opened))
}

fn key(n: u64) -> Vec<u8> {
    let len = if n.is_multiple_of(11) { 110 } else { n as usize % 20 };
    let mut key = vec![(n % 5) as u8; len];
    key.extend((n as u16).to_be_bytes());
    key
}

impl Sim {
    fn new(seed: u64, rule: Rule) -> Sim {
        let disk = SimDisk::new(seed);
        let (store, _) = open(&disk, seed, rule).unwrap();
        Sim {
            rng: Rng::new(seed),
            disk,
            store,
            oracle: MemStore::new(),
            snapshots: Arc::default(),
            open: Vec::new(),
            log: Vec::new(),
            applied: Lsn(1),
            durable: Lsn(1),
            changes_after: Lsn(1),
            trees: BTreeMap::new(),
            next_tree: 1,
            big: None,
            crashes: 0,
            checkpoints: 0,
            loads: Loads::default(),
            rule,
        }
    }

    /// An error of ours is a failure, one of the disk's without power a crash.
    fn io<T>(&self, result: Result<T>) -> Step<T> {
        result.map_err(|e| if self.disk.has_crashed() { Stop::Crash } else { Stop::Fail(format!("{e:?}")) })
    }

    fn live(&self) -> Vec<TreeId> {
        let taken = self.big.as_ref().map(|big| big.tree);
        let alive = |(id, until): (&TreeId, &Lsn)| (*until == Lsn::MAX && Some(*id) != taken).then_some(*id);
        self.trees.iter().filter_map(alive).collect()
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let len = match self.rng.below(20) {
            0..6 => return None,
            6 => 0,
            7 | 8 => 500 + self.rng.below(2500),
            9 => 100 + self.rng.below(40),
            _ => self.rng.below(30),
        };
        let first = self.rng.below(256) as u8;
        Some((0..len).map(|i| first.wrapping_add((i / 7) as u8)).collect())
    }

    /// Random changes of some trees' keys, in the order of a batch, without those that `locked` names.
    fn changes(&mut self, trees: &[TreeId], most: u64, locked: &BTreeSet<Vec<u8>>) -> Changes {
        let mut changes = Changes::new();
        if trees.is_empty() {
            return changes;
        }
        for _ in 0..self.rng.below(most + 1) {
            let tree = trees[self.rng.below(trees.len() as u64) as usize];
            let key = key(self.rng.below(KEYS));
            let value = self.value();
            if !locked.contains(&key) {
                changes.insert((tree, key), value);
            }
        }
        changes
    }

    fn commit(&mut self) -> Step {
        let mut trees = self.live();
        let part_bytes = self.rng.below(400) as usize;
        let mut e = Encoder::with_part_bytes(part_bytes);
        if trees.len() < 2 || (trees.len() < 5 && self.rng.chance(1, 12)) {
            let created = TreeId(self.next_tree);
            self.next_tree += 1;
            e.push(Op::NewTree(created));
            trees.push(created);
        }
        let most = if self.rng.chance(1, 8) { 60 } else { 5 };
        let mut locked = BTreeSet::new();
        let mut changed = trees.clone();
        let disturbs = self.rng.chance(1, if self.is_loading() { 3 } else { 20 });
        if let Some(big) = self.big.as_ref().filter(|big| disturbs && !big.fresh) {
            locked.clone_from(&big.keys);
            changed.push(big.tree);
        }
        let changes = self.changes(&changed, most, &locked);
        encode(&mut e, &changes);
        let dropped = (trees.len() > 2 && self.rng.chance(1, 25)).then(|| trees[0]);
        dropped.into_iter().for_each(|tree| e.push(Op::DropTree(tree)));
        self.commit_batch(&e.finish())
    }

    fn commit_batch(&mut self, batch: &Batch) -> Step {
        if !self.prepared(batch)? {
            return Ok(());
        }
        self.applied = Lsn(self.applied.0 + 1 + self.rng.below(5));
        self.log.push((self.applied, batch.clone()));
        let loading = self.is_loading();
        self.io(self.store.apply(batch, self.applied, History::Keep))?;
        self.loads.disturbed += usize::from(loading && !self.is_loading());
        self.settle_in_oracle(batch);
        Ok(())
    }

    fn is_loading(&self) -> bool {
        self.store.applying.lock().load.is_some()
    }

    fn unapply(&mut self, big: Big) -> Step {
        let loading = self.is_loading();
        let mut loaded = false;
        let noted = self.store.undo.records_of(&big.pending.undo, &mut |record| {
            loaded |= record.kind == undo::Kind::Load;
            Ok(())
        });
        self.io(noted)?;
        self.loads.abandoned += usize::from(loading);
        self.loads.taken_back += usize::from(loaded && !loading && !big.fresh);
        self.io(self.store.unapply(big.pending))
    }

    /// Whether the disk has room for the batch.
    fn prepared(&self, batch: &Batch) -> Step<bool> {
        self.io(self.store.prefault(batch))?;
        match self.store.prepare(batch) {
            Err(e) if e.code() == SqlState::DISK_FULL => Ok(false),
            other => self.io(other).map(|()| true),
        }
    }

    fn settle_in_oracle(&mut self, batch: &Batch) {
        self.oracle.apply(batch, self.applied, History::Keep).unwrap();
        live_trees(batch, self.applied, &mut self.trees);
    }

    /// Begins a pending batch in a tree that nobody else changes meanwhile, gives it another slice, or ends it.
    fn advance_big(&mut self) -> Step {
        let Some(mut big) = self.big.take() else {
            let trees = self.live();
            if trees.len() < 2 {
                return Ok(());
            }
            let mut tree = trees[self.rng.below(trees.len() as u64) as usize];
            if self.live().len() < 6 && self.rng.chance(1, 2) {
                tree = TreeId(self.next_tree);
                self.next_tree += 1;
                let mut e = Encoder::new();
                e.push(Op::NewTree(tree));
                self.commit_batch(&e.finish())?;
                if !self.trees.contains_key(&tree) {
                    return Ok(());
                }
            }
            let mut whole = Encoder::with_part_bytes(100);
            let mut pending = self.store.begin_pending();
            let fresh = self.rng.chance(1, 3);
            if fresh {
                tree = TreeId(self.next_tree);
                self.next_tree += 1;
                let mut slice = Encoder::new();
                slice.push(Op::NewTree(tree));
                whole.push(Op::NewTree(tree));
                let slice = slice.finish();
                if !self.prepared(&slice)? {
                    return self.io(self.store.unapply(pending));
                }
                self.io(self.store.apply_pending(&mut pending, &slice))?;
            }
            let ascending = self.rng.chance(2, 3);
            self.big = Some(Big { pending, whole, tree, fresh, ascending, keys: BTreeSet::new() });
            return Ok(());
        };
        match self.rng.below(8) {
            0 => return self.unapply(big),
            1 | 2 => {
                let completed = self.store.complete(&mut big.pending);
                if completed.is_err() && !self.disk.has_crashed() {
                    self.unapply(big)?;
                    return self.io(completed);
                }
                self.io(completed)?;
                self.applied = Lsn(self.applied.0 + 1 + self.rng.below(5));
                let batch = big.whole.finish();
                self.log.push((self.applied, batch.clone()));
                self.store.publish(big.pending, self.applied);
                self.settle_in_oracle(&batch);
                return Ok(());
            }
            _ => {}
        }
        let mut changes = self.changes(&[big.tree], 25, &big.keys);
        if let Some(last) = big.keys.last().filter(|_| big.ascending) {
            changes.retain(|(_, key), _| key > last);
        }
        let mut slice = Encoder::new();
        encode(&mut slice, &changes);
        encode(&mut big.whole, &changes);
        let slice = slice.finish();
        big.keys.extend(changes.into_keys().map(|(_, key)| key));
        // What does not fit any more is a transaction that fails.
        if !self.prepared(&slice)? {
            return self.unapply(big);
        }
        let applied = self.store.apply_pending(&mut big.pending, &slice);
        if applied.is_err() && !self.disk.has_crashed() {
            self.unapply(big)?;
            return self.io(applied);
        }
        self.big = Some(big);
        self.io(applied)
    }

    fn needed(&mut self) -> Needed {
        let mut needed = self.snapshots.needed(self.durable);
        if self.rng.chance(1, 3) {
            self.changes_after.0 += self.rng.below(self.durable.0 - self.changes_after.0 + 1);
        }
        needed.changes_after = self.changes_after;
        needed
    }

    fn purge(&mut self) -> Step {
        let needed = self.needed();
        let budget = 1 + self.rng.below(60) as usize;
        self.store.purge(&needed, budget);
        self.oracle.purge(&needed, budget);
        if self.disk.has_crashed() { Err(Stop::Crash) } else { Ok(()) }
    }

    fn checkpoint_step(&mut self) -> Step {
        if !self.store.pager.frozen() {
            let next_tree = TreeId(self.next_tree);
            let frozen = self.store.freeze(self.applied, next_tree);
            return self.io(frozen).map(|_| ());
        }
        let durable = std::cell::Cell::new(self.durable);
        let wait = |lsn: Lsn| {
            durable.set(durable.get().max(lsn));
            Ok(())
        };
        let pages = 1 + self.rng.below(20) as usize;
        let step = self.store.pager.checkpoint_step(pages, &wait);
        if self.rule != Rule::LogLags {
            self.durable = durable.get();
        }
        match step {
            Err(e) if e.code() == SqlState::DISK_FULL => Ok(()),
            other => {
                self.io(other)?;
                self.checkpoints += usize::from(!self.store.pager.frozen());
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> Step {
        let pages = 1 + self.rng.below(10) as usize;
        match self.store.pager.flush_some(pages) {
            Err(e) if e.code() == SqlState::DISK_FULL => Ok(()),
            other => self.io(other).map(|_| ()),
        }
    }

    fn crash(&mut self, power: bool) -> Step {
        self.crashes += 1;
        self.open.clear();
        self.big = None;
        self.snapshots = Arc::default();
        let at_least = self.log.partition_point(|(lsn, _)| *lsn <= self.durable);
        let kept = at_least + self.rng.below((self.log.len() - at_least + 1) as u64) as usize;
        self.log.truncate(kept);
        self.applied = self.log.last().map_or(Lsn(1), |(lsn, _)| *lsn).max(Lsn(1));
        (self.durable, self.changes_after) = (self.applied, self.applied);
        self.oracle = MemStore::new();
        self.trees.clear();
        for (lsn, batch) in &self.log {
            self.oracle.apply(batch, *lsn, History::Forget).unwrap();
            live_trees(batch, *lsn, &mut self.trees);
        }
        if power {
            self.disk.reboot()
        } else {
            self.disk.restart()
        }
        self.disk.set_capacity(u64::MAX);
        loop {
            if self.rng.chance(1, 4) {
                self.disk.crash_at(self.rng.below(40));
            }
            match self.recover() {
                Err(Stop::Crash) => self.disk.reboot(),
                Ok(()) => break,
                failed => return failed,
            }
        }
        self.check_all()
    }

    fn recover(&mut self) -> Step {
        let seed = self.rng.u64();
        let (store, opened) = self.io(open(&self.disk, seed, self.rule))?;
        self.store = store;
        if opened.lsn > self.applied {
            return fail("the checkpoint is ahead of the log");
        }
        let mut behind = self.log.partition_point(|(lsn, _)| *lsn <= opened.lsn);
        if self.rule == Rule::SkipOne {
            behind += 1;
        }
        let highest = self.store.trees().last().map_or(0, |tree| tree.0);
        if opened.next_tree.0 <= highest {
            return fail("a tree id could be used again");
        }
        for (lsn, batch) in self.log.get(behind..).unwrap_or_default() {
            self.io(self.store.prepare(batch))?;
            self.io(self.store.apply(batch, *lsn, History::Forget))?;
        }
        // As after a real recovery, ids go on behind all that were ever used.
        Ok(())
    }

    fn range(&mut self) -> KeyRange {
        let bound = |rng: &mut Rng| match rng.below(4) {
            0 | 1 => Bound::Unbounded,
            2 => Bound::Included(key(rng.below(KEYS))),
            _ => Bound::Excluded(key(rng.below(KEYS))),
        };
        KeyRange { lower: bound(&mut self.rng), upper: bound(&mut self.rng) }
    }

    fn scan(&mut self, store: &dyn Store, tree: TreeId, at: Lsn, cursor: &Cursor) -> Step<Vec<(Vec<u8>, Vec<u8>)>> {
        let (mut cursor, mut out) = (cursor.clone(), Entries::new());
        while !cursor.done {
            let max = 1 + self.rng.below(30) as usize;
            self.io(store.scan(tree, at, &mut cursor, &mut out, max))?;
        }
        Ok(out.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect())
    }

    fn check_at(&mut self, at: Lsn) -> Step {
        let shown: Vec<TreeId> =
            self.trees.iter().filter(|(_, until)| **until > at.min(self.applied)).map(|(id, _)| *id).collect();
        let store = Arc::clone(&self.store);
        for tree in shown {
            for direction in [Direction::Forward, Direction::Backward] {
                let cursor = Cursor::new(self.range(), direction);
                let got = self.scan(&*store, tree, at, &cursor)?;
                let (mut wanted, mut all) = (cursor.clone(), Entries::new());
                while !wanted.done {
                    self.oracle.scan(tree, at, &mut wanted, &mut all, 1000).unwrap();
                }
                let wanted: Vec<_> = all.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
                if got != wanted {
                    return fail(format!("scan of tree {tree} at {at}: {} of {}", got.len(), wanted.len()));
                }
            }
            for _ in 0..6 {
                let key = key(self.rng.below(KEYS));
                self.check_key(tree, &key, at)?;
            }
        }
        Ok(())
    }

    fn check_key(&self, tree: TreeId, key: &[u8], at: Lsn) -> Step {
        let (mut got, mut wanted) = (vec![1], vec![1]);
        let found = self.io(self.store.get(tree, key, at, &mut got))?;
        if found != self.oracle.get(tree, key, at, &mut wanted).unwrap() || (found && got != wanted) {
            return fail(format!("get of {key:?} in tree {tree} at {at}"));
        }
        let got = self.io(self.store.newest(tree, key))?;
        let wanted = self.oracle.newest(tree, key).unwrap();
        let known = got.lsn != Lsn::ZERO && wanted.lsn != Lsn::ZERO;
        if got.live != wanted.live || (known && got.lsn != wanted.lsn) {
            return fail(format!("newest of {key:?} in tree {tree}: {got:?}, not {wanted:?}"));
        }
        // What is not known any more, every snapshot includes.
        let oldest = self.open.iter().map(|r| r.lsn()).fold(self.durable, Lsn::min);
        if got.lsn == Lsn::ZERO && wanted.lsn > oldest {
            return fail(format!("newest of {key:?} in tree {tree} forgot {wanted:?}"));
        }
        Ok(())
    }

    fn check(&mut self) -> Step {
        for at in self.open.iter().map(|r| r.lsn()).collect::<Vec<_>>() {
            self.check_at(at)?;
        }
        self.check_at(self.durable)?;
        self.check_at(self.applied)?;
        self.check_at(Lsn::MAX)?;
        let (mut got, mut loaded) = (BTreeSet::new(), BTreeSet::new());
        let after = self.changes_after.max(self.durable);
        let noted = self.store.changes(after, &mut |tree, key| {
            match key {
                Some(key) => drop(got.insert((tree, key.to_vec()))),
                None => drop(loaded.insert(tree)),
            }
            true
        });
        self.io(noted)?;
        self.loads.published += loaded.len();
        let mut wanted = BTreeSet::new();
        let noted = self.oracle.changes(after, &mut |tree, key| {
            wanted.insert((tree, key.expect("memory loads nothing").to_vec()));
            true
        });
        noted.unwrap();
        if let Some(tree) = loaded.iter().find(|tree| wanted.iter().all(|(t, _)| t != *tree)) {
            return fail(format!("nothing of tree {tree} was loaded"));
        }
        got.retain(|(tree, _)| !loaded.contains(tree));
        wanted.retain(|(tree, _)| !loaded.contains(tree));
        if got == wanted { Ok(()) } else { fail(format!("{} keys changed, not {}", got.len(), wanted.len())) }
    }

    fn check_all(&mut self) -> Step {
        self.check()?;
        self.io(self.store.verify())
    }

    fn step(&mut self) -> Step {
        match self.rng.below(1000) {
            0..300 => self.commit()?,
            300..380 => self.advance_big()?,
            380..460 => {
                let at = if self.rng.chance(1, 2) { self.applied } else { self.durable };
                self.open.push(self.snapshots.register(|| at).unwrap());
            }
            460..540 if !self.open.is_empty() => {
                let i = self.rng.below(self.open.len() as u64) as usize;
                self.open.swap_remove(i);
            }
            540..600 => self.durable.0 += self.rng.below(self.applied.0 - self.durable.0 + 1),
            600..700 => self.purge()?,
            700..860 => self.checkpoint_step()?,
            860..900 => self.flush()?,
            900..940 => self.check()?,
            940..960 => self.check_all()?,
            960..972 => self.disk.crash_at(self.rng.below(60)),
            972..978 => return self.crash(false),
            978..984 => {
                let free = self.rng.below(20_000);
                let used = 100_000;
                let capacity = if self.rng.chance(1, 2) { u64::MAX } else { used + free };
                self.disk.set_capacity(capacity);
            }
            984..990 => self.finish()?,
            _ => {}
        }
        if self.disk.has_crashed() { Err(Stop::Crash) } else { Ok(()) }
    }

    /// Nobody reads and everything is durable: nothing of the past stays.
    fn finish(&mut self) -> Step {
        if let Some(big) = self.big.take() {
            self.unapply(big)?;
        }
        // A purge that finds no room leaves things for later.
        self.disk.set_capacity(u64::MAX);
        self.open.clear();
        (self.durable, self.changes_after) = (self.applied, self.applied);
        let needed = self.snapshots.needed(self.durable);
        let mut rounds = 0;
        while self.store.purge(&needed, 500) {
            rounds += 1;
            if rounds > 1000 {
                return fail("purge does not end");
            }
        }
        if self.disk.has_crashed() {
            return Err(Stop::Crash);
        }
        while self.oracle.purge(&needed, 500) {}
        let (got, wanted) = (self.store.stats(), self.oracle.stats());
        if self.disk.has_crashed() {
            return Err(Stop::Crash);
        }
        let more = self.store.paged_stats();
        if got != wanted || (more.doomed, more.dead_values, more.undo.records) != (0, 0, 0) {
            return fail(format!("{got:?}, not {wanted:?}; {more:?}"));
        }
        self.check_all()
    }

    fn run(&mut self, steps: usize) -> Result<(), String> {
        for _ in 0..steps {
            match self.step() {
                Ok(()) => {}
                Err(Stop::Crash) => self.survive(true)?,
                Err(Stop::Fail(what)) => return Err(what),
            }
        }
        self.disk.set_capacity(u64::MAX);
        loop {
            match self.finish() {
                Ok(()) => return Ok(()),
                Err(Stop::Crash) => self.survive(true)?,
                Err(Stop::Fail(what)) => return Err(what),
            }
        }
    }

    fn survive(&mut self, power: bool) -> Result<(), String> {
        let mut power = power;
        loop {
            match self.crash(power) {
                Ok(()) => return Ok(()),
                Err(Stop::Crash) => power = true,
                Err(Stop::Fail(what)) => return Err(format!("after crash {}: {what}", self.crashes)),
            }
        }
    }
}

type Changes = BTreeMap<(TreeId, Vec<u8>), Option<Vec<u8>>>;

fn encode(e: &mut Encoder, changes: &Changes) {
    for ((tree, key), value) in changes {
        match value {
            Some(value) => e.push(Op::Put { tree: *tree, key, value }),
            None => e.push(Op::Delete { tree: *tree, key }),
        }
    }
}

fn live_trees(batch: &Batch, lsn: Lsn, trees: &mut BTreeMap<TreeId, Lsn>) {
    let noted = batch.for_each(|op| {
        match op {
            Op::NewTree(tree) => drop(trees.insert(tree, Lsn::MAX)),
            Op::DropTree(tree) => *trees.get_mut(&tree).expect("it was created") = lsn,
            _ => {}
        }
        Ok(())
    });
    noted.unwrap();
}

/// What went wrong, and how many crashes and checkpoints there were.
fn run(seed: u64, rule: Rule) -> (Option<String>, usize, usize, Loads) {
    let mut sim = Sim::new(seed, rule);
    let run = std::panic::AssertUnwindSafe(|| sim.run(700).err());
    let result = match std::panic::catch_unwind(run) {
        Ok(result) => result,
        Err(_) if rule != Rule::None => Some("panic".to_string()),
        Err(panic) => {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic)
        }
    };
    (result, sim.crashes, sim.checkpoints, sim.loads)
}

/// I1, I2: what is there after a crash is the newest checkpoint and the log after it, and nothing else.
#[test]
fn pages_say_what_memory_says_through_every_crash() {
    let (mut crashes, mut checkpoints, mut met) = (0, 0, Loads::default());
    let all = seeds(12);
    let seeds = all.end - all.start;
    for seed in all {
        let (failed, c, k, loads) = run(seed, Rule::None);
        assert_eq!(failed, None, "seed {seed}");
        met.published += loads.published;
        met.disturbed += loads.disturbed;
        met.abandoned += loads.abandoned;
        met.taken_back += loads.taken_back;
        (crashes, checkpoints) = (crashes + c, checkpoints + k);
    }
    assert!(crashes as u64 > seeds && checkpoints as u64 > seeds, "{crashes} crashes, {checkpoints} checkpoints");
    let all_met = met.published.min(met.disturbed).min(met.abandoned).min(met.taken_back) > 0;
    assert!(all_met || seeds < 12, "{met:?}");
}

#[test]
fn each_rule_is_needed() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let rules = [
        Rule::SkipOne,
        Rule::LogLags,
        Rule::Store(Mutation::Dirty),
        Rule::Store(Mutation::GhostLeak),
        Rule::Store(Mutation::ForgetDead),
        Rule::Store(Mutation::EagerChunks),
        Rule::Store(Mutation::NoSweep),
        Rule::Store(Mutation::FreezePending),
        Rule::Store(Mutation::KeepBuilt),
        Rule::Store(Mutation::KeepLoaded),
        Rule::Store(Mutation::LoadRegardless),
        Rule::Undo(undo::Mutation::Dirty),
        Rule::Undo(undo::Mutation::SkipBlindly),
    ];
    let noticed = |rule: &Rule| (0..80).any(|seed| run(seed, *rule).0.is_some());
    let unnoticed: Vec<Rule> = rules.into_iter().filter(|rule| !noticed(rule)).collect();
    std::panic::set_hook(hook);
    assert_eq!(unnoticed, []);
}
