//! What the pager promises one thread at a time, without crashes; `sim_tests.rs` has those.

use super::*;
use crate::base::{Error, Lsn, PageId, Result, SqlState};
use crate::io::{Disk, Fault, SimDisk};
use std::sync::Arc;

pub(super) fn open(disk: &SimDisk, frames: usize) -> (Arc<Pager>, Option<Root>) {
    try_open(disk, frames).unwrap()
}

fn try_open(disk: &SimDisk, frames: usize) -> Result<(Arc<Pager>, Option<Root>)> {
    Pager::open(Arc::new(disk.clone()), "data", PagerOptions { page_bytes: 512, frames, grow_blocks: 8 })
}

pub(super) fn root(lsn: u64) -> Root {
    Root { lsn: Lsn(lsn), payload: lsn.to_string().into_bytes() }
}

pub(super) fn checkpoint(pager: &Pager, lsn: u64) -> Result<()> {
    pager.write().freeze(root(lsn));
    assert_eq!(pager.checkpoint(&|_| {}, &|_| Ok(()))?, Lsn(lsn));
    Ok(())
}

/// A new page that is full of `value`.
fn fresh(pager: &Pager, value: u8) -> PageId {
    let w = pager.write();
    let (pid, mut page) = w.allocate().unwrap();
    assert!(page[HEAD_BYTES..].iter().all(|b| *b == 0));
    page[HEAD_BYTES..].fill(value);
    pid
}

fn set(pager: &Pager, pid: PageId, value: u8) {
    pager.write().page_mut(pid).unwrap()[HEAD_BYTES..].fill(value);
}

fn value(pager: &Pager, pid: PageId) -> u8 {
    let page = pager.read(pid).unwrap();
    assert!(page[HEAD_BYTES..].iter().all(|b| *b == page[HEAD_BYTES]));
    page[HEAD_BYTES]
}

fn verify(pager: &Arc<Pager>) {
    pager.verify(&mut |_| true).unwrap();
}

#[test]
fn what_a_checkpoint_holds_is_there_after_opening_again() {
    let disk = SimDisk::new(1);
    let (pager, none) = open(&disk, 200);
    assert_eq!(none, None);
    let pids: Vec<PageId> = (0..150).map(|n| fresh(&pager, n)).collect();
    assert_eq!(pids.iter().map(|p| p.0).collect::<Vec<_>>(), (1..=150).collect::<Vec<_>>());
    checkpoint(&pager, 10).unwrap();
    verify(&pager);
    set(&pager, pids[3], 99);
    pager.write().free(pids[4]);
    assert_eq!(value(&pager, pids[3]), 99);
    disk.restart();
    let (pager, found) = open(&disk, 200);
    assert_eq!(found, Some(root(10)));
    verify(&pager);
    pids.iter().enumerate().for_each(|(n, pid)| assert_eq!(value(&pager, *pid), n as u8));
    pager.write().free(pids[4]);
    set(&pager, pids[5], 77);
    checkpoint(&pager, 20).unwrap();
    disk.reboot();
    let (pager, found) = open(&disk, 200);
    assert_eq!(found, Some(root(20)));
    verify(&pager);
    assert_eq!((value(&pager, pids[5]), value(&pager, pids[6])), (77, 6));
    assert_eq!(pager.read(pids[4]).err().unwrap().message(), "page 5 does not exist");
    assert!(!pager.load(pids[4]).unwrap() && pager.read_resident(pids[4]).is_none());
    assert_eq!((fresh(&pager, 1), fresh(&pager, 2)), (pids[4], PageId(151)));
    let w = pager.write();
    for wild in [PageId::NONE, PageId(152), PageId(u32::MAX)] {
        assert_eq!(w.page_mut(wild).err().unwrap().code(), SqlState::INTERNAL_ERROR);
        assert_eq!(w.read(wild).err().unwrap().code(), SqlState::INTERNAL_ERROR);
    }
}

