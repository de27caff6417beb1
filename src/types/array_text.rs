//! Arrays as text: `{1,NULL,"two words"}`, with explicit bounds `[0:1]={1,2}` (`array_in`, `array_out`), and the
//! space-separated `int2vector` and `oidvector`.

use super::array::{MAX_DIMENSIONS, count_items};
use super::text::{self, is_space};
use super::{ArrayValue, ArrayView, Datum, DatumRef, FormatContext, SqlType, info, int, oid};
use crate::base::{Error, Result, SqlState};
use std::io::Write;

/// Appends an array's text.
pub(super) fn write(out: &mut Vec<u8>, array: ArrayView<'_>, context: &FormatContext) {
    let dims = array.dims();
    if dims.is_empty() {
        out.extend_from_slice(b"{}");
        return;
    }
    if dims.iter().any(|&(_, lower)| lower != 1) {
        for &(len, lower) in &dims {
            write!(out, "[{}:{}]", lower, i64::from(lower) + i64::from(len) - 1).expect("memory takes all");
        }
        out.push(b'=');
    }
    let element = SqlType::of(array.element());
    let delim = info::type_info(element.oid).map_or(b',', |t| t.delim);
    let mut writer = Writer { out, element, delim, context, field: Vec::new() };
    writer.level(&dims, &mut array.iter());
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    element: SqlType,
    delim: u8,
    context: &'a FormatContext,
    field: Vec<u8>,
}

impl Writer<'_> {
    /// One brace level; arrays have at most six.
    fn level<'v>(&mut self, dims: &[(i32, i32)], items: &mut impl Iterator<Item = DatumRef<'v>>) {
        self.out.push(b'{');
        for i in 0..dims[0].0 {
            if i > 0 {
                self.out.push(self.delim);
            }
            if dims.len() > 1 {
                self.level(&dims[1..], items);
            } else {
                self.item(items.next().expect("as many items as the dimensions say"));
            }
        }
        self.out.push(b'}');
    }

    fn item(&mut self, value: DatumRef<'_>) {
        if value.is_null() {
            self.out.extend_from_slice(b"NULL");
            return;
        }
        self.field.clear();
        text::write_text(&mut self.field, self.element, value, self.context);
        if !needs_quotes(&self.field, self.delim) {
            self.out.extend_from_slice(&self.field);
            return;
        }
        self.out.push(b'"');
        for &b in &self.field {
            if matches!(b, b'"' | b'\\') {
                self.out.push(b'\\');
            }
            self.out.push(b);
        }
        self.out.push(b'"');
    }
}

fn needs_quotes(text: &[u8], delim: u8) -> bool {
    text.is_empty()
        || text.eq_ignore_ascii_case(b"null")
        || text.iter().any(|&b| matches!(b, b'"' | b'\\' | b'{' | b'}') || b == delim || is_space(b))
}

/// Reads an array of `element`s.
pub(super) fn parse(element: SqlType, literal: &str, context: &FormatContext) -> Result<Datum> {
    let delim = info::type_info(element.oid).map_or(b',', |t| t.delim);
    let mut reader = Reader { literal, bytes: literal.as_bytes(), at: 0, delim };
    let bounds = reader.bounds()?;
    let (mut dims, texts) = reader.items(bounds.is_some())?;
    if let Some(bounds) = bounds {
        if bounds.len() != dims.len() || bounds.iter().zip(&dims).any(|(b, d)| b.0 != d.0) {
            return Err(reader.malformed("Specified array dimensions do not match array contents."));
        }
        dims = bounds;
    }
    let items = texts.into_iter().map(|t| match t {
        None => Ok(Datum::Null),
        Some(t) => text::parse_text(element, &t, context),
    });
    Ok(Datum::array(ArrayValue { element: element.oid, dims, items: items.collect::<Result<_>>()? }))
}

struct Reader<'a> {
    literal: &'a str,
    bytes: &'a [u8],
    at: usize,
    delim: u8,
}

/// What the reader has just passed.
#[derive(Clone, Copy, PartialEq)]
enum Passed {
    Start,
    Open,
    Item,
    ItemDelimiter,
    Close,
    LevelDelimiter,
}

