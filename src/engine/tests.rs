//! Transactions end to end, on a simulated disk that behaves.

use super::{CheckpointOptions, Engine, EngineOptions};
use crate::base::{Error, Flow, Lsn, Result, SqlState, TreeId};
use crate::io::{SimClock, SimDisk, SimEntropy};
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::{Access, Isolation, LockKey, LockMode, Locked, ReadView, Scan, Txn, Wait};
use crate::wal::WalOptions;
use std::sync::Arc;

pub(super) fn options() -> EngineOptions {
    let wal = WalOptions {
        segment_bytes: 256 << 10,
        first_segment_bytes: 64 << 10,
        on_fatal: Arc::new(|_| {}),
        ..WalOptions::default()
    };
    let checkpoint = CheckpointOptions { automatic: false, ..CheckpointOptions::default() };
    EngineOptions { wal, buffer_bytes: 4 << 20, checkpoint, on_fatal: Arc::new(|_| {}), ..EngineOptions::default() }
}

pub(super) fn open(disk: &SimDisk) -> Result<Arc<Engine>> {
    Engine::open(Arc::new(disk.clone()), Arc::new(SimClock::new(1)), &SimEntropy::new(1), options())
}

fn engine() -> Arc<Engine> {
    open(&SimDisk::new(1)).unwrap()
}

pub(super) fn new_tree(engine: &Engine) -> TreeId {
    let mut txn = engine.begin(Isolation::ReadCommitted);
    let tree = txn.create_tree().unwrap();
    engine.wait_durable_blocking(txn.commit().unwrap().wait_for).unwrap();
    tree
}

/// An engine with one empty tree.
fn with_tree() -> (Arc<Engine>, TreeId) {
    let engine = engine();
    let tree = new_tree(&engine);
    (engine, tree)
}

fn begin(engine: &Engine, isolation: Isolation) -> Txn {
    let mut txn = engine.begin(isolation);
    txn.begin_statement(Access::Write).unwrap();
    txn
}

fn get(txn: &Txn, tree: TreeId, key: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    txn.get(&txn.view(), tree, key, &mut out).unwrap().then_some(out)
}

fn drain(txn: &Txn, mut scan: Scan, max: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut all, mut out) = (Vec::new(), Entries::new());
    loop {
        let more = scan.next(txn, &mut out, max).unwrap();
        all.extend(out.iter().map(|(k, v)| (k.to_vec(), v.to_vec())));
        if !more {
            return all;
        }
    }
}

fn keys(txn: &Txn, view: ReadView, tree: TreeId) -> Vec<u8> {
    let scan = txn.scan(view, tree, KeyRange::all(), Direction::Forward);
    drain(txn, scan, 2).into_iter().map(|(k, _)| k[0]).collect()
}

fn put(engine: &Engine, tree: TreeId, key: &[u8], value: &[u8]) -> Lsn {
    let mut txn = begin(engine, Isolation::ReadCommitted);
    txn.put(tree, key, value).unwrap();
    let lsn = txn.commit().unwrap().lsn.unwrap();
    engine.wait_durable_blocking(lsn).unwrap();
    lsn
}

#[test]
fn a_command_does_not_see_its_own_writes_and_the_next_one_does() {
    let (engine, tree) = with_tree();
    put(&engine, tree, &[5], b"old");
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    let view = txn.view();
    txn.put(tree, &[1], b"new").unwrap();
    txn.delete(tree, &[5]).unwrap();
    assert_eq!(keys(&txn, view.clone(), tree), [5]);
    assert!(txn.wrote_since(&view, tree, &[5]) && !txn.wrote_since(&view, tree, &[6]));
    txn.next_command();
    assert_eq!(keys(&txn, txn.view(), tree), [1]);
    assert_eq!(keys(&txn, view, tree), [5]);
}

