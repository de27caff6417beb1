//! UPDATE (`transformUpdateStmt`, `transformUpdateTargetList`).

use super::clause::Clause;
use super::defaults::{column_type, refuse_generated, refuse_identity};
use super::insert::{Part, find_column};
use super::rel::{AccessMode, Rel, Update};
use super::scope::{Item, ItemColumn, Level, set_lateral};
use super::select::{Bound, filter_rel};
use super::state::{Binder, ColumnKind};
use super::view_target::{Change, ViewColumns};
use crate::base::{Error, Result, SqlState};
use crate::catalog::{Column, Identity, Table};
use crate::expr::{ColId, Expr};
use crate::parser::ast::{self, AssignTarget, Assignment, ExprKind};
use crate::types::SqlType;
use std::rc::Rc;
use std::sync::Arc;

/// Position in the table, and the new value.
pub(super) type Assignments = Vec<(usize, Expr)>;

/// The table that a statement changes, opened as the first item of its FROM.
pub(super) struct TargetScan {
    pub table: Arc<Table>,
    pub alias: Arc<str>,
    pub rel: Rel,
    pub key: ColId,
    pub tableoid: ColId,
    /// By position in the table.
    pub row: Vec<ColId>,
    /// The view that the statement names instead of the table.
    pub view: Option<ViewColumns>,
}

/// The values of one side of SET, while they are being gathered.
struct Setter<'t> {
    table: &'t Arc<Table>,
    view: Option<&'t ViewColumns>,
    /// The old row, by position.
    row: &'t [ColId],
    assignments: Assignments,
    /// Rows of subqueries that several columns are set from: computed once for each row.
    rows: Vec<(ColId, Expr)>,
}

impl Setter<'_> {
    fn find(&self, target: &AssignTarget) -> Result<usize> {
        match self.view {
            Some(view) => view.find(&target.column, Change::Update),
            None => find_column(self.table, &target.column),
        }
    }
}

