//! A primary, a replica and the wire between them. The primary commits, in one record, in parts, and in parts that fail;
//! both make checkpoints; the wire delivers what it likes and breaks anywhere; either side loses power at a random I/O
//! operation. Whatever the replica shows is the state that the primary had at that LSN; its log is a prefix of the primary's.
//! In the end the replica is promoted and commits, and the old primary falls back to where they parted and follows.
//!
//! `HEADWATER_SEEDS` sets how many seeds run.

use super::base::{BaseReceiver, BaseSender};
use crate::base::{Flow, Lsn, Result, TreeId};
use crate::engine::{AtRest, CheckpointOptions, Engine, EngineOptions, Follower};
use crate::io::{Rng, SimClock, SimDisk, SimEntropy, seeds};
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::{Access, Isolation, Txn};
use crate::wal::{Hold, WalOptions};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const TREES: u32 = 3;
pub(super) const KEYS: u64 = 40;

pub(super) type State = BTreeMap<(u32, u64), Vec<u8>>;

pub(super) struct Node {
    pub disk: SimDisk,
    pub engine: Option<Arc<Engine>>,
    pub follower: Option<Follower>,
}

impl Node {
    /// Applies up to `most` records of the log, whose commits are of these states.
    pub fn apply(&mut self, states: &BTreeMap<Lsn, State>, most: u64) -> Result<()> {
        let follower = self.follower.as_mut().expect("it follows");
        let mut on_commit = |_: &[crate::storage::Batch], lsn: Lsn| {
            assert!(states.contains_key(&lsn), "{lsn} is no commit of the primary");
            Ok(())
        };
        for _ in 0..most {
            if follower.step(&mut on_commit)?.is_none() {
                break;
            }
        }
        Ok(())
    }
}

struct Sim {
    rng: Rng,
    entropy: SimEntropy,
    primary: Node,
    replica: Node,
    /// The primary's state after each commit that is in its log.
    states: BTreeMap<Lsn, State>,
    /// As a slot keeps the log for the replica.
    hold: Option<Hold>,
    /// What the wire has delivered of a record.
    rest: Vec<u8>,
    compared: usize,
    /// The old primary gave up its newest checkpoint.
    went_back: bool,
}

fn options(follows: bool) -> EngineOptions {
    let wal = WalOptions {
        segment_bytes: 64 << 10,
        first_segment_bytes: 32 << 10,
        on_fatal: Arc::new(|_| {}),
        ..WalOptions::default()
    };
    let checkpoint = CheckpointOptions { automatic: false, ..CheckpointOptions::default() };
    EngineOptions {
        wal,
        buffer_bytes: 4 << 20,
        checkpoint,
        follows,
        on_fatal: Arc::new(|_| {}),
        ..EngineOptions::default()
    }
}

pub(super) fn open(disk: &SimDisk, entropy: &SimEntropy, follows: bool) -> Result<Arc<Engine>> {
    Engine::open(Arc::new(disk.clone()), Arc::new(SimClock::new(1)), entropy, options(follows))
}

/// Everything that a reader sees now, and at which LSN.
pub(super) fn look(engine: &Engine) -> Result<(Lsn, State)> {
    let mut txn = engine.begin(Isolation::RepeatableRead);
    txn.begin_statement(Access::Read)?;
    let mut state = State::new();
    for tree in engine.trees() {
        let mut scan = txn.scan(txn.view(), tree, KeyRange::all(), Direction::Forward);
        let (mut out, mut more) = (Entries::new(), true);
        while more {
            more = scan.next(&txn, &mut out, 100)?;
            for (key, value) in out.iter() {
                state.insert((tree.0, u64::from_be_bytes(key.try_into().expect("eight bytes"))), value.to_vec());
            }
        }
    }
    Ok((txn.view().lsn(), state))
}

impl Sim {
    fn new(seed: u64) -> Sim {
        let node = |n| Node { disk: SimDisk::new(seed * 2 + n), engine: None, follower: None };
        let mut sim = Sim {
            rng: Rng::new(seed),
            entropy: SimEntropy::new(seed),
            primary: node(0),
            replica: node(1),
            states: BTreeMap::from([(Lsn::ZERO, State::new())]),
            hold: None,
            rest: Vec::new(),
            compared: 0,
            went_back: false,
        };
        let engine = open(&sim.primary.disk, &sim.entropy, false).expect("a new engine");
        let mut txn = engine.begin(Isolation::ReadCommitted);
        (0..TREES).for_each(|n| assert_eq!(txn.create_tree().expect("a tree"), TreeId(n + 1)));
        let lsn = txn.commit().expect("nothing is in its way").lsn.expect("it wrote");
        engine.wait_durable_blocking(lsn).expect("the disk is well");
        sim.states.insert(lsn, State::new());
        sim.primary.engine = Some(engine);
        sim
    }

    /// The newest state at or before an LSN.
    fn state_at(&self, lsn: Lsn) -> &State {
        self.states.range(..=lsn).next_back().expect("there is one at zero").1
    }

    fn primary(&self) -> &Arc<Engine> {
        self.primary.engine.as_ref().expect("the primary runs")
    }

