//! Failovers: three or four nodes, one of them the primary, and a link to each other one that delivers log in pieces, statuses
//! late, and breaks. Commits of every level are made; each node may lose power. Then the primary is destroyed, or only goes away,
//! at whatever moment it is, and the node that has most takes over; the others follow it, a new one or the old primary too.
//!
//! With standbys that commits wait for: no commit is lost that was acknowledged as on them, nor one that a reader of the primary
//! has seen, nor one that a replica shows that is not waited for. Without: what is lost is exactly what was not shipped.
//!
//! `HEADWATER_SEEDS` sets how many seeds run, of four failovers each.

use super::base::{BaseReceiver, BaseSender};
use super::message::Status;
use super::senders::{Sender, Senders};
use super::sim_tests::{KEYS, Node, Shown, State, TREES, look, open};
use super::standby_names::StandbyNames;
use crate::base::{Lsn, Result, TreeId};
use crate::engine::{AtRest, Engine};
use crate::io::{Disk, Rng, SimDisk, SimEntropy, seeds};
use crate::txn::{Access, Isolation, Safety};
use crate::wal::Hold;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

const FAILOVERS: u32 = 4;
/// How many rounds all must be level after, at the latest.
const ROUNDS_MAX: usize = 2000;

/// Who is waited for, among how many nodes. They are called a, b, c and d.
const CLUSTERS: [(&str, usize); 6] = [
    ("ANY 1 (a, b, c)", 3),
    ("FIRST 1 (a, b, c)", 3),
    ("2 (a, b, c)", 3),
    ("FIRST 1 (a, b)", 3),
    ("ANY 2 (a, b, c, d)", 4),
    ("FIRST 2 (d, c, *)", 4),
];

/// A commit that is in the primary's log.
#[derive(Clone, Copy, Debug)]
struct Commit {
    lsn: Lsn,
    safety: Safety,
    acknowledged: bool,
    /// The primary was restarted while it waited: nobody is told of it any more.
    orphan: bool,
}

/// One node, and while it is a replica its link.
struct Member {
    name: &'static str,
    node: Node,
    /// The beginning of a record that has come.
    rest: Vec<u8>,
    /// How far it has been sent the log, in the connection there is.
    at: Lsn,
    sender: Option<Arc<Sender>>,
    hold: Option<Hold>,
    /// Statuses on their way.
    statuses: VecDeque<Status>,
}

impl Member {
    fn engine(&self) -> &Arc<Engine> {
        self.node.engine.as_ref().expect("it runs")
    }
}

struct Sim {
    rng: Rng,
    entropy: SimEntropy,
    names: Option<StandbyNames>,
    members: Vec<Member>,
    primary: usize,
    senders: Senders,
    timeline: u32,
    /// The state after each commit that is in the primary's log.
    states: BTreeMap<Lsn, State>,
    commits: Vec<Commit>,
    /// The newest commit that waits for standbys and was seen where that may not be lost.
    seen: Lsn,
    lost: usize,
    /// Replicas say that they have what is not on their disks.
    canary: bool,
}

impl Sim {
    fn new(seed: u64, synchronous: bool) -> Sim {
        let mut rng = Rng::new(seed);
        let (names, count) = CLUSTERS[rng.below(CLUSTERS.len() as u64) as usize];
        let entropy = SimEntropy::new(seed);
        let disk = SimDisk::new(rng.u64());
        let engine = open(&disk, &entropy, false).expect("a new engine");
        let mut txn = engine.begin(Isolation::ReadCommitted);
        (0..TREES).for_each(|n| assert_eq!(txn.create_tree().expect("a tree"), TreeId(n + 1)));
        let lsn = txn.commit().expect("nothing is in its way").lsn.expect("it wrote");
        engine.wait_durable_blocking(lsn).expect("the disk is well");
        let names = synchronous.then(|| StandbyNames::parse(names).expect("a list").expect("not empty"));
        let senders = Senders::new(engine.clone());
        senders.wait_for(names.clone());
        let member = |name| Member {
            name,
            node: Node { disk: SimDisk::new(0), engine: None, follower: None },
            rest: Vec::new(),
            at: Lsn::ZERO,
            sender: None,
            hold: None,
            statuses: VecDeque::new(),
        };
        let mut members: Vec<Member> = ["a", "b", "c", "d"][..count].iter().copied().map(member).collect();
        members[0].node = Node { disk, engine: Some(engine), follower: None };
        let states = BTreeMap::from([(Lsn::ZERO, State::new()), (lsn, State::new())]);
        let (commits, seen) = (Vec::new(), Lsn::ZERO);
        let mut sim = Sim {
            rng,
            entropy,
            names,
            members,
            primary: 0,
            senders,
            timeline: 1,
            states,
            commits,
            seen,
            lost: 0,
            canary: false,
        };
        (1..count).for_each(|n| sim.copy(n));
        sim
    }

