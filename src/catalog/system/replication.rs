//! What is known of those that follow this node's log, and of the one that it follows.

use super::SystemContext;
use super::rows::{Rows, flag, id, int4, int8, maybe_text, null, text};
use crate::base::{Lsn, Oid};
use crate::types::{Datum, Interval, pack_lsn};

fn position(lsn: Option<Lsn>) -> Datum {
    lsn.map_or_else(null, |lsn| Datum::Int8(pack_lsn(lsn)))
}

fn time(us: Option<i64>) -> Datum {
    us.map_or(Datum::Null, Datum::Int8)
}

fn lag(us: Option<i64>) -> Datum {
    us.map_or(Datum::Null, |micros| Datum::Interval(Interval { months: 0, days: 0, micros }))
}

pub(super) fn pg_stat_replication(cx: &SystemContext<'_>, out: &mut Rows) {
    for s in cx.facts.senders() {
        let b = &s.backend;
        let (role, role_name) = match b.role {
            Oid::INVALID => (null(), null()),
            role => (id(role), text(cx.role_name(role))),
        };
        out.row([
            int4(b.pid),
            role,
            role_name,
            text(&b.application_name),
            maybe_text(b.client_addr.clone()),
            null(),
            b.client_port.map_or(Datum::Null, Datum::Int4),
            int8(b.backend_start),
            null(),
            text(s.state),
            position(s.sent),
            position(s.written),
            position(s.flushed),
            position(s.applied),
            lag(s.write_lag),
            lag(s.flush_lag),
            lag(s.apply_lag),
            int4(s.sync_priority),
            text(s.sync_state),
            time(s.reply_time),
        ]);
    }
}

pub(super) fn pg_stat_wal_receiver(cx: &SystemContext<'_>, out: &mut Rows) {
    let Some(r) = cx.facts.wal_receiver() else { return };
    out.row([
        int4(r.pid),
        text(r.status),
        position(Some(r.start)),
        int4(r.start_timeline),
        position(Some(r.written)),
        position(Some(r.flushed)),
        int4(r.timeline),
        time(r.sent),
        time(r.received),
        position(r.primary_end),
        time(r.primary_end_time),
        maybe_text(r.slot),
        text(&r.host),
        int4(r.port),
        text(&r.connection),
    ]);
}

pub(super) fn pg_replication_slots(cx: &SystemContext<'_>, out: &mut Rows) {
    for s in cx.facts.replication_slots() {
        let status = match (s.lost, s.restart) {
            (true, _) => text("lost"),
            (false, Some(_)) => text("reserved"),
            (false, None) => null(),
        };
        out.row([
            text(&s.name),
            null(),
            text("physical"),
            null(),
            null(),
            flag(s.temporary),
            flag(s.active.is_some()),
            s.active.map_or(Datum::Null, Datum::Int4),
            null(),
            null(),
            position(s.restart.filter(|_| !s.lost)),
            null(),
            status,
            s.safe_bytes.map_or(Datum::Null, Datum::Int8),
            flag(false),
        ]);
    }
}
