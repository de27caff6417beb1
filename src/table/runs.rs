//! Sorting many entries by their keys: in runs of bounded size, which another thread sorts while the next one is
//! gathered, and which are merged at the end.
//!
//! A run is sorted by eight bytes of each key that differ between keys, which leaves out the markers and high bytes that
//! all have alike, and by the whole key where these are the same. The sorted run is written anew, so that merging
//! reads every run from front to back: for each entry the lengths of its key and its value, as varints, and both. Beyond a
//! budget sorted runs are scratch room of the disk.

use crate::base::Result;
use crate::base::bytes::{Reader, put_varint};
use crate::io::{Disk, Scratch};
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// A run is full when it has this many bytes or entries.
const RUN_BYTES: usize = 32 << 20;
const RUN_ENTRIES: usize = 1 << 20;
const LEFT: &str = "a run in the heap has entries left";
/// How much of a key is looked at for bytes that differ.
const HEAD: usize = size_of::<u128>();

/// Entries one after another: key, value, key, value, ...
#[derive(Default)]
pub(super) struct Run {
    bytes: Vec<u8>,
    /// Where each key and each value ends.
    ends: Vec<(u32, u32)>,
}

impl Run {
    fn start(&self, i: usize) -> usize {
        if i == 0 { 0 } else { self.ends[i - 1].1 as usize }
    }

    fn key(&self, i: usize) -> &[u8] {
        &self.bytes[self.start(i)..self.ends[i].0 as usize]
    }

    /// Appends an entry whose bytes `put` appends; it returns where the key ends.
    fn push(&mut self, put: impl FnOnce(&mut Vec<u8>) -> usize) {
        let key_end = put(&mut self.bytes);
        let end = u32::try_from(self.bytes.len()).expect("a full run takes no more, and an entry has its limit");
        self.ends.push((key_end as u32, end));
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= RUN_BYTES || self.ends.len() >= RUN_ENTRIES
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn head(&self, i: usize) -> u128 {
        head(self.key(i))
    }

    fn is_sorted(&self) -> bool {
        (1..self.ends.len()).all(|i| self.key(i - 1) <= self.key(i))
    }

    /// The entries in order, in the form of a sorted run.
    fn write_sorted(&self, out: &mut Vec<u8>) {
        out.clear();
        out.reserve(self.bytes.len() + 4 * self.ends.len());
        if self.is_sorted() {
            return (0..self.ends.len()).for_each(|i| self.write(i, out));
        }
        let shifts = self.differing();
        let pick = |i: usize| shifts.iter().fold(0, |n, shift| n << 8 | u64::from((self.head(i) >> shift) as u8));
        let mut order: Vec<(u64, u32)> = (0..self.ends.len()).map(|i| (pick(i), i as u32)).collect();
        order.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| self.key(a.1 as usize).cmp(self.key(b.1 as usize))).then(a.1.cmp(&b.1))
        });
        order.into_iter().for_each(|(_, i)| self.write(i as usize, out));
    }

    fn write(&self, i: usize, out: &mut Vec<u8>) {
        let (from, (key_end, end)) = (self.start(i), self.ends[i]);
        put_varint(out, (key_end as usize - from) as u64);
        put_varint(out, u64::from(end - key_end));
        out.extend_from_slice(&self.bytes[from..end as usize]);
    }

    /// Where in their heads the keys differ, as shifts, at most eight bytes. Bytes that all keys have alike say nothing
    /// of their order.
    fn differing(&self) -> Vec<u32> {
        let first = if self.ends.is_empty() { 0 } else { self.head(0) };
        let differ = (0..self.ends.len()).fold(0, |bits, i| bits | (self.head(i) ^ first));
        let shifts = (0..HEAD as u32).rev().map(|byte| byte * 8);
        shifts.filter(|shift| (differ >> shift) as u8 != 0).take(8).collect()
    }
}

/// The first bytes of a key as a number; what is missing is zero.
fn head(key: &[u8]) -> u128 {
    match key.first_chunk::<HEAD>() {
        Some(head) => u128::from_be_bytes(*head),
        None => {
            let mut head = [0; HEAD];
            head[..key.len()].copy_from_slice(key);
            u128::from_be_bytes(head)
        }
    }
}

/// Where sorted runs go.
pub(super) struct Room {
    /// So many bytes of them stay in memory,
    pub memory_bytes: u64,
    /// the others go here, if there is a disk.
    pub disk: Option<Arc<dyn Disk>>,
}

/// Makes sorted runs.
struct Shelf {
    room: Room,
    used: u64,
    sorted: Vec<Sorted>,
    buffer: Vec<u8>,
}

