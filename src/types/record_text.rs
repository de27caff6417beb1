//! Rows as text, `(1,"two words",)`: writing them (`record_out`) and taking them apart for whoever knows the
//! fields' types (`record_in`).

use super::text::is_space;
use super::{FormatContext, RecordView, SqlType, text};
use crate::base::{Error, Result, SqlState};

pub(super) fn write(out: &mut Vec<u8>, row: RecordView<'_>, context: &FormatContext) {
    out.push(b'(');
    let mut field = Vec::new();
    for (i, (oid, value)) in row.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        if value.is_null() {
            continue;
        }
        field.clear();
        text::write_text(&mut field, SqlType::of(oid), value, context);
        write_field(out, &field);
    }
    out.push(b')');
}

fn write_field(out: &mut Vec<u8>, field: &[u8]) {
    let special = |&b: &u8| matches!(b, b'"' | b'\\' | b'(' | b')' | b',') || is_space(b);
    if !field.is_empty() && !field.iter().any(special) {
        out.extend_from_slice(field);
        return;
    }
    out.push(b'"');
    for &b in field {
        if matches!(b, b'"' | b'\\') {
            out.push(b);
        }
        out.push(b);
    }
    out.push(b'"');
}

/// The texts of a row's fields; an empty field is NULL. `fields` is how many the row type has.
pub fn split_record(literal: &str, fields: usize) -> Result<Vec<Option<String>>> {
    let malformed = |detail: &str| {
        let message = format!("malformed record literal: \"{literal}\"");
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message).detail(detail)
    };
    let body = literal.trim_start_matches(|c: char| u8::try_from(c).is_ok_and(is_space));
    let body = body.strip_prefix('(').ok_or_else(|| malformed("Missing left parenthesis."))?;
    let mut chars = body.chars().peekable();
    let mut texts = Vec::new();
    for i in 0..fields {
        if i > 0 && chars.next_if_eq(&',').is_none() {
            return Err(malformed("Too few columns."));
        }
        if matches!(chars.peek(), Some(',' | ')')) {
            texts.push(None);
            continue;
        }
        texts.push(Some(field(&mut chars).ok_or_else(|| malformed("Unexpected end of input."))?));
    }
    if chars.next() != Some(')') {
        return Err(malformed("Too many columns."));
    }
    if !chars.all(|c| u8::try_from(c).is_ok_and(is_space)) {
        return Err(malformed("Junk after right parenthesis."));
    }
    Ok(texts)
}

/// One field up to its comma or parenthesis; none when the text ends first.
fn field(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    let mut quoted = false;
    while quoted || !matches!(chars.peek()?, ',' | ')') {
        match chars.next()? {
            '\\' => text.push(chars.next()?),
            '"' if !quoted => quoted = true,
            '"' if chars.next_if_eq(&'"').is_some() => text.push('"'),
            '"' => quoted = false,
            c => text.push(c),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::{Datum, RecordValue, oid};
    use super::*;

    #[test]
    fn rows_are_quoted_where_needed() {
        let row = RecordValue {
            fields: vec![
                (oid::INT4, Datum::Int4(1)),
                (oid::TEXT, "a b".into()),
                (oid::TEXT, Datum::Null),
                (oid::TEXT, "".into()),
                (oid::TEXT, "q\"\\".into()),
            ],
        };
        let mut out = Vec::new();
        write(&mut out, row.view(), &FormatContext::default());
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, r#"(1,"a b",,"","q""\\")"#);
        let fields = split_record(&text, 5).unwrap();
        let expected = [Some("1"), Some("a b"), None, Some(""), Some("q\"\\")];
        assert_eq!(fields, expected.map(|f| f.map(String::from)));
    }

    #[test]
    fn malformed_rows_say_why() {
        let detail = |text: &str, n| split_record(text, n).unwrap_err().fields().detail.clone().unwrap();
        assert_eq!(detail("1,2)", 2), "Missing left parenthesis.");
        assert_eq!(detail("(1)", 2), "Too few columns.");
        assert_eq!(detail("(1,2)", 1), "Too many columns.");
        assert_eq!(detail("(1,2", 2), "Unexpected end of input.");
        assert_eq!(detail("(1,2)x", 2), "Junk after right parenthesis.");
        assert_eq!(split_record(" ( a b ,) ", 2).unwrap(), [Some(" a b ".to_string()), None]);
    }
}
