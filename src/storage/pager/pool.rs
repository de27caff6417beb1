//! The pager as a whole, and how a page is found.

use super::checkpoint::Checkpointer;
use super::frame::Frames;
use super::guard::PageRead;
use super::head::{HEAD_BYTES, PAGE_BYTES};
use super::ledger::Ledger;
use super::options::PagerStats;
use super::sync::{Condvar, Mutex};
use super::table::PageTable;
use super::word::{Home, Place, frame_of};
use super::write::PageWriter;
use crate::base::{Error, PageId, Result, SqlState};
use crate::io::File;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

pub struct Pager {
    pub(super) file: Box<dyn File>,
    pub(super) page_bytes: usize,
    pub(super) grow_blocks: u32,
    pub(super) table: PageTable,
    pub(super) frames: Frames,
    /// The current epoch, for the writer.
    pub(super) epoch: AtomicU32,
    pub(super) turn: Mutex<()>,
    pub(super) checkpointer: Mutex<Checkpointer>,
    /// Held while the file grows.
    pub(super) growing: Mutex<()>,
    pub(super) ledger: Mutex<Ledger>,
    /// Threads that wait for another one to read a page in.
    pub(super) load_waiters: Mutex<usize>,
    pub(super) loaded: Condvar,
    /// The first error after which nothing on disk can be relied on.
    pub(super) fatal: OnceLock<Error>,
    pub(super) full: AtomicBool,
    pub(super) counters: Counters,
}

#[derive(Default)]
pub(super) struct Counters {
    pub reads: AtomicU64,
    pub writes: AtomicU64,
    pub evictions: AtomicU64,
    pub copied: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Ordering::Relaxed);
}

impl Pager {
    pub fn page_bytes(&self) -> usize {
        self.page_bytes
    }

    /// Shared latch if the page is resident. Never does I/O: the caller may hold the parent's latch.
    #[inline]
    pub fn read_resident(&self, pid: PageId) -> Option<PageRead<'_>> {
        let word = self.table.get(pid)?;
        loop {
            let seen = word.load(Ordering::Acquire);
            let frame = frame_of(seen)?;
            let f = self.frames.get(frame);
            if f.latch_shared(|| word.load(Ordering::Acquire) == seen) {
                f.touch();
                return Some(PageRead::of_latched(self, pid, frame));
            }
        }
    }

    /// Shared latch. Reads the page in when it is not resident, so the caller holds no latch. XX000 when there is no
    /// such page.
    pub fn read(&self, pid: PageId) -> Result<PageRead<'_>> {
        loop {
            if let Some(page) = self.read_resident(pid) {
                return Ok(page);
            }
            if !self.load(pid)? {
                return Err(no_such_page(pid));
            }
        }
    }

    /// The exclusive latch of the page's frame; the page is in it until the latch is let go. None: there is no such page.
    pub(super) fn latch_exclusive(&self, pid: PageId) -> Result<Option<u32>> {
        let Some(word) = self.table.get(pid) else { return Ok(None) };
        loop {
            let seen = word.load(Ordering::Acquire);
            let Some(frame) = frame_of(seen) else {
                if !self.load(pid)? {
                    return Ok(None);
                }
                continue;
            };
            let f = self.frames.get(frame);
            if f.latch_exclusive(|| word.load(Ordering::Acquire) == seen) {
                f.touch();
                return Ok(Some(frame));
            }
        }
    }

    /// The one writer; waits for its turn.
    pub fn write(&self) -> PageWriter<'_> {
        PageWriter::new(self, self.turn.lock())
    }

    /// Whether a checkpoint is under way.
    pub fn frozen(&self) -> bool {
        self.ledger.lock().frozen.is_some()
    }

    /// Whether the disk was full when a page was to be written last.
    pub fn full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// The first fatal error, if there was one.
    pub(super) fn alive(&self) -> Result<()> {
        self.fatal.get().map_or(Ok(()), |e| Err(e.clone()))
    }

    /// Notes an error of a write or a sync: 53100 passes, any other is final.
    pub(super) fn note(&self, error: Error) -> Error {
        if error.code() == SqlState::DISK_FULL {
            self.full.store(true, Ordering::Relaxed);
            return error;
        }
        self.fatal.get_or_init(|| error).clone()
    }

    /// The newest image of a page on disk. Under the ledger's lock, so that the page neither comes nor goes.
    pub(super) fn home(&self, pid: PageId, _ledger: &Ledger) -> Home {
        let Some(word) = self.table.get(pid) else { return Home::NONE };
        match Place::of_word(word.load(Ordering::Acquire)) {
            Place::Disk(home) | Place::Loading(home) => home,
            Place::Resident(frame) => self.frames.get(frame).home(),
        }
    }

    /// Under the ledger's lock.
    pub(super) fn set_home(&self, pid: PageId, home: Home, _ledger: &Ledger) {
        let frame = frame_of(self.table.word(pid).load(Ordering::Acquire));
        self.frames.get(frame.expect("a page whose newest image moves is resident")).set_home(home);
    }

    /// Hints that these pages will be read soon. Returns at once.
    pub fn prefetch(&self, pids: &[PageId]) {
        let page_bytes = self.page_bytes as u64;
        let absent =
            pids.iter().filter_map(|pid| match Place::of_word(self.table.get(*pid)?.load(Ordering::Relaxed)) {
                Place::Disk(home) if home != Home::NONE => Some(home.block),
                _ => None,
            });
        let mut blocks: Vec<u32> = absent.map(|b| b.0).collect();
        blocks.sort_unstable();
        for row in blocks.chunk_by(|a, b| a + 1 == *b) {
            self.file.will_read(u64::from(row[0]) * page_bytes, row.len() as u64 * page_bytes);
        }
    }

    pub fn stats(&self) -> PagerStats {
        let ledger = self.ledger.lock();
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PagerStats {
            page_bytes: self.page_bytes,
            frames: self.frames.len(),
            resident: self.frames.occupied(),
            dirty: ledger.dirty,
            copies: ledger.frozen.as_ref().map_or(0, |f| f.copies.len()),
            pages: ledger.pages(),
            blocks: ledger.blocks.total() as usize,
            blocks_free: ledger.blocks.free() as usize,
            blocks_deferred: ledger.deferred().count(),
            file_bytes: u64::from(ledger.blocks.total()) * self.page_bytes as u64,
            checkpoint: ledger.durable.epoch.0,
            pins: ledger.pins(),
            full: self.full(),
            reads: load(&self.counters.reads),
            writes: load(&self.counters.writes),
            evictions: load(&self.counters.evictions),
            copied: load(&self.counters.copied),
        }
    }
}

const _: () = assert!(HEAD_BYTES < PAGE_BYTES);

pub(super) fn no_such_page(pid: PageId) -> Error {
    Error::internal(format!("page {pid} does not exist"))
}
