//! Arrays: shape, searching, building, set comparisons, to and from text, `unnest`.

use super::convert::kernels;
use super::f;
use super::regex::made;
use crate::base::{Error, Oid, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::eval::text_of;
use crate::expr::function::Kernel::{Row, Set, Typed};
use crate::expr::function::{CallTypes, Function, SetRows};
use crate::types::array::{MAX_DIMENSIONS, count_items};
use crate::types::oid::*;
use crate::types::{ArrayValue, ArrayView, ColumnBuilder, Datum, DatumRef, FormatContext, SqlType, equal};

fn array(value: DatumRef<'_>) -> Option<ArrayView<'_>> {
    match value {
        DatumRef::Array(a) => Some(a),
        _ => None,
    }
}

fn item_type(a: ArrayView<'_>) -> SqlType {
    SqlType::of(a.element())
}

fn error(code: SqlState, message: &str) -> Error {
    Error::new(code, message)
}

fn same(ty: SqlType, a: DatumRef<'_>, b: DatumRef<'_>) -> bool {
    match (a.is_null(), b.is_null()) {
        (false, false) => equal(ty, a, b),
        (a, b) => a && b,
    }
}

/// Dimension `n`, counted from 1.
fn dimension(a: ArrayView<'_>, n: i32) -> Option<(i32, i32)> {
    let i = usize::try_from(n).ok()?.checked_sub(1)?;
    (i < a.dimensions()).then(|| a.dim(i))
}

fn push(types: CallTypes<'_>, a: Option<ArrayView<'_>>, item: Datum, front: bool) -> Result<Datum> {
    let element = crate::types::element_of(types.ret.oid).expect("an array is made");
    let mut out = a.map_or_else(|| ArrayValue::empty(element), ArrayView::to_owned);
    match out.dims.len() {
        0 => out = ArrayValue::one_dimensional(element, vec![item]),
        1 => {
            count_items([out.dims[0].0 + 1])?;
            let (len, lower) = out.dims[0];
            let overflow = || error(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
            lower.checked_add(len).ok_or_else(overflow)?;
            out.dims[0].0 += 1;
            if front { out.items.insert(0, item) } else { out.items.push(item) }
        }
        _ => {
            return Err(error(SqlState::DATA_EXCEPTION, "argument must be empty or one-dimensional array"));
        }
    }
    Ok(Datum::array(out))
}

fn array_append(_: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    push(types, array(a[0]), a[1].to_owned(), false)
}

fn array_prepend(_: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    push(types, array(a[1]), a[0].to_owned(), true)
}

fn incompatible(detail: String) -> Error {
    error(SqlState::ARRAY_SUBSCRIPT_ERROR, "cannot concatenate incompatible arrays").detail(detail)
}

fn concatenated(a: ArrayView<'_>, b: ArrayView<'_>) -> Result<ArrayValue> {
    let (n, m) = (a.dimensions(), b.dimensions());
    if n == 0 {
        return Ok(b.to_owned());
    }
    if m == 0 {
        return Ok(a.to_owned());
    }
    let mismatch = "Arrays with differing dimensions are not compatible for concatenation.";
    let (da, db) = (a.dims(), b.dims());
    let dims = if n == m {
        if da[1..] != db[1..] {
            return Err(incompatible(
                "Arrays with differing element dimensions are not compatible for concatenation.".into(),
            ));
        }
        let mut dims = da;
        dims[0].0 += db[0].0;
        dims
    } else if n == m + 1 {
        if da[1..] != db[..] {
            return Err(incompatible(mismatch.into()));
        }
        let mut dims = da;
        dims[0].0 += 1;
        dims
    } else if m == n + 1 {
        if db[1..] != da[..] {
            return Err(incompatible(mismatch.into()));
        }
        let mut dims = db;
        dims[0].0 += 1;
        dims
    } else {
        return Err(incompatible(format!("Arrays of {n} and {m} dimensions are not compatible for concatenation.")));
    };
    count_items(dims.iter().map(|d| d.0))?;
    let items = a.iter().chain(b.iter()).map(DatumRef::to_owned).collect();
    Ok(ArrayValue { element: a.element(), dims, items })
}

fn one_dimensional(a: ArrayView<'_>, what: &str) -> Result<()> {
    if a.dimensions() > 1 {
        return Err(error(SqlState::FEATURE_NOT_SUPPORTED, what));
    }
    Ok(())
}

/// The positions of a value, as subscripts, from subscript `start` on.
fn positions(a: ArrayView<'_>, wanted: DatumRef<'_>, start: Option<i32>, first_only: bool) -> Result<Vec<i32>> {
    one_dimensional(a, "searching for elements in multidimensional arrays is not supported")?;
    let Some((len, lower)) = dimension(a, 1) else { return Ok(Vec::new()) };
    let ty = item_type(a);
    let mut found = Vec::new();
    for (i, item) in a.iter().enumerate().take(len as usize) {
        let subscript = lower + i as i32;
        if start.is_some_and(|s| subscript < s) || !same(ty, item, wanted) {
            continue;
        }
        found.push(subscript);
        if first_only {
            break;
        }
    }
    Ok(found)
}

fn filled(value: DatumRef<'_>, element: Oid, dims: DatumRef<'_>, lowers: Option<DatumRef<'_>>) -> Result<Datum> {
    let null = |what: &str| error(SqlState::NULL_VALUE_NOT_ALLOWED, what);
    let Some(dims) = array(dims) else { return Err(null("dimension array or low bound array cannot be null")) };
    let lowers = match lowers {
        None => None,
        Some(l) => Some(array(l).ok_or_else(|| null("dimension array or low bound array cannot be null"))?),
    };
    let numbers = |a: ArrayView<'_>| -> Result<Vec<i32>> {
        if a.dimensions() > 1 {
            return Err(error(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts")
                .detail("Dimension array must be one dimensional."));
        }
        a.iter()
            .map(|v| match v {
                DatumRef::Int4(n) => Ok(n),
                _ => Err(null("dimension values cannot be null")),
            })
            .collect()
    };
    let lengths = numbers(dims)?;
    if lengths.len() > MAX_DIMENSIONS {
        return Err(error(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            &format!("number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMENSIONS})", lengths.len()),
        ));
    }
    let bounds = match lowers {
        None => vec![1; lengths.len()],
        Some(l) => {
            let bounds = numbers(l)?;
            if bounds.len() != lengths.len() {
                return Err(error(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts")
                    .detail("Low bound array has different size than dimensions array."));
            }
            bounds
        }
    };
    let count = count_items(lengths.iter().copied())?;
    if count == 0 {
        return Ok(Datum::array(ArrayValue::empty(element)));
    }
    let items = vec![value.to_owned(); count];
    Ok(Datum::array(ArrayValue { element, dims: lengths.into_iter().zip(bounds).collect(), items }))
}

fn array_fill(_: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    filled(a[0], types.args[0].oid, a[1], a.get(2).copied())
}

/// Whether every item of `b` is in `a`; NULLs are in nothing.
fn contains(a: ArrayView<'_>, b: ArrayView<'_>) -> bool {
    let ty = item_type(a);
    b.iter().all(|x| !x.is_null() && a.iter().any(|y| !y.is_null() && equal(ty, x, y)))
}

fn overlaps(a: ArrayView<'_>, b: ArrayView<'_>) -> bool {
    let ty = item_type(a);
    b.iter().any(|x| !x.is_null() && a.iter().any(|y| !y.is_null() && equal(ty, x, y)))
}

fn joined(a: ArrayView<'_>, separator: &str, null: Option<&str>, format: &FormatContext) -> String {
    let ty = item_type(a);
    let parts = a.iter().filter_map(|item| match item.is_null() {
        true => null.map(str::to_owned),
        false => Some(text_of(item, ty, format)),
    });
    parts.collect::<Vec<_>>().join(separator)
}

/// The fields of a text: all of its characters when there is no separator.
fn fields(s: &str, separator: Option<&str>, null: Option<&str>) -> Vec<Datum> {
    let item = |field: &str| if Some(field) == null { Datum::Null } else { Datum::from(field) };
    match separator {
        _ if s.is_empty() => Vec::new(),
        None => s.chars().map(|c| item(c.encode_utf8(&mut [0; 4]))).collect(),
        Some("") => vec![item(s)],
        Some(separator) => s.split(separator).map(item).collect(),
    }
}

kernels! {
    fn array_cat(a: Option<ArrayView<'_>>, b: Option<ArrayView<'_>>) -> Option<ArrayValue> {
        Ok(match (a, b) {
            (Some(a), Some(b)) => Some(concatenated(a, b)?),
            (a, b) => a.or(b).map(ArrayView::to_owned),
        })
    }

    fn array_ndims(a: ArrayView<'_>) -> Option<i32> {
        Ok((a.dimensions() > 0).then(|| a.dimensions() as i32))
    }

    fn array_dims(a: ArrayView<'_>) -> Option<String> {
        let part = |(len, lower): (i32, i32)| format!("[{lower}:{}]", i64::from(lower) + i64::from(len) - 1);
        Ok((a.dimensions() > 0).then(|| a.dims().into_iter().map(part).collect()))
    }

    fn array_lower(a: ArrayView<'_>, n: i32) -> Option<i32> {
        Ok(dimension(a, n).map(|d| d.1))
    }

    fn array_upper(a: ArrayView<'_>, n: i32) -> Option<i32> {
        Ok(dimension(a, n).map(|d| d.1 + d.0 - 1))
    }

    fn array_length(a: ArrayView<'_>, n: i32) -> Option<i32> {
        Ok(dimension(a, n).map(|d| d.0))
    }

    fn array_cardinality(a: ArrayView<'_>) -> i32 {
        Ok(a.len() as i32)
    }

    fn array_position(a: Option<ArrayView<'_>>, wanted: DatumRef<'_>) -> Option<i32> {
        let Some(a) = a else { return Ok(None) };
        Ok(positions(a, wanted, None, true)?.first().copied())
    }

    fn array_position_start(a: Option<ArrayView<'_>>, wanted: DatumRef<'_>, start: Option<i32>) -> Option<i32> {
        let Some(a) = a else { return Ok(None) };
        let start = start.ok_or_else(|| error(SqlState::NULL_VALUE_NOT_ALLOWED, "initial position must not be null"))?;
        Ok(positions(a, wanted, Some(start), true)?.first().copied())
    }

    fn array_positions(a: Option<ArrayView<'_>>, wanted: DatumRef<'_>) -> Option<ArrayValue> {
        let Some(a) = a else { return Ok(None) };
        let found = positions(a, wanted, None, false)?;
        Ok(Some(ArrayValue::one_dimensional(INT4, found.into_iter().map(Datum::Int4).collect())))
    }

    fn array_remove(a: Option<ArrayView<'_>>, unwanted: DatumRef<'_>) -> Option<ArrayValue> {
        let Some(a) = a else { return Ok(None) };
        one_dimensional(a, "removing elements from multidimensional arrays is not supported")?;
        let ty = item_type(a);
        let items: Vec<Datum> = a.iter().filter(|v| !same(ty, *v, unwanted)).map(DatumRef::to_owned).collect();
        if items.is_empty() {
            return Ok(Some(ArrayValue::empty(a.element())));
        }
        let dims = vec![(items.len() as i32, a.dim(0).1)];
        Ok(Some(ArrayValue { element: a.element(), dims, items }))
    }

    fn array_replace(a: Option<ArrayView<'_>>, from: DatumRef<'_>, to: DatumRef<'_>) -> Option<ArrayValue> {
        let Some(a) = a else { return Ok(None) };
        let ty = item_type(a);
        let items = a.iter().map(|v| if same(ty, v, from) { to.to_owned() } else { v.to_owned() }).collect();
        Ok(Some(ArrayValue { element: a.element(), dims: a.dims(), items }))
    }

    fn trim_array(a: ArrayView<'_>, n: i32) -> ArrayValue {
        let length = dimension(a, 1).map_or(0, |d| d.0);
        if n < 0 || n > length {
            return Err(error(
                SqlState::ARRAY_SUBSCRIPT_ERROR,
                &format!("number of elements to trim must be between 0 and {length}"),
            ));
        }
        let upper = dimension(a, 1).map_or(0, |(len, lower)| lower + len - 1 - n);
        Ok(super::array_slice::slice(a, &[(None, Some(upper))]))
    }

    fn arraycontains(a: ArrayView<'_>, b: ArrayView<'_>) -> bool {
        Ok(contains(a, b))
    }

    fn arraycontained(a: ArrayView<'_>, b: ArrayView<'_>) -> bool {
        Ok(contains(b, a))
    }

    fn arrayoverlap(a: ArrayView<'_>, b: ArrayView<'_>) -> bool {
        Ok(overlaps(a, b))
    }

    fn array_to_text[cx](a: ArrayView<'_>, separator: &str) -> String {
        Ok(joined(a, separator, None, cx.format))
    }

    fn array_to_text_null[cx](a: Option<ArrayView<'_>>, separator: Option<&str>, null: Option<&str>) -> Option<String> {
        Ok(match (a, separator) {
            (Some(a), Some(separator)) => Some(joined(a, separator, null, cx.format)),
            _ => None,
        })
    }

    fn text_to_array(s: Option<&str>, separator: Option<&str>) -> Option<ArrayValue> {
        Ok(s.map(|s| ArrayValue::one_dimensional(TEXT, fields(s, separator, None))))
    }

    fn text_to_array_null(s: Option<&str>, separator: Option<&str>, null: Option<&str>) -> Option<ArrayValue> {
        Ok(s.map(|s| ArrayValue::one_dimensional(TEXT, fields(s, separator, null))))
    }
}

fn text_to_table(_: &mut EvalContext<'_>, _: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    let text = |i: usize| match a.get(i) {
        Some(DatumRef::Text(t)) => Some(*t),
        _ => None,
    };
    Ok(made(text(0).map_or_else(Vec::new, |s| fields(s, text(1), text(2)))))
}

/// The items of an array, one after another.
struct Unnest {
    array: ArrayValue,
    at: usize,
}

impl SetRows for Unnest {
    fn next(&mut self, _: &mut EvalContext<'_>, columns: &mut [ColumnBuilder], max: usize) -> Result<usize> {
        let rows = max.min(self.array.items.len() - self.at);
        for item in &self.array.items[self.at..self.at + rows] {
            columns[0].push(item.as_ref());
        }
        self.at += rows;
        Ok(rows)
    }
}

fn array_unnest(_: &mut EvalContext<'_>, _: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    let array = array(a[0]).map_or_else(|| ArrayValue::empty(TEXT), ArrayView::to_owned);
    Ok(Box::new(Unnest { array, at: 0 }))
}

/// The items of the first dimension with their numbers, which count from 1 whatever the lower bound.
struct Numbered {
    array: ArrayValue,
    at: usize,
}

impl SetRows for Numbered {
    fn next(&mut self, _: &mut EvalContext<'_>, columns: &mut [ColumnBuilder], max: usize) -> Result<usize> {
        let len = self.array.dims.first().map_or(0, |d| d.0 as usize);
        let rows = max.min(len - self.at);
        for i in self.at..self.at + rows {
            // A subscript too few finds nothing in an array of more dimensions.
            columns[0].push(if self.array.dims.len() == 1 { self.array.items[i].as_ref() } else { DatumRef::Null });
            columns[1].push(DatumRef::Int4(i as i32 + 1));
        }
        self.at += rows;
        Ok(rows)
    }
}

fn pg_expandarray(_: &mut EvalContext<'_>, _: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    let array = array(a[0]).map_or_else(|| ArrayValue::empty(TEXT), ArrayView::to_owned);
    Ok(Box::new(Numbered { array, at: 0 }))
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(383, "array_cat", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLEARRAY], ANYCOMPATIBLEARRAY, Row(array_cat)).lax(),
    f(747, "array_dims", &[ANYARRAY], TEXT, Row(array_dims)),
    f(2176, "array_length", &[ANYARRAY, INT4], INT4, Row(array_length)),
    f(2091, "array_lower", &[ANYARRAY, INT4], INT4, Row(array_lower)),
    f(748, "array_ndims", &[ANYARRAY], INT4, Row(array_ndims)),
    f(3277, "array_position", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE], INT4, Row(array_position)).lax(),
    f(3278, "array_position", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE, INT4], INT4, Row(array_position_start)).lax(),
    f(3279, "array_positions", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE], INT4_ARRAY, Row(array_positions)).lax(),
    f(3167, "array_remove", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE], ANYCOMPATIBLEARRAY, Row(array_remove)).lax(),
    f(3168, "array_replace", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE, ANYCOMPATIBLE], ANYCOMPATIBLEARRAY, Row(array_replace)).lax(),
    f(384, "array_to_string", &[ANYARRAY, TEXT, TEXT], TEXT, Row(array_to_text_null)).lax().stable(),
    f(395, "array_to_string", &[ANYARRAY, TEXT], TEXT, Row(array_to_text)).stable(),
    f(2092, "array_upper", &[ANYARRAY, INT4], INT4, Row(array_upper)),
    f(2749, "arraycontained", &[ANYARRAY, ANYARRAY], BOOL, Row(arraycontained)),
    f(2748, "arraycontains", &[ANYARRAY, ANYARRAY], BOOL, Row(arraycontains)),
    f(2747, "arrayoverlap", &[ANYARRAY, ANYARRAY], BOOL, Row(arrayoverlap)),
    f(3179, "cardinality", &[ANYARRAY], INT4, Row(array_cardinality)),
    f(376, "string_to_array", &[TEXT, TEXT, TEXT], TEXT_ARRAY, Row(text_to_array_null)).lax(),
    f(394, "string_to_array", &[TEXT, TEXT], TEXT_ARRAY, Row(text_to_array)).lax(),
    f(6172, "trim_array", &[ANYARRAY, INT4], ANYARRAY, Row(trim_array)),
    f(378, "array_append", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE], ANYCOMPATIBLEARRAY, Typed(array_append)).lax(),
    f(379, "array_prepend", &[ANYCOMPATIBLE, ANYCOMPATIBLEARRAY], ANYCOMPATIBLEARRAY, Typed(array_prepend)).lax(),
    f(1193, "array_fill", &[ANYELEMENT, INT4_ARRAY], ANYARRAY, Typed(array_fill)).lax(),
    f(1286, "array_fill", &[ANYELEMENT, INT4_ARRAY, INT4_ARRAY], ANYARRAY, Typed(array_fill)).lax(),
    f(6160, "string_to_table", &[TEXT, TEXT], TEXT, Set(text_to_table)).lax().set(),
    f(6161, "string_to_table", &[TEXT, TEXT, TEXT], TEXT, Set(text_to_table)).lax().set(),
    f(13208, "_pg_expandarray", &[ANYARRAY], RECORD, Set(pg_expandarray)).set().with_out(&[("x", ANYELEMENT), ("n", INT4)]).in_information_schema(),
    f(2331, "unnest", &[ANYARRAY], ANYELEMENT, Set(array_unnest)).set(),
];
