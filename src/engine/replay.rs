//! What records of the log mean for the trees, for recovery and for those who follow another node's log.
//!
//! A transaction in parts counts with its end record, and not before. Until then recovery keeps its changes aside, since
//! others may have changed the same entries if it never ended; a follower has them in the trees, where nobody sees them.
//! At most one is open at a time; transactions in one record may stand between its parts.

use crate::base::{Error, Result, SqlState};
use crate::storage::batch::{KIND_ABANDONED, KIND_BATCH, KIND_END, KIND_PART, decode_end, decode_part};
use crate::wal::{KIND_INCARNATION, Record};

/// A place in the log with a name, the payload; it changes nothing.
pub const KIND_RESTORE_POINT: u8 = 24;

/// The order of records: which may follow.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// How many parts of the open transaction have come.
    parts: usize,
}

/// What a record comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    Nothing,
    /// A whole transaction: its changes.
    Transaction(&'a [u8]),
    /// Changes of one that goes on. The first part also says that one that was open never ends.
    Part {
        first: bool,
        changes: &'a [u8],
    },
    /// The end of the open one.
    End,
    /// The open one, if there is one, never ends.
    Left,
}

impl Replay {
    /// Takes the next record.
    pub(super) fn take<'a>(&mut self, record: &Record<'a>) -> Result<Meaning<'a>> {
        match record.kind {
            // Whoever wrote the log has begun anew, and left what was open.
            KIND_INCARNATION | KIND_ABANDONED => {
                self.parts = 0;
                Ok(Meaning::Left)
            }
            KIND_RESTORE_POINT => Ok(Meaning::Nothing),
            KIND_BATCH => Ok(Meaning::Transaction(record.payload)),
            KIND_PART => {
                let (number, changes) = decode_part(record.payload)?;
                if number != self.parts && number != 0 {
                    return Err(corrupt(format!("part {number} follows {} parts", self.parts)));
                }
                self.parts = number + 1;
                Ok(Meaning::Part { first: number == 0, changes })
            }
            KIND_END => {
                let parts = std::mem::take(&mut self.parts);
                let expected = decode_end(record.payload)?;
                if expected != parts {
                    return Err(corrupt(format!("a transaction of {expected} parts has {parts}")));
                }
                Ok(Meaning::End)
            }
            other => Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("unknown log record kind {other}"))
                .hint("The log was written by a newer version.")),
        }
    }

    /// A transaction in parts has begun and not ended: a checkpoint here would lie in the middle of it.
    pub(super) fn is_open(&self) -> bool {
        self.parts > 0
    }
}

/// What the trees cannot take of a log is the log's damage, not theirs.
pub(super) fn as_damage(e: Error) -> Error {
    if e.code() == SqlState::INTERNAL_ERROR { corrupt(e.message()) } else { e }
}

fn corrupt(message: impl Into<String>) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Lsn;
    use crate::storage::batch::{ABANDONED, encode_end, encode_part_number};

    fn record(kind: u8, payload: &[u8]) -> Record<'_> {
        Record { start: Lsn(1), lsn: Lsn(2), kind, flags: 0, time_us: 0, payload, bytes: &[] }
    }

    #[test]
    fn parts_count_with_their_end_and_are_forgotten_without() {
        let part = |number: usize| [encode_part_number(number), b"changes".to_vec()].concat();
        let of = |first| Meaning::Part { first, changes: b"changes" };
        let mut replay = Replay::default();
        assert_eq!(replay.take(&record(KIND_PART, &part(0))).unwrap(), of(true));
        assert!(replay.is_open());
        assert_eq!(replay.take(&record(KIND_ABANDONED, &ABANDONED)).unwrap(), Meaning::Left);
        assert!(!replay.is_open() && replay.take(&record(KIND_PART, &part(1))).is_err());
        for (number, first) in [(0, true), (1, false), (0, true), (1, false)] {
            assert_eq!(replay.take(&record(KIND_PART, &part(number))).unwrap(), of(first));
        }
        assert!(replay.take(&record(KIND_PART, &part(3))).is_err());
        assert_eq!(replay.take(&record(KIND_END, &encode_end(2))).unwrap(), Meaning::End);
        assert!(!replay.is_open() && replay.take(&record(KIND_END, &encode_end(2))).is_err());
        replay.take(&record(KIND_PART, &part(0))).unwrap();
        assert_eq!(replay.take(&record(KIND_INCARNATION, &[0; 20])).unwrap(), Meaning::Left);
        assert!(!replay.is_open());
    }
}
