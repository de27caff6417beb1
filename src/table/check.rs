//! NOT NULL and CHECK, and how rows and keys are shown in the details of errors.

use super::def::{IndexDef, KeySource, TableDef};
use super::evaluate::RowEvaluator;
use crate::base::{Error, Result, SqlState};
use crate::catalog::{Constraint, KeyPart};
use crate::types::{Datum, DatumRef, FormatContext, SqlType, write_text};

/// Values are cut to this many bytes in a failing row's description.
const SHOWN_BYTES: usize = 64;

impl TableDef {
    /// Errors: 23502, 23514.
    pub(super) fn check_row(&self, row: &[Datum], rows: &mut RowEvaluator<'_, '_, '_>) -> Result<()> {
        if let Some(&at) = self.not_null.iter().find(|&&at| row[at].is_null()) {
            return Err(self.null_violation(at, row, rows.cx.format));
        }
        for check in &self.checks {
            // NULL passes.
            if matches!(rows.evaluate(&check.condition, row)?, Datum::Bool(false)) {
                let message = format!(
                    "new row for relation \"{}\" violates check constraint \"{}\"",
                    self.table.name, check.name
                );
                return Err(Error::new(SqlState::CHECK_VIOLATION, message)
                    .detail(self.failing_row(row, rows.cx.format))
                    .table(&*self.schema, &self.table.name)
                    .constraint(&check.name));
            }
        }
        Ok(())
    }

    fn null_violation(&self, at: usize, row: &[Datum], format: &FormatContext) -> Error {
        let column = &self.table.columns[at].name;
        let message = format!(
            "null value in column \"{column}\" of relation \"{}\" violates not-null constraint",
            self.table.name
        );
        Error::new(SqlState::NOT_NULL_VIOLATION, message)
            .detail(self.failing_row(row, format))
            .table(&*self.schema, &self.table.name)
            .column(column)
    }

    /// `Failing row contains (1, null, abc).`
    pub fn failing_row(&self, row: &[Datum], format: &FormatContext) -> String {
        let mut shown = Vec::new();
        for ((column, ty), value) in self.table.columns.iter().zip(&self.types).zip(row) {
            if !column.dropped {
                let mut text = show(*ty, value.as_ref(), format);
                if text.len() > SHOWN_BYTES {
                    let mut end = SHOWN_BYTES;
                    while !text.is_char_boundary(end) {
                        end -= 1;
                    }
                    text.truncate(end);
                    text.push_str("...");
                }
                shown.push(text);
            }
        }
        format!("Failing row contains ({}).", shown.join(", "))
    }

    /// `(a, b)=(1, x)`, of columns of the table.
    pub fn show_columns(&self, positions: &[usize], values: &[DatumRef<'_>], format: &FormatContext) -> String {
        let names: Vec<&str> = positions.iter().map(|&at| self.table.columns[at].name.as_str()).collect();
        let texts: Vec<String> =
            positions.iter().zip(values).map(|(&at, &v)| show(self.types[at], v, format)).collect();
        format!("({})=({})", names.join(", "), texts.join(", "))
    }

    /// `(lower(a), b)=(x, 1)`, of an index's key.
    fn show_key(&self, index: &IndexDef, row: &[Datum], rows: &mut RowEvaluator<'_, '_, '_>) -> Result<String> {
        let mut names = Vec::new();
        let mut texts = Vec::new();
        for ((key, source), column) in index.index.keys.iter().zip(&index.sources).zip(&index.columns) {
            let value = match source {
                KeySource::Column(at) => row[*at].clone(),
                KeySource::Expr(expr) => rows.evaluate(expr, row)?,
            };
            texts.push(show(column.ty, value.as_ref(), rows.cx.format));
            names.push(match &key.part {
                KeyPart::Column(n) => self.table.columns[super::def::position(*n)].name.clone(),
                KeyPart::Expression { display, .. } => display.clone(),
            });
        }
        Ok(format!("({})=({})", names.join(", "), texts.join(", ")))
    }

    /// 23505 for a row whose key in `index` is taken.
    pub(super) fn unique_violation(
        &self,
        index: &IndexDef,
        row: &[Datum],
        rows: &mut RowEvaluator<'_, '_, '_>,
    ) -> Error {
        let name = &index.index.name;
        let message = format!("duplicate key value violates unique constraint \"{name}\"");
        match self.show_key(index, row, rows) {
            Ok(key) => self.unique_error(message, format!("Key {key} already exists."), name),
            Err(error) => error,
        }
    }

    /// 23505 for an index that cannot be built.
    pub(super) fn duplicate_in_build(
        &self,
        index: &IndexDef,
        row: &[Datum],
        rows: &mut RowEvaluator<'_, '_, '_>,
    ) -> Error {
        let name = &index.index.name;
        let message = format!("could not create unique index \"{name}\"");
        match self.show_key(index, row, rows) {
            Ok(key) => self.unique_error(message, format!("Key {key} is duplicated."), name),
            Err(error) => error,
        }
    }

    fn unique_error(&self, message: String, detail: String, constraint: &str) -> Error {
        Error::new(SqlState::UNIQUE_VIOLATION, message)
            .detail(detail)
            .table(&*self.schema, &self.table.name)
            .constraint(constraint)
    }

    /// 23503 for a child row without a parent. `parent` is the parent's name.
    pub fn missing_parent(
        &self,
        constraint: &Constraint,
        positions: &[usize],
        values: &[DatumRef<'_>],
        parent: &str,
        format: &FormatContext,
    ) -> Error {
        let message = format!(
            "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
            self.table.name, constraint.name
        );
        let key = self.show_columns(positions, values, format);
        Error::new(SqlState::FOREIGN_KEY_VIOLATION, message)
            .detail(format!("Key {key} is not present in table \"{parent}\"."))
            .table(&*self.schema, &self.table.name)
            .constraint(&constraint.name)
    }

    /// 23503 for a parent row (of this table) that a row of `child` refers to.
    pub fn still_referenced(
        &self,
        constraint: &Constraint,
        positions: &[usize],
        values: &[DatumRef<'_>],
        child: &TableDef,
        format: &FormatContext,
    ) -> Error {
        let message = format!(
            "update or delete on table \"{}\" violates foreign key constraint \"{}\" on table \"{}\"",
            self.table.name, constraint.name, child.table.name
        );
        let key = self.show_columns(positions, values, format);
        Error::new(SqlState::FOREIGN_KEY_VIOLATION, message)
            .detail(format!("Key {key} is still referenced from table \"{}\".", child.table.name))
            .table(&*child.schema, &child.table.name)
            .constraint(&constraint.name)
    }
}

fn show(ty: SqlType, value: DatumRef<'_>, format: &FormatContext) -> String {
    if value.is_null() {
        return "null".into();
    }
    let mut out = Vec::new();
    write_text(&mut out, ty, value, format);
    String::from_utf8_lossy(&out).into_owned()
}