#[test]
fn undoing_a_statement_keeps_its_locks_and_rolling_back_to_a_savepoint_does_not() {
    let (engine, tree) = with_tree();
    let row = |key| LockKey::Row { tree, key };
    let mut a = engine.begin(Isolation::ReadCommitted);
    let statement = a.begin_statement(Access::Write).unwrap();
    a.lock(&row(b"1"), LockMode::Update, Wait::Block).unwrap();
    a.put(tree, b"1", b"x").unwrap();
    a.undo_statement(statement);
    a.next_command();
    assert_eq!(get(&a, tree, b"1"), None);
    let savepoint = a.savepoint();
    a.lock(&row(b"2"), LockMode::Update, Wait::Block).unwrap();
    a.put(tree, b"2", b"x").unwrap();
    a.rollback_to(savepoint);
    assert!(a.is_clean());
    let mut b = begin(&engine, Isolation::ReadCommitted);
    assert_eq!(b.lock(&row(b"2"), LockMode::KeyShare, Wait::No).unwrap(), Locked::Granted);
    assert_eq!(b.lock(&row(b"1"), LockMode::KeyShare, Wait::No).unwrap(), Locked::Busy);
    a.rollback();
    assert_eq!(b.lock(&row(b"1"), LockMode::KeyShare, Wait::No).unwrap(), Locked::Granted);
}

#[test]
fn a_newer_row_restarts_read_committed_and_fails_repeatable_read() {
    let (engine, tree) = with_tree();
    put(&engine, tree, b"k", b"1");
    let rc = begin(&engine, Isolation::ReadCommitted);
    let rr = begin(&engine, Isolation::RepeatableRead);
    let check = |txn: &Txn| txn.check_current(&txn.view(), tree, b"k");
    assert!(check(&rc).is_ok() && check(&rr).is_ok());
    put(&engine, tree, b"k", b"2");
    assert_eq!(check(&rc).unwrap_err().flow(), Flow::Restart);
    let e = check(&rr).unwrap_err();
    assert_eq!((e.flow(), e.code()), (Flow::Fail, SqlState::T_R_SERIALIZATION_FAILURE));
    assert_eq!(e.message(), "could not serialize access due to concurrent update");
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    txn.delete(tree, b"k").unwrap();
    txn.commit().unwrap();
    engine.purge();
    assert_eq!(check(&rr).unwrap_err().message(), "could not serialize access due to concurrent delete");
    assert_eq!(get(&rr, tree, b"k"), Some(b"1".to_vec()));
    assert_eq!(get(&rr, tree, b"none"), None);
}

#[test]
fn repeatable_read_keeps_its_first_snapshot_and_read_committed_moves_on() {
    let (engine, tree) = with_tree();
    let mut rc = begin(&engine, Isolation::ReadCommitted);
    let mut rr = begin(&engine, Isolation::RepeatableRead);
    put(&engine, tree, b"k", b"1");
    rc.begin_statement(Access::Read).unwrap();
    rr.begin_statement(Access::Read).unwrap();
    assert_eq!(get(&rc, tree, b"k"), Some(b"1".to_vec()));
    assert_eq!(get(&rr, tree, b"k"), None);
    let mut out = Vec::new();
    assert!(rr.get_latest(tree, b"k", &mut out).unwrap());
}

#[test]
fn a_view_outlives_its_statement_and_keeps_its_snapshot_from_purge() {
    let (engine, tree) = with_tree();
    put(&engine, tree, &[1], b"1");
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    let view = txn.view();
    let mut scan = txn.scan(view.clone(), tree, KeyRange::all(), Direction::Backward);
    txn.end_statement();
    for i in 2..40 {
        put(&engine, tree, &[i], b"later");
        put(&engine, tree, &[1], &[i]);
    }
    engine.purge();
    txn.begin_statement(Access::Read).unwrap();
    assert_eq!(keys(&txn, txn.view(), tree).len(), 39);
    let mut out = Entries::new();
    assert!(!scan.next(&txn, &mut out, 10).unwrap());
    assert_eq!(out.iter().collect::<Vec<_>>(), [([1].as_slice(), b"1".as_slice())]);
    drop((scan, view));
    txn.end_statement();
    assert!(engine.open_snapshots().is_empty());
    engine.purge();
    let stats = engine.stats();
    assert_eq!((stats.old_versions, stats.ghosts, stats.batches), (0, 0, 0));
    engine.verify().unwrap();
}

