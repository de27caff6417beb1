//! `pg_type`, `pg_enum`, `pg_range`, `pg_collation`.

use super::SystemContext;
use super::functions::function_oid;
use super::relations::acl;
use super::rows::{Rows, flag, id, int2, int4, letter, maybe_text, no_oid, null, text};
use crate::base::Oid;
use crate::catalog::deparse::type_schema_and_name;
use crate::catalog::object::{TypeKind, TypeObject};
use crate::catalog::{PG_CATALOG, POSTGRES_ROLE, UserType};
use crate::types::{Datum, TypeInfo, builtin_types, oid, type_info};

/// What differs between types in `pg_type`. The functions are by name, `-` for none.
struct TypeRow<'a> {
    oid: Oid,
    name: &'a str,
    schema: Oid,
    owner: Oid,
    kind: u8,
    category: u8,
    relation: Oid,
    element: Oid,
    array: Oid,
    /// Supplies the physical form and the functions.
    like: &'static TypeInfo,
    domain: Option<(Oid, i32, bool, Option<&'a str>)>,
    acl: Datum,
}

fn push(r: TypeRow<'_>, out: &mut Rows) {
    let t = r.like;
    let function = |name: &str| id(function_oid(name));
    let (base, typmod, not_null, default) = r.domain.unwrap_or((Oid::INVALID, -1, false, None));
    out.row([
        id(r.oid),
        text(r.name),
        id(r.schema),
        id(r.owner),
        int2(t.len),
        flag(t.by_value),
        letter(r.kind),
        letter(r.category),
        flag(t.preferred && r.oid == t.oid),
        flag(true),
        letter(t.delim),
        id(r.relation),
        function(t.subscript),
        id(r.element),
        id(r.array),
        function(t.input),
        function(t.output),
        function(t.receive),
        function(t.send),
        function(t.typmod_in),
        function(t.typmod_out),
        function(t.analyze),
        letter(t.align),
        letter(t.storage),
        flag(not_null),
        id(base),
        int4(typmod),
        int4(0),
        id(t.collation),
        null(),
        maybe_text(default),
        r.acl,
    ]);
}

fn info(oid: Oid) -> &'static TypeInfo {
    type_info(oid).expect("a built-in type")
}

/// PostgreSQL's array types all look like this one, except for alignment.
fn array_like() -> &'static TypeInfo {
    info(Oid(2287))
}

pub(super) fn pg_type(cx: &SystemContext<'_>, out: &mut Rows) {
    for t in builtin_types() {
        let schema = match cx.catalog.relation_by_oid(t.relation) {
            Some(relation) => relation.schema(),
            None => PG_CATALOG,
        };
        push(
            TypeRow {
                oid: t.oid,
                name: t.name,
                schema,
                owner: POSTGRES_ROLE,
                kind: t.kind,
                category: t.category,
                relation: t.relation,
                element: t.element,
                array: t.array,
                like: t,
                domain: None,
                acl: null(),
            },
            out,
        );
    }
    for (oid, what) in cx.catalog.user_types() {
        match what {
            UserType::Object(t) => push_object(cx, t, out),
            UserType::Row(t) => push(
                TypeRow {
                    oid,
                    name: &t.name,
                    schema: t.schema,
                    owner: t.owner,
                    kind: b'c',
                    category: b'C',
                    relation: t.oid,
                    element: Oid::INVALID,
                    array: t.array_type,
                    like: info(oid::RECORD),
                    domain: None,
                    acl: null(),
                },
                out,
            ),
            UserType::ArrayOf(element) => {
                let Some((schema, name)) = type_schema_and_name(cx.catalog, oid) else { continue };
                push(
                    TypeRow {
                        oid,
                        name: &name,
                        schema,
                        owner: owner_of(cx, *element),
                        kind: b'b',
                        category: b'A',
                        relation: Oid::INVALID,
                        element: *element,
                        array: Oid::INVALID,
                        like: array_like(),
                        domain: None,
                        acl: null(),
                    },
                    out,
                );
            }
        }
    }
}

