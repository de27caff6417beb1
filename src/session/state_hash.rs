//! A number for everything that a snapshot shows: nodes that show the same have the same.

use super::host::SessionHost;
use super::run::in_place;
use crate::base::{Error, Lsn, Result};
use crate::catalog::trees_at;
use crate::engine::Engine;
use crate::types::Datum;
use xxhash_rust::xxh3::Xxh3;

impl SessionHost<'_> {
    /// `headwater_state_hash()`: of all rows, index entries, sequences and definitions of all databases, as of the
    /// statement's snapshot, without what the transaction has not committed.
    pub(super) fn state_hash(&self) -> Result<Datum> {
        let at = self.snapshot.ok_or_else(|| Error::internal("a statement has a snapshot"))?;
        let backend = self.backend.clone();
        let check = || backend.interrupted().map_or(Ok(()), |why| Err(why.error()));
        let hash = in_place(|| hash(&self.database.engine, at, &check))?;
        Ok(Datum::text(format!("{hash:032x}")))
    }
}

/// Each entry goes in with the lengths of its key and value, behind the number of its tree: no two states look alike.
fn hash(engine: &Engine, at: Lsn, check: &dyn Fn() -> Result<()>) -> Result<u128> {
    let mut hasher = Xxh3::new();
    for tree in trees_at(engine, at)? {
        hasher.update(&tree.0.to_le_bytes());
        engine.visit_at(tree, at, &mut |entries| {
            for (key, value) in entries.iter() {
                hasher.update(&(key.len() as u32).to_le_bytes());
                hasher.update(&(value.len() as u32).to_le_bytes());
                hasher.update(key);
                hasher.update(value);
            }
            check()
        })?;
        // Behind the last entry: no key is as long.
        hasher.update(&u32::MAX.to_le_bytes());
    }
    Ok(hasher.digest128())
}
