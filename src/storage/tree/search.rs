//! From the root to a leaf, for readers: shared latches hand over hand, so that no split or merge comes between a page and
//! its child. A child that is not in memory is loaded with no latch held, and the descent starts again: by then the tree
//! may look different.

use super::super::page::{Node, Slot};
use super::super::pager::{PageRead, Pager};
use super::super::range::Direction;
use crate::base::{Error, PageId, Result, SqlState};
use smallvec::SmallVec;

/// How many leaves a scan that misses one asks for ahead.
const READ_AHEAD: usize = 8;

/// A child that a page of the tree names keeps being no page: damage, not a race.
const MISSING_MAX: usize = 100;

/// Which leaf a descent looks for.
#[derive(Clone, Copy)]
pub(super) enum Toward<'k> {
    /// The leaf where the key is or belongs.
    Key(&'k [u8]),
    /// The leaf with the last keys below this one, which is not empty.
    Below(&'k [u8]),
    First,
    Last,
}

impl Toward<'_> {
    fn child(self, node: Node<'_>) -> usize {
        match self {
            Toward::Key(key) => node.child_of(key),
            Toward::Below(key) => node.child_below(key),
            Toward::First => 0,
            Toward::Last => node.len() - 1,
        }
    }
}

pub(super) fn damaged(pid: PageId, what: impl std::fmt::Display) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("page {pid} is damaged: {what}"))
}

/// The child's level tells a page of this tree from any other; and it makes every descent end.
pub(super) fn check_level(pid: PageId, child: Node<'_>, parent_level: u8) -> Result<()> {
    if !child.is_formatted() || Some(child.level()) != parent_level.checked_sub(1) {
        return Err(damaged(pid, format_args!("it is not a page of level {}", i32::from(parent_level) - 1)));
    }
    Ok(())
}

/// A page that was only allocated is no root.
pub(super) fn check_root(pid: PageId, root: Node<'_>) -> Result<()> {
    if root.is_formatted() { Ok(()) } else { Err(damaged(pid, "it is not a page of a tree")) }
}

/// The leaf, under its shared latch. A scan says where it goes on from there.
pub(super) fn leaf<'p>(
    pager: &'p Pager,
    root: PageId,
    toward: Toward<'_>,
    scan: Option<Direction>,
) -> Result<PageRead<'p>> {
    let mut missing = 0;
    loop {
        match descend(pager, root, toward, scan)? {
            Ok(page) => return Ok(page),
            Err(absent) => {
                let [child, ahead @ ..] = absent.as_slice() else { unreachable!("the absent child comes first") };
                if !ahead.is_empty() {
                    pager.prefetch(ahead);
                }
                if !pager.load(*child)? {
                    missing += 1;
                    if missing == MISSING_MAX {
                        return Err(damaged(*child, "a tree refers to it, but it does not exist"));
                    }
                }
            }
        }
    }
}

/// A child that is not in memory, and those that a scan wants after it.
type Absent = SmallVec<[PageId; 1 + READ_AHEAD]>;

fn descend<'p>(
    pager: &'p Pager,
    root: PageId,
    toward: Toward<'_>,
    scan: Option<Direction>,
) -> Result<Result<PageRead<'p>, Absent>> {
    let mut page = pager.read(root)?;
    check_root(root, Node::new(&page))?;
    loop {
        let node = Node::new(&page);
        let level = node.level();
        if level == 0 {
            return Ok(Ok(page));
        }
        let at = toward.child(node);
        let pid = PageId(node.child(at));
        let Some(child) = pager.read_resident(pid) else {
            let ahead = if level == 1 { scan } else { None };
            return Ok(Err(absent(node, at, ahead)));
        };
        check_level(pid, Node::new(&child), level)?;
        page = child;
    }
}

fn absent(node: Node<'_>, at: usize, scan: Option<Direction>) -> Absent {
    let child = |at| PageId(node.child(at));
    match scan {
        None => std::iter::once(child(at)).collect(),
        Some(Direction::Forward) => (at..node.len()).take(1 + READ_AHEAD).map(child).collect(),
        Some(Direction::Backward) => (0..=at).rev().take(1 + READ_AHEAD).map(child).collect(),
    }
}

/// Calls `f` with the newest state of the entry, under its leaf's shared latch.
pub fn lookup<T>(pager: &Pager, root: PageId, key: &[u8], f: impl FnOnce(Option<Slot<'_>>) -> T) -> Result<T> {
    let page = leaf(pager, root, Toward::Key(key), None)?;
    let node = Node::new(&page);
    Ok(f(node.search(key).ok().map(|at| node.slot(at))))
}

/// The page above the leaf of `key`, under its shared latch; none when the root is a leaf. Inner pages are read in.
pub(super) fn above_leaf<'p>(pager: &'p Pager, root: PageId, key: &[u8]) -> Result<Option<PageRead<'p>>> {
    loop {
        let mut page = pager.read(root)?;
        check_root(root, Node::new(&page))?;
        let absent = loop {
            let node = Node::new(&page);
            let level = node.level();
            if level <= 1 {
                return Ok((level == 1).then_some(page));
            }
            let pid = PageId(node.child(node.child_of(key)));
            let Some(child) = pager.read_resident(pid) else { break pid };
            check_level(pid, Node::new(&child), level)?;
            page = child;
        };
        drop(page);
        if !pager.load(absent)? {
            // Whoever really needs it looks whether it is damage.
            return Ok(None);
        }
    }
}

/// Reads the leaf of `key` into memory.
pub fn prefault(pager: &Pager, root: PageId, key: &[u8]) -> Result<()> {
    leaf(pager, root, Toward::Key(key), None).map(drop)
}
