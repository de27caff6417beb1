//! What a data directory says of its node's part: the file `replica` is there as long as it is one, and names its slot at
//! the primary; `base.part` while a base copy is under way.
//!
//! A promotion is one record of the log, and the file goes after it. Before it the file gets a second line, `promotion N`:
//! once the log is on that timeline, the file does not count any more.

use super::history::{HISTORY_FILE, History};
use super::slots::SLOTS_FILE;
use super::text_file;
use crate::base::Result;
use crate::engine::{AtRest, DATA_FILE, WAL_DIR};
use crate::io::{Disk, Entropy};
use std::sync::Arc;

const MARKER_FILE: &str = "replica";
const PARTIAL_FILE: &str = "base.part";

/// What comes before the number of the timeline that a promotion begins.
const PROMOTION: &str = "promotion ";

/// The slot of the replica that this directory belongs to; none when it is no replica's.
pub fn read_marker(disk: &dyn Disk) -> Result<Option<String>> {
    let marker = text_file::read(disk, MARKER_FILE)?;
    Ok(marker.map(|text| text.lines().next().unwrap_or_default().trim().to_owned()))
}

/// The record that begins the timeline is about to be written. From then on this is no replica's directory.
pub fn note_promotion(disk: &dyn Disk, slot: &str, timeline: u32) -> Result<()> {
    text_file::write(disk, MARKER_FILE, &format!("{slot}\n{PROMOTION}{timeline}\n"))
}

/// Brings to its end what a crash has left of a promotion: it counts if its record is in the log, and else there never was
/// one. For a directory that nobody has open.
pub fn settle_promotion(disk: &Arc<dyn Disk>) -> Result<()> {
    let Some(marker) = text_file::read(&**disk, MARKER_FILE)? else { return Ok(()) };
    let mut lines = marker.lines();
    let slot = lines.next().unwrap_or_default().trim();
    let Some(promotion) = lines.next() else { return Ok(()) };
    let timeline: Option<u32> = promotion.strip_prefix(PROMOTION).and_then(|n| n.parse().ok());
    let timeline = timeline.ok_or_else(|| text_file::damaged(MARKER_FILE))?;
    let reached = AtRest::read(disk)?.identity.timeline;
    if reached >= timeline {
        tracing::info!(timeline, "this node had been promoted");
        return disk.remove(MARKER_FILE);
    }
    History::load(&**disk)?.up_to(reached).store(&**disk)?;
    keep_marker(&**disk, slot)
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
