//! Undo beyond its budget of memory goes to a temporary file, whole segments at a time, oldest first. The file has slots
//! of a segment each; a slot is used again when its segment is freed. Nothing is ever synced: after a crash nobody
//! asks for it.

use super::Undo;
use super::item::{HEAD_BYTES, Item};
use super::segment::{Place, Segment};
use crate::base::{Error, Result, SqlState};
use crate::io::{Disk, File};
use parking_lot::Mutex;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

#[derive(Clone)]
pub struct SpillOptions {
    pub disk: Arc<dyn Disk>,
    /// The file, which need not exist.
    pub path: String,
}

pub(super) struct Spill {
    options: SpillOptions,
    file: OnceLock<Box<dyn File>>,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    free: Vec<u32>,
    count: u32,
    /// Why the last attempt to spill failed.
    failed: Option<Error>,
}

impl Spill {
    pub fn open(options: SpillOptions) -> Result<Spill> {
        if options.disk.exists(&options.path)? {
            options.disk.remove(&options.path)?;
        }
        Ok(Spill { options, file: OnceLock::new(), slots: Mutex::default() })
    }

    fn file(&self) -> Result<&dyn File> {
        if self.file.get().is_none() {
            let file = self.options.disk.create(&self.options.path)?;
            // Whoever spills holds the lock of the slots, so nobody else has made it meanwhile.
            let _ = self.file.set(file);
        }
        Ok(&**self.file.get().expect("just set"))
    }

    fn opened(&self) -> &dyn File {
        &**self.file.get().expect("a segment was written")
    }

    pub fn read_item(&self, slot: u32, at: u64, segment_bytes: u64) -> Result<Item> {
        let mut bytes = [0; HEAD_BYTES as usize];
        self.opened().read_exact_at(&mut bytes, u64::from(slot) * segment_bytes + at)?;
        let (words, _) = bytes.as_chunks::<8>();
        Ok(Item(std::array::from_fn(|i| u64::from_le_bytes(words[i]))))
    }

    pub fn read_bytes(&self, slot: u32, at: u64, len: usize, segment_bytes: u64, out: &mut Vec<u8>) -> Result<()> {
        let from = out.len();
        out.resize(from + len, 0);
        self.opened().read_exact_at(&mut out[from..], u64::from(slot) * segment_bytes + at)
    }

    pub fn read_segment(&self, slot: u32, segment_bytes: u64) -> Result<Segment> {
        let mut bytes = Vec::new();
        self.read_bytes(slot, 0, segment_bytes as usize, segment_bytes, &mut bytes)?;
        let segment = Segment::new(segment_bytes);
        segment.fill(&bytes);
        Ok(segment)
    }
}

impl Undo {
    /// Brings the stream back to its budget of memory.
    pub fn spill(&self) {
        self.spill_to(self.memory_segments_max);
    }

    /// The stream has grown well beyond its budget: somebody who holds no latch should call [`Undo::spill`].
    pub fn is_crowded(&self) -> bool {
        self.in_memory.load(Relaxed) > self.memory_segments_max + self.memory_segments_max / 4
    }

    /// 53100 when the stream outgrows its memory and cannot spill.
    pub fn admit(&self) -> Result<()> {
        let Some(spill) = &self.spill else { return Ok(()) };
        if self.in_memory.load(Relaxed) <= 2 * self.memory_segments_max {
            return Ok(());
        }
        match &spill.slots.lock().failed {
            Some(e) => Err(Error::new(SqlState::DISK_FULL, "could not write the temporary file of old row versions")
                .detail(e.message())
                .hint("Free disk space, or end the transactions that hold old snapshots.")),
            None => Ok(()),
        }
    }

    fn spill_to(&self, segments_max: usize) {
        let Some(spill) = &self.spill else { return };
        while self.in_memory.load(Relaxed) > segments_max {
            let mut slots = spill.slots.lock();
            let Some((number, segment)) = self.oldest_in_memory() else { return };
            match self.spill_one(spill, &mut slots, number, &segment) {
                Ok(()) => slots.failed = None,
                // It stays in memory, and is tried again with the next purge.
                Err(e) => {
                    if slots.failed.is_none() {
                        tracing::warn!("old row versions stay in memory: {}", e.message());
                    }
                    slots.failed = Some(e);
                    return;
                }
            }
        }
    }

    /// The oldest segment in memory that may leave it: not the appender's, and none with a pending batch's header.
    fn oldest_in_memory(&self) -> Option<(u64, Arc<Segment>)> {
        let pending = self.pending.lock();
        let table = self.table.read();
        let stays = |number: u64| pending.iter().any(|&header| self.number(header) == number);
        #[cfg(test)]
        let stays = |number: u64| stays(number) && !self.mutates(super::Mutation::SpillPending);
        let last = table.places.len() - 1;
        table.places.iter().take(last).enumerate().find_map(|(i, place)| match place {
            Place::Memory(segment) if !stays(table.first + i as u64) => {
                Some((table.first + i as u64, Arc::clone(segment)))
            }
            _ => None,
        })
    }

    fn spill_one(&self, spill: &Spill, slots: &mut Slots, number: u64, segment: &Segment) -> Result<()> {
        let slot = slots.free.pop().unwrap_or_else(|| {
            slots.count += 1;
            slots.count - 1
        });
        let written = spill.file().and_then(|f| f.write_at(&segment.to_bytes(), u64::from(slot) * self.segment_bytes));
        if let Err(e) = written {
            slots.free.push(slot);
            return Err(e);
        }
        let mut table = self.table.write();
        let first = table.first;
        // It may have been freed while it was written.
        match number.checked_sub(first).and_then(|i| table.places.get_mut(i as usize)) {
            Some(place) => {
                *place = Place::Spilled(slot);
                self.in_memory.fetch_sub(1, Relaxed);
            }
            None => slots.free.push(slot),
        }
        Ok(())
    }

    /// Takes slots back. With the last one the file gives its space back.
    pub(super) fn free_slots(&self, freed: impl Iterator<Item = u32>) {
        let mut freed = freed.peekable();
        if freed.peek().is_none() {
            return;
        }
        let spill = self.spill.as_ref().expect("who spilled has a file");
        let mut slots = spill.slots.lock();
        slots.free.extend(freed);
        if slots.free.len() == slots.count as usize {
            slots.free.clear();
            slots.count = 0;
            if let Err(e) = spill.opened().set_len(0) {
                tracing::warn!("the temporary file of old row versions keeps its size: {}", e.message());
            }
        }
    }
}
