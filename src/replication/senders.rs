//! Who receives the log of this node, and how far each is: what `pg_stat_replication` shows, and what commits wait for.
//!
//! Which of them count, and how far those are together, follows `src/backend/replication/syncrep.c`.

use super::message::Status;
use super::standby_names::{Method, StandbyNames};
use crate::base::Lsn;
use crate::engine::Engine;
use crate::txn::Confirmed;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// How many positions on their way are remembered with their time.
const SAMPLES_MAX: usize = 4096;
/// After so long without news a lag that is over is not shown any more.
const LAG_SHOWN_US: i64 = 10_000_000;

/// How long ago, in microseconds, what the replica has written, flushed and applied last had become durable here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lags {
    pub write: Option<i64>,
    pub flush: Option<i64>,
    pub apply: Option<i64>,
}

/// One replica, as seen from here.
pub struct Sender {
    pub process: i32,
    /// Its `application_name`.
    application: String,
    /// Its place among those that commits wait for; 0: they do not.
    priority: AtomicUsize,
    /// Everything has been sent at least once.
    caught_up: AtomicBool,
    sent: AtomicU64,
    written: AtomicU64,
    flushed: AtomicU64,
    applied: AtomicU64,
    reply_us: AtomicI64,
    lag: Mutex<LagTracker>,
}

/// What is shown of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    pub process: i32,
    pub priority: usize,
    pub part: Part,
    pub streaming: bool,
    pub sent: Lsn,
    pub written: Lsn,
    pub flushed: Lsn,
    pub applied: Lsn,
    pub lags: Lags,
    /// When it was heard of last, by its clock; microseconds since 2000.
    pub reply_us: Option<i64>,
}

/// What a replica is to commits (`pg_stat_replication.sync_state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// They do not wait for it,
    Async,
    /// nor now, but they will when one before it is gone.
    Potential,
    /// They wait for it,
    Sync,
    /// or for enough of its like.
    Quorum,
}

impl Part {
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Async => "async",
            Part::Potential => "potential",
            Part::Sync => "sync",
            Part::Quorum => "quorum",
        }
    }
}

/// All of them. Locks: the senders', then the names'.
pub struct Senders {
    all: Mutex<BTreeMap<i32, Arc<Sender>>>,
    /// Whom commits wait for; none on a node that follows another.
    names: Mutex<Option<StandbyNames>>,
    engine: Arc<Engine>,
}

impl Senders {
    pub fn new(engine: Arc<Engine>) -> Senders {
        Senders { all: Mutex::default(), names: Mutex::default(), engine }
    }

    /// From now on commits wait for these.
    pub fn wait_for(&self, names: Option<StandbyNames>) {
        self.engine.require_standbys(names.is_some());
        let all = self.all.lock();
        for sender in all.values() {
            let priority = names.as_ref().map_or(0, |names| names.priority(&sender.application));
            sender.priority.store(priority, Relaxed);
        }
        *self.names.lock() = names;
        drop(all);
        self.confirm();
    }

    /// Adds one that has the log up to `from`, by its `application_name`.
    pub fn add(&self, process: i32, application: &str, from: Lsn) -> Arc<Sender> {
        let mut all = self.all.lock();
        let priority = self.names.lock().as_ref().map_or(0, |names| names.priority(application));
        let sender = Arc::new(Sender {
            process,
            application: application.to_owned(),
            priority: AtomicUsize::new(priority),
            caught_up: AtomicBool::new(false),
            sent: AtomicU64::new(from.0),
            written: AtomicU64::new(0),
            flushed: AtomicU64::new(0),
            applied: AtomicU64::new(0),
            reply_us: AtomicI64::new(0),
            lag: Mutex::default(),
        });
        all.insert(process, sender.clone());
        sender
    }

    pub fn remove(&self, process: i32) {
        let sender = self.all.lock().remove(&process);
        if sender.is_some_and(|sender| sender.is_waited_for()) {
            self.confirm();
        }
    }

    pub fn all(&self, now_us: i64) -> Vec<SenderInfo> {
        let all = self.all.lock();
        let chosen = self.names.lock().as_ref().map(|names| (names.method, chosen(all.values(), names)));
        let part = |sender: &Sender| match &chosen {
            None => Part::Async,
            Some(_) if sender.place() == 0 => Part::Async,
            Some((method, chosen)) if chosen.iter().any(|c| c.process == sender.process) => match method {
                Method::Priority => Part::Sync,
                Method::Quorum => Part::Quorum,
            },
            Some(_) => Part::Potential,
        };
        all.values().map(|sender| sender.info(now_us, part(sender))).collect()
    }

    /// A replica says how far it is.
    pub fn heard(&self, sender: &Sender, status: &Status, now_us: i64) {
        sender.heard(status, now_us);
        if sender.is_waited_for() {
            self.confirm();
        }
    }

    /// A replica has been sent everything once: from now on it counts.
    pub fn caught_up(&self, sender: &Sender) {
        if !sender.caught_up.swap(true, Relaxed) && sender.is_waited_for() {
            self.confirm();
        }
    }