    /// Copies until a copy comes to its end: the wire may break.
    fn copy(&mut self) {
        loop {
            self.replica.disk = SimDisk::new(self.rng.u64());
            let mut sender = BaseSender::new(self.primary().base_copy().expect("a checkpoint"));
            let mut receiver = BaseReceiver::new(Arc::new(self.replica.disk.clone()));
            let mut message = Vec::new();
            while !self.rng.chance(1, 50) && sender.next(&mut message).expect("the disk is well") {
                if receiver.take(&message).expect("it is what was sent").done {
                    self.hold = Some(sender.into_copy().into_hold());
                    return;
                }
            }
        }
    }

    fn open_replica(&mut self) {
        self.rest.clear();
        let engine = open(&self.replica.disk, &self.entropy, true).expect("a replica opens");
        self.replica.follower = Some(engine.follower().expect("it follows"));
        self.replica.engine = Some(engine);
        self.compare();
    }

    fn compare(&mut self) {
        let Ok((lsn, state)) = look(self.replica.engine.as_ref().expect("it runs")) else { return };
        assert!(&state == self.state_at(lsn), "at {lsn}");
        self.compared += 1;
    }

    /// Errors: the power is gone.
    fn commit(&mut self, engine: &Engine) -> Result<()> {
        let large = self.rng.chance(1, 8);
        let fails = large && self.rng.chance(1, 3);
        let mut txn = engine.begin(if fails { Isolation::Serializable } else { Isolation::ReadCommitted });
        txn.begin_statement(Access::Write)?;
        let mut state = self.states.values().next_back().expect("there is one").clone();
        let changes = if large { 60 } else { 1 + self.rng.below(4) };
        for n in 0..changes {
            let (tree, key) = (1 + self.rng.below(u64::from(TREES)) as u32, self.rng.below(KEYS));
            let bytes = if large { 6000 } else { self.rng.below(300) as usize };
            if !large && self.rng.chance(1, 4) {
                txn.delete(TreeId(tree), &key.to_be_bytes())?;
                state.remove(&(tree, key));
            } else {
                let value = vec![n as u8; bytes];
                txn.put(TreeId(tree), &key.to_be_bytes(), &value)?;
                state.insert((tree, key), value);
            }
        }
        if fails {
            self.spoil(engine, &mut txn)?;
            return match txn.commit() {
                Err(e) if e.flow() == Flow::Fail && e.code().as_str() == "40001" => Ok(()),
                Err(e) => Err(e),
                Ok(_) => panic!("it read what was changed"),
            };
        }
        let committed = txn.commit()?;
        self.states.insert(committed.lsn.expect("it wrote"), state);
        if self.rng.chance(1, 2) {
            engine.wait_durable_blocking(committed.wait_for)?;
        }
        Ok(())
    }

    /// Another commits a change of what the transaction has read.
    fn spoil(&mut self, engine: &Engine, txn: &mut Txn) -> Result<()> {
        let key = 1000u64.to_be_bytes();
        txn.get(&txn.view(), TreeId(1), &key, &mut Vec::new())?;
        let mut other = engine.begin(Isolation::ReadCommitted);
        other.begin_statement(Access::Write)?;
        let value = self.rng.u64().to_be_bytes();
        other.put(TreeId(1), &key, &value)?;
        let mut state = self.states.values().next_back().expect("there is one").clone();
        state.insert((1, 1000), value.to_vec());
        let lsn = other.commit()?.lsn.expect("it wrote");
        self.states.insert(lsn, state);
        Ok(())
    }

    /// The wire delivers some bytes, which may end in the middle of a record, or breaks.
    fn ship(&mut self) -> Result<()> {
        let wal = self.replica.engine.as_ref().expect("it runs").wal().clone();
        if self.rng.chance(1, 10) {
            self.rest.clear();
        }
        let mut log = Vec::new();
        let enough = self.rest.len() + 1 + self.rng.below(60_000) as usize;
        let from = wal.appended();
        let mut reader = self.primary().wal().read_from(from)?;
        assert_eq!(reader.place(), wal.end(), "a replica's log is a prefix of its primary's");
        reader.read_encoded(&mut log, enough)?;
        log.truncate(enough);
        self.rest = log;
        let mut used = 0;
        while let Some(length) = wal.append_encoded(&self.rest[used..])? {
            used += length;
        }
        self.rest.drain(..used);
        if let Some(hold) = &self.hold {
            hold.advance(wal.durable());
        }
        if self.rng.chance(1, 2) {
            wal.flush();
        }
        Ok(())
    }

