//! Point reads.

use super::super::page::Slot;
use super::super::pager::Pager;
use crate::base::{PageId, Result};

/// Calls `f` with the newest state of the entry, under its leaf's shared latch.
pub fn lookup<T>(_pager: &Pager, _root: PageId, _key: &[u8], _f: impl FnOnce(Option<Slot<'_>>) -> T) -> Result<T> {
    todo!()
}

/// Reads the leaf of `key` into memory.
pub fn prefault(_pager: &Pager, _root: PageId, _key: &[u8]) -> Result<()> {
    todo!()
}
