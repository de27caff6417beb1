//! Pins: a checkpoint that stays readable while newer ones are made. Its map is read from the disk, where it stays as
//! long as its pages do.

use super::ledger::Durable;
use super::map::{decode_map_page, entries_of};
use super::open::{read_directory, read_map_page};
use super::options::Root;
use super::pool::Pager;
use super::word::{Epoch, Home};
use crate::base::{PageId, Result};
use std::sync::Arc;

const RELEASED_AT_ONCE: usize = 4096;

/// Keeps a checkpoint's blocks until it is dropped.
pub struct CheckpointPin {
    pager: Arc<Pager>,
    durable: Durable,
}

impl Pager {
    /// Keeps the newest durable checkpoint's blocks until the pin is dropped. None before the first checkpoint.
    pub fn pin(self: &Arc<Self>) -> Option<CheckpointPin> {
        let durable = self.ledger.lock().pin()?;
        Some(CheckpointPin { pager: self.clone(), durable })
    }

    /// Frees the blocks that neither a checkpoint nor a pin needs, in slices, so that others get at the ledger.
    pub(super) fn release_blocks(&self) {
        while self.ledger.lock().release(RELEASED_AT_ONCE) {}
    }
}

impl CheckpointPin {
    pub fn checkpoint(&self) -> Epoch {
        self.durable.epoch
    }

    pub fn page_bytes(&self) -> usize {
        self.pager.page_bytes
    }

    pub fn root(&self) -> &Root {
        self.durable.root.as_ref().expect("only whole checkpoints are pinned")
    }

    /// Visits every page of the checkpoint, ascending, with the place of its image.
    pub fn pages(&self, visit: &mut dyn FnMut(PageId, Home) -> Result<()>) -> Result<()> {
        let pager = &*self.pager;
        let mut page = vec![0; pager.page_bytes];
        for (index, home) in read_directory(&*pager.file, self.durable.directory, pager.page_bytes)?.iter().enumerate()
        {
            if *home != Home::NONE {
                read_map_page(&*pager.file, index, *home, &mut page)?;
                for (pid, home) in entries_of(index, &decode_map_page(&page)) {
                    visit(pid, home)?;
                }
            }
        }
        Ok(())
    }

    /// Reads the image of a page of the checkpoint, as `pages` told of it; `out` has the length of a page.
    pub fn read(&self, pid: PageId, home: Home, out: &mut [u8]) -> Result<()> {
        self.pager.read_image(pid, home, out)
    }
}

impl Drop for CheckpointPin {
    fn drop(&mut self) {
        self.pager.ledger.lock().unpin(self.durable.epoch);
        self.pager.release_blocks();
    }
}
