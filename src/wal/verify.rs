//! Checks a log at rest: every byte of its folder, from the first segment on, and changes nothing.
//!
//! Each segment is followed from its head to its last record, and continues where the one before ends. Behind the last
//! record, and in spares, there are zeros. So any other byte tells; what remains to decide is what a crash may leave:
//!
//! - A process that is killed while it writes leaves the first pages of the cache of that write: a record that goes on
//!   behind the end of a page, and zeros from there on. That is a note. Power loss leaves any part of a write, which
//!   nothing tells from damage. Opening the log clears either.
//! - An old segment that was being filled with zeros has no head any more. Its rest cannot be checked, and means nothing:
//!   it is not part of the log, and is filled with zeros before it is.
//! - A spare may have the head of the segment that it was to become.

use super::read::{Cursor, identity, list_segments};
use super::record::{self, HEADER_BYTES};
use super::segment::{self, CACHE_PAGE_BYTES, HEAD_BYTES, Head};
use crate::base::{Finding, Lsn, Report, Result, SqlState};
use crate::io::Disk;
use std::sync::Arc;

/// How many zeros a record may have at the end of a page and still look cut short there.
const ZEROS_BEFORE_CUT_MAX: u64 = 16;

/// What a check has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCheck {
    pub records: u64,
    /// Where the log ends.
    pub end: Lsn,
}

/// Checks the log in folder `dir`, which recovery would apply from `checkpoint` on; `cluster` as in the options of the log.
/// Nobody writes to it meanwhile.
///
/// Errors: those of the disk; damage is reported.
pub fn verify(disk: &Arc<dyn Disk>, dir: &str, cluster: u128, checkpoint: Lsn, report: Report<'_>) -> Result<LogCheck> {
    let names = if disk.exists(dir)? { disk.list(dir)? } else { Vec::new() };
    let starts = if names.is_empty() { Vec::new() } else { list_segments(&**disk, dir)? };
    // No head is whole: each of them is reported below.
    let own = || identity(&**disk, dir, &starts).map_or(0, |found| found.cluster);
    let cluster = if cluster == 0 { own() } else { cluster };
    let mut check = Check { disk, dir, cluster, seen: LogCheck::default(), report };
    match starts.first() {
        None if checkpoint > Lsn::ZERO => {
            check.damage(format!("the log is missing: what follows the newest checkpoint, at {checkpoint}, is needed"));
        }
        Some(&first) if first > checkpoint => {
            check.damage(format!("the log begins at {first}, behind the newest checkpoint at {checkpoint}"));
        }
        _ => {}
    }
    let mut before = None;
    for (at, &start) in starts.iter().enumerate() {
        before = check.segment(start, before, starts.get(at + 1).copied(), checkpoint)?;
    }
    for name in names {
        if segment::parse_spare_name(&name).is_some() || segment::is_unready_name(&name) {
            check.spare(&name)?;
        } else if segment::parse_old_name(&name).is_some() {
            check.old(&name)?;
        }
    }
    Ok(check.seen)
}

struct Check<'a> {
    disk: &'a Arc<dyn Disk>,
    dir: &'a str,
    cluster: u128,
    seen: LogCheck,
    report: Report<'a>,
}

/// Where a segment ends: the position, and the chain's value there.
type End = (Lsn, u32);

