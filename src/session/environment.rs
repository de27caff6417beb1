//! What follows from a session's settings, worked out once for each change instead of for each statement.

use super::settings::Settings;
use super::sink::Severity;
use super::transaction::{TRANSACTION_MODES, parse_isolation};
use crate::base::{Lsn, Oid};
use crate::binder::CatalogNames;
use crate::catalog::{self, Catalog};
use crate::txn::{Isolation, Safety};
use crate::types::datetime::TimeZone;
use crate::types::{ByteaOutput, DateOrder, DateStyle, FormatContext, IntervalStyle};
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

pub struct Environment {
    /// The count of changes that this was worked out from.
    changes: u64,
    pub format: FormatContext,
    /// The names in `search_path`, with `$user` filled in.
    pub path_names: Vec<String>,
    pub statement_timeout: Option<Duration>,
    pub lock_timeout: Option<Duration>,
    pub idle_session_timeout: Option<Duration>,
    pub idle_in_transaction_timeout: Option<Duration>,
    /// Bytes that one sort or hash may take.
    pub work_mem: usize,
    pub client_min_messages: Severity,
    /// What a commit waits for (`synchronous_commit`).
    pub safety: Safety,
    /// What a transaction begins with.
    pub isolation: Isolation,
    pub read_only: bool,
    /// The node follows another's log: no transaction may write.
    pub standby: bool,
    /// The `transaction_*` settings still tell of the last transaction, not of the next.
    pub modes_are_stale: bool,
    /// On a replica statements see at least this.
    pub read_after: Option<Lsn>,
    /// A hash of all that plans depend on.
    pub plan_key: u64,
    database: String,
    user: String,
    /// The name of the session's schema for temporary relations.
    pub temp_schema: String,
    /// Good since the last `resolve`, as is `format.names`.
    pub path: Path,
    /// The catalog version that these were made for.
    catalog_version: Option<u64>,
}

/// A search path.
#[derive(Clone, Default)]
pub struct Path {
    /// As it is searched: the temporary schema and `pg_catalog` come first unless they are named.
    pub searched: Arc<[Oid]>,
    /// The schemas that are named: `current_schemas(false)`.
    pub named: Arc<[Oid]>,
    /// The session's schema for temporary relations, if it exists.
    pub temp: Option<Oid>,
}

/// Settings that the planner heeds.
const PLANNER: &[&str] = &[
    "enable_hashagg",
    "enable_hashjoin",
    "enable_indexonlyscan",
    "enable_indexscan",
    "enable_mergejoin",
    "enable_nestloop",
    "enable_seqscan",
    "enable_sort",
    "search_path",
    "TimeZone",
    "DateStyle",
    "IntervalStyle",
    "bytea_output",
    "extra_float_digits",
];

impl Environment {
    pub fn new(settings: &Settings, database: &str, user: &str, temp_schema: String) -> Environment {
        let mut e = Environment {
            changes: 0,
            format: FormatContext::default(),
            path_names: Vec::new(),
            statement_timeout: None,
            lock_timeout: None,
            idle_session_timeout: None,
            idle_in_transaction_timeout: None,
            work_mem: 0,
            client_min_messages: Severity::Notice,
            safety: Safety::Flushed,
            isolation: Isolation::ReadCommitted,
            read_only: false,
            standby: false,
            modes_are_stale: false,
            read_after: None,
            plan_key: 0,
            database: database.to_owned(),
            user: user.to_owned(),
            path: Path::default(),
            catalog_version: None,
            temp_schema,
        };
        e.derive(settings);
        e
    }

    /// Brings this up to date with the settings.
    pub fn refresh(&mut self, settings: &Settings) {
        if self.changes != settings.changes {
            self.derive(settings);
        }
    }

    fn derive(&mut self, s: &Settings) {
        let millis = |name: &str| match s.int(name) {
            0 => None,
            n => Some(Duration::from_millis(n as u64)),
        };
        self.changes = s.changes;
        self.statement_timeout = millis("statement_timeout");
        self.lock_timeout = millis("lock_timeout");
        self.idle_session_timeout = millis("idle_session_timeout");
        self.idle_in_transaction_timeout = millis("idle_in_transaction_session_timeout");
        self.work_mem = (s.int("work_mem") as usize).saturating_mul(1024);
        self.safety = match s.get("synchronous_commit") {
            "off" => Safety::Nothing,
            "local" => Safety::Local,
            "remote_write" => Safety::Written,
            "remote_apply" => Safety::Applied,
            _ => Safety::Flushed,
        };
        self.client_min_messages = match s.get("client_min_messages") {
            "warning" => Severity::Warning,
            "error" => Severity::Info,
            "notice" => Severity::Notice,
            "log" => Severity::Log,
            _ => Severity::Debug,
        };
        self.isolation = parse_isolation(s.get("transaction_isolation"));
        self.read_only = s.on("transaction_read_only");
        self.modes_are_stale = TRANSACTION_MODES.iter().any(|mode| s.get(mode.0) != self.first_mode(s, mode));
        self.read_after = Lsn::parse(s.get("headwater.read_after"));
        self.derive_format(s);
        self.path_names = split_path(s.get("search_path"))
            .into_iter()
            .map(|name| if name == "$user" { self.user.clone() } else { name })
            .collect();
        self.catalog_version = None;
        let mut hasher = ahash::RandomState::with_seeds(1, 2, 3, 4).build_hasher();
        (&self.database, &self.user).hash(&mut hasher);
        PLANNER.iter().for_each(|name| s.get(name).hash(&mut hasher));
        self.plan_key = hasher.finish();
    }

