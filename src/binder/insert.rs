//! INSERT (`transformInsertStmt`, `rewriteTargetListIU`).

use super::clause::Clause;
use super::defaults::{column_type, refuse_generated, refuse_identity};
use super::expr::Operand;
use super::rel::{AccessMode, Insert, Rel};
use super::scope::{Item, ItemKind, Level};
use super::select::Bound;
use super::state::{Binder, ColumnKind};
use super::values::check_row_width;
use super::view_target::{Change, ViewRow};
use crate::base::{Error, Result, SqlState};
use crate::catalog::{Column, Identity, Relation, Table, TableKind};
use crate::expr::{CastContext, ColId, Expr};
use crate::parser::ast::{self, ExprKind, InsertSource, Overriding, QueryBody};
use crate::types::oid;
use std::sync::Arc;

/// The values that a statement gives: a relation and, by position in the insert's column list, what becomes of a row of
/// it. None where the statement says DEFAULT.
struct Source {
    rel: Rel,
    given: Vec<Option<Expr>>,
}

/// Which part of a column is assigned: nothing to step into is the whole.
#[derive(Clone, Copy)]
pub(super) struct Part<'s> {
    steps: &'s [ast::Indirection],
    pos: usize,
}

impl<'s> Part<'s> {
    const WHOLE: Part<'static> = Part { steps: &[], pos: 0 };

    pub fn of(target: &'s ast::AssignTarget) -> Part<'s> {
        Part { steps: &target.steps, pos: target.column.pos }
    }
}

impl Binder<'_> {
    pub fn bind_insert(&mut self, insert: &ast::Insert) -> Result<Bound> {
        self.levels.push(Level::new(Clause::Other));
        let result = self.transform_insert(insert);
        self.levels.pop();
        result
    }

    fn transform_insert(&mut self, insert: &ast::Insert) -> Result<Bound> {
        self.read_only = false;
        let ctes = self.transform_with(insert.with.as_ref())?;
        let named = self.open_target(&insert.relation.name)?;
        let (table, view) = match named.is_view() {
            true => {
                let target = self.open_view_target(&named, Change::Insert)?;
                (target.table, Some(ViewRow { columns: target.columns, row: target.row }))
            }
            false => (named.clone(), None),
        };
        let access = self.open_access(table.oid, AccessMode::Insert);
        let columns = insert_columns(&table, view.as_ref(), insert)?;
        for &column in &columns {
            self.note_written(access, table.columns[column].attnum);
        }
        let alias: Arc<str> = insert.alias.as_ref().map_or(named.name.as_str(), |a| &a.name).into();
        let (item, row, tableoid) = self.target_item(&named, &table, view.as_ref(), &alias, insert.alias.is_some())?;
        let source = match &insert.source {
            InsertSource::DefaultValues => Source { rel: Rel::Unit, given: Vec::new() },
            InsertSource::Query(query) => self.transform_insert_source(insert, query, &table, &columns)?,
        };
        let values = self.row_values(&table, &columns, source.given, insert.overriding)?;
        self.level().items.push(item);
        let on_conflict = match &insert.on_conflict {
            Some(conflict) => Some(self.transform_on_conflict(conflict, &table, view.as_ref(), &row)?),
            None => None,
        };
        let (returning, columns) = self.transform_returning(&insert.returning)?;
        let wanted = self.wanted.contains(&tableoid).then_some(tableoid);
        let alias = if view.is_some() { table.name.as_str().into() } else { alias };
        let rel = Rel::Insert(Box::new(Insert {
            table,
            alias,
            source: source.rel,
            values,
            on_conflict,
            row,
            tableoid: wanted,
            returning,
        }));
        Ok(Bound { rel: self.wrap_ctes(ctes, rel), columns })
    }

