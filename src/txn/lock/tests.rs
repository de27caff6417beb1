//! I12 on random histories: no two holders conflict, nobody waits who could have the lock, every wait ends, and not
//! everybody waits. Then threads that exclude each other for real.

use super::*;
use crate::base::{Oid, SqlState, TreeId};
use crate::io::{Rng, seeds};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

const ROW_MODES: [LockMode; 4] = [LockMode::KeyShare, LockMode::ShareRow, LockMode::NoKeyUpdate, LockMode::Update];
const TABLE_MODES: [LockMode; 8] = [
    LockMode::AccessShare,
    LockMode::RowShare,
    LockMode::RowExclusive,
    LockMode::ShareUpdateExclusive,
    LockMode::Share,
    LockMode::ShareRowExclusive,
    LockMode::Exclusive,
    LockMode::AccessExclusive,
];

fn row(key: &[u8]) -> LockKey<'_> {
    LockKey::Row { tree: TreeId(1), key }
}

/// A transaction towards the lock table.
struct Client {
    owner: Owner,
    held: Vec<(LockHash, LockMode)>,
    waits: Option<(LockHash, LockMode, LockWait)>,
    ticket: Option<Arc<Ticket>>,
}

impl Client {
    fn new(table: &Arc<LockTable>, n: u32) -> Client {
        Client { owner: Owner::new(table, n as i32, n), held: Vec::new(), waits: None, ticket: None }
    }

    fn lock(&mut self, key: &LockKey<'_>, mode: LockMode, wait: Wait) -> crate::base::Result<Option<Locked>> {
        let table = self.owner.table().clone();
        let hash = table.hash(key);
        let txn = TxnId(self.owner.id().process() as u64);
        match table.lock(self.owner.id(), txn, hash, key.tag(), mode, Scope::Transaction, wait)? {
            Outcome::Granted => {
                self.held.push((hash, mode));
                Ok(Some(Locked::Granted))
            }
            Outcome::AlreadyHeld => Ok(Some(Locked::AlreadyHeld)),
            Outcome::Busy => Ok(Some(Locked::Busy)),
            Outcome::Queued(ticket, wait) => {
                self.waits = Some((hash, mode, wait));
                self.ticket = Some(ticket);
                Ok(None)
            }
        }
    }

    /// Takes over a lock that was granted meanwhile; true when it still waits.
    fn look(&mut self) -> bool {
        if self.ticket.as_ref().is_some_and(|t| t.is_granted()) {
            let (hash, mode, _) = self.waits.take().unwrap();
            self.ticket = None;
            self.held.push((hash, mode));
        }
        self.waits.is_some()
    }

    fn release_all(&mut self) {
        self.waits = None;
        self.ticket = None;
        for (hash, mode) in self.held.drain(..) {
            self.owner.table().release(self.owner.id(), hash, mode, Scope::Transaction);
        }
    }
}

fn random_history(seed: u64) {
    let mut rng = Rng::new(seed);
    let table = Arc::new(LockTable::new());
    let mut clients: Vec<Client> = (1..7).map(|n| Client::new(&table, n)).collect();
    for _ in 0..400 {
        let i = rng.below(6) as usize;
        let waiting = clients.iter_mut().filter_map(|c| c.look().then_some(())).count();
        assert!(waiting < 6, "everybody waits for somebody");
        let client = &mut clients[i];
        if client.waits.is_some() {
            match rng.below(8) {
                0 => client.waits = None,
                1 => client.release_all(),
                _ => {}
            }
            if client.waits.is_none() {
                client.ticket = None;
            }
        } else if rng.chance(1, 6) {
            client.release_all();
        } else {
            let wait = if rng.chance(1, 4) { Wait::No } else { Wait::Block };
            let n = rng.below(4);
            let locked = if rng.chance(1, 2) {
                client.lock(&row(&n.to_le_bytes()), ROW_MODES[rng.below(4) as usize], wait)
            } else {
                let key = LockKey::Relation { database: Oid(5), relation: Oid(n as u32) };
                client.lock(&key, TABLE_MODES[rng.below(8) as usize], wait)
            };
            if let Err(e) = locked {
                assert_eq!(e.code(), SqlState::T_R_DEADLOCK_DETECTED);
                assert!(e.fields().detail.as_deref().unwrap().lines().count() >= 2);
                client.release_all();
            }
        }
        table.verify();
    }
    // Whoever does not wait lets go, until nobody is left.
    for _ in 0..clients.len() {
        clients.iter_mut().filter_map(|c| (!c.look()).then_some(c)).for_each(Client::release_all);
        table.verify();
    }
    assert!(clients.iter_mut().all(|c| !c.look()));
    assert!(table.is_empty());
}

/// I12, on random histories.
#[test]
fn random_histories_keep_the_rules() {
    seeds(40).for_each(random_history);
}

#[test]
fn a_deadlock_names_processes_and_what_they_wait_for() {
    let table = Arc::new(LockTable::new());
    let (mut a, mut b) = (Client::new(&table, 101), Client::new(&table, 102));
    let relation = LockKey::Relation { database: Oid(5), relation: Oid(16384) };
    a.lock(&row(b"k"), LockMode::Update, Wait::Block).unwrap();
    b.lock(&relation, LockMode::RowExclusive, Wait::Block).unwrap();
    assert_eq!(a.lock(&relation, LockMode::AccessExclusive, Wait::Block).unwrap(), None);
    let e = b.lock(&row(b"k"), LockMode::NoKeyUpdate, Wait::Block).unwrap_err();
    assert_eq!((e.code(), e.message()), (SqlState::T_R_DEADLOCK_DETECTED, "deadlock detected"));
    assert_eq!(
        e.fields().detail.as_deref().unwrap(),
        "Process 102 waits for ShareLock on transaction 101; blocked by process 101.\n\
         Process 101 waits for AccessExclusiveLock on relation 16384 of database 5; blocked by process 102."
    );
    assert_eq!(e.fields().hint.as_deref(), Some("See server log for query details."));
    b.release_all();
    assert!(!a.look() && a.held.len() == 2);
}

