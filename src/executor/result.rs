//! Rows that come from expressions alone: `SELECT 1` and VALUES.

use super::{Cx, Operator};
use crate::base::Result;
use crate::expr::{self, Expr};
use crate::planner::plan::{ResultRow, Values};
use crate::types::{Batch, ColumnBuilder, Physical, SqlType};
use std::sync::Arc;

pub(crate) struct ResultOp {
    node: Arc<ResultRow>,
    done: bool,
}

impl ResultOp {
    pub fn new(node: &Arc<ResultRow>) -> ResultOp {
        ResultOp { node: Arc::clone(node), done: false }
    }
}

impl Operator for ResultOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        cx.check_cancelled()?;
        if let Some(condition) = &self.node.condition
            && !cx.is_true(condition)?
        {
            return Ok(None);
        }
        let columns = cx.arrays(&self.node.exprs, &Batch::new(vec![], 1))?;
        Ok(Some(Batch::new(columns, 1)))
    }

    fn rewind(&mut self, _cx: &mut Cx<'_>) -> Result<()> {
        self.done = false;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn recycle(&mut self) -> bool {
        self.done = false;
        true
    }
}

pub(crate) struct ValuesOp {
    node: Arc<Values>,
    forms: Vec<Physical>,
    at: usize,
}

impl ValuesOp {
    pub fn new(node: &Arc<Values>, types: &[SqlType]) -> ValuesOp {
        ValuesOp { node: Arc::clone(node), forms: types.iter().map(|t| t.physical()).collect(), at: 0 }
    }
}

impl Operator for ValuesOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        cx.check_cancelled()?;
        let node = Arc::clone(&self.node);
        let rows = &node.rows[self.at..node.rows.len().min(self.at + cx.batch_rows)];
        if rows.is_empty() {
            return Ok(None);
        }
        self.at += rows.len();
        let mut builders: Vec<ColumnBuilder> = self.forms.iter().map(|f| ColumnBuilder::new(*f, rows.len())).collect();
        cx.with_eval(|ev| -> Result<()> {
            for row in rows {
                for (e, builder) in row.iter().zip(&mut builders) {
                    match e {
                        Expr::Const { value, .. } => builder.push(value.as_ref()),
                        Expr::Param { index, .. } => builder.push(ev.params[*index].as_ref()),
                        _ => builder.push(expr::evaluate_scalar(e, ev)?.as_ref()),
                    }
                }
            }
            Ok(())
        })?;
        Ok(Some(Batch::new(builders.iter_mut().map(ColumnBuilder::finish).collect(), rows.len())))
    }

    fn rewind(&mut self, _cx: &mut Cx<'_>) -> Result<()> {
        self.at = 0;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.at == self.node.rows.len()
    }

    fn recycle(&mut self) -> bool {
        self.at = 0;
        true
    }
}
