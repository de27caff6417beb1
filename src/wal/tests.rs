//! The log with its threads.

use super::*;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::io::{Clock, Disk, Entropy, Fault, RealClock, RealDisk, RealEntropy, SimClock, SimDisk, SimEntropy};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub fn small() -> WalOptions {
    WalOptions {
        cluster: 9,
        segment_bytes: 4096,
        first_segment_bytes: 2048,
        unflushed_bytes_max: 16 << 10,
        ..WalOptions::default()
    }
}

type Found = Vec<(Lsn, u8, Vec<u8>)>;

fn open(disk: &SimDisk, options: WalOptions, from: Lsn) -> Result<(Wal, Found)> {
    let mut found = Vec::new();
    let clock: Arc<dyn Clock> = Arc::new(SimClock::new(5));
    let keep = |r: Record| {
        if r.kind != KIND_INCARNATION {
            found.push((r.lsn, r.kind, r.payload.to_vec()));
        }
        Ok(())
    };
    let wal = Wal::open(Arc::new(disk.clone()), clock, &SimEntropy::new(1), "wal", options, from, keep)?;
    Ok((wal, found))
}

#[test]
fn what_is_appended_comes_back() {
    let disk = SimDisk::new(1);
    let (wal, found) = open(&disk, small(), Lsn::ZERO).unwrap();
    assert!(found.is_empty());
    let mut written: Found = Vec::new();
    for i in 0..300usize {
        let payload = vec![i as u8; (i * 37) % 500 + usize::from(i == 77) * 9000];
        wal.admit(payload.len()).unwrap();
        let lsn = wal.append_parts(16 + (i % 3) as u8, &[&payload[..payload.len() / 2], &payload[payload.len() / 2..]]);
        written.push((lsn.unwrap(), 16 + (i % 3) as u8, payload));
    }
    wal.wait_blocking(wal.appended()).unwrap();
    assert_eq!(wal.durable(), wal.appended());
    let mut reader = wal.read_from(written[99].0).unwrap();
    for (lsn, kind, payload) in &written[100..] {
        let r = reader.next_record().unwrap().unwrap();
        assert_eq!((r.lsn, r.kind, r.payload), (*lsn, *kind, &payload[..]));
    }
    assert!(reader.next_record().unwrap().is_none());
    assert!(wal.read_from(Lsn(written[99].0.0 + 1)).is_err(), "inside a record");
    assert!(wal.read_from(Lsn(wal.appended().0 + 1)).is_err(), "ahead of the log");
    wal.close().unwrap();
    drop(wal);
    disk.reboot();
    let (wal, found) = open(&disk, small(), Lsn::ZERO).unwrap();
    assert_eq!(found, written);
    wal.close().unwrap();
    drop(wal);
    let (_wal, found) = open(&disk, small(), written[150].0).unwrap();
    assert_eq!(found, written[151..]);
}

#[test]
fn old_segments_are_used_again() {
    let disk = SimDisk::new(2);
    let (wal, _) = open(&disk, small(), Lsn::ZERO).unwrap();
    let mut before = Lsn::ZERO;
    for round in 0..20u8 {
        for _ in 0..30 {
            wal.append(20, &[round; 200]).unwrap();
        }
        wal.wait_blocking(wal.appended()).unwrap();
        wal.remove_before(before).unwrap();
        before = wal.durable();
    }
    let files = disk.list("wal").unwrap();
    assert!(files.len() < 12, "{files:?}");
    assert_eq!(wal.read_from(Lsn::ZERO).err().unwrap().code(), SqlState::UNDEFINED_FILE);
    drop(wal);
    assert_eq!(open(&disk, small(), Lsn::ZERO).err().unwrap().code(), SqlState::UNDEFINED_FILE);
    let (wal, found) = open(&disk, small(), before).unwrap();
    assert!(found.is_empty());
    wal.append(20, b"more").unwrap();
}

#[test]
fn many_committers_share_syncs_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir.path()).unwrap());
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
    let options = WalOptions { cluster: RealEntropy.u128(), segment_bytes: 1 << 16, ..small() };
    let open = |count: &AtomicUsize| {
        let count = |r: Record| {
            count.fetch_add(usize::from(r.kind != KIND_INCARNATION), Ordering::Relaxed);
            Ok(())
        };
        Wal::open(disk.clone(), clock.clone(), &RealEntropy, "wal", options.clone(), Lsn::ZERO, count).unwrap()
    };
    let wal = Arc::new(open(&AtomicUsize::new(0)));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let commits = (0..16).map(|_| {
            let wal = wal.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    let lsn = wal.append(16, &[7; 180]).unwrap();
                    wal.wait(lsn).await.unwrap();
                    assert!(wal.durable() >= lsn);
                }
            })
        });
        for commit in commits.collect::<Vec<_>>() {
            commit.await.unwrap();
        }
    });
    wal.close().unwrap();
    assert!(wal.append(16, b"late").is_ok_and(|lsn| wal.wait_blocking(lsn).is_err()));
    let count = AtomicUsize::new(0);
    open(&count);
    assert_eq!(count.into_inner(), 16 * 50);
}

#[test]
fn a_record_that_nobody_waits_for_is_flushed_in_time() {
    let (wal, _) = open(&SimDisk::new(1), small(), Lsn::ZERO).unwrap();
    let options = WalOptions { flush_interval: std::time::Duration::from_millis(5), ..small() };
    drop(wal);
    let (wal, _) = open(&SimDisk::new(1), options, Lsn::ZERO).unwrap();
    let lsn = wal.append(16, b"x").unwrap();
    while wal.durable() < lsn {
        std::thread::yield_now();
    }
}

