//! Ids as newtypes, so that a tree cannot be taken for a position in the log.

use std::fmt;

/// A byte position in the log: the end of a commit record. It is at once the commit's timestamp, the id of the
/// snapshot that sees it, a restore target and a replica's position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    pub const ZERO: Lsn = Lsn(0);
    pub const MAX: Lsn = Lsn(u64::MAX);

    /// The position that PostgreSQL's text form names: two hexadecimal numbers of up to eight digits.
    pub fn parse(text: &str) -> Option<Lsn> {
        let half = |digits: &str| match digits.len() {
            1..=8 if digits.bytes().all(|b| b.is_ascii_hexdigit()) => u64::from_str_radix(digits, 16).ok(),
            _ => None,
        };
        let (high, low) = text.split_once('/')?;
        Some(Lsn(half(high)? << 32 | half(low)?))
    }
}

/// PostgreSQL's text form of a position, `16/B374D848`.
impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 as u32)
    }
}

/// One tree of the storage engine: an ordered map from key bytes to value bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct TreeId(pub u32);

/// One page of the storage engine: a logical unit, wherever its bytes are. Zero names none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId(pub u32);

impl PageId {
    pub const NONE: PageId = PageId(0);
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// PostgreSQL's object id: of a type, a function, a table, ...
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Oid(pub u32);

impl Oid {
    /// `InvalidOid`.
    pub const INVALID: Oid = Oid(0);
    /// Objects that users create get ids from here up (`FirstNormalObjectId`).
    pub const FIRST_USER: Oid = Oid(16384);
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Lsn;

    #[test]
    fn positions_are_read_as_they_are_printed() {
        for lsn in [Lsn(0), Lsn(0x16_b374_d848), Lsn::MAX] {
            assert_eq!(Lsn::parse(&lsn.to_string()), Some(lsn));
        }
        for wrong in ["", "0", "0/", "/0", "0/123456789", "+1/0", "g/0", "0/0 "] {
            assert_eq!(Lsn::parse(wrong), None, "{wrong}");
        }
    }
}
