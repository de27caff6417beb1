//! Latched pages. A guard is the only way to a page's bytes.

use super::frame::Frames;
use super::pool::Pager;
use crate::base::PageId;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// A page under its shared latch. The whole page: bytes 0..16 are the pager's.
pub struct PageRead<'a> {
    frames: &'a Frames,
    frame: u32,
    pid: PageId,
    /// A latch is let go by the thread that took it.
    _here: PhantomData<*const ()>,
}

impl<'a> PageRead<'a> {
    /// Takes over a shared latch.
    #[inline]
    pub(super) fn of_latched(pager: &'a Pager, pid: PageId, frame: u32) -> PageRead<'a> {
        PageRead { frames: &pager.frames, frame, pid, _here: PhantomData }
    }

    pub fn pid(&self) -> PageId {
        self.pid
    }
}

impl Deref for PageRead<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the guard holds the shared latch and saw that the page is in the frame.
        unsafe { self.frames.bytes(self.frame) }
    }
}

impl Drop for PageRead<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the guard holds it.
        unsafe { self.frames.get(self.frame).latch.release_shared() }
    }
}

/// The pages that the writer holds exclusively: a handful.
pub(super) type Held = RefCell<SmallVec<[PageId; 8]>>;

/// A page under its exclusive latch. The whole page: bytes 0..16 are the pager's.
pub struct PageMut<'a> {
    frames: &'a Frames,
    held: &'a Held,
    frame: u32,
    pid: PageId,
    _here: PhantomData<*const ()>,
}

impl<'a> PageMut<'a> {
    /// Takes over an exclusive latch.
    #[inline]
    pub(super) fn of_latched(frames: &'a Frames, held: &'a Held, pid: PageId, frame: u32) -> PageMut<'a> {
        held.borrow_mut().push(pid);
        PageMut { frames, held, frame, pid, _here: PhantomData }
    }

    pub fn pid(&self) -> PageId {
        self.pid
    }
}

impl Deref for PageMut<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the guard holds the exclusive latch and saw that the page is in the frame.
        unsafe { self.frames.bytes(self.frame) }
    }
}

impl DerefMut for PageMut<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; the slice borrows the guard mutably, so it is the only one.
        unsafe { self.frames.bytes_mut(self.frame) }
    }
}

impl Drop for PageMut<'_> {
    #[inline]
    fn drop(&mut self) {
        let mut held = self.held.borrow_mut();
        let at = held.iter().rposition(|p| *p == self.pid).expect("a held page is listed");
        held.swap_remove(at);
        // SAFETY: the guard holds it.
        unsafe { self.frames.get(self.frame).latch.release_exclusive() }
    }
}
