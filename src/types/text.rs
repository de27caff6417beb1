//! The text forms: each type's input and output function (`xin`, `xout`), chosen by type.

use super::{Datum, DatumRef, FormatContext, SqlType, info, oid};
use super::{array_text, bit, boolean, bytea, character, datetime, float, int, json, record_text, uuid};
use crate::base::{Error, Oid, Result, SqlState};

/// 22P02: `invalid input syntax for type integer: "x"`.
pub(super) fn invalid_syntax(ty: &str, text: &str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input syntax for type {ty}: \"{text}\""))
}

/// 22003: `value "99999" is out of range for type smallint`.
pub(super) fn out_of_range(ty: &str, text: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("value \"{text}\" is out of range for type {ty}"))
}

/// What C's `isspace` accepts, which is what input functions skip.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Without the white space around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| u8::try_from(c).is_ok_and(is_space))
}

/// The type's input function: reads a value and applies the type's modifier as a column of it would.
pub fn parse_text(ty: SqlType, text: &str, context: &FormatContext) -> Result<Datum> {
    if needs_names(ty.oid)
        && let Some(names) = &context.names
        && let Some(value) = names.parse(ty, text, context)?
    {
        return Ok(value);
    }
    Ok(match ty.oid {
        oid::BOOL => Datum::Bool(boolean::parse(text)?),
        oid::INT2 => Datum::Int2(int::parse_i16(text)?),
        oid::INT4 => Datum::Int4(int::parse_i32(text)?),
        oid::INT8 => Datum::Int8(int::parse_i64(text)?),
        oid::OID => Datum::Oid(int::parse_oid(text)?),
        oid::XID | oid::CID => Datum::Oid(int::parse_xid(text)),
        oid::TID => Datum::Int8(int::parse_tid(text)?),
        oid::PG_LSN => Datum::Int8(int::parse_lsn(text)?),
        oid if info::is_reg(oid) => Datum::Oid(int::parse_reg(oid, text)?),
        oid::FLOAT4 => Datum::Float4(float::parse_f32(text)?),
        oid::FLOAT8 => Datum::Float8(float::parse_f64(text)?),
        oid::NUMERIC => Datum::Numeric(super::typmod::parse_numeric(text, ty.typmod)?),
        oid::TEXT | oid::UNKNOWN | oid::CSTRING | oid::PG_NODE_TREE | oid::ACLITEM | oid::REFCURSOR => {
            Datum::Text(text.into())
        }
        oid::VARCHAR | oid::BPCHAR => Datum::Text(character::fit(ty, text, false)?.into()),
        oid::NAME => Datum::Text(character::truncate_name(text).into()),
        oid::CHAR => Datum::Text(character::char_from_text(text)),
        oid::BIT | oid::VARBIT => Datum::Text(bit::parse(ty, text)?.into()),
        oid::BYTEA => Datum::Bytes(bytea::parse(text)?.into()),
        oid::UUID => Datum::Uuid(uuid::parse(text)?),
        oid::JSON => {
            json::validate(text)?;
            Datum::Text(text.into())
        }
        oid::DATE | oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::INTERVAL => {
            datetime::parse(ty, text, context)?
        }
        oid::INT2VECTOR | oid::OIDVECTOR => array_text::parse_vector(ty, text)?,
        oid::RECORD => {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "input of anonymous composite types is not implemented",
            ));
        }
        // As a function's result type, `void` is the empty string whatever is read.
        oid::VOID => Datum::Text("".into()),
        oid => match ty.element() {
            Some(element) if info::supported(oid) => array_text::parse(element, text, context)?,
            _ => return Err(no_input(ty)),
        },
    })
}

fn no_input(ty: SqlType) -> Error {
    let name = super::typmod::type_name(ty.oid);
    match info::type_info(ty.oid) {
        Some(t) if t.kind == b'p' => {
            Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot accept a value of type {name}"))
        }
        _ => Error::unsupported(format!("type {name}")),
    }
}

/// Whether the catalog is to be asked first: for names behind oids and for types that users made.
fn needs_names(oid: Oid) -> bool {
    oid >= Oid::FIRST_USER || info::is_reg(oid) || oid == oid::ACLITEM
}

