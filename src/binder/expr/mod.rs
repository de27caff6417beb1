//! Expressions (`parse_expr.c`): from syntax to typed trees.
//!
//! One function here dispatches on the form; each family of forms has a file. Literals stay of type `unknown` until
//! something gives them a type.

mod array;
mod call;
mod cast;
mod conditional;
mod invoke;
mod literal;
mod operator;
mod predicate;
mod row;
mod special;
mod subquery;

pub(super) use call::{Callee, call_fields, returns_row};
pub(super) use cast::check_collation;
pub(super) use invoke::Applied;
pub(super) use operator::Operand;

use super::clause::Clause;
use super::state::Binder;
use crate::base::{Error, Result, SqlState};
use crate::expr::Expr;
use crate::parser::ast::{self, ExprKind};

impl Binder<'_> {
    /// An expression of the given clause.
    pub fn transform_expr_in(&mut self, expr: &ast::Expr, clause: Clause) -> Result<Expr> {
        let outer = std::mem::replace(&mut self.level().clause, clause);
        let result = self.transform_expr(expr);
        self.level().clause = outer;
        result
    }

    /// An expression of the clause that the level is at (`transformExprRecurse`).
    pub fn transform_expr(&mut self, expr: &ast::Expr) -> Result<Expr> {
        self.check_stack_depth()?;
        let pos = expr.pos;
        match &expr.kind {
            ExprKind::Column(column) => self.transform_column_ref(column, pos),
            ExprKind::Param(number) => self.param_reference(*number, pos),
            ExprKind::Const(constant) => self.transform_constant(constant, pos),
            ExprKind::TypeCast { arg, target, .. } => self.transform_cast(arg, target, pos),
            ExprKind::Op { op, left: Some(left), right } => self.transform_binary(op, left, right, pos),
            ExprKind::Op { op, left: None, right } => self.transform_prefix(op, right, pos),
            ExprKind::And(list) => Ok(Expr::And(self.transform_conditions(list, "AND")?)),
            ExprKind::Or(list) => Ok(Expr::Or(self.transform_conditions(list, "OR")?)),
            ExprKind::Not(arg) => Ok(Expr::not(self.transform_condition(arg, "NOT")?)),
            ExprKind::Like { kind, negated, arg, pattern, escape } => {
                self.transform_like(*kind, *negated, arg, pattern, escape.as_deref(), pos)
            }
            ExprKind::Between { negated, symmetric, arg, low, high } => {
                self.transform_between(*negated, *symmetric, [arg, low, high], pos)
            }
            ExprKind::InList { negated, arg, list } => self.transform_in_list(*negated, arg, list, pos),
            ExprKind::InSubquery { negated, arg, query } => self.transform_in_subquery(*negated, arg, query, pos),
            ExprKind::Quantified { op, all, left, right } => self.transform_quantified(op, *all, left, right, pos),
            ExprKind::IsNull { negated, arg } => self.transform_null_test(*negated, arg),
            ExprKind::IsBool { negated, test, arg } => self.transform_bool_test(*negated, *test, arg),
            ExprKind::IsDistinctFrom { negated, left, right } => self.transform_distinct(*negated, left, right, pos),
            ExprKind::IsNormalized { negated, form, arg } => self.transform_is_normalized(*negated, *form, arg, pos),
            ExprKind::Overlaps { left, right } => self.transform_overlaps(left, right, pos),
            ExprKind::AtTimeZone { arg, zone } => self.call_builtin("timezone", &[zone, arg], pos),
            ExprKind::Collate { arg, collation } => self.transform_collate(arg, collation, pos),
            ExprKind::Subquery(query) => self.transform_scalar_subquery(query, pos),
            ExprKind::Exists(query) => self.transform_exists(query, pos),
            ExprKind::ArraySubquery(query) => self.transform_array_subquery(query, pos),
            ExprKind::Array(items) => self.transform_array(items, None, pos),
            ExprKind::Row { fields, .. } => self.transform_row(fields, pos),
            ExprKind::Case(case) => self.transform_case(case, pos),
            ExprKind::Coalesce(args) => self.transform_coalesce(args),
            ExprKind::NullIf(left, right) => self.transform_nullif(left, right, pos),
            ExprKind::Greatest(args) => self.transform_minmax(args, true, pos),
            ExprKind::Least(args) => self.transform_minmax(args, false, pos),
            ExprKind::Function(call) => self.transform_function(call, pos),
            ExprKind::Special(special) => self.transform_special(special, pos),
            ExprKind::SqlValue { function, precision } => self.transform_sql_value(*function, *precision, pos),
            ExprKind::Indirection { arg, steps } => self.transform_indirection(arg, steps, pos),
            ExprKind::Grouping(args) => self.transform_grouping(args, pos),
            ExprKind::Default => {
                Err(Error::new(SqlState::SYNTAX_ERROR, "DEFAULT is not allowed in this context").at(pos))
            }
            ExprKind::CurrentOf(_) => Err(Error::unsupported("WHERE CURRENT OF").at(pos)),
            ExprKind::Xml(_) | ExprKind::IsDocument { .. } => Err(Error::unsupported("XML").at(pos)),
        }
    }

    /// A condition of the clause (`transformWhereClause`); `construct` is what errors call it.
    pub fn transform_where(&mut self, expr: &ast::Expr, clause: Clause, construct: &str) -> Result<Expr> {
        let bound = self.transform_expr_in(expr, clause)?;
        self.coerce_to_boolean(bound, construct, expr.location())
    }

    fn transform_condition(&mut self, expr: &ast::Expr, construct: &str) -> Result<Expr> {
        let bound = self.transform_expr(expr)?;
        self.coerce_to_boolean(bound, construct, expr.location())
    }

    fn transform_conditions(&mut self, list: &[ast::Expr], construct: &str) -> Result<Vec<Expr>> {
        list.iter().map(|e| self.transform_condition(e, construct)).collect()
    }
}