impl Shelf {
    fn new(room: Room) -> Shelf {
        Shelf { room, used: 0, sorted: Vec::new(), buffer: Vec::new() }
    }

    fn add(&mut self, run: &Run) -> Result<()> {
        if run.ends.is_empty() {
            return Ok(());
        }
        run.write_sorted(&mut self.buffer);
        let bytes: Box<dyn Scratch> = match &self.room.disk {
            Some(disk) if self.used + self.buffer.len() as u64 > self.room.memory_bytes => {
                let mut scratch = disk.scratch(self.buffer.len())?;
                scratch.bytes_mut()[..self.buffer.len()].copy_from_slice(&self.buffer);
                scratch
            }
            _ => {
                self.used += self.buffer.len() as u64;
                Box::new(std::mem::take(&mut self.buffer))
            }
        };
        self.sorted.push(Sorted::new(bytes, run.ends.len()));
        Ok(())
    }
}

/// A sorted run, and the entry that is next.
struct Sorted {
    bytes: Box<dyn Scratch>,
    /// How many entries are left.
    left: usize,
    key: Range<usize>,
    value_end: usize,
}

impl Sorted {
    fn new(bytes: Box<dyn Scratch>, entries: usize) -> Sorted {
        let mut sorted = Sorted { bytes, left: entries, key: 0..0, value_end: 0 };
        sorted.find();
        sorted
    }

    /// Finds the entry behind the one that was next.
    fn find(&mut self) {
        let rest = &self.bytes.bytes()[self.value_end..];
        let mut reader = Reader::new(rest);
        let mut length = || reader.varint().expect("the run was written here") as usize;
        let (key, value) = (length(), length());
        let start = self.value_end + rest.len() - reader.rest().len();
        self.key = start..start + key;
        self.value_end = self.key.end + value;
    }

    fn key(&self) -> &[u8] {
        &self.bytes.bytes()[self.key.clone()]
    }

    fn value(&self) -> &[u8] {
        &self.bytes.bytes()[self.key.end..self.value_end]
    }
}

/// Takes entries in any order.
pub(super) struct Sorter<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    run: Run,
    sorting: Sorting<'scope>,
}

enum Sorting<'scope> {
    /// No run was full so far, or there can be no thread.
    Here(Shelf),
    Beside(Worker<'scope>),
}

struct Worker<'scope> {
    full: SyncSender<Run>,
    /// Runs that have been sorted, to be filled again.
    emptied: Receiver<Run>,
    thread: ScopedJoinHandle<'scope, Result<Shelf>>,
}

impl<'scope, 'env> Sorter<'scope, 'env> {
    pub fn new(scope: &'scope Scope<'scope, 'env>, room: Room) -> Self {
        Sorter { scope, run: Run::default(), sorting: Sorting::Here(Shelf::new(room)) }
    }

    /// Takes an entry whose bytes `put` appends; it returns where the key ends. Error: 53100.
    pub fn push(&mut self, put: impl FnOnce(&mut Vec<u8>) -> usize) -> Result<()> {
        self.run.push(put);
        if self.run.is_full() { self.hand_over() } else { Ok(()) }
    }

    fn hand_over(&mut self) -> Result<()> {
        if let Sorting::Here(shelf) = &mut self.sorting {
            let none = Room { memory_bytes: 0, disk: None };
            self.sorting = Worker::start(self.scope, std::mem::replace(shelf, Shelf::new(none)));
        }
        match &mut self.sorting {
            Sorting::Here(shelf) => {
                shelf.add(&self.run)?;
                self.run.clear();
            }
            Sorting::Beside(worker) => {
                let next = worker.emptied.try_recv().unwrap_or_default();
                // A thread that has failed takes nothing, and says why in the end.
                let _ = worker.full.send(std::mem::replace(&mut self.run, next));
            }
        }
        Ok(())
    }

    pub fn finish(self) -> Result<Merge> {
        let mut shelf = match self.sorting {
            Sorting::Here(shelf) => shelf,
            Sorting::Beside(worker) => {
                drop((worker.full, worker.emptied));
                worker.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?
            }
        };
        shelf.add(&self.run)?;
        Ok(Merge::new(shelf.sorted))
    }
}

