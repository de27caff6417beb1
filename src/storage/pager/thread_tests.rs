//! Readers, the writer, a cleaner and checkpoints at once, in fewer frames than pages: nobody sees a torn or foreign page,
//! and the file holds the state of the last freeze.

use super::frame::{Frame, LOOK_AGAIN};
use super::tests::{open, root};
use super::*;
use crate::base::PageId;
use crate::io::{Rng, SimDisk};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

const PAGES: usize = 120;
const CHANGES: u64 = 12_000;

/// Fills a page with what tells its slot and the change it is from.
fn fill(page: &mut [u8], slot: usize, change: u64) {
    for (n, bytes) in page[HEAD_BYTES..].chunks_exact_mut(8).enumerate() {
        bytes.copy_from_slice(&if n % 2 == 0 { slot as u64 } else { change }.to_le_bytes());
    }
}

/// The slot and the change of a page; panics when it is of two minds.
fn content(page: &[u8]) -> (usize, u64) {
    let words: Vec<u64> =
        page[HEAD_BYTES..].chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().unwrap())).collect();
    assert!(words.chunks_exact(2).all(|pair| pair == &words[..2]), "a torn page: {words:?}");
    (words[0] as usize, words[1])
}

/// Where each slot's page is, and its newest change; what readers know.
struct Shared {
    pids: Vec<AtomicU64>,
    seen: Vec<AtomicU64>,
    stop: AtomicBool,
}

/// Reads random slots: never an older state than one that was there before.
fn read(pager: &Pager, shared: &Shared, seed: u64) {
    let mut rng = Rng::new(seed);
    while !shared.stop.load(Ordering::Relaxed) {
        let slot = rng.below(PAGES as u64) as usize;
        let pid = PageId(shared.pids[slot].load(Ordering::Acquire) as u32);
        let at_least = shared.seen[slot].load(Ordering::Acquire);
        let page = match pager.read_resident(pid) {
            Some(page) => page,
            None if pager.load(pid).unwrap() => continue,
            None => continue,
        };
        // The page may have been freed and given out again since its id was read.
        let (found, change) = content(&page);
        if found == slot && shared.pids[slot].load(Ordering::Acquire) == u64::from(pid.0) {
            assert!(change >= at_least, "slot {slot}: change {change} after {at_least}");
        }
    }
}

fn checkpoints(pager: &Pager, shared: &Shared) {
    while !shared.stop.load(Ordering::Relaxed) {
        pager.flush_some(3).unwrap();
        if pager.frozen() {
            pager.checkpoint(&|_| {}, &|_| Ok(())).unwrap();
        }
        thread::yield_now();
    }
}

/// Changes pages, moves some, freezes now and then. Answers what each slot's newest change was at each freeze.
fn change(pager: &Pager, shared: &Shared) -> Vec<Vec<u64>> {
    let mut rng = Rng::new(7);
    let mut newest = vec![0; PAGES];
    let mut at_freeze = Vec::new();
    for change in 1..=CHANGES {
        pager.admit(3).unwrap();
        let slot = rng.below(PAGES as u64) as usize;
        let old = PageId(shared.pids[slot].load(Ordering::Relaxed) as u32);
        let w = pager.write();
        if rng.chance(1, 10) {
            let (new, mut page) = w.allocate().unwrap();
            fill(&mut page, slot, change);
            drop(page);
            shared.pids[slot].store(u64::from(new.0), Ordering::Release);
            w.free(old);
        } else {
            let other = (slot + 1) % PAGES;
            let _neighbour = w.page_mut(PageId(shared.pids[other].load(Ordering::Relaxed) as u32)).unwrap();
            let mut page = w.page_mut(old).unwrap();
            assert_eq!(content(&page), (slot, newest[slot]));
            fill(&mut page, slot, change);
        }
        newest[slot] = change;
        shared.seen[slot].store(change, Ordering::Release);
        drop(w);
        if change % 500 == 0 {
            while pager.frozen() {
                thread::yield_now();
            }
            pager.write().freeze(root(at_freeze.len() as u64));
            at_freeze.push(newest.clone());
        }
    }
    at_freeze
}

