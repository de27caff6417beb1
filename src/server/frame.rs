//! One frontend message out of a connection's input: framing and structure are checked here, before `pgwire` decodes.
//!
//! `pgwire`'s decoders believe what a message says of itself: they read past its end into the next one, and panic when
//! there is none. So each message is cut out by its own length, its inner lengths and strings are walked
//! ([`check_body`]), and only then decoded, from a buffer that holds it alone. Limits are those of PostgreSQL's
//! `SocketBackend` (`src/backend/tcop/postgres.c`).

use crate::base::{Error, Result, SqlState};
use bytes::BytesMut;
use pgwire::messages::{DecodeContext, PgWireFrontendMessage, ProtocolVersion};

/// The longest message of the kinds that carry data (`PQ_LARGE_MESSAGE_LIMIT`), in bytes with its length word.
const LARGE: usize = 0x3fff_fffe;
/// The longest of the others (`PQ_SMALL_MESSAGE_LIMIT`).
const SMALL: usize = 10_000;
/// The type byte and the length word.
const HEADER: usize = 5;

/// A message that has been checked.
#[derive(Debug)]
pub enum Frame {
    Message(PgWireFrontendMessage),
    /// The fast-path interface, which `pgwire` does not know, and which is not built.
    FunctionCall,
    /// A whole message of this kind with text that is not UTF-8: refused, but what follows it is understood.
    Refused(u8, Error),
}

/// 08P01: the connection cannot go on, for the two ends no longer agree on where a message begins.
pub fn violation(message: impl Into<String>) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, message)
}

/// Takes the next whole message off `input`; None when more bytes are needed.
///
/// Error: 08P01 for anything malformed.
pub fn next(input: &mut BytesMut) -> Result<Option<Frame>> {
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
    let checked = check_body(kind, &input[HEADER..1 + length]);
    let mut message = input.split_to(1 + length);
    match checked {
        Ok(()) => {}
        Err(e) if e.code() == SqlState::PROTOCOL_VIOLATION => return Err(e),
        Err(e) => return Ok(Some(Frame::Refused(kind, e))),
    }
    if kind == b'F' {
        return Ok(Some(Frame::FunctionCall));
    }
    let context = established();
    match PgWireFrontendMessage::decode(&mut message, &context) {
        Ok(Some(decoded)) => Ok(Some(Frame::Message(decoded))),
        Ok(None) => Err(violation("invalid message format")),
        Err(e) => Err(violation(e.to_string())),
    }
}

/// The decoder's state once the start-up is over.
fn established() -> DecodeContext {
    let mut context = DecodeContext::new(ProtocolVersion::PROTOCOL3_0);
    context.awaiting_frontend_ssl = false;
    context.awaiting_frontend_startup = false;
    context
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

    fn string(&mut self) -> Result<()> {
        let end = self.0.iter().position(|b| *b == 0).ok_or_else(|| violation("invalid string in message"))?;
        utf8(self.take(end + 1)?.split_last().expect("it ends with a zero").1)
    }

    /// Values behind their lengths, -1 for NULL.
    fn values(&mut self) -> Result<()> {
        for _ in 0..self.u16()? {
            match self.i32()? {
                -1 => {}
                n => drop(self.take(usize::try_from(n).map_err(|_| violation("invalid message format"))?)?),
            }
        }
        Ok(())
    }

    fn formats(&mut self) -> Result<()> {
        let n = self.u16()?;
        self.take(2 * n).map(drop)
    }
}

/// 22021 with the first bytes that are not UTF-8, as `report_invalid_encoding` prints them.
pub fn utf8(bytes: &[u8]) -> Result<()> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
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

/// Checks that a body has the structure that its kind promises, to the last byte.
fn check_body(kind: u8, body: &[u8]) -> Result<()> {
    let mut b = Body(body);
    match kind {
        b'Q' | b'f' => b.string()?,
        b'P' => {
            b.string()?;
            b.string()?;
            let n = b.u16()?;
            b.take(4 * n)?;
        }
        b'B' => {
            b.string()?;
            b.string()?;
            b.formats()?;
            b.values()?;
            b.formats()?;
        }
        b'D' | b'C' => {
            let what = b.take(1)?[0];
            if !matches!(what, b'S' | b'P') {
                let name = if kind == b'D' { "DESCRIBE" } else { "CLOSE" };
                return Err(violation(format!("invalid {name} message subtype {what}")));
            }
            b.string()?;
        }
        b'E' => {
            b.string()?;
            b.i32()?;
        }
        b'F' => {
            b.i32()?;
            b.formats()?;
            b.values()?;
            b.u16()?;
        }
        b'H' | b'S' | b'c' => {}
        // Terminate, copied data and answers to authentication are runs of any bytes.
        _ => return Ok(()),
    }
    if b.0.is_empty() { Ok(()) } else { Err(violation("invalid message format")) }
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
        let rest = input.split_off(3);
        assert!(next(&mut input).unwrap().is_none());
        input.unsplit(rest);
        match next(&mut input).unwrap().unwrap() {
            Frame::Message(PgWireFrontendMessage::Query(q)) => assert_eq!(q.query, "SELECT 1"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(next(&mut input).unwrap(), Some(Frame::Message(PgWireFrontendMessage::Sync(_)))));
        assert!(next(&mut input).unwrap().is_none());
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
            (b'!', b""),
        ] {
            let mut input = BytesMut::from(&message(kind, body)[..]);
            let e = next(&mut input).unwrap_err();
            assert_eq!(e.code(), SqlState::PROTOCOL_VIOLATION, "{kind} {body:?}");
        }
        match next(&mut BytesMut::from(&message(b'Q', b"SELECT '\xe9'\0")[..])).unwrap().unwrap() {
            Frame::Refused(b'Q', e) => {
                assert_eq!(e.message(), "invalid byte sequence for encoding \"UTF8\": 0xe9 0x27");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lengths_are_bounded() {
        for length in [0u32, 3, 0x4000_0000, u32::MAX] {
            let mut input = BytesMut::from(&b"Q"[..]);
            input.extend(length.to_be_bytes());
            assert!(next(&mut input).is_err(), "{length}");
        }
        let mut input = BytesMut::from(&b"S"[..]);
        input.extend(10_001u32.to_be_bytes());
        assert!(next(&mut input).is_err());
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
            let mut input = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = next(&mut input) {}
        }
    }
}
