//! The binary wire forms: each type's send and receive function (`xsend`, `xrecv`). All integers are big-endian.

use super::array::{MAX_DIMENSIONS, count_items};
use super::array_text::too_many_dimensions;
use super::datetime::{pack_timetz, unpack_timetz};
use super::typmod::{coerce_typmod, type_name};
use super::{ArrayValue, Datum, DatumRef, Interval, Numeric, RecordValue, SqlType};
use super::{bit, character, info, int, json, oid};
use crate::base::{Error, Lsn, Oid, Result, SqlState};

/// How deep rows may hold arrays of rows.
const DEPTH_MAX: u32 = 64;

/// The type's receive function: reads the binary wire form and applies the type's modifier.
pub fn parse_binary(ty: SqlType, bytes: &[u8]) -> Result<Datum> {
    receive(ty, bytes, 0)
}

/// Reads a value's bytes to their end.
fn receive(ty: SqlType, bytes: &[u8], depth: u32) -> Result<Datum> {
    if depth > DEPTH_MAX {
        return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
    }
    let mut wire = Wire { rest: bytes };
    let value = wire.value(ty, depth)?;
    if !wire.rest.is_empty() {
        return Err(bad_form("incorrect binary data format"));
    }
    Ok(value)
}

fn bad_form(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_BINARY_REPRESENTATION, message)
}

fn out_of_range(what: &str) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{what} out of range"))
}

struct Wire<'a> {
    rest: &'a [u8],
}

