//! The standard's `information_schema`, over users' objects; of `pg_catalog`'s own relations it shows tables and columns.

use super::SystemContext;
use super::relations::all_relations;
use super::rows::{Rows, int4, maybe_text, null, text, yes_no};
use super::views::definition;
use crate::base::Oid;
use crate::catalog::deparse::{constraint_definition, type_schema_and_name};
use crate::catalog::object::{CheckOption, Column, Constraint, ConstraintKind, FkMatch, Identity, Persistence, Table};
use crate::catalog::{Relation, TableKind, class};
use crate::types::{Datum, SqlType, oid, type_info};

pub(super) fn database(cx: &SystemContext<'_>) -> Datum {
    text(cx.database_name())
}

pub(super) fn schema(cx: &SystemContext<'_>, oid: Oid) -> Datum {
    text(cx.catalog.schema_name(oid))
}

pub(super) fn catalog_name(cx: &SystemContext<'_>, out: &mut Rows) {
    out.row([database(cx)]);
}

pub(super) fn enabled_roles(cx: &SystemContext<'_>, out: &mut Rows) {
    for r in cx.catalog.roles() {
        out.row([text(&r.name)]);
    }
}

pub(super) fn character_sets(cx: &SystemContext<'_>, out: &mut Rows) {
    out.row([
        null(),
        null(),
        text("UTF8"),
        text("UCS"),
        text("UTF8"),
        database(cx),
        text("pg_catalog"),
        text("default"),
    ]);
}

pub(super) fn schemata(cx: &SystemContext<'_>, out: &mut Rows) {
    for s in cx.catalog.schemas() {
        out.row([database(cx), text(&s.name), text(cx.role_name(s.owner)), null(), null(), null(), null()]);
    }
}

pub(super) fn tables(cx: &SystemContext<'_>, out: &mut Rows) {
    for r in all_relations(cx) {
        let (kind, insertable) = match &r {
            Relation::System(t) if t.relkind == b'v' => ("VIEW", false),
            Relation::System(_) => ("BASE TABLE", true),
            Relation::Table(t) => match t.kind {
                TableKind::Table | TableKind::View if t.persistence == Persistence::Temporary => {
                    ("LOCAL TEMPORARY", t.view.as_ref().is_none_or(|v| v.updatable))
                }
                TableKind::Table | TableKind::Partitioned => ("BASE TABLE", true),
                TableKind::View => ("VIEW", t.view.as_ref().is_some_and(|v| v.updatable)),
                TableKind::MaterializedView | TableKind::Composite => continue,
            },
            _ => continue,
        };
        out.row([
            database(cx),
            schema(cx, r.schema()),
            text(r.name()),
            text(kind),
            null(),
            null(),
            null(),
            null(),
            null(),
            yes_no(insertable),
            yes_no(false),
            null(),
        ]);
    }
}

/// What the standard says of a type's size, from its modifier.
#[derive(Default)]
pub(super) struct Measures {
    pub(super) characters: Option<i32>,
    pub(super) octets: Option<i32>,
    pub(super) precision: Option<i32>,
    pub(super) radix: Option<i32>,
    pub(super) scale: Option<i32>,
    pub(super) datetime: Option<i32>,
}

pub(super) fn measures(ty: SqlType) -> Measures {
    let number = |precision, radix, scale| Measures { precision, radix: Some(radix), scale, ..Measures::default() };
    let datetime = |n| Measures { datetime: Some(n), ..Measures::default() };
    match ty.oid {
        oid::INT2 => number(Some(16), 2, Some(0)),
        oid::INT4 => number(Some(32), 2, Some(0)),
        oid::INT8 => number(Some(64), 2, Some(0)),
        oid::FLOAT4 => number(Some(24), 2, None),
        oid::FLOAT8 => number(Some(53), 2, None),
        oid::NUMERIC if ty.typmod >= 4 => {
            let packed = ty.typmod - 4;
            number(Some(packed >> 16 & 0xffff), 10, Some(((packed & 0x7ff) ^ 1024) - 1024))
        }
        oid::NUMERIC => number(None, 10, None),
        oid::VARCHAR | oid::BPCHAR if ty.typmod >= 4 => {
            let n = ty.typmod - 4;
            Measures { characters: Some(n), octets: Some(n.saturating_mul(4).min(1 << 30)), ..Measures::default() }
        }
        oid::BIT | oid::VARBIT if ty.typmod > 0 => Measures { characters: Some(ty.typmod), ..Measures::default() },
        oid::TEXT | oid::VARCHAR | oid::BPCHAR => Measures { octets: Some(1 << 30), ..Measures::default() },
        oid::DATE => datetime(0),
        oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ => {
            datetime(if ty.typmod < 0 { 6 } else { ty.typmod })
        }
        oid::INTERVAL => datetime(if ty.typmod < 0 || ty.typmod & 0xffff == 0xffff { 6 } else { ty.typmod & 0xffff }),
        _ => Measures::default(),
    }
}

