//! Readers, a purger and checkpoints beside the writer: every snapshot finds the same total, in small pages and frames.

use super::*;
use crate::io::{Rng, SimDisk};
use crate::storage::{Direction, Encoder, KeyRange, Op, Snapshots, SpillOptions};
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};

const TREE: TreeId = TreeId(1);
const ACCOUNTS: u64 = 50;
const TOTAL: u64 = ACCOUNTS * 1000;

struct Shared {
    store: Arc<PagedStore>,
    snapshots: Arc<Snapshots>,
    applied: AtomicU64,
    done: AtomicBool,
}

fn key(account: u64) -> Vec<u8> {
    [vec![b'a'; account as usize % 9], account.to_be_bytes().to_vec()].concat()
}

/// The balance stands at the front; now and then the value is a large one, and an account without money has no entry.
fn value(balance: u64, large: bool) -> Vec<u8> {
    let mut value = balance.to_le_bytes().to_vec();
    value.resize(if large { 700 } else { 8 }, balance as u8);
    value
}

fn balance(value: &[u8]) -> u64 {
    let balance = u64::from_le_bytes(*value.first_chunk().unwrap());
    assert!(value[8..].iter().all(|&b| b == balance as u8));
    balance
}

impl Shared {
    fn read(&self, mut rng: Rng) {
        while !self.done.load(Acquire) {
            let snapshot = self.snapshots.register(|| Lsn(self.applied.load(Acquire))).unwrap();
            let direction = if rng.chance(1, 2) { Direction::Forward } else { Direction::Backward };
            for _ in 0..2 {
                let (mut cursor, mut out) = (Cursor::new(KeyRange::all(), direction), Entries::new());
                while !cursor.done {
                    self.store.scan(TREE, snapshot.lsn(), &mut cursor, &mut out, 1 + rng.below(20) as usize).unwrap();
                }
                assert_eq!(out.iter().map(|(_, v)| balance(v)).sum::<u64>(), TOTAL, "at {}", snapshot.lsn());
            }
            let mut got = Vec::new();
            let mut sum = 0;
            for account in 0..ACCOUNTS {
                got.clear();
                if self.store.get(TREE, &key(account), snapshot.lsn(), &mut got).unwrap() {
                    sum += balance(&got);
                }
                self.store.get(TREE, &key(account), Lsn::MAX, &mut got).unwrap();
                self.store.newest(TREE, &key(account)).unwrap();
            }
            assert_eq!(sum, TOTAL);
        }
    }

    fn tidy(&self) {
        while !self.done.load(Acquire) {
            let needed = self.snapshots.needed(Lsn(self.applied.load(Acquire)));
            self.store.purge(&needed, 100);
            if self.store.pager().frozen() {
                self.store.checkpoint(&|_| {}, &|_| Ok(())).unwrap();
            }
        }
    }

    fn write(&self, mut rng: Rng, commits: u64) {
        let mut balances = vec![1000; ACCOUNTS as usize];
        for lsn in 2..2 + commits {
            let (a, b) = (rng.below(ACCOUNTS), rng.below(ACCOUNTS));
            if a == b {
                continue;
            }
            let amount = if rng.chance(1, 3) { balances[a as usize] } else { rng.below(balances[a as usize] + 1) };
            balances[a as usize] -= amount;
            balances[b as usize] += amount;
            let mut e = Encoder::new();
            let mut changed = [key(a), key(b)].into_iter().zip([a, b]).collect::<Vec<_>>();
            changed.sort();
            for (key, account) in changed {
                match balances[account as usize] {
                    0 => e.push(Op::Delete { tree: TREE, key: &key }),
                    n => e.push(Op::Put { tree: TREE, key: &key, value: &value(n, rng.chance(1, 10)) }),
                }
            }
            let batch = e.finish();
            self.store.prefault(&batch).unwrap();
            self.store.prepare(&batch).unwrap();
            self.store.apply(&batch, Lsn(lsn), History::Keep).unwrap();
            self.applied.store(lsn, Release);
            if lsn % 200 == 0 {
                self.store.freeze(Lsn(lsn), TreeId(2)).unwrap();
            }
        }
    }
}

#[test]
fn every_snapshot_finds_the_same_total() {
    let disk = Arc::new(SimDisk::new(1));
    let spill = Some(SpillOptions { disk: disk.clone(), path: "undo".to_string() });
    let options = PagedOptions {
        pager: PagerOptions { page_bytes: 512, frames: 40, ..PagerOptions::default() },
        undo: UndoOptions { segment_bytes: 1024, memory_bytes: 4096, spill },
        ..PagedOptions::default()
    };
    let (store, _) = PagedStore::open(disk, options).unwrap();
    let mut e = Encoder::new();
    e.push(Op::NewTree(TREE));
    let mut keys: Vec<_> = (0..ACCOUNTS).map(key).collect();
    keys.sort();
    keys.iter().for_each(|key| e.push(Op::Put { tree: TREE, key, value: &value(1000, false) }));
    store.apply(&e.finish(), Lsn(1), History::Keep).unwrap();
    let shared = Shared { store, snapshots: Arc::default(), applied: AtomicU64::new(1), done: AtomicBool::new(false) };
    std::thread::scope(|scope| {
        for seed in 0..2 {
            let shared = &shared;
            scope.spawn(move || shared.read(Rng::new(seed)));
        }
        scope.spawn(|| shared.tidy());
        let written = scope.spawn(|| shared.write(Rng::new(9), 3000)).join();
        shared.done.store(true, Release);
        written.unwrap();
    });
    if shared.store.pager().frozen() {
        shared.store.checkpoint(&|_| {}, &|_| Ok(())).unwrap();
    }
    let needed = shared.snapshots.needed(Lsn(shared.applied.load(Acquire)));
    while shared.store.purge(&needed, 1000) {}
    shared.store.verify().unwrap();
    let stats = shared.store.stats();
    assert_eq!((stats.old_versions, stats.ghosts, stats.batches), (0, 0, 0));
}
