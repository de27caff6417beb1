//! `pg_am`, `pg_opclass`, `pg_opfamily`, `pg_amop`, `pg_amproc`.

use super::SystemContext;
use super::functions::function_oid;
use super::opclass::ACCESS;
use super::rows::{Rows, flag, id, int2, letter, no_oid, text};
use crate::base::Oid;
use crate::catalog::{PG_CATALOG, POSTGRES_ROLE};

/// Heap, and the index methods that are taken: `hash` indexes are kept in the form of `btree`.
const METHODS: [(Oid, &str, &str, u8); 3] = [
    (Oid(2), "heap", "heap_tableam_handler", b't'),
    (Oid(403), "btree", "bthandler", b'i'),
    (Oid(405), "hash", "hashhandler", b'i'),
];

pub(super) fn pg_am(_: &SystemContext<'_>, out: &mut Rows) {
    for (oid, name, handler, kind) in METHODS {
        out.row([id(oid), text(name), id(function_oid(handler)), letter(kind)]);
    }
}

pub(super) fn pg_opfamily(_: &SystemContext<'_>, out: &mut Rows) {
    for f in &ACCESS.families {
        out.row([id(f.oid), id(f.method), text(f.name), id(PG_CATALOG), id(POSTGRES_ROLE)]);
    }
}

pub(super) fn pg_opclass(_: &SystemContext<'_>, out: &mut Rows) {
    for c in &ACCESS.classes {
        out.row([
            id(c.oid),
            id(c.method),
            text(c.name),
            id(PG_CATALOG),
            id(POSTGRES_ROLE),
            id(c.family),
            id(c.input),
            flag(c.default),
            id(c.key),
        ]);
    }
}

fn method_of(family: Oid) -> Oid {
    ACCESS.families.iter().find(|f| f.oid == family).map_or(Oid::INVALID, |f| f.method)
}

pub(super) fn pg_amop(_: &SystemContext<'_>, out: &mut Rows) {
    for m in &ACCESS.operators {
        let operator = Oid(m.what.parse().expect("access.txt lists operators by oid"));
        out.row([
            id(m.oid),
            id(m.family),
            id(m.left),
            id(m.right),
            int2(m.number),
            letter(b's'),
            id(operator),
            id(method_of(m.family)),
            no_oid(),
        ]);
    }
}

pub(super) fn pg_amproc(_: &SystemContext<'_>, out: &mut Rows) {
    for m in &ACCESS.supports {
        let function = function_oid(m.what);
        out.row([id(m.oid), id(m.family), id(m.left), id(m.right), int2(m.number), id(function)]);
    }
}
