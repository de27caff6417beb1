//! What the catalog does not know and the running server does. The session implements [`Facts`].

use crate::base::{Lsn, Oid};
use crate::catalog::{Sequence, Table};

/// One row of `pg_settings`.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    pub name: String,
    pub setting: String,
    pub unit: Option<String>,
    pub category: String,
    pub short_desc: String,
    /// `user`, `superuser`, `sighup`, `postmaster`, `internal`, `backend`.
    pub context: String,
    /// `bool`, `integer`, `real`, `string`, `enum`.
    pub vartype: String,
    /// `default`, `session`, `configuration file`, ...
    pub source: String,
    pub min_val: Option<String>,
    pub max_val: Option<String>,
    pub enumvals: Option<Vec<String>>,
    pub boot_val: Option<String>,
    pub reset_val: Option<String>,
    pub pending_restart: bool,
}

/// One row of `pg_stat_activity`. Times are microseconds since 2000-01-01 UTC.
#[derive(Clone, Debug, Default)]
pub struct Backend {
    pub database: Oid,
    pub role: Oid,
    pub pid: i32,
    pub application_name: String,
    pub client_addr: Option<String>,
    pub client_port: Option<i32>,
    pub backend_start: i64,
    pub xact_start: Option<i64>,
    pub query_start: Option<i64>,
    pub state_change: Option<i64>,
    pub wait_event_type: Option<String>,
    pub wait_event: Option<String>,
    /// `active`, `idle`, `idle in transaction`, ...
    pub state: Option<String>,
    pub query: String,
    /// `client backend`, `checkpointer`, ...
    pub backend_type: String,
}

/// One row of `pg_locks`.
#[derive(Clone, Debug, Default)]
pub struct Lock {
    /// `relation`, `tuple`, `advisory`, ...
    pub kind: String,
    pub database: Option<Oid>,
    pub relation: Option<Oid>,
    pub class: Option<Oid>,
    pub object: Option<Oid>,
    pub sub: Option<i16>,
    pub virtual_transaction: String,
    pub pid: Option<i32>,
    /// `AccessShareLock`, ...
    pub mode: String,
    pub granted: bool,
    pub wait_start: Option<i64>,
}

/// One row of `pg_prepared_statements`.
#[derive(Clone, Debug, Default)]
pub struct PreparedStatement {
    pub name: String,
    pub statement: String,
    pub prepare_time: i64,
    pub parameter_types: Vec<Oid>,
    pub from_sql: bool,
    pub generic_plans: i64,
    pub custom_plans: i64,
}

/// One row of `pg_cursors`.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    pub name: String,
    pub statement: String,
    pub is_holdable: bool,
    pub is_binary: bool,
    pub is_scrollable: bool,
    pub creation_time: i64,
}

/// One row of `pg_stat_replication`. Lags are microseconds.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    pub backend: Backend,
    /// `catchup` or `streaming`.
    pub state: &'static str,
    pub sent: Option<Lsn>,
    pub written: Option<Lsn>,
    pub flushed: Option<Lsn>,
    pub applied: Option<Lsn>,
    pub write_lag: Option<i64>,
    pub flush_lag: Option<i64>,
    pub apply_lag: Option<i64>,
    pub sync_priority: i32,
    /// `async`, `potential`, `sync` or `quorum`.
    pub sync_state: &'static str,
    pub reply_time: Option<i64>,
}

/// The row of `pg_stat_wal_receiver`.
#[derive(Clone, Debug, Default)]
pub struct WalReceiver {
    pub pid: i32,
    pub status: &'static str,
    pub start: Lsn,
    pub start_timeline: i32,
    pub written: Lsn,
    pub flushed: Lsn,
    pub timeline: i32,
    pub sent: Option<i64>,
    pub received: Option<i64>,
    pub primary_end: Option<Lsn>,
    pub primary_end_time: Option<i64>,
    pub slot: Option<String>,
    pub host: String,
    pub port: i32,
    pub connection: String,
}

/// One row of `pg_replication_slots`.
#[derive(Clone, Debug, Default)]
pub struct ReplicationSlot {
    pub name: String,
    pub temporary: bool,
    pub active: Option<i32>,
    pub restart: Option<Lsn>,
    pub lost: bool,
    /// How much log may be written before it is lost.
    pub safe_bytes: Option<i64>,
}

/// What the statistics views say of a table.
#[derive(Clone, Copy, Debug, Default)]
pub struct TableActivity {
    pub inserted: i64,
    pub updated: i64,
    pub deleted: i64,
    pub live: i64,
}

/// A session's answers. Each method may answer nothing.
pub trait Facts {
    fn settings(&self) -> Vec<Setting> {
        Vec::new()
    }

    fn backends(&self) -> Vec<Backend> {
        Vec::new()
    }

    fn locks(&self) -> Vec<Lock> {
        Vec::new()
    }

    fn prepared_statements(&self) -> Vec<PreparedStatement> {
        Vec::new()
    }

    fn cursors(&self) -> Vec<Cursor> {
        Vec::new()
    }

    fn senders(&self) -> Vec<Sender> {
        Vec::new()
    }

    /// None on a primary.
    fn wal_receiver(&self) -> Option<WalReceiver> {
        None
    }

    fn replication_slots(&self) -> Vec<ReplicationSlot> {
        Vec::new()
    }

    /// Name, abbreviation, offset from UTC in seconds, and whether it is daylight saving time now.
    fn time_zones(&self) -> Vec<(String, String, i32, bool)> {
        Vec::new()
    }

    /// `pg_sequences.last_value`: the last value handed out.
    fn sequence_last_value(&self, _sequence: &Sequence) -> Option<i64> {
        None
    }

    /// Rows and 8 KiB pages, as far as known.
    fn table_size(&self, _table: &Table) -> Option<(f64, u64)> {
        None
    }

    fn table_activity(&self, _table: Oid) -> TableActivity {
        TableActivity::default()
    }
}

/// Answers nothing.
pub struct NoFacts;

impl Facts for NoFacts {}