#[test]
fn a_freeze_is_an_instant() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 50);
    let pids: Vec<PageId> = (0..20).map(|n| fresh(&pager, n)).collect();
    pager.write().freeze(root(1));
    pids.iter().for_each(|pid| set(&pager, *pid, 200));
    pager.write().free(pids[0]);
    let late = fresh(&pager, 201);
    assert_eq!(late, pids[0], "ids are used again");
    assert_eq!(pager.stats().copies, 20);
    pager.checkpoint(&|p| assert!(p.pages_written <= p.pages_total), &|_| Ok(())).unwrap();
    verify(&pager);
    assert_eq!((pager.stats().copies, pager.stats().dirty), (0, 20));
    disk.restart();
    let (pager, _) = open(&disk, 50);
    pids.iter().enumerate().for_each(|(n, pid)| assert_eq!(value(&pager, *pid), n as u8));
}

#[test]
fn a_pool_smaller_than_the_data_evicts() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 8);
    let pids: Vec<PageId> = (0..100).map(|n| fresh(&pager, n)).collect();
    for round in 0..3 {
        pids.iter().enumerate().for_each(|(n, pid)| assert_eq!(value(&pager, *pid), n as u8));
        checkpoint(&pager, round).unwrap();
        verify(&pager);
    }
    let stats = pager.stats();
    assert!(stats.evictions > 200 && stats.reads > 200 && stats.resident == 8, "{stats:?}");
    assert!(stats.blocks < 140, "superseded blocks are used again: {stats:?}");
}

#[test]
fn only_touched_map_pages_are_written_again() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 1000);
    let pids: Vec<PageId> = (0..620).map(|_| fresh(&pager, 1)).collect();
    checkpoint(&pager, 1).unwrap();
    let before = pager.stats().writes;
    set(&pager, pids[0], 2);
    set(&pager, pids[1], 2);
    set(&pager, pids[600], 2);
    checkpoint(&pager, 2).unwrap();
    // Three pages, two map pages, one directory.
    assert_eq!(pager.stats().writes - before, 6);
    verify(&pager);
}

#[test]
fn a_checkpoint_without_changes_and_one_without_pages() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 8);
    checkpoint(&pager, 1).unwrap();
    assert_eq!(pager.checkpoint(&|_| {}, &|_| Ok(())).unwrap_err().message(), "nothing is frozen");
    let pid = fresh(&pager, 1);
    checkpoint(&pager, 2).unwrap();
    pager.write().free(pid);
    checkpoint(&pager, 3).unwrap();
    verify(&pager);
    disk.reboot();
    let (pager, found) = open(&disk, 8);
    assert_eq!((found, pager.stats().pages), (Some(root(3)), 0));
    verify(&pager);
}

#[test]
fn pins_keep_a_checkpoint_readable() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 50);
    assert!(pager.pin().is_none());
    let pids: Vec<PageId> = (0..20).map(|n| fresh(&pager, n)).collect();
    checkpoint(&pager, 1).unwrap();
    let pin = pager.pin().unwrap();
    for round in 2..6 {
        pids.iter().for_each(|pid| set(&pager, *pid, 100 + round));
        checkpoint(&pager, u64::from(round)).unwrap();
        verify(&pager);
    }
    assert_eq!((pin.checkpoint(), pin.root()), (Epoch(1), &root(1)));
    let mut image = vec![0; 512];
    let mut seen = 0;
    pin.pages(&mut |pid, home| {
        pin.read(pid, home, &mut image)?;
        assert_eq!((pid, image[HEAD_BYTES]), (pids[seen], seen as u8));
        seen += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, 20);
    let deferred = pager.stats().blocks_deferred;
    drop(pin);
    let stats = pager.stats();
    assert!(deferred >= 80 && stats.blocks_deferred == 0 && stats.pins == 0, "{deferred} {stats:?}");
    verify(&pager);
}

#[test]
fn a_full_disk_passes_and_loses_nothing() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 64);
    let pids: Vec<PageId> = (0..40).map(|n| fresh(&pager, n)).collect();
    disk.set_capacity(pager.stats().file_bytes);
    assert_eq!(pager.admit(1).unwrap_err().code(), SqlState::DISK_FULL);
    pager.write().freeze(root(1));
    let try_again = || pager.checkpoint(&|_| {}, &|_| Ok(()));
    assert_eq!(try_again().unwrap_err().code(), SqlState::DISK_FULL);
    assert!(pager.full());
    // Changes go on until there is no room for copies either; reads of resident pages always.
    pids.iter().for_each(|pid| set(&pager, *pid, 200));
    assert_eq!(try_again().unwrap_err().code(), SqlState::DISK_FULL);
    disk.set_capacity(u64::MAX);
    pager.admit(1).unwrap();
    assert!(!pager.full());
    try_again().unwrap();
    verify(&pager);
    disk.reboot();
    let (pager, _) = open(&disk, 64);
    pids.iter().enumerate().for_each(|(n, pid)| assert_eq!(value(&pager, *pid), n as u8));
}

