//! CLUSTER and REINDEX: nothing here bloats, and rows are kept in the order of their key, so both are done already. What they
//! name is looked up all the same.

use super::{DdlContext, Outcome, done, no_schema};
use crate::base::{Error, Result, SqlState};
use crate::catalog::Relation;
use crate::parser::ast::{Cluster, Reindex, ReindexTarget, RelationName};

pub fn cluster(s: &Cluster, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    if let Some(name) = &s.relation {
        let found = check(cx, name, b"rm", "a table or materialized view")?;
        let of_table = |i: &str| cx.now().indexes_of(found.oid()).iter().any(|x| x.name == i);
        if let Some(index) = s.index.as_ref().filter(|i| !of_table(&i.name)) {
            let message = format!("index \"{}\" for table \"{}\" does not exist", index.name, found.name());
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        }
    }
    done("CLUSTER")
}

pub fn reindex(s: &Reindex, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    match &s.target {
        ReindexTarget::Index(name) => drop(check(cx, name, b"i", "an index")?),
        ReindexTarget::Table(name) => drop(check(cx, name, b"rm", "a table or materialized view")?),
        ReindexTarget::Schema(name) => {
            cx.now().schema_named(&name.name).ok_or_else(|| no_schema(&name.name))?;
        }
        ReindexTarget::System(name) | ReindexTarget::Database(name) => {
            let catalog = cx.now();
            if catalog.database(catalog.database_oid()).is_none_or(|d| d.name != name.name) {
                let message = "can only reindex the currently open database";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
        }
    }
    done("REINDEX")
}

/// The relation if it is of one of these kinds.
fn check(cx: &DdlContext<'_>, name: &RelationName, kinds: &[u8], noun: &str) -> Result<Relation> {
    let found = cx.relation(name)?;
    if kinds.contains(&found.relkind()) {
        return Ok(found);
    }
    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not {noun}", found.name())))
}
