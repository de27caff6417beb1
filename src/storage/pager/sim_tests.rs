//! A simulation of the pager on a disk that loses power: random changes, pages that move and are freed, images that land
//! in any order, eviction, checkpoints in single steps, pins, full disks, failing syncs, process and power failures at any
//! I/O.
//!
//! The data is a directory page of slots, each with a page of four values. A log in memory says what was changed; at any time,
//! and after every failure, the pages must say what the log says. `HEADWATER_SEEDS` sets how many seeds run.

use super::flush::{Flight, Written};
use super::*;
use crate::base::{Error, Lsn, PageId, SqlState};
use crate::io::{Fault, Rng, SimDisk, seeds};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::LocalKey;

const SLOTS: usize = 10;
const KEYS: usize = 40;
const STEPS: usize = 1200;
/// The directory is the first page ever made.
const DIRECTORY: PageId = PageId(1);

type Values = [u64; KEYS];

/// What a step could not do, or a guarantee that does not hold.
#[derive(Debug)]
enum Trouble {
    Error(Error),
    #[expect(dead_code, reason = "it is shown by Debug")]
    Broken(String),
}

impl From<Error> for Trouble {
    fn from(e: Error) -> Trouble {
        Trouble::Error(e)
    }
}

type Outcome<T = ()> = Result<T, Trouble>;

fn broken<T>(what: impl Into<String>) -> Outcome<T> {
    Err(Trouble::Broken(what.into()))
}

/// The log: what it holds, and up to where that is durable. A record's LSN is its number.
#[derive(Default)]
struct Log {
    records: Vec<Vec<(usize, u64)>>,
    durable: Cell<usize>,
}

impl Log {
    fn lose_power(&mut self, rng: &mut Rng) {
        let kept = self.durable.get() + rng.below((self.records.len() - self.durable.get()) as u64 + 1) as usize;
        self.records.truncate(kept);
        self.durable.set(kept);
    }

    fn values(&self, lsn: usize) -> Values {
        let mut values = [0; KEYS];
        self.records[..lsn].iter().flatten().for_each(|(key, value)| values[*key] = *value);
        values
    }
}

struct Sim {
    rng: Rng,
    disk: SimDisk,
    pager: Arc<Pager>,
    log: Log,
    frames: usize,
    /// Images that are captured; the number of those written, once they are.
    flights: Vec<(Flight, Option<Written>)>,
    pins: Vec<(CheckpointPin, Values)>,
    next_value: u64,
    done: Done,
}

/// What the simulation met, to see that it meets what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Done {
    operations: u64,
    checkpoints: usize,
    power_failures: usize,
    restarts: usize,
    full: usize,
    evictions: u64,
    copied: u64,
}

fn read_u32(page: &[u8], n: usize) -> u32 {
    let at = HEAD_BYTES + 4 * n;
    u32::from_le_bytes(page[at..at + 4].try_into().unwrap())
}

fn read_u64(page: &[u8], n: usize) -> u64 {
    let at = HEAD_BYTES + 8 * n;
    u64::from_le_bytes(page[at..at + 8].try_into().unwrap())
}

fn set_u32(page: &mut [u8], n: usize, value: u32) {
    page[HEAD_BYTES + 4 * n..][..4].copy_from_slice(&value.to_le_bytes());
}

fn set_u64(page: &mut [u8], n: usize, value: u64) {
    page[HEAD_BYTES + 8 * n..][..8].copy_from_slice(&value.to_le_bytes());
}

fn slots_of(directory: &[u8]) -> Vec<PageId> {
    (0..SLOTS).map(|n| PageId(read_u32(directory, n))).collect()
}

fn open(disk: &SimDisk, frames: usize) -> crate::base::Result<(Arc<Pager>, Option<Root>)> {
    Pager::open(Arc::new(disk.clone()), "data", PagerOptions { page_bytes: 512, frames, grow_blocks: 2 })
}

impl Sim {
    fn new(seed: u64) -> Sim {
        let mut rng = Rng::new(seed);
        let disk = SimDisk::new(rng.u64());
        let frames = 5 + rng.below(16) as usize;
        let (pager, _) = open(&disk, frames).unwrap();
        let mut sim = Sim {
            rng,
            disk,
            pager,
            log: Log::default(),
            frames,
            flights: Vec::new(),
            pins: Vec::new(),
            next_value: 1,
            done: Done::default(),
        };
        sim.make_directory().unwrap();
        sim
    }

    fn make_directory(&mut self) -> Outcome {
        let w = self.pager.write();
        let (pid, _) = w.allocate()?;
        if pid != DIRECTORY {
            return broken(format!("the first page is {pid}"));
        }
        Ok(())
    }

