//! A bank on a disk that loses power. Threads move money between accounts, with row locks, savepoints, deadlocks and
//! commits in one record or in parts; each transfer writes a journal entry, and some load a tree with copies of it. Checkpoints and purges run in between. At a
//! random I/O operation the power goes. After
//! each reopening: what was acknowledged is there; what is there is a prefix, in LSN order, of what was committed; each
//! transfer is there whole or not at all (the balances are what the journal makes of them).
//!
//! `HEADWATER_SEEDS` sets how many seeds run.

use super::Engine;
use super::tests::open;
use crate::base::{Error, Flow, Lsn, Result, SqlState, TreeId};
use crate::io::{Rng, SimDisk, seeds};
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::{Access, Isolation, LockKey, LockMode, Txn, Wait, Waited};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const ACCOUNTS: TreeId = TreeId(1);
const JOURNAL: TreeId = TreeId(2);
const BALLAST: TreeId = TreeId(3);
/// Which tree holds a transfer's copies.
const COPIES: TreeId = TreeId(4);
/// Enough for a commit in parts, so that an empty tree is loaded.
const COPY_COUNT: u64 = 1500;
const COPY_BYTES: usize = 100;
const ACCOUNT_COUNT: u64 = 6;
const OPENING_BALANCE: i64 = 100;

type Transfer = (u64, u64, i64);

struct Entry {
    lsn: Lsn,
    acknowledged: bool,
}

struct Client {
    engine: Arc<Engine>,
    rng: Rng,
    ids: Arc<AtomicU64>,
    committed: Vec<(u64, Entry)>,
    rule: Rule,
}

/// What the canary turns off.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    None,
    /// Commits are acknowledged without waiting for the log.
    Hasty,
}

fn key(n: u64) -> [u8; 8] {
    n.to_be_bytes()
}

fn balance(txn: &Txn, account: u64) -> Result<i64> {
    let mut out = Vec::new();
    assert!(txn.get(&txn.view(), ACCOUNTS, &key(account), &mut out)?);
    Ok(i64::from_le_bytes(out.try_into().unwrap()))
}

fn encode((from, to, amount): Transfer) -> Vec<u8> {
    [from.to_le_bytes(), to.to_le_bytes(), amount.to_le_bytes()].concat()
}

fn decode(bytes: &[u8]) -> Transfer {
    let n = |i: usize| u64::from_le_bytes(bytes[i * 8..][..8].try_into().unwrap());
    (n(0), n(1), n(2) as i64)
}

fn read_all(txn: &Txn, tree: TreeId) -> Result<Vec<(u64, Vec<u8>)>> {
    let mut scan = txn.scan(txn.view(), tree, KeyRange::all(), Direction::Forward);
    let (mut all, mut out) = (Vec::new(), Entries::new());
    loop {
        let more = scan.next(txn, &mut out, 3)?;
        all.extend(out.iter().map(|(k, v)| (u64::from_be_bytes(k.try_into().unwrap()), v.to_vec())));
        if !more {
            return Ok(all);
        }
    }
}

fn sum(txn: &Txn) -> Result<i64> {
    let accounts = read_all(txn, ACCOUNTS)?;
    Ok(accounts.iter().map(|(_, v)| i64::from_le_bytes(v.as_slice().try_into().unwrap())).sum())
}

impl Client {
    fn run(mut self) -> Vec<(u64, Entry)> {
        for _ in 0..12 {
            let done = match self.rng.below(10) {
                0 => self.audit(),
                _ => self.transfer(),
            };
            match done {
                Ok(()) => {}
                Err(e) if e.code() == SqlState::T_R_DEADLOCK_DETECTED => {}
                Err(e) if e.code() == SqlState::T_R_SERIALIZATION_FAILURE => {}
                // The power is gone.
                Err(_) => break,
            }
        }
        self.committed
    }

    fn audit(&mut self) -> Result<()> {
        let isolation = if self.rng.chance(1, 2) { Isolation::ReadCommitted } else { Isolation::RepeatableRead };
        let mut txn = self.engine.begin(isolation);
        txn.begin_statement(if self.rng.chance(1, 2) { Access::Read } else { Access::Write })?;
        for _ in 0..3 {
            assert_eq!(sum(&txn)?, ACCOUNT_COUNT as i64 * OPENING_BALANCE);
            std::thread::yield_now();
        }
        Ok(())
    }