pub(super) fn maybe_int(n: Option<i32>) -> Datum {
    n.map_or(Datum::Null, Datum::Int4)
}

/// `information_schema`'s name of a type: arrays are `ARRAY`, users' types `USER-DEFINED`.
pub(super) fn data_type(ty: SqlType) -> String {
    match type_info(ty.oid) {
        Some(t) if t.is_array() => "ARRAY".into(),
        Some(_) => crate::types::type_name(ty.oid),
        None => "USER-DEFINED".into(),
    }
}

/// One row of `columns`.
struct ColumnRow<'a> {
    relation: &'a Relation,
    name: &'a str,
    number: i32,
    ty: SqlType,
    not_null: bool,
    column: Option<&'a Column>,
    updatable: bool,
}

pub(super) fn columns(cx: &SystemContext<'_>, out: &mut Rows) {
    for relation in all_relations(cx) {
        match &relation {
            Relation::System(t) => {
                for (i, c) in t.columns.iter().enumerate() {
                    let ty = SqlType::with_typmod(c.type_oid, c.typmod);
                    let (name, number, not_null) = (c.name, i as i32 + 1, c.not_null);
                    let updatable = t.relkind == b'r';
                    let row = ColumnRow { relation: &relation, name, number, ty, not_null, column: None, updatable };
                    push_column(cx, row, out);
                }
            }
            Relation::Table(t) if !matches!(t.kind, TableKind::MaterializedView | TableKind::Composite) => {
                let updatable = t.view.as_ref().is_none_or(|v| v.updatable);
                for c in t.live_columns() {
                    let ty = SqlType::with_typmod(c.type_oid, c.typmod);
                    let (number, not_null, column) = (i32::from(c.attnum), c.not_null, Some(c));
                    let row = ColumnRow { relation: &relation, name: &c.name, number, ty, not_null, column, updatable };
                    push_column(cx, row, out);
                }
            }
            _ => {}
        }
    }
}

fn push_column(cx: &SystemContext<'_>, r: ColumnRow<'_>, out: &mut Rows) {
    let m = measures(r.ty);
    let c = r.column;
    let generated = c.is_some_and(|c| c.generated.is_some());
    let expression = c.and_then(|c| c.default.as_ref()).map(|d| d.display.as_str());
    let identity = c.and_then(|c| c.identity);
    let sequence = c
        .filter(|_| identity.is_some())
        .and_then(|c| cx.catalog.sequences_owned_by(r.relation.oid(), Some(c.attnum)).into_iter().next());
    let number = |n: Option<i64>| maybe_text(n.map(|n| n.to_string()));
    let (udt_schema, udt_name) = type_schema_and_name(cx.catalog, r.ty.oid).unwrap_or((Oid::INVALID, String::new()));
    let collation = c.map(|c| c.collation).filter(|&c| c != Oid::INVALID && c != super::relations::DEFAULT_COLLATION);
    let collation = collation.and_then(|c| super::types::COLLATIONS.iter().find(|(oid, ..)| *oid == c));
    out.row([
        database(cx),
        schema(cx, r.relation.schema()),
        text(r.relation.name()),
        text(r.name),
        int4(r.number),
        maybe_text(expression.filter(|_| !generated)),
        yes_no(!r.not_null),
        text(&data_type(r.ty)),
        maybe_int(m.characters),
        maybe_int(m.octets),
        maybe_int(m.precision),
        maybe_int(m.radix),
        maybe_int(m.scale),
        maybe_int(m.datetime),
        null(),
        null(),
        null(),
        null(),
        null(),
        collation.map_or_else(null, |_| database(cx)),
        collation.map_or_else(null, |_| text("pg_catalog")),
        maybe_text(collation.map(|c| c.1)),
        null(),
        null(),
        null(),
        database(cx),
        schema(cx, udt_schema),
        text(&udt_name),
        null(),
        null(),
        null(),
        null(),
        text(&r.number.to_string()),
        yes_no(false),
        yes_no(identity.is_some()),
        maybe_text(identity.map(|i| match i {
            Identity::Always => "ALWAYS",
            Identity::ByDefault => "BY DEFAULT",
        })),
        number(sequence.map(|s| s.start)),
        number(sequence.map(|s| s.increment)),
        number(sequence.map(|s| s.max)),
        number(sequence.map(|s| s.min)),
        yes_no(sequence.is_some_and(|s| s.cycle)),
        text(if generated { "ALWAYS" } else { "NEVER" }),
        maybe_text(expression.filter(|_| generated)),
        yes_no(r.updatable),
    ]);
}

