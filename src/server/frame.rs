//! One frontend message out of a connection's input: its frame, then its parts.
//!
//! A message is cut out by its own length ([`next`]) and taken apart from a buffer that holds it alone ([`parse`]), so what
//! it says of itself cannot reach beyond it. Its parts are borrowed from there: an ordinary message allocates nothing.
//! Limits are those of PostgreSQL's `SocketBackend` (`src/backend/tcop/postgres.c`).

use crate::base::{Error, Result, SqlState};
use crate::session::sink::Formats;
use bytes::{Buf, BytesMut};
use smallvec::SmallVec;

/// The longest message of the kinds that carry data (`PQ_LARGE_MESSAGE_LIMIT`), in bytes with its length word.
const LARGE: usize = 0x3fff_fffe;
/// The longest of the others (`PQ_SMALL_MESSAGE_LIMIT`).
const SMALL: usize = 10_000;
/// The type byte and the length word.
const HEADER: usize = 5;

/// A message that has been checked to its last byte.
#[derive(Debug)]
pub enum Message<'a> {
    Query(&'a str),
    Parse {
        name: &'a str,
        text: &'a str,
        types: SmallVec<[u32; 4]>,
    },
    Bind {
        portal: &'a str,
        statement: &'a str,
        formats: Formats,
        values: SmallVec<[Option<&'a [u8]>; 8]>,
        results: Formats,
    },
    Describe(Target<'a>),
    Execute {
        portal: &'a str,
        /// Rows; 0 or less is all.
        most: i32,
    },
    Close(Target<'a>),
    Flush,
    Sync,
    Terminate,
    /// The fast-path interface, which is not built.
    FunctionCall,
    CopyData,
    CopyDone,
    CopyFail(&'a str),
    /// An answer to an authentication request.
    Password,
}

/// What Describe and Close name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    Statement(&'a str),
    Portal(&'a str),
}

/// 08P01: the connection cannot go on, for the two ends no longer agree on where a message begins.
pub fn violation(message: impl Into<String>) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, message)
}

/// Takes the next whole message off `input`: its kind, and its body in place of what was in `body`. None when more bytes are
/// needed.
///
/// Error: 08P01 for a kind or a length that cannot be.
pub fn next(input: &mut BytesMut, body: &mut Vec<u8>) -> Result<Option<u8>> {
    let Some(&kind) = input.first() else { return Ok(None) };
    let most = match kind {
        b'Q' | b'P' | b'B' | b'F' | b'd' => LARGE,
        b'C' | b'D' | b'E' | b'H' | b'S' | b'X' | b'c' | b'f' | b'p' => SMALL,
        _ => return Err(violation(format!("invalid frontend message type {kind}"))),
    };
    let Some(length) = input.get(1..HEADER) else { return Ok(None) };
    let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
    if length < 4 || length > most {
        return Err(violation("invalid message length"));
    }
    if input.len() < 1 + length {
        input.reserve(1 + length.min(1 << 20) - input.len().min(1 << 20));
        return Ok(None);
    }
    body.clear();
    body.extend_from_slice(&input[HEADER..1 + length]);
    input.advance(1 + length);
    Ok(Some(kind))
}

/// A walk over a message's body that believes no length.
struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n).ok_or_else(|| violation("insufficient data left in message"))?;
        self.0 = tail;
        Ok(head)
    }

    fn u16(&mut self) -> Result<usize> {
        Ok(usize::from(u16::from_be_bytes(self.take(2)?.try_into().expect("two bytes"))))
    }

    fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.take(4)?.try_into().expect("four bytes")))
    }

    fn string(&mut self) -> Result<&'a str> {
        let end = self.0.iter().position(|b| *b == 0).ok_or_else(|| violation("invalid string in message"))?;
        utf8(self.take(end + 1)?.split_last().expect("it ends with a zero").1)
    }

    /// Values behind their lengths, -1 for NULL.
    fn values(&mut self) -> Result<SmallVec<[Option<&'a [u8]>; 8]>> {
        let mut values = SmallVec::new();
        for _ in 0..self.u16()? {
            values.push(match self.i32()? {
                -1 => None,
                n => Some(self.take(usize::try_from(n).map_err(|_| violation("invalid message format"))?)?),
            });
        }
        Ok(values)
    }

    fn formats(&mut self) -> Result<Formats> {
        let n = self.u16()?;
        if n == 0 {
            return Ok(Formats::default());
        }
        let codes = self.take(2 * n)?.chunks_exact(2);
        Ok(Formats::new(codes.map(|c| i16::from_be_bytes([c[0], c[1]]))))
    }

    fn types(&mut self) -> Result<SmallVec<[u32; 4]>> {
        let n = self.u16()?;
        let oids = self.take(4 * n)?.chunks_exact(4);
        Ok(oids.map(|o| u32::from_be_bytes([o[0], o[1], o[2], o[3]])).collect())
    }

    fn target(&mut self, verb: &str) -> Result<Target<'a>> {
        match self.take(1)?[0] {
            b'S' => self.string().map(Target::Statement),
            b'P' => self.string().map(Target::Portal),
            other => Err(violation(format!("invalid {verb} message subtype {other}"))),
        }
    }
}

/// 22021 with the first bytes that are not UTF-8, as `report_invalid_encoding` prints them.
pub fn utf8(bytes: &[u8]) -> Result<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(e) => {
            let rest = &bytes[e.valid_up_to()..];
            let width = match rest[0] {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf7 => 4,
                _ => 1,
            };
            let shown: Vec<String> = rest.iter().take(width).map(|b| format!("0x{b:02x}")).collect();
            Err(Error::new(
                SqlState::CHARACTER_NOT_IN_REPERTOIRE,
                format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
            ))
        }
    }
}

