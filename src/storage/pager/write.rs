//! The one writer.

use super::guard::{PageMut, PageRead};
use super::pool::{Pager, Root};
use crate::base::{PageId, Result};
use parking_lot::MutexGuard;

/// The right to change pages; one exists at a time. All methods take `&self`, so that several pages can be held at
/// once; asking for a page that this writer holds exclusively already is a panic.
pub struct PageWriter<'a> {
    pager: &'a Pager,
    #[allow(dead_code)]
    turn: MutexGuard<'a, ()>,
}

impl<'a> PageWriter<'a> {
    pub fn pager(&self) -> &'a Pager {
        self.pager
    }

    pub fn page_bytes(&self) -> usize {
        self.pager.page_bytes()
    }

    /// Shared latch; may do I/O.
    pub fn read(&self, pid: PageId) -> Result<PageRead<'a>> {
        self.pager.read(pid)
    }

    /// Exclusive latch; may do I/O. The page's frozen image is kept when a checkpoint still needs it.
    pub fn page_mut(&self, _pid: PageId) -> Result<PageMut<'_>> {
        todo!()
    }

    /// A new page, zeros behind its head; it enters the map with the next checkpoint.
    pub fn allocate(&self) -> Result<(PageId, PageMut<'_>)> {
        todo!()
    }

    /// Gives a page back. This writer holds no latch of it. Its id may be given out again at once.
    pub fn free(&self, _pid: PageId) {
        todo!()
    }

    /// Fixes the state of this instant as the next checkpoint. Panics when one is frozen already, or while this writer
    /// holds a page.
    pub fn freeze(&self, _root: Root) {
        todo!()
    }

    /// Whether a checkpoint is under way.
    pub fn frozen(&self) -> bool {
        self.pager.frozen()
    }
}
