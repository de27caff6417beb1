//! Making a frozen epoch durable, in steps that can each be taken alone.
//!
//! 1. Images: everything that changed up to the freeze is written to new places.
//! 2. Map: the touched map pages and the directory are written to new places.
//! 3. Sync: all of that is durable, and nothing refers to it yet.
//! 4. Log: the log is durable up to the checkpoint's LSN, so that no checkpoint is ahead of it.
//! 5. Superblock: the older one is overwritten. From here on a crash may find either checkpoint.
//! 6. Sync: the new one it is.
//! 7. Release: what only the checkpoint before needed is free.
//!
//! A full disk stops it between two steps, or within the first two; the next call goes on there. Any other error is
//! final.

#[cfg(test)]
use super::canary;
use super::flush::FLIGHT_PAGES;
use super::ledger::{Directory, Durable};
use super::map::{Map, MapPage, directory_blocks, directory_row, encode_directory, encode_map_page};
use super::options::{Progress, Root};
use super::pool::{Pager, count};
use super::superblock::Superblock;
use super::sync::rest;
use super::word::{Block, Epoch, Home};
use crate::base::{Error, Lsn, PageId, Result, SqlState};

/// What the checkpoint does next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is under way; a freeze leads to `Images`.
    #[default]
    Idle,
    Images,
    Map,
    Sync,
    Log,
    Superblock,
    SyncSuperblock,
    Release,
}

pub struct Checkpointer {
    pub phase: Phase,
    /// Of the newest durable checkpoint.
    pub map: Map,
    /// Where the next superblock goes.
    pub slot: u32,
    pub next: Next,
}

/// The checkpoint that is under way, from its map on.
#[derive(Default)]
pub struct Next {
    pub epoch: Epoch,
    pub root: Option<Root>,
    /// What the epoch changed, by page id.
    pub changed: Vec<(PageId, Home)>,
    /// How much of `changed` is in map pages that are written.
    done: usize,
    /// Map pages that are written.
    pub written: Vec<(usize, Home)>,
    pub directory: Option<Directory>,
}

impl Pager {
    /// Makes what `freeze` fixed durable, and answers its LSN. `pace` is called between groups of pages and may sleep.
    /// After 53100 it may be called again. XX000 when nothing is frozen.
    pub fn checkpoint(&self, pace: &dyn Fn(Progress), wait_log_durable: &dyn Fn(Lsn) -> Result<()>) -> Result<Lsn> {
        let lsn = {
            let ledger = self.ledger.lock();
            let frozen = ledger.frozen.as_ref().ok_or_else(|| Error::internal("nothing is frozen"))?;
            frozen.root.lsn
        };
        loop {
            match self.checkpoint_step(FLIGHT_PAGES, wait_log_durable)? {
                Phase::Idle => return Ok(lsn),
                Phase::Images => pace(self.progress()),
                _ => {}
            }
        }
    }

    fn progress(&self) -> Progress {
        let ledger = self.ledger.lock();
        let (pages_written, pages_total) = ledger.frozen.as_ref().map_or((0, 0), |f| (f.pages_written, f.pages_total));
        Progress { pages_written: pages_written.min(pages_total), pages_total }
    }

    /// One step, of up to `pages` pages; answers what is next.
    pub fn checkpoint_step(&self, pages: usize, wait_log_durable: &dyn Fn(Lsn) -> Result<()>) -> Result<Phase> {
        self.alive()?;
        let c = &mut *self.checkpointer.lock();
        c.phase = match c.phase {
            Phase::Idle if !self.frozen() => Phase::Idle,
            // 1
            Phase::Idle | Phase::Images => self.write_images(c, pages)?,
            // 2
            Phase::Map => self.write_map(c, pages)?,
            // 3
            Phase::Sync => {
                self.sync_images()?;
                Phase::Log
            }
            // 4
            Phase::Log => {
                self.await_log(c, wait_log_durable)?;
                Phase::Superblock
            }
            // 5
            Phase::Superblock => {
                self.write_superblock(c)?;
                Phase::SyncSuperblock
            }
            // 6
            Phase::SyncSuperblock => {
                self.file.sync_data().map_err(|e| self.fail(e))?;
                Phase::Release
            }
            // 7
            Phase::Release => {
                self.release(c);
                Phase::Idle
            }
        };
        Ok(c.phase)
    }

