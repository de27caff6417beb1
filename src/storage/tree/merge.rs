//! Giving space back: after a removal, pages on the way to the key that hold little are merged with a neighbour under the
//! same parent, and a root with one child takes that child's place. One step at a time, until there is none to take.

use super::super::page::{Node, NodeMut, PAGER_HEAD_BYTES};
use super::super::pager::PageWriter;
use super::update::{Hop, path};
use crate::base::{PageId, Result};

/// Merges what can be merged on the way to the key.
pub(super) fn tidy(w: &PageWriter<'_>, root: PageId, key: &[u8]) -> Result<()> {
    loop {
        let path = path(w, root, key)?;
        if !step(w, &path)? {
            return Ok(());
        }
    }
}

fn step(w: &PageWriter<'_>, path: &[Hop]) -> Result<bool> {
    for pair in path.windows(2).rev() {
        let [parent, child] = pair else { unreachable!("windows of two") };
        if !Node::new(&w.read(child.pid)?).is_sparse() {
            continue;
        }
        for left in [Some(parent.child), parent.child.checked_sub(1)].into_iter().flatten() {
            if let Some((left_pid, right_pid)) = fitting(w, parent.pid, left)? {
                merge(w, parent.pid, left + 1, left_pid, right_pid)?;
                return Ok(true);
            }
        }
    }
    let root = path[0].pid;
    let page = w.read(root)?;
    let node = Node::new(&page);
    if node.is_leaf() || node.len() > 1 {
        return Ok(false);
    }
    drop(page);
    pull_up(w, root)?;
    Ok(true)
}

/// The parent's children `left` and the one behind it, if they fit in one page. Pages with entries leave some room, so that
/// the next insert does not split them again.
fn fitting(w: &PageWriter<'_>, parent: PageId, left: usize) -> Result<Option<(PageId, PageId)>> {
    let page = w.read(parent)?;
    let node = Node::new(&page);
    if left + 1 >= node.len() {
        return Ok(None);
    }
    let (left_pid, right_pid) = (PageId(node.child(left)), PageId(node.child(left + 1)));
    drop(page);
    let left = w.read(left_pid)?;
    let right = w.read(right_pid)?;
    let (left, right) = (Node::new(&left), Node::new(&right));
    let most = if left.len() == 0 || right.len() == 0 { w.page_bytes() } else { w.page_bytes() * 7 / 8 };
    Ok((left.merged_bytes(right) <= most).then_some((left_pid, right_pid)))
}

/// Moves the right page's entries to the left one and frees the right one, the parent's child `at`.
fn merge(w: &PageWriter<'_>, parent: PageId, at: usize, left: PageId, right_pid: PageId) -> Result<()> {
    let mut parent = w.page_mut(parent)?;
    let mut left = w.page_mut(left)?;
    // Exclusive although it is only read: whoever is in it has left, and nobody comes any more, when it is freed.
    let right = w.page_mut(right_pid)?;
    let old = left.to_vec();
    let (old, moved) = (Node::new(&old), Node::new(&right));
    NodeMut::fill(&mut left, old.lower(), moved.upper(), &[(old, 0..old.len()), (moved, 0..moved.len())]);
    NodeMut::new(&mut parent).remove(at);
    drop((parent, left, right));
    w.free(right_pid);
    Ok(())
}

/// The root's only child becomes the root's content.
fn pull_up(w: &PageWriter<'_>, root: PageId) -> Result<()> {
    let mut page = w.page_mut(root)?;
    let pid = PageId(Node::new(&page).child(0));
    let child = w.page_mut(pid)?;
    page[PAGER_HEAD_BYTES..].copy_from_slice(&child[PAGER_HEAD_BYTES..]);
    drop((page, child));
    w.free(pid);
    Ok(())
}
