//! What the pager is told and what it tells.

use crate::base::Lsn;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Pages that exist.
    pub pages: usize,
    pub blocks: usize,
    pub blocks_free: usize,
    /// Blocks that only an older or pinned checkpoint needs.
    pub blocks_deferred: usize,
    pub file_bytes: u64,
    /// The newest durable checkpoint's number; grows by one with each.
    pub checkpoint: u32,
    pub pins: usize,
    /// The disk was full when a page was to be written last.
    pub full: bool,
    pub reads: u64,
    pub writes: u64,
    pub evictions: u64,
    /// Frozen images copied aside so far.
    pub copied: u64,
}
