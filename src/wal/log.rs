//! [`Wal`]: the open log, and the two threads behind it.

use super::append::{Appender, Group, record_bytes};
use super::flush::Flusher;
use super::follow::Place;
use super::hold::{Hold, Holds};
use super::progress::{Call, Progress};
use super::read::{Reader, list_segments};
use super::record::{self, Decoded, KIND_INCARNATION, PAYLOAD_BYTES_MAX, Record};
use super::recover::{Recovered, recover};
use super::segment::{HEAD_BYTES, Identity};
use super::spares::{Preparer, Retirement, Spares};
use crate::base::{Error, Lsn, Result, SqlState};
use crate::io::{Clock, Disk, Entropy};
use parking_lot::{Mutex, MutexGuard};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

#[derive(Clone)]
pub struct WalOptions {
    /// Whose log this is; a segment of another cluster is refused. 0: whose the log says it is, and a new log gets a
    /// random one.
    pub cluster: u128,
    /// 0: that of the log's last segment, and 1 for a new log.
    pub timeline: u32,
    /// The size of a segment file. A record that is longer gets a segment of its own size.
    pub segment_bytes: u64,
    /// The size of a new log's first segment, which opening it waits for.
    pub first_segment_bytes: u64,
    /// `admit` blocks while more than this is appended and not durable.
    pub unflushed_bytes_max: u64,
    /// How many segments that are no longer needed are kept for reuse.
    pub spare_segments_max: usize,
    /// How long a record that nobody waits for stays in memory.
    pub flush_interval: Duration,
    /// Whether opening appends an Incarnation record. A replica's log is its primary's byte for byte, and must not.
    pub incarnation: bool,
    /// Told the error of the first failed write or sync of the log, after which nothing is durable any more. It should
    /// not return; the default aborts the process.
    pub on_fatal: Arc<dyn Fn(&Error) + Send + Sync>,
}

impl Default for WalOptions {
    fn default() -> WalOptions {
        WalOptions {
            cluster: 0,
            timeline: 0,
            segment_bytes: 64 << 20,
            first_segment_bytes: 4 << 20,
            unflushed_bytes_max: 64 << 20,
            spare_segments_max: 16,
            flush_interval: Duration::from_millis(200),
            incarnation: true,
            on_fatal: Arc::new(|e| {
                tracing::error!("the log cannot be written, the process stops: {e}");
                std::process::abort();
            }),
        }
    }
}

/// What appenders, waiters and the two threads share.
pub struct Shared {
    pub(super) appender: Mutex<Appender>,
    pub(super) progress: Progress,
    pub(super) spares: Spares,
    pub(super) appended: AtomicU64,
    clock: Arc<dyn Clock>,
    /// The most that a record may have without needing a segment of its own size.
    segment_capacity: u64,
    unflushed_bytes_max: u64,
}

/// Why a record cannot be appended yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// The window is full until this is durable.
    Unflushed(Lsn),
    /// The next segment, of at least this capacity, is not ready.
    NoSpare(u64),
}

/// What became of another log's record.
pub(super) enum Encoded {
    /// So many bytes.
    Appended(usize),
    /// It goes on behind the end of the bytes.
    Short,
    /// It does not continue this log, which ends here.
    Foreign(Lsn),
    Obstacle(Obstacle),
}

impl Shared {
    /// What stands in the way of a payload of this length.
    fn obstacle(&self, appender: &Appender, payload: usize) -> Option<Obstacle> {
        let bytes = record_bytes(payload);
        let (end, durable) = (appender.end(), self.progress.durable());
        if end > durable && end.0 - durable.0 + bytes > self.unflushed_bytes_max {
            let until = (end.0 + bytes).saturating_sub(self.unflushed_bytes_max);
            return Some(Obstacle::Unflushed(Lsn(until).min(end)));
        }
        let ready = appender.fits(bytes) || self.spares.has(bytes);
        (!ready).then(|| Obstacle::NoSpare(bytes.max(self.segment_capacity)))
    }

    pub(super) fn try_admit(&self, payload: usize) -> Option<Obstacle> {
        self.obstacle(&self.appender.lock(), payload)
    }

    /// Appends if nothing stands in the way.
    pub(super) fn try_append(&self, kind: u8, parts: &[&[u8]]) -> Result<Lsn, Obstacle> {
        let time_us = self.clock.now_us();
        let payload = parts.iter().map(|p| p.len()).sum();
        self.try_append_with(self.appender.lock(), payload, |appender| appender.append(kind, time_us, parts))
    }

