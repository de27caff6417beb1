//! The frames: pages of memory in one arena, each with a latch and a few words about the page in it.
//!
//! The bytes of a frame may be touched by
//! - a guard: its holder has latched the frame and then seen the page table say that the page is in it; or
//! - its owner: the thread that took it off the free list, or emptied it, and has not published it yet.
//!
//! A thread that read the page table earlier may still latch a frame that has another owner by now, but it looks again,
//! finds another word, and lets go without touching a byte. Nor may it wait for such a latch: the order of latches is one
//! of pages, so whoever holds another page's may be waiting for what this thread holds. Hence a wait looks at the table
//! again from time to time ([`Frame::latch_shared`]).
//!
//! The arena and the words are made at once, and of both nothing is touched before a frame's first use: a server costs the
//! memory of the pages that it has read, not that of its pool.

#[cfg(test)]
use super::canary;
use super::sync::{Latch, Mutex};
use super::word::{Epoch, Home};
use crate::base::PageId;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// What is known of the page in a frame.
///
/// `state` and `flushing` change under the ledger's lock. `state` moreover becomes captured only under the frame's
/// latch, so that whoever holds it exclusively and sees "changed in this epoch, not captured" knows that it stays so.
#[repr(align(64))]
pub struct Frame {
    pub latch: Latch,
    /// The page in it, 0 when there is none. A hint for eviction.
    pid: AtomicU32,
    /// Twice the epoch of the last change (0: the content is on disk), plus one when an image of it is being written.
    state: AtomicU32,
    /// Used since the clock's hand last passed.
    used: AtomicBool,
    /// The version of the image that is being written from this frame, 0 when none is.
    flushing: AtomicU64,
    /// The newest image on disk.
    home: AtomicU64,
}

/// A frame's content in relation to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When it was last changed; [`Epoch::NONE`] when the disk has it.
    pub epoch: Epoch,
    /// An image of just this content is being written.
    pub captured: bool,
}

impl Change {
    pub const CLEAN: Change = Change { epoch: Epoch::NONE, captured: false };

    fn word(self) -> u32 {
        self.epoch.0 << 1 | u32::from(self.captured)
    }
}

impl Frame {
    /// Frames without a page.
    pub fn zeroed(n: usize) -> Box<[Frame]> {
        // SAFETY: of zeroes a latch is free, and the other fields are valid, and say: no page.
        unsafe { Box::<[Frame]>::new_zeroed_slice(n).assume_init() }
    }

    pub fn pid(&self) -> PageId {
        PageId(self.pid.load(Ordering::Relaxed))
    }

    pub fn set_pid(&self, pid: PageId) {
        self.pid.store(pid.0, Ordering::Relaxed);
    }

    #[inline]
    pub fn change(&self) -> Change {
        let word = self.state.load(Ordering::Acquire);
        Change { epoch: Epoch(word >> 1), captured: word & 1 == 1 }
    }

    pub fn set_change(&self, change: Change) {
        self.state.store(change.word(), Ordering::Release);
    }

    pub fn flushing(&self) -> u64 {
        self.flushing.load(Ordering::Relaxed)
    }

    pub fn set_flushing(&self, version: u64) {
        self.flushing.store(version, Ordering::Relaxed);
    }

    pub fn home(&self) -> Home {
        Home::of_word(self.home.load(Ordering::Relaxed))
    }

    pub fn set_home(&self, home: Home) {
        self.home.store(home.word(), Ordering::Relaxed);
    }

    /// Takes the shared latch; false, without it, when the page is not in this frame any more.
    #[inline]
    pub fn latch_shared(&self, is_here: impl Fn() -> bool) -> bool {
        if !self.latch.try_shared() && !wait_while(&is_here, |time| self.latch.try_shared_for(time)) {
            return false;
        }
        if is_here() {
            return true;
        }
        // SAFETY: latched above.
        unsafe { self.latch.release_shared() };
        false
    }

    /// Takes the exclusive latch; false, without it, when the page is not in this frame any more.
    #[inline]
    pub fn latch_exclusive(&self, is_here: impl Fn() -> bool) -> bool {
        if !self.latch.try_exclusive() && !wait_while(&is_here, |time| self.latch.try_exclusive_for(time)) {
            return false;
        }
        if is_here() {
            return true;
        }
        // SAFETY: latched above.
        unsafe { self.latch.release_exclusive() };
        false
    }

