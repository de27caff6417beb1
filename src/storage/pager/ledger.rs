//! Who owns which block, and what each epoch changed: the bookkeeping behind checkpoints, without I/O, latches or threads.
//!
//! At most two epochs are open: the current one, and a frozen one whose images are being written. Each keeps
//! - `delta`: for every page that it wrote or freed, the newest image of that epoch. Images of one page and epoch may
//!   reach the disk in any order; each has a version, and the newest wins whatever the order of completion. A freed page is a
//!   change without a block and has a version too, so a late image of a freed page loses likewise.
//! - `defer`: blocks that it superseded. An older checkpoint refers to them, so they are free when this epoch's checkpoint
//!   is durable and no pin is on an older one. A block that was superseded in the very epoch that filled it was in no
//!   checkpoint, and is free at once.

use super::blocks::Blocks;
#[cfg(test)]
use super::canary;
use super::options::Root;
use super::word::{Block, Epoch, Home};
use crate::base::PageId;
use hashbrown::{HashMap, HashSet};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

/// An image on its way to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    pub pid: PageId,
    pub epoch: Epoch,
    pub version: u64,
    pub block: Block,
    /// Where it was taken from, unless that was a copy aside.
    pub frame: Option<u32>,
}

/// What an epoch did to a page last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// [`Block::NONE`]: the page was freed.
    pub block: Block,
    pub version: u64,
}

/// A frozen image whose page was changed since.
pub struct Copy {
    pub version: u64,
    pub bytes: Box<[u8]>,
}

#[derive(Default)]
pub struct Changes {
    pub delta: HashMap<PageId, Recorded>,
    pub defer: Vec<Block>,
    /// Every page with a frame last changed in this epoch and not captured, or with a copy aside, is in it or in
    /// somebody's hand; others may be as well.
    pub queue: VecDeque<PageId>,
    /// Pages off the queue whose image is not on disk yet.
    pub in_hand: usize,
}

pub struct Frozen {
    pub epoch: Epoch,
    pub root: Root,
    pub changes: Changes,
    /// Frozen images by page, copied before the page was changed again.
    pub copies: HashMap<PageId, Copy>,
    /// Pages to write, as the freeze found them.
    pub pages_total: usize,
    pub pages_written: usize,
    /// Its queue is being sorted somewhere.
    pub sorting: bool,
    pub sorted: bool,
}

impl Frozen {
    /// Whether all of it is on its way or there.
    fn is_written(&self) -> bool {
        let waiting = self.changes.queue.is_empty() && self.copies.is_empty() && !self.sorting;
        waiting && self.changes.in_hand == 0
    }
}

/// The newest durable checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durable {
    /// [`Epoch::NONE`] when there is none yet.
    pub epoch: Epoch,
    pub root: Option<Root>,
    pub directory: Directory,
}

/// Where a checkpoint's map is: a row of blocks with one word for each map page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    pub block: Block,
    pub map_pages: u32,
    pub crc: u32,
}

pub struct Ledger {
    pub blocks: Blocks,
    pub epoch: Epoch,
    pub current: Changes,
    pub frozen: Option<Frozen>,
    pub durable: Durable,
    /// Frames whose content is on no disk.
    pub dirty: usize,
    /// Blocks of images that are being written.
    pub flying: HashSet<Block>,
    /// Superseded blocks of completed epochs that a pin still holds, by the epoch that superseded them.
    held: VecDeque<(Epoch, Vec<Block>)>,
    pins: BTreeMap<Epoch, usize>,
    versions: u64,
    free_pids: BinaryHeap<Reverse<PageId>>,
    /// Ids from here on were never given out.
    pub next_pid: u32,
}

impl Ledger {
    pub fn new(blocks: Blocks, durable: Durable, next_pid: u32, free_pids: Vec<PageId>) -> Ledger {
        Ledger {
            blocks,
            epoch: durable.epoch.next(),
            current: Changes::default(),
            frozen: None,
            durable,
            dirty: 0,
            flying: HashSet::new(),
            held: VecDeque::new(),
            pins: BTreeMap::new(),
            versions: 0,
            free_pids: free_pids.into_iter().map(Reverse).collect(),
            next_pid,
        }
    }

