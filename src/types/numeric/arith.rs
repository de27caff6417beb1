//! Arithmetic with PostgreSQL's result scales.
#![allow(unused_variables, clippy::should_implement_trait)]
use super::{Numeric, NumericRef};
use crate::base::Result;
use std::cmp::Ordering;

impl Numeric {
    /// `numeric_in` without a modifier: none when the text is not a number.
    pub fn parse(text: &str) -> Result<Numeric> {
        todo!()
    }
    /// The shortest decimal of 15 significant digits, as PostgreSQL's cast makes it.
    pub fn from_f64(v: f64) -> Numeric {
        todo!()
    }
    pub fn from_f32(v: f32) -> Numeric {
        todo!()
    }
    /// `factorial(n)`.
    pub fn factorial(n: i64) -> Result<Numeric> {
        todo!()
    }
}
impl<'a> NumericRef<'a> {
    /// Appends the text form.
    pub fn write(self, out: &mut Vec<u8>) {
        todo!()
    }
    pub fn cmp(self, other: NumericRef<'_>) -> Ordering {
        todo!()
    }
    pub fn add(self, other: NumericRef<'_>) -> Result<Numeric> {
        todo!()
    }
    pub fn sub(self, other: NumericRef<'_>) -> Result<Numeric> {
        todo!()
    }
    pub fn mul(self, other: NumericRef<'_>) -> Result<Numeric> {
        todo!()
    }
    pub fn div(self, other: NumericRef<'_>) -> Result<Numeric> {
        todo!()
    }
    /// SQL's `div(a, b)`: the quotient truncated to an integer.
    pub fn div_trunc(self, other: NumericRef<'_>) -> Result<Numeric> {
        todo!()
    }
    pub fn rem(self, other: NumericRef<'_>) -> Result<Numeric> {
        todo!()
    }
    pub fn neg(self) -> Numeric {
        todo!()
    }
    pub fn abs(self) -> Numeric {
        todo!()
    }
    pub fn sign(self) -> Numeric {
        todo!()
    }
    /// Half away from zero, to `scale` digits after the point (negative: before it).
    pub fn round(self, scale: i32) -> Result<Numeric> {
        todo!()
    }
    pub fn trunc(self, scale: i32) -> Result<Numeric> {
        todo!()
    }
    pub fn ceil(self) -> Result<Numeric> {
        todo!()
    }
    pub fn floor(self) -> Result<Numeric> {
        todo!()
    }
    pub fn sqrt(self) -> Result<Numeric> {
        todo!()
    }
    pub fn exp(self) -> Result<Numeric> {
        todo!()
    }
    pub fn ln(self) -> Result<Numeric> {
        todo!()
    }
    /// `log(base, self)`.
    pub fn log(self, base: NumericRef<'_>) -> Result<Numeric> {
        todo!()
    }
    /// `log10(self)`.
    pub fn log10(self) -> Result<Numeric> {
        todo!()
    }
    pub fn power(self, exponent: NumericRef<'_>) -> Result<Numeric> {
        todo!()
    }
    pub fn gcd(self, other: NumericRef<'_>) -> Result<Numeric> {
        todo!()
    }
    pub fn lcm(self, other: NumericRef<'_>) -> Result<Numeric> {
        todo!()
    }
    pub fn width_bucket(self, low: NumericRef<'_>, high: NumericRef<'_>, count: i32) -> Result<i32> {
        todo!()
    }
    pub fn min_scale(self) -> Option<i32> {
        todo!()
    }
    pub fn trim_scale(self) -> Numeric {
        todo!()
    }
    /// Rounded; 22003 `smallint out of range`, 0A000 `cannot convert NaN to smallint`.
    pub fn to_i16(self) -> Result<i16> {
        todo!()
    }
    pub fn to_i32(self) -> Result<i32> {
        todo!()
    }
    pub fn to_i64(self) -> Result<i64> {
        todo!()
    }
    pub fn to_f64(self) -> f64 {
        todo!()
    }
    pub fn to_f32(self) -> Result<f32> {
        todo!()
    }
}
