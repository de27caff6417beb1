//! Checks of the whole: that every block is used by exactly one thing or free, and that the newest checkpoint can be
//! read.

use super::checkpoint::Checkpointer;
use super::ledger::Ledger;
use super::map::directory_row;
use super::pool::Pager;
use super::word::{Block, Home, Place};
use crate::base::{Error, PageId, Result, SqlState};
use hashbrown::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
        for block in &needed {
            if !ledger.blocks.is_taken(*block) {
                return Err(broken(format!("block {block} is needed, but free")));
            }
        }
        if needed.len() != taken as usize {
            return Err(broken(format!("{taken} blocks are taken, but only {} are needed", needed.len())));
        }
        Ok(())
    }

    /// What the newest checkpoint, the one under way, older pinned ones and the current state need.
    fn needed_blocks(&self, c: &Checkpointer, ledger: &Ledger) -> Result<HashSet<Block>> {
        let mut needed: HashSet<Block> = [Block(0), Block(1)].into();
        let mut alone = Vec::new();
        let row = |d: super::ledger::Directory| directory_row(d.block, d.map_pages, self.page_bytes);
        alone.extend(row(ledger.durable.directory));
        alone.extend(c.map.pages.iter().filter(|p| p.home != Home::NONE).map(|p| p.home.block));
        alone.extend(c.next.written.iter().map(|(_, home)| home.block));
        alone.extend(c.next.directory.into_iter().flat_map(row));
        alone.extend(&ledger.flying);
        for block in alone {
            if !needed.insert(block) {
                return Err(broken(format!("block {block} has two uses")));
            }
        }
        let mut deferred = HashSet::new();
        for block in ledger.deferred() {
            if !deferred.insert(block) || needed.contains(&block) {
                return Err(broken(format!("block {block} is deferred and still in use, or deferred twice")));
            }
        }
        let mut current = HashSet::new();
        for pid in (1..ledger.next_pid).map(PageId) {
            let home = self.home(pid, ledger);
            if home.block != Block::NONE && (!current.insert(home.block) || deferred.contains(&home.block)) {
                return Err(broken(format!("block {} of page {pid} is another's too", home.block)));
            }
        }
        let checkpoints = c.map.iter().map(|(_, home)| home.block).chain(c.next.changed.iter().map(|(_, h)| h.block));
        let recorded = [Some(&ledger.current), ledger.frozen.as_ref().map(|f| &f.changes)].into_iter().flatten();
        let recorded = recorded.flat_map(|changes| changes.delta.values().map(|r| r.block));
        needed.extend(deferred.iter().chain(&current));
        for block in checkpoints.chain(recorded).filter(|b| *b != Block::NONE) {
            if !deferred.contains(&block) && !current.contains(&block) {
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
