//! Physical nodes of INSERT, UPDATE, DELETE and MERGE.

use super::Planner;
use super::build::{Planned, Want};
use super::estimate::CPU_TUPLE;
use super::plan::{Conflict, ConflictUpdate, Delete, Insert, Merge, MergeAction, MergeDeed, Node, Update};
use crate::base::{Error, Result};
use crate::binder::rel::{self, ConflictAction};
use crate::expr::{ColId, Expr};
use crate::types::SqlType;
use std::sync::Arc;

impl Planner<'_> {
    pub(super) fn build_insert(&mut self, i: rel::Insert) -> Result<Planned> {
        let table = self.definitions.get(self.catalog, &i.table)?;
        let source = self.build(i.source.clone(), &Want::default())?;
        let mut exprs = Vec::with_capacity(i.values.len());
        for (value, ty) in i.values.iter().zip(&table.def.types) {
            exprs.push(match value {
                Some(value) => self.lower(value, &source.columns)?,
                None => Expr::null(*ty),
            });
        }
        let input = if super::build::is_identity(&exprs) && exprs.len() == source.columns.len() {
            source
        } else {
            let columns = source.columns.clone();
            let mut projected = self.projected(source.plan, vec![], exprs, columns);
            projected.columns = i.row.clone();
            projected
        };
        let conflict = match &i.on_conflict {
            Some(c) => Some(self.conflict(c, &i, &table.def)?),
            None => None,
        };
        let mut seen = i.row.clone();
        seen.extend(i.tableoid);
        let returning = i.returning.as_ref().map(|r| self.lower_all(r.iter().map(|e| &e.1), &seen)).transpose()?;
        let rows = input.rows();
        let total = input.total();
        let node = Insert { input: input.plan, table, alias: i.alias, conflict, returning };
        Ok(finish(Node::Insert(Arc::new(node)), &i.returning, total, rows))
    }

    fn conflict(&mut self, c: &rel::OnConflict, i: &rel::Insert, def: &crate::table::TableDef) -> Result<Conflict> {
        let arbiters = c
            .arbiters
            .iter()
            .map(|oid| def.index_at(*oid).ok_or_else(|| Error::internal("an arbiter index is not there")))
            .collect::<Result<_>>()?;
        let update = match &c.action {
            ConflictAction::Nothing => None,
            ConflictAction::Update { assignments, filter, excluded } => {
                let mut both = i.row.clone();
                both.extend(excluded);
                let mut set = Vec::new();
                for (at, value) in assignments {
                    set.push((*at, self.lower(value, &both)?));
                }
                let filter = filter.as_ref().map(|f| self.lower(f, &both)).transpose()?;
                Some(ConflictUpdate { set, filter })
            }
        };
        Ok(Conflict { arbiters, update })
    }

    pub(super) fn build_update(&mut self, u: rel::Update) -> Result<Planned> {
        let table = self.definitions.get(self.catalog, &u.table)?;
        let input = self.build(u.input, &Want::default())?;
        let key_column = key_position(&input, u.key)?;
        let old = places(&input, &u.old);
        let mut set = Vec::new();
        for (at, value) in &u.assignments {
            set.push((*at, self.lower(value, &input.columns)?));
        }
        // RETURNING sees the new row, its tableoid, then the input.
        let unused = ColId(u32::MAX);
        let mut seen = u.new.clone();
        seen.push(u.tableoid.unwrap_or(unused));
        seen.extend(&input.columns);
        let returning = u.returning.as_ref().map(|r| self.lower_all(r.iter().map(|e| &e.1), &seen)).transpose()?;
        let (rows, total) = (input.rows(), input.total());
        let node = Update { input: input.plan, table, alias: u.alias, key_column, old, set, returning };
        Ok(finish(Node::Update(Arc::new(node)), &u.returning, total, rows))
    }

    pub(super) fn build_merge(&mut self, m: rel::Merge) -> Result<Planned> {
        let table = self.definitions.get(self.catalog, &m.table)?;
        let input = self.build(m.input, &Want::default())?;
        let key_column = key_position(&input, m.key)?;
        let old = places(&input, &m.old);
        let mut actions = Vec::with_capacity(m.actions.len());
        for action in &m.actions {
            let condition = action.condition.as_ref().map(|c| self.lower(c, &input.columns)).transpose()?;
            let deed = match &action.deed {
                rel::MergeDeed::Nothing => MergeDeed::Nothing,
                rel::MergeDeed::Delete => MergeDeed::Delete,
                rel::MergeDeed::Update(assignments) => {
                    let value = |(at, value): &(usize, Expr)| Ok((*at, self.lower(value, &input.columns)?));
                    MergeDeed::Update(assignments.iter().map(value).collect::<Result<_>>()?)
                }
                rel::MergeDeed::Insert(values) => {
                    let typed = values.iter().zip(&table.def.types);
                    let value = |(value, ty): (&Option<Expr>, &SqlType)| match value {
                        Some(value) => self.lower(value, &input.columns),
                        None => Ok(Expr::null(*ty)),
                    };
                    MergeDeed::Insert(typed.map(value).collect::<Result<_>>()?)
                }
            };
            actions.push(MergeAction { matched: action.matched, condition, deed });
        }
        let (rows, total) = (input.rows(), input.total());
        let node = Merge { input: input.plan, table, alias: m.alias, key_column, old, actions };
        Ok(finish(Node::Merge(Arc::new(node)), &None, total, rows))
    }

    pub(super) fn build_delete(&mut self, d: rel::Delete) -> Result<Planned> {
        let table = self.definitions.get(self.catalog, &d.table)?;
        let input = self.build(d.input, &Want::default())?;
        let key_column = key_position(&input, d.key)?;
        let old = places(&input, &d.old);
        let returning =
            d.returning.as_ref().map(|r| self.lower_all(r.iter().map(|e| &e.1), &input.columns)).transpose()?;
        let (rows, total) = (input.rows(), input.total());
        let node = Delete { input: input.plan, table, alias: d.alias, key_column, old, returning };
        Ok(finish(Node::Delete(Arc::new(node)), &d.returning, total, rows))
    }
}

fn key_position(input: &Planned, key: ColId) -> Result<usize> {
    input.columns.iter().position(|c| *c == key).ok_or_else(|| Error::internal("a row to change has no key"))
}

fn places(input: &Planned, ids: &[ColId]) -> Vec<Option<usize>> {
    ids.iter().map(|id| input.columns.iter().position(|c| c == id)).collect()
}

fn finish(node: Node, returning: &Option<Vec<(ColId, Expr)>>, total: f64, rows: f64) -> Planned {
    let columns = returning.iter().flatten().map(|r| r.0).collect();
    let types: Vec<SqlType> = returning.iter().flatten().map(|r| r.1.ty()).collect();
    Planned::new(node, types, columns, 0.0, total + rows * CPU_TUPLE, rows)
}