pub(super) fn sequences(cx: &SystemContext<'_>, out: &mut Rows) {
    // Those of identity columns are part of the column.
    for s in cx.catalog.sequences().into_iter().filter(|s| !s.owned_by.is_some_and(|o| o.identity)) {
        let ty = SqlType::of(s.type_oid);
        let m = measures(ty);
        out.row([
            database(cx),
            schema(cx, s.schema),
            text(&s.name),
            text(&data_type(ty)),
            maybe_int(m.precision),
            maybe_int(m.radix),
            maybe_int(m.scale),
            text(&s.start.to_string()),
            text(&s.min.to_string()),
            text(&s.max.to_string()),
            text(&s.increment.to_string()),
            yes_no(s.cycle),
        ]);
    }
}

pub(super) fn views(cx: &SystemContext<'_>, out: &mut Rows) {
    for t in cx.catalog.tables() {
        let Some(view) = t.view.as_ref().filter(|_| t.is_view()) else { continue };
        out.row([
            database(cx),
            schema(cx, t.schema),
            text(&t.name),
            definition(t),
            text(match view.check_option {
                CheckOption::None => "NONE",
                CheckOption::Local => "LOCAL",
                CheckOption::Cascaded => "CASCADED",
            }),
            yes_no(view.updatable),
            yes_no(view.updatable),
            yes_no(false),
            yes_no(false),
            yes_no(false),
        ]);
    }
}

/// Every constraint of every table.
fn constraints<'a>(cx: &SystemContext<'a>) -> impl Iterator<Item = (&'a Table, &'a Constraint)> {
    cx.catalog.tables().into_iter().flat_map(|t| t.constraints.iter().map(move |c| (&**t, c)))
}

/// The name that a NOT NULL goes by.
fn not_null_name(t: &Table, c: &Column) -> String {
    format!("{}_{}_{}_not_null", t.schema, t.oid, c.attnum)
}

fn not_null_columns<'a>(cx: &SystemContext<'a>) -> impl Iterator<Item = (&'a Table, &'a Column)> {
    let columns = |t: &'a Table| t.live_columns().filter(|c| c.not_null).map(move |c| (t, c));
    cx.catalog.tables().into_iter().filter(|t| t.has_rows()).flat_map(move |t| columns(t))
}

pub(super) fn table_constraints(cx: &SystemContext<'_>, out: &mut Rows) {
    let mut push = |t: &Table, name: &str, kind: &str, deferrable: bool, deferred: bool, nulls: Datum| {
        out.row([
            database(cx),
            schema(cx, t.schema),
            text(name),
            database(cx),
            schema(cx, t.schema),
            text(&t.name),
            text(kind),
            yes_no(deferrable),
            yes_no(deferred),
            yes_no(true),
            nulls,
        ]);
    };
    for (t, c) in constraints(cx) {
        let (kind, nulls) = match &c.kind {
            ConstraintKind::PrimaryKey { .. } => ("PRIMARY KEY", null()),
            ConstraintKind::Unique { index, .. } => {
                ("UNIQUE", yes_no(cx.catalog.index(*index).is_none_or(|i| !i.nulls_not_distinct)))
            }
            ConstraintKind::Check { .. } => ("CHECK", null()),
            ConstraintKind::ForeignKey { .. } => ("FOREIGN KEY", null()),
        };
        push(t, &c.name, kind, c.deferrable, c.initially_deferred, nulls);
    }
    for (t, c) in not_null_columns(cx) {
        push(t, &not_null_name(t, c), "CHECK", false, false, null());
    }
}

pub(super) fn check_constraints(cx: &SystemContext<'_>, out: &mut Rows) {
    for (t, c) in constraints(cx).filter(|(_, c)| c.kind.code() == b'c') {
        let definition = constraint_definition(cx.namer(), t, c);
        let clause = definition.strip_prefix("CHECK ").unwrap_or(&definition);
        out.row([database(cx), schema(cx, t.schema), text(&c.name), text(clause)]);
    }
    for (t, c) in not_null_columns(cx) {
        let clause = format!("{} IS NOT NULL", c.name);
        out.row([database(cx), schema(cx, t.schema), text(&not_null_name(t, c)), text(&clause)]);
    }
}

pub(super) fn key_column_usage(cx: &SystemContext<'_>, out: &mut Rows) {
    for (t, c) in constraints(cx).filter(|(_, c)| c.kind.code() != b'c') {
        for (i, column) in c.kind.columns().iter().filter_map(|&n| t.column(n)).enumerate() {
            let position = match &c.kind {
                ConstraintKind::ForeignKey { parent, parent_columns, parent_index, .. } => {
                    position_in_key(cx, *parent, *parent_index, parent_columns[i])
                }
                _ => None,
            };
            out.row([
                database(cx),
                schema(cx, t.schema),
                text(&c.name),
                database(cx),
                schema(cx, t.schema),
                text(&t.name),
                text(&column.name),
                int4(i as i32 + 1),
                maybe_int(position),
            ]);
        }
    }
}

