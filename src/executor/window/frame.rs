//! The frame of each row: which rows of its partition an aggregate or `first_value` looks at.
//!
//! ROWS counts rows, GROUPS counts peer groups, RANGE compares the one order value, moved by the offset, with those of
//! other rows. The result is a range of rows for each row; EXCLUDE then takes some out of its middle.

use super::super::Cx;
use super::Rows;
use crate::base::{Error, Result, SqlState};
use crate::expr::{CallTypes, Expr, Function, Kernel};
use crate::planner::plan::{Frame, FrameBound, FrameExclude, FrameOffset, FrameUnit, Window};
use crate::types::{ColumnReader, Datum, DatumRef, SqlType, compare};
use arrow_array::ArrayRef;
use std::cmp::Ordering;
use std::ops::Range;

/// The frames of all rows.
pub(super) struct Frames {
    pub starts: Vec<usize>,
    pub ends: Vec<usize>,
    pub exclude: FrameExclude,
}

impl Frames {
    pub fn new(cx: &mut Cx<'_>, node: &Window, rows: &Rows) -> Result<Frames> {
        let frame = &node.frame;
        let starts = bounds(cx, node, rows, &frame.start, true)?;
        let ends = bounds(cx, node, rows, &frame.end, false)?;
        Ok(Frames { starts, ends, exclude: frame.exclude })
    }

    /// The parts of a row's frame, in order.
    pub fn parts(&self, rows: &Rows, row: usize) -> [Range<usize>; 3] {
        let frame = self.starts[row]..self.ends[row].max(self.starts[row]);
        let own = row..row + 1;
        let hole = match self.exclude {
            FrameExclude::NoOthers => return [frame, 0..0, 0..0],
            FrameExclude::CurrentRow => own.clone(),
            FrameExclude::Group | FrameExclude::Ties => rows.peer_group(row),
        };
        let before = frame.start.min(hole.start)..frame.end.min(hole.start);
        let after = frame.start.max(hole.end)..frame.end.max(hole.end);
        let middle = match self.exclude {
            FrameExclude::Ties if frame.contains(&row) => own,
            _ => 0..0,
        };
        [before, middle, after]
    }
}

/// Whether the frame is the whole partition for every row.
pub(super) fn is_whole(node: &Window) -> bool {
    let f = &node.frame;
    let no_order = node.order.is_empty();
    let start = matches!(f.start, FrameBound::UnboundedPreceding)
        || (no_order && f.unit == FrameUnit::Range && matches!(f.start, FrameBound::CurrentRow));
    let end = matches!(f.end, FrameBound::UnboundedFollowing)
        || (no_order && f.unit != FrameUnit::Rows && matches!(f.end, FrameBound::CurrentRow));
    start && end && f.exclude == FrameExclude::NoOthers
}

/// Whether frames begin with the partition and end somewhere that only moves forward.
pub(super) fn is_running(frame: &Frame) -> bool {
    matches!(frame.start, FrameBound::UnboundedPreceding)
        && matches!(frame.end, FrameBound::CurrentRow)
        && frame.exclude == FrameExclude::NoOthers
}

fn bounds(cx: &mut Cx<'_>, node: &Window, rows: &Rows, bound: &FrameBound, start: bool) -> Result<Vec<usize>> {
    let n = rows.len();
    let unit = node.frame.unit;
    Ok(match bound {
        FrameBound::UnboundedPreceding => (0..n).map(|i| rows.partition(i).start).collect(),
        FrameBound::UnboundedFollowing => (0..n).map(|i| rows.partition(i).end).collect(),
        FrameBound::CurrentRow => (0..n)
            .map(|i| match (unit, start) {
                (FrameUnit::Rows, true) => i,
                (FrameUnit::Rows, false) => i + 1,
                (_, true) => rows.peer_group(i).start,
                (_, false) => rows.peer_group(i).end,
            })
            .collect(),
        FrameBound::Preceding(offset) => moved(cx, node, rows, offset, false, start)?,
        FrameBound::Following(offset) => moved(cx, node, rows, offset, true, start)?,
    })
}

