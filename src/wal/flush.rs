//! Group by group to disk.
//!
//! `pwrite` and `fdatasync` into segments that were filled before: the fastest safe way measured (`io/real_disk.rs`).

use super::append::{Cut, Group};
use super::log::Shared;
use super::segment::{self, CACHE_PAGE_BYTES, HEAD_BYTES, Head};
use crate::base::{Lsn, Result};
use crate::io::{Disk, File};
use std::sync::Arc;
use std::task::Waker;

/// The segment that is written to, and what its successors' heads will say.
pub struct Flusher {
    pub disk: Arc<dyn Disk>,
    pub dir: String,
    pub cluster: u128,
    pub file: Box<dyn File>,
    /// Where the segment starts.
    pub segment: Lsn,
    /// Bytes of records that it can hold.
    pub capacity: u64,
    pub group: Group,
    pub wakers: Vec<Waker>,
}

impl Flusher {
    /// Makes durable what has gathered; false when nothing has. An error is final.
    ///
    /// 1. Take the group; appenders go on in an empty one.
    /// 2. Write it; where it changes segments, finish the old one first.
    /// 3. Sync.
    /// 4. Publish, and wake who waited.
    pub fn step(&mut self, shared: &Shared) -> Result<bool> {
        if !shared.appender.lock().take(&mut self.group) {
            return Ok(false); // 1
        }
        let mut group = std::mem::replace(&mut self.group, Group::new());
        let mut from = group.start;
        let end = group.end();
        for cut in std::mem::take(&mut group.cuts) {
            self.write(&group, from, cut.at)?;
            from = cut.at;
            self.change_segment(cut)?;
        }
        let padding = self.padding(end);
        group.bytes.resize(group.bytes.len() + padding as usize, 0);
        self.write(&group, from, Lsn(end.0 + padding))?; // 2
        self.sync()?; // 3
        shared.progress.publish(end, &mut self.wakers); // 4
        group.clear();
        self.group = group;
        Ok(true)
    }

    fn write(&self, group: &Group, from: Lsn, to: Lsn) -> Result<()> {
        if from == to {
            return Ok(());
        }
        let bytes = &group.bytes[(from.0 - group.start.0) as usize..(to.0 - group.start.0) as usize];
        self.file.write_unread_at(bytes, HEAD_BYTES + (from.0 - self.segment.0))
    }

    /// How many zeros to write again behind `end`, so that the cache gets a whole page and need not read it: a segment
    /// that was filled past the cache is not in it.
    fn padding(&self, end: Lsn) -> u64 {
        #[cfg(test)]
        if super::canary::UNCLEARED.get() {
            return 0;
        }
        let at = HEAD_BYTES + (end.0 - self.segment.0);
        let room = self.capacity.saturating_sub(end.0 - self.segment.0);
        (at.next_multiple_of(CACHE_PAGE_BYTES) - at).min(room)
    }

    fn sync(&self) -> Result<()> {
        #[cfg(test)]
        if super::canary::UNSYNCED.get() {
            return Ok(());
        }
        self.file.sync_data()
    }

    /// The old segment and the new one's head are durable before the new name is: recovery relies on it.
    fn change_segment(&mut self, cut: Cut) -> Result<()> {
        self.sync()?;
        let head = Head { cluster: self.cluster, timeline: cut.timeline, start: cut.at, chain: cut.chain };
        cut.spare.file.write_at(&head.encode(), 0)?;
        cut.spare.file.sync_data()?;
        self.disk.rename(&cut.spare.name, &format!("{}/{}", self.dir, segment::segment_name(cut.at)))?;
        self.file = cut.spare.file;
        self.segment = cut.at;
        self.capacity = cut.spare.capacity;
        Ok(())
    }
}