    /// The same for the record at the front of `bytes`, as another log holds it; its length as well.
    pub(super) fn try_append_encoded(&self, bytes: &[u8]) -> Encoded {
        let appender = self.appender.lock();
        let (record, length, chain) = match record::decode(bytes, appender.end(), appender.chain()) {
            Decoded::Record(record, length, chain) => (record, length, chain),
            Decoded::Short(_) => return Encoded::Short,
            Decoded::Bad => return Encoded::Foreign(appender.end()),
        };
        let appended = self.try_append_with(appender, record.payload.len(), |appender| {
            let lsn = appender.append_encoded(record.bytes, chain);
            appender.set_timeline(record.timeline().unwrap_or(appender.timeline()));
            lsn
        });
        appended.map_or_else(Encoded::Obstacle, |_| Encoded::Appended(length))
    }

    fn try_append_with(
        &self,
        mut appender: MutexGuard<'_, Appender>,
        payload: usize,
        append: impl FnOnce(&mut Appender) -> Lsn,
    ) -> Result<Lsn, Obstacle> {
        if !appender.fits(record_bytes(payload)) {
            if let Some(obstacle) = self.obstacle(&appender, payload) {
                return Err(obstacle);
            }
            let spare = self.spares.take(record_bytes(payload));
            appender.cut(spare.expect("no one else takes spares without the appender's lock"));
        }
        let lsn = append(&mut appender);
        self.appended.store(lsn.0, Ordering::Release);
        let wants_spare = appender.wants_spare();
        drop(appender);
        if wants_spare {
            self.spares.want(self.segment_capacity);
        }
        Ok(lsn)
    }
}

/// The log before it has threads: what `Wal` runs and the simulation steps.
pub(super) struct Parts {
    pub shared: Arc<Shared>,
    pub flusher: Flusher,
    pub preparer: Preparer,
    pub identity: Identity,
}

impl Parts {
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
        dir: &str,
        options: &WalOptions,
        from: Lsn,
        replay: impl FnMut(Record) -> Result<()>,
    ) -> Result<Parts> {
        assert!(options.segment_bytes > 2 * HEAD_BYTES && options.first_segment_bytes > 2 * HEAD_BYTES);
        let r: Recovered = recover(&disk, entropy, dir, options, from, replay)?;
        let shared = Arc::new(Shared {
            appender: Mutex::new(Appender::new(r.end, r.chain, r.identity.timeline, r.segment, r.capacity)),
            progress: Progress::new(r.end),
            spares: Spares::new(r.spares, r.old, r.names),
            appended: AtomicU64::new(r.end.0),
            clock,
            segment_capacity: options.segment_bytes - HEAD_BYTES,
            unflushed_bytes_max: options.unflushed_bytes_max,
        });
        let flusher = Flusher {
            disk: disk.clone(),
            dir: dir.to_string(),
            cluster: r.identity.cluster,
            file: r.file,
            segment: r.segment,
            capacity: r.capacity,
            group: Group::new(),
            wakers: Vec::new(),
        };
        let preparer = Preparer { disk, dir: dir.to_string(), segment_bytes: options.segment_bytes };
        let mut parts = Parts { shared, flusher, preparer, identity: r.identity };
        if options.incarnation {
            parts.mark_beginning(entropy)?;
        }
        Ok(parts)
    }

    /// Appends the Incarnation record and makes it durable.
    fn mark_beginning(&mut self, entropy: &dyn Entropy) -> Result<()> {
        #[cfg(test)]
        if super::canary::UNMARKED.get() {
            return Ok(());
        }
        let payload = record::incarnation(entropy.u128(), self.identity.timeline);
        if let Some(Obstacle::NoSpare(capacity)) = self.shared.try_admit(payload.len()) {
            self.shared.spares.want(capacity);
            self.preparer.step(&self.shared.spares);
            self.shared.spares.failure().map_or(Ok(()), Err)?;
        }
        let appended = self.shared.try_append(KIND_INCARNATION, &[&payload]);
        appended.expect("an empty window and a ready segment take a record");
        self.flusher.step(&self.shared)?;
        Ok(())
    }
}

/// The open log.
pub struct Wal {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    dir: String,
    identity: Identity,
    holds: Arc<Holds>,
    retirement: Retirement,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Wal {
    /// Opens the log in folder `dir`, making it when there is none and `from` is 0. Every record after `from`, Incarnations
    /// included, goes to `replay`, in order; the log ends before the first that does not verify. On return everything replayed is
    /// durable and the log has a new Incarnation record, so `appended` may be past the last record replayed.
    ///
    /// XX001 when the log is damaged before its last segment or does not reach `from`; 58P01 when it begins after.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
        dir: &str,
        options: WalOptions,
        from: Lsn,
        replay: impl FnMut(Record) -> Result<()>,
    ) -> Result<Wal> {
        let parts = Parts::open(disk.clone(), clock, entropy, dir, &options, from, replay)?;
        let Parts { shared, flusher, preparer, identity } = parts;
        let WalOptions { segment_bytes, spare_segments_max, flush_interval, on_fatal, .. } = options;
        let dir = dir.to_string();
        let retirement = Retirement { disk: disk.clone(), dir: dir.clone(), segment_bytes, spare_segments_max };
        let (holds, threads) = (Arc::default(), Mutex::default());
        let wal = Wal { shared: shared.clone(), disk, dir, identity, holds, retirement, threads };
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| -> Result<()> {
            let thread = thread::Builder::new().name(name.to_string()).spawn(body)?;
            wal.threads.lock().push(thread);
            Ok(())
        };
        let for_flusher = shared.clone();
        spawn("wal-flush", Box::new(move || flush_until_stopped(flusher, &for_flusher, flush_interval, &*on_fatal)))?;
        spawn(
            "wal-prepare",
            Box::new(move || {
                while shared.spares.sleep() {
                    preparer.step(&shared.spares);
                }
            }),
        )?;
        Ok(wal)
    }

