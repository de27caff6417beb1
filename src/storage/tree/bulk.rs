//! A tree built from the bottom up. Each level keeps the entries of the page that it is filling; when the next one would
//! take the page beyond nine tenths, the page is written and its separator goes to the level above. What a page takes is
//! known only with its last key and its upper fence, because they decide how much of the keys is prefix: so entries wait
//! outside a page, and those that do not fit after all move on to the next.

use super::super::page::{Extent, Limits, NodeMut, separator};
use super::super::pager::PageWriter;
use crate::base::{PageId, Result};
use std::ops::Range;

/// Fills an empty tree with entries in ascending order, in pages that nothing refers to before [`Builder::finish`].
pub struct Builder {
    page_bytes: usize,
    levels: Vec<Level>,
    pages: Vec<PageId>,
}

impl Builder {
    pub fn new(page_bytes: usize) -> Builder {
        Builder { page_bytes, levels: vec![Level::new(0)], pages: Vec::new() }
    }

    /// Adds an entry behind those before it. The writer need not be the same one from call to call.
    pub fn push(&mut self, w: &PageWriter<'_>, key: &[u8], hdr: u64, value: &[u8]) -> Result<()> {
        let limits = Limits::of(self.page_bytes);
        assert!(key.len() <= limits.key && key.len() + value.len() <= limits.entry, "an entry within the limits");
        self.add(w, 0, key, hdr, value)
    }

    /// Whether the key can come next.
    pub fn takes(&self, key: &[u8]) -> bool {
        let leaves = &self.levels[0];
        leaves.waiting.len().checked_sub(1).map_or(key >= leaves.lower.as_slice(), |last| leaves.key(last) < key)
    }

    /// Makes an empty tree's root that of the tree with all that was pushed, at once. After an error nothing but
    /// `into_pages` is left to do.
    pub fn finish(&mut self, w: &PageWriter<'_>, root: PageId) -> Result<()> {
        let mut level = 0;
        loop {
            while !self.levels[level].fits(self.levels[level].waiting.len(), None, self.page_bytes) {
                let cut = self.levels[level].last_cut(None, self.page_bytes);
                self.write(w, level, cut)?;
            }
            let all = self.levels[level].waiting.len();
            if level + 1 == self.levels.len() {
                self.levels[level].fill(&mut w.page_mut(root)?, all, None);
                return Ok(());
            }
            let lower = self.levels[level].lower.clone();
            let pid = self.write_page(w, level, all, None)?;
            level += 1;
            self.add(w, level, &lower, u64::from(pid.0), b"")?;
        }
    }

    pub fn pages(&self) -> &[PageId] {
        &self.pages
    }

    /// The pages, to be freed when there is to be no tree.
    pub fn into_pages(self) -> Vec<PageId> {
        self.pages
    }

    /// An inner level's `hdr` is the child's page id.
    fn add(&mut self, w: &PageWriter<'_>, level: usize, key: &[u8], hdr: u64, value: &[u8]) -> Result<()> {
        if level == self.levels.len() {
            self.levels.push(Level::new(level));
        }
        while self.levels[level].is_full(key, value, self.page_bytes) {
            let cut = self.levels[level].last_cut(Some(key), self.page_bytes);
            self.write(w, level, cut)?;
        }
        self.levels[level].push(key, hdr, value);
        Ok(())
    }

    /// Writes the waiting entries in front of a cut as a page, and tells the level above.
    fn write(&mut self, w: &PageWriter<'_>, level: usize, (at, fence): (usize, Vec<u8>)) -> Result<()> {
        let lower = self.levels[level].lower.clone();
        let pid = self.write_page(w, level, at, Some(&fence))?;
        self.levels[level].go_on(at, fence);
        self.add(w, level + 1, &lower, u64::from(pid.0), b"")
    }

    fn write_page(&mut self, w: &PageWriter<'_>, level: usize, len: usize, upper: Option<&[u8]>) -> Result<PageId> {
        let (pid, mut page) = w.allocate()?;
        self.pages.push(pid);
        self.levels[level].fill(&mut page, len, upper);
        Ok(pid)
    }
}