impl<'scope> Worker<'scope> {
    fn start(scope: &'scope Scope<'scope, '_>, shelf: Shelf) -> Sorting<'scope> {
        let (full, to_sort) = sync_channel::<Run>(0);
        let (give_back, emptied) = sync_channel::<Run>(2);
        let (lend, borrowed) = sync_channel::<Shelf>(1);
        let sort = move || {
            let mut shelf = borrowed.recv().expect("it is lent at once");
            while let Ok(mut run) = to_sort.recv() {
                shelf.add(&run)?;
                run.clear();
                // Nobody may want it any more.
                let _ = give_back.try_send(run);
            }
            Ok(shelf)
        };
        match Builder::new().name("sort".into()).spawn_scoped(scope, sort) {
            Ok(thread) => {
                lend.send(shelf).expect("the thread waits for it");
                Sorting::Beside(Worker { full, emptied, thread })
            }
            Err(_) => Sorting::Here(shelf),
        }
    }
}

/// Sorted runs as one: a heap of the runs by their next keys.
pub(super) struct Merge {
    runs: Vec<Option<Sorted>>,
    /// The head of each run's next key and the run, the least first.
    heap: Vec<(u128, u32)>,
}

impl Merge {
    fn new(runs: Vec<Sorted>) -> Merge {
        let heap = runs.iter().enumerate().map(|(i, run)| (head(run.key()), i as u32)).collect();
        let mut merge = Merge { runs: runs.into_iter().map(Some).collect(), heap };
        (0..merge.heap.len()).rev().for_each(|at| merge.sink(at));
        merge
    }

    /// The least entry that is left.
    pub fn peek(&self) -> Option<(&[u8], &[u8])> {
        let run = self.run(self.heap.first()?.1);
        Some((run.key(), run.value()))
    }

    /// Passes over the least entry.
    pub fn advance(&mut self) {
        let Some((next, least)) = self.heap.first_mut() else { return };
        let place = &mut self.runs[*least as usize];
        let run = place.as_mut().expect(LEFT);
        run.left -= 1;
        if run.left > 0 {
            run.find();
            *next = head(run.key());
        } else {
            *place = None;
            self.heap.swap_remove(0);
        }
        self.sink(0);
    }

    fn run(&self, run: u32) -> &Sorted {
        self.runs[run as usize].as_ref().expect(LEFT)
    }

    fn sink(&mut self, mut at: usize) {
        loop {
            let mut least = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.heap.len() && self.compare(child, least).is_lt() {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.heap.swap(at, least);
            at = least;
        }
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let ((head_a, a), (head_b, b)) = (self.heap[a], self.heap[b]);
        head_a.cmp(&head_b).then_with(|| self.run(a).key().cmp(self.run(b).key())).then(a.cmp(&b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::SimDisk;
    use proptest::prelude::*;

    fn entry(run: &mut Run, key: &[u8], value: &[u8]) {
        run.push(|out| put(out, key, value));
    }

    fn put(out: &mut Vec<u8>, key: &[u8], value: &[u8]) -> usize {
        out.extend_from_slice(key);
        let key_end = out.len();
        out.extend_from_slice(value);
        key_end
    }

    fn all(mut merge: Merge) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut out = Vec::new();
        while let Some((key, value)) = merge.peek() {
            out.push((key.to_vec(), value.to_vec()));
            merge.advance();
        }
        out
    }

    proptest! {
        #[test]
        fn runs_come_out_in_order(
            runs in prop::collection::vec(prop::collection::vec(prop::collection::vec(0u8..3, 0..24), 0..20), 0..5),
        ) {
            let mut expected = Vec::new();
            // The first runs stay in memory.
            let mut shelf = Shelf::new(Room { memory_bytes: 200, disk: Some(Arc::new(SimDisk::new(1))) });
            for keys in runs {
                let mut run = Run::default();
                for key in keys {
                    entry(&mut run, &key, &[key.len() as u8]);
                    expected.push((key.clone(), vec![key.len() as u8]));
                }
                shelf.add(&run).unwrap();
            }
            expected.sort();
            prop_assert_eq!(all(Merge::new(shelf.sorted)), expected);
        }
    }

    #[test]
    fn many_entries_are_sorted_beside() {
        let count = RUN_ENTRIES as u32 * 2 + 10;
        let merge = std::thread::scope(|scope| {
            let mut sorter = Sorter::new(scope, Room { memory_bytes: 0, disk: Some(Arc::new(SimDisk::new(1))) });
            for i in 0..count {
                // Every key once, far from its place.
                let key = i.wrapping_mul(0x9e37_79b1).to_be_bytes();
                sorter.push(|out| put(out, &key, &[])).unwrap();
            }
            sorter.finish().unwrap()
        });
        assert_eq!(merge.runs.len(), 3);
        let found = all(merge);
        assert_eq!(found.len(), count as usize);
        assert!(found.is_sorted());
    }
}