    fn below(&mut self, n: usize) -> usize {
        self.rng.below(n as u64) as usize
    }

    fn run(mut self) -> Result<Done, String> {
        for step in 0..STEPS {
            let outcome = match self.step() {
                Err(Trouble::Error(e)) => self.recover_from(e),
                other => other,
            };
            outcome.map_err(|trouble| format!("step {step}: {trouble:?}"))?;
        }
        self.note_counters();
        self.done.operations = self.disk.operations();
        Ok(self.done)
    }

    fn step(&mut self) -> Outcome {
        match self.below(1000) {
            0..250 => self.commit(),
            250..260 => {
                self.log.durable.set(self.log.records.len());
                Ok(())
            }
            260..400 => self.capture(),
            400..440 => self.write_flight(),
            440..570 => self.land(),
            570..630 => self.evict(),
            630..680 => self.freeze(),
            680..900 => self.checkpoint_step(),
            900..910 => self.pin(),
            910..920 => {
                if !self.pins.is_empty() {
                    let n = self.below(self.pins.len());
                    self.pins.swap_remove(n);
                }
                Ok(())
            }
            920..926 => self.check_pins(),
            926..928 => self.lose_power(),
            928..930 => self.restart(),
            930..933 => {
                let n = self.rng.below(12);
                self.disk.crash_at(n);
                Ok(())
            }
            933..936 => {
                let fault = if self.rng.chance(3, 4) { Fault::NoSpace } else { Fault::Io };
                let n = self.rng.below(6);
                self.disk.fail_at(n, fault);
                Ok(())
            }
            936..950 => self.admit(),
            950..970 => self.verify(),
            _ => self.check_values(),
        }
    }

    /// Changes a few keys as one record of the log.
    fn commit(&mut self) -> Outcome {
        let n = 1 + self.below(5);
        let mut ops = Vec::new();
        for _ in 0..n {
            let value = if self.rng.chance(1, 4) { 0 } else { self.next_value };
            self.next_value += 1;
            ops.push((self.below(KEYS), value));
        }
        self.log.records.push(ops.clone());
        match self.apply(&ops) {
            // Half applied: a server stops.
            Err(Trouble::Error(e)) if e.code() == SqlState::DISK_FULL => self.restart(),
            other => other,
        }
    }

    fn apply(&mut self, ops: &[(usize, u64)]) -> Outcome {
        let pager = self.pager.clone();
        let w = pager.write();
        for (key, value) in ops {
            let slot = key % SLOTS;
            let pid = slots_of(&w.read(DIRECTORY)?)[slot];
            let pid = if pid == PageId::NONE || self.rng.chance(1, 20) { relocate(&w, slot, pid)? } else { pid };
            set_u64(&mut w.page_mut(pid)?, key / SLOTS, *value);
        }
        Ok(())
    }

    fn in_flight(&self) -> usize {
        self.flights.iter().map(|(flight, _)| flight.images.len()).sum()
    }

    fn capture(&mut self) -> Outcome {
        // Frames whose images are in flight cannot be evicted, and nobody else lands them.
        if self.in_flight() + 4 > self.frames {
            return Ok(());
        }
        let (current, frozen) = {
            let ledger = self.pager.ledger.lock();
            (ledger.epoch, ledger.frozen_epoch())
        };
        let epoch = frozen.filter(|_| self.rng.chance(3, 4)).unwrap_or(current);
        let n = 1 + self.below(2);
        let flight = self.pager.capture_queued(epoch, n)?;
        if !flight.images.is_empty() {
            self.flights.push((flight, None));
        }
        Ok(())
    }

    fn admit(&mut self) -> Outcome {
        // It may wait until less is dirty, and only this thread lands images.
        while !self.flights.is_empty() {
            self.land()?;
        }
        let pages = self.below(4);
        Ok(self.pager.admit(pages)?)
    }

    fn write_flight(&mut self) -> Outcome {
        let Some(n) = self.flights.len().checked_sub(1) else { return Ok(()) };
        let n = self.below(n + 1);
        let (flight, written) = &mut self.flights[n];
        if written.is_none() {
            *written = Some(self.pager.write_flight(flight));
        }
        Ok(())
    }

    fn land(&mut self) -> Outcome {
        if self.flights.is_empty() {
            return Ok(());
        }
        let n = self.below(self.flights.len());
        let (flight, written) = self.flights.swap_remove(n);
        let written = written.unwrap_or_else(|| self.pager.write_flight(&flight));
        if matches!(&written, Err((_, e)) if e.code() != SqlState::DISK_FULL) {
            return Err(written.unwrap_err().1.into());
        }
        self.pager.land(flight, written)?;
        Ok(())
    }

