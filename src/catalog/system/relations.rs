//! `pg_class`, `pg_attribute` and what hangs on them: defaults, indexes, sequences, rules, comments, schemas.

use super::rows::{
    Rows, array_of, flag, id, int2, int2_vector, int4, int8, letter, maybe_text, no_oid, null, oid_vector, options,
    text, text_array,
};
use super::{SystemContext, SystemTable, opclass, tables};
use crate::base::Oid;
use crate::catalog::deparse;
use crate::catalog::object::{AclItem, Column, Index, KeyPart, Sequence, Table, TableKind, class};
use crate::catalog::{POSTGRES_ROLE, Persistence, Relation};
use crate::types::{Datum, oid, type_info};

/// The `default` collation, and `C`, which names have.
pub(super) const DEFAULT_COLLATION: Oid = Oid(100);
const C_COLLATION: Oid = Oid(950);

/// `aclitem[]`, NULL for the built-in privileges.
pub(super) fn acl(cx: &SystemContext<'_>, items: &Option<Vec<AclItem>>) -> Datum {
    let Some(items) = items else { return null() };
    let role = |oid: Oid| if oid == Oid::INVALID { "" } else { cx.role_name(oid) };
    array_of(oid::ACLITEM, items.iter().map(|i| i.text(role(i.grantee), role(i.grantor))))
}

fn system_acl() -> Datum {
    array_of(oid::ACLITEM, ["postgres=arwdDxt/postgres", "=r/postgres"])
}

/// What differs between the kinds of relation in `pg_class`.
struct ClassRow<'a> {
    oid: Oid,
    name: &'a str,
    schema: Oid,
    row_type: Oid,
    owner: Oid,
    method: Oid,
    storage: Oid,
    size: (f64, u64),
    has_index: bool,
    persistence: u8,
    kind: u8,
    columns: usize,
    checks: usize,
    has_rules: bool,
    has_triggers: bool,
    row_security: (bool, bool),
    populated: bool,
    replica_identity: u8,
    acl: Datum,
    options: Datum,
}

impl Default for ClassRow<'_> {
    fn default() -> Self {
        ClassRow {
            oid: Oid::INVALID,
            name: "",
            schema: Oid::INVALID,
            row_type: Oid::INVALID,
            owner: POSTGRES_ROLE,
            method: Oid::INVALID,
            storage: Oid::INVALID,
            size: (0.0, 0),
            has_index: false,
            persistence: Persistence::Permanent.code(),
            kind: b'r',
            columns: 0,
            checks: 0,
            has_rules: false,
            has_triggers: false,
            row_security: (false, false),
            populated: true,
            replica_identity: b'n',
            acl: Datum::Null,
            options: Datum::Null,
        }
    }
}

fn push_class(r: ClassRow<'_>, out: &mut Rows) {
    out.row([
        id(r.oid),
        text(r.name),
        id(r.schema),
        id(r.row_type),
        no_oid(),
        id(r.owner),
        id(r.method),
        id(r.storage),
        no_oid(),
        int4(i32::try_from(r.size.1).unwrap_or(i32::MAX)),
        Datum::Float4(r.size.0 as f32),
        int4(0),
        no_oid(),
        flag(r.has_index),
        flag(false),
        letter(r.persistence),
        letter(r.kind),
        int2(r.columns as i16),
        int2(r.checks as i16),
        flag(r.has_rules),
        flag(r.has_triggers),
        flag(false),
        flag(r.row_security.0),
        flag(r.row_security.1),
        flag(r.populated),
        letter(r.replica_identity),
        flag(false),
        no_oid(),
        Datum::Oid(0),
        Datum::Oid(0),
        r.acl,
        r.options,
        null(),
    ]);
}