    fn transfer(&mut self) -> Result<()> {
        let isolation = match self.rng.below(6) {
            0 => Isolation::RepeatableRead,
            1 => Isolation::Serializable,
            _ => Isolation::ReadCommitted,
        };
        let mut txn = self.engine.begin(isolation);
        let (from, to) = (self.rng.below(ACCOUNT_COUNT), self.rng.below(ACCOUNT_COUNT));
        let transfer = (from, to, self.rng.below(50) as i64);
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        loop {
            let statement = txn.begin_statement(Access::Write)?;
            match move_money(&mut txn, id, transfer) {
                Ok(()) => break,
                Err(e) if e.flow() == Flow::Fail => return Err(e),
                Err(_) => {
                    txn.undo_statement(statement);
                    if let Some(wait) = txn.take_wait() {
                        let end = wait.wait_blocking(Some(Duration::from_secs(20)), &AtomicBool::new(false))?;
                        assert_eq!(end, Waited::Granted);
                    }
                }
            }
        }
        if self.rng.chance(1, 15) {
            for i in 0..12 {
                txn.put(BALLAST, &key(i), &vec![id as u8; 100_000])?;
            }
        }
        if id.is_multiple_of(COPIED) {
            self.copy(&mut txn, id)?;
        }
        let committed = txn.commit()?;
        let lsn = committed.lsn.expect("it wrote");
        let acknowledged = match self.rule {
            Rule::None => self.rng.chance(3, 4) && self.engine.wait_durable_blocking(committed.wait_for).is_ok(),
            Rule::Hasty => true,
        };
        self.committed.push((id, Entry { lsn, acknowledged }));
        Ok(())
    }
}

/// Every so many transfers one is copied.
const COPIED: u64 = 9;

impl Client {
    /// Loads a tree that the transaction makes, or that is there already and empty.
    fn copy(&mut self, txn: &mut Txn, id: u64) -> Result<()> {
        let tree = if id.is_multiple_of(2 * COPIED) {
            txn.create_tree()?
        } else {
            let mut before = self.engine.begin(Isolation::ReadCommitted);
            let tree = before.create_tree()?;
            txn.raise_floor(before.commit()?.wait_for);
            tree
        };
        for n in 0..COPY_COUNT {
            txn.put(tree, &key(n), &[id as u8; COPY_BYTES])?;
        }
        txn.put(COPIES, &key(id), &u64::from(tree.0).to_le_bytes())
    }
}

fn check_copies(txn: &Txn, journal: &BTreeMap<u64, Transfer>) -> Result<()> {
    let copied: Vec<u64> = journal.keys().copied().filter(|id| id.is_multiple_of(COPIED)).collect();
    let copies = read_all(txn, COPIES)?;
    assert_eq!(copies.iter().map(|(id, _)| *id).collect::<Vec<_>>(), copied);
    for (id, tree) in copies {
        let tree = TreeId(u64::from_le_bytes(tree.try_into().unwrap()) as u32);
        let mut scan = txn.scan(txn.view(), tree, KeyRange::all(), Direction::Forward);
        let (mut next, mut out, mut more) = (0, Entries::new(), true);
        while more {
            more = scan.next(txn, &mut out, 200)?;
            for (k, v) in out.iter() {
                assert_eq!((k, v), (key(next).as_slice(), [id as u8; COPY_BYTES].as_slice()));
                next += 1;
            }
        }
        assert_eq!(next, COPY_COUNT, "copies of {id}");
    }
    Ok(())
}

fn move_money(txn: &mut Txn, id: u64, (from, to, amount): Transfer) -> Result<()> {
    let savepoint = txn.savepoint();
    txn.put(ACCOUNTS, &key(from), &i64::MAX.to_le_bytes())?;
    txn.put(JOURNAL, &key(u64::MAX), b"never")?;
    txn.rollback_to(savepoint);
    for account in [from, to] {
        let row = LockKey::Row { tree: ACCOUNTS, key: &key(account) };
        txn.lock(&row, LockMode::NoKeyUpdate, Wait::Block)?;
        txn.check_current(&txn.view(), ACCOUNTS, &key(account))?;
    }
    for (account, change) in [(from, -amount), (to, amount)] {
        let new = balance(txn, account)? + change;
        txn.put(ACCOUNTS, &key(account), &new.to_le_bytes())?;
        txn.next_command();
    }
    txn.put(JOURNAL, &key(id), &encode((from, to, amount)))
}

/// Makes the bank if it is not there.
fn found(engine: &Engine) -> Result<()> {
    if engine.stats().trees > 0 {
        return Ok(());
    }
    let mut txn = engine.begin(Isolation::ReadCommitted);
    for tree in [ACCOUNTS, JOURNAL, BALLAST, COPIES] {
        assert_eq!(txn.create_tree()?, tree);
    }
    for account in 0..ACCOUNT_COUNT {
        txn.put(ACCOUNTS, &key(account), &OPENING_BALANCE.to_le_bytes())?;
    }
    engine.wait_durable_blocking(txn.commit()?.wait_for)
}

