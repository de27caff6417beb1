//! One client's SQL state: its transaction block, prepared statements, portals and cursors, settings; and what all
//! sessions of a node share ([`Database`]).
//!
//! Entry points: [`Database::open`]; [`verify`] for a directory that nobody has open, [`restore`] to make one; [`export`] of tables into
//! files; [`Session::open`] and one method for each message of the protocol: `query`, `parse`,
//! `bind`, `describe_*`, `execute`, `close_*`, `sync`. Results go to a [`sink::Sink`].
//!
//! Must not know: bytes on a wire.
//!
//! Invariants:
//! 1. A method that returns an error has already put the transaction where PostgreSQL would have it: rolled back, or
//!    failed until the block's end.
//! 2. A statement that must wait for a lock, or met a row newer than its snapshot, is undone and run again; the client sees
//!    only the last run.
//! 3. COMMIT is answered when its log is durable (unless `synchronous_commit` is off), and on the standbys that it waits for;
//!    nobody waits for that while holding a thread.
//! 4. A client is told of nothing that others have committed and that waits for standbys, unless its own session has
//!    committed behind that without waiting.
//! 5. Statements that are not provably short run inside `block_in_place`, so that two long ones never hold up the rest.
//!
//! Threads: a session is one task; it is never used by two at a time.
//!
//! A future has the size of the largest it awaits, and is copied where it is awaited. So what few messages need (utility
//! statements, lock waits, deferred work) is awaited in a box, and the way of an ordinary message stays small.
//!
//! Read in this order: `database.rs`, `transaction.rs`, `prepare.rs`, `portal.rs`, `run.rs`, `simple.rs`, `extended.rs`,
//! `utility.rs`, `standbys.rs`, `host.rs`, `backups.rs`, `state_hash.rs`, `verify.rs`, `restore.rs`, `export.rs`.

pub mod backend;
mod backups;
mod copy;
mod cursor;
mod database;
mod environment;
mod explain;
mod export;
mod extended;
mod facts;
mod host;
mod plans;
mod portal;
mod prepare;
mod replication;
mod restore;
mod run;
pub mod settings;
pub mod settings_table;
mod simple;
pub mod sink;
mod standbys;
mod state_hash;
mod transaction;
mod utility;
mod verify;
mod wait;

pub use database::Database;
pub use export::{ExportedTable, databases_with_tables, export};
pub use restore::{replica_base, restore};
pub use verify::verify;

use crate::base::{Error, Lsn, Oid, Result, SqlState};
use crate::expr::EvalState;
use crate::txn::Owner;
use crate::types::Datum;
use ahash::AHashMap;
use backend::{Backend, Interrupt};
use environment::Environment;
use host::SequenceValues;
use portal::{IdleRuns, Portals};
use prepare::Prepared;
use settings::Settings;
use sink::{Severity, Sink};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use transaction::{Transaction, temp_schema};

/// What ReadyForQuery tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Idle,
    InTransaction,
    Failed,
}

/// Whether a client wants the log instead of SQL, or beside it: the start-up parameter `replication`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replica {
    No,
    /// The commands of a replication connection alone.
    Physical,
    /// Those, and SQL in a database.
    Database,
}

impl Replica {
    /// Error: 22023 for another value.
    pub fn of(parameters: &BTreeMap<String, String>) -> Result<Replica> {
        let Some(value) = parameters.get("replication") else { return Ok(Replica::No) };
        match settings::parse_bool(value) {
            _ if value == "database" => Ok(Replica::Database),
            Some(true) => Ok(Replica::Physical),
            Some(false) => Ok(Replica::No),
            None => {
                let message = format!("invalid value for parameter \"replication\": \"{value}\"");
                Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
                    .hint("Valid values are: \"false\", 0, \"true\", 1, \"database\"."))
            }
        }
    }
}

/// Settings whose changes the client hears of (ParameterStatus), by PostgreSQL's `GUC_REPORT`.
const REPORTED: &[&str] = &[
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];

pub struct Session {
    database: Arc<Database>,
    backend: Arc<Backend>,
    owner: Owner,
    user: String,
    role: Oid,
    database_oid: Oid,
    settings: Settings,
    environment: Environment,
    transaction: Option<Box<Transaction>>,
    /// The last one, for the next to use what it has allocated.
    ended: Option<Box<Transaction>>,
    statements: AHashMap<String, Arc<Prepared>>,
    portals: Portals,
    /// Runs that have ended, and memory for the parameters of the next one.
    idle: IdleRuns,
    params: Vec<Datum>,
    sequences: SequenceValues,
    eval: EvalState,
    /// What the client has seen or been told of: later snapshots are at least this new.
    floor: Lsn,
    /// Its newest commit that has not waited for standbys.
    own: Lsn,
    notices: Vec<(Severity, Error)>,
    /// The time, unless some has passed since it was read: messages that came together and take microseconds share one
    /// reading of the clock.
    clock_us: Option<i64>,
    /// `statement_timestamp()`, microseconds since 2000-01-01 UTC.
    statement_us: i64,
    /// How long planning took, for EXPLAIN.
    planning: Duration,
    /// The value last reported for each of `REPORTED`, and the count of changes then.
    reported: Vec<String>,
    reported_at: u64,
}

