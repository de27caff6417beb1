//! Views whose rows come from the running server, through [`Facts`](super::Facts).

use super::SystemContext;
use super::rows::{Rows, flag, id, int4, int8, maybe_text, null, text, text_array};
use crate::base::Oid;
use crate::types::{ArrayValue, Datum, Interval, oid};

fn time(t: Option<i64>) -> Datum {
    t.map_or(Datum::Null, Datum::Int8)
}

fn maybe_oid(oid: Option<Oid>) -> Datum {
    oid.map_or_else(null, id)
}

pub(super) fn pg_settings(cx: &SystemContext<'_>, out: &mut Rows) {
    for s in cx.facts.settings() {
        out.row([
            text(&s.name),
            text(&s.setting),
            maybe_text(s.unit),
            text(&s.category),
            text(&s.short_desc),
            null(),
            text(&s.context),
            text(&s.vartype),
            text(&s.source),
            maybe_text(s.min_val),
            maybe_text(s.max_val),
            s.enumvals.map_or_else(null, text_array),
            maybe_text(s.boot_val),
            maybe_text(s.reset_val),
            null(),
            null(),
            flag(s.pending_restart),
        ]);
    }
}

pub(super) fn pg_stat_activity(cx: &SystemContext<'_>, out: &mut Rows) {
    for b in cx.facts.backends() {
        let named = |oid: Oid, name: Option<&str>| match oid {
            Oid::INVALID => [null(), null()],
            oid => [id(oid), maybe_text(name)],
        };
        let [database, database_name] = named(b.database, cx.catalog.database(b.database).map(|d| d.name.as_str()));
        let [role, role_name] = named(b.role, cx.catalog.role(b.role).map(|r| r.name.as_str()));
        out.row([
            database,
            database_name,
            int4(b.pid),
            null(),
            role,
            role_name,
            text(&b.application_name),
            maybe_text(b.client_addr),
            null(),
            b.client_port.map_or(Datum::Null, Datum::Int4),
            int8(b.backend_start),
            time(b.xact_start),
            time(b.query_start),
            time(b.state_change),
            maybe_text(b.wait_event_type),
            maybe_text(b.wait_event),
            maybe_text(b.state),
            null(),
            null(),
            null(),
            text(&b.query),
            text(&b.backend_type),
        ]);
    }
}

pub(super) fn pg_locks(cx: &SystemContext<'_>, out: &mut Rows) {
    for l in cx.facts.locks() {
        out.row([
            text(&l.kind),
            maybe_oid(l.database),
            maybe_oid(l.relation),
            null(),
            null(),
            null(),
            null(),
            maybe_oid(l.class),
            maybe_oid(l.object),
            l.sub.map_or(Datum::Null, Datum::Int2),
            text(&l.virtual_transaction),
            l.pid.map_or(Datum::Null, Datum::Int4),
            text(&l.mode),
            flag(l.granted),
            flag(false),
            time(l.wait_start),
        ]);
    }
}

pub(super) fn pg_prepared_statements(cx: &SystemContext<'_>, out: &mut Rows) {
    for p in cx.facts.prepared_statements() {
        let types = p.parameter_types.iter().map(|t| Datum::Oid(t.0)).collect();
        out.row([
            text(&p.name),
            text(&p.statement),
            int8(p.prepare_time),
            Datum::array(ArrayValue::one_dimensional(oid::REGTYPE, types)),
            flag(p.from_sql),
            int8(p.generic_plans),
            int8(p.custom_plans),
        ]);
    }
}

pub(super) fn pg_cursors(cx: &SystemContext<'_>, out: &mut Rows) {
    for c in cx.facts.cursors() {
        out.row([
            text(&c.name),
            text(&c.statement),
            flag(c.is_holdable),
            flag(c.is_binary),
            flag(c.is_scrollable),
            int8(c.creation_time),
        ]);
    }
}

pub(super) fn pg_timezone_names(cx: &SystemContext<'_>, out: &mut Rows) {
    for (name, abbreviation, offset, is_dst) in cx.facts.time_zones() {
        let micros = i64::from(offset) * 1_000_000;
        out.row([
            text(&name),
            text(&abbreviation),
            Datum::Interval(Interval { months: 0, days: 0, micros }),
            flag(is_dst),
        ]);
    }
}

/// One row for each database; what is not counted is NULL.
pub(super) fn pg_stat_database(cx: &SystemContext<'_>, out: &mut Rows) {
    let backends = cx.facts.backends();
    for d in cx.catalog.databases() {
        let connected = backends.iter().filter(|b| b.database == d.oid).count();
        let mut row = [const { Datum::Null }; 28];
        row[0] = id(d.oid);
        row[1] = text(&d.name);
        row[2] = int4(i32::try_from(connected).unwrap_or(i32::MAX));
        out.row(row);
    }
}