    fn evict(&mut self) -> Outcome {
        let frame = self.below(self.frames) as u32;
        let pid = self.pager.frames.get(frame).pid();
        if pid != PageId::NONE && self.pager.evict(pid, frame) {
            self.pager.frames.give_back(frame);
        }
        Ok(())
    }

    fn freeze(&mut self) -> Outcome {
        let w = self.pager.write();
        if !w.frozen() {
            let lsn = self.log.records.len() as u64;
            w.freeze(Root { lsn: Lsn(lsn), payload: vec![7; lsn as usize % 9] });
        }
        Ok(())
    }

    fn checkpoint_step(&mut self) -> Outcome {
        let before = self.pager.ledger.lock().durable.epoch;
        let log = &self.log;
        let wait = |lsn: Lsn| {
            log.durable.set(log.durable.get().max(lsn.0 as usize));
            Ok(())
        };
        let pages = 1 + self.rng.below(3) as usize;
        self.pager.checkpoint_step(pages, &wait)?;
        self.done.checkpoints += usize::from(self.pager.ledger.lock().durable.epoch != before);
        Ok(())
    }

    fn pin(&mut self) -> Outcome {
        if let Some(pin) = self.pager.pin().filter(|_| self.pins.len() < 3) {
            let values = self.log.values(pin.root().lsn.0 as usize);
            self.pins.push((pin, values));
        }
        Ok(())
    }

    fn check_pins(&mut self) -> Outcome {
        for (pin, expected) in &self.pins {
            let images = RefCell::new(Vec::new());
            let read = pin.pages(&mut |pid, home| {
                let mut image = vec![0; 512];
                pin.read(pid, home, &mut image)?;
                images.borrow_mut().push((pid, image));
                Ok(())
            });
            match read {
                Err(e) if e.code() == SqlState::DATA_CORRUPTED => return broken(format!("pin: {e}")),
                other => other?,
            }
            let images = images.into_inner();
            let image = |pid| images.iter().find(|(p, _)| *p == pid).map(|(_, image)| image);
            let Some(directory) = image(DIRECTORY) else { continue };
            let values =
                values_of(&slots_of(directory), |pid, n| image(pid).map_or(u64::MAX, |page| read_u64(page, n)));
            if values != *expected {
                return broken(format!("pin: {values:?} instead of {expected:?}"));
            }
        }
        Ok(())
    }

    fn values(&self) -> Outcome<Values> {
        let slots = slots_of(&self.pager.read(DIRECTORY)?);
        let mut pages = Vec::new();
        for pid in &slots {
            let page = match pid {
                &PageId::NONE => None,
                pid => match self.pager.read(*pid) {
                    Err(e) if e.code() != SqlState::IO_ERROR && e.code() != SqlState::DISK_FULL => {
                        return broken(e.message());
                    }
                    page => Some(page?.to_vec()),
                },
            };
            pages.push((*pid, page));
        }
        let value = |pid, n| {
            let page = pages.iter().find(|(p, _)| *p == pid);
            page.and_then(|(_, page)| page.as_ref()).map_or(0, |page| read_u64(page, n))
        };
        Ok(values_of(&slots, value))
    }

    fn check_values(&mut self) -> Outcome {
        let (values, expected) = (self.values()?, self.log.values(self.log.records.len()));
        if values == expected { Ok(()) } else { broken(format!("{values:?} instead of {expected:?}")) }
    }

    fn verify(&mut self) -> Outcome {
        let mut reachable: BTreeSet<PageId> = slots_of(&self.pager.read(DIRECTORY)?).into_iter().collect();
        reachable.insert(DIRECTORY);
        match self.pager.verify(&mut |pid| reachable.contains(&pid)) {
            Err(e) if e.code() == SqlState::DATA_CORRUPTED => broken(e.message()),
            other => Ok(other?),
        }
    }

    /// What a server does about an error: a full disk passes, after others it starts again.
    fn recover_from(&mut self, e: Error) -> Outcome {
        if e.code() == SqlState::DISK_FULL {
            self.done.full += 1;
            return Ok(());
        }
        if e.code() != SqlState::IO_ERROR {
            return broken(format!("{e:?}"));
        }
        if self.disk.has_crashed() { self.lose_power() } else { self.restart() }
    }

    fn lose_power(&mut self) -> Outcome {
        self.done.power_failures += 1;
        self.disk.reboot();
        self.start_again()
    }

