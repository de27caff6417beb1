//! Functions of `double precision`, random numbers, and buckets.
//!
//! The degree versions are exact where the result is: `sind(30)` is 0.5 (`float.c`).

use super::arith::{overflow, underflow};
use super::compare::Order;
use super::convert::kernels;
use super::f;
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::Kernel::{Row, Typed};
use crate::expr::function::{CallTypes, Function};
use crate::types::oid::*;
use crate::types::{Datum, DatumRef, SqlType, compare};
use std::cmp::Ordering;
use std::f64::consts::PI;

fn error(code: SqlState, message: &str) -> Error {
    Error::new(code, message)
}

fn domain() -> Error {
    error(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range")
}

/// An infinite result of finite input is an overflow.
fn finite(value: f64, input: f64) -> Result<f64> {
    if value.is_infinite() && !input.is_infinite() { Err(overflow()) } else { Ok(value) }
}

fn within(v: f64, low: f64, high: f64) -> Result<()> {
    if v < low || v > high { Err(domain()) } else { Ok(()) }
}

fn power(a: f64, b: f64) -> Result<f64> {
    if a.is_nan() {
        return Ok(if b == 0.0 { 1.0 } else { a });
    }
    if b.is_nan() {
        return Ok(if a == 1.0 { 1.0 } else { b });
    }
    if a == 0.0 && b < 0.0 {
        return Err(error(
            SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "zero raised to a negative power is undefined",
        ));
    }
    if a < 0.0 && b.floor() != b {
        return Err(error(
            SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "a negative number raised to a non-integer power yields a complex result",
        ));
    }
    let v = a.powf(b);
    if a.is_infinite() || b.is_infinite() {
        return Ok(v);
    }
    if v.is_infinite() {
        return Err(overflow());
    }
    if v == 0.0 && a != 0.0 {
        return Err(underflow());
    }
    Ok(v)
}

fn logarithm(v: f64, f: impl Fn(f64) -> f64) -> Result<f64> {
    if v == 0.0 {
        return Err(error(SqlState::INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of zero"));
    }
    if v < 0.0 {
        return Err(error(SqlState::INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of a negative number"));
    }
    Ok(f(v))
}

fn trigonometric(v: f64, f: impl Fn(f64) -> f64) -> Result<f64> {
    if v.is_infinite() {
        return Err(domain());
    }
    Ok(f(v))
}

fn radians_of(v: f64) -> f64 {
    v * (PI / 180.0)
}

fn degrees_of(v: f64) -> f64 {
    v / (PI / 180.0)
}

/// Sine of 0 to 30 degrees, scaled so that 30 gives exactly one half.
fn sind_0_to_30(x: f64) -> f64 {
    radians_of(x).sin() / radians_of(30.0).sin() / 2.0
}

/// Cosine of 0 to 60 degrees, scaled so that 60 gives exactly one half.
fn cosd_0_to_60(x: f64) -> f64 {
    let one_minus = 1.0 - radians_of(x).cos();
    1.0 - one_minus / (1.0 - radians_of(60.0).cos()) / 2.0
}

fn sind_q1(x: f64) -> f64 {
    if x <= 30.0 { sind_0_to_30(x) } else { cosd_0_to_60(90.0 - x) }
}

fn cosd_q1(x: f64) -> f64 {
    if x <= 60.0 { cosd_0_to_60(x) } else { sind_0_to_30(90.0 - x) }
}

fn sind(v: f64) -> f64 {
    let (mut x, mut sign) = (v % 360.0, 1.0);
    if x < 0.0 {
        (x, sign) = (-x, -sign);
    }
    if x > 180.0 {
        (x, sign) = (360.0 - x, -sign);
    }
    if x > 90.0 {
        x = 180.0 - x;
    }
    sign * sind_q1(x)
}

fn cosd(v: f64) -> f64 {
    let (mut x, mut sign) = ((v % 360.0).abs(), 1.0);
    if x > 180.0 {
        x = 360.0 - x;
    }
    if x > 90.0 {
        (x, sign) = (180.0 - x, -sign);
    }
    sign * cosd_q1(x)
}

/// Brings an angle to the first quadrant for tangent and cotangent; the sign of the result.
fn fold_tangent(v: f64) -> (f64, f64) {
    let (mut x, mut sign) = (v % 360.0, 1.0);
    if x < 0.0 {
        (x, sign) = (-x, -sign);
    }
    if x > 180.0 {
        (x, sign) = (360.0 - x, -sign);
    }
    if x > 90.0 {
        (x, sign) = (180.0 - x, -sign);
    }
    (x, sign)
}

fn tand(v: f64) -> f64 {
    let (x, sign) = fold_tangent(v);
    let tan_45 = sind_q1(45.0) / cosd_q1(45.0);
    sign * ((sind_q1(x) / cosd_q1(x)) / tan_45) + 0.0
}

fn cotd(v: f64) -> f64 {
    let (x, sign) = fold_tangent(v);
    let cot_45 = cosd_q1(45.0) / sind_q1(45.0);
    sign * ((cosd_q1(x) / sind_q1(x)) / cot_45) + 0.0
}

fn asind_q1(x: f64) -> f64 {
    if x <= 0.5 {
        return x.asin() / 0.5f64.asin() * 30.0;
    }
    90.0 - x.acos() / 0.5f64.acos() * 60.0
}

fn acosd_q1(x: f64) -> f64 {
    if x <= 0.5 {
        return 90.0 - x.asin() / 0.5f64.asin() * 30.0;
    }
    x.acos() / 0.5f64.acos() * 60.0
}

fn atand_of(v: f64) -> f64 {
    v.atan() / 1f64.atan() * 45.0
}

fn bucket_count(count: i32) -> Result<()> {
    if count <= 0 {
        return Err(error(SqlState::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, "count must be greater than zero"));
    }
    Ok(())
}

fn bucket(v: f64, low: f64, high: f64, count: i32) -> Result<i32> {
    let invalid = |m| error(SqlState::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, m);
    bucket_count(count)?;
    if v.is_nan() || low.is_nan() || high.is_nan() {
        return Err(invalid("operand, lower bound, and upper bound cannot be NaN"));
    }
    if low.is_infinite() || high.is_infinite() {
        return Err(invalid("lower and upper bounds must be finite"));
    }
    if low == high {
        return Err(invalid("lower bound cannot equal upper bound"));
    }
    let (near, far) = if low < high { (v < low, v >= high) } else { (v > low, v <= high) };
    if near {
        return Ok(0);
    }
    if far {
        return count.checked_add(1).ok_or_else(|| error(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"));
    }
    let share = match (high - low).is_infinite() {
        true => (v / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0),
        false => (v - low) / (high - low),
    };
    Ok(((f64::from(count) * share) as i32).min(count - 1) + 1)
}

/// `width_bucket(value, thresholds)`: how many of the sorted thresholds are not above the value.
fn width_bucket_array(_: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let DatumRef::Array(thresholds) = a[1] else { panic!("an array type holds an array") };
    if thresholds.dimensions() > 1 {
        return Err(error(SqlState::ARRAY_SUBSCRIPT_ERROR, "thresholds must be one-dimensional array"));
    }
    if thresholds.iter().any(DatumRef::is_null) {
        return Err(error(SqlState::NULL_VALUE_NOT_ALLOWED, "thresholds array must not contain NULLs"));
    }
    let ty = SqlType::of(types.args[0].oid);
    let (mut low, mut high) = (0, thresholds.len());
    while low < high {
        let middle = (low + high) / 2;
        match compare(ty, a[0], thresholds.get(middle)) {
            Ordering::Less => high = middle,
            _ => low = middle + 1,
        }
    }
    Ok(Datum::Int4(low as i32))
}

kernels! {
    fn dceil(v: f64) -> f64 {
        Ok(v.ceil())
    }

    fn dfloor(v: f64) -> f64 {
        Ok(v.floor())
    }

    fn dround(v: f64) -> f64 {
        Ok(v.round_ties_even())
    }

    fn dtrunc(v: f64) -> f64 {
        Ok(v.trunc())
    }

    fn dsign(v: f64) -> f64 {
        Ok(if v > 0.0 { 1.0 } else if v < 0.0 { -1.0 } else { 0.0 })
    }

    fn dsqrt(v: f64) -> f64 {
        if v < 0.0 {
            return Err(error(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, "cannot take square root of a negative number"));
        }
        Ok(v.sqrt())
    }

    fn dcbrt(v: f64) -> f64 {
        Ok(v.cbrt())
    }

    fn dpow(a: f64, b: f64) -> f64 {
        power(a, b)
    }

    fn dexp(v: f64) -> f64 {
        if v.is_nan() || v.is_infinite() {
            return Ok(v.exp());
        }
        let e = v.exp();
        if e == 0.0 { Err(underflow()) } else { finite(e, v) }
    }

    fn dlog1(v: f64) -> f64 {
        logarithm(v, f64::ln)
    }

    fn dlog10(v: f64) -> f64 {
        logarithm(v, f64::log10)
    }

    fn dsin(v: f64) -> f64 {
        trigonometric(v, f64::sin)
    }

    fn dcos(v: f64) -> f64 {
        trigonometric(v, f64::cos)
    }

    fn dtan(v: f64) -> f64 {
        trigonometric(v, f64::tan)
    }

    fn dcot(v: f64) -> f64 {
        trigonometric(v, |v| 1.0 / v.tan())
    }

    fn dasin(v: f64) -> f64 {
        within(v, -1.0, 1.0)?;
        Ok(v.asin())
    }

    fn dacos(v: f64) -> f64 {
        within(v, -1.0, 1.0)?;
        Ok(v.acos())
    }

    fn datan(v: f64) -> f64 {
        Ok(v.atan())
    }

    fn datan2(y: f64, x: f64) -> f64 {
        Ok(y.atan2(x))
    }

    fn dsinh(v: f64) -> f64 {
        Ok(v.sinh())
    }

    fn dcosh(v: f64) -> f64 {
        Ok(v.cosh())
    }

    fn dtanh(v: f64) -> f64 {
        Ok(v.tanh())
    }

    fn dasinh(v: f64) -> f64 {
        Ok(v.asinh())
    }

    fn dacosh(v: f64) -> f64 {
        within(v, 1.0, f64::INFINITY)?;
        Ok(v.acosh())
    }

    fn datanh(v: f64) -> f64 {
        within(v, -1.0, 1.0)?;
        Ok(v.atanh())
    }

    fn dsind(v: f64) -> f64 {
        trigonometric(v, sind)
    }

    fn dcosd(v: f64) -> f64 {
        trigonometric(v, cosd)
    }

    fn dtand(v: f64) -> f64 {
        trigonometric(v, tand)
    }

    fn dcotd(v: f64) -> f64 {
        trigonometric(v, cotd)
    }

    fn dasind(v: f64) -> f64 {
        within(v, -1.0, 1.0)?;
        Ok(if v >= 0.0 { asind_q1(v) } else { -asind_q1(-v) })
    }

    fn dacosd(v: f64) -> f64 {
        within(v, -1.0, 1.0)?;
        Ok(if v >= 0.0 { acosd_q1(v) } else { 90.0 + asind_q1(-v) })
    }

    fn datand(v: f64) -> f64 {
        Ok(atand_of(v))
    }

    fn datan2d(y: f64, x: f64) -> f64 {
        Ok(y.atan2(x) / 1f64.atan() * 45.0)
    }

    fn degrees(v: f64) -> f64 {
        finite(degrees_of(v), v)
    }

    fn radians(v: f64) -> f64 {
        Ok(radians_of(v))
    }

    fn dpi() -> f64 {
        Ok(PI)
    }

    fn drandom[cx]() -> f64 {
        Ok(cx.state.random.next_f64())
    }

    fn setseed[cx](seed: f64) -> &'static str {
        if !(-1.0..=1.0).contains(&seed) {
            return Err(error(
                SqlState::INVALID_PARAMETER_VALUE,
                &format!("setseed parameter {seed} is out of allowed range [-1,1]"),
            ));
        }
        cx.state.random.reseed(seed);
        Ok("")
    }

    fn width_bucket_float8(v: f64, low: f64, high: f64, count: i32) -> i32 {
        bucket(v, low, high, count)
    }

    fn float8smaller(a: f64, b: f64) -> f64 {
        Ok(if a.order(b).is_lt() { a } else { b })
    }

    fn float8larger(a: f64, b: f64) -> f64 {
        Ok(if a.order(b).is_gt() { a } else { b })
    }
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(1601, "acos", &[FLOAT8], FLOAT8, Row(dacos)),
    f(2732, "acosd", &[FLOAT8], FLOAT8, Row(dacosd)),
    f(2466, "acosh", &[FLOAT8], FLOAT8, Row(dacosh)),
    f(1600, "asin", &[FLOAT8], FLOAT8, Row(dasin)),
    f(2731, "asind", &[FLOAT8], FLOAT8, Row(dasind)),
    f(2465, "asinh", &[FLOAT8], FLOAT8, Row(dasinh)),
    f(1602, "atan", &[FLOAT8], FLOAT8, Row(datan)),
    f(1603, "atan2", &[FLOAT8, FLOAT8], FLOAT8, Row(datan2)),
    f(2734, "atan2d", &[FLOAT8, FLOAT8], FLOAT8, Row(datan2d)),
    f(2733, "atand", &[FLOAT8], FLOAT8, Row(datand)),
    f(2467, "atanh", &[FLOAT8], FLOAT8, Row(datanh)),
    f(1345, "cbrt", &[FLOAT8], FLOAT8, Row(dcbrt)),
    f(2308, "ceil", &[FLOAT8], FLOAT8, Row(dceil)),
    f(2320, "ceiling", &[FLOAT8], FLOAT8, Row(dceil)),
    f(1605, "cos", &[FLOAT8], FLOAT8, Row(dcos)),
    f(2736, "cosd", &[FLOAT8], FLOAT8, Row(dcosd)),
    f(2463, "cosh", &[FLOAT8], FLOAT8, Row(dcosh)),
    f(1607, "cot", &[FLOAT8], FLOAT8, Row(dcot)),
    f(2738, "cotd", &[FLOAT8], FLOAT8, Row(dcotd)),
    f(231, "dcbrt", &[FLOAT8], FLOAT8, Row(dcbrt)),
    f(1608, "degrees", &[FLOAT8], FLOAT8, Row(degrees)),
    f(233, "dexp", &[FLOAT8], FLOAT8, Row(dexp)),
    f(234, "dlog1", &[FLOAT8], FLOAT8, Row(dlog1)),
    f(1339, "dlog10", &[FLOAT8], FLOAT8, Row(dlog10)),
    f(232, "dpow", &[FLOAT8, FLOAT8], FLOAT8, Row(dpow)),
    f(228, "dround", &[FLOAT8], FLOAT8, Row(dround)),
    f(230, "dsqrt", &[FLOAT8], FLOAT8, Row(dsqrt)),
    f(229, "dtrunc", &[FLOAT8], FLOAT8, Row(dtrunc)),
    f(1347, "exp", &[FLOAT8], FLOAT8, Row(dexp)),
    f(223, "float8larger", &[FLOAT8, FLOAT8], FLOAT8, Row(float8larger)),
    f(224, "float8smaller", &[FLOAT8, FLOAT8], FLOAT8, Row(float8smaller)),
    f(2309, "floor", &[FLOAT8], FLOAT8, Row(dfloor)),
    f(1341, "ln", &[FLOAT8], FLOAT8, Row(dlog1)),
    f(1340, "log", &[FLOAT8], FLOAT8, Row(dlog10)),
    f(1194, "log10", &[FLOAT8], FLOAT8, Row(dlog10)),
    f(1610, "pi", &[], FLOAT8, Row(dpi)),
    f(1346, "pow", &[FLOAT8, FLOAT8], FLOAT8, Row(dpow)),
    f(1368, "power", &[FLOAT8, FLOAT8], FLOAT8, Row(dpow)),
    f(1609, "radians", &[FLOAT8], FLOAT8, Row(radians)),
    f(1598, "random", &[], FLOAT8, Row(drandom)).volatile(),
    f(1342, "round", &[FLOAT8], FLOAT8, Row(dround)),
    f(1599, "setseed", &[FLOAT8], VOID, Row(setseed)).volatile(),
    f(2310, "sign", &[FLOAT8], FLOAT8, Row(dsign)),
    f(1604, "sin", &[FLOAT8], FLOAT8, Row(dsin)),
    f(2735, "sind", &[FLOAT8], FLOAT8, Row(dsind)),
    f(2462, "sinh", &[FLOAT8], FLOAT8, Row(dsinh)),
    f(1344, "sqrt", &[FLOAT8], FLOAT8, Row(dsqrt)),
    f(1606, "tan", &[FLOAT8], FLOAT8, Row(dtan)),
    f(2737, "tand", &[FLOAT8], FLOAT8, Row(dtand)),
    f(2464, "tanh", &[FLOAT8], FLOAT8, Row(dtanh)),
    f(1343, "trunc", &[FLOAT8], FLOAT8, Row(dtrunc)),
    f(320, "width_bucket", &[FLOAT8, FLOAT8, FLOAT8, INT4], INT4, Row(width_bucket_float8)),
    f(3218, "width_bucket", &[ANYCOMPATIBLE, ANYCOMPATIBLEARRAY], INT4, Typed(width_bucket_array)),
];
