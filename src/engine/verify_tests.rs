//! Files at rest on a simulated disk: nothing is found while they are untouched, however the engine ended, and every
//! flipped byte is.
//!
//! `HEADWATER_FLIPS` sets how many bytes are flipped for each directory, `HEADWATER_SEEDS` how many of these there are.

use super::tests::{open, options};
use super::{Engine, EngineCheck};
use crate::base::{Finding, Result, TreeId};
use crate::io::{Disk, Rng, SimClock, SimDisk, SimEntropy, seeds};
use crate::txn::{Access, Isolation};
use std::sync::Arc;

fn check(disk: &SimDisk) -> (EngineCheck, Vec<Finding>) {
    let (mut findings, clock) = (Vec::new(), Arc::new(SimClock::new(1)));
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let report = &mut |finding| findings.push(finding);
    let seen = Engine::check(disk, clock, &SimEntropy::new(1), options(), report).expect("the disk can be read");
    (seen, findings)
}

fn damage(disk: &SimDisk) -> Vec<Finding> {
    check(disk).1.into_iter().filter(Finding::is_damage).collect()
}

/// Random work on three trees, with checkpoints, until the disk fails or it is done.
fn work(engine: &Engine, rng: &mut Rng) -> Result<()> {
    if engine.trees().is_empty() {
        let mut txn = engine.begin(Isolation::ReadCommitted);
        for _ in 0..3 {
            txn.create_tree()?;
        }
        engine.wait_durable_blocking(txn.commit()?.wait_for)?;
    }
    for _ in 0..rng.below(60) {
        let mut txn = engine.begin(Isolation::ReadCommitted);
        txn.begin_statement(Access::Write)?;
        for _ in 0..1 + rng.below(30) {
            let (tree, key) = (TreeId(1 + rng.below(3) as u32), rng.below(500).to_be_bytes());
            match rng.below(30) {
                0 => txn.put(tree, &key, &vec![7; rng.below(30_000) as usize])?,
                1..6 => txn.delete(tree, &key)?,
                n => txn.put(tree, &key, &vec![n as u8; rng.below(200) as usize])?,
            }
        }
        let wait_for = txn.commit()?.wait_for;
        if rng.chance(1, 2) {
            engine.wait_durable_blocking(wait_for)?;
        }
        if rng.chance(1, 12) {
            engine.checkpoint()?;
            engine.purge();
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Closed,
    Killed,
    PowerLost,
}

/// One start, some work, and the end. The disk says afterwards what a new process would find.
fn live(disk: &SimDisk, rng: &mut Rng, end: End) {
    if end != End::Closed {
        disk.crash_at(rng.below(150));
    }
    if let Ok(engine) = open(disk) {
        let worked = work(&engine, rng);
        assert!(worked.is_ok() || end != End::Closed, "{worked:?}");
        if end == End::Closed {
            engine.close().unwrap();
        }
    }
    if end == End::PowerLost { disk.reboot() } else { disk.restart() }
}

/// A directory with a past.
fn directory(seed: u64, end: End) -> SimDisk {
    let (disk, mut rng) = (SimDisk::new(seed), Rng::new(seed));
    for _ in 0..rng.below(4) {
        let end = [End::Closed, End::Killed, End::PowerLost][rng.below(3) as usize];
        live(&disk, &mut rng, end);
        if end != End::PowerLost {
            assert!(check(&disk).1.iter().all(|f| !f.is_damage()), "seed {seed}: {:?}", check(&disk).1);
        }
    }
    live(&disk, &mut rng, End::Closed);
    live(&disk, &mut rng, end);
    disk
}

/// The files of the store and of the log, but for an old segment that was being filled with zeros.
fn files(disk: &SimDisk) -> Vec<String> {
    let log = disk.list("wal").unwrap().into_iter().map(|name| format!("wal/{name}"));
    let is_whole =
        |path: &String| !path.ends_with(".old") || disk.open(path).unwrap().find_nonzero(0..512).unwrap().is_some();
    log.filter(is_whole).chain(["data".to_string()]).collect()
}

fn flips() -> u64 {
    std::env::var("HEADWATER_FLIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(40)
}

/// Half of the positions are anywhere, half where there is something.
fn some_position(disk: &SimDisk, rng: &mut Rng) -> (String, u64) {
    let files = files(disk);
    loop {
        let path = &files[rng.below(files.len() as u64) as usize];
        let file = disk.open(path).unwrap();
        let at = rng.below(file.len().unwrap());
        let rest = at..file.len().unwrap();
        match rng.chance(1, 2) {
            true => return (path.clone(), at),
            false => {
                if let Some(found) = file.find_nonzero(rest).unwrap() {
                    return (path.clone(), found.start);
                }
            }
        }
    }
}

fn every_flip_is_found(seed: u64, end: End) {
    let disk = directory(seed, end);
    let (seen, findings) = check(&disk);
    assert!(findings.is_empty(), "seed {seed}, {end:?}: untouched, but {findings:?}");
    assert!(seen.log_records > 0 && seen.trees == 3, "{seen:?}");
    let mut rng = Rng::new(seed);
    for _ in 0..flips() {
        let (path, at) = some_position(&disk, &mut rng);
        let file = disk.open(&path).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        let wrong = byte[0] ^ (1 + rng.below(255) as u8);
        file.write_at(&[wrong], at).unwrap();
        let found = damage(&disk);
        assert!(!found.is_empty(), "seed {seed}, {end:?}: {path} byte {at}, {} is {wrong}", byte[0]);
        file.write_at(&byte, at).unwrap();
    }
    assert!(damage(&disk).is_empty());
}

#[test]
fn every_flipped_byte_is_found_after_an_orderly_end() {
    seeds(3).for_each(|seed| every_flip_is_found(seed, End::Closed));
}

#[test]
fn every_flipped_byte_is_found_after_a_kill() {
    seeds(3).for_each(|seed| every_flip_is_found(seed + 1000, End::Killed));
}

#[test]
fn a_check_changes_nothing() {
    let disk = directory(5, End::Killed);
    let operations = disk.operations();
    let first = check(&disk);
    assert_eq!((first.0, disk.operations()), (check(&disk).0, operations));
}

#[test]
fn a_missing_log_or_part_of_it_is_found() {
    for seed in 0..3 {
        let disk = directory(seed, End::Killed);
        let log: Vec<String> = disk.list("wal").unwrap().into_iter().filter(|n| n.ends_with(".wal")).collect();
        let path = format!("wal/{}", log[0]);
        disk.rename(&path, "elsewhere").unwrap();
        assert!(!damage(&disk).is_empty(), "{log:?}");
        disk.rename("elsewhere", &path).unwrap();
        assert!(damage(&disk).is_empty());
    }
}

/// What a kill in the middle of a write leaves.
#[test]
fn a_write_that_was_cut_short_is_a_note() {
    let disk = directory(7, End::Closed);
    let last = disk.list("wal").unwrap().into_iter().rfind(|name| name.ends_with(".wal")).unwrap();
    let log = disk.open(&format!("wal/{last}")).unwrap();
    let end = log.find_nonzero(0..log.len().unwrap()).unwrap().unwrap().end;
    let page_end = (end + 100).next_multiple_of(4096);
    // A record of 9 KB, of which the first page of the cache is there.
    let mut record = vec![9; (page_end - end) as usize];
    record[..10].copy_from_slice(&[0x28, 0x23, 0, 0, 1, 2, 3, 4, 16, 0]);
    log.write_at(&record, end).unwrap();
    let findings = check(&disk).1;
    assert!(matches!(&findings[..], [Finding::Note(note)] if note.contains("cut short")), "{findings:?}");
    log.write_at(&[9], page_end).unwrap();
    assert_eq!(damage(&disk).len(), 1, "and more than that is none");
    live(&disk, &mut Rng::new(1), End::Closed);
    assert!(check(&disk).1.is_empty(), "the next start clears it");
    let data = disk.open("data").unwrap();
    let unused = (0..data.len().unwrap() / 8192).rev().find(|block| {
        let start = block * 8192;
        data.find_nonzero(start..start + 8192).unwrap().is_none()
    });
    data.write_at(&[5; 4096], unused.unwrap() * 8192).unwrap();
    let findings = check(&disk).1;
    assert!(matches!(&findings[..], [Finding::Note(note)] if note.contains("unused block")), "{findings:?}");
}

#[test]
fn a_damaged_page_is_told_with_its_tree() {
    let disk = directory(9, End::Closed);
    let data = disk.open("data").unwrap();
    let told = (2..data.len().unwrap() / 8192).filter_map(|block| {
        let mut byte = [0];
        data.read_exact_at(&mut byte, block * 8192 + 8000).unwrap();
        data.write_at(&[byte[0] ^ 1], block * 8192 + 8000).unwrap();
        let found = damage(&disk);
        data.write_at(&byte, block * 8192 + 8000).unwrap();
        let Finding::Damage(e) = &found[0] else { unreachable!("only damage was asked for") };
        e.message().contains(" of tree ").then(|| e.message().to_string())
    });
    let told: Vec<String> = told.take(3).collect();
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|m| m.contains("byte 8000 is wrong") && m.contains("at block ")), "{told:?}");
}
