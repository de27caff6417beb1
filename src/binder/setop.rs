//! UNION, INTERSECT and EXCEPT (`transformSetOperationStmt`, `transformSetOperationTree`).

use super::clause::Clause;
use super::limit::Clauses;
use super::locking::not_allowed;
use super::rel::{Rel, SetOp, SetOpKind};
use super::scope::{ItemColumn, ItemKind, Level};
use super::select::{Bound, BoundColumn, check_equality};
use super::state::{Binder, ColumnKind};
use crate::base::{Error, Result, SqlState};
use crate::expr::CastContext;
use crate::parser::ast::{self, QueryBody};
use crate::types::SqlType;

fn name(kind: ast::SetOpKind) -> &'static str {
    match kind {
        ast::SetOpKind::Union => "UNION",
        ast::SetOpKind::Intersect => "INTERSECT",
        ast::SetOpKind::Except => "EXCEPT",
    }
}

impl Binder<'_> {
    pub fn transform_set_operation(&mut self, op: &ast::SetOp, query: Clauses<'_>) -> Result<Bound> {
        if let Some(locking) = query.locking.first() {
            return Err(not_allowed(locking.strength, "UNION/INTERSECT/EXCEPT"));
        }
        if let Some(lock) = self.level_ref().inherited_lock {
            return Err(not_allowed(lock.strength, "UNION/INTERSECT/EXCEPT"));
        }
        let bound = self.transform_set_op_tree(op)?;
        self.rehome(&bound);
        self.finish_set_operation(bound, query)
    }

    /// One operator and its operands.
    fn transform_set_op_tree(&mut self, op: &ast::SetOp) -> Result<Bound> {
        self.check_stack_depth()?;
        let (left_bar, right_bar) = match op.kind {
            ast::SetOpKind::Union => (None, None),
            ast::SetOpKind::Intersect => (Some("INTERSECT"), Some("INTERSECT")),
            ast::SetOpKind::Except => (None, Some("EXCEPT")),
        };
        let left = self.with_bar(left_bar, |b| b.transform_operand(&op.left))?;
        let right = self.with_bar(right_bar, |b| b.transform_operand(&op.right))?;
        self.combine(op, left, right)
    }

    pub fn with_bar<T>(&mut self, bar: Option<&'static str>, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.recursion_bars.extend(bar);
        let result = f(self);
        if bar.is_some() {
            self.recursion_bars.pop();
        }
        result
    }

    /// An operand; a leaf keeps its literals of unknown type, for the other side may say what they are.
    pub fn transform_operand(&mut self, body: &QueryBody) -> Result<Bound> {
        match body {
            QueryBody::SetOp(op) => self.transform_set_op_tree(op),
            QueryBody::Query(query) => {
                let bound = self.bind_query(query, false)?;
                Ok(self.note_leaf(bound))
            }
            QueryBody::Select(_) | QueryBody::Values(_) => {
                let bound = self.bind_leaf(body)?;
                Ok(self.note_leaf(bound))
            }
        }
    }

    /// Hints call the operands as PostgreSQL does, `*SELECT* 1` and so on.
    fn note_leaf(&mut self, bound: Bound) -> Bound {
        let number = self.level_ref().entries.len() + 1;
        let column = |c: &BoundColumn| ItemColumn { name: c.name.as_str().into(), expr: self.column_expr(c.id) };
        let columns = bound.columns.iter().map(column).collect();
        self.add_item(format!("*SELECT* {number}").as_str().into(), ItemKind::Subquery, columns, true);
        bound
    }

    fn bind_leaf(&mut self, body: &QueryBody) -> Result<Bound> {
        self.check_stack_depth()?;
        self.levels.push(Level::new(Clause::Other));
        let result = match body {
            QueryBody::Select(select) => self.transform_select(select, Clauses::default(), false),
            QueryBody::Values(rows) => self.transform_values_query(rows, Clauses::default()),
            QueryBody::SetOp(_) | QueryBody::Query(_) => panic!("not a leaf"),
        };
        self.levels.pop();
        result
    }

    /// Brings both sides to common types.
    pub fn combine(&mut self, op: &ast::SetOp, mut left: Bound, mut right: Bound) -> Result<Bound> {
        let word = name(op.kind);
        if left.columns.len() != right.columns.len() {
            let error =
                Error::new(SqlState::SYNTAX_ERROR, format!("each {word} query must have the same number of columns"));
            return Err(match right.columns.first() {
                Some(first) => error.at(first.pos),
                None => error,
            });
        }
        let types = self.common_types(word, &left, &right)?;
        self.cast_columns(&mut left, &types, CastContext::Implicit)?;
        self.cast_columns(&mut right, &types, CastContext::Implicit)?;
        let columns: Vec<BoundColumn> = left
            .columns
            .iter()
            .zip(&types)
            .map(|(l, &ty)| {
                let id = self.new_column(l.name.as_str(), ty, ColumnKind::Plain);
                BoundColumn { name: l.name.clone(), id, pos: l.pos }
            })
            .collect();
        // All but UNION ALL compare rows.
        if op.kind != ast::SetOpKind::Union || !op.all {
            for column in &columns {
                check_equality(&self.column_expr(column.id), column.pos)?;
            }
        }
        let kind = match op.kind {
            ast::SetOpKind::Union => SetOpKind::Union,
            ast::SetOpKind::Intersect => SetOpKind::Intersect,
            ast::SetOpKind::Except => SetOpKind::Except,
        };
        let rel = Rel::SetOp(SetOp {
            kind,
            all: op.all,
            left_columns: left.columns.iter().map(|c| c.id).collect(),
            left: Box::new(left.rel),
            right_columns: right.columns.iter().map(|c| c.id).collect(),
            right: Box::new(right.rel),
            columns: columns.iter().map(|c| c.id).collect(),
        });
        Ok(Bound { rel, columns })
    }

    pub fn common_types(&self, word: &str, left: &Bound, right: &Bound) -> Result<Vec<SqlType>> {
        let pairs = left.columns.iter().zip(&right.columns);
        pairs
            .map(|(l, r)| {
                let types = [(self.column_type(l.id), l.pos), (self.column_type(r.id), r.pos)];
                self.common_type(word, &types)
            })
            .collect()
    }

    /// ORDER BY and LIMIT of the whole. It can be ordered by its columns only.
    fn finish_set_operation(&mut self, bound: Bound, query: Clauses<'_>) -> Result<Bound> {
        self.finish_result(bound, query, true)
    }
}
