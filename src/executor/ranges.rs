//! From the planner's [`KeyRange`]s to ranges of keys: their values are computed, lists multiplied out, and the
//! results put in order without overlaps, so that a scan meets every row once and in the tree's order.

use super::Cx;
use crate::base::Result;
use crate::planner::plan::{Bound as PlanBound, KeyPart, KeyRange as PlanRange, Scan};
use crate::storage::KeyRange;
use crate::table::{KeyColumn, Limit, RowKeyDef, TableDef, key_range};
use crate::types::{Datum, DatumRef};
use std::cmp::Ordering;
use std::ops::Bound;

/// The key columns of a scan's tree.
pub(crate) fn key_columns(def: &TableDef, index: Option<usize>) -> &[KeyColumn] {
    match (index, &def.row_key) {
        (Some(i), _) => &def.indexes[i].columns,
        (None, RowKeyDef::Columns { columns, .. }) => columns,
        (None, RowKeyDef::RowId(_)) => &[],
    }
}

/// The parts of the tree that a scan reads, in key order.
pub(crate) fn scan_ranges(cx: &mut Cx<'_>, node: &Scan) -> Result<Vec<KeyRange>> {
    if node.ranges.is_empty() {
        return Ok(vec![KeyRange::all()]);
    }
    let columns = key_columns(&node.def, node.index);
    let mut out = Vec::new();
    for range in &node.ranges {
        expand(cx, columns, range, &mut out)?;
    }
    if out.len() > 1 {
        out = merge(out);
    }
    Ok(out)
}

fn expand(cx: &mut Cx<'_>, columns: &[KeyColumn], range: &PlanRange, out: &mut Vec<KeyRange>) -> Result<()> {
    let mut prefix: Vec<Vec<Datum>> = Vec::with_capacity(range.prefix.len());
    for part in &range.prefix {
        let values = match part {
            KeyPart::Equal(e) => match cx.value(e)? {
                Datum::Null => return Ok(()),
                value => vec![value],
            },
            KeyPart::Any(e) => match cx.value(e)? {
                Datum::Array(items) => items.items.into_iter().filter(|v| !v.is_null()).collect(),
                _ => return Ok(()),
            },
            KeyPart::Null => vec![Datum::Null],
        };
        prefix.push(values);
    }
    let Some(lower) = bound(cx, &range.lower)? else { return Ok(()) };
    let Some(upper) = bound(cx, &range.upper)? else { return Ok(()) };
    let lower = lower.as_ref().map(|(value, inclusive)| Limit { value: value.as_ref(), inclusive: *inclusive });
    let upper = upper.as_ref().map(|(value, inclusive)| Limit { value: value.as_ref(), inclusive: *inclusive });
    let mut chosen: Vec<DatumRef<'_>> = Vec::with_capacity(prefix.len());
    multiply(&prefix, &mut chosen, &mut |values| out.extend(key_range(columns, values, lower, upper)));
    Ok(())
}

/// Calls `each` with every choice of one value for each place.
fn multiply<'a>(places: &'a [Vec<Datum>], chosen: &mut Vec<DatumRef<'a>>, each: &mut dyn FnMut(&[DatumRef<'a>])) {
    match places.get(chosen.len()) {
        None => each(chosen),
        Some(values) => {
            for value in values {
                chosen.push(value.as_ref());
                multiply(places, chosen, each);
                chosen.pop();
            }
        }
    }
}

/// `Some(None)`: no bound. `None`: a bound of NULL, which nothing satisfies.
#[allow(clippy::option_option)]
fn bound(cx: &mut Cx<'_>, bound: &Option<PlanBound>) -> Result<Option<Option<(Datum, bool)>>> {
    let Some(bound) = bound else { return Ok(Some(None)) };
    Ok(match cx.value(&bound.value)? {
        Datum::Null => None,
        value => Some(Some((value, bound.inclusive))),
    })
}

fn merge(mut ranges: Vec<KeyRange>) -> Vec<KeyRange> {
    ranges.retain(|r| !r.is_empty());
    ranges.sort_by(|a, b| lower_order(&a.lower, &b.lower));
    let mut out: Vec<KeyRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if touches(&last.upper, &range.lower) => {
                if upper_order(&last.upper, &range.upper) == Ordering::Less {
                    last.upper = range.upper;
                }
            }
            _ => out.push(range),
        }
    }
    out
}

fn lower_order(a: &Bound<Vec<u8>>, b: &Bound<Vec<u8>>) -> Ordering {
    let key = |b: &Bound<Vec<u8>>| match b {
        Bound::Unbounded => (None, false),
        Bound::Included(k) => (Some(k.clone()), false),
        Bound::Excluded(k) => (Some(k.clone()), true),
    };
    key(a).cmp(&key(b))
}

fn upper_order(a: &Bound<Vec<u8>>, b: &Bound<Vec<u8>>) -> Ordering {
    match (a, b) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Greater,
        (_, Bound::Unbounded) => Ordering::Less,
        (Bound::Included(x), Bound::Included(y)) | (Bound::Excluded(x), Bound::Excluded(y)) => x.cmp(y),
        (Bound::Included(x), Bound::Excluded(y)) => x.cmp(y).then(Ordering::Greater),
        (Bound::Excluded(x), Bound::Included(y)) => x.cmp(y).then(Ordering::Less),
    }
}

/// Whether a range that begins at `lower` shares a key with one that ends at `upper`.
fn touches(upper: &Bound<Vec<u8>>, lower: &Bound<Vec<u8>>) -> bool {
    match (upper, lower) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (Bound::Included(u), Bound::Included(l)) => l <= u,
        (Bound::Included(u) | Bound::Excluded(u), Bound::Included(l) | Bound::Excluded(l)) => l < u,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_come_in_order_and_without_overlap() {
        let range = |l: u8, u: u8| KeyRange { lower: Bound::Included(vec![l]), upper: Bound::Excluded(vec![u]) };
        assert_eq!(
            merge(vec![range(5, 6), range(1, 3), range(2, 4), range(5, 6), range(9, 9)]),
            vec![range(1, 4), range(5, 6)]
        );
        assert_eq!(merge(vec![range(3, 4), KeyRange::all()]), vec![KeyRange::all()]);
    }
}