pub(super) fn pg_class(cx: &SystemContext<'_>, out: &mut Rows) {
    for t in tables() {
        push_class(
            ClassRow {
                oid: t.oid,
                name: t.name,
                schema: t.schema,
                row_type: t.row_type,
                method: Oid(if t.relkind == b'r' { 2 } else { 0 }),
                size: if t.relkind == b'r' { (0.0, 0) } else { (-1.0, 0) },
                kind: t.relkind,
                columns: t.columns.len(),
                has_rules: t.relkind == b'v',
                acl: system_acl(),
                ..ClassRow::default()
            },
            out,
        );
    }
    for t in cx.catalog.tables() {
        push_class(table_row(cx, t), out);
    }
    for i in cx.catalog.indexes() {
        let size = cx.catalog.table(i.table).and_then(|t| cx.facts.table_size(t)).map_or((0.0, 1), |s| (s.0, 1));
        push_class(
            ClassRow {
                oid: i.oid,
                name: &i.name,
                schema: i.schema,
                owner: i.owner,
                method: opclass::method_oid(&i.method),
                storage: i.oid,
                size,
                persistence: cx.catalog.table(i.table).map_or(b'p', |t| t.persistence.code()),
                kind: b'i',
                columns: i.keys.len() + i.include.len(),
                options: options(&i.options),
                ..ClassRow::default()
            },
            out,
        );
    }
    for s in cx.catalog.sequences() {
        push_class(
            ClassRow {
                oid: s.oid,
                name: &s.name,
                schema: s.schema,
                owner: s.owner,
                storage: s.oid,
                size: (1.0, 1),
                persistence: s.persistence.code(),
                kind: b'S',
                columns: SEQUENCE_COLUMNS.len(),
                acl: acl(cx, &s.acl),
                ..ClassRow::default()
            },
            out,
        );
    }
}

fn table_row<'a>(cx: &SystemContext<'_>, t: &'a Table) -> ClassRow<'a> {
    let has_foreign_key = t.constraints.iter().any(|c| c.kind.code() == b'f');
    let unknown = (-1.0, 0);
    ClassRow {
        oid: t.oid,
        name: &t.name,
        schema: t.schema,
        row_type: t.row_type,
        owner: t.owner,
        method: Oid(if t.has_rows() { 2 } else { 0 }),
        storage: if t.has_rows() { t.oid } else { Oid::INVALID },
        size: if t.has_rows() { cx.facts.table_size(t).unwrap_or(unknown) } else { unknown },
        has_index: !cx.catalog.indexes_of(t.oid).is_empty(),
        persistence: t.persistence.code(),
        kind: t.kind.relkind(),
        columns: t.columns.len(),
        checks: t.constraints.iter().filter(|c| c.kind.code() == b'c').count(),
        has_rules: t.view.is_some(),
        has_triggers: has_foreign_key || !cx.catalog.foreign_keys_to(t.oid).is_empty(),
        row_security: (t.row_security, t.force_row_security),
        populated: t.view.as_ref().is_none_or(|v| v.populated),
        replica_identity: match (t.replica_identity, t.kind) {
            (0, TableKind::Table | TableKind::MaterializedView) => b'd',
            (0, _) => b'n',
            (letter, _) => letter,
        },
        acl: acl(cx, &t.acl),
        options: options(&t.options),
    }
}

/// The columns that every sequence has.
pub const SEQUENCE_COLUMNS: [(&str, Oid); 3] =
    [("last_value", oid::INT8), ("log_cnt", oid::INT8), ("is_called", oid::BOOL)];

/// What differs between attributes.
struct AttributeRow<'a> {
    relation: Oid,
    name: &'a str,
    ty: Oid,
    typmod: i32,
    number: i16,
    not_null: bool,
    collation: Option<Oid>,
    column: Option<&'a Column>,
    statistics: i32,
}

impl<'a> AttributeRow<'a> {
    fn new(relation: Oid, name: &'a str, ty: Oid, number: i16) -> Self {
        AttributeRow {
            relation,
            name,
            ty,
            typmod: -1,
            number,
            not_null: false,
            collation: None,
            column: None,
            statistics: -1,
        }
    }
}

/// Length, by value, alignment, storage and collation of a type.
fn physical(ty: Oid) -> (i16, bool, u8, u8, Oid) {
    match type_info(ty) {
        Some(t) => (t.len, t.by_value, t.align, t.storage, t.collation),
        None => (-1, false, b'd', b'x', Oid::INVALID),
    }
}

