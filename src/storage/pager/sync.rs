//! The locks of the pager and the latches of its pages, here in one place because a test compiles the pager a second time, on
//! locks whose every interleaving the test can choose.

use parking_lot::RawRwLock;
use parking_lot::lock_api::{RawRwLock as _, RawRwLockTimed as _};
pub use parking_lot::{Condvar, Mutex, MutexGuard};
pub use std::thread::yield_now;
use std::time::Duration;

/// How long to wait when everything is latched or being written by others.
const BUSY_WAIT: Duration = Duration::from_micros(100);

/// Shared by readers, or one writer's. Of zeroes it is free.
pub struct Latch(RawRwLock);

// SAFETY: both are as many bytes, all of them initialised.
const UNLOCKED: usize = unsafe { std::mem::transmute::<RawRwLock, usize>(RawRwLock::INIT) };
const _: () = assert!(UNLOCKED == 0, "a latch of zeroes is free");

impl Latch {
    #[inline]
    pub fn try_shared(&self) -> bool {
        self.0.try_lock_shared()
    }

    #[inline]
    pub fn try_exclusive(&self) -> bool {
        self.0.try_lock_exclusive()
    }

    pub fn try_shared_for(&self, time: Duration) -> bool {
        self.0.try_lock_shared_for(time)
    }

    pub fn try_exclusive_for(&self, time: Duration) -> bool {
        self.0.try_lock_exclusive_for(time)
    }

    pub fn exclusive(&self) {
        self.0.lock_exclusive();
    }

    /// # Safety
    /// The caller has it shared.
    #[inline]
    pub unsafe fn release_shared(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.0.unlock_shared() }
    }

    /// # Safety
    /// The caller has it exclusively.
    #[inline]
    pub unsafe fn release_exclusive(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.0.unlock_exclusive() }
    }
}

/// Waits for what others do.
pub fn rest() {
    std::thread::sleep(BUSY_WAIT);
}
