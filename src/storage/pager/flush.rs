//! Writing pages to new places: the one routine behind the checkpoint, the cleaner and eviction.
//!
//! 1. Capture: take pages off a queue, give each a block (in runs), and copy its image, sealed, into one buffer. From here on the
//!    page may change again: the image is not the frame.
//! 2. Write the buffer, one call for each run of blocks, under no lock at all.
//! 3. Land: the ledger learns where the images are, and frames that have not changed since are clean.
//!
//! Latches are only tried: the caller may be the writer with pages in its hands. A page that is busy goes back to the
//! queue.

use super::frame::Change;
use super::head::{Kind, seal};
use super::ledger::{Copy, Image, Ledger};
use super::pool::{Pager, count};
use super::word::{Block, Epoch, frame_of};
use crate::base::{Error, PageId, Result, SqlState};
use std::sync::atomic::Ordering;

/// Images of one capture, at most.
pub const FLIGHT_PAGES: usize = 64;

/// How much the file grows when it has to, unless told otherwise: an eighth of it within these bounds.
const GROW_BYTES_MIN: u64 = 1 << 20;
const GROW_BYTES_MAX: u64 = 64 << 20;

/// Images on their way to the disk.
pub struct Flight {
    pub images: Vec<Image>,
    /// Their bytes, in the same order.
    bytes: Vec<u8>,
}

/// How many images of a flight are on disk, with the error that stopped it.
pub type Written = Result<usize, (usize, Error)>;

/// What came of a page that was to be captured.
enum Captured {
    Image(Image),
    /// Nobody needs an image of it.
    Needless,
    /// Somebody has it latched, or an older image of it is on its way.
    Busy,
}

/// Why a page is captured.
#[derive(Clone, Copy)]
enum Cause {
    /// It was in this epoch's queue.
    Queued(Epoch),
    /// Its frame is wanted.
    Victim,
}

impl Pager {
    /// Writes up to `pages` pages to new places: a frozen checkpoint's first, else dirty ones. Answers how many.
    pub fn flush_some(&self, pages: usize) -> Result<usize> {
        let mut written = self.flush_frozen(pages)?;
        while written < pages {
            let epoch = self.ledger.lock().epoch;
            let n = self.write_and_land(self.capture_queued(epoch, (pages - written).min(FLIGHT_PAGES))?)?;
            if n == 0 {
                break;
            }
            written += n;
        }
        Ok(written)
    }

    /// Writes up to `pages` pages of the frozen checkpoint. 0: all of them are written, or busy.
    pub(super) fn flush_frozen(&self, pages: usize) -> Result<usize> {
        self.sort_frozen_queue();
        let mut written = 0;
        while written < pages {
            let Some(epoch) = self.ledger.lock().frozen_epoch() else { break };
            let n = self.write_and_land(self.capture_queued(epoch, (pages - written).min(FLIGHT_PAGES))?)?;
            if n == 0 {
                break;
            }
            written += n;
        }
        Ok(written)
    }

    /// Takes images of pages off an epoch's queue. None in it: there was nothing to do, or all of it is busy.
    pub(super) fn capture_queued(&self, epoch: Epoch, max: usize) -> Result<Flight> {
        self.alive()?;
        let mut flight = Flight { images: Vec::new(), bytes: Vec::new() };
        // Some of a queue is stale: go on until there is an image, but meet no page twice.
        let mut left = usize::MAX;
        while flight.images.is_empty() && left > 0 {
            let pids = {
                let mut ledger = self.ledger.lock();
                if !ledger.is_open(epoch) {
                    break;
                }
                left = left.min(ledger.changes(epoch).queue.len());
                ledger.take_in_hand(epoch, max.min(left))
            };
            left -= pids.len();
            if pids.is_empty() {
                break;
            }
            self.capture(&pids, Cause::Queued(epoch), &mut flight)?;
        }
        Ok(flight)
    }

    /// Writes certain dirty pages. Answers how many.
    pub(super) fn flush_these(&self, pids: &[PageId]) -> Result<usize> {
        let mut flight = Flight { images: Vec::new(), bytes: Vec::new() };
        self.capture(pids, Cause::Victim, &mut flight)?;
        self.write_and_land(flight)
    }

    pub(super) fn write_and_land(&self, flight: Flight) -> Result<usize> {
        let written = self.write_flight(&flight);
        self.land(flight, written)
    }

    /// Captures pages; those that are queued are in hand.
    fn capture(&self, pids: &[PageId], cause: Cause, flight: &mut Flight) -> Result<()> {
        let mut blocks = Vec::with_capacity(pids.len());
        let wanted = self.images_wanted().min(pids.len());
        let room = self.take_blocks(wanted, &mut blocks);
        blocks.reverse();
        let mut pids = pids.iter();
        while let Some(block) = blocks.pop() {
            let Some(&pid) = pids.next() else {
                blocks.push(block);
                break;
            };
            match self.capture_page(pid, block, cause, &mut flight.bytes) {
                Captured::Image(image) => flight.images.push(image),
                Captured::Needless | Captured::Busy => blocks.push(block),
            }
        }
        let mut ledger = self.ledger.lock();
        blocks.into_iter().for_each(|b| ledger.blocks.give_back(b));
        if let Cause::Queued(epoch) = cause {
            pids.for_each(|pid| ledger.put_down(epoch, (wanted > 0).then_some(*pid)));
        }
        drop(ledger);
        if flight.images.is_empty() { room } else { Ok(()) }
    }

