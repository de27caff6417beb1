//! What a column gets when a statement does not say: its default, its sequence, or NULL (`build_column_default`).

use super::clause::Clause;
use super::expr::Operand;
use super::scope::Level;
use super::state::Binder;
use super::view::without_position;
use crate::base::{Error, Result, SqlState};
use crate::catalog::{Column, PG_CATALOG, Table, UserType};
use crate::expr::{CastContext, Expr};
use crate::types::{Datum, SqlType};

/// A column's type as its values are stored.
pub(super) fn column_type(column: &Column) -> SqlType {
    SqlType::with_typmod(column.type_oid, column.typmod)
}

impl Binder<'_> {
    /// The value of DEFAULT for a column that is not generated.
    pub fn column_default(&mut self, table: &Table, column: &Column) -> Result<Expr> {
        let ty = column_type(column);
        if column.identity.is_some() {
            return self.identity_default(table, column);
        }
        match &column.default {
            Some(default) if column.generated.is_none() => {
                let source = default.source.clone();
                self.default_expr(&source, &column.name, ty).map_err(without_position)
            }
            _ => self.type_default(ty),
        }
    }

    /// The default of the type, which only domains have.
    fn type_default(&mut self, ty: SqlType) -> Result<Expr> {
        if let Some(UserType::Object(object)) = self.catalog().user_type(ty.oid) {
            return Err(Error::unsupported(format!("type {}", object.name)));
        }
        Ok(Expr::null(ty))
    }

    fn identity_default(&mut self, table: &Table, column: &Column) -> Result<Expr> {
        let owned = self.catalog().sequences_owned_by(table.oid, Some(column.attnum));
        let sequence = owned.into_iter().find(|s| s.owned_by.is_some_and(|o| o.identity));
        let sequence =
            sequence.ok_or_else(|| Error::internal(format!("identity column \"{}\" has no sequence", column.name)))?;
        let name = Expr::Const { value: Datum::Oid(sequence.oid.0), ty: SqlType::REGCLASS };
        let next = self.invoke_builtin("nextval", vec![Operand::new(name, 0)], 0)?;
        let ty = column_type(column);
        self.coerce(next, ty, CastContext::Assignment, 0)?
            .ok_or_else(|| Error::internal("an identity column is an integer"))
    }

    /// A default from its source text, cast to the column's type.
    pub fn default_expr(&mut self, source: &str, column: &str, ty: SqlType) -> Result<Expr> {
        let syntax = crate::parser::parse_expression(source)?;
        let mut level = Level::new(Clause::ColumnDefault);
        level.isolated = true;
        let params = self.params.suspend();
        let path = self.stored_path();
        let outer_path = std::mem::replace(&mut self.search_path, path);
        self.levels.push(level);
        let bound = self.transform_expr(&syntax);
        self.levels.pop();
        self.search_path = outer_path;
        self.params.resume(params);
        let bound = bound?;
        self.cast_default(bound, column, ty, syntax.location())
    }

    /// `cookDefault`'s coercion.
    pub fn cast_default(&mut self, bound: Expr, column: &str, ty: SqlType, pos: usize) -> Result<Expr> {
        let from = bound.ty();
        self.coerce(bound, ty, CastContext::Assignment, pos)?.ok_or_else(|| {
            Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "column \"{column}\" is of type {} but default expression is of type {}",
                    self.type_name(ty),
                    self.type_name(from)
                ),
            )
            .hint("You will need to rewrite or cast the expression.")
        })
    }

    /// Stored expressions do not record a search path: `pg_catalog` is looked at first, so that what they call stays what it
    /// was.
    fn stored_path(&self) -> std::sync::Arc<[crate::base::Oid]> {
        let mut path = vec![PG_CATALOG];
        path.extend(self.search_path.iter().copied().filter(|&s| s != PG_CATALOG));
        path.into()
    }
}

/// 428C9 for a generated column that is given a value.
pub(super) fn refuse_generated(column: &Column, update: bool) -> Error {
    let message = if update {
        format!("column \"{}\" can only be updated to DEFAULT", column.name)
    } else {
        format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name)
    };
    Error::new(SqlState::GENERATED_ALWAYS, message).detail(format!("Column \"{}\" is a generated column.", column.name))
}

/// 428C9 for GENERATED ALWAYS AS IDENTITY.
pub(super) fn refuse_identity(column: &Column, update: bool) -> Error {
    let message = if update {
        format!("column \"{}\" can only be updated to DEFAULT", column.name)
    } else {
        format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name)
    };
    let error = Error::new(SqlState::GENERATED_ALWAYS, message)
        .detail(format!("Column \"{}\" is an identity column defined as GENERATED ALWAYS.", column.name));
    if update { error } else { error.hint("Use OVERRIDING SYSTEM VALUE to override.") }
}
