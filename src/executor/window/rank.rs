//! `row_number`, `rank` and their kin: numbers that follow from where partitions and peer groups begin.

use super::super::Cx;
use super::Rows;
use crate::base::{Error, Result, SqlState};
use crate::expr::WindowKind;
use crate::planner::plan::WindowCall;
use crate::types::{ColumnReader, DatumRef, Physical};
use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array};
use std::sync::Arc;

/// The column of a ranking function; none for the functions that look at other rows.
pub(super) fn column(cx: &mut Cx<'_>, kind: WindowKind, call: &WindowCall, rows: &Rows) -> Result<Option<ArrayRef>> {
    let n = rows.len();
    let start = |i: usize| rows.partition(i).start;
    let rank = |i: usize| rows.peer_group(i).start - start(i) + 1;
    Ok(Some(match kind {
        WindowKind::RowNumber => int8((0..n).map(|i| i - start(i) + 1)),
        WindowKind::Rank => int8((0..n).map(rank)),
        WindowKind::DenseRank => int8((0..n).map(|i| (rows.peer_of[i] - rows.peer_of[start(i)]) as usize + 1)),
        WindowKind::PercentRank => float8((0..n).map(|i| match rows.partition(i).len() {
            1 => 0.0,
            len => (rank(i) - 1) as f64 / (len - 1) as f64,
        })),
        WindowKind::CumeDist => float8((0..n).map(|i| {
            let partition = rows.partition(i);
            (rows.peer_group(i).end - partition.start) as f64 / partition.len() as f64
        })),
        WindowKind::Ntile => ntile(cx, call, rows)?,
        _ => return Ok(None),
    }))
}

fn int8(values: impl Iterator<Item = usize>) -> ArrayRef {
    Arc::new(values.map(|v| Some(v as i64)).collect::<Int64Array>())
}

fn float8(values: impl Iterator<Item = f64>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<Float64Array>())
}

/// The number of buckets is asked for once in each partition, of its first row.
fn ntile(cx: &mut Cx<'_>, call: &WindowCall, rows: &Rows) -> Result<ArrayRef> {
    let argument = cx.array(&call.args[0], &rows.batch)?;
    let reader = ColumnReader::new(Physical::Int32, &argument);
    let mut out = Vec::with_capacity(rows.len());
    for bounds in rows.partitions.windows(2) {
        let len = bounds[1] - bounds[0];
        let buckets = match reader.get(bounds[0]) {
            DatumRef::Int4(n) if n > 0 => n as usize,
            DatumRef::Null => {
                out.extend(std::iter::repeat_n(None, len));
                continue;
            }
            _ => {
                return Err(Error::new(
                    SqlState::INVALID_ARGUMENT_FOR_NTILE,
                    "argument of ntile must be greater than zero",
                ));
            }
        };
        let (size, larger) = (len / buckets, len % buckets);
        out.extend((0..len).map(|i| {
            let in_larger = larger * (size + 1);
            let bucket = if i < in_larger { i / (size + 1) } else { larger + (i - in_larger) / size };
            Some(bucket as i32 + 1)
        }));
    }
    Ok(Arc::new(Int32Array::from(out)))
}