    /// How many images there are to write: a queue can be longer than that.
    fn images_wanted(&self) -> usize {
        let ledger = self.ledger.lock();
        ledger.dirty + ledger.frozen.as_ref().map_or(0, |f| f.copies.len())
    }

    fn capture_page(&self, pid: PageId, block: Block, cause: Cause, out: &mut Vec<u8>) -> Captured {
        let word = self.table.word(pid);
        let seen = word.load(Ordering::Acquire);
        let frame = frame_of(seen);
        let latched = frame.filter(|f| self.frames.get(*f).latch.try_shared());
        let mut ledger = self.ledger.lock();
        let result = if let Some((epoch, copy)) = take_copy(&mut ledger, pid, cause) {
            let image = Image { pid, epoch, version: copy.version, block, frame: None };
            ledger.take_off(&image);
            out.extend_from_slice(&copy.bytes);
            Captured::Image(image)
        } else if word.load(Ordering::Acquire) != seen {
            // It came, went, or moved: let whoever is next look again.
            Captured::Busy
        } else {
            match frame {
                None => Captured::Needless,
                Some(frame) => self.capture_frame(pid, frame, latched.is_some(), block, cause, &mut ledger),
            }
        };
        if let Cause::Queued(epoch) = cause {
            match result {
                Captured::Image(_) => {}
                Captured::Needless => ledger.put_down(epoch, None),
                Captured::Busy => ledger.put_down(epoch, Some(pid)),
            }
        }
        drop(ledger);
        if let Captured::Image(image) = result {
            if let Some(frame) = image.frame {
                // SAFETY: latched, and the word still said so after that.
                out.extend_from_slice(unsafe { self.frames.bytes(frame) });
            }
            let start = out.len() - self.page_bytes;
            seal(&mut out[start..], Kind::Page, pid.0, image.epoch);
        }
        if let Some(frame) = latched {
            // SAFETY: latched above.
            unsafe { self.frames.get(frame).latch.release_shared() };
        }
        result
    }

    /// Decides about a page that is in a frame, and marks it captured. The caller copies the bytes before it lets the
    /// latch go.
    fn capture_frame(
        &self,
        pid: PageId,
        frame: u32,
        latched: bool,
        block: Block,
        cause: Cause,
        ledger: &mut Ledger,
    ) -> Captured {
        let f = self.frames.get(frame);
        let change = f.change();
        let wanted = match cause {
            Cause::Queued(epoch) => change.epoch == epoch,
            Cause::Victim => change.epoch != Epoch::NONE,
        };
        if !wanted || change.captured {
            return Captured::Needless;
        }
        if !latched || f.flushing() != 0 {
            return Captured::Busy;
        }
        let version = ledger.next_version();
        let image = Image { pid, epoch: change.epoch, version, block, frame: Some(frame) };
        if matches!(cause, Cause::Victim) {
            ledger.changes(change.epoch).in_hand += 1;
        }
        ledger.take_off(&image);
        f.set_change(Change { captured: true, ..change });
        f.set_flushing(version);
        Captured::Image(image)
    }

    /// Writes the images.
    pub(super) fn write_flight(&self, flight: &Flight) -> Written {
        let mut written = 0;
        let unread = self.holds_all();
        for run in flight.images.chunk_by(|a, b| a.block.0 + 1 == b.block.0) {
            let bytes = &flight.bytes[written * self.page_bytes..][..run.len() * self.page_bytes];
            let at = run[0].block.offset(self.page_bytes);
            let write = if unread { self.file.write_unread_at(bytes, at) } else { self.file.write_at(bytes, at) };
            write.map_err(|e| (written, self.note(e)))?;
            written += run.len();
        }
        count(&self.counters.writes, written);
        Ok(written)
    }

    /// Whether memory has room for every page: then none is read back, and the system's cache need not have it too.
    fn holds_all(&self) -> bool {
        self.ledger.lock().pages() < self.frames.len()
    }

    /// Tells the ledger what `write_flight` did.
    pub(super) fn land(&self, flight: Flight, written: Written) -> Result<usize> {
        let landed = match &written {
            Ok(n) | Err((n, _)) => *n,
        };
        let mut ledger = self.ledger.lock();
        for image in &flight.images[..landed] {
            let home = self.home(image.pid, &ledger);
            let was_frozen = ledger.frozen_epoch() == Some(image.epoch);
            if let Some(home) = ledger.land(image, home) {
                self.set_home(image.pid, home, &ledger);
            }
            if was_frozen {
                ledger.frozen.as_mut().expect("it is frozen").pages_written += 1;
            }
            self.settle_frame(image, true, &mut ledger);
        }
        let lost = flight.images[landed..].iter().zip(flight.bytes.chunks_exact(self.page_bytes).skip(landed));
        for (image, bytes) in lost {
            self.take_back(image, bytes, &mut ledger);
        }
        written.map_err(|(_, e)| e)
    }

