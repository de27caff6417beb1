//! The end of the log in memory: records since the last flush, in one buffer, and where the segments among them change.
//!
//! Two buffers take turns: the flusher takes the full one and leaves the empty one of its last group.

use super::record::{self, HEADER_BYTES};
use super::spares::Spare;
use crate::base::Lsn;

/// A buffer that grew beyond this for a large record is not kept.
const KEPT_BYTES: usize = 4 << 20;

/// A change of segment: `spare` becomes the segment that starts at `at`.
pub struct Cut {
    pub at: Lsn,
    pub chain: u32,
    pub timeline: u32,
    pub spare: Spare,
}

/// Records in a row that go to disk together.
pub struct Group {
    pub start: Lsn,
    pub bytes: Vec<u8>,
    pub cuts: Vec<Cut>,
}

impl Group {
    pub fn new() -> Group {
        Group { start: Lsn::ZERO, bytes: Vec::new(), cuts: Vec::new() }
    }

    pub fn end(&self) -> Lsn {
        Lsn(self.start.0 + self.bytes.len() as u64)
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.cuts.clear();
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes = Vec::new();
        }
    }
}

pub struct Appender {
    group: Group,
    chain: u32,
    timeline: u32,
    /// Bytes left in the last segment.
    room: u64,
    /// Bytes of records that the last segment can hold.
    capacity: u64,
    /// The next segment has been asked for.
    asked: bool,
}

/// The size of a record with this payload.
pub fn record_bytes(payload: usize) -> u64 {
    (HEADER_BYTES + payload) as u64
}

impl Appender {
    /// Goes on at `end` in a segment that begins at `segment` and holds `capacity` bytes of records.
    pub fn new(end: Lsn, chain: u32, timeline: u32, segment: Lsn, capacity: u64) -> Appender {
        let room = capacity.saturating_sub(end.0 - segment.0);
        Appender { group: Group { start: end, ..Group::new() }, chain, timeline, room, capacity, asked: false }
    }

    /// The checksum that the next record continues.
    pub fn chain(&self) -> u32 {
        self.chain
    }

    pub fn timeline(&self) -> u32 {
        self.timeline
    }

    /// Segments that begin from here on are of this timeline.
    pub fn set_timeline(&mut self, timeline: u32) {
        self.timeline = timeline;
    }

    pub fn end(&self) -> Lsn {
        self.group.end()
    }

    pub fn fits(&self, bytes: u64) -> bool {
        bytes <= self.room
    }

    /// Whether the last segment is full enough to ready the next one; once for each segment.
    pub fn wants_spare(&mut self) -> bool {
        let wants = !self.asked && self.room < self.capacity / 2;
        self.asked |= wants;
        wants
    }

    /// Starts a new segment here.
    pub fn cut(&mut self, spare: Spare) {
        self.capacity = spare.capacity;
        self.room = spare.capacity;
        self.asked = false;
        self.group.cuts.push(Cut { at: self.group.end(), chain: self.chain, timeline: self.timeline, spare });
    }

    /// The record must fit.
    pub fn append(&mut self, kind: u8, time_us: u64, parts: &[&[u8]]) -> Lsn {
        let before = self.group.bytes.len();
        self.chain = record::encode(&mut self.group.bytes, self.chain, kind, time_us, parts);
        let bytes = (self.group.bytes.len() - before) as u64;
        self.room = self.room.checked_sub(bytes).expect("a record goes where it fits");
        self.group.end()
    }

    /// The same for a record as another log holds it, which `decode` has found to continue this one and to lead to `chain`.
    pub fn append_encoded(&mut self, record: &[u8], chain: u32) -> Lsn {
        self.group.bytes.extend_from_slice(record);
        self.chain = chain;
        self.room = self.room.checked_sub(record.len() as u64).expect("a record goes where it fits");
        self.group.end()
    }

    /// Swaps the gathered group for an empty one; false when nothing has gathered.
    pub fn take(&mut self, empty: &mut Group) -> bool {
        debug_assert!(empty.bytes.is_empty() && empty.cuts.is_empty());
        if self.group.bytes.is_empty() {
            return false;
        }
        empty.start = self.group.end();
        std::mem::swap(&mut self.group, empty);
        true
    }
}
