//! Pages in memory and in one data file: a buffer pool, a map from page ids to places, and checkpoints that are always
//! whole. A page is written to a new place each time; a checkpoint is a map of all pages as they were at one instant.
//!
//! Entry points: [`Pager::open`], [`Pager::read`] and [`Pager::read_resident`], [`Pager::write`] for the one
//! [`PageWriter`], [`PageWriter::freeze`] and [`Pager::checkpoint`], [`Pager::admit`], [`Pager::pin`],
//! [`Pager::verify`]; [`check_file`] and [`fall_back`] for a file at rest, [`FileBuilder`] to make one of a checkpoint's images.
//!
//! Must not know: what is in a page behind its head, trees, versions, what a root's payload means.
//!
//! Invariants:
//! 1. A page changes only through the writer. An image in a checkpoint is the page as the freeze found it (`write.rs` copies
//!    what is frozen and on no disk before it changes it).
//! 2. At most two epochs are open: the frozen one and the current one.
//! 3. A block that the newest durable checkpoint, a pinned one, the frozen one or the current state refers to is never
//!    handed out. Taken blocks are exactly those, the superblocks and the images being written ([`Pager::verify`]).
//! 4. A page's id and the epoch of its image are in the image and in the map; a difference is XX001, never an answer.
//! 5. Only clean pages leave memory. A page is read in by one thread at a time.
//! 6. One image of a frame is on its way at a time; of two images of one page and epoch the newer counts, in whatever
//!    order they arrive; an image of a page that was freed in its epoch does not count.
//! 7. The superblock is written when everything it leads to is durable, and so is the log up to its LSN.
//! 8. What `admit` let through can be written, even when the disk is full.
//!
//! Threads: any may read; one at a time is the writer; any may flush, and any that needs a frame does. One checkpoint
//! at a time.
//!
//! Locks, in order: the writer's turn, latches (parent before child, left before right), checkpointer, growing, ledger; frames
//! without a page and load waiters are leaves. Only the writer waits for exclusive latches. Flush and eviction only try
//! latches, so they may run in a thread that has some. Holders of a latch do no I/O, except the writer, and nobody waits for the
//! writer with a latch in hand.
//!
//! Errors: a full disk (53100) passes, and nothing is lost by it. Any other error of a write or sync is final: every
//! later call that could do I/O answers it.
//!
//! After a crash: the file holds the newest checkpoint whose superblock is whole. All else in it is free.
//!
//! Read in this order: `word.rs`, `head.rs`, `table.rs`, `frame.rs`, `guard.rs`, `pool.rs`, `load.rs`, `blocks.rs`, `ledger.rs`,
//! `write.rs`, `flush.rs`, `superblock.rs`, `map.rs`, `checkpoint.rs`, `open.rs`, `pin.rs`, `admit.rs`, `verify.rs`, `file_check.rs`,
//! `build.rs`, `fall_back.rs`; `sync.rs` when a lock is in question.

mod admit;
mod blocks;
mod build;
#[cfg(test)]
mod canary;
mod checkpoint;
mod fall_back;
mod file_check;
mod flush;
mod frame;
mod guard;
mod head;
mod ledger;
mod load;
mod map;
mod open;
mod options;
mod pin;
mod pool;
mod superblock;
mod sync;
mod table;
mod verify;
mod word;
mod write;

#[cfg(test)]
mod shuttle_tests;
#[cfg(test)]
mod sim_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod thread_tests;

pub use build::{FileBuilder, check_image};
pub use fall_back::{fall_back, older_checkpoint};
pub use file_check::{DamagedPage, check_file};
pub use guard::PageRead;
pub use head::{HEAD_BYTES, PAGE_BYTES};
pub use options::{PagerOptions, PagerStats, Progress, Root};
pub use pin::CheckpointPin;
pub use pool::Pager;
pub use superblock::newest_checkpoint;
pub use word::{Block, Epoch, Home};
pub use write::PageWriter;
