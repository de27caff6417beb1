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
use crate::base::{Oid, TreeId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

#[allow(dead_code, clippy::duplicate_mod)]
#[path = "fast.rs"]
mod fast;
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

use fast::Noted;
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

/// Takes a table lock as a transaction does; false when it would wait.
fn lock_table(table: &Arc<LockTable>, notes: &fast::Notes, n: u64, mode: Mode) -> bool {
    let key = Key::Relation { database: Oid(1), relation: Oid(2) };
    let hash = table.hash(&key);
    if table.note(notes, hash, key.tag(), mode) == Noted::Granted {
        return true;
    }
    let owner = OwnerId(n << 32);
    match table.lock(owner, TxnId(n), hash, key.tag(), mode, Scope::Transaction, Wait::Block).unwrap() {
        Outcome::Granted => true,
        Outcome::Queued(ticket, wait) => {
            shuttle::future::block_on(wait).unwrap();
            table.settle(owner, hash, &ticket)
        }
        Outcome::AlreadyHeld | Outcome::Busy => unreachable!("each holds one lock, and may wait"),
    }
}

/// Two take weak locks on a table and two take strong ones, each twice: a strong one has the table to itself.
fn weak_and_strong() {
    let table = Arc::new(LockTable::new());
    let (weak, strong) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let modes = [Mode::AccessShare, Mode::RowExclusive, Mode::AccessExclusive, Mode::AccessExclusive];
    let threads = modes.into_iter().enumerate().map(|(n, mode)| {
        let (table, weak, strong, n) = (table.clone(), weak.clone(), strong.clone(), n as u64 + 1);
        shuttle::thread::spawn(move || {
            let notes = table.register(OwnerId(n << 32));
            let hash = table.hash(&Key::Relation { database: Oid(1), relation: Oid(2) });
            for _ in 0..2 {
                assert!(lock_table(&table, &notes, n, mode));
                let mine = if mode.is_strong() { &strong } else { &weak };
                mine.fetch_add(1, Ordering::SeqCst);
                shuttle::thread::yield_now();
                let (weak, strong) = (weak.load(Ordering::SeqCst), strong.load(Ordering::SeqCst));
                assert!(strong == 0 || (strong == 1 && weak == 0), "{strong} strong and {weak} weak holders");
                mine.fetch_sub(1, Ordering::SeqCst);
                if !notes.lock().release(hash, mode) {
                    table.release(OwnerId(n << 32), hash, mode, Scope::Transaction);
                }
            }
            table.unregister(&notes);
        })
    });
    let threads: Vec<_> = threads.collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    assert!(table.is_empty());
    let notes = table.register(OwnerId(9 << 32));
    let key = Key::Relation { database: Oid(1), relation: Oid(2) };
    let noted = table.note(&notes, table.hash(&key), key.tag(), Mode::AccessShare);
    assert_eq!(noted, Noted::Granted, "every announcement was withdrawn");
}

#[test]
fn a_strong_lock_meets_every_weak_one() {
    shuttle::check_random(weak_and_strong, 500);
    shuttle::check_pct(weak_and_strong, 300, 3);
}