#[test]
fn a_scan_merges_own_writes_in_both_directions() {
    let (engine, tree) = with_tree();
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    for i in (0..3000u16).filter(|i| i % 3 == 0) {
        txn.put(tree, &i.to_be_bytes(), b"tree").unwrap();
    }
    txn.commit().unwrap();
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    for i in (0..3000u16).filter(|i| i % 5 == 0) {
        match i % 10 {
            0 => txn.put(tree, &i.to_be_bytes(), b"own").unwrap(),
            _ => txn.delete(tree, &i.to_be_bytes()).unwrap(),
        }
    }
    txn.next_command();
    let mut expected: Vec<(Vec<u8>, Vec<u8>)> = (0..3000u16)
        .filter(|i| i % 10 == 0 || (i % 3 == 0 && i % 5 != 0))
        .map(|i| (i.to_be_bytes().to_vec(), if i % 10 == 0 { b"own".to_vec() } else { b"tree".to_vec() }))
        .collect();
    for max in [1, 7, 5000] {
        let scan = txn.scan(txn.view(), tree, KeyRange::all(), Direction::Forward);
        assert_eq!(drain(&txn, scan, max), expected);
        let scan = txn.scan_latest(tree, KeyRange::all(), Direction::Backward);
        expected.reverse();
        assert_eq!(drain(&txn, scan, max), expected);
        expected.reverse();
    }
}

/// I13.
#[test]
fn readers_get_the_durable_prefix_and_a_session_never_goes_back() {
    let disk = SimDisk::new(1);
    let engine = open(&disk).unwrap();
    let mut txn = engine.begin(Isolation::ReadCommitted);
    let tree = txn.create_tree().unwrap();
    engine.wait_durable_blocking(txn.commit().unwrap().wait_for).unwrap();
    // From here on nothing becomes durable.
    disk.crash_at(0);
    let mut writer = begin(&engine, Isolation::ReadCommitted);
    writer.put(tree, b"k", b"v").unwrap();
    let lsn = writer.commit().unwrap().lsn.unwrap();
    let mut reader = engine.begin(Isolation::ReadCommitted);
    reader.begin_statement(Access::Read).unwrap();
    assert_eq!(get(&reader, tree, b"k"), None);
    reader.begin_statement(Access::Write).unwrap();
    assert_eq!(get(&reader, tree, b"k"), Some(b"v".to_vec()));
    reader.begin_statement(Access::Read).unwrap();
    assert_eq!(get(&reader, tree, b"k"), Some(b"v".to_vec()));
    let committed = reader.commit().unwrap();
    assert_eq!((committed.lsn, committed.wait_for), (None, lsn));
    assert!(engine.wait_durable_blocking(lsn).is_err());
    engine.acknowledge(lsn);
    reader.begin_statement(Access::Read).unwrap();
    assert_eq!(get(&reader, tree, b"k"), Some(b"v".to_vec()));
}

#[test]
fn own_trees_exist_at_once_and_for_others_with_the_commit() {
    let engine = engine();
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    let tree = txn.create_tree().unwrap();
    txn.put(tree, &[1], b"v").unwrap();
    txn.next_command();
    assert_eq!(keys(&txn, txn.view(), tree), [1]);
    assert_eq!(get(&txn, tree, &[2]), None);
    let other = begin(&engine, Isolation::ReadCommitted);
    assert!(other.get(&other.view(), tree, &[1], &mut Vec::new()).is_err());
    txn.commit().unwrap();
    assert_eq!(
        keys(&begin(&engine, Isolation::ReadCommitted), begin(&engine, Isolation::ReadCommitted).view(), tree),
        [1]
    );
}

#[test]
fn everything_committed_is_there_after_a_restart_in_one_record_or_in_parts() {
    let disk = SimDisk::new(1);
    let engine = open(&disk).unwrap();
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    let (small, big) = (txn.create_tree().unwrap(), txn.create_tree().unwrap());
    txn.put(small, &[1], b"one").unwrap();
    txn.commit().unwrap();
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    for i in 0..3000u32 {
        txn.put(big, &i.to_be_bytes(), &[7; 1000]).unwrap();
    }
    txn.delete(small, &[1]).unwrap();
    txn.put(small, &[2], b"two").unwrap();
    let applied = txn.commit().unwrap().wait_for;
    engine.close().unwrap();
    drop(engine);
    let engine = open(&disk).unwrap();
    assert!(engine.applied() >= applied && engine.durable() >= engine.applied());
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    assert_eq!(keys(&txn, txn.view(), small), [2]);
    let scan = txn.scan(txn.view(), big, KeyRange::all(), Direction::Forward);
    assert_eq!(drain(&txn, scan, 100).len(), 3000);
    assert!(txn.create_tree().unwrap() > big);
    engine.purge();
    let stats = engine.stats();
    assert_eq!((stats.entries, stats.old_versions, stats.ghosts), (3001, 0, 0));
}

