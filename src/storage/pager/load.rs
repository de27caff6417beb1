//! Reading pages in, and making room for them.
//!
//! A page is read in by one thread: it turns the page's word from "on disk" to "loading", and everybody else waits until the word
//! says something else. Two readers at once could put an image into a frame that is older than what the page became
//! meanwhile.
//!
//! Room is made by the clock (second chance): its hand clears "used" and takes the first clean page that has not been
//! used for a turn. What it finds unused and dirty it remembers, and when there is no clean page the thread that needs
//! room writes those itself.

#[cfg(test)]
use super::canary;
use super::frame::Change;
use super::head::{Kind, check, damaged};
use super::pool::{Pager, count};
use super::sync::{rest, yield_now};
use super::word::{Block, Epoch, Home, Place, resident};
use crate::base::{PageId, Result};
use std::sync::atomic::Ordering;

/// Dirty pages that are written at once when no clean one is left.
const VICTIMS: usize = 64;

impl Pager {
    /// Reads the page in when it is not resident; false, not an error, when there is no such page (any more). For a
    /// reader whose `read_resident` of a child failed: let go of all latches, `load` the child, start again from the top.
    pub fn load(&self, pid: PageId) -> Result<bool> {
        let Some(word) = self.table.get(pid) else { return Ok(false) };
        let mut spare = None;
        let there = loop {
            let seen = word.load(Ordering::Acquire);
            match Place::of_word(seen) {
                Place::Resident(_) => break true,
                Place::Loading(_) => self.wait_for_load(pid),
                Place::Disk(home) if home.block == Block::NONE => break false,
                Place::Disk(home) => {
                    // Room first, so that nobody waits for this page while others are written.
                    let frame = match spare.take() {
                        Some(frame) => frame,
                        None => self.take_frame()?,
                    };
                    let loading = Place::Loading(home).word();
                    if word.compare_exchange(seen, loading, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                        spare = Some(frame);
                        continue;
                    }
                    self.fill(pid, home, frame)?;
                    break true;
                }
            }
        };
        if let Some(frame) = spare {
            self.frames.give_back(frame);
        }
        Ok(there)
    }

    /// Reads a page that this thread has marked as loading into a frame that it owns.
    fn fill(&self, pid: PageId, home: Home, frame: u32) -> Result<()> {
        // SAFETY: this thread owns the frame until it is published below.
        let read = self.read_image(pid, home, unsafe { self.frames.bytes_mut(frame) });
        let f = self.frames.get(frame);
        let word = match read {
            Ok(()) => {
                f.set_pid(pid);
                f.set_home(home);
                f.set_change(Change::CLEAN);
                f.set_flushing(0);
                f.touch();
                resident(frame)
            }
            Err(_) => Place::Disk(home).word(),
        };
        if read.is_err() {
            self.frames.give_back(frame);
        }
        self.table.word(pid).store(word, Ordering::Release);
        self.wake_load_waiters();
        read
    }

    /// Reads an image and checks that it is the one that the map means.
    pub(super) fn read_image(&self, pid: PageId, home: Home, out: &mut [u8]) -> Result<()> {
        self.alive()?;
        count(&self.counters.reads, 1);
        let n = self.file.read_at(out, home.block.offset(self.page_bytes))?;
        if n < out.len() {
            return Err(damaged(pid, home.block, "the file ends before it"));
        }
        check(out, Kind::Page, pid.0, home.epoch).map_err(|why| damaged(pid, home.block, why))
    }

    /// Waits until the thread that reads the page in is done.
    pub(super) fn wait_for_load(&self, pid: PageId) {
        let word = self.table.word(pid);
        let mut waiters = self.load_waiters.lock();
        *waiters += 1;
        while matches!(Place::of_word(word.load(Ordering::Acquire)), Place::Loading(_)) {
            self.loaded.wait(&mut waiters);
        }
        *waiters -= 1;
    }

    /// After a word stopped saying "loading".
    pub(super) fn wake_load_waiters(&self) {
        if *self.load_waiters.lock() > 0 {
            self.loaded.notify_all();
        }
    }

    /// A frame for this thread to own. Writes dirty pages when there is no clean one to evict: 53100 when the disk is
    /// full. The caller may hold latches: this only tries others.
    pub(super) fn take_frame(&self) -> Result<u32> {
        let mut rounds = 0u32;
        loop {
            self.alive()?;
            if let Some(frame) = self.frames.take_unused() {
                return Ok(frame);
            }
            let mut victims = Vec::new();
            if let Some(frame) = self.evict_one(&mut victims) {
                return Ok(frame);
            }
            let written = if victims.is_empty() { 0 } else { self.flush_these(&victims)? };
            if written == 0 {
                // Everything is latched, or being written by others.
                rounds += 1;
                debug_assert!(rounds < 200_000, "every frame of the pool is latched");
                match rounds {
                    ..100 => yield_now(),
                    _ => rest(),
                }
            }
        }
    }

    /// Empties a clean, unused frame. Notes unused dirty pages on the way.
    fn evict_one(&self, victims: &mut Vec<PageId>) -> Option<u32> {
        for _ in 0..2 * self.frames.len() {
            let frame = self.frames.next_under_hand();
            let f = self.frames.get(frame);
            let pid = f.pid();
            if pid == PageId::NONE || f.spend_use() {
                continue;
            }
            if !self.is_evictable(frame) {
                if f.flushing() == 0 {
                    victims.push(pid);
                    // In a pool where little is clean, parent and child would push each other out for ever.
                    if victims.len() >= VICTIMS.min(self.frames.len() / 4) {
                        return None;
                    }
                }
                continue;
            }
            if self.evict(pid, frame) {
                return Some(frame);
            }
        }
        None
    }

    fn is_evictable(&self, frame: u32) -> bool {
        let f = self.frames.get(frame);
        #[cfg(test)]
        if canary::EVICT_DIRTY.get() && f.home().block != Block::NONE {
            return f.flushing() == 0;
        }
        f.change().epoch == Epoch::NONE && f.flushing() == 0
    }

    /// Lets a page go, unless it is in use or no longer clean. Then this thread owns the frame.
    pub(super) fn evict(&self, pid: PageId, frame: u32) -> bool {
        let f = self.frames.get(frame);
        if !f.latch.try_exclusive() {
            return false;
        }
        let word = self.table.word(pid);
        let ledger = self.ledger.lock();
        let goes = word.load(Ordering::Acquire) == resident(frame) && self.is_evictable(frame);
        if goes {
            f.set_pid(PageId::NONE);
            word.store(Place::Disk(f.home()).word(), Ordering::Release);
            count(&self.counters.evictions, 1);
        }
        drop(ledger);
        // SAFETY: latched above.
        unsafe { f.latch.release_exclusive() };
        goes
    }
}
