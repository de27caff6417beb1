//! What system views show that only the running server knows (`catalog::system::Facts`).
//!
//! It is gathered on demand, when a query reads such a view, from a handle that the session lends with each call.

use super::backend::Backends;
use super::database::Database;
use super::portal::Portals;
use super::prepare::Prepared;
use super::settings::{Context, Kind, Settings};
use crate::base::{Lsn, Oid};
use crate::catalog::system::{
    Backend as BackendRow, Cursor as CursorRow, Facts, Lock as LockRow, PreparedStatement as PreparedRow,
    ReplicationSlot, Sender as SenderRow, Setting, TableActivity, WalReceiver,
};
use crate::catalog::{Catalog, Sequence, Table};
use crate::replication::{SenderInfo, SlotInfo};
use crate::txn::{Isolation, LockTag};
use crate::types::datetime::calendar::UNIX_EPOCH_US;
use ahash::AHashMap;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub struct SessionFacts<'a> {
    pub database: &'a Database,
    pub catalog: &'a Catalog,
    pub settings: &'a RefCell<&'a mut Settings>,
    pub statements: &'a AHashMap<String, Arc<Prepared>>,
    pub portals: &'a Portals,
}

impl SessionFacts<'_> {
    fn backends_of(&self) -> &Backends {
        &self.database.backends
    }
}

