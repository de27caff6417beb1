//! Giving up the newest checkpoint of a data file at rest for the one before, as far as that is still there: a pin of a
//! process that has ended may have kept it, or nothing has been written since.

use super::blocks::SUPERBLOCKS;
use super::head::{Kind, check};
use super::map::{decode_map_page, entries_of};
use super::open::{damaged, read_directory, read_map_page};
use super::superblock::{Superblock, find_newest, read_at};
use super::word::{Block, Epoch, Home};
use crate::base::{Lsn, PageId, Result, SqlState};
use crate::io::{Disk, File};

/// The older superblock, its slot, and the number of the newest one; none when there is no earlier checkpoint.
fn older(file: &dyn File) -> Result<Option<(Superblock, u32, Epoch)>> {
    let Some((newest, slot)) = find_newest(file)? else { return Ok(None) };
    let slot = SUPERBLOCKS - 1 - slot;
    let older = read_at(file, Block(slot).offset(newest.page_bytes))?.filter(|older| {
        let (old, new) = (&older.durable, &newest.durable);
        older.page_bytes == newest.page_bytes && old.epoch < new.epoch && old.root.is_some()
    });
    Ok(older.map(|older| (older, slot, newest.durable.epoch)))
}

/// The LSN of the checkpoint before the newest in a data file at rest. Much of it may be gone.
pub fn older_checkpoint(disk: &dyn Disk, path: &str) -> Result<Option<Lsn>> {
    let older = older(&*disk.open(path)?)?;
    Ok(older.and_then(|(superblock, ..)| superblock.durable.root).map(|root| root.lsn))
}

/// Makes the checkpoint before the newest the newest one, if every page of it is there. False otherwise: nothing has changed.
///
/// Errors: those of the disk.
pub fn fall_back(disk: &dyn Disk, path: &str) -> Result<bool> {
    let file = disk.open(path)?;
    let Some((superblock, slot, newest)) = older(&*file)? else { return Ok(false) };
    match check_all(&*file, &superblock) {
        Err(e) if e.code() == SqlState::DATA_CORRUPTED => return Ok(false),
        checked => checked?,
    }
    // The number of what is given up is not given again (`open.rs`).
    superblock.renumber(&*file, slot, newest)?;
    Ok(true)
}

/// XX001 when anything is missing.
fn check_all(file: &dyn File, superblock: &Superblock) -> Result<()> {
    let page_bytes = superblock.page_bytes;
    let mut page = vec![0; page_bytes];
    for (index, home) in read_directory(file, superblock.durable.directory, page_bytes)?.into_iter().enumerate() {
        if home == Home::NONE {
            continue;
        }
        read_map_page(file, index, home, &mut page)?;
        let mut pages: Vec<(PageId, Home)> = entries_of(index, &decode_map_page(&page)).collect();
        pages.sort_unstable_by_key(|(_, home)| home.block);
        for (pid, home) in pages {
            let n = file.read_at(&mut page, home.block.offset(page_bytes))?;
            if n < page_bytes || check(&page, Kind::Page, pid.0, home.epoch).is_err() {
                return Err(damaged(format_args!("page {pid} of checkpoint {} is gone", superblock.durable.epoch.0)));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{FileBuilder, Pager, PagerOptions, Root, check_file, newest_checkpoint};
    use super::*;
    use crate::io::SimDisk;
    use std::sync::Arc;

    fn root(lsn: u64) -> Root {
        Root { lsn: Lsn(lsn), payload: Vec::new() }
    }

    /// A file with checkpoints at 1, 2, ..., each of which has changed some of its pages.
    fn file(checkpoints: u64, pinned: bool) -> Arc<SimDisk> {
        let disk = Arc::new(SimDisk::new(1));
        let options = PagerOptions { page_bytes: 512, frames: 64, grow_blocks: 8 };
        let (pager, _) = Pager::open(disk.clone(), "data", options).unwrap();
        let pids: Vec<PageId> = (0..20).map(|_| pager.write().allocate().unwrap().0).collect();
        let mut pins = Vec::new();
        for n in 1..=checkpoints {
            for pid in &pids {
                pager.write().page_mut(*pid).unwrap()[100] = n as u8;
            }
            pager.write().freeze(root(n));
            pager.checkpoint(&|_| {}, &|_| Ok(())).unwrap();
            pins.extend(pager.pin().filter(|_| pinned));
            // Written at once, into what is free.
            for pid in &pids {
                pager.write().page_mut(*pid).unwrap()[101] = n as u8;
            }
            while pager.flush_some(64).unwrap() > 0 {}
        }
        // The process is gone, and gives nothing back.
        pins.into_iter().for_each(std::mem::forget);
        disk
    }

    #[test]
    fn a_pinned_checkpoint_comes_back() {
        let disk = file(3, true);
        assert_eq!(older_checkpoint(&*disk, "data").unwrap(), Some(Lsn(2)));
        assert!(fall_back(&*disk, "data").unwrap());
        assert_eq!(newest_checkpoint(&*disk, "data").unwrap(), Some(Lsn(2)));
        assert_eq!(older_checkpoint(&*disk, "data").unwrap(), Some(Lsn(2)));
        let check = check_file(&*disk.open("data").unwrap(), &mut |f| panic!("{f:?}")).unwrap();
        assert!(check.opens && check.damaged.is_empty());
        let options = PagerOptions { page_bytes: 512, frames: 64, grow_blocks: 8 };
        let (pager, found) = Pager::open(disk, "data", options).unwrap();
        assert_eq!(found, Some(root(2)));
        let pin = pager.pin().unwrap();
        assert_eq!(pin.checkpoint(), Epoch(5));
        let mut page = vec![0; 512];
        let each = &mut |pid, home| {
            pin.read(pid, home, &mut page)?;
            assert_eq!(page[100], 2);
            Ok(())
        };
        pin.pages(each).unwrap();
    }

    #[test]
    fn one_that_was_overwritten_or_never_was_does_not() {
        let disk = file(3, false);
        assert!(!fall_back(&*disk, "data").unwrap());
        assert_eq!(newest_checkpoint(&*disk, "data").unwrap(), Some(Lsn(3)));
        let disk = file(1, false);
        assert_eq!(older_checkpoint(&*disk, "data").unwrap(), None);
        assert!(!fall_back(&*disk, "data").unwrap());
        FileBuilder::create(&*disk, "built", 512, Vec::new()).unwrap().finish(Epoch(1), root(1)).unwrap();
        assert!(!fall_back(&*disk, "built").unwrap());
    }
}
