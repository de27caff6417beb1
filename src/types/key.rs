//! Values as bytes that order like the values: index keys.
//!
//! Each column starts with a marker that places NULL before or after all values, then the value's bytes, all inverted for a
//! descending column. Every form ends itself, so the keys of several columns are simply one after another and compare column by
//! column.
//!
//! | form | bytes |
//! |---|---|
//! | bool | one byte |
//! | integers | big-endian, sign bit flipped |
//! | oids, uuid | big-endian |
//! | floats | IEEE bits, flipped so that they order; one NaN, one zero |
//! | text | its bytes, then 0 (text holds no 0; `char(n)` without trailing blanks) |
//! | bytea | its bytes with 0 as 0 255, then 0 0 |
//! | interval | its span, 10 bytes big-endian, sign flipped |
//! | numeric | see `numeric/key.rs` |
//! | array | each item behind 2, or 3 for NULL; 1; then the dimensions |
//! | row | each field behind 2 and its type, or 3 and its type for NULL; 1 |

use super::array::{ArrayValue, MAX_DIMENSIONS};
use super::character::{declared_length, without_trailing_blanks};
use super::typmod::numeric_typmod;
use super::{ArrayView, Datum, DatumRef, Interval, Physical, RecordValue, SqlType, oid};
use crate::base::bytes::Reader;
use crate::base::{Error, Oid, Result, SqlState};

/// Direction of one key column. PostgreSQL's default is ascending with NULLs last; DESC puts NULLs first unless told otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyOrder {
    pub descending: bool,
    pub nulls_first: bool,
}

impl KeyOrder {
    pub const ASCENDING: KeyOrder = KeyOrder { descending: false, nulls_first: false };
    pub const DESCENDING: KeyOrder = KeyOrder { descending: true, nulls_first: true };
}

const NULL_FIRST: u8 = 0;
const VALUE: u8 = 1;
const NULL_LAST: u8 = 2;

/// Markers inside arrays and rows.
const END: u8 = 1;
const ITEM: u8 = 2;
const NULL_ITEM: u8 = 3;

/// How deep rows may hold rows in a key read back.
const DEPTH_MAX: u32 = 64;

/// Appends the key of a value (or NULL). Keys of several columns are simply one after another.
pub fn encode(out: &mut Vec<u8>, ty: SqlType, value: DatumRef<'_>, order: KeyOrder) {
    if value.is_null() {
        out.push(if order.nulls_first { NULL_FIRST } else { NULL_LAST });
        return;
    }
    out.push(VALUE);
    let start = out.len();
    put(out, ty, value);
    if order.descending {
        out[start..].iter_mut().for_each(|b| *b = !*b);
    }
}

/// Reads one column's key back. For [lossy](is_lossy) types the value is equal to the original but may print otherwise.
pub fn decode(reader: &mut Reader<'_>, ty: SqlType, order: KeyOrder) -> Result<Datum> {
    match reader.u8()? {
        VALUE => {
            let flip = if order.descending { 0xff } else { 0 };
            Flipped { reader, flip, depth: 0 }.value(ty)
        }
        NULL_FIRST if order.nulls_first => Ok(Datum::Null),
        NULL_LAST if !order.nulls_first => Ok(Datum::Null),
        _ => Err(damaged()),
    }
}

/// Whether [`decode`] cannot give the very value back: numerics without a modifier lose their display scale, floats the
/// sign of zero, intervals their split into months and days, `char(n)` without a length its trailing blanks.
pub fn is_lossy(ty: SqlType) -> bool {
    match ty.oid {
        oid::NUMERIC => numeric_typmod(ty.typmod).is_none(),
        oid::BPCHAR => declared_length(ty.typmod).is_none(),
        oid::FLOAT4 | oid::FLOAT8 | oid::INTERVAL => true,
        _ => match (ty.physical(), ty.element()) {
            // The items of an array are encoded and read back without its modifier.
            (Physical::Array, Some(element)) => is_lossy(element.bare()),
            (Physical::Array | Physical::Record, _) => true,
            _ => false,
        },
    }
}

