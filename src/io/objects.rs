//! What backups ask of an object store: whole objects under keys, written once. A folder and an S3-compatible service are
//! two of them (`real_objects.rs`); the simulated one is in `sim_objects.rs`.

use crate::base::Result;
use bytes::Bytes;
use std::ops::Range;

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectInfo {
    pub key: String,
    pub bytes: u64,
}

/// A store of objects. A key is relative to the store's root, with `/` between its parts. Calls block.
///
/// Errors: 58030 for what the store could not do; it may have done it all the same.
pub trait ObjectStore: Send + Sync {
    /// Where it is, for people.
    fn name(&self) -> String;

    /// Writes an object, in place of what had the key; whole or not at all; durable on return.
    fn put(&self, key: &str, bytes: Bytes) -> Result<()>;

    /// The same unless there is one already: then it answers false and changes nothing.
    fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<bool>;

    /// None: there is no such object.
    fn get(&self, key: &str) -> Result<Option<Bytes>>;

    /// A part of an object; less of it only at its end.
    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>>;

    /// All objects in a folder and the folders below it, by key. The root is `""`.
    fn list(&self, folder: &str) -> Result<Vec<ObjectInfo>>;

    /// The names of the folders in a folder.
    fn folders(&self, folder: &str) -> Result<Vec<String>>;

    /// Fine when there is none.
    fn delete(&self, key: &str) -> Result<()>;
}
