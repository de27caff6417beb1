//! The format of one record, and the chain that ties each to all before it.
//!
//! The checksum runs on from the previous record's, so a record verifies only behind the very bytes it was written
//! behind. A stale record that happens to lie where the next one should begin, left there by a torn tail or by the
//! segment's earlier use, has another past and fails. CRC-32C with a running seed maps different seeds to different
//! sums for the same bytes, so this is certain, not just likely, as long as the sums before differ.
//!
//! | offset | size | meaning |
//! |-------:|-----:|---------|
//! |      0 |    4 | length of the payload |
//! |      4 |    4 | CRC-32C of all but this field, seeded with the previous record's |
//! |      8 |    1 | kind, from 1: so that zeros are never a record |
//! |      9 |    1 | flags, none yet |
//! |     10 |    8 | when it was appended, microseconds since 1970 |
//! |     18 |    - | payload |
//!
//! Little-endian.

use crate::base::Lsn;

pub const HEADER_BYTES: usize = 18;
const LEN_AT: usize = 0;
const CRC_AT: usize = 4;
const KIND_AT: usize = 8;
const FLAGS_AT: usize = 9;
const TIME_AT: usize = 10;
const _: () = assert!(LEN_AT + 4 == CRC_AT && CRC_AT + 4 == KIND_AT && KIND_AT + 1 == FLAGS_AT);
const _: () = assert!(FLAGS_AT + 1 == TIME_AT && TIME_AT + 8 == HEADER_BYTES);

/// The longest payload: what the length field, and a buffer in memory, can hold.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 30;

/// The log's own mark of a new beginning: each opening of the log appends one, with a nonce, so that what it writes
/// can never equal what a lost tail held. Kinds below 16 are the log's own.
///
/// Its payload is the nonce and, little-endian in four bytes, the timeline that the log is on from here.
pub const KIND_INCARNATION: u8 = 1;

const NONCE_BYTES: usize = 16;

/// The payload of an Incarnation record.
pub fn incarnation(nonce: u128, timeline: u32) -> [u8; NONCE_BYTES + 4] {
    let mut out = [0; NONCE_BYTES + 4];
    out[..NONCE_BYTES].copy_from_slice(&nonce.to_le_bytes());
    out[NONCE_BYTES..].copy_from_slice(&timeline.to_le_bytes());
    out
}

/// One entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The position before it.
    pub start: Lsn,
    /// The position after it: its name.
    pub lsn: Lsn,
    pub kind: u8,
    pub flags: u8,
    /// When it was appended, microseconds since 1970.
    pub time_us: u64,
    pub payload: &'a [u8],
    /// All of it as it stands in the log, header included.
    pub bytes: &'a [u8],
}

impl Record<'_> {
    /// The timeline that begins, or goes on, with this record; none when it does not say.
    pub fn timeline(&self) -> Option<u32> {
        let bytes = self.payload.get(NONCE_BYTES..)?.first_chunk()?;
        (self.kind == KIND_INCARNATION).then(|| u32::from_le_bytes(*bytes))
    }
}

