//! Arithmetic and bit operations of integers and floats, and casts among them.
//!
//! One generic operation serves every width; the mixed-width operators compute in the wider type, as PostgreSQL's do.
//! Column forms compute without branching and look for the row that overflowed only if one did.

use super::f;
use super::vector::{Native, binary, unary};
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::{Column, Row};
use crate::expr::value::Value;
use crate::types::oid::*;
use crate::types::{Datum, DatumRef};
use arrow_array::ArrayRef;

pub fn division_by_zero() -> Error {
    Error::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

/// What the integer types have in common here.
pub trait Int: Native + Eq {
    const NAME: &'static str;
    const ZERO: Self;
    fn overflowing_add(self, other: Self) -> (Self, bool);
    fn overflowing_sub(self, other: Self) -> (Self, bool);
    fn overflowing_mul(self, other: Self) -> (Self, bool);
    fn checked_div(self, other: Self) -> Option<Self>;
    fn rem(self, other: Self) -> Self;
    fn overflowing_neg(self) -> (Self, bool);
    fn overflowing_abs(self) -> (Self, bool);
    fn gcd(self, other: Self) -> Option<Self>;
}

macro_rules! ints {
    ($($t:ty, $name:literal;)*) => {
        $(impl Int for $t {
            const NAME: &'static str = $name;
            const ZERO: $t = 0;

            fn overflowing_add(self, other: $t) -> ($t, bool) {
                self.overflowing_add(other)
            }

            fn overflowing_sub(self, other: $t) -> ($t, bool) {
                self.overflowing_sub(other)
            }

            fn overflowing_mul(self, other: $t) -> ($t, bool) {
                self.overflowing_mul(other)
            }

            fn checked_div(self, other: $t) -> Option<$t> {
                self.checked_div(other)
            }

            fn rem(self, other: $t) -> $t {
                self.wrapping_rem(other)
            }

            fn overflowing_neg(self) -> ($t, bool) {
                self.overflowing_neg()
            }

            fn overflowing_abs(self) -> ($t, bool) {
                self.overflowing_abs()
            }

            fn gcd(self, other: $t) -> Option<$t> {
                let (mut a, mut b) = (self.unsigned_abs(), other.unsigned_abs());
                while b != 0 {
                    (a, b) = (b, a % b);
                }
                <$t>::try_from(a).ok()
            }
        })*
    };
}

ints! {
    i16, "smallint";
    i32, "integer";
    i64, "bigint";
}

pub fn out_of_range<T: Int>() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{} out of range", T::NAME))
}

fn exact<T: Int>((value, overflow): (T, bool)) -> Result<T> {
    if overflow { Err(out_of_range::<T>()) } else { Ok(value) }
}

/// An operation of two integers of one width.
trait IntOp {
    /// The value, and whether it is wrong.
    fn fast<T: Int>(a: T, b: T) -> (T, bool);
    fn exact<T: Int>(a: T, b: T) -> Result<T>;
}

macro_rules! int_ops {
    ($($name:ident $method:ident;)*) => {
        $(struct $name;
        impl IntOp for $name {
            fn fast<T: Int>(a: T, b: T) -> (T, bool) {
                a.$method(b)
            }

            fn exact<T: Int>(a: T, b: T) -> Result<T> {
                exact(a.$method(b))
            }
        })*
    };
}

int_ops! {
    Add overflowing_add;
    Sub overflowing_sub;
    Mul overflowing_mul;
}

struct Div;
struct Mod;

impl IntOp for Div {
    fn fast<T: Int>(a: T, b: T) -> (T, bool) {
        a.checked_div(b).map_or((T::ZERO, true), |v| (v, false))
    }

    fn exact<T: Int>(a: T, b: T) -> Result<T> {
        if b == T::ZERO {
            return Err(division_by_zero());
        }
        a.checked_div(b).ok_or_else(out_of_range::<T>)
    }
}

