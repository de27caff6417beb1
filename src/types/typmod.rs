//! Type modifiers: reading and printing them, the names of types, and making a value fit its type's modifier.
//!
//! Encodings are PostgreSQL's: character lengths plus 4; numeric precision in the high half and an 11-bit scale in the low,
//! plus 4; digits of seconds for times; for intervals, fields in the high half and digits in the low.

use super::{ArrayValue, Datum, Interval, Numeric, SqlType, bit, character, info, oid};
use crate::base::{Error, Oid, Result, SqlState};

const HEADER: i32 = 4;
const CHARACTERS_MAX: i32 = 10_485_760;
const NUMERIC_PRECISION_MAX: i32 = 1000;
const NUMERIC_SCALE_MAX: i32 = 1000;
/// Digits of a second that are kept.
const SECOND_DIGITS_MAX: i32 = 6;
const INTERVAL_FULL_RANGE: i32 = 0x7fff;
const INTERVAL_FULL_PRECISION: i32 = 0xffff;

const MONTH: i32 = 1 << 1;
const YEAR: i32 = 1 << 2;
const DAY: i32 = 1 << 3;
const HOUR: i32 = 1 << 10;
const MINUTE: i32 = 1 << 11;
const SECOND: i32 = 1 << 12;

const INTERVAL_RANGES: [(i32, &str); 13] = [
    (YEAR, " year"),
    (MONTH, " month"),
    (DAY, " day"),
    (HOUR, " hour"),
    (MINUTE, " minute"),
    (SECOND, " second"),
    (YEAR | MONTH, " year to month"),
    (DAY | HOUR, " day to hour"),
    (DAY | HOUR | MINUTE, " day to minute"),
    (DAY | HOUR | MINUTE | SECOND, " day to second"),
    (HOUR | MINUTE, " hour to minute"),
    (HOUR | MINUTE | SECOND, " hour to second"),
    (MINUTE | SECOND, " minute to second"),
];

/// Precision and scale of a numeric modifier.
pub fn numeric_typmod(typmod: i32) -> Option<(i32, i32)> {
    let packed = typmod.checked_sub(HEADER).filter(|&p| p >= 0)?;
    // Eleven bits, two's complement.
    Some((packed >> 16 & 0xffff, ((packed & 0x7ff) ^ 0x400) - 0x400))
}

/// `format_type` with a modifier: `character varying(10)`, `numeric(10,2)`, `timestamp(3) without time zone`, `integer[]`.
/// Types from outside the built-in table are the catalog's to name; here they are `???`.
pub fn format_type(ty: SqlType) -> String {
    if let Some(element) = true_array(ty) {
        return format!("{}[]", format_type(element));
    }
    match ty.oid {
        // Without a length they are not what their SQL names mean, one character or bit.
        oid::BPCHAR if ty.typmod < 0 => "bpchar".into(),
        oid::BIT if ty.typmod < 0 => "\"bit\"".into(),
        oid::BOOL | oid::INT2 | oid::INT4 | oid::INT8 | oid::FLOAT4 | oid::FLOAT8 => name_with(ty.oid, ""),
        _ => name_with(ty.oid, &typmod_out(ty)),
    }
}

/// `format_type` without a modifier, as messages name types: `character varying`, `integer[]`.
pub fn type_name(oid: Oid) -> String {
    match true_array(SqlType::of(oid)) {
        Some(element) => format!("{}[]", type_name(element.oid)),
        None => name_with(oid, ""),
    }
}

fn true_array(ty: SqlType) -> Option<SqlType> {
    match ty.oid {
        oid::INT2VECTOR | oid::OIDVECTOR => None,
        _ => ty.element(),
    }
}