    /// The process ends, the power stays.
    fn restart(&mut self) -> Outcome {
        self.done.restarts += 1;
        self.disk.restart();
        self.start_again()
    }

    fn note_counters(&mut self) {
        let stats = self.pager.stats();
        self.done.evictions += stats.evictions;
        self.done.copied += stats.copied;
    }

    fn start_again(&mut self) -> Outcome {
        self.note_counters();
        self.log.lose_power(&mut self.rng);
        self.flights.clear();
        self.pins.clear();
        let root = match open(&self.disk, self.frames) {
            Ok((pager, root)) => {
                self.pager = pager;
                root
            }
            Err(e) => return broken(format!("open: {e}")),
        };
        let start = root.map(|r| r.lsn.0 as usize);
        if start.is_some_and(|lsn| lsn > self.log.records.len()) {
            return broken("the checkpoint is ahead of the log");
        }
        if start.is_none() {
            self.make_directory()?;
        }
        for n in start.unwrap_or(0)..self.log.records.len() {
            let ops = self.log.records[n].clone();
            match self.apply(&ops) {
                Err(Trouble::Error(e)) => return broken(format!("replay: {e}")),
                other => other?,
            }
        }
        self.check_values()?;
        self.verify()
    }
}

/// Moves a slot to a new page, and frees the old one.
fn relocate(w: &PageWriter<'_>, slot: usize, old: PageId) -> Outcome<PageId> {
    let before = if old == PageId::NONE { Vec::new() } else { w.read(old)?.to_vec() };
    let new = {
        let (new, mut page) = w.allocate()?;
        if let Some(content) = before.get(HEAD_BYTES..) {
            page[HEAD_BYTES..].copy_from_slice(content);
        }
        new
    };
    set_u32(&mut w.page_mut(DIRECTORY)?, slot, new.0);
    if old != PageId::NONE {
        w.free(old);
    }
    Ok(new)
}

fn values_of(slots: &[PageId], value: impl Fn(PageId, usize) -> u64) -> Values {
    let mut values = [0; KEYS];
    for (key, out) in values.iter_mut().enumerate() {
        if slots[key % SLOTS] != PageId::NONE {
            *out = value(slots[key % SLOTS], key / SLOTS);
        }
    }
    values
}

/// I7: after every failure the blocks are used once each, and the pages are what they were.
#[test]
fn the_pages_say_what_the_log_says() {
    let mut all = Done::default();
    for seed in seeds(60) {
        let done = Sim::new(seed).run().unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        all.checkpoints += done.checkpoints;
        all.power_failures += done.power_failures;
        all.restarts += done.restarts;
        all.full += done.full;
        all.evictions += done.evictions;
        all.copied += done.copied;
    }
    let n = seeds(60).count();
    assert!(all.checkpoints > n && all.power_failures > 3 * n && all.restarts > n, "{all:?}");
    assert!(all.full > n && all.evictions > n as u64 && all.copied > n as u64, "{all:?}");
}

#[test]
fn a_seed_replays_itself() {
    for seed in 0..5 {
        assert_eq!(Sim::new(seed).run(), Sim::new(seed).run());
    }
}

/// With a rule switched off, the simulation must fail.
fn notices(rule: &'static LocalKey<Cell<bool>>) {
    rule.set(true);
    let fails = |seed| !matches!(catch_unwind(AssertUnwindSafe(|| Sim::new(seed).run())), Ok(Ok(_)));
    let noticed = (0..200).any(fails);
    rule.set(false);
    assert!(noticed, "the simulation does not notice");
}

#[test]
fn notices_a_frozen_page_changed_without_a_copy() {
    notices(&canary::NO_COPY);
}

#[test]
fn notices_blocks_freed_too_early() {
    notices(&canary::EAGER);
}

#[test]
fn notices_a_superblock_before_its_pages() {
    notices(&canary::UNSYNCED);
}

/// I11: the rule turned off.
#[test]
fn notices_a_superblock_before_its_log() {
    notices(&canary::AHEAD_OF_LOG);
}

#[test]
fn notices_pins_that_hold_nothing() {
    notices(&canary::NO_PIN);
}

#[test]
fn notices_images_out_of_order() {
    notices(&canary::NO_ORDER);
}

#[test]
fn notices_images_of_freed_pages() {
    notices(&canary::STALE_IMAGES);
}

#[test]
fn notices_dirty_pages_evicted() {
    notices(&canary::EVICT_DIRTY);
}

#[test]
fn notices_a_cache_believed() {
    notices(&canary::CACHED);
}
