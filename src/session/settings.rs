//! A session's settings (PostgreSQL's GUC variables): values over the one table of `settings_table.rs`.
//!
//! A value has layers: the built-in default, what the configuration says, what the session set. Changes inside a
//! transaction are kept in an undo list, because ROLLBACK takes them back and SET LOCAL ends with the transaction.
//! Rules and messages follow `src/backend/utils/misc/guc.c`.

use super::settings_table::SETTINGS;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::replication::StandbyNames;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Bool,
    /// `unit` is PostgreSQL's: "" for a plain number, "kB", "8kB", "MB", "B", "ms", "s", "min".
    Int {
        min: i64,
        max: i64,
        unit: &'static str,
    },
    Real {
        min: f64,
        max: f64,
        unit: &'static str,
    },
    Enum(&'static [&'static str]),
    Text,
}

/// Who may change a setting, and when (`GucContext`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Fixed by the server.
    Internal,
    /// At start only.
    Postmaster,
    /// By the configuration file.
    Sighup,
    /// When a connection starts.
    Backend,
    /// By a superuser, at any time.
    Superuser,
    /// By anyone, at any time.
    User,
}

/// Whether anything in the server reads the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Used,
    Unused,
}

/// One row of the table.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    pub kind: Kind,
    pub default: &'static str,
    pub context: Context,
    pub effect: Effect,
    pub category: &'static str,
    pub description: &'static str,
}

/// The row of a name, whatever its case.
pub fn find(name: &str) -> Option<usize> {
    SETTINGS
        .binary_search_by(|s| {
            s.name.bytes().map(|b| b.to_ascii_lowercase()).cmp(name.bytes().map(|b| b.to_ascii_lowercase()))
        })
        .ok()
}

fn index(name: &str) -> usize {
    find(name).expect("the setting is in the table")
}

fn invalid(setting: &str, value: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid value for parameter \"{setting}\": \"{value}\""))
}

/// PostgreSQL's Booleans: `on`, `off`, 1, 0 and unambiguous beginnings of true, false, yes, no, on, off (`bool.c`).
pub fn parse_bool(text: &str) -> Option<bool> {
    let t = text.to_ascii_lowercase();
    let begins = |word: &str, least: usize| t.len() >= least && word.starts_with(&t);
    match () {
        _ if t == "1" || begins("true", 1) || begins("yes", 1) || begins("on", 2) => Some(true),
        _ if t == "0" || begins("false", 1) || begins("no", 1) || begins("off", 2) => Some(false),
        _ => None,
    }
}

/// Units with their size in the smallest of the family, largest first.
const MEMORY: &[(&str, f64)] =
    &[("TB", 1_099_511_627_776.0), ("GB", 1_073_741_824.0), ("MB", 1_048_576.0), ("kB", 1024.0), ("B", 1.0)];
const TIME: &[(&str, f64)] = &[("d", 86_400e6), ("h", 3_600e6), ("min", 60e6), ("s", 1e6), ("ms", 1e3), ("us", 1.0)];

fn family(unit: &str) -> &'static [(&'static str, f64)] {
    if unit.ends_with('B') { MEMORY } else { TIME }
}

/// The size of a setting's own unit in the smallest unit of its family.
fn unit_size(unit: &str) -> f64 {
    if unit == "8kB" {
        return 8192.0;
    }
    family(unit).iter().find(|(u, _)| *u == unit).expect("a unit of the table").1
}

/// A number with an optional unit, in the setting's own unit.
fn parse_number(setting: &Setting, unit: &str, text: &str) -> Result<f64> {
    let t = text.trim();
    let end = t
        .char_indices()
        .find(|(i, c)| {
            let sign = (*c == '-' || *c == '+') && (*i == 0 || t[..*i].ends_with(['e', 'E']));
            let exponent = matches!(c, 'e' | 'E') && t[i + 1..].starts_with(|c: char| c.is_ascii_digit() || c == '-');
            !(c.is_ascii_digit() || *c == '.' || sign || exponent)
        })
        .map_or(t.len(), |(i, _)| i);
    let number: f64 = match t[..end].strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).map(|n| n as f64).map_err(|_| invalid(setting.name, text))?,
        None => t[..end].parse().map_err(|_| invalid(setting.name, text))?,
    };
    let suffix = t[end..].trim();
    if suffix.is_empty() {
        return Ok(number);
    }
    if unit.is_empty() {
        return Err(invalid(setting.name, text));
    }
    match family(unit).iter().find(|(u, _)| *u == suffix) {
        Some((_, size)) => Ok(number * size / unit_size(unit)),
        None => {
            let all = if family(unit)[0].0 == "TB" {
                "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\"."
            } else {
                "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\"."
            };
            Err(invalid(setting.name, text).hint(all))
        }
    }
}

