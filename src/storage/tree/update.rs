//! Changing an entry.

use super::super::page::Slot;
use super::super::pager::PageWriter;
use crate::base::{PageId, Result};

/// What becomes of an entry.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    Keep,
    /// A live state with this value.
    Put {
        hdr: u64,
        value: &'a [u8],
    },
    /// Deleted, but still there for older readers. The value's bytes are dropped: the history holds them.
    Ghost {
        hdr: u64,
    },
    /// The entry goes.
    Remove,
}

/// Makes an empty tree; the answer is its root.
pub fn create(_w: &PageWriter<'_>) -> Result<PageId> {
    todo!()
}

/// Shows `f` the newest state of the entry and makes it what `f` says. `f` is called once, under the leaf's shared latch.
/// The key, and key and value together, are within [`Limits`](super::Limits).
pub fn update<'c, T>(
    _w: &PageWriter<'_>,
    _root: PageId,
    _key: &[u8],
    _f: impl FnOnce(Option<Slot<'_>>) -> (Change<'c>, T),
) -> Result<T> {
    todo!()
}