    /// The table or view that a statement changes (`setTargetTable`).
    pub fn open_target(&mut self, name: &ast::RelationName) -> Result<Arc<Table>> {
        let wrong = |message: String| Error::new(SqlState::WRONG_OBJECT_TYPE, message);
        match self.open_relation(name)? {
            Relation::Table(table) => match table.kind {
                TableKind::Table | TableKind::View => Ok(table),
                TableKind::MaterializedView => {
                    Err(wrong(format!("cannot change materialized view \"{}\"", table.name)))
                }
                TableKind::Composite => Err(wrong(format!("\"{}\" is a composite type", table.name)).at(name.pos)),
                TableKind::Partitioned => Err(Error::unsupported("partitioned tables").at(name.pos)),
            },
            Relation::System(table) => Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied: \"{}\" is a system catalog", table.name),
            )),
            Relation::Sequence(sequence) => Err(wrong(format!("cannot change sequence \"{}\"", sequence.name))),
            Relation::Index(index) => Err(wrong(format!("\"{}\" is an index", index.name)).at(name.pos)),
        }
    }

    fn transform_insert_source(
        &mut self,
        insert: &ast::Insert,
        query: &ast::Query,
        table: &Arc<Table>,
        columns: &[usize],
    ) -> Result<Source> {
        let plain = query.with.is_none()
            && query.order_by.is_empty()
            && query.limit.is_none()
            && query.offset.is_none()
            && query.locking.is_empty();
        match &query.body {
            QueryBody::Values(rows) if plain => self.transform_insert_values(insert, rows, table, columns),
            _ => self.transform_insert_query(insert, query, table, columns),
        }
    }

    /// INSERT ... SELECT.
    fn transform_insert_query(
        &mut self,
        insert: &ast::Insert,
        query: &ast::Query,
        table: &Arc<Table>,
        columns: &[usize],
    ) -> Result<Source> {
        // The query must not see the level's namespace, which is the target's; there is nothing in it yet.
        let mut bound = self.bind_query(query, false)?;
        self.rehome(&bound);
        check_count(insert, bound.columns.len(), columns, bound.columns.get(columns.len()).map(|c| c.pos), false)?;
        let mut given = Vec::with_capacity(bound.columns.len());
        for (i, &target) in columns.iter().enumerate().take(bound.columns.len()) {
            let (id, pos) = (bound.columns[i].id, bound.columns[i].pos);
            if self.column_type(id).oid == oid::UNKNOWN {
                let ty = column_type(&table.columns[target]).bare();
                self.cast_columns_one(&mut bound, i, ty)?;
            }
            let column = self.column_expr(bound.columns[i].id);
            let part = insert.columns.get(i).map_or(Part::WHOLE, Part::of);
            given.push(Some(self.assign(column, pos, &table.columns[target], part, None)?));
        }
        Ok(Source { rel: bound.rel, given })
    }

    /// INSERT ... VALUES: each value goes straight to its column's type, and may be DEFAULT.
    fn transform_insert_values(
        &mut self,
        insert: &ast::Insert,
        rows: &[Vec<ast::Expr>],
        table: &Arc<Table>,
        columns: &[usize],
    ) -> Result<Source> {
        let clause = if rows.len() == 1 { Clause::ValuesSingle } else { Clause::Values };
        let width = rows.first().map_or(0, Vec::len);
        let mut values: Vec<Vec<Option<Expr>>> = Vec::with_capacity(rows.len());
        let outer = std::mem::replace(&mut self.level().clause, clause);
        for row in rows {
            values.push(self.transform_insert_row(insert, row, width, table, columns)?);
        }
        self.level().clause = outer;
        self.insert_values_source(values, table, columns, insert.overriding)
    }

    /// `transformInsertRow`.
    pub fn transform_insert_row(
        &mut self,
        insert: &ast::Insert,
        row: &[ast::Expr],
        width: usize,
        table: &Arc<Table>,
        columns: &[usize],
    ) -> Result<Vec<Option<Expr>>> {
        let mut operands: Vec<Option<Operand>> = Vec::with_capacity(row.len());
        for expr in row {
            if self.is_star(expr) {
                let targets = self.expand_star(expr)?;
                operands.extend(targets.into_iter().map(|t| Some(Operand::new(t.expr, t.pos))));
            } else if matches!(expr.kind, ExprKind::Default) {
                operands.push(None);
            } else {
                operands.push(Some(self.operand(expr)?));
            }
        }
        if operands.len() == row.len() {
            check_row_width(row.len(), width, row)?;
        }
        let surplus = operands.get(columns.len()).map(|o| o.as_ref().map_or(row[0].pos, |o| o.pos));
        let looks_like_row = matches!(row, [ast::Expr { kind: ExprKind::Row { fields, .. }, .. }]
            if fields.len() == columns.len());
        check_count(insert, operands.len(), columns, surplus, looks_like_row)?;
        let mut values = Vec::with_capacity(operands.len());
        for (i, operand) in operands.into_iter().enumerate() {
            let column = &table.columns[columns[i]];
            values.push(match operand {
                None => None,
                Some(operand) => {
                    let part = insert.columns.get(i).map_or(Part::WHOLE, Part::of);
                    Some(self.assign(operand.expr, operand.pos, column, part, None)?)
                }
            });
        }
        Ok(values)
    }

    fn insert_values_source(
        &mut self,
        mut values: Vec<Vec<Option<Expr>>>,
        table: &Arc<Table>,
        columns: &[usize],
        overriding: Option<Overriding>,
    ) -> Result<Source> {
        let width = values.first().map_or(0, Vec::len);
        let mut ids = Vec::with_capacity(width);
        let mut given = Vec::with_capacity(width);
        for i in 0..width {
            let column = &table.columns[columns[i]];
            if values.iter().all(|row| row[i].is_none()) {
                given.push(None);
                continue;
            }
            check_given(column, overriding)?;
            let defaulted = values.iter().any(|row| row[i].is_none());
            if defaulted {
                for row in values.iter_mut().filter(|row| row[i].is_none()) {
                    row[i] = Some(self.column_default(table, column)?);
                }
            }
            let id = self.new_column(column.name.as_str(), column_type(column), ColumnKind::Plain);
            ids.push((i, id));
            given.push(Some(self.column_expr(id)));
        }
        let rows: Vec<Vec<Expr>> =
            values.into_iter().map(|mut row| ids.iter().filter_map(|(i, _)| row[*i].take()).collect()).collect();
        let sets = std::mem::take(&mut self.level().set_calls);
        let ids: Vec<ColId> = ids.into_iter().map(|(_, id)| id).collect();
        if sets.is_empty() {
            return Ok(Source { rel: Rel::Values { columns: ids, rows }, given });
        }
        // A set-returning function in the one row of VALUES makes as many rows as it gives.
        let row = rows.into_iter().next().unwrap_or_default();
        let rel = self.project_sets(Rel::Unit, sets);
        let exprs = ids.into_iter().zip(row).collect();
        Ok(Source { rel: Rel::Project { input: Box::new(rel), exprs }, given })
    }

    /// By position in the table: what is stored for a row of the source.
    pub fn row_values(
        &mut self,
        table: &Arc<Table>,
        columns: &[usize],
        given: Vec<Option<Expr>>,
        overriding: Option<Overriding>,
    ) -> Result<Vec<Option<Expr>>> {
        let mut values: Vec<Option<Expr>> = table.columns.iter().map(|_| None).collect();
        for (&target, value) in columns.iter().zip(given) {
            let Some(value) = value else { continue };
            let column = &table.columns[target];
            check_given(column, overriding)?;
            if column.identity.is_some() && overriding == Some(Overriding::User) {
                continue;
            }
            values[target] = Some(value);
        }
        for (i, column) in table.columns.iter().enumerate() {
            if values[i].is_none() && !column.dropped && column.generated.is_none() {
                values[i] = Some(self.column_default(table, column)?);
            }
        }
        Ok(values)
    }

    /// The target table as an item whose columns are the stored row's. The source does not see it.
    fn target_item(
        &mut self,
        named: &Arc<Table>,
        table: &Arc<Table>,
        view: Option<&ViewRow>,
        alias: &Arc<str>,
        aliased: bool,
    ) -> Result<(Item, Vec<ColId>, ColId)> {
        let access = self.open_access(table.oid, AccessMode::Select);
        self.lenient.push(access);
        let columns = self.table_columns(table, alias, access);
        let tableoid = self.new_relation_column(alias, "tableoid", crate::types::SqlType::OID);
        let (offered, kind) = match view {
            Some(view) => (view.columns.over(&view.row, &columns, self)?, ItemKind::View(named.clone())),
            None => (self.item_columns(&columns), ItemKind::Table(table.clone())),
        };
        let mut item = self.add_item(alias.clone(), kind, offered, aliased);
        item.schema = (!aliased).then_some(named.schema);
        item.tableoid = Some(tableoid);
        item.target = true;
        let row = self.by_position(table, &columns);
        Ok((item, row, tableoid))
    }

    /// The ids of a table's columns by position, fresh ones for the dropped.
    pub fn by_position(&mut self, table: &Table, columns: &[(ColId, usize)]) -> Vec<ColId> {
        let mut ids = Vec::with_capacity(table.columns.len());
        for (i, column) in table.columns.iter().enumerate() {
            let found = columns.iter().find(|(_, at)| *at == i).map(|(id, _)| *id);
            ids.push(match found {
                Some(id) => id,
                None => self.new_column("dropped", column_type(column), ColumnKind::Plain),
            });
        }
        ids
    }

    /// `transformAssignedExpr`: the value as the column's type, or a part of the column replaced. `old` is the column's value
    /// so far, none in INSERT.
    pub fn assign(
        &mut self,
        value: Expr,
        pos: usize,
        column: &Column,
        part: Part<'_>,
        old: Option<Expr>,
    ) -> Result<Expr> {
        let ty = column_type(column);
        if !part.steps.is_empty() {
            return self.assign_part(value, pos, column, part, old);
        }
        let from = value.ty();
        self.coerce(value, ty, CastContext::Assignment, pos)?.ok_or_else(|| {
            Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "column \"{}\" is of type {} but expression is of type {}",
                    column.name,
                    self.type_name(ty),
                    self.type_name(from)
                ),
            )
            .hint("You will need to rewrite or cast the expression.")
            .at(pos)
        })
    }

    /// `a[1] = value` (`transformAssignmentIndirection`).
    fn assign_part(
        &mut self,
        value: Expr,
        pos: usize,
        column: &Column,
        part: Part<'_>,
        old: Option<Expr>,
    ) -> Result<Expr> {
        let steps = part.steps;
        if steps.iter().any(|s| matches!(s, ast::Indirection::Field(_) | ast::Indirection::Star)) {
            return Err(Error::unsupported("assignment to a field of a row").at(pos));
        }
        let ty = column_type(column);
        let element = self.subscriptable(ty, part.pos)?;
        let (indexes, slice) = self.transform_indexes(steps)?;
        let wanted = if slice { ty } else { element };
        let from = value.ty();
        let value = self.coerce(value, wanted, CastContext::Assignment, pos)?.ok_or_else(|| {
            Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "subscripted assignment to \"{}\" requires type {} but expression is of type {}",
                    column.name,
                    self.type_name(wanted),
                    self.type_name(from)
                ),
            )
            .hint("You will need to rewrite or cast the expression.")
            .at(pos)
        })?;
        let arg = Box::new(old.unwrap_or_else(|| Expr::null(ty)));
        Ok(Expr::SubscriptAssign { arg, indexes, value: Box::new(value), ty })
    }

    fn cast_columns_one(&mut self, bound: &mut Bound, column: usize, ty: crate::types::SqlType) -> Result<()> {
        let wanted: Vec<_> = bound
            .columns
            .iter()
            .enumerate()
            .map(|(i, c)| if i == column { ty } else { self.column_type(c.id) })
            .collect();
        self.cast_columns(bound, &wanted, CastContext::Assignment)
    }
}