#[test]
fn a_failed_sync_is_final() {
    let disk = SimDisk::new(3);
    let told = Arc::new(AtomicUsize::new(0));
    let options = WalOptions {
        on_fatal: Arc::new({
            let told = told.clone();
            move |e: &Error| {
                assert_eq!(e.code(), SqlState::IO_ERROR);
                told.fetch_add(1, Ordering::SeqCst);
            }
        }),
        ..small()
    };
    let (wal, _) = open(&disk, options, Lsn::ZERO).unwrap();
    let good = wal.append(16, b"good").unwrap();
    wal.wait_blocking(good).unwrap();
    disk.fail_at(1, Fault::Io);
    let bad = wal.append(16, b"bad").unwrap();
    assert_eq!(wal.wait_blocking(bad).unwrap_err().code(), SqlState::IO_ERROR);
    assert!(wal.wait_blocking(bad).is_err(), "and stays so");
    assert_eq!((wal.durable(), wal.close().is_err()), (good, true));
    assert_eq!(told.load(Ordering::SeqCst), 1);
    let mut fill = (0..40).map(|_| wal.admit(1000).and_then(|()| wal.append(16, &[0; 1000])));
    let refused = fill.find_map(Result::err).expect("the window fills");
    assert_eq!(refused.code(), SqlState::IO_ERROR, "it ends in the error, not in a hang");
}

#[test]
fn a_full_disk_refuses_commits_and_lets_them_on_again() {
    let disk = SimDisk::new(4);
    let (wal, _) = open(&disk, small(), Lsn::ZERO).unwrap();
    disk.set_capacity(6000);
    let refused = (0..100).find_map(|_| wal.admit(100).and_then(|()| wal.append(16, &[1; 100]).map(|_| ())).err());
    assert_eq!(refused.expect("space ran out").code(), SqlState::DISK_FULL);
    wal.wait_blocking(wal.appended()).expect("what was admitted is safe");
    disk.set_capacity(u64::MAX);
    wal.admit(100).unwrap();
    let lsn = wal.append(16, &[1; 100]).unwrap();
    wal.wait_blocking(lsn).unwrap();
}

#[test]
fn strangers_and_damage_are_refused() {
    let disk = SimDisk::new(5);
    let (wal, _) = open(&disk, small(), Lsn::ZERO).unwrap();
    let ends: Vec<Lsn> = (0..40).map(|_| wal.append(16, &[3; 200]).unwrap()).collect();
    wal.close().unwrap();
    drop(wal);
    let code = |options, from| open(&disk, options, from).err().map(|e| e.code());
    assert_eq!(code(WalOptions { cluster: 1, ..small() }, Lsn::ZERO), Some(SqlState::DATA_CORRUPTED));
    assert_eq!(code(small(), Lsn(1 << 20)), Some(SqlState::DATA_CORRUPTED), "a checkpoint ahead of the log");
    let first = disk.open("wal/0000000000000000.wal").unwrap();
    first.write_at(&[0xff], 512 + ends[2].0 + 100).unwrap();
    assert_eq!(code(small(), Lsn::ZERO), Some(SqlState::DATA_CORRUPTED), "damage is not a torn tail");
    assert_eq!(code(small(), ends[30]), None, "it does not matter behind the checkpoint");
}

#[test]
fn an_error_of_replay_ends_the_opening() {
    let disk = SimDisk::new(6);
    let (wal, _) = open(&disk, small(), Lsn::ZERO).unwrap();
    wal.append(16, b"x").unwrap();
    drop(wal);
    let clock: Arc<dyn Clock> = Arc::new(SimClock::new(5));
    let refuse = |_: Record| Err(Error::internal("no"));
    let opened = Wal::open(Arc::new(disk), clock, &SimEntropy::new(1), "wal", small(), Lsn::ZERO, refuse);
    assert_eq!(opened.err().unwrap().message(), "no");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever happens to the bytes of the segments, opening never panics, and finds what was written or refuses.
    #[test]
    fn damaged_files_yield_nothing_that_was_not_written(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), 0u64..4096, any::<u8>()), 1..8),
        cut in proptest::option::of((any::<prop::sample::Index>(), 0u64..4096)),
    ) {
        let disk = SimDisk::new(7);
        let (wal, _) = open(&disk, small(), Lsn::ZERO).unwrap();
        let mut written: Found = Vec::new();
        for i in 0..30u8 {
            written.push((wal.append(16, &vec![i; usize::from(i) * 17]).unwrap(), 16, vec![i; usize::from(i) * 17]));
        }
        wal.close().unwrap();
        drop(wal);
        let files = disk.list("wal").unwrap();
        let file = |at: &prop::sample::Index| disk.open(&format!("wal/{}", at.get(&files))).unwrap();
        for (at, offset, byte) in &damage {
            let file = file(at);
            if *offset < file.len().unwrap() {
                file.write_at(&[*byte], *offset).unwrap();
            }
        }
        if let Some((at, len)) = &cut {
            file(at).set_len(*len).unwrap();
        }
        if let Ok((wal, found)) = open(&disk, small(), Lsn::ZERO) {
            prop_assert!(found.len() <= written.len() && found == written[..found.len()]);
            let lsn = wal.append(16, b"on we go").unwrap();
            wal.wait_blocking(lsn).unwrap();
        }
    }
}
