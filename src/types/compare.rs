//! The default order and hash of each type: its btree and hash operator classes.
//!
//! Most of it follows from the physical form. Two types differ from theirs: `char(n)` ignores trailing blanks, and
//! `oidvector` orders by length first. Text is in byte order, the C collation.

use super::character::without_trailing_blanks;
use super::{ArrayView, DatumRef, NumericRef, RecordView, SqlType, oid};
use std::cmp::Ordering;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The order of the type's default btree operator class. NULLs order last and equal each other, as inside rows and arrays.
pub fn compare(ty: SqlType, a: DatumRef<'_>, b: DatumRef<'_>) -> Ordering {
    match (a, b) {
        (DatumRef::Null, DatumRef::Null) => Ordering::Equal,
        (DatumRef::Null, _) => Ordering::Greater,
        (_, DatumRef::Null) => Ordering::Less,
        (DatumRef::Bool(a), DatumRef::Bool(b)) => a.cmp(&b),
        (DatumRef::Int2(a), DatumRef::Int2(b)) => a.cmp(&b),
        (DatumRef::Int4(a), DatumRef::Int4(b)) => a.cmp(&b),
        (DatumRef::Int8(a), DatumRef::Int8(b)) => a.cmp(&b),
        (DatumRef::Oid(a), DatumRef::Oid(b)) => a.cmp(&b),
        (DatumRef::Float4(a), DatumRef::Float4(b)) => compare_floats(f64::from(a), f64::from(b)),
        (DatumRef::Float8(a), DatumRef::Float8(b)) => compare_floats(a, b),
        (DatumRef::Numeric(a), DatumRef::Numeric(b)) => a.cmp(b),
        (DatumRef::Text(a), DatumRef::Text(b)) => match ty.oid {
            oid::BPCHAR => without_trailing_blanks(a).cmp(without_trailing_blanks(b)),
            _ => a.cmp(b),
        },
        (DatumRef::Bytes(a), DatumRef::Bytes(b)) => a.cmp(b),
        (DatumRef::Interval(a), DatumRef::Interval(b)) => a.cmp(&b),
        (DatumRef::Uuid(a), DatumRef::Uuid(b)) => a.cmp(&b),
        (DatumRef::Array(a), DatumRef::Array(b)) => compare_arrays(ty, a, b),
        (DatumRef::Record(a), DatumRef::Record(b)) => compare_records(a, b),
        (a, b) => panic!("values of different forms compared: {a:?} and {b:?}"),
    }
}

pub fn equal(ty: SqlType, a: DatumRef<'_>, b: DatumRef<'_>) -> bool {
    compare(ty, a, b) == Ordering::Equal
}

/// NaN equals NaN and is greater than all else; zeros are equal.
pub fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Items first, then number of items, then dimensions, then lower bounds (`array_cmp`).
fn compare_arrays(ty: SqlType, a: ArrayView<'_>, b: ArrayView<'_>) -> Ordering {
    if ty.oid == oid::OIDVECTOR && a.len() != b.len() {
        return a.len().cmp(&b.len());
    }
    let element = SqlType::of(a.element());
    let items = a.iter().zip(b.iter()).map(|(a, b)| compare(element, a, b));
    first_difference(items).then_with(|| a.len().cmp(&b.len())).then_with(|| {
        let (a, b) = (a.dims(), b.dims());
        let shape = a.len().cmp(&b.len());
        let lengths = shape.then_with(|| a.iter().map(|d| d.0).cmp(b.iter().map(|d| d.0)));
        lengths.then_with(|| a.iter().map(|d| d.1).cmp(b.iter().map(|d| d.1)))
    })
}

/// Field by field, NULL last, then number of fields (`record_cmp`).
fn compare_records(a: RecordView<'_>, b: RecordView<'_>) -> Ordering {
    let fields = a.iter().zip(b.iter()).map(|((oid, a), (_, b))| compare(SqlType::of(oid), a, b));
    first_difference(fields).then_with(|| a.len().cmp(&b.len()))
}

fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

/// A hash of the value; values of a type that compare equal hash equal. NULL has a hash too.
pub fn hash(ty: SqlType, value: DatumRef<'_>, seed: u64) -> u64 {
    match value {
        DatumRef::Null => mix(0x6e75_6c6c, seed),
        DatumRef::Bool(v) => mix(u64::from(v), seed),
        DatumRef::Int2(v) => mix(i64::from(v) as u64, seed),
        DatumRef::Int4(v) => mix(i64::from(v) as u64, seed),
        DatumRef::Int8(v) => mix(v as u64, seed),
        DatumRef::Oid(v) => mix(u64::from(v), seed),
        DatumRef::Float4(v) => mix(float_bits(f64::from(v)), seed),
        DatumRef::Float8(v) => mix(float_bits(v), seed),
        DatumRef::Numeric(v) => hash_numeric(v, seed),
        DatumRef::Text(v) => match ty.oid {
            oid::BPCHAR => xxh3_64_with_seed(without_trailing_blanks(v).as_bytes(), seed),
            _ => xxh3_64_with_seed(v.as_bytes(), seed),
        },
        DatumRef::Bytes(v) => xxh3_64_with_seed(v, seed),
        DatumRef::Interval(v) => {
            let span = v.span();
            mix(span as u64, mix((span >> 64) as u64, seed))
        }
        DatumRef::Uuid(v) => xxh3_64_with_seed(&v, seed),
        DatumRef::Array(v) => {
            let element = SqlType::of(v.element());
            v.iter().fold(mix(v.len() as u64, seed), |h, item| hash(element, item, h))
        }
        DatumRef::Record(v) => v.iter().fold(mix(v.len() as u64, seed), |h, (oid, f)| hash(SqlType::of(oid), f, h)),
    }
}