impl IntOp for Mod {
    fn fast<T: Int>(a: T, b: T) -> (T, bool) {
        if b == T::ZERO { (T::ZERO, true) } else { (a.rem(b), false) }
    }

    fn exact<T: Int>(a: T, b: T) -> Result<T> {
        if b == T::ZERO { Err(division_by_zero()) } else { Ok(a.rem(b)) }
    }
}

fn int<A: Native + Into<R>, B: Native + Into<R>, R: Int, Op: IntOp>(
    _: &mut EvalContext<'_>,
    a: &[DatumRef<'_>],
) -> Result<Datum> {
    Op::exact::<R>(A::of(a[0]).into(), B::of(a[1]).into()).map(R::datum)
}

fn ints<A: Native + Into<R>, B: Native + Into<R>, R: Int, Op: IntOp>(
    _: &mut EvalContext<'_>,
    a: &[Value],
    rows: usize,
) -> Result<ArrayRef> {
    binary::<A, B, R>(a, rows, |x, y| Op::fast(x.into(), y.into()), |x, y| Op::exact(x.into(), y.into()))
}

fn neg<T: Int>(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    exact(T::of(a[0]).overflowing_neg()).map(T::datum)
}

fn negs<T: Int>(_: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
    unary::<T, T>(a, rows, T::overflowing_neg, |v| exact(v.overflowing_neg()))
}

fn abs<T: Int>(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    exact(T::of(a[0]).overflowing_abs()).map(T::datum)
}

fn plus(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    Ok(a[0].to_owned())
}

fn gcd<T: Int>(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    T::of(a[0]).gcd(T::of(a[1])).map(T::datum).ok_or_else(out_of_range::<T>)
}

fn lcm<T: Int>(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let (x, y) = (T::of(a[0]), T::of(a[1]));
    if x == T::ZERO || y == T::ZERO {
        return Ok(T::ZERO.datum());
    }
    let divisor = x.gcd(y).ok_or_else(out_of_range::<T>)?;
    let reduced = x.checked_div(divisor).ok_or_else(out_of_range::<T>)?;
    let product = exact(reduced.overflowing_mul(y))?;
    exact(product.overflowing_abs()).map(T::datum)
}

macro_rules! bits {
    ($($t:ty: $and:ident $or:ident $xor:ident $not:ident $shl:ident $shr:ident;)*) => {
        $(
            fn $and(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
                Ok((<$t>::of(a[0]) & <$t>::of(a[1])).datum())
            }

            fn $or(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
                Ok((<$t>::of(a[0]) | <$t>::of(a[1])).datum())
            }

            fn $xor(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
                Ok((<$t>::of(a[0]) ^ <$t>::of(a[1])).datum())
            }

            fn $not(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
                Ok((!<$t>::of(a[0])).datum())
            }

            fn $shl(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
                Ok((shift_left(i64::from(<$t>::of(a[0])), i32::of(a[1]), <$t>::BITS) as $t).datum())
            }

            fn $shr(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
                Ok((shift_right(i64::from(<$t>::of(a[0])), i32::of(a[1]), <$t>::BITS) as $t).datum())
            }
        )*
    };
}

bits! {
    i16: int2and int2or int2xor int2not int2shl int2shr;
    i32: int4and int4or int4xor int4not int4shl int4shr;
    i64: int8and int8or int8xor int8not int8shl int8shr;
}

/// C's shift as the processor does it: the count is taken modulo the width, which is 32 bits for `int2`.
fn shift_left(value: i64, count: i32, bits: u32) -> i64 {
    match bits {
        64 => value.wrapping_shl(count as u32),
        _ => i64::from((value as i32).wrapping_shl(count as u32)),
    }
}

fn shift_right(value: i64, count: i32, bits: u32) -> i64 {
    match bits {
        64 => value.wrapping_shr(count as u32),
        _ => i64::from((value as i32).wrapping_shr(count as u32)),
    }
}

/// What the float types have in common here.
pub trait Float: Native + PartialEq {
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    fn infinite(self) -> bool;
    fn nan(self) -> bool;
    fn zero(self) -> bool;
}

macro_rules! floats {
    ($($t:ty)*) => {
        $(impl Float for $t {
            fn add(self, other: $t) -> $t {
                self + other
            }

            fn sub(self, other: $t) -> $t {
                self - other
            }

            fn mul(self, other: $t) -> $t {
                self * other
            }

            fn div(self, other: $t) -> $t {
                self / other
            }

            fn infinite(self) -> bool {
                self.is_infinite()
            }

            fn nan(self) -> bool {
                self.is_nan()
            }

            fn zero(self) -> bool {
                self == 0.0
            }
        })*
    };
}

floats! { f32 f64 }

pub fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

pub fn underflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow")
}

