//! LIMIT, OFFSET and WITH TIES.
//!
//! What is below learns how many rows are still wanted ([`Cx::batch_rows`]), so that it neither computes nor locks more.

use super::key_table::Keys;
use super::{BATCH_ROWS, BoxOperator, Cx, Operator};
use crate::base::{Error, Result, SqlState};
use crate::expr::Expr;
use crate::planner::plan::Limit;
use crate::types::{Batch, Datum};
use std::sync::Arc;

pub(crate) struct LimitOp {
    node: Arc<Limit>,
    input: BoxOperator,
    state: Option<State>,
}

struct State {
    skip: u64,
    /// None: all.
    left: Option<u64>,
    /// WITH TIES: the key of the last counted row, once the count is reached.
    last: Option<Vec<u8>>,
    done: bool,
}

impl LimitOp {
    pub fn new(node: &Arc<Limit>, input: BoxOperator) -> LimitOp {
        LimitOp { node: Arc::clone(node), input, state: None }
    }

    fn begin(&self, cx: &mut Cx<'_>) -> Result<State> {
        let skip = count(cx, &self.node.offset, SqlState::INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE, "OFFSET")?;
        let left = count(cx, &self.node.count, SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT")?;
        Ok(State { skip: skip.unwrap_or(0), left, last: None, done: left == Some(0) })
    }

    fn key_of(&self, cx: &mut Cx<'_>, batch: &Batch) -> Result<Keys> {
        let ties = self.node.ties.as_deref().unwrap_or_default();
        let columns = ties.iter().map(|k| cx.array(&k.expr, batch)).collect::<Result<Vec<_>>>()?;
        let types: Vec<_> = ties.iter().map(|k| k.expr.ty()).collect();
        let mut keys = Keys::default();
        keys.encode(&columns, &types, batch.rows);
        Ok(keys)
    }
}

/// The value of LIMIT or OFFSET; NULL is none.
pub(crate) fn count(cx: &mut Cx<'_>, expr: &Option<Expr>, code: SqlState, what: &str) -> Result<Option<u64>> {
    let Some(expr) = expr else { return Ok(None) };
    match cx.value(expr)? {
        Datum::Null => Ok(None),
        Datum::Int8(n) if n >= 0 => Ok(Some(n as u64)),
        Datum::Int4(n) if n >= 0 => Ok(Some(n as u64)),
        Datum::Int2(n) if n >= 0 => Ok(Some(n as u64)),
        _ => Err(Error::new(code, format!("{what} must not be negative"))),
    }
}

impl Operator for LimitOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        if self.state.is_none() {
            self.state = Some(self.begin(cx)?);
        }
        loop {
            let state = self.state.as_ref().expect("begun");
            if state.done {
                return Ok(None);
            }
            let with_ties = self.node.ties.is_some();
            let wanted = match state.left {
                Some(left) if !with_ties => {
                    usize::try_from(left.saturating_add(state.skip)).unwrap_or(BATCH_ROWS).clamp(1, cx.batch_rows)
                }
                _ => cx.batch_rows,
            };
            let Some(mut batch) = cx.pull(&mut self.input, wanted)? else {
                self.state.as_mut().expect("begun").done = true;
                return Ok(None);
            };
            let state = self.state.as_mut().expect("begun");
            if state.skip >= batch.rows as u64 {
                state.skip -= batch.rows as u64;
                continue;
            }
            if state.skip > 0 {
                let skip = std::mem::take(&mut state.skip) as usize;
                batch = batch.slice(skip, batch.rows - skip);
            }
            let Some(left) = state.left else { return Ok(Some(batch)) };
            if let Some(out) = self.cut(cx, batch, left)? {
                return Ok(Some(out));
            }
        }
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.state = None;
        self.input.rewind(cx)
    }

    fn is_done(&self) -> bool {
        self.state.as_ref().is_some_and(|s| s.done)
    }

    fn recycle(&mut self) -> bool {
        self.state = None;
        self.input.recycle()
    }
}

impl LimitOp {
    /// The part of the batch that still belongs to the result.
    fn cut(&mut self, cx: &mut Cx<'_>, batch: Batch, left: u64) -> Result<Option<Batch>> {
        let rows = batch.rows as u64;
        if rows < left || (rows == left && self.node.ties.is_none()) {
            let state = self.state.as_mut().expect("begun");
            state.left = Some(left - rows);
            state.done = left == rows;
            return Ok(Some(batch));
        }
        if self.node.ties.is_none() {
            self.state.as_mut().expect("begun").done = true;
            return Ok(Some(batch.slice(0, left as usize)));
        }
        let keys = self.key_of(cx, &batch)?;
        let state = self.state.as_mut().expect("begun");
        if left > 0 {
            state.last = Some(keys.get(left as usize - 1).to_vec());
            state.left = Some(0);
        }
        let last = state.last.as_deref().expect("the count is reached");
        let end = (left as usize..batch.rows).find(|&i| keys.get(i) != last).unwrap_or(batch.rows);
        state.done = end < batch.rows;
        Ok((end > 0).then(|| batch.slice(0, end)))
    }
}