/// One level's page in the making.
struct Level {
    level: u8,
    lower: Vec<u8>,
    waiting: Vec<Waiting>,
    /// Keys and values of the waiting entries.
    bytes: Vec<u8>,
}

struct Waiting {
    hdr: u64,
    key: Range<usize>,
    value: Range<usize>,
    /// Of the entries up to and including this one.
    extent: Extent,
}

impl Level {
    fn new(level: usize) -> Level {
        let level = u8::try_from(level).expect("a tree of at most 256 levels");
        Level { level, lower: Vec::new(), waiting: Vec::new(), bytes: Vec::new() }
    }

    fn key(&self, at: usize) -> &[u8] {
        &self.bytes[self.waiting[at].key.clone()]
    }

    fn extent(&self, len: usize) -> Extent {
        len.checked_sub(1).map_or_else(|| Extent::new(self.level), |last| self.waiting[last].extent)
    }

    fn push(&mut self, key: &[u8], hdr: u64, value: &[u8]) {
        assert!(self.waiting.is_empty() || self.key(self.waiting.len() - 1) < key, "entries in ascending order");
        let extent = self.extent(self.waiting.len()).with(key.len(), value.len());
        let at = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        let (key, value) = (at..at + key.len(), at + key.len()..self.bytes.len());
        self.waiting.push(Waiting { hdr, key, value, extent });
    }

    /// The fence between entry `at` and the one in front of it. An inner page's is the key: it is the child's fence.
    fn fence(&self, at: usize, key: &[u8]) -> Vec<u8> {
        if self.level > 0 { key.to_vec() } else { separator(self.key(at - 1), key).to_vec() }
    }

    /// Whether the entry would take the page beyond nine tenths, if it ended right behind it.
    fn is_full(&self, key: &[u8], value: &[u8], page_bytes: usize) -> bool {
        let with = self.extent(self.waiting.len()).with(key.len(), value.len());
        let beyond = |bytes| bytes * 10 > page_bytes * 9;
        // Most often there is room even if the keys had nothing in common.
        !self.waiting.is_empty()
            && beyond(with.page_bytes(b"", self.lower.len() + key.len(), key))
            && beyond(with.page_bytes(&self.lower, key.len(), key))
    }

    fn fits(&self, len: usize, upper: Option<&[u8]>, page_bytes: usize) -> bool {
        let last = len.checked_sub(1).map_or(&[][..], |last| self.key(last));
        self.extent(len).page_bytes(&self.lower, upper.unwrap_or_default().len(), last) <= page_bytes
    }

    /// The last cut in front of which everything fits; `next` is the key behind the waiting ones, if it may be there.
    fn last_cut(&self, next: Option<&[u8]>, page_bytes: usize) -> (usize, Vec<u8>) {
        let len = self.waiting.len();
        let behind_all = next.map(|key| (len, self.fence(len, key)));
        behind_all
            .into_iter()
            .chain((1..len).rev().map(|at| (at, self.fence(at, self.key(at)))))
            .find(|(at, fence)| self.fits(*at, Some(fence), page_bytes))
            .expect("two fences and an entry fit in a page")
    }

    fn fill(&self, page: &mut [u8], len: usize, upper: Option<&[u8]>) {
        let entries = self.waiting[..len].iter();
        let entries = entries.map(|e| (&self.bytes[e.key.clone()], e.hdr, &self.bytes[e.value.clone()]));
        let last_key = len.checked_sub(1).map_or(&[][..], |last| self.key(last));
        NodeMut::build(page, self.level, (&self.lower, upper), entries, last_key);
    }

    /// The first `at` entries are in a page; the others are what the next one begins with.
    fn go_on(&mut self, at: usize, fence: Vec<u8>) {
        self.lower = fence;
        let waiting = std::mem::take(&mut self.waiting);
        let bytes = std::mem::take(&mut self.bytes);
        for entry in &waiting[at..] {
            self.push(&bytes[entry.key.clone()], entry.hdr, &bytes[entry.value.clone()]);
        }
        if self.waiting.is_empty() {
            (self.waiting, self.bytes) = (waiting, bytes);
            self.waiting.clear();
            self.bytes.clear();
        }
    }
}