    /// Notes a use; writes only the first time, so that readers on other cores keep the cache line.
    #[inline]
    pub fn touch(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was used since the last time this was asked.
    pub fn spend_use(&self) -> bool {
        self.used.load(Ordering::Relaxed) && self.used.swap(false, Ordering::Relaxed)
    }
}

/// How long a thread waits for a latch before it looks whether it still wants it.
pub const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Latches are held for moments, so in a debug build a long wait is a cycle: say so instead of hanging.
const CYCLE: Duration = Duration::from_secs(20);

/// Waits for a latch as long as the page is in the frame; whether it was granted.
#[cold]
fn wait_while(is_here: &impl Fn() -> bool, wait: impl Fn(Duration) -> bool) -> bool {
    let mut waits = 0;
    #[cfg(test)]
    let is_here = || canary::PATIENT.get() || is_here();
    while is_here() {
        if wait(LOOK_AGAIN) {
            return true;
        }
        waits += 1;
        debug_assert!(LOOK_AGAIN * waits < CYCLE, "the holder of a page waits for one that holds another");
    }
    false
}

pub struct Frames {
    frames: Box<[Frame]>,
    arena: *mut u8,
    page_bytes: usize,
    unused: Mutex<Unused>,
    hand: AtomicU32,
}

/// Frames without a page.
struct Unused {
    /// Those that had one.
    free: Vec<u32>,
    /// From here on none had one yet.
    fresh: u32,
}

// SAFETY: the arena is reached only through `bytes`, whose callers follow the rule at the head of this file.
unsafe impl Send for Frames {}
// SAFETY: as above.
unsafe impl Sync for Frames {}

const ARENA_ALIGN: usize = 4096;

fn layout(frames: usize, page_bytes: usize) -> Layout {
    let bytes = frames.checked_mul(page_bytes).expect("the pool's size is a number of bytes");
    Layout::from_size_align(bytes, ARENA_ALIGN).expect("the pool fits the address space")
}

impl Frames {
    pub fn new(frames: usize, page_bytes: usize) -> Frames {
        assert!(frames > 0 && u32::try_from(frames).is_ok(), "the pool has from 1 to 2^32 frames");
        let layout = layout(frames, page_bytes);
        // SAFETY: the layout is not empty.
        let arena = unsafe { alloc_zeroed(layout) };
        if arena.is_null() {
            handle_alloc_error(layout);
        }
        Frames {
            frames: Frame::zeroed(frames),
            arena,
            page_bytes,
            unused: Mutex::new(Unused { free: Vec::new(), fresh: 0 }),
            hand: AtomicU32::new(0),
        }
    }

    #[inline]
    pub fn get(&self, frame: u32) -> &Frame {
        &self.frames[frame as usize]
    }

    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Frames with a page, or about to get one.
    pub fn occupied(&self) -> usize {
        let unused = self.unused.lock();
        unused.fresh as usize - unused.free.len()
    }

    /// Where a frame's bytes are.
    #[inline]
    fn start(&self, frame: u32) -> *mut u8 {
        assert!((frame as usize) < self.frames.len());
        // SAFETY: the arena has `page_bytes` for each frame.
        unsafe { self.arena.add(frame as usize * self.page_bytes) }
    }

    /// # Safety
    /// The caller holds a latch of the page in the frame, or owns the frame, for as long as the slice lives.
    #[inline]
    pub unsafe fn bytes(&self, frame: u32) -> &[u8] {
        // SAFETY: in bounds, initialised (zeroed), and not written to meanwhile by the caller's promise.
        unsafe { std::slice::from_raw_parts(self.start(frame), self.page_bytes) }
    }

    /// # Safety
    /// The caller holds the exclusive latch of the page in the frame, or owns the frame, for as long as the slice lives,
    /// and makes no other slice of it.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn bytes_mut(&self, frame: u32) -> &mut [u8] {
        // SAFETY: in bounds, initialised (zeroed), and nobody else's by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start(frame), self.page_bytes) }
    }

    /// Takes a frame without a page; the caller owns it.
    pub fn take_unused(&self) -> Option<u32> {
        let mut unused = self.unused.lock();
        if let Some(frame) = unused.free.pop() {
            return Some(frame);
        }
        let frame = unused.fresh;
        ((frame as usize) < self.frames.len()).then(|| {
            unused.fresh += 1;
            frame
        })
    }

    /// The owner has no use for it.
    pub fn give_back(&self, frame: u32) {
        self.get(frame).set_pid(PageId::NONE);
        self.unused.lock().free.push(frame);
    }

    /// The next frame under the clock's hand.
    pub fn next_under_hand(&self) -> u32 {
        let n = self.frames.len() as u32;
        self.hand.fetch_add(1, Ordering::Relaxed) % n
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout; no guard outlives the pager.
        unsafe { dealloc(self.arena, layout(self.frames.len(), self.page_bytes)) }
    }
}