/// Takes a message's body apart.
///
/// Errors: 08P01 when it has not the structure that its kind promises, to the last byte; 22021 for text that is not
/// UTF-8: that message is refused, but what follows it is understood.
pub fn parse(kind: u8, body: &[u8]) -> Result<Message<'_>> {
    let mut b = Body(body);
    let message = match kind {
        b'Q' => Message::Query(b.string()?),
        b'P' => Message::Parse { name: b.string()?, text: b.string()?, types: b.types()? },
        b'B' => Message::Bind {
            portal: b.string()?,
            statement: b.string()?,
            formats: b.formats()?,
            values: b.values()?,
            results: b.formats()?,
        },
        b'D' => Message::Describe(b.target("DESCRIBE")?),
        b'E' => Message::Execute { portal: b.string()?, most: b.i32()? },
        b'C' => Message::Close(b.target("CLOSE")?),
        b'F' => {
            b.i32()?;
            b.formats()?;
            b.values()?;
            b.u16()?;
            Message::FunctionCall
        }
        b'f' => Message::CopyFail(b.string()?),
        b'H' => Message::Flush,
        b'S' => Message::Sync,
        b'c' => Message::CopyDone,
        // These are runs of any bytes.
        b'd' => return Ok(Message::CopyData),
        b'p' => return Ok(Message::Password),
        b'X' => return Ok(Message::Terminate),
        _ => unreachable!("`next` passes on these kinds alone"),
    };
    if b.0.is_empty() { Ok(message) } else { Err(violation("invalid message format")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut m = vec![kind];
        m.extend((body.len() as u32 + 4).to_be_bytes());
        m.extend(body);
        m
    }

    #[test]
    fn whole_messages_are_taken_and_partial_ones_wait() {
        let mut input = BytesMut::from(&message(b'Q', b"SELECT 1\0")[..]);
        input.extend(message(b'S', b""));
        let mut body = Vec::new();
        let rest = input.split_off(3);
        assert!(next(&mut input, &mut body).unwrap().is_none());
        input.unsplit(rest);
        assert_eq!(next(&mut input, &mut body).unwrap(), Some(b'Q'));
        assert!(matches!(parse(b'Q', &body).unwrap(), Message::Query("SELECT 1")));
        assert_eq!(next(&mut input, &mut body).unwrap(), Some(b'S'));
        assert!(matches!(parse(b'S', &body).unwrap(), Message::Sync));
        assert!(next(&mut input, &mut body).unwrap().is_none());
    }

    #[test]
    fn a_message_comes_apart() {
        let bind = b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x02ab\xff\xff\xff\xff\0\x02\0\0\0\x01";
        match parse(b'B', bind).unwrap() {
            Message::Bind { portal: "p", statement: "s", formats, values, results } => {
                assert_eq!((formats.codes(), results.codes()), (&[1][..], &[0, 1][..]));
                assert_eq!(values[..], [Some(&b"ab"[..]), None]);
            }
            other => panic!("{other:?}"),
        }
        match parse(b'P', b"s\0SELECT $1\0\0\x01\0\0\0\x17").unwrap() {
            Message::Parse { name: "s", text: "SELECT $1", types } => assert_eq!(types[..], [23]),
            other => panic!("{other:?}"),
        }
        assert!(matches!(parse(b'E', b"\0\0\0\0\x05").unwrap(), Message::Execute { portal: "", most: 5 }));
        assert!(matches!(parse(b'C', b"Sx\0").unwrap(), Message::Close(Target::Statement("x"))));
    }

    #[test]
    fn what_a_message_says_of_itself_is_not_believed() {
        for (kind, body) in [
            (b'P', &b"s\0SELECT 1\0\x00\x05"[..]),
            (b'B', b"\0\0\0\0\0\x01\0\0\x10\0"),
            (b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xf0\0\0"),
            (b'Q', b"no end"),
            (b'Q', b"text\0more\0"),
            (b'D', b"Xname\0"),
            (b'E', b"\0\0"),
            (b'S', b"x"),
        ] {
            let e = parse(kind, body).unwrap_err();
            assert_eq!(e.code(), SqlState::PROTOCOL_VIOLATION, "{kind} {body:?}");
        }
        let e = parse(b'Q', b"SELECT '\xe9'\0").unwrap_err();
        assert_eq!(e.message(), "invalid byte sequence for encoding \"UTF8\": 0xe9 0x27");
    }

    #[test]
    fn lengths_are_bounded() {
        let refused = |kind: u8, length: u32| {
            let mut input = BytesMut::from(&[kind][..]);
            input.extend(length.to_be_bytes());
            next(&mut input, &mut Vec::new()).is_err()
        };
        assert!([0u32, 3, 0x4000_0000, u32::MAX].into_iter().all(|length| refused(b'Q', length)));
        assert!(refused(b'S', 10_001));
        assert!(refused(b'!', 4));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0usize..15) {
            if let Some(first) = bytes.first_mut() {
                *first = b"QPBCDEFHSXcdfp!"[kind];
            }
            let n = bytes.len();
            if n >= HEADER {
                bytes[1..HEADER].copy_from_slice(&(n as u32 - 1).to_be_bytes());
            }
            let (mut input, mut body) = (BytesMut::from(&bytes[..]), Vec::new());
            while let Ok(Some(kind)) = next(&mut input, &mut body) {
                let _ = parse(kind, &body);
            }
        }
    }
}
