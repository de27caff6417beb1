//! Opening a log: find the segment, replay what verifies, say where to go on.
//!
//! 1. Make the names in the folder durable: a process that was killed may have left some that only the cache knows. Then
//!    sort it: drop what was on its way to be ready, gather spares, list segments.
//! 2. Forget what the cache has of the last segment beyond the device: a process that stopped after a failed sync may
//!    have left bytes there that no device holds.
//! 3. Follow the chain from the segment that holds `from`.
//! 4. What does not verify ends the log, if it is in the last segment. Elsewhere it is damage: a segment gets its name
//!    only after its predecessor is durable.
//! 5. Clear what lies behind the end: parts of a write that the crash cut short.

use super::log::WalOptions;
use super::read::{Cursor, identity, list_segments, segment_of};
use super::record::Record;
use super::segment::{self, HEAD_BYTES, Head, Identity};
use super::spares::Spare;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::io::{Disk, Entropy, File, SECTOR_BYTES};
use std::sync::Arc;

/// Where the log goes on.
pub struct Recovered {
    pub file: Box<dyn File>,
    pub segment: Lsn,
    pub capacity: u64,
    pub end: Lsn,
    pub chain: u32,
    pub identity: Identity,
    pub spares: Vec<Spare>,
    pub old: Vec<Spare>,
    /// Names below this number are taken.
    pub names: u64,
}

pub fn recover(
    disk: &Arc<dyn Disk>,
    entropy: &dyn Entropy,
    dir: &str,
    options: &WalOptions,
    from: Lsn,
    mut replay: impl FnMut(Record) -> Result<()>,
) -> Result<Recovered> {
    disk.create_dir(dir)?;
    settle_names(&**disk, dir)?;
    let Folder { spares, old, names } = sort_folder(&**disk, dir)?; // 1
    let mut starts = list_segments(&**disk, dir)?;
    if starts.is_empty() {
        if from != Lsn::ZERO {
            let message = format!("the log is missing: a record at {from} or later is needed to recover");
            return Err(Error::new(SqlState::UNDEFINED_FILE, message));
        }
        let identity = Identity { cluster: entropy.u128().max(1), timeline: 1 };
        create_first(&**disk, entropy, dir, options, options.settle(identity), names)?;
        starts.push(Lsn::ZERO);
    }
    let identity = options.settle(identity(&**disk, dir, &starts)?);
    let last = *starts.last().expect("a log has a segment");
    let file = disk.open(&format!("{dir}/{}", segment::segment_name(last)))?;
    file.sync_data()?;
    forget_cache(&*file)?; // 2
    let mut cursor = Cursor::open(disk.clone(), dir, identity.cluster, segment_of(&starts, from)?)?;
    let mut timeline = cursor.head.timeline;
    while cursor.at < from
        && let Some(record) = cursor.next(from)?
    {
        timeline = record.timeline().unwrap_or(timeline);
    }
    cursor.seek(from)?;
    while let Some(record) = cursor.next(Lsn::MAX)? {
        timeline = record.timeline().unwrap_or(timeline);
        replay(record)?; // 3
    }
    let identity = Identity { timeline: if options.timeline == 0 { timeline } else { options.timeline }, ..identity };
    if cursor.segment != last {
        let message = format!("the log is damaged at position {}, before its last segment at {last}", cursor.at);
        return Err(Error::new(SqlState::DATA_CORRUPTED, message)); // 4
    }
    clear_behind(&cursor)?; // 5
    let capacity = cursor.file_bytes.saturating_sub(HEAD_BYTES);
    let Cursor { file, segment, at: end, chain, .. } = cursor;
    Ok(Recovered { file, segment, capacity, end, chain, identity, spares, old, names })
}

impl WalOptions {
    /// What is asked for, and otherwise what was found.
    fn settle(&self, found: Identity) -> Identity {
        let cluster = if self.cluster == 0 { found.cluster } else { self.cluster };
        let timeline = if self.timeline == 0 { found.timeline } else { self.timeline };
        Identity { cluster, timeline }
    }
}

fn settle_names(disk: &dyn Disk, dir: &str) -> Result<()> {
    #[cfg(test)]
    if super::canary::UNSETTLED.get() {
        return Ok(());
    }
    disk.sync_dir(dir)
}

fn forget_cache(file: &dyn File) -> Result<()> {
    #[cfg(test)]
    if super::canary::CACHED.get() {
        return Ok(());
    }
    file.drop_cache()
}