    pub fn next_version(&mut self) -> u64 {
        self.versions += 1;
        self.versions
    }

    pub fn frozen_epoch(&self) -> Option<Epoch> {
        self.frozen.as_ref().map(|f| f.epoch)
    }

    /// Whether it is frozen or current.
    pub fn is_open(&self, epoch: Epoch) -> bool {
        epoch == self.epoch || self.frozen_epoch() == Some(epoch)
    }

    pub fn changes(&mut self, epoch: Epoch) -> &mut Changes {
        match &mut self.frozen {
            Some(frozen) if frozen.epoch == epoch => &mut frozen.changes,
            _ => {
                assert_eq!(epoch, self.epoch, "an epoch is frozen or current");
                &mut self.current
            }
        }
    }

    /// The lowest free page id. None: all 2^32 are in use.
    pub fn take_pid(&mut self) -> Option<PageId> {
        if let Some(Reverse(pid)) = self.free_pids.pop() {
            return Some(pid);
        }
        let pid = PageId(self.next_pid);
        self.next_pid = self.next_pid.checked_add(1)?;
        Some(pid)
    }

    pub fn give_back_pid(&mut self, pid: PageId) {
        self.free_pids.push(Reverse(pid));
    }

    /// Pages that exist.
    pub fn pages(&self) -> usize {
        self.next_pid as usize - 1 - self.free_pids.len()
    }

    /// The writer changes a frozen page that is on no disk: its image stays for the checkpoint.
    pub fn keep_copy(&mut self, pid: PageId, bytes: &[u8]) {
        #[cfg(test)]
        if canary::NO_COPY.get() {
            return;
        }
        let version = self.next_version();
        let frozen = self.frozen.as_mut().expect("only frozen pages are copied");
        let before = frozen.copies.insert(pid, Copy { version, bytes: bytes.into() });
        assert!(before.is_none(), "a page is copied once in an epoch");
    }

    /// Takes up to `max` pages off an epoch's queue.
    pub fn take_in_hand(&mut self, epoch: Epoch, max: usize) -> Vec<PageId> {
        let changes = self.changes(epoch);
        let n = max.min(changes.queue.len());
        changes.in_hand += n;
        changes.queue.drain(..n).collect()
    }

    /// A page in hand needs no image, or has to wait for its turn.
    pub fn put_down(&mut self, epoch: Epoch, requeue: Option<PageId>) {
        let changes = self.changes(epoch);
        changes.in_hand -= 1;
        changes.queue.extend(requeue);
    }

    /// An image of a page in hand is on its way.
    pub fn take_off(&mut self, image: &Image) {
        assert!(self.flying.insert(image.block), "a block is filled by one image");
    }

    /// An image is on disk (not durable yet), in any order; `home` is the page's newest one so far. Answers the page's
    /// new home if that changes.
    pub fn land(&mut self, image: &Image, home: Home) -> Option<Home> {
        assert!(self.flying.remove(&image.block), "an image lands once");
        let changes = self.changes(image.epoch);
        changes.in_hand -= 1;
        if changes.delta.get(&image.pid).is_some_and(|newest| supersedes(newest, image)) {
            self.blocks.give_back(image.block);
            return None;
        }
        changes.delta.insert(image.pid, Recorded { block: image.block, version: image.version });
        if home.epoch > image.epoch {
            // The next epoch has written, or freed, the page already: only the frozen checkpoint will refer to this image.
            self.changes(home.epoch).defer.push(image.block);
            return None;
        }
        self.supersede(home, image.epoch);
        Some(Home { block: image.block, epoch: image.epoch })
    }

    /// An image could not be written. Answers whether it is still the newest of its page and epoch.
    pub fn crash_land(&mut self, image: &Image) -> bool {
        assert!(self.flying.remove(&image.block), "an image lands once");
        self.blocks.give_back(image.block);
        let changes = self.changes(image.epoch);
        changes.in_hand -= 1;
        changes.delta.get(&image.pid).is_none_or(|newest| newest.version <= image.version)
    }