    fn confirm(&self) {
        let all = self.all.lock();
        let together = self.names.lock().as_ref().and_then(|names| together(&chosen(all.values(), names), names));
        self.engine.standbys().set_present(together.is_some());
        drop(all);
        if let Some(confirmed) = together {
            self.engine.standbys().confirm(confirmed);
        }
    }
}

/// Those that commits wait for now: the first that are connected, or all that may be among the quickest.
fn chosen<'a>(all: impl Iterator<Item = &'a Arc<Sender>>, names: &StandbyNames) -> Vec<&'a Arc<Sender>> {
    let mut chosen: Vec<&Arc<Sender>> = all.filter(|sender| sender.counts()).collect();
    if names.method == Method::Priority {
        chosen.sort_by_key(|sender| (sender.place(), sender.process));
        chosen.truncate(names.count);
    }
    chosen
}

/// How far as many as there must be are; none when there are fewer.
fn together(chosen: &[&Arc<Sender>], names: &StandbyNames) -> Option<Confirmed> {
    if chosen.len() < names.count {
        return None;
    }
    // Of those named first the last counts, of the quickest the n-th: the n-th highest for either.
    let nth = |position: fn(&Sender) -> &AtomicU64| {
        let mut all: Vec<u64> = chosen.iter().map(|sender| position(sender).load(Relaxed)).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        Lsn(all[names.count - 1])
    };
    Some(Confirmed { written: nth(|s| &s.written), flushed: nth(|s| &s.flushed), applied: nth(|s| &s.applied) })
}

impl Sender {
    /// Its priority. One that never says how far it is, as for a base copy, has none.
    fn place(&self) -> usize {
        if self.flushed.load(Relaxed) > 0 { self.priority.load(Relaxed) } else { 0 }
    }

    /// Commits wait for it, or may. Any other is sent no more than readers here may see.
    pub fn is_waited_for(&self) -> bool {
        self.priority.load(Relaxed) > 0
    }

    /// Whether it can be waited for: it has a place, and receives what is new.
    fn counts(&self) -> bool {
        self.place() > 0 && self.caught_up.load(Relaxed)
    }

    /// Everything up to here has been handed to the network.
    pub fn sent(&self, lsn: Lsn, now_us: i64) {
        self.sent.store(lsn.0, Relaxed);
        self.lag.lock().sent(lsn, now_us);
    }

    /// The replica has this much on its disk.
    pub fn flushed(&self) -> Lsn {
        Lsn(self.flushed.load(Relaxed))
    }

    fn heard(&self, status: &Status, now_us: i64) {
        // Nobody has more than was sent.
        let sent = self.sent.load(Relaxed);
        self.written.store(status.written.0.min(sent), Relaxed);
        self.flushed.store(status.flushed.0.min(sent), Relaxed);
        self.applied.store(status.applied.0.min(sent), Relaxed);
        self.reply_us.store(status.time_us, Relaxed);
        self.lag.lock().heard([status.written, status.flushed, status.applied], now_us);
    }

    fn info(&self, now_us: i64, part: Part) -> SenderInfo {
        let lsn = |n: &AtomicU64| Lsn(n.load(Relaxed));
        let reply_us = Some(self.reply_us.load(Relaxed)).filter(|us| *us != 0);
        SenderInfo {
            process: self.process,
            priority: self.place(),
            part,
            streaming: self.caught_up.load(Relaxed),
            sent: lsn(&self.sent),
            written: lsn(&self.written),
            flushed: lsn(&self.flushed),
            applied: lsn(&self.applied),
            lags: self.lag.lock().lags(now_us),
            reply_us,
        }
    }
}

/// Positions on their way with the times they were sent at, and how far each kind of confirmation has come among them.
#[derive(Default)]
struct LagTracker {
    samples: VecDeque<(Lsn, i64)>,
    /// Samples that are no longer in the queue.
    passed: usize,
    /// The next sample to be confirmed, and the last lag with the time it was seen at.
    confirmed: [LastLag; 3],
}

#[derive(Clone, Copy, Default)]
struct LastLag {
    next: usize,
    lag: Option<i64>,
    at_us: i64,
}

impl LagTracker {
    fn sent(&mut self, lsn: Lsn, now_us: i64) {
        let full = self.samples.len() >= SAMPLES_MAX;
        match self.samples.back_mut() {
            Some((last, _)) if *last >= lsn => {}
            // Too many on their way: the newest stands for those after it, so that no lag looks smaller than it is.
            Some((last, _)) if full => *last = lsn,
            _ => self.samples.push_back((lsn, now_us)),
        }
    }

    fn heard(&mut self, positions: [Lsn; 3], now_us: i64) {
        for (confirmed, position) in self.confirmed.iter_mut().zip(positions) {
            while let Some((_, sent_us)) = self.samples.get(confirmed.next - self.passed).filter(|s| s.0 <= position) {
                confirmed.lag = Some((now_us - sent_us).max(0));
                confirmed.at_us = now_us;
                confirmed.next += 1;
            }
        }
        let done = self.confirmed.iter().map(|c| c.next).min().unwrap_or(0);
        self.samples.drain(..done - self.passed);
        self.passed = done;
    }

