//! Walking a whole tree and checking its shape.

use super::super::page::{Node, Slot};
use super::super::pager::Pager;
use super::search::{check_level, damaged};
use crate::base::{PageId, Result};

/// What a walk meets: each page once, before the entries in it.
pub enum Visit<'a> {
    Page(PageId),
    Entry { key: &'a [u8], slot: Slot<'a> },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeStats {
    /// Levels, the leaves' included.
    pub height: usize,
    pub leaves: usize,
    pub inner_pages: usize,
    /// Ghosts included.
    pub entries: usize,
    pub ghosts: usize,
    /// Bytes in use in the leaves.
    pub leaf_bytes: usize,
}

/// Checks every invariant of the tree's shape: XX001 when one does not hold. Nobody writes meanwhile.
pub fn verify(pager: &Pager, root: PageId, visit: &mut dyn FnMut(Visit<'_>)) -> Result<TreeStats> {
    let mut walk = Walk { pager, visit, stats: TreeStats::default() };
    walk.page(root, None, b"", None)?;
    Ok(walk.stats)
}

struct Walk<'a> {
    pager: &'a Pager,
    visit: &'a mut dyn FnMut(Visit<'_>),
    stats: TreeStats,
}

impl Walk<'_> {
    /// As deep as the tree is high, which the levels bound. No latch is held on the way down.
    fn page(&mut self, pid: PageId, above: Option<u8>, lower: &[u8], upper: Option<&[u8]>) -> Result<()> {
        let page = self.pager.read(pid)?.to_vec();
        let node = Node::new(&page);
        node.check().map_err(|what| damaged(pid, what))?;
        match above {
            Some(level) => check_level(pid, node, level)?,
            None => self.stats.height = usize::from(node.level()) + 1,
        }
        if node.lower() != lower || node.upper() != upper {
            return Err(damaged(pid, "its fences are not those that its parent says"));
        }
        (self.visit)(Visit::Page(pid));
        if node.is_leaf() {
            self.entries(node);
            return Ok(());
        }
        self.stats.inner_pages += 1;
        let separators: Vec<Vec<u8>> = (1..node.len()).map(|at| node.key(at)).collect();
        for at in 0..node.len() {
            let lower = if at == 0 { lower } else { &separators[at - 1] };
            let upper = separators.get(at).map_or(upper, |next| Some(next));
            self.page(PageId(node.child(at)), Some(node.level()), lower, upper)?;
        }
        Ok(())
    }

    fn entries(&mut self, node: Node<'_>) {
        self.stats.leaves += 1;
        self.stats.entries += node.len();
        self.stats.ghosts += node.ghosts();
        self.stats.leaf_bytes += node.used_bytes();
        for at in 0..node.len() {
            (self.visit)(Visit::Entry { key: &node.key(at), slot: node.slot(at) });
        }
    }
}
