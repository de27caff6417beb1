//! MERGE (`transformMergeStmt`): the source joined to the target, and what is done with each row of that.

use super::clause::Clause;
use super::rel::{AccessMode, Join, JoinKind, Merge, MergeAction, MergeDeed, Rel};
use super::scope::{Level, set_lateral};
use super::select::Bound;
use super::state::Binder;
use super::update::TargetScan;
use super::view_target::Change;
use crate::base::{Error, Result, SqlState};
use crate::expr::Expr;
use crate::parser::ast::{self, ExprKind, InsertSource};
use std::sync::Arc;

impl Binder<'_> {
    pub fn bind_merge(&mut self, merge: &ast::Merge) -> Result<Bound> {
        self.levels.push(Level::new(Clause::Other));
        let result = self.transform_merge(merge);
        self.levels.pop();
        result
    }

    fn transform_merge(&mut self, merge: &ast::Merge) -> Result<Bound> {
        self.read_only = false;
        check_reachable(&merge.whens)?;
        let ctes = self.transform_with(merge.with.as_ref())?;
        let named = self.open_target(&merge.relation.name)?;
        if named.is_view() {
            let message = format!("cannot execute MERGE on relation \"{}\"", named.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                .detail("This operation is not supported for views."));
        }
        let mut target = self.open_target_scan(&merge.relation.name, merge.alias.as_ref(), Change::Update)?;
        let scan = std::mem::replace(&mut target.rel, Rel::Unit);
        let input = self.join_source(merge, scan)?;
        let actions = merge.whens.iter().map(|w| self.merge_action(merge, w, &target)).collect::<Result<_>>()?;
        let rel = Rel::Merge(Box::new(Merge {
            table: target.table,
            alias: target.alias,
            input,
            key: target.key,
            old: target.row,
            actions,
        }));
        Ok(Bound { rel: self.wrap_ctes(ctes, rel), columns: Vec::new() })
    }

    /// The source beside the target; a row without a partner stays if something may be inserted for it.
    fn join_source(&mut self, merge: &ast::Merge, target: Rel) -> Result<Rel> {
        set_lateral(&mut self.level().items, true, false);
        let mut source = self.transform_from_item(&merge.source, &[])?;
        let name = &self.level_ref().items[0].name;
        if source.items.iter().any(|i| i.relation_visible && i.name == *name) {
            let message = format!("name \"{name}\" specified more than once");
            return Err(Error::new(SqlState::DUPLICATE_ALIAS, message)
                .detail("The name is used both as MERGE target table and data source."));
        }
        self.level().items.append(&mut source.items);
        set_lateral(&mut self.level().items, false, true);
        let on = self.transform_where(&merge.on, Clause::JoinOn, "JOIN/ON")?;
        let inserts = merge.whens.iter().any(|w| matches!(w.action, ast::MergeAction::Insert { .. }));
        Ok(Rel::Join(Join {
            kind: if inserts { JoinKind::Left } else { JoinKind::Inner },
            left: Box::new(source.rel),
            right: Box::new(target),
            on: Some(on),
            lateral: false,
        }))
    }

    fn merge_action(&mut self, merge: &ast::Merge, when: &ast::MergeWhen, target: &TargetScan) -> Result<MergeAction> {
        // What has no partner in the target cannot speak of it.
        let hidden = (!when.matched).then(|| self.level().items.remove(0));
        let result = self.visible_merge_action(merge, when, target);
        if let Some(item) = hidden {
            self.level().items.insert(0, item);
        }
        result
    }

    fn visible_merge_action(
        &mut self,
        merge: &ast::Merge,
        when: &ast::MergeWhen,
        target: &TargetScan,
    ) -> Result<MergeAction> {
        let condition = when.condition.as_ref();
        let condition = condition.map(|e| self.transform_where(e, Clause::MergeWhen, "WHEN")).transpose()?;
        let table = &target.table;
        let deed = match &when.action {
            ast::MergeAction::DoNothing => MergeDeed::Nothing,
            ast::MergeAction::Delete => {
                self.open_access(table.oid, AccessMode::Delete);
                MergeDeed::Delete
            }
            ast::MergeAction::Update(list) => {
                let access = self.open_access(table.oid, AccessMode::Update);
                let (assignments, rows) = self.transform_assignments(list, table, None, &target.row)?;
                if !rows.is_empty() {
                    return Err(Error::unsupported("setting several columns from one subquery in MERGE"));
                }
                for (position, _) in &assignments {
                    self.note_written(access, table.columns[*position].attnum);
                }
                MergeDeed::Update(assignments)
            }
            ast::MergeAction::Insert { columns, overriding, values } => {
                let insert = ast::Insert {
                    with: None,
                    relation: merge.relation.clone(),
                    alias: None,
                    columns: columns.clone(),
                    overriding: *overriding,
                    source: InsertSource::DefaultValues,
                    on_conflict: None,
                    returning: Vec::new(),
                };
                MergeDeed::Insert(self.merge_insert(&insert, values.as_deref(), table)?)
            }
        };
        Ok(MergeAction { matched: when.matched, condition, deed })
    }

    /// By position in the table: what is stored.
    fn merge_insert(
        &mut self,
        insert: &ast::Insert,
        values: Option<&[ast::Expr]>,
        table: &Arc<crate::catalog::Table>,
    ) -> Result<Vec<Option<Expr>>> {
        let access = self.open_access(table.oid, AccessMode::Insert);
        let columns = super::insert::insert_columns(table, None, insert)?;
        for &column in &columns {
            self.note_written(access, table.columns[column].attnum);
        }
        let row = values.unwrap_or_default();
        let outer = std::mem::replace(&mut self.level().clause, Clause::ValuesSingle);
        let given = self.transform_insert_row(insert, row, row.len(), table, &columns);
        self.level().clause = outer;
        let given = given?;
        for (value, &column) in row.iter().zip(&columns) {
            if !matches!(value.kind, ExprKind::Default) {
                super::insert::check_given(&table.columns[column], insert.overriding)?;
            }
        }
        self.row_values(table, &columns, given, insert.overriding)
    }
}

/// Behind an action without a condition none of its kind is reached.
fn check_reachable(whens: &[ast::MergeWhen]) -> Result<()> {
    for (i, when) in whens.iter().enumerate() {
        if whens[..i].iter().any(|w| w.matched == when.matched && w.condition.is_none()) {
            let message = "unreachable WHEN clause specified after unconditional WHEN clause";
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
    }
    Ok(())
}
