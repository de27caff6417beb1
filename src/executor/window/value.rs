//! `lag`, `lead`, `first_value`, `last_value`, `nth_value`: the argument's value in some other row. Which row it is for
//! each row is worked out first; then the column is taken in one go.

use super::super::Cx;
use super::Rows;
use super::frame::Frames;
use crate::base::{Error, Result, SqlState};
use crate::expr::WindowKind;
use crate::planner::plan::{Window, WindowCall};
use crate::types::{Batch, ColumnReader, DatumRef, Physical};
use arrow_array::{ArrayRef, UInt32Array};
use arrow_select::concat::concat;

pub(super) fn column(
    cx: &mut Cx<'_>,
    kind: WindowKind,
    call: &WindowCall,
    node: &Window,
    rows: &Rows,
) -> Result<ArrayRef> {
    let values = cx.array(&call.args[0], &rows.batch)?;
    match kind {
        WindowKind::Lag | WindowKind::Lead => shifted(cx, kind, call, values, rows),
        _ => {
            let frames = Frames::new(cx, node, rows)?;
            let nth = match call.args.get(1) {
                Some(n) if kind == WindowKind::NthValue => Some(cx.array(n, &rows.batch)?),
                _ => None,
            };
            let nth = nth.as_ref().map(|a| ColumnReader::new(Physical::Int32, a));
            let mut sources = Vec::with_capacity(rows.len());
            for i in 0..rows.len() {
                let parts = frames.parts(rows, i);
                sources.push(match (kind, &nth) {
                    (WindowKind::FirstValue, _) => nth_of(&parts, 0),
                    (WindowKind::LastValue, _) => parts.iter().rev().find(|p| !p.is_empty()).map(|p| p.end - 1),
                    (_, Some(nth)) => match nth.get(i) {
                        DatumRef::Int4(n) if n > 0 => nth_of(&parts, n as usize - 1),
                        DatumRef::Null => None,
                        _ => {
                            return Err(Error::new(
                                SqlState::INVALID_ARGUMENT_FOR_NTH_VALUE,
                                "argument of nth_value must be greater than zero",
                            ));
                        }
                    },
                    _ => None,
                });
            }
            Ok(take(&values, sources))
        }
    }
}

fn nth_of(parts: &[std::ops::Range<usize>; 3], mut n: usize) -> Option<usize> {
    for part in parts {
        if n < part.len() {
            return Some(part.start + n);
        }
        n -= part.len();
    }
    None
}

fn take(values: &ArrayRef, sources: Vec<Option<usize>>) -> ArrayRef {
    let indexes: UInt32Array = sources.into_iter().map(|s| s.map(|s| s as u32)).collect();
    Batch::new(vec![values.clone()], values.len()).take(&indexes).columns.pop().expect("one column")
}

/// `lag` and `lead`: rows outside the partition give the default, taken from the default's column, which is put behind
/// the values'.
fn shifted(cx: &mut Cx<'_>, kind: WindowKind, call: &WindowCall, values: ArrayRef, rows: &Rows) -> Result<ArrayRef> {
    let offsets = match call.args.get(1) {
        Some(offset) => Some(cx.array(offset, &rows.batch)?),
        None => None,
    };
    let offsets = offsets.as_ref().map(|a| ColumnReader::new(Physical::Int32, a));
    let defaults = match call.args.get(2) {
        Some(default) => Some(cx.array(default, &rows.batch)?),
        None => None,
    };
    let n = rows.len();
    let sources = (0..n).map(|i| {
        let offset = match offsets.as_ref().map(|o| o.get(i)) {
            None => 1,
            Some(DatumRef::Int4(offset)) => i64::from(offset),
            Some(_) => return None,
        };
        let target = if kind == WindowKind::Lag { i as i64 - offset } else { i as i64 + offset };
        let p = rows.partition(i);
        match usize::try_from(target) {
            Ok(t) if p.contains(&t) => Some(t),
            _ => defaults.is_some().then_some(n + i),
        }
    });
    let sources: Vec<Option<usize>> = sources.collect();
    let all = match &defaults {
        Some(d) => concat(&[values.as_ref(), d.as_ref()]).expect("two columns of one form"),
        None => values,
    };
    Ok(take(&all, sources))
}
