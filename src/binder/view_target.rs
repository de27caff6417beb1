//! Views that are changed like tables (`view_query_is_auto_updatable`, `rewriteTargetView`).
//!
//! A view of one table, or of such a view, stands for that table: a statement on it scans the table under the view's
//! conditions, and the view's columns are expressions over the table's. Those that are plainly a column of the table can be
//! assigned.

use super::clause::Clause;
use super::columns::apply_column_aliases;
use super::insert::undefined_target_column;
use super::rel::{AccessMode, Rel};
use super::scope::{Item, ItemColumn, ItemKind, Level};
use super::select::filter_rel;
use super::state::{Binder, ColumnKind, Environment, Parameters};
use super::target::Target;
use super::view::{parse_query, without_position};
use crate::base::{Error, Result, SqlState};
use crate::catalog::{PG_CATALOG, Relation, Table, TableKind, View};
use crate::expr::{ColId, Expr};
use crate::parser::ast::{self, QueryBody, TableRef};
use std::sync::Arc;

/// What a statement does to a view, for its errors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Insert,
    Update,
    Delete,
}

impl Change {
    pub fn access(self) -> AccessMode {
        match self {
            Change::Insert => AccessMode::Insert,
            Change::Update => AccessMode::Update,
            Change::Delete => AccessMode::Delete,
        }
    }

    /// 55000, as PostgreSQL has it without a rule or a trigger.
    fn refuse(self, view: &Table, reason: &str) -> Error {
        let (what, doing, event) = match self {
            Change::Insert => ("insert into", "inserting into", "INSERT"),
            Change::Update => ("update", "updating", "UPDATE"),
            Change::Delete => ("delete from", "deleting from", "DELETE"),
        };
        Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, format!("cannot {what} view \"{}\"", view.name))
            .detail(reason)
            .hint(format!(
                "To enable {doing} the view, provide an INSTEAD OF {event} trigger or an unconditional ON {event} DO INSTEAD \
                 rule."
            ))
    }
}

/// The columns of a view over those of its table.
#[derive(Clone)]
pub(super) struct ViewColumns {
    view: Arc<Table>,
    /// Name and value of each, and the position in the table of those that can be assigned.
    columns: Vec<(Arc<str>, Expr, Option<usize>)>,
}

impl ViewColumns {
    /// The position in the table of a column that is assigned.
    pub fn find(&self, name: &ast::Ident, change: Change) -> Result<usize> {
        let found = self.columns.iter().find(|(n, ..)| **n == *name.name);
        let (name, _, position) = found.ok_or_else(|| undefined_target_column(&self.view, name))?;
        position.ok_or_else(|| self.not_assignable(name, change))
    }

    /// The positions of the first columns, for an INSERT that lists none.
    pub fn first(&self, count: usize) -> Result<Vec<usize>> {
        let position = |(name, _, at): &(Arc<str>, Expr, Option<usize>)| {
            at.ok_or_else(|| self.not_assignable(name, Change::Insert))
        };
        self.columns.iter().take(count).map(position).collect()
    }

    fn not_assignable(&self, column: &str, change: Change) -> Error {
        let what = if change == Change::Insert { "insert into" } else { "update" };
        let message = format!("cannot {what} column \"{column}\" of view \"{}\"", self.view.name);
        Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
            .detail("View columns that are not columns of their base relation are not updatable.")
    }

    /// The columns as the view offers them, over another row of the table.
    pub fn over(&self, old: &[ColId], new: &[(ColId, usize)], binder: &Binder<'_>) -> Result<Vec<ItemColumn>> {
        let mut offered = Vec::with_capacity(self.columns.len());
        for (name, expr, _) in &self.columns {
            if expr.has_subquery() {
                return Err(Error::unsupported("returning a column of a view that is a sub-select"));
            }
            let expr = expr.clone().substitute(&mut |id| {
                let position = old.iter().position(|o| *o == id)?;
                new.iter().find(|(_, at)| *at == position).map(|(id, _)| binder.column_expr(*id))
            });
            offered.push(ItemColumn { name: name.clone(), expr });
        }
        Ok(offered)
    }
}

/// The columns of a view, and the table's row by position that they are over.
pub(super) struct ViewRow {
    pub columns: ViewColumns,
    pub row: Vec<ColId>,
}

