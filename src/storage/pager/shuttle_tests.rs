//! Page faults, splits and evictions in any interleaving: the pager on locks that shuttle schedules. A cycle of waits, or
//! threads that keep each other from ever getting on, exceed the number of steps that a run may have.

mod sync {
    pub use shuttle::thread::yield_now;
    use std::ops::{Deref, DerefMut};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    pub struct Mutex<T>(shuttle::sync::Mutex<T>);

    pub struct MutexGuard<'a, T>(Option<shuttle::sync::MutexGuard<'a, T>>);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Mutex<T> {
            Mutex(shuttle::sync::Mutex::new(value))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().unwrap()))
        }
    }

    impl<T: Default> Default for Mutex<T> {
        fn default() -> Mutex<T> {
            Mutex::new(T::default())
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.0.as_ref().unwrap()
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().unwrap()
        }
    }

    #[derive(Default)]
    pub struct Condvar(shuttle::sync::Condvar);

    impl Condvar {
        pub fn new() -> Condvar {
            Condvar::default()
        }

        pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            guard.0 = Some(self.0.wait(guard.0.take().unwrap()).unwrap());
        }

        pub fn notify_all(&self) {
            self.0.notify_all();
        }
    }

    const EXCLUSIVE: u32 = u32::MAX;

    /// How many share it. Between any two looks at it others may run.
    pub struct Latch(AtomicU32);

    /// Others may run here.
    fn switch() {
        drop(shuttle::sync::Mutex::new(()).lock());
    }

    impl Latch {
        pub fn try_shared(&self) -> bool {
            switch();
            let holders = self.0.load(Ordering::Relaxed);
            if holders != EXCLUSIVE {
                self.0.store(holders + 1, Ordering::Relaxed);
            }
            holders != EXCLUSIVE
        }

        pub fn try_exclusive(&self) -> bool {
            switch();
            let free = self.0.load(Ordering::Relaxed) == 0;
            if free {
                self.0.store(EXCLUSIVE, Ordering::Relaxed);
            }
            free
        }

        /// The time is up whenever shuttle says so.
        pub fn try_shared_for(&self, _: Duration) -> bool {
            yield_now();
            self.try_shared()
        }

        pub fn try_exclusive_for(&self, _: Duration) -> bool {
            yield_now();
            self.try_exclusive()
        }

        pub fn exclusive(&self) {
            while !self.try_exclusive() {
                yield_now();
            }
        }

        pub unsafe fn release_shared(&self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
            switch();
        }

        pub unsafe fn release_exclusive(&self) {
            self.0.store(0, Ordering::Relaxed);
            switch();
        }
    }

    pub fn rest() {
        yield_now();
    }
}

macro_rules! on_shuttle {
    ($($file:literal $name:ident)*) => { $(
        #[allow(dead_code, clippy::duplicate_mod)]
        #[path = $file]
        mod $name;
    )* };
}

on_shuttle! {
    "admit.rs" admit "blocks.rs" blocks "canary.rs" canary "checkpoint.rs" checkpoint "flush.rs" flush "frame.rs" frame
    "guard.rs" guard "head.rs" head "ledger.rs" ledger "load.rs" load "map.rs" map "open.rs" open "options.rs" options "pin.rs" pin "pool.rs" pool
    "superblock.rs" superblock "table.rs" table "word.rs" word "write.rs" write
}

use crate::base::{Lsn, PageId};
use crate::io::SimDisk;
use head::{HEAD_BYTES, PAGE_BYTES};
use options::{PagerOptions, Root};
use pool::Pager;
use std::sync::Arc;

const FRAMES: usize = 8;
const OTHERS: u8 = 10;
const DESCENTS: usize = 12;

/// A page that names a child, and more pages than frames.
struct Fixture {
    pager: Arc<Pager>,
    parent: PageId,
    others: Vec<PageId>,
}

fn put(page: &mut [u8], child: PageId, mark: u8) {
    page[HEAD_BYTES..HEAD_BYTES + 4].copy_from_slice(&child.0.to_le_bytes());
    page[HEAD_BYTES + 4] = mark;
}