    fn derive_format(&mut self, s: &Settings) {
        let (style, order) = s.get("DateStyle").split_once(", ").unwrap_or(("ISO", "MDY"));
        self.format.date_style = match style {
            "SQL" => DateStyle::Sql,
            "Postgres" => DateStyle::Postgres,
            "German" => DateStyle::German,
            _ => DateStyle::Iso,
        };
        self.format.date_order = match order {
            "DMY" => DateOrder::Dmy,
            "YMD" => DateOrder::Ymd,
            _ => DateOrder::Mdy,
        };
        self.format.interval_style = match s.get("IntervalStyle") {
            "postgres_verbose" => IntervalStyle::PostgresVerbose,
            "sql_standard" => IntervalStyle::SqlStandard,
            "iso_8601" => IntervalStyle::Iso8601,
            _ => IntervalStyle::Postgres,
        };
        self.format.extra_float_digits = s.int("extra_float_digits") as i32;
        self.format.bytea_output =
            if s.get("bytea_output") == "escape" { ByteaOutput::Escape } else { ByteaOutput::Hex };
        if let Ok(zone) = TimeZone::named(s.get("TimeZone")) {
            self.format.time_zone = zone;
        }
    }

    /// The value of a `transaction_*` setting that a transaction begins with.
    pub fn first_mode<'a>(&self, s: &'a Settings, (now, default): &(&str, &str)) -> &'a str {
        if self.standby && *now == "transaction_read_only" { "on" } else { s.get(default) }
    }

    /// Works out the search path in this version of the catalog, and makes names behind oids print as it has them.
    pub fn resolve(&mut self, catalog: &Arc<Catalog>) {
        if self.catalog_version == Some(catalog.version()) {
            return;
        }
        let temp = catalog.schema_named(&self.temp_schema).map(|s| s.oid);
        let named = self.named_schemas(catalog);
        let mut path = named.clone();
        if !path.contains(&catalog::PG_CATALOG) {
            path.insert(0, catalog::PG_CATALOG);
        }
        if let Some(temp) = temp
            && !path.contains(&temp)
        {
            path.insert(0, temp);
        }
        self.path = Path { searched: path.into(), named: named.into(), temp };
        self.format.names = Some(Arc::new(CatalogNames {
            catalog: catalog.clone(),
            path: self.path.searched.clone(),
            temp_schema: temp,
        }));
        self.catalog_version = Some(catalog.version());
    }

    /// Whether new relations are temporary unless told otherwise.
    pub fn temp_is_first(&self) -> bool {
        self.path_names.first().is_some_and(|name| name == "pg_temp")
    }

    /// The schemas of the path that exist, each once: `current_schemas(false)`.
    fn named_schemas(&self, catalog: &Catalog) -> Vec<Oid> {
        let mut found = Vec::new();
        let real = |name: &String| if name == "pg_temp" { self.temp_schema.clone() } else { name.clone() };
        for schema in self.path_names.iter().filter_map(|name| catalog.schema_named(&real(name))) {
            if !found.contains(&schema.oid) {
                found.push(schema.oid);
            }
        }
        found
    }
}

/// A comma-separated list of names, each folded to lower case unless quoted (`SplitIdentifierString`).
pub fn split_path(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace() || *c == ',').is_some() {}
        let mut name = String::new();
        match chars.peek() {
            None => return names,
            Some('"') => {
                chars.next();
                while let Some(c) = chars.next() {
                    if c == '"' && chars.next_if_eq(&'"').is_none() {
                        break;
                    }
                    name.push(c);
                }
            }
            Some(_) => {
                while let Some(c) = chars.next_if(|c| !c.is_whitespace() && *c != ',') {
                    name.extend(c.to_lowercase());
                }
            }
        }
        if !name.is_empty() {
            names.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split_path;

    #[test]
    fn paths_are_lists_of_names() {
        assert_eq!(split_path(r#""$user", Public,"a ""b"" c" "#), ["$user", "public", "a \"b\" c"]);
        assert!(split_path("").is_empty());
        assert_eq!(split_path("\"\", x"), ["x"]);
    }
}
