//! Reading and replacing parts of arrays by subscripts (`array_get_slice`, `array_set_element`, `array_set_slice`).

use crate::base::{Error, Result, SqlState};
use crate::types::array::{MAX_DIMENSIONS, count_items};
use crate::types::{ArrayValue, ArrayView, Datum, DatumRef};

fn subscript_error(message: &str) -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
}

/// The given part of each dimension; bounds outside are cut, missing dimensions are whole. Counts from 1. Empty when
/// nothing is inside.
pub fn slice(array: ArrayView<'_>, bounds: &[(Option<i32>, Option<i32>)]) -> ArrayValue {
    let empty = ArrayValue::empty(array.element());
    let dims = array.dims();
    if dims.is_empty() || bounds.len() > dims.len() {
        return empty;
    }
    let mut ranges = Vec::with_capacity(dims.len());
    for (i, &(len, lower)) in dims.iter().enumerate() {
        let (first, last) = (i64::from(lower), i64::from(lower) + i64::from(len) - 1);
        let (from, to) = bounds.get(i).copied().unwrap_or((None, None));
        let from = from.map_or(first, |v| i64::from(v).max(first));
        let to = to.map_or(last, |v| i64::from(v).min(last));
        if from > to {
            return empty;
        }
        ranges.push((from - first, to - first + 1));
    }
    let mut items = Vec::new();
    walk(&ranges, &dims, |at| items.push(array.get(at).to_owned()));
    let dims = ranges.iter().map(|(from, to)| ((to - from) as i32, 1)).collect();
    ArrayValue { element: array.element(), dims, items }
}

/// Visits, in row-major order, the positions of a box within dimensions.
fn walk(ranges: &[(i64, i64)], dims: &[(i32, i32)], mut f: impl FnMut(usize)) {
    let mut at: Vec<i64> = ranges.iter().map(|r| r.0).collect();
    if ranges.iter().any(|(from, to)| from >= to) {
        return;
    }
    loop {
        f(at.iter().zip(dims).fold(0, |sum, (&i, &(len, _))| sum * len as usize + i as usize));
        let mut d = ranges.len();
        loop {
            if d == 0 {
                return;
            }
            d -= 1;
            at[d] += 1;
            if at[d] < ranges[d].1 {
                break;
            }
            at[d] = ranges[d].0;
        }
    }
}

/// The array with one element replaced. A one-dimensional array grows to include it, with NULLs between.
pub fn assign_element(mut array: ArrayValue, at: &[i32], value: Datum) -> Result<ArrayValue> {
    if at.len() > MAX_DIMENSIONS {
        return Err(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMENSIONS})", at.len()),
        ));
    }
    if array.dims.is_empty() {
        array.dims = at.iter().map(|&i| (1, i)).collect();
        array.items = vec![value];
        return Ok(array);
    }
    if array.dims.len() != at.len() {
        return Err(subscript_error("wrong number of array subscripts"));
    }
    if let [index] = *at {
        grow(&mut array, index, index)?;
    }
    let mut position = 0usize;
    for (&(len, lower), &index) in array.dims.iter().zip(at) {
        let offset = i64::from(index) - i64::from(lower);
        if !(0..i64::from(len)).contains(&offset) {
            return Err(subscript_error("array subscript out of range"));
        }
        position = position * len as usize + offset as usize;
    }
    array.items[position] = value;
    Ok(array)
}

/// Makes a one-dimensional array reach from `from` to `to`, filling with NULLs.
fn grow(array: &mut ArrayValue, from: i32, to: i32) -> Result<()> {
    let (len, lower) = array.dims[0];
    let first = i64::from(lower).min(i64::from(from));
    let last = (i64::from(lower) + i64::from(len) - 1).max(i64::from(to));
    let total = i32::try_from(last - first + 1).unwrap_or(i32::MAX);
    count_items([total])?;
    let before = (i64::from(lower) - first) as usize;
    if before > 0 {
        array.items.splice(0..0, std::iter::repeat_n(Datum::Null, before));
    }
    array.items.resize_with(total as usize, Datum::default);
    array.dims[0] = (total, first as i32);
    Ok(())
}

/// The array with a slice replaced by the items of another.
pub fn assign_slice(
    mut array: ArrayValue,
    bounds: &[(Option<i32>, Option<i32>)],
    source: ArrayView<'_>,
) -> Result<ArrayValue> {
    if array.dims.is_empty() {
        array.dims = bounds
            .iter()
            .map(|&(from, to)| match (from, to) {
                (Some(from), Some(to)) => Ok((slice_length(from, to)?, from)),
                _ => Err(subscript_error("array slice subscript must provide both boundaries").detail(
                    "When assigning to a slice of an empty array value, slice boundaries must be fully specified.",
                )),
            })
            .collect::<Result<_>>()?;
        let count = count_items(array.dims.iter().map(|d| d.0))?;
        if source.len() < count {
            return Err(subscript_error("source array too small"));
        }
        array.items = source.iter().take(count).map(DatumRef::to_owned).collect();
        return Ok(array);
    }
    if bounds.len() > array.dims.len() {
        return Err(subscript_error("wrong number of array subscripts"));
    }
    let mut ranges = Vec::with_capacity(array.dims.len());
    for i in 0..array.dims.len() {
        let (len, lower) = array.dims[i];
        let (from, to) = bounds.get(i).copied().unwrap_or((None, None));
        let from = from.unwrap_or(lower);
        let to = to.unwrap_or((i64::from(lower) + i64::from(len) - 1) as i32);
        slice_length(from, to)?;
        if array.dims.len() == 1 {
            grow(&mut array, from, to)?;
        } else if from < lower || i64::from(to) >= i64::from(lower) + i64::from(len) {
            return Err(subscript_error("array subscript out of range"));
        }
        let lower = array.dims[i].1;
        ranges.push((i64::from(from) - i64::from(lower), i64::from(to) - i64::from(lower) + 1));
    }
    let count = ranges.iter().map(|(from, to)| (to - from) as usize).product::<usize>();
    if source.len() < count {
        return Err(subscript_error("source array too small"));
    }
    let mut next = 0;
    let dims = array.dims.clone();
    walk(&ranges, &dims, |at| {
        array.items[at] = source.get(next).to_owned();
        next += 1;
    });
    Ok(array)
}

fn slice_length(from: i32, to: i32) -> Result<i32> {
    if from > to {
        return Err(subscript_error("upper bound cannot be less than lower bound"));
    }
    i32::try_from(i64::from(to) - i64::from(from) + 1)
        .map_err(|_| Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed (134217727)"))
}