fn name_with(oid: Oid, modifier: &str) -> String {
    let (name, tail) = match oid {
        Oid::INVALID => ("-", ""),
        oid::BIT => ("bit", ""),
        oid::BOOL => ("boolean", ""),
        oid::BPCHAR => ("character", ""),
        oid::FLOAT4 => ("real", ""),
        oid::FLOAT8 => ("double precision", ""),
        oid::INT2 => ("smallint", ""),
        oid::INT4 => ("integer", ""),
        oid::INT8 => ("bigint", ""),
        oid::TIME => ("time", " without time zone"),
        oid::TIMETZ => ("time", " with time zone"),
        oid::TIMESTAMP => ("timestamp", " without time zone"),
        oid::TIMESTAMPTZ => ("timestamp", " with time zone"),
        oid::VARBIT => ("bit varying", ""),
        oid::VARCHAR => ("character varying", ""),
        oid::CHAR => ("\"char\"", ""),
        oid::ANY => ("\"any\"", ""),
        oid => (info::type_info(oid).map_or("???", |t| t.name), ""),
    };
    format!("{name}{modifier}{tail}")
}

/// The type's `typmodout`: what [`format_type`] puts after the name, `(10,2)`; empty for none.
pub fn typmod_out(ty: SqlType) -> String {
    let typmod = ty.typmod;
    match true_array(ty).unwrap_or(ty).oid {
        _ if typmod < 0 => String::new(),
        oid::VARCHAR | oid::BPCHAR => match typmod - HEADER {
            n @ 1.. => format!("({n})"),
            _ => String::new(),
        },
        oid::NUMERIC => numeric_typmod(typmod).map(|(p, s)| format!("({p},{s})")).unwrap_or_default(),
        oid::INTERVAL => interval_typmod_out(typmod),
        oid::CHAR => String::new(),
        _ => format!("({typmod})"),
    }
}

fn interval_typmod_out(typmod: i32) -> String {
    let (range, precision) = (typmod >> 16 & 0x7fff, typmod & 0xffff);
    let fields = INTERVAL_RANGES.iter().find(|(mask, _)| *mask == range).map_or("", |(_, name)| name);
    match precision {
        INTERVAL_FULL_PRECISION => fields.to_string(),
        p => format!("{fields}({p})"),
    }
}

