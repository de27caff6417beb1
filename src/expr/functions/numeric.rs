//! `numeric`: arithmetic, rounding, casts. The arithmetic itself is [`types::numeric`](crate::types::numeric).

use super::convert::kernels;
use super::f;
use crate::base::Result;
use crate::expr::function::Function;
use crate::expr::function::Kernel::Row;
use crate::types::oid::*;
use crate::types::{Numeric, NumericRef};

/// The quotient without its fraction.
fn whole_quotient(a: NumericRef<'_>, b: NumericRef<'_>) -> Result<Numeric> {
    a.div_trunc(b)
}

/// Rounds toward the scale that an integer's digits reach: `round(1250, -2)`.
fn rounded(a: NumericRef<'_>, scale: i32) -> Result<Numeric> {
    a.round(scale.clamp(-131072, 16383))
}

fn truncated(a: NumericRef<'_>, scale: i32) -> Result<Numeric> {
    a.trunc(scale.clamp(-131072, 16383))
}

kernels! {
    fn numeric_add(a: NumericRef<'_>, b: NumericRef<'_>) -> Numeric {
        a.add(b)
    }

    fn numeric_sub(a: NumericRef<'_>, b: NumericRef<'_>) -> Numeric {
        a.sub(b)
    }

    fn numeric_mul(a: NumericRef<'_>, b: NumericRef<'_>) -> Numeric {
        a.mul(b)
    }

    fn numeric_div(a: NumericRef<'_>, b: NumericRef<'_>) -> Numeric {
        a.div(b)
    }

    fn numeric_div_trunc(a: NumericRef<'_>, b: NumericRef<'_>) -> Numeric {
        whole_quotient(a, b)
    }

    fn numeric_mod(a: NumericRef<'_>, b: NumericRef<'_>) -> Numeric {
        a.rem(b)
    }

    fn numeric_uminus(a: NumericRef<'_>) -> Numeric {
        Ok(a.neg())
    }

    fn numeric_uplus(a: NumericRef<'_>) -> Numeric {
        Ok(a.to_owned())
    }

    fn numeric_abs(a: NumericRef<'_>) -> Numeric {
        Ok(a.abs())
    }

    fn numeric_sign(a: NumericRef<'_>) -> Numeric {
        Ok(a.sign())
    }

    fn numeric_ceil(a: NumericRef<'_>) -> Numeric {
        a.ceil()
    }

    fn numeric_floor(a: NumericRef<'_>) -> Numeric {
        a.floor()
    }

    fn numeric_round(a: NumericRef<'_>, scale: i32) -> Numeric {
        rounded(a, scale)
    }

    fn numeric_trunc(a: NumericRef<'_>, scale: i32) -> Numeric {
        truncated(a, scale)
    }

    fn numeric_round0(a: NumericRef<'_>) -> Numeric {
        a.round(0)
    }

    fn numeric_trunc0(a: NumericRef<'_>) -> Numeric {
        a.trunc(0)
    }

    fn numeric_gcd(a: NumericRef<'_>, b: NumericRef<'_>) -> Numeric {
        a.gcd(b)
    }

    fn numeric_lcm(a: NumericRef<'_>, b: NumericRef<'_>) -> Numeric {
        a.lcm(b)
    }

    fn numeric_inc(a: NumericRef<'_>) -> Numeric {
        a.add(Numeric::from(1i32).as_ref())
    }

    fn numeric_fac(n: i64) -> Numeric {
        Numeric::factorial(n)
    }

    fn numeric_scale(a: NumericRef<'_>) -> Option<i32> {
        Ok(a.is_finite().then(|| i32::from(a.scale())))
    }

    fn numeric_min_scale(a: NumericRef<'_>) -> Option<i32> {
        Ok(a.min_scale())
    }

    fn numeric_trim_scale(a: NumericRef<'_>) -> Numeric {
        Ok(a.trim_scale())
    }

    fn numeric_sqrt(a: NumericRef<'_>) -> Numeric {
        a.sqrt()
    }

    fn numeric_exp(a: NumericRef<'_>) -> Numeric {
        a.exp()
    }

    fn numeric_ln(a: NumericRef<'_>) -> Numeric {
        a.ln()
    }

    fn numeric_log(base: NumericRef<'_>, a: NumericRef<'_>) -> Numeric {
        a.log(base)
    }

    fn numeric_log10(a: NumericRef<'_>) -> Numeric {
        a.log10()
    }

    fn numeric_power(a: NumericRef<'_>, b: NumericRef<'_>) -> Numeric {
        a.power(b)
    }

    fn width_bucket_numeric(a: NumericRef<'_>, low: NumericRef<'_>, high: NumericRef<'_>, count: i32) -> i32 {
        a.width_bucket(low, high, count)
    }

    fn numeric_smaller(a: NumericRef<'_>, b: NumericRef<'_>) -> Numeric {
        Ok(if a.cmp(b).is_lt() { a.to_owned() } else { b.to_owned() })
    }

    fn numeric_larger(a: NumericRef<'_>, b: NumericRef<'_>) -> Numeric {
        Ok(if a.cmp(b).is_gt() { a.to_owned() } else { b.to_owned() })
    }

    fn int2_numeric(v: i16) -> Numeric {
        Ok(v.into())
    }

    fn int4_numeric(v: i32) -> Numeric {
        Ok(v.into())
    }

    fn int8_numeric(v: i64) -> Numeric {
        Ok(v.into())
    }

    fn float4_numeric(v: f32) -> Numeric {
        Ok(Numeric::from_f32(v))
    }

    fn float8_numeric(v: f64) -> Numeric {
        Ok(Numeric::from_f64(v))
    }

    fn numeric_int2(v: NumericRef<'_>) -> i16 {
        v.to_i16()
    }

    fn numeric_int4(v: NumericRef<'_>) -> i32 {
        v.to_i32()
    }

    fn numeric_int8(v: NumericRef<'_>) -> i64 {
        v.to_i64()
    }

    fn numeric_float4(v: NumericRef<'_>) -> f32 {
        v.to_f32()
    }

    fn numeric_float8(v: NumericRef<'_>) -> f64 {
        v.to_f64()
    }
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(1705, "abs", &[NUMERIC], NUMERIC, Row(numeric_abs)),
    f(1711, "ceil", &[NUMERIC], NUMERIC, Row(numeric_ceil)),
    f(2167, "ceiling", &[NUMERIC], NUMERIC, Row(numeric_ceil)),
    f(1973, "div", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_div_trunc)),
    f(1732, "exp", &[NUMERIC], NUMERIC, Row(numeric_exp)),
    f(1376, "factorial", &[INT8], NUMERIC, Row(numeric_fac)),
    f(1745, "float4", &[NUMERIC], FLOAT4, Row(numeric_float4)),
    f(1746, "float8", &[NUMERIC], FLOAT8, Row(numeric_float8)),
    f(1712, "floor", &[NUMERIC], NUMERIC, Row(numeric_floor)),
    f(5048, "gcd", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_gcd)),
    f(1783, "int2", &[NUMERIC], INT2, Row(numeric_int2)),
    f(1744, "int4", &[NUMERIC], INT4, Row(numeric_int4)),
    f(1779, "int8", &[NUMERIC], INT8, Row(numeric_int8)),
    f(5049, "lcm", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_lcm)),
    f(1734, "ln", &[NUMERIC], NUMERIC, Row(numeric_ln)),
    f(1736, "log", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_log)),
    f(5042, "min_scale", &[NUMERIC], INT4, Row(numeric_min_scale)),
    f(1728, "mod", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_mod)),
    f(1740, "numeric", &[INT4], NUMERIC, Row(int4_numeric)).leakproof(),
    f(1742, "numeric", &[FLOAT4], NUMERIC, Row(float4_numeric)).leakproof(),
    f(1743, "numeric", &[FLOAT8], NUMERIC, Row(float8_numeric)).leakproof(),
    f(1781, "numeric", &[INT8], NUMERIC, Row(int8_numeric)).leakproof(),
    f(1782, "numeric", &[INT2], NUMERIC, Row(int2_numeric)).leakproof(),
    f(1704, "numeric_abs", &[NUMERIC], NUMERIC, Row(numeric_abs)),
    f(1724, "numeric_add", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_add)),
    f(1727, "numeric_div", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_div)),
    f(1980, "numeric_div_trunc", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_div_trunc)),
    f(1733, "numeric_exp", &[NUMERIC], NUMERIC, Row(numeric_exp)),
    f(1764, "numeric_inc", &[NUMERIC], NUMERIC, Row(numeric_inc)),
    f(1767, "numeric_larger", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_larger)),
    f(1735, "numeric_ln", &[NUMERIC], NUMERIC, Row(numeric_ln)),
    f(1737, "numeric_log", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_log)),
    f(1729, "numeric_mod", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_mod)),
    f(1726, "numeric_mul", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_mul)),
    f(1739, "numeric_power", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_power)),
    f(1766, "numeric_smaller", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_smaller)),
    f(1731, "numeric_sqrt", &[NUMERIC], NUMERIC, Row(numeric_sqrt)),
    f(1725, "numeric_sub", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_sub)),
    f(1771, "numeric_uminus", &[NUMERIC], NUMERIC, Row(numeric_uminus)),
    f(1915, "numeric_uplus", &[NUMERIC], NUMERIC, Row(numeric_uplus)),
    f(1738, "pow", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_power)),
    f(2169, "power", &[NUMERIC, NUMERIC], NUMERIC, Row(numeric_power)),
    f(1707, "round", &[NUMERIC, INT4], NUMERIC, Row(numeric_round)),
    f(3281, "scale", &[NUMERIC], INT4, Row(numeric_scale)),
    f(1706, "sign", &[NUMERIC], NUMERIC, Row(numeric_sign)),
    f(1730, "sqrt", &[NUMERIC], NUMERIC, Row(numeric_sqrt)),
    f(5043, "trim_scale", &[NUMERIC], NUMERIC, Row(numeric_trim_scale)),
    f(1709, "trunc", &[NUMERIC, INT4], NUMERIC, Row(numeric_trunc)),
    f(2170, "width_bucket", &[NUMERIC, NUMERIC, NUMERIC, INT4], INT4, Row(width_bucket_numeric)),
    f(1741, "log", &[NUMERIC], NUMERIC, Row(numeric_log10)),
    f(1481, "log10", &[NUMERIC], NUMERIC, Row(numeric_log10)),
    f(1708, "round", &[NUMERIC], NUMERIC, Row(numeric_round0)),
    f(1710, "trunc", &[NUMERIC], NUMERIC, Row(numeric_trunc0)),
];
