//! Changing an entry: the writer finds the leaf with short shared latches, asks what to do, and takes the exclusive latch
//! of that one leaf. Only when the leaf is too full, or nearly empty afterwards, does more of the tree change.

use super::super::page::{Limits, Node, NodeMut, Slot};
use super::super::pager::{PageRead, PageWriter};
use super::search::{check_level, check_root};
use super::{merge, split};
use crate::base::{PageId, Result};
use smallvec::SmallVec;

/// What becomes of an entry.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    Keep,
    /// A live state with this value.
    Put {
        hdr: u64,
        value: &'a [u8],
    },
    /// Deleted, but still there for older readers. The value's bytes are dropped: the history holds them.
    Ghost {
        hdr: u64,
    },
    /// The entry goes.
    Remove,
}

/// The leaf of the last change: the next key, when keys come in order, is mostly there too, and needs no way down from
/// the root.
///
/// It belongs to one tree and one writer's turn: whoever else may change the tree makes it worthless.
#[derive(Default)]
pub struct Finger(Option<PageId>);

/// Makes an empty tree; the answer is its root.
pub fn create(w: &PageWriter<'_>) -> Result<PageId> {
    let (root, mut page) = w.allocate()?;
    NodeMut::init(&mut page, 0, b"", None);
    Ok(root)
}

/// Whether the tree has no entry.
pub fn is_empty(w: &PageWriter<'_>, root: PageId) -> Result<bool> {
    let page = w.read(root)?;
    let node = Node::new(&page);
    check_root(root, node)?;
    Ok(node.is_leaf() && node.len() == 0)
}

/// Shows `f` the newest state of the entry and makes it what `f` says. `f` is called once, under the leaf's shared latch.
/// The key, and key and value together, are within [`Limits`]. An error is one of reading pages; it may come after `f`
/// was called, and then the entry may or may not have changed.
pub fn update<'c, T>(
    w: &PageWriter<'_>,
    root: PageId,
    key: &[u8],
    f: impl FnOnce(Option<Slot<'_>>) -> (Change<'c>, T),
) -> Result<T> {
    update_near(w, root, &mut Finger::default(), key, f)
}

/// [`update`] that looks for the key where the finger is before it descends.
pub fn update_near<'c, T>(
    w: &PageWriter<'_>,
    root: PageId,
    finger: &mut Finger,
    key: &[u8],
    f: impl FnOnce(Option<Slot<'_>>) -> (Change<'c>, T),
) -> Result<T> {
    let near = finger.0.take().map(|leaf| w.read(leaf)).transpose()?;
    let page = match near.filter(|page| Node::new(page).covers(key)) {
        Some(page) => page,
        None => find(w, root, key)?,
    };
    let leaf = page.pid();
    let node = Node::new(&page);
    let at = node.search(key);
    let (change, answer) = f(at.ok().map(|at| node.slot(at)));
    drop(page);
    let stays = match change {
        Change::Keep => true,
        Change::Put { hdr, value } => put(w, root, leaf, at, key, Slot { hdr, ghost: false, value })?,
        Change::Ghost { hdr } => put(w, root, leaf, at, key, Slot { hdr, ghost: true, value: &[] })?,
        Change::Remove => at.map_or(Ok(true), |at| remove(w, root, leaf, at, key))?,
    };
    finger.0 = stays.then_some(leaf);
    Ok(answer)
}

/// The leaf where the key is or belongs. Nobody else changes pages, so a page may be let go before its child is there.
fn find<'w>(w: &PageWriter<'w>, root: PageId, key: &[u8]) -> Result<PageRead<'w>> {
    let mut page = w.read(root)?;
    check_root(root, Node::new(&page))?;
    loop {
        let node = Node::new(&page);
        let level = node.level();
        if level == 0 {
            return Ok(page);
        }
        let pid = PageId(node.child(node.child_of(key)));
        drop(page);
        page = w.read(pid)?;
        check_level(pid, Node::new(&page), level)?;
    }
}

/// A page on the way to a key, and which of its children is next on it.
#[derive(Clone, Copy)]
pub(super) struct Hop {
    pub pid: PageId,
    /// 0 in a leaf.
    pub child: usize,
}

/// The way from the root to the key's leaf.
pub(super) fn path(w: &PageWriter<'_>, root: PageId, key: &[u8]) -> Result<SmallVec<[Hop; 8]>> {
    let mut path = SmallVec::new();
    let mut pid = root;
    let mut above = None;
    loop {
        let page = w.read(pid)?;
        let node = Node::new(&page);
        if let Some(level) = above {
            check_level(pid, node, level)?;
        }
        if node.is_leaf() {
            path.push(Hop { pid, child: 0 });
            return Ok(path);
        }
        let child = node.child_of(key);
        path.push(Hop { pid, child });
        above = Some(node.level());
        pid = PageId(node.child(child));
    }
}

/// Whether the tree's pages are those that they were.
fn put(
    w: &PageWriter<'_>,
    root: PageId,
    leaf: PageId,
    at: Result<usize, usize>,
    key: &[u8],
    slot: Slot<'_>,
) -> Result<bool> {
    let limits = Limits::of(w.page_bytes());
    assert!(key.len() <= limits.key && key.len() + slot.value.len() <= limits.entry, "an entry within the limits");
    if NodeMut::new(&mut w.page_mut(leaf)?).put(at, key, slot.hdr, slot.ghost, slot.value) {
        return Ok(true);
    }
    loop {
        split::step(w, root, key)?;
        let page = find(w, root, key)?;
        let leaf = page.pid();
        let at = Node::new(&page).search(key);
        drop(page);
        if NodeMut::new(&mut w.page_mut(leaf)?).put(at, key, slot.hdr, slot.ghost, slot.value) {
            return Ok(false);
        }
    }
}

/// Whether the tree's pages are those that they were.
fn remove(w: &PageWriter<'_>, root: PageId, leaf: PageId, at: usize, key: &[u8]) -> Result<bool> {
    let mut page = w.page_mut(leaf)?;
    let mut node = NodeMut::new(&mut page);
    node.remove(at);
    let sparse = node.node().is_sparse();
    drop(page);
    if sparse && leaf != root {
        merge::tidy(w, root, key)?;
        return Ok(false);
    }
    Ok(true)
}
