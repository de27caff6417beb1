//! Walking a whole tree.

use super::super::page::Slot;
use super::super::pager::Pager;
use crate::base::{PageId, Result};

/// What a walk meets: each page once, before the entries in it.
pub enum Visit<'a> {
    Page { pid: PageId, level: u8, ghosts: usize },
    Entry { key: &'a [u8], slot: Slot<'a> },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeStats {
    /// Levels, the leaves' included.
    pub height: usize,
    pub leaves: usize,
    pub inner_pages: usize,
    /// Ghosts included.
    pub entries: usize,
    pub ghosts: usize,
    /// Bytes in use in the leaves.
    pub leaf_bytes: usize,
}

/// Checks every invariant of the tree's shape: XX001 when one does not hold. Nobody writes meanwhile.
pub fn verify(_pager: &Pager, _root: PageId, _visit: &mut dyn FnMut(Visit<'_>)) -> Result<TreeStats> {
    todo!()
}