impl<'a> Wire<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let short = || Error::new(SqlState::PROTOCOL_VIOLATION, "insufficient data left in message");
        let (head, tail) = self.rest.split_at_checked(n).ok_or_else(short)?;
        self.rest = tail;
        Ok(head)
    }

    fn all(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("as many bytes as taken"))
    }

    fn i16(&mut self) -> Result<i16> {
        self.fixed().map(i16::from_be_bytes)
    }

    fn u16(&mut self) -> Result<u16> {
        self.fixed().map(u16::from_be_bytes)
    }

    fn i32(&mut self) -> Result<i32> {
        self.fixed().map(i32::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        self.fixed().map(u32::from_be_bytes)
    }

    fn i64(&mut self) -> Result<i64> {
        self.fixed().map(i64::from_be_bytes)
    }

    fn text(&mut self) -> Result<&'a str> {
        checked_text(self.all())
    }

    /// An item's bytes behind their length; none for NULL.
    fn item(&mut self) -> Result<Option<&'a [u8]>> {
        match self.i32()? {
            -1 => Ok(None),
            n => self.take(usize::try_from(n).map_err(|_| bad_form("insufficient data left in message"))?).map(Some),
        }
    }

    fn value(&mut self, ty: SqlType, depth: u32) -> Result<Datum> {
        Ok(match ty.oid {
            oid::BOOL => Datum::Bool(self.fixed::<1>()?[0] != 0),
            oid::INT2 => Datum::Int2(self.i16()?),
            oid::INT4 => Datum::Int4(self.i32()?),
            oid::INT8 => Datum::Int8(self.i64()?),
            oid::OID | oid::XID | oid::CID => Datum::Oid(self.u32()?),
            oid if info::is_reg(oid) => Datum::Oid(self.u32()?),
            oid::TID => Datum::Int8(int::pack_tid(self.u32()?, self.u16()?)),
            oid::PG_LSN => Datum::Int8(int::pack_lsn(Lsn(self.i64()? as u64))),
            oid::FLOAT4 => Datum::Float4(f32::from_bits(self.u32()?)),
            oid::FLOAT8 => Datum::Float8(f64::from_bits(self.i64()? as u64)),
            oid::NUMERIC => coerce_typmod(ty, Datum::Numeric(self.numeric()?), false)?,
            oid::TEXT | oid::UNKNOWN | oid::CSTRING | oid::REFCURSOR => Datum::Text(self.text()?.into()),
            oid::VARCHAR | oid::BPCHAR => Datum::Text(character::fit(ty, self.text()?, false)?.into()),
            oid::NAME => self.name()?,
            oid::CHAR => Datum::Text(character::char_from_byte(self.fixed::<1>()?[0])),
            oid::JSON => {
                let text = self.text()?;
                json::validate(text)?;
                Datum::Text(text.into())
            }
            oid::BIT | oid::VARBIT => {
                let length = bit::checked_length(ty, self.i32()?)?;
                Datum::Text(bit::from_bytes(self.take(bit::bytes_of(length))?, length).into())
            }
            oid::BYTEA => Datum::Bytes(self.all().into()),
            oid::UUID => Datum::Uuid(self.fixed()?),
            oid::VOID => {
                self.all();
                Datum::Text("".into())
            }
            oid::DATE | oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::INTERVAL => {
                self.moment(ty)?
            }
            oid::RECORD => self.record(depth)?,
            oid::INT2VECTOR | oid::OIDVECTOR => self.vector(ty, depth)?,
            oid => match ty.element() {
                Some(element) if info::supported(oid) => self.array(element, depth)?,
                _ => return Err(Error::unsupported(format!("binary input of type {}", type_name(oid)))),
            },
        })
    }

    fn name(&mut self) -> Result<Datum> {
        let text = self.text()?;
        if text.len() > character::NAME_BYTES_MAX {
            return Err(Error::new(SqlState::NAME_TOO_LONG, "identifier too long")
                .detail(format!("Identifier must be less than {} characters.", character::NAME_BYTES_MAX + 1)));
        }
        Ok(Datum::Text(text.into()))
    }

    fn moment(&mut self, ty: SqlType) -> Result<Datum> {
        const DAY: i64 = 86_400_000_000;
        const ZONE_LIMIT: i32 = 16 * 3600;
        let value = match ty.oid {
            oid::DATE => {
                let days = self.i32()?;
                // 4714-11-24 BC up to 5874898-01-01.
                let finite = (-2_451_545..2_145_031_949).contains(&days);
                if !finite && days != i32::MIN && days != i32::MAX {
                    return Err(out_of_range("date"));
                }
                Datum::Int4(days)
            }
            oid::TIME => Datum::Int8(self.time(DAY)?),
            oid::TIMETZ => {
                let micros = self.time(DAY)?;
                let zone = self.i32()?;
                if zone <= -ZONE_LIMIT || zone >= ZONE_LIMIT {
                    return Err(Error::new(
                        SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                        "time zone displacement out of range",
                    ));
                }
                Datum::Int8(pack_timetz(micros, zone))
            }
            oid::INTERVAL => {
                let (micros, days, months) = (self.i64()?, self.i32()?, self.i32()?);
                Datum::Interval(Interval { months, days, micros })
            }
            _ => {
                let micros = self.i64()?;
                // 4714-11-24 BC up to 294277-01-01.
                let finite = (-211_813_488_000_000_000..9_223_371_331_200_000_000).contains(&micros);
                if !finite && micros != i64::MIN && micros != i64::MAX {
                    return Err(out_of_range("timestamp"));
                }
                Datum::Int8(micros)
            }
        };
        coerce_typmod(ty, value, false)
    }

    fn time(&mut self, day: i64) -> Result<i64> {
        match self.i64()? {
            micros if (0..=day).contains(&micros) => Ok(micros),
            _ => Err(out_of_range("time")),
        }
    }

    fn numeric(&mut self) -> Result<Numeric> {
        let (digits, weight, sign, scale) = (self.u16()?, self.i16()?, self.u16()?, self.u16()?);
        let groups = self.take(usize::from(digits) * 2)?;
        let groups = groups.chunks_exact(2).map(|g| i16::from_be_bytes([g[0], g[1]]));
        Numeric::from_groups(sign, weight, scale, groups)
    }

    fn array(&mut self, element: SqlType, depth: u32) -> Result<Datum> {
        let dimensions = self.i32()?;
        if dimensions < 0 {
            return Err(bad_form(format!("invalid number of dimensions: {dimensions}")));
        }
        if dimensions as usize > MAX_DIMENSIONS {
            return Err(too_many_dimensions(dimensions as usize));
        }
        if !(0..=1).contains(&self.i32()?) {
            return Err(bad_form("invalid array flags"));
        }
        let sent = Oid(self.u32()?);
        if sent != element.oid {
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "binary data has array element type {sent} ({}) instead of expected {} ({})",
                    type_name(sent),
                    element.oid,
                    type_name(element.oid),
                ),
            ));
        }
        let mut dims = Vec::with_capacity(dimensions as usize);
        for _ in 0..dimensions {
            let (len, lower) = (self.i32()?, self.i32()?);
            dims.push((len, lower));
        }
        let count = count_items(dims.iter().map(|d| d.0))?;
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(match self.item()? {
                None => Datum::Null,
                Some(bytes) => receive(element, bytes, depth + 1)?,
            });
        }
        if items.is_empty() {
            dims.clear();
        }
        Ok(Datum::array(ArrayValue { element: element.oid, dims, items }))
    }

    fn vector(&mut self, ty: SqlType, depth: u32) -> Result<Datum> {
        let element = ty.element().expect("vectors have elements");
        let Datum::Array(mut array) = self.array(element, depth)? else { unreachable!("an array was read") };
        match array.dims[..] {
            [] => array.dims = vec![(0, 0)],
            [(_, 0)] if !array.items.iter().any(Datum::is_null) => {}
            _ => return Err(bad_form(format!("invalid {} data", type_name(ty.oid)))),
        }
        Ok(Datum::Array(array))
    }

    /// Fields with the types they name; PostgreSQL reads only rows of declared types, which check them.
    fn record(&mut self, depth: u32) -> Result<Datum> {
        let count = self.i32()?;
        let mut fields = Vec::new();
        for _ in 0..count {
            let oid = Oid(self.u32()?);
            fields.push((
                oid,
                match self.item()? {
                    None => Datum::Null,
                    Some(bytes) => receive(SqlType::of(oid), bytes, depth + 1)?,
                },
            ));
        }
        Ok(Datum::record(RecordValue { fields }))
    }
}

