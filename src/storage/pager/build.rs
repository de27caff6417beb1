//! Makes a data file that holds one checkpoint, from the images of its pages. The pages come to lie in the order of their
//! ids, then the map, then its directory; there is no hole.

use super::blocks::SUPERBLOCKS;
use super::head::{Kind, check, damaged};
use super::ledger::{Directory, Durable};
use super::map::{directory_blocks, encode_directory, encode_map_page, entries_per_map_page};
use super::options::Root;
use super::superblock::{Superblock, page_size_is_valid};
use super::word::{Block, Epoch, Home};
use crate::base::{Error, Lsn, PageId, Result, SqlState};
use crate::io::{Disk, File};

/// Whether an image of a page is whole, and that of this page and epoch; if not, why.
pub fn check_image(image: &[u8], pid: PageId, epoch: Epoch) -> std::result::Result<(), String> {
    if !page_size_is_valid(image.len()) {
        return Err("it has not the length of a page".to_string());
    }
    check(image, Kind::Page, pid.0, epoch).map_err(|why| why.to_string())
}

/// So much of the map is written at once.
const MAP_WRITE_BYTES: usize = 1 << 20;

pub struct FileBuilder {
    file: Box<dyn File>,
    page_bytes: usize,
    /// Every page of the checkpoint, ascending, with the epoch of its image.
    pages: Vec<(PageId, Epoch)>,
    put: usize,
}

impl FileBuilder {
    /// A new file for a checkpoint of these pages, which ascend by id.
    ///
    /// Errors: XX001 when there is no such checkpoint; those of the disk.
    pub fn create(disk: &dyn Disk, path: &str, page_bytes: usize, pages: Vec<(PageId, Epoch)>) -> Result<FileBuilder> {
        let bad =
            |why: &str| Err(Error::new(SqlState::DATA_CORRUPTED, format!("a checkpoint's map is damaged: {why}")));
        if !page_size_is_valid(page_bytes) {
            return bad("there are no pages of that size");
        }
        if !pages.is_sorted_by(|a, b| a.0 < b.0) {
            return bad("its pages are not in order");
        }
        let real = |(pid, epoch): &(PageId, Epoch)| {
            *pid != PageId::NONE && pid.0 < u32::MAX && *epoch != Epoch::NONE && *epoch < Epoch::MAX
        };
        if !pages.iter().all(real) || pages.len() > (u32::MAX / 2) as usize {
            return bad("it tells of a page that cannot be");
        }
        let file = disk.create(path)?;
        file.extend((u64::from(SUPERBLOCKS) + pages.len() as u64) * page_bytes as u64)?;
        Ok(FileBuilder { file, page_bytes, pages, put: 0 })
    }

    /// Writes the images of the pages from the `first` on of those that `create` was told. Each page is put once.
    ///
    /// Errors: XX001 when one is not the image that was told.
    pub fn put(&mut self, first: usize, images: &[u8]) -> Result<()> {
        let pages = images.chunks_exact(self.page_bytes);
        let told = self.pages.get(first..first + pages.len());
        let told = told.ok_or_else(|| Error::internal("a page behind the last"))?;
        for (image, (pid, epoch)) in pages.zip(told) {
            check(image, Kind::Page, pid.0, *epoch).map_err(|why| damaged(*pid, block(first), why))?;
        }
        self.put += told.len();
        self.file.write_at(images, block(first).offset(self.page_bytes))
    }

    /// Writes the map and the superblocks of the checkpoint that `epoch` ended, and makes all durable.
    ///
    /// Errors: XX001 when a page was not put; those of the disk.
    pub fn finish(self, epoch: Epoch, root: Root) -> Result<()> {
        if self.put != self.pages.len() {
            let message =
                format!("{} of {} pages of a checkpoint are missing", self.pages.len() - self.put, self.pages.len());
            return Err(Error::new(SqlState::DATA_CORRUPTED, message));
        }
        if epoch == Epoch::NONE || epoch >= Epoch::MAX || self.pages.iter().any(|(_, image)| *image > epoch) {
            return Err(Error::new(SqlState::DATA_CORRUPTED, "a checkpoint is older than its pages"));
        }
        let map = self.write_map(epoch)?;
        let directory = self.write_directory(epoch, &map)?;
        let (file, page_bytes) = (&*self.file, self.page_bytes);
        // Nothing leads to the pages before they are durable.
        file.sync_data()?;
        Superblock { page_bytes, durable: Durable { epoch, root: Some(root), directory } }.write(file, 0)?;
        Superblock { page_bytes, durable: before(epoch) }.write(file, 1)?;
        file.sync_data()
    }

    /// Where the map pages came to lie.
    fn write_map(&self, epoch: Epoch) -> Result<Vec<Home>> {
        let per_page = entries_per_map_page(self.page_bytes);
        let mut homes = Vec::new();
        let mut next = block(self.pages.len());
        let mut out = Vec::new();
        let mut at = 0;
        for pages in self.pages.chunk_by(|a, b| a.0.0 as usize / per_page == b.0.0 as usize / per_page) {
            let index = pages[0].0.0 as usize / per_page;
            let mut entries = vec![0; per_page];
            for (n, (pid, epoch)) in pages.iter().enumerate() {
                entries[pid.0 as usize % per_page] = Home { block: block(at + n), epoch: *epoch }.word();
            }
            at += pages.len();
            let from = out.len();
            out.resize(from + self.page_bytes, 0);
            encode_map_page(&entries, index, epoch, &mut out[from..]);
            homes.resize(index, Home::NONE);
            homes.push(Home { block: Block(next.0 + (from / self.page_bytes) as u32), epoch });
            if out.len() >= MAP_WRITE_BYTES {
                next = self.write_row(next, &mut out)?;
            }
        }
        self.write_row(next, &mut out)?;
        Ok(homes)
    }