/// What is there must be right; answers the journal.
fn check(engine: &Engine) -> Result<BTreeMap<u64, Transfer>> {
    let mut txn = engine.begin(Isolation::ReadCommitted);
    txn.begin_statement(Access::Read)?;
    let journal: BTreeMap<u64, Transfer> =
        read_all(&txn, JOURNAL)?.iter().map(|(id, bytes)| (*id, decode(bytes))).collect();
    let mut balances = [OPENING_BALANCE; ACCOUNT_COUNT as usize];
    for &(from, to, amount) in journal.values() {
        balances[from as usize] -= amount;
        balances[to as usize] += amount;
    }
    for (account, &expected) in balances.iter().enumerate() {
        assert_eq!(balance(&txn, account as u64)?, expected, "account {account}");
    }
    check_copies(&txn, &journal)?;
    engine.verify()?;
    Ok(journal)
}

fn check_survivors(journal: &BTreeMap<u64, Transfer>, committed: &mut BTreeMap<u64, Entry>) -> Result<()> {
    let last = committed.iter().filter(|(id, _)| journal.contains_key(id)).map(|(_, e)| e.lsn).max();
    for (id, entry) in committed.iter() {
        let there = journal.contains_key(id);
        if !there && entry.acknowledged {
            return Err(Error::internal(format!("acknowledged transfer {id} at {} is lost", entry.lsn)));
        }
        if there != (Some(entry.lsn) <= last) {
            return Err(Error::internal(format!("transfer {id} at {} breaks the prefix", entry.lsn)));
        }
    }
    // A reopened log is durable: what has survived once must survive from now on.
    committed.retain(|id, entry| {
        entry.acknowledged = true;
        journal.contains_key(id)
    });
    Ok(())
}

fn live(engine: &Arc<Engine>, rng: &mut Rng, ids: &Arc<AtomicU64>, rule: Rule) -> Vec<(u64, Entry)> {
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let rng = Rng::new(rng.u64());
            let client = Client { engine: engine.clone(), rng, ids: ids.clone(), committed: Vec::new(), rule };
            std::thread::spawn(|| client.run())
        })
        .collect();
    keep_house(engine, rng);
    threads.into_iter().flat_map(|t| t.join().expect("a client's checks hold")).collect()
}

/// Checkpoints and purges between the clients' commits.
fn keep_house(engine: &Engine, rng: &mut Rng) {
    for _ in 0..rng.below(8) {
        if rng.chance(1, 2) {
            // The power may be gone.
            let _ = engine.checkpoint();
        } else {
            engine.purge();
        }
        std::thread::yield_now();
    }
}

fn run(seed: u64, rule: Rule) -> Result<()> {
    let mut rng = Rng::new(seed);
    let disk = SimDisk::new(seed);
    let ids = Arc::new(AtomicU64::new(0));
    let mut committed: BTreeMap<u64, Entry> = BTreeMap::new();
    let mut founded = false;
    for life in 0..5 {
        let last = life == 4;
        if !last {
            let soon = rng.chance(1, 3);
            disk.crash_at(rng.below(if soon { 20 } else { 250 }));
        }
        let opened = open(&disk);
        if let Err(e) = &opened
            && !disk.has_crashed()
        {
            return Err(e.clone());
        }
        if let Ok(engine) = opened {
            assert!(!founded || engine.stats().trees >= 4, "seed {seed}: the bank is lost");
            if found(&engine).is_ok() {
                match check(&engine) {
                    Ok(journal) => check_survivors(&journal, &mut committed)?,
                    Err(_) if disk.has_crashed() => {}
                    Err(e) => return Err(e),
                }
                founded = true;
                committed.extend(live(&engine, &mut rng, &ids, rule));
                // Without power a commit may have stopped half way in the pages; a server would be gone.
                if !disk.has_crashed() {
                    check(&engine).or_else(|e| if disk.has_crashed() { Ok(BTreeMap::new()) } else { Err(e) })?;
                }
                assert!(engine.lock_snapshot().is_empty() && engine.open_snapshots().is_empty());
                if !disk.has_crashed() && engine.durable() == engine.applied() {
                    engine.purge();
                    let stats = engine.stats();
                    let left = (stats.old_versions, stats.ghosts, stats.batches);
                    // A purge writes and reads, so the power may have gone during it.
                    assert!(left == (0, 0, 0) || disk.has_crashed(), "seed {seed}: {left:?}");
                }
            }
            let _ = engine.close();
        }
        if rng.chance(1, 4) { disk.restart() } else { disk.reboot() }
    }
    let engine = open(&disk)?;
    check_survivors(&check(&engine)?, &mut committed)?;
    engine.close()
}

/// I3, and I6 after each life.
#[test]
fn acknowledged_commits_survive_and_survivors_are_a_prefix() {
    for seed in seeds(12) {
        run(seed, Rule::None).unwrap_or_else(|e| panic!("seed {seed}: {e:?}"));
    }
}

#[test]
fn a_hasty_acknowledgement_is_noticed() {
    assert!((0..20).any(|seed| run(seed, Rule::Hasty).is_err()));
}