/// Bytes from a client as text: valid UTF-8 without NUL, or 22021.
pub fn checked_text(bytes: &[u8]) -> Result<&str> {
    let bad = |sequence: &[u8]| {
        let hex: Vec<String> = sequence.iter().map(|b| format!("0x{b:02x}")).collect();
        let message = format!("invalid byte sequence for encoding \"UTF8\": {}", hex.join(" "));
        Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
    };
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text.len(),
        Err(e) => e.valid_up_to(),
    };
    if let Some(nul) = bytes[..valid].iter().position(|&b| b == 0) {
        return Err(bad(&bytes[nul..nul + 1]));
    }
    std::str::from_utf8(bytes).map_err(|_| {
        // PostgreSQL shows as many bytes as the first one announces.
        let announced = match bytes[valid] {
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        };
        bad(&bytes[valid..bytes.len().min(valid + announced)])
    })
}

/// The type's send function: appends the binary wire form. NULL has none and must not be passed.
pub fn write_binary(out: &mut Vec<u8>, ty: SqlType, value: DatumRef<'_>) {
    match value {
        DatumRef::Null => panic!("NULL has no binary form"),
        DatumRef::Bool(v) => out.push(u8::from(v)),
        DatumRef::Int2(v) => out.extend_from_slice(&v.to_be_bytes()),
        DatumRef::Int4(v) => out.extend_from_slice(&v.to_be_bytes()),
        DatumRef::Int8(v) => match ty.oid {
            oid::TIMETZ => {
                let (micros, zone) = unpack_timetz(v);
                out.extend_from_slice(&micros.to_be_bytes());
                out.extend_from_slice(&zone.to_be_bytes());
            }
            oid::TID => {
                let (block, offset) = int::unpack_tid(v);
                out.extend_from_slice(&block.to_be_bytes());
                out.extend_from_slice(&offset.to_be_bytes());
            }
            oid::PG_LSN => out.extend_from_slice(&int::unpack_lsn(v).0.to_be_bytes()),
            _ => out.extend_from_slice(&v.to_be_bytes()),
        },
        DatumRef::Oid(v) => out.extend_from_slice(&v.to_be_bytes()),
        DatumRef::Float4(v) => out.extend_from_slice(&v.to_be_bytes()),
        DatumRef::Float8(v) => out.extend_from_slice(&v.to_be_bytes()),
        DatumRef::Numeric(v) => {
            let (sign, weight, scale, groups) = v.to_groups();
            out.extend_from_slice(&(groups.len() as u16).to_be_bytes());
            out.extend_from_slice(&weight.to_be_bytes());
            out.extend_from_slice(&sign.to_be_bytes());
            out.extend_from_slice(&scale.to_be_bytes());
            for group in groups {
                out.extend_from_slice(&group.to_be_bytes());
            }
        }
        DatumRef::Text(v) => match ty.oid {
            oid::CHAR => out.push(character::char_to_byte(v)),
            oid::BIT | oid::VARBIT => bit::write_binary(out, v),
            _ => out.extend_from_slice(v.as_bytes()),
        },
        DatumRef::Bytes(v) => out.extend_from_slice(v),
        DatumRef::Interval(v) => {
            out.extend_from_slice(&v.micros.to_be_bytes());
            out.extend_from_slice(&v.days.to_be_bytes());
            out.extend_from_slice(&v.months.to_be_bytes());
        }
        DatumRef::Uuid(v) => out.extend_from_slice(&v),
        DatumRef::Array(v) => {
            let dims = v.dims();
            let nulls = v.iter().any(DatumRef::is_null);
            out.extend_from_slice(&(dims.len() as i32).to_be_bytes());
            out.extend_from_slice(&i32::from(nulls).to_be_bytes());
            out.extend_from_slice(&v.element().0.to_be_bytes());
            for (len, lower) in dims {
                out.extend_from_slice(&len.to_be_bytes());
                out.extend_from_slice(&lower.to_be_bytes());
            }
            v.iter().for_each(|item| write_item(out, v.element(), item));
        }
        DatumRef::Record(v) => {
            out.extend_from_slice(&(v.len() as i32).to_be_bytes());
            for (oid, field) in v.iter() {
                out.extend_from_slice(&oid.0.to_be_bytes());
                write_item(out, oid, field);
            }
        }
    }
}

