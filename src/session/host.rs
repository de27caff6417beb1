//! What functions ask of the session: sequences, settings, names, definitions, other sessions.
//!
//! One match from a function's name to a method; the families are in the files beside this one's `impl`s. What the
//! registry declares and nobody answers here is 0A000 by name.

use super::backend::{Backend, Interrupt, Notification};
use super::database::Database;
use super::settings::{Scope, Settings, unrecognized};
use super::sink::Severity;
use super::transaction::Transaction;
use crate::base::{Error, Flow, Lsn, Oid, Result, SqlState};
use crate::binder::CatalogNames;
use crate::catalog::deparse::{self, Namer};
use crate::catalog::{Address, Catalog, Relation, Sequence, class};
use crate::expr::functions::SEQUENCE_STATE;
use crate::expr::{Function, Host};
use crate::txn::{Isolation, LockKey, LockMode, Locked, Owner, Txn, TxnId, Wait};
use crate::types::{ArrayValue, Datum, DatumRef, RecordValue, SqlType, oid};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long `pg_sleep` sleeps between looks at the cancel flag.
const SLEEP_SLICE: Duration = Duration::from_millis(10);

/// The last values that the session has drawn from sequences.
#[derive(Default)]
pub struct SequenceValues {
    values: HashMap<Oid, i64>,
    last: Option<Oid>,
}

impl SequenceValues {
    /// DISCARD SEQUENCES.
    pub fn clear(&mut self) {
        self.values.clear();
        self.last = None;
    }
}

/// The session as functions see it, for one call of the executor.
pub struct SessionHost<'a> {
    pub database: &'a Arc<Database>,
    pub backend: &'a Arc<Backend>,
    pub owner: &'a Owner,
    pub settings: &'a RefCell<&'a mut Settings>,
    pub sequences: &'a mut SequenceValues,
    pub notices: &'a mut Vec<(Severity, Error)>,
    pub notifications: &'a mut Vec<Notification>,
    /// Transactions that hold locks for this one: advisory locks of its own.
    pub companions: &'a mut Vec<Txn>,
    /// What sequences have written meanwhile: the transaction is not durable before that is.
    pub floor: &'a mut Lsn,
    pub catalog: &'a Arc<Catalog>,
    pub path: &'a Arc<[Oid]>,
    pub named_schemas: &'a [Oid],
    /// What `pg_temp` means.
    pub temp_schema: Option<Oid>,
    pub user: &'a str,
    pub txn_id: TxnId,
    /// What the statement sees; the transaction keeps it.
    pub snapshot: Option<Lsn>,
}

impl Host for SessionHost<'_> {
    fn call(&mut self, func: &Function, args: &[DatumRef<'_>]) -> Result<Datum> {
        if *func == SEQUENCE_STATE {
            return self.sequence_state(oid_arg(args, 0));
        }
        let answer = self.sequence_function(func.name, args)?;
        let answer = match answer {
            None => self.setting_function(func.name, args)?,
            some => some,
        };
        let answer = match answer {
            None => self.catalog_function(func.name, args)?,
            some => some,
        };
        let answer = match answer {
            None => self.server_function(func.name, args)?,
            some => some,
        };
        let answer = match answer {
            None => self.replication_function(func.name, args)?,
            some => some,
        };
        answer.ok_or_else(|| Error::unsupported(format!("function {}", func.name)))
    }

    fn clock_us(&mut self) -> i64 {
        self.database.now_us()
    }

    fn notice(&mut self, notice: Error) {
        let severity = match notice.code().class() {
            "01" => Severity::Warning,
            _ => Severity::Notice,
        };
        self.notices.push((severity, notice));
    }

    fn warning(&mut self, warning: Error) {
        self.notices.push((Severity::Warning, warning));
    }
}

fn text(s: impl Into<String>) -> Option<Datum> {
    Some(Datum::text(s.into()))
}

fn name_array(names: impl IntoIterator<Item = String>) -> Datum {
    let items = names.into_iter().map(Datum::text).collect::<Vec<_>>();
    Datum::array(ArrayValue::one_dimensional(oid::NAME, items))
}