    /// The frame whose image arrived, or did not: if it has not changed since the capture it is clean, or dirty as
    /// before. Answers whether it is dirty as before.
    fn settle_frame(&self, image: &Image, arrived: bool, ledger: &mut Ledger) -> bool {
        let Some(f) = image.frame.map(|frame| self.frames.get(frame)) else { return false };
        if f.flushing() != image.version {
            // The page was freed; the frame may be another's.
            return false;
        }
        f.set_flushing(0);
        if f.change() != (Change { epoch: image.epoch, captured: true }) {
            return false;
        }
        if arrived {
            f.set_change(Change::CLEAN);
            ledger.dirty -= 1;
        } else {
            f.set_change(Change { epoch: image.epoch, captured: false });
        }
        !arrived
    }

    /// An image that could not be written must be written later: from its frame, or if that has moved on since, from a copy.
    fn take_back(&self, image: &Image, bytes: &[u8], ledger: &mut Ledger) {
        let is_newest = ledger.crash_land(image);
        if self.settle_frame(image, false, ledger) {
            ledger.changes(image.epoch).queue.push_back(image.pid);
            return;
        }
        let Some(frozen) = ledger.frozen.as_mut().filter(|f| f.epoch == image.epoch && is_newest) else { return };
        // Without a frame of that epoch or a newer copy, this is the page as the freeze found it.
        let in_frame = frame_of(self.table.word(image.pid).load(Ordering::Acquire))
            .is_some_and(|frame| self.frames.get(frame).change().epoch == image.epoch);
        if !in_frame && frozen.copies.get(&image.pid).is_none_or(|copy| copy.version < image.version) {
            frozen.copies.insert(image.pid, Copy { version: image.version, bytes: bytes.into() });
            frozen.changes.queue.push_back(image.pid);
        }
    }

    /// Takes up to `n` blocks for images. An error only when it got none.
    pub(super) fn take_blocks(&self, n: usize, out: &mut Vec<Block>) -> Result<()> {
        let grown = self.make_room(n as u64);
        self.ledger.lock().blocks.take(n, out);
        match grown {
            Err(e) if out.len() < n => Err(e),
            _ => Ok(()),
        }
    }

    /// Grows the file until `n` blocks are free. 53100 when the disk is full.
    pub(super) fn make_room(&self, n: u64) -> Result<()> {
        if n <= u64::from(self.ledger.lock().blocks.free()) {
            return Ok(());
        }
        let _growing = self.growing.lock();
        let (free, total) = {
            let ledger = self.ledger.lock();
            (u64::from(ledger.blocks.free()), u64::from(ledger.blocks.total()))
        };
        let Some(missing) = n.checked_sub(free).filter(|m| *m > 0) else { return Ok(()) };
        let grown = match self.grow(total, missing.max(self.growth(total))) {
            // A little may fit where much does not.
            Err(e) if e.code() == SqlState::DISK_FULL => self.grow(total, missing),
            result => result,
        };
        grown.map_err(|e| self.note(e))
    }

    fn growth(&self, total: u64) -> u64 {
        let page_bytes = self.page_bytes as u64;
        match u64::from(self.grow_blocks) {
            0 => (total * page_bytes / 8).clamp(GROW_BYTES_MIN, GROW_BYTES_MAX) / page_bytes,
            n => n,
        }
    }

    /// The caller holds `growing`.
    fn grow(&self, total: u64, by: u64) -> Result<()> {
        if total + by > u64::from(u32::MAX) {
            return Err(Error::new(SqlState::DISK_FULL, "could not extend the data file: it has 2^32 blocks"));
        }
        self.file.extend(by * self.page_bytes as u64)?;
        self.ledger.lock().blocks.extend(by as u32);
        self.full.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Puts what the freeze found into the order of page ids, so that what is read together lies together. The sorting
    /// itself holds no lock.
    fn sort_frozen_queue(&self) {
        let mut queue = {
            let mut ledger = self.ledger.lock();
            let Some(frozen) = ledger.frozen.as_mut().filter(|f| !f.sorted) else { return };
            frozen.sorted = true;
            frozen.sorting = true;
            std::mem::take(&mut frozen.changes.queue)
        };
        queue.make_contiguous().sort_unstable();
        let mut last = PageId::NONE;
        queue.retain(|pid| std::mem::replace(&mut last, *pid) != *pid);
        let mut ledger = self.ledger.lock();
        let frozen = ledger.frozen.as_mut().expect("it waits for its queue");
        queue.extend(frozen.changes.queue.drain(..));
        frozen.changes.queue = queue;
        frozen.sorting = false;
    }
}

/// The copy aside of a page that was queued in the frozen epoch.
fn take_copy(ledger: &mut Ledger, pid: PageId, cause: Cause) -> Option<(Epoch, Copy)> {
    let Cause::Queued(queued) = cause else { return None };
    let frozen = ledger.frozen.as_mut().filter(|f| f.epoch == queued)?;
    frozen.copies.remove(&pid).map(|copy| (queued, copy))
}