/// A value behind its length; -1 for NULL.
fn write_item(out: &mut Vec<u8>, oid: Oid, value: DatumRef<'_>) {
    let at = out.len();
    out.extend_from_slice(&(-1i32).to_be_bytes());
    if !value.is_null() {
        write_binary(out, SqlType::of(oid), value);
        let length = i32::try_from(out.len() - at - 4).expect("a value is smaller than 2 GB");
        out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FormatContext, compare, parse_text, text::tests::named};
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// `binary_cases.txt` has a type, a text and what PostgreSQL 15 sends for it.
    #[test]
    fn bytes_are_postgresqls() {
        let context = FormatContext::default();
        for line in include_str!("binary_cases.txt").lines() {
            let fields: Vec<&str> = line.split('|').collect();
            let [ty, text, expected] = fields[..] else { panic!("not a case: {line}") };
            let ty = named(ty);
            let value = parse_text(ty, text, &context).unwrap();
            let mut out = Vec::new();
            write_binary(&mut out, ty, value.as_ref());
            assert_eq!(hex(&out), expected, "{line}");
            let back = parse_binary(ty, &out).unwrap();
            assert!(compare(ty, back.as_ref(), value.as_ref()).is_eq(), "{line}: {back:?}");
        }
    }

    #[test]
    fn moments_and_rows_round_trip() {
        let i = Datum::Interval(Interval { months: 1, days: 2, micros: 3_000_000 });
        let noon = Datum::Int8(pack_timetz(43_200_000_000, -3600));
        let row = Datum::record(RecordValue {
            fields: vec![(oid::INT4, 1.into()), (oid::TEXT, "a".into()), (oid::INT4, Datum::Null)],
        });
        for (ty, value, expected) in [
            (SqlType::INTERVAL, i, "00000000002dc6c00000000200000001"),
            (SqlType::TIMETZ, noon, "0000000a0eebb000fffff1f0"),
            (SqlType::RECORD, row, "0000000300000017000000040000000100000019000000016100000017ffffffff"),
            (SqlType::DATE, Datum::Int4(-1), "ffffffff"),
            (SqlType::TIMESTAMPTZ, Datum::Int8(i64::MAX), "7fffffffffffffff"),
        ] {
            let mut out = Vec::new();
            write_binary(&mut out, ty, value.as_ref());
            assert_eq!(hex(&out), expected);
            assert_eq!(format!("{:?}", parse_binary(ty, &out).unwrap()), format!("{value:?}"));
        }
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let code = |ty, bytes: &[u8]| parse_binary(ty, bytes).unwrap_err().code();
        assert_eq!(code(SqlType::INT4, &[0, 0, 0]), SqlState::PROTOCOL_VIOLATION);
        assert_eq!(code(SqlType::INT4, &[0; 5]), SqlState::INVALID_BINARY_REPRESENTATION);
        assert_eq!(code(SqlType::TEXT, b"a\xff"), SqlState::CHARACTER_NOT_IN_REPERTOIRE);
        assert_eq!(code(SqlType::TIME, &i64::MAX.to_be_bytes()), SqlState::DATETIME_FIELD_OVERFLOW);
        let e = parse_binary(SqlType::TEXT, b"a\0").unwrap_err();
        assert_eq!(e.message(), "invalid byte sequence for encoding \"UTF8\": 0x00");
        // An array that claims 2^27 - 1 items but has none.
        let mut claim = Vec::new();
        for word in [1, 0, 23, 0x7ff_ffff, 1] {
            claim.extend_from_slice(&i32::to_be_bytes(word));
        }
        assert_eq!(code(SqlType::INT4_ARRAY, &claim), SqlState::PROTOCOL_VIOLATION);
        let mut nested = Vec::new();
        for _ in 0..100 {
            let inner = std::mem::take(&mut nested);
            nested.extend_from_slice(&1i32.to_be_bytes());
            nested.extend_from_slice(&oid::RECORD.0.to_be_bytes());
            nested.extend_from_slice(&(inner.len() as i32).to_be_bytes());
            nested.extend_from_slice(&inner);
        }
        assert_eq!(code(SqlType::RECORD, &nested), SqlState::STATEMENT_TOO_COMPLEX);
    }
}
