//! The versions of one entry: the newest inside the tree, older ones in a chain behind it, newest first.
//!
//! A version counts from its commit until the next version's. Versions that no present or future snapshot can need are
//! cut out, wherever in the chain they are, so a chain is as long as the number of snapshots that see different
//! versions, not as the number of updates.

use super::super::needed::Needed;
use crate::base::Lsn;

/// One state of an entry: `value: None` is a ghost, the state after a delete.
#[derive(Debug)]
pub struct Version {
    pub lsn: Lsn,
    pub value: Option<Box<[u8]>>,
    pub older: Option<Box<Version>>,
}

impl Version {
    pub fn new(lsn: Lsn, value: Option<&[u8]>) -> Version {
        Version { lsn, value: value.map(Box::from), older: None }
    }

    /// The value that counts at `lsn`.
    pub fn at(&self, lsn: Lsn) -> Option<&[u8]> {
        let mut v = self;
        while v.lsn > lsn {
            v = v.older.as_deref()?;
        }
        v.value.as_deref()
    }

    /// Puts a newer version in front.
    pub fn push(&mut self, lsn: Lsn, value: Option<&[u8]>) {
        let old = std::mem::replace(self, Version::new(lsn, value));
        self.older = Some(Box::new(old));
    }

    /// Cuts out what nobody needs. True when the whole entry can go: a ghost that everybody sees.
    pub fn prune(&mut self, needed: &Needed) -> bool {
        let mut newer = self.lsn;
        let mut link = &mut self.older;
        while let Some(v) = link.as_mut() {
            if needed.wants(v.lsn, newer) {
                newer = v.lsn;
                link = &mut link.as_mut().expect("just matched").older;
            } else {
                // No snapshot is in v's interval, so what is behind it may count for that interval too.
                let rest = v.older.take();
                *link = rest;
            }
        }
        // A ghost at the end of the chain says what the chain's end says anyway.
        self.drop_last_ghost();
        self.value.is_none() && self.older.is_none() && self.lsn <= needed.oldest()
    }

    fn drop_last_ghost(&mut self) {
        let mut link = &mut self.older;
        loop {
            match link {
                None => return,
                Some(v) if v.older.is_none() => {
                    if v.value.is_none() {
                        *link = None;
                    }
                    return;
                }
                Some(v) => link = &mut v.older,
            }
        }
    }

    /// Number of versions behind the newest.
    pub fn depth(&self) -> usize {
        std::iter::successors(self.older.as_deref(), |v| v.older.as_deref()).count()
    }
}

/// Unhooks the chain link by link: dropping a long one recursively would overflow the stack.
impl Drop for Version {
    fn drop(&mut self) {
        let mut next = self.older.take();
        while let Some(mut v) = next {
            next = v.older.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(lsns: &[u64]) -> Version {
        let mut v = Version::new(Lsn(lsns[0]), Some(&[lsns[0] as u8]));
        for &l in &lsns[1..] {
            v.push(Lsn(l), Some(&[l as u8]));
        }
        v
    }

    fn needed(snapshots: &[u64], floor: u64) -> Needed {
        Needed { snapshots: snapshots.iter().copied().map(Lsn).collect(), floor: Lsn(floor), changes_after: Lsn::MAX }
    }

    #[test]
    fn the_version_of_a_snapshot_is_the_newest_not_above_it() {
        let v = chain(&[10, 20, 30]);
        let at = |l| v.at(Lsn(l)).map(|b| b[0]);
        assert_eq!([at(9), at(10), at(25), at(30), at(99)], [None, Some(10), Some(20), Some(30), Some(30)]);
    }

    #[test]
    fn prune_keeps_one_version_for_each_snapshot_and_all_above_the_floor() {
        let mut v = chain(&[10, 20, 30, 40, 50, 60]);
        assert!(!v.prune(&needed(&[25], 45)));
        assert_eq!(v.at(Lsn(25)).unwrap(), [20]);
        assert_eq!(v.at(Lsn(45)).unwrap(), [40]);
        assert_eq!(v.at(Lsn(55)).unwrap(), [50]);
        assert_eq!(v.depth(), 3);
        assert!(!v.prune(&needed(&[], 60)));
        assert_eq!(v.depth(), 0);
    }

    #[test]
    fn a_ghost_goes_when_everybody_sees_it() {
        let mut v = chain(&[10]);
        v.push(Lsn(20), None);
        assert!(!v.prune(&needed(&[], 15)));
        assert_eq!(v.at(Lsn(15)).unwrap(), [10]);
        assert!(v.prune(&needed(&[], 20)));
    }

    #[test]
    fn a_long_chain_drops_without_recursion() {
        let mut v = chain(&[1]);
        for l in 2..300_000 {
            v.push(Lsn(l), None);
        }
        drop(v);
    }
}
