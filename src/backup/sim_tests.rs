//! A primary on a disk that loses power, and a store that fails: random commits, checkpoints, snapshots, archiving and
//! expiry, with crashes at random I/O operations. Then the database is restored to random moments and compared, entry by entry,
//! with what it was; and each object of the store is damaged and taken away in turn, which the check must notice.
//!
//! `HEADWATER_SEEDS` sets how many seeds run.

use super::archive::Archiver;
use super::expire::{delete, expire};
use super::layout::Layout;
use super::snapshot::{Snapshotter, Taken};
use super::{BackupOptions, Backups, Origin, Restored, Schedule, Shared, Target, restore, verify};
use crate::base::{Finding, Lsn, Result, SqlState, TreeId};
use crate::engine::{CheckpointOptions, Engine, EngineOptions};
use crate::io::{Clock, Disk, ObjectStore, RealClock, Rng, SimClock, SimDisk, SimEntropy, SimObjects};
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::{Access, Isolation};
use crate::wal::{Hold, WalOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const ROWS: TreeId = TreeId(1);
/// Holds how many commits there were.
const COUNT: TreeId = TreeId(2);
const START_US: u64 = 1_000_000_000;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

fn options() -> EngineOptions {
    let wal = WalOptions {
        segment_bytes: 32 << 10,
        first_segment_bytes: 32 << 10,
        on_fatal: Arc::new(|_| {}),
        ..WalOptions::default()
    };
    EngineOptions {
        wal,
        buffer_bytes: 1 << 20,
        page_bytes: 1024,
        checkpoint: CheckpointOptions { automatic: false, ..CheckpointOptions::default() },
        on_fatal: Arc::new(|_| {}),
        ..EngineOptions::default()
    }
}

fn open(disk: &SimDisk, clock: &Arc<SimClock>, seed: u64) -> Result<Arc<Engine>> {
    Engine::open(Arc::new(disk.clone()), clock.clone(), &SimEntropy::new(seed), options())
}

fn read_all(engine: &Engine, tree: TreeId) -> Rows {
    let mut txn = engine.begin(Isolation::ReadCommitted);
    txn.begin_statement(Access::Write).unwrap();
    let mut scan = txn.scan(txn.view(), tree, KeyRange::all(), Direction::Forward);
    let (mut all, mut out) = (Rows::new(), Entries::new());
    loop {
        let more = scan.next(&txn, &mut out, 100).unwrap();
        all.extend(out.iter().map(|(k, v)| (k.to_vec(), v.to_vec())));
        if !more {
            return all;
        }
    }
}

/// One commit: what it put, or deleted.
#[derive(Clone)]
struct Commit {
    lsn: Lsn,
    time_us: u64,
    changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// The primary, while its process lives.
struct Node {
    engine: Arc<Engine>,
    shared: Arc<Shared>,
    archiver: Archiver,
    snapshotter: Snapshotter,
}

impl Node {
    fn open(sim: &Sim, life: u64) -> Result<Node> {
        let engine = open(&sim.disk, &sim.clock, life)?;
        let hold = engine.wal().hold(Lsn::ZERO);
        Node::with(sim, engine, hold, life, u64::MAX)
    }

    fn with(sim: &Sim, engine: Arc<Engine>, hold: Hold, life: u64, keep_bytes: u64) -> Result<Node> {
        Node::forked(sim, engine, hold, life, keep_bytes, Vec::new())
    }

    fn forked(
        sim: &Sim,
        engine: Arc<Engine>,
        hold: Hold,
        life: u64,
        keep_bytes: u64,
        forks: Vec<(u32, Lsn)>,
    ) -> Result<Node> {
        let store = Arc::new(sim.store.clone());
        let entropy = Arc::new(SimEntropy::new(life * 7 + sim.seed));
        let shared = Shared::new(store, engine.wal().identity(), forks, entropy);
        let archiver = Archiver::new(shared.clone(), engine.wal().clone(), sim.clock.clone(), hold, keep_bytes);
        let snapshotter = Snapshotter::new(shared.clone(), engine.clone(), sim.clock.clone());
        Ok(Node { engine, shared, archiver, snapshotter })
    }

    fn take(&self) -> Result<Taken> {
        self.engine.checkpoint()?;
        self.snapshotter.take(false, &|_| Ok(()))
    }

    fn take_on_demand(&self) -> Result<Taken> {
        self.engine.checkpoint()?;
        self.snapshotter.take(true, &|_| Ok(()))
    }
}

struct Sim {
    seed: u64,
    rng: Rng,
    disk: SimDisk,
    store: SimObjects,
    clock: Arc<SimClock>,
    commits: Vec<Commit>,
    restore_points: Vec<(String, Lsn)>,
}

impl Sim {
    fn new(seed: u64) -> Sim {
        Sim {
            seed,
            rng: Rng::new(seed),
            disk: SimDisk::new(seed),
            store: SimObjects::new(seed),
            clock: Arc::new(SimClock::new(START_US)),
            commits: Vec::new(),
            restore_points: Vec::new(),
        }
    }

    fn create_trees(&self, node: &Node) {
        let mut txn = node.engine.begin(Isolation::ReadCommitted);
        assert_eq!((txn.create_tree().unwrap(), txn.create_tree().unwrap()), (ROWS, COUNT));
        let lsn = txn.commit().unwrap().wait_for;
        node.engine.wait_durable_blocking(lsn).unwrap();
    }

    fn commit(&mut self, node: &Node) -> Result<()> {
        self.clock.advance(Duration::from_secs(1));
        let mut txn = node.engine.begin(Isolation::ReadCommitted);
        txn.begin_statement(Access::Write)?;
        let mut changes = Vec::new();
        let large = self.rng.chance(1, 40);
        for _ in 0..if large { 300 } else { 1 + self.rng.below(4) } {
            let key = self.rng.below(1000).to_be_bytes().to_vec();
            let value = (!self.rng.chance(1, 5)).then(|| vec![self.rng.below(256) as u8; self.rng.below(200) as usize]);
            match &value {
                Some(value) => txn.put(ROWS, &key, value)?,
                None => txn.delete(ROWS, &key).map(drop)?,
            }
            changes.push((key, value));
        }
        txn.put(COUNT, b"n", &(self.commits.len() as u64 + 1).to_be_bytes())?;
        let committed = txn.commit()?;
        // It is in doubt until it is durable; `recover` decides.
        self.commits.push(Commit { lsn: committed.lsn.expect("it wrote"), time_us: self.clock.now_us(), changes });
        node.engine.wait_durable_blocking(committed.wait_for)
    }

    /// What was in doubt at a crash is there or not.
    fn recover(&mut self, node: &Node) {
        let count = read_all(&node.engine, COUNT)
            .get(b"n".as_slice())
            .map_or(0, |v| u64::from_be_bytes(v.as_slice().try_into().expect("it was written so")));
        assert!(self.commits.len() as u64 - count <= 1, "a durable commit was lost");
        self.commits.truncate(count as usize);
        assert_eq!(read_all(&node.engine, ROWS), self.rows_at(Lsn::MAX));
    }

    fn rows_at(&self, lsn: Lsn) -> Rows {
        let mut rows = Rows::new();
        for (key, value) in self.commits.iter().filter(|c| c.lsn <= lsn).flat_map(|c| &c.changes) {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        rows
    }

    /// One step of the primary's life. An error of the disk is its end.
    fn step(&mut self, node: &mut Node) -> Result<()> {
        match self.rng.below(40) {
            0..26 => self.commit(node)?,
            26..32 => tolerate(node.archiver.step().map(drop))?,
            32..34 => node.engine.checkpoint().map(drop)?,
            34..36 => tolerate(node.take().map(drop))?,
            36 => {
                let name = format!("point {}", self.restore_points.len());
                let lsn = node.engine.restore_point(&name)?;
                node.engine.wait_durable_blocking(lsn)?;
                self.restore_points.push((name, lsn));
            }
            37 => tolerate(expire(&node.shared, self.clock.now_us(), Some(Duration::from_secs(200))).map(drop))?,
            38 => self.store.fail(if self.rng.chance(1, 2) { 0 } else { 4 }),
            _ => node.engine.purge(),
        }
        Ok(())
    }

    /// Lives of the primary until there have been so many steps.
    fn run(&mut self, steps: u64) -> Node {
        let mut node = Node::open(self, 1).unwrap();
        self.create_trees(&node);
        let (mut done, mut life) = (0, 1);
        while done < steps {
            if self.rng.chance(1, 3) {
                self.disk.crash_at(self.rng.below(200));
            }
            while done < steps && !self.disk.has_crashed() {
                let stepped = self.step(&mut node);
                assert!(stepped.is_ok() || self.disk.has_crashed(), "seed {}: {stepped:?}", self.seed);
                done += 1;
            }
            if self.disk.has_crashed() {
                drop(node);
                self.disk.reboot();
                life += 1;
                node = Node::open(self, life).unwrap();
                self.recover(&node);
            }
        }
        self.store.fail(0);
        let mut node = if node.engine.checkpoint().is_err() || self.disk.has_crashed() {
            drop(node);
            self.disk.reboot();
            let node = Node::open(self, life + 1).unwrap();
            self.recover(&node);
            node
        } else {
            node
        };
        node.archiver.step().unwrap();
        node
    }

    fn restore(&self, target: &Target) -> Result<(Arc<Engine>, Restored)> {
        let (disk, restored) = self.restore_files(Origin::default(), target)?;
        Ok((open(&disk, &self.clock, 5)?, restored))
    }

    fn restore_files(&self, origin: Origin, target: &Target) -> Result<(SimDisk, Restored)> {
        let disk = SimDisk::new(self.seed ^ 1);
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let entropy = SimEntropy::new(self.seed + 99);
        let restored = restore(&self.store, &shared, &entropy, origin, target, &mut |_| {})?;
        // What restoring answered is durable.
        disk.reboot();
        Ok((disk, restored))
    }

    /// The rows of a moment on a timeline, or on the newest.
    fn rows_on(&self, timeline: Option<u32>, target: &Target) -> Rows {
        let restored = self.restore_files(Origin { cluster: None, timeline }, target);
        let (disk, _) = restored.unwrap_or_else(|e| panic!("{timeline:?}, {target:?}: {e}"));
        read_all(&open(&disk, &self.clock, 5).unwrap(), ROWS)
    }

    fn expect(&self, target: &Target, lsn: Lsn) {
        let (engine, restored) = self.restore(target).unwrap_or_else(|e| panic!("{target:?}, seed {}: {e}", self.seed));
        assert!(restored.lsn <= lsn || !matches!(target, Target::Lsn(_)), "{target:?}: {restored:?}");
        assert_eq!(read_all(&engine, ROWS), self.rows_at(lsn), "{target:?}, seed {}", self.seed);
        assert_eq!(engine.wal().identity().cluster, restored.cluster);
        engine.verify().unwrap();
    }

    fn check(&self) -> Vec<String> {
        let mut found = Vec::new();
        verify(&self.store, None, &mut |finding| {
            if let Finding::Damage(e) = finding {
                found.push(e.message().to_string());
            }
        })
        .unwrap();
        found
    }
}

/// A store that fails is no reason to stop.
fn tolerate(done: Result<()>) -> Result<()> {
    match done {
        Err(e) if e.message().contains("simulated failure") => Ok(()),
        // Nothing is committed, or a manifest is not there to be expired against.
        Err(e) if e.code() == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE => panic!("{e}"),
        other => other,
    }
}

fn seeds(default: u64) -> u64 {
    std::env::var("HEADWATER_SEEDS").ok().and_then(|n| n.parse().ok()).map_or(default, |n: u64| (n / 100).max(default))
}

/// I4, of backups.
#[test]
fn a_restored_database_is_what_it_was() {
    for seed in 0..seeds(4) {
        let mut sim = Sim::new(seed);
        let node = sim.run(300);
        let first = super::Manifest::list(&sim.store, &node.shared.layout).unwrap()[0];
        assert_eq!(sim.check(), Vec::<String>::new(), "seed {seed}");
        sim.expect(&Target::Latest, Lsn::MAX);
        let log_end = node.engine.durable();
        for _ in 0..25 {
            let lsn = Lsn(first.0 + sim.rng.below(log_end.0 - first.0 + 1));
            sim.expect(&Target::Lsn(lsn), lsn);
        }
        let restorable: Vec<&Commit> = sim.commits.iter().filter(|c| c.lsn > first).collect();
        if let Some(last) = restorable.last() {
            let snapshot = super::Manifest::read(&sim.store, &node.shared.layout, first).unwrap();
            let time = snapshot.time_us.max(last.time_us - 3_000_000);
            let lsn = sim.commits.iter().filter(|c| c.time_us <= time).map(|c| c.lsn).max().unwrap();
            sim.expect(&Target::Time(time), lsn);
            let later = sim.clock.now_us() + 3_600_000_000;
            assert_eq!(
                sim.restore(&Target::Time(later)).err().unwrap().code(),
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE
            );
        }
        if let Some((name, lsn)) = sim.restore_points.iter().rfind(|(_, lsn)| *lsn > first && *lsn <= log_end) {
            sim.expect(&Target::RestorePoint(name.clone()), *lsn);
        }
        let none = sim.restore(&Target::Time(START_US - 1)).err().unwrap();
        assert_eq!(none.code(), SqlState::UNDEFINED_OBJECT);
        let beyond = sim.restore(&Target::Lsn(Lsn(log_end.0 + 1))).err().unwrap();
        assert_eq!(beyond.message(), "recovery ended before configured recovery target was reached");
    }
}

#[test]
fn any_object_that_is_damaged_or_missing_is_named() {
    let mut sim = Sim::new(77);
    let node = sim.run(150);
    // What failed attempts left is no part of a backup.
    expire(&node.shared, sim.clock.now_us(), None).unwrap();
    assert_eq!(sim.check(), Vec::<String>::new());
    let objects = sim.store.list("").unwrap();
    assert!(objects.len() > 8, "{objects:?}");
    for object in objects {
        let named = |found: Vec<String>, what: &str| {
            assert!(found.iter().any(|f| f.contains(&object.key)), "{what} {}: {found:?}", object.key);
        };
        for at in [0, sim.rng.below(object.bytes), object.bytes - 1] {
            sim.store.flip(&object.key, at as usize);
            named(sim.check(), "damaged");
            sim.store.flip(&object.key, at as usize);
        }
        let bytes = sim.store.take(&object.key);
        named(sim.check(), "missing");
        sim.store.put(&object.key, bytes.slice(..bytes.len() / 2)).unwrap();
        named(sim.check(), "cut off");
        sim.store.put(&object.key, bytes).unwrap();
    }
    assert_eq!(sim.check(), Vec::<String>::new());
}

#[test]
fn a_snapshot_uploads_what_changed() {
    let mut sim = Sim::new(3);
    let mut node = Node::open(&sim, 1).unwrap();
    sim.create_trees(&node);
    (0..300).for_each(|_| sim.commit(&node).unwrap());
    let first = node.take().unwrap();
    assert_eq!(first.manifest.pages_uploaded, first.manifest.pages);
    assert!(node.take().unwrap().already_there);
    sim.commit(&node).unwrap();
    let second = node.take().unwrap().manifest;
    assert!(second.pages_uploaded * 4 < second.pages, "{second:?}");
    assert!(second.bytes_uploaded * 2 < first.manifest.bytes_uploaded, "{second:?}");
    // Also after a restart.
    node.archiver.step().unwrap();
    node.engine.close().unwrap();
    drop(node);
    sim.disk.restart();
    node = Node::open(&sim, 2).unwrap();
    sim.commit(&node).unwrap();
    let third = node.take().unwrap().manifest;
    assert!(third.pages_uploaded * 4 < third.pages, "{third:?}");
    // A pack that is gone is made up for.
    let pack = node.shared.layout.pack(first.manifest.packs[0].name);
    sim.store.take(&pack);
    sim.commit(&node).unwrap();
    let fourth = node.take().unwrap().manifest;
    assert!(fourth.pages_uploaded * 2 > fourth.pages, "{fourth:?}");
    node.archiver.step().unwrap();
    sim.expect(&Target::Latest, Lsn::MAX);
}

#[test]
fn expiry_leaves_what_the_retention_needs() {
    let mut sim = Sim::new(4);
    let mut node = Node::open(&sim, 1).unwrap();
    sim.create_trees(&node);
    for _ in 0..5 {
        (0..50).for_each(|_| sim.commit(&node).unwrap());
        node.take().unwrap();
        node.archiver.step().unwrap();
    }
    let before = sim.store.list("").unwrap().len();
    let expired = expire(&node.shared, sim.clock.now_us(), Some(Duration::from_secs(75))).unwrap();
    assert!(expired.snapshots > 0 && sim.store.list("").unwrap().len() < before);
    assert_eq!(sim.check(), Vec::<String>::new());
    let moment = sim.clock.now_us() - 75_000_000;
    let lsn = sim.commits.iter().filter(|c| c.time_us <= moment).map(|c| c.lsn).max().unwrap();
    sim.expect(&Target::Time(moment), lsn);
    expire(&node.shared, sim.clock.now_us() + 1_000_000_000, Some(Duration::from_secs(1))).unwrap();
    assert_eq!(super::Manifest::list(&sim.store, &node.shared.layout).unwrap().len(), 1, "the newest stays");
    assert_eq!(sim.check(), Vec::<String>::new());
    sim.expect(&Target::Latest, Lsn::MAX);
}

#[test]
fn a_copy_of_the_database_does_not_write_to_its_archive() {
    let mut sim = Sim::new(5);
    let mut node = Node::open(&sim, 1).unwrap();
    sim.create_trees(&node);
    sim.commit(&node).unwrap();
    node.take().unwrap();
    node.archiver.step().unwrap();
    let copy = Node::with(&sim, node.engine.clone(), node.engine.wal().hold(Lsn::ZERO), 9, u64::MAX).unwrap();
    drop(copy);
    // The original goes on; then it falls back to what it was before.
    let before = sim.disk.clone();
    let saved = copy_disk(&before);
    sim.commit(&node).unwrap();
    node.archiver.step().unwrap();
    drop(node);
    sim.disk = saved;
    sim.commits.pop();
    let mut fork = Node::open(&sim, 3).unwrap();
    for _ in 0..3 {
        sim.commit(&fork).unwrap();
    }
    let e = fork.archiver.step().unwrap_err();
    assert_eq!(e.code(), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "{e}");
    assert!(e.message().contains("another history"), "{e}");
}

/// A disk with the same files.
fn copy_disk(disk: &SimDisk) -> SimDisk {
    let copy = SimDisk::new(1);
    copy.create_dir("wal").unwrap();
    for (dir, name) in
        ["", "wal"].iter().flat_map(|dir| disk.list(dir).unwrap().into_iter().map(move |name| (*dir, name)))
    {
        let path = if dir.is_empty() { name } else { format!("{dir}/{name}") };
        if path == "wal" {
            continue;
        }
        let from = disk.open(&path).unwrap();
        let mut bytes = vec![0; from.len().unwrap() as usize];
        from.read_exact_at(&mut bytes, 0).unwrap();
        let to = copy.create(&path).unwrap();
        to.write_at(&bytes, 0).unwrap();
        to.sync_data().unwrap();
    }
    copy.sync_dir("").unwrap();
    copy.sync_dir("wal").unwrap();
    copy
}

#[test]
fn a_store_that_is_away_too_long_leaves_a_gap_that_is_told() {
    let mut sim = Sim::new(6);
    let engine = open(&sim.disk, &sim.clock, 1).unwrap();
    let hold = engine.wal().hold(Lsn::ZERO);
    let mut node = Node::with(&sim, engine, hold, 1, 100 << 10).unwrap();
    sim.create_trees(&node);
    sim.commit(&node).unwrap();
    node.take().unwrap();
    let archived = node.archiver.step().unwrap();
    sim.store.set_down(true);
    for round in 0..6 {
        (0..200).for_each(|_| sim.commit(&node).unwrap());
        node.engine.checkpoint().unwrap();
        assert!(node.archiver.step().is_err(), "{round}");
    }
    node.engine.checkpoint().unwrap();
    assert!(node.engine.wal().oldest().unwrap() > archived, "it was let go");
    sim.store.set_down(false);
    node.archiver.step().unwrap();
    assert!(node.shared.snapshot_is_wanted());
    let e = sim.restore(&Target::Latest).err().unwrap();
    assert!(e.message().starts_with("the archive has no log from"), "{e}");
    sim.expect(&Target::Lsn(archived), archived);
    node.take().unwrap();
    assert!(!node.shared.snapshot_is_wanted());
    sim.commit(&node).unwrap();
    node.archiver.step().unwrap();
    assert_eq!(sim.check(), Vec::<String>::new(), "it is a note");
    sim.expect(&Target::Latest, Lsn::MAX);
}

#[test]
fn a_restored_database_has_an_archive_of_its_own() {
    let mut sim = Sim::new(8);
    let mut node = sim.run(60);
    if node.take().unwrap().already_there {
        sim.commit(&node).unwrap();
    }
    node.archiver.step().unwrap();
    let (engine, restored) = sim.restore(&Target::Latest).unwrap();
    let own = node.shared.layout.identity.cluster;
    assert_ne!(restored.cluster, own);
    let hold = engine.wal().hold(Lsn::ZERO);
    let mut second = Node::with(&sim, engine, hold, 50, u64::MAX).unwrap();
    sim.commit(&second).unwrap();
    second.take().unwrap();
    second.archiver.step().unwrap();
    assert_eq!(sim.check(), Vec::<String>::new());
    assert_eq!(sim.restore(&Target::Latest).err().unwrap().code(), SqlState::AMBIGUOUS_PARAMETER);
    let layouts = super::target::layouts(&sim.store, None).unwrap();
    let of = |cluster: u128| layouts.iter().filter(move |l: &&Layout| l.identity.cluster == cluster).count();
    assert_eq!((layouts.len(), of(own), of(restored.cluster)), (2, 1, 1));
}

#[test]
fn the_threads_do_it_by_themselves() {
    let mut sim = Sim::new(9);
    let engine = open(&sim.disk, &sim.clock, 1).unwrap();
    let options = BackupOptions {
        store: Arc::new(sim.store.clone()),
        archive_interval: Duration::from_millis(50),
        schedule: Schedule::Every(Duration::from_millis(100)),
        retention: Some(Duration::from_secs(3600)),
        snapshot_rate: 1 << 30,
        log_keep_bytes: u64::MAX,
        forks: Vec::new(),
    };
    let hold = engine.wal().hold(Lsn::ZERO);
    let entropy = Arc::new(SimEntropy::new(9));
    let backups = Backups::start(engine.clone(), Arc::new(RealClock::new()), entropy, hold, options).unwrap();
    // Only to commit with.
    let node = Node::with(&sim, engine.clone(), engine.wal().hold(Lsn::MAX), 1, u64::MAX).unwrap();
    sim.create_trees(&node);
    let snapshots = |sim: &Sim| super::Manifest::list(&sim.store, &node.shared.layout).unwrap().len();
    for wanted in 1..3 {
        sim.commit(&node).unwrap();
        let mut waited = Duration::ZERO;
        while snapshots(&sim) < wanted {
            assert!(waited < Duration::from_secs(20), "no snapshot is taken");
            std::thread::sleep(Duration::from_millis(20));
            waited += Duration::from_millis(20);
        }
    }
    sim.commit(&node).unwrap();
    let taken = backups.snapshot(&|| Ok(())).unwrap();
    assert!(backups.archived() >= taken.manifest.id() && taken.manifest.on_demand);
    backups.delete(taken.manifest.id(), &|| Ok(())).unwrap();
    let none = backups.delete(Lsn(1), &|| Ok(())).unwrap_err();
    assert_eq!(none.code(), SqlState::UNDEFINED_OBJECT);
    sim.store.set_down(true);
    sim.commit(&node).unwrap();
    assert_eq!(backups.snapshot(&|| Ok(())).unwrap_err().code(), SqlState::IO_ERROR);
    sim.store.set_down(false);
    backups.stop();
    assert_eq!(backups.archived(), engine.durable());
    assert_eq!(sim.check(), Vec::<String>::new());
    sim.expect(&Target::Latest, Lsn::MAX);
}

/// A replica that was promoted: its disk, its node, and where its timeline begins.
fn promote(sim: &Sim, timeline: u32, forks: &[(u32, Lsn)]) -> (Sim, Node, Lsn) {
    let mut promoted = Sim::new(sim.seed + u64::from(timeline));
    (promoted.store, promoted.clock) = (sim.store.clone(), sim.clock.clone());
    (promoted.disk, promoted.commits) = (copy_disk(&sim.disk), sim.commits.clone());
    let options = EngineOptions { follows: true, ..options() };
    let life = 20 + u64::from(timeline);
    let entropy = SimEntropy::new(life);
    let engine = Engine::open(Arc::new(promoted.disk.clone()), promoted.clock.clone(), &entropy, options).unwrap();
    let fork = engine.wal().appended();
    engine.lead(timeline, &entropy).unwrap();
    let hold = engine.wal().hold(engine.wal().oldest().unwrap());
    let forks = forks.iter().copied().chain([(timeline, fork)]).collect();
    let node = Node::forked(&promoted, engine, hold, life, u64::MAX, forks).unwrap();
    (promoted, node, fork)
}

#[test]
fn a_moment_is_reached_across_the_beginning_of_a_timeline() {
    let mut first = Sim::new(10);
    let mut node = Node::open(&first, 1).unwrap();
    first.create_trees(&node);
    (0..20).for_each(|_| first.commit(&node).unwrap());
    node.take().unwrap();
    (0..20).for_each(|_| first.commit(&node).unwrap());
    node.archiver.step().unwrap();
    // The replica has not all that the primary has, and the primary goes on for a while.
    let (mut second, mut promoted, fork) = promote(&first, 2, &[]);
    (0..10).for_each(|_| first.commit(&node).unwrap());
    node.archiver.step().unwrap();
    let abandoned = first.commits.last().unwrap().lsn;
    (0..15).for_each(|_| second.commit(&promoted).unwrap());
    promoted.archiver.step().unwrap();
    assert_eq!(second.check(), Vec::<String>::new());
    let on_first = |timeline| first.rows_on(timeline, &Target::Latest);
    assert_eq!(on_first(Some(1)), first.rows_at(Lsn::MAX), "the old timeline's log is whole");
    second.expect(&Target::Latest, Lsn::MAX);
    for commit in second.commits.iter().skip(21) {
        let target = Target::Lsn(commit.lsn);
        second.expect(&target, commit.lsn);
        if commit.lsn <= fork {
            assert_eq!(second.rows_on(Some(1), &target), second.rows_at(commit.lsn));
        }
    }
    assert_eq!(second.rows_on(Some(1), &Target::Lsn(abandoned)), first.rows_at(abandoned));
    let time = second.commits.last().unwrap().time_us - 3_000_000;
    let at = second.commits.iter().filter(|c| c.time_us <= time).map(|c| c.lsn).max().unwrap();
    second.expect(&Target::Time(time), at);
    // A third one, of which there is a snapshot.
    let (mut third, mut again, _) = promote(&second, 3, &[(2, fork)]);
    third.commit(&again).unwrap();
    again.archiver.step().unwrap();
    third.expect(&Target::Latest, Lsn::MAX);
    third.expect(&Target::Lsn(second.commits[30].lsn), second.commits[30].lsn);
    again.take().unwrap();
    third.commit(&again).unwrap();
    again.archiver.step().unwrap();
    third.expect(&Target::Latest, Lsn::MAX);
    let none = third.restore_files(Origin { cluster: None, timeline: Some(7) }, &Target::Latest).err().unwrap();
    assert_eq!(none.code(), SqlState::UNDEFINED_OBJECT);
    assert_eq!(third.check(), Vec::<String>::new());
}

#[test]
fn a_timeline_goes_when_it_leads_to_nothing_that_is_kept() {
    let mut first = Sim::new(11);
    let mut node = Node::open(&first, 1).unwrap();
    first.create_trees(&node);
    first.commit(&node).unwrap();
    let wanted = node.take_on_demand().unwrap().manifest;
    let wanted_rows = first.rows_at(wanted.id());
    (0..5).for_each(|_| first.commit(&node).unwrap());
    node.take().unwrap();
    node.archiver.step().unwrap();
    let (mut second, mut promoted, _) = promote(&first, 2, &[]);
    second.commit(&promoted).unwrap();
    promoted.archiver.step().unwrap();
    let old = |sim: &Sim| sim.store.list(node.shared.layout.root()).unwrap().len();
    let before = old(&first);
    let day = Some(Duration::from_secs(86_400));
    first.clock.advance(Duration::from_secs(90_000));
    expire(&promoted.shared, first.clock.now_us(), day).unwrap();
    assert_eq!(old(&first), before, "moments on the new timeline are reached from the old one");
    promoted.take().unwrap();
    promoted.archiver.step().unwrap();
    expire(&promoted.shared, first.clock.now_us(), day).unwrap();
    assert_eq!(old(&first), before);
    first.clock.advance(Duration::from_secs(90_000));
    second.commit(&promoted).unwrap();
    promoted.take().unwrap();
    promoted.archiver.step().unwrap();
    expire(&promoted.shared, first.clock.now_us(), day).unwrap();
    assert_eq!(old(&first), 3 + wanted.packs.len(), "what somebody asked for is kept: state, manifest, map, packs");
    assert_eq!(second.check(), Vec::<String>::new());
    assert_eq!(second.rows_on(Some(1), &Target::Lsn(wanted.id())), wanted_rows);
    delete(&promoted.shared, wanted.id()).unwrap();
    expire(&promoted.shared, first.clock.now_us(), day).unwrap();
    assert_eq!(old(&first), 0);
    assert_eq!(second.check(), Vec::<String>::new());
    second.expect(&Target::Latest, Lsn::MAX);
}

#[test]
fn what_was_asked_for_is_kept_until_it_is_deleted() {
    let mut sim = Sim::new(12);
    let mut node = Node::open(&sim, 1).unwrap();
    sim.create_trees(&node);
    sim.commit(&node).unwrap();
    let wanted = node.take_on_demand().unwrap().manifest;
    (0..50).for_each(|_| sim.commit(&node).unwrap());
    let by_itself = node.take().unwrap().manifest;
    assert!(wanted.on_demand && !by_itself.on_demand);
    (0..50).for_each(|_| sim.commit(&node).unwrap());
    node.archiver.step().unwrap();
    node.take().unwrap();
    sim.commit(&node).unwrap();
    node.archiver.step().unwrap();
    expire(&node.shared, sim.clock.now_us() + 1_000_000_000, Some(Duration::from_secs(1))).unwrap();
    let ids = || super::Manifest::list(&sim.store, &node.shared.layout).unwrap();
    assert_eq!((ids().len(), ids()[0]), (2, wanted.id()));
    assert!(node.shared.state().unwrap().log_from > wanted.id(), "its log is not needed");
    assert_eq!(sim.check(), Vec::<String>::new());
    sim.expect(&Target::Lsn(wanted.id()), wanted.id());
    let e = sim.restore(&Target::Lsn(Lsn(wanted.id().0 + 1))).err().unwrap();
    assert!(e.message().starts_with("the archive has no log from"), "{e}");
    let newest = ids()[1];
    assert_eq!(delete(&node.shared, newest).unwrap_err().code(), SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
    assert_eq!(delete(&node.shared, Lsn(1)).unwrap_err().code(), SqlState::UNDEFINED_OBJECT);
    delete(&node.shared, wanted.id()).unwrap();
    expire(&node.shared, sim.clock.now_us(), None).unwrap();
    assert_eq!(ids(), [newest]);
    assert_eq!(sim.check(), Vec::<String>::new());
    sim.expect(&Target::Latest, Lsn::MAX);
    // The one that is there becomes one that was asked for.
    sim.commit(&node).unwrap();
    let id = node.take().unwrap().manifest.id();
    assert!(node.take_on_demand().unwrap().already_there);
    assert!(super::Manifest::read(&sim.store, &node.shared.layout, id).unwrap().on_demand);
}

/// The superblock of the newest checkpoint is overwritten with nothing.
fn lose_newest_checkpoint(disk: &SimDisk) {
    let file = disk.open(crate::engine::DATA_FILE).unwrap();
    let number = |at: u64| {
        let mut bytes = [0; 4];
        file.read_exact_at(&mut bytes, at + 16).unwrap();
        u32::from_le_bytes(bytes)
    };
    let page_bytes = options().page_bytes as u64;
    let newest = if number(0) > number(page_bytes) { 0 } else { page_bytes };
    file.write_at(&[0; 512], newest).unwrap();
    file.sync_data().unwrap();
}

#[test]
fn no_snapshot_is_built_on_a_checkpoint_that_was_lost() {
    let mut sim = Sim::new(13);
    let mut node = Node::open(&sim, 1).unwrap();
    sim.create_trees(&node);
    (0..100).for_each(|_| sim.commit(&node).unwrap());
    node.take().unwrap();
    for life in 2..6 {
        // Its log is kept, as nothing is archived: the checkpoint before is enough to start from.
        (0..20).for_each(|_| sim.commit(&node).unwrap());
        node.take().unwrap();
        drop(node);
        sim.disk.reboot();
        lose_newest_checkpoint(&sim.disk);
        node = Node::open(&sim, life * 2).unwrap();
        sim.recover(&node);
        // Checkpoints and a start without a snapshot: what was lost looks like the past of this file now.
        for _ in 0..2 {
            (0..20).for_each(|_| sim.commit(&node).unwrap());
            node.engine.checkpoint().unwrap();
        }
        drop(node);
        sim.disk.reboot();
        node = Node::open(&sim, life * 2 + 1).unwrap();
        sim.recover(&node);
        (0..5).for_each(|_| sim.commit(&node).unwrap());
        node.take().unwrap();
    }
    node.archiver.step().unwrap();
    assert_eq!(sim.check(), Vec::<String>::new());
    let last = sim.commits.last().unwrap().lsn;
    sim.expect(&Target::Latest, last);
    sim.expect(&Target::Lsn(node.take().unwrap().manifest.id()), Lsn::MAX);
}

#[test]
fn a_restored_database_survives_its_first_checkpoints() {
    let mut sim = Sim::new(14);
    let mut node = Node::open(&sim, 1).unwrap();
    sim.create_trees(&node);
    (0..60).for_each(|_| sim.commit(&node).unwrap());
    node.take().unwrap();
    (0..20).for_each(|_| sim.commit(&node).unwrap());
    node.archiver.step().unwrap();
    let mut crashes = 0;
    for operation in (0..).step_by(3) {
        let (disk, _) = sim.restore_files(Origin::default(), &Target::Latest).unwrap();
        let mut restored = Sim::new(operation);
        (restored.disk, restored.clock, restored.commits) = (disk.clone(), sim.clock.clone(), sim.commits.clone());
        let node = Node::open(&restored, 90).unwrap();
        restored.commit(&node).unwrap();
        disk.crash_at(operation);
        for _ in 0..2 {
            let done = node.engine.checkpoint().and_then(|_| restored.commit(&node));
            assert!(done.is_ok() || disk.has_crashed(), "{done:?}");
        }
        let crashed = disk.has_crashed();
        drop(node);
        disk.reboot();
        restored.recover(&Node::open(&restored, 91).unwrap());
        if !crashed {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 3, "{crashes}");
}