/// Appends a record whose payload is the concatenation of `parts`; answers its checksum, the next one's seed.
pub fn encode(out: &mut Vec<u8>, chain: u32, kind: u8, time_us: u64, parts: &[&[u8]]) -> u32 {
    debug_assert!(kind != 0, "kind 0 marks the end");
    let len: usize = parts.iter().map(|p| p.len()).sum();
    assert!(len <= PAYLOAD_BYTES_MAX, "a record's payload has at most {PAYLOAD_BYTES_MAX} bytes");
    let mut head = [0; HEADER_BYTES];
    head[LEN_AT..LEN_AT + 4].copy_from_slice(&(len as u32).to_le_bytes());
    head[KIND_AT] = kind;
    head[TIME_AT..].copy_from_slice(&time_us.to_le_bytes());
    let mut crc = sum(chain, &head);
    for part in parts {
        crc = crc32c::crc32c_append(crc, part);
    }
    head[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
    out.reserve(HEADER_BYTES + len);
    out.extend_from_slice(&head);
    for part in parts {
        out.extend_from_slice(part);
    }
    crc
}

/// The checksum over a header.
fn sum(chain: u32, head: &[u8; HEADER_BYTES]) -> u32 {
    #[cfg(test)]
    let chain = if super::canary::UNCHAINED.get() { 0 } else { chain };
    crc32c::crc32c_append(crc32c::crc32c_append(chain, &head[LEN_AT..CRC_AT]), &head[KIND_AT..])
}

/// What stands at the front of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A record, its length with header, and the next one's seed.
    Record(Record<'a>, usize, u32),
    /// Perhaps a record of this many bytes with its header; there are fewer.
    Short(usize),
    /// No record.
    Bad,
}

/// How long the record behind this header is with it, as far as that can be told from the header alone.
pub fn claims(head: &[u8; HEADER_BYTES]) -> Option<usize> {
    let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
    let possible = head[KIND_AT] != 0 && head[FLAGS_AT] == 0 && len <= PAYLOAD_BYTES_MAX;
    possible.then_some(HEADER_BYTES + len)
}

/// Reads the record at the front of `bytes`, at position `start`, behind a record with checksum `chain`.
pub fn decode(bytes: &[u8], start: Lsn, chain: u32) -> Decoded<'_> {
    let Some(head) = bytes.first_chunk::<HEADER_BYTES>() else { return Decoded::Short(HEADER_BYTES) };
    let Some(total) = claims(head) else { return Decoded::Bad };
    let Some(payload) = bytes.get(HEADER_BYTES..total) else { return Decoded::Short(total) };
    let crc = crc32c::crc32c_append(sum(chain, head), payload);
    if head[CRC_AT..CRC_AT + 4] != crc.to_le_bytes() {
        return Decoded::Bad;
    }
    let time = head[TIME_AT..].first_chunk().expect("the header ends with eight bytes of time");
    let record = Record {
        start,
        lsn: Lsn(start.0 + total as u64),
        kind: head[KIND_AT],
        flags: head[FLAGS_AT],
        time_us: u64::from_le_bytes(*time),
        payload,
        bytes: &bytes[..total],
    };
    Decoded::Record(record, total, crc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn golden() {
        let mut out = Vec::new();
        let crc = encode(&mut out, 0x0102_0304, 16, 1_700_000_000_000_000, &[b"head", b"water"]);
        assert_eq!(hex(&out), GOLDEN);
        assert_eq!(out[4..8], crc.to_le_bytes());
    }
    const GOLDEN: &str = "0900000093a2b409100000401e18240a0600686561647761746572";

    #[test]
    fn round_trips_and_follows_the_chain() {
        let mut out = Vec::new();
        let first = encode(&mut out, 7, 16, 1, &[b"one"]);
        let split = out.len();
        let second = encode(&mut out, first, 17, 2, &[b"t", b"", b"wo"]);
        let Decoded::Record(a, n, chain) = decode(&out, Lsn(100), 7) else { panic!("first") };
        assert_eq!((a.start, a.lsn, a.kind, a.time_us, a.payload), (Lsn(100), Lsn(121), 16, 1, &b"one"[..]));
        assert_eq!((n, chain), (split, first));
        let Decoded::Record(b, _, chain) = decode(&out[n..], a.lsn, chain) else { panic!("second") };
        assert_eq!((b.start, b.lsn, b.payload, chain), (a.lsn, Lsn(142), &b"two"[..], second));
        assert_eq!(decode(&out[n..], a.lsn, first ^ 1), Decoded::Bad, "another past");
        assert_eq!(decode(&out[..5], Lsn(0), 7), Decoded::Short(HEADER_BYTES));
        assert_eq!(decode(&out[..20], Lsn(0), 7), Decoded::Short(21));
        assert_eq!(decode(&[0; 64], Lsn(0), 0), Decoded::Bad);
    }

    proptest! {
        #[test]
        fn damage_is_seen(payload in proptest::collection::vec(any::<u8>(), 0..200), chain: u32,
                          at in 0usize..218, flip in 1u8..=255) {
            let mut bytes = Vec::new();
            encode(&mut bytes, chain, 16, 5, &[&payload]);
            let at = at % bytes.len();
            bytes[at] ^= flip;
            let seen = decode(&bytes, Lsn(0), chain);
            prop_assert!(!matches!(seen, Decoded::Record(..)), "{seen:?}");
        }

        #[test]
        fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64), chain: u32) {
            prop_assert!(!matches!(decode(&bytes, Lsn(0), chain), Decoded::Record(..)));
        }
    }
}
