//! Which snapshots are open, so that the versions they see are kept.
//!
//! A registration is a slot with an LSN and a count of its users. Taking one is a compare-and-swap on a slot that this
//! thread likely used before; nobody takes a lock. The danger is the moment between choosing an LSN and publishing it,
//! in which the purger may decide that nobody needs it. It is Dekker's pattern: the reader publishes its LSN, then looks
//! at the floor; the purger publishes the floor, then looks at the slots. So either the purger sees the reader, or the
//! reader sees a floor above its LSN and chooses again.

use super::needed::Needed;
use crate::base::{Error, Lsn, Result, SqlState};
use std::cell::Cell;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, OnceLock};

const CHUNK_SLOTS: usize = 64;
const CHUNKS_MAX: usize = 1024;
const FREE: u64 = u64::MAX;

/// `users`: 0 free, 1 being set up or taken down by one thread, n + 1 with n users.
#[repr(align(64))]
struct Slot {
    lsn: AtomicU64,
    users: AtomicU32,
}

type Chunk = Box<[Slot; CHUNK_SLOTS]>;

/// All open snapshots of one store.
pub struct Snapshots {
    /// Filled from the front, never emptied.
    chunks: Box<[OnceLock<Chunk>]>,
    floor: AtomicU64,
}

thread_local! {
    /// The slot that this thread used last.
    static LAST: Cell<usize> = const { Cell::new(0) };
}

impl Default for Snapshots {
    fn default() -> Self {
        Snapshots { chunks: (0..CHUNKS_MAX).map(|_| OnceLock::new()).collect(), floor: AtomicU64::new(0) }
    }
}

fn new_chunk() -> Chunk {
    Box::new(std::array::from_fn(|_| Slot { lsn: AtomicU64::new(FREE), users: AtomicU32::new(0) }))
}

impl Snapshots {
    /// Registers the LSN that `choose` returns; it may be called again, and must be at least the purge floor then.
    pub fn register(self: &Arc<Self>, choose: impl Fn() -> Lsn) -> Result<Registration> {
        let slot = self.claim()?;
        let lsn = self.publish(self.slot(slot), choose);
        self.slot(slot).users.store(2, Release);
        Ok(Registration { snapshots: Arc::clone(self), slot: slot as u32, lsn })
    }

    fn slot(&self, i: usize) -> &Slot {
        &self.chunks[i / CHUNK_SLOTS].get().expect("a claimed slot's chunk exists")[i % CHUNK_SLOTS]
    }

    fn publish(&self, slot: &Slot, choose: impl Fn() -> Lsn) -> Lsn {
        loop {
            let lsn = choose();
            slot.lsn.store(lsn.0, SeqCst);
            if self.floor.load(SeqCst) <= lsn.0 {
                return lsn;
            }
            std::hint::spin_loop();
        }
    }

    fn claim(&self) -> Result<usize> {
        let take =
            |slot: &Slot| slot.users.load(Relaxed) == 0 && slot.users.compare_exchange(0, 1, Acquire, Relaxed).is_ok();
        let last = LAST.get();
        if self.chunks[last / CHUNK_SLOTS].get().is_some_and(|c| take(&c[last % CHUNK_SLOTS])) {
            return Ok(last);
        }
        for (c, chunk) in self.chunks.iter().enumerate() {
            let slots = chunk.get_or_init(new_chunk);
            if let Some(i) = slots.iter().position(take) {
                LAST.set(c * CHUNK_SLOTS + i);
                return Ok(c * CHUNK_SLOTS + i);
            }
        }
        Err(Error::new(SqlState::CONFIGURATION_LIMIT_EXCEEDED, "too many open snapshots")
            .hint(format!("At most {} snapshots can be open at once.", CHUNKS_MAX * CHUNK_SLOTS)))
    }

    /// What must stay readable from now on, when new snapshots are at least `floor` (and any earlier floor).
    pub fn needed(&self, floor: Lsn) -> Needed {
        let floor = Lsn(self.floor.fetch_max(floor.0, SeqCst).max(floor.0));
        let mut snapshots = self.open();
        snapshots.sort_unstable();
        snapshots.dedup();
        Needed { snapshots, floor, changes_after: Lsn::MAX }
    }

    /// The LSNs of the open snapshots, in no order.
    pub fn open(&self) -> Vec<Lsn> {
        let mut lsns = Vec::new();
        for chunk in self.chunks.iter().map_while(OnceLock::get) {
            lsns.extend(chunk.iter().map(|slot| slot.lsn.load(SeqCst)).filter(|&l| l != FREE).map(Lsn));
        }
        lsns
    }
}

/// An open snapshot. Clones share it; it closes with the last one.
pub struct Registration {
    snapshots: Arc<Snapshots>,
    slot: u32,
    lsn: Lsn,
}

impl Registration {
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    fn slot(&self) -> &Slot {
        self.snapshots.slot(self.slot as usize)
    }

    /// Moves the snapshot to another LSN, if nobody else uses it.
    pub fn renew(&mut self, choose: impl Fn() -> Lsn) -> bool {
        if self.slot().users.load(Acquire) != 2 {
            return false;
        }
        self.lsn = self.snapshots.publish(self.slot(), choose);
        true
    }
}

impl Clone for Registration {
    fn clone(&self) -> Self {
        self.slot().users.fetch_add(1, Relaxed);
        Registration { snapshots: Arc::clone(&self.snapshots), slot: self.slot, lsn: self.lsn }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let slot = self.slot();
        if slot.users.fetch_sub(1, Release) == 2 {
            slot.users.load(Acquire);
            slot.lsn.store(FREE, SeqCst);
            slot.users.store(0, Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_open_until_its_last_clone_goes() {
        let all = Arc::new(Snapshots::default());
        let a = all.register(|| Lsn(5)).unwrap();
        let b = a.clone();
        drop(a);
        assert_eq!(all.open(), [Lsn(5)]);
        drop(b);
        assert!(all.open().is_empty());
    }

    #[test]
    fn only_a_sole_user_may_renew() {
        let all = Arc::new(Snapshots::default());
        let mut a = all.register(|| Lsn(5)).unwrap();
        let b = a.clone();
        assert!(!a.renew(|| Lsn(9)));
        drop(b);
        assert!(a.renew(|| Lsn(9)));
        assert_eq!(all.open(), [Lsn(9)]);
    }

    #[test]
    fn a_reader_behind_the_floor_chooses_again() {
        let all = Arc::new(Snapshots::default());
        assert_eq!(all.needed(Lsn(7)).oldest(), Lsn(7));
        let tries = Cell::new(5);
        let a = all.register(|| Lsn(tries.replace(tries.get() + 1))).unwrap();
        assert_eq!(a.lsn(), Lsn(7));
    }

    #[test]
    fn more_snapshots_than_a_chunk_holds() {
        let all = Arc::new(Snapshots::default());
        let many: Vec<_> = (0..200).map(|i| all.register(|| Lsn(i)).unwrap()).collect();
        assert_eq!(all.open().len(), 200);
        assert_eq!(all.needed(Lsn(300)).oldest(), Lsn(0));
        drop(many);
        assert!(all.open().is_empty());
    }
}