fn offset_error(start: bool, null: bool) -> Error {
    let which = if start { "starting" } else { "ending" };
    if null {
        Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, format!("frame {which} offset must not be null"))
    } else {
        Error::new(SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, format!("frame {which} offset must not be negative"))
    }
}

fn moved(
    cx: &mut Cx<'_>,
    node: &Window,
    rows: &Rows,
    offset: &FrameOffset,
    following: bool,
    start: bool,
) -> Result<Vec<usize>> {
    let value = cx.value(&offset.value)?;
    if value.is_null() {
        return Err(offset_error(start, true));
    }
    if node.frame.unit == FrameUnit::Range {
        return in_range(cx, node, rows, offset, &value, following, start);
    }
    let distance = match value {
        Datum::Int8(n) if n >= 0 => usize::try_from(n).unwrap_or(usize::MAX),
        _ => return Err(offset_error(start, false)),
    };
    let n = rows.len();
    if node.frame.unit == FrameUnit::Rows {
        return Ok((0..n)
            .map(|i| {
                let p = rows.partition(i);
                let at = if following { i.saturating_add(distance) } else { i.saturating_sub(distance).max(p.start) };
                let before_start = !following && i - p.start < distance;
                match start {
                    true => at.min(p.end),
                    false if before_start => p.start,
                    false => at.saturating_add(1).min(p.end),
                }
            })
            .collect());
    }
    Ok((0..n)
        .map(|i| {
            let p = rows.partition(i);
            let first = rows.peer_of[p.start] as usize;
            let last = rows.peer_of[p.end - 1] as usize;
            let own = rows.peer_of[i] as usize;
            let group = if following { own.checked_add(distance) } else { own.checked_sub(distance) };
            match group {
                Some(g) if (first..=last).contains(&g) => {
                    if start {
                        rows.peers[g]
                    } else {
                        rows.peers[g + 1]
                    }
                }
                _ if following => p.end,
                _ => p.start,
            }
        })
        .collect())
}

/// RANGE with an offset: the first row whose value is not before (for a start), or is behind (for an end), the row's own
/// value moved by the offset. NULLs are peers of each other and of nothing else.
fn in_range(
    cx: &mut Cx<'_>,
    node: &Window,
    rows: &Rows,
    offset: &FrameOffset,
    value: &Datum,
    following: bool,
    start: bool,
) -> Result<Vec<usize>> {
    let key = &node.order[0];
    let ty = key.expr.ty();
    let (minus, plus) = offset.range.ok_or_else(|| Error::internal("RANGE without the functions of its offset"))?;
    if is_negative(value.as_ref(), offset.value.ty()) {
        return Err(Error::new(
            SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE,
            "invalid preceding or following size in window function",
        ));
    }
    let column = cx.array(&key.expr, &rows.batch)?;
    let reader = ColumnReader::new(ty.physical(), &column);
    let forward = following != key.descending;
    let func = if forward { plus } else { minus };
    let targets = shifted(cx, func, &key.expr, &column, offset, value, rows)?;
    let target_reader = ColumnReader::new(ty.physical(), &targets.0);
    let mut out = Vec::with_capacity(rows.len());
    for i in 0..rows.len() {
        if reader.is_null(i) {
            let peers = rows.peer_group(i);
            out.push(if start { peers.start } else { peers.end });
            continue;
        }
        let p = rows.partition(i);
        if targets.1[i] {
            // The moved value lies beyond the type: before or behind every row that is not NULL.
            let first = (p.start..p.end).find(|&r| !reader.is_null(r)).unwrap_or(p.end);
            let last = (p.start..p.end).rfind(|&r| !reader.is_null(r)).map_or(p.start, |r| r + 1);
            out.push(if following { last } else { first });
            continue;
        }
        let target = target_reader.get(i);
        let beyond = |r: usize| {
            let order = match (reader.is_null(r), key.nulls_first) {
                (true, true) => Ordering::Less,
                (true, false) => Ordering::Greater,
                _ => {
                    let order = compare(ty, reader.get(r), target);
                    if key.descending { order.reverse() } else { order }
                }
            };
            if start { order != Ordering::Less } else { order == Ordering::Greater }
        };
        let (mut low, mut high) = (p.start, p.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if beyond(middle) { high = middle } else { low = middle + 1 }
        }
        out.push(low);
    }
    Ok(out)
}