/// A time as settings take it, with or without a unit, in milliseconds.
pub fn parse_milliseconds(text: &str) -> Option<f64> {
    let setting = &SETTINGS[index("statement_timeout")];
    parse_number(setting, "ms", text).ok()
}

fn out_of_range(name: &str, value: String, unit: &str, min: String, max: String) -> Error {
    let space = if unit.is_empty() { "" } else { " " };
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!(
            "{value}{space}{unit} is outside the valid range for parameter \"{name}\" ({min}{space}{unit} .. {max}{space}{unit})"
        ),
    )
}

impl Setting {
    /// The canonical text of a value that a user gives: numbers in the setting's own unit, Booleans as on and off.
    pub fn canonical(&self, text: &str) -> Result<String> {
        match self.kind {
            Kind::Bool => match parse_bool(text) {
                Some(on) => Ok(if on { "on" } else { "off" }.into()),
                None => Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("parameter \"{}\" requires a Boolean value", self.name),
                )),
            },
            Kind::Int { min, max, unit } => {
                let n = parse_number(self, unit, text)?.round_ties_even();
                if !(n >= min as f64 && n <= max as f64) {
                    return Err(out_of_range(self.name, format!("{n}"), unit, min.to_string(), max.to_string()));
                }
                Ok((n as i64).to_string())
            }
            Kind::Real { min, max, unit } => {
                let n = parse_number(self, unit, text)?;
                if !(n >= min && n <= max) {
                    return Err(out_of_range(self.name, format!("{n}"), unit, format!("{min}"), format!("{max}")));
                }
                Ok(format!("{n}"))
            }
            Kind::Enum(values) => match values.iter().find(|v| v.eq_ignore_ascii_case(text)) {
                Some(v) => Ok((*v).into()),
                None => match (parse_bool(text), values.contains(&"on"), values.contains(&"off")) {
                    (Some(true), true, _) => Ok("on".into()),
                    (Some(false), _, true) => Ok("off".into()),
                    _ => Err(invalid(self.name, text).hint(format!("Available values: {}.", values.join(", ")))),
                },
            },
            Kind::Text => Ok(text.to_owned()),
        }
    }

    /// What SHOW prints: a number in the largest unit that divides it.
    pub fn display(&self, value: &str) -> String {
        let unit = match self.kind {
            Kind::Int { unit, .. } | Kind::Real { unit, .. } if !unit.is_empty() => unit,
            _ => return value.to_owned(),
        };
        let number: f64 = value.parse().unwrap_or(0.0);
        if number <= 0.0 {
            return value.to_owned();
        }
        let total = number * unit_size(unit);
        match family(unit).iter().find(|(_, size)| total % size == 0.0) {
            Some((name, size)) => format!("{}{name}", total / size),
            None => format!("{value}{unit}"),
        }
    }
}

/// Where a value came from, as `pg_settings.source` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Default,
    Configuration,
    Client,
    Session,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Default => "default",
            Source::Configuration => "configuration file",
            Source::Client => "client",
            Source::Session => "session",
        }
    }
}

/// The values that a node starts with: the table's defaults under what the configuration says.
#[derive(Clone, Debug)]
pub struct Defaults {
    values: Vec<(Arc<str>, Source)>,
}

impl Default for Defaults {
    fn default() -> Self {
        Defaults { values: SETTINGS.iter().map(|s| (Arc::from(s.default), Source::Default)).collect() }
    }
}

