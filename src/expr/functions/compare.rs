//! The comparison operators of every type.
//!
//! Numbers compare natively, mixed widths in the wider type; text compares bytes, through Arrow; the rest asks
//! [`compare`]. Floats order NaN above everything and equal to itself.

use super::f;
use super::vector::{Native, test2};
use crate::base::{Oid, Result};
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::Column;
use crate::expr::value::Value;
use crate::types::oid::*;
use crate::types::{Datum, DatumRef, Physical, SqlType, compare};
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BooleanArray, StringViewArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use std::cmp::Ordering;
use std::sync::Arc;

/// A comparison operator.
trait Test {
    fn holds(order: Ordering) -> bool;

    /// The operator over text, by Arrow.
    fn texts(a: &dyn arrow_array::Datum, b: &dyn arrow_array::Datum) -> BooleanArray;
}

macro_rules! tests {
    ($($name:ident $method:ident $arrow:ident;)*) => {
        $(struct $name;
        impl Test for $name {
            fn holds(order: Ordering) -> bool {
                order.$method()
            }

            fn texts(a: &dyn arrow_array::Datum, b: &dyn arrow_array::Datum) -> BooleanArray {
                arrow_ord::cmp::$arrow(a, b).expect("text columns of one length")
            }
        })*
    };
}

tests! {
    Eq is_eq eq;
    Ne is_ne neq;
    Lt is_lt lt;
    Le is_le lt_eq;
    Gt is_gt gt;
    Ge is_ge gt_eq;
}

/// PostgreSQL's order of a native type.
pub(in crate::expr) trait Order {
    fn order(self, other: Self) -> Ordering;
}

macro_rules! orders {
    ($($t:ty)*) => {
        $(impl Order for $t {
            fn order(self, other: $t) -> Ordering {
                self.cmp(&other)
            }
        })*
    };
}

orders! { i16 i32 i64 u32 }

macro_rules! float_orders {
    ($($t:ty)*) => {
        $(impl Order for $t {
            fn order(self, other: $t) -> Ordering {
                self.partial_cmp(&other).unwrap_or_else(|| self.is_nan().cmp(&other.is_nan()))
            }
        })*
    };
}

float_orders! { f32 f64 }