    fn primary(&self) -> &Arc<Engine> {
        self.members[self.primary].engine()
    }

    fn replicas(&self) -> impl Iterator<Item = usize> + use<> {
        let primary = self.primary;
        (0..self.members.len()).filter(move |n| *n != primary)
    }

    fn a_replica(&mut self) -> usize {
        let all: Vec<usize> = self.replicas().collect();
        all[self.rng.below(all.len() as u64) as usize]
    }

    fn state_at(&self, lsn: Lsn) -> &State {
        self.states.range(..=lsn).next_back().expect("there is one at zero").1
    }

    /// Makes a replica on a new disk.
    fn copy(&mut self, n: usize) {
        let disk = SimDisk::new(self.rng.u64());
        let mut sender = BaseSender::new(self.primary().base_copy().expect("a checkpoint"));
        let mut receiver = BaseReceiver::new(Arc::new(disk.clone()));
        let mut message = Vec::new();
        while sender.next(&mut message).expect("the disk is well") {
            if receiver.take(&message).expect("it is what was sent").done {
                break;
            }
        }
        self.members[n].hold = Some(sender.into_copy().into_hold());
        self.members[n].node = Node { disk, engine: None, follower: None };
        self.open_replica(n);
    }

    fn open_replica(&mut self, n: usize) {
        let engine = open(&self.members[n].node.disk, &self.entropy, true).expect("a replica opens");
        let node = &mut self.members[n].node;
        node.follower = Some(engine.follower().expect("it follows"));
        node.engine = Some(engine);
    }

    fn disconnect(&mut self, n: usize) {
        let member = &mut self.members[n];
        member.rest.clear();
        member.statuses.clear();
        if member.sender.take().is_some() {
            self.senders.remove(n as i32);
        }
    }

    fn connect(&mut self, n: usize) {
        let end = self.members[n].engine().wal().end();
        let wal = self.primary().wal().clone();
        let reader = wal.read_from(end.at).expect("it is kept");
        assert_eq!(reader.place(), end, "the log of {} is a prefix of the primary's", self.members[n].name);
        let sender = self.senders.add(n as i32, self.members[n].name, end.at);
        let member = &mut self.members[n];
        (member.at, member.sender) = (end.at, Some(sender));
        member.hold.get_or_insert_with(|| wal.hold(end.at));
    }

    /// Errors: the power is gone.
    fn commit(&mut self) -> Result<()> {
        let engine = self.primary().clone();
        let safety = match self.rng.below(10) {
            0 | 1 => Safety::Local,
            2 => Safety::Written,
            3 => Safety::Applied,
            _ => Safety::Flushed,
        };
        let mut txn = engine.begin(Isolation::ReadCommitted);
        txn.set_safety(safety);
        txn.begin_statement(Access::WriteRows)?;
        let mut state = self.states.values().next_back().expect("there is one").clone();
        let large = self.rng.chance(1, 20);
        let changes = if large { 60 } else { 1 + self.rng.below(4) };
        for n in 0..changes {
            let (tree, key) = (1 + self.rng.below(u64::from(TREES)) as u32, self.rng.below(KEYS));
            let bytes = if large { 6000 } else { self.rng.below(300) as usize };
            let value = vec![n as u8; bytes];
            txn.put(TreeId(tree), &key.to_be_bytes(), &value)?;
            state.insert((tree, key), value);
        }
        let lsn = txn.commit()?.lsn.expect("it wrote");
        self.states.insert(lsn, state);
        self.commits.push(Commit { lsn, safety, acknowledged: false, orphan: false });
        if self.rng.chance(1, 3) {
            engine.wait_durable_blocking(lsn)?;
        }
        Ok(())
    }

