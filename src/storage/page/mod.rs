//! One page of a tree as bytes: a sorted set of entries between two fence keys. Pure code over `&[u8]` and `&mut [u8]`
//! of any page size; it neither reads nor writes nor locks.
//!
//! Entry points: [`Node`] reads a page, [`NodeMut`] changes one, [`Cut`] says where a full page is to be split,
//! [`Node::merged_bytes`] whether two neighbours fit in one page, [`Node::check`] walks a page that nobody vouches for.
//! [`Limits`] says how long keys and entries may be.
//!
//! Must not know: where pages come from, ids beyond a child's, latches, versions (an entry's `hdr` is a number here).
//!
//! Invariants:
//! 1. `lower <= key < upper` for every key of a page; no upper fence is "no end". Keys are strictly ascending.
//! 2. Every key starts with the page's prefix, which is a beginning of the lower fence and at least what the two fences
//!    have in common; entries hold the rest of their keys. It is as long as the last key allows when the page is filled,
//!    and gets shorter when a key arrives that does not start with it: such a key is above all others.
//! 3. An inner page's first entry has no key of its own: its child starts at the page's lower fence.
//! 4. `max_hdr` is at least the `hdr` of every entry; `ghosts` counts them exactly; a ghost has no value.
//! 5. Heap bytes = the entries' bytes + `garbage`. What fits is decided on the sum of free and garbage bytes, so
//!    whether a change fits never depends on the page's past.
//! 6. Two fences and one entry of the longest kind fit in a page, so a page that is too full can be split (`cut.rs`).
//!
//! A change that does not fit leaves the page as it was. Bytes that break these rules are a bug or damage behind a
//! valid checksum: reading them panics (slices are bounds-checked), `check` says what is wrong.
//!
//! Read in this order: `layout.rs`, `node.rs`, `edit.rs`, `cut.rs`, `check.rs`.

mod check;
mod cut;
mod edit;
mod layout;
mod node;

#[cfg(test)]
mod tests;

pub use cut::{Cut, Extent, separator};
pub use edit::NodeMut;
pub use layout::{Limits, PAGER_HEAD_BYTES};
pub use node::{Node, Slot};