#[test]
fn readers_writer_cleaner_and_checkpoints_share_few_frames() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 24);
    let slots = || (0..PAGES).map(|_| AtomicU64::new(0)).collect();
    let shared = Shared { pids: slots(), seen: slots(), stop: AtomicBool::new(false) };
    for (slot, pid) in shared.pids.iter().enumerate() {
        let w = pager.write();
        let (new, mut page) = w.allocate().unwrap();
        fill(&mut page, slot, 0);
        pid.store(u64::from(new.0), Ordering::Release);
    }
    let at_freeze = thread::scope(|s| {
        (0..2).for_each(|n| {
            drop(s.spawn({
                let (pager, shared) = (&pager, &shared);
                move || read(pager, shared, n)
            }))
        });
        s.spawn(|| checkpoints(&pager, &shared));
        let at_freeze = s.spawn(|| change(&pager, &shared)).join();
        shared.stop.store(true, Ordering::Relaxed);
        at_freeze.unwrap()
    });
    let pids: Vec<PageId> = shared.pids.iter().map(|p| PageId(p.load(Ordering::Relaxed) as u32)).collect();
    pager.verify(&mut |pid| pids.contains(&pid)).unwrap();
    if pager.frozen() {
        pager.checkpoint(&|_| {}, &|_| Ok(())).unwrap();
    }
    let stats = pager.stats();
    assert!(stats.checkpoint == 24 && stats.evictions > 1000 && stats.copied > 0, "{stats:?}");
    disk.restart();
    let (pager, found) = open(&disk, 24);
    let found = found.unwrap();
    assert_eq!(found.lsn.0 as usize + 1, at_freeze.len());
    let mut slots = vec![None; PAGES];
    for pid in (1..=PAGES as u32 + 2).map(PageId).filter(|pid| pager.exists(*pid)) {
        let (slot, change) = content(&pager.read(pid).unwrap());
        assert_eq!(slots[slot].replace(change), None, "a slot has one page");
    }
    let last = at_freeze.last().unwrap();
    assert!(slots.iter().zip(last).all(|(found, expected)| *found == Some(*expected)));
}

#[test]
fn a_page_is_read_in_once() {
    let disk = SimDisk::new(1);
    let (pager, _) = open(&disk, 8);
    let pid = pager.write().allocate().unwrap().0;
    super::tests::checkpoint(&pager, 1).unwrap();
    for _ in 0..200 {
        let frame = (0..8).find(|n| pager.frames.get(*n).pid() == pid).unwrap();
        assert!(pager.evict(pid, frame));
        pager.frames.give_back(frame);
        let before = pager.stats().reads;
        thread::scope(|s| (0..3).for_each(|_| drop(s.spawn(|| pager.read(pid).map(drop).unwrap()))));
        assert_eq!(pager.stats().reads, before + 1);
    }
}

/// The holder of the latch may be waiting for a page that the one who waits here holds.
#[test]
fn nobody_waits_for_a_frame_that_became_another_pages() {
    let frame = &Frame::zeroed(1)[0];
    frame.latch.exclusive();
    let here = AtomicBool::new(true);
    thread::scope(|threads| {
        let is_here = || here.load(Ordering::Relaxed);
        let readers =
            [threads.spawn(move || frame.latch_shared(is_here)), threads.spawn(move || frame.latch_exclusive(is_here))];
        thread::sleep(3 * LOOK_AGAIN);
        here.store(false, Ordering::Relaxed);
        for reader in readers {
            assert!(!reader.join().unwrap());
        }
    });
    // SAFETY: latched above.
    unsafe { frame.latch.release_exclusive() };
    assert!(frame.latch_exclusive(|| true), "whoever gave up left nothing behind");
}