impl Session {
    /// Begins a session with the parameters of a start-up message.
    ///
    /// Errors: 28000 without a user or for an unknown role, 3D000 for an unknown database, 53300 when too many are
    /// connected, 57P03 while the server stops, and what settings refuse.
    pub fn open(
        database: Arc<Database>,
        peer: Option<SocketAddr>,
        parameters: BTreeMap<String, String>,
    ) -> Result<Session> {
        if database.is_stopping() {
            return Err(Error::new(SqlState::CANNOT_CONNECT_NOW, "the database system is shutting down"));
        }
        let user = parameters.get("user").filter(|u| !u.is_empty()).cloned().ok_or_else(|| {
            Error::new(
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                "no PostgreSQL user name specified in startup packet",
            )
        })?;
        let replication = Replica::of(&parameters)?;
        let name = match replication {
            // Such a connection is none to a database; what it needs of one, any has.
            Replica::Physical => "postgres".to_owned(),
            _ => parameters.get("database").filter(|d| !d.is_empty()).unwrap_or(&user).clone(),
        };
        let catalog = database.catalog.current_named(&name)?;
        let role = catalog.role_named(&user).map(|r| r.oid).ok_or_else(|| {
            Error::new(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, format!("role \"{user}\" does not exist"))
        })?;
        let database_oid = catalog.database_oid();
        let mut settings = Settings::new(&database.defaults);
        settings.force("session_authorization", &user);
        for (key, value) in start_up_settings(&parameters)? {
            settings.start_up(&key, &value)?;
        }
        let most = database.defaults.get("max_connections").parse().unwrap_or(usize::MAX);
        let now = database.clock.now_us() as i64;
        let backend = database.backends.connect(database.entropy.u64() as i32, peer, now, most)?;
        {
            let mut activity = backend.activity.lock();
            activity.user.clone_from(&user);
            activity.database.clone_from(&name);
            activity.application = settings.get("application_name").to_owned();
            activity.state = "idle";
            activity.state_change_us = database.now_us();
            activity.is_sender = replication != Replica::No;
            if replication == Replica::Physical {
                activity.database.clear();
            }
        }
        let mut seed = [0; 32];
        database.entropy.fill(&mut seed);
        let temp_schema = temp_schema(backend.process, false);
        let mut session = Session {
            owner: database.engine.owner(backend.process),
            environment: Environment::new(&settings, &name, &user, temp_schema),
            floor: database.engine.readable(),
            own: Lsn::ZERO,
            database,
            backend,
            user,
            role,
            database_oid,
            settings,
            transaction: None,
            ended: None,
            statements: AHashMap::new(),
            portals: Portals::default(),
            idle: IdleRuns::default(),
            params: Vec::new(),
            sequences: SequenceValues::default(),
            eval: EvalState::new(seed),
            notices: Vec::new(),
            clock_us: None,
            statement_us: 0,
            planning: Duration::ZERO,
            reported: Vec::new(),
            reported_at: 0,
        };
        session.note_role();
        if !session.environment.standby {
            session.drop_left_behind();
        }
        Ok(session)
    }

