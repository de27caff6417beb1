//! What the files of a stopped engine say of it, without opening it.

use super::{DATA_FILE, WAL_DIR};
use crate::base::{Lsn, Result};
use crate::io::Disk;
use crate::storage::newest_checkpoint;
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
}