    /// Blocks until a record with a payload of this length can be appended without blocking, by a caller who lets no
    /// one else append in between. 53100 when the next segment could not be made ready: the log itself is well.
    pub fn admit(&self, payload_bytes: usize) -> Result<()> {
        check_length(payload_bytes)?;
        while let Some(obstacle) = self.shared.try_admit(payload_bytes) {
            self.overcome(obstacle)?;
        }
        Ok(())
    }

    fn overcome(&self, obstacle: Obstacle) -> Result<()> {
        self.shared.progress.failure().map_or(Ok(()), Err)?;
        match obstacle {
            Obstacle::Unflushed(until) => self.wait_blocking(until),
            Obstacle::NoSpare(capacity) => self.shared.spares.wait_for(capacity),
        }
    }

    /// Appends a record in memory and answers its position. Admitted before, it neither blocks nor fails.
    pub fn append(&self, kind: u8, payload: &[u8]) -> Result<Lsn> {
        self.append_parts(kind, &[payload])
    }

    /// Appends a record whose payload is the concatenation of `parts`.
    pub fn append_parts(&self, kind: u8, parts: &[&[u8]]) -> Result<Lsn> {
        assert!(kind >= super::KIND_FIRST_FREE, "kinds below {} are the log's own", super::KIND_FIRST_FREE);
        check_length(parts.iter().map(|p| p.len()).sum())?;
        loop {
            match self.shared.try_append(kind, parts) {
                Ok(lsn) => return Ok(lsn),
                Err(obstacle) => self.overcome(obstacle)?,
            }
        }
    }

    /// Appends the record at the front of `bytes` as another log holds it, with its header and its checksum over all before
    /// it: this log becomes that one's copy, byte for byte. Answers its length; none when there are fewer bytes than it has.
    ///
    /// Errors: XX001 when it does not continue this log.
    pub fn append_encoded(&self, bytes: &[u8]) -> Result<Option<usize>> {
        loop {
            match self.shared.try_append_encoded(bytes) {
                Encoded::Appended(length) => return Ok(Some(length)),
                Encoded::Short => return Ok(None),
                Encoded::Obstacle(obstacle) => self.overcome(obstacle)?,
                Encoded::Foreign(end) => {
                    let message = format!("the record received does not continue the log, which ends at {end}");
                    return Err(Error::new(SqlState::DATA_CORRUPTED, message));
                }
            }
        }
    }

    /// From here on this log is nobody's copy any more, but a timeline of its own. Answers where that begins, once the record
    /// that says so is durable. Nobody else appends meanwhile.
    pub fn begin_timeline(&self, timeline: u32, entropy: &dyn Entropy) -> Result<Lsn> {
        let payload = record::incarnation(entropy.u128(), timeline);
        let start = self.appended();
        let end = loop {
            match self.shared.try_append(KIND_INCARNATION, &[&payload]) {
                Ok(end) => break end,
                Err(obstacle) => self.overcome(obstacle)?,
            }
        };
        self.shared.appender.lock().set_timeline(timeline);
        self.wait_blocking(end)?;
        Ok(start)
    }

    /// The end of the log, durable or not.
    pub fn appended(&self) -> Lsn {
        Lsn(self.shared.appended.load(Ordering::Acquire))
    }

    /// Everything up to here survives a crash.
    pub fn durable(&self) -> Lsn {
        self.shared.progress.durable()
    }

    /// Resolves when everything up to `lsn` is durable; with an error when it never will be. It is fine to wait for a
    /// position that is not appended yet.
    pub fn wait(&self, lsn: Lsn) -> DurableWait {
        let shared = (self.durable() < lsn).then(|| self.shared.clone());
        DurableWait { shared, lsn, ticket: None }
    }