fn damaged() -> Error {
    Error::new(SqlState::DATA_CORRUPTED, "a key is damaged")
}

fn put(out: &mut Vec<u8>, ty: SqlType, value: DatumRef<'_>) {
    match value {
        DatumRef::Null => panic!("NULL has only a marker"),
        DatumRef::Bool(v) => out.push(u8::from(v)),
        DatumRef::Int2(v) => out.extend_from_slice(&(v as u16 ^ 1 << 15).to_be_bytes()),
        DatumRef::Int4(v) => out.extend_from_slice(&(v as u32 ^ 1 << 31).to_be_bytes()),
        DatumRef::Int8(v) => out.extend_from_slice(&(v as u64 ^ 1 << 63).to_be_bytes()),
        DatumRef::Oid(v) => out.extend_from_slice(&v.to_be_bytes()),
        DatumRef::Float4(v) => out.extend_from_slice(&order_f32(v).to_be_bytes()),
        DatumRef::Float8(v) => out.extend_from_slice(&order_f64(v).to_be_bytes()),
        DatumRef::Numeric(v) => v.put_key(out),
        DatumRef::Text(v) => {
            let text = if ty.oid == oid::BPCHAR { without_trailing_blanks(v) } else { v };
            debug_assert!(!text.as_bytes().contains(&0));
            out.extend_from_slice(text.as_bytes());
            out.push(0);
        }
        DatumRef::Bytes(v) => {
            for &b in v {
                out.push(b);
                if b == 0 {
                    out.push(0xff);
                }
            }
            out.extend_from_slice(&[0, 0]);
        }
        DatumRef::Interval(v) => out.extend_from_slice(&(v.span() + SPAN_BIAS).to_be_bytes()[6..]),
        DatumRef::Uuid(v) => out.extend_from_slice(&v),
        DatumRef::Array(v) => put_array(out, ty, v),
        DatumRef::Record(v) => {
            for (oid, field) in v.iter() {
                out.push(if field.is_null() { NULL_ITEM } else { ITEM });
                out.extend_from_slice(&oid.0.to_be_bytes());
                if !field.is_null() {
                    put(out, SqlType::of(oid), field);
                }
            }
            out.push(END);
        }
    }
}

/// Spans need 73 bits and a sign; this makes them 10 bytes without one.
const SPAN_BIAS: i128 = 1 << 79;

fn put_array(out: &mut Vec<u8>, ty: SqlType, array: ArrayView<'_>) {
    let element = SqlType::of(array.element());
    if ty.oid == oid::OIDVECTOR {
        out.extend_from_slice(&(array.len() as u32).to_be_bytes());
    }
    for item in array.iter() {
        out.push(if item.is_null() { NULL_ITEM } else { ITEM });
        if !item.is_null() {
            put(out, element, item);
        }
    }
    out.push(END);
    let dims = array.dims();
    out.push(dims.len() as u8);
    for (len, _) in &dims {
        out.extend_from_slice(&(*len as u32).to_be_bytes());
    }
    for (_, lower) in &dims {
        out.extend_from_slice(&(*lower as u32 ^ 1 << 31).to_be_bytes());
    }
}

