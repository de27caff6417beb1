//! A tree built from the bottom up. Each level keeps the entries of the page that it is filling; when the next one would
//! take the page beyond nine tenths, the page is written and its separator goes to the level above. What a page takes is
//! known only with its last key and its upper fence, because they decide how much of the keys is prefix: so entries wait
//! outside a page, and those that do not fit after all move on to the next.

use super::super::page::{Extent, Limits, NodeMut, separator};
use super::super::pager::PageWriter;
use crate::base::{PageId, Result};
use std::ops::Range;

/// Builds a tree from entries in ascending order, in pages that nothing refers to before [`Builder::finish`].
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

    /// The root of the tree with all that was pushed.
    pub fn finish(mut self, w: &PageWriter<'_>) -> Result<PageId> {
        let mut level = 0;
        loop {
            while !self.levels[level].fits(self.levels[level].waiting.len(), None, self.page_bytes) {
                let cut = self.levels[level].last_cut(None, self.page_bytes);
                self.write(w, level, cut)?;
            }
            if level + 1 == self.levels.len() {
                let all = self.levels[level].waiting.len();
                return self.write_page(w, level, all, None);
            }
            let lower = self.levels[level].lower.clone();
            let all = self.levels[level].waiting.len();
            let pid = self.write_page(w, level, all, None)?;
            level += 1;
            self.add(w, level, &lower, u64::from(pid.0), b"")?;
        }
    }

    /// Gives the pages back.
    pub fn abandon(self, w: &PageWriter<'_>) {
        for pid in self.pages {
            w.free(pid);
        }
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
        !self.waiting.is_empty() && with.page_bytes(&self.lower, key.len(), key) * 10 > page_bytes * 9
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
        let mut node = NodeMut::init(page, self.level, &self.lower, upper);
        for (at, entry) in self.waiting[..len].iter().enumerate() {
            let key = &self.bytes[entry.key.clone()];
            let fits = match self.level {
                0 => node.put(Err(at), key, entry.hdr, false, &self.bytes[entry.value.clone()]),
                _ => node.put_child(at, key, u32::try_from(entry.hdr).expect("a page id")),
            };
            assert!(fits, "what was measured fits");
        }
    }

    /// The first `at` entries are in a page; the others are what the next one begins with.
    fn go_on(&mut self, at: usize, fence: Vec<u8>) {
        let mut rest = Level { level: self.level, lower: fence, waiting: Vec::new(), bytes: Vec::new() };
        for entry in &self.waiting[at..] {
            rest.push(&self.bytes[entry.key.clone()], entry.hdr, &self.bytes[entry.value.clone()]);
        }
        *self = rest;
    }
}