fn push_attribute(cx: &SystemContext<'_>, r: AttributeRow<'_>, out: &mut Rows) {
    let (len, by_value, align, storage, collation) = physical(r.ty);
    let code = |c: Option<u8>| c.map_or_else(|| text(""), letter);
    let dropped = r.column.is_some_and(|c| c.dropped);
    let c = r.column;
    out.row([
        id(r.relation),
        text(r.name),
        if dropped { no_oid() } else { id(r.ty) },
        int4(c.map_or(r.statistics, |c| i32::from(c.statistics_target))),
        int2(len),
        int2(r.number),
        int4(c.map_or(0, |c| i32::from(c.dimensions))),
        int4(-1),
        int4(r.typmod),
        flag(by_value),
        letter(align),
        letter(c.map(|c| c.storage).filter(|&s| s != 0).unwrap_or(storage)),
        code(c.map(|c| c.compression).filter(|&s| s != 0)),
        flag(r.not_null),
        flag(c.is_some_and(|c| c.default.is_some())),
        flag(c.is_some_and(|c| c.missing.is_some())),
        code(c.and_then(|c| c.identity).map(|i| i.code())),
        code(c.and_then(|c| c.generated).map(|_| b's')),
        flag(dropped),
        flag(true),
        int4(0),
        id(r.collation.unwrap_or(collation)),
        c.map_or_else(null, |c| acl(cx, &c.acl)),
        c.map_or_else(null, |c| options(&c.options)),
        null(),
        c.and_then(|c| c.missing.as_deref()).map_or_else(null, |m| text_array([m])),
    ]);
}

pub(super) fn pg_attribute(cx: &SystemContext<'_>, out: &mut Rows) {
    for t in tables() {
        for (i, c) in t.columns.iter().enumerate() {
            let row = AttributeRow::new(t.oid, c.name, c.type_oid, i as i16 + 1);
            let collation = (physical(c.type_oid).4 == DEFAULT_COLLATION).then_some(C_COLLATION);
            push_attribute(cx, AttributeRow { not_null: c.not_null, typmod: c.typmod, collation, ..row }, out);
        }
        if t.relkind == b'r' {
            system_columns(cx, t.oid, out);
        }
    }
    for t in cx.catalog.tables() {
        for c in &t.columns {
            let row = AttributeRow::new(t.oid, &c.name, c.type_oid, c.attnum);
            let collation = (c.collation != Oid::INVALID).then_some(c.collation);
            push_attribute(
                cx,
                AttributeRow { typmod: c.typmod, not_null: c.not_null, column: Some(c), collation, ..row },
                out,
            );
        }
        if t.has_rows() {
            system_columns(cx, t.oid, out);
        }
    }
    for i in cx.catalog.indexes() {
        index_attributes(cx, i, out);
    }
    for s in cx.catalog.sequences() {
        for (n, (name, ty)) in SEQUENCE_COLUMNS.into_iter().enumerate() {
            let row = AttributeRow::new(s.oid, name, ty, n as i16 + 1);
            push_attribute(cx, AttributeRow { not_null: true, ..row }, out);
        }
    }
}

/// The system columns that queries can name.
fn system_columns(cx: &SystemContext<'_>, relation: Oid, out: &mut Rows) {
    for (name, ty, number) in [("tableoid", oid::OID, -6), ("ctid", oid::TID, -1)] {
        let row = AttributeRow::new(relation, name, ty, number);
        push_attribute(cx, AttributeRow { not_null: true, statistics: 0, ..row }, out);
    }
}

fn index_attributes(cx: &SystemContext<'_>, index: &Index, out: &mut Rows) {
    let Some(table) = cx.catalog.table(index.table) else { return };
    let mut number = 0;
    for key in &index.keys {
        number += 1;
        let name = match &key.part {
            KeyPart::Column(n) => table.column(*n).map_or("", |c| &c.name).to_owned(),
            KeyPart::Expression { display, .. } => expression_name(display),
        };
        let row = AttributeRow::new(index.oid, &name, key.type_oid, number);
        push_attribute(cx, AttributeRow { typmod: key.typmod, collation: Some(key.collation), ..row }, out);
    }
    for column in index.include.iter().filter_map(|&n| table.column(n)) {
        number += 1;
        let row = AttributeRow::new(index.oid, &column.name, column.type_oid, number);
        push_attribute(cx, AttributeRow { typmod: column.typmod, ..row }, out);
    }
}

/// The name of an index's column over an expression: the function's, or `expr`.
fn expression_name(display: &str) -> String {
    match display.find('(') {
        Some(open) if open > 0 && display[..open].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
            display[..open].to_owned()
        }
        _ => "expr".to_owned(),
    }
}

