//! B+trees of pages: ordered maps from key bytes to entries (a history position, a ghost mark, value bytes).
//!
//! Entry points: [`create`], [`lookup`], [`visit_leaf`] (scans, a leaf at a time), [`update`] (the one way an entry
//! changes; [`update_near`] for keys in order), [`prefault`] and [`Ahead`], [`Builder`] (fills an empty tree with ascending entries), [`is_empty`], [`free_all`], [`verify`].
//!
//! Must not know: what an entry's `hdr` means and who may see what; the log; trees' ids; blocks, epochs, eviction.
//!
//! Invariants:
//! 1. A tree is known by its root page, whose id never changes: a root that is too full moves its content down.
//! 2. All leaves are at level 0, a page's children one level below it. A child's fences are the separators around it in
//!    its parent; the outermost ones are those of the parent; the root's are open.
//! 3. There are no sibling pointers: whoever wants the next leaf descends again with the fence of the last one.
//! 4. Each split, merge and change of height is one step under the exclusive latches of all pages it touches; between
//!    steps the tree is whole.
//! 5. After a removal a leaf that is less than a quarter full is merged with a neighbour when both fit in seven eighths of
//!    a page (an empty one whenever they fit at all), inner pages likewise; a tree without entries is its root alone.
//!
//! Threads: any may read. One at a time changes: it has the [`PageWriter`](super::pager::PageWriter). Readers hold the
//! shared latch of a page until they have its child's, and wait for no I/O meanwhile: when a child is not in memory they
//! let go, load it, and start again. The writer descends without coupling (nobody else changes pages) and takes exclusive
//! latches only where it changes something. Order: parent before child, left before right. Callers' closures run under
//! the shared latch of a leaf: they must not touch the pager.
//!
//! Cost: an update changes its leaf; a split or merge changes three pages, one of them new or freed, and seldom happens on more
//! than one level. A merge may read the leaf's neighbours in under the writer. `update` and `free_all` fail only when
//! the pager does (I/O, damage, no frame to be had); in the middle of a split that loses a page, so the writer must not go on.
//!
//! After a crash: trees are what the newest checkpoint's pages say.
//!
//! Read in this order: `search.rs`, `ahead.rs`, `scan.rs`, `update.rs`, `split.rs`, `merge.rs`, `free.rs`, `bulk.rs`, `verify.rs`.

mod ahead;
mod bulk;
mod free;
mod merge;
mod scan;
mod search;
mod split;
mod update;
mod verify;

#[cfg(test)]
mod tests;

pub use super::page::{Limits, Slot};
pub use ahead::Ahead;
pub use bulk::Builder;
pub use free::{each_page, free_all};
pub use scan::{Step, visit_leaf};
pub use search::{lookup, prefault};
pub use update::{Change, Finger, create, is_empty, update, update_near};
pub use verify::{Visit, verify};

// The pager and the pages agree on whose bytes are whose.
const _: () = assert!(super::pager::HEAD_BYTES == super::page::PAGER_HEAD_BYTES);