impl Defaults {
    /// Sets a value from the configuration.
    ///
    /// Errors: 42704 for an unknown name, 22023 for a value that does not fit, 55P02 for what cannot be configured.
    pub fn configure(&mut self, name: &str, text: &str) -> Result<()> {
        let i = find(name).ok_or_else(|| unrecognized(name))?;
        let s = &SETTINGS[i];
        if s.context == Context::Internal {
            return Err(Error::new(
                SqlState::CANT_CHANGE_RUNTIME_PARAM,
                format!("parameter \"{}\" cannot be changed", s.name),
            ));
        }
        let value = check(s, text)?;
        self.values[i] = (Arc::from(value), Source::Configuration);
        Ok(())
    }

    /// Sets what the server itself knows, such as the port that it listens on.
    pub fn fix(&mut self, name: &str, value: &str) {
        self.values[index(name)].0 = Arc::from(value);
    }

    pub fn get(&self, name: &str) -> &str {
        &self.values[index(name)].0
    }
}

pub fn unrecognized(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\""))
}

/// The canonical value, with the checks that depend on the setting.
fn check(setting: &Setting, text: &str) -> Result<String> {
    let value = setting.canonical(text)?;
    match setting.name {
        "client_encoding" => match value.to_ascii_uppercase().replace(['-', '_', '\''], "").as_str() {
            "UTF8" | "UNICODE" => Ok("UTF8".into()),
            _ => Err(invalid("client_encoding", text)),
        },
        "standard_conforming_strings" if value == "off" => Err(Error::unsupported("standard_conforming_strings = off")),
        "DateStyle" => date_style(&value),
        "TimeZone" => {
            let name = hours_east(&value).unwrap_or(value);
            match crate::types::datetime::TimeZone::named(&name) {
                Ok(zone) => Ok(zone.name().to_owned()),
                Err(_) => Err(invalid("TimeZone", text)),
            }
        }
        "synchronous_standby_names" => StandbyNames::parse(&value).map(|_| value),
        "headwater.read_after" if !value.is_empty() && Lsn::parse(&value).is_none() => {
            Err(invalid("headwater.read_after", text))
        }
        "transaction_isolation" if value == "read uncommitted" => Ok("read committed".into()),
        "application_name" => {
            Ok(value.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' }).take(63).collect())
        }
        _ => Ok(value),
    }
}

/// A number as a time zone is hours east of Greenwich; the POSIX name it is kept under counts west (`check_timezone`,
/// `pg_tzset_offset`).
fn hours_east(text: &str) -> Option<String> {
    let hours: f64 = text.trim_start().parse().ok().filter(|h: &f64| h.abs() < 168.0)?;
    let east = (hours * 3600.0) as i64;
    let (hour, minute, second) = (east.abs() / 3600, east.abs() / 60 % 60, east.abs() % 60);
    let mut clock = format!("{hour:02}");
    if minute != 0 || second != 0 {
        clock.push_str(&format!(":{minute:02}"));
    }
    if second != 0 {
        clock.push_str(&format!(":{second:02}"));
    }
    Some(if east < 0 { format!("<-{clock}>+{clock}") } else { format!("<+{clock}>-{clock}") })
}

/// `DateStyle` holds a style and an order, either of which may be given alone.
fn date_style(text: &str) -> Result<String> {
    let (mut style, mut order) = (None, None);
    for word in text.split(',').map(|w| w.trim().to_ascii_uppercase()) {
        match word.as_str() {
            "ISO" => style = Some("ISO"),
            "SQL" => style = Some("SQL"),
            "POSTGRES" => style = Some("Postgres"),
            "GERMAN" => {
                style = Some("German");
                order.get_or_insert("DMY");
            }
            "MDY" | "US" | "NONEURO" | "NONEUROPEAN" => order = Some("MDY"),
            "DMY" | "EURO" | "EUROPEAN" => order = Some("DMY"),
            "YMD" => order = Some("YMD"),
            "DEFAULT" => (style, order) = (Some("ISO"), Some("MDY")),
            _ => {
                return Err(
                    invalid("DateStyle", text).detail(format!("Unrecognized key word: \"{}\".", word.to_lowercase()))
                );
            }
        }
    }
    Ok(format!("{}, {}", style.unwrap_or(""), order.unwrap_or("")))
}

/// How long a change lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Session,
    /// SET LOCAL: to the end of the transaction.
    Transaction,
}