#[test]
fn a_failed_commit_rolls_back() {
    let (engine, tree) = with_tree();
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    txn.lock(&LockKey::Row { tree, key: b"k" }, LockMode::Update, Wait::Block).unwrap();
    txn.put(TreeId(999), b"k", b"v").unwrap();
    txn.put(tree, b"k", b"v").unwrap();
    assert_eq!(txn.commit().unwrap_err().code(), SqlState::INTERNAL_ERROR);
    assert!(txn.is_clean() && engine.lock_snapshot().is_empty());
    assert_eq!(get(&begin(&engine, Isolation::ReadCommitted), tree, b"k"), None);
}

#[test]
fn serializable_refuses_write_skew_and_phantoms() {
    let (engine, tree) = with_tree();
    put(&engine, tree, &[1], b"on call");
    put(&engine, tree, &[2], b"on call");
    let mut a = begin(&engine, Isolation::Serializable);
    let mut b = begin(&engine, Isolation::Serializable);
    let reader = begin(&engine, Isolation::Serializable);
    assert_eq!(keys(&a, a.view(), tree), [1, 2]);
    assert_eq!(keys(&b, b.view(), tree), [1, 2]);
    a.delete(tree, &[1]).unwrap();
    b.put(tree, &[9], b"").unwrap();
    a.commit().unwrap();
    engine.wait_durable_blocking(engine.applied()).unwrap();
    engine.purge();
    let e = b.commit().unwrap_err();
    assert_eq!(e.message(), "could not serialize access due to read/write dependencies among transactions");
    assert_eq!(keys(&reader, reader.view(), tree), [1, 2]);
    // What was not read may change.
    let mut c = begin(&engine, Isolation::Serializable);
    assert_eq!(get(&c, tree, &[2]), Some(b"on call".to_vec()));
    put(&engine, tree, &[3], b"");
    c.put(tree, &[4], b"").unwrap();
    c.commit().unwrap();
    drop(reader);
    engine.wait_durable_blocking(engine.applied()).unwrap();
    engine.purge();
    assert_eq!(engine.stats().batches, 0);
}

#[test]
fn autonomous_work_commits_apart_from_its_caller() {
    let (engine, tree) = with_tree();
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    txn.put(tree, b"a", b"").unwrap();
    let (n, lsn) = engine.autonomous(|own| own.put(tree, b"b", b"").map(|()| 7)).unwrap();
    assert_eq!((n, lsn), (7, engine.applied()));
    txn.rollback();
    let failed: Result<((), Lsn)> = engine.autonomous(|own| {
        own.put(tree, b"c", b"")?;
        Err(Error::internal("no"))
    });
    assert!(failed.is_err());
    assert_eq!(
        keys(&begin(&engine, Isolation::ReadCommitted), begin(&engine, Isolation::ReadCommitted).view(), tree),
        *b"b"
    );
}

#[test]
fn publish_runs_before_the_commit_is_visible() {
    let (engine, tree) = with_tree();
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    txn.put(tree, b"k", b"").unwrap();
    let mut seen = None;
    let lsn = txn.commit_with(|lsn| seen = Some((lsn, engine.applied()))).unwrap().lsn.unwrap();
    let (published, applied) = seen.unwrap();
    assert!(published == lsn && applied < lsn && engine.applied() == lsn);
    begin(&engine, Isolation::ReadCommitted).commit_with(|_| panic!("nothing was written")).unwrap();
}

const LOADED: u32 = 3000;

/// More than goes in one record, so that an empty tree is loaded.
fn put_many(txn: &mut Txn, tree: TreeId) {
    for n in 0..LOADED {
        // Now and then a value that has chunks.
        let len = if n % 1000 == 7 { 9000 } else { 80 };
        txn.put(tree, &n.to_be_bytes(), &vec![n as u8; len]).unwrap();
    }
}

fn count(txn: &Txn, tree: TreeId) -> usize {
    let (view, range) = (txn.view(), KeyRange::all());
    let forward = drain(txn, txn.scan(view.clone(), tree, range.clone(), Direction::Forward), 100);
    let mut backward = drain(txn, txn.scan(view, tree, range, Direction::Backward), 77);
    backward.reverse();
    assert_eq!(forward, backward);
    assert!(forward.iter().all(|(key, value)| value.iter().all(|byte| *byte == key[3])));
    forward.len()
}