#[test]
fn a_write_that_finds_no_space_is_made_up_for() {
    for at in 0..12 {
        let disk = SimDisk::new(1);
        let (pager, _) = open(&disk, 64);
        let pids: Vec<PageId> = (0..40).map(|n| fresh(&pager, n)).collect();
        checkpoint(&pager, 1).unwrap();
        pids.iter().for_each(|pid| set(&pager, *pid, 7));
        disk.fail_at(at, Fault::NoSpace);
        pager.write().freeze(root(2));
        let result = pager.checkpoint(&|_| {}, &|_| Ok(()));
        pids[..9].iter().for_each(|pid| set(&pager, *pid, 8));
        match result {
            Err(e) if pager.alive().is_ok() => {
                assert_eq!(e.code(), SqlState::DISK_FULL);
                pager.checkpoint(&|_| {}, &|_| Ok(())).unwrap();
            }
            // A sync or a superblock that fails is final, whatever the reason.
            Err(_) => continue,
            Ok(_) => {}
        }
        verify(&pager);
        assert_eq!(value(&pager, pids[0]), 8);
        disk.reboot();
        let (pager, _) = open(&disk, 64);
        pids.iter().for_each(|pid| assert_eq!(value(&pager, *pid), 7));
    }
}

#[test]
fn any_other_error_is_final() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 8);
    let pid = fresh(&pager, 1);
    pager.admit(1).unwrap();
    disk.fail_at(0, Fault::Io);
    assert_eq!(pager.flush_some(10).unwrap_err().code(), SqlState::IO_ERROR);
    assert_eq!(value(&pager, pid), 1);
    let all: [Result<(), Error>; 3] = [pager.admit(1), pager.flush_some(1).map(drop), checkpoint(&pager, 1)];
    assert!(all.into_iter().all(|r| r.unwrap_err().code() == SqlState::IO_ERROR));
}

/// I8: a page in the place of another one is damage.
#[test]
fn damage_is_named() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 8);
    let pids: Vec<PageId> = (0..3).map(|n| fresh(&pager, n)).collect();
    checkpoint(&pager, 1).unwrap();
    let mut at = Vec::new();
    let note = &mut |_, home: Home| {
        at.push(home.block);
        Ok(())
    };
    pager.pin().unwrap().pages(note).unwrap();
    let file = disk.open("data").unwrap();
    let mut image = vec![0; 512];
    file.read_exact_at(&mut image, at[0].offset(512)).unwrap();
    file.write_at(&image, at[1].offset(512)).unwrap();
    file.write_at(b"x", at[2].offset(512) + 300).unwrap();
    disk.restart();
    let (pager, _) = open(&disk, 8);
    let message = |pid| pager.read(pid).err().unwrap().message().to_string();
    assert_eq!(value(&pager, pids[0]), 0);
    assert_eq!(message(pids[1]), "page 2 at block 3 is damaged: it holds page 1");
    assert_eq!(message(pids[2]), "page 3 at block 4 is damaged: its checksum does not match");
    assert_eq!(message(pids[2]), message(pids[2]), "and again");
    assert_eq!(pager.verify(&mut |_| true).unwrap_err().code(), SqlState::DATA_CORRUPTED);
    assert!(pager.verify(&mut |_| true).is_err());
}

#[test]
fn a_file_without_a_whole_superblock_is_damaged() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 8);
    fresh(&pager, 1);
    checkpoint(&pager, 1).unwrap();
    checkpoint(&pager, 2).unwrap();
    let file = disk.open("data").unwrap();
    file.write_at(b"x", 600).unwrap();
    disk.restart();
    let (pager, found) = open(&disk, 8);
    assert!(found.is_some_and(|r| r == root(1) || r == root(2)));
    verify(&pager);
    for at in [100, 600] {
        disk.open("data").unwrap().write_at(b"x", at).unwrap();
    }
    disk.restart();
    assert_eq!(try_open(&disk, 8).err().unwrap().code(), SqlState::DATA_CORRUPTED);
}

