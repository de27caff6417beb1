//! Work on the rows of a table whose definition changes: checking them, filling an index, writing them anew.

use super::DdlContext;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{Catalog, Index, Table, Unclustered};
use crate::expr::{EvalContext, Expr};
use crate::planner::definitions::Definition;
use crate::table::{self, RowEvaluator};
use crate::txn::Txn;
use crate::types::{Datum, SqlType};
use std::sync::Arc;

/// What becomes of each row when a table is written anew.
pub enum Rows {
    AsTheyAre,
    /// New values for some positions, over the old row.
    Computed(Vec<(usize, Expr)>),
}

impl DdlContext<'_> {
    fn definition(&self, table: Oid) -> Result<Arc<Definition>> {
        self.definitions.by_oid(&self.now(), table)
    }

    /// Lends the transaction and the evaluator side by side.
    pub(super) fn with_eval<T>(&mut self, work: impl FnOnce(&mut Txn, &mut EvalContext<'_>) -> Result<T>) -> Result<T> {
        let mut slots = Vec::new();
        let mut cx = EvalContext {
            params: &[],
            exec: &mut slots,
            format: self.format,
            host: self.host,
            subplans: None,
            state: self.eval,
            cancelled: self.cancelled,
            statement_us: self.statement_us,
            transaction_us: self.transaction_us,
        };
        work(self.txn, &mut cx)
    }
}

/// Fills an index that is in the catalog already.
pub fn fill_index(cx: &mut DdlContext<'_>, table: Oid, index: Oid) -> Result<()> {
    let definition = cx.definition(table)?;
    let at = definition.def.index_at(index).ok_or_else(|| Error::internal("the new index is not in the catalog"))?;
    cx.with_eval(|txn, eval| definition.def.build_index(txn, eval, at))
}

/// Error: 23502 when a row has NULL in one of the columns.
pub fn check_not_null(cx: &mut DdlContext<'_>, table: &Table, attnums: &[i16]) -> Result<()> {
    let definition = cx.definition(table.oid)?;
    for attnum in attnums {
        let at = *attnum as usize - 1;
        if table.columns[at].not_null {
            continue;
        }
        let found = cx.with_eval(|txn, eval| definition.def.find_row(txn, eval, |_, row| Ok(row[at].is_null())))?;
        if found.is_some() {
            let name = &table.columns[at].name;
            return Err(Error::new(
                SqlState::NOT_NULL_VIOLATION,
                format!("column \"{name}\" of relation \"{}\" contains null values", table.name),
            )
            .table(definition.def.schema.to_string(), &table.name)
            .column(name));
        }
    }
    Ok(())
}

/// Error: 23514 when a row fails the condition.
pub fn check_rows(cx: &mut DdlContext<'_>, table: &Table, condition: &Expr, name: &str) -> Result<()> {
    let definition = cx.definition(table.oid)?;
    let found = cx.with_eval(|txn, eval| {
        definition.def.find_row(txn, eval, |eval, row| {
            Ok(matches!(RowEvaluator::new(&definition.def, eval).evaluate(condition, row)?, Datum::Bool(false)))
        })
    })?;
    match found {
        None => Ok(()),
        Some(_) => Err(Error::new(
            SqlState::CHECK_VIOLATION,
            format!("check constraint \"{name}\" of relation \"{}\" is violated by some row", table.name),
        )
        .table(definition.def.schema.to_string(), &table.name)
        .constraint(name)),
    }
}

/// Puts `changed` in the place of `table`, with its rows written into new trees. `added` are indexes that it did not
/// have; all others are filled anew.
///
/// Errors: 23505, 23502, 23514 from the rows, and whatever computing them raises.
pub fn rewrite(
    cx: &mut DdlContext<'_>,
    table: &Arc<Table>,
    changed: Table,
    added: Vec<Index>,
    rows: Rows,
) -> Result<()> {
    let old = cx.definition(table.oid)?;
    let kept = cx.now().indexes_of(table.oid).to_vec();
    let mut indexes: Vec<Arc<Index>> = Vec::new();
    let (fresh, fresh_indexes) = table::fresh_trees(cx.txn, &changed, &kept)?;
    indexes.extend(fresh_indexes.into_iter().map(Arc::new));
    for mut index in added {
        index.tree = fresh.tree;
        indexes.push(Arc::new(index));
    }
    cx.catalog.put(cx.txn, Arc::new(fresh))?;
    for index in indexes {
        cx.catalog.put(cx.txn, index)?;
    }
    let new = cx.definition(table.oid)?;
    copy_rows(cx, &old, &new, &rows)
}

/// Writes the rows of a table that lost its primary key into the trees that it has now; the old ones go.
pub fn unclustered(cx: &mut DdlContext<'_>, before: &Catalog, lost: &Unclustered) -> Result<()> {
    let old = cx.definitions.get(before, &lost.table)?;
    let new = cx.definition(lost.table.oid)?;
    copy_rows(cx, &old, &new, &Rows::AsTheyAre)?;
    lost.old_trees.iter().try_for_each(|tree| cx.txn.drop_tree(*tree))
}

fn copy_rows(cx: &mut DdlContext<'_>, old: &Definition, new: &Definition, rows: &Rows) -> Result<()> {
    cx.with_eval(|txn, eval| {
        new.def.rewrite_from(txn, eval, &old.def, |eval, mut row| {
            if let Rows::Computed(values) = rows {
                let computed = values
                    .iter()
                    .map(|(at, e)| Ok((*at, RowEvaluator::new(&old.def, eval).evaluate(e, &row)?)))
                    .collect::<Result<Vec<_>>>()?;
                row.resize(new.def.types.len(), Datum::Null);
                for (at, value) in computed {
                    row[at] = value;
                }
            }
            row.resize(new.def.types.len(), Datum::Null);
            for (at, e) in &new.generated {
                let value = RowEvaluator::new(&new.def, eval).evaluate(e, &row)?;
                row[*at] = value;
            }
            Ok(row)
        })
    })
}

/// The type of a column.
pub fn column_type(table: &Table, at: usize) -> SqlType {
    SqlType::with_typmod(table.columns[at].type_oid, table.columns[at].typmod)
}
