//! The pager.

use super::guard::PageRead;
use super::write::PageWriter;
use crate::base::{Lsn, PageId, Result};
use crate::io::Disk;
use std::sync::Arc;

pub struct PagerOptions {
    /// Of a new file; a power of two from 512 to 65536. An existing file says its own.
    pub page_bytes: usize,
    /// Pages in memory.
    pub frames: usize,
    /// How many blocks the file grows by at least; 0 lets the pager choose.
    pub grow_blocks: u32,
}

impl Default for PagerOptions {
    fn default() -> PagerOptions {
        PagerOptions { page_bytes: super::PAGE_BYTES, frames: 16384, grow_blocks: 0 }
    }
}

/// What a checkpoint says beside its pages; opaque to the pager apart from `lsn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    pub lsn: Lsn,
    /// At most [`Root::PAYLOAD_BYTES_MAX`] bytes.
    pub payload: Vec<u8>,
}

impl Root {
    pub const PAYLOAD_BYTES_MAX: usize = 256;
}

/// How far a checkpoint is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub pages_written: usize,
    pub pages_total: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PagerStats {
    pub page_bytes: usize,
    pub frames: usize,
    pub resident: usize,
    /// Frames whose newest state is on no disk.
    pub dirty: usize,
    /// Frozen images copied aside and not written yet.
    pub copies: usize,
    /// Live page ids.
    pub pages: usize,
    pub blocks: usize,
    pub blocks_free: usize,
    /// Blocks that only an older or pinned checkpoint needs.
    pub blocks_deferred: usize,
    pub file_bytes: u64,
    /// The newest durable checkpoint's number; grows by one with each.
    pub checkpoint: u32,
    pub pins: usize,
    pub reads: u64,
    pub writes: u64,
    pub evictions: u64,
}

pub struct Pager {}

impl Pager {
    /// Opens the data file, or makes it. None: there is no checkpoint in it yet, so no page either.
    pub fn open(_disk: Arc<dyn Disk>, _file: &str, _options: PagerOptions) -> Result<(Arc<Pager>, Option<Root>)> {
        todo!()
    }

    pub fn page_bytes(&self) -> usize {
        todo!()
    }

    /// Shared latch. Reads the page in when it is not resident, so the caller holds no latch. XX001 when there is no
    /// such page.
    pub fn read(&self, _pid: PageId) -> Result<PageRead<'_>> {
        todo!()
    }

    /// Shared latch if the page is resident. Never does I/O: the caller may hold the parent's latch.
    pub fn read_resident(&self, _pid: PageId) -> Option<PageRead<'_>> {
        todo!()
    }

    /// Reads the page in when it is not resident; false, not an error, when there is no such page (any more). For a
    /// reader whose `read_resident` of a child failed: let go of all latches, `load` the child, start again from the top.
    pub fn load(&self, _pid: PageId) -> Result<bool> {
        todo!()
    }

    /// Hints that these pages will be read soon. Returns at once.
    pub fn prefetch(&self, _pids: &[PageId]) {
        todo!()
    }

    /// The one writer; waits for its turn.
    pub fn write(&self) -> PageWriter<'_> {
        todo!()
    }

    /// Makes sure that `pages` more pages can be changed and written: 53100 when the disk is full, the first fatal
    /// error after one, else it waits (by writing pages itself) while too much of the pool is dirty. The caller holds no latch
    /// and is not the writer.
    pub fn admit(&self, _pages: usize) -> Result<()> {
        todo!()
    }

    /// Writes up to `pages` pages to new places: a frozen checkpoint's first, else dirty ones. Answers how many.
    pub fn flush_some(&self, _pages: usize) -> Result<usize> {
        todo!()
    }

    /// Whether a checkpoint is under way.
    pub fn frozen(&self) -> bool {
        todo!()
    }

    /// Makes what `freeze` fixed durable, and answers its LSN. `pace` may sleep. After 53100 it may be called again.
    pub fn checkpoint(&self, _pace: &dyn Fn(Progress), _wait_log_durable: &dyn Fn(Lsn) -> Result<()>) -> Result<Lsn> {
        todo!()
    }

    /// Keeps the newest durable checkpoint's blocks until the pin is dropped. None before the first checkpoint.
    pub fn pin(self: &Arc<Self>) -> Option<CheckpointPin> {
        todo!()
    }

    pub fn stats(&self) -> PagerStats {
        todo!()
    }

    /// Checks that the blocks in use are exactly those that a checkpoint or the current state needs, that every image
    /// of the newest checkpoint is readable, and that each live page is `reachable`. The caller keeps the writer out.
    pub fn verify(&self, _reachable: &mut dyn FnMut(PageId) -> bool) -> Result<()> {
        todo!()
    }
}

pub struct CheckpointPin {}
