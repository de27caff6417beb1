//! DELETE (`transformDeleteStmt`).

use super::clause::Clause;
use super::rel::{AccessMode, Delete, Rel};
use super::scope::Level;
use super::select::{Bound, filter_rel};
use super::state::Binder;
use super::view_target::Change;
use crate::base::Result;
use crate::parser::ast;

impl Binder<'_> {
    pub fn bind_delete(&mut self, delete: &ast::Delete) -> Result<Bound> {
        self.levels.push(Level::new(Clause::Other));
        let result = self.transform_delete(delete);
        self.levels.pop();
        result
    }

    fn transform_delete(&mut self, delete: &ast::Delete) -> Result<Bound> {
        self.read_only = false;
        let ctes = self.transform_with(delete.with.as_ref())?;
        let target = self.open_target_scan(&delete.relation.name, delete.alias.as_ref(), Change::Delete)?;
        self.open_access(target.table.oid, AccessMode::Delete);
        let rel = self.join_target(target.rel, &delete.using)?;
        let filter = delete.filter.as_ref().map(|e| self.transform_where(e, Clause::Where, "WHERE")).transpose()?;
        let (returning, columns) = self.transform_returning(&delete.returning)?;
        let rel = Rel::Delete(Box::new(Delete {
            table: target.table,
            alias: target.alias,
            input: filter_rel(rel, filter),
            key: target.key,
            old: target.row,
            returning,
        }));
        Ok(Bound { rel: self.wrap_ctes(ctes, rel), columns })
    }
}
