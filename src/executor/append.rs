//! One input after another: UNION ALL.

use super::{BoxOperator, Cx, Operator};
use crate::base::Result;
use crate::types::Batch;

pub(crate) struct AppendOp {
    inputs: Vec<BoxOperator>,
    at: usize,
}

impl AppendOp {
    pub fn new(inputs: Vec<BoxOperator>) -> AppendOp {
        AppendOp { inputs, at: 0 }
    }
}

impl Operator for AppendOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        while let Some(input) = self.inputs.get_mut(self.at) {
            if let Some(batch) = input.next(cx)? {
                return Ok(Some(batch));
            }
            self.at += 1;
        }
        Ok(None)
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.at = 0;
        self.inputs.iter_mut().try_for_each(|i| i.rewind(cx))
    }
}