    /// Tells clients of what is safe.
    fn acknowledge(&mut self) {
        let engine = self.members[self.primary].engine();
        let (durable, standbys) = (engine.durable(), engine.standbys());
        let (shown, confirmed, required) = (standbys.shown(), standbys.confirmed(), standbys.are_required());
        for c in self.commits.iter_mut().rev().filter(|c| !c.acknowledged && !c.orphan) {
            let remote = c.safety > Safety::Local && required;
            let applied = c.safety != Safety::Applied || confirmed.applied >= c.lsn;
            c.acknowledged = c.lsn <= durable && (!remote || c.lsn <= shown && applied);
        }
    }

    /// The newest commit up to `lsn` that waits for standbys.
    fn waits_before(&self, lsn: Lsn) -> Lsn {
        let waits = |c: &&Commit| c.lsn <= lsn && c.safety > Safety::Local && !c.orphan;
        self.commits.iter().filter(waits).map(|c| c.lsn).max().unwrap_or_default()
    }

    /// A reader of the primary, and one of a replica that is not waited for, see what is there to stay.
    fn read(&mut self) {
        let engine = self.primary().clone();
        let (lsn, state) = look(&engine).expect("the disk is well");
        assert!(&state == self.state_at(lsn), "at {lsn}");
        // What is not shown yet the session waits for instead.
        if lsn <= engine.standbys().shown() {
            self.seen = self.seen.max(self.waits_before(lsn));
        }
        let n = self.a_replica();
        let (lsn, state) = look(self.members[n].engine()).expect("the disk is well");
        assert!(&state == self.state_at(lsn), "{} at {lsn}", self.members[n].name);
        if self.members[n].sender.as_ref().is_some_and(|sender| !sender.is_waited_for()) {
            self.seen = self.seen.max(self.waits_before(lsn));
        }
    }

    /// The link delivers some log, which may end in the middle of a record, or breaks.
    fn ship(&mut self, n: usize) -> Result<()> {
        if self.rng.chance(1, 20) {
            self.disconnect(n);
        }
        if self.members[n].sender.is_none() {
            self.connect(n);
        }
        let primary = self.primary().clone();
        let most = 1 + self.rng.below(40_000) as usize;
        let flush = self.rng.chance(2, 3) && !self.canary;
        let member = &mut self.members[n];
        let wal = member.engine().wal().clone();
        let sender = member.sender.clone().expect("it is connected");
        let safe = if sender.is_waited_for() { Lsn::MAX } else { primary.standbys().shown() };
        let mut log = Vec::new();
        let start = wal.appended();
        primary.wal().read_from(start)?.read_encoded(&mut log, most)?;
        let all = primary.durable() <= Lsn(start.0 + log.len() as u64);
        log.truncate(most.min(safe.0.saturating_sub(start.0) as usize).max(member.rest.len()));
        member.at = member.at.max(Lsn(start.0 + log.len() as u64));
        sender.sent(member.at, 0);
        member.rest = log;
        let mut used = 0;
        while let Some(length) = wal.append_encoded(&member.rest[used..])? {
            used += length;
        }
        member.rest.drain(..used);
        if flush {
            wal.flush();
        }
        if all {
            self.senders.caught_up(&sender);
        }
        Ok(())
    }

    /// A replica says how far it is, which arrives later.
    fn report(&mut self, n: usize) {
        let member = &mut self.members[n];
        if member.sender.is_none() {
            return;
        }
        let (engine, applied) = (member.engine(), member.engine().applied());
        let flushed = if self.canary { engine.wal().appended() } else { engine.durable() };
        member.statuses.push_back(Status { written: flushed, flushed, applied, time_us: 0, reply: false });
    }

    fn hear(&mut self, n: usize) {
        let member = &mut self.members[n];
        let (Some(sender), Some(status)) = (&member.sender, member.statuses.pop_front()) else { return };
        self.senders.heard(sender, &status, 0);
        if let Some(hold) = &member.hold {
            hold.advance(status.flushed);
        }
    }

    /// A checkpoint, unless it would wait for standbys.
    fn checkpoint(&mut self) -> Result<()> {
        let engine = self.primary();
        match engine.standbys().are_behind(engine.applied()) {
            true => Ok(()),
            false => engine.checkpoint().map(drop),
        }
    }