    /// What is on its way counts as soon as it takes longer than the last did.
    fn lags(&self, now_us: i64) -> Lags {
        let [write, flush, apply] = self.confirmed.map(|c| match self.samples.get(c.next - self.passed) {
            Some((_, sent_us)) => Some((now_us - sent_us).max(c.lag.unwrap_or(0))),
            None => c.lag.filter(|_| now_us - c.at_us < LAG_SHOWN_US),
        });
        Lags { write, flush, apply }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineOptions;
    use crate::io::{SimClock, SimDisk, SimEntropy};
    use crate::txn::Standbys;

    fn engine() -> Arc<Engine> {
        let (disk, clock) = (Arc::new(SimDisk::new(1)), Arc::new(SimClock::new(1)));
        Engine::open(disk, clock, &SimEntropy::new(1), EngineOptions::default()).unwrap()
    }

    #[test]
    fn lags_are_measured_and_fade() {
        let senders = Senders::new(engine());
        let sender = senders.add(7, "a", Lsn(10));
        sender.sent(Lsn(20), 1000);
        sender.sent(Lsn(30), 2000);
        let status = |written, flushed, applied| Status {
            written: Lsn(written),
            flushed: Lsn(flushed),
            applied: Lsn(applied),
            time_us: 5,
            reply: false,
        };
        sender.heard(&status(30, 20, 10), 2500);
        let lags = senders.all(2600)[0].lags;
        assert_eq!(lags, Lags { write: Some(500), flush: Some(1500), apply: Some(1600) });
        sender.heard(&status(30, 30, 30), 4000);
        assert_eq!(senders.all(4000)[0].lags, Lags { write: Some(500), flush: Some(2000), apply: Some(2000) });
        assert_eq!(senders.all(4000 + LAG_SHOWN_US)[0].lags, Lags::default());
        let info = senders.all(0)[0];
        assert_eq!((info.sent, info.applied, info.reply_us, info.streaming), (Lsn(30), Lsn(30), Some(5), false));
        senders.remove(7);
        assert!(senders.all(0).is_empty());
    }

    /// Replicas of these names and processes that are this far, in the order in which they have connected.
    fn replicas(names: &str, all: &[(&str, u64)]) -> (Senders, Arc<Standbys>) {
        let engine = engine();
        let standbys = engine.standbys().clone();
        let senders = Senders::new(engine);
        senders.wait_for(StandbyNames::parse(names).unwrap());
        for (process, (name, at)) in all.iter().enumerate() {
            let sender = senders.add(process as i32, name, Lsn(1));
            sender.sent(Lsn(1000), 0);
            senders.caught_up(&sender);
            let status =
                Status { written: Lsn(at + 2), flushed: Lsn(*at), applied: Lsn(at - 1), time_us: 0, reply: false };
            senders.heard(&sender, &status, 0);
        }
        (senders, standbys)
    }

    #[test]
    fn the_first_or_the_quickest_count() {
        use Part::{Async, Potential, Quorum, Sync};
        for (names, parts, flushed) in [
            ("b", [Async, Sync, Async], 20),
            ("FIRST 2 (c, b, a)", [Potential, Sync, Sync], 20),
            ("ANY 2 (a, b, c)", [Quorum, Quorum, Quorum], 20),
            ("ANY 1 (a, c)", [Quorum, Async, Quorum], 30),
            ("ANY 3 (a, b, c)", [Quorum, Quorum, Quorum], 10),
            ("ANY 3 (a, b, x)", [Quorum, Quorum, Async], 0),
            ("x, *", [Sync, Potential, Potential], 10),
        ] {
            let (senders, standbys) = replicas(names, &[("a", 10), ("b", 20), ("c", 30)]);
            let all: Vec<Part> = senders.all(0).iter().map(|info| info.part).collect();
            assert_eq!(all, parts, "{names}");
            assert!(standbys.are_required());
            if names != "x, *" {
                assert_eq!(standbys.confirmed().flushed, Lsn(flushed), "{names}");
            }
        }
        // Whoever is not there any more is no longer waited for.
        let (senders, standbys) = replicas("c, a", &[("c", 10), ("a", 40)]);
        senders.remove(0);
        assert_eq!((standbys.confirmed().flushed, senders.all(0)[0].part), (Lsn(40), Sync));
        senders.wait_for(None);
        assert!(!standbys.are_required());
    }

    #[test]
    fn many_positions_on_their_way_take_no_more_room() {
        let mut lag = LagTracker::default();
        (0..2 * SAMPLES_MAX as u64).for_each(|n| lag.sent(Lsn(n + 1), n as i64));
        assert_eq!(lag.samples.len(), SAMPLES_MAX);
        lag.heard([Lsn(u64::MAX); 3], 10_000);
        assert!(lag.samples.is_empty());
    }
}
