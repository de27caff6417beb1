//! The mutex and the condition variable of the lock table, in one place because a test compiles the table a second time
//! on top of locks whose every interleaving it can choose.

pub use parking_lot::{Mutex, MutexGuard};
use std::time::Duration;

pub struct Condvar(parking_lot::Condvar);

impl Condvar {
    pub fn new() -> Condvar {
        Condvar(parking_lot::Condvar::new())
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Waits for a notification, at most for `time`.
    pub fn wait_for<'a, T>(&self, mut guard: MutexGuard<'a, T>, time: Duration) -> MutexGuard<'a, T> {
        self.0.wait_for(&mut guard, time);
        guard
    }
}