type Dimensions = Vec<(i32, i32)>;
type Texts = Vec<Option<String>>;

impl Reader<'_> {
    fn malformed(&self, detail: impl Into<String>) -> Error {
        let message = format!("malformed array literal: \"{}\"", self.literal);
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message).detail(detail)
    }

    fn unexpected(&self, byte: u8) -> Error {
        self.malformed(format!("Unexpected \"{}\" character.", char::from(byte)))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    /// `[l:u]...=`, as length and lower bound.
    fn bounds(&mut self) -> Result<Option<Dimensions>> {
        let mut dims = Vec::new();
        loop {
            self.skip_space();
            if self.peek() != Some(b'[') {
                break;
            }
            self.at += 1;
            if dims.len() == MAX_DIMENSIONS {
                return Err(too_many_dimensions(dims.len() + 1));
            }
            dims.push(self.bound()?);
        }
        if dims.is_empty() {
            if self.peek() != Some(b'{') {
                return Err(self.malformed("Array value must start with \"{\" or dimension information."));
            }
            return Ok(None);
        }
        if self.peek() != Some(b'=') {
            return Err(self.malformed("Missing \"=\" after array dimensions."));
        }
        self.at += 1;
        self.skip_space();
        if self.peek() != Some(b'{') {
            return Err(self.malformed("Array contents must start with \"{\"."));
        }
        Ok(Some(dims))
    }

    fn bound(&mut self) -> Result<(i32, i32)> {
        let explicit = "\"[\" must introduce explicitly-specified array dimensions.";
        let first = self.number().ok_or_else(|| self.malformed(explicit))?;
        let (lower, upper) = if self.peek() == Some(b':') {
            self.at += 1;
            (first, self.number().ok_or_else(|| self.malformed("Missing array dimension value."))?)
        } else {
            (1, first)
        };
        if self.peek() != Some(b']') {
            return Err(self.malformed("Missing \"]\" after array dimensions."));
        }
        self.at += 1;
        if upper < lower {
            return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "upper bound cannot be less than lower bound"));
        }
        // Too long a dimension will not match the contents.
        let len = i32::try_from(i64::from(upper) - i64::from(lower) + 1).unwrap_or(i32::MAX);
        Ok((len, lower))
    }

    fn number(&mut self) -> Option<i32> {
        let start = self.at;
        if matches!(self.peek(), Some(b'-' | b'+')) {
            self.at += 1;
        }
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        let number = self.literal[start..self.at].parse::<i128>().ok()?;
        Some(number.clamp(i128::from(i32::MIN), i128::from(i32::MAX)) as i32)
    }

    /// The braces: dimensions counted from them, and the items' texts, none for NULL.
    fn items(&mut self, bounded: bool) -> Result<(Dimensions, Texts)> {
        let mut texts = Vec::new();
        // Children of each open level so far, and how many the first closed level at that depth had.
        let mut open: Vec<i32> = Vec::new();
        let mut lengths: Vec<Option<i32>> = Vec::new();
        let mut item_depth = None;
        let mut passed = Passed::Start;
        while passed != Passed::Close || !open.is_empty() {
            self.skip_space();
            let Some(byte) = self.peek() else { return Err(self.malformed("Unexpected end of input.")) };
            match byte {
                b'{' => {
                    if !matches!(passed, Passed::Start | Passed::Open | Passed::LevelDelimiter) {
                        return Err(self.unexpected(byte));
                    }
                    if open.len() == MAX_DIMENSIONS {
                        return Err(too_many_dimensions(open.len() + 1));
                    }
                    if let Some(parent) = open.last_mut() {
                        *parent += 1;
                    }
                    open.push(0);
                    if lengths.len() < open.len() {
                        lengths.push(None);
                    }
                    self.at += 1;
                    passed = Passed::Open;
                }
                b'}' => {
                    let allowed =
                        matches!(passed, Passed::Item | Passed::Close) || passed == Passed::Open && open.len() == 1;
                    if !allowed {
                        return Err(self.unexpected(byte));
                    }
                    let count = open.pop().expect("a level is open until the last closes");
                    let length = lengths[open.len()].get_or_insert(count);
                    if *length != count {
                        return Err(self.ragged());
                    }
                    self.at += 1;
                    passed = Passed::Close;
                }
                _ if byte == self.delim => {
                    passed = match passed {
                        Passed::Item => Passed::ItemDelimiter,
                        Passed::Close => Passed::LevelDelimiter,
                        _ => return Err(self.unexpected(byte)),
                    };
                    self.at += 1;
                }
                _ => {
                    if !matches!(passed, Passed::Open | Passed::ItemDelimiter) {
                        return Err(match byte {
                            b'\\' => self.unexpected(byte),
                            _ => self.malformed("Unexpected array element."),
                        });
                    }
                    if *item_depth.get_or_insert(open.len()) != open.len() {
                        return Err(self.ragged());
                    }
                    *open.last_mut().expect("an item is inside a level") += 1;
                    texts.push(self.item()?);
                    passed = Passed::Item;
                }
            }
        }
        self.skip_space();
        if self.peek().is_some() {
            return Err(self.malformed("Junk after closing right brace."));
        }
        if texts.is_empty() && !bounded {
            return Ok((Vec::new(), texts));
        }
        let dims: Dimensions = lengths.iter().map(|n| (n.unwrap_or(0), 1)).collect();
        if item_depth.is_some_and(|d| d != dims.len()) {
            return Err(self.ragged());
        }
        count_items(dims.iter().map(|d| d.0))?;
        Ok((dims, texts))
    }

    fn ragged(&self) -> Error {
        self.malformed("Multidimensional arrays must have sub-arrays with matching dimensions.")
    }

    fn item(&mut self) -> Result<Option<String>> {
        let mut bytes = Vec::new();
        if self.peek() == Some(b'"') {
            self.at += 1;
            loop {
                match self.next_in_item()? {
                    b'"' => break,
                    b'\\' => bytes.push(self.next_in_item()?),
                    b => bytes.push(b),
                }
            }
            return Ok(Some(String::from_utf8(bytes).expect("whole characters were copied")));
        }
        let mut plain = true;
        // Blanks at the end go, unless they were escaped.
        let mut keep = 0;
        loop {
            match self.peek() {
                None => return Err(self.malformed("Unexpected end of input.")),
                Some(b'"') => return Err(self.malformed("Unexpected array element.")),
                Some(b'{') => return Err(self.unexpected(b'{')),
                Some(b'\\') => {
                    self.at += 1;
                    bytes.push(self.next_in_item()?);
                    plain = false;
                    keep = bytes.len();
                }
                Some(b) if b == b'}' || b == self.delim => break,
                Some(b) => {
                    self.at += 1;
                    bytes.push(b);
                    if !is_space(b) {
                        keep = bytes.len();
                    }
                }
            }
        }
        bytes.truncate(keep);
        if plain && bytes.eq_ignore_ascii_case(b"null") {
            return Ok(None);
        }
        Ok(Some(String::from_utf8(bytes).expect("whole characters were copied")))
    }

    fn next_in_item(&mut self) -> Result<u8> {
        let byte = self.peek().ok_or_else(|| self.malformed("Unexpected end of input."))?;
        self.at += 1;
        Ok(byte)
    }
}

