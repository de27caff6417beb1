//! Makes a data directory out of a backup. It is one that can be opened once its format is written, which is last: what a
//! restore leaves that was cut short is refused.

use super::settings::Defaults;
use crate::backup::{self, Origin, Restored, Target};
use crate::base::{Error, Result, SqlState};
use crate::engine::write_format;
use crate::io::{Disk, Entropy, ObjectStore, RealObjects};
use crate::replication::Elsewhere;
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

/// Where a replica may take its base from instead of its primary, if the settings name a store of backups.
///
/// Errors: those of [`RealObjects::open`].
pub fn replica_base(settings: &Defaults) -> Result<Option<Elsewhere>> {
    let url = settings.get("backup.store");
    if url.is_empty() {
        return Ok(None);
    }
    let store = RealObjects::open(url, true).map_err(|e| e.context("setting \"backup.store\""))?;
    let from_store = move |disk: &Arc<dyn Disk>, system, timeline| {
        let mut progress = |step| tracing::debug!("restoring a base: {step}");
        let restored = backup::restore_replica(&store, disk, system, timeline, &mut progress)?;
        tracing::info!(store = store.name(), pages = restored.pages, up_to = %restored.lsn, "the base is from the store");
        Ok(())
    };
    Ok(Some(Arc::new(from_store)))
}