    fn crash_replica(&mut self, n: usize) {
        self.members[n].node.disk.crash_at(1 + self.rng.below(12));
        for _ in 0..20 {
            let done = self.ship(n).and_then(|()| self.members[n].node.apply(&self.states, 20));
            self.report(n);
            let checkpoint = || self.members[n].engine().checkpoint().map(drop);
            if done.and_then(|()| checkpoint()).is_err() || self.members[n].node.disk.has_crashed() {
                break;
            }
        }
        // What it has said may still arrive.
        (0..self.rng.below(3)).for_each(|_| self.hear(n));
        self.disconnect(n);
        let node = &mut self.members[n].node;
        (node.follower, node.engine) = (None, None);
        node.disk.reboot();
        self.open_replica(n);
    }

    /// The primary loses power and comes back.
    fn crash_primary(&mut self) {
        self.members[self.primary].node.disk.crash_at(1 + self.rng.below(12));
        for _ in 0..20 {
            let done = self.commit().and_then(|()| self.checkpoint());
            if done.is_err() || self.members[self.primary].node.disk.has_crashed() {
                break;
            }
        }
        (0..self.members.len()).for_each(|n| self.disconnect(n));
        let holds: Vec<Option<Lsn>> =
            self.members.iter_mut().map(|m| m.hold.take().map(|hold| hold.position())).collect();
        // The engine ends with the last that holds it.
        let other = open(&SimDisk::new(0), &self.entropy, false).expect("a new engine");
        self.senders = Senders::new(other);
        let node = &mut self.members[self.primary].node;
        node.engine = None;
        node.disk.reboot();
        let disk: Arc<dyn Disk> = Arc::new(node.disk.clone());
        // Without the record that the opening appends: a lost commit may be shorter.
        let end = AtRest::read(&disk).expect("its files are whole").end;
        let engine = open(&node.disk, &self.entropy, false).expect("a primary opens");
        self.forget_after(end, "a crash");
        self.commits.iter_mut().for_each(|c| c.orphan = !c.acknowledged);
        let (_, state) = look(&engine).expect("it can be read");
        assert!(&state == self.state_at(end), "at {end}");
        for (member, position) in self.members.iter_mut().zip(holds) {
            member.hold = position.map(|position| engine.wal().hold(position));
        }
        self.senders = Senders::new(engine.clone());
        self.senders.wait_for(self.names.clone());
        self.members[self.primary].node.engine = Some(engine);
    }

    /// What came after `end` is gone; nothing of it had been promised.
    fn forget_after(&mut self, end: Lsn, what: &str) {
        let required = self.names.is_some();
        for c in self.commits.iter().filter(|c| c.lsn > end && c.acknowledged) {
            let was_promised = what == "a crash" || required && c.safety > Safety::Local;
            assert!(!was_promised, "{what} lost {c:?}, the log ends at {end}");
            self.lost += 1;
        }
        assert!(!required || self.seen <= end, "{what} lost {}, which was seen; the log ends at {end}", self.seen);
        self.states.retain(|lsn, _| *lsn <= end);
        self.commits.retain(|c| c.lsn <= end);
    }

    fn step(&mut self) {
        let n = self.a_replica();
        let well = "the disk is well";
        match self.rng.below(40) {
            0..10 => self.commit().expect(well),
            10..20 => self.ship(n).expect(well),
            20..25 => self.report(n),
            25..30 => self.hear(n),
            30..34 => {
                let most = 1 + self.rng.below(10);
                self.members[n].node.apply(&self.states, most).expect(well);
            }
            34..37 => self.read(),
            37 => self.checkpoint().expect(well),
            38 if self.rng.chance(1, 3) => self.crash_replica(n),
            39 if self.rng.chance(1, 6) => self.crash_primary(),
            _ => drop(self.members[n].engine().checkpoint().expect(well)),
        }
        self.acknowledge();
    }

    /// Runs until all have everything and everything is acknowledged: only then may the next node be lost.
    fn level(&mut self) {
        let well = "the disk is well";
        for _ in 0..ROUNDS_MAX {
            let engine = self.primary().clone();
            engine.wait_durable_blocking(engine.applied()).expect(well);
            for n in self.replicas() {
                self.ship(n).expect(well);
                let replica = self.members[n].engine().clone();
                replica.wait_durable_blocking(replica.wal().appended()).expect(well);
                self.members[n].node.apply(&self.states, u64::MAX).expect(well);
                self.report(n);
                while !self.members[n].statuses.is_empty() {
                    self.hear(n);
                }
            }
            self.acknowledge();
            let done = |n: usize| self.members[n].engine().applied() == engine.applied();
            if self.replicas().all(done) && self.commits.iter().all(|c| c.acknowledged || c.orphan) {
                let expected = look(&engine).expect(well);
                for n in self.replicas() {
                    let shown = look(self.members[n].engine()).expect(well);
                    assert!(shown.1 == expected.1, "{} differs", self.members[n].name);
                }
                return;
            }
        }
        panic!("they do not come to agree");
    }

