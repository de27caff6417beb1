//! Quoting of identifiers and literals, `format`, `parse_ident`, sizes for people.

use super::convert::kernels;
use super::f;
use super::text::{chars, lower};
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::eval::text_of;
use crate::expr::function::Kernel::{Row, Typed};
use crate::expr::function::{CallTypes, Function};
use crate::types::oid::*;
use crate::types::{ArrayValue, Datum, DatumRef, Numeric, NumericRef};

/// Words of PostgreSQL's grammar that are not free to be names everywhere, in order.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between",
    "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character", "check", "coalesce",
    "collate", "collation", "column", "concurrently", "constraint", "create", "cross", "current_catalog",
    "current_date", "current_role", "current_schema", "current_time", "current_timestamp", "current_user", "dec",
    "decimal", "default", "deferrable", "desc", "distinct", "do", "else", "end", "except", "exists", "extract",
    "false", "fetch", "float", "for", "foreign", "freeze", "from", "full", "grant", "greatest", "group",
    "grouping", "having", "ilike", "in", "initially", "inner", "inout", "int", "integer", "intersect",
    "interval", "into", "is", "isnull", "join", "lateral", "leading", "least", "left", "like", "limit",
    "localtime", "localtimestamp", "national", "natural", "nchar", "none", "normalize", "not", "notnull", "null",
    "nullif", "numeric", "offset", "on", "only", "or", "order", "out", "outer", "overlaps", "overlay", "placing",
    "position", "precision", "primary", "real", "references", "returning", "right", "row", "select",
    "session_user", "setof", "similar", "smallint", "some", "substring", "symmetric", "table", "tablesample",
    "then", "time", "timestamp", "to", "trailing", "treat", "trim", "true", "union", "unique", "user", "using",
    "values", "varchar", "variadic", "verbose", "when", "where", "window", "with", "xmlattributes", "xmlconcat",
    "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot", "xmlserialize",
    "xmltable"
];

/// Whether the word needs quotes to be a name because the grammar uses it.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word).is_ok()
}

/// A name as SQL writes it (`quote_identifier`).
pub fn quote_identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !is_reserved(name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A string literal; with backslashes it becomes an escape string.
pub fn quote_text(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!(" E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

fn literal(text: &str) -> String {
    quote_text(text).trim_start().to_owned()
}

fn quote_literal_any(cx: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    Ok(Datum::from(literal(&text_of(a[0], types.args[0], cx.format))))
}

fn quote_nullable_any(cx: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    if a[0].is_null() {
        return Ok(Datum::from("NULL"));
    }
    quote_literal_any(cx, types, a)
}

fn format_error(message: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// One `%` specifier: position, flags and width of `%[position][flags][width]type`.
#[derive(Default)]
struct Specifier {
    position: Option<usize>,
    left: bool,
    width: Width,
}

#[derive(Default)]
enum Width {
    #[default]
    None,
    Fixed(i32),
    /// `*` or `*n$`: from an argument.
    Argument(Option<usize>),
}

/// Reads the specifiers of a format string and hands out arguments.
struct Formatter<'a> {
    rest: std::str::Chars<'a>,
    /// The argument that the next specifier without a position takes; the format string itself is 0.
    next: usize,
}

impl Formatter<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn number(&mut self) -> Result<Option<i32>> {
        let mut value: Option<i32> = None;
        while let Some(d) = self.peek().and_then(|c| c.to_digit(10)) {
            self.rest.next();
            let so_far = value.unwrap_or(0).checked_mul(10).and_then(|v| v.checked_add(d as i32));
            value =
                Some(so_far.ok_or_else(|| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "number is out of range"))?);
        }
        Ok(value)
    }

    fn position(n: i32) -> Result<usize> {
        if n == 0 {
            return Err(format_error("format specifies argument 0, but arguments are numbered from 1"));
        }
        Ok(n as usize)
    }

    fn specifier(&mut self) -> Result<Specifier> {
        let mut s = Specifier::default();
        if let Some(n) = self.number()? {
            if self.peek() == Some('$') {
                self.rest.next();
                s.position = Some(Self::position(n)?);
            } else {
                s.width = Width::Fixed(n);
                return Ok(s);
            }
        }
        while self.peek() == Some('-') {
            self.rest.next();
            s.left = true;
        }
        if self.peek() == Some('*') {
            self.rest.next();
            s.width = Width::Argument(match self.number()? {
                Some(n) => {
                    if self.rest.next() != Some('$') {
                        return Err(format_error("width argument position must be ended by \"$\""));
                    }
                    Some(Self::position(n)?)
                }
                None => None,
            });
        } else if let Some(n) = self.number()? {
            s.width = Width::Fixed(n);
        }
        Ok(s)
    }

    fn argument(&mut self, position: Option<usize>, count: usize) -> Result<usize> {
        let at = position.unwrap_or(self.next);
        if at >= count {
            return Err(format_error("too few arguments for format()"));
        }
        self.next = at + 1;
        Ok(at)
    }
}

/// `format(string, arguments ..)` (`text_format`).
pub(super) fn text_format(cx: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let DatumRef::Text(template) = a[0] else { return Ok(Datum::Null) };
    let mut out = String::new();
    let mut formatter = Formatter { rest: template.chars(), next: 1 };
    while let Some(c) = formatter.rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let unterminated =
            || format_error("unterminated format() type specifier").hint("For a single \"%\" use \"%%\".");
        if formatter.peek() == Some('%') {
            formatter.rest.next();
            out.push('%');
            continue;
        }
        if formatter.peek().is_none() {
            return Err(unterminated());
        }
        let specifier = formatter.specifier()?;
        let kind = formatter.rest.next().ok_or_else(unterminated)?;
        if !matches!(kind, 's' | 'I' | 'L') {
            return Err(format_error(&format!("unrecognized format() type specifier \"{kind}\""))
                .hint("For a single \"%\" use \"%%\"."));
        }
        let width = match specifier.width {
            Width::None => 0,
            Width::Fixed(n) => n,
            Width::Argument(position) => {
                let at = formatter.argument(position, a.len())?;
                match a[at] {
                    DatumRef::Null => 0,
                    DatumRef::Int4(n) => n,
                    DatumRef::Int2(n) => n.into(),
                    value => text_of(value, types.args[at], cx.format).trim().parse().map_err(|_| {
                        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type integer")
                    })?,
                }
            }
        };
        let at = formatter.argument(specifier.position, a.len())?;
        let text = match (kind, a[at].is_null()) {
            ('I', true) => {
                return Err(Error::new(
                    SqlState::NULL_VALUE_NOT_ALLOWED,
                    "null values cannot be formatted as an SQL identifier",
                ));
            }
            ('L', true) => "NULL".into(),
            (_, true) => String::new(),
            (kind, false) => {
                let text = text_of(a[at], types.args[at], cx.format);
                match kind {
                    'I' => quote_identifier(&text),
                    'L' => literal(&text),
                    _ => text,
                }
            }
        };
        let missing = (width.unsigned_abs() as usize).saturating_sub(chars(&text));
        let left = specifier.left || width < 0;
        if !left {
            out.extend(std::iter::repeat_n(' ', missing));
        }
        out.push_str(&text);
        if left {
            out.extend(std::iter::repeat_n(' ', missing));
        }
    }
    Ok(Datum::from(out))
}