/// A view opened to be changed.
pub(super) struct ViewTarget {
    /// The table behind it.
    pub table: Arc<Table>,
    /// Its rows that the view shows.
    pub rel: Rel,
    /// Its columns in `rel`, by position.
    pub row: Vec<ColId>,
    pub key: ColId,
    pub tableoid: ColId,
    pub columns: ViewColumns,
}

/// Whether the view can be changed like a table.
pub fn view_is_updatable(env: &Environment<'_>, view: &Arc<Table>) -> bool {
    let mut binder = Binder::new(*env, Parameters::Forbidden);
    binder.levels.push(Level::new(Clause::Other));
    binder.open_view_target(view, Change::Update).is_ok()
}

impl Binder<'_> {
    pub fn open_view_target(&mut self, view: &Arc<Table>, change: Change) -> Result<ViewTarget> {
        self.check_stack_depth()?;
        self.open_access(view.oid, change.access());
        let stored = view.view.as_ref().ok_or_else(|| Error::internal("a view without a query"))?;
        let query = parse_query(&stored.query)?;
        let select = simple_select(&query).map_err(|reason| change.refuse(view, reason))?;
        let role = if stored.security_invoker { self.acting_role } else { Some(view.owner) };
        let outer_role = std::mem::replace(&mut self.acting_role, role);
        let outer_path = std::mem::replace(&mut self.search_path, view_path(stored).into());
        let params = self.params.suspend();
        let mut level = Level::new(Clause::Other);
        level.isolated = true;
        self.levels.push(level);
        let result = self.transform_view_target(view, select, change);
        self.levels.pop();
        self.params.resume(params);
        self.search_path = outer_path;
        self.acting_role = outer_role;
        let target = result.map_err(without_position)?;
        let depth = self.depth();
        for id in target.row.iter().chain([&target.key, &target.tableoid]) {
            let state = self.state_mut(*id);
            (state.home, state.kind) = (depth, ColumnKind::Plain);
        }
        Ok(target)
    }

    /// The view's query, in a level of its own.
    fn transform_view_target(&mut self, view: &Arc<Table>, select: &ast::Select, change: Change) -> Result<ViewTarget> {
        let mut base = self.open_view_base(view, &select.from[0], change)?;
        let mut targets = self.transform_targets(&select.targets, Clause::SelectTarget)?;
        self.resolve_target_unknowns(&mut targets)?;
        let filter = select.filter.as_ref().map(|e| self.transform_where(e, Clause::Where, "WHERE")).transpose()?;
        let level = self.level_ref();
        if !level.aggregates.is_empty() {
            return Err(change.refuse(view, "Views that return aggregate functions are not automatically updatable."));
        }
        if !level.windows.is_empty() {
            return Err(change.refuse(view, "Views that return window functions are not automatically updatable."));
        }
        if !level.set_calls.is_empty() {
            let reason = "Views that return set-returning functions are not automatically updatable.";
            return Err(change.refuse(view, reason));
        }
        base.rel = filter_rel(base.rel, filter);
        base.columns = view_columns(view, targets, &base)?;
        let assignable = base.columns.columns.iter().any(|(.., position)| position.is_some());
        if !assignable && change != Change::Delete {
            return Err(change.refuse(view, "Views that have no updatable columns are not automatically updatable."));
        }
        Ok(base)
    }

    /// What the view selects from, put into its level's namespace.
    fn open_view_base(&mut self, view: &Arc<Table>, from: &TableRef, change: Change) -> Result<ViewTarget> {
        let refusal = "Views that do not select from a single table or view are not automatically updatable.";
        let TableRef::Relation { relation, alias, sample } = from else { return Err(change.refuse(view, refusal)) };
        if sample.is_some() {
            return Err(change.refuse(view, "Views containing TABLESAMPLE are not automatically updatable."));
        }
        let table = match self.open_relation(&relation.name)? {
            Relation::Table(table) if matches!(table.kind, TableKind::Table | TableKind::View) => table,
            _ => return Err(change.refuse(view, refusal)),
        };
        let name: Arc<str> = alias.as_ref().map_or(table.name.as_str(), |a| &a.name).into();
        let (base, mut item) = match table.kind {
            TableKind::View => {
                let base = self.open_view_target(&table, change)?;
                let item = self.view_item(&base, &table, name, alias.as_ref())?;
                (base, item)
            }
            _ => self.open_view_table(table, name, alias.as_ref(), change)?,
        };
        item.target = false;
        self.level().items.push(item);
        Ok(base)
    }

    fn open_view_table(
        &mut self,
        table: Arc<Table>,
        name: Arc<str>,
        alias: Option<&ast::Alias>,
        change: Change,
    ) -> Result<(ViewTarget, Item)> {
        self.open_access(table.oid, change.access());
        self.lenient.push(self.access.len());
        let mut scanned = self.scan_table(table.clone(), name, alias)?;
        let item = scanned.items.remove(0);
        let (Some(key), Some(tableoid)) = (item.key, item.tableoid) else {
            return Err(Error::internal("a scan without a key"));
        };
        self.wanted.push(key);
        let Rel::Scan(scan) = &scanned.rel else { return Err(Error::internal("a target that is not scanned")) };
        let columns = scan.columns.clone();
        let row = self.by_position(&table, &columns);
        let columns = ViewColumns { view: table.clone(), columns: Vec::new() };
        Ok((ViewTarget { table, rel: scanned.rel, row, key, tableoid, columns }, item))
    }

    /// The view under its name, its columns being values of the table's row.
    pub fn view_item(
        &mut self,
        target: &ViewTarget,
        view: &Arc<Table>,
        name: Arc<str>,
        alias: Option<&ast::Alias>,
    ) -> Result<Item> {
        let column =
            |(name, expr, _): &(Arc<str>, Expr, Option<usize>)| ItemColumn { name: name.clone(), expr: expr.clone() };
        let mut offered: Vec<ItemColumn> = target.columns.columns.iter().map(column).collect();
        apply_column_aliases(&mut offered, alias, "table")?;
        let mut item = self.add_item(name, ItemKind::View(view.clone()), offered, alias.is_some());
        item.schema = alias.is_none().then_some(view.schema);
        item.key = Some(target.key);
        item.tableoid = Some(target.tableoid);
        Ok(item)
    }
}

