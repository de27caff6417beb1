//! Opening a data file: the newest whole superblock leads to the directory, that to the map pages, and those say where every page is.
//! What they do not mention is free, so nothing can be lost for good by a crash.
//!
//! The file is synced and then forgotten by the cache before anything is read: what is read is then what the device has. A
//! superblock that only the cache had, or pages that an earlier process could not sync, would otherwise be believed, and
//! the blocks of the checkpoint before be overwritten.
//!
//! Should only one superblock be whole, the checkpoint that it tells of is what there is, and gets a new number.
//!
//! A new file is made under another name, and gets its own when both superblocks are durable: a file without one is
//! damaged, not new.

use super::blocks::{Blocks, SUPERBLOCKS};
#[cfg(test)]
use super::canary;
use super::checkpoint::{Checkpointer, Next, Phase};
use super::frame::Frames;
use super::head::{Kind, check};
use super::ledger::{Directory, Durable, Ledger};
use super::map::{Map, MapPage, decode_directory, decode_map_page, directory_bytes, directory_row};
use super::options::{PagerOptions, Root};
use super::pool::{Counters, Pager};
use super::superblock::{Superblock, find_newest, page_size_is_valid, read_at};
use super::sync::{Condvar, Mutex};
use super::table::PageTable;
use super::word::{Block, Epoch, Home};
use crate::base::{Error, PageId, Result, SqlState};
use crate::io::{Disk, File};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

impl Pager {
    /// Opens the data file, or makes it. None: there is no checkpoint in it yet, so no page either.
    pub fn open(disk: Arc<dyn Disk>, file: &str, options: PagerOptions) -> Result<(Arc<Pager>, Option<Root>)> {
        assert!(page_size_is_valid(options.page_bytes), "a page has a power of two of bytes from 512 to 65536");
        if !disk.exists(file)? {
            create(&*disk, file, options.page_bytes)?;
        }
        // A process that was killed may have left the name in the cache alone.
        disk.sync_dir(file.rsplit_once('/').map_or("", |(dir, _)| dir))?;
        let file = disk.open(file)?;
        settle(&*file)?;
        let (superblock, slot) = find_newest(&*file)?.ok_or_else(|| damaged("no superblock is whole"))?;
        let (superblock, slot) = step_over_lost(&*file, superblock, slot)?;
        let Superblock { page_bytes, durable } = superblock;
        let total = (file.len()? / page_bytes as u64).min(u64::from(u32::MAX)) as u32;
        let mut found = Found { blocks: Blocks::new(total), table: PageTable::new(), map: Map::new(page_bytes) };
        found.read_map(&*file, durable.directory, page_bytes)?;
        let (next_pid, free_pids) = found.free_pids();
        let root = durable.root.clone();
        let Found { blocks, table, map } = found;
        let ledger = Ledger::new(blocks, durable, next_pid, free_pids);
        let pager = Pager {
            page_bytes,
            grow_blocks: options.grow_blocks,
            table,
            frames: Frames::new(options.frames, page_bytes),
            epoch: AtomicU32::new(ledger.epoch.0),
            turn: Mutex::new(()),
            checkpointer: Mutex::new(Checkpointer { phase: Phase::Idle, map, slot: 1 - slot, next: Next::default() }),
            growing: Mutex::new(()),
            ledger: Mutex::new(ledger),
            load_waiters: Mutex::new(0),
            loaded: Condvar::new(),
            fatal: OnceLock::new(),
            full: AtomicBool::new(false),
            counters: Counters::default(),
            file,
        };
        Ok((Arc::new(pager), root))
    }
}

/// When the other superblock is not whole, a checkpoint may be lost that was durable once. Somebody may have copied its images
/// and know them by its number; so that number is passed over, and no other image is ever taken for one of those. Answers the
/// newest superblock, and its slot.
fn step_over_lost(file: &dyn File, superblock: Superblock, slot: u32) -> Result<(Superblock, u32)> {
    let (page_bytes, other) = (superblock.page_bytes, 1 - slot);
    let whole = read_at(file, Block(other).offset(page_bytes))?.is_some_and(|found| found.page_bytes == page_bytes);
    if whole || superblock.durable.root.is_none() {
        return Ok((superblock, slot));
    }
    superblock.renumber(file, slot, superblock.durable.epoch)
}

pub(super) fn damaged(why: impl std::fmt::Display) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("the data file is damaged: {why}"))
}

