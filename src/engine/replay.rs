//! What records of the log mean for the trees, for recovery and for those who follow another node's log.
//!
//! A transaction in parts is gathered until its end record, and not applied before: others may have changed the same
//! entries if it never ended. At most one is open at a time; transactions in one record may stand between its parts.

use crate::base::{Error, Result, SqlState};
use crate::storage::batch::{KIND_ABANDONED, KIND_BATCH, KIND_END, KIND_PART, decode_end, decode_part};
use crate::wal::{KIND_INCARNATION, Record};

/// A place in the log with a name, the payload; it changes nothing.
pub const KIND_RESTORE_POINT: u8 = 24;

#[derive(Debug, Default)]
pub(super) struct Replay {
    /// The changes of the open transaction, by part.
    parts: Vec<Vec<u8>>,
}

/// What a record comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    Nothing,
    /// A whole transaction: its changes.
    Transaction(&'a [u8]),
    /// The end of one: its changes, by part.
    Parts(Vec<Vec<u8>>),
}

impl Replay {
    /// Takes the next record.
    pub(super) fn take<'a>(&mut self, record: &Record<'a>) -> Result<Meaning<'a>> {
        match record.kind {
            // Whoever wrote the log has begun anew, and left what was open.
            KIND_INCARNATION | KIND_ABANDONED => {
                self.parts = Vec::new();
                Ok(Meaning::Nothing)
            }
            KIND_RESTORE_POINT => Ok(Meaning::Nothing),
            KIND_BATCH => Ok(Meaning::Transaction(record.payload)),
            KIND_PART => {
                let (number, changes) = decode_part(record.payload)?;
                if number == 0 {
                    self.parts.clear();
                }
                if number != self.parts.len() {
                    return Err(corrupt(format!("part {number} follows {} parts", self.parts.len())));
                }
                self.parts.push(changes.to_vec());
                Ok(Meaning::Nothing)
            }
            KIND_END => {
                let parts = std::mem::take(&mut self.parts);
                let expected = decode_end(record.payload)?;
                if expected != parts.len() {
                    return Err(corrupt(format!("a transaction of {expected} parts has {}", parts.len())));
                }
                Ok(Meaning::Parts(parts))
            }
            other => Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("unknown log record kind {other}"))
                .hint("The log was written by a newer version.")),
        }
    }

    /// A transaction in parts has begun and not ended: a checkpoint here would lie in the middle of it.
    pub(super) fn is_open(&self) -> bool {
        !self.parts.is_empty()
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
        let mut replay = Replay::default();
        assert_eq!(replay.take(&record(KIND_PART, &part(0))).unwrap(), Meaning::Nothing);
        assert!(replay.is_open());
        replay.take(&record(KIND_ABANDONED, &ABANDONED)).unwrap();
        assert!(!replay.is_open() && replay.take(&record(KIND_PART, &part(1))).is_err());
        (0..2).for_each(|n| drop(replay.take(&record(KIND_PART, &part(n))).unwrap()));
        let end = encode_end(2);
        let taken = replay.take(&record(KIND_END, &end)).unwrap();
        assert_eq!(taken, Meaning::Parts(vec![b"changes".to_vec(); 2]));
        replay.take(&record(KIND_PART, &part(0))).unwrap();
        replay.take(&record(KIND_INCARNATION, &[0; 20])).unwrap();
        assert!(!replay.is_open());
    }
}
