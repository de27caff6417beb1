//! Every wait ends, whatever the threads' interleaving: the lock table on locks that shuttle schedules. A lost wake-up
//! or an undetected deadlock leaves threads that wait for ever, and shuttle reports those.

mod sync {
    pub use shuttle::sync::MutexGuard;
    use std::time::Duration;

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

        pub fn notify_all(&self) {
            self.0.notify_all();
        }

        pub fn wait_for<'a, T>(&self, guard: MutexGuard<'a, T>, _: Duration) -> MutexGuard<'a, T> {
            self.0.wait(guard).unwrap()
        }
    }
}

use super::{TxnId, Wait};
use crate::base::TreeId;
use std::sync::Arc;

#[allow(dead_code, clippy::duplicate_mod)]
#[path = "mode.rs"]
mod mode;
#[allow(dead_code, clippy::duplicate_mod)]
#[path = "queue.rs"]
mod queue;
#[allow(dead_code, clippy::duplicate_mod)]
#[path = "table.rs"]
mod table;
#[allow(dead_code, clippy::duplicate_mod)]
#[path = "wait.rs"]
mod wait;

use mode::{LockKey as Key, LockMode as Mode};
use queue::{OwnerId, Scope};
use table::{LockTable, Outcome};

/// Two threads lock two rows in opposite orders, a third locks one and gives up half of its waits.
fn run() {
    let table = Arc::new(LockTable::new());
    let threads: Vec<_> = [[0u8, 1], [1, 0], [1, 1]]
        .into_iter()
        .enumerate()
        .map(|(n, picked)| {
            let table = table.clone();
            shuttle::thread::spawn(move || client(&table, n as u64 + 1, picked))
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    assert!(table.is_empty());
}

fn client(table: &Arc<LockTable>, n: u64, picked: [u8; 2]) {
    let owner = OwnerId(n << 32);
    let mut held = Vec::new();
    for k in picked {
        let key = [k];
        let key = Key::Row { tree: TreeId(1), key: &key };
        let hash = table.hash(&key);
        match table.lock(owner, TxnId(n), hash, key.tag(), Mode::Update, Scope::Transaction, Wait::Block) {
            Ok(Outcome::Granted) => held.push(hash),
            Ok(Outcome::AlreadyHeld) => {}
            Ok(Outcome::Busy) => unreachable!("it may wait"),
            Ok(Outcome::Queued(ticket, wait)) => {
                if n == 3 {
                    drop(wait);
                } else {
                    shuttle::future::block_on(wait).unwrap();
                }
                if table.settle(owner, hash, &ticket) {
                    held.push(hash);
                }
            }
            Err(_) => break,
        }
    }
    held.into_iter().rev().for_each(|hash| table.release(owner, hash, Mode::Update, Scope::Transaction));
}

#[test]
fn every_wait_ends() {
    shuttle::check_random(run, 500);
    shuttle::check_pct(run, 300, 3);
}