    /// The page is gone. Answers the word of its free id.
    pub fn free_page(&mut self, pid: PageId, home: Home) -> Home {
        let epoch = self.epoch;
        self.supersede(home, epoch);
        let version = self.next_version();
        self.current.delta.insert(pid, Recorded { block: Block::NONE, version });
        self.give_back_pid(pid);
        Home { block: Block::NONE, epoch }
    }

    /// Epoch `by` has a newer image than `home`, or none any more.
    fn supersede(&mut self, home: Home, by: Epoch) {
        #[cfg(test)]
        let by = if canary::EAGER.get() { home.epoch } else { by };
        match home {
            Home { block: Block::NONE, .. } => {}
            Home { block, epoch } if epoch == by => self.blocks.give_back(block),
            Home { block, .. } => self.changes(by).defer.push(block),
        }
    }

    pub fn freeze(&mut self, root: Root) {
        assert!(self.frozen.is_none(), "one checkpoint at a time");
        let changes = std::mem::take(&mut self.current);
        // The next epoch will be about as large: growing a table later would keep others waiting.
        self.current.delta.reserve(changes.delta.len());
        self.frozen = Some(Frozen {
            epoch: self.epoch,
            root,
            pages_total: self.dirty,
            pages_written: 0,
            changes,
            copies: HashMap::new(),
            sorting: false,
            sorted: false,
        });
        self.epoch = self.epoch.next();
    }

    pub fn frozen_is_written(&self) -> bool {
        self.frozen.as_ref().is_some_and(Frozen::is_written)
    }

    /// The frozen epoch's checkpoint is durable.
    pub fn complete(&mut self, directory: Directory) {
        let frozen = self.frozen.take().expect("a checkpoint completes what was frozen");
        assert!(frozen.is_written(), "a checkpoint has all of its images");
        self.durable = Durable { epoch: frozen.epoch, root: Some(frozen.root), directory };
        self.held.push_back((frozen.epoch, frozen.changes.defer));
    }

    /// Frees up to `max` blocks that no pin holds: those superseded in an epoch up to the oldest pinned one. True when
    /// there may be more.
    pub fn release(&mut self, max: usize) -> bool {
        let oldest_pinned = self.pins.keys().next().copied().unwrap_or(Epoch::MAX);
        #[cfg(test)]
        let oldest_pinned = if canary::NO_PIN.get() { Epoch::MAX } else { oldest_pinned };
        let Some((_, blocks)) = self.held.front_mut().filter(|(superseded_in, _)| *superseded_in <= oldest_pinned)
        else {
            return false;
        };
        blocks.drain(blocks.len().saturating_sub(max)..).for_each(|b| self.blocks.give_back(b));
        if blocks.is_empty() {
            self.held.pop_front();
        }
        true
    }

    /// Keeps the newest durable checkpoint. None when there is none.
    pub fn pin(&mut self) -> Option<Durable> {
        self.durable.root.as_ref()?;
        *self.pins.entry(self.durable.epoch).or_default() += 1;
        Some(self.durable.clone())
    }

    /// `release` gives back what the pin held.
    pub fn unpin(&mut self, epoch: Epoch) {
        let count = self.pins.get_mut(&epoch).expect("a pin is dropped once");
        *count -= 1;
        if *count == 0 {
            self.pins.remove(&epoch);
        }
    }

    pub fn pins(&self) -> usize {
        self.pins.values().sum()
    }

    /// Blocks that wait for a checkpoint or a pin.
    pub fn deferred(&self) -> impl Iterator<Item = Block> {
        let open = self.current.defer.iter().chain(self.frozen.iter().flat_map(|f| &f.changes.defer));
        open.chain(self.held.iter().flat_map(|(_, blocks)| blocks)).copied()
    }
}

/// Whether what is recorded is newer than an image that lands only now.
fn supersedes(newest: &Recorded, image: &Image) -> bool {
    #[cfg(test)]
    if (newest.block == Block::NONE && canary::STALE_IMAGES.get())
        || (newest.block != Block::NONE && canary::NO_ORDER.get())
    {
        return false;
    }
    newest.version > image.version
}