/// What would otherwise stay there for good, behind the records that follow now. It is durable before any of them is written.
fn clear_behind(cursor: &Cursor) -> Result<()> {
    #[cfg(test)]
    if super::canary::UNCLEARED.get() {
        return Ok(());
    }
    let left = cursor.file.find_nonzero(cursor.offset()..cursor.file_bytes)?;
    let Some(left) = left else { return Ok(()) };
    tracing::info!(end = %cursor.at, bytes = left.end - left.start, "clearing what a crash left behind the end of the log");
    cursor.file.fill_zero(left.start, left.end - left.start)?;
    cursor.file.sync_data()
}

/// What else is in the folder.
#[derive(Default)]
struct Folder {
    spares: Vec<Spare>,
    old: Vec<Spare>,
    /// Above all numbers in use.
    names: u64,
}

fn sort_folder(disk: &dyn Disk, dir: &str) -> Result<Folder> {
    let mut folder = Folder::default();
    for name in disk.list(dir)? {
        let path = format!("{dir}/{name}");
        if segment::is_unready_name(&name) {
            disk.remove(&path)?;
            continue;
        }
        let (number, found) = match (segment::parse_spare_name(&name), segment::parse_old_name(&name)) {
            (Some(number), _) => (number, &mut folder.spares),
            (_, Some(number)) => (number, &mut folder.old),
            _ => continue,
        };
        let file = disk.open(&path)?;
        let capacity = file.len()?.saturating_sub(HEAD_BYTES);
        found.push(Spare { name: path, file, capacity });
        folder.names = folder.names.max(number.saturating_add(1));
    }
    Ok(folder)
}

/// A new log's first segment is made while its maker waits, so it may be smaller than the others.
fn create_first(
    disk: &dyn Disk,
    entropy: &dyn Entropy,
    dir: &str,
    options: &WalOptions,
    identity: Identity,
    number: u64,
) -> Result<()> {
    let Identity { cluster, timeline } = identity;
    let unready = format!("{dir}/{}", segment::unready_name(number));
    let file = disk.create(&unready)?;
    file.fill_zero(0, options.first_segment_bytes.min(options.segment_bytes))?;
    let head = Head { cluster, timeline, start: Lsn::ZERO, chain: entropy.u64() as u32 };
    file.write_at(&head.encode(), 0)?;
    file.sync_data()?;
    disk.rename(&unready, &format!("{dir}/{}", segment::segment_name(Lsn::ZERO)))
}

/// Cuts a log at rest off at `end`, which must be the end of one of its records: what follows never was. A crash half way
/// leaves it longer than that, and the next call finishes it.
pub fn truncate(disk: &Arc<dyn Disk>, dir: &str, end: Lsn) -> Result<()> {
    settle_names(&**disk, dir)?;
    let starts = list_segments(&**disk, dir)?;
    let last = segment_of(&starts, end)?;
    let cluster = identity(&**disk, dir, &starts)?.cluster;
    for start in starts.iter().rev().take_while(|start| **start > last) {
        disk.remove(&format!("{dir}/{}", segment::segment_name(*start)))?;
    }
    let mut cursor = Cursor::open(disk.clone(), dir, cluster, last)?;
    cursor.seek(end)?;
    // The first record goes before the others, which are not the log's any more then.
    let offset = cursor.offset();
    let sector = (offset + 1).next_multiple_of(SECTOR_BYTES).min(cursor.file_bytes);
    for (from, to) in [(offset, sector), (sector, cursor.file_bytes)] {
        if from < to {
            cursor.file.fill_zero(from, to - from)?;
            cursor.file.sync_data()?;
        }
    }
    Ok(())
}

/// Whose log at rest it is, on which timeline it ends, and where, when `from` is the end of one of its records.
pub fn end_at_rest(disk: &Arc<dyn Disk>, dir: &str, from: Lsn) -> Result<(Identity, Lsn)> {
    let starts = list_segments(&**disk, dir)?;
    let found = identity(&**disk, dir, &starts)?;
    let mut cursor = Cursor::open(disk.clone(), dir, found.cluster, segment_of(&starts, from)?)?;
    let mut timeline = cursor.head.timeline;
    while let Some(record) = cursor.next(Lsn::MAX)? {
        timeline = record.timeline().unwrap_or(timeline);
    }
    Ok((Identity { timeline, ..found }, cursor.at))
}
