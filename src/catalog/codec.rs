//! The one home of the catalog's rows on disk.
//!
//! | tree | key | value |
//! |---|---|---|
//! | [`TREE`] | database u32, kind u8, oid u32, class u32, sub u16, all big-endian | version u8, then the object as JSON |
//! | [`TREE`] | `ffffffff` and one byte of a counter's number | version u8, then the next value, u32 little-endian |
//!
//! JSON by field name is what makes the objects open to additions: a field that an old row lacks takes its default, a
//! field that an old program does not know is skipped. The version byte changes only if that is not enough.

use super::change::Change;
use super::object::{Kind, Object, ObjectKey};
use crate::base::{Error, Oid, Result, SqlState, TreeId};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The tree of catalog rows. It is the first one that a new data directory makes.
pub const TREE: TreeId = TreeId(1);

/// The tree of sequences' running values; `table` knows what is in it.
pub const SEQUENCE_TREE: TreeId = TreeId(2);

const VERSION: u8 = 1;
const KEY_LEN: usize = 15;
const COUNTERS: u32 = u32::MAX;

fn damaged(what: &str) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("catalog row is damaged: {what}"))
}

pub fn encode_key(database: Oid, key: ObjectKey) -> [u8; KEY_LEN] {
    let database = if key.is_shared() { Oid::INVALID } else { database };
    let mut out = [0; KEY_LEN];
    out[..4].copy_from_slice(&database.0.to_be_bytes());
    out[4] = key.kind as u8;
    out[5..9].copy_from_slice(&key.oid.0.to_be_bytes());
    out[9..13].copy_from_slice(&key.class.0.to_be_bytes());
    out[13..].copy_from_slice(&key.sub.to_be_bytes());
    out
}

/// The key of a cluster-wide counter.
pub fn counter_key(counter: u8) -> [u8; 5] {
    let mut out = [counter; 5];
    out[..4].copy_from_slice(&COUNTERS.to_be_bytes());
    out
}

pub fn encode_counter(next: u32) -> [u8; 5] {
    let mut out = [VERSION; 5];
    out[1..].copy_from_slice(&next.to_le_bytes());
    out
}

pub fn decode_counter(value: &[u8]) -> Result<u32> {
    match value.split_first() {
        Some((&VERSION, rest)) => Ok(u32::from_le_bytes(rest.try_into().map_err(|_| damaged("counter"))?)),
        _ => Err(damaged("counter")),
    }
}

pub fn encode_object(object: &Object) -> Result<Vec<u8>> {
    match object {
        Object::Database(o) => encode(&**o),
        Object::Role(o) => encode(&**o),
        Object::Schema(o) => encode(&**o),
        Object::Table(o) => encode(&**o),
        Object::Index(o) => encode(&**o),
        Object::Sequence(o) => encode(&**o),
        Object::Type(o) => encode(&**o),
        Object::Comment(o) => encode(&**o),
        Object::Stats(o) => encode(&**o),
    }
}

/// A row of the catalog tree as the change that brings it about; `None` for a counter.
pub fn decode_row(key: &[u8], value: Option<&[u8]>) -> Result<Option<Change>> {
    if key.starts_with(&COUNTERS.to_be_bytes()) {
        return Ok(None);
    }
    let key: &[u8; KEY_LEN] = key.try_into().map_err(|_| damaged("key length"))?;
    let word = |at: usize| u32::from_be_bytes([key[at], key[at + 1], key[at + 2], key[at + 3]]);
    let kind = Kind::from_u8(key[4]).ok_or_else(|| damaged("unknown kind"))?;
    let sub = i16::from_be_bytes([key[13], key[14]]);
    let object_key = ObjectKey { kind, oid: Oid(word(5)), class: Oid(word(9)), sub };
    let object = value.map(|v| decode_object(kind, v)).transpose()?;
    Ok(Some(Change { database: Oid(word(0)), key: object_key, object }))
}

fn decode_object(kind: Kind, value: &[u8]) -> Result<Object> {
    let Some((&VERSION, json)) = value.split_first() else { return Err(damaged("unknown version")) };
    Ok(match kind {
        Kind::Database => Object::Database(decode(json)?),
        Kind::Role => Object::Role(decode(json)?),
        Kind::Schema => Object::Schema(decode(json)?),
        Kind::Table => Object::Table(decode(json)?),
        Kind::Index => Object::Index(decode(json)?),
        Kind::Sequence => Object::Sequence(decode(json)?),
        Kind::Type => Object::Type(decode(json)?),
        Kind::Comment => Object::Comment(decode(json)?),
        Kind::Stats => Object::Stats(decode(json)?),
    })
}

fn encode<T: Serialize>(object: &T) -> Result<Vec<u8>> {
    let mut out = vec![VERSION];
    serde_json::to_writer(&mut out, object).map_err(|e| Error::internal(format!("catalog object: {e}")))?;
    Ok(out)
}

fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<std::sync::Arc<T>> {
    serde_json::from_slice(json).map(std::sync::Arc::new).map_err(|e| damaged(&e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::object::{Address, Column, Comment, Schema, class};
    use super::*;

    #[test]
    fn rows_round_trip_and_keep_their_bytes() {
        let comment = Object::from(Comment { on: Address::column(Oid(16384), 2), text: "why".into() });
        let key = encode_key(Oid(5), comment.key());
        assert_eq!(key, [0, 0, 0, 5, 8, 0, 0, 64, 0, 0, 0, 4, 235, 0, 2]);
        let value = encode_object(&comment).unwrap();
        assert_eq!(value, b"\x01{\"on\":{\"class\":1259,\"oid\":16384,\"sub\":2},\"text\":\"why\"}");
        let change = decode_row(&key, Some(&value)).unwrap().unwrap();
        assert_eq!((change.database, change.key, change.object), (Oid(5), comment.key(), Some(comment)));
        assert_eq!(class::CLASS, Oid(1259));
    }

    #[test]
    fn an_old_row_takes_defaults_and_a_new_one_is_skipped_over() {
        let json = br#"{"attnum":1,"name":"a","type_oid":23,"typmod":-1,"from_the_future":[1]}"#;
        let column: Column = serde_json::from_slice(json).unwrap();
        assert_eq!(column, Column::new(1, "a", Oid(23), -1));
    }

    #[test]
    fn damaged_rows_are_refused() {
        let object = Object::from(Schema { oid: Oid(11), name: "s".into(), owner: Oid(10), acl: None });
        let key = encode_key(Oid(5), object.key());
        let value = encode_object(&object).unwrap();
        for n in 0..value.len() {
            assert!(decode_row(&key, Some(&value[..n])).is_err());
        }
        assert!(decode_row(&key[..14], Some(&value)).is_err());
        assert!(decode_counter(&encode_counter(7)[..4]).is_err());
        assert_eq!(decode_counter(&encode_counter(7)).unwrap(), 7);
    }
}
