//! What waits for standbys, as transactions of one engine see it.

use super::Engine;
use super::tests::open;
use crate::base::{Flow, Lsn, TreeId};
use crate::io::SimDisk;
use crate::txn::{Access, Confirmed, Isolation, Safety, Txn};
use std::sync::Arc;
use std::time::Duration;

const KEY: &[u8] = b"k";

fn with_value(disk: &SimDisk) -> (Arc<Engine>, TreeId) {
    let engine = open(disk).unwrap();
    let mut txn = engine.begin(Isolation::ReadCommitted);
    let tree = txn.create_tree().unwrap();
    txn.put(tree, KEY, b"old").unwrap();
    engine.wait_durable_blocking(txn.commit().unwrap().wait_for).unwrap();
    engine.require_standbys(true);
    (engine, tree)
}

/// A durable commit.
fn commit(engine: &Engine, safety: Safety, put: impl FnOnce(&mut Txn)) -> Lsn {
    let mut txn = engine.begin(Isolation::ReadCommitted);
    txn.set_safety(safety);
    put(&mut txn);
    let lsn = txn.commit().unwrap().lsn.unwrap();
    engine.wait_durable_blocking(lsn).unwrap();
    lsn
}

fn confirm(engine: &Engine, lsn: Lsn) {
    engine.standbys().confirm(Confirmed { written: lsn, flushed: lsn, applied: Lsn::ZERO });
}

fn read(engine: &Engine, tree: TreeId, access: Access) -> Vec<u8> {
    let mut txn = engine.begin(Isolation::ReadCommitted);
    txn.begin_statement(access).unwrap();
    let mut out = Vec::new();
    txn.get(&txn.view(), tree, KEY, &mut out).unwrap();
    out
}

/// I16.
#[test]
fn what_waits_for_standbys_is_not_read() {
    let (engine, tree) = with_value(&SimDisk::new(1));
    let first = commit(&engine, Safety::Flushed, |txn| txn.put(tree, KEY, b"new").unwrap());
    assert_eq!(read(&engine, tree, Access::Read), b"old");
    // Nor what was committed behind it without waiting.
    let second = commit(&engine, Safety::Local, |txn| txn.put(tree, b"other", b"x").unwrap());
    assert_eq!(engine.readable(), Lsn(first.0 - 1));
    engine.purge();
    assert_eq!(read(&engine, tree, Access::Read), b"old");
    confirm(&engine, Lsn(first.0 - 1));
    assert_eq!(read(&engine, tree, Access::Read), b"old");
    confirm(&engine, first);
    assert_eq!((read(&engine, tree, Access::Read), engine.readable()), (b"new".to_vec(), second));
}

#[test]
fn who_writes_meets_what_waits_and_says_so_by_its_floor() {
    let (engine, tree) = with_value(&SimDisk::new(1));
    let lsn = commit(&engine, Safety::Applied, |txn| txn.put(tree, KEY, b"new").unwrap());
    let mut txn = engine.begin(Isolation::ReadCommitted);
    let statement = txn.begin_statement(Access::WriteRows).unwrap();
    assert!(txn.floor() < lsn);
    // Other rows do not matter to it.
    assert!(!txn.get_latest(tree, b"other", &mut Vec::new()).unwrap());
    assert!(txn.floor() < lsn);
    assert_eq!(txn.check_current(&txn.view(), tree, KEY).unwrap_err().flow(), Flow::Restart);
    txn.undo_statement(statement);
    txn.begin_statement(Access::WriteRows).unwrap();
    txn.check_current(&txn.view(), tree, KEY).unwrap();
    assert_eq!(txn.floor(), lsn);
    // So does who looks at the newest state of the key.
    let mut other = engine.begin(Isolation::ReadCommitted);
    other.begin_statement(Access::WriteRows).unwrap();
    let mut out = Vec::new();
    assert!(other.get_latest(tree, KEY, &mut out).unwrap());
    assert_eq!((out, other.floor()), (b"new".to_vec(), lsn));
}

#[test]
fn what_is_recovered_waits_for_standbys_but_what_a_checkpoint_has_does_not() {
    let disk = SimDisk::new(1);
    let (engine, tree) = with_value(&disk);
    drop(engine);
    let engine = open(&disk).unwrap();
    engine.require_standbys(true);
    assert!(engine.standbys().shown() < engine.readable());
    confirm(&engine, engine.applied());
    assert_eq!((engine.standbys().shown(), read(&engine, tree, Access::Read)), (Lsn::MAX, b"old".to_vec()));
    engine.close().unwrap();
    drop(engine);
    let engine = open(&disk).unwrap();
    engine.require_standbys(true);
    assert_eq!(engine.standbys().shown(), Lsn::MAX);
}

#[test]
fn a_checkpoint_waits_for_standbys_that_are_there() {
    let (engine, tree) = with_value(&SimDisk::new(1));
    engine.standbys().set_present(true);
    let lsn = commit(&engine, Safety::Local, |txn| txn.put(tree, KEY, b"new").unwrap());
    let checkpoint = std::thread::spawn({
        let engine = engine.clone();
        move || engine.checkpoint()
    });
    std::thread::sleep(Duration::from_millis(30));
    assert!(!checkpoint.is_finished());
    confirm(&engine, lsn);
    assert_eq!(checkpoint.join().expect("it does not panic").unwrap(), lsn);
}
