//! Checks a data file at rest, every byte of it, without a pool and without stopping at what it finds.
//!
//! 1. Both superblocks are whole, and of two checkpoints in a row.
//! 2. The newest one leads to the directory, that to the map pages, those to the images of pages; each is the one that is
//!    expected, and no block has two uses.
//! 3. All other blocks are unused: zeros, or a whole image of before. Behind the last block there are zeros.
//!
//! A crash may leave parts of images in unused blocks, which stay until the block is used again. A single wrong byte is
//! not that, and can be told from it (`head::wrong_byte`). Anything else is a note: it may be damage, but nothing depends
//! on it.

use super::blocks::{Blocks, SUPERBLOCKS};
use super::head::{Kind, check, is_whole, wrong_byte};
use super::ledger::Directory;
use super::map::{decode_map_page, directory_row, entries_of};
use super::open::{damaged, read_directory, read_map_page};
use super::options::Root;
use super::superblock::{SUPERBLOCK_BYTES, Superblock, find_newest, read_at};
use super::word::{Block, Epoch, Home};
use crate::base::{Error, Finding, PageId, Report, Result, SqlState};
use crate::io::File;
use std::fmt::Display;

/// Bytes that are read at once.
const READ_BYTES: usize = 256 * 1024;

/// What a check has seen.
#[derive(Default)]
pub struct FileCheck {
    /// Of the newest checkpoint.
    pub pages: u64,
    /// None: there is no checkpoint.
    pub root: Option<Root>,
    /// A store can be opened on it: superblock and map are whole.
    pub opens: bool,
    /// Images of the newest checkpoint that are not what they should be; not reported yet.
    pub damaged: Vec<DamagedPage>,
}

pub struct DamagedPage {
    pub pid: PageId,
    pub block: Block,
    /// Of the block in the file.
    pub offset: u64,
    pub why: String,
}

/// Checks a data file that nobody writes.
///
/// Errors: those of the disk, 0A000 when a newer version wrote it; damage is reported.
pub fn check_file(file: &dyn File, report: Report<'_>) -> Result<FileCheck> {
    let found = match find_newest(file) {
        Ok(found) => found,
        Err(e) if e.code() == SqlState::DATA_CORRUPTED => {
            report(Finding::Damage(e));
            return Ok(FileCheck::default());
        }
        Err(e) => return Err(e),
    };
    let Some((newest, slot)) = found else {
        report(Finding::Damage(damaged("no superblock is whole")));
        return Ok(FileCheck::default());
    };
    let page_bytes = newest.page_bytes;
    let file_bytes = file.len()?;
    let total = (file_bytes / page_bytes as u64).min(u64::from(u32::MAX)) as u32;
    let seen = FileCheck { root: newest.durable.root.clone(), opens: true, ..FileCheck::default() };
    let mut walk = Walk { file, page_bytes, blocks: Blocks::new(total), seen, report };
    walk.superblocks(&newest, slot)?;
    walk.map(newest.durable.directory)?;
    if walk.seen.opens {
        walk.unused()?;
        walk.tail(u64::from(total) * page_bytes as u64..file_bytes)?;
    }
    Ok(walk.seen)
}

struct Walk<'a> {
    file: &'a dyn File,
    page_bytes: usize,
    /// Those in use.
    blocks: Blocks,
    seen: FileCheck,
    report: Report<'a>,
}