fn is_negative(value: DatumRef<'_>, ty: SqlType) -> bool {
    match value {
        DatumRef::Int2(n) => n < 0,
        DatumRef::Int4(n) => n < 0,
        DatumRef::Int8(n) => n < 0,
        DatumRef::Float4(n) => n < 0.0,
        DatumRef::Float8(n) => n < 0.0,
        DatumRef::Interval(_) => {
            let zero = crate::types::Interval { months: 0, days: 0, micros: 0 };
            compare(ty, value, DatumRef::Interval(zero)) == Ordering::Less
        }
        DatumRef::Numeric(_) => {
            let zero = crate::types::Numeric::from(0i64);
            compare(ty, value, DatumRef::Numeric(zero.as_ref())) == Ordering::Less
        }
        _ => false,
    }
}

/// Each order value moved by the offset, and whether that left the type.
fn shifted(
    cx: &mut Cx<'_>,
    func: &'static Function,
    key: &Expr,
    column: &ArrayRef,
    offset: &FrameOffset,
    value: &Datum,
    rows: &Rows,
) -> Result<(ArrayRef, Vec<bool>)> {
    let reader = ColumnReader::new(key.ty().physical(), column);
    let mut builder = crate::types::ColumnBuilder::new(key.ty().physical(), rows.len());
    let mut beyond = vec![false; rows.len()];
    let types = [key.ty(), offset.value.ty()];
    let ret = SqlType::of(func.ret);
    cx.with_eval(|ev| {
        for (i, beyond) in beyond.iter_mut().enumerate() {
            let own = reader.get(i);
            if own.is_null() {
                builder.push_null();
                continue;
            }
            let args = [own, value.as_ref()];
            let moved = match func.kernel {
                Kernel::Row(f) | Kernel::Column(f, _) => f(ev, &args),
                Kernel::Typed(f) => f(ev, CallTypes { args: &types, ret }, &args),
                _ => Err(Error::internal("RANGE moves values by a plain function")),
            };
            match moved {
                Ok(moved) => builder.push(conform(moved, key.ty()).as_ref()),
                Err(e) if is_out_of_range(&e) => {
                    *beyond = true;
                    builder.push_null();
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    })?;
    Ok((builder.finish(), beyond))
}

fn is_out_of_range(e: &Error) -> bool {
    matches!(e.code(), SqlState::NUMERIC_VALUE_OUT_OF_RANGE | SqlState::DATETIME_FIELD_OVERFLOW)
}

/// `date + interval` is a timestamp; integers of mixed width widen. Brings such a result back to the order value's form.
fn conform(value: Datum, ty: SqlType) -> Datum {
    use crate::types::{Physical, oid};
    const DAY_US: i64 = 86_400_000_000;
    match (ty.physical(), value) {
        (Physical::Int32, Datum::Int8(us)) if ty.oid == oid::DATE => Datum::Int4(us.div_euclid(DAY_US) as i32),
        (Physical::Int32, Datum::Int8(n)) => Datum::Int4(n.clamp(i32::MIN.into(), i32::MAX.into()) as i32),
        (Physical::Int16, Datum::Int4(n)) => Datum::Int2(n.clamp(i16::MIN.into(), i16::MAX.into()) as i16),
        (Physical::Int16, Datum::Int8(n)) => Datum::Int2(n.clamp(i16::MIN.into(), i16::MAX.into()) as i16),
        (Physical::Float32, Datum::Float8(n)) => Datum::Float4(n as f32),
        (_, value) => value,
    }
}
