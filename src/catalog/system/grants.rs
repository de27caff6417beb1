//! Privileges and roles in `information_schema`; the columns of array type, whose elements it lists apart.

use super::SystemContext;
use super::information_schema::{data_type, database, maybe_int, measures, schema};
use super::rows::{Rows, null, text, yes_no};
use crate::base::Oid;
use crate::catalog::deparse::type_schema_and_name;
use crate::catalog::object::{AclItem, Table};
use crate::catalog::{Grantable, TableKind};
use crate::types::{Datum, SqlType};

/// In the order of the bits.
const NAMES: [&str; 7] = ["INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"];

/// One privilege of one grantee on a table.
struct Grant<'a> {
    table: &'a Table,
    item: AclItem,
    name: &'static str,
    grantable: bool,
}

fn grants<'a>(cx: &SystemContext<'a>, wanted: u32) -> Vec<Grant<'a>> {
    let mut all = Vec::new();
    let kinds = [TableKind::Table, TableKind::View, TableKind::Partitioned];
    for table in cx.catalog.tables().into_iter().filter(|t| kinds.contains(&t.kind)) {
        let acl = table.acl.clone().unwrap_or_else(|| Grantable::Table.default_acl(table.owner));
        for item in acl {
            for (bit, name) in NAMES.into_iter().enumerate() {
                if item.privileges & wanted >> bit & 1 == 1 {
                    let grantable = item.grantable >> bit & 1 == 1 || item.grantee == table.owner;
                    all.push(Grant { table, item, name, grantable });
                }
            }
        }
    }
    all
}

fn grantee(cx: &SystemContext<'_>, oid: Oid) -> Datum {
    text(if oid == Oid::INVALID { "PUBLIC" } else { cx.role_name(oid) })
}

pub(super) fn table_privileges(cx: &SystemContext<'_>, out: &mut Rows) {
    for g in grants(cx, Grantable::Table.all()) {
        out.row([
            text(cx.role_name(g.item.grantor)),
            grantee(cx, g.item.grantee),
            database(cx),
            schema(cx, g.table.schema),
            text(&g.table.name),
            text(g.name),
            yes_no(g.grantable),
            yes_no(g.name == "SELECT"),
        ]);
    }
}

/// Those of tables hold for all columns; columns may have more of their own.
pub(super) fn column_privileges(cx: &SystemContext<'_>, out: &mut Rows) {
    for g in grants(cx, Grantable::Column.all()) {
        for column in g.table.live_columns() {
            push_column_grant(cx, &g, &column.name, out);
        }
    }
    for table in cx.catalog.tables() {
        for column in table.live_columns() {
            for item in column.acl.iter().flatten() {
                for (bit, name) in NAMES.into_iter().enumerate() {
                    if item.privileges >> bit & 1 == 1 {
                        let grantable = item.grantable >> bit & 1 == 1;
                        push_column_grant(cx, &Grant { table, item: *item, name, grantable }, &column.name, out);
                    }
                }
            }
        }
    }
}

fn push_column_grant(cx: &SystemContext<'_>, g: &Grant<'_>, column: &str, out: &mut Rows) {
    out.row([
        text(cx.role_name(g.item.grantor)),
        grantee(cx, g.item.grantee),
        database(cx),
        schema(cx, g.table.schema),
        text(&g.table.name),
        text(column),
        text(g.name),
        yes_no(g.grantable),
    ]);
}

fn memberships(cx: &SystemContext<'_>, out: &mut Rows, wanted: fn(bool) -> bool) {
    for role in cx.catalog.roles() {
        for m in role.member_of.iter().filter(|m| wanted(m.admin)) {
            out.row([text(&role.name), text(cx.role_name(m.role)), yes_no(m.admin)]);
        }
    }
}

pub(super) fn applicable_roles(cx: &SystemContext<'_>, out: &mut Rows) {
    memberships(cx, out, |_| true);
}

pub(super) fn administrable_roles(cx: &SystemContext<'_>, out: &mut Rows) {
    memberships(cx, out, |admin| admin);
}

pub(super) fn collations(cx: &SystemContext<'_>, out: &mut Rows) {
    for (_, name, ..) in super::types::COLLATIONS {
        out.row([database(cx), text("pg_catalog"), text(name), text("NO PAD")]);
    }
}

pub(super) fn element_types(cx: &SystemContext<'_>, out: &mut Rows) {
    for table in cx.catalog.tables() {
        for column in table.live_columns() {
            let ty = SqlType::with_typmod(column.type_oid, column.typmod);
            let Some(element) = ty.element() else { continue };
            let m = measures(element);
            let found = type_schema_and_name(cx.catalog, element.oid);
            let (udt_schema, udt_name) = found.unwrap_or((Oid::INVALID, String::new()));
            out.row([
                database(cx),
                schema(cx, table.schema),
                text(&table.name),
                text("TABLE"),
                text(&column.attnum.to_string()),
                text(&data_type(element)),
                maybe_int(m.characters),
                maybe_int(m.octets),
                null(),
                null(),
                null(),
                null(),
                null(),
                null(),
                maybe_int(m.precision),
                maybe_int(m.radix),
                maybe_int(m.scale),
                maybe_int(m.datetime),
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
                text(&format!("a{}", column.attnum)),
            ]);
        }
    }
}