/// Multiply and fold: every input bit reaches every output bit.
pub fn mix(value: u64, seed: u64) -> u64 {
    let product = u128::from(value ^ 0x9e37_79b9_7f4a_7c15) * u128::from(seed ^ 0xd6e8_feb8_6659_fd93);
    let folded = (product as u64) ^ (product >> 64) as u64;
    let again = u128::from(folded ^ value) * 0xa076_1d64_78bd_642f;
    (again as u64) ^ (again >> 64) as u64
}

/// One pattern for each value: all NaNs alike, both zeros alike.
fn float_bits(v: f64) -> u64 {
    match v {
        0.0 => 0,
        v if v.is_nan() => f64::NAN.to_bits(),
        v => v.to_bits(),
    }
}

fn hash_numeric(v: NumericRef<'_>, seed: u64) -> u64 {
    let trimmed = v.trim_scale();
    match trimmed.as_ref().small_parts() {
        Some((mantissa, scale)) => {
            let low = mix(mantissa as u64, seed ^ u64::from(scale));
            mix((mantissa >> 64) as u64, low)
        }
        None => {
            let mut bytes = Vec::new();
            trimmed.as_ref().encode(&mut bytes);
            xxh3_64_with_seed(&bytes, seed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Datum, FormatContext, Interval, Numeric, RecordValue, parse_text};
    use super::*;

    fn read(ty: SqlType, text: &str) -> Datum {
        parse_text(ty, text, &FormatContext::default()).unwrap()
    }

    /// Each list ascends; members of an inner list are equal.
    fn check(ty: SqlType, groups: &[&[&str]]) {
        let values: Vec<Vec<Datum>> = groups.iter().map(|g| g.iter().map(|t| read(ty, t)).collect()).collect();
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                for a in a {
                    for b in b {
                        assert_eq!(compare(ty, a.as_ref(), b.as_ref()), i.cmp(&j), "{a:?} {b:?}");
                        if i == j {
                            assert_eq!(hash(ty, a.as_ref(), 7), hash(ty, b.as_ref(), 7), "{a:?} {b:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn orders_are_postgresqls() {
        check(SqlType::FLOAT8, &[&["-inf"], &["-1"], &["-0", "0"], &["1e-300"], &["inf"], &["nan"]]);
        check(
            SqlType::NUMERIC,
            &[
                &["-inf"],
                &["-1e50"],
                &["-1.50", "-1.5"],
                &["0", "0.00"],
                &["0.1"],
                &["1", "1.0"],
                &["1e40", "1e40"],
                &["inf"],
                &["nan"],
            ],
        );
        check(SqlType::BPCHAR, &[&["a", "a  "], &["a\t"], &["b"]]);
        check(SqlType::TEXT, &[&["B"], &["a"], &["a "], &["ab"], &["ä"]]);
        check(SqlType::INT4_ARRAY, &[&["{}"], &["{1}"], &["[2:2]={1}"], &["{1,2}"], &["{1,NULL}"], &["{2}"]]);
        check(SqlType::of(oid::OIDVECTOR), &[&[""], &["9"], &["1 1"]]);
        check(SqlType::UUID, &[&["00000000-0000-0000-0000-000000000001"], &["ff000000-0000-0000-0000-000000000000"]]);
    }

    #[test]
    fn rows_compare_field_by_field() {
        let row = |a: Datum, b: Datum| Datum::record(RecordValue { fields: vec![(oid::INT4, a), (oid::TEXT, b)] });
        let (x, y) = (row(1.into(), "b".into()), row(1.into(), Datum::Null));
        assert_eq!(compare(SqlType::RECORD, x.as_ref(), y.as_ref()), Ordering::Less);
        assert!(equal(SqlType::RECORD, y.as_ref(), y.as_ref()));
    }

    #[test]
    fn equal_values_of_other_shape_hash_equal() {
        let month = DatumRef::Interval(Interval { months: 1, days: 0, micros: 0 });
        let days = DatumRef::Interval(Interval { months: 0, days: 30, micros: 0 });
        assert_eq!(hash(SqlType::INTERVAL, month, 1), hash(SqlType::INTERVAL, days, 1));
        let big = Numeric::parse("1e60").unwrap();
        let bigger_scale = Numeric::parse("1000000000000000000000000000000000000000000000000000000000000.000").unwrap();
        let h = |n: &Numeric| hash(SqlType::NUMERIC, DatumRef::Numeric(n.as_ref()), 1);
        assert_eq!(h(&big), h(&bigger_scale));
    }
}
