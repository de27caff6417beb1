//! Giving a dropped tree's pages back.

use super::super::pager::PageWriter;
use crate::base::{PageId, Result};

/// Frees about `budget` pages of a tree that nobody reads any more, its root last; true when there is more to do. In
/// between the tree is good for nothing but the next call, also after a restart.
pub fn free_all(_w: &PageWriter<'_>, _root: PageId, _budget: usize) -> Result<bool> {
    todo!()
}
