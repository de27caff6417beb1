//! Files ready to become segments: written through once, so that writing them again allocates nothing, and filled with
//! zeros, so that whatever lies behind the end of the log and is none is damage (`verify.rs`).
//!
//! [`Preparer`] makes them when they are wanted: of a segment that is no longer needed when there is one (a tenth of the
//! time of a new file), else of a new file. Old bytes would do no other harm: they cannot verify behind the segment's
//! head (`record.rs`).

#[cfg(test)]
use super::canary;
use super::read::list_segments;
use super::segment::{self, HEAD_BYTES};
use crate::base::{Error, Lsn, Result, SqlState};
use crate::io::{Disk, File};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;

/// A new file is filled in slices of this size, so that a commit's sync never queues behind a whole segment's.
const SLICE_BYTES: u64 = 1 << 20;

pub struct Spare {
    pub name: String,
    pub file: Box<dyn File>,
    /// Bytes of records that it can hold.
    pub capacity: u64,
}

/// The pool, shared by appenders (take), the preparer and `remove_before` (add).
pub struct Spares {
    pool: Mutex<Pool>,
    /// The preparer sleeps here.
    wanted: Condvar,
    /// Appenders who need one sleep here.
    added: Condvar,
}

struct Pool {
    ready: Vec<Spare>,
    /// Segments that are no longer needed, to be made ready again.
    old: Vec<Spare>,
    names: u64,
    /// The capacity that someone wants.
    want: Option<u64>,
    /// How the last attempt ended, for those who wait for it.
    failed: Option<Error>,
    attempts: u64,
    stop: bool,
}

impl Spares {
    /// `names`: numbers below are taken.
    pub fn new(ready: Vec<Spare>, old: Vec<Spare>, names: u64) -> Spares {
        let pool = Pool { ready, old, names, want: None, failed: None, attempts: 0, stop: false };
        Spares { pool: Mutex::new(pool), wanted: Condvar::new(), added: Condvar::new() }
    }

    /// Ready ones and old ones.
    pub fn len(&self) -> usize {
        let pool = self.pool.lock();
        pool.ready.len() + pool.old.len()
    }

    pub fn has(&self, capacity: u64) -> bool {
        self.pool.lock().ready.iter().any(|s| s.capacity >= capacity)
    }

    /// The smallest spare that can hold this much.
    pub fn take(&self, capacity: u64) -> Option<Spare> {
        let mut pool = self.pool.lock();
        let fits = pool.ready.iter().enumerate().filter(|(_, s)| s.capacity >= capacity);
        let at = fits.min_by_key(|(_, s)| s.capacity).map(|(i, _)| i)?;
        Some(pool.ready.swap_remove(at))
    }

    /// A number for a new file.
    pub fn name(&self) -> u64 {
        let mut pool = self.pool.lock();
        pool.names += 1;
        pool.names - 1
    }

    pub fn add_old(&self, old: Spare) {
        self.pool.lock().old.push(old);
    }

    /// Asks the preparer for a spare that can hold this much, unless there is one.
    pub fn want(&self, capacity: u64) {
        let mut pool = self.pool.lock();
        if !pool.ready.iter().any(|s| s.capacity >= capacity) {
            pool.want = pool.want.max(Some(capacity));
            drop(pool);
            self.wanted.notify_one();
        }
    }

    /// Blocks until there is a spare that can hold this much, or an attempt to make one fails.
    pub fn wait_for(&self, capacity: u64) -> Result<()> {
        self.want(capacity);
        let mut pool = self.pool.lock();
        // The attempt that runs now may have begun for someone who needed less: only the second end is ours for sure.
        let give_up = pool.attempts + 2;
        loop {
            if pool.stop || pool.ready.iter().any(|s| s.capacity >= capacity) {
                return Ok(());
            }
            if let Some(e) = pool.failed.as_ref().filter(|_| pool.attempts >= give_up) {
                return Err(e.clone());
            }
            pool.want = pool.want.max(Some(capacity));
            self.wanted.notify_one();
            self.added.wait(&mut pool);
        }
    }

    /// How the last attempt to make one failed, if it did.
    pub fn failure(&self) -> Option<Error> {
        self.pool.lock().failed.clone()
    }

    /// The preparer's sleep; false to stop.
    pub fn sleep(&self) -> bool {
        let mut pool = self.pool.lock();
        while pool.want.is_none() && !pool.stop {
            self.wanted.wait(&mut pool);
        }
        !pool.stop
    }

