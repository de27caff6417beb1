//! Range reads, a leaf at a time.

use super::super::page::Slot;
use super::super::pager::Pager;
use super::super::range::{Direction, KeyRange};
use crate::base::{PageId, Result};

/// What a leaf says about all its entries.
#[derive(Clone, Copy, Debug)]
pub struct Leaf {
    /// No entry's `hdr` is above it.
    pub max_hdr: u64,
    pub entries: usize,
    pub ghosts: usize,
}

/// Where a scan stands after a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing of the range is left.
    Done,
    /// The rest of the range: forward from this fence on (`Bound::Included`), backward up to it (`Bound::Excluded`).
    Next(Vec<u8>),
    /// The visitor said stop; it has seen the last key that it was given.
    Stopped,
}

/// Visits, in order, the entries of the range in one leaf, the first that can hold any, under its shared latch, until `f`
/// says false. A leaf without entries of the range is answered with `Next` or `Done` and no call.
pub fn visit_leaf(
    _pager: &Pager,
    _root: PageId,
    _range: &KeyRange,
    _direction: Direction,
    _f: impl FnMut(&Leaf, &[u8], Slot<'_>) -> bool,
) -> Result<Step> {
    todo!()
}
