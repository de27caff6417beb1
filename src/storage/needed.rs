//! Which states of the past somebody may still ask for: what a purge has to leave.

use crate::base::Lsn;

/// The snapshots that must stay readable.
pub struct Needed {
    /// The registered ones, ascending.
    pub snapshots: Vec<Lsn>,
    /// Snapshots to come are at least this new.
    pub floor: Lsn,
    /// Which keys changed must be known for commits after this one (SERIALIZABLE validation).
    pub changes_after: Lsn,
}

impl Needed {
    /// The oldest LSN at which anybody may read.
    pub fn oldest(&self) -> Lsn {
        self.snapshots.first().map_or(self.floor, |&first| first.min(self.floor))
    }

    /// Whether a version that counts in [from, to) can be read.
    pub(super) fn wants(&self, from: Lsn, to: Lsn) -> bool {
        to > self.floor || {
            let i = self.snapshots.partition_point(|&s| s < from);
            self.snapshots.get(i).is_some_and(|&s| s < to)
        }
    }
}
