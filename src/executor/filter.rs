//! Drops rows: by a condition on each, or all of them by a condition without columns.

use super::{BoxOperator, Cx, Operator};
use crate::base::Result;
use crate::planner::plan::{Filter, Gate};
use crate::types::Batch;
use std::sync::Arc;

pub(crate) struct FilterOp {
    node: Arc<Filter>,
    input: BoxOperator,
}

impl FilterOp {
    pub fn new(node: &Arc<Filter>, input: BoxOperator) -> FilterOp {
        FilterOp { node: Arc::clone(node), input }
    }
}

impl Operator for FilterOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        while let Some(batch) = self.input.next(cx)? {
            let batch = cx.filter(&self.node.condition, batch)?;
            if batch.rows > 0 {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.input.rewind(cx)
    }

    fn is_done(&self) -> bool {
        self.input.is_done()
    }

    fn recycle(&mut self) -> bool {
        self.input.recycle()
    }
}

pub(crate) struct GateOp {
    node: Arc<Gate>,
    input: BoxOperator,
    /// The condition's answer, once it was asked.
    open: Option<bool>,
}

impl GateOp {
    pub fn new(node: &Arc<Gate>, input: BoxOperator) -> GateOp {
        GateOp { node: Arc::clone(node), input, open: None }
    }
}

impl Operator for GateOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        let open = match self.open {
            Some(open) => open,
            None => *self.open.insert(cx.is_true(&self.node.condition)?),
        };
        if open { self.input.next(cx) } else { Ok(None) }
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.open = None;
        self.input.rewind(cx)
    }
}
