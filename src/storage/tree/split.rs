//! Making room. Each call takes one step that leaves a whole tree behind: a page is split whose parent has room for the
//! separator, or the root's content moves down to a new page. Whoever needs the room tries again, and comes back for the
//! next step if it is still not enough. That is rare enough that descending again costs nothing that counts.

use super::super::page::{Cut, Node, NodeMut, PAGER_HEAD_BYTES};
use super::super::pager::PageWriter;
use super::update::path;
use crate::base::{PageId, Result};

/// Takes one step towards room for `key` in its leaf, which is too full for it.
pub(super) fn step(w: &PageWriter<'_>, root: PageId, key: &[u8]) -> Result<()> {
    let path = path(w, root, key)?;
    let mut key = key.to_vec();
    for pair in path.windows(2).rev() {
        let [parent, child] = pair else { unreachable!("windows of two") };
        let page = w.read(child.pid)?;
        let node = Node::new(&page);
        let cut = node.cut(node.search(&key), &key);
        drop(page);
        if Node::new(&w.read(parent.pid)?).has_room_for_child(&cut.separator) {
            return split(w, parent.pid, child.pid, &cut);
        }
        key = cut.separator;
    }
    push_down(w, root)
}

/// Moves what is behind the cut to a new page, right of the old one.
fn split(w: &PageWriter<'_>, parent: PageId, left: PageId, cut: &Cut) -> Result<()> {
    // The new page comes first: nobody else can want its latch, and no other one is held while a frame is found for it.
    let (right_pid, mut right) = w.allocate()?;
    let mut parent = w.page_mut(parent)?;
    let mut left = w.page_mut(left)?;
    let old = left.to_vec();
    let old = Node::new(&old);
    NodeMut::fill(&mut right, &cut.separator, old.upper(), &[(old, cut.at..old.len())]);
    NodeMut::fill(&mut left, old.lower(), Some(&cut.separator), &[(old, 0..cut.at)]);
    let mut parent = NodeMut::new(&mut parent);
    let at = parent.node().search(&cut.separator).expect_err("a separator between two others");
    assert!(parent.put_child(at, &cut.separator, right_pid.0), "the parent has room");
    Ok(())
}

/// Makes the root the parent of one new page that has all its content.
fn push_down(w: &PageWriter<'_>, root: PageId) -> Result<()> {
    let (pid, mut child) = w.allocate()?;
    let mut page = w.page_mut(root)?;
    child[PAGER_HEAD_BYTES..].copy_from_slice(&page[PAGER_HEAD_BYTES..]);
    let level = Node::new(&page).level().checked_add(1).expect("a tree of at most 256 levels");
    let fits = NodeMut::init(&mut page, level, b"", None).put_child(0, b"", pid.0);
    assert!(fits, "one child fits in a page");
    Ok(())
}
