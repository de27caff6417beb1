//! Restore points, and snapshots on demand: taking and deleting them.

use super::host::SessionHost;
use super::run::in_place;
use crate::backup::{Taken, parse_id};
use crate::base::{Error, Result, SqlState};
use crate::types::{Datum, pack_lsn};

/// As in PostgreSQL, with its zero at the end.
const NAME_BYTES_MAX: usize = 64;

impl SessionHost<'_> {
    pub(super) fn create_restore_point(&mut self, name: &str) -> Result<Datum> {
        if name.len() >= NAME_BYTES_MAX {
            let message = format!("value too long for restore point (maximum {} characters)", NAME_BYTES_MAX - 1);
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let lsn = self.database.engine.restore_point(name)?;
        *self.floor = (*self.floor).max(lsn);
        tracing::info!("restore point \"{name}\" created at {lsn}");
        Ok(Datum::Int8(pack_lsn(lsn)))
    }

    /// Takes a snapshot and tells of it.
    pub(super) fn backup(&self) -> Result<Datum> {
        let backups = self.database.backups()?;
        let Taken { manifest, already_there } = in_place(|| backups.snapshot(&|| self.not_canceled()))?;
        Ok(Datum::text(
            serde_json::json!({
                "id": manifest.name(),
                "lsn": manifest.id().to_string(),
                "new": !already_there,
                "pages": manifest.pages,
                "pages_changed": manifest.pages_uploaded,
                "bytes_uploaded": manifest.bytes_uploaded,
            })
            .to_string(),
        ))
    }

    /// Deletes a snapshot that was taken on demand.
    pub(super) fn delete_backup(&self, id: &str) -> Result<Datum> {
        let backups = self.database.backups()?;
        let id = parse_id(id)?;
        in_place(|| backups.delete(id, &|| self.not_canceled()))?;
        Ok(Datum::Bool(true))
    }

    fn not_canceled(&self) -> Result<()> {
        match self.backend.interrupted() {
            None => Ok(()),
            Some(_) => Err(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")),
        }
    }
}
