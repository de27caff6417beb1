//! Makes the files of a log from the bytes of another's records. Opening it goes on behind the last of them.

use super::follow::Place;
use super::record::Record;
use super::segment::{self, HEAD_BYTES, Head, Identity};
use crate::base::{Result, SqlState};
use crate::io::{Disk, File};
use std::sync::Arc;

/// So much is written at once.
const WRITE_BYTES: usize = 1 << 20;
/// Room behind the last record, so that opening the log need not begin with a new segment.
const ROOM_BYTES: u64 = 4 << 20;

pub struct LogBuilder {
    disk: Arc<dyn Disk>,
    dir: String,
    identity: Identity,
    segment_bytes: u64,
    file: Box<dyn File>,
    /// Where the segment in `file` starts, and where the log ends.
    start: Place,
    end: Place,
    /// Records that are not in the file yet, from this offset on.
    buffer: Vec<u8>,
    offset: u64,
}

impl LogBuilder {
    /// A log in the new folder `dir`, whose first record stands at `start`.
    pub fn create(
        disk: Arc<dyn Disk>,
        dir: &str,
        identity: Identity,
        start: Place,
        segment_bytes: u64,
    ) -> Result<LogBuilder> {
        assert!(segment_bytes > 2 * HEAD_BYTES);
        disk.create_dir(dir)?;
        let file = new_segment(&*disk, dir, identity, start)?;
        let (buffer, offset) = (Vec::new(), HEAD_BYTES);
        Ok(LogBuilder { disk, dir: dir.to_string(), identity, segment_bytes, file, start, end: start, buffer, offset })
    }

    pub fn end(&self) -> Place {
        self.end
    }

    /// Appends the record at the front of `bytes`; none when there are fewer bytes than it has.
    ///
    /// Errors: XX001 when it does not continue the log.
    pub fn push<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<Record<'a>>> {
        let mut end = self.end;
        let Some(record) = end.follow(bytes)? else { return Ok(None) };
        let used = self.end.at.0 - self.start.at.0;
        let full = HEAD_BYTES + used + record.bytes.len() as u64 > self.segment_bytes;
        if full && used > 0 {
            self.write()?;
            self.file.sync_data()?;
            self.file = new_segment(&*self.disk, &self.dir, self.identity, self.end)?;
            (self.start, self.offset) = (self.end, HEAD_BYTES);
        }
        self.buffer.extend_from_slice(record.bytes);
        // What the segments behind it say.
        self.identity.timeline = record.timeline().unwrap_or(self.identity.timeline);
        self.end = end;
        if self.buffer.len() >= WRITE_BYTES {
            self.write()?;
        }
        Ok(Some(record))
    }

    fn write(&mut self) -> Result<()> {
        self.file.write_at(&self.buffer, self.offset)?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Makes all of it durable.
    pub fn finish(mut self) -> Result<Place> {
        self.write()?;
        let room = ROOM_BYTES.min(self.segment_bytes.saturating_sub(self.offset));
        match self.file.fill_zero(self.offset, room) {
            // It is only to save time later.
            Err(e) if e.code() == SqlState::DISK_FULL => self.file.set_len(self.offset)?,
            other => other?,
        }
        self.file.sync_data()?;
        self.disk.sync_dir(&self.dir)?;
        Ok(self.end)
    }
}

fn new_segment(disk: &dyn Disk, dir: &str, identity: Identity, start: Place) -> Result<Box<dyn File>> {
    let Identity { cluster, timeline } = identity;
    let file = disk.create(&format!("{dir}/{}", segment::segment_name(start.at)))?;
    file.write_at(&Head { cluster, timeline, start: start.at, chain: start.chain }.encode(), 0)?;
    Ok(file)
}
