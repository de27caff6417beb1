//! The two threads of a primary: one ships the log, the other takes snapshots and lets old ones expire.
//!
//! The store may be away for as long as it likes: both try again, later and later, and say so now and then. What costs
//! processor time runs behind everything else.

use super::Shared;
use super::archive::Archiver;
use super::chunk::CHUNK_BYTES;
use super::expire::{self, expire};
use super::manifest::Manifest;
use super::schedule::Schedule;
use super::snapshot::{Snapshotter, Taken};
use crate::base::{Error, Lsn, Result, SqlState};
use crate::engine::Engine;
use crate::io::{Clock, Entropy, ObjectStore, work_in_the_background};
use crate::wal::Hold;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often the threads look whether something is due.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// The longest time between two attempts.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// How often a failure that lasts is told.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);
/// How long one who asked for a snapshot waits for the log behind it.
const ARCHIVE_WAIT_MAX: Duration = Duration::from_secs(60);
/// The longest single pause of a snapshot.
const PAUSE_MAX: Duration = Duration::from_millis(100);

#[derive(Clone)]
pub struct BackupOptions {
    pub store: Arc<dyn ObjectStore>,
    /// How often durable log is shipped.
    pub archive_interval: Duration,
    /// When snapshots are taken that nobody asks for.
    pub schedule: Schedule,
    /// How far back a moment can be restored; for ever if there is none.
    pub retention: Option<Duration>,
    /// How many bytes of pages a snapshot deals with in a second; 0: as many as it can.
    pub snapshot_rate: u64,
    /// How much log may wait for the store before it is let go.
    pub log_keep_bytes: u64,
    /// Where this timeline began and those that it follows on, but for the first.
    pub forks: Vec<(u32, Lsn)>,
}

/// Archiving and snapshots of an open primary.
pub struct Backups {
    shared: Arc<Shared>,
    engine: Arc<Engine>,
    signals: Arc<Signals>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads are told.
#[derive(Default)]
struct Signals {
    told: Mutex<Told>,
    changed: Condvar,
}

#[derive(Default)]
struct Told {
    stop: bool,
    /// Ship now.
    archive: bool,
    /// Who waits for a snapshot,
    takes: Vec<Sender<Result<Taken>>>,
    /// and for one to be deleted.
    deletes: Vec<(Lsn, Sender<Result<()>>)>,
}

impl Signals {
    fn tell(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told.lock());
        self.changed.notify_all();
    }

    /// Sleeps for a while, or until something is told. Answers whether to stop.
    fn rest(&self, time: Duration) -> bool {
        let mut told = self.told.lock();
        if !told.stop && !time.is_zero() {
            self.changed.wait_for(&mut told, time);
        }
        told.stop
    }

    fn is_stopping(&self) -> bool {
        self.told.lock().stop
    }
}

/// Attempts that fail: the next one comes later, and not each failure is told.
struct Attempts {
    what: &'static str,
    wait: Duration,
    reported: Option<Duration>,
}

impl Attempts {
    fn new(what: &'static str) -> Attempts {
        Attempts { what, wait: Duration::ZERO, reported: None }
    }

    fn succeeded(&mut self) {
        if self.reported.take().is_some() {
            tracing::info!("{}: it works again", self.what);
        }
        self.wait = Duration::ZERO;
    }

    fn failed(&mut self, now: Duration, e: &Error) {
        if self.reported.is_none_or(|at| now.saturating_sub(at) >= REPORT_INTERVAL) {
            let hint = e.fields().hint.as_deref().unwrap_or_default();
            tracing::warn!("{}: {e} {hint}", self.what);
            self.reported = Some(now);
        }
        self.wait = (self.wait * 2).clamp(Duration::from_secs(1), RETRY_MAX);
    }
}

impl Backups {
    /// Starts the threads. `hold` keeps the log since before the engine made its first checkpoint.
    pub fn start(
        engine: Arc<Engine>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        hold: Hold,
        options: BackupOptions,
    ) -> Result<Arc<Backups>> {
        let shared = Shared::new(options.store.clone(), engine.wal().identity(), options.forks.clone(), entropy);
        let signals = Arc::new(Signals::default());
        let backups = Backups {
            shared: shared.clone(),
            engine: engine.clone(),
            signals: signals.clone(),
            threads: Mutex::default(),
        };
        let wal = engine.wal().clone();
        let archiver = Archiver::new(shared.clone(), wal, clock.clone(), hold, options.log_keep_bytes);
        let snapshotter = Snapshotter::new(shared.clone(), engine.clone(), clock.clone());
        let ship = ShipThread {
            archiver,
            shared: shared.clone(),
            engine: engine.clone(),
            clock: clock.clone(),
            signals: signals.clone(),
        };
        let interval = options.archive_interval;
        let snapshots = SnapshotThread { snapshotter, shared, engine, clock, signals, options };
        backups.spawn("backup-archive", move || ship.run(interval))?;
        backups.spawn("backup-snapshot", move || snapshots.run())?;
        Ok(Arc::new(backups))
    }

    fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = thread::Builder::new().name(name.to_string()).spawn(body)?;
        self.threads.lock().push(thread);
        Ok(())
    }

    /// Takes a snapshot, and waits until it and the log up to now are in the store. `check` is called now and then, and
    /// its error ends the wait, not the snapshot.
    pub fn snapshot(&self, check: &dyn Fn() -> Result<()>) -> Result<Taken> {
        let until = self.engine.wal().appended();
        let (sender, receiver) = channel();
        self.signals.tell(|told| told.takes.push(sender));
        let taken = wait_for(&receiver, check)??;
        let mut waited = Duration::ZERO;
        while self.shared.archived() < until {
            if waited >= ARCHIVE_WAIT_MAX {
                let message = format!("snapshot {} is taken, but the archive does not get on", taken.manifest.name());
                return Err(Error::new(SqlState::IO_ERROR, message).hint("The server's log says why."));
            }
            self.signals.tell(|told| told.archive = true);
            check()?;
            thread::sleep(LOOK_INTERVAL / 10);
            waited += LOOK_INTERVAL / 10;
        }
        Ok(taken)
    }

    /// Deletes a snapshot that was asked for, once none is being taken.
    ///
    /// Errors: 42704 when there is none of this id; 55000 for one that was taken by itself; those of the store.
    pub fn delete(&self, id: Lsn, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let (sender, receiver) = channel();
        self.signals.tell(|told| told.deletes.push((id, sender)));
        wait_for(&receiver, check)?
    }

    /// Up to where the store has the log.
    pub fn archived(&self) -> Lsn {
        self.shared.archived()
    }

    /// Ships what is durable, if the store takes it, and ends the threads. A snapshot under way is given up.
    pub fn stop(&self) {
        self.signals.tell(|told| told.stop = true);
        for thread in std::mem::take(&mut *self.threads.lock()) {
            // It panicked at worst, and said so.
            let _ = thread.join();
        }
    }
}

impl Drop for Backups {
    fn drop(&mut self) {
        self.stop();
    }
}

fn wait_for<T>(receiver: &Receiver<T>, check: &dyn Fn() -> Result<()>) -> Result<T> {
    loop {
        match receiver.recv_timeout(LOOK_INTERVAL / 10) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Timeout) => check()?,
            Err(RecvTimeoutError::Disconnected) => return Err(stopping()),
        }
    }
}

fn stopping() -> Error {
    Error::new(SqlState::ADMIN_SHUTDOWN, "the server is stopping")
}

struct ShipThread {
    archiver: Archiver,
    shared: Arc<Shared>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    signals: Arc<Signals>,
}

impl ShipThread {
    fn run(mut self, interval: Duration) {
        work_in_the_background();
        let mut attempts = Attempts::new("archiving the log");
        loop {
            let stop = self.signals.is_stopping();
            let done = if stop { self.archiver.last_step() } else { self.archiver.step() };
            match done {
                Ok(_) => attempts.succeeded(),
                Err(e) => attempts.failed(self.clock.monotonic(), &e),
            }
            if stop {
                return;
            }
            self.sleep(interval.max(attempts.wait), attempts.wait.is_zero());
        }
    }

    /// Until the next step is due: by time, when a chunk is full, or when it is asked for.
    fn sleep(&self, time: Duration, healthy: bool) {
        let begun = self.clock.monotonic();
        while self.clock.monotonic().saturating_sub(begun) < time {
            if self.signals.rest(LOOK_INTERVAL) {
                return;
            }
            let waiting = self.engine.durable().0.saturating_sub(self.shared.archived().0);
            let asked = std::mem::take(&mut self.signals.told.lock().archive);
            if healthy && (asked || waiting >= CHUNK_BYTES as u64) {
                return;
            }
        }
    }
}

struct SnapshotThread {
    snapshotter: Snapshotter,
    shared: Arc<Shared>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    signals: Arc<Signals>,
    options: BackupOptions,
}

