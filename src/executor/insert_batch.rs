//! Inserts rows that come from outside a plan, as INSERT would: COPY FROM and CREATE TABLE AS.

use super::Operator;
use super::context::{Cx, ExecContext, Shared};
use super::modify::InsertOp;
use crate::base::{Error, Result};
use crate::expr::Expr;
use crate::planner::definitions::Definition;
use crate::planner::plan::{Insert, PreparedPlan};
use crate::types::Batch;
use std::sync::Arc;

/// Rows that are there already.
struct Given(Option<Batch>);

impl Operator for Given {
    fn next(&mut self, _cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        Ok(self.0.take())
    }

    fn rewind(&mut self, _cx: &mut Cx<'_>) -> Result<()> {
        Err(Error::internal("given rows cannot be read twice"))
    }
}

/// Inserts the rows of a batch that satisfy `filter`; columns are in the order of the table's. Returns how many.
///
/// Errors: those of INSERT, waits and restarts included: the caller undoes the statement and calls again.
pub fn insert_batch(
    env: &mut ExecContext<'_>,
    table: &Arc<Definition>,
    filter: Option<&Expr>,
    batch: Batch,
) -> Result<u64> {
    let mut shared = Shared::default();
    let mut exec = Vec::new();
    let mut cx = Cx::new(env, &[], &mut exec, &mut shared);
    let batch = match filter {
        Some(filter) => cx.filter(filter, batch)?,
        None => batch,
    };
    if batch.rows == 0 {
        return Ok(0);
    }
    let node = Arc::new(Insert {
        input: PreparedPlan::nothing().root,
        table: Arc::clone(table),
        alias: Arc::from(table.def.table.name.as_str()),
        conflict: None,
        returning: None,
    });
    let mut insert = InsertOp::new(&node, Box::new(Given(Some(batch))));
    insert.next(&mut cx)?;
    Ok(shared.affected)
}

impl ExecContext<'_> {
    /// The value of an expression that reads no input and has no sub-select.
    pub fn evaluate_row(&mut self, expr: &Expr) -> Result<crate::types::Datum> {
        let mut shared = Shared::default();
        let mut exec = Vec::new();
        Cx::new(self, &[], &mut exec, &mut shared).value(expr)
    }
}