/// Where the undo list stands, for savepoints.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

#[derive(Clone, Debug, PartialEq)]
enum Slot {
    Known(usize),
    Custom(String),
}

#[derive(Debug)]
struct Undo {
    slot: Slot,
    old: Option<(Arc<str>, Source)>,
    scope: Scope,
}

/// One session's values.
#[derive(Debug)]
pub struct Settings {
    values: Vec<(Arc<str>, Source)>,
    /// What RESET goes back to: the defaults with what the client asked for at start-up.
    reset: Vec<(Arc<str>, Source)>,
    /// Names with a dot, which anybody may make up.
    custom: BTreeMap<String, Arc<str>>,
    undo: Vec<Undo>,
    /// Counts changes, so that what is derived from the values knows when it is stale.
    pub changes: u64,
}

impl Settings {
    pub fn new(defaults: &Defaults) -> Settings {
        Settings {
            values: defaults.values.clone(),
            reset: defaults.values.clone(),
            custom: BTreeMap::new(),
            undo: Vec::new(),
            changes: 0,
        }
    }

    /// A setting of the table by its exact name.
    pub fn get(&self, name: &str) -> &str {
        &self.values[index(name)].0
    }

    /// Whether a Boolean setting is on.
    pub fn on(&self, name: &str) -> bool {
        self.get(name) == "on"
    }

    /// A whole number in the setting's unit.
    pub fn int(&self, name: &str) -> i64 {
        self.get(name).parse().unwrap_or(0)
    }

    /// What SHOW and `current_setting` answer; None for a name that nobody has set.
    pub fn show(&self, name: &str) -> Option<String> {
        match find(name) {
            Some(i) => Some(SETTINGS[i].display(&self.values[i].0)),
            None => self.custom.get(&name.to_ascii_lowercase()).map(|v| v.to_string()),
        }
    }

    /// Every setting with its value and where that came from.
    pub fn all(&self) -> impl Iterator<Item = (&'static Setting, &str, &str, Source)> {
        SETTINGS.iter().zip(&self.values).zip(&self.reset).map(|((s, v), r)| (s, &*v.0, &*r.0, v.1))
    }

    /// A value from the start-up message.
    pub fn start_up(&mut self, name: &str, text: &str) -> Result<()> {
        let Some(i) = find(name) else {
            if name.contains('.') {
                self.custom.insert(name.to_ascii_lowercase(), Arc::from(text));
                return Ok(());
            }
            return Err(unrecognized(name));
        };
        if SETTINGS[i].context != Context::Backend {
            may_change(&SETTINGS[i])?;
        }
        let value = self.merged(i, check(&SETTINGS[i], text)?);
        self.values[i] = (Arc::from(value), Source::Client);
        self.reset[i] = self.values[i].clone();
        self.changes += 1;
        Ok(())
    }

    /// SET. Returns the setting's exact name when clients are to hear of the change (ParameterStatus).
    ///
    /// Errors: 42704 for an unknown name, 22023 for a value that does not fit, 55P02 for what cannot be changed.
    pub fn set(&mut self, name: &str, text: &str, scope: Scope) -> Result<()> {
        match find(name) {
            Some(i) => {
                may_change(&SETTINGS[i])?;
                let value = self.merged(i, check(&SETTINGS[i], text)?);
                self.store(Slot::Known(i), Some((Arc::from(value), Source::Session)), scope);
            }
            None if name.contains('.') => {
                let value = Some((Arc::from(text), Source::Session));
                self.store(Slot::Custom(name.to_ascii_lowercase()), value, scope);
            }
            None => return Err(unrecognized(name)),
        }
        Ok(())
    }

    /// Sets what the server decides, such as the transaction's isolation, without asking who may.
    pub fn force(&mut self, name: &str, value: &str) {
        let i = index(name);
        self.values[i].0 = Arc::from(value);
        self.changes += 1;
    }