    pub fn stop(&self) {
        self.pool.lock().stop = true;
        self.wanted.notify_all();
        self.added.notify_all();
    }
}

/// Makes the spares that are wanted.
pub struct Preparer {
    pub disk: Arc<dyn Disk>,
    pub dir: String,
    pub segment_bytes: u64,
}

impl Preparer {
    /// Makes one spare if one is wanted; false when none is. A failure is for those who wait for the spare: it says
    /// nothing about the log, and the half-made file is thrown away.
    pub fn step(&self, spares: &Spares) -> bool {
        let mut pool = spares.pool.lock();
        let Some(capacity) = pool.want.take() else { return false };
        if pool.ready.iter().any(|s| s.capacity >= capacity) {
            return true;
        }
        let old = pool.old.iter().position(|old| old.capacity >= capacity).map(|at| pool.old.swap_remove(at));
        drop(pool);
        let made = match old {
            Some(old) => self.renew(spares.name(), old),
            None => self.prepare(spares.name(), capacity.max(self.segment_bytes - HEAD_BYTES)),
        };
        let mut pool = spares.pool.lock();
        pool.attempts += 1;
        match made {
            Ok(spare) => {
                pool.failed = None;
                pool.ready.push(spare);
            }
            Err(e) => {
                tracing::warn!("no log segment could be made ready: {e}");
                pool.failed = Some(e);
            }
        }
        drop(pool);
        spares.added.notify_all();
        true
    }

    /// Fills an old segment with zeros. Its head goes first: without one nobody takes what is left for records.
    fn renew(&self, number: u64, old: Spare) -> Result<Spare> {
        #[cfg(test)]
        let clears = !canary::UNCLEARED.get();
        #[cfg(not(test))]
        let clears = true;
        if clears {
            old.file.fill_zero(0, HEAD_BYTES)?;
            old.file.sync_data()?;
            fill(&*old.file, HEAD_BYTES + old.capacity)?;
        }
        let name = format!("{}/{}", self.dir, segment::spare_name(number));
        self.disk.rename(&old.name, &name)?;
        Ok(Spare { name, ..old })
    }

    fn prepare(&self, number: u64, capacity: u64) -> Result<Spare> {
        let unready = format!("{}/{}", self.dir, segment::unready_name(number));
        let name = format!("{}/{}", self.dir, segment::spare_name(number));
        let len = HEAD_BYTES + capacity;
        // Asked first, so that trying again and again on a full disk costs nothing and takes no one's last bytes.
        if self.disk.free_bytes()? < len {
            let message = format!("could not make a log segment of {len} bytes ready: No space left on device");
            return Err(Error::new(SqlState::DISK_FULL, message));
        }
        let make = || -> Result<Box<dyn File>> {
            let file = self.disk.create(&unready)?;
            fill(&*file, len)?;
            self.disk.rename(&unready, &name)?;
            Ok(file)
        };
        match make() {
            Ok(file) => Ok(Spare { name, file, capacity }),
            Err(e) => {
                // Should this fail too, the next opening of the log removes the file.
                let _ = self.disk.remove(&unready);
                Err(e)
            }
        }
    }
}

fn fill(file: &dyn File, len: u64) -> Result<()> {
    for from in (0..len).step_by(SLICE_BYTES as usize) {
        file.fill_zero(from, SLICE_BYTES.min(len - from))?;
        file.sync_data()?;
    }
    Ok(())
}

/// Lets go of segments that are no longer needed.
pub struct Retirement {
    pub disk: Arc<dyn Disk>,
    pub dir: String,
    pub segment_bytes: u64,
    pub spare_segments_max: usize,
}

impl Retirement {
    /// Lets go of the segments that hold nothing after `lsn`, oldest first, so that what stays is never broken. Some are
    /// kept to become spares.
    pub fn remove_before(&self, spares: &Spares, lsn: Lsn) -> Result<()> {
        let starts = list_segments(&*self.disk, &self.dir)?;
        for pair in starts.windows(2).take_while(|pair| pair[1] <= lsn) {
            let path = format!("{}/{}", self.dir, segment::segment_name(pair[0]));
            let file = self.disk.open(&path)?;
            if file.len()? != self.segment_bytes || spares.len() >= self.spare_segments_max {
                self.disk.remove(&path)?;
                continue;
            }
            let name = format!("{}/{}", self.dir, segment::old_name(spares.name()));
            self.disk.rename(&path, &name)?;
            spares.add_old(Spare { name, file, capacity: self.segment_bytes - HEAD_BYTES });
        }
        Ok(())
    }
}
