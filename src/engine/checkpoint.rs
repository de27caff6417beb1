//! Checkpoints: when one is due, how fast it goes, and the thread that makes them.
//!
//! A checkpoint bounds recovery: opening applies the log from the newest one on, and the log before it can go. It is
//! paced over half the time until the next one would be due, so that its writes do not crowd out commits.

use crate::base::{Lsn, Result, SqlState};
use crate::io::Clock;
use crate::storage::{CheckpointPin, PagedStore, Progress};
use crate::txn::{OnFatal, Transactions};
use crate::wal::Wal;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the thread looks whether one is due.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How many checkpoints are kept while the log is followed.
const KEPT: usize = 2;
/// How long a checkpoint waits for standbys that are there, and how often it looks.
const STANDBYS_MAX: Duration = Duration::from_secs(10);
const STANDBYS_INTERVAL: Duration = Duration::from_millis(5);
/// The longest single pause of a paced checkpoint.
const PAUSE_MAX: Duration = Duration::from_millis(50);

#[derive(Clone, Debug)]
pub struct CheckpointOptions {
    /// One is due when this much log has gathered since the last.
    pub log_bytes: u64,
    /// One is due this long after the last, if anything was committed since.
    pub interval: Duration,
    /// Whether a thread makes them when they are due. Without, only [`super::Engine::checkpoint`] does.
    pub automatic: bool,
}

impl Default for CheckpointOptions {
    fn default() -> Self {
        CheckpointOptions { log_bytes: 1 << 30, interval: Duration::from_secs(60), automatic: true }
    }
}

/// When the last checkpoint was.
#[derive(Clone, Copy, Debug)]
struct Last {
    lsn: Lsn,
    at: Duration,
}

impl CheckpointOptions {
    fn due(&self, last: Last, applied: Lsn, now: Duration) -> bool {
        let log = applied.0.saturating_sub(last.lsn.0);
        log >= self.log_bytes || log > 0 && now.saturating_sub(last.at) >= self.interval
    }
}

/// How long to pause when `progress` of a checkpoint is done after `elapsed`, to be done after `span`.
fn pause(progress: Progress, elapsed: Duration, span: Duration) -> Duration {
    let done = progress.pages_written as f64 / progress.pages_total.max(1) as f64;
    span.mul_f64(done.min(1.0)).saturating_sub(elapsed).min(PAUSE_MAX)
}

/// How a checkpoint is to be made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    Spread,
    /// Somebody waits.
    Fast,
}

/// Makes checkpoints, one at a time.
pub(super) struct Checkpointer {
    store: Arc<PagedStore>,
    wal: Arc<Wal>,
    transactions: Arc<Transactions>,
    clock: Arc<dyn Clock>,
    options: CheckpointOptions,
    last: Mutex<Last>,
    /// The newest checkpoint and the one before, while somebody follows the log: should he take over before the newest, this
    /// node goes back to the other.
    kept: Mutex<VecDeque<CheckpointPin>>,
    /// Set to end the thread, and so that a spread checkpoint hurries.
    stop: Mutex<bool>,
    stopped: Condvar,
}

impl Checkpointer {
    pub(super) fn new(
        store: Arc<PagedStore>,
        wal: Arc<Wal>,
        transactions: Arc<Transactions>,
        clock: Arc<dyn Clock>,
        options: CheckpointOptions,
        newest: Lsn,
    ) -> Arc<Checkpointer> {
        let last = Mutex::new(Last { lsn: newest, at: clock.monotonic() });
        let (kept, stop, stopped) = (Mutex::default(), Mutex::new(false), Condvar::new());
        Arc::new(Checkpointer { store, wal, transactions, clock, options, last, kept, stop, stopped })
    }

