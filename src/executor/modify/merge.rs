//! MERGE: what is done with a row of the join is the first action of its kind, matched or not, whose condition holds. Within a
//! batch the actions run one after another; each row is in one of them, and the target rows are each changed only once.

use super::super::Cx;
use super::delete::delete_rows;
use super::update::update_rows;
use super::{Again, Modification, Work, generate, rows_of};
use crate::base::Result;
use crate::expr::{Expr, Selection};
use crate::planner::definitions::Definition;
use crate::planner::plan::{Merge, MergeAction, MergeDeed};
use crate::types::Batch;
use arrow_array::cast::AsArray;
use arrow_array::{Array, UInt32Array};
use std::sync::Arc;

impl Modification for Merge {
    fn table(&self) -> &Arc<Definition> {
        &self.table
    }

    fn change(&self, cx: &mut Cx<'_>, work: &mut Work, batch: Batch) -> Result<()> {
        let keys = batch.columns[self.key_column].as_binary_view();
        for matched in [true, false] {
            let rows = (0..batch.rows).filter(|&i| keys.is_valid(i) == matched).map(|i| i as u32);
            let rows = batch.take(&rows.collect::<UInt32Array>());
            merge_rows(cx, self, work, rows, matched)?;
        }
        Ok(())
    }
}

/// Rows that all have a partner in the target, or all none.
fn merge_rows(cx: &mut Cx<'_>, node: &Merge, work: &mut Work, mut rows: Batch, matched: bool) -> Result<()> {
    for action in node.actions.iter().filter(|a| a.matched == matched) {
        if rows.rows == 0 {
            break;
        }
        let (chosen, others) = divide(cx, action, rows)?;
        if chosen.rows > 0 {
            act(cx, node, work, &action.deed, &chosen)?;
        }
        rows = others;
    }
    Ok(())
}

/// The rows that the action is for, and the others.
fn divide(cx: &mut Cx<'_>, action: &MergeAction, rows: Batch) -> Result<(Batch, Batch)> {
    let Some(condition) = &action.condition else { return Ok((rows, Batch::default())) };
    Ok(match cx.select(condition, &rows)? {
        Selection::All => (rows, Batch::default()),
        Selection::Nothing => (Batch::default(), rows),
        Selection::Some(keep) => {
            let others = (0..rows.rows).filter(|&i| !(keep.is_valid(i) && keep.value(i))).map(|i| i as u32);
            (rows.filter(&keep), rows.take(&others.collect::<UInt32Array>()))
        }
    })
}

fn act(cx: &mut Cx<'_>, node: &Merge, work: &mut Work, deed: &MergeDeed, rows: &Batch) -> Result<()> {
    match deed {
        MergeDeed::Nothing => Ok(()),
        MergeDeed::Delete => {
            delete_rows(cx, &node.table, &node.old, node.key_column, work, rows, Again::Refused).map(drop)
        }
        MergeDeed::Update(set) => {
            update_rows(cx, &node.table, &node.old, set, node.key_column, work, rows, Again::Refused).map(drop)
        }
        MergeDeed::Insert(values) => insert_rows(cx, node, work, values, rows),
    }
}

fn insert_rows(cx: &mut Cx<'_>, node: &Merge, work: &mut Work, values: &[Expr], rows: &Batch) -> Result<()> {
    let def = &node.table.def;
    let mut new = Batch::new(cx.arrays(values, rows)?, rows.rows);
    generate(cx, &node.table, &mut new)?;
    for row in rows_of(&new.columns, &def.types, new.rows) {
        let key = cx.with_rows(|txn, ev| def.insert(txn, ev, &row, &mut work.rechecks))?;
        work.events.inserted(&key, &row);
        cx.shared.affected += 1;
    }
    Ok(())
}
