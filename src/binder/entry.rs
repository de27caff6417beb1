//! From a statement to its bound form: the doors of the binder.

use super::clause::Clause;
use super::rel::{OutputColumn, Query, Rel, StatementKind};
use super::scope::Level;
use super::select::Bound;
use super::state::{Binder, Environment, Parameters};
use super::walk::for_each_rel;
use crate::base::{Error, Result, SqlState};
use crate::expr::{CastContext, Expr};
use crate::parser::ast::{self, Statement};
use crate::types::SqlType;

/// Binds a SELECT, VALUES, INSERT, UPDATE, DELETE or MERGE. Statements around a query (EXPLAIN, DECLARE, CREATE TABLE AS, ...) hand
/// the query over.
pub fn bind(env: &Environment<'_>, statement: &Statement, parameters: Parameters<'_>) -> Result<Query> {
    let mut binder = Binder::new(*env, parameters);
    let (kind, bound) = match statement {
        Statement::Select(query) => (StatementKind::Select, binder.bind_query(query, true)?),
        Statement::Insert(insert) => (StatementKind::Insert, binder.bind_insert(insert)?),
        Statement::Update(update) => (StatementKind::Update, binder.bind_update(update)?),
        Statement::Delete(delete) => (StatementKind::Delete, binder.bind_delete(delete)?),
        Statement::Merge(merge) => (StatementKind::Merge, binder.bind_merge(merge)?),
        other => return Err(Error::unsupported(other.kind_name())),
    };
    binder.finish(kind, bound)
}

/// An expression over nothing, of the type wanted: an argument of EXECUTE. `number` is the parameter's, from 1.
pub fn bind_value(env: &Environment<'_>, expr: &ast::Expr, number: usize, wanted: SqlType) -> Result<Expr> {
    let mut binder = Binder::new(*env, Parameters::Forbidden);
    binder.levels.push(Level::new(Clause::ExecuteParameter));
    let pos = expr.location();
    let bound = binder.transform_expr(expr)?;
    let from = bound.ty();
    binder.coerce(bound, wanted, CastContext::Assignment, pos)?.ok_or_else(|| {
        Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!(
                "parameter ${number} of type {} cannot be coerced to the expected type {}",
                binder.type_name(from),
                binder.type_name(wanted)
            ),
        )
        .hint("You will need to rewrite or cast the expression.")
        .at(pos)
    })
}

impl Binder<'_> {
    fn finish(mut self, kind: StatementKind, bound: Bound) -> Result<Query> {
        let params = self.params.finish()?;
        let Bound { mut rel, columns } = bound;
        let wanted = std::mem::take(&mut self.wanted);
        let mut prune = |rel: &mut Rel| match rel {
            Rel::Scan(scan) => {
                scan.key = scan.key.filter(|k| wanted.contains(k));
                scan.tableoid = scan.tableoid.filter(|t| wanted.contains(t));
            }
            Rel::SystemScan(scan) => scan.tableoid = scan.tableoid.filter(|t| wanted.contains(t)),
            _ => {}
        };
        for_each_rel(&mut rel, &mut prune);
        for subquery in &mut self.subqueries {
            for_each_rel(&mut subquery.root, &mut prune);
        }
        let lenient = std::mem::take(&mut self.lenient);
        let mut entry = 0;
        self.access.retain(|a| {
            entry += 1;
            !(a.columns.is_empty() && lenient.contains(&(entry - 1)))
        });
        let output = columns
            .into_iter()
            .map(|c| OutputColumn {
                name: c.name,
                id: c.id,
                ty: self.column_type(c.id),
                origin: self.state(c.id).origin,
            })
            .collect();
        Ok(Query {
            kind,
            root: rel,
            output,
            subqueries: self.subqueries,
            columns: self.columns,
            params,
            access: self.access,
            read_only: self.read_only,
            cte_count: self.ctes.len(),
            literals_unstable: self.literals_unstable,
        })
    }
}
