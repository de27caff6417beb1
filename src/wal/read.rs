//! Records in order, from files.
//!
//! [`Cursor`] follows the chain from a segment's head through its records into the next segment; [`Reader`] is a cursor
//! that stops at what is durable and can be asked again when there is more.

use super::follow::Place;
use super::log::Shared;
use super::record::{self, Decoded, HEADER_BYTES, Record};
use super::segment::{self, HEAD_BYTES, Head, Identity};
use crate::base::{Error, Lsn, Result, SqlState};
use crate::io::{Disk, File};
use std::sync::Arc;

const READ_BYTES: u64 = 256 * 1024;

pub struct Cursor {
    disk: Arc<dyn Disk>,
    dir: String,
    cluster: u128,
    pub file: Box<dyn File>,
    /// Where the segment starts.
    pub segment: Lsn,
    pub head: Head,
    pub file_bytes: u64,
    /// Where the next record starts, and the chain's value there.
    pub at: Lsn,
    pub chain: u32,
    /// Bytes of the file from `at` - `used` on; the first `used` are done with.
    buffer: Vec<u8>,
    used: usize,
}

/// None for `start`: wherever it says.
fn open_segment(disk: &dyn Disk, path: &str, cluster: u128, start: Option<Lsn>) -> Result<(Box<dyn File>, Head)> {
    let file = disk.open(path)?;
    let mut bytes = [0; HEAD_BYTES as usize];
    let n = file.read_at(&mut bytes, 0)?;
    let head = Head::decode(&bytes[..n]).map_err(|e| e.context(path))?;
    if head.cluster != cluster || start.is_some_and(|start| head.start != start) {
        let message = format!("log segment \"{path}\" belongs to another cluster or place");
        return Err(Error::new(SqlState::DATA_CORRUPTED, message));
    }
    Ok((file, head))
}

impl Cursor {
    /// At the first record of the segment that starts at `start`.
    pub fn open(disk: Arc<dyn Disk>, dir: &str, cluster: u128, start: Lsn) -> Result<Cursor> {
        Cursor::open_file(disk, dir, &segment::segment_name(start), cluster, Some(start))
    }

    /// At the first record of a segment by its file's name.
    pub fn open_file(disk: Arc<dyn Disk>, dir: &str, name: &str, cluster: u128, start: Option<Lsn>) -> Result<Cursor> {
        let (file, head) = open_segment(&*disk, &format!("{dir}/{name}"), cluster, start)?;
        let file_bytes = file.len()?;
        let Head { start, chain, .. } = head;
        let (dir, buffer, used) = (dir.to_string(), Vec::new(), 0);
        Ok(Cursor { disk, dir, cluster, file, segment: start, head, file_bytes, at: start, chain, buffer, used })
    }

    /// Where the next record starts in the file.
    pub fn offset(&self) -> u64 {
        HEAD_BYTES + (self.at.0 - self.segment.0)
    }

