//! A seeded simulation on one thread: appends, flushes, spares, retirements and readers in random order, over power
//! losses and restarts at any operation. After each opening, what is found must be a prefix of what was appended and
//! must hold all that was reported durable. Each rule that can be switched off must then be missed.
//!
//! Payloads and times repeat themselves on purpose: a client that retries writes the same bytes again, which is when a
//! stale record has its best chance. `HEADWATER_SEEDS` sets how many seeds run.

use super::canary;
use super::log::{Obstacle, Parts};
use super::read::Reader;
use super::record::Record;
use super::spares::Retirement;
use super::tests::small;
use super::{KIND_FIRST_FREE, KIND_INCARNATION, WalOptions, verify};
use crate::base::{Lsn, Result, SqlState};
use crate::io::{Clock, Disk, Fault, Rng, SimClock, SimDisk, SimEntropy, seeds};
use std::sync::Arc;

type Entry = (Lsn, u8, Vec<u8>);

struct Sim {
    rng: Rng,
    disk: SimDisk,
    options: WalOptions,
    clock: Arc<dyn Clock>,
    entropy: SimEntropy,
    /// What the log holds, as far as its user knows; from `from` on.
    written: Vec<Entry>,
    durable: Lsn,
    /// Where recovery starts: a checkpoint's position.
    from: Lsn,
    /// What happened, for comparing two runs of a seed.
    trace: Vec<u64>,
    /// An operation of this life was made to fail.
    sabotaged: bool,
    /// There may be part of a write on the disk that no opening has cleared yet.
    torn: bool,
}

/// Ends a life of the log: what was done to it.
enum End {
    PowerLost,
    ProcessDied,
}

impl Sim {
    fn new(seed: u64) -> Sim {
        let options =
            WalOptions { segment_bytes: 2048, first_segment_bytes: 1536, unflushed_bytes_max: 3000, ..small() };
        Sim {
            rng: Rng::new(seed),
            disk: SimDisk::new(seed),
            options: WalOptions { spare_segments_max: 2, ..options },
            clock: Arc::new(SimClock::new(1)),
            entropy: SimEntropy::new(seed),
            written: Vec::new(),
            durable: Lsn::ZERO,
            from: Lsn::ZERO,
            trace: Vec::new(),
            sabotaged: false,
            torn: false,
        }
    }

    fn run(&mut self, lives: u64) -> Result<(), String> {
        for life in 0..lives {
            if self.rng.chance(4, 5) {
                let n = self.rng.below(60);
                self.disk.crash_at(n);
            }
            let end = match self.open()? {
                Some(mut parts) => self.live(&mut parts)?,
                None => End::PowerLost,
            };
            match end {
                // The process died in the middle of an operation, and the power stays.
                End::PowerLost if self.disk.has_crashed() && self.rng.chance(1, 4) => {
                    self.disk.restart();
                    if !self.torn {
                        self.verify()?;
                    }
                }
                End::PowerLost => {
                    self.disk.reboot();
                    self.torn = true;
                }
                End::ProcessDied => {
                    self.disk.restart();
                    self.torn |= self.sabotaged;
                    if !self.torn {
                        self.verify()?;
                    }
                }
            }
            self.trace.extend([life, self.durable.0, self.disk.operations(), self.written.len() as u64]);
        }
        Ok(())
    }

    /// Opens the log and compares; none when the power went meanwhile.
    fn open(&mut self) -> Result<Option<Parts>, String> {
        let mut found: Vec<Entry> = Vec::new();
        let keep = |r: Record| {
            if r.kind != KIND_INCARNATION {
                found.push((r.lsn, r.kind, r.payload.to_vec()));
            }
            Ok(())
        };
        let disk = Arc::new(self.disk.clone());
        let opened = Parts::open(disk, self.clock.clone(), &self.entropy, "wal", &self.options, self.from, keep);
        let parts = match opened {
            Ok(parts) => parts,
            Err(_) if self.disk.has_crashed() => return Ok(None),
            Err(e) => return Err(format!("the log does not open: {e:?}")),
        };
        if found.len() > self.written.len() || found != self.written[..found.len()] {
            return Err(format!("found {} records that are no prefix of {}", found.len(), self.written.len()));
        }
        if self.written.get(found.len()).is_some_and(|lost| lost.0 <= self.durable) {
            return Err(format!("lost what was durable up to {}", self.durable));
        }
        self.torn = false;
        self.written = found;
        self.durable = parts.shared.progress.durable();
        Ok(Some(parts))
    }