fn num<A: Native + Into<W>, B: Native + Into<W>, W: Order, T: Test>(
    _: &mut EvalContext<'_>,
    a: &[DatumRef<'_>],
) -> Result<Datum> {
    Ok(Datum::Bool(T::holds(A::of(a[0]).into().order(B::of(a[1]).into()))))
}

fn nums<A: Native + Into<W>, B: Native + Into<W>, W: Order, T: Test>(
    _: &mut EvalContext<'_>,
    a: &[Value],
    rows: usize,
) -> Result<ArrayRef> {
    Ok(test2::<A, B>(a, rows, |x, y| T::holds(x.into().order(y.into()))))
}

fn text<T: Test>(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    match (a[0], a[1]) {
        (DatumRef::Text(x), DatumRef::Text(y)) => Ok(Datum::Bool(T::holds(x.cmp(y)))),
        other => panic!("{other:?} compared as text"),
    }
}

fn texts<T: Test>(_: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
    let scalar = |d: &Datum| match d {
        Datum::Text(t) => Some(StringViewArray::new_scalar(&**t)),
        _ => None,
    };
    let nulls = || Arc::new(BooleanArray::new_null(rows));
    Ok(match (&a[0], &a[1]) {
        (Value::Column(x), Value::Column(y)) => Arc::new(T::texts(x.as_string_view(), y.as_string_view())),
        (Value::Column(x), Value::Scalar(y)) => match scalar(y) {
            Some(y) => Arc::new(T::texts(x.as_string_view(), &y)),
            None => nulls(),
        },
        (Value::Scalar(x), Value::Column(y)) => match scalar(x) {
            Some(x) => Arc::new(T::texts(&x, y.as_string_view())),
            None => nulls(),
        },
        _ => unreachable!("one argument is a column"),
    })
}

/// Types that [`compare`] knows.
fn any<const TYPE: u32, T: Test>(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    Ok(Datum::Bool(T::holds(compare(SqlType::of(Oid(TYPE)), a[0], a[1]))))
}

fn anys<const TYPE: u32, T: Test>(_: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
    let ty = SqlType::of(Oid(TYPE));
    // Arrays of any element type share a form, and so do rows.
    let form: Physical = ty.physical();
    let (x, y) = (a[0].reader(form), a[1].reader(form));
    let mut known = Vec::with_capacity(rows);
    let bits = BooleanBuffer::collect_bool(rows, |i| {
        let (x, y) = (x.get(i), y.get(i));
        let valid = !x.is_null() && !y.is_null();
        known.push(valid);
        valid && T::holds(compare(ty, x, y))
    });
    let nulls = known.contains(&false).then(|| NullBuffer::from(known));
    Ok(Arc::new(BooleanArray::new(bits, nulls)))
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(744, "array_eq", &[ANYARRAY, ANYARRAY], BOOL, Column(any::<2277, Eq>, anys::<2277, Eq>)),
    f(396, "array_ge", &[ANYARRAY, ANYARRAY], BOOL, Column(any::<2277, Ge>, anys::<2277, Ge>)),
    f(392, "array_gt", &[ANYARRAY, ANYARRAY], BOOL, Column(any::<2277, Gt>, anys::<2277, Gt>)),
    f(393, "array_le", &[ANYARRAY, ANYARRAY], BOOL, Column(any::<2277, Le>, anys::<2277, Le>)),
    f(391, "array_lt", &[ANYARRAY, ANYARRAY], BOOL, Column(any::<2277, Lt>, anys::<2277, Lt>)),
    f(390, "array_ne", &[ANYARRAY, ANYARRAY], BOOL, Column(any::<2277, Ne>, anys::<2277, Ne>)),
    f(1581, "biteq", &[BIT, BIT], BOOL, Column(text::<Eq>, texts::<Eq>)).leakproof(),
    f(1592, "bitge", &[BIT, BIT], BOOL, Column(text::<Ge>, texts::<Ge>)).leakproof(),
    f(1593, "bitgt", &[BIT, BIT], BOOL, Column(text::<Gt>, texts::<Gt>)).leakproof(),
    f(1594, "bitle", &[BIT, BIT], BOOL, Column(text::<Le>, texts::<Le>)).leakproof(),
    f(1595, "bitlt", &[BIT, BIT], BOOL, Column(text::<Lt>, texts::<Lt>)).leakproof(),
    f(1582, "bitne", &[BIT, BIT], BOOL, Column(text::<Ne>, texts::<Ne>)).leakproof(),
    f(60, "booleq", &[BOOL, BOOL], BOOL, Column(any::<16, Eq>, anys::<16, Eq>)).leakproof(),
    f(1692, "boolge", &[BOOL, BOOL], BOOL, Column(any::<16, Ge>, anys::<16, Ge>)).leakproof(),
    f(57, "boolgt", &[BOOL, BOOL], BOOL, Column(any::<16, Gt>, anys::<16, Gt>)).leakproof(),
    f(1691, "boolle", &[BOOL, BOOL], BOOL, Column(any::<16, Le>, anys::<16, Le>)).leakproof(),
    f(56, "boollt", &[BOOL, BOOL], BOOL, Column(any::<16, Lt>, anys::<16, Lt>)).leakproof(),
    f(84, "boolne", &[BOOL, BOOL], BOOL, Column(any::<16, Ne>, anys::<16, Ne>)).leakproof(),
    f(2177, "bpchar_pattern_ge", &[BPCHAR, BPCHAR], BOOL, Column(any::<1042, Ge>, anys::<1042, Ge>)).leakproof(),
    f(2178, "bpchar_pattern_gt", &[BPCHAR, BPCHAR], BOOL, Column(any::<1042, Gt>, anys::<1042, Gt>)).leakproof(),
    f(2175, "bpchar_pattern_le", &[BPCHAR, BPCHAR], BOOL, Column(any::<1042, Le>, anys::<1042, Le>)).leakproof(),
    f(2174, "bpchar_pattern_lt", &[BPCHAR, BPCHAR], BOOL, Column(any::<1042, Lt>, anys::<1042, Lt>)).leakproof(),
    f(1048, "bpchareq", &[BPCHAR, BPCHAR], BOOL, Column(any::<1042, Eq>, anys::<1042, Eq>)).leakproof(),
    f(1052, "bpcharge", &[BPCHAR, BPCHAR], BOOL, Column(any::<1042, Ge>, anys::<1042, Ge>)).leakproof(),
    f(1051, "bpchargt", &[BPCHAR, BPCHAR], BOOL, Column(any::<1042, Gt>, anys::<1042, Gt>)).leakproof(),
    f(1050, "bpcharle", &[BPCHAR, BPCHAR], BOOL, Column(any::<1042, Le>, anys::<1042, Le>)).leakproof(),
    f(1049, "bpcharlt", &[BPCHAR, BPCHAR], BOOL, Column(any::<1042, Lt>, anys::<1042, Lt>)).leakproof(),
    f(1053, "bpcharne", &[BPCHAR, BPCHAR], BOOL, Column(any::<1042, Ne>, anys::<1042, Ne>)).leakproof(),
    f(1948, "byteaeq", &[BYTEA, BYTEA], BOOL, Column(any::<17, Eq>, anys::<17, Eq>)).leakproof(),
    f(1952, "byteage", &[BYTEA, BYTEA], BOOL, Column(any::<17, Ge>, anys::<17, Ge>)).leakproof(),
    f(1951, "byteagt", &[BYTEA, BYTEA], BOOL, Column(any::<17, Gt>, anys::<17, Gt>)).leakproof(),
    f(1950, "byteale", &[BYTEA, BYTEA], BOOL, Column(any::<17, Le>, anys::<17, Le>)).leakproof(),
    f(1949, "bytealt", &[BYTEA, BYTEA], BOOL, Column(any::<17, Lt>, anys::<17, Lt>)).leakproof(),
    f(1953, "byteane", &[BYTEA, BYTEA], BOOL, Column(any::<17, Ne>, anys::<17, Ne>)).leakproof(),
    f(61, "chareq", &[CHAR, CHAR], BOOL, Column(text::<Eq>, texts::<Eq>)).leakproof(),
    f(74, "charge", &[CHAR, CHAR], BOOL, Column(text::<Ge>, texts::<Ge>)).leakproof(),
    f(73, "chargt", &[CHAR, CHAR], BOOL, Column(text::<Gt>, texts::<Gt>)).leakproof(),
    f(72, "charle", &[CHAR, CHAR], BOOL, Column(text::<Le>, texts::<Le>)).leakproof(),
    f(1246, "charlt", &[CHAR, CHAR], BOOL, Column(text::<Lt>, texts::<Lt>)).leakproof(),
    f(70, "charne", &[CHAR, CHAR], BOOL, Column(text::<Ne>, texts::<Ne>)).leakproof(),
    f(69, "cideq", &[CID, CID], BOOL, Column(num::<u32, u32, u32, Eq>, nums::<u32, u32, u32, Eq>)).leakproof(),
    f(1086, "date_eq", &[DATE, DATE], BOOL, Column(num::<i32, i32, i32, Eq>, nums::<i32, i32, i32, Eq>)).leakproof(),
    f(1090, "date_ge", &[DATE, DATE], BOOL, Column(num::<i32, i32, i32, Ge>, nums::<i32, i32, i32, Ge>)).leakproof(),
    f(1089, "date_gt", &[DATE, DATE], BOOL, Column(num::<i32, i32, i32, Gt>, nums::<i32, i32, i32, Gt>)).leakproof(),
    f(1088, "date_le", &[DATE, DATE], BOOL, Column(num::<i32, i32, i32, Le>, nums::<i32, i32, i32, Le>)).leakproof(),
    f(1087, "date_lt", &[DATE, DATE], BOOL, Column(num::<i32, i32, i32, Lt>, nums::<i32, i32, i32, Lt>)).leakproof(),
    f(1091, "date_ne", &[DATE, DATE], BOOL, Column(num::<i32, i32, i32, Ne>, nums::<i32, i32, i32, Ne>)).leakproof(),
    f(299, "float48eq", &[FLOAT4, FLOAT8], BOOL, Column(num::<f32, f64, f64, Eq>, nums::<f32, f64, f64, Eq>)).leakproof(),
    f(304, "float48ge", &[FLOAT4, FLOAT8], BOOL, Column(num::<f32, f64, f64, Ge>, nums::<f32, f64, f64, Ge>)).leakproof(),
    f(303, "float48gt", &[FLOAT4, FLOAT8], BOOL, Column(num::<f32, f64, f64, Gt>, nums::<f32, f64, f64, Gt>)).leakproof(),
    f(302, "float48le", &[FLOAT4, FLOAT8], BOOL, Column(num::<f32, f64, f64, Le>, nums::<f32, f64, f64, Le>)).leakproof(),
    f(301, "float48lt", &[FLOAT4, FLOAT8], BOOL, Column(num::<f32, f64, f64, Lt>, nums::<f32, f64, f64, Lt>)).leakproof(),
    f(300, "float48ne", &[FLOAT4, FLOAT8], BOOL, Column(num::<f32, f64, f64, Ne>, nums::<f32, f64, f64, Ne>)).leakproof(),
    f(287, "float4eq", &[FLOAT4, FLOAT4], BOOL, Column(num::<f32, f32, f32, Eq>, nums::<f32, f32, f32, Eq>)).leakproof(),
    f(292, "float4ge", &[FLOAT4, FLOAT4], BOOL, Column(num::<f32, f32, f32, Ge>, nums::<f32, f32, f32, Ge>)).leakproof(),
    f(291, "float4gt", &[FLOAT4, FLOAT4], BOOL, Column(num::<f32, f32, f32, Gt>, nums::<f32, f32, f32, Gt>)).leakproof(),
    f(290, "float4le", &[FLOAT4, FLOAT4], BOOL, Column(num::<f32, f32, f32, Le>, nums::<f32, f32, f32, Le>)).leakproof(),
    f(289, "float4lt", &[FLOAT4, FLOAT4], BOOL, Column(num::<f32, f32, f32, Lt>, nums::<f32, f32, f32, Lt>)).leakproof(),
    f(288, "float4ne", &[FLOAT4, FLOAT4], BOOL, Column(num::<f32, f32, f32, Ne>, nums::<f32, f32, f32, Ne>)).leakproof(),
    f(305, "float84eq", &[FLOAT8, FLOAT4], BOOL, Column(num::<f64, f32, f64, Eq>, nums::<f64, f32, f64, Eq>)).leakproof(),
    f(310, "float84ge", &[FLOAT8, FLOAT4], BOOL, Column(num::<f64, f32, f64, Ge>, nums::<f64, f32, f64, Ge>)).leakproof(),
    f(309, "float84gt", &[FLOAT8, FLOAT4], BOOL, Column(num::<f64, f32, f64, Gt>, nums::<f64, f32, f64, Gt>)).leakproof(),
    f(308, "float84le", &[FLOAT8, FLOAT4], BOOL, Column(num::<f64, f32, f64, Le>, nums::<f64, f32, f64, Le>)).leakproof(),
    f(307, "float84lt", &[FLOAT8, FLOAT4], BOOL, Column(num::<f64, f32, f64, Lt>, nums::<f64, f32, f64, Lt>)).leakproof(),
    f(306, "float84ne", &[FLOAT8, FLOAT4], BOOL, Column(num::<f64, f32, f64, Ne>, nums::<f64, f32, f64, Ne>)).leakproof(),
    f(293, "float8eq", &[FLOAT8, FLOAT8], BOOL, Column(num::<f64, f64, f64, Eq>, nums::<f64, f64, f64, Eq>)).leakproof(),
    f(298, "float8ge", &[FLOAT8, FLOAT8], BOOL, Column(num::<f64, f64, f64, Ge>, nums::<f64, f64, f64, Ge>)).leakproof(),
    f(297, "float8gt", &[FLOAT8, FLOAT8], BOOL, Column(num::<f64, f64, f64, Gt>, nums::<f64, f64, f64, Gt>)).leakproof(),
    f(296, "float8le", &[FLOAT8, FLOAT8], BOOL, Column(num::<f64, f64, f64, Le>, nums::<f64, f64, f64, Le>)).leakproof(),
    f(295, "float8lt", &[FLOAT8, FLOAT8], BOOL, Column(num::<f64, f64, f64, Lt>, nums::<f64, f64, f64, Lt>)).leakproof(),
    f(294, "float8ne", &[FLOAT8, FLOAT8], BOOL, Column(num::<f64, f64, f64, Ne>, nums::<f64, f64, f64, Ne>)).leakproof(),
    f(158, "int24eq", &[INT2, INT4], BOOL, Column(num::<i16, i32, i32, Eq>, nums::<i16, i32, i32, Eq>)).leakproof(),
    f(168, "int24ge", &[INT2, INT4], BOOL, Column(num::<i16, i32, i32, Ge>, nums::<i16, i32, i32, Ge>)).leakproof(),
    f(162, "int24gt", &[INT2, INT4], BOOL, Column(num::<i16, i32, i32, Gt>, nums::<i16, i32, i32, Gt>)).leakproof(),
    f(166, "int24le", &[INT2, INT4], BOOL, Column(num::<i16, i32, i32, Le>, nums::<i16, i32, i32, Le>)).leakproof(),
    f(160, "int24lt", &[INT2, INT4], BOOL, Column(num::<i16, i32, i32, Lt>, nums::<i16, i32, i32, Lt>)).leakproof(),
    f(164, "int24ne", &[INT2, INT4], BOOL, Column(num::<i16, i32, i32, Ne>, nums::<i16, i32, i32, Ne>)).leakproof(),
    f(1850, "int28eq", &[INT2, INT8], BOOL, Column(num::<i16, i64, i64, Eq>, nums::<i16, i64, i64, Eq>)).leakproof(),
    f(1855, "int28ge", &[INT2, INT8], BOOL, Column(num::<i16, i64, i64, Ge>, nums::<i16, i64, i64, Ge>)).leakproof(),
    f(1853, "int28gt", &[INT2, INT8], BOOL, Column(num::<i16, i64, i64, Gt>, nums::<i16, i64, i64, Gt>)).leakproof(),
    f(1854, "int28le", &[INT2, INT8], BOOL, Column(num::<i16, i64, i64, Le>, nums::<i16, i64, i64, Le>)).leakproof(),
    f(1852, "int28lt", &[INT2, INT8], BOOL, Column(num::<i16, i64, i64, Lt>, nums::<i16, i64, i64, Lt>)).leakproof(),
    f(1851, "int28ne", &[INT2, INT8], BOOL, Column(num::<i16, i64, i64, Ne>, nums::<i16, i64, i64, Ne>)).leakproof(),
    f(63, "int2eq", &[INT2, INT2], BOOL, Column(num::<i16, i16, i16, Eq>, nums::<i16, i16, i16, Eq>)).leakproof(),
    f(151, "int2ge", &[INT2, INT2], BOOL, Column(num::<i16, i16, i16, Ge>, nums::<i16, i16, i16, Ge>)).leakproof(),
    f(146, "int2gt", &[INT2, INT2], BOOL, Column(num::<i16, i16, i16, Gt>, nums::<i16, i16, i16, Gt>)).leakproof(),
    f(148, "int2le", &[INT2, INT2], BOOL, Column(num::<i16, i16, i16, Le>, nums::<i16, i16, i16, Le>)).leakproof(),
    f(64, "int2lt", &[INT2, INT2], BOOL, Column(num::<i16, i16, i16, Lt>, nums::<i16, i16, i16, Lt>)).leakproof(),
    f(145, "int2ne", &[INT2, INT2], BOOL, Column(num::<i16, i16, i16, Ne>, nums::<i16, i16, i16, Ne>)).leakproof(),
    f(159, "int42eq", &[INT4, INT2], BOOL, Column(num::<i32, i16, i32, Eq>, nums::<i32, i16, i32, Eq>)).leakproof(),
    f(169, "int42ge", &[INT4, INT2], BOOL, Column(num::<i32, i16, i32, Ge>, nums::<i32, i16, i32, Ge>)).leakproof(),
    f(163, "int42gt", &[INT4, INT2], BOOL, Column(num::<i32, i16, i32, Gt>, nums::<i32, i16, i32, Gt>)).leakproof(),
    f(167, "int42le", &[INT4, INT2], BOOL, Column(num::<i32, i16, i32, Le>, nums::<i32, i16, i32, Le>)).leakproof(),
    f(161, "int42lt", &[INT4, INT2], BOOL, Column(num::<i32, i16, i32, Lt>, nums::<i32, i16, i32, Lt>)).leakproof(),
    f(165, "int42ne", &[INT4, INT2], BOOL, Column(num::<i32, i16, i32, Ne>, nums::<i32, i16, i32, Ne>)).leakproof(),
    f(852, "int48eq", &[INT4, INT8], BOOL, Column(num::<i32, i64, i64, Eq>, nums::<i32, i64, i64, Eq>)).leakproof(),
    f(857, "int48ge", &[INT4, INT8], BOOL, Column(num::<i32, i64, i64, Ge>, nums::<i32, i64, i64, Ge>)).leakproof(),
    f(855, "int48gt", &[INT4, INT8], BOOL, Column(num::<i32, i64, i64, Gt>, nums::<i32, i64, i64, Gt>)).leakproof(),
    f(856, "int48le", &[INT4, INT8], BOOL, Column(num::<i32, i64, i64, Le>, nums::<i32, i64, i64, Le>)).leakproof(),
    f(854, "int48lt", &[INT4, INT8], BOOL, Column(num::<i32, i64, i64, Lt>, nums::<i32, i64, i64, Lt>)).leakproof(),
    f(853, "int48ne", &[INT4, INT8], BOOL, Column(num::<i32, i64, i64, Ne>, nums::<i32, i64, i64, Ne>)).leakproof(),
    f(65, "int4eq", &[INT4, INT4], BOOL, Column(num::<i32, i32, i32, Eq>, nums::<i32, i32, i32, Eq>)).leakproof(),
    f(150, "int4ge", &[INT4, INT4], BOOL, Column(num::<i32, i32, i32, Ge>, nums::<i32, i32, i32, Ge>)).leakproof(),
    f(147, "int4gt", &[INT4, INT4], BOOL, Column(num::<i32, i32, i32, Gt>, nums::<i32, i32, i32, Gt>)).leakproof(),
    f(149, "int4le", &[INT4, INT4], BOOL, Column(num::<i32, i32, i32, Le>, nums::<i32, i32, i32, Le>)).leakproof(),
    f(66, "int4lt", &[INT4, INT4], BOOL, Column(num::<i32, i32, i32, Lt>, nums::<i32, i32, i32, Lt>)).leakproof(),
    f(144, "int4ne", &[INT4, INT4], BOOL, Column(num::<i32, i32, i32, Ne>, nums::<i32, i32, i32, Ne>)).leakproof(),
    f(1856, "int82eq", &[INT8, INT2], BOOL, Column(num::<i64, i16, i64, Eq>, nums::<i64, i16, i64, Eq>)).leakproof(),
    f(1861, "int82ge", &[INT8, INT2], BOOL, Column(num::<i64, i16, i64, Ge>, nums::<i64, i16, i64, Ge>)).leakproof(),
    f(1859, "int82gt", &[INT8, INT2], BOOL, Column(num::<i64, i16, i64, Gt>, nums::<i64, i16, i64, Gt>)).leakproof(),
    f(1860, "int82le", &[INT8, INT2], BOOL, Column(num::<i64, i16, i64, Le>, nums::<i64, i16, i64, Le>)).leakproof(),
    f(1858, "int82lt", &[INT8, INT2], BOOL, Column(num::<i64, i16, i64, Lt>, nums::<i64, i16, i64, Lt>)).leakproof(),
    f(1857, "int82ne", &[INT8, INT2], BOOL, Column(num::<i64, i16, i64, Ne>, nums::<i64, i16, i64, Ne>)).leakproof(),
    f(474, "int84eq", &[INT8, INT4], BOOL, Column(num::<i64, i32, i64, Eq>, nums::<i64, i32, i64, Eq>)).leakproof(),
    f(479, "int84ge", &[INT8, INT4], BOOL, Column(num::<i64, i32, i64, Ge>, nums::<i64, i32, i64, Ge>)).leakproof(),
    f(477, "int84gt", &[INT8, INT4], BOOL, Column(num::<i64, i32, i64, Gt>, nums::<i64, i32, i64, Gt>)).leakproof(),
    f(478, "int84le", &[INT8, INT4], BOOL, Column(num::<i64, i32, i64, Le>, nums::<i64, i32, i64, Le>)).leakproof(),
    f(476, "int84lt", &[INT8, INT4], BOOL, Column(num::<i64, i32, i64, Lt>, nums::<i64, i32, i64, Lt>)).leakproof(),
    f(475, "int84ne", &[INT8, INT4], BOOL, Column(num::<i64, i32, i64, Ne>, nums::<i64, i32, i64, Ne>)).leakproof(),
    f(467, "int8eq", &[INT8, INT8], BOOL, Column(num::<i64, i64, i64, Eq>, nums::<i64, i64, i64, Eq>)).leakproof(),
    f(472, "int8ge", &[INT8, INT8], BOOL, Column(num::<i64, i64, i64, Ge>, nums::<i64, i64, i64, Ge>)).leakproof(),
    f(470, "int8gt", &[INT8, INT8], BOOL, Column(num::<i64, i64, i64, Gt>, nums::<i64, i64, i64, Gt>)).leakproof(),
    f(471, "int8le", &[INT8, INT8], BOOL, Column(num::<i64, i64, i64, Le>, nums::<i64, i64, i64, Le>)).leakproof(),
    f(469, "int8lt", &[INT8, INT8], BOOL, Column(num::<i64, i64, i64, Lt>, nums::<i64, i64, i64, Lt>)).leakproof(),
    f(468, "int8ne", &[INT8, INT8], BOOL, Column(num::<i64, i64, i64, Ne>, nums::<i64, i64, i64, Ne>)).leakproof(),
    f(1162, "interval_eq", &[INTERVAL, INTERVAL], BOOL, Column(any::<1186, Eq>, anys::<1186, Eq>)).leakproof(),
    f(1166, "interval_ge", &[INTERVAL, INTERVAL], BOOL, Column(any::<1186, Ge>, anys::<1186, Ge>)).leakproof(),
    f(1167, "interval_gt", &[INTERVAL, INTERVAL], BOOL, Column(any::<1186, Gt>, anys::<1186, Gt>)).leakproof(),
    f(1165, "interval_le", &[INTERVAL, INTERVAL], BOOL, Column(any::<1186, Le>, anys::<1186, Le>)).leakproof(),
    f(1164, "interval_lt", &[INTERVAL, INTERVAL], BOOL, Column(any::<1186, Lt>, anys::<1186, Lt>)).leakproof(),
    f(1163, "interval_ne", &[INTERVAL, INTERVAL], BOOL, Column(any::<1186, Ne>, anys::<1186, Ne>)).leakproof(),
    f(62, "nameeq", &[NAME, NAME], BOOL, Column(text::<Eq>, texts::<Eq>)).leakproof(),
    f(240, "nameeqtext", &[NAME, TEXT], BOOL, Column(text::<Eq>, texts::<Eq>)).leakproof(),
    f(658, "namege", &[NAME, NAME], BOOL, Column(text::<Ge>, texts::<Ge>)).leakproof(),
    f(243, "namegetext", &[NAME, TEXT], BOOL, Column(text::<Ge>, texts::<Ge>)).leakproof(),
    f(657, "namegt", &[NAME, NAME], BOOL, Column(text::<Gt>, texts::<Gt>)).leakproof(),
    f(244, "namegttext", &[NAME, TEXT], BOOL, Column(text::<Gt>, texts::<Gt>)).leakproof(),
    f(656, "namele", &[NAME, NAME], BOOL, Column(text::<Le>, texts::<Le>)).leakproof(),
    f(242, "nameletext", &[NAME, TEXT], BOOL, Column(text::<Le>, texts::<Le>)).leakproof(),
    f(655, "namelt", &[NAME, NAME], BOOL, Column(text::<Lt>, texts::<Lt>)).leakproof(),
    f(241, "namelttext", &[NAME, TEXT], BOOL, Column(text::<Lt>, texts::<Lt>)).leakproof(),
    f(659, "namene", &[NAME, NAME], BOOL, Column(text::<Ne>, texts::<Ne>)).leakproof(),
    f(245, "namenetext", &[NAME, TEXT], BOOL, Column(text::<Ne>, texts::<Ne>)).leakproof(),
    f(1718, "numeric_eq", &[NUMERIC, NUMERIC], BOOL, Column(any::<1700, Eq>, anys::<1700, Eq>)),
    f(1721, "numeric_ge", &[NUMERIC, NUMERIC], BOOL, Column(any::<1700, Ge>, anys::<1700, Ge>)),
    f(1720, "numeric_gt", &[NUMERIC, NUMERIC], BOOL, Column(any::<1700, Gt>, anys::<1700, Gt>)),
    f(1723, "numeric_le", &[NUMERIC, NUMERIC], BOOL, Column(any::<1700, Le>, anys::<1700, Le>)),
    f(1722, "numeric_lt", &[NUMERIC, NUMERIC], BOOL, Column(any::<1700, Lt>, anys::<1700, Lt>)),
    f(1719, "numeric_ne", &[NUMERIC, NUMERIC], BOOL, Column(any::<1700, Ne>, anys::<1700, Ne>)),
    f(184, "oideq", &[OID, OID], BOOL, Column(num::<u32, u32, u32, Eq>, nums::<u32, u32, u32, Eq>)).leakproof(),
    f(1639, "oidge", &[OID, OID], BOOL, Column(num::<u32, u32, u32, Ge>, nums::<u32, u32, u32, Ge>)).leakproof(),
    f(1638, "oidgt", &[OID, OID], BOOL, Column(num::<u32, u32, u32, Gt>, nums::<u32, u32, u32, Gt>)).leakproof(),
    f(717, "oidle", &[OID, OID], BOOL, Column(num::<u32, u32, u32, Le>, nums::<u32, u32, u32, Le>)).leakproof(),
    f(716, "oidlt", &[OID, OID], BOOL, Column(num::<u32, u32, u32, Lt>, nums::<u32, u32, u32, Lt>)).leakproof(),
    f(185, "oidne", &[OID, OID], BOOL, Column(num::<u32, u32, u32, Ne>, nums::<u32, u32, u32, Ne>)).leakproof(),
    f(679, "oidvectoreq", &[OIDVECTOR, OIDVECTOR], BOOL, Column(any::<30, Eq>, anys::<30, Eq>)).leakproof(),
    f(680, "oidvectorge", &[OIDVECTOR, OIDVECTOR], BOOL, Column(any::<30, Ge>, anys::<30, Ge>)).leakproof(),
    f(681, "oidvectorgt", &[OIDVECTOR, OIDVECTOR], BOOL, Column(any::<30, Gt>, anys::<30, Gt>)).leakproof(),
    f(678, "oidvectorle", &[OIDVECTOR, OIDVECTOR], BOOL, Column(any::<30, Le>, anys::<30, Le>)).leakproof(),
    f(677, "oidvectorlt", &[OIDVECTOR, OIDVECTOR], BOOL, Column(any::<30, Lt>, anys::<30, Lt>)).leakproof(),
    f(619, "oidvectorne", &[OIDVECTOR, OIDVECTOR], BOOL, Column(any::<30, Ne>, anys::<30, Ne>)).leakproof(),
    f(2981, "record_eq", &[RECORD, RECORD], BOOL, Column(any::<2249, Eq>, anys::<2249, Eq>)),
    f(2986, "record_ge", &[RECORD, RECORD], BOOL, Column(any::<2249, Ge>, anys::<2249, Ge>)),
    f(2984, "record_gt", &[RECORD, RECORD], BOOL, Column(any::<2249, Gt>, anys::<2249, Gt>)),
    f(2985, "record_le", &[RECORD, RECORD], BOOL, Column(any::<2249, Le>, anys::<2249, Le>)),
    f(2983, "record_lt", &[RECORD, RECORD], BOOL, Column(any::<2249, Lt>, anys::<2249, Lt>)),
    f(2982, "record_ne", &[RECORD, RECORD], BOOL, Column(any::<2249, Ne>, anys::<2249, Ne>)),
    f(743, "text_ge", &[TEXT, TEXT], BOOL, Column(text::<Ge>, texts::<Ge>)).leakproof(),
    f(742, "text_gt", &[TEXT, TEXT], BOOL, Column(text::<Gt>, texts::<Gt>)).leakproof(),
    f(741, "text_le", &[TEXT, TEXT], BOOL, Column(text::<Le>, texts::<Le>)).leakproof(),
    f(740, "text_lt", &[TEXT, TEXT], BOOL, Column(text::<Lt>, texts::<Lt>)).leakproof(),
    f(2163, "text_pattern_ge", &[TEXT, TEXT], BOOL, Column(text::<Ge>, texts::<Ge>)).leakproof(),
    f(2164, "text_pattern_gt", &[TEXT, TEXT], BOOL, Column(text::<Gt>, texts::<Gt>)).leakproof(),
    f(2161, "text_pattern_le", &[TEXT, TEXT], BOOL, Column(text::<Le>, texts::<Le>)).leakproof(),
    f(2160, "text_pattern_lt", &[TEXT, TEXT], BOOL, Column(text::<Lt>, texts::<Lt>)).leakproof(),
    f(67, "texteq", &[TEXT, TEXT], BOOL, Column(text::<Eq>, texts::<Eq>)).leakproof(),
    f(247, "texteqname", &[TEXT, NAME], BOOL, Column(text::<Eq>, texts::<Eq>)).leakproof(),
    f(250, "textgename", &[TEXT, NAME], BOOL, Column(text::<Ge>, texts::<Ge>)).leakproof(),
    f(251, "textgtname", &[TEXT, NAME], BOOL, Column(text::<Gt>, texts::<Gt>)).leakproof(),
    f(249, "textlename", &[TEXT, NAME], BOOL, Column(text::<Le>, texts::<Le>)).leakproof(),
    f(248, "textltname", &[TEXT, NAME], BOOL, Column(text::<Lt>, texts::<Lt>)).leakproof(),
    f(157, "textne", &[TEXT, TEXT], BOOL, Column(text::<Ne>, texts::<Ne>)).leakproof(),
    f(252, "textnename", &[TEXT, NAME], BOOL, Column(text::<Ne>, texts::<Ne>)).leakproof(),
    f(3233, "pg_lsn_eq", &[PG_LSN, PG_LSN], BOOL, Column(num::<i64, i64, i64, Eq>, nums::<i64, i64, i64, Eq>)).leakproof(),
    f(3234, "pg_lsn_ge", &[PG_LSN, PG_LSN], BOOL, Column(num::<i64, i64, i64, Ge>, nums::<i64, i64, i64, Ge>)).leakproof(),
    f(3235, "pg_lsn_gt", &[PG_LSN, PG_LSN], BOOL, Column(num::<i64, i64, i64, Gt>, nums::<i64, i64, i64, Gt>)).leakproof(),
    f(3232, "pg_lsn_le", &[PG_LSN, PG_LSN], BOOL, Column(num::<i64, i64, i64, Le>, nums::<i64, i64, i64, Le>)).leakproof(),
    f(3231, "pg_lsn_lt", &[PG_LSN, PG_LSN], BOOL, Column(num::<i64, i64, i64, Lt>, nums::<i64, i64, i64, Lt>)).leakproof(),
    f(3236, "pg_lsn_ne", &[PG_LSN, PG_LSN], BOOL, Column(num::<i64, i64, i64, Ne>, nums::<i64, i64, i64, Ne>)).leakproof(),
    f(1292, "tideq", &[TID, TID], BOOL, Column(num::<i64, i64, i64, Eq>, nums::<i64, i64, i64, Eq>)).leakproof(),
    f(2792, "tidge", &[TID, TID], BOOL, Column(num::<i64, i64, i64, Ge>, nums::<i64, i64, i64, Ge>)).leakproof(),
    f(2790, "tidgt", &[TID, TID], BOOL, Column(num::<i64, i64, i64, Gt>, nums::<i64, i64, i64, Gt>)).leakproof(),
    f(2793, "tidle", &[TID, TID], BOOL, Column(num::<i64, i64, i64, Le>, nums::<i64, i64, i64, Le>)).leakproof(),
    f(2791, "tidlt", &[TID, TID], BOOL, Column(num::<i64, i64, i64, Lt>, nums::<i64, i64, i64, Lt>)).leakproof(),
    f(1265, "tidne", &[TID, TID], BOOL, Column(num::<i64, i64, i64, Ne>, nums::<i64, i64, i64, Ne>)).leakproof(),
    f(1145, "time_eq", &[TIME, TIME], BOOL, Column(num::<i64, i64, i64, Eq>, nums::<i64, i64, i64, Eq>)).leakproof(),
    f(1105, "time_ge", &[TIME, TIME], BOOL, Column(num::<i64, i64, i64, Ge>, nums::<i64, i64, i64, Ge>)).leakproof(),
    f(1104, "time_gt", &[TIME, TIME], BOOL, Column(num::<i64, i64, i64, Gt>, nums::<i64, i64, i64, Gt>)).leakproof(),
    f(1103, "time_le", &[TIME, TIME], BOOL, Column(num::<i64, i64, i64, Le>, nums::<i64, i64, i64, Le>)).leakproof(),
    f(1102, "time_lt", &[TIME, TIME], BOOL, Column(num::<i64, i64, i64, Lt>, nums::<i64, i64, i64, Lt>)).leakproof(),
    f(1106, "time_ne", &[TIME, TIME], BOOL, Column(num::<i64, i64, i64, Ne>, nums::<i64, i64, i64, Ne>)).leakproof(),
    f(2052, "timestamp_eq", &[TIMESTAMP, TIMESTAMP], BOOL, Column(num::<i64, i64, i64, Eq>, nums::<i64, i64, i64, Eq>)).leakproof(),
    f(2056, "timestamp_ge", &[TIMESTAMP, TIMESTAMP], BOOL, Column(num::<i64, i64, i64, Ge>, nums::<i64, i64, i64, Ge>)).leakproof(),
    f(2057, "timestamp_gt", &[TIMESTAMP, TIMESTAMP], BOOL, Column(num::<i64, i64, i64, Gt>, nums::<i64, i64, i64, Gt>)).leakproof(),
    f(2055, "timestamp_le", &[TIMESTAMP, TIMESTAMP], BOOL, Column(num::<i64, i64, i64, Le>, nums::<i64, i64, i64, Le>)).leakproof(),
    f(2054, "timestamp_lt", &[TIMESTAMP, TIMESTAMP], BOOL, Column(num::<i64, i64, i64, Lt>, nums::<i64, i64, i64, Lt>)).leakproof(),
    f(2053, "timestamp_ne", &[TIMESTAMP, TIMESTAMP], BOOL, Column(num::<i64, i64, i64, Ne>, nums::<i64, i64, i64, Ne>)).leakproof(),
    f(1152, "timestamptz_eq", &[TIMESTAMPTZ, TIMESTAMPTZ], BOOL, Column(num::<i64, i64, i64, Eq>, nums::<i64, i64, i64, Eq>)).leakproof(),
    f(1156, "timestamptz_ge", &[TIMESTAMPTZ, TIMESTAMPTZ], BOOL, Column(num::<i64, i64, i64, Ge>, nums::<i64, i64, i64, Ge>)).leakproof(),
    f(1157, "timestamptz_gt", &[TIMESTAMPTZ, TIMESTAMPTZ], BOOL, Column(num::<i64, i64, i64, Gt>, nums::<i64, i64, i64, Gt>)).leakproof(),
    f(1155, "timestamptz_le", &[TIMESTAMPTZ, TIMESTAMPTZ], BOOL, Column(num::<i64, i64, i64, Le>, nums::<i64, i64, i64, Le>)).leakproof(),
    f(1154, "timestamptz_lt", &[TIMESTAMPTZ, TIMESTAMPTZ], BOOL, Column(num::<i64, i64, i64, Lt>, nums::<i64, i64, i64, Lt>)).leakproof(),
    f(1153, "timestamptz_ne", &[TIMESTAMPTZ, TIMESTAMPTZ], BOOL, Column(num::<i64, i64, i64, Ne>, nums::<i64, i64, i64, Ne>)).leakproof(),
    f(1352, "timetz_eq", &[TIMETZ, TIMETZ], BOOL, Column(num::<i64, i64, i64, Eq>, nums::<i64, i64, i64, Eq>)).leakproof(),
    f(1356, "timetz_ge", &[TIMETZ, TIMETZ], BOOL, Column(num::<i64, i64, i64, Ge>, nums::<i64, i64, i64, Ge>)).leakproof(),
    f(1357, "timetz_gt", &[TIMETZ, TIMETZ], BOOL, Column(num::<i64, i64, i64, Gt>, nums::<i64, i64, i64, Gt>)).leakproof(),
    f(1355, "timetz_le", &[TIMETZ, TIMETZ], BOOL, Column(num::<i64, i64, i64, Le>, nums::<i64, i64, i64, Le>)).leakproof(),
    f(1354, "timetz_lt", &[TIMETZ, TIMETZ], BOOL, Column(num::<i64, i64, i64, Lt>, nums::<i64, i64, i64, Lt>)).leakproof(),
    f(1353, "timetz_ne", &[TIMETZ, TIMETZ], BOOL, Column(num::<i64, i64, i64, Ne>, nums::<i64, i64, i64, Ne>)).leakproof(),
    f(2956, "uuid_eq", &[UUID, UUID], BOOL, Column(any::<2950, Eq>, anys::<2950, Eq>)).leakproof(),
    f(2957, "uuid_ge", &[UUID, UUID], BOOL, Column(any::<2950, Ge>, anys::<2950, Ge>)).leakproof(),
    f(2958, "uuid_gt", &[UUID, UUID], BOOL, Column(any::<2950, Gt>, anys::<2950, Gt>)).leakproof(),
    f(2955, "uuid_le", &[UUID, UUID], BOOL, Column(any::<2950, Le>, anys::<2950, Le>)).leakproof(),
    f(2954, "uuid_lt", &[UUID, UUID], BOOL, Column(any::<2950, Lt>, anys::<2950, Lt>)).leakproof(),
    f(2959, "uuid_ne", &[UUID, UUID], BOOL, Column(any::<2950, Ne>, anys::<2950, Ne>)).leakproof(),
    f(1666, "varbiteq", &[VARBIT, VARBIT], BOOL, Column(text::<Eq>, texts::<Eq>)).leakproof(),
    f(1668, "varbitge", &[VARBIT, VARBIT], BOOL, Column(text::<Ge>, texts::<Ge>)).leakproof(),
    f(1669, "varbitgt", &[VARBIT, VARBIT], BOOL, Column(text::<Gt>, texts::<Gt>)).leakproof(),
    f(1670, "varbitle", &[VARBIT, VARBIT], BOOL, Column(text::<Le>, texts::<Le>)).leakproof(),
    f(1671, "varbitlt", &[VARBIT, VARBIT], BOOL, Column(text::<Lt>, texts::<Lt>)).leakproof(),
    f(1667, "varbitne", &[VARBIT, VARBIT], BOOL, Column(text::<Ne>, texts::<Ne>)).leakproof(),
    f(68, "xideq", &[XID, XID], BOOL, Column(num::<u32, u32, u32, Eq>, nums::<u32, u32, u32, Eq>)).leakproof(),
    f(3308, "xidneq", &[XID, XID], BOOL, Column(num::<u32, u32, u32, Ne>, nums::<u32, u32, u32, Ne>)).leakproof(),
];
