//! What goes to and fro while a log is streamed, within CopyData (PostgreSQL's "Streaming Replication Protocol"): log and
//! keepalives one way, how far the replica is the other. Numbers are big-endian, times microseconds since 2000.

use crate::base::bytes::Reader;
use crate::base::{Error, Lsn, Result, SqlState};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromPrimary<'a> {
    Data {
        /// Where the bytes begin.
        start: Lsn,
        /// How far the sender's log is durable.
        end: Lsn,
        time_us: i64,
        bytes: &'a [u8],
    },
    Keepalive {
        end: Lsn,
        time_us: i64,
        /// The sender wants a status at once.
        reply: bool,
    },
}

/// How far a replica is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub written: Lsn,
    pub flushed: Lsn,
    pub applied: Lsn,
    pub time_us: i64,
    /// The replica wants a keepalive at once.
    pub reply: bool,
}

const DATA: u8 = b'w';
const KEEPALIVE: u8 = b'k';
const STATUS: u8 = b'r';
const FEEDBACK: u8 = b'h';

fn violation(message: String) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, message)
}

/// Big-endian, where the cursor reads little-endian.
fn number(r: &mut Reader<'_>) -> Result<u64> {
    Ok(u64::from_be_bytes(r.array()?))
}

impl FromPrimary<'_> {
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            FromPrimary::Data { start, end, time_us, bytes } => {
                out.push(DATA);
                out.extend(start.0.to_be_bytes());
                out.extend(end.0.to_be_bytes());
                out.extend(time_us.to_be_bytes());
                out.extend_from_slice(bytes);
            }
            FromPrimary::Keepalive { end, time_us, reply } => {
                out.push(KEEPALIVE);
                out.extend(end.0.to_be_bytes());
                out.extend(time_us.to_be_bytes());
                out.push(u8::from(*reply));
            }
        }
    }

    /// Error: 08P01.
    pub fn decode(message: &[u8]) -> Result<FromPrimary<'_>> {
        let mut r = Reader::new(message);
        let short = |_| violation("a message of the stream is cut short".into());
        match r.u8().map_err(short)? {
            DATA => {
                let start = Lsn(number(&mut r).map_err(short)?);
                let end = Lsn(number(&mut r).map_err(short)?);
                let time_us = number(&mut r).map_err(short)? as i64;
                Ok(FromPrimary::Data { start, end, time_us, bytes: r.rest() })
            }
            KEEPALIVE => {
                let end = Lsn(number(&mut r).map_err(short)?);
                let time_us = number(&mut r).map_err(short)? as i64;
                Ok(FromPrimary::Keepalive { end, time_us, reply: r.u8().map_err(short)? != 0 })
            }
            other => Err(violation(format!("unexpected message of the stream, type {other}"))),
        }
    }
}

impl Status {
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(STATUS);
        for lsn in [self.written, self.flushed, self.applied] {
            out.extend(lsn.0.to_be_bytes());
        }
        out.extend(self.time_us.to_be_bytes());
        out.push(u8::from(self.reply));
    }

    /// None for a message that says something else than how far the replica is. Error: 08P01.
    pub fn decode(message: &[u8]) -> Result<Option<Status>> {
        let mut r = Reader::new(message);
        let short = |_| violation("a standby's message is cut short".into());
        match r.u8().map_err(short)? {
            STATUS => {
                let mut lsn = || number(&mut r).map(Lsn).map_err(short);
                let (written, flushed, applied) = (lsn()?, lsn()?, lsn()?);
                let time_us = number(&mut r).map_err(short)? as i64;
                Ok(Some(Status { written, flushed, applied, time_us, reply: r.u8().map_err(short)? != 0 }))
            }
            // Which transactions a standby wants kept: its snapshots are its own here.
            FEEDBACK => Ok(None),
            other => Err(violation(format!("unexpected message type \"{}\"", char::from(other).escape_default()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_round_trip() {
        let data = FromPrimary::Data { start: Lsn(1), end: Lsn(0x0102), time_us: -1, bytes: b"xy" };
        let mut out = Vec::new();
        data.encode(&mut out);
        assert_eq!(out, b"w\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x01\x02\xff\xff\xff\xff\xff\xff\xff\xffxy");
        assert_eq!(FromPrimary::decode(&out).unwrap(), data);
        let alive = FromPrimary::Keepalive { end: Lsn(7), time_us: 9, reply: true };
        out.clear();
        alive.encode(&mut out);
        assert_eq!((FromPrimary::decode(&out).unwrap(), out.len()), (alive, 18));
        let status = Status { written: Lsn(3), flushed: Lsn(2), applied: Lsn(1), time_us: 5, reply: false };
        out.clear();
        status.encode(&mut out);
        assert_eq!((Status::decode(&out).unwrap(), out.len()), (Some(status), 34));
        assert_eq!(Status::decode(b"h1234").unwrap(), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = (FromPrimary::decode(&bytes), Status::decode(&bytes));
        }
    }
}
