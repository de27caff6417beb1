//! What a data directory says of its node's part: the file `replica` is there as long as it is one, and names its slot at
//! the primary; `base.part` while a base copy is under way.

use super::history::HISTORY_FILE;
use super::slots::SLOTS_FILE;
use super::text_file;
use crate::base::Result;
use crate::engine::{DATA_FILE, WAL_DIR};
use crate::io::{Disk, Entropy};

const MARKER_FILE: &str = "replica";
const PARTIAL_FILE: &str = "base.part";

/// The slot of the replica that this directory belongs to; none when it is no replica's.
pub fn read_marker(disk: &dyn Disk) -> Result<Option<String>> {
    let slot = text_file::read(disk, MARKER_FILE)?;
    Ok(slot.map(|slot| slot.trim().to_owned()))
}

/// Makes the directory a replica's, with a slot of a name of its own.
pub fn write_marker(disk: &dyn Disk, entropy: &dyn Entropy) -> Result<String> {
    let slot = format!("replica_{:016x}", entropy.u64());
    keep_marker(disk, &slot)?;
    Ok(slot)
}

/// The same with a name that is known already.
pub fn keep_marker(disk: &dyn Disk, slot: &str) -> Result<()> {
    text_file::write(disk, MARKER_FILE, &format!("{slot}\n"))
}

pub fn remove_marker(disk: &dyn Disk) -> Result<()> {
    if disk.exists(MARKER_FILE)? { disk.remove(MARKER_FILE) } else { Ok(()) }
}

/// A base copy is under way, or was when the process ended.
pub fn is_partial(disk: &dyn Disk) -> Result<bool> {
    disk.exists(PARTIAL_FILE)
}

pub fn begin_partial(disk: &dyn Disk) -> Result<()> {
    text_file::write(disk, PARTIAL_FILE, "\n")
}

pub fn end_partial(disk: &dyn Disk) -> Result<()> {
    if disk.exists(PARTIAL_FILE)? { disk.remove(PARTIAL_FILE) } else { Ok(()) }
}

/// Removes what a base copy that did not come to its end has left.
pub fn clear_partial(disk: &dyn Disk) -> Result<()> {
    for file in [DATA_FILE, MARKER_FILE, HISTORY_FILE, SLOTS_FILE] {
        if disk.exists(file)? {
            disk.remove(file)?;
        }
    }
    disk.remove_dir(WAL_DIR)
}
