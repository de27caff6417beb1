//! Functions about the log, and about following another node's.

use super::host::SessionHost;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::types::datetime::Interval;
use crate::types::{Datum, DatumRef, pack_lsn};
use std::time::Duration;

/// How long `pg_promote` sleeps between looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// 55000: what only a primary can tell.
fn recovery_in_progress() -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "recovery is in progress")
        .hint("WAL control functions cannot be executed during recovery.")
}

/// 55000: what only a replica can do.
pub fn recovery_not_in_progress() -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "recovery is not in progress")
        .hint("Recovery control functions can only be executed during recovery.")
}

fn position(lsn: Lsn) -> Datum {
    Datum::Int8(pack_lsn(lsn))
}

impl SessionHost<'_> {
    pub(super) fn replication_function(&mut self, name: &str, args: &[DatumRef<'_>]) -> Result<Option<Datum>> {
        let node = &self.database.replication;
        let standby = node.in_recovery();
        let only_standby = |value: Datum| Some(if standby { value } else { Datum::Null });
        Ok(match name {
            "pg_is_in_recovery" => Some(Datum::Bool(standby)),
            "pg_current_wal_lsn" | "pg_current_wal_insert_lsn" | "pg_current_wal_flush_lsn" if standby => {
                return Err(recovery_in_progress());
            }
            "pg_current_wal_lsn" | "pg_current_wal_flush_lsn" => Some(position(self.database.engine.durable())),
            "pg_current_wal_insert_lsn" => Some(position(self.database.engine.wal().appended())),
            "pg_last_wal_receive_lsn" => only_standby(position(node.received())),
            "pg_last_wal_replay_lsn" => only_standby(position(node.replayed())),
            "pg_last_xact_replay_timestamp" => only_standby(node.last_commit_us().map_or(Datum::Null, Datum::Int8)),
            "headwater_replica_lag" => {
                let interval = |micros| Datum::Interval(Interval { months: 0, days: 0, micros });
                Some(node.lag_us().map_or(Datum::Null, interval))
            }
            "pg_is_wal_replay_paused" if standby => Some(Datum::Bool(false)),
            "pg_is_wal_replay_paused" => return Err(recovery_not_in_progress()),
            "pg_promote" => Some(Datum::Bool(self.promote(args)?)),
            _ => None,
        })
    }

    /// `pg_promote(wait, wait_seconds)`: whether the node is a primary when it returns, or has been asked to be.
    fn promote(&mut self, args: &[DatumRef<'_>]) -> Result<bool> {
        let node = self.database.replication.clone();
        if !node.in_recovery() {
            return Err(recovery_not_in_progress());
        }
        let wait = matches!(args.first(), Some(DatumRef::Bool(true)));
        let seconds = match args.get(1) {
            Some(DatumRef::Int4(seconds)) => *seconds,
            _ => 60,
        };
        if seconds <= 0 {
            let message = "\"wait_seconds\" must not be negative or zero";
            return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message));
        }
        node.request_promotion();
        if !wait {
            return Ok(true);
        }
        let backend = self.backend.clone();
        super::run::in_place(move || {
            let mut left = Duration::from_secs(seconds as u64);
            while node.in_recovery() {
                if let Some(why) = backend.interrupted() {
                    return Err(why.error());
                }
                if left.is_zero() {
                    return Ok(false);
                }
                let slice = left.min(LOOK_INTERVAL);
                std::thread::sleep(slice);
                left -= slice;
            }
            Ok(true)
        })
    }
}