/// An operation of two floats; infinity from finite operands is an error (`float.h`).
trait FloatOp {
    fn fast<T: Float>(a: T, b: T) -> (T, bool);
    fn exact<T: Float>(a: T, b: T) -> Result<T>;
}

struct FloatAdd;
struct FloatSub;
struct FloatMul;
struct FloatDiv;

fn overflowed<T: Float>(value: T, a: T, b: T) -> bool {
    value.infinite() && !a.infinite() && !b.infinite()
}

fn sum<T: Float>(value: T, a: T, b: T) -> Result<T> {
    if overflowed(value, a, b) { Err(overflow()) } else { Ok(value) }
}

impl FloatOp for FloatAdd {
    fn fast<T: Float>(a: T, b: T) -> (T, bool) {
        let v = a.add(b);
        (v, v.infinite())
    }

    fn exact<T: Float>(a: T, b: T) -> Result<T> {
        sum(a.add(b), a, b)
    }
}

impl FloatOp for FloatSub {
    fn fast<T: Float>(a: T, b: T) -> (T, bool) {
        let v = a.sub(b);
        (v, v.infinite())
    }

    fn exact<T: Float>(a: T, b: T) -> Result<T> {
        sum(a.sub(b), a, b)
    }
}

impl FloatOp for FloatMul {
    fn fast<T: Float>(a: T, b: T) -> (T, bool) {
        let v = a.mul(b);
        (v, v.infinite() || v.zero())
    }

    fn exact<T: Float>(a: T, b: T) -> Result<T> {
        let v = a.mul(b);
        if v.zero() && !a.zero() && !b.zero() {
            return Err(underflow());
        }
        sum(v, a, b)
    }
}

impl FloatOp for FloatDiv {
    fn fast<T: Float>(a: T, b: T) -> (T, bool) {
        let v = a.div(b);
        (v, v.infinite() || v.zero() || b.zero())
    }

    fn exact<T: Float>(a: T, b: T) -> Result<T> {
        if b.zero() && !a.nan() {
            return Err(division_by_zero());
        }
        let v = a.div(b);
        if v.infinite() && !a.infinite() {
            return Err(overflow());
        }
        if v.zero() && !a.zero() && !b.infinite() {
            return Err(underflow());
        }
        Ok(v)
    }
}

