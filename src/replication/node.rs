//! [`Replication`]: what a node knows of those that follow its log, and, while it is a replica, of the one that it follows.

use super::apply::Applier;
use super::heartbeat::Heartbeat;
use super::history::History;
use super::senders::Senders;
use super::slots::Slots;
use super::standby_names::StandbyNames;
use super::target::Target;
use crate::base::{Lsn, Result};
use crate::catalog::CatalogStore;
use crate::engine::{Applied, Engine};
use crate::io::{Clock, Disk, Entropy};
use crate::types::datetime::calendar::UNIX_EPOCH_US;
use crate::wal::Reader;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use tokio::sync::Notify;

/// What settings say.
#[derive(Clone, Debug, Default)]
pub struct ReplicationOptions {
    /// How many bytes of log a slot may keep; none: any number.
    pub slot_keep: Option<u64>,
    pub slots_most: usize,
    /// Whom commits wait for while this node is a primary.
    pub wait_for: Option<StandbyNames>,
}

/// What a replica knows of its connection, as `pg_stat_wal_receiver` shows it. Times are microseconds since 2000.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receiving {
    pub target: Option<Target>,
    pub slot: Option<String>,
    /// There is a connection.
    pub streaming: bool,
    pub start: Lsn,
    pub start_timeline: u32,
    /// The last message: when it was sent and when it came.
    pub sent_us: Option<i64>,
    pub received_us: Option<i64>,
    /// How far the primary's log was durable, and when it said so first.
    pub primary_end: Lsn,
    pub primary_end_us: Option<i64>,
}

pub struct Replication {
    pub(super) engine: Arc<Engine>,
    pub(super) catalog: Arc<CatalogStore>,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub slots: Slots,
    pub senders: Senders,
    pub(super) history: Mutex<History>,
    pub(super) receiving: Mutex<Receiving>,
    pub(super) heartbeat: Mutex<Heartbeat>,
    pub(super) applier: Mutex<Option<Applier>>,
    /// Told whenever more is applied, and when this node has become a primary.
    pub(super) applied: Notify,
    pub(super) wanted: Wanted,
    wait_for: Option<StandbyNames>,
    last_commit_us: AtomicI64,
}

/// What others ask of the task that follows.
#[derive(Default)]
pub(super) struct Wanted {
    pub promote: AtomicBool,
    pub stop: AtomicBool,
    pub wake: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Promote,
    Stop,
}

impl Wanted {
    /// Resolves when something is wanted. It may be abandoned, and says the same the next time.
    pub async fn any(&self) -> Want {
        loop {
            if self.stop.load(Ordering::Acquire) {
                return Want::Stop;
            }
            if self.promote.load(Ordering::Acquire) {
                return Want::Promote;
            }
            self.wake.notified().await;
        }
    }
}

impl Replication {
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        engine: Arc<Engine>,
        catalog: Arc<CatalogStore>,
        options: ReplicationOptions,
    ) -> Result<Arc<Replication>> {
        let slots = Slots::open(disk.clone(), engine.wal().clone(), options.slot_keep, options.slots_most)?;
        let history = Mutex::new(History::load(&*disk)?);
        let senders = Senders::new(engine.clone());
        let node = Arc::new(Replication {
            engine,
            catalog,
            disk,
            clock,
            entropy,
            slots,
            senders,
            history,
            receiving: Mutex::default(),
            heartbeat: Mutex::default(),
            applier: Mutex::default(),
            applied: Notify::new(),
            wanted: Wanted::default(),
            wait_for: options.wait_for,
            last_commit_us: AtomicI64::new(0),
        });
        if !node.in_recovery() {
            node.begin_to_wait();
        }
        Ok(node)
    }

    /// Commits are possible now, and wait for whom they are to wait for.
    pub(super) fn begin_to_wait(&self) {
        self.senders.wait_for(self.wait_for.clone());
    }

    /// Whether this node follows another's log.
    pub fn in_recovery(&self) -> bool {
        self.engine.follows()
    }

    /// Everything up to here is visible.
    pub fn replayed(&self) -> Lsn {
        self.engine.applied()
    }

    /// Everything up to here has been received and is durable.
    pub fn received(&self) -> Lsn {
        self.engine.durable()
    }

    /// When the newest transaction that was applied had been committed; microseconds since 2000.
    pub fn last_commit_us(&self) -> Option<i64> {
        Some(self.last_commit_us.load(Ordering::Relaxed)).filter(|us| *us != 0)
    }

    /// How old what this replica shows is, in microseconds: how long ago, as far as is known, the primary had no more. None on
    /// a primary, and before one was heard of.
    pub fn lag_us(&self) -> Option<i64> {
        let as_of = self.heartbeat.lock().as_of(self.replayed()).filter(|_| self.in_recovery());
        as_of.map(|at_us| (self.now_us() - at_us).max(0))
    }

    pub fn receiving(&self) -> Receiving {
        self.receiving.lock().clone()
    }

    pub fn timeline(&self) -> u32 {
        self.engine.wal().identity().timeline
    }

    /// Identifies the cluster as PostgreSQL's tools expect it.
    pub fn system_id(&self) -> u64 {
        self.engine.wal().identity().cluster as u64
    }

    pub fn history(&self) -> History {
        self.history.lock().clone()
    }

    /// Now, in microseconds since 2000.
    pub fn now_us(&self) -> i64 {
        self.clock.now_us() as i64 + UNIX_EPOCH_US
    }

    /// The durable log from `lsn` on. Whoever reads it keeps it from being removed.
    pub fn log_from(&self, lsn: Lsn) -> Result<Reader> {
        self.engine.wal().read_from(lsn)
    }

    /// Resolves when everything up to `lsn` is visible here: true; or when this node has stopped following before: false.
    pub async fn wait_replayed(&self, lsn: Lsn) -> bool {
        loop {
            let mut more = std::pin::pin!(self.applied.notified());
            more.as_mut().enable();
            if self.replayed() >= lsn {
                return true;
            }
            if !self.in_recovery() {
                return false;
            }
            more.await;
        }
    }

    /// Asks the task that follows to make a primary of this node. [`Replication::in_recovery`] tells when it has.
    pub fn request_promotion(&self) {
        self.wanted.promote.store(true, Ordering::Release);
        self.wanted.wake.notify_one();
    }

    pub(super) fn note_applied(&self, applied: &Applied) {
        if applied.commit {
            self.last_commit_us.store(applied.time_us as i64 + UNIX_EPOCH_US, Ordering::Relaxed);
        }
        self.applied.notify_waiters();
    }
}