    /// 1. Under the writer lock: fix S, what is applied, and the pages as they are. From here on a page is copied before
    ///    it changes.
    /// 2. Write those pages and the map, then make the log durable up to S, here and on the standbys that commits wait for,
    ///    then the superblock: should one of them take over, this node can go on from its newest checkpoint.
    /// 3. Let go of the log before S, or before the checkpoint before.
    ///
    /// Answers S. Nothing is done when nothing was committed since the last.
    pub(super) fn run(&self, pace: Pace) -> Result<Lsn> {
        let mut last = self.last.lock();
        if self.transactions.applied() == last.lsn {
            return Ok(last.lsn);
        }
        let begun = self.clock.monotonic();
        // False: one that failed half way, for want of space, is taken up again. In the middle of a transaction that comes in
        // parts from another node none begins.
        self.transactions.at_rest(|lsn, next_tree| match self.transactions.parts_are_open() {
            true => Ok(false),
            false => self.store.freeze(lsn, next_tree),
        })?;
        if !self.store.pager().frozen() {
            return Ok(last.lsn);
        }
        let span = self.options.interval / 2;
        let slow_down = |progress: Progress| {
            if pace == Pace::Spread {
                self.rest(pause(progress, self.clock.monotonic().saturating_sub(begun), span));
            }
        };
        let lsn = self.store.checkpoint(&slow_down, &|lsn| self.make_safe(lsn))?;
        *last = Last { lsn, at: self.clock.monotonic() };
        self.wal.remove_before(self.keep(lsn))?;
        let stats = self.store.pager().stats();
        tracing::debug!(%lsn, took = ?last.at.saturating_sub(begun), writes = stats.writes, "checkpoint");
        Ok(lsn)
    }

    /// Keeps the newest checkpoint, at `lsn`, and the one before, if it is to. Answers from where on log is needed.
    fn keep(&self, lsn: Lsn) -> Lsn {
        let mut kept = self.kept.lock();
        if !self.wal.is_held() {
            kept.clear();
            return lsn;
        }
        kept.extend(self.store.pager().pin());
        while kept.len() > KEPT {
            kept.pop_front();
        }
        kept.front().map_or(lsn, |oldest| oldest.root().lsn)
    }

    /// Waits until the log is durable up to `lsn`, and a while for standbys.
    fn make_safe(&self, lsn: Lsn) -> Result<()> {
        self.wal.wait_blocking(lsn)?;
        let looks = STANDBYS_MAX.as_millis() / STANDBYS_INTERVAL.as_millis();
        for _ in 0..looks {
            if !self.transactions.standbys().are_behind(lsn) || self.is_stopped() {
                break;
            }
            self.rest(STANDBYS_INTERVAL);
        }
        Ok(())
    }

    /// Sleeps, unless the thread is to end.
    fn rest(&self, time: Duration) {
        let mut stop = self.stop.lock();
        if !*stop && !time.is_zero() {
            self.stopped.wait_for(&mut stop, time);
        }
    }

    fn is_stopped(&self) -> bool {
        *self.stop.lock()
    }

    pub(super) fn stop(&self) {
        *self.stop.lock() = true;
        self.stopped.notify_all();
    }

    /// Starts the thread.
    ///
    /// `on_fatal` is told of an error other than a full disk: what is on disk is no longer known.
    pub(super) fn spawn(self: &Arc<Self>, on_fatal: OnFatal) -> Result<JoinHandle<()>> {
        let this = Arc::clone(self);
        let run = move || {
            while !this.is_stopped() {
                this.rest(LOOK_INTERVAL);
                let due = this.options.due(*this.last.lock(), this.transactions.applied(), this.clock.monotonic());
                if due
                    && !this.is_stopped()
                    && let Err(e) = this.run(Pace::Spread)
                {
                    if e.code() != SqlState::DISK_FULL {
                        return on_fatal(&e);
                    }
                    tracing::warn!("a checkpoint waits for space on the disk: {e}");
                }
            }
        };
        Ok(std::thread::Builder::new().name("checkpoint".into()).spawn(run)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_due_by_log_or_by_time_and_never_for_nothing() {
        let options = CheckpointOptions { log_bytes: 100, interval: Duration::from_secs(1), automatic: false };
        let last = Last { lsn: Lsn(50), at: Duration::ZERO };
        let ms = Duration::from_millis;
        assert!(!options.due(last, Lsn(50), ms(10_000)));
        assert!(!options.due(last, Lsn(51), ms(999)));
        assert!(options.due(last, Lsn(51), ms(1000)));
        assert!(options.due(last, Lsn(150), ms(1)));
    }

    #[test]
    fn a_spread_checkpoint_pauses_when_it_is_ahead() {
        let at = |pages_written| Progress { pages_written, pages_total: 100 };
        let span = Duration::from_millis(100);
        assert_eq!(pause(at(50), Duration::from_millis(40), span), Duration::from_millis(10));
        assert_eq!(pause(at(50), Duration::from_millis(60), span), Duration::ZERO);
        assert_eq!(pause(at(100), Duration::ZERO, Duration::from_secs(9)), PAUSE_MAX);
        assert_eq!(pause(Progress { pages_written: 0, pages_total: 0 }, Duration::ZERO, span), Duration::ZERO);
    }
}