    /// RESET name, or SET name TO DEFAULT.
    pub fn reset(&mut self, name: &str, scope: Scope) -> Result<()> {
        match find(name) {
            Some(i) => {
                may_change(&SETTINGS[i])?;
                let value = Some(self.reset[i].clone());
                self.store(Slot::Known(i), value, scope);
            }
            None if name.contains('.') => self.store(Slot::Custom(name.to_ascii_lowercase()), None, scope),
            None => return Err(unrecognized(name)),
        }
        Ok(())
    }

    /// RESET ALL.
    pub fn reset_all(&mut self) {
        for (i, s) in SETTINGS.iter().enumerate() {
            let transaction = s.name.starts_with("transaction_");
            if may_change(s).is_ok() && !transaction && self.values[i] != self.reset[i] {
                let value = Some(self.reset[i].clone());
                self.store(Slot::Known(i), value, Scope::Session);
            }
        }
    }

    /// A date style of which only half was given keeps the other half.
    fn merged(&self, i: usize, value: String) -> String {
        if SETTINGS[i].name != "DateStyle" {
            return value;
        }
        let half = |text: &str, second: bool| text.split(", ").nth(usize::from(second)).unwrap_or("").to_owned();
        let pick = |second| match half(&value, second) {
            h if h.is_empty() => half(&self.values[i].0, second),
            h => h,
        };
        format!("{}, {}", pick(false), pick(true))
    }

    fn store(&mut self, slot: Slot, value: Option<(Arc<str>, Source)>, scope: Scope) {
        let old = match &slot {
            Slot::Known(i) => Some(self.values[*i].clone()),
            Slot::Custom(name) => self.custom.get(name).map(|v| (v.clone(), Source::Session)),
        };
        self.put(&slot, value);
        self.undo.push(Undo { slot, old, scope });
    }

    fn put(&mut self, slot: &Slot, value: Option<(Arc<str>, Source)>) {
        self.changes += 1;
        match (slot, value) {
            (Slot::Known(i), Some(value)) => self.values[*i] = value,
            (Slot::Known(_), None) => unreachable!("a setting of the table always has a value"),
            (Slot::Custom(name), Some((value, _))) => {
                self.custom.insert(name.clone(), value);
            }
            (Slot::Custom(name), None) => {
                self.custom.remove(name);
            }
        }
    }

    pub fn mark(&self) -> Mark {
        Mark(self.undo.len())
    }

    /// ROLLBACK TO: takes back every change since the mark.
    pub fn roll_back_to(&mut self, mark: Mark) {
        while self.undo.len() > mark.0 {
            let undo = self.undo.pop().expect("the list is longer than the mark");
            self.put(&undo.slot, undo.old);
        }
    }

    /// The end of a transaction: ROLLBACK takes everything back, COMMIT only what was LOCAL.
    pub fn end_transaction(&mut self, committed: bool) {
        if self.undo.is_empty() {
            return;
        }
        if !committed {
            return self.roll_back_to(Mark(0));
        }
        let list = std::mem::take(&mut self.undo);
        for (n, undo) in list.iter().enumerate() {
            let first = !list[..n].iter().any(|u| u.slot == undo.slot);
            if !first || !list[n..].iter().any(|u| u.slot == undo.slot && u.scope == Scope::Transaction) {
                continue;
            }
            // What stands after the transaction is the last session-wide value, or what stood before it.
            let mut kept = undo.old.clone();
            let same: Vec<&Undo> = list.iter().filter(|u| u.slot == undo.slot).collect();
            for (k, u) in same.iter().enumerate() {
                if u.scope == Scope::Session {
                    kept = match same.get(k + 1) {
                        Some(next) => next.old.clone(),
                        None => self.current(&undo.slot),
                    };
                }
            }
            self.put(&undo.slot, kept);
        }
    }

    fn current(&self, slot: &Slot) -> Option<(Arc<str>, Source)> {
        match slot {
            Slot::Known(i) => Some(self.values[*i].clone()),
            Slot::Custom(name) => self.custom.get(name).map(|v| (v.clone(), Source::Session)),
        }
    }
}