pub(super) fn pg_attrdef(cx: &SystemContext<'_>, out: &mut Rows) {
    for t in cx.catalog.tables() {
        for c in t.live_columns() {
            if let Some(d) = &c.default {
                out.row([id(d.oid), id(t.oid), int2(c.attnum), text(&d.display)]);
            }
        }
    }
}

pub(super) fn pg_index(cx: &SystemContext<'_>, out: &mut Rows) {
    for i in cx.catalog.indexes() {
        let numbers = i.keys.iter().map(|k| match k.part {
            KeyPart::Column(n) => n,
            KeyPart::Expression { .. } => 0,
        });
        let expressions: Vec<&str> = i
            .keys
            .iter()
            .filter_map(|k| match &k.part {
                KeyPart::Expression { display, .. } => Some(display.as_str()),
                KeyPart::Column(_) => None,
            })
            .collect();
        let class_of = |k: &crate::catalog::IndexKey| match k.opclass {
            Oid::INVALID => opclass::default_class(k.type_oid, &i.method).map_or(Oid::INVALID, |c| c.oid),
            given => given,
        };
        let predicate = i.predicate_display.as_ref().or(i.predicate.as_ref());
        out.row([
            id(i.oid),
            id(i.table),
            int2((i.keys.len() + i.include.len()) as i16),
            int2(i.keys.len() as i16),
            flag(i.unique),
            flag(i.nulls_not_distinct),
            flag(i.primary),
            flag(false),
            flag(i.immediate),
            flag(false),
            flag(i.valid),
            flag(false),
            flag(true),
            flag(true),
            flag(false),
            int2_vector(numbers.chain(i.include.iter().copied())),
            oid_vector(i.keys.iter().map(|k| k.collation)),
            oid_vector(i.keys.iter().map(class_of)),
            int2_vector(i.keys.iter().map(|k| i16::from(k.descending) | i16::from(k.nulls_first) << 1)),
            if expressions.is_empty() { null() } else { text(&expressions.join(", ")) },
            maybe_text(predicate.map(String::as_str)),
        ]);
    }
}

pub(super) fn pg_sequence(cx: &SystemContext<'_>, out: &mut Rows) {
    for s in cx.catalog.sequences() {
        let s: &Sequence = s;
        out.row([
            id(s.oid),
            id(s.type_oid),
            int8(s.start),
            int8(s.increment),
            int8(s.max),
            int8(s.min),
            int8(s.cache),
            flag(s.cycle),
        ]);
    }
}

pub(super) fn pg_rewrite(cx: &SystemContext<'_>, out: &mut Rows) {
    for t in cx.catalog.tables() {
        let Some(view) = &t.view else { continue };
        out.row([
            id(view.rule),
            text("_RETURN"),
            id(t.oid),
            letter(b'1'),
            letter(b'O'),
            flag(true),
            text("<>"),
            text(view.display.as_ref().unwrap_or(&view.query)),
        ]);
    }
}

pub(super) fn pg_description(cx: &SystemContext<'_>, out: &mut Rows) {
    for c in cx.catalog.comments() {
        if !matches!(c.on.class, class::DATABASE | class::AUTHID | class::TABLESPACE) {
            out.row([id(c.on.oid), id(c.on.class), int4(i32::from(c.on.sub)), text(&c.text)]);
        }
    }
}

pub(super) fn pg_namespace(cx: &SystemContext<'_>, out: &mut Rows) {
    for s in cx.catalog.schemas() {
        out.row([id(s.oid), text(&s.name), id(s.owner), acl(cx, &s.acl)]);
    }
}

/// Every relation of the database, system relations first.
pub(super) fn all_relations(cx: &SystemContext<'_>) -> impl Iterator<Item = Relation> {
    let system = tables().iter().map(|t: &'static SystemTable| Relation::System(t));
    let users = cx.catalog.tables().into_iter().cloned().map(Relation::Table).collect::<Vec<_>>();
    system.chain(users)
}

/// `pg_get_indexdef`, or nothing for an index without its table.
pub(super) fn index_text(cx: &SystemContext<'_>, index: &Index) -> Datum {
    maybe_text(deparse::index_definition(cx.catalog, index))
}
