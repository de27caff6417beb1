//! No wake-up is lost, whatever the threads' interleaving: `progress.rs` on locks that shuttle schedules. Its sleep
//! never times out there, so a lost wake-up is a deadlock, and shuttle reports those.

mod sync {
    use std::time::Duration;

    pub use shuttle::sync::MutexGuard;
    pub use shuttle::sync::atomic::{AtomicU64, Ordering};

    pub struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Mutex<T> {
            Mutex(shuttle::sync::Mutex::new(value))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }

    pub struct Condvar(shuttle::sync::Condvar);

    impl Condvar {
        pub fn new() -> Condvar {
            Condvar(shuttle::sync::Condvar::new())
        }

        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        pub fn wait_for<'a, T>(&self, guard: MutexGuard<'a, T>, _: Duration) -> (MutexGuard<'a, T>, bool) {
            (self.0.wait(guard).unwrap(), false)
        }
    }
}

#[path = "progress.rs"]
#[allow(clippy::duplicate_mod)]
mod progress;

use crate::base::{Error, Lsn};
use progress::{Call, Progress};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use sync::{AtomicU64, Ordering};

#[derive(Default)]
struct Fates {
    fail_after: Option<u64>,
}

fn run(committers: u64, fates: Fates) {
    let progress = Arc::new(Progress::new(Lsn::ZERO));
    let appended = Arc::new(AtomicU64::new(0));
    let flusher = {
        let (progress, appended) = (progress.clone(), appended.clone());
        shuttle::thread::spawn(move || {
            let mut wakers = Vec::new();
            let mut groups = 0;
            while progress.sleep(&appended, Duration::ZERO) == Call::Flush {
                groups += 1;
                if fates.fail_after.is_some_and(|n| groups > n) {
                    return progress.fail(Error::internal("sync failed"));
                }
                let end = Lsn(appended.load(Ordering::Acquire));
                assert!(end > progress.durable(), "called for nothing");
                progress.publish(end, &mut wakers);
            }
        })
    };
    let waiting: Vec<_> = (0..committers)
        .map(|_| {
            let (progress, appended) = (progress.clone(), appended.clone());
            shuttle::thread::spawn(move || {
                for _ in 0..2 {
                    let lsn = Lsn(appended.fetch_add(1, Ordering::AcqRel) + 1);
                    let mut ticket = None;
                    let done = poll_fn(|cx| progress.poll(lsn, &mut ticket, cx.waker()));
                    match shuttle::future::block_on(done) {
                        Ok(()) => assert!(progress.durable() >= lsn, "woken too early"),
                        Err(_) => assert!(progress.failure().is_some()),
                    }
                }
            })
        })
        .collect();
    waiting.into_iter().for_each(|t| t.join().unwrap());
    progress.stop();
    flusher.join().unwrap();
}

#[test]
fn every_waiter_is_woken() {
    shuttle::check_random(|| run(3, Fates::default()), 300);
    shuttle::check_pct(|| run(2, Fates::default()), 200, 3);
}

#[test]
fn a_failed_sync_ends_every_wait() {
    shuttle::check_random(|| run(3, Fates { fail_after: Some(1) }), 300);
}