    /// Answers the block behind.
    fn write_row(&self, at: Block, bytes: &mut Vec<u8>) -> Result<Block> {
        self.file.write_at(bytes, at.offset(self.page_bytes))?;
        let blocks = bytes.len() / self.page_bytes;
        bytes.clear();
        Ok(Block(at.0 + blocks as u32))
    }

    fn write_directory(&self, epoch: Epoch, map: &[Home]) -> Result<Directory> {
        if map.is_empty() {
            return Ok(Directory::default());
        }
        let written = map.iter().filter(|home| **home != Home::NONE).count();
        let first = block(self.pages.len() + written);
        let bytes = encode_directory(map.iter().copied(), epoch, self.page_bytes);
        assert_eq!(bytes.len(), directory_blocks(map.len() as u32, self.page_bytes) as usize * self.page_bytes);
        self.file.write_at(&bytes, first.offset(self.page_bytes))?;
        Ok(Directory { block: first, map_pages: map.len() as u32, crc: crc32c::crc32c(&bytes) })
    }
}

/// The checkpoint before, of which there is nothing: should its superblock be the only one that is whole, its payload
/// cannot be read, and the file does not open.
fn before(epoch: Epoch) -> Durable {
    let epoch = Epoch(epoch.0 - 1);
    let root = (epoch != Epoch::NONE).then_some(Root { lsn: Lsn::ZERO, payload: Vec::new() });
    Durable { epoch, root, directory: Directory::default() }
}

/// Where the n-th page lies.
fn block(n: usize) -> Block {
    Block(SUPERBLOCKS + n as u32)
}

#[cfg(test)]
mod tests {
    use super::super::head::seal;
    use super::super::{Pager, PagerOptions};
    use super::*;
    use crate::io::SimDisk;
    use std::sync::Arc;

    fn image(pid: u32, epoch: u32, fill: u8) -> Vec<u8> {
        let mut page = vec![fill; 512];
        seal(&mut page, Kind::Page, pid, Epoch(epoch));
        page
    }

    #[test]
    fn what_was_put_is_a_checkpoint_that_opens() {
        let disk = Arc::new(SimDisk::new(1));
        // Over several map pages, with one in between that holds none.
        let pids: Vec<u32> = (1..70).chain(400..402).collect();
        let pages = pids.iter().map(|pid| (PageId(*pid), Epoch(pid % 5 + 1))).collect();
        let mut builder = FileBuilder::create(&*disk, "data", 512, pages).unwrap();
        let images = |from: usize, to: usize| -> Vec<u8> {
            pids[from..to].iter().flat_map(|pid| image(*pid, pid % 5 + 1, *pid as u8)).collect()
        };
        builder.put(10, &images(10, pids.len())).unwrap();
        assert!(builder.put(1, &images(0, 1)).is_err());
        builder.put(0, &images(0, 10)).unwrap();
        let root = Root { lsn: Lsn(77), payload: vec![1, 2] };
        builder.finish(Epoch(9), root.clone()).unwrap();
        disk.sync_dir("").unwrap();
        let check = super::super::check_file(&*disk.open("data").unwrap(), &mut |f| panic!("{f:?}"));
        assert!(check.is_ok());
        let options = PagerOptions { page_bytes: 512, frames: 8, grow_blocks: 0 };
        let (pager, found) = Pager::open(disk, "data", options).unwrap();
        assert_eq!(found, Some(root));
        let pin = pager.pin().unwrap();
        assert_eq!(pin.checkpoint(), Epoch(9));
        let mut seen = Vec::new();
        let mut page = vec![0; 512];
        pin.pages(&mut |pid, home| {
            pin.read(pid, home, &mut page)?;
            assert_eq!(page[100], pid.0 as u8);
            seen.push(pid.0);
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, pids);
        pager.verify(&mut |_| true).unwrap();
    }

    #[test]
    fn what_is_missing_or_wrong_is_refused() {
        let disk = SimDisk::new(1);
        let create = |path: &str, pages: &[(u32, u32)]| {
            let pages = pages.iter().map(|(pid, epoch)| (PageId(*pid), Epoch(*epoch))).collect();
            FileBuilder::create(&disk, path, 512, pages)
        };
        assert!(create("a", &[(2, 1), (1, 1)]).is_err());
        assert!(create("a", &[(0, 1)]).is_err());
        let mut builder = create("a", &[(1, 1), (2, 3)]).unwrap();
        builder.put(0, &image(1, 1, 0)).unwrap();
        let root = Root { lsn: Lsn(1), payload: Vec::new() };
        assert!(builder.finish(Epoch(3), root.clone()).unwrap_err().message().contains("1 of 2 pages"));
        let mut builder = create("b", &[(1, 4)]).unwrap();
        builder.put(0, &image(1, 4, 0)).unwrap();
        assert!(builder.finish(Epoch(3), root).is_err());
    }
}