fn create(disk: &dyn Disk, path: &str, page_bytes: usize) -> Result<()> {
    let unnamed = format!("{path}.new");
    if disk.exists(&unnamed)? {
        disk.remove(&unnamed)?;
    }
    let file = disk.create(&unnamed)?;
    file.extend(u64::from(SUPERBLOCKS) * page_bytes as u64)?;
    for slot in 0..SUPERBLOCKS {
        Superblock { page_bytes, durable: Durable::default() }.write(&*file, slot)?;
    }
    file.sync_data()?;
    disk.rename(&unnamed, path)
}

/// Makes the cache and the device agree.
fn settle(file: &dyn File) -> Result<()> {
    #[cfg(test)]
    if canary::CACHED.get() {
        return Ok(());
    }
    file.sync_data()?;
    file.drop_cache()
}

/// What the map says.
struct Found {
    blocks: Blocks,
    table: PageTable,
    map: Map,
}

impl Found {
    fn read_map(&mut self, file: &dyn File, directory: Directory, page_bytes: usize) -> Result<()> {
        for block in directory_row(directory.block, directory.map_pages, page_bytes) {
            self.mark(block, "the map directory")?;
        }
        let homes = read_directory(file, directory, page_bytes)?;
        let mut page = vec![0; page_bytes];
        for (index, home) in homes.into_iter().enumerate().filter(|(_, home)| *home != Home::NONE) {
            self.mark(home.block, format_args!("map page {index}"))?;
            read_map_page(file, index, home, &mut page)?;
            let entries = decode_map_page(&page);
            for (pid, home) in super::map::entries_of(index, &entries) {
                self.mark(home.block, format_args!("page {pid}"))?;
                if pid == PageId::NONE || home.epoch == Epoch::NONE || home != Home::of_word(home.word()) {
                    return Err(damaged(format_args!("its map has an entry for page {pid} of epoch {}", home.epoch.0)));
                }
                self.table.word(pid).store(home.word(), Ordering::Relaxed);
            }
            self.map.set(index, MapPage { home, entries });
        }
        // Map pages that hold nothing count too: the directory is as long as it was.
        if let Some(last) = (directory.map_pages as usize).checked_sub(1).filter(|n| self.map.pages.len() <= *n) {
            self.map.set(last, MapPage::default());
        }
        Ok(())
    }

    fn mark(&mut self, block: Block, what: impl std::fmt::Display) -> Result<()> {
        if self.blocks.mark(block) {
            return Ok(());
        }
        let total = self.blocks.total();
        let why = if block.0 < total { "somebody else's".to_string() } else { format!("beyond its {total} blocks") };
        Err(damaged(format_args!("{what} is at block {block}, which is {why}")))
    }

    /// The first id never used, and the free ones before it.
    fn free_pids(&self) -> (u32, Vec<PageId>) {
        let last = self.map.iter().last().map_or(0, |(pid, _)| pid.0);
        let is_free = |pid: &PageId| self.table.get(*pid).is_none_or(|w| w.load(Ordering::Relaxed) == 0);
        (last + 1, (1..last).map(PageId).filter(is_free).collect())
    }
}

pub(super) fn read_directory(file: &dyn File, directory: Directory, page_bytes: usize) -> Result<Vec<Home>> {
    let bytes = directory_bytes(directory.map_pages, page_bytes);
    let start = directory.block.offset(page_bytes);
    // A length is believed once the file is that long.
    if start + bytes as u64 > file.len()? {
        return Err(damaged("the file ends before its map directory does"));
    }
    let mut out = vec![0; bytes];
    file.read_exact_at(&mut out, start)?;
    if crc32c::crc32c(&out) != directory.crc {
        return Err(damaged("the checksum of its map directory does not match"));
    }
    Ok(decode_directory(&out, directory.map_pages, page_bytes))
}

pub(super) fn read_map_page(file: &dyn File, index: usize, home: Home, page: &mut [u8]) -> Result<()> {
    let at = home.block.offset(page.len());
    let n = file.read_at(page, at)?;
    let why = if n < page.len() {
        "the file ends before it".to_string()
    } else {
        match check(page, Kind::Map, index as u32, home.epoch) {
            Ok(()) => return Ok(()),
            Err(why) => why.to_string(),
        }
    };
    Err(damaged(format_args!("map page {index} at block {}: {why}", home.block)))
}