fn float<A: Native + Into<R>, B: Native + Into<R>, R: Float, Op: FloatOp>(
    _: &mut EvalContext<'_>,
    a: &[DatumRef<'_>],
) -> Result<Datum> {
    Op::exact::<R>(A::of(a[0]).into(), B::of(a[1]).into()).map(R::datum)
}

fn floats<A: Native + Into<R>, B: Native + Into<R>, R: Float, Op: FloatOp>(
    _: &mut EvalContext<'_>,
    a: &[Value],
    rows: usize,
) -> Result<ArrayRef> {
    binary::<A, B, R>(a, rows, |x, y| Op::fast(x.into(), y.into()), |x, y| Op::exact(x.into(), y.into()))
}

fn float4um(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    Ok((-f32::of(a[0])).datum())
}

fn float8um(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    Ok((-f64::of(a[0])).datum())
}

fn float4abs(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    Ok(f32::of(a[0]).abs().datum())
}

fn float8abs(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    Ok(f64::of(a[0]).abs().datum())
}

/// A cast that may not fit.
trait Convert<A, R> {
    fn convert(a: A) -> Result<R>;
}

struct Cast;

macro_rules! converts {
    ($($a:ty => $r:ty: |$v:ident| $body:expr;)*) => {
        $(impl Convert<$a, $r> for Cast {
            fn convert($v: $a) -> Result<$r> {
                $body
            }
        })*
    };
}

/// Rounds half to even and checks against the bounds of an integer type, which floats represent exactly below.
fn float_to_int<T: Int>(v: f64, low: f64, limit: f64, make: impl Fn(f64) -> T) -> Result<T> {
    let rounded = v.round_ties_even();
    if rounded >= low && rounded < limit { Ok(make(rounded)) } else { Err(out_of_range::<T>()) }
}

fn to_float4(v: f64) -> Result<f32> {
    let narrow = v as f32;
    if narrow.is_infinite() && !v.is_infinite() {
        return Err(overflow());
    }
    if narrow == 0.0 && v != 0.0 {
        return Err(underflow());
    }
    Ok(narrow)
}

const TWO_31: f64 = 2147483648.0;
const TWO_63: f64 = 9223372036854775808.0;

converts! {
    i16 => i32: |v| Ok(v.into());
    i16 => i64: |v| Ok(v.into());
    i16 => f32: |v| Ok(v.into());
    i16 => f64: |v| Ok(v.into());
    i32 => i16: |v| i16::try_from(v).map_err(|_| out_of_range::<i16>());
    i32 => i64: |v| Ok(v.into());
    i32 => f32: |v| Ok(v as f32);
    i32 => f64: |v| Ok(v.into());
    i64 => i16: |v| i16::try_from(v).map_err(|_| out_of_range::<i16>());
    i64 => i32: |v| i32::try_from(v).map_err(|_| out_of_range::<i32>());
    i64 => f32: |v| Ok(v as f32);
    i64 => f64: |v| Ok(v as f64);
    f32 => i16: |v| float_to_int(v.into(), -32768.0, 32768.0, |v| v as i16);
    f32 => i32: |v| float_to_int(v.into(), -TWO_31, TWO_31, |v| v as i32);
    f32 => i64: |v| float_to_int(v.into(), -TWO_63, TWO_63, |v| v as i64);
    f32 => f64: |v| Ok(v.into());
    f64 => i16: |v| float_to_int(v, -32768.0, 32768.0, |v| v as i16);
    f64 => i32: |v| float_to_int(v, -TWO_31, TWO_31, |v| v as i32);
    f64 => i64: |v| float_to_int(v, -TWO_63, TWO_63, |v| v as i64);
    f64 => f32: |v| to_float4(v);
    i64 => u32: |v| u32::try_from(v).map_err(|_| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "OID out of range"));
    u32 => i64: |v| Ok(v.into());
    i16 => u32: |v| Ok(i32::from(v) as u32);
}