/// Where a column is in the key that a foreign key refers to.
fn position_in_key(cx: &SystemContext<'_>, parent: Oid, index: Oid, attnum: i16) -> Option<i32> {
    let parent = cx.catalog.table(parent)?;
    let key = parent.constraints.iter().find(|c| c.kind.index() == Some(index))?;
    key.kind.columns().iter().position(|&n| n == attnum).map(|i| i as i32 + 1)
}

pub(super) fn referential_constraints(cx: &SystemContext<'_>, out: &mut Rows) {
    for (t, c) in constraints(cx) {
        let ConstraintKind::ForeignKey { parent, parent_index, matching, on_update, on_delete, .. } = &c.kind else {
            continue;
        };
        let parent = cx.catalog.table(*parent);
        let key = parent.and_then(|p| p.constraints.iter().find(|k| k.kind.index() == Some(*parent_index)));
        out.row([
            database(cx),
            schema(cx, t.schema),
            text(&c.name),
            key.map_or_else(null, |_| database(cx)),
            key.and(parent).map_or_else(null, |p| schema(cx, p.schema)),
            maybe_text(key.map(|k| k.name.as_str())),
            text(match matching {
                FkMatch::Full => "FULL",
                FkMatch::Simple => "NONE",
            }),
            text(on_update.sql()),
            text(on_delete.sql()),
        ]);
    }
}

pub(super) fn constraint_column_usage(cx: &SystemContext<'_>, out: &mut Rows) {
    for (t, c) in constraints(cx) {
        let (table, columns) = match &c.kind {
            ConstraintKind::ForeignKey { parent, parent_columns, .. } => {
                let Some(parent) = cx.catalog.table(*parent) else { continue };
                (&**parent, parent_columns)
            }
            ConstraintKind::PrimaryKey { columns, .. }
            | ConstraintKind::Unique { columns, .. }
            | ConstraintKind::Check { columns, .. } => (t, columns),
        };
        for column in columns.iter().filter_map(|&n| table.column(n)) {
            out.row([
                database(cx),
                schema(cx, table.schema),
                text(&table.name),
                text(&column.name),
                database(cx),
                schema(cx, t.schema),
                text(&c.name),
            ]);
        }
    }
}

pub(super) fn constraint_table_usage(cx: &SystemContext<'_>, out: &mut Rows) {
    for (t, c) in constraints(cx) {
        let table = match &c.kind {
            ConstraintKind::ForeignKey { parent, .. } => match cx.catalog.table(*parent) {
                Some(parent) => parent,
                None => continue,
            },
            ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } => t,
            ConstraintKind::Check { .. } => continue,
        };
        out.row([
            database(cx),
            schema(cx, table.schema),
            text(&table.name),
            database(cx),
            schema(cx, t.schema),
            text(&c.name),
        ]);
    }
}

/// Views with the relations that they read.
fn view_uses<'a>(cx: &SystemContext<'a>) -> Vec<(&'a Table, &'a Table, i16)> {
    let mut uses = Vec::new();
    for view in cx.catalog.tables().into_iter().filter(|t| t.is_view()) {
        let depends = view.view.iter().flat_map(|v| &v.depends).filter(|d| d.class == class::CLASS);
        for d in depends {
            if let Some(table) = cx.catalog.table(d.oid) {
                uses.push((&**view, &**table, d.sub));
            }
        }
    }
    uses.sort_by_key(|(v, t, n)| (v.oid, t.oid, *n));
    uses.dedup_by_key(|(v, t, n)| (v.oid, t.oid, *n));
    uses
}

pub(super) fn view_column_usage(cx: &SystemContext<'_>, out: &mut Rows) {
    for (view, table, attnum) in view_uses(cx) {
        let Some(column) = table.column(attnum) else { continue };
        out.row([
            database(cx),
            schema(cx, view.schema),
            text(&view.name),
            database(cx),
            schema(cx, table.schema),
            text(&table.name),
            text(&column.name),
        ]);
    }
}

pub(super) fn view_table_usage(cx: &SystemContext<'_>, out: &mut Rows) {
    let mut uses = view_uses(cx);
    uses.dedup_by_key(|(v, t, _)| (v.oid, t.oid));
    for (view, table, _) in uses {
        out.row([
            database(cx),
            schema(cx, view.schema),
            text(&view.name),
            database(cx),
            schema(cx, table.schema),
            text(&table.name),
        ]);
    }
}