fn view_path(view: &View) -> Vec<crate::base::Oid> {
    let mut path = view.search_path.clone();
    if !path.contains(&PG_CATALOG) {
        path.insert(0, PG_CATALOG);
    }
    path
}

/// The query's one SELECT, or why a view of it cannot be changed.
fn simple_select(query: &ast::Query) -> std::result::Result<&ast::Select, &'static str> {
    let QueryBody::Select(select) = &query.body else {
        return Err(match &query.body {
            QueryBody::SetOp(_) => "Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable.",
            _ => "Views that do not select from a single table or view are not automatically updatable.",
        });
    };
    if select.distinct.is_some() {
        return Err("Views containing DISTINCT are not automatically updatable.");
    }
    if !select.group_by.is_empty() {
        return Err("Views containing GROUP BY are not automatically updatable.");
    }
    if select.having.is_some() {
        return Err("Views containing HAVING are not automatically updatable.");
    }
    if query.with.is_some() {
        return Err("Views containing WITH are not automatically updatable.");
    }
    if query.limit.is_some() || query.offset.is_some() {
        return Err("Views containing LIMIT or OFFSET are not automatically updatable.");
    }
    if select.from.len() != 1 {
        return Err("Views that do not select from a single table or view are not automatically updatable.");
    }
    Ok(select)
}

/// The view's columns by the names that the catalog has for them.
fn view_columns(view: &Arc<Table>, targets: Vec<Target>, base: &ViewTarget) -> Result<ViewColumns> {
    let live: Vec<_> = view.live_columns().collect();
    if live.len() != targets.len() {
        return Err(Error::internal(format!("view \"{}\" does not fit its query", view.name)));
    }
    let column = |(column, target): (&crate::catalog::Column, Target)| {
        let position = match &target.expr {
            Expr::Column { id, .. } => base.row.iter().position(|r| r == id),
            _ => None,
        };
        (Arc::from(column.name.as_str()), target.expr, position)
    };
    let columns = live.into_iter().zip(targets).map(column).collect();
    Ok(ViewColumns { view: view.clone(), columns })
}
