//! A batch of rows, column by column: what operators hand to each other.

use arrow_array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow_select::concat::concat;
use arrow_select::filter::FilterBuilder;
use arrow_select::take::take;

/// Columns of equal length. The row count is kept beside them because a batch may have no column at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub columns: Vec<ArrayRef>,
    pub rows: usize,
}

/// Arrow's selection kernels fail only on types that no column of ours has.
const OURS: &str = "a column of one of our forms";

impl Batch {
    pub fn new(columns: Vec<ArrayRef>, rows: usize) -> Batch {
        debug_assert!(columns.iter().all(|c| c.len() == rows));
        Batch { columns, rows }
    }

    /// Rows `offset .. offset + rows`, without copying.
    pub fn slice(&self, offset: usize, rows: usize) -> Batch {
        Batch { columns: self.columns.iter().map(|c| c.slice(offset, rows)).collect(), rows }
    }

    /// The rows at `indexes`, in that order; an index that is NULL gives a row of NULLs.
    pub fn take(&self, indexes: &UInt32Array) -> Batch {
        let columns = self.columns.iter().map(|c| take(c, indexes, None).expect(OURS)).collect();
        Batch { columns, rows: indexes.len() }
    }

    /// The rows where `keep` is true (not false, not NULL).
    pub fn filter(&self, keep: &BooleanArray) -> Batch {
        let mut filter = FilterBuilder::new(keep);
        if self.columns.len() > 1 {
            filter = filter.optimize();
        }
        let filter = filter.build();
        let columns = self.columns.iter().map(|c| filter.filter(c).expect(OURS)).collect();
        Batch { columns, rows: filter.count() }
    }

    /// The columns at `indexes`, in that order.
    pub fn project(&self, indexes: &[usize]) -> Batch {
        Batch { columns: indexes.iter().map(|&i| self.columns[i].clone()).collect(), rows: self.rows }
    }

    /// The rows of all batches, one after another. All have the same columns; there is at least one batch.
    pub fn concat(batches: &[Batch]) -> Batch {
        let columns = (0..batches[0].columns.len())
            .map(|i| {
                let parts: Vec<&dyn Array> = batches.iter().map(|b| b.columns[i].as_ref()).collect();
                concat(&parts).expect(OURS)
            })
            .collect();
        Batch { columns, rows: batches.iter().map(|b| b.rows).sum() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ColumnBuilder, ColumnReader, Datum, Physical};
    use super::*;

    fn texts(values: &[&str]) -> Batch {
        let mut b = ColumnBuilder::new(Physical::Text, values.len());
        values.iter().for_each(|v| b.push_text(v));
        Batch::new(vec![b.finish()], values.len())
    }

    fn read(b: &Batch) -> Vec<String> {
        let r = ColumnReader::new(Physical::Text, &b.columns[0]);
        (0..b.rows)
            .map(|i| match r.get(i).to_owned() {
                Datum::Text(t) => t.into(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn selections_work_on_views() {
        let b = texts(&["short", "a text longer than twelve bytes", "c"]);
        assert_eq!(read(&b.slice(1, 2)), ["a text longer than twelve bytes", "c"]);
        assert_eq!(read(&b.filter(&BooleanArray::from(vec![Some(true), None, Some(true)]))), ["short", "c"]);
        assert_eq!(
            read(&b.take(&UInt32Array::from(vec![Some(2), None, Some(1)]))),
            ["c", "Null", "a text longer than twelve bytes"]
        );
        assert_eq!(Batch::concat(&[b.clone(), b]).rows, 6);
    }
}