impl SnapshotThread {
    fn run(self) {
        let mut attempts = Attempts::new("taking a snapshot");
        // When the newest was taken that nobody asked for; none until the store told.
        let mut last: Option<Option<u64>> = None;
        let mut tried = Duration::ZERO;
        while !self.signals.rest(LOOK_INTERVAL) {
            // A server that is not the one that writes to this part of the store takes nothing into it and deletes nothing.
            let Some(ours) = self.shared.is_ours() else { continue };
            let (takes, deletes) = {
                let mut told = self.signals.told.lock();
                (std::mem::take(&mut told.takes), std::mem::take(&mut told.deletes))
            };
            for (id, request) in deletes {
                // Who asked may have gone.
                let _ = request.send(ours.clone().and_then(|()| self.delete(id)));
            }
            if let Err(e) = ours {
                takes.iter().for_each(|request| drop(request.send(Err(e.clone()))));
                continue;
            }
            let now = self.clock.monotonic();
            let may_try = now.saturating_sub(tried) >= attempts.wait || attempts.wait.is_zero();
            let is_due = may_try && self.is_due(&mut last, &mut attempts);
            if takes.is_empty() && !is_due {
                continue;
            }
            tried = now;
            let taken = self.take(!takes.is_empty());
            match &taken {
                Ok(_) => {
                    attempts.succeeded();
                    if is_due {
                        // Also when nothing had changed: it need not be looked at again and again.
                        last = Some(Some(self.clock.now_us()));
                    }
                }
                Err(e) if e.code() == SqlState::ADMIN_SHUTDOWN => {}
                Err(e) => attempts.failed(self.clock.monotonic(), e),
            }
            for request in takes {
                let _ = request.send(taken.clone());
            }
        }
    }

    fn is_due(&self, last: &mut Option<Option<u64>>, attempts: &mut Attempts) -> bool {
        if self.options.schedule == Schedule::Never {
            return false;
        }
        let last = match *last {
            Some(last) => last,
            None => match self.last_in_store() {
                Ok(found) => *last.insert(found),
                Err(e) => {
                    attempts.failed(self.clock.monotonic(), &e);
                    return false;
                }
            },
        };
        self.options.schedule.is_due(last, self.clock.now_us()) || self.shared.snapshot_is_wanted()
    }

    /// When the newest snapshot in the store was taken of those that nobody asked for; none if there is none.
    fn last_in_store(&self) -> Result<Option<u64>> {
        let (store, layout) = (&*self.shared.store, &self.shared.layout);
        for id in Manifest::list(store, layout)?.into_iter().rev() {
            match Manifest::read(store, layout, id) {
                Ok(manifest) if !manifest.on_demand => return Ok(Some(manifest.time_us)),
                Ok(_) => {}
                // A new one is due then.
                Err(e) if e.code() == SqlState::DATA_CORRUPTED => return Ok(None),
                Err(e) => return Err(e),
            }
        }
        Ok(None)
    }

    fn delete(&self, id: Lsn) -> Result<()> {
        expire::delete(&self.shared, id)?;
        tracing::info!(%id, "snapshot deleted");
        self.expire();
        Ok(())
    }

    fn take(&self, on_demand: bool) -> Result<Taken> {
        // Others may wait for a lock that making a checkpoint holds; nobody waits for the rest.
        self.engine.checkpoint_spread()?;
        let begun = self.clock.monotonic();
        let taken = thread::scope(|scope| {
            let upload = || {
                work_in_the_background();
                let done = std::cell::Cell::new(0);
                self.snapshotter.take(on_demand, &|bytes| {
                    done.set(done.get() + bytes);
                    self.pause(done.get(), begun)
                })
            };
            let upload = thread::Builder::new().name("backup-upload".into()).spawn_scoped(scope, upload)?;
            upload.join().map_err(|_| Error::internal("the thread that takes a snapshot panicked"))?
        })?;
        let Taken { manifest, already_there } = &taken;
        if !already_there {
            let took = self.clock.monotonic().saturating_sub(begun);
            let (pages, changed, bytes) = (manifest.pages, manifest.pages_uploaded, manifest.bytes_uploaded);
            tracing::info!(id = manifest.name(), pages, changed, bytes, ?took, "snapshot");
        }
        self.expire();
        Ok(taken)
    }

    /// An error of it is no reason to complain to whom asked for something else.
    fn expire(&self) {
        match expire(&self.shared, self.clock.now_us(), self.options.retention) {
            Ok(expired) if expired.objects > 0 => {
                tracing::info!(snapshots = expired.snapshots, objects = expired.objects, "expired");
            }
            Ok(_) => {}
            Err(e) => tracing::warn!("old snapshots are not removed: {e}"),
        }
    }

    /// So that `bytes` since `begun` are no more than the rate allows.
    fn pause(&self, bytes: u64, begun: Duration) -> Result<()> {
        let rate = self.options.snapshot_rate;
        let due = if rate == 0 { Duration::ZERO } else { Duration::from_secs_f64(bytes as f64 / rate as f64) };
        loop {
            if self.signals.is_stopping() {
                return Err(stopping());
            }
            let ahead = due.saturating_sub(self.clock.monotonic().saturating_sub(begun));
            // Short pauses cost more than they spare.
            if ahead < PAUSE_MAX / 10 {
                return Ok(());
            }
            thread::sleep(ahead.min(PAUSE_MAX));
        }
    }
}
