//! Inserts rows that come from outside a plan, as INSERT would: COPY FROM and CREATE TABLE AS.

use super::Operator;
use super::context::{Cx, ExecContext, Shared};
use super::modify::ModifyOp;
use crate::base::{Error, Result};
use crate::expr::{Expr, Selection};
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

/// Why a batch was not inserted.
pub struct InsertFailure {
    pub error: Error,
    /// The row of the batch that was in the way, if it was one.
    pub row: Option<usize>,
}

impl From<Error> for InsertFailure {
    fn from(error: Error) -> InsertFailure {
        InsertFailure { error, row: None }
    }
}

impl From<InsertFailure> for Error {
    fn from(failure: InsertFailure) -> Error {
        failure.error
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
) -> Result<u64, InsertFailure> {
    let mut shared = Shared::default();
    let mut exec = Vec::new();
    let mut cx = Cx::new(env, &[], &mut exec, &mut shared);
    let selected = match filter {
        Some(filter) => cx.select(filter, &batch)?,
        None => Selection::All,
    };
    let (batch, kept) = match selected {
        Selection::All => (batch, None),
        Selection::Nothing => return Ok(0),
        Selection::Some(keep) => (batch.filter(&keep), Some(keep)),
    };
    if batch.rows == 0 {
        return Ok(0);
    }
    let rows = batch.rows;
    let node = Arc::new(Insert {
        input: PreparedPlan::nothing().root,
        table: Arc::clone(table),
        alias: Arc::from(table.def.table.name.as_str()),
        conflict: None,
        returning: None,
    });
    let mut insert = ModifyOp::new(&node, Box::new(Given(Some(batch))));
    match insert.next(&mut cx) {
        Ok(_) => Ok(shared.affected),
        Err(error) => {
            let row = usize::try_from(shared.affected).ok().filter(|&at| at < rows);
            let row = match kept {
                Some(kept) => row.and_then(|at| kept.values().set_indices().nth(at)),
                None => row,
            };
            Err(InsertFailure { error, row })
        }
    }
}

impl ExecContext<'_> {
    /// The value of an expression that reads no input and has no sub-select.
    pub fn evaluate_row(&mut self, expr: &Expr) -> Result<crate::types::Datum> {
        let mut shared = Shared::default();
        let mut exec = Vec::new();
        Cx::new(self, &[], &mut exec, &mut shared).value(expr)
    }
}