fn may_change(setting: &Setting) -> Result<()> {
    let why = match setting.context {
        Context::User | Context::Superuser => return Ok(()),
        Context::Internal => "cannot be changed",
        Context::Postmaster => "cannot be changed without restarting the server",
        Context::Sighup => "cannot be changed now",
        Context::Backend => "cannot be set after connection start",
    };
    Err(Error::new(SqlState::CANT_CHANGE_RUNTIME_PARAM, format!("parameter \"{}\" {why}", setting.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new(&Defaults::default())
    }

    #[test]
    fn the_table_is_sorted_and_its_defaults_fit() {
        for pair in SETTINGS.windows(2) {
            assert!(pair[0].name.to_lowercase() < pair[1].name.to_lowercase(), "{}", pair[1].name);
        }
        for s in SETTINGS {
            s.canonical(s.default).unwrap_or_else(|e| panic!("{}: {e}", s.name));
        }
    }

    #[test]
    fn values_are_shown_in_their_largest_unit() {
        let mut s = settings();
        for (name, value, shown) in [
            ("work_mem", "65536", "64MB"),
            ("work_mem", "1GB", "1GB"),
            ("work_mem", "1.5MB", "1536kB"),
            ("statement_timeout", "90s", "90s"),
            ("statement_timeout", "1500", "1500ms"),
            ("statement_timeout", "0", "0"),
            ("extra_float_digits", "-3", "-3"),
            ("enable_seqscan", "fal", "off"),
            ("DateStyle", "sql", "SQL, MDY"),
            ("DateStyle", "ymd", "SQL, YMD"),
            ("TimeZone", "5", "<+05>-05"),
            ("TimeZone", "-3.5", "<-03:30>+03:30"),
            ("TimeZone", "+07", "<+07>-07"),
        ] {
            s.set(name, value, Scope::Session).unwrap();
            assert_eq!(s.show(name).unwrap(), shown, "{name} = {value}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_in_postgresqls_words() {
        let mut s = settings();
        for (name, value, code, message) in [
            ("nonesuch", "1", "42704", "unrecognized configuration parameter \"nonesuch\""),
            (
                "work_mem",
                "1",
                "22023",
                "1 kB is outside the valid range for parameter \"work_mem\" (64 kB .. 2147483647 kB)",
            ),
            ("enable_seqscan", "o", "22023", "parameter \"enable_seqscan\" requires a Boolean value"),
            ("server_version", "1", "55P02", "parameter \"server_version\" cannot be changed"),
            ("port", "1", "55P02", "parameter \"port\" cannot be changed without restarting the server"),
            ("bytea_output", "x", "22023", "invalid value for parameter \"bytea_output\": \"x\""),
        ] {
            let e = s.set(name, value, Scope::Session).unwrap_err();
            assert_eq!((e.code().as_str(), e.message()), (code, message));
        }
    }

    #[test]
    fn local_values_end_with_the_transaction() {
        let mut s = settings();
        s.set("work_mem", "1MB", Scope::Session).unwrap();
        s.end_transaction(true);
        s.set("work_mem", "2MB", Scope::Transaction).unwrap();
        s.end_transaction(true);
        assert_eq!(s.show("work_mem").unwrap(), "1MB");
        s.set("work_mem", "3MB", Scope::Session).unwrap();
        s.set("work_mem", "4MB", Scope::Transaction).unwrap();
        s.end_transaction(true);
        assert_eq!(s.show("work_mem").unwrap(), "3MB");
        s.set("a.b", "x", Scope::Transaction).unwrap();
        s.set("work_mem", "5MB", Scope::Session).unwrap();
        s.end_transaction(false);
        assert_eq!((s.show("work_mem").unwrap().as_str(), s.show("a.b")), ("3MB", None));
    }

    #[test]
    fn a_savepoint_takes_back_what_came_after_it() {
        let mut s = settings();
        s.set("work_mem", "1MB", Scope::Session).unwrap();
        let mark = s.mark();
        s.set("work_mem", "2MB", Scope::Transaction).unwrap();
        s.roll_back_to(mark);
        s.end_transaction(true);
        assert_eq!(s.show("work_mem").unwrap(), "1MB");
    }
}