    /// The primary goes away, for ever or not, and the one that has most takes over.
    fn fail_over(&mut self) {
        self.acknowledge();
        let old = self.primary;
        let destroyed = self.rng.chance(1, 2);
        for n in self.replicas() {
            // What it has said may still have been heard.
            (0..self.rng.below(3)).for_each(|_| self.hear(n));
        }
        self.acknowledge();
        (0..self.members.len()).for_each(|n| self.disconnect(n));
        self.members.iter_mut().for_each(|member| member.hold = None);
        // Some of them lose power together with it.
        for n in self.replicas() {
            if self.canary || self.rng.chance(1, 4) {
                let node = &mut self.members[n].node;
                node.disk.crash_at(0);
                (node.follower, node.engine) = (None, None);
                node.disk.reboot();
                self.open_replica(n);
            }
        }
        let new = self.replicas().max_by_key(|n| self.members[*n].engine().wal().appended()).expect("there is one");
        let engine = self.members[new].engine().clone();
        engine.wait_durable_blocking(engine.wal().appended()).expect("the disk is well");
        self.members[new].node.apply(&self.states, u64::MAX).expect("the disk is well");
        self.members[new].node.follower = None;
        self.timeline += 1;
        let appended = engine.wal().appended();
        self.senders = Senders::new(engine.clone());
        self.senders.wait_for(self.names.clone());
        let fork = engine.lead(self.timeline, &self.entropy).expect("all is applied");
        assert_eq!(fork, appended);
        let shipped = self.commits.iter().filter(|c| c.lsn <= fork).count();
        let (acknowledged, before) = (self.commits.iter().filter(|c| c.acknowledged).count(), self.lost);
        let kept = self.commits.iter().filter(|c| c.lsn <= fork && c.acknowledged).count();
        self.forget_after(fork, "a failover");
        // What is lost is what was not shipped, and nothing else.
        assert_eq!((self.commits.len(), self.lost - before), (shipped, acknowledged - kept));
        assert!(look(&engine).expect("it can be read").1 == *self.state_at(fork));
        self.seen = Lsn::ZERO;
        self.primary = new;
        if self.rng.chance(1, 2) {
            self.members[old].node.disk.crash_at(0);
        }
        self.members[old].node.engine = None;
        self.come_back(old, fork, destroyed);
    }

    /// The old primary, or another in its place, follows the new one.
    fn come_back(&mut self, old: usize, fork: Lsn, destroyed: bool) {
        let disk = self.members[old].node.disk.clone();
        disk.reboot();
        let at_rest: Arc<dyn Disk> = Arc::new(disk);
        let own = AtRest::read(&at_rest).expect("its files are whole");
        let is_whole = !destroyed && (own.end <= fork || own.cut_off(&at_rest, fork).expect("its files are whole"));
        match is_whole {
            true => self.open_replica(old),
            false => self.copy(old),
        }
    }
}

fn run(seed: u64, synchronous: bool, canary: bool) -> Sim {
    let _shown = Shown(seed);
    let mut sim = Sim::new(seed, synchronous);
    sim.canary = canary;
    for _ in 0..FAILOVERS {
        let steps = 20 + sim.rng.below(120);
        (0..steps).for_each(|_| sim.step());
        sim.fail_over();
        sim.level();
    }
    sim
}

/// I16.
#[test]
fn a_failover_loses_nothing_that_waited_for_standbys() {
    for seed in seeds(8) {
        run(seed, true, false);
    }
}

/// I16: the simulation finds it out.
#[test]
fn a_standby_that_says_too_much_is_noticed() {
    let noticed = |seed| std::panic::catch_unwind(|| run(seed, true, true)).is_err();
    assert!((0..40).any(noticed));
}

#[test]
fn a_failover_without_standbys_to_wait_for_loses_what_was_not_shipped() {
    let lost: usize = seeds(4).map(|seed| run(1 << 32 | seed, false, false).lost).sum();
    assert!(lost > 0, "the simulation does not reach what it is about");
}