fn bad_parameter(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// The type's `typmodin`: the modifier for the numbers in parentheses after the type's name.
///
/// For intervals the numbers are the field mask and then the digits, as PostgreSQL's grammar passes them.
pub fn typmod_in(oid: Oid, numbers: &[i32]) -> Result<i32> {
    match info::element_of(oid).unwrap_or(oid) {
        oid::VARCHAR => length_in("varchar", CHARACTERS_MAX, numbers).map(|n| n + HEADER),
        oid::BPCHAR => length_in("char", CHARACTERS_MAX, numbers).map(|n| n + HEADER),
        oid::BIT => length_in("bit", bit::BITS_MAX, numbers),
        oid::VARBIT => length_in("varbit", bit::BITS_MAX, numbers),
        oid::NUMERIC => numeric_in(numbers),
        oid::TIME => digits_in("TIME", "", numbers),
        oid::TIMETZ => digits_in("TIME", " WITH TIME ZONE", numbers),
        oid::TIMESTAMP => digits_in("TIMESTAMP", "", numbers),
        oid::TIMESTAMPTZ => digits_in("TIMESTAMP", " WITH TIME ZONE", numbers),
        oid::INTERVAL => interval_in(numbers),
        oid => Err(Error::new(
            SqlState::SYNTAX_ERROR,
            format!("type modifier is not allowed for type \"{}\"", info::type_info(oid).map_or("???", |t| t.name)),
        )),
    }
}

fn length_in(name: &str, most: i32, numbers: &[i32]) -> Result<i32> {
    match *numbers {
        [n] if n < 1 => Err(bad_parameter(format!("length for type {name} must be at least 1"))),
        [n] if n > most => Err(bad_parameter(format!("length for type {name} cannot exceed {most}"))),
        [n] => Ok(n),
        _ => Err(bad_parameter("invalid type modifier")),
    }
}

fn numeric_in(numbers: &[i32]) -> Result<i32> {
    let (precision, scale) = match *numbers {
        [precision] => (precision, 0),
        [precision, scale] => (precision, scale),
        _ => return Err(bad_parameter("invalid NUMERIC type modifier")),
    };
    if !(1..=NUMERIC_PRECISION_MAX).contains(&precision) {
        let message = format!("NUMERIC precision {precision} must be between 1 and {NUMERIC_PRECISION_MAX}");
        return Err(bad_parameter(message));
    }
    if !(-NUMERIC_SCALE_MAX..=NUMERIC_SCALE_MAX).contains(&scale) {
        return Err(bad_parameter(format!(
            "NUMERIC scale {scale} must be between -{NUMERIC_SCALE_MAX} and {NUMERIC_SCALE_MAX}"
        )));
    }
    Ok((precision << 16 | scale & 0x7ff) + HEADER)
}

/// More digits than are kept are cut to the most (PostgreSQL warns of it).
fn digits_in(name: &str, zone: &str, numbers: &[i32]) -> Result<i32> {
    match *numbers {
        [n] if n < 0 => Err(bad_parameter(format!("{name}({n}){zone} precision must not be negative"))),
        [n] => Ok(n.min(SECOND_DIGITS_MAX)),
        _ => Err(bad_parameter("invalid type modifier")),
    }
}

fn interval_in(numbers: &[i32]) -> Result<i32> {
    let (&range, digits) = numbers.split_first().ok_or_else(|| bad_parameter("invalid INTERVAL type modifier"))?;
    if range != INTERVAL_FULL_RANGE && !INTERVAL_RANGES.iter().any(|(mask, _)| *mask == range) {
        return Err(bad_parameter("invalid INTERVAL type modifier"));
    }
    match *digits {
        [] if range == INTERVAL_FULL_RANGE => Ok(-1),
        [] => Ok(range << 16 | INTERVAL_FULL_PRECISION),
        [n] if n < 0 => Err(bad_parameter(format!("INTERVAL({n}) precision must not be negative"))),
        [n] => Ok(range << 16 | n.min(SECOND_DIGITS_MAX)),
        _ => Err(bad_parameter("invalid INTERVAL type modifier")),
    }
}

/// The type's length coercion: `char(n)`, `varchar(n)` and bit strings truncate when `explicit`, else refuse what is too long
/// (22001); numerics and times are rounded (22003 on overflow); arrays element by element.
pub fn coerce_typmod(ty: SqlType, value: Datum, explicit: bool) -> Result<Datum> {
    if ty.typmod < 0 {
        return Ok(value);
    }
    match (ty.oid, value) {
        (oid::VARCHAR | oid::BPCHAR | oid::BIT | oid::VARBIT, Datum::Text(text)) => {
            let fitted = match ty.oid {
                oid::BIT | oid::VARBIT => bit::fit(ty, &text, explicit)?,
                _ => character::fit(ty, &text, explicit)?,
            };
            let fitted = (fitted.len() != text.len()).then(|| fitted.into());
            Ok(Datum::Text(fitted.unwrap_or(text)))
        }
        (oid::NUMERIC, Datum::Numeric(n)) => match numeric_typmod(ty.typmod) {
            Some((precision, scale)) => Ok(Datum::Numeric(n.as_ref().fit(precision, scale)?)),
            None => Ok(Datum::Numeric(n)),
        },
        (oid::TIME | oid::TIMESTAMP | oid::TIMESTAMPTZ, Datum::Int8(t)) => Ok(Datum::Int8(round_micros(t, ty.typmod))),
        (oid::TIMETZ, Datum::Int8(t)) => {
            let (micros, zone) = super::datetime::unpack_timetz(t);
            Ok(Datum::Int8(super::datetime::pack_timetz(round_micros(micros, ty.typmod), zone)))
        }
        (oid::INTERVAL, Datum::Interval(i)) => Ok(Datum::Interval(fit_interval(i, ty.typmod))),
        (_, Datum::Array(array)) => match ty.element() {
            Some(element) => coerce_items(element, *array, explicit),
            None => Ok(Datum::Array(array)),
        },
        (_, value) => Ok(value),
    }
}

fn coerce_items(element: SqlType, array: ArrayValue, explicit: bool) -> Result<Datum> {
    let items = array.items.into_iter().map(|item| coerce_typmod(element, item, explicit)).collect::<Result<_>>()?;
    Ok(Datum::array(ArrayValue { items, ..array }))
}

/// `numeric_in` with a modifier: rounded before it is checked against the format's limits.
pub(super) fn parse_numeric(text: &str, typmod: i32) -> Result<Numeric> {
    match numeric_typmod(typmod) {
        None => Numeric::parse(text),
        Some((precision, scale)) => {
            // Rounding here to more than asked leaves the one rounding that counts to `fit`.
            let widest = (scale.max(0) + 20).unsigned_abs() as u16;
            match Numeric::parse(text) {
                Ok(n) => n.as_ref().fit(precision, scale),
                Err(e) if e.code() == SqlState::NUMERIC_VALUE_OUT_OF_RANGE => {
                    Numeric::parse_rounded(text, Some(widest))?.as_ref().fit(precision, scale)
                }
                Err(e) => Err(e),
            }
        }
    }
}

/// Rounds microseconds to so many digits of a second, half away from zero; infinities stay.
pub fn round_micros(micros: i64, digits: i32) -> i64 {
    if !(0..SECOND_DIGITS_MAX).contains(&digits) || micros == i64::MIN || micros == i64::MAX {
        return micros;
    }
    let unit = 10i64.pow((SECOND_DIGITS_MAX - digits).unsigned_abs());
    let half = unit / 2;
    if micros >= 0 { micros.saturating_add(half) / unit * unit } else { -(-micros).saturating_add(half) / unit * unit }
}

/// Drops the fields that the modifier leaves out and rounds the seconds (`AdjustIntervalForTypmod`).
pub fn fit_interval(i: Interval, typmod: i32) -> Interval {
    const MICROS_PER_MINUTE: i64 = 60_000_000;
    const MICROS_PER_HOUR: i64 = 60 * MICROS_PER_MINUTE;
    let (range, digits) = (typmod >> 16 & 0x7fff, typmod & 0xffff);
    let no_time = Interval { micros: 0, ..i };
    let mut fitted = match range {
        YEAR => Interval { months: i.months / 12 * 12, days: 0, micros: 0 },
        MONTH => Interval { days: 0, ..no_time },
        range if range == YEAR | MONTH => Interval { days: 0, ..no_time },
        DAY => no_time,
        HOUR => Interval { micros: i.micros / MICROS_PER_HOUR * MICROS_PER_HOUR, ..i },
        range if range == DAY | HOUR => Interval { micros: i.micros / MICROS_PER_HOUR * MICROS_PER_HOUR, ..i },
        MINUTE => Interval { micros: i.micros / MICROS_PER_MINUTE * MICROS_PER_MINUTE, ..i },
        range if range == DAY | HOUR | MINUTE || range == HOUR | MINUTE => {
            Interval { micros: i.micros / MICROS_PER_MINUTE * MICROS_PER_MINUTE, ..i }
        }
        _ => i,
    };
    if digits != INTERVAL_FULL_PRECISION {
        fitted.micros = round_micros(fitted.micros, digits);
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_postgresqls() {
        let named = |oid, numbers: &[i32]| format_type(SqlType::with_typmod(oid, typmod_in(oid, numbers).unwrap()));
        assert_eq!(named(oid::VARCHAR, &[10]), "character varying(10)");
        assert_eq!(named(oid::BPCHAR, &[3]), "character(3)");
        assert_eq!(named(oid::NUMERIC, &[10, 2]), "numeric(10,2)");
        assert_eq!(named(oid::NUMERIC, &[5, -3]), "numeric(5,-3)");
        assert_eq!(named(oid::TIMESTAMP, &[3]), "timestamp(3) without time zone");
        assert_eq!(named(oid::TIMETZ, &[9]), "time(6) with time zone");
        assert_eq!(named(oid::INTERVAL, &[INTERVAL_FULL_RANGE, 3]), "interval(3)");
        assert_eq!(named(oid::INTERVAL, &[DAY | HOUR | MINUTE | SECOND, 0]), "interval day to second(0)");
        assert_eq!(named(oid::INTERVAL, &[YEAR | MONTH]), "interval year to month");
        assert_eq!(named(oid::NUMERIC_ARRAY, &[4, 1]), "numeric(4,1)[]");
        assert_eq!(format_type(SqlType::INT4_ARRAY), "integer[]");
        assert_eq!(format_type(SqlType::BPCHAR), "bpchar");
        assert_eq!(type_name(oid::BPCHAR), "character");
        assert_eq!(format_type(SqlType::CHAR), "\"char\"");
        assert_eq!(format_type(SqlType::ANY), "\"any\"");
        assert_eq!(format_type(SqlType::INT2VECTOR), "int2vector");
        assert_eq!(format_type(SqlType::TIMESTAMPTZ), "timestamp with time zone");
        assert_eq!(format_type(SqlType::of(Oid(99999))), "???");
    }

    #[test]
    fn modifiers_are_bounded() {
        let message = |oid, numbers: &[i32]| typmod_in(oid, numbers).unwrap_err().message().to_string();
        assert_eq!(message(oid::VARCHAR, &[0]), "length for type varchar must be at least 1");
        assert_eq!(message(oid::BPCHAR, &[10_485_761]), "length for type char cannot exceed 10485760");
        assert_eq!(message(oid::NUMERIC, &[1001]), "NUMERIC precision 1001 must be between 1 and 1000");
        assert_eq!(message(oid::NUMERIC, &[10, 1001]), "NUMERIC scale 1001 must be between -1000 and 1000");
        assert_eq!(message(oid::TIMESTAMPTZ, &[-1]), "TIMESTAMP(-1) WITH TIME ZONE precision must not be negative");
        assert_eq!(message(oid::INT4, &[1]), "type modifier is not allowed for type \"int4\"");
    }

    #[test]
    fn values_are_made_to_fit() {
        let text = |d: Datum| match d {
            Datum::Text(t) => t.to_string(),
            Datum::Numeric(n) => n.to_string(),
            other => format!("{other:?}"),
        };
        let varchar2 = SqlType::with_typmod(oid::VARCHAR, 6);
        assert_eq!(text(coerce_typmod(varchar2, "abc".into(), true).unwrap()), "ab");
        assert!(coerce_typmod(varchar2, "abc".into(), false).is_err());
        let money = SqlType::with_typmod(oid::NUMERIC, typmod_in(oid::NUMERIC, &[5, 2]).unwrap());
        assert_eq!(text(coerce_typmod(money, Numeric::parse("1.005").unwrap().into(), false).unwrap()), "1.01");
        assert!(coerce_typmod(money, Numeric::from(1000).into(), false).is_err());
        let many = SqlType::with_typmod(oid::VARCHAR_ARRAY, 6);
        let array = Datum::array(ArrayValue::one_dimensional(oid::VARCHAR, vec!["abc".into(), Datum::Null]));
        assert!(coerce_typmod(many, array, false).is_err());
    }

    #[test]
    fn times_round_half_away() {
        assert_eq!(round_micros(1_500_000, 0), 2_000_000);
        assert_eq!(round_micros(-1_500_000, 0), -2_000_000);
        assert_eq!(round_micros(1_234_567, 3), 1_235_000);
        assert_eq!(round_micros(i64::MAX, 0), i64::MAX);
        let i = Interval { months: 14, days: 3, micros: 3_723_600_000 };
        let years = fit_interval(i, YEAR << 16 | INTERVAL_FULL_PRECISION);
        assert_eq!((years.months, years.days, years.micros), (12, 0, 0));
        let minutes = fit_interval(i, (HOUR | MINUTE) << 16 | INTERVAL_FULL_PRECISION);
        assert_eq!((minutes.months, minutes.days, minutes.micros), (14, 3, 3_720_000_000));
    }
}
