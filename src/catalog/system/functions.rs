//! `pg_proc`, `pg_aggregate`, `pg_operator`, `pg_cast`, `pg_language`: read out of the registry of what runs.
//!
//! Types and access methods name functions that nobody calls (`int4in`, `bthandler`); clients look them up, so they
//! are listed from `support.txt` with PostgreSQL's oids.

use super::SystemContext;
use super::rows::{
    Rows, flag, id, int2, int4, letter, letter_array, no_oid, null, oid_array, oid_vector, text, text_array,
};
use crate::base::Oid;
use crate::catalog::{INFORMATION_SCHEMA, PG_CATALOG, POSTGRES_ROLE};
use crate::expr::registry;
use crate::expr::{CastContext, CastMethod, Function, Kind, Operator, Volatility};
use crate::types::Datum;
use ahash::AHashMap;
use std::sync::LazyLock;

const INTERNAL: Oid = Oid(12);

/// A function of `support.txt`.
pub struct Support {
    pub oid: Oid,
    pub name: &'static str,
    pub ret: Oid,
    volatility: u8,
    parallel: u8,
    strict: bool,
    pub args: Vec<Oid>,
}

const WELL_FORMED: &str = "support.txt is well-formed";

static SUPPORT: LazyLock<Vec<Support>> = LazyLock::new(|| {
    let read = |line: &'static str| {
        let words: Vec<&'static str> = line.split(' ').collect();
        let number = |text: &str| Oid(text.parse().expect(WELL_FORMED));
        Support {
            oid: number(words[0]),
            name: words[1],
            ret: number(words[2]),
            volatility: words[3].as_bytes()[0],
            parallel: words[4].as_bytes()[0],
            strict: words[5] == "t",
            args: words.get(6).map_or_else(Vec::new, |args| args.split(',').map(number).collect()),
        }
    };
    include_str!("support.txt").lines().filter(|l| !l.starts_with('#')).map(read).collect()
});

static SUPPORT_BY_NAME: LazyLock<AHashMap<&'static str, Oid>> =
    LazyLock::new(|| SUPPORT.iter().map(|s| (s.name, s.oid)).collect());

/// The functions behind types and access methods.
pub fn support_functions() -> &'static [Support] {
    &SUPPORT
}

/// The oid of a function by its unique name; zero for `-`, and for what does not exist.
pub fn function_oid(name: &str) -> Oid {
    if let Some(oid) = SUPPORT_BY_NAME.get(name) {
        return *oid;
    }
    registry::functions_named(name).first().map_or(Oid::INVALID, |f| f.oid)
}

fn volatility(v: Volatility) -> u8 {
    match v {
        Volatility::Immutable => b'i',
        Volatility::Stable => b's',
        Volatility::Volatile => b'v',
    }
}

/// Types, modes and names of all arguments where there are OUT or named ones.
fn all_arguments(f: &Function) -> [Datum; 3] {
    if f.out.is_empty() {
        let names = if f.arg_names.is_empty() { null() } else { text_array(f.arg_names.iter().copied()) };
        return match f.variadic {
            None => [null(), null(), names],
            Some(_) => {
                let mut modes = vec![b'i'; f.args.len()];
                modes[f.args.len() - 1] = b'v';
                [oid_array(f.args.iter().copied()), letter_array(&modes), names]
            }
        };
    }
    let types = f.args.iter().copied().chain(f.out.iter().map(|o| o.1));
    let mut modes = vec![b'i'; f.args.len()];
    modes.resize(f.args.len() + f.out.len(), b'o');
    let unnamed = std::iter::repeat_n("", f.args.len() - f.arg_names.len().min(f.args.len()));
    let names = f.arg_names.iter().copied().chain(unnamed).chain(f.out.iter().map(|o| o.0));
    [oid_array(types), letter_array(&modes), text_array(names)]
}