impl Check<'_> {
    fn damage(&mut self, message: String) {
        (self.report)(Finding::damage(message));
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.dir)
    }

    /// Follows a segment to its end. None when it has no head to begin with.
    fn follow(&mut self, name: &str, start: Option<Lsn>) -> Result<Option<Cursor>> {
        let mut cursor = match Cursor::open_file(self.disk.clone(), self.dir, name, self.cluster, start) {
            Ok(cursor) => cursor,
            Err(e) if e.code() == SqlState::DATA_CORRUPTED => {
                (self.report)(Finding::Damage(e));
                return Ok(None);
            }
            Err(e) => return Err(e),
        };
        let mut head = [0; HEAD_BYTES as usize];
        cursor.file.read_exact_at(&mut head, 0)?;
        if head != cursor.head.encode() {
            self.damage(format!("log segment \"{}\": the bytes behind its head are not zeros", self.path(name)));
        }
        while cursor.next_here()?.is_some() {
            self.seen.records += 1;
        }
        Ok(Some(cursor))
    }

    /// A segment between the one that ended at `before`, if that is known, and the one that starts at `next`, if any.
    fn segment(&mut self, start: Lsn, before: Option<End>, next: Option<Lsn>, checkpoint: Lsn) -> Result<Option<End>> {
        let name = segment::segment_name(start);
        let Some(cursor) = self.follow(&name, Some(start))? else { return Ok(None) };
        let (path, at, offset) = (self.path(&name), cursor.at, cursor.offset());
        if before.is_some_and(|(end, chain)| end == start && chain != cursor.head.chain) {
            self.damage(format!("log segment \"{path}\" does not continue the log before it, which ends at {start}"));
        }
        self.seen.end = at;
        let broken = |why: String| format!("log segment \"{path}\" is damaged at offset {offset}: {why}");
        match next {
            Some(next) if at != next => {
                self.damage(broken(format!("its records end at {at}, and the next segment begins at {next}")));
                return Ok(None);
            }
            None if at < checkpoint => {
                self.damage(broken(format!("the log ends at {at}, before the newest checkpoint at {checkpoint}")));
                return Ok(None);
            }
            _ => {}
        }
        if let Some(left) = cursor.file.find_nonzero(offset..cursor.file_bytes)? {
            let bytes = left.end - offset;
            if next.is_none() && is_cut_short(&cursor, left.end)? {
                let message =
                    format!("the log ends at {at}; the {bytes} bytes behind it are a write that was cut short");
                (self.report)(Finding::Note(message));
            } else {
                self.damage(format!(
                    "log segment \"{path}\", offset {offset}: the log ends at {at}; {bytes} bytes behind it do not belong \
                     to it (a torn write, or damage)"
                ));
            }
        }
        Ok(Some((at, cursor.chain)))
    }

    fn spare(&mut self, name: &str) -> Result<()> {
        let path = self.path(name);
        let file = self.disk.open(&path)?;
        let mut head = [0; HEAD_BYTES as usize];
        let n = file.read_at(&mut head, 0)?;
        let has_head = Head::decode(&head[..n]).is_ok_and(|decoded| decoded.encode() == head);
        let from = if has_head { HEAD_BYTES } else { 0 };
        if let Some(left) = file.find_nonzero(from..file.len()?)? {
            self.damage(format!("spare log segment \"{path}\", offset {}: it is not zero", left.start));
        }
        Ok(())
    }

    fn old(&mut self, name: &str) -> Result<()> {
        let path = self.path(name);
        if self.disk.open(&path)?.find_nonzero(0..HEAD_BYTES)?.is_none() {
            return Ok(());
        }
        let records = self.seen.records;
        let Some(cursor) = self.follow(name, None)? else { return Ok(()) };
        // They are no longer part of the log.
        self.seen.records = records;
        if let Some(left) = cursor.file.find_nonzero(cursor.offset()..cursor.file_bytes)? {
            let offset = cursor.offset();
            let bytes = left.end - offset;
            self.damage(format!(
                "old log segment \"{path}\", offset {offset}: {bytes} bytes behind its records do not belong to it"
            ));
        }
        Ok(())
    }
}

/// Whether what lies behind the end, up to `end`, is the first part of one write: it ends where a page of the cache does, in
/// the middle of a record.
fn is_cut_short(cursor: &Cursor, end: u64) -> Result<bool> {
    let page_end = end.next_multiple_of(CACHE_PAGE_BYTES);
    let offset = cursor.offset();
    let mut header = [0; HEADER_BYTES];
    let n = cursor.file.read_at(&mut header, offset)?;
    let reaches_on = if offset + HEADER_BYTES as u64 > page_end {
        true
    } else {
        n == header.len() && record::claims(&header).is_some_and(|bytes| offset + bytes as u64 > page_end)
    };
    Ok(reaches_on && page_end - end <= ZEROS_BEFORE_CUT_MAX)
}
