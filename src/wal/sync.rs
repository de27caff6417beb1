//! The locks of `progress.rs`, here in one place because its test compiles that file a second time, on top of locks
//! whose every interleaving the test can choose.

pub use parking_lot::{Mutex, MutexGuard};
pub use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub struct Condvar(parking_lot::Condvar);

impl Condvar {
    pub fn new() -> Condvar {
        Condvar(parking_lot::Condvar::new())
    }

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Gives the guard back, and whether the time ran out.
    pub fn wait_for<'a, T>(&self, mut guard: MutexGuard<'a, T>, time: Duration) -> (MutexGuard<'a, T>, bool) {
        let timed_out = self.0.wait_for(&mut guard, time).timed_out();
        (guard, timed_out)
    }
}