fn child_and_mark(page: &[u8]) -> (PageId, u8) {
    (PageId(u32::from_le_bytes(*page[HEAD_BYTES..].first_chunk().unwrap())), page[HEAD_BYTES + 4])
}

impl Fixture {
    fn new() -> Fixture {
        let options = PagerOptions { page_bytes: 512, frames: FRAMES, grow_blocks: 32 };
        let (pager, _) = Pager::open(Arc::new(SimDisk::new(1)), "data", options).unwrap();
        let fresh = |child, mark| {
            pager.admit(1).unwrap();
            let w = pager.write();
            let (pid, mut page) = w.allocate().unwrap();
            put(&mut page, child, mark);
            pid
        };
        let child = fresh(PageId::NONE, 1);
        let parent = fresh(child, 1);
        let others = (0..OTHERS).map(|n| fresh(PageId::NONE, n)).collect();
        let fixture = Fixture { pager, parent, others };
        fixture.checkpoint(1);
        fixture
    }

    fn checkpoint(&self, lsn: u64) {
        self.pager.write().freeze(Root { lsn: Lsn(lsn), payload: Vec::new() });
        self.pager.checkpoint(&|_| {}, &|_| Ok(())).unwrap();
    }

    /// From the parent to its child, both latched for a moment: they have the same mark, never an older one than before.
    fn descend(&self) {
        let mut newest = 0;
        for _ in 0..DESCENTS {
            let parent = self.pager.read(self.parent).unwrap();
            let (pid, mark) = child_and_mark(&parent);
            match self.pager.read_resident(pid) {
                Some(child) => {
                    assert_eq!(child_and_mark(&child).1, mark, "parent and child are of two times");
                    assert!(mark >= newest);
                    newest = mark;
                }
                None => {
                    drop(parent);
                    self.pager.load(pid).unwrap();
                }
            }
        }
    }

    /// A new child in the old one's place, as a split makes one: the new page first, then the parent, then the old child.
    fn replace_child(&self, mark: u8) {
        self.pager.admit(4).unwrap();
        let w = self.pager.write();
        let (new, mut page) = w.allocate().unwrap();
        put(&mut page, PageId::NONE, mark);
        let mut parent = w.page_mut(self.parent).unwrap();
        let (old, _) = child_and_mark(&parent);
        let child = w.page_mut(old).unwrap();
        put(&mut parent, new, mark);
        drop((page, parent, child));
        w.free(old);
    }

    /// Reads other pages, so that frames change hands.
    fn crowd(&self) {
        let pids = self.others.iter().enumerate();
        for (n, pid) in pids.clone().chain(pids) {
            assert_eq!(child_and_mark(&self.pager.read(*pid).unwrap()).1, n as u8, "a foreign page");
        }
    }
}

fn run() {
    let fixture = Arc::new(Fixture::new());
    let spawn = |work: fn(&Fixture)| {
        let fixture = fixture.clone();
        shuttle::thread::spawn(move || work(&fixture))
    };
    let reader = spawn(Fixture::descend);
    let crowd = spawn(Fixture::crowd);
    (2..5).for_each(|mark| fixture.replace_child(mark));
    fixture.checkpoint(2);
    crowd.join().unwrap();
    reader.join().unwrap();
    assert_eq!(child_and_mark(&fixture.pager.read(fixture.parent).unwrap()).1, 4);
    assert_eq!(fixture.pager.stats().pages, usize::from(OTHERS) + 2);
}

#[test]
fn every_fault_and_every_latch_comes_to_an_end() {
    shuttle::check_random(run, 200);
    shuttle::check_pct(run, 500, 3);
}

/// Who waits for a latch without looking whether the page is still there may wait for one who waits for him.
#[test]
fn a_wait_without_a_second_look_is_noticed() {
    canary::PATIENT.set(true);
    let noticed = std::panic::catch_unwind(|| shuttle::check_pct(run, 2000, 3)).is_err();
    canary::PATIENT.set(false);
    assert!(noticed);
}