fn order_f64(v: f64) -> u64 {
    let bits = match v {
        0.0 => 0,
        v if v.is_nan() => f64::NAN.to_bits() & !(1 << 63),
        v => v.to_bits(),
    };
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn order_f32(v: f32) -> u32 {
    let bits = match v {
        0.0 => 0,
        v if v.is_nan() => f32::NAN.to_bits() & !(1 << 31),
        v => v.to_bits(),
    };
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

/// Reads bytes that may all be inverted.
pub(super) struct Flipped<'r, 'a> {
    reader: &'r mut Reader<'a>,
    flip: u8,
    depth: u32,
}

impl Flipped<'_, '_> {
    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(self.reader.u8()? ^ self.flip)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.reader.array::<N>()?.map(|b| b ^ self.flip))
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn value(&mut self, ty: SqlType) -> Result<Datum> {
        Ok(match ty.physical() {
            Physical::Bool => Datum::Bool(self.u8()? != 0),
            Physical::Int16 => Datum::Int2((u16::from_be_bytes(self.array()?) ^ 1 << 15) as i16),
            Physical::Int32 => Datum::Int4((self.u32()? ^ 1 << 31) as i32),
            Physical::Int64 => Datum::Int8((u64::from_be_bytes(self.array()?) ^ 1 << 63) as i64),
            Physical::UInt32 => Datum::Oid(self.u32()?),
            Physical::Float32 => {
                let ordered = self.u32()?;
                let bits = if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered };
                Datum::Float4(f32::from_bits(bits))
            }
            Physical::Float64 => {
                let ordered = u64::from_be_bytes(self.array()?);
                let bits = if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered };
                Datum::Float8(f64::from_bits(bits))
            }
            Physical::Numeric => {
                let scale = numeric_typmod(ty.typmod).map(|(_, scale)| scale.max(0) as u16);
                Datum::Numeric(super::numeric::read_key(self, scale)?)
            }
            Physical::Text => Datum::Text(self.text(ty)?),
            Physical::Bytes => Datum::Bytes(self.escaped()?.into()),
            Physical::Interval => {
                let mut wide = [0; 16];
                wide[6..].copy_from_slice(&self.array::<10>()?);
                Datum::Interval(Interval::from_span(i128::from_be_bytes(wide) - SPAN_BIAS))
            }
            Physical::Uuid => Datum::Uuid(self.array()?),
            Physical::Array => self.items(ty)?,
            Physical::Record => self.fields()?,
        })
    }

    fn text(&mut self, ty: SqlType) -> Result<Box<str>> {
        let length = self.reader.rest().iter().position(|&b| b == self.flip).ok_or_else(damaged)?;
        let mut bytes = self.reader.take(length)?.to_vec();
        self.reader.u8()?;
        bytes.iter_mut().for_each(|b| *b ^= self.flip);
        let mut text = String::from_utf8(bytes).map_err(|_| damaged())?;
        if let (oid::BPCHAR, Some(length)) = (ty.oid, declared_length(ty.typmod)) {
            let missing = length.saturating_sub(text.chars().count());
            text.extend(std::iter::repeat_n(' ', missing));
        }
        Ok(text.into())
    }

    fn escaped(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            match self.u8()? {
                0 => match self.u8()? {
                    0 => return Ok(bytes),
                    0xff => bytes.push(0),
                    _ => return Err(damaged()),
                },
                b => bytes.push(b),
            }
        }
    }

    fn items(&mut self, ty: SqlType) -> Result<Datum> {
        let element = ty.element().ok_or_else(damaged)?.bare();
        if ty.oid == oid::OIDVECTOR {
            self.u32()?;
        }
        let mut items = Vec::new();
        loop {
            items.push(match self.u8()? {
                ITEM => self.value(element)?,
                NULL_ITEM => Datum::Null,
                END => break,
                _ => return Err(damaged()),
            });
        }
        let count = usize::from(self.u8()?);
        if count > MAX_DIMENSIONS {
            return Err(damaged());
        }
        let mut dims = vec![(0, 0); count];
        for dim in &mut dims {
            dim.0 = self.u32()? as i32;
        }
        for dim in &mut dims {
            dim.1 = (self.u32()? ^ 1 << 31) as i32;
        }
        Ok(Datum::array(ArrayValue { element: element.oid, dims, items }))
    }

    fn fields(&mut self) -> Result<Datum> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(damaged());
        }
        let mut fields = Vec::new();
        loop {
            let marker = self.u8()?;
            if marker == END {
                break;
            }
            let oid = Oid(self.u32()?);
            fields.push((
                oid,
                match marker {
                    ITEM => self.value(SqlType::of(oid))?,
                    NULL_ITEM => Datum::Null,
                    _ => return Err(damaged()),
                },
            ));
        }
        self.depth -= 1;
        Ok(Datum::record(RecordValue { fields }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FormatContext, Numeric, array_of, compare, parse_text};
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Ordering;

    const ORDERS: [KeyOrder; 4] = [
        KeyOrder::ASCENDING,
        KeyOrder::DESCENDING,
        KeyOrder { descending: false, nulls_first: true },
        KeyOrder { descending: true, nulls_first: false },
    ];

    fn key(ty: SqlType, value: &Datum, order: KeyOrder) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&mut out, ty, value.as_ref(), order);
        out
    }

    fn expected(ty: SqlType, a: &Datum, b: &Datum, order: KeyOrder) -> Ordering {
        match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => {
                if order.nulls_first {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (false, true) => {
                if order.nulls_first {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            _ => {
                let ascending = compare(ty, a.as_ref(), b.as_ref());
                if order.descending { ascending.reverse() } else { ascending }
            }
        }
    }

    fn check(ty: SqlType, a: &Datum, b: &Datum) {
        for order in ORDERS {
            let (ka, kb) = (key(ty, a, order), key(ty, b, order));
            assert_eq!(ka.cmp(&kb), expected(ty, a, b, order), "{a:?} {b:?} {order:?}");
            // Keys end themselves: what follows never changes the order, and reading stops at the end.
            let tailed = |k: &[u8], tail: u8| [k, &[tail]].concat();
            if ka != kb {
                assert_eq!(tailed(&ka, 0xff).cmp(&tailed(&kb, 0)), ka.cmp(&kb), "{a:?} {b:?}");
            }
            let mut reader = Reader::new(&ka);
            let back = decode(&mut reader, ty, order).unwrap();
            assert!(reader.is_empty());
            assert!(compare(ty, back.as_ref(), a.as_ref()).is_eq(), "{a:?} came back as {back:?}");
            if !is_lossy(ty) {
                assert_eq!(format!("{back:?}"), format!("{a:?}"));
            }
        }
    }

    fn nullable(d: impl Strategy<Value = Datum>) -> impl Strategy<Value = Datum> {
        prop_oneof![1 => Just(Datum::Null), 9 => d]
    }

    fn numeric() -> impl Strategy<Value = Datum> {
        prop_oneof![
            (any::<i16>(), 0u16..6).prop_map(|(m, s)| Numeric::from_parts(m.into(), s).into()),
            (any::<i128>(), 0u16..80).prop_map(|(m, s)| Numeric::from_parts(m, s).into()),
            (any::<i64>(), -70i32..140).prop_map(|(m, e)| Numeric::parse(&format!("{m}e{e}")).unwrap().into()),
            Just(Numeric::NAN.into()),
            Just(Numeric::INFINITY.into()),
            Just(Numeric::NEG_INFINITY.into()),
        ]
    }

    fn text() -> impl Strategy<Value = Datum> {
        "[ab\\x01ü ]{0,5}".prop_map(Datum::from)
    }

    fn interval() -> impl Strategy<Value = Datum> {
        (any::<i32>(), any::<i32>(), any::<i64>())
            .prop_map(|(months, days, micros)| Datum::Interval(Interval { months, days, micros }))
    }

    fn array(element: Oid, item: impl Strategy<Value = Datum>) -> impl Strategy<Value = Datum> {
        prop::collection::vec(nullable(item), 0..4)
            .prop_map(move |items| Datum::array(ArrayValue::one_dimensional(element, items)))
    }

    macro_rules! orders {
        ($($name:ident: $ty:expr, $strategy:expr;)*) => {
            proptest! {
                #![proptest_config(ProptestConfig::with_cases(128))]
                $(#[test]
                fn $name(a in nullable($strategy), b in nullable($strategy)) {
                    check($ty, &a, &b);
                    check($ty, &a, &a);
                })*
            }
        };
    }

    orders! {
        booleans: SqlType::BOOL, any::<bool>().prop_map(Datum::Bool);
        smallints: SqlType::INT2, any::<i16>().prop_map(Datum::Int2);
        integers: SqlType::INT4, any::<i32>().prop_map(Datum::Int4);
        bigints: SqlType::INT8, any::<i64>().prop_map(Datum::Int8);
        oids: SqlType::OID, any::<u32>().prop_map(Datum::Oid);
        reals: SqlType::FLOAT4, prop::num::f32::ANY.prop_map(Datum::Float4);
        doubles: SqlType::FLOAT8, prop::num::f64::ANY.prop_map(Datum::Float8);
        numerics: SqlType::NUMERIC, numeric();
        texts: SqlType::TEXT, text();
        padded: SqlType::BPCHAR, text();
        byteas: SqlType::BYTEA, prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255)], 0..5).prop_map(Datum::bytes);
        intervals: SqlType::INTERVAL, interval();
        uuids: SqlType::UUID, any::<[u8; 16]>().prop_map(Datum::Uuid);
        integer_arrays: SqlType::INT4_ARRAY, array(oid::INT4, (-2i32..2).prop_map(Datum::Int4));
        text_arrays: SqlType::TEXT_ARRAY, array(oid::TEXT, text());
        numeric_arrays: SqlType::NUMERIC_ARRAY, array(oid::NUMERIC, numeric());
        rows: SqlType::RECORD, (nullable(text()), nullable((-1i32..2).prop_map(Datum::Int4))).prop_map(|(t, i)| {
            Datum::record(RecordValue { fields: vec![(oid::TEXT, t), (oid::INT4, i)] })
        });
    }

    #[test]
    fn nearby_numerics_order() {
        let texts = [
            "-100", "-10", "-9.99", "-1", "-0.1", "-0.09", "0", "0.09", "0.1", "1", "1.01", "9.99", "10", "99", "100",
            "1e60", "1.1e60", "1e61",
        ];
        for a in texts {
            for b in texts {
                let n = |t| Datum::from(Numeric::parse(t).unwrap());
                check(SqlType::NUMERIC, &n(a), &n(b));
            }
        }
    }

    #[test]
    fn modifiers_restore_what_keys_drop() {
        let context = FormatContext::default();
        for (ty, value) in [
            (SqlType::with_typmod(oid::NUMERIC, (10 << 16 | 2) + 4), "1.50"),
            (SqlType::with_typmod(oid::BPCHAR, 9), "ab"),
        ] {
            let value = parse_text(ty, value, &context).unwrap();
            assert!(!is_lossy(ty));
            check(ty, &value, &value);
        }
        assert!(array_of(oid::INT4).is_some_and(|t| !is_lossy(SqlType::of(t))));
    }

    #[test]
    fn shapes_of_arrays_order() {
        let context = FormatContext::default();
        let literals = ["{}", "{1}", "{1,2}", "[0:1]={1,2}", "{{1,2}}", "{{1},{2}}", "{NULL}", "{1,NULL}"];
        let values: Vec<Datum> =
            literals.iter().map(|l| parse_text(SqlType::INT4_ARRAY, l, &context).unwrap()).collect();
        for a in &values {
            for b in &values {
                check(SqlType::INT4_ARRAY, a, b);
            }
        }
    }

    #[test]
    fn damaged_keys_are_refused() {
        let types =
            [SqlType::TEXT, SqlType::NUMERIC, SqlType::INT4_ARRAY, SqlType::RECORD, SqlType::BYTEA, SqlType::INTERVAL];
        for ty in types {
            for bytes in [&[][..], &[9], &[1], &[1, 0x10], &[1, 7, 7], &[1, 2, 1]] {
                assert!(decode(&mut Reader::new(bytes), ty, KeyOrder::ASCENDING).is_err(), "{ty:?} {bytes:?}");
            }
        }
    }
}
