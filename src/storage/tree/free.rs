//! Giving a dropped tree's pages back, from its end, children before their parent. What is left can always be walked from
//! the root, so the work can stop anywhere, also at a crash; leaves are not read.

use super::super::page::{Node, NodeMut};
use super::super::pager::{PageWriter, Pager};
use super::search::check_level;
use crate::base::{PageId, Result};

/// Frees about `budget` pages of a tree that nobody reads any more, its root last; true when there is more to do. In
/// between the tree is good for nothing but the next call and [`each_page`], also after a restart.
pub fn free_all(w: &PageWriter<'_>, root: PageId, budget: usize) -> Result<bool> {
    let level = Node::new(&w.read(root)?).level();
    let mut budget = budget.max(1);
    if level > 0 && !free_children(w, root, level, &mut budget)? {
        return Ok(true);
    }
    w.free(root);
    Ok(false)
}

/// Frees what is below an inner page; false when the budget ends first. As deep as the tree is high.
fn free_children(w: &PageWriter<'_>, pid: PageId, level: u8, budget: &mut usize) -> Result<bool> {
    loop {
        let page = w.read(pid)?;
        let node = Node::new(&page);
        let Some(last) = node.len().checked_sub(1) else { return Ok(true) };
        let child = PageId(node.child(last));
        drop(page);
        if *budget == 0 {
            return Ok(false);
        }
        if level > 1 {
            check_level(child, Node::new(&w.read(child)?), level)?;
            if !free_children(w, child, level - 1, budget)? {
                return Ok(false);
            }
        }
        NodeMut::new(&mut w.page_mut(pid)?).truncate(last);
        w.free(child);
        *budget = budget.saturating_sub(1);
    }
}

/// Visits the pages of a tree, whole or half freed, that nobody changes meanwhile.
pub fn each_page(pager: &Pager, root: PageId, visit: &mut dyn FnMut(PageId)) -> Result<()> {
    visit(root);
    let page = pager.read(root)?;
    let level = Node::new(&page).level();
    let children: Vec<PageId> = children(Node::new(&page));
    drop(page);
    below(pager, children, level, visit)
}

fn children(node: Node<'_>) -> Vec<PageId> {
    if node.is_leaf() { Vec::new() } else { (0..node.len()).map(|at| PageId(node.child(at))).collect() }
}

fn below(pager: &Pager, pids: Vec<PageId>, level: u8, visit: &mut dyn FnMut(PageId)) -> Result<()> {
    for pid in pids {
        visit(pid);
        if level > 1 {
            let page = pager.read(pid)?;
            check_level(pid, Node::new(&page), level)?;
            let children = children(Node::new(&page));
            drop(page);
            below(pager, children, level - 1, visit)?;
        }
    }
    Ok(())
}
