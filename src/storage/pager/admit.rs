//! The promise that what is changed can be written: asked for before a change, because afterwards it is too late to
//! refuse.
//!
//! Every dirty frame and every copy aside needs one block more (an image that replaces one of its own epoch gives that
//! block back), and the checkpoint needs some for its map. As long as that many are free or the file can grow, a
//! checkpoint completes, and what it supersedes becomes free.

use super::flush::FLIGHT_PAGES;
use super::ledger::Ledger;
use super::map::{directory_blocks, entries_per_map_page};
use super::pool::Pager;
use super::sync::rest;
use crate::base::Result;

impl Pager {
    /// Makes sure that `pages` more pages can be changed and written: 53100 when the disk is full, the first fatal
    /// error after one. While too much of the pool is dirty it writes pages itself. The caller holds no latch and is not
    /// the writer.
    pub fn admit(&self, pages: usize) -> Result<()> {
        self.alive()?;
        let (need, crowded) = {
            let ledger = self.ledger.lock();
            (self.blocks_needed(&ledger, pages), self.is_crowded(&ledger))
        };
        self.make_room(need)?;
        if crowded {
            self.thin_out()?;
        }
        Ok(())
    }

    fn blocks_needed(&self, ledger: &Ledger, pages: usize) -> u64 {
        let frozen = ledger.frozen.as_ref();
        let images = ledger.dirty + frozen.map_or(0, |f| f.copies.len()) + pages;
        let map_pages = ledger.next_pid as usize / entries_per_map_page(self.page_bytes) + 1;
        let deltas = ledger.current.delta.len() + frozen.map_or(0, |f| f.changes.delta.len());
        let touched = map_pages.min(images + deltas);
        let directory = directory_blocks(map_pages as u32 + 1, self.page_bytes) as usize;
        // Two checkpoints: the frozen one and the next.
        (images + 2 * (touched + directory) + FLIGHT_PAGES) as u64
    }

    /// Too much is dirty for readers to find room easily, or too many frozen images have been copied.
    fn is_crowded(&self, ledger: &Ledger) -> bool {
        let frames = self.frames.len();
        let copies = ledger.frozen.as_ref().map_or(0, |f| f.copies.len());
        ledger.dirty > frames * 7 / 10 || copies > frames / 4 + FLIGHT_PAGES
    }

    fn thin_out(&self) -> Result<()> {
        while self.is_crowded(&self.ledger.lock()) {
            if self.flush_some(FLIGHT_PAGES)? == 0 {
                rest();
            }
        }
        Ok(())
    }
}
