//! What transactions leave in the log, and where checkpoints fall in it.

use super::Engine;
use super::replay::Replay;
use super::tests::{new_tree, open};
use crate::base::{Lsn, TreeId};
use crate::io::SimDisk;
use crate::storage::batch::{KIND_BATCH, KIND_END, KIND_PART, decode_part};
use crate::txn::{Access, Isolation};
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes `rows` rows of a kilobyte in one transaction.
fn write(engine: &Engine, tree: TreeId, rows: u32) -> Lsn {
    let mut txn = engine.begin(Isolation::ReadCommitted);
    txn.begin_statement(Access::Write).unwrap();
    for row in 0..rows {
        txn.put(tree, &row.to_be_bytes(), &[7; 1000]).unwrap();
    }
    let lsn = txn.commit().unwrap().wait_for;
    engine.wait_durable_blocking(lsn).unwrap();
    lsn
}

/// Says stop when it goes, also by a panic.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// I10: at most one transaction is in parts at any place of the log, small ones stand between its parts, and no checkpoint
/// begins inside it.
#[test]
fn transactions_in_parts_follow_each_other_and_checkpoints_keep_out_of_them() {
    let engine = open(&SimDisk::new(1)).unwrap();
    let _all = engine.wal().hold(Lsn::ZERO);
    let (first, second, third) = (new_tree(&engine), new_tree(&engine), new_tree(&engine));
    let stop = AtomicBool::new(false);
    let mut checkpoints = Vec::new();
    std::thread::scope(|threads| {
        let _stop = Stop(&stop);
        let large: Vec<_> = [first, second]
            .into_iter()
            .map(|tree| {
                threads.spawn({
                    let engine = &engine;
                    move || {
                        for _ in 0..3 {
                            write(engine, tree, 3000);
                        }
                    }
                })
            })
            .collect();
        threads.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                write(&engine, third, 1);
            }
        });
        while large.iter().any(|thread| !thread.is_finished()) {
            checkpoints.push(engine.checkpoint().unwrap());
        }
        large.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let (mut replay, mut begun, mut between, mut whole) = (Replay::default(), Lsn::ZERO, 0, 0);
    let mut reader = engine.wal().read_from(Lsn::ZERO).unwrap();
    while let Some(record) = reader.next_record().unwrap() {
        match record.kind {
            KIND_PART if decode_part(record.payload).unwrap().0 == 0 => {
                assert!(!replay.is_open(), "a transaction begins inside another one");
                begun = record.lsn;
            }
            KIND_BATCH if replay.is_open() => between += 1,
            KIND_END => {
                let inside = checkpoints.iter().find(|s| (begun..record.lsn).contains(s));
                assert_eq!(inside, None, "a checkpoint between {begun} and {}", record.lsn);
                whole += 1;
            }
            _ => {}
        }
        replay.take(&record).unwrap();
    }
    assert_eq!(whole, 6);
    assert!(between > 0, "small transactions wait for large ones");
}

/// I15: the log grows with what changes, by a few dozen bytes more for each transaction.
#[test]
fn a_transaction_logs_what_it_changes_and_little_more() {
    let engine = open(&SimDisk::new(1)).unwrap();
    let tree = new_tree(&engine);
    let mut ends: Vec<u64> = (0..100).map(|_| write(&engine, tree, 1).0).collect();
    ends.dedup();
    assert_eq!(ends.len(), 100);
    let most = ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(most < 1000 + 64, "a change of 1,004 bytes took {most} bytes of log");
}

/// I15: a freeze, for which commits wait, moves no page, however many have changed.
#[test]
fn a_freeze_moves_no_page() {
    let engine = open(&SimDisk::new(1)).unwrap();
    let tree = new_tree(&engine);
    for rows in [10, 1000] {
        write(&engine, tree, rows);
        let before = engine.pager_stats();
        assert!(engine.store.freeze(engine.applied(), TreeId(100)).unwrap());
        let after = engine.pager_stats();
        let moved = |stats: &crate::storage::PagerStats| (stats.reads, stats.writes, stats.copied, stats.dirty);
        assert_eq!(moved(&before), moved(&after), "{rows} rows");
        engine.store.checkpoint(&|_| {}, &|_| Ok(())).unwrap();
    }
}

/// I11: a checkpoint's superblock names a place up to which the log is durable.
#[test]
fn a_checkpoint_is_not_ahead_of_the_log() {
    let engine = open(&SimDisk::new(1)).unwrap();
    let tree = new_tree(&engine);
    for rows in 0..20 {
        write(&engine, tree, rows);
        assert!(engine.checkpoint().unwrap() <= engine.durable());
    }
}
