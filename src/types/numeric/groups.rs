//! Numbers as PostgreSQL sends them: base-10000 digits from the most significant, the power of 10000 of the first, a sign
//! word and the display scale (`numeric_send`, `numeric_recv`).

use super::digits::big_pow10;
use super::{MAX_SCALE, Numeric, NumericRef, Parts};
use crate::base::{Error, Result, SqlState};
use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const POS_INF: u16 = 0xd000;
const NEG_INF: u16 = 0xf000;
/// A bit of PostgreSQL's stored form that shows through as a display scale.
const INFINITY_SCALE: u16 = 0x20;

impl NumericRef<'_> {
    /// Sign word, weight, display scale and digits.
    pub(in crate::types) fn to_groups(self) -> (u16, i16, u16, Vec<i16>) {
        let (mantissa, scale) = match self.parts() {
            Parts::NaN => return (NAN, 0, 0, Vec::new()),
            Parts::PosInf => return (POS_INF, 0, INFINITY_SCALE, Vec::new()),
            Parts::NegInf => return (NEG_INF, 0, INFINITY_SCALE, Vec::new()),
            Parts::Small(m, s) => (BigInt::from(m), s),
            Parts::Big(m, s) => (m, s),
        };
        let sign = if mantissa.sign() == Sign::Minus { NEGATIVE } else { POSITIVE };
        // A whole number of groups after the point.
        let after = usize::from(scale).div_ceil(4);
        let padded = mantissa.magnitude() * big_pow10((4 * after - usize::from(scale)) as u32).magnitude();
        let mut groups = base_10000(&padded);
        let weight = groups.len() as i32 - after as i32 - 1;
        while groups.last() == Some(&0) {
            groups.pop();
        }
        if groups.is_empty() {
            return (POSITIVE, 0, scale, groups);
        }
        (sign, weight as i16, scale, groups)
    }
}

/// Digits from the most significant; none for zero.
fn base_10000(n: &num_bigint::BigUint) -> Vec<i16> {
    if let Some(mut small) = n.to_u128() {
        let mut groups = Vec::new();
        while small > 0 {
            groups.push((small % 10000) as i16);
            small /= 10000;
        }
        groups.reverse();
        return groups;
    }
    let text = n.to_string();
    let first = (text.len() - 1) % 4 + 1;
    let (head, rest) = text.as_bytes().split_at(first);
    let group = |digits: &[u8]| digits.iter().fold(0, |n, d| n * 10 + i16::from(d - b'0'));
    std::iter::once(head).chain(rest.chunks(4)).map(group).collect()
}

impl Numeric {
    /// 22P03 when the parts are not a number's. Digits beyond the display scale are cut.
    pub(in crate::types) fn from_groups(
        sign: u16,
        weight: i16,
        scale: u16,
        groups: impl ExactSizeIterator<Item = i16>,
    ) -> Result<Numeric> {
        let bad = |what: &str| Error::new(SqlState::INVALID_BINARY_REPRESENTATION, what);
        match sign {
            POSITIVE | NEGATIVE => {}
            NAN => return Ok(Numeric::NAN),
            POS_INF => return Ok(Numeric::INFINITY),
            NEG_INF => return Ok(Numeric::NEG_INFINITY),
            _ => return Err(bad("invalid sign in external \"numeric\" value")),
        }
        if scale > MAX_SCALE {
            return Err(bad("invalid scale in external \"numeric\" value"));
        }
        let count = groups.len() as i32;
        let mut digits = Vec::with_capacity(4 * groups.len());
        for group in groups {
            if !(0..10000).contains(&group) {
                return Err(bad("invalid digit in external \"numeric\" value"));
            }
            digits.extend([group / 1000, group / 100 % 10, group / 10 % 10, group % 10].map(|d| d as u8));
        }
        let magnitude = BigInt::from_radix_be(Sign::Plus, &digits, 10).unwrap_or_default();
        // The digits stand for an integer times 10000^(weight + 1 - count).
        let have = 4 * (count - i32::from(weight) - 1);
        let shift = i32::from(scale) - have;
        let magnitude = match shift {
            0.. => magnitude * big_pow10(shift as u32),
            _ => magnitude / big_pow10(shift.unsigned_abs()),
        };
        super::arith::finite(&if sign == NEGATIVE { -magnitude } else { magnitude }, u32::from(scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_round_trip() {
        for (text, weight, groups) in [
            ("0", 0, &[][..]),
            ("0.00", 0, &[]),
            ("1", 0, &[1]),
            ("10000", 1, &[1]),
            ("12345.678", 1, &[1, 2345, 6780]),
            ("-0.0001", -1, &[1]),
            ("0.00000012", -2, &[12]),
            (
                "99999999999999999999999999999999999999999.5",
                10,
                &[9, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 5000],
            ),
        ] {
            let n = Numeric::parse(text).unwrap();
            let (sign, w, scale, g) = n.as_ref().to_groups();
            assert_eq!((w, &g[..]), (weight, groups), "{text}");
            let back = Numeric::from_groups(sign, w, scale, g.into_iter()).unwrap();
            assert_eq!(back.to_string(), text);
        }
        assert!(Numeric::from_groups(NAN, 0, 0, [].into_iter()).unwrap().as_ref().is_nan());
        assert!(Numeric::from_groups(1, 0, 0, [].into_iter()).is_err());
        assert!(Numeric::from_groups(POSITIVE, 0, 0, [10000].into_iter()).is_err());
    }
}
