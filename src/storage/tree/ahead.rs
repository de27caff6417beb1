//! Which leaves changes will touch, so that those that are not in memory can be asked for all at once.

use super::super::page::Node;
use super::super::pager::{PageRead, Pager};
use super::search::above_leaf;
use crate::base::{PageId, Result};

/// Gathers the leaves of keys, which should come in order: then most of them need no way down from the root. Holds a
/// shared latch from one key to the next, so nobody may wait for the tree's writer meanwhile.
pub struct Ahead<'p> {
    pager: &'p Pager,
    root: PageId,
    above: Option<PageRead<'p>>,
    leaves: Vec<PageId>,
}

impl<'p> Ahead<'p> {
    pub fn new(pager: &'p Pager, root: PageId) -> Ahead<'p> {
        Ahead { pager, root, above: None, leaves: Vec::new() }
    }

    pub fn note(&mut self, key: &[u8]) -> Result<()> {
        if self.above.as_ref().is_none_or(|page| !Node::new(page).covers(key)) {
            self.above = None;
            self.above = above_leaf(self.pager, self.root, key)?;
        }
        let Some(above) = &self.above else { return Ok(()) };
        let node = Node::new(above);
        let leaf = PageId(node.child(node.child_of(key)));
        if self.leaves.last() != Some(&leaf) {
            self.leaves.push(leaf);
        }
        Ok(())
    }

    /// Asks for those that are not in memory. Returns at once.
    pub fn prefetch(self) {
        drop(self.above);
        self.pager.prefetch(&self.leaves);
    }
}
