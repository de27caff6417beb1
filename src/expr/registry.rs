//! Finding functions, operators and casts: indexes over the families' tables, built on first use and never changed.

use super::function::{Cast, Function, Operator};
use super::{aggregates, casts, functions, operators};
use crate::base::Oid;
use crate::types::{SqlType, array_of, oid, type_info};
use std::collections::HashMap;
use std::sync::LazyLock;

struct Registry {
    by_oid: HashMap<Oid, &'static Function>,
    by_name: HashMap<&'static str, Vec<&'static Function>>,
    in_information_schema: HashMap<&'static str, Vec<&'static Function>>,
    operators_by_oid: HashMap<Oid, &'static Operator>,
    operators_by_name: HashMap<&'static str, Vec<&'static Operator>>,
    /// Those that do not run included.
    operator_candidates: HashMap<&'static str, Vec<&'static Operator>>,
    casts: HashMap<(Oid, Oid), &'static Cast>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut r = Registry {
        by_oid: HashMap::new(),
        by_name: HashMap::new(),
        in_information_schema: HashMap::new(),
        operators_by_oid: HashMap::new(),
        operators_by_name: HashMap::new(),
        operator_candidates: HashMap::new(),
        casts: HashMap::new(),
    };
    for f in functions::TABLES.iter().chain(aggregates::TABLES).copied().flatten() {
        let twin = r.by_oid.insert(f.oid, f);
        assert!(twin.is_none(), "function {} registered twice", f.oid);
        let by_name = if f.in_information_schema { &mut r.in_information_schema } else { &mut r.by_name };
        by_name.entry(f.name).or_default().push(f);
    }
    for f in functions::unbuilt::TABLE {
        assert!(!r.by_oid.contains_key(&f.oid), "function {} is built", f.oid);
        r.by_name.entry(f.name).or_default().push(f);
    }
    for op in operators::OPERATORS {
        r.operator_candidates.entry(op.name).or_default().push(op);
        if !r.by_oid.contains_key(&op.func) {
            continue;
        }
        r.operators_by_oid.insert(op.oid, op);
        r.operators_by_name.entry(op.name).or_default().push(op);
    }
    for cast in casts::CASTS {
        let runs = match cast.method {
            super::function::CastMethod::Function(f) => r.by_oid.contains_key(&f),
            _ => true,
        };
        if runs {
            r.casts.insert((cast.source, cast.target), cast);
        }
    }
    r
});

/// The function of that oid, if there is one that runs.
pub fn function(oid: Oid) -> Option<&'static Function> {
    REGISTRY.by_oid.get(&oid).copied()
}

/// All functions, aggregates and window functions of the name in `pg_catalog`; of a name that has any that runs, those that
/// PostgreSQL has besides come last.
pub fn functions_named(name: &str) -> &'static [&'static Function] {
    REGISTRY.by_name.get(name).map_or(&[], Vec::as_slice)
}

/// All functions of the name in `information_schema`.
pub fn information_schema_functions_named(name: &str) -> &'static [&'static Function] {
    REGISTRY.in_information_schema.get(name).map_or(&[], Vec::as_slice)
}

/// Every function, in no particular order: `pg_proc`.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    REGISTRY.by_oid.values().copied()
}

pub fn operator(oid: Oid) -> Option<&'static Operator> {
    REGISTRY.operators_by_oid.get(&oid).copied()
}

/// All operators of the name, prefix ones included.
pub fn operators(name: &str) -> &'static [&'static Operator] {
    REGISTRY.operators_by_name.get(name).map_or(&[], Vec::as_slice)
}

/// All operators of the name that PostgreSQL has. Resolution must see them all, to find the same call ambiguous or
/// resolved; one that does not run is refused when it is chosen.
pub fn operator_candidates(name: &str) -> &'static [&'static Operator] {
    REGISTRY.operator_candidates.get(name).map_or(&[], Vec::as_slice)
}

/// Every operator, in no particular order: `pg_operator`.
pub fn all_operators() -> impl Iterator<Item = &'static Operator> {
    REGISTRY.operators_by_oid.values().copied()
}

/// The operator with exactly these argument types; [`Oid::INVALID`] on the left for a prefix operator.
pub fn exact_operator(name: &str, left: Oid, right: Oid) -> Option<&'static Operator> {
    operators(name).iter().copied().find(|op| op.left == left && op.right == right)
}

/// The row of `pg_cast`, if there is one that runs.
pub fn cast(source: Oid, target: Oid) -> Option<&'static Cast> {
    REGISTRY.casts.get(&(source, target)).copied()
}

/// Every cast, in no particular order: `pg_cast`.
pub fn casts() -> impl Iterator<Item = &'static Cast> {
    REGISTRY.casts.values().copied()
}

/// The type whose operator class serves `ty`: `text` for `varchar`, `anyarray` for arrays, itself for most.
pub fn operator_class_type(ty: SqlType) -> Oid {
    match ty.oid {
        oid::VARCHAR | oid::UNKNOWN => oid::TEXT,
        oid::RECORD => oid::RECORD,
        o => match type_info(o) {
            Some(t) if t.is_array() && o != oid::INT2VECTOR => oid::ANYARRAY,
            Some(t) if t.kind == b'e' => oid::ANYENUM,
            Some(t) if t.kind == b'r' => oid::ANYRANGE,
            Some(t) if t.kind == b'c' => oid::RECORD,
            Some(_) if crate::types::is_reg(o) => oid::OID,
            Some(_) => o,
            None if array_of(o).is_none() && o >= Oid::FIRST_USER => oid::RECORD,
            None => o,
        },
    }
}

fn class_operator(name: &str, ty: SqlType) -> Option<&'static Operator> {
    let class = operator_class_type(ty);
    exact_operator(name, class, class)
}

/// The equality of the type's default operator class: what DISTINCT, GROUP BY, IN and `=` of rows use. None for types
/// that have none, such as `json`.
pub fn equality_operator(ty: SqlType) -> Option<&'static Operator> {
    class_operator("=", ty)
}

/// The `<` of the type's default btree operator class; none for types that have no order, such as `xid`.
pub fn less_operator(ty: SqlType) -> Option<&'static Operator> {
    class_operator("<", ty)
}

/// The `>` of the type's default btree operator class.
pub fn greater_operator(ty: SqlType) -> Option<&'static Operator> {
    class_operator(">", ty)
}

/// The function of [`equality_operator`].
pub fn eq_function(ty: SqlType) -> Option<&'static Function> {
    equality_operator(ty).map(Operator::function)
}
