//! Where things are in a store: the keys of objects, and the names and numbers in them.
//!
//! ```text
//! <cluster>/<timeline>/archive.json            what is there: `state.rs`
//! <cluster>/<timeline>/wal/<start>-<end>.zst   a piece of the log: `chunk.rs`
//! <cluster>/<timeline>/packs/<pack>.zst        images of pages: `pack.rs`
//! <cluster>/<timeline>/map/<id>.zst            where the pages of a snapshot are: `map.rs`
//! <cluster>/<timeline>/manifest/<id>.json      a snapshot, which exists once this does: `manifest.rs`
//! ```
//!
//! Cluster and pack are 32 hex digits, positions and ids 16. The id of a snapshot is its position in the log.

use crate::base::{Error, Lsn, Result, SqlState};
use crate::wal::Identity;

/// The part of a store that is one timeline's of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: String,
    pub identity: Identity,
}

impl Layout {
    pub fn new(identity: Identity) -> Layout {
        Layout { root: format!("{}/{}", cluster_name(identity.cluster), identity.timeline), identity }
    }

    pub fn root(&self) -> &str {
        &self.root
    }

    pub fn state(&self) -> String {
        format!("{}/archive.json", self.root)
    }

    pub fn wal(&self) -> String {
        format!("{}/wal", self.root)
    }

    pub fn chunk(&self, start: Lsn, end: Lsn) -> String {
        format!("{}/{}-{}.zst", self.wal(), position_name(start), position_name(end))
    }

    pub fn packs(&self) -> String {
        format!("{}/packs", self.root)
    }

    pub fn pack(&self, pack: u128) -> String {
        format!("{}/{}.zst", self.packs(), cluster_name(pack))
    }

    pub fn maps(&self) -> String {
        format!("{}/map", self.root)
    }

    pub fn map(&self, id: Lsn) -> String {
        format!("{}/{}.zst", self.maps(), position_name(id))
    }

    pub fn manifests(&self) -> String {
        format!("{}/manifest", self.root)
    }

    pub fn manifest(&self, id: Lsn) -> String {
        format!("{}/{}.json", self.manifests(), position_name(id))
    }

    /// What the name of an object in this part says; none for another's.
    pub fn parse(&self, key: &str) -> Option<Kind> {
        let (folder, name) = key.strip_prefix(&self.root)?.strip_prefix('/')?.rsplit_once('/').unwrap_or(("", key));
        match folder {
            "" => (key == self.state()).then_some(Kind::State),
            "wal" => {
                let (start, end) = name.strip_suffix(".zst")?.split_once('-')?;
                Some(Kind::Chunk(parse_position(start)?, parse_position(end)?))
            }
            "packs" => parse_cluster(name.strip_suffix(".zst")?).map(Kind::Pack),
            "map" => parse_position(name.strip_suffix(".zst")?).map(Kind::Map),
            "manifest" => parse_position(name.strip_suffix(".json")?).map(Kind::Manifest),
            _ => None,
        }
    }
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    State,
    Chunk(Lsn, Lsn),
    Pack(u128),
    Map(Lsn),
    Manifest(Lsn),
}

pub fn cluster_name(cluster: u128) -> String {
    format!("{cluster:032x}")
}

pub fn parse_cluster(name: &str) -> Option<u128> {
    let number = u128::from_str_radix(name, 16).ok()?;
    (cluster_name(number) == name).then_some(number)
}

pub fn position_name(lsn: Lsn) -> String {
    format!("{:016x}", lsn.0)
}

fn parse_position(name: &str) -> Option<Lsn> {
    let lsn = Lsn(u64::from_str_radix(name, 16).ok()?);
    (position_name(lsn) == name).then_some(lsn)
}

/// The id of a snapshot as people give it. 22023 when it is none.
pub fn parse_id(text: &str) -> Result<Lsn> {
    parse_position(text).ok_or_else(|| {
        let message = format!("\"{text}\" is no id of a snapshot: expected 16 hexadecimal digits");
        Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
    })
}

/// A position as people write it, `16/B374D848`. 22P02 when it is none.
pub fn parse_lsn(text: &str) -> Result<Lsn> {
    let part = |hex: &str| if hex.len() <= 8 { u32::from_str_radix(hex, 16).ok() } else { None };
    let parts = text.split_once('/').and_then(|(high, low)| Some((part(high)?, part(low)?)));
    let (high, low) = parts.ok_or_else(|| {
        let message = format!("invalid input syntax for type pg_lsn: \"{text}\"");
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
    })?;
    Ok(Lsn(u64::from(high) << 32 | u64::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_what_an_object_is() {
        let layout = Layout::new(Identity { cluster: 0xabc, timeline: 2 });
        assert_eq!(
            layout.chunk(Lsn(1), Lsn(0xf0)),
            format!("{:032x}/2/wal/0000000000000001-00000000000000f0.zst", 0xabc)
        );
        for (key, kind) in [
            (layout.state(), Kind::State),
            (layout.chunk(Lsn(5), Lsn(9)), Kind::Chunk(Lsn(5), Lsn(9))),
            (layout.pack(7), Kind::Pack(7)),
            (layout.map(Lsn(3)), Kind::Map(Lsn(3))),
            (layout.manifest(Lsn(3)), Kind::Manifest(Lsn(3))),
        ] {
            assert_eq!(layout.parse(&key), Some(kind), "{key}");
            assert_eq!(layout.parse(&format!("{key}x")), None);
            assert_eq!(Layout::new(Identity { cluster: 0xabc, timeline: 3 }).parse(&key), None);
        }
    }

    #[test]
    fn positions_are_read_as_people_write_them() {
        assert_eq!(parse_lsn("16/B374D848").unwrap(), Lsn(0x16_b374_d848));
        assert_eq!(parse_lsn(&Lsn(0x1_0000_0002).to_string()).unwrap(), Lsn(0x1_0000_0002));
        for text in ["", "16", "x/1", "1/", "1/123456789", "-1/1"] {
            assert!(parse_lsn(text).is_err(), "{text}");
        }
    }
}
