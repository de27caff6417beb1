//! What can be locked, how strongly, and what conflicts: PostgreSQL's two tables ("Table-Level Locks" and "Row-Level
//! Locks" in its manual, chapter 13.3).

use crate::base::{Oid, TreeId};

/// What a lock is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockKey<'a> {
    /// A row by its primary key (row modes).
    Row { tree: TreeId, key: &'a [u8] },
    /// A table, index, sequence, ... (table modes).
    Relation { database: Oid, relation: Oid },
    /// `pg_advisory_lock`: `Share` or `Exclusive`. `sub` is 1 for one 64-bit key, 2 for two 32-bit keys.
    Advisory { database: Oid, class: u32, object: u32, sub: u16 },
    /// Anything with bytes for a name: the key values of a unique index, a catalog name (row modes).
    Name { space: u32, name: &'a [u8] },
}

/// What reports say of a lock: its key without the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockTag {
    Row { tree: TreeId },
    Relation { database: Oid, relation: Oid },
    Advisory { database: Oid, class: u32, object: u32, sub: u16 },
    Name { space: u32 },
}

impl LockKey<'_> {
    pub fn tag(&self) -> LockTag {
        match *self {
            LockKey::Row { tree, .. } => LockTag::Row { tree },
            LockKey::Relation { database, relation } => LockTag::Relation { database, relation },
            LockKey::Advisory { database, class, object, sub } => LockTag::Advisory { database, class, object, sub },
            LockKey::Name { space, .. } => LockTag::Name { space },
        }
    }
}

/// PostgreSQL's four row modes and eight table modes. Row modes only meet row modes, table modes table modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LockMode {
    /// FOR KEY SHARE.
    KeyShare,
    /// FOR SHARE.
    ShareRow,
    /// FOR NO KEY UPDATE, and an UPDATE that changes no key.
    NoKeyUpdate,
    /// FOR UPDATE, DELETE, and an UPDATE that changes a key.
    Update,
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

use LockMode::*;

/// A set of modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Modes(pub(super) u16);

impl Modes {
    pub(super) const NONE: Modes = Modes(0);

    const fn of(modes: &[LockMode]) -> Modes {
        let (mut bits, mut i) = (0, 0);
        while i < modes.len() {
            bits |= 1 << modes[i] as u16;
            i += 1;
        }
        Modes(bits)
    }

    pub(super) fn has(self, mode: LockMode) -> bool {
        self.0 & 1 << mode as u16 != 0
    }

    pub(super) fn with(self, mode: LockMode) -> Modes {
        Modes(self.0 | 1 << mode as u16)
    }

    pub(super) fn without(self, mode: LockMode) -> Modes {
        Modes(self.0 & !(1 << mode as u16))
    }

    pub(super) fn and(self, other: Modes) -> Modes {
        Modes(self.0 | other.0)
    }

    pub(super) fn meets(self, other: Modes) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = LockMode> {
        ALL.into_iter().filter(move |&mode| self.has(mode))
    }
}

const ALL: [LockMode; 12] = [
    KeyShare,
    ShareRow,
    NoKeyUpdate,
    Update,
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
];

/// By mode: the modes it conflicts with.
const CONFLICTS: [Modes; 12] = [
    Modes::of(&[Update]),
    Modes::of(&[NoKeyUpdate, Update]),
    Modes::of(&[ShareRow, NoKeyUpdate, Update]),
    Modes::of(&[KeyShare, ShareRow, NoKeyUpdate, Update]),
    Modes::of(&[AccessExclusive]),
    Modes::of(&[Exclusive, AccessExclusive]),
    Modes::of(&[Share, ShareRowExclusive, Exclusive, AccessExclusive]),
    Modes::of(&[ShareUpdateExclusive, Share, ShareRowExclusive, Exclusive, AccessExclusive]),
    Modes::of(&[RowExclusive, ShareUpdateExclusive, ShareRowExclusive, Exclusive, AccessExclusive]),
    Modes::of(&[RowExclusive, ShareUpdateExclusive, Share, ShareRowExclusive, Exclusive, AccessExclusive]),
    Modes::of(&[RowShare, RowExclusive, ShareUpdateExclusive, Share, ShareRowExclusive, Exclusive, AccessExclusive]),
    Modes::of(&[
        AccessShare,
        RowShare,
        RowExclusive,
        ShareUpdateExclusive,
        Share,
        ShareRowExclusive,
        Exclusive,
        AccessExclusive,
    ]),
];

impl LockMode {
    pub(super) fn conflicts(self) -> Modes {
        CONFLICTS[self as usize]
    }

    /// The table modes of ordinary statements, which conflict with none of each other.
    pub(super) fn is_weak(self) -> bool {
        matches!(self, AccessShare | RowShare | RowExclusive)
    }

    /// Those that a weak mode conflicts with.
    pub(super) fn is_strong(self) -> bool {
        matches!(self, Share | ShareRowExclusive | Exclusive | AccessExclusive)
    }

    /// Whether holding `held` makes asking for this mode pointless. Table modes are recorded one by one, as `pg_locks`
    /// shows them; the row modes are a ladder.
    pub(super) fn covered_by(self, held: Modes) -> bool {
        held.has(self)
            || (self <= Update && held.0 & Modes::of(&[KeyShare, ShareRow, NoKeyUpdate, Update]).0 > 1 << self as u16)
    }

    /// The name in `pg_locks` and in messages.
    pub fn name(self) -> &'static str {
        match self {
            KeyShare => "ForKeyShareLock",
            ShareRow => "ForShareLock",
            NoKeyUpdate => "ForNoKeyUpdateLock",
            Update => "ForUpdateLock",
            AccessShare => "AccessShareLock",
            RowShare => "RowShareLock",
            RowExclusive => "RowExclusiveLock",
            ShareUpdateExclusive => "ShareUpdateExclusiveLock",
            Share => "ShareLock",
            ShareRowExclusive => "ShareRowExclusiveLock",
            Exclusive => "ExclusiveLock",
            AccessExclusive => "AccessExclusiveLock",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_are_mutual_and_stay_within_a_kind() {
        for a in ALL {
            for b in ALL {
                assert_eq!(a.conflicts().has(b), b.conflicts().has(a), "{a:?} {b:?}");
                assert!(!a.conflicts().has(b) || (a <= Update) == (b <= Update));
            }
        }
    }

    #[test]
    fn only_strong_modes_conflict_with_weak_ones() {
        for weak in ALL.into_iter().filter(|m| m.is_weak()) {
            assert!(weak.conflicts().iter().all(LockMode::is_strong), "{weak:?}");
        }
    }

    #[test]
    fn what_covers_a_row_mode_conflicts_with_all_that_it_does() {
        for held in [KeyShare, ShareRow, NoKeyUpdate, Update] {
            for asked in [KeyShare, ShareRow, NoKeyUpdate, Update] {
                let stronger = asked.conflicts().0 & !held.conflicts().0 == 0;
                assert_eq!(asked.covered_by(Modes::NONE.with(held)), stronger, "{held:?} {asked:?}");
            }
        }
        assert!(!AccessShare.covered_by(Modes::NONE.with(AccessExclusive)));
    }
}