#[test]
fn a_loaded_tree_is_there_for_those_who_come_after() {
    let disk = SimDisk::new(1);
    let engine = open(&disk).unwrap();
    let mut txn = engine.begin(Isolation::ReadCommitted);
    let tree = txn.create_tree().unwrap();
    txn.commit().unwrap();
    let before = begin(&engine, Isolation::RepeatableRead);
    let mut load = begin(&engine, Isolation::ReadCommitted);
    put_many(&mut load, tree);
    load.commit().unwrap();
    let after = begin(&engine, Isolation::RepeatableRead);
    assert_eq!((count(&before, tree), count(&after, tree)), (0, LOADED as usize));
    engine.verify().unwrap();
    let mut change = begin(&engine, Isolation::ReadCommitted);
    for n in (0..LOADED).step_by(3) {
        if n % 2 == 0 {
            change.delete(tree, &n.to_be_bytes()).unwrap();
        } else {
            change.put(tree, &n.to_be_bytes(), &[n as u8]).unwrap();
        }
    }
    change.commit().unwrap();
    engine.purge();
    let left = LOADED as usize - LOADED.div_ceil(6) as usize;
    assert_eq!((count(&before, tree), count(&after, tree)), (0, LOADED as usize));
    assert_eq!(count(&begin(&engine, Isolation::ReadCommitted), tree), left);
    engine.verify().unwrap();
    drop((before, after));
    engine.wait_durable_blocking(engine.applied()).unwrap();
    engine.purge();
    engine.verify().unwrap();
    let stats = engine.stats();
    assert_eq!((stats.entries, stats.old_versions, stats.ghosts, stats.batches), (left, 0, 0, 0));
    drop(engine);
    disk.restart();
    let engine = open(&disk).unwrap();
    assert_eq!(count(&begin(&engine, Isolation::ReadCommitted), tree), left);
}

#[test]
fn a_load_is_a_phantom_to_who_found_the_tree_empty() {
    let (engine, tree) = with_tree();
    put(&engine, tree, b"other", b"");
    let mut txn = begin(&engine, Isolation::ReadCommitted);
    let empty = txn.create_tree().unwrap();
    txn.commit().unwrap();
    let mut a = begin(&engine, Isolation::Serializable);
    let mut b = begin(&engine, Isolation::Serializable);
    assert_eq!((count(&a, empty), get(&b, tree, b"other")), (0, Some(Vec::new())));
    let mut load = begin(&engine, Isolation::ReadCommitted);
    put_many(&mut load, empty);
    load.commit().unwrap();
    a.put(tree, b"a", b"").unwrap();
    b.put(tree, b"b", b"").unwrap();
    assert_eq!(a.commit().unwrap_err().code(), SqlState::T_R_SERIALIZATION_FAILURE);
    b.commit().unwrap();
}

#[test]
fn a_load_that_fails_leaves_nothing() {
    let (engine, tree) = with_tree();
    let pages = engine.pager_stats().pages;
    for fresh in [false, true] {
        let mut load = begin(&engine, Isolation::Serializable);
        assert_eq!(get(&load, tree, b"read"), None);
        let into = if fresh { load.create_tree().unwrap() } else { tree };
        put_many(&mut load, into);
        let key = [b"read".as_slice(), &[0; 4][..usize::from(fresh)]].concat();
        // What the load has read changes, in the tree that it fills.
        let mut other = begin(&engine, Isolation::ReadCommitted);
        other.put(tree, b"read", &key).unwrap();
        other.commit().unwrap();
        assert_eq!(load.commit().unwrap_err().code(), SqlState::T_R_SERIALIZATION_FAILURE);
        assert_eq!(get(&begin(&engine, Isolation::ReadCommitted), tree, b"read"), Some(key));
        engine.verify().unwrap();
        let mut other = begin(&engine, Isolation::ReadCommitted);
        other.delete(tree, b"read").unwrap();
        other.commit().unwrap();
        engine.wait_durable_blocking(engine.applied()).unwrap();
        engine.purge();
        engine.verify().unwrap();
        assert_eq!((engine.stats().entries, engine.trees()), (0, vec![tree]));
    }
    // One for the root of the chunks.
    assert!(engine.pager_stats().pages <= pages + 1);
}
