//! `numeric`: exact decimals of PostgreSQL's full range, display scale included.
//!
//! A value is an integer (the mantissa) and a scale, the number of digits after the point: 1.50 is 150 at scale 2.
//! While the mantissa fits 128 bits, which is all practical money and measurement, arithmetic is on `i128`; beyond,
//! on `num-bigint`. Result scales and limits follow PostgreSQL's `numeric.c`. A number has one representation
//! for each scale: the small one whenever it fits.
//!
//! Read in this order: this file, `encode.rs`, `text.rs`, `digits.rs`, `arith.rs`, `round.rs`, `convert.rs`,
//! `transcendental.rs`, `sum.rs`; `groups.rs` is the wire form and `key.rs` the ordered one.

mod arith;
mod convert;
mod digits;
mod encode;
mod groups;
mod key;
mod round;
mod sum;
#[cfg(test)]
mod tests;
mod text;
mod transcendental;

pub(super) use key::read_key;
pub use sum::NumericSum;

use num_bigint::BigInt;

/// Most digits before the decimal point (`NUMERIC_WEIGHT_MAX`, in decimal digits).
pub const MAX_INTEGER_DIGITS: u32 = 131072;
/// Most digits after the decimal point (`NUMERIC_DSCALE_MAX`).
pub const MAX_SCALE: u16 = 16383;

/// An owned number.
#[derive(Clone, Debug)]
pub struct Numeric(Repr);

#[derive(Clone, Debug)]
enum Repr {
    /// The mantissa's halves: an `i128` would cost 16 bytes of alignment.
    Small {
        high: i64,
        low: u64,
        scale: u16,
    },
    /// The encoded form (`encode.rs`) of a mantissa that does not fit.
    Big(Box<[u8]>),
    NaN,
    PosInf,
    NegInf,
}

/// A borrowed number: all arithmetic is on this.
#[derive(Clone, Copy, Debug)]
pub struct NumericRef<'a>(RefRepr<'a>);

#[derive(Clone, Copy, Debug)]
enum RefRepr<'a> {
    Small { high: i64, low: u64, scale: u16 },
    Big(&'a [u8]),
    NaN,
    PosInf,
    NegInf,
}

/// A number taken apart for arithmetic.
#[derive(Clone, Debug)]
enum Parts {
    Small(i128, u16),
    Big(BigInt, u16),
    NaN,
    PosInf,
    NegInf,
}

impl Numeric {
    pub const ZERO: Numeric = Numeric::small(0, 0);
    pub const NAN: Numeric = Numeric(Repr::NaN);
    pub const INFINITY: Numeric = Numeric(Repr::PosInf);
    pub const NEG_INFINITY: Numeric = Numeric(Repr::NegInf);

    const fn small(mantissa: i128, scale: u16) -> Numeric {
        Numeric(Repr::Small { high: (mantissa >> 64) as i64, low: mantissa as u64, scale })
    }

    /// `mantissa / 10^scale`, displayed with `scale` digits after the point.
    pub const fn from_parts(mantissa: i128, scale: u16) -> Numeric {
        assert!(scale <= MAX_SCALE);
        Numeric::small(mantissa, scale)
    }

    pub fn as_ref(&self) -> NumericRef<'_> {
        NumericRef(match &self.0 {
            Repr::Small { high, low, scale } => RefRepr::Small { high: *high, low: *low, scale: *scale },
            Repr::Big(bytes) => RefRepr::Big(bytes),
            Repr::NaN => RefRepr::NaN,
            Repr::PosInf => RefRepr::PosInf,
            Repr::NegInf => RefRepr::NegInf,
        })
    }
}

macro_rules! from_integer {
    ($($t:ty)*) => {
        $(impl From<$t> for Numeric {
            fn from(v: $t) -> Numeric {
                Numeric::small(i128::from(v), 0)
            }
        })*
    };
}

from_integer!(i16 i32 i64 u32 u64 i128);

impl<'a> NumericRef<'a> {
    const fn small(mantissa: i128, scale: u16) -> NumericRef<'a> {
        NumericRef(RefRepr::Small { high: (mantissa >> 64) as i64, low: mantissa as u64, scale })
    }

    #[allow(clippy::wrong_self_convention)]
    pub fn to_owned(self) -> Numeric {
        Numeric(match self.0 {
            RefRepr::Small { high, low, scale } => Repr::Small { high, low, scale },
            RefRepr::Big(bytes) => Repr::Big(bytes.into()),
            RefRepr::NaN => Repr::NaN,
            RefRepr::PosInf => Repr::PosInf,
            RefRepr::NegInf => Repr::NegInf,
        })
    }

    /// The mantissa and scale of a finite number whose mantissa fits.
    pub fn small_parts(self) -> Option<(i128, u16)> {
        match self.0 {
            RefRepr::Small { high, low, scale } => Some((i128::from(high) << 64 | i128::from(low), scale)),
            _ => None,
        }
    }

    fn parts(self) -> Parts {
        match self.0 {
            RefRepr::Small { high, low, scale } => Parts::Small(i128::from(high) << 64 | i128::from(low), scale),
            RefRepr::Big(bytes) => {
                let (mantissa, scale) = encode::big_parts(bytes);
                Parts::Big(mantissa, scale)
            }
            RefRepr::NaN => Parts::NaN,
            RefRepr::PosInf => Parts::PosInf,
            RefRepr::NegInf => Parts::NegInf,
        }
    }

    pub fn is_nan(self) -> bool {
        matches!(self.0, RefRepr::NaN)
    }

    pub fn is_infinite(self) -> bool {
        matches!(self.0, RefRepr::PosInf | RefRepr::NegInf)
    }

    pub fn is_finite(self) -> bool {
        matches!(self.0, RefRepr::Small { .. } | RefRepr::Big(_))
    }

    pub fn is_zero(self) -> bool {
        matches!(self.0, RefRepr::Small { high: 0, low: 0, .. })
    }

    /// Digits after the point; zero for NaN and the infinities.
    pub fn scale(self) -> u16 {
        match self.0 {
            RefRepr::Small { scale, .. } => scale,
            RefRepr::Big(bytes) => encode::big_scale(bytes),
            _ => 0,
        }
    }
}
