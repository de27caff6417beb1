//! Computes the columns of the output from those of the input.

use super::{BoxOperator, Cx, Operator};
use crate::base::Result;
use crate::planner::plan::Project;
use crate::types::Batch;
use std::sync::Arc;

pub(crate) struct ProjectOp {
    node: Arc<Project>,
    input: BoxOperator,
}

impl ProjectOp {
    pub fn new(node: &Arc<Project>, input: BoxOperator) -> ProjectOp {
        ProjectOp { node: Arc::clone(node), input }
    }
}

impl Operator for ProjectOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        let Some(batch) = self.input.next(cx)? else { return Ok(None) };
        let columns = cx.arrays(&self.node.exprs, &batch)?;
        Ok(Some(Batch::new(columns, batch.rows)))
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