/// The parts of a qualified name, folded and unquoted as the grammar would (`parse_ident`).
fn identifiers(text: &str, strict: bool) -> Result<Vec<String>> {
    let invalid = || format_error(&format!("string is not a valid identifier: \"{text}\""));
    let space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{b}');
    let mut parts = Vec::new();
    let mut rest = text.trim_start_matches(space);
    let mut after_dot = false;
    loop {
        let mut missing = true;
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            let mut tail = quoted;
            loop {
                let end = tail.find('"').ok_or_else(|| invalid().detail("String has unclosed double quotes."))?;
                name.push_str(&tail[..end]);
                tail = &tail[end + 1..];
                match tail.strip_prefix('"') {
                    Some(more) => {
                        name.push('"');
                        tail = more;
                    }
                    None => break,
                }
            }
            if name.is_empty() {
                return Err(invalid().detail("Quoted identifier must not be empty."));
            }
            parts.push(name);
            rest = tail;
            missing = false;
        } else if rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            parts.push(lower(&rest[..end]));
            rest = &rest[end..];
            missing = false;
        }
        if missing {
            return Err(match rest.chars().next() {
                Some('.') => invalid().detail("No valid identifier before \".\"."),
                _ if after_dot => invalid().detail("No valid identifier after \".\"."),
                _ => invalid(),
            });
        }
        rest = rest.trim_start_matches(space);
        match rest.strip_prefix('.') {
            Some(more) => {
                after_dot = true;
                rest = more.trim_start_matches(space);
            }
            None if rest.is_empty() || !strict => return Ok(parts),
            None => return Err(invalid()),
        }
    }
}

/// Halves away from zero, as sizes are rounded.
fn half_rounded(value: i128) -> i128 {
    (value + if value < 0 { -1 } else { 1 }) / 2
}

