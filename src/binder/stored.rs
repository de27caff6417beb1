//! Expressions that live outside of statements: defaults, checks, generated columns, index expressions and predicates,
//! ALTER COLUMN ... USING. Their columns are positions in the table's row, as [`Expr::Input`].

use super::clause::Clause;
use super::defaults::column_type;
use super::scope::{Item, ItemColumn, ItemKind, Level};
use super::state::{Binder, Environment, Parameters};
use super::view::without_position;
use crate::base::{Error, Result, SqlState};
use crate::catalog::{Column, Table};
use crate::expr::Expr;
use crate::parser::ast;
use crate::types::SqlType;

/// The value of a column's DEFAULT, of the column's type; NULL where there is none. It mentions no columns.
pub fn default_value(env: &Environment<'_>, table: &Table, column: &Column) -> Result<Expr> {
    let mut binder = Binder::new(*env, Parameters::Forbidden);
    binder.levels.push(Level::new(Clause::ColumnDefault));
    binder.column_default(table, column)
}

/// An expression kept with a table as source text: a check, an index expression or predicate, or (with
/// [`Clause::GeneratedColumn`]) the expression of a generated column, uncast. `Expr::Input { index }` is
/// `table.columns[index]`. Conditions are boolean.
pub fn table_expression(env: &Environment<'_>, table: &Table, source: &str, clause: Clause) -> Result<Expr> {
    let syntax = crate::parser::parse_expression(source)?;
    stored_expression(env, Some(table), &syntax, clause, None).map_err(without_position)
}

/// An expression of a DDL statement, over the columns of `table`, or over none. With `target`, a column's name and type, it
/// is cast as in an assignment to it.
pub fn stored_expression(
    env: &Environment<'_>,
    table: Option<&Table>,
    expr: &ast::Expr,
    clause: Clause,
    target: Option<(&str, SqlType)>,
) -> Result<Expr> {
    let mut binder = Binder::new(*env, Parameters::Forbidden);
    binder.levels.push(Level::new(clause));
    if let Some(table) = table {
        let item = binder.row_item(table);
        binder.level().items.push(item);
    }
    let bound = binder.transform_expr(expr)?;
    let pos = expr.location();
    let bound = match clause {
        Clause::CheckConstraint => binder.coerce_to_boolean(bound, "CHECK", pos)?,
        Clause::IndexPredicate | Clause::CopyWhere => binder.coerce_to_boolean(bound, "WHERE", pos)?,
        _ => bound,
    };
    match target {
        Some((column, ty)) => binder.cast_stored(bound, clause, column, ty, pos),
        None => binder.resolve_unknown(bound, pos),
    }
}

impl Binder<'_> {
    /// The table's row as the one name of a level.
    fn row_item(&mut self, table: &Table) -> Item {
        let column = |(index, c): (usize, &Column)| ItemColumn {
            name: c.name.as_str().into(),
            expr: Expr::Input { index, ty: column_type(c) },
        };
        let live = table.columns.iter().enumerate().filter(|(_, c)| !c.dropped);
        let columns: Vec<ItemColumn> = live.map(column).collect();
        self.add_item(table.name.as_str().into(), ItemKind::Subquery, columns, false)
    }

    fn cast_stored(&mut self, bound: Expr, clause: Clause, column: &str, ty: SqlType, pos: usize) -> Result<Expr> {
        if clause != Clause::AlterColumnTransform {
            return self.cast_default(bound, column, ty, pos);
        }
        self.coerce(bound, ty, crate::expr::CastContext::Assignment, pos)?.ok_or_else(|| {
            Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "result of USING clause for column \"{column}\" cannot be cast automatically to type {}",
                    self.type_name(ty)
                ),
            )
            .hint("You might need to add an explicit cast.")
        })
    }
}
