//! Which trees there are, as the catalog's rows tell it: those of all databases.

use super::codec::{self, SEQUENCE_TREE, TREE};
use super::object::Object;
use crate::base::{Lsn, Result, TreeId};
use crate::engine::Engine;
use std::collections::BTreeSet;

/// The trees of all that existed at `at`, of which a snapshot is open. The engine may still have others, which were dropped
/// before.
pub fn trees_at(engine: &Engine, at: Lsn) -> Result<BTreeSet<TreeId>> {
    let mut trees = BTreeSet::from([TREE, SEQUENCE_TREE]);
    engine.visit_at(TREE, at, &mut |entries| {
        for (key, value) in entries.iter() {
            let object = codec::decode_row(key, Some(value))?.and_then(|change| change.object);
            match object {
                // A view has none.
                Some(Object::Table(table)) if table.tree != TreeId::default() => drop(trees.insert(table.tree)),
                Some(Object::Index(index)) => drop(trees.insert(index.tree)),
                _ => {}
            }
        }
        Ok(())
    })?;
    Ok(trees)
}
