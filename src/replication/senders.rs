//! Who receives the log of this node, and how far each is: what `pg_stat_replication` shows.

use super::message::Status;
use crate::base::Lsn;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

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
    pub streaming: bool,
    pub sent: Lsn,
    pub written: Lsn,
    pub flushed: Lsn,
    pub applied: Lsn,
    pub lags: Lags,
    /// When it was heard of last, by its clock; microseconds since 2000.
    pub reply_us: Option<i64>,
}

#[derive(Default)]
pub struct Senders(Mutex<BTreeMap<i32, Arc<Sender>>>);

impl Senders {
    pub fn add(&self, process: i32, from: Lsn) -> Arc<Sender> {
        let sender = Arc::new(Sender {
            process,
            caught_up: AtomicBool::new(false),
            sent: AtomicU64::new(from.0),
            written: AtomicU64::new(0),
            flushed: AtomicU64::new(0),
            applied: AtomicU64::new(0),
            reply_us: AtomicI64::new(0),
            lag: Mutex::default(),
        });
        self.0.lock().insert(process, sender.clone());
        sender
    }

    pub fn remove(&self, process: i32) {
        self.0.lock().remove(&process);
    }

    pub fn all(&self, now_us: i64) -> Vec<SenderInfo> {
        self.0.lock().values().map(|sender| sender.info(now_us)).collect()
    }
}

impl Sender {
    /// Everything up to here has been handed to the network.
    pub fn sent(&self, lsn: Lsn, now_us: i64) {
        self.sent.store(lsn.0, Relaxed);
        self.lag.lock().sent(lsn, now_us);
    }

    /// The replica has this much on its disk.
    pub fn flushed(&self) -> Lsn {
        Lsn(self.flushed.load(Relaxed))
    }

    pub fn caught_up(&self) {
        self.caught_up.store(true, Relaxed);
    }

    pub fn heard(&self, status: &Status, now_us: i64) {
        self.written.store(status.written.0, Relaxed);
        self.flushed.store(status.flushed.0, Relaxed);
        self.applied.store(status.applied.0, Relaxed);
        self.reply_us.store(status.time_us, Relaxed);
        self.lag.lock().heard([status.written, status.flushed, status.applied], now_us);
    }

    fn info(&self, now_us: i64) -> SenderInfo {
        let lsn = |n: &AtomicU64| Lsn(n.load(Relaxed));
        let reply_us = Some(self.reply_us.load(Relaxed)).filter(|us| *us != 0);
        SenderInfo {
            process: self.process,
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
    confirmed: [Confirmed; 3],
}

#[derive(Clone, Copy, Default)]
struct Confirmed {
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

    #[test]
    fn lags_are_measured_and_fade() {
        let senders = Senders::default();
        let sender = senders.add(7, Lsn(10));
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

    #[test]
    fn many_positions_on_their_way_take_no_more_room() {
        let mut lag = LagTracker::default();
        (0..2 * SAMPLES_MAX as u64).for_each(|n| lag.sent(Lsn(n + 1), n as i64));
        assert_eq!(lag.samples.len(), SAMPLES_MAX);
        lag.heard([Lsn(u64::MAX); 3], 10_000);
        assert!(lag.samples.is_empty());
    }
}