/// `pg_size_pretty` (`dbsize.c`): each unit is used until ten thousand of it, twenty of the last steps in between.
fn pretty(size: i128) -> String {
    const UNITS: [(&str, i128, bool, u32); 6] = [
        ("bytes", 10 * 1024, false, 0),
        ("kB", 20 * 1024 - 1, true, 10),
        ("MB", 20 * 1024 - 1, true, 20),
        ("GB", 20 * 1024 - 1, true, 30),
        ("TB", 20 * 1024 - 1, true, 40),
        ("PB", 20 * 1024 - 1, true, 50),
    ];
    let mut size = size;
    for (i, &(name, limit, round, bits)) in UNITS.iter().enumerate() {
        if i + 1 == UNITS.len() || size.abs() < limit {
            let shown = if round { half_rounded(size) } else { size };
            return format!("{shown} {name}");
        }
        let (_, _, next_round, next_bits) = UNITS[i + 1];
        let shift = next_bits - bits - u32::from(next_round) + u32::from(round);
        size /= 1 << shift;
    }
    unreachable!("the last unit has no limit")
}

fn size_bytes(text: &str) -> Result<i64> {
    let invalid = || format_error(&format!("invalid size: \"{text}\""));
    let trimmed = text.trim();
    let end = trimmed
        .char_indices()
        .find(|&(i, c)| !(c.is_ascii_digit() || c == '.' || (i == 0 && matches!(c, '+' | '-'))))
        .map_or(trimmed.len(), |(i, _)| i);
    let (digits, mut unit) = trimmed.split_at(end);
    let mut digits = digits.to_owned();
    // An exponent, if what follows the `e` is one.
    if unit.starts_with(['e', 'E']) {
        let exponent = unit[1..].trim_start_matches(['+', '-']);
        let length = exponent.bytes().take_while(u8::is_ascii_digit).count();
        if length > 0 {
            let used = unit.len() - exponent.len() + length;
            digits.push_str(&unit[..used]);
            unit = &unit[used..];
        }
    }
    if !digits.bytes().any(|b| b.is_ascii_digit()) {
        return Err(invalid());
    }
    let number = Numeric::parse(&digits).map_err(|_| invalid())?;
    let unit = unit.trim();
    let bits = match unit.to_ascii_lowercase().as_str() {
        "" | "bytes" | "b" => 0,
        "kb" => 10,
        "mb" => 20,
        "gb" => 30,
        "tb" => 40,
        "pb" => 50,
        _ => {
            return Err(invalid()
                .detail(format!("Invalid size unit: \"{unit}\"."))
                .hint("Valid units are \"bytes\", \"B\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\"."));
        }
    };
    number.as_ref().mul(Numeric::from(1i64 << bits).as_ref())?.as_ref().to_i64()
}

kernels! {
    fn quote_ident(name: &str) -> String {
        Ok(quote_identifier(name))
    }

    fn quote_literal(text: &str) -> String {
        Ok(literal(text))
    }

    fn quote_nullable(text: Option<&str>) -> String {
        Ok(text.map_or_else(|| "NULL".to_owned(), literal))
    }

    fn parse_ident(text: &str, strict: bool) -> ArrayValue {
        Ok(ArrayValue::one_dimensional(TEXT, identifiers(text, strict)?.into_iter().map(Datum::from).collect()))
    }

    fn pg_size_pretty(size: i64) -> String {
        Ok(pretty(size.into()))
    }

    fn pg_size_pretty_numeric(size: NumericRef<'_>) -> String {
        let whole = size.trunc(0)?;
        match whole.as_ref().small_parts() {
            Some((size, _)) => Ok(pretty(size)),
            None => Err(Error::unsupported("pg_size_pretty of so large a number")),
        }
    }

    fn pg_size_bytes(text: &str) -> i64 {
        size_bytes(text)
    }
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(1268, "parse_ident", &[TEXT, BOOL], TEXT_ARRAY, Row(parse_ident)).named(&["str", "strict"]).with_defaults(&["true"]),
    f(3334, "pg_size_bytes", &[TEXT], INT8, Row(pg_size_bytes)),
    f(2288, "pg_size_pretty", &[INT8], TEXT, Row(pg_size_pretty)),
    f(3166, "pg_size_pretty", &[NUMERIC], TEXT, Row(pg_size_pretty_numeric)),
    f(1282, "quote_ident", &[TEXT], TEXT, Row(quote_ident)),
    f(1283, "quote_literal", &[TEXT], TEXT, Row(quote_literal)),
    f(1289, "quote_nullable", &[TEXT], TEXT, Row(quote_nullable)).lax(),
    f(1285, "quote_literal", &[ANYELEMENT], TEXT, Typed(quote_literal_any)).stable(),
    f(1290, "quote_nullable", &[ANYELEMENT], TEXT, Typed(quote_nullable_any)).lax().stable(),
    f(3539, "format", &[TEXT, ANY], TEXT, Typed(text_format)).lax().stable().variadic(ANY),
    f(3540, "format", &[TEXT], TEXT, Typed(text_format)).lax().stable(),
];
