//! A tree built from the bottom up.

use super::super::pager::PageWriter;
use crate::base::{PageId, Result};

/// Builds a tree from entries in ascending order, in pages that nothing refers to before [`Builder::finish`].
pub struct Builder {}

impl Builder {
    pub fn new(_page_bytes: usize) -> Builder {
        todo!()
    }

    /// Adds an entry behind those before it. The writer need not be the same one from call to call.
    pub fn push(&mut self, _w: &PageWriter<'_>, _key: &[u8], _hdr: u64, _value: &[u8]) -> Result<()> {
        todo!()
    }

    /// The root of the tree with all that was pushed.
    pub fn finish(self, _w: &PageWriter<'_>) -> Result<PageId> {
        todo!()
    }

    /// Gives the pages back.
    pub fn abandon(self, _w: &PageWriter<'_>) {
        todo!()
    }
}