fn oid_arg(args: &[DatumRef<'_>], i: usize) -> Oid {
    match args.get(i) {
        Some(DatumRef::Oid(n)) => Oid(*n),
        _ => Oid::INVALID,
    }
}

fn int_arg(args: &[DatumRef<'_>], i: usize) -> i64 {
    match args.get(i) {
        Some(DatumRef::Int8(n)) => *n,
        Some(DatumRef::Int4(n)) => i64::from(*n),
        Some(DatumRef::Int2(n)) => i64::from(*n),
        _ => 0,
    }
}

fn text_arg<'a>(args: &[DatumRef<'a>], i: usize) -> &'a str {
    match args.get(i) {
        Some(DatumRef::Text(s)) => s,
        _ => "",
    }
}

fn bool_arg(args: &[DatumRef<'_>], i: usize) -> bool {
    matches!(args.get(i), Some(DatumRef::Bool(true)))
}

impl SessionHost<'_> {
    fn sequence_function(&mut self, name: &str, args: &[DatumRef<'_>]) -> Result<Option<Datum>> {
        Ok(Some(Datum::Int8(match name {
            "nextval" => {
                self.prevent_write("nextval()")?;
                let sequence = self.sequence(oid_arg(args, 0))?;
                let tables = self.database.tables.clone();
                let value = self.beside(|txn| tables.nextval(txn, &sequence))?;
                self.sequences.values.insert(sequence.oid, value);
                self.sequences.last = Some(sequence.oid);
                value
            }
            "setval" => {
                self.prevent_write("setval()")?;
                let sequence = self.sequence(oid_arg(args, 0))?;
                let (value, called) = (int_arg(args, 1), args.len() < 3 || bool_arg(args, 2));
                let tables = self.database.tables.clone();
                self.beside(|txn| tables.setval(txn, &sequence, value, called))?;
                if called {
                    self.sequences.values.insert(sequence.oid, value);
                }
                value
            }
            "currval" => {
                let sequence = self.sequence(oid_arg(args, 0))?;
                *self.sequences.values.get(&sequence.oid).ok_or_else(|| {
                    Error::new(
                        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                        format!("currval of sequence \"{}\" is not yet defined in this session", sequence.name),
                    )
                })?
            }
            "lastval" => {
                let last = self.sequences.last.filter(|oid| self.catalog.sequence(*oid).is_some());
                let value = last.and_then(|oid| self.sequences.values.get(&oid));
                *value.ok_or_else(|| {
                    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "lastval is not yet defined in this session")
                })?
            }
            _ => return Ok(None),
        })))
    }

    /// 25006 on a replica.
    fn prevent_write(&self, what: &str) -> Result<()> {
        if !self.database.engine.follows() {
            return Ok(());
        }
        let message = format!("cannot execute {what} in a read-only transaction");
        Err(Error::new(SqlState::READ_ONLY_SQL_TRANSACTION, message))
    }

    /// The row that `SELECT * FROM sequence` shows.
    fn sequence_state(&mut self, oid: Oid) -> Result<Datum> {
        let sequence = self.sequence(oid)?;
        let tables = self.database.tables.clone();
        let value = self.beside(|txn| tables.sequence_value(txn, &sequence))?;
        Ok(Datum::record(RecordValue {
            fields: vec![
                (oid::INT8, Datum::Int8(value.last_value)),
                (oid::INT8, Datum::Int8(value.log_cnt)),
                (oid::BOOL, Datum::Bool(value.is_called)),
            ],
        }))
    }

    /// Error: 42809 for another relation, 42P01 for none.
    fn sequence(&self, oid: Oid) -> Result<Arc<Sequence>> {
        let Some(sequence) = self.catalog.sequence(oid).cloned() else {
            let name = self.catalog.relation_by_oid(oid).map(|r| r.name().to_owned());
            return Err(match name {
                Some(name) => Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a sequence")),
                None => Error::new(SqlState::UNDEFINED_TABLE, format!("could not open relation with OID {oid}")),
            });
        };
        Ok(sequence)
    }

    /// Runs in a transaction of its own; this transaction's commit waits for what it wrote.
    fn beside<T>(&mut self, work: impl FnOnce(&Txn) -> Result<T>) -> Result<T> {
        let txn = self.database.engine.begin_as(self.owner, Isolation::ReadCommitted);
        let result = work(&txn)?;
        *self.floor = (*self.floor).max(txn.floor());
        Ok(result)
    }

    fn setting_function(&mut self, name: &str, args: &[DatumRef<'_>]) -> Result<Option<Datum>> {
        Ok(match name {
            "current_setting" => {
                let wanted = text_arg(args, 0);
                match self.settings.borrow().show(wanted) {
                    Some(value) => text(value),
                    None if bool_arg(args, 1) => Some(Datum::Null),
                    None => return Err(unrecognized(wanted)),
                }
            }
            "set_config" => {
                if matches!(args[0], DatumRef::Null) {
                    return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "SET requires parameter name"));
                }
                let scope = if bool_arg(args, 2) { Scope::Transaction } else { Scope::Session };
                let mut settings = self.settings.borrow_mut();
                match args[1] {
                    DatumRef::Null => settings.reset(text_arg(args, 0), scope)?,
                    _ => settings.set(text_arg(args, 0), text_arg(args, 1), scope)?,
                }
                settings.show(text_arg(args, 0)).map(Datum::text)
            }
            _ => None,
        })
    }

    fn schema_name(&self, oid: Oid) -> String {
        self.catalog.schema_name(oid).to_owned()
    }

    fn namer(&self) -> Namer<'_> {
        Namer::new(self.catalog, self.path)
    }

    fn catalog_function(&mut self, name: &str, args: &[DatumRef<'_>]) -> Result<Option<Datum>> {
        let or_null = |s: Option<String>| Some(s.map_or(Datum::Null, Datum::text));
        Ok(match name {
            "current_schema" => or_null(self.named_schemas.first().map(|s| self.schema_name(*s))),
            "current_schemas" => {
                let all: &[Oid] = if bool_arg(args, 0) { self.path } else { self.named_schemas };
                Some(name_array(all.iter().map(|s| self.schema_name(*s))))
            }
            "current_database" | "current_catalog" => {
                text(self.catalog.database(self.catalog.database_oid()).map_or("", |d| &d.name))
            }
            "pg_table_is_visible" => Some(visible(self.namer().relation_is_visible(oid_arg(args, 0)))),
            "pg_type_is_visible" => Some(visible(self.namer().type_is_visible(oid_arg(args, 0)))),
            "pg_function_is_visible"
            | "pg_operator_is_visible"
            | "pg_opclass_is_visible"
            | "pg_opfamily_is_visible"
            | "pg_collation_is_visible"
            | "pg_conversion_is_visible"
            | "pg_ts_config_is_visible"
            | "pg_ts_dict_is_visible"
            | "pg_ts_parser_is_visible"
            | "pg_ts_template_is_visible"
            | "pg_statistics_obj_is_visible" => Some(Datum::Bool(true)),
            "format_type" => match args[0] {
                DatumRef::Null => Some(Datum::Null),
                _ => {
                    let typmod =
                        if matches!(args.get(1), Some(DatumRef::Int4(_))) { int_arg(args, 1) as i32 } else { -1 };
                    text(self.namer().type_name(SqlType::with_typmod(oid_arg(args, 0), typmod)))
                }
            },
            "pg_get_userbyid" => {
                let oid = oid_arg(args, 0);
                text(self.catalog.role(oid).map_or_else(|| format!("unknown (OID={oid})"), |r| r.name.clone()))
            }
            "pg_get_indexdef" => or_null(self.index_definition(oid_arg(args, 0), int_arg(args, 1))),
            "pg_get_constraintdef" => or_null(self.constraint_definition(oid_arg(args, 0))),
            // What these catalogs hold is the text already.
            "pg_get_expr" => text(text_arg(args, 0)),
            "pg_get_viewdef" => or_null(self.catalog.table(oid_arg(args, 0)).and_then(|t| {
                t.view.as_ref().map(|v| {
                    let body = v.display.as_ref().unwrap_or(&v.query);
                    format!(" {};", body.trim().trim_end_matches(';'))
                })
            })),
            "pg_get_serial_sequence" => self.serial_sequence(text_arg(args, 0), text_arg(args, 1))?,
            "obj_description" => {
                let on = match args.len() {
                    1 => self.catalog.comments().find(|c| c.on.oid == oid_arg(args, 0) && c.on.sub == 0).map(|c| c.on),
                    _ => self
                        .catalog
                        .relation(crate::catalog::PG_CATALOG, text_arg(args, 1))
                        .map(|r| Address::new(r.oid(), oid_arg(args, 0))),
                };
                or_null(on.and_then(|on| self.catalog.comment(on)).map(str::to_owned))
            }
            "col_description" => {
                let on = Address::column(oid_arg(args, 0), int_arg(args, 1) as i16);
                or_null(self.catalog.comment(on).map(str::to_owned))
            }
            "shobj_description" => {
                let on = Address::new(class::DATABASE, oid_arg(args, 0));
                or_null(self.catalog.comment(on).map(str::to_owned))
            }
            name if name.starts_with("has_") && name.ends_with("_privilege") || name == "pg_has_role" => {
                // Every role that can log in is a superuser, until there are others.
                Some(Datum::Bool(true))
            }
            "regclass" => Some(Datum::Oid(self.names().relation(text_arg(args, 0))?.oid().0)),
            "to_regclass" => Some(self.oid_behind(oid::REGCLASS, args)?),
            "to_regnamespace" => Some(self.oid_behind(oid::REGNAMESPACE, args)?),
            "to_regproc" => Some(self.oid_behind(oid::REGPROC, args)?),
            "to_regrole" => Some(self.oid_behind(oid::REGROLE, args)?),
            "to_regtype" => Some(self.oid_behind(oid::REGTYPE, args)?),
            "pg_relation_is_publishable" => Some(Datum::Bool(self.catalog.table(oid_arg(args, 0)).is_some())),
            "pg_my_temp_schema" => Some(Datum::Oid(self.temp_schema.map_or(0, |s| s.0))),
            "pg_is_other_temp_schema" => {
                let oid = oid_arg(args, 0);
                let temporary = self.catalog.schema(oid).is_some_and(|s| s.name.starts_with("pg_temp_"));
                Some(Datum::Bool(temporary && self.temp_schema != Some(oid)))
            }
            _ => None,
        })
    }

    fn index_definition(&self, oid: Oid, column: i64) -> Option<String> {
        let index = self.catalog.index(oid)?;
        match usize::try_from(column).ok().filter(|n| *n > 0) {
            None => deparse::index_definition(self.catalog, index),
            Some(n) => {
                let table = self.catalog.table(index.table)?;
                match index.keys.get(n - 1) {
                    Some(key) => Some(deparse::index_key(table, key)),
                    None => {
                        let attnum = *index.include.get(n - 1 - index.keys.len())?;
                        table.column(attnum).map(|c| crate::parser::keywords::quote_ident(&c.name).into_owned())
                    }
                }
            }
        }
    }

    fn constraint_definition(&self, oid: Oid) -> Option<String> {
        self.catalog
            .tables()
            .into_iter()
            .find_map(|t| t.constraint(oid).map(|c| deparse::constraint_definition(self.namer(), t, c)))
    }

    fn oid_behind(&self, ty: Oid, args: &[DatumRef<'_>]) -> Result<Datum> {
        let found = self.names().find_if_any(ty, text_arg(args, 0))?;
        Ok(found.map_or(Datum::Null, |o| Datum::Oid(o.0)))
    }

    fn names(&self) -> CatalogNames {
        CatalogNames { catalog: self.catalog.clone(), path: self.path.clone(), temp_schema: self.temp_schema }
    }

    fn serial_sequence(&self, table: &str, column: &str) -> Result<Option<Datum>> {
        let relation = self.names().relation(table)?;
        let missing = || {
            Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{column}\" of relation \"{}\" does not exist", relation.name()),
            )
        };
        let Relation::Table(found) = &relation else { return Err(missing()) };
        let c = found.column_named(column).ok_or_else(missing)?;
        let owned = self.catalog.sequences_owned_by(found.oid, Some(c.attnum));
        Ok(Some(owned.first().map_or(Datum::Null, |s| {
            let (schema, name) = (
                crate::parser::keywords::quote_ident(self.catalog.schema_name(s.schema)),
                crate::parser::keywords::quote_ident(&s.name),
            );
            Datum::text(format!("{schema}.{name}"))
        })))
    }

    fn server_function(&mut self, name: &str, args: &[DatumRef<'_>]) -> Result<Option<Datum>> {
        Ok(match name {
            "version" => text(format!(
                "PostgreSQL {} on {}-{}, compiled by rustc, 64-bit",
                self.settings.borrow().get("server_version"),
                std::env::consts::ARCH,
                std::env::consts::OS
            )),
            "current_user" | "session_user" | "user" | "current_role" => text(self.user),
            "pg_backend_pid" => Some(Datum::Int4(self.backend.process)),
            "pg_blocking_pids" => {
                let pids = self.database.engine.blocking(int_arg(args, 0) as i32);
                let pids = pids.into_iter().map(Datum::Int4).collect();
                Some(Datum::array(ArrayValue::one_dimensional(oid::INT4, pids)))
            }
            "pg_isolation_test_session_is_blocked" => {
                let by = self.database.engine.blocking(int_arg(args, 0) as i32);
                let asked = |pid: DatumRef<'_>| matches!(pid, DatumRef::Int4(pid) if by.contains(&pid));
                Some(Datum::Bool(matches!(args[1], DatumRef::Array(pids) if pids.iter().any(asked))))
            }
            "pg_postmaster_start_time" | "pg_conf_load_time" => Some(Datum::Int8(self.database.start_us)),
            "txid_current" | "pg_current_xact_id" => {
                if self.database.engine.follows() {
                    let message = format!("cannot execute {name}() during recovery");
                    return Err(Error::new(SqlState::READ_ONLY_SQL_TRANSACTION, message));
                }
                Some(Datum::Int8(self.txn_id.0 as i64))
            }
            "pg_sleep" => {
                self.sleep(match args[0] {
                    DatumRef::Float8(seconds) => seconds,
                    _ => 0.0,
                })?;
                Some(Datum::text(""))
            }
            "pg_create_restore_point" => Some(self.create_restore_point(text_arg(args, 0))?),
            "headwater_backup" => Some(self.backup()?),
            "headwater_state_hash" => Some(self.state_hash()?),
            "headwater_delete_backup" => Some(self.delete_backup(text_arg(args, 0))?),
            "pg_cancel_backend" => Some(self.signal(int_arg(args, 0), Interrupt::Cancel)),
            "pg_terminate_backend" => Some(self.signal(int_arg(args, 0), Interrupt::Terminate)),
            "pg_notify" => {
                self.queue_notification(text_arg(args, 0), text_arg(args, 1))?;
                Some(Datum::text(""))
            }
            "inet_client_addr" | "inet_client_port" | "inet_server_addr" | "inet_server_port" => self.peer(name),
            "pg_client_encoding" | "getdatabaseencoding" => text("UTF8"),
            "pg_encoding_to_char" => text(if int_arg(args, 0) == 6 { "UTF8" } else { "" }),
            "pg_char_to_encoding" => {
                let utf8 =
                    matches!(text_arg(args, 0).to_ascii_uppercase().replace('-', "").as_str(), "UTF8" | "UNICODE");
                Some(Datum::Int4(if utf8 { 6 } else { -1 }))
            }
            name if name.starts_with("pg_advisory_") || name.starts_with("pg_try_advisory_") => {
                self.advisory(name, args)?
            }
            name if name.ends_with("_size") => self.size(name, args),
            _ => None,
        })
    }

    fn peer(&self, name: &str) -> Option<Datum> {
        let peer = self.backend.peer?;
        match name {
            "inet_client_port" => Some(Datum::Int4(i32::from(peer.port()))),
            "inet_server_port" => Some(Datum::Int4(self.settings.borrow().int("port") as i32)),
            _ => None,
        }
    }

    fn sleep(&mut self, seconds: f64) -> Result<()> {
        let whole = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
        let backend = self.backend.clone();
        super::run::in_place(move || {
            let mut left = whole;
            while !left.is_zero() {
                if backend.interrupted().is_some() {
                    return Err(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request"));
                }
                let slice = left.min(SLEEP_SLICE);
                std::thread::sleep(slice);
                left -= slice;
            }
            Ok(())
        })
    }

    fn signal(&mut self, process: i64, what: Interrupt) -> Datum {
        let found = i32::try_from(process).ok().and_then(|p| self.database.backends.get(p));
        match found {
            Some(backend) => {
                backend.interrupt(what);
                Datum::Bool(true)
            }
            None => {
                self.notices.push((
                    Severity::Warning,
                    Error::new(SqlState::WARNING, format!("PID {process} is not a PostgreSQL backend process")),
                ));
                Datum::Bool(false)
            }
        }
    }

    fn queue_notification(&mut self, channel: &str, payload: &str) -> Result<()> {
        let notification = notification(self.backend.process, channel, payload)?;
        if !self.notifications.iter().any(|n| n.channel == notification.channel && n.payload == notification.payload) {
            self.notifications.push(notification);
        }
        Ok(())
    }

    /// `pg_*_size`: what is known without walking the rows.
    fn size(&self, name: &str, args: &[DatumRef<'_>]) -> Option<Datum> {
        let table = |oid| self.catalog.table(oid).map(|t| self.database.tables.estimated_rows(self.catalog, t.oid));
        let bytes = |rows: f64| (rows * 64.0 / 8192.0).ceil() as i64 * 8192;
        match name {
            "pg_relation_size" | "pg_table_size" | "pg_total_relation_size" => {
                let oid = oid_arg(args, 0);
                self.catalog.relation_by_oid(oid)?;
                Some(Datum::Int8(table(oid).map_or(8192, bytes)))
            }
            "pg_indexes_size" => Some(Datum::Int8(self.catalog.indexes_of(oid_arg(args, 0)).len() as i64 * 8192)),
            "pg_database_size" | "pg_tablespace_size" => {
                let all = self.catalog.tables().into_iter().filter_map(|t| table(t.oid)).map(bytes).sum::<i64>();
                Some(Datum::Int8(all))
            }
            _ => None,
        }
    }

    /// Advisory locks, of the session or of the transaction, exclusive or shared.
    fn advisory(&mut self, name: &str, args: &[DatumRef<'_>]) -> Result<Option<Datum>> {
        if name.contains("unlock") {
            return self.advisory_unlock(name, args).map(Some);
        }
        let key = advisory_key(self.catalog.database_oid(), args);
        let mode = if name.ends_with("_shared") { LockMode::Share } else { LockMode::Exclusive };
        let wait = if name.starts_with("pg_try") { Wait::No } else { Wait::Block };
        let of_transaction = name.contains("_xact_");
        let mut txn = self.database.engine.begin_as(self.owner, Isolation::ReadCommitted);
        let granted = loop {
            let result = match of_transaction {
                true => txn.lock(&key, mode, wait),
                false => txn.lock_for_session(&key, mode, wait),
            };
            match result {
                Ok(locked) => break locked != Locked::Busy,
                Err(e) if e.flow() == Flow::Wait => {
                    let place = txn.take_wait().expect("a wait was announced");
                    let backend = self.backend.clone();
                    super::run::in_place(move || place.wait_blocking(None, backend.flag()))?;
                    if self.backend.interrupted().is_some() {
                        return Err(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request"));
                    }
                }
                Err(e) => return Err(e),
            }
        };
        if of_transaction && granted {
            self.companions.push(txn);
        }
        Ok(Some(if name.starts_with("pg_try") { Datum::Bool(granted) } else { Datum::text("") }))
    }

    fn advisory_unlock(&mut self, name: &str, args: &[DatumRef<'_>]) -> Result<Datum> {
        if name == "pg_advisory_unlock_all" {
            self.owner.unlock_all();
            return Ok(Datum::text(""));
        }
        let key = advisory_key(self.catalog.database_oid(), args);
        let mode = if name.ends_with("_shared") { LockMode::Share } else { LockMode::Exclusive };
        let released = self.owner.unlock(&key, mode);
        if !released {
            let kind = if name.ends_with("_shared") { "ShareLock" } else { "ExclusiveLock" };
            self.notices.push((
                Severity::Warning,
                Error::new(SqlState::WARNING, format!("you don't own a lock of type {kind}")),
            ));
        }
        Ok(Datum::Bool(released))
    }
}

fn advisory_key(database: Oid, args: &[DatumRef<'_>]) -> LockKey<'static> {
    match args {
        [one] => {
            let key = int_arg(&[*one], 0) as u64;
            LockKey::Advisory { database, class: (key >> 32) as u32, object: key as u32, sub: 1 }
        }
        _ => {
            let (class, object) = (int_arg(args, 0) as u32, int_arg(args, 1) as u32);
            LockKey::Advisory { database, class, object, sub: 2 }
        }
    }
}

fn visible(answer: Option<bool>) -> Datum {
    answer.map_or(Datum::Null, Datum::Bool)
}

fn notification(process: i32, channel: &str, payload: &str) -> Result<Notification> {
    let wrong = |text: &str| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, text));
    if channel.is_empty() {
        return wrong("channel name cannot be empty");
    }
    if channel.len() > 63 {
        return wrong("channel name too long");
    }
    if payload.len() >= 8000 {
        return wrong("payload string too long");
    }
    Ok(Notification { process, channel: channel.into(), payload: payload.into() })
}

/// NOTIFY.
pub fn notify(transaction: &mut Option<Box<Transaction>>, process: i32, channel: &str, payload: &str) -> Result<()> {
    let notification = notification(process, channel, payload)?;
    let list = &mut transaction.as_mut().expect("a transaction has begun").notifications;
    if !list.iter().any(|n| n.channel == notification.channel && n.payload == notification.payload) {
        list.push(notification);
    }
    Ok(())
}