impl Binder<'_> {
    pub fn bind_update(&mut self, update: &ast::Update) -> Result<Bound> {
        self.levels.push(Level::new(Clause::Other));
        let result = self.transform_update(update);
        self.levels.pop();
        result
    }

    fn transform_update(&mut self, update: &ast::Update) -> Result<Bound> {
        self.read_only = false;
        let ctes = self.transform_with(update.with.as_ref())?;
        let mut target = self.open_target_scan(&update.relation.name, update.alias.as_ref(), Change::Update)?;
        let access = self.open_access(target.table.oid, AccessMode::Update);
        let scan = std::mem::replace(&mut target.rel, Rel::Unit);
        let rel = self.join_target(scan, &update.from)?;
        let filter = update.filter.as_ref().map(|e| self.transform_where(e, Clause::Where, "WHERE")).transpose()?;
        let (assignments, rows) =
            self.transform_assignments(&update.assignments, &target.table, target.view.as_ref(), &target.row)?;
        for (position, _) in &assignments {
            self.note_written(access, target.table.columns[*position].attnum);
        }
        let (new, tableoid) = self.replace_target_row(&target)?;
        let (returning, columns) = self.transform_returning(&update.returning)?;
        let mut input = filter_rel(rel, filter);
        if !rows.is_empty() {
            input = self.add_columns(input, rows);
        }
        let wanted = self.wanted.contains(&tableoid).then_some(tableoid);
        let rel = Rel::Update(Box::new(Update {
            table: target.table,
            alias: target.alias,
            input,
            key: target.key,
            old: target.row,
            assignments,
            new,
            tableoid: wanted,
            returning,
        }));
        Ok(Bound { rel: self.wrap_ctes(ctes, rel), columns })
    }

    /// Scans the target; it is the first name of the level.
    pub fn open_target_scan(
        &mut self,
        name: &ast::RelationName,
        alias: Option<&ast::Alias>,
        change: Change,
    ) -> Result<TargetScan> {
        let table = self.open_target(name)?;
        if table.is_view() {
            return self.open_view_scan(table, alias, change);
        }
        let alias_name: Arc<str> = alias.map_or(table.name.as_str(), |a| &a.name).into();
        self.lenient.push(self.access.len());
        let mut scanned = self.scan_table(table.clone(), alias_name.clone(), alias)?;
        let mut item = scanned.items.remove(0);
        item.target = true;
        let (Some(key), Some(tableoid)) = (item.key, item.tableoid) else {
            return Err(Error::internal("a scan without a key"));
        };
        self.wanted.push(key);
        self.level().items.push(item);
        let Rel::Scan(scan) = &scanned.rel else { return Err(Error::internal("a target that is not scanned")) };
        let columns = scan.columns.clone();
        let row = self.by_position(&table, &columns);
        Ok(TargetScan { table, alias: alias_name, rel: scanned.rel, key, tableoid, row, view: None })
    }

    fn open_view_scan(&mut self, view: Arc<Table>, alias: Option<&ast::Alias>, change: Change) -> Result<TargetScan> {
        let target = self.open_view_target(&view, change)?;
        let name: Arc<str> = alias.map_or(view.name.as_str(), |a| &a.name).into();
        let mut item = self.view_item(&target, &view, name, alias)?;
        item.target = true;
        self.level().items.push(item);
        Ok(TargetScan {
            alias: target.table.name.as_str().into(),
            table: target.table,
            rel: target.rel,
            key: target.key,
            tableoid: target.tableoid,
            row: target.row,
            view: Some(target.columns),
        })
    }

    /// The target beside the FROM or USING items, which do not see it laterally.
    pub fn join_target(&mut self, target: Rel, from: &[ast::TableRef]) -> Result<Rel> {
        set_lateral(&mut self.level().items, true, false);
        let mut rel = Some(target);
        for table in from {
            rel = Some(self.add_from_item(rel, table, &[])?);
        }
        set_lateral(&mut self.level().items, false, true);
        rel.ok_or_else(|| Error::internal("a statement without a target"))
    }

    /// RETURNING sees the new row under the target's name.
    fn replace_target_row(&mut self, target: &TargetScan) -> Result<(Vec<ColId>, ColId)> {
        let TargetScan { table, alias, tableoid: old, .. } = target;
        let access = self.open_access(table.oid, AccessMode::Select);
        self.lenient.push(access);
        let columns = self.table_columns(table, alias, access);
        let tableoid = self.new_relation_column(alias, "tableoid", SqlType::OID);
        let names: Vec<Arc<str>> = self.level_ref().items[0].columns.iter().map(|c| c.name.clone()).collect();
        let fresh = match &target.view {
            Some(view) => view.over(&target.row, &columns, self)?,
            None => self.item_columns(&columns),
        };
        let offered: Vec<ItemColumn> =
            fresh.into_iter().zip(names).map(|(c, name)| ItemColumn { name, expr: c.expr }).collect();
        let item: &mut Item = &mut self.level().items[0];
        debug_assert_eq!(item.tableoid, Some(*old));
        item.columns = Rc::new(offered);
        item.tableoid = Some(tableoid);
        item.key = None;
        Ok((self.by_position(table, &columns), tableoid))
    }

    /// A projection that adds computed columns.
    fn add_columns(&mut self, rel: Rel, added: Vec<(ColId, Expr)>) -> Rel {
        let produced = |id: &ColId| !self.optional.contains(id) || self.wanted.contains(id);
        let mut exprs: Vec<(ColId, Expr)> =
            rel.columns().into_iter().filter(produced).map(|id| (id, self.column_expr(id))).collect();
        exprs.extend(added);
        Rel::Project { input: Box::new(rel), exprs }
    }

    /// `SET a = x, (b, c) = ...`, and the subqueries' rows that the values refer to.
    pub fn transform_assignments(
        &mut self,
        list: &[Assignment],
        table: &Arc<Table>,
        view: Option<&ViewColumns>,
        row: &[ColId],
    ) -> Result<(Assignments, Vec<(ColId, Expr)>)> {
        let outer = std::mem::replace(&mut self.level().clause, Clause::UpdateSource);
        let mut setter = Setter { table, view, row, assignments: Vec::new(), rows: Vec::new() };
        for assignment in list {
            match assignment {
                Assignment::Single { target, value } => self.set_one(&mut setter, target, value)?,
                Assignment::Multi { targets, source } => self.set_several(&mut setter, targets, source)?,
            }
        }
        self.level().clause = outer;
        Ok((setter.assignments, setter.rows))
    }

    fn set_one(&mut self, setter: &mut Setter<'_>, target: &AssignTarget, value: &ast::Expr) -> Result<()> {
        let position = setter.find(target)?;
        if matches!(value.kind, ExprKind::Default) {
            return self.set_default(setter, target, position, value.pos);
        }
        let bound = self.transform_expr(value)?;
        self.set_value(setter, target, position, bound, value.location())
    }

    fn set_default(
        &mut self,
        setter: &mut Setter<'_>,
        target: &AssignTarget,
        position: usize,
        pos: usize,
    ) -> Result<()> {
        if !target.steps.is_empty() {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot set an array element to DEFAULT").at(pos));
        }
        let column = &setter.table.columns[position];
        check_single(setter, position, target)?;
        // A generated column is computed anyway.
        if column.generated.is_none() {
            // A view's column has no default of its own, and the table's is for INSERT only.
            let default = match setter.view {
                Some(_) => Expr::null(column_type(column)),
                None => self.column_default(setter.table, column)?,
            };
            setter.assignments.push((position, default));
        }
        Ok(())
    }

    fn set_value(
        &mut self,
        setter: &mut Setter<'_>,
        target: &AssignTarget,
        position: usize,
        value: Expr,
        pos: usize,
    ) -> Result<()> {
        let column: &Column = &setter.table.columns[position];
        if column.generated.is_some() {
            return Err(refuse_generated(column, true));
        }
        if column.identity == Some(Identity::Always) {
            return Err(refuse_identity(column, true));
        }
        let earlier = setter.assignments.iter().position(|(p, _)| *p == position);
        if target.steps.is_empty() {
            check_single(setter, position, target)?;
            let value = self.assign(value, pos, column, Part::of(target), None)?;
            setter.assignments.push((position, value));
            return Ok(());
        }
        // Several parts of one column are replaced one after the other.
        let old = match earlier {
            Some(i) if is_partial(&setter.assignments[i].1) => setter.assignments.remove(i).1,
            Some(_) => return Err(multiple(target)),
            None => self.column_expr(setter.row[position]),
        };
        let value = self.assign(value, pos, column, Part::of(target), Some(old))?;
        setter.assignments.push((position, value));
        Ok(())
    }

    /// `(a, b) = ROW(...)` or `(a, b) = (SELECT ...)`.
    fn set_several(&mut self, setter: &mut Setter<'_>, targets: &[AssignTarget], source: &ast::Expr) -> Result<()> {
        let mismatch = || {
            Error::new(SqlState::SYNTAX_ERROR, "number of columns does not match number of values")
                .at(source.location())
        };
        match &source.kind {
            ExprKind::Row { fields, .. } => {
                if fields.len() != targets.len() {
                    return Err(mismatch());
                }
                targets.iter().zip(fields).try_for_each(|(t, f)| self.set_one(setter, t, f))
            }
            ExprKind::Subquery(query) => {
                let (row, types) = self.row_of_subquery(query, source.pos)?;
                if types.len() != targets.len() {
                    return Err(mismatch());
                }
                let id = self.new_column("row", SqlType::RECORD, ColumnKind::Plain);
                setter.rows.push((id, row));
                for (index, (target, ty)) in targets.iter().zip(types).enumerate() {
                    let position = setter.find(target)?;
                    let value = Expr::Field { arg: Box::new(self.column_expr(id)), index, ty };
                    self.set_value(setter, target, position, value, source.location())?;
                }
                Ok(())
            }
            _ => Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
            )
            .at(source.location())),
        }
    }
}

fn is_partial(value: &Expr) -> bool {
    matches!(value, Expr::SubscriptAssign { .. })
}

fn multiple(target: &AssignTarget) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, format!("multiple assignments to same column \"{}\"", target.column))
}

fn check_single(setter: &Setter<'_>, position: usize, target: &AssignTarget) -> Result<()> {
    match setter.assignments.iter().any(|(p, _)| *p == position) {
        true => Err(multiple(target)),
        false => Ok(()),
    }
}
