//! PostgreSQL's system views over tables, indexes, sequences and statistics.

use super::SystemContext;
use super::relations::{all_relations, index_text};
use super::rows::{Rows, flag, id, int4, int8, maybe_text, null, text};
use crate::base::Oid;
use crate::catalog::object::{ColumnStats, Table, TableKind};
use crate::catalog::{Relation, TableStats};
use crate::types::{ArrayValue, Datum, FormatContext, SqlType, oid, parse_text};

fn schema<'a>(cx: &SystemContext<'a>, oid: Oid) -> Datum {
    text(cx.catalog.schema_name(oid))
}

pub(super) fn pg_tables(cx: &SystemContext<'_>, out: &mut Rows) {
    for relation in all_relations(cx) {
        match &relation {
            Relation::System(t) if t.relkind == b'r' => out.row([
                schema(cx, t.schema),
                text(t.name),
                text(cx.role_name(relation.owner())),
                null(),
                flag(false),
                flag(false),
                flag(false),
                flag(false),
            ]),
            Relation::Table(t) if matches!(t.kind, TableKind::Table | TableKind::Partitioned) => out.row([
                schema(cx, t.schema),
                text(&t.name),
                text(cx.role_name(t.owner)),
                null(),
                flag(!cx.catalog.indexes_of(t.oid).is_empty()),
                flag(false),
                flag(has_foreign_keys(cx, t)),
                flag(t.row_security),
            ]),
            _ => {}
        }
    }
}

fn has_foreign_keys(cx: &SystemContext<'_>, t: &Table) -> bool {
    !cx.catalog.foreign_keys_to(t.oid).is_empty() || t.constraints.iter().any(|c| c.kind.code() == b'f')
}

pub(super) fn definition(t: &Table) -> Datum {
    let view = t.view.as_ref();
    maybe_text(view.map(|v| match &v.display {
        Some(display) => display.clone(),
        None => format!(" {};", v.query.trim_end_matches(';').trim()),
    }))
}

pub(super) fn pg_views(cx: &SystemContext<'_>, out: &mut Rows) {
    for relation in all_relations(cx) {
        match &relation {
            Relation::System(t) if t.relkind == b'v' => {
                out.row([schema(cx, t.schema), text(t.name), text(cx.role_name(relation.owner())), null()]);
            }
            Relation::Table(t) if t.is_view() => {
                out.row([schema(cx, t.schema), text(&t.name), text(cx.role_name(t.owner)), definition(t)]);
            }
            _ => {}
        }
    }
}

pub(super) fn pg_matviews(cx: &SystemContext<'_>, out: &mut Rows) {
    for t in cx.catalog.tables().into_iter().filter(|t| t.kind == TableKind::MaterializedView) {
        out.row([
            schema(cx, t.schema),
            text(&t.name),
            text(cx.role_name(t.owner)),
            null(),
            flag(!cx.catalog.indexes_of(t.oid).is_empty()),
            flag(t.view.as_ref().is_none_or(|v| v.populated)),
            definition(t),
        ]);
    }
}

pub(super) fn pg_indexes(cx: &SystemContext<'_>, out: &mut Rows) {
    for i in cx.catalog.indexes() {
        let Some(t) = cx.catalog.table(i.table) else { continue };
        out.row([schema(cx, t.schema), text(&t.name), text(&i.name), null(), index_text(cx, i)]);
    }
}

pub(super) fn pg_sequences(cx: &SystemContext<'_>, out: &mut Rows) {
    for s in cx.catalog.sequences() {
        out.row([
            schema(cx, s.schema),
            text(&s.name),
            text(cx.role_name(s.owner)),
            id(s.type_oid),
            int8(s.start),
            int8(s.min),
            int8(s.max),
            int8(s.increment),
            flag(s.cycle),
            int8(s.cache),
            cx.facts.sequence_last_value(s).map_or(Datum::Null, Datum::Int8),
        ]);
    }
}

/// The texts of statistics as an array of the column's type.
fn values(ty: SqlType, texts: impl Iterator<Item = impl AsRef<str>>) -> Datum {
    let format = FormatContext::default();
    let items: Vec<Datum> = texts.filter_map(|t| parse_text(ty.bare(), t.as_ref(), &format).ok()).collect();
    if items.is_empty() { null() } else { Datum::array(ArrayValue::one_dimensional(ty.oid, items)) }
}

pub(super) fn pg_stats(cx: &SystemContext<'_>, out: &mut Rows) {
    for t in cx.catalog.tables() {
        let Some(stats) = cx.catalog.stats(t.oid) else { continue };
        let stats: &TableStats = stats;
        for s in &stats.columns {
            push_stats(cx, t, s, out);
        }
    }
}

fn push_stats(cx: &SystemContext<'_>, t: &Table, s: &ColumnStats, out: &mut Rows) {
    let Some(column) = t.column(s.attnum).filter(|c| !c.dropped) else { return };
    let ty = SqlType::with_typmod(column.type_oid, column.typmod);
    let frequencies: Vec<Datum> = s.common.iter().map(|(_, f)| Datum::Float4(*f)).collect();
    out.row([
        schema(cx, t.schema),
        text(&t.name),
        text(&column.name),
        flag(false),
        Datum::Float4(s.null_fraction),
        int4(s.width),
        Datum::Float4(s.distinct),
        values(ty, s.common.iter().map(|c| &c.0)),
        match frequencies.is_empty() {
            true => null(),
            false => Datum::array(ArrayValue::one_dimensional(oid::FLOAT4, frequencies)),
        },
        values(ty, s.histogram.iter()),
        s.correlation.map_or(Datum::Null, Datum::Float4),
        null(),
        null(),
        null(),
    ]);
}

/// What is not counted is NULL.
pub(super) fn pg_stat_user_tables(cx: &SystemContext<'_>, out: &mut Rows) {
    for t in cx.catalog.tables().into_iter().filter(|t| t.has_rows()) {
        let a = cx.facts.table_activity(t.oid);
        out.row([
            id(t.oid),
            schema(cx, t.schema),
            text(&t.name),
            null(),
            null(),
            null(),
            null(),
            int8(a.inserted),
            int8(a.updated),
            int8(a.deleted),
            int8(0),
            int8(a.live),
            int8(0),
            null(),
            null(),
            null(),
            null(),
            null(),
            null(),
            null(),
            null(),
            null(),
            null(),
        ]);
    }
}

/// System relations have no activity.
pub(super) fn pg_stat_all_tables(cx: &SystemContext<'_>, out: &mut Rows) {
    pg_stat_user_tables(cx, out);
}

pub(super) fn pg_stat_user_indexes(cx: &SystemContext<'_>, out: &mut Rows) {
    for i in cx.catalog.indexes() {
        let Some(t) = cx.catalog.table(i.table) else { continue };
        out.row([id(t.oid), id(i.oid), schema(cx, t.schema), text(&t.name), text(&i.name), int8(0), int8(0), int8(0)]);
    }
}

pub(super) fn pg_stat_all_indexes(cx: &SystemContext<'_>, out: &mut Rows) {
    pg_stat_user_indexes(cx, out);
}
