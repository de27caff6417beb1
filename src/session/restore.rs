//! Makes a data directory out of a backup. It is one that can be opened once its format is written, which is last: what a
//! restore leaves that was cut short is refused.

use crate::backup::{self, Origin, Restored, Target};
use crate::base::{Error, Result, SqlState};
use crate::engine::write_format;
use crate::io::{Disk, Entropy, ObjectStore};
use std::sync::Arc;

/// Restores a moment into an empty folder.
///
/// Errors: 55000 when the folder is not empty; those of [`backup::restore`].
pub fn restore(
    store: &dyn ObjectStore,
    disk: Arc<dyn Disk>,
    entropy: &dyn Entropy,
    origin: Origin,
    target: &Target,
    progress: &mut dyn FnMut(String),
) -> Result<Restored> {
    if !disk.list("")?.is_empty() {
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "it is not empty"));
    }
    let _lock = disk.lock("")?;
    let restored = backup::restore(store, &disk, entropy, origin, target, progress)?;
    write_format(&*disk)?;
    Ok(restored)
}