pub(super) fn pg_proc(_: &SystemContext<'_>, out: &mut Rows) {
    for f in registry::functions() {
        let [all_types, modes, names] = all_arguments(f);
        let kind = match f.kind {
            Kind::Scalar => b'f',
            Kind::Aggregate | Kind::OrderedSet { .. } => b'a',
            Kind::Window => b'w',
        };
        out.row([
            id(f.oid),
            text(f.name),
            id(if f.in_information_schema { INFORMATION_SCHEMA } else { PG_CATALOG }),
            id(POSTGRES_ROLE),
            id(INTERNAL),
            Datum::Float4(1.0),
            Datum::Float4(if f.returns_set { 1000.0 } else { 0.0 }),
            id(f.variadic.unwrap_or(Oid::INVALID)),
            no_oid(),
            letter(kind),
            flag(false),
            flag(f.leakproof),
            flag(f.strict && !f.is_aggregate()),
            flag(f.returns_set),
            letter(volatility(f.volatility)),
            letter(b's'),
            int2(f.args.len() as i16),
            int2(f.defaults.len() as i16),
            id(f.ret),
            oid_vector(f.args.iter().copied()),
            all_types,
            modes,
            names,
            if f.defaults.is_empty() { null() } else { text(&f.defaults.join(", ")) },
            null(),
            text(if f.is_aggregate() { "aggregate_dummy" } else { f.name }),
            null(),
            null(),
            null(),
            null(),
        ]);
    }
    for s in SUPPORT.iter().filter(|s| registry::function(s.oid).is_none()) {
        push_support(s, out);
    }
}

fn push_support(s: &Support, out: &mut Rows) {
    out.row([
        id(s.oid),
        text(s.name),
        id(PG_CATALOG),
        id(POSTGRES_ROLE),
        id(INTERNAL),
        Datum::Float4(1.0),
        Datum::Float4(0.0),
        no_oid(),
        no_oid(),
        letter(b'f'),
        flag(false),
        flag(false),
        flag(s.strict),
        flag(false),
        letter(s.volatility),
        letter(s.parallel),
        int2(s.args.len() as i16),
        int2(0),
        id(s.ret),
        oid_vector(s.args.iter().copied()),
        null(),
        null(),
        null(),
        null(),
        null(),
        text(s.name),
        null(),
        null(),
        null(),
        null(),
    ]);
}

/// The transition machinery is our own, so nothing can be said of it but the kind.
pub(super) fn pg_aggregate(_: &SystemContext<'_>, out: &mut Rows) {
    for f in registry::functions().filter(|f| f.is_aggregate()) {
        let (kind, direct) = match f.kind {
            Kind::OrderedSet { direct } => (b'o', direct),
            _ => (b'n', 0),
        };
        let sort = match (f.name, f.args) {
            ("min", [ty]) => registry::exact_operator("<", *ty, *ty),
            ("max", [ty]) => registry::exact_operator(">", *ty, *ty),
            _ => None,
        };
        out.row([
            id(f.oid),
            letter(kind),
            int2(direct as i16),
            no_oid(),
            no_oid(),
            no_oid(),
            no_oid(),
            no_oid(),
            no_oid(),
            no_oid(),
            no_oid(),
            flag(false),
            flag(false),
            letter(b'r'),
            letter(b'r'),
            id(sort.map_or(Oid::INVALID, |o| o.oid)),
            id(f.ret),
            int4(0),
            no_oid(),
            int4(0),
            null(),
            null(),
        ]);
    }
}

pub(super) fn pg_operator(_: &SystemContext<'_>, out: &mut Rows) {
    for o in registry::all_operators() {
        let o: &Operator = o;
        out.row([
            id(o.oid),
            text(o.name),
            id(PG_CATALOG),
            id(POSTGRES_ROLE),
            letter(if o.left == Oid::INVALID { b'l' } else { b'b' }),
            flag(o.merges),
            flag(o.hashes),
            id(o.left),
            id(o.right),
            id(o.ret),
            id(o.commutator),
            id(o.negator),
            id(o.func),
            no_oid(),
            no_oid(),
        ]);
    }
}

/// PostgreSQL numbers casts anew at each initdb; so do we.
pub(super) fn pg_cast(_: &SystemContext<'_>, out: &mut Rows) {
    for (n, c) in registry::casts().enumerate() {
        let (function, method) = match c.method {
            CastMethod::Function(f) => (f, b'f'),
            CastMethod::Binary => (Oid::INVALID, b'b'),
            CastMethod::InOut => (Oid::INVALID, b'i'),
        };
        out.row([
            Datum::Oid(10_035 + n as u32),
            id(c.source),
            id(c.target),
            id(function),
            letter(match c.context {
                CastContext::Implicit => b'i',
                CastContext::Assignment => b'a',
                CastContext::Explicit => b'e',
            }),
            letter(method),
        ]);
    }
}

pub(super) fn pg_language(_: &SystemContext<'_>, out: &mut Rows) {
    for (oid, name, trusted) in [(12, "internal", false), (13, "c", false), (14, "sql", true)] {
        out.row([
            Datum::Oid(oid),
            text(name),
            id(POSTGRES_ROLE),
            flag(false),
            flag(trusted),
            no_oid(),
            no_oid(),
            no_oid(),
            null(),
        ]);
    }
}