fn cast<A: Native, R: Native>(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum>
where
    Cast: Convert<A, R>,
{
    <Cast as Convert<A, R>>::convert(A::of(a[0])).map(R::datum)
}

fn casts<A: Native, R: Native>(_: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef>
where
    Cast: Convert<A, R>,
{
    let convert = <Cast as Convert<A, R>>::convert;
    unary::<A, R>(a, rows, |v| convert(v).map_or((R::default(), true), |r| (r, false)), convert)
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(172, "int24div", &[INT2, INT4], INT4, Column(int::<i16, i32, i32, Div>, ints::<i16, i32, i32, Div>)),
    f(182, "int24mi", &[INT2, INT4], INT4, Column(int::<i16, i32, i32, Sub>, ints::<i16, i32, i32, Sub>)),
    f(170, "int24mul", &[INT2, INT4], INT4, Column(int::<i16, i32, i32, Mul>, ints::<i16, i32, i32, Mul>)),
    f(178, "int24pl", &[INT2, INT4], INT4, Column(int::<i16, i32, i32, Add>, ints::<i16, i32, i32, Add>)),
    f(948, "int28div", &[INT2, INT8], INT8, Column(int::<i16, i64, i64, Div>, ints::<i16, i64, i64, Div>)),
    f(942, "int28mi", &[INT2, INT8], INT8, Column(int::<i16, i64, i64, Sub>, ints::<i16, i64, i64, Sub>)),
    f(943, "int28mul", &[INT2, INT8], INT8, Column(int::<i16, i64, i64, Mul>, ints::<i16, i64, i64, Mul>)),
    f(841, "int28pl", &[INT2, INT8], INT8, Column(int::<i16, i64, i64, Add>, ints::<i16, i64, i64, Add>)),
    f(153, "int2div", &[INT2, INT2], INT2, Column(int::<i16, i16, i16, Div>, ints::<i16, i16, i16, Div>)),
    f(180, "int2mi", &[INT2, INT2], INT2, Column(int::<i16, i16, i16, Sub>, ints::<i16, i16, i16, Sub>)),
    f(155, "int2mod", &[INT2, INT2], INT2, Column(int::<i16, i16, i16, Mod>, ints::<i16, i16, i16, Mod>)),
    f(152, "int2mul", &[INT2, INT2], INT2, Column(int::<i16, i16, i16, Mul>, ints::<i16, i16, i16, Mul>)),
    f(176, "int2pl", &[INT2, INT2], INT2, Column(int::<i16, i16, i16, Add>, ints::<i16, i16, i16, Add>)),
    f(173, "int42div", &[INT4, INT2], INT4, Column(int::<i32, i16, i32, Div>, ints::<i32, i16, i32, Div>)),
    f(183, "int42mi", &[INT4, INT2], INT4, Column(int::<i32, i16, i32, Sub>, ints::<i32, i16, i32, Sub>)),
    f(171, "int42mul", &[INT4, INT2], INT4, Column(int::<i32, i16, i32, Mul>, ints::<i32, i16, i32, Mul>)),
    f(179, "int42pl", &[INT4, INT2], INT4, Column(int::<i32, i16, i32, Add>, ints::<i32, i16, i32, Add>)),
    f(1281, "int48div", &[INT4, INT8], INT8, Column(int::<i32, i64, i64, Div>, ints::<i32, i64, i64, Div>)),
    f(1279, "int48mi", &[INT4, INT8], INT8, Column(int::<i32, i64, i64, Sub>, ints::<i32, i64, i64, Sub>)),
    f(1280, "int48mul", &[INT4, INT8], INT8, Column(int::<i32, i64, i64, Mul>, ints::<i32, i64, i64, Mul>)),
    f(1278, "int48pl", &[INT4, INT8], INT8, Column(int::<i32, i64, i64, Add>, ints::<i32, i64, i64, Add>)),
    f(154, "int4div", &[INT4, INT4], INT4, Column(int::<i32, i32, i32, Div>, ints::<i32, i32, i32, Div>)),
    f(181, "int4mi", &[INT4, INT4], INT4, Column(int::<i32, i32, i32, Sub>, ints::<i32, i32, i32, Sub>)),
    f(156, "int4mod", &[INT4, INT4], INT4, Column(int::<i32, i32, i32, Mod>, ints::<i32, i32, i32, Mod>)),
    f(141, "int4mul", &[INT4, INT4], INT4, Column(int::<i32, i32, i32, Mul>, ints::<i32, i32, i32, Mul>)),
    f(177, "int4pl", &[INT4, INT4], INT4, Column(int::<i32, i32, i32, Add>, ints::<i32, i32, i32, Add>)),
    f(840, "int82div", &[INT8, INT2], INT8, Column(int::<i64, i16, i64, Div>, ints::<i64, i16, i64, Div>)),
    f(838, "int82mi", &[INT8, INT2], INT8, Column(int::<i64, i16, i64, Sub>, ints::<i64, i16, i64, Sub>)),
    f(839, "int82mul", &[INT8, INT2], INT8, Column(int::<i64, i16, i64, Mul>, ints::<i64, i16, i64, Mul>)),
    f(837, "int82pl", &[INT8, INT2], INT8, Column(int::<i64, i16, i64, Add>, ints::<i64, i16, i64, Add>)),
    f(1277, "int84div", &[INT8, INT4], INT8, Column(int::<i64, i32, i64, Div>, ints::<i64, i32, i64, Div>)),
    f(1275, "int84mi", &[INT8, INT4], INT8, Column(int::<i64, i32, i64, Sub>, ints::<i64, i32, i64, Sub>)),
    f(1276, "int84mul", &[INT8, INT4], INT8, Column(int::<i64, i32, i64, Mul>, ints::<i64, i32, i64, Mul>)),
    f(1274, "int84pl", &[INT8, INT4], INT8, Column(int::<i64, i32, i64, Add>, ints::<i64, i32, i64, Add>)),
    f(466, "int8div", &[INT8, INT8], INT8, Column(int::<i64, i64, i64, Div>, ints::<i64, i64, i64, Div>)),
    f(464, "int8mi", &[INT8, INT8], INT8, Column(int::<i64, i64, i64, Sub>, ints::<i64, i64, i64, Sub>)),
    f(945, "int8mod", &[INT8, INT8], INT8, Column(int::<i64, i64, i64, Mod>, ints::<i64, i64, i64, Mod>)),
    f(465, "int8mul", &[INT8, INT8], INT8, Column(int::<i64, i64, i64, Mul>, ints::<i64, i64, i64, Mul>)),
    f(463, "int8pl", &[INT8, INT8], INT8, Column(int::<i64, i64, i64, Add>, ints::<i64, i64, i64, Add>)),
    f(940, "mod", &[INT2, INT2], INT2, Column(int::<i16, i16, i16, Mod>, ints::<i16, i16, i16, Mod>)),
    f(941, "mod", &[INT4, INT4], INT4, Column(int::<i32, i32, i32, Mod>, ints::<i32, i32, i32, Mod>)),
    f(947, "mod", &[INT8, INT8], INT8, Column(int::<i64, i64, i64, Mod>, ints::<i64, i64, i64, Mod>)),
    f(213, "int2um", &[INT2], INT2, Column(neg::<i16>, negs::<i16>)),
    f(212, "int4um", &[INT4], INT4, Column(neg::<i32>, negs::<i32>)),
    f(462, "int8um", &[INT8], INT8, Column(neg::<i64>, negs::<i64>)),
    f(1913, "float4up", &[FLOAT4], FLOAT4, Row(plus)),
    f(1914, "float8up", &[FLOAT8], FLOAT8, Row(plus)),
    f(1911, "int2up", &[INT2], INT2, Row(plus)),
    f(1912, "int4up", &[INT4], INT4, Row(plus)),
    f(1910, "int8up", &[INT8], INT8, Row(plus)),
    f(1396, "abs", &[INT8], INT8, Row(abs::<i64>)),
    f(1397, "abs", &[INT4], INT4, Row(abs::<i32>)),
    f(1398, "abs", &[INT2], INT2, Row(abs::<i16>)),
    f(1253, "int2abs", &[INT2], INT2, Row(abs::<i16>)),
    f(1251, "int4abs", &[INT4], INT4, Row(abs::<i32>)),
    f(1230, "int8abs", &[INT8], INT8, Row(abs::<i64>)),
    f(5044, "gcd", &[INT4, INT4], INT4, Row(gcd::<i32>)),
    f(5045, "gcd", &[INT8, INT8], INT8, Row(gcd::<i64>)),
    f(5046, "lcm", &[INT4, INT4], INT4, Row(lcm::<i32>)),
    f(5047, "lcm", &[INT8, INT8], INT8, Row(lcm::<i64>)),
    f(1892, "int2and", &[INT2, INT2], INT2, Row(int2and)),
    f(1895, "int2not", &[INT2], INT2, Row(int2not)),
    f(1893, "int2or", &[INT2, INT2], INT2, Row(int2or)),
    f(1896, "int2shl", &[INT2, INT4], INT2, Row(int2shl)),
    f(1897, "int2shr", &[INT2, INT4], INT2, Row(int2shr)),
    f(1894, "int2xor", &[INT2, INT2], INT2, Row(int2xor)),
    f(1898, "int4and", &[INT4, INT4], INT4, Row(int4and)),
    f(1901, "int4not", &[INT4], INT4, Row(int4not)),
    f(1899, "int4or", &[INT4, INT4], INT4, Row(int4or)),
    f(1902, "int4shl", &[INT4, INT4], INT4, Row(int4shl)),
    f(1903, "int4shr", &[INT4, INT4], INT4, Row(int4shr)),
    f(1900, "int4xor", &[INT4, INT4], INT4, Row(int4xor)),
    f(1904, "int8and", &[INT8, INT8], INT8, Row(int8and)),
    f(1907, "int8not", &[INT8], INT8, Row(int8not)),
    f(1905, "int8or", &[INT8, INT8], INT8, Row(int8or)),
    f(1908, "int8shl", &[INT8, INT4], INT8, Row(int8shl)),
    f(1909, "int8shr", &[INT8, INT4], INT8, Row(int8shr)),
    f(1906, "int8xor", &[INT8, INT8], INT8, Row(int8xor)),
    f(280, "float48div", &[FLOAT4, FLOAT8], FLOAT8, Column(float::<f32, f64, f64, FloatDiv>, floats::<f32, f64, f64, FloatDiv>)),
    f(282, "float48mi", &[FLOAT4, FLOAT8], FLOAT8, Column(float::<f32, f64, f64, FloatSub>, floats::<f32, f64, f64, FloatSub>)),
    f(279, "float48mul", &[FLOAT4, FLOAT8], FLOAT8, Column(float::<f32, f64, f64, FloatMul>, floats::<f32, f64, f64, FloatMul>)),
    f(281, "float48pl", &[FLOAT4, FLOAT8], FLOAT8, Column(float::<f32, f64, f64, FloatAdd>, floats::<f32, f64, f64, FloatAdd>)),
    f(203, "float4div", &[FLOAT4, FLOAT4], FLOAT4, Column(float::<f32, f32, f32, FloatDiv>, floats::<f32, f32, f32, FloatDiv>)),
    f(205, "float4mi", &[FLOAT4, FLOAT4], FLOAT4, Column(float::<f32, f32, f32, FloatSub>, floats::<f32, f32, f32, FloatSub>)),
    f(202, "float4mul", &[FLOAT4, FLOAT4], FLOAT4, Column(float::<f32, f32, f32, FloatMul>, floats::<f32, f32, f32, FloatMul>)),
    f(204, "float4pl", &[FLOAT4, FLOAT4], FLOAT4, Column(float::<f32, f32, f32, FloatAdd>, floats::<f32, f32, f32, FloatAdd>)),
    f(284, "float84div", &[FLOAT8, FLOAT4], FLOAT8, Column(float::<f64, f32, f64, FloatDiv>, floats::<f64, f32, f64, FloatDiv>)),
    f(286, "float84mi", &[FLOAT8, FLOAT4], FLOAT8, Column(float::<f64, f32, f64, FloatSub>, floats::<f64, f32, f64, FloatSub>)),
    f(283, "float84mul", &[FLOAT8, FLOAT4], FLOAT8, Column(float::<f64, f32, f64, FloatMul>, floats::<f64, f32, f64, FloatMul>)),
    f(285, "float84pl", &[FLOAT8, FLOAT4], FLOAT8, Column(float::<f64, f32, f64, FloatAdd>, floats::<f64, f32, f64, FloatAdd>)),
    f(217, "float8div", &[FLOAT8, FLOAT8], FLOAT8, Column(float::<f64, f64, f64, FloatDiv>, floats::<f64, f64, f64, FloatDiv>)),
    f(219, "float8mi", &[FLOAT8, FLOAT8], FLOAT8, Column(float::<f64, f64, f64, FloatSub>, floats::<f64, f64, f64, FloatSub>)),
    f(216, "float8mul", &[FLOAT8, FLOAT8], FLOAT8, Column(float::<f64, f64, f64, FloatMul>, floats::<f64, f64, f64, FloatMul>)),
    f(218, "float8pl", &[FLOAT8, FLOAT8], FLOAT8, Column(float::<f64, f64, f64, FloatAdd>, floats::<f64, f64, f64, FloatAdd>)),
    f(207, "float4abs", &[FLOAT4], FLOAT4, Row(float4abs)),
    f(206, "float4um", &[FLOAT4], FLOAT4, Row(float4um)),
    f(221, "float8abs", &[FLOAT8], FLOAT8, Row(float8abs)),
    f(220, "float8um", &[FLOAT8], FLOAT8, Row(float8um)),
    f(1394, "abs", &[FLOAT4], FLOAT4, Row(float4abs)),
    f(1395, "abs", &[FLOAT8], FLOAT8, Row(float8abs)),
    f(236, "float4", &[INT2], FLOAT4, Column(cast::<i16, f32>, casts::<i16, f32>)).leakproof(),
    f(312, "float4", &[FLOAT8], FLOAT4, Column(cast::<f64, f32>, casts::<f64, f32>)),
    f(318, "float4", &[INT4], FLOAT4, Column(cast::<i32, f32>, casts::<i32, f32>)).leakproof(),
    f(652, "float4", &[INT8], FLOAT4, Column(cast::<i64, f32>, casts::<i64, f32>)).leakproof(),
    f(235, "float8", &[INT2], FLOAT8, Column(cast::<i16, f64>, casts::<i16, f64>)).leakproof(),
    f(311, "float8", &[FLOAT4], FLOAT8, Column(cast::<f32, f64>, casts::<f32, f64>)).leakproof(),
    f(316, "float8", &[INT4], FLOAT8, Column(cast::<i32, f64>, casts::<i32, f64>)).leakproof(),
    f(482, "float8", &[INT8], FLOAT8, Column(cast::<i64, f64>, casts::<i64, f64>)).leakproof(),
    f(237, "int2", &[FLOAT8], INT2, Column(cast::<f64, i16>, casts::<f64, i16>)),
    f(238, "int2", &[FLOAT4], INT2, Column(cast::<f32, i16>, casts::<f32, i16>)),
    f(314, "int2", &[INT4], INT2, Column(cast::<i32, i16>, casts::<i32, i16>)),
    f(714, "int2", &[INT8], INT2, Column(cast::<i64, i16>, casts::<i64, i16>)),
    f(313, "int4", &[INT2], INT4, Column(cast::<i16, i32>, casts::<i16, i32>)).leakproof(),
    f(317, "int4", &[FLOAT8], INT4, Column(cast::<f64, i32>, casts::<f64, i32>)),
    f(319, "int4", &[FLOAT4], INT4, Column(cast::<f32, i32>, casts::<f32, i32>)),
    f(480, "int4", &[INT8], INT4, Column(cast::<i64, i32>, casts::<i64, i32>)),
    f(481, "int8", &[INT4], INT8, Column(cast::<i32, i64>, casts::<i32, i64>)).leakproof(),
    f(483, "int8", &[FLOAT8], INT8, Column(cast::<f64, i64>, casts::<f64, i64>)),
    f(653, "int8", &[FLOAT4], INT8, Column(cast::<f32, i64>, casts::<f32, i64>)),
    f(754, "int8", &[INT2], INT8, Column(cast::<i16, i64>, casts::<i16, i64>)).leakproof(),
    f(1288, "int8", &[OID], INT8, Column(cast::<u32, i64>, casts::<u32, i64>)).leakproof(),
    f(1287, "oid", &[INT8], OID, Column(cast::<i64, u32>, casts::<i64, u32>)),
];
