//! Copying a whole engine while it runs: the pages of a checkpoint, and where the log goes on from there.
//!
//! [`BaseCopy`] reads them on the node that has them, [`BaseWriter`] makes files of them on another. What comes after the
//! checkpoint is the log's, which the copy keeps from being removed.

use super::{DATA_FILE, Engine, WAL_DIR};
use crate::base::{Error, Lsn, PageId, Result};
use crate::io::Disk;
use crate::storage::{CheckpointPin, Epoch, FileBuilder, Home, Root};
use crate::wal::{Hold, Identity, LogBuilder, Place, WalOptions};
use std::sync::Arc;

/// What a copy is a copy of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseHead {
    pub identity: Identity,
    /// Where the log goes on.
    pub place: Place,
    pub page_bytes: usize,
    pub checkpoint: Epoch,
    pub root: Root,
    pub pages: usize,
}

/// A checkpoint that is being copied. It stays, with the log behind it, until this is dropped.
pub struct BaseCopy {
    head: BaseHead,
    pin: CheckpointPin,
    hold: Hold,
    pages: Vec<(PageId, Home)>,
}

impl Engine {
    /// The newest checkpoint, for copying; makes the first one when there is none.
    pub fn base_copy(&self) -> Result<BaseCopy> {
        // No log is removed from here on, so that the checkpoint's is there still when it is known which one that is.
        let hold = self.wal.hold(Lsn::ZERO);
        let pin = match self.pin() {
            Some(pin) => pin,
            None => {
                self.checkpoint()?;
                self.pin().ok_or_else(|| Error::internal("there is no checkpoint to copy"))?
            }
        };
        let root = pin.root().clone();
        let place = self.wal.read_from(root.lsn)?.place();
        hold.advance(root.lsn);
        let mut pages = Vec::new();
        pin.pages(&mut |pid, home| {
            pages.push((pid, home));
            Ok(())
        })?;
        let head = BaseHead {
            identity: self.wal.identity(),
            place,
            page_bytes: pin.page_bytes(),
            checkpoint: pin.checkpoint(),
            root,
            pages: pages.len(),
        };
        Ok(BaseCopy { head, pin, hold, pages })
    }
}

impl BaseCopy {
    pub fn head(&self) -> &BaseHead {
        &self.head
    }

    /// Each page with the epoch of its image, ascending.
    pub fn pages(&self) -> impl Iterator<Item = (PageId, Epoch)> {
        self.pages.iter().map(|(pid, home)| (*pid, home.epoch))
    }

    /// Puts the images of up to `most` pages from the `first` on into `out`, in place of what was there.
    pub fn read(&self, first: usize, most: usize, out: &mut Vec<u8>) -> Result<()> {
        let pages = &self.pages[first.min(self.pages.len())..];
        let pages = &pages[..most.min(pages.len())];
        out.resize(pages.len() * self.head.page_bytes, 0);
        for ((pid, home), image) in pages.iter().zip(out.chunks_exact_mut(self.head.page_bytes)) {
            self.pin.read(*pid, *home, image)?;
        }
        Ok(())
    }

    /// The pages are no longer needed, the log behind them still is.
    pub fn into_hold(self) -> Hold {
        self.hold
    }
}

/// Makes an engine's files on a disk that has none.
pub struct BaseWriter {
    disk: Arc<dyn Disk>,
    head: BaseHead,
    data: FileBuilder,
}

impl BaseWriter {
    /// For a checkpoint of these pages, which ascend by id.
    ///
    /// Errors: XX001 when there is no such checkpoint; 58P02 when there are files already; those of the disk.
    pub fn create(disk: Arc<dyn Disk>, head: BaseHead, pages: Vec<(PageId, Epoch)>) -> Result<BaseWriter> {
        let data = FileBuilder::create(&*disk, DATA_FILE, head.page_bytes, pages)?;
        Ok(BaseWriter { disk, head, data })
    }

    /// Writes the images of the pages from the `first` on. Each is put once.
    ///
    /// Errors: XX001 when one is not what it should be.
    pub fn put(&mut self, first: usize, images: &[u8]) -> Result<()> {
        self.data.put(first, images)
    }

    /// All is there and durable: an engine can be opened to follow the log from the checkpoint on.
    pub fn finish(self) -> Result<()> {
        let BaseHead { identity, place, checkpoint, root, .. } = self.head;
        self.data.finish(checkpoint, root)?;
        let segment_bytes = WalOptions::default().segment_bytes;
        LogBuilder::create(self.disk.clone(), WAL_DIR, identity, place, segment_bytes)?.finish()?;
        self.disk.sync_dir("")
    }
}
