//! Range reads, a leaf at a time. Between two leaves a scan holds a key and nothing else: the fence where the last leaf
//! ended, with which it descends again. Whatever was split or merged meanwhile, that finds the next keys.

use super::super::page::{Node, Slot};
use super::super::pager::Pager;
use super::super::range::{Direction, KeyRange};
use super::search::{Toward, leaf};
use crate::base::{PageId, Result};
use smallvec::SmallVec;
use std::ops::{Bound, Range};

/// Where a scan stands after a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing of the range is left.
    Done,
    /// The rest of the range: forward from this fence on (`Bound::Included`), backward up to it (`Bound::Excluded`).
    Next(Vec<u8>),
    /// The visitor said stop; it has seen the last key that it was given.
    Stopped,
}

/// Visits, in order, the entries of the range in one leaf, the first that can hold any, under its shared latch, until `f`
/// says false. A leaf without entries of the range is answered with `Next` or `Done` and no call.
pub fn visit_leaf(
    pager: &Pager,
    root: PageId,
    range: &KeyRange,
    direction: Direction,
    mut f: impl FnMut(&[u8], Slot<'_>) -> bool,
) -> Result<Step> {
    let toward = match direction {
        Direction::Forward => match &range.lower {
            Bound::Included(key) | Bound::Excluded(key) => Toward::Key(key),
            Bound::Unbounded => Toward::First,
        },
        Direction::Backward => match &range.upper {
            Bound::Excluded(key) if key.is_empty() => return Ok(Step::Done),
            Bound::Excluded(key) => Toward::Below(key),
            Bound::Included(key) => Toward::Key(key),
            Bound::Unbounded => Toward::Last,
        },
    };
    let page = leaf(pager, root, toward, Some(direction))?;
    let node = Node::new(&page);
    let entries = positions(node, range);
    let all = match direction {
        Direction::Forward => visit(node, entries, &mut f),
        Direction::Backward => visit(node, entries.rev(), &mut f),
    };
    Ok(if all { rest(node, range, direction) } else { Step::Stopped })
}

fn visit(
    node: Node<'_>,
    mut entries: impl Iterator<Item = usize>,
    f: &mut impl FnMut(&[u8], Slot<'_>) -> bool,
) -> bool {
    let prefix = node.prefix();
    if prefix.is_empty() {
        return entries.all(|at| f(node.suffix(at), node.slot(at)));
    }
    let mut key = SmallVec::<[u8; 256]>::from_slice(prefix);
    entries.all(|at| {
        key.truncate(prefix.len());
        key.extend_from_slice(node.suffix(at));
        f(&key, node.slot(at))
    })
}

/// The entries of the leaf that lie in the range.
fn positions(node: Node<'_>, range: &KeyRange) -> Range<usize> {
    let from = match &range.lower {
        Bound::Included(key) => position(node, key, false),
        Bound::Excluded(key) => position(node, key, true),
        Bound::Unbounded => 0,
    };
    let to = match &range.upper {
        Bound::Included(key) => position(node, key, true),
        Bound::Excluded(key) => position(node, key, false),
        Bound::Unbounded => node.len(),
    };
    from..to.max(from)
}

/// How many entries of the leaf are below `key`, or not above it. The key may lie outside the fences.
fn position(node: Node<'_>, key: &[u8], with_equal: bool) -> usize {
    if key < node.lower() {
        0
    } else if node.upper().is_some_and(|upper| key >= upper) {
        node.len()
    } else {
        match node.search(key) {
            Ok(at) => at + usize::from(with_equal),
            Err(at) => at,
        }
    }
}

fn rest(node: Node<'_>, range: &KeyRange, direction: Direction) -> Step {
    match direction {
        Direction::Forward => match node.upper() {
            Some(fence) if !ends_before(&range.upper, fence) => Step::Next(fence.to_vec()),
            _ => Step::Done,
        },
        Direction::Backward => {
            let fence = node.lower();
            let below = match &range.lower {
                Bound::Included(low) | Bound::Excluded(low) => low.as_slice() < fence,
                Bound::Unbounded => !fence.is_empty(),
            };
            if below { Step::Next(fence.to_vec()) } else { Step::Done }
        }
    }
}

/// Whether no key from `fence` on is below the upper bound.
fn ends_before(upper: &Bound<Vec<u8>>, fence: &[u8]) -> bool {
    match upper {
        Bound::Included(high) => high.as_slice() < fence,
        Bound::Excluded(high) => high.as_slice() <= fence,
        Bound::Unbounded => false,
    }
}