    /// The next record that ends at or before `limit`; none when what follows does not verify, or is beyond.
    pub fn next(&mut self, limit: Lsn) -> Result<Option<Record<'_>>> {
        self.advance(limit, true)
    }

    /// The next record of this segment.
    pub fn next_here(&mut self) -> Result<Option<Record<'_>>> {
        self.advance(Lsn::MAX, false)
    }

    fn advance(&mut self, limit: Lsn, beyond: bool) -> Result<Option<Record<'_>>> {
        let found = loop {
            if self.at >= limit {
                return Ok(None);
            }
            match self.decode(limit)? {
                Some(found) => break found,
                None if beyond && self.enter_next_segment()? => {}
                None => return Ok(None),
            }
        };
        let bytes = &self.buffer[self.used - found.bytes..self.used];
        let payload = &bytes[HEADER_BYTES..];
        let start = Lsn(self.at.0 - found.bytes as u64);
        let Found { kind, flags, time_us, .. } = found;
        Ok(Some(Record { start, lsn: self.at, kind, flags, time_us, payload, bytes }))
    }

    /// Moves past the record at `at`, reading on as far as it needs.
    fn decode(&mut self, limit: Lsn) -> Result<Option<Found>> {
        loop {
            match record::decode(&self.buffer[self.used..], self.at, self.chain) {
                Decoded::Record(r, bytes, chain) => {
                    let found = Found { kind: r.kind, flags: r.flags, time_us: r.time_us, bytes };
                    self.at = r.lsn;
                    self.chain = chain;
                    self.used += bytes;
                    return Ok(Some(found));
                }
                Decoded::Bad => return Ok(None),
                Decoded::Short(bytes) => {
                    if !self.read_on(bytes as u64, limit)? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Reads until the buffer holds `need` bytes from `at` on; false when the segment, below `limit`, has no more.
    fn read_on(&mut self, need: u64, limit: Lsn) -> Result<bool> {
        self.buffer.drain(..self.used);
        self.used = 0;
        let offset = self.offset();
        let there = self.file_bytes.min(HEAD_BYTES.saturating_add(limit.0 - self.segment.0));
        if offset.saturating_add(need) > there {
            return Ok(false);
        }
        let have = self.buffer.len();
        let wanted = need.max(READ_BYTES).min(there - offset) as usize;
        self.buffer.resize(wanted, 0);
        self.file.read_exact_at(&mut self.buffer[have..], offset + have as u64)?;
        Ok(true)
    }

    /// Goes on in the segment that starts where this one ends, if there is one and its chain is this one.
    fn enter_next_segment(&mut self) -> Result<bool> {
        let path = format!("{}/{}", self.dir, segment::segment_name(self.at));
        if self.at == self.segment || !self.disk.exists(&path)? {
            return Ok(false);
        }
        let (file, head) = open_segment(&*self.disk, &path, self.cluster, Some(self.at))?;
        if head.chain != self.chain {
            return Ok(false);
        }
        self.file_bytes = file.len()?;
        self.file = file;
        self.head = head;
        self.segment = self.at;
        self.buffer.clear();
        self.used = 0;
        Ok(true)
    }

    /// Moves to `lsn`, which must be the end of a record or the start of the segment.
    pub fn seek(&mut self, lsn: Lsn) -> Result<()> {
        while self.at < lsn {
            // No further: what lies behind may still be changing, and would stay in the buffer.
            if self.next(lsn)?.is_none() {
                break;
            }
        }
        if self.at == lsn {
            return Ok(());
        }
        let message = format!("position {lsn} is not between two records of the log, which has {}", self.at);
        Err(Error::new(SqlState::DATA_CORRUPTED, message))
    }
}

struct Found {
    kind: u8,
    flags: u8,
    time_us: u64,
    bytes: usize,
}

/// The starts of the segments in a folder, in order.
pub fn list_segments(disk: &dyn Disk, dir: &str) -> Result<Vec<Lsn>> {
    let mut starts: Vec<Lsn> = disk.list(dir)?.iter().filter_map(|n| segment::parse_segment_name(n)).collect();
    starts.sort();
    Ok(starts)
}

/// Whose log a folder holds: what the head of its newest segment says, or of the newest whose head is whole.
pub fn identity(disk: &dyn Disk, dir: &str, starts: &[Lsn]) -> Result<Identity> {
    let mut damage = None;
    for start in starts.iter().rev() {
        let path = format!("{dir}/{}", segment::segment_name(*start));
        let mut bytes = [0; HEAD_BYTES as usize];
        let n = disk.open(&path)?.read_at(&mut bytes, 0)?;
        match Head::decode(&bytes[..n]) {
            Ok(head) => return Ok(Identity { cluster: head.cluster, timeline: head.timeline }),
            Err(e) => damage = damage.or(Some(e.context(path))),
        }
    }
    Err(damage.unwrap_or_else(|| Error::internal("a log without segments is nobody's")))
}

/// The segment that holds what follows `lsn`.
pub fn segment_of(starts: &[Lsn], lsn: Lsn) -> Result<Lsn> {
    starts.iter().rev().find(|&&s| s <= lsn).copied().ok_or_else(|| {
        Error::new(SqlState::UNDEFINED_FILE, format!("the log segment for position {lsn} has been removed"))
    })
}

/// Reads durable records, the log's own among them. Whoever reads keeps `remove_before` from what is still unread.
pub struct Reader {
    cursor: Cursor,
    shared: Arc<Shared>,
}

impl Reader {
    pub(super) fn open(disk: Arc<dyn Disk>, dir: &str, cluster: u128, shared: Arc<Shared>, lsn: Lsn) -> Result<Reader> {
        let durable = shared.progress.durable();
        if lsn > durable {
            let message = format!("position {lsn} is ahead of the log, which is durable up to {durable}");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let start = segment_of(&list_segments(&*disk, dir)?, lsn)?;
        let mut cursor = Cursor::open(disk, dir, cluster, start)?;
        cursor.seek(lsn)?;
        Ok(Reader { cursor, shared })
    }

    /// The next record, or none when all that is durable has been read; then `Wal::wait` for more.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>> {
        let (at, durable) = (self.cursor.at, self.shared.progress.durable());
        match self.cursor.next(durable)? {
            Some(record) => Ok(Some(record)),
            None if at >= durable => Ok(None),
            None => {
                let message = format!("the log is damaged at position {at}");
                Err(Error::new(SqlState::DATA_CORRUPTED, message))
            }
        }
    }

    /// Appends whole records to `out`, as the log holds them, until it has `enough` bytes or all that is durable has been
    /// read.
    pub fn read_encoded(&mut self, out: &mut Vec<u8>, enough: usize) -> Result<()> {
        while out.len() < enough
            && let Some(record) = self.next_record()?
        {
            out.extend_from_slice(record.bytes);
        }
        Ok(())
    }

    /// Where the next record starts.
    pub fn position(&self) -> Lsn {
        self.cursor.at
    }

    /// The chain's value there: two logs with the same position and value have the same past.
    pub fn chain(&self) -> u32 {
        self.cursor.chain
    }

    pub fn place(&self) -> Place {
        Place { at: self.cursor.at, chain: self.cursor.chain }
    }
}
