//! Temporary relations: ordinary ones in a schema that one session has for itself.
//!
//! The schema is made with the session's first temporary relation and goes, with all that is in it, when the session ends.
//! What a crash leaves behind goes when a session of the same number begins. ON COMMIT runs inside the transaction that is
//! about to commit.

use super::{DdlContext, depend, truncate};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{Address, Schema, Table, class};
use crate::parser::ast::{DropBehavior, Persistence, RelationName};
use std::sync::Arc;

/// What names of schemas for temporary relations begin with.
const PREFIX: &str = "pg_temp_";

fn wrong_place(message: &str) -> Error {
    Error::new(SqlState::INVALID_TABLE_DEFINITION, message)
}

impl DdlContext<'_> {
    /// The session's schema if a new relation of that name is temporary (`RangeVarAdjustRelationPersistence`).
    pub(super) fn temporary_schema_for(
        &mut self,
        name: &RelationName,
        persistence: Persistence,
    ) -> Result<Option<Arc<Schema>>> {
        let temporary = persistence == Persistence::Temporary;
        let wanted = match name.schema.as_deref() {
            Some(schema) if schema == "pg_temp" || schema == self.temp_schema => true,
            Some(schema) if schema.starts_with(PREFIX) && self.now().schema_named(schema).is_some() => {
                return Err(wrong_place("cannot create relations in temporary schemas of other sessions"));
            }
            Some(_) if temporary => {
                return Err(wrong_place("cannot create temporary relation in non-temporary schema"));
            }
            Some(_) => false,
            None => temporary || self.temp_is_first,
        };
        if wanted { self.temporary_schema().map(Some) } else { Ok(None) }
    }

    fn temporary_schema(&mut self) -> Result<Arc<Schema>> {
        if let Some(schema) = self.now().schema_named(self.temp_schema) {
            return Ok(schema.clone());
        }
        self.catalog.claim_schema_name(self.txn, self.temp_schema)?;
        let oid = self.new_oid()?;
        let schema = Arc::new(Schema { oid, name: self.temp_schema.to_owned(), owner: self.role, acl: None });
        self.catalog.put(self.txn, schema.clone())?;
        Ok(schema)
    }

    /// The search path as it is now that the statement may have made the session's schema.
    pub(super) fn path_now(&self) -> Vec<Oid> {
        let mut path = self.search_path.to_vec();
        if let Some(schema) = self.now().schema_named(self.temp_schema)
            && !path.contains(&schema.oid)
        {
            path.insert(0, schema.oid);
        }
        path
    }
}

/// Drops the session's schema and all that is in it.
pub fn drop_temporary(cx: &mut DdlContext<'_>) -> Result<()> {
    match cx.now().schema_named(cx.temp_schema).map(|s| s.oid) {
        Some(schema) => depend::drop_all(cx, &[Address::new(class::NAMESPACE, schema)], DropBehavior::Cascade),
        None => Ok(()),
    }
}

/// ON COMMIT DROP and ON COMMIT DELETE ROWS (`PreCommit_on_commit_actions`).
pub fn end_of_transaction(cx: &mut DdlContext<'_>) -> Result<()> {
    let Some(schema) = cx.now().schema_named(cx.temp_schema).map(|s| s.oid) else { return Ok(()) };
    let catalog = cx.now();
    let tables = |wanted: fn(&Table) -> bool| -> Vec<Oid> {
        catalog.tables().into_iter().filter(|t| t.schema == schema && wanted(t)).map(|t| t.oid).collect()
    };
    let emptied = tables(|t| t.on_commit_delete);
    let dropped: Vec<Address> = tables(|t| t.on_commit_drop).into_iter().map(Address::relation).collect();
    if !emptied.is_empty() {
        truncate::at_commit(cx, &emptied)?;
    }
    if dropped.is_empty() { Ok(()) } else { depend::drop_all(cx, &dropped, DropBehavior::Cascade) }
}