#[test]
fn a_stream_of_sharers_does_not_starve_a_writer_and_a_holder_may_upgrade_past_it() {
    let table = Arc::new(LockTable::new());
    let mut c: Vec<Client> = (1..5).map(|n| Client::new(&table, n)).collect();
    c[0].lock(&row(b"k"), LockMode::ShareRow, Wait::Block).unwrap();
    assert_eq!(c[1].lock(&row(b"k"), LockMode::Update, Wait::Block).unwrap(), None);
    assert_eq!(c[2].lock(&row(b"k"), LockMode::ShareRow, Wait::No).unwrap(), Some(Locked::Busy));
    assert_eq!(c[0].lock(&row(b"k"), LockMode::KeyShare, Wait::No).unwrap(), Some(Locked::AlreadyHeld));
    assert_eq!(c[0].lock(&row(b"k"), LockMode::Update, Wait::Block).unwrap(), Some(Locked::Granted));
    c[0].release_all();
    assert!(!c[1].look());
}

#[test]
fn session_locks_count_and_outlive_transactions() {
    let table = Arc::new(LockTable::new());
    let key = LockKey::Advisory { database: Oid(5), class: 0, object: 7, sub: 1 };
    let mut a = Client::new(&table, 1);
    let hash = table.hash(&key);
    for _ in 0..2 {
        let outcome =
            table.lock(a.owner.id(), TxnId(1), hash, key.tag(), LockMode::Exclusive, Scope::Session, Wait::No);
        assert!(matches!(outcome, Ok(Outcome::Granted | Outcome::AlreadyHeld)));
        a.owner.count(hash, LockMode::Exclusive);
    }
    // The same session's transaction may have it too, and letting go of that leaves the session's.
    assert_eq!(a.lock(&key, LockMode::Exclusive, Wait::No).unwrap(), Some(Locked::Granted));
    a.release_all();
    let mut b = Client::new(&table, 2);
    assert_eq!(b.lock(&key, LockMode::Share, Wait::No).unwrap(), Some(Locked::Busy));
    assert!(a.owner.unlock(&key, LockMode::Exclusive));
    assert_eq!(b.lock(&key, LockMode::Share, Wait::No).unwrap(), Some(Locked::Busy));
    assert_eq!(table.lines().len(), 1);
    assert!(a.owner.unlock(&key, LockMode::Exclusive) && !a.owner.unlock(&key, LockMode::Exclusive));
    assert_eq!(b.lock(&key, LockMode::Share, Wait::No).unwrap(), Some(Locked::Granted));
    b.release_all();
    assert!(table.is_empty());
}

#[test]
fn a_wait_that_is_cancelled_or_times_out_leaves_the_queue() {
    let table = Arc::new(LockTable::new());
    let (mut a, mut b) = (Client::new(&table, 1), Client::new(&table, 2));
    a.lock(&row(b"k"), LockMode::Update, Wait::Block).unwrap();
    for (cancelled, timeout, end) in
        [(true, None, Waited::Cancelled), (false, Some(Duration::from_millis(1)), Waited::TimedOut)]
    {
        b.lock(&row(b"k"), LockMode::Update, Wait::Block).unwrap();
        let (_, _, wait) = b.waits.take().unwrap();
        assert_eq!(wait.wait_blocking(timeout, &AtomicBool::new(cancelled)).unwrap(), end);
    }
    a.release_all();
    assert!(table.is_empty());
}

#[test]
fn threads_exclude_each_other_and_none_waits_for_ever() {
    let table = Arc::new(LockTable::new());
    let inside: Arc<[AtomicU32; 3]> = Arc::default();
    let work = |n: u32| {
        let (table, inside) = (table.clone(), inside.clone());
        move || {
            let mut client = Client::new(&table, n);
            let mut rng = Rng::new(u64::from(n));
            for _ in 0..200 {
                let picked = [rng.below(3), rng.below(3)];
                let locked = picked.iter().try_for_each(|k| {
                    if client.lock(&row(&k.to_le_bytes()), LockMode::Update, Wait::Block).map_err(|_| ())?.is_none() {
                        let (hash, mode, wait) = client.waits.take().unwrap();
                        let end = wait.wait_blocking(Some(Duration::from_secs(20)), &AtomicBool::new(false)).unwrap();
                        assert_eq!(end, Waited::Granted);
                        client.held.push((hash, mode));
                    }
                    Ok::<(), ()>(())
                });
                if locked.is_ok() {
                    let mut mine = picked.to_vec();
                    mine.dedup();
                    for &k in &mine {
                        assert_eq!(inside[k as usize].fetch_add(1, Ordering::SeqCst), 0, "two are inside");
                    }
                    std::thread::yield_now();
                    for &k in &mine {
                        inside[k as usize].fetch_sub(1, Ordering::SeqCst);
                    }
                }
                client.release_all();
            }
        }
    };
    let threads: Vec<_> = (1..5).map(|n| std::thread::spawn(work(n))).collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    assert!(table.is_empty());
}
