//! Where a scan is: what is left of its key range. A tree is scanned a leaf at a time; between two leaves the scan
//! holds nothing but this, so it keeps no latch and survives any change to the tree.

use std::ops::Bound;

/// Keys between two bounds, in memcmp order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    pub lower: Bound<Vec<u8>>,
    pub upper: Bound<Vec<u8>>,
}

impl KeyRange {
    pub fn all() -> KeyRange {
        KeyRange { lower: Bound::Unbounded, upper: Bound::Unbounded }
    }

    /// Every key that begins with `prefix`.
    pub fn prefix(prefix: &[u8]) -> KeyRange {
        KeyRange { lower: Bound::Included(prefix.to_vec()), upper: prefix_end(prefix) }
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        let above = match &self.lower {
            Bound::Included(low) => key >= low.as_slice(),
            Bound::Excluded(low) => key > low.as_slice(),
            Bound::Unbounded => true,
        };
        above
            && match &self.upper {
                Bound::Included(high) => key <= high.as_slice(),
                Bound::Excluded(high) => key < high.as_slice(),
                Bound::Unbounded => true,
            }
    }

    /// No key can lie in it. (`BTreeMap::range` panics on such bounds, so callers ask first.)
    pub fn is_empty(&self) -> bool {
        match (&self.lower, &self.upper) {
            (Bound::Included(low), Bound::Included(high)) => low > high,
            (Bound::Included(low) | Bound::Excluded(low), Bound::Excluded(high))
            | (Bound::Excluded(low), Bound::Included(high)) => low >= high,
            _ => false,
        }
    }
}

/// The upper bound behind every key that begins with `prefix`: the prefix with its last byte below 0xff increased.
pub fn prefix_end(prefix: &[u8]) -> Bound<Vec<u8>> {
    match prefix.iter().rposition(|&b| b != 0xff) {
        None => Bound::Unbounded,
        Some(last) => {
            let mut end = prefix[..=last].to_vec();
            end[last] += 1;
            Bound::Excluded(end)
        }
    }
}

/// Which end of its range a scan starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// A scan's position: the part of its range that it has not looked at.
#[derive(Clone, Debug)]
pub struct Cursor {
    pub rest: KeyRange,
    pub direction: Direction,
    /// Nothing is left.
    pub done: bool,
}

impl Cursor {
    pub fn new(range: KeyRange, direction: Direction) -> Cursor {
        let done = range.is_empty();
        Cursor { rest: range, direction, done }
    }

    fn near_end(&mut self) -> &mut Bound<Vec<u8>> {
        match self.direction {
            Direction::Forward => &mut self.rest.lower,
            Direction::Backward => &mut self.rest.upper,
        }
    }

    /// Everything before the fence between two leaves has been looked at, which belongs to the right one.
    pub fn skip_to(&mut self, fence: Vec<u8>) {
        *self.near_end() = match self.direction {
            Direction::Forward => Bound::Included(fence),
            Direction::Backward => Bound::Excluded(fence),
        };
        self.done |= self.rest.is_empty();
    }

    /// Everything before `key` has been looked at, and the key has not.
    pub fn stand_at(&mut self, key: &[u8]) {
        *self.near_end() = Bound::Included(key.to_vec());
    }

    /// Everything up to and including `key` has been looked at.
    pub fn advance_past(&mut self, key: &[u8]) {
        let end = self.near_end();
        match end {
            Bound::Excluded(old) => {
                old.clear();
                old.extend_from_slice(key);
            }
            _ => *end = Bound::Excluded(key.to_vec()),
        }
        self.done |= self.rest.is_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_range_ends_behind_its_last_key() {
        let r = KeyRange::prefix(&[1, 0xff]);
        assert_eq!(r.upper, Bound::Excluded(vec![2]));
        assert!(r.contains(&[1, 0xff]) && r.contains(&[1, 0xff, 0xff, 0xff]) && !r.contains(&[2]));
        assert_eq!(prefix_end(&[0xff, 0xff]), Bound::Unbounded);
        assert_eq!(prefix_end(&[]), Bound::Unbounded);
    }

    #[test]
    fn a_cursor_that_passed_its_last_key_is_done() {
        let mut c = Cursor::new(
            KeyRange { lower: Bound::Included(vec![1]), upper: Bound::Excluded(vec![3]) },
            Direction::Backward,
        );
        c.advance_past(&[2]);
        assert!(!c.done && c.rest.contains(&[1]) && !c.rest.contains(&[2]));
        c.advance_past(&[1]);
        assert!(c.done);
        assert!(
            Cursor::new(
                KeyRange { lower: Bound::Included(vec![3]), upper: Bound::Excluded(vec![3]) },
                Direction::Forward
            )
            .done
        );
    }
}
