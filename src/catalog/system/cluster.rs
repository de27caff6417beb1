//! Databases, roles and tablespaces: what all databases share.

use super::SystemContext;
use super::relations::acl;
use super::rows::{Rows, flag, id, int4, letter, maybe_text, null, oid_array, text, text_array};
use crate::base::Oid;
use crate::catalog::POSTGRES_ROLE;
use crate::catalog::object::{Role, class};
use crate::types::Datum;

const UTF8: i32 = 6;
const DEFAULT_TABLESPACE: Oid = Oid(1663);

pub(super) fn pg_database(cx: &SystemContext<'_>, out: &mut Rows) {
    for d in cx.catalog.databases() {
        out.row([
            id(d.oid),
            text(&d.name),
            id(d.owner),
            int4(UTF8),
            letter(b'c'),
            flag(d.is_template),
            flag(d.allow_connections),
            int4(d.connection_limit),
            Datum::Oid(0),
            Datum::Oid(0),
            id(DEFAULT_TABLESPACE),
            text("C"),
            text("C"),
            null(),
            null(),
            acl(cx, &d.acl),
        ]);
    }
}

fn valid_until(r: &Role) -> Datum {
    r.valid_until.map_or(Datum::Null, Datum::Int8)
}

/// The settings of a role for all databases.
fn settings(r: &Role) -> Datum {
    let own: Vec<String> =
        r.settings.iter().filter(|(db, ..)| *db == Oid::INVALID).map(|(_, k, v)| format!("{k}={v}")).collect();
    if own.is_empty() { null() } else { text_array(own) }
}

pub(super) fn pg_authid(cx: &SystemContext<'_>, out: &mut Rows) {
    for r in cx.catalog.roles() {
        out.row([
            id(r.oid),
            text(&r.name),
            flag(r.superuser),
            flag(r.inherit),
            flag(r.create_role),
            flag(r.create_db),
            flag(r.login),
            flag(r.replication),
            flag(r.bypass_rls),
            int4(r.connection_limit),
            maybe_text(r.password.as_deref()),
            valid_until(r),
        ]);
    }
}

pub(super) fn pg_roles(cx: &SystemContext<'_>, out: &mut Rows) {
    for r in cx.catalog.roles() {
        out.row([
            text(&r.name),
            flag(r.superuser),
            flag(r.inherit),
            flag(r.create_role),
            flag(r.create_db),
            flag(r.login),
            flag(r.replication),
            int4(r.connection_limit),
            text("********"),
            valid_until(r),
            flag(r.bypass_rls),
            settings(r),
            id(r.oid),
        ]);
    }
}

fn users(cx: &SystemContext<'_>, out: &mut Rows, password: fn(&Role) -> Datum) {
    for r in cx.catalog.roles().into_iter().filter(|r| r.login) {
        out.row([
            text(&r.name),
            id(r.oid),
            flag(r.create_db),
            flag(r.superuser),
            flag(r.replication),
            flag(r.bypass_rls),
            password(r),
            valid_until(r),
            settings(r),
        ]);
    }
}

pub(super) fn pg_user(cx: &SystemContext<'_>, out: &mut Rows) {
    users(cx, out, |_| text("********"));
}

pub(super) fn pg_shadow(cx: &SystemContext<'_>, out: &mut Rows) {
    users(cx, out, |r| maybe_text(r.password.as_deref()));
}

pub(super) fn pg_group(cx: &SystemContext<'_>, out: &mut Rows) {
    for r in cx.catalog.roles().into_iter().filter(|r| !r.login) {
        let members = cx.catalog.roles().into_iter().filter(|m| m.member_of.iter().any(|x| x.role == r.oid));
        out.row([text(&r.name), id(r.oid), oid_array(members.map(|m| m.oid))]);
    }
}

pub(super) fn pg_auth_members(cx: &SystemContext<'_>, out: &mut Rows) {
    for r in cx.catalog.roles() {
        for m in &r.member_of {
            out.row([id(m.role), id(r.oid), id(m.grantor), flag(m.admin)]);
        }
    }
}

pub(super) fn pg_tablespace(_: &SystemContext<'_>, out: &mut Rows) {
    for (oid, name) in [(DEFAULT_TABLESPACE, "pg_default"), (Oid(1664), "pg_global")] {
        out.row([id(oid), text(name), id(POSTGRES_ROLE), null(), null()]);
    }
}

pub(super) fn pg_db_role_setting(cx: &SystemContext<'_>, out: &mut Rows) {
    for d in cx.catalog.databases().into_iter().filter(|d| !d.settings.is_empty()) {
        let settings = d.settings.iter().map(|(k, v)| format!("{k}={v}"));
        out.row([id(d.oid), Datum::Oid(0), text_array(settings)]);
    }
    for r in cx.catalog.roles() {
        let mut databases: Vec<Oid> = r.settings.iter().map(|(db, ..)| *db).collect();
        databases.sort_unstable();
        databases.dedup();
        for database in databases {
            let own = r.settings.iter().filter(|(db, ..)| *db == database).map(|(_, k, v)| format!("{k}={v}"));
            out.row([id(database), id(r.oid), text_array(own)]);
        }
    }
}

pub(super) fn pg_shdescription(cx: &SystemContext<'_>, out: &mut Rows) {
    for c in cx.catalog.comments() {
        if matches!(c.on.class, class::DATABASE | class::AUTHID | class::TABLESPACE) {
            out.row([id(c.on.oid), id(c.on.class), text(&c.text)]);
        }
    }
}