/// The positions of the columns that the statement fills (`checkInsertTargets`).
pub(super) fn insert_columns(table: &Table, view: Option<&ViewRow>, insert: &ast::Insert) -> Result<Vec<usize>> {
    let list = &insert.columns[..];
    if let (Some(view), true) = (view, list.is_empty()) {
        return view.columns.first(match &insert.source {
            InsertSource::Query(query) => match &query.body {
                QueryBody::Values(rows) => rows.first().map_or(0, Vec::len),
                _ => usize::MAX,
            },
            InsertSource::DefaultValues => 0,
        });
    }
    if list.is_empty() {
        return Ok((0..table.columns.len()).filter(|&i| !table.columns[i].dropped).collect());
    }
    let mut columns = Vec::with_capacity(list.len());
    for (i, target) in list.iter().enumerate() {
        let position = match view {
            Some(view) => view.columns.find(&target.column, Change::Insert)?,
            None => find_column(table, &target.column)?,
        };
        let whole_twice = list[..i]
            .iter()
            .any(|t| t.column.name == target.column.name && (t.steps.is_empty() || target.steps.is_empty()));
        if whole_twice {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{}\" specified more than once", target.column),
            )
            .at(target.column.pos));
        }
        if columns.contains(&position) {
            return Err(Error::unsupported("several parts of one column in INSERT").at(target.column.pos));
        }
        columns.push(position);
    }
    Ok(columns)
}

