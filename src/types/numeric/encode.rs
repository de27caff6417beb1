//! The bytes of a number in a column, a row or an array.
//!
//! | first byte | then | number |
//! |---|---|---|
//! | 0..=0x7f | mantissa | scale is the byte |
//! | 0x80 | scale `u16`, mantissa | any scale, mantissa in `i128` |
//! | 0x81 | scale `u16`, mantissa | mantissa beyond `i128` |
//! | 0xfd, 0xfe, 0xff | | -Infinity, Infinity, NaN |
//!
//! A mantissa is a little-endian two's complement integer without the high bytes that only repeat its sign; zero
//! has no bytes. So a number of up to 26 digits is at most 12 bytes, which an Arrow view holds inline.
//! Equal numbers of equal scale have equal bytes.

use super::{Numeric, NumericRef, RefRepr, Repr};
use num_bigint::BigInt;
use num_traits::ToPrimitive;

const SHORT_SCALE_MAX: u16 = 0x7f;
const LONG_SCALE: u8 = 0x80;
const BIG: u8 = 0x81;
const NEG_INF: u8 = 0xfd;
const POS_INF: u8 = 0xfe;
const NAN: u8 = 0xff;

impl<'a> NumericRef<'a> {
    /// Reads the form that [`encode`](NumericRef::encode) writes.
    pub fn decode(bytes: &'a [u8]) -> NumericRef<'a> {
        let (first, rest) = bytes.split_first().expect("a number has bytes");
        match *first {
            scale @ 0..=0x7f => NumericRef::small(read_mantissa(rest), u16::from(scale)),
            LONG_SCALE => NumericRef::small(read_mantissa(&rest[2..]), u16::from_le_bytes([rest[0], rest[1]])),
            BIG => NumericRef(RefRepr::Big(bytes)),
            NEG_INF => NumericRef(RefRepr::NegInf),
            POS_INF => NumericRef(RefRepr::PosInf),
            NAN => NumericRef(RefRepr::NaN),
            other => panic!("not a number's first byte: {other:#x}"),
        }
    }

    /// Appends the encoded form.
    pub fn encode(self, out: &mut Vec<u8>) {
        match self.0 {
            RefRepr::Small { high, low, scale } => {
                if scale <= SHORT_SCALE_MAX {
                    out.push(scale as u8);
                } else {
                    out.push(LONG_SCALE);
                    out.extend_from_slice(&scale.to_le_bytes());
                }
                write_mantissa(out, i128::from(high) << 64 | i128::from(low));
            }
            RefRepr::Big(bytes) => out.extend_from_slice(bytes),
            RefRepr::NegInf => out.push(NEG_INF),
            RefRepr::PosInf => out.push(POS_INF),
            RefRepr::NaN => out.push(NAN),
        }
    }
}

fn read_mantissa(bytes: &[u8]) -> i128 {
    let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
    let mut full = [if negative { 0xff } else { 0 }; 16];
    full[..bytes.len()].copy_from_slice(bytes);
    i128::from_le_bytes(full)
}

fn write_mantissa(out: &mut Vec<u8>, mantissa: i128) {
    if mantissa == 0 {
        return;
    }
    let significant = if mantissa < 0 { 129 - mantissa.leading_ones() } else { 129 - mantissa.leading_zeros() };
    let bytes = (significant as usize).div_ceil(8);
    out.extend_from_slice(&mantissa.to_le_bytes()[..bytes]);
}

/// The number `mantissa / 10^scale` in its one representation.
pub(super) fn from_big(mantissa: &BigInt, scale: u16) -> Numeric {
    if let Some(small) = mantissa.to_i128() {
        return Numeric::small(small, scale);
    }
    let mut bytes = vec![BIG];
    bytes.extend_from_slice(&scale.to_le_bytes());
    bytes.extend_from_slice(&mantissa.to_signed_bytes_le());
    Numeric(Repr::Big(bytes.into()))
}

pub(super) fn big_parts(bytes: &[u8]) -> (BigInt, u16) {
    (BigInt::from_signed_bytes_le(&bytes[3..]), big_scale(bytes))
}

pub(super) fn big_scale(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[1], bytes[2]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_fit_a_view() {
        for (mantissa, scale, len) in [
            (0, 0, 1),
            (1, 2, 2),
            (-1, 0, 2),
            (127, 0, 2),
            (128, 0, 3),
            (-128, 0, 2),
            (-129, 0, 3),
            (99_999_999_999_999_999_999_999_999, 10, 12),
            (1, 200, 4),
            (i128::MAX, 5, 17),
            (i128::MIN, 5, 17),
        ] {
            let mut out = Vec::new();
            Numeric::from_parts(mantissa, scale).as_ref().encode(&mut out);
            assert_eq!(out.len(), len, "{mantissa}");
            assert_eq!(NumericRef::decode(&out).small_parts(), Some((mantissa, scale)));
        }
    }

    #[test]
    fn golden_bytes() {
        let mut out = Vec::new();
        Numeric::from_parts(-150, 2).as_ref().encode(&mut out);
        assert_eq!(out, [2, 0x6a, 0xff]);
        let big = from_big(&(BigInt::from(1) << 127), 3);
        out.clear();
        big.as_ref().encode(&mut out);
        assert_eq!(out, [&[0x81, 3, 0][..], &[0; 15], &[0x80, 0]].concat());
        assert_eq!(big_parts(&out), (BigInt::from(1) << 127, 3));
    }
}