    /// Blocks the thread until everything up to `lsn` is durable.
    pub fn wait_blocking(&self, lsn: Lsn) -> Result<()> {
        if self.durable() >= lsn {
            return Ok(());
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut ticket = None;
        loop {
            match self.shared.progress.poll(lsn, &mut ticket, &waker) {
                Poll::Ready(done) => return done,
                Poll::Pending => thread::park(),
            }
        }
    }

    /// The same for so long at most; false when that was not long enough.
    pub fn wait_at_most(&self, lsn: Lsn, time: Duration) -> Result<bool> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut wait = self.wait(lsn);
        let mut look = || Pin::new(&mut wait).poll(&mut Context::from_waker(&waker));
        if let Poll::Ready(done) = look() {
            return done.map(|()| true);
        }
        thread::park_timeout(time);
        match look() {
            Poll::Ready(done) => done.map(|()| true),
            Poll::Pending => Ok(false),
        }
    }

    /// Asks for everything appended so far to be made durable, and does not wait for it.
    pub fn flush(&self) {
        self.shared.progress.ask(self.appended());
    }

    /// Durable records from `lsn` on, which must be a record's end or 0.
    pub fn read_from(&self, lsn: Lsn) -> Result<Reader> {
        Reader::open(self.disk.clone(), &self.dir, self.identity.cluster, self.shared.clone(), lsn)
    }

    /// Whose log it is, and the timeline that it is on at its end.
    pub fn identity(&self) -> Identity {
        Identity { timeline: self.shared.appender.lock().timeline(), ..self.identity }
    }

    /// The end of the log, durable or not, with the chain's value there.
    pub fn end(&self) -> Place {
        let appender = self.shared.appender.lock();
        Place { at: appender.end(), chain: appender.chain() }
    }

    /// Where the oldest segment starts: the first position that can be read from.
    pub fn oldest(&self) -> Result<Lsn> {
        let starts = list_segments(&*self.disk, &self.dir)?;
        starts.first().copied().ok_or_else(|| Error::internal("an open log has a segment"))
    }

    /// Keeps what follows `lsn`, as far as it is still there, until the hold moves on or is dropped.
    pub fn hold(&self, lsn: Lsn) -> Hold {
        Holds::add(&self.holds, lsn, None)
    }

    /// The same until the log has grown `most` bytes beyond it.
    pub fn hold_at_most(&self, lsn: Lsn, most: u64) -> Hold {
        Holds::add(&self.holds, lsn, Some(most))
    }

    /// Whether somebody reads the log, or is to come back to it.
    pub fn is_held(&self) -> bool {
        self.holds.any()
    }

    /// Lets go of segments that hold nothing after `lsn` and nothing that is held: some are kept to be used again, the
    /// others are removed.
    pub fn remove_before(&self, lsn: Lsn) -> Result<()> {
        let lsn = self.holds.release(lsn, self.appended());
        self.retirement.remove_before(&self.shared.spares, lsn)
    }

    /// Makes durable what is appended and ends the threads. Later calls do nothing; dropping the log does the same.
    pub fn close(&self) -> Result<()> {
        self.shared.progress.stop();
        self.shared.spares.stop();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            if thread.join().is_err() {
                return Err(Error::internal("a thread of the log panicked"));
            }
        }
        match self.shared.progress.failure() {
            Some(e) if e.code() != SqlState::ADMIN_SHUTDOWN => Err(e),
            _ => Ok(()),
        }
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        // Whoever wants to know calls `close`.
        let _ = self.close();
    }
}

fn check_length(payload: usize) -> Result<()> {
    if payload <= PAYLOAD_BYTES_MAX {
        return Ok(());
    }
    let message = format!("a change of {payload} bytes is too large for one log record");
    Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message))
}

fn flush_until_stopped(mut flusher: Flusher, shared: &Shared, interval: Duration, on_fatal: &dyn Fn(&Error)) {
    loop {
        let call = shared.progress.sleep(&shared.appended, interval);
        if let Err(e) = flusher.step(shared) {
            shared.progress.fail(e.clone());
            return on_fatal(&e);
        }
        if call == Call::Stop {
            let closed = Error::new(SqlState::ADMIN_SHUTDOWN, "the log is closed");
            return shared.progress.fail(closed);
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for durability without a thread; see [`Wal::wait`].
#[must_use = "a future does nothing until it is awaited"]
pub struct DurableWait {
    /// None when there was nothing to wait for.
    shared: Option<Arc<Shared>>,
    lsn: Lsn,
    ticket: Option<u64>,
}

impl Future for DurableWait {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        match &this.shared {
            None => Poll::Ready(Ok(())),
            Some(shared) => shared.progress.poll(this.lsn, &mut this.ticket, cx.waker()),
        }
    }
}

impl Drop for DurableWait {
    fn drop(&mut self) {
        // Whoever has waited to the end has no place any more.
        if let (Some(shared), Some(ticket)) = (&self.shared, self.ticket)
            && shared.progress.durable() < self.lsn
        {
            shared.progress.leave(ticket);
        }
    }
}
