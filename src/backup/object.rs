//! The seal of every object: a last line that holds a checksum of its key and its content, so that no byte of it can
//! change and no object can be taken for another.
//!
//! ```text
//! <content> "\nheadwater object " <XXH3-128 of key, zero byte, content, in 32 hex digits> "\n"
//! ```

use crate::base::{Error, Result, SqlState};
use crate::io::ObjectStore;
use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

const MARK: &[u8] = b"\nheadwater object ";
const SUM_BYTES: usize = 32;
const SEAL_BYTES: usize = MARK.len() + SUM_BYTES + 1;

fn sum(key: &str, content: &[u8]) -> String {
    let mut hasher = Xxh3::new();
    hasher.update(key.as_bytes());
    hasher.update(&[0]);
    hasher.update(content);
    format!("{:032x}", hasher.digest128())
}

pub fn seal(key: &str, mut content: Vec<u8>) -> Bytes {
    let sum = sum(key, &content);
    content.extend_from_slice(MARK);
    content.extend_from_slice(sum.as_bytes());
    content.push(b'\n');
    content.into()
}

/// The content of a sealed object. XX001 that names it when its seal does not fit.
pub fn open(key: &str, object: Bytes) -> Result<Bytes> {
    let content = object.len().checked_sub(SEAL_BYTES).map(|n| object.slice(..n));
    let content = content.ok_or_else(|| damaged(key, "it is cut off"))?;
    let expected = [MARK, sum(key, &content).as_bytes(), b"\n"].concat();
    if object[content.len()..] != expected[..] {
        return Err(damaged(key, "its checksum does not match"));
    }
    Ok(content)
}

/// Reads an object that must be there. XX001 that names it when it is not, or is not whole.
pub fn read(store: &dyn ObjectStore, key: &str) -> Result<Bytes> {
    match store.get(key)? {
        Some(object) => open(key, object),
        None => Err(missing(key)),
    }
}

pub fn missing(key: &str) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("object \"{key}\" is missing"))
}

pub fn damaged(key: &str, why: impl std::fmt::Display) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("object \"{key}\" is damaged: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_tells_every_change() {
        let object = seal("a/b", b"content".to_vec());
        assert_eq!(&object[..25], b"content\nheadwater object ");
        assert_eq!(object.len(), 7 + SEAL_BYTES);
        assert_eq!(open("a/b", object.clone()).unwrap(), "content");
        assert!(open("a/c", object.clone()).is_err(), "another's");
        for at in 0..object.len() {
            let mut bytes = object.to_vec();
            bytes[at] ^= 1;
            let e = open("a/b", bytes.into()).unwrap_err();
            assert!(e.message().contains("\"a/b\""), "{e}");
        }
        for n in 0..object.len() {
            assert!(open("a/b", object.slice(..n)).is_err());
        }
    }
}