    /// An error that cannot pass, whatever its code.
    fn fail(&self, error: Error) -> Error {
        self.fatal.get_or_init(|| error).clone()
    }

    fn write_images(&self, c: &mut Checkpointer, pages: usize) -> Result<Phase> {
        if !self.ledger.lock().frozen_is_written() {
            if self.flush_frozen(pages)? == 0 {
                rest();
            }
            return Ok(Phase::Images);
        }
        let mut ledger = self.ledger.lock();
        let frozen = ledger.frozen.as_mut().expect("it is written");
        let epoch = frozen.epoch;
        let delta = std::mem::take(&mut frozen.changes.delta);
        let root = frozen.root.clone();
        drop(ledger);
        let home = |block| if block == Block::NONE { Home::NONE } else { Home { block, epoch } };
        let mut changed: Vec<(PageId, Home)> = delta.iter().map(|(pid, r)| (*pid, home(r.block))).collect();
        changed.sort_unstable_by_key(|(pid, _)| *pid);
        c.next = Next { epoch, root: Some(root), changed, ..Next::default() };
        Ok(Phase::Map)
    }

    /// Writes up to `pages` touched map pages, or when they are done the directory.
    fn write_map(&self, c: &mut Checkpointer, pages: usize) -> Result<Phase> {
        let touched = touched_map_pages(c, pages);
        if touched.is_empty() {
            self.write_directory(c)?;
            return Ok(Phase::Sync);
        }
        let mut blocks = Vec::new();
        let room = self.take_blocks(touched.len(), &mut blocks);
        if blocks.len() < touched.len() {
            let mut ledger = self.ledger.lock();
            blocks.into_iter().for_each(|b| ledger.blocks.give_back(b));
            return Err(room.err().unwrap_or_else(no_room));
        }
        let mut bytes = vec![0; touched.len() * self.page_bytes];
        for ((index, changed), page) in touched.iter().zip(bytes.chunks_exact_mut(self.page_bytes)) {
            encode_map_page(&c.map.overlay(*index, &c.next.changed[changed.clone()]), *index, c.next.epoch, page);
        }
        if let Err(e) = self.write_blocks(&blocks, &bytes) {
            let mut ledger = self.ledger.lock();
            blocks.into_iter().for_each(|b| ledger.blocks.give_back(b));
            return Err(e);
        }
        let homes = blocks.iter().map(|block| Home { block: *block, epoch: c.next.epoch });
        c.next.done = touched.last().expect("there are some").1.end;
        c.next.written.extend(touched.iter().map(|(index, _)| *index).zip(homes));
        Ok(Phase::Map)
    }

    fn write_blocks(&self, blocks: &[Block], bytes: &[u8]) -> Result<()> {
        let mut rest = bytes;
        for run in blocks.chunk_by(|a, b| a.0 + 1 == b.0) {
            let (now, later) = rest.split_at(rest.len().min(run.len() * self.page_bytes));
            self.file.write_at(now, run[0].offset(self.page_bytes)).map_err(|e| self.note(e))?;
            rest = later;
        }
        count(&self.counters.writes, blocks.len());
        Ok(())
    }