/// The type's output function: appends the text form. NULL has none and must not be passed.
pub fn write_text(out: &mut Vec<u8>, ty: SqlType, value: DatumRef<'_>, context: &FormatContext) {
    if needs_names(ty.oid)
        && let Some(names) = &context.names
        && names.write(out, ty, value, context)
    {
        return;
    }
    match value {
        DatumRef::Null => panic!("NULL has no text form"),
        DatumRef::Bool(v) => out.push(if v { b't' } else { b'f' }),
        DatumRef::Int2(v) => int::write(out, i64::from(v)),
        DatumRef::Int4(v) => match ty.oid {
            oid::DATE => datetime::write(out, ty, value, context),
            _ => int::write(out, i64::from(v)),
        },
        DatumRef::Int8(v) => match ty.oid {
            oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ => datetime::write(out, ty, value, context),
            oid::TID => int::write_tid(out, v),
            oid::PG_LSN => int::write_lsn(out, v),
            _ => int::write(out, v),
        },
        DatumRef::Oid(v) => int::write_oid(out, ty.oid, v),
        DatumRef::Float4(v) => float::write_f32(out, v, context.extra_float_digits),
        DatumRef::Float8(v) => float::write_f64(out, v, context.extra_float_digits),
        DatumRef::Numeric(v) => v.write(out),
        DatumRef::Text(v) => match ty.oid {
            oid::CHAR => character::write_char(out, v),
            _ => out.extend_from_slice(v.as_bytes()),
        },
        DatumRef::Bytes(v) => bytea::write(out, v, context.bytea_output),
        DatumRef::Interval(_) => datetime::write(out, ty, value, context),
        DatumRef::Uuid(v) => uuid::write(out, &v),
        DatumRef::Array(v) => match ty.oid {
            oid::INT2VECTOR | oid::OIDVECTOR => array_text::write_vector(out, v),
            _ => array_text::write(out, v, context),
        },
        DatumRef::Record(v) => record_text::write(out, v, context),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::types::{info, typmod_in};

    /// The type of a case: an internal name, maybe quoted, a modifier, and maybe `[]`.
    pub(in crate::types) fn named(name: &str) -> SqlType {
        let (name, array) = match name.strip_suffix("[]") {
            Some(element) => (element, true),
            None => (name, false),
        };
        let (name, numbers) = name.split_once('(').unwrap_or((name, ")"));
        let numbers = numbers.trim_end_matches(')').split(',').filter(|n| !n.is_empty());
        let numbers: Vec<i32> = numbers.map(|n| n.parse().unwrap()).collect();
        let oid = info::type_by_name(name.trim_matches('"')).unwrap().oid;
        let typmod = if numbers.is_empty() { -1 } else { typmod_in(oid, &numbers).unwrap() };
        let ty = SqlType::with_typmod(oid, typmod);
        if array { ty.array().unwrap() } else { ty }
    }

    fn answer(ty: SqlType, input: &str) -> String {
        let context = FormatContext::default();
        match parse_text(ty, input, &context) {
            Ok(value) => {
                let mut out = Vec::new();
                write_text(&mut out, ty, value.as_ref(), &context);
                String::from_utf8(out).unwrap()
            }
            Err(e) => {
                let detail = e.fields().detail.as_ref().map_or(String::new(), |d| format!(" ({d})"));
                format!("!{} {}{detail}", e.code(), e.message())
            }
        }
    }

    /// `text_cases.txt` has a type, an input, and what PostgreSQL 15 printed: the value, or `!` and SQLSTATE, message and
    /// detail.
    #[test]
    fn texts_are_postgresqls() {
        let mut wrong = Vec::new();
        for line in include_str!("text_cases.txt").lines() {
            let fields: Vec<&str> = line.splitn(3, '|').collect();
            let [ty, input, expected] = fields[..] else { panic!("not a case: {line}") };
            let got = answer(named(ty), &input.replace("<TAB>", "\t"));
            if got != expected {
                wrong.push(format!("{line}\n  got {got}"));
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }
}