    /// The log at rest, after the process has ended and the power has stayed: every byte is as it should be.
    fn verify(&self) -> Result<(), String> {
        let mut findings = Vec::new();
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        verify(&disk, "wal", self.options.cluster, self.from, &mut |f| findings.push(f))
            .map_err(|e| format!("the log cannot be verified: {e:?}"))?;
        match findings.is_empty() {
            true => Ok(()),
            false => Err(format!("an untouched log has findings: {findings:?}")),
        }
    }

    fn live(&mut self, parts: &mut Parts) -> Result<End, String> {
        self.sabotaged = false;
        for _ in 0..self.rng.below(300) {
            match self.rng.below(100) {
                0..60 => self.append(parts),
                60..80 => {
                    if self.rng.chance(1, 100) {
                        let n = self.rng.below(3);
                        self.disk.fail_at(n, Fault::Io);
                        self.sabotaged = true;
                    }
                    if let Err(e) = parts.flusher.step(&parts.shared) {
                        if self.disk.has_crashed() {
                            return Ok(End::PowerLost);
                        }
                        assert!(self.sabotaged && e.code() == SqlState::IO_ERROR);
                        return Ok(End::ProcessDied);
                    }
                    self.durable = parts.shared.progress.durable();
                }
                80..92 => {
                    parts.preparer.step(&parts.shared.spares);
                }
                92..96 => self.read(parts)?,
                96..98 => self.retire(parts)?,
                _ if self.rng.chance(1, 20) => {
                    return Ok(if self.rng.chance(1, 2) { End::PowerLost } else { End::ProcessDied });
                }
                _ => {}
            }
        }
        Ok(End::PowerLost)
    }

    fn append(&mut self, parts: &mut Parts) {
        // Mostly as long as an Incarnation record, so that stale records lie where new ones begin.
        let len = match self.rng.below(30) {
            0 => self.rng.below(3500),
            1..4 => self.rng.below(100),
            _ => 16,
        };
        let kind = KIND_FIRST_FREE + self.rng.below(2) as u8;
        let payload = vec![self.rng.below(2) as u8; len as usize];
        match parts.shared.try_append(kind, &[&payload]) {
            Ok(lsn) => self.written.push((lsn, kind, payload)),
            Err(Obstacle::NoSpare(capacity)) => parts.shared.spares.want(capacity),
            Err(Obstacle::Unflushed(_)) => {}
        }
    }

    /// A durable record's end at which to do something.
    fn some_durable(&mut self) -> Option<usize> {
        let durable = self.written.iter().filter(|w| w.0 <= self.durable).count();
        (durable > 0).then(|| self.rng.below(durable as u64) as usize)
    }

    fn read(&mut self, parts: &Parts) -> Result<(), String> {
        let Some(at) = self.some_durable() else { return Ok(()) };
        let disk = Arc::new(self.disk.clone());
        let opened = Reader::open(disk, "wal", self.options.cluster, parts.shared.clone(), self.written[at].0);
        let mut expected = self.written[at + 1..].iter().filter(|w| w.0 <= self.durable);
        let mut check = |mut reader: Reader| -> Result<Result<(), String>> {
            while let Some(r) = reader.next_record()? {
                if r.kind < KIND_FIRST_FREE {
                    continue;
                }
                if expected.next() != Some(&(r.lsn, r.kind, r.payload.to_vec())) {
                    return Ok(Err(format!("a reader found something else at {}", r.lsn)));
                }
            }
            Ok(if expected.next().is_some() { Err("a reader ended early".to_string()) } else { Ok(()) })
        };
        match opened.and_then(&mut check) {
            Ok(outcome) => outcome,
            Err(_) if self.disk.has_crashed() => Ok(()),
            Err(e) => Err(format!("a reader failed: {e:?}")),
        }
    }

    /// Moves the checkpoint up and lets go of what lies before it.
    fn retire(&mut self, parts: &Parts) -> Result<(), String> {
        let Some(at) = self.some_durable() else { return Ok(()) };
        self.from = self.written[at].0;
        self.written.drain(..=at);
        let retirement = Retirement {
            disk: Arc::new(self.disk.clone()),
            dir: "wal".to_string(),
            segment_bytes: self.options.segment_bytes,
            spare_segments_max: self.options.spare_segments_max,
        };
        match retirement.remove_before(&parts.shared.spares, self.from) {
            Err(e) if !self.disk.has_crashed() && !self.sabotaged => Err(format!("retirement failed: {e:?}")),
            _ => Ok(()),
        }
    }
}

fn run(seed: u64) -> Result<Vec<u64>, String> {
    let mut sim = Sim::new(seed);
    sim.run(12)?;
    Ok(sim.trace)
}