    fn write_directory(&self, c: &mut Checkpointer) -> Result<()> {
        let map_pages = c.next.written.iter().map(|(index, _)| index + 1).max().unwrap_or(0).max(c.map.pages.len());
        let mut homes: Vec<Home> = c.map.pages.iter().map(|p| p.home).collect();
        homes.resize(map_pages, Home::NONE);
        c.next.written.iter().for_each(|(index, home)| homes[*index] = *home);
        let bytes = encode_directory(homes.into_iter(), c.next.epoch, self.page_bytes);
        let n = directory_blocks(map_pages as u32, self.page_bytes);
        let block = match n {
            0 => Block::NONE,
            _ => self.take_row(n)?,
        };
        let directory = Directory { block, map_pages: map_pages as u32, crc: crc32c::crc32c(&bytes) };
        let row: Vec<Block> = directory_row(block, directory.map_pages, self.page_bytes).collect();
        if let Err(e) = self.write_blocks(&row, &bytes) {
            let mut ledger = self.ledger.lock();
            row.into_iter().for_each(|b| ledger.blocks.give_back(b));
            return Err(e);
        }
        c.next.directory = Some(directory);
        Ok(())
    }

    fn take_row(&self, n: u32) -> Result<Block> {
        if let Some(block) = self.ledger.lock().blocks.take_row(n) {
            return Ok(block);
        }
        // Behind what is there now there is certainly room in a row.
        let free = self.ledger.lock().blocks.free();
        self.make_room(u64::from(free) + u64::from(n))?;
        self.ledger.lock().blocks.take_row(n).ok_or_else(no_room)
    }

    fn sync_images(&self) -> Result<()> {
        #[cfg(test)]
        if canary::UNSYNCED.get() {
            return Ok(());
        }
        self.file.sync_data().map_err(|e| self.fail(e))
    }

    fn await_log(&self, c: &Checkpointer, wait_log_durable: &dyn Fn(Lsn) -> Result<()>) -> Result<()> {
        #[cfg(test)]
        if canary::AHEAD_OF_LOG.get() {
            return Ok(());
        }
        wait_log_durable(c.next.root.as_ref().expect("it has a root").lsn)
    }

    fn write_superblock(&self, c: &mut Checkpointer) -> Result<()> {
        let directory = c.next.directory.expect("the directory is written");
        let durable = Durable { epoch: c.next.epoch, root: c.next.root.clone(), directory };
        let superblock = Superblock { page_bytes: self.page_bytes, durable };
        superblock.write(&*self.file, c.slot).map_err(|e| self.fail(e))
    }

    fn release(&self, c: &mut Checkpointer) {
        let next = std::mem::take(&mut c.next);
        let mut superseded = Vec::new();
        let mut changed = &next.changed[..];
        for (index, home) in next.written {
            let (here, rest) = changed.split_at(changed.partition_point(|(pid, _)| c.map.index_of(*pid) == index));
            changed = rest;
            let entries = c.map.overlay(index, here);
            let before = c.map.pages.get(index).map_or(Home::NONE, |p| p.home);
            superseded.extend((before != Home::NONE).then_some(before.block));
            c.map.set(index, MapPage { home, entries });
        }
        let mut ledger = self.ledger.lock();
        let before = ledger.durable.directory;
        superseded.extend(directory_row(before.block, before.map_pages, self.page_bytes));
        ledger.changes(next.epoch).defer.extend(superseded);
        ledger.complete(next.directory.expect("the directory is written"));
        drop(ledger);
        c.slot = 1 - c.slot;
        self.release_blocks();
    }
}

/// The next map pages to write, each with its part of `changed`.
fn touched_map_pages(c: &Checkpointer, max: usize) -> Vec<(usize, std::ops::Range<usize>)> {
    let mut at = c.next.done;
    let rest = &c.next.changed[at..];
    let pages = rest.chunk_by(|a, b| c.map.index_of(a.0) == c.map.index_of(b.0)).take(max.max(1));
    pages
        .map(|changed| {
            let range = at..at + changed.len();
            at = range.end;
            (c.map.index_of(changed[0].0), range)
        })
        .collect()
}

fn no_room() -> Error {
    Error::new(SqlState::DISK_FULL, "could not extend the data file: others took what was free")
}
