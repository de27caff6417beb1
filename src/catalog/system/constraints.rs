//! `pg_constraint` and `pg_depend`.

use super::SystemContext;
use super::rows::{Rows, flag, id, int2_array, int4, letter, maybe_text, no_oid, null, oid_array};
use crate::base::Oid;
use crate::catalog::depend::{self, DependencyKind};
use crate::catalog::object::{Constraint, ConstraintKind, Table};
use crate::expr::registry;
use crate::types::{Datum, SqlType};

pub(super) fn pg_constraint(cx: &SystemContext<'_>, out: &mut Rows) {
    for table in cx.catalog.tables() {
        for constraint in &table.constraints {
            push(cx, table, constraint, out);
        }
    }
}

/// The oid of `=` between two columns' types.
fn equality(cx: &SystemContext<'_>, left: Oid, right: Oid) -> Oid {
    let exact = registry::exact_operator("=", left, right);
    let _ = cx;
    exact.or_else(|| registry::equality_operator(SqlType::of(left))).map_or(Oid::INVALID, |o| o.oid)
}

fn types_of(table: Option<&Table>, columns: &[i16]) -> Vec<Oid> {
    let of = |n: &i16| table.and_then(|t| t.column(*n)).map_or(Oid::INVALID, |c| c.type_oid);
    columns.iter().map(of).collect()
}

fn push(cx: &SystemContext<'_>, table: &Table, c: &Constraint, out: &mut Rows) {
    let none = || letter(b' ');
    let mut index = c.kind.index().unwrap_or(Oid::INVALID);
    let (mut parent, mut codes, mut parent_key, mut set_columns) =
        (Oid::INVALID, [none(), none(), none()], null(), null());
    let mut operators = [null(), null(), null()];
    let mut expression = null();
    match &c.kind {
        ConstraintKind::ForeignKey {
            columns,
            parent: to,
            parent_columns,
            parent_index,
            matching,
            on_update,
            on_delete,
            set_columns: set,
        } => {
            index = *parent_index;
            parent = *to;
            codes = [letter(on_update.code()), letter(on_delete.code()), letter(matching.code())];
            parent_key = int2_array(parent_columns);
            let child_types = types_of(Some(table), columns);
            let parent_types = types_of(cx.catalog.table(*to).map(|t| &**t), parent_columns);
            let pairs = |a: &[Oid], b: &[Oid]| -> Datum {
                oid_array(a.iter().zip(b).map(|(&x, &y)| equality(cx, x, y)).collect::<Vec<_>>())
            };
            operators = [
                pairs(&parent_types, &child_types),
                pairs(&parent_types, &parent_types),
                pairs(&child_types, &child_types),
            ];
            if !set.is_empty() {
                set_columns = int2_array(set);
            }
        }
        ConstraintKind::Check { display, .. } => expression = maybe_text(Some(display.as_str())),
        ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } => {}
    }
    let is_check = matches!(c.kind, ConstraintKind::Check { .. });
    let [on_update, on_delete, matching] = codes;
    let [parent_child, parent_parent, child_child] = operators;
    let columns = c.kind.columns();
    out.row([
        id(c.oid),
        super::rows::text(&c.name),
        id(table.schema),
        letter(c.kind.code()),
        flag(c.deferrable),
        flag(c.initially_deferred),
        flag(c.validated),
        id(table.oid),
        no_oid(),
        id(index),
        no_oid(),
        id(parent),
        on_update,
        on_delete,
        matching,
        flag(true),
        int4(0),
        flag(!is_check || c.no_inherit),
        if columns.is_empty() { null() } else { int2_array(columns) },
        parent_key,
        parent_child,
        parent_parent,
        child_child,
        set_columns,
        null(),
        expression,
    ]);
}

pub(super) fn pg_depend(cx: &SystemContext<'_>, out: &mut Rows) {
    for d in depend::recorded(cx.catalog) {
        out.row([
            id(d.dependent.class),
            id(d.dependent.oid),
            int4(i32::from(d.dependent.sub)),
            id(d.referenced.class),
            id(d.referenced.oid),
            int4(i32::from(d.referenced.sub)),
            letter(match d.kind {
                DependencyKind::Normal => b'n',
                DependencyKind::Auto => b'a',
                DependencyKind::Internal => b'i',
            }),
        ]);
    }
}
