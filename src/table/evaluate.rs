//! Index expressions, predicates and checks over one row. Most tables have none, and then nothing here costs anything.

use super::def::TableDef;
use crate::base::Result;
use crate::expr::{EvalContext, Expr, evaluate_value};
use crate::types::{Batch, ColumnBuilder, Datum};

/// Evaluates expressions over rows of one table.
pub struct RowEvaluator<'d, 'c, 'e> {
    def: &'d TableDef,
    pub cx: &'c mut EvalContext<'e>,
}

impl<'d, 'c, 'e> RowEvaluator<'d, 'c, 'e> {
    pub fn new(def: &'d TableDef, cx: &'c mut EvalContext<'e>) -> Self {
        RowEvaluator { def, cx }
    }

    pub fn evaluate(&mut self, expr: &Expr, row: &[Datum]) -> Result<Datum> {
        let batch = self.batch(row);
        Ok(evaluate_value(expr, &batch, self.cx)?.row(expr.ty().physical(), 0))
    }

    /// The row as a batch of one.
    fn batch(&self, row: &[Datum]) -> Batch {
        let columns = self.def.types.iter().zip(row).map(|(ty, value)| {
            let mut column = ColumnBuilder::new(ty.physical(), 1);
            column.push(value.as_ref());
            column.finish()
        });
        Batch::new(columns.collect(), 1)
    }
}