pub(super) fn too_many_dimensions(n: usize) -> Error {
    Error::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("number of array dimensions ({n}) exceeds the maximum allowed ({MAX_DIMENSIONS})"),
    )
}

/// Reads an `int2vector` or `oidvector`: numbers between blanks.
pub(super) fn parse_vector(ty: SqlType, literal: &str) -> Result<Datum> {
    let words = literal.split(|c: char| u8::try_from(c).is_ok_and(is_space)).filter(|w| !w.is_empty());
    let (element, items) = match ty.oid {
        oid::INT2VECTOR => (oid::INT2, words.map(|w| int::parse_i16(w).map(Datum::Int2)).collect::<Result<_>>()?),
        _ => (oid::OID, words.map(|w| int::parse_oid(w).map(Datum::Oid)).collect::<Result<_>>()?),
    };
    Ok(Datum::array(ArrayValue::vector(element, items)))
}

pub(super) fn write_vector(out: &mut Vec<u8>, array: ArrayView<'_>) {
    for (i, item) in array.iter().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        match item {
            DatumRef::Int2(v) => int::write(out, i64::from(v)),
            DatumRef::Oid(v) => int::write(out, i64::from(v)),
            other => panic!("a vector of {other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(element: SqlType, literal: &str) -> String {
        let context = FormatContext::default();
        let value = parse(element, literal, &context).unwrap();
        let DatumRef::Array(array) = value.as_ref() else { panic!("not an array") };
        let mut out = Vec::new();
        write(&mut out, array, &context);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn arrays_round_trip() {
        for (literal, text) in [
            ("{}", "{}"),
            (" { } ", "{}"),
            ("{1,2,NULL}", "{1,2,NULL}"),
            ("{{1,2},{3,4}}", "{{1,2},{3,4}}"),
            ("[0:1]={1,2}", "[0:1]={1,2}"),
            ("[1:2] = {1,2}", "{1,2}"),
            ("[2]={1,2}", "{1,2}"),
            ("[-1:0][2:3]={{1,2},{3,4}}", "[-1:0][2:3]={{1,2},{3,4}}"),
            ("{ 1 , 2 }", "{1,2}"),
        ] {
            assert_eq!(round_trip(SqlType::INT4, literal), text, "{literal}");
        }
        for (literal, text) in [
            (r#"{a,"b c",null,"NULL","",\\,"\"",a\ }"#, r#"{a,"b c",NULL,"NULL","","\\","\"","a "}"#),
            ("{a b  , c}", r#"{"a b",c}"#),
            (r#"{"{x}","a,b"}"#, r#"{"{x}","a,b"}"#),
            ("{ü}", "{ü}"),
        ] {
            assert_eq!(round_trip(SqlType::TEXT, literal), text, "{literal}");
        }
    }

    #[test]
    fn malformed_arrays_say_why() {
        for (literal, detail) in [
            ("", "Array value must start with \"{\" or dimension information."),
            ("1", "Array value must start with \"{\" or dimension information."),
            ("{1", "Unexpected end of input."),
            ("{1,}", "Unexpected \"}\" character."),
            ("{,1}", "Unexpected \",\" character."),
            ("{1}}", "Junk after closing right brace."),
            ("{{1},{2,3}}", "Multidimensional arrays must have sub-arrays with matching dimensions."),
            ("{{1},2}", "Unexpected array element."),
            ("{1,{2}}", "Unexpected \"{\" character."),
            ("{\"a\"b}", "Unexpected array element."),
            ("{a\"b\"}", "Unexpected array element."),
            ("{{},{}}", "Unexpected \"}\" character."),
            ("[1:2]{1,2}", "Missing \"=\" after array dimensions."),
            ("[1:2={1,2}", "Missing \"]\" after array dimensions."),
            ("[1:3]={1,2}", "Specified array dimensions do not match array contents."),
            ("[x]={1}", "\"[\" must introduce explicitly-specified array dimensions."),
        ] {
            let e = parse(SqlType::TEXT, literal, &FormatContext::default()).unwrap_err();
            assert_eq!(e.fields().detail.as_deref(), Some(detail), "{literal}");
            assert_eq!(e.message(), format!("malformed array literal: \"{literal}\""));
        }
        let e = parse(SqlType::TEXT, "{{{{{{{1}}}}}}}", &FormatContext::default()).unwrap_err();
        assert_eq!(e.message(), "number of array dimensions (7) exceeds the maximum allowed (6)");
    }

    #[test]
    fn vectors_are_words() {
        let value = parse_vector(SqlType::of(oid::OIDVECTOR), " 1 23  4 ").unwrap();
        let DatumRef::Array(array) = value.as_ref() else { panic!("not an array") };
        assert_eq!(array.dims(), [(3, 0)]);
        let mut out = Vec::new();
        write_vector(&mut out, array);
        assert_eq!(out, b"1 23 4");
    }
}
