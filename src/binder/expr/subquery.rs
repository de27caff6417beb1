//! Subqueries in expressions (`transformSubLink`).

use super::array::no_array_type;
use super::operator::Operand;
use super::row::{RowComparison, row_comparison, uninterpretable};
use crate::base::{Error, Result, SqlState};
use crate::binder::rel::Rel;
use crate::binder::scope::Level;
use crate::binder::select::Bound;
use crate::binder::state::{Binder, ColumnKind};
use crate::binder::typename;
use crate::expr::resolve::resolve_operator;
use crate::expr::{CastContext, Expr, Quantified, RowTest, SubqueryKind};
use crate::parser::ast::{self, ExprKind, OperatorName};
use crate::types::{SqlType, oid, type_name};

impl Binder<'_> {
    /// The query of a subquery, bound under the current level.
    fn bind_sublink(&mut self, query: &ast::Query, pos: usize) -> Result<Bound> {
        let clause = self.level_ref().clause;
        if let Some(refusal) = clause.refuses_subquery() {
            return Err(refusal.at(pos));
        }
        let mut level = Level::new(super::Clause::Other);
        level.sublink = true;
        self.recursion_bars.push("a subquery");
        let bound = self.bind_query_in(query, level, true);
        self.recursion_bars.pop();
        bound
    }

    fn subquery_expr(&mut self, bound: Bound, kind: SubqueryKind, ty: SqlType) -> Expr {
        let output = bound.columns.iter().map(|c| c.id).collect();
        let id = self.add_subquery(bound.rel, output);
        Expr::Subquery { id, kind, args: Vec::new(), ty }
    }

    pub fn transform_scalar_subquery(&mut self, query: &ast::Query, pos: usize) -> Result<Expr> {
        let bound = self.bind_sublink(query, pos)?;
        let ty = self.only_column(&bound, pos)?;
        Ok(self.subquery_expr(bound, SubqueryKind::Scalar, ty))
    }

    pub fn transform_exists(&mut self, query: &ast::Query, pos: usize) -> Result<Expr> {
        let mut bound = self.bind_sublink(query, pos)?;
        // Nobody reads them.
        bound.columns.clear();
        Ok(self.subquery_expr(bound, SubqueryKind::Exists, SqlType::BOOL))
    }

    pub fn transform_array_subquery(&mut self, query: &ast::Query, pos: usize) -> Result<Expr> {
        let bound = self.bind_sublink(query, pos)?;
        let element = self.only_column(&bound, pos)?;
        // Arrays gathered from arrays have one more dimension and the same type.
        let nested = typename::element_of(&self.env, element).is_some();
        let array = if nested { Some(element) } else { typename::array_of(&self.env, element.bare()) };
        let ty = array.ok_or_else(|| no_array_type(element, pos))?;
        Ok(self.subquery_expr(bound, SubqueryKind::Array, ty))
    }

    fn only_column(&self, bound: &Bound, pos: usize) -> Result<SqlType> {
        match &bound.columns[..] {
            [one] => Ok(self.column_type(one.id)),
            _ => Err(Error::new(SqlState::SYNTAX_ERROR, "subquery must return only one column").at(pos)),
        }
    }

    pub fn transform_in_subquery(
        &mut self,
        negated: bool,
        arg: &ast::Expr,
        query: &ast::Query,
        pos: usize,
    ) -> Result<Expr> {
        let test = self.quantify(&OperatorName::plain("=", pos), false, arg, query, pos)?;
        Ok(if negated { Expr::not(test) } else { test })
    }

    pub fn transform_quantified(
        &mut self,
        op: &OperatorName,
        all: bool,
        left: &ast::Expr,
        right: &ast::Quantified,
        pos: usize,
    ) -> Result<Expr> {
        match right {
            ast::Quantified::Subquery(query) => self.quantify(op, all, left, query, pos),
            ast::Quantified::Array(array) => {
                let left = self.operand(left)?;
                let array = self.operand(array)?;
                self.make_any_all(op, all, left, array, pos)
            }
        }
    }

    /// `left op ANY|ALL (query)`.
    fn quantify(
        &mut self,
        op: &OperatorName,
        all: bool,
        left: &ast::Expr,
        query: &ast::Query,
        pos: usize,
    ) -> Result<Expr> {
        let mut bound = self.bind_sublink(query, pos)?;
        let left = match &left.kind {
            ExprKind::Row { fields, .. } => self.operands(fields)?,
            _ => vec![self.operand(left)?],
        };
        check_widths(left.len(), bound.columns.len(), pos)?;
        let types: Vec<SqlType> = bound.columns.iter().map(|c| self.column_type(c.id)).collect();
        let mut quantified = Quantified { left: Vec::new(), ops: Vec::new(), test: RowTest::Every, all };
        let mut wanted = Vec::with_capacity(types.len());
        for (left, &right) in left.into_iter().zip(&types) {
            let resolved = resolve_operator(&op.name, Some(left.expr.ty()), right).map_err(|e| e.at(pos))?;
            if resolved.ret.oid != oid::BOOL {
                return Err(not_boolean(resolved.ret, pos));
            }
            quantified.left.push(self.coerce_argument(left.expr, resolved.left, left.pos)?);
            quantified.ops.push(resolved.op.function());
            wanted.push(resolved.right);
        }
        quantified.test = match (types.len(), row_comparison(&op.name)) {
            (1, _) => RowTest::Every,
            (_, Some(RowComparison::Every)) => RowTest::Every,
            (_, Some(RowComparison::Some)) => RowTest::Some,
            (_, Some(RowComparison::Order(order))) => RowTest::Order(order),
            (_, None) => return Err(uninterpretable(&op.name, pos)),
        };
        self.cast_columns(&mut bound, &wanted, CastContext::Implicit)?;
        Ok(self.subquery_expr(bound, SubqueryKind::Quantified(Box::new(quantified)), SqlType::BOOL))
    }

    /// `(a, b) op (SELECT x, y ...)`: the comparison becomes the one column of the subquery, which so gives NULL for no row
    /// and an error for more than one.
    pub fn transform_row_subquery(
        &mut self,
        op: &OperatorName,
        fields: &[ast::Expr],
        query: &ast::Query,
        pos: usize,
    ) -> Result<Expr> {
        let bound = self.bind_sublink(query, pos)?;
        let left = self.operands(fields)?;
        check_widths(left.len(), bound.columns.len(), pos)?;
        let right = bound.columns.iter().map(|c| Operand::new(self.column_expr(c.id), pos)).collect();
        let test = self.make_row_comparison(op, left, right, pos)?;
        let test = self.coerce_to_boolean(test, "row comparison", pos)?;
        let id = self.new_column("?column?", SqlType::BOOL, ColumnKind::Plain);
        self.state_mut(id).home += 1;
        let root = Rel::Project { input: Box::new(bound.rel), exprs: vec![(id, test)] };
        let id = self.add_subquery(root, vec![id]);
        Ok(Expr::Subquery { id, kind: SubqueryKind::Scalar, args: Vec::new(), ty: SqlType::BOOL })
    }

    /// A subquery of several columns as one row value, and the types of its fields: the source of
    /// `SET (a, b) = (SELECT ...)`.
    pub fn row_of_subquery(&mut self, query: &ast::Query, pos: usize) -> Result<(Expr, Vec<SqlType>)> {
        let bound = self.bind_sublink(query, pos)?;
        let fields: Vec<Expr> = bound.columns.iter().map(|c| self.column_expr(c.id)).collect();
        let types = fields.iter().map(Expr::ty).collect();
        let id = self.new_column("row", SqlType::RECORD, ColumnKind::Plain);
        self.state_mut(id).home += 1;
        let row = Expr::Row { fields, ty: SqlType::RECORD };
        let root = Rel::Project { input: Box::new(bound.rel), exprs: vec![(id, row)] };
        let id = self.add_subquery(root, vec![id]);
        Ok((Expr::Subquery { id, kind: SubqueryKind::Scalar, args: Vec::new(), ty: SqlType::RECORD }, types))
    }
}

fn check_widths(left: usize, right: usize, pos: usize) -> Result<()> {
    let message = match left.cmp(&right) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Less => "subquery has too many columns",
        std::cmp::Ordering::Greater => "subquery has too few columns",
    };
    Err(Error::new(SqlState::SYNTAX_ERROR, message).at(pos))
}

fn not_boolean(ty: SqlType, pos: usize) -> Error {
    let message = format!("row comparison operator must yield type boolean, not type {}", type_name(ty.oid));
    Error::new(SqlState::DATATYPE_MISMATCH, message).at(pos)
}