impl Walk<'_> {
    fn damage(&mut self, why: impl Display) {
        (self.report)(Finding::Damage(damaged(why)));
    }

    /// What the file cannot be opened with.
    fn fatal(&mut self, e: Error) -> Result<()> {
        if e.code() != SqlState::DATA_CORRUPTED {
            return Err(e);
        }
        self.seen.opens = false;
        (self.report)(Finding::Damage(e));
        Ok(())
    }

    fn superblocks(&mut self, newest: &Superblock, slot: u32) -> Result<()> {
        let other = 1 - slot;
        match read_at(self.file, Block(other).offset(self.page_bytes))? {
            None => self.damage(format_args!("the superblock in block {other} is not whole")),
            Some(old) => {
                let expected = newest.durable.epoch.0.saturating_sub(1);
                if old.page_bytes != self.page_bytes || old.durable.epoch.0 != expected {
                    let found = old.durable.epoch.0;
                    self.damage(format_args!(
                        "the superblock in block {other} is of checkpoint {found}, and {expected} was expected"
                    ));
                }
            }
        }
        for block in (0..SUPERBLOCKS).map(Block) {
            let start = block.offset(self.page_bytes);
            let rest = start + SUPERBLOCK_BYTES as u64..start + self.page_bytes as u64;
            if let Some(left) = self.file.find_nonzero(rest)? {
                self.damage(format_args!("behind the superblock in block {block} offset {} is not zero", left.start));
            }
        }
        Ok(())
    }

    fn mark(&mut self, block: Block, what: impl Display) {
        if !self.blocks.mark(block) {
            self.seen.opens = false;
            let total = self.blocks.total();
            let why =
                if block.0 < total { "somebody else's".to_string() } else { format!("beyond its {total} blocks") };
            self.damage(format_args!("{what} is at block {block}, which is {why}"));
        }
    }

    fn map(&mut self, directory: Directory) -> Result<()> {
        let homes = match read_directory(self.file, directory, self.page_bytes) {
            Ok(homes) => homes,
            Err(e) => return self.fatal(e),
        };
        for block in directory_row(directory.block, directory.map_pages, self.page_bytes) {
            self.mark(block, "the map directory");
        }
        let mut page = vec![0; self.page_bytes];
        for (index, home) in homes.into_iter().enumerate().filter(|(_, home)| *home != Home::NONE) {
            self.mark(home.block, format_args!("map page {index}"));
            if let Err(e) = read_map_page(self.file, index, home, &mut page) {
                self.fatal(e)?;
                continue;
            }
            let mut pages: Vec<(PageId, Home)> = entries_of(index, &decode_map_page(&page)).collect();
            pages.sort_unstable_by_key(|(_, home)| home.block);
            for (pid, home) in pages {
                self.page(pid, home, &mut page)?;
            }
        }
        Ok(())
    }

    fn page(&mut self, pid: PageId, home: Home, image: &mut [u8]) -> Result<()> {
        self.seen.pages += 1;
        self.mark(home.block, format_args!("page {pid}"));
        if pid == PageId::NONE || home.epoch == Epoch::NONE || home != Home::of_word(home.word()) {
            let epoch = home.epoch.0;
            return self.fatal(damaged(format_args!("its map has an entry for page {pid} of epoch {epoch}")));
        }
        let offset = home.block.offset(self.page_bytes);
        let n = self.file.read_at(image, offset)?;
        let why = match check(image, Kind::Page, pid.0, home.epoch) {
            _ if n < image.len() => "the file ends before it".to_string(),
            Ok(()) => return Ok(()),
            Err(why) => match wrong_byte(image).filter(|_| !is_whole(image)) {
                Some(at) => format!("{why}, its byte {at} is wrong"),
                None => why.to_string(),
            },
        };
        self.seen.damaged.push(DamagedPage { pid, block: home.block, offset, why });
        Ok(())
    }

    fn unused(&mut self) -> Result<()> {
        let mut run = vec![0; READ_BYTES.max(self.page_bytes)];
        let zeros = vec![0; self.page_bytes];
        let mut at = SUPERBLOCKS;
        while at < self.blocks.total() {
            let max = at + (run.len() / self.page_bytes) as u32;
            let end = (at..max.min(self.blocks.total())).find(|n| self.blocks.is_taken(Block(*n)));
            let end = end.unwrap_or(max.min(self.blocks.total()));
            let bytes = &mut run[..(end - at) as usize * self.page_bytes];
            self.file.read_exact_at(bytes, Block(at).offset(self.page_bytes))?;
            for (block, page) in (at..end).zip(bytes.chunks_exact(self.page_bytes)) {
                if page != zeros && !is_whole(page) {
                    self.unused_block(Block(block), page);
                }
            }
            at = end.max(at + 1);
        }
        Ok(())
    }

    fn unused_block(&mut self, block: Block, page: &[u8]) {
        let offset = block.offset(self.page_bytes);
        let what = format!("unused block {block}, at offset {offset}, holds neither zeros nor a whole page");
        let mut not_zero = page.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at);
        let only = not_zero.next().filter(|_| not_zero.next().is_none());
        match only.or_else(|| wrong_byte(page)) {
            Some(at) => self.damage(format_args!("{what}: its byte {at} is wrong")),
            None => {
                let why = "a write that a crash cut short, or damage; nothing refers to it";
                (self.report)(Finding::Note(format!("the data file's {what} ({why})")));
            }
        }
    }

    /// What is behind the last whole block.
    fn tail(&mut self, range: std::ops::Range<u64>) -> Result<()> {
        if let Some(left) = self.file.find_nonzero(range)? {
            self.damage(format_args!("offset {}, behind its last block, is not zero", left.start));
        }
        Ok(())
    }
}