/// The position of a column that a statement writes.
pub(super) fn find_column(table: &Table, name: &ast::Ident) -> Result<usize> {
    let found = table.columns.iter().position(|c| !c.dropped && c.name == name.name);
    found.ok_or_else(|| undefined_target_column(table, name))
}

pub(super) fn undefined_target_column(table: &Table, name: &ast::Ident) -> Error {
    let message = format!("column \"{name}\" of relation \"{}\" does not exist", table.name);
    Error::new(SqlState::UNDEFINED_COLUMN, message).at(name.pos)
}

fn check_count(
    insert: &ast::Insert,
    given: usize,
    columns: &[usize],
    surplus: Option<usize>,
    looks_like_row: bool,
) -> Result<()> {
    if given > columns.len() {
        let error = Error::new(SqlState::SYNTAX_ERROR, "INSERT has more expressions than target columns");
        return Err(match surplus {
            Some(pos) => error.at(pos),
            None => error,
        });
    }
    // Without a column list the columns at the end may be left out.
    if given < columns.len() && !insert.columns.is_empty() {
        let error = Error::new(SqlState::SYNTAX_ERROR, "INSERT has more target columns than expressions")
            .at(insert.columns[given].column.pos);
        return Err(if looks_like_row {
            error.hint(
                "The insertion source is a row expression containing the same number of columns expected by the INSERT. \
                 Did you accidentally use extra parentheses?",
            )
        } else {
            error
        });
    }
    Ok(())
}

/// Whether a column may be given a value other than DEFAULT.
pub(super) fn check_given(column: &Column, overriding: Option<Overriding>) -> Result<()> {
    if column.generated.is_some() {
        return Err(refuse_generated(column, false));
    }
    if column.identity == Some(Identity::Always) && overriding.is_none() {
        return Err(refuse_identity(column, false));
    }
    Ok(())
}