    pub fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }

    pub fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// How a setting is shown. Error: 42704 when there is none of that name.
    pub fn shown_setting(&self, name: &str) -> Result<String> {
        self.settings.show(name).ok_or_else(|| settings::unrecognized(name))
    }

    pub fn status(&self) -> Status {
        match &self.transaction {
            Some(t) if t.failed => Status::Failed,
            Some(t) if t.explicit => Status::InTransaction,
            _ => Status::Idle,
        }
    }

    /// How long the client may stay silent now, and the error that ends the session then.
    pub fn idle_limit(&self) -> Option<(Duration, Error)> {
        let (setting, code, text) = match self.status() {
            Status::Idle => (
                "idle_session_timeout",
                SqlState::IDLE_SESSION_TIMEOUT,
                "terminating connection due to idle-session timeout",
            ),
            _ => (
                "idle_in_transaction_session_timeout",
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                "terminating connection due to idle-in-transaction timeout",
            ),
        };
        let limit = match self.status() {
            Status::Idle => self.environment.idle_session_timeout,
            _ => self.environment.idle_in_transaction_timeout,
        };
        debug_assert!(settings::find(setting).is_some());
        limit.map(|after| (after, Error::new(code, text)))
    }

    /// 57P01 when the session has been told to end.
    pub fn check_termination(&self) -> Result<()> {
        match self.backend.interrupted() {
            Some(Interrupt::Terminate) => Err(Interrupt::Terminate.error()),
            _ => Ok(()),
        }
    }

    /// Sends what others have notified this session of; false when there was nothing.
    pub fn deliver_notifications<S: Sink>(&mut self, sink: &mut S) -> bool {
        let all = self.backend.take_notifications();
        for n in &all {
            sink.notification(n.process, &n.channel, &n.payload);
        }
        !all.is_empty()
    }

    /// Tells a new client the settings that it is to know.
    pub fn report_parameters<S: Sink>(&mut self, sink: &mut S) {
        for name in REPORTED {
            sink.parameter_status(name, self.settings.get(name));
        }
        self.reported = REPORTED.iter().map(|n| self.settings.get(n).to_owned()).collect();
        self.reported_at = self.settings.changes;
    }

    /// Before ReadyForQuery: notices, notifications, and settings that have changed.
    pub fn report_changes<S: Sink>(&mut self, sink: &mut S) {
        self.send_notices(sink);
        if self.settings.changes != self.reported_at {
            self.reported_at = self.settings.changes;
            for (name, last) in REPORTED.iter().zip(&mut self.reported) {
                let value = self.settings.get(name);
                if *last != value {
                    sink.parameter_status(name, value);
                    value.clone_into(last);
                }
            }
        }
        if self.status() == Status::Idle {
            self.deliver_notifications(sink);
        }
    }

    /// Microseconds since 2000-01-01 UTC.
    fn now_us(&mut self) -> i64 {
        *self.clock_us.get_or_insert_with(|| self.database.now_us())
    }

    /// Whoever has waited or worked for longer says so.
    pub fn time_has_passed(&mut self) {
        self.clock_us = None;
    }

    fn notice(&mut self, severity: Severity, notice: Error) {
        self.notices.push((severity, notice));
    }

    fn warn(&mut self, code: SqlState, text: impl Into<String>) {
        self.notice(Severity::Warning, Error::new(code, text));
    }

    /// Sends queued notices that are at least as severe as the client wants.
    fn send_notices<S: Sink>(&mut self, sink: &mut S) {
        if self.notices.is_empty() {
            return;
        }
        for (severity, notice) in self.notices.drain(..) {
            if severity == Severity::Info || severity >= self.environment.client_min_messages {
                sink.notice(severity, &notice);
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.transaction = None;
        let catalog = self.database.catalog.current(self.database_oid);
        if catalog.is_ok_and(|c| c.schema_named(&self.environment.temp_schema).is_some()) {
            // What cannot be dropped now is dropped when a session of this number begins.
            let _ = self.drop_temporary();
        }
        (self.transaction, self.ended) = (None, None);
        self.database.backends.disconnect(self.backend.process);
    }
}

/// The settings in a start-up message: those given by name, and `options` as a command line of `-c name=value`.
fn start_up_settings(parameters: &BTreeMap<String, String>) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for (key, value) in parameters {
        match key.as_str() {
            "user" | "database" | "replication" => {}
            "options" => all.extend(command_line(value)?),
            k if k.starts_with("_pq_.") => {}
            k => all.push((k.to_owned(), value.clone())),
        }
    }
    Ok(all)
}

/// `-c a=b --c=d`: words split at blanks, a backslash takes the next character as it is (`pg_split_opts`).
fn command_line(text: &str) -> Result<Vec<(String, String)>> {
    let mut words = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let word = words.last_mut().expect("there is always a last word");
        match c {
            '\\' => word.extend(chars.next()),
            c if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(String::new());
                }
            }
            c => word.push(c),
        }
    }
    let mut found = Vec::new();
    let mut words = words.into_iter().filter(|w| !w.is_empty());
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(rest), _) => Some(rest.replace('-', "_")),
            (None, Some("")) => words.next(),
            (None, Some(rest)) => Some(rest.to_owned()),
            (None, None) => None,
        };
        match setting.as_deref().and_then(|s| s.split_once('=')) {
            Some((name, value)) => found.push((name.to_owned(), value.to_owned())),
            None => {
                return Err(Error::new(
                    SqlState::SYNTAX_ERROR,
                    format!("invalid command-line argument for server process: {word}"),
                ));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_a_command_line() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            command_line(r"-c work_mem=8MB  -cgeqo=off --search-path=a,\ b").unwrap(),
            [pair("work_mem", "8MB"), pair("geqo", "off"), pair("search_path", "a, b")]
        );
        assert!(command_line("-x").is_err());
    }
}
