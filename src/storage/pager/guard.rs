//! Latched pages.

use super::pool::Pager;
use super::write::PageWriter;
use crate::base::PageId;
use std::ops::{Deref, DerefMut};

/// A page under its shared latch. The whole page: bytes 0..16 are the pager's.
pub struct PageRead<'a> {
    pager: &'a Pager,
    pid: PageId,
}

impl PageRead<'_> {
    pub fn pid(&self) -> PageId {
        self.pid
    }
}

impl Deref for PageRead<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        let _ = self.pager;
        todo!()
    }
}

/// A page under its exclusive latch. The whole page: bytes 0..16 are the pager's.
pub struct PageMut<'a> {
    writer: &'a PageWriter<'a>,
    pid: PageId,
}

impl PageMut<'_> {
    pub fn pid(&self) -> PageId {
        self.pid
    }
}

impl Deref for PageMut<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        let _ = self.writer;
        todo!()
    }
}

impl DerefMut for PageMut<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        todo!()
    }
}
