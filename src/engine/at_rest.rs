//! What the files of a stopped engine say of it, without opening it.

use super::{DATA_FILE, WAL_DIR};
use crate::base::{Lsn, Result, SqlState};
use crate::io::Disk;
use crate::storage::{fall_back, newest_checkpoint, older_checkpoint};
use crate::wal::{self, Identity};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtRest {
    pub identity: Identity,
    /// Of the newest checkpoint; zero when there is none.
    pub checkpoint: Lsn,
    /// Where the log ends.
    pub end: Lsn,
}

impl AtRest {
    /// Errors: XX001 when the files are damaged, 58P01 when there are none; those of the disk.
    pub fn read(disk: &Arc<dyn Disk>) -> Result<AtRest> {
        let checkpoint = newest_checkpoint(&**disk, DATA_FILE)?.unwrap_or(Lsn::ZERO);
        let (identity, end) = wal::end_at_rest(disk, WAL_DIR, checkpoint)?;
        Ok(AtRest { identity, checkpoint, end })
    }

    /// Cuts off what is after `lsn`, the end of a record: the newest checkpoint as well, when the one before it is not after
    /// `lsn` and still whole, and the log goes on from there. False when that is not so, and nothing has changed then.
    ///
    /// Errors: those of the disk, and of a damaged log.
    pub fn cut_off(&self, disk: &Arc<dyn Disk>, lsn: Lsn) -> Result<bool> {
        // The checkpoint goes first: until the log is cut, all of it can be opened as it was.
        if self.checkpoint > lsn && !(self.has_log_since_older(disk, lsn)? && fall_back(&**disk, DATA_FILE)?) {
            return Ok(false);
        }
        wal::truncate(disk, WAL_DIR, lsn)?;
        Ok(true)
    }

    /// Whether the checkpoint before the newest is not after `lsn`, and the log behind it is there to the end.
    fn has_log_since_older(&self, disk: &Arc<dyn Disk>, lsn: Lsn) -> Result<bool> {
        let Some(older) = older_checkpoint(&**disk, DATA_FILE)?.filter(|older| *older <= lsn) else { return Ok(false) };
        match wal::end_at_rest(disk, WAL_DIR, older) {
            Ok((_, end)) => Ok(end == self.end),
            Err(e) if e.code() == SqlState::UNDEFINED_FILE => Ok(false),
            Err(e) => Err(e),
        }
    }
}
