//! The snapshots of a store.

use super::layout::Layout;
use super::manifest::Manifest;
use super::state::State;
use super::target;
use crate::base::{Result, SqlState};
use crate::io::ObjectStore;

/// One timeline of one cluster.
#[derive(Clone, Debug)]
pub struct Listed {
    pub layout: Layout,
    /// Up to where and when it can be restored; none when the store does not say.
    pub state: Option<State>,
    /// Its snapshots, oldest first; for one whose manifest cannot be read what is wrong with it.
    pub snapshots: Vec<std::result::Result<Manifest, String>>,
}

/// Lists everything, or one cluster.
///
/// Errors: 42704 when there is nothing; those of the store.
pub fn list(store: &dyn ObjectStore, cluster: Option<u128>) -> Result<Vec<Listed>> {
    let mut all = Vec::new();
    for layout in target::layouts(store, cluster)? {
        let state = match State::read(store, &layout) {
            Err(e) if e.code() == SqlState::DATA_CORRUPTED => None,
            found => found?,
        };
        let mut snapshots = Vec::new();
        for id in Manifest::list(store, &layout)? {
            snapshots.push(match Manifest::read(store, &layout, id) {
                Err(e) if e.code() == SqlState::DATA_CORRUPTED => Err(e.message().to_string()),
                found => Ok(found?),
            });
        }
        all.push(Listed { layout, state, snapshots });
    }
    Ok(all)
}
