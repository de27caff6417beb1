//! ANALYZE gathers statistics; VACUUM has nothing to do, for old versions are never left behind in tables.

use super::{DdlContext, Outcome, done};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::Relation;
use crate::parser::ast::{DefElem, DefValue, Vacuum};
use crate::txn::LockMode;
use std::sync::Arc;

pub fn vacuum(s: &Vacuum, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    check_options(s)?;
    let analyze = !s.is_vacuum || s.options.iter().any(|o| o.name == "analyze" && is_on(o));
    let mut tables: Vec<Oid> = Vec::new();
    for relation in &s.relations {
        match cx.relation(&relation.relation.name)? {
            Relation::Table(t) if t.has_rows() => {
                if let Some(stray) = relation.columns.iter().find(|c| t.column_named(&c.name).is_none()) {
                    return Err(super::no_column(&t.name, &stray.name));
                }
                tables.push(t.oid);
            }
            Relation::System(_) => {}
            other => cx.notice(format!("skipping \"{}\" --- cannot analyze this kind of relation", other.name())),
        }
    }
    if s.relations.is_empty() {
        tables = cx.now().tables().iter().filter(|t| t.has_rows()).map(|t| t.oid).collect();
    }
    if analyze {
        for oid in tables {
            gather(cx, oid)?;
        }
    }
    done(if s.is_vacuum { "VACUUM" } else { "ANALYZE" })
}

fn is_on(option: &DefElem) -> bool {
    match &option.value {
        None | Some(DefValue::Bool(true)) => true,
        Some(DefValue::Word(w) | DefValue::String(w)) => w != "off" && w != "false",
        Some(DefValue::Integer(n)) => *n != 0,
        _ => false,
    }
}

fn check_options(s: &Vacuum) -> Result<()> {
    let known: &[&str] = if s.is_vacuum {
        &[
            "full",
            "freeze",
            "verbose",
            "analyze",
            "disable_page_skipping",
            "skip_locked",
            "index_cleanup",
            "process_toast",
            "truncate",
            "parallel",
        ]
    } else {
        &["verbose", "skip_locked"]
    };
    match s.options.iter().find(|o| !known.contains(&o.name.as_str())) {
        None => Ok(()),
        Some(o) => {
            let what = if s.is_vacuum { "VACUUM" } else { "ANALYZE" };
            Err(Error::new(SqlState::SYNTAX_ERROR, format!("unrecognized {what} option \"{}\"", o.name)).at(o.pos))
        }
    }
}

fn gather(cx: &mut DdlContext<'_>, oid: Oid) -> Result<()> {
    cx.lock(oid, LockMode::ShareUpdateExclusive)?;
    if cx.now().table(oid).is_none() {
        return Ok(());
    }
    let definition = cx.definitions.by_oid(&cx.now(), oid)?;
    let view = cx.txn.view();
    let stats = cx.with_eval(|txn, eval| definition.def.analyze(txn, eval, &view))?;
    cx.catalog.put(cx.txn, Arc::new(stats))
}
