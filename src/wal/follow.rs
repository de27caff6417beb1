//! Records in bytes that come from elsewhere: an archive, or another server. Each is checked against the chain.

use super::record::{self, Decoded, Record};
use crate::base::{Error, Lsn, Result, SqlState};

/// A place in a log: a position, and the chain's value there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub at: Lsn,
    pub chain: u32,
}

impl Place {
    /// The record at the front of `bytes`, and moves behind it; none when it goes on behind the end of `bytes`.
    ///
    /// Errors: XX001 when what stands there does not continue the log.
    pub fn follow<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<Record<'a>>> {
        match record::decode(bytes, self.at, self.chain) {
            Decoded::Record(record, _, chain) => {
                *self = Place { at: record.lsn, chain };
                Ok(Some(record))
            }
            Decoded::Short(_) => Ok(None),
            Decoded::Bad => {
                let message = format!("what follows position {} does not continue the log", self.at);
                Err(Error::new(SqlState::DATA_CORRUPTED, message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_follow_each_other_and_nothing_else() {
        let mut bytes = Vec::new();
        let chain = record::encode(&mut bytes, 7, 16, 1, &[b"one"]);
        record::encode(&mut bytes, chain, 16, 2, &[b"two"]);
        let mut place = Place { at: Lsn(50), chain: 7 };
        let first = place.follow(&bytes).unwrap().unwrap();
        assert_eq!((first.payload, first.bytes.len()), (&b"one"[..], 21));
        let rest = &bytes[first.bytes.len()..];
        assert_eq!(place, Place { at: Lsn(71), chain });
        assert_eq!(place.follow(&rest[..5]).unwrap(), None);
        assert_eq!(place.follow(&bytes).unwrap_err().code(), SqlState::DATA_CORRUPTED);
        assert_eq!(place.follow(rest).unwrap().unwrap().payload, b"two");
    }
}
