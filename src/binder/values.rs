//! VALUES as a query (`transformValuesClause`).

use super::clause::Clause;
use super::expr::Operand;
use super::limit::Clauses;
use super::rel::Rel;
use super::select::{Bound, BoundColumn};
use super::state::{Binder, ColumnKind};
use crate::base::{Error, Result, SqlState};
use crate::expr::{ColId, Expr};
use crate::parser::ast::{self, ExprKind};

impl Binder<'_> {
    pub fn transform_values_query(&mut self, rows: &[Vec<ast::Expr>], query: Clauses<'_>) -> Result<Bound> {
        let bound = self.transform_values(rows)?;
        self.finish_simple(bound, query)
    }

    fn transform_values(&mut self, rows: &[Vec<ast::Expr>]) -> Result<Bound> {
        let width = rows.first().map_or(0, Vec::len);
        let mut by_column: Vec<Vec<Operand>> = (0..width).map(|_| Vec::with_capacity(rows.len())).collect();
        let outer = std::mem::replace(&mut self.level().clause, Clause::Values);
        for row in rows {
            let operands = self.transform_values_row(row)?;
            check_row_width(operands.len(), width, row)?;
            for (column, operand) in by_column.iter_mut().zip(operands) {
                column.push(operand);
            }
        }
        self.level().clause = outer;
        let mut columns: Vec<BoundColumn> = Vec::with_capacity(width);
        let mut values: Vec<Vec<Expr>> = rows.iter().map(|_| Vec::with_capacity(width)).collect();
        let alias = "*VALUES*".into();
        for (i, operands) in by_column.into_iter().enumerate() {
            let pos = operands.first().map_or(0, |o| o.pos);
            let (exprs, ty) = self.common_operands("VALUES", operands)?;
            let name = format!("column{}", i + 1);
            let id = self.new_relation_column(&alias, name.as_str(), ty);
            debug_assert_eq!(self.state(id).kind, ColumnKind::Plain);
            columns.push(BoundColumn { name, id, pos });
            for (row, expr) in values.iter_mut().zip(exprs) {
                row.push(expr);
            }
        }
        let ids: Vec<ColId> = columns.iter().map(|c| c.id).collect();
        Ok(Bound { rel: Rel::Values { columns: ids, rows: values }, columns })
    }

    /// One row; `t.*` stands for several expressions, and DEFAULT has no place in a query.
    fn transform_values_row(&mut self, row: &[ast::Expr]) -> Result<Vec<Operand>> {
        let mut operands = Vec::with_capacity(row.len());
        for expr in row {
            if self.is_star(expr) {
                operands.extend(self.expand_star(expr)?.into_iter().map(|t| Operand::new(t.expr, t.pos)));
                continue;
            }
            if matches!(expr.kind, ExprKind::Default) {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "DEFAULT is not allowed in this context").at(expr.pos));
            }
            operands.push(self.operand(expr)?);
        }
        Ok(operands)
    }
}

/// 42601 when rows of one VALUES differ in length.
pub(super) fn check_row_width(found: usize, wanted: usize, row: &[ast::Expr]) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    let error = Error::new(SqlState::SYNTAX_ERROR, "VALUES lists must all be the same length");
    Err(match row.first() {
        Some(first) => error.at(first.location()),
        None => error,
    })
}