fn owner_of(cx: &SystemContext<'_>, ty: Oid) -> Oid {
    match cx.catalog.user_type(ty) {
        Some(UserType::Object(t)) => t.owner,
        Some(UserType::Row(t)) => t.owner,
        _ => POSTGRES_ROLE,
    }
}

fn push_object(cx: &SystemContext<'_>, t: &TypeObject, out: &mut Rows) {
    let (kind, category, like, domain) = match &t.kind {
        TypeKind::Enum(_) => (b'e', b'E', info(oid::ANYENUM), None),
        TypeKind::Domain { base, typmod, not_null, default, .. } => {
            let like = type_info(*base).unwrap_or_else(|| info(oid::RECORD));
            (b'd', like.category, like, Some((*base, *typmod, *not_null, default.as_deref())))
        }
        TypeKind::Range { .. } => (b'r', b'R', info(oid::ANYRANGE), None),
    };
    push(
        TypeRow {
            oid: t.oid,
            name: &t.name,
            schema: t.schema,
            owner: t.owner,
            kind,
            category,
            relation: Oid::INVALID,
            element: Oid::INVALID,
            array: t.array_type,
            like,
            domain,
            acl: acl(cx, &t.acl),
        },
        out,
    );
}

pub(super) fn pg_enum(cx: &SystemContext<'_>, out: &mut Rows) {
    for (oid, what) in cx.catalog.user_types() {
        if let UserType::Object(t) = what
            && let TypeKind::Enum(labels) = &t.kind
        {
            for l in labels {
                out.row([id(l.oid), id(oid), Datum::Float4(l.sort_order), text(&l.label)]);
            }
        }
    }
}

/// The built-in range types: range, subtype, multirange, operator class of the subtype, canonical function, difference.
const RANGES: [(u32, u32, u32, u32, &str, &str); 6] = [
    (3904, 23, 4451, 1978, "int4range_canonical", "int4range_subdiff"),
    (3906, 1700, 4532, 3125, "-", "numrange_subdiff"),
    (3908, 1114, 4533, 3128, "-", "tsrange_subdiff"),
    (3910, 1184, 4534, 3127, "-", "tstzrange_subdiff"),
    (3912, 1082, 4535, 3122, "daterange_canonical", "daterange_subdiff"),
    (3926, 20, 4536, 3124, "int8range_canonical", "int8range_subdiff"),
];

pub(super) fn pg_range(_: &SystemContext<'_>, out: &mut Rows) {
    for (range, subtype, multirange, class, canonical, difference) in RANGES {
        out.row([
            Datum::Oid(range),
            Datum::Oid(subtype),
            Datum::Oid(multirange),
            no_oid(),
            Datum::Oid(class),
            id(function_oid(canonical)),
            id(function_oid(difference)),
        ]);
    }
}

/// Text is compared bytewise, so these are one collation by four names.
pub const COLLATIONS: [(Oid, &str, u8, i32); 4] = [
    (Oid(100), "default", b'd', -1),
    (Oid(950), "C", b'c', -1),
    (Oid(951), "POSIX", b'c', -1),
    (Oid(12340), "ucs_basic", b'c', 6),
];

pub(super) fn pg_collation(_: &SystemContext<'_>, out: &mut Rows) {
    for (oid, name, provider, encoding) in COLLATIONS {
        let locale = match name {
            "default" => None,
            "POSIX" => Some("POSIX"),
            _ => Some("C"),
        };
        out.row([
            id(oid),
            text(name),
            id(PG_CATALOG),
            id(POSTGRES_ROLE),
            letter(provider),
            flag(true),
            int4(encoding),
            maybe_text(locale),
            maybe_text(locale),
            null(),
            null(),
        ]);
    }
}