#[test]
fn the_number_of_a_lost_checkpoint_is_not_given_again() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 8);
    fresh(&pager, 1);
    (1..4).for_each(|n| checkpoint(&pager, n).unwrap());
    assert_eq!(pager.stats().checkpoint, 3);
    // Where the second superblock is, which is the newest.
    disk.open("data").unwrap().write_at(b"x", 612).unwrap();
    for _ in 0..2 {
        disk.restart();
        let (pager, found) = open(&disk, 8);
        assert_eq!((found, pager.stats().checkpoint), (Some(root(2)), 4));
        verify(&pager);
        let report = &mut |finding| panic!("{finding:?}");
        super::check_file(&*disk.open("data").unwrap(), report).unwrap();
    }
    let (pager, _) = open(&disk, 8);
    checkpoint(&pager, 5).unwrap();
    disk.restart();
    let (pager, found) = open(&disk, 8);
    assert_eq!((found, pager.stats().checkpoint), (Some(root(5)), 5));
}

#[test]
fn a_new_file_is_whole_or_not_there() {
    for at in 0..8 {
        let disk = SimDisk::new(at);
        disk.crash_at(at);
        let first = try_open(&disk, 8);
        disk.reboot();
        let (pager, found) = open(&disk, 8);
        assert_eq!(found, None);
        assert_eq!(pager.stats().pages, 0);
        assert!(first.is_err() || at > 5);
    }
}

#[test]
fn an_unreachable_page_is_a_leak() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 8);
    let (a, b) = (fresh(&pager, 1), fresh(&pager, 2));
    checkpoint(&pager, 1).unwrap();
    let e = pager.verify(&mut |pid| pid == a).unwrap_err();
    assert_eq!(e.message(), format!("page {b} exists, but nothing leads to it"));
}

#[test]
#[should_panic(expected = "holds page 1 already")]
fn a_page_is_held_once() {
    let (pager, _) = open(&SimDisk::new(1), 8);
    let pid = fresh(&pager, 1);
    let w = pager.write();
    let _held = w.page_mut(pid).unwrap();
    let _again = w.page_mut(pid);
}

#[test]
fn a_real_file_works_alike() {
    let dir = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(crate::io::RealDisk::open(dir.path()).unwrap());
    let options = || PagerOptions { frames: 16, ..PagerOptions::default() };
    let (pager, _) = Pager::open(disk.clone(), "data", options()).unwrap();
    let pids: Vec<PageId> = (0..60).map(|n| fresh(&pager, n)).collect();
    checkpoint(&pager, 1).unwrap();
    pids.iter().for_each(|pid| set(&pager, *pid, 99));
    drop(pager);
    let (pager, found) = Pager::open(disk, "data", PagerOptions { page_bytes: 512, ..options() }).unwrap();
    assert_eq!((found, pager.page_bytes()), (Some(root(1)), PAGE_BYTES));
    pager.prefetch(&pids);
    pids.iter().enumerate().for_each(|(n, pid)| assert_eq!(value(&pager, *pid), n as u8));
    verify(&pager);
}

#[test]
fn several_pages_are_held_at_once_and_prefetch_is_harmless() {
    let (pager, _) = open(&SimDisk::new(1), 8);
    let (a, b) = (fresh(&pager, 1), fresh(&pager, 2));
    {
        let w = pager.write();
        let mut pages = [w.page_mut(a).unwrap(), w.page_mut(b).unwrap(), w.allocate().unwrap().1];
        assert!(pager.flush_some(9).unwrap() == 0, "held pages are busy");
        let (head, tail) = pages.split_at_mut(1);
        head[0][20..30].copy_from_slice(&tail[0][20..30]);
    }
    assert_eq!(pager.read(a).unwrap()[20..30], [2; 10]);
    assert_eq!(pager.flush_some(9).unwrap(), 3);
    pager.prefetch(&[a, b, PageId(77), PageId(1 << 30)]);
}
