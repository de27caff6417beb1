//! Rounding, truncating, and the modifier `numeric(p,s)`.

use super::arith::{finite, rescale, rescale_small};
use super::digits::{big_pow10, count_big, trailing_zeros};
use super::encode::from_big;
use super::{Numeric, NumericRef, Parts};
use crate::base::{Error, Result, SqlState};
use num_bigint::{BigInt, Sign};

/// As far as `round` and `trunc` go: digits behind the point (`NUMERIC_DSCALE_MAX`), and before it, where rounding may
/// make one more.
const SCALE_MAX: i32 = 0x3fff;
const SCALE_MIN: i32 = -(0x7fff + 1) * 4 - 1;

#[derive(Clone, Copy)]
enum Direction {
    HalfAway,
    Truncate,
    Up,
    Down,
}

impl NumericRef<'_> {
    /// Half away from zero, to `scale` digits after the point (negative: before it).
    pub fn round(self, scale: i32) -> Result<Numeric> {
        self.cut(scale, Direction::HalfAway)
    }

    /// Toward zero, to `scale` digits after the point (negative: before it).
    pub fn trunc(self, scale: i32) -> Result<Numeric> {
        self.cut(scale, Direction::Truncate)
    }

    pub fn ceil(self) -> Result<Numeric> {
        self.cut(0, Direction::Up)
    }

    pub fn floor(self) -> Result<Numeric> {
        self.cut(0, Direction::Down)
    }

    fn cut(self, scale: i32, direction: Direction) -> Result<Numeric> {
        let scale = scale.clamp(SCALE_MIN, SCALE_MAX);
        if scale >= 0
            && let Some((mantissa, from)) = self.small_parts()
            && (matches!(direction, Direction::HalfAway) || i32::from(from) <= scale)
            && let Some(rounded) = rescale_small(mantissa, from, scale as u16)
        {
            return Ok(Numeric::small(rounded, scale as u16));
        }
        let Some((mantissa, from)) = self.parts().big() else { return Ok(self.to_owned()) };
        let shown = scale.max(0) as u32;
        let excess = i32::from(from) - scale;
        if excess <= 0 {
            return finite(&rescale(&mantissa, u32::from(from), shown), shown);
        }
        let unit = big_pow10(excess as u32);
        let kept = divide(&mantissa, &unit, direction);
        finite(&(kept * big_pow10(scale.min(0).unsigned_abs())), shown)
    }

    /// Rounds to `numeric(precision, scale)`, refusing what has too many digits before the point (`apply_typmod`).
    pub fn fit(self, precision: i32, scale: i32) -> Result<Numeric> {
        if self.is_nan() {
            return Ok(Numeric::NAN);
        }
        if self.is_infinite() {
            let detail = format!("A field with precision {precision}, scale {scale} cannot hold an infinite value.");
            return Err(field_overflow().detail(detail));
        }
        let rounded = self.round(scale)?;
        // The rounded value is a multiple of 10^-scale, so it fits when it has at most `precision` such units.
        let digits = match rounded.as_ref().parts() {
            Parts::Small(m, _) => super::digits::count_small(m.unsigned_abs()),
            Parts::Big(m, _) => count_big(&m),
            _ => 0,
        };
        let whole = precision - scale;
        if !rounded.as_ref().is_zero() && digits as i32 - scale.max(0) > whole {
            let bound = if whole == 0 { "1".to_string() } else { format!("10^{whole}") };
            return Err(field_overflow().detail(format!(
                "A field with precision {precision}, scale {scale} must round to an absolute value less than {bound}."
            )));
        }
        Ok(rounded)
    }

    /// The fewest digits after the point that keep the value; none for NaN and the infinities.
    pub fn min_scale(self) -> Option<i32> {
        let (mantissa, scale) = self.parts().big()?;
        if self.is_zero() {
            return Some(0);
        }
        Some((i32::from(scale) - trailing_zeros(&mantissa) as i32).max(0))
    }

    /// The same value with [`min_scale`](NumericRef::min_scale) digits after the point.
    pub fn trim_scale(self) -> Numeric {
        if let Some((mut mantissa, mut scale)) = self.small_parts() {
            while scale > 0 && mantissa % 10 == 0 {
                mantissa /= 10;
                scale -= 1;
            }
            return Numeric::small(mantissa, scale);
        }
        match (self.min_scale(), self.parts().big()) {
            (Some(to), Some((mantissa, from))) => {
                from_big(&(mantissa / big_pow10(u32::from(from) - to as u32)), to as u16)
            }
            _ => self.to_owned(),
        }
    }
}

fn field_overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow")
}

fn divide(mantissa: &BigInt, unit: &BigInt, direction: Direction) -> BigInt {
    let truncated = mantissa / unit;
    let exact = || &truncated * unit == *mantissa;
    match direction {
        Direction::HalfAway => super::digits::div_round(mantissa, unit),
        Direction::Up if mantissa.sign() == Sign::Plus && !exact() => truncated + 1,
        Direction::Down if mantissa.sign() == Sign::Minus && !exact() => truncated - 1,
        _ => truncated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Numeric {
        Numeric::parse(text).unwrap()
    }

    #[test]
    fn rounding_directions() {
        for (text, scale, rounded, truncated) in [
            ("1.255", 2, "1.26", "1.25"),
            ("-1.255", 2, "-1.26", "-1.25"),
            ("1550", -2, "1600", "1500"),
            ("1.5", 3, "1.500", "1.500"),
            ("0.4", 0, "0", "0"),
            ("49", -2, "0", "0"),
            ("50", -2, "100", "0"),
        ] {
            assert_eq!(n(text).as_ref().round(scale).unwrap().to_string(), rounded, "{text}");
            assert_eq!(n(text).as_ref().trunc(scale).unwrap().to_string(), truncated, "{text}");
        }
        assert_eq!(n("-1.5").as_ref().ceil().unwrap().to_string(), "-1");
        assert_eq!(n("-1.5").as_ref().floor().unwrap().to_string(), "-2");
        assert_eq!(n("2.000").as_ref().ceil().unwrap().to_string(), "2");
        assert_eq!(n("1.2300").as_ref().trim_scale().to_string(), "1.23");
        assert_eq!(n("100").as_ref().min_scale(), Some(0));
    }

    #[test]
    fn modifiers_bound_the_digits_before_the_point() {
        assert_eq!(n("99.994").as_ref().fit(4, 2).unwrap().to_string(), "99.99");
        let e = n("99.995").as_ref().fit(4, 2).unwrap_err();
        let detail = "A field with precision 4, scale 2 must round to an absolute value less than 10^2.";
        assert_eq!(e.fields().detail.as_deref(), Some(detail));
        let e = n("1").as_ref().fit(2, 2).unwrap_err();
        assert!(e.fields().detail.as_deref().unwrap().ends_with("less than 1."));
        assert_eq!(n("12345").as_ref().fit(3, -2).unwrap().to_string(), "12300");
        assert!(n("99949").as_ref().fit(3, -2).is_ok());
        assert!(n("99999").as_ref().fit(3, -2).is_err());
        assert_eq!(n("0.00999").as_ref().fit(3, 5).unwrap().to_string(), "0.00999");
        assert!(n("0.01").as_ref().fit(3, 5).is_err());
        assert!(Numeric::INFINITY.as_ref().fit(3, 1).is_err());
    }
}