#[test]
fn what_survives_is_a_prefix_with_all_that_was_durable() {
    // In the last one an opening ends before it has cleared what the loss of power before it left.
    for seed in seeds(60).chain([766]) {
        run(seed).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    }
}

#[test]
fn a_seed_replays_itself() {
    for seed in 0..5 {
        assert_eq!(run(seed), run(seed));
    }
}

/// The same appends and flushes, with the power lost at each operation in turn.
#[test]
fn power_may_go_at_every_operation() {
    let script = |crash_at: Option<u64>| {
        let mut sim = Sim::new(crash_at.unwrap_or(0));
        if let Some(n) = crash_at {
            sim.disk.crash_at(n);
        }
        if let Some(mut parts) = sim.open().unwrap() {
            for i in 0..60 {
                sim.append(&mut parts);
                parts.preparer.step(&parts.shared.spares);
                if i % 3 == 0 && parts.flusher.step(&parts.shared).is_err() {
                    break;
                }
                sim.durable = parts.shared.progress.durable();
            }
        }
        let operations = sim.disk.operations();
        for life in 0..3 {
            sim.disk.reboot();
            let mut parts = sim.open().unwrap_or_else(|e| panic!("{crash_at:?}, life {life}: {e}")).expect("power");
            sim.append(&mut parts);
            parts.flusher.step(&parts.shared).unwrap();
            sim.durable = parts.shared.progress.durable();
        }
        operations
    };
    let operations = script(None);
    assert!(operations > 60);
    for n in 0..operations {
        script(Some(n));
    }
}

type Rule = &'static std::thread::LocalKey<std::cell::Cell<bool>>;

/// The simulation must fail on some seed while these rules are off.
fn notices(rules: &[Rule]) -> bool {
    rules.iter().for_each(|rule| rule.set(true));
    let noticed = (0..3000).any(|seed| run(seed).is_err());
    rules.iter().for_each(|rule| rule.set(false));
    noticed
}

#[test]
fn a_missing_sync_is_noticed() {
    assert!(notices(&[&canary::UNSYNCED]));
}

/// Where old bytes are cleared the chain is the second line: both must be off.
#[test]
fn a_missing_chain_is_noticed() {
    assert!(notices(&[&canary::UNCHAINED, &canary::UNCLEARED]));
}

#[test]
fn old_bytes_that_stay_are_noticed() {
    assert!(notices(&[&canary::UNCLEARED]));
}

#[test]
fn belief_in_names_that_only_the_cache_knows_is_noticed() {
    assert!(notices(&[&canary::UNSETTLED]));
}

#[test]
fn belief_in_the_cache_is_noticed() {
    assert!(notices(&[&canary::CACHED]));
}

/// Two records are written and the power goes before the sync; if only the second reached the disk, its client's retry
/// puts the very bytes of the first in front of it again. Whether the second then comes back.
fn lost_tail_returns(seed: u64) -> bool {
    let mut sim = Sim::new(seed);
    sim.options = small();
    let append = |parts: &Parts, byte: u8| parts.shared.try_append(KIND_FIRST_FREE, &[&[byte; 700]]).unwrap();
    let mut parts = sim.open().unwrap().unwrap();
    append(&parts, 1);
    append(&parts, 2);
    sim.disk.crash_at(1);
    assert!(parts.flusher.step(&parts.shared).is_err());
    sim.disk.reboot();
    let reopen = |sim: &Sim, found: &mut usize| {
        let count = |r: Record| {
            *found += usize::from(r.kind != KIND_INCARNATION);
            Ok(())
        };
        let disk = Arc::new(sim.disk.clone());
        Parts::open(disk, sim.clock.clone(), &sim.entropy, "wal", &sim.options, Lsn::ZERO, count).unwrap()
    };
    let (mut survived, mut found) = (0, 0);
    let mut parts = reopen(&sim, &mut survived);
    if survived == 0 {
        append(&parts, 1);
        parts.flusher.step(&parts.shared).unwrap();
        sim.disk.reboot();
        reopen(&sim, &mut found);
    }
    found == 2
}

#[test]
fn a_lost_tail_stays_lost() {
    assert!(!(0..200).any(lost_tail_returns));
}

#[test]
fn a_missing_mark_is_noticed() {
    let rules = [&canary::UNMARKED, &canary::UNCLEARED];
    rules.iter().for_each(|rule| rule.set(true));
    let noticed = (0..200).any(lost_tail_returns);
    rules.iter().for_each(|rule| rule.set(false));
    assert!(noticed);
}
