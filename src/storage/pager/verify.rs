//! Checks of the whole: that every block is used by exactly one thing or free, and that the newest checkpoint can be
//! read.

use super::blocks::SUPERBLOCKS;
use super::checkpoint::Checkpointer;
use super::ledger::{Directory, Ledger};
use super::map::directory_row;
use super::pool::Pager;
use super::word::{Block, Home, Place};
use crate::base::{Error, PageId, Result, SqlState};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// One bit for each block of the file.
#[derive(Clone)]
struct BlockSet {
    words: Vec<u64>,
    total: u32,
    count: u32,
}

impl BlockSet {
    fn new(total: u32) -> BlockSet {
        BlockSet { words: vec![0; (total as usize).div_ceil(64)], total, count: 0 }
    }

    fn contains(&self, block: Block) -> bool {
        block.0 < self.total && self.words[block.0 as usize / 64] >> (block.0 % 64) & 1 == 1
    }

    fn insert_all(&mut self, blocks: impl Iterator<Item = Block>, what: &str) -> Result<()> {
        for block in blocks {
            if block.0 >= self.total || self.contains(block) {
                return Err(broken(format!("block {block} {what} has two uses, or is beyond the file's end")));
            }
            self.words[block.0 as usize / 64] |= 1 << (block.0 % 64);
            self.count += 1;
        }
        Ok(())
    }

    fn iter(&self) -> impl Iterator<Item = Block> {
        (0..self.total).map(Block).filter(|b| self.contains(*b))
    }
}

fn broken(why: impl Into<String>) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, why)
}

impl Pager {
    /// Checks that the blocks in use are exactly those that a checkpoint or the current state needs, that every image
    /// of the newest checkpoint is readable, and that each page that exists is `reachable`. The caller keeps the writer
    /// out, and whoever writes images.
    pub fn verify(self: &Arc<Self>, reachable: &mut dyn FnMut(PageId) -> bool) -> Result<()> {
        self.verify_blocks()?;
        self.verify_images()?;
        let next = self.ledger.lock().next_pid;
        for pid in (1..next).map(PageId).filter(|pid| self.exists(*pid)) {
            if !reachable(pid) {
                return Err(broken(format!("page {pid} exists, but nothing leads to it")));
            }
        }
        Ok(())
    }

    /// Whether there is such a page.
    pub fn exists(&self, pid: PageId) -> bool {
        self.table.get(pid).is_some_and(|word| match Place::of_word(word.load(Ordering::Acquire)) {
            Place::Disk(home) => home.block != Block::NONE,
            Place::Loading(_) | Place::Resident(_) => true,
        })
    }

    fn verify_blocks(&self) -> Result<()> {
        let checkpointer = self.checkpointer.lock();
        let ledger = self.ledger.lock();
        let needed = self.needed_blocks(&checkpointer, &ledger)?;
        let taken = ledger.blocks.total() - ledger.blocks.free();
        if let Some(block) = needed.iter().find(|b| !ledger.blocks.is_taken(*b)) {
            return Err(broken(format!("block {block} is needed, but free")));
        }
        if needed.count != taken {
            return Err(broken(format!("{taken} blocks are taken, but only {} are needed", needed.count)));
        }
        Ok(())
    }

    /// What the newest checkpoint, the one under way, older pinned ones and the current state need. Each block has one use,
    /// except that a checkpoint's pages are also current, or else deferred.
    fn needed_blocks(&self, c: &Checkpointer, ledger: &Ledger) -> Result<BlockSet> {
        let mut needed = BlockSet::new(ledger.blocks.total());
        let row = |d: Directory| directory_row(d.block, d.map_pages, self.page_bytes);
        let superblocks = (0..SUPERBLOCKS).map(Block);
        let map_pages = c.map.pages.iter().map(|p| p.home).chain(c.next.written.iter().map(|(_, home)| *home));
        let map_pages = map_pages.filter(|home| *home != Home::NONE).map(|home| home.block);
        let directories = row(ledger.durable.directory).chain(c.next.directory.into_iter().flat_map(row));
        let homes = (1..ledger.next_pid).map(|pid| self.home(PageId(pid), ledger).block);
        let images = homes.filter(|b| *b != Block::NONE).chain(ledger.deferred());
        needed.insert_all(superblocks.chain(map_pages).chain(directories), "of the map")?;
        needed.insert_all(ledger.flying.iter().copied(), "of an image being written")?;
        let of_map = needed.clone();
        needed.insert_all(images, "of a page")?;
        let checkpoints = c.map.iter().chain(c.next.changed.iter().copied()).map(|(_, home)| home.block);
        let open = [Some(&ledger.current), ledger.frozen.as_ref().map(|f| &f.changes)].into_iter().flatten();
        let recorded = open.flat_map(|changes| changes.delta.values().map(|r| r.block));
        for block in checkpoints.chain(recorded).filter(|b| *b != Block::NONE) {
            if !needed.contains(block) || of_map.contains(block) {
                return Err(broken(format!("block {block} is in a checkpoint, but neither current nor deferred")));
            }
        }
        Ok(needed)
    }

    fn verify_images(self: &Arc<Self>) -> Result<()> {
        let Some(pin) = self.pin() else { return Ok(()) };
        let mut image = vec![0; self.page_bytes];
        pin.pages(&mut |pid, home| pin.read(pid, home, &mut image))
    }
}
