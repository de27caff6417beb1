//! The one writer: changing, making, freeing pages, and the freeze.

use super::frame::Change;
use super::guard::{Held, PageMut, PageRead};
use super::options::Root;
use super::pool::{Pager, count, no_such_page};
use super::sync::MutexGuard;
use super::word::{Epoch, Place, resident};
use crate::base::{Error, PageId, Result, SqlState};
use std::sync::atomic::Ordering;

/// The right to change pages; one exists at a time. All methods take `&self`, so that several pages can be held at
/// once; asking for a page that this writer holds exclusively already is a panic.
pub struct PageWriter<'a> {
    pager: &'a Pager,
    _turn: MutexGuard<'a, ()>,
    held: Held,
}

impl<'a> PageWriter<'a> {
    pub(super) fn new(pager: &'a Pager, turn: MutexGuard<'a, ()>) -> PageWriter<'a> {
        PageWriter { pager, _turn: turn, held: Held::default() }
    }

    pub fn pager(&self) -> &'a Pager {
        self.pager
    }

    pub fn page_bytes(&self) -> usize {
        self.pager.page_bytes
    }

    fn assert_not_held(&self, pid: PageId) {
        assert!(!self.held.borrow().contains(&pid), "the writer holds page {pid} already");
    }

    /// Shared latch; may do I/O.
    pub fn read(&self, pid: PageId) -> Result<PageRead<'a>> {
        self.assert_not_held(pid);
        self.pager.read(pid)
    }

    /// Exclusive latch; may do I/O. The page's frozen image is kept when a checkpoint still needs it.
    pub fn page_mut(&self, pid: PageId) -> Result<PageMut<'_>> {
        self.assert_not_held(pid);
        let frame = self.pager.latch_exclusive(pid)?.ok_or_else(|| no_such_page(pid))?;
        self.pager.mark_changed(pid, frame);
        Ok(PageMut::of_latched(&self.pager.frames, &self.held, pid, frame))
    }

    /// A new page, zeros behind its head; it enters the map with the next checkpoint.
    pub fn allocate(&self) -> Result<(PageId, PageMut<'_>)> {
        let pager = self.pager;
        let frame = pager.take_frame()?;
        let Some(pid) = pager.ledger.lock().take_pid() else {
            pager.frames.give_back(frame);
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "all 2^32 page ids are in use"));
        };
        let f = pager.frames.get(frame);
        // Somebody who looked for the frame's former page may have it for a moment.
        f.latch.exclusive();
        // SAFETY: this thread owns the frame: it came from `take_frame` and is published only below.
        unsafe { pager.frames.bytes_mut(frame) }.fill(0);
        let word = pager.table.word(pid);
        let mut ledger = pager.ledger.lock();
        f.set_home(pager.home(pid, &ledger));
        f.set_pid(pid);
        f.touch();
        f.set_change(Change { epoch: ledger.epoch, captured: false });
        ledger.dirty += 1;
        ledger.current.queue.push_back(pid);
        word.store(resident(frame), Ordering::Release);
        drop(ledger);
        Ok((pid, PageMut::of_latched(&pager.frames, &self.held, pid, frame)))
    }

    /// Gives a page back. This writer holds no latch of it. Its id may be given out again at once.
    pub fn free(&self, pid: PageId) {
        self.assert_not_held(pid);
        let pager = self.pager;
        let word = pager.table.get(pid).expect("the page exists");
        loop {
            match Place::of_word(word.load(Ordering::Acquire)) {
                Place::Resident(_) => {
                    if pager.free_resident(pid) {
                        return;
                    }
                }
                Place::Loading(_) => pager.wait_for_load(pid),
                place @ Place::Disk(home) => {
                    assert!(home.block.0 != 0, "page {pid} is free already");
                    let mut ledger = pager.ledger.lock();
                    // Only a thread that begins to read the page in can be in the way.
                    let claim = word.compare_exchange(
                        place.word(),
                        Place::Loading(home).word(),
                        Ordering::AcqRel,
                        Ordering::Relaxed,
                    );
                    if claim.is_ok() {
                        let free = ledger.free_page(pid, home);
                        word.store(Place::Disk(free).word(), Ordering::Release);
                        drop(ledger);
                        pager.wake_load_waiters();
                        return;
                    }
                }
            }
        }
    }

    /// Fixes the state of this instant as the next checkpoint. Panics when one is frozen already, or while this writer
    /// holds a page.
    pub fn freeze(&self, root: Root) {
        assert!(self.held.borrow().is_empty(), "a freeze finds no page half changed");
        assert!(root.payload.len() <= Root::PAYLOAD_BYTES_MAX, "a root's payload is small");
        let mut ledger = self.pager.ledger.lock();
        ledger.freeze(root);
        self.pager.epoch.store(ledger.epoch.0, Ordering::Release);
    }

    /// Whether a checkpoint is under way.
    pub fn frozen(&self) -> bool {
        self.pager.frozen()
    }
}

impl Pager {
    /// The page in the frame, latched exclusively, is about to change.
    #[inline]
    fn mark_changed(&self, pid: PageId, frame: u32) {
        let epoch = Epoch(self.epoch.load(Ordering::Acquire));
        let changed = Change { epoch, captured: false };
        // Nobody makes it anything else while the latch is held (frame.rs).
        if self.frames.get(frame).change() != changed {
            self.mark_first_changed(pid, frame, changed);
        }
    }

    /// The first change of a page in this epoch, or since an image of it was taken.
    #[cold]
    fn mark_first_changed(&self, pid: PageId, frame: u32, changed: Change) {
        let f = self.frames.get(frame);
        let mut ledger = self.ledger.lock();
        self.keep_frozen_image(pid, frame, &mut ledger);
        ledger.dirty += usize::from(f.change().epoch == Epoch::NONE);
        ledger.current.queue.push_back(pid);
        f.set_change(changed);
    }

    /// Copies the image of a latched page if a frozen checkpoint needs it and nobody has taken it yet.
    fn keep_frozen_image(&self, pid: PageId, frame: u32, ledger: &mut super::ledger::Ledger) {
        let change = self.frames.get(frame).change();
        if change.epoch != Epoch::NONE && ledger.frozen_epoch() == Some(change.epoch) && !change.captured {
            // SAFETY: the caller holds the exclusive latch of the page in this frame, and no slice of it.
            ledger.keep_copy(pid, unsafe { self.frames.bytes(frame) });
            count(&self.counters.copied, 1);
        }
    }

    /// False when the page left memory meanwhile.
    fn free_resident(&self, pid: PageId) -> bool {
        let word = self.table.word(pid);
        let Place::Resident(frame) = Place::of_word(word.load(Ordering::Acquire)) else { return false };
        let f = self.frames.get(frame);
        if !f.latch_exclusive(|| word.load(Ordering::Acquire) == resident(frame)) {
            return false;
        }
        let mut ledger = self.ledger.lock();
        self.keep_frozen_image(pid, frame, &mut ledger);
        ledger.dirty -= usize::from(f.change().epoch != Epoch::NONE);
        let free = ledger.free_page(pid, f.home());
        f.set_change(Change::CLEAN);
        // An image on its way has its own bytes; its landing finds another version here, and leaves the frame alone.
        f.set_flushing(0);
        word.store(Place::Disk(free).word(), Ordering::Release);
        drop(ledger);
        // SAFETY: latched above.
        unsafe { f.latch.release_exclusive() };
        self.frames.give_back(frame);
        true
    }
}