    fn crash_primary(&mut self) {
        self.primary.disk.crash_at(1 + self.rng.below(12));
        let engine = self.primary.engine.take().expect("the primary runs");
        for _ in 0..20 {
            let done = self.commit(&engine).and_then(|()| engine.checkpoint().map(drop));
            if done.is_err() || self.primary.disk.has_crashed() {
                break;
            }
        }
        let held = self.hold.take().map(|hold| hold.position());
        drop(engine);
        self.primary.disk.reboot();
        let disk: Arc<dyn crate::io::Disk> = Arc::new(self.primary.disk.clone());
        // Without the record that the opening appends: a lost commit may be shorter.
        let end = AtRest::read(&disk).expect("its files are whole").end;
        let engine = open(&self.primary.disk, &self.entropy, false).expect("a primary opens");
        self.states.retain(|lsn, _| *lsn <= end);
        let (_, state) = look(&engine).expect("it can be read");
        assert!(&state == self.state_at(end), "at {end}");
        let sent = self.replica.engine.as_ref().expect("it runs").wal().appended();
        assert!(sent <= end, "what was sent survives");
        self.hold = held.map(|position| engine.wal().hold(position));
        self.primary.engine = Some(engine);
    }

    fn crash_replica(&mut self) {
        self.replica.disk.crash_at(1 + self.rng.below(12));
        for _ in 0..20 {
            let done = self.ship().and_then(|()| self.replica.apply(&self.states, 20));
            let engine = self.replica.engine.as_ref().expect("it runs");
            if done.and_then(|()| engine.checkpoint().map(drop)).is_err() || self.replica.disk.has_crashed() {
                break;
            }
        }
        (self.replica.follower, self.replica.engine) = (None, None);
        self.replica.disk.reboot();
        self.open_replica();
    }

    fn step(&mut self) {
        match self.rng.below(24) {
            0..8 => {
                let engine = self.primary().clone();
                self.commit(&engine).expect("the disk is well");
            }
            8..14 => self.ship().expect("the disks are well"),
            14..20 => {
                let most = 1 + self.rng.below(10);
                self.replica.apply(&self.states, most).expect("the disk is well");
                self.compare();
            }
            20 => drop(self.primary().checkpoint().expect("the disk is well")),
            21 => drop(self.replica.engine.as_ref().expect("it runs").checkpoint().expect("the disk is well")),
            22 => self.crash_replica(),
            _ => self.crash_primary(),
        }
    }

    /// Takes over, and has the old primary follow.
    fn fail_over(&mut self) {
        let old = self.primary.engine.take().expect("the primary runs");
        // With what the replica never got, sometimes.
        let beyond = self.rng.chance(1, 2);
        if beyond {
            let before = old.checkpoint().expect("the disk is well");
            self.primary.engine = Some(old.clone());
            while self.replica.engine.as_ref().expect("it runs").wal().appended() < before {
                old.wait_durable_blocking(before).expect("the disk is well");
                self.ship().expect("the disks are well");
            }
            self.primary.engine = None;
            (0..3).for_each(|_| self.commit(&old).expect("the disk is well"));
            old.checkpoint().expect("the disk is well");
        }
        self.hold = None;
        drop(old);
        self.primary.disk.reboot();
        let new = self.replica.engine.clone().expect("it runs");
        new.wait_durable_blocking(new.wal().appended()).expect("the disk is well");
        self.replica.apply(&self.states, u64::MAX).expect("the disk is well");
        self.replica.follower = None;
        let fork = new.lead(2, &self.entropy).expect("all is applied");
        assert!(!new.follows() && new.wal().identity().timeline == 2);
        self.states.retain(|lsn, _| *lsn <= fork);
        (0..5).for_each(|_| self.commit(&new).expect("a primary commits"));
        let disk: Arc<dyn crate::io::Disk> = Arc::new(self.primary.disk.clone());
        let own = AtRest::read(&disk).expect("its files are whole");
        assert_eq!(own.identity.timeline, 1);
        if own.end > fork && !own.cut_off(&disk, fork).expect("the disk is well") {
            assert!(own.checkpoint > fork && !beyond);
            return;
        }
        self.went_back = own.checkpoint > fork;
        // They change parts.
        std::mem::swap(&mut self.primary, &mut self.replica);
        self.open_replica();
        for _ in 0..1000 {
            self.ship().expect("the disks are well");
            let engine = self.replica.engine.clone().expect("it runs");
            engine.wait_durable_blocking(engine.wal().appended()).expect("the disk is well");
            self.replica.apply(&self.states, u64::MAX).expect("the disk is well");
            if engine.applied() == new.wal().appended() {
                break;
            }
            new.wait_durable_blocking(new.wal().appended()).expect("the disk is well");
        }
        self.compare();
        let engine = self.replica.engine.as_ref().expect("it runs");
        assert_eq!((engine.applied(), engine.wal().identity()), (new.wal().appended(), new.wal().identity()));
        engine.verify().expect("its trees are sound");
    }
}

/// I4, of replicas.
#[test]
fn a_replica_shows_what_its_primary_had() {
    let mut went_back = 0;
    for seed in seeds(12) {
        let _shown = Shown(seed);
        let mut sim = Sim::new(seed);
        for _ in 0..10 {
            let engine = sim.primary().clone();
            sim.commit(&engine).expect("the disk is well");
        }
        sim.copy();
        sim.open_replica();
        (0..150).for_each(|_| sim.step());
        sim.fail_over();
        assert!(sim.compared > 10);
        went_back += usize::from(sim.went_back);
    }
    assert!(went_back > 0);
}

/// Names the seed of a failure.
pub(super) struct Shown(pub u64);

impl Drop for Shown {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}
