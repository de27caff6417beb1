//! Ranges of a tree for conditions on leading key columns: `a = 1 AND b > 2` as bytes.
//!
//! Conditions never hold for NULL, so a bound on one side also cuts off the NULLs on the other. Integers of any width
//! may be compared with integer columns: what does not fit the column lies beyond all of its values.

use super::def::KeyColumn;
use crate::storage::{KeyRange, prefix_end};
use crate::types::{DatumRef, Physical, key};
use std::cmp::Ordering;
use std::ops::Bound;

/// A bound of one key column.
#[derive(Clone, Copy, Debug)]
pub struct Limit<'a> {
    pub value: DatumRef<'a>,
    pub inclusive: bool,
}

/// A value as a column's, or on which side of all the column's values it lies.
fn fit<'a>(form: Physical, value: DatumRef<'a>) -> Result<DatumRef<'a>, Ordering> {
    let n = match value {
        DatumRef::Int2(n) => i64::from(n),
        DatumRef::Int4(n) => i64::from(n),
        DatumRef::Int8(n) => n,
        other => return Ok(other),
    };
    let side = if n < 0 { Ordering::Less } else { Ordering::Greater };
    match form {
        Physical::Int16 => i16::try_from(n).map(DatumRef::Int2).map_err(|_| side),
        Physical::Int32 => i32::try_from(n).map(DatumRef::Int4).map_err(|_| side),
        Physical::Int64 => Ok(DatumRef::Int8(n)),
        Physical::UInt32 => u32::try_from(n).map(DatumRef::Oid).map_err(|_| side),
        _ => Ok(value),
    }
}

/// Appends the keys of values for leading columns; false when no row can have them.
pub fn encode_prefix(columns: &[KeyColumn], values: &[DatumRef<'_>], out: &mut Vec<u8>) -> bool {
    columns.iter().zip(values).all(|(column, &value)| match fit(column.ty.physical(), value) {
        Ok(value) => {
            key::encode(out, column.ty, value, column.order);
            true
        }
        Err(_) => false,
    })
}

/// The range of keys whose leading columns equal `prefix` (NULL meaning `IS NULL`) and whose next column is within the
/// limits. `None` when there can be no such key.
pub fn key_range(
    columns: &[KeyColumn],
    prefix: &[DatumRef<'_>],
    lower: Option<Limit<'_>>,
    upper: Option<Limit<'_>>,
) -> Option<KeyRange> {
    let mut start = Vec::with_capacity(32);
    if !encode_prefix(columns, prefix, &mut start) {
        return None;
    }
    if lower.is_none() && upper.is_none() {
        return Some(KeyRange { upper: prefix_end(&start), lower: Bound::Included(start) });
    }
    let column = &columns[prefix.len()];
    let form = column.ty.physical();
    let lower = match lower.map(|l| (fit(form, l.value), l.inclusive)) {
        None | Some((Err(Ordering::Less), _)) => None,
        Some((Ok(value), inclusive)) => Some(Limit { value, inclusive }),
        Some((Err(_), _)) => return None,
    };
    let upper = match upper.map(|l| (fit(form, l.value), l.inclusive)) {
        None | Some((Err(Ordering::Greater), _)) => None,
        Some((Ok(value), inclusive)) => Some(Limit { value, inclusive }),
        Some((Err(_), _)) => return None,
    };
    let (first, last) = if column.order.descending { (upper, lower) } else { (lower, upper) };
    let with = |value: DatumRef<'_>| {
        let mut bytes = start.clone();
        key::encode(&mut bytes, column.ty, value, column.order);
        bytes
    };
    let lower = match first {
        Some(limit) if limit.value.is_null() => return None,
        Some(Limit { value, inclusive: true }) => Bound::Included(with(value)),
        Some(Limit { value, inclusive: false }) => behind(&with(value)),
        None if column.order.nulls_first => behind(&with(DatumRef::Null)),
        None => Bound::Included(start.clone()),
    };
    let upper = match last {
        Some(limit) if limit.value.is_null() => return None,
        Some(Limit { value, inclusive: true }) => prefix_end(&with(value)),
        Some(Limit { value, inclusive: false }) => Bound::Excluded(with(value)),
        None if column.order.nulls_first => prefix_end(&start),
        None => Bound::Excluded(with(DatumRef::Null)),
    };
    Some(KeyRange { lower, upper })
}

/// The lower bound behind every key that begins with `prefix`.
fn behind(prefix: &[u8]) -> Bound<Vec<u8>> {
    match prefix_end(prefix) {
        Bound::Excluded(end) => Bound::Included(end),
        // Nothing is greater: an empty range.
        _ => Bound::Excluded(vec![0xff; prefix.len() + 1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::key::KeyOrder;
    use crate::types::{Datum, SqlType, oid};
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Option<i16>> {
        prop_oneof![1 => Just(None), 8 => (-3i16..4).prop_map(Some), 1 => Just(Some(i16::MAX)), 1 => Just(Some(i16::MIN))]
    }

    /// A limit as an int8, which may lie beyond the column's type.
    fn limit() -> impl Strategy<Value = Option<(i64, bool)>> {
        let n = prop_oneof![(-4i64..5), Just(i64::from(i16::MAX)), Just(1 << 20), Just(-(1 << 20))];
        proptest::option::of((n, any::<bool>()))
    }

    fn datum(v: Option<i16>) -> Datum {
        v.map_or(Datum::Null, Datum::Int2)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_range_holds_exactly_the_keys_that_satisfy_it(
            orders in proptest::array::uniform2((any::<bool>(), any::<bool>())),
            rows in proptest::collection::vec((value(), value()), 1..20),
            first in proptest::option::of(value()),
            (lower, upper) in (limit(), limit()),
        ) {
            let column = |&(descending, nulls_first): &(bool, bool)| KeyColumn {
                ty: SqlType::of(oid::INT2),
                order: KeyOrder { descending, nulls_first },
            };
            let columns: Vec<KeyColumn> = orders.iter().map(column).collect();
            let prefix: Vec<Datum> = first.iter().map(|&v| datum(v)).collect();
            let prefix: Vec<DatumRef<'_>> = prefix.iter().map(Datum::as_ref).collect();
            let bound = |l: Option<(i64, bool)>| l.map(|(n, inclusive)| Limit { value: DatumRef::Int8(n), inclusive });
            let range = key_range(&columns, &prefix, bound(lower), bound(upper));
            for (a, b) in rows {
                let mut key = Vec::new();
                key::encode(&mut key, columns[0].ty, datum(a).as_ref(), columns[0].order);
                key::encode(&mut key, columns[1].ty, datum(b).as_ref(), columns[1].order);
                let bounded = if first.is_some() { b } else { a };
                let above = lower.is_none_or(|(n, inclusive)| {
                    bounded.is_some_and(|v| i64::from(v) > n || (inclusive && i64::from(v) == n))
                });
                let below = upper.is_none_or(|(n, inclusive)| {
                    bounded.is_some_and(|v| i64::from(v) < n || (inclusive && i64::from(v) == n))
                });
                let wanted = first.is_none_or(|f| f == a) && above && below;
                let found = range.as_ref().is_some_and(|r| !r.is_empty() && r.contains(&key));
                prop_assert_eq!(found, wanted, "{:?} {:?} in {:?}", a, b, range);
            }
        }
    }
}