impl Facts for SessionFacts<'_> {
    fn settings(&self) -> Vec<Setting> {
        self.settings
            .borrow()
            .all()
            .map(|(s, value, reset, source)| {
                let (vartype, unit, min, max, values) = match s.kind {
                    Kind::Bool => ("bool", "", None, None, None),
                    Kind::Int { min, max, unit } => {
                        ("integer", unit, Some(min.to_string()), Some(max.to_string()), None)
                    }
                    Kind::Real { min, max, unit } => ("real", unit, Some(min.to_string()), Some(max.to_string()), None),
                    Kind::Enum(v) => ("enum", "", None, None, Some(v.iter().map(|v| (*v).to_owned()).collect())),
                    Kind::Text => ("string", "", None, None, None),
                };
                Setting {
                    name: s.name.to_owned(),
                    setting: value.to_owned(),
                    unit: (!unit.is_empty()).then(|| unit.to_owned()),
                    category: s.category.to_owned(),
                    short_desc: s.description.to_owned(),
                    context: context_name(s.context).to_owned(),
                    vartype: vartype.to_owned(),
                    source: source.as_str().to_owned(),
                    min_val: min,
                    max_val: max,
                    enumvals: values,
                    boot_val: Some(s.default.to_owned()),
                    reset_val: Some(reset.to_owned()),
                    pending_restart: false,
                }
            })
            .collect()
    }

    fn backends(&self) -> Vec<BackendRow> {
        let since_2000 = |us: i64| us + UNIX_EPOCH_US;
        self.backends_of()
            .all()
            .iter()
            .map(|b| {
                let a = b.activity.lock().clone();
                BackendRow {
                    database: self.catalog.database_named(&a.database).map_or(Oid::INVALID, |d| d.oid),
                    role: self.catalog.role_named(&a.user).map_or(Oid::INVALID, |r| r.oid),
                    pid: b.process,
                    application_name: a.application,
                    client_addr: b.peer.map(|p| p.ip().to_string()),
                    client_port: b.peer.map(|p| i32::from(p.port())),
                    backend_start: since_2000(b.start_us),
                    xact_start: a.transaction_start_us,
                    query_start: Some(a.query_start_us),
                    state_change: Some(a.state_change_us),
                    wait_event_type: (a.state != "active").then(|| "Client".to_owned()),
                    wait_event: (a.state != "active").then(|| "ClientRead".to_owned()),
                    state: Some(a.state.to_owned()),
                    query: a.query.to_string(),
                    backend_type: if a.is_sender { "walsender" } else { "client backend" }.to_owned(),
                }
            })
            .collect()
    }

    fn locks(&self) -> Vec<LockRow> {
        let lines = self.database.engine.lock_snapshot();
        lines
            .into_iter()
            .map(|line| {
                let mut row = LockRow {
                    virtual_transaction: format!("{}/0", line.process),
                    pid: Some(line.process),
                    mode: line.mode.name().to_owned(),
                    granted: line.granted,
                    ..LockRow::default()
                };
                match line.tag {
                    LockTag::Relation { database, relation } => {
                        row.kind = "relation".into();
                        row.database = Some(database);
                        row.relation = Some(relation);
                    }
                    LockTag::Row { tree } => {
                        row.kind = "tuple".into();
                        row.database = Some(self.catalog.database_oid());
                        row.relation = self.catalog.tables().iter().find(|t| t.tree == tree).map(|t| t.oid);
                    }
                    LockTag::Advisory { database, class, object, sub } => {
                        row.kind = "advisory".into();
                        row.database = Some(database);
                        row.class = Some(Oid(class));
                        row.object = Some(Oid(object));
                        row.sub = Some(sub as i16);
                    }
                    LockTag::Name { .. } => row.kind = "object".into(),
                }
                row
            })
            .collect()
    }

    fn prepared_statements(&self) -> Vec<PreparedRow> {
        let named = self.statements.iter().filter(|(name, _)| !name.is_empty());
        named
            .map(|(name, p)| PreparedRow {
                name: name.clone(),
                statement: p.text.to_string(),
                prepare_time: p.prepared_us,
                parameter_types: p.params.iter().map(|t| t.oid).collect(),
                from_sql: p.from_sql,
                generic_plans: p.uses.load(Ordering::Relaxed),
                custom_plans: 0,
            })
            .collect()
    }

    fn cursors(&self) -> Vec<CursorRow> {
        self.portals
            .cursors()
            .map(|(name, p, c)| CursorRow {
                name: name.to_owned(),
                statement: p.text.to_string(),
                is_holdable: c.hold,
                is_binary: c.binary,
                is_scrollable: c.scroll || !c.no_scroll,
                creation_time: p.created_us,
            })
            .collect()
    }

    fn senders(&self) -> Vec<SenderRow> {
        let node = &self.database.replication;
        let backends = self.backends();
        let row = |s: SenderInfo| {
            let known = |lsn: Lsn| Some(lsn).filter(|lsn| *lsn > Lsn::ZERO);
            Some(SenderRow {
                backend: backends.iter().find(|b| b.pid == s.process)?.clone(),
                state: if s.streaming { "streaming" } else { "catchup" },
                sent: known(s.sent),
                written: known(s.written),
                flushed: known(s.flushed),
                applied: known(s.applied),
                write_lag: s.lags.write,
                flush_lag: s.lags.flush,
                apply_lag: s.lags.apply,
                sync_priority: s.priority as i32,
                sync_state: s.part.as_str(),
                reply_time: s.reply_us,
            })
        };
        node.senders.all(node.now_us()).into_iter().filter_map(row).collect()
    }

    fn wal_receiver(&self) -> Option<WalReceiver> {
        let node = &self.database.replication;
        let r = node.receiving();
        let target = r.target?;
        Some(WalReceiver {
            pid: 0,
            status: if r.streaming { "streaming" } else { "waiting" },
            start: r.start,
            start_timeline: r.start_timeline as i32,
            written: self.database.engine.wal().appended(),
            flushed: node.received(),
            timeline: node.timeline() as i32,
            sent: r.sent_us,
            received: r.received_us,
            primary_end: Some(r.primary_end).filter(|_| r.primary_end_us.is_some()),
            primary_end_time: r.primary_end_us,
            slot: r.slot,
            host: target.host.clone(),
            port: i32::from(target.port),
            connection: target.to_string(),
        })
    }

    fn replication_slots(&self) -> Vec<ReplicationSlot> {
        let row = |s: SlotInfo| ReplicationSlot {
            name: s.name,
            temporary: s.temporary,
            active: s.active,
            restart: s.restart,
            lost: s.lost,
            safe_bytes: s.safe_bytes.map(|bytes| bytes as i64),
        };
        self.database.replication.slots.all().into_iter().map(row).collect()
    }

    fn sequence_last_value(&self, sequence: &Sequence) -> Option<i64> {
        let txn = self.database.engine.begin(Isolation::ReadCommitted);
        let value = self.database.tables.sequence_value(&txn, sequence).ok()?;
        value.is_called.then_some(value.last_value)
    }

    fn table_size(&self, table: &Table) -> Option<(f64, u64)> {
        let rows = self.database.tables.estimated_rows(self.catalog, table.oid);
        Some((rows, (rows * 64.0 / 8192.0).ceil() as u64))
    }

    fn table_activity(&self, table: Oid) -> TableActivity {
        let a = self.database.tables.activity(table);
        let read = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed) as i64;
        let live = self.database.tables.estimated_rows(self.catalog, table) as i64;
        TableActivity { inserted: read(&a.inserted), updated: read(&a.updated), deleted: read(&a.deleted), live }
    }
}

fn context_name(context: Context) -> &'static str {
    match context {
        Context::Internal => "internal",
        Context::Postmaster => "postmaster",
        Context::Sighup => "sighup",
        Context::Backend => "backend",
        Context::Superuser => "superuser",
        Context::User => "user",
    }
}
