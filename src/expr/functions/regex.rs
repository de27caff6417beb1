//! Regular expression operators and functions, and SIMILAR TO, which is turned into one.
//!
//! The engine is [`regexp`](crate::expr::regexp). Positions in arguments and results count characters, from 1.

use super::convert::kernels;
use super::f;
use super::like::match_each;
use super::text::{chars, offset};
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::Kernel::{Column, Row, Set};
use crate::expr::function::{CallTypes, Function, SetRows};
use crate::expr::regexp::{Options, Regex, Spans, all_matches};
use crate::expr::value::Value;
use crate::types::oid::*;
use crate::types::{ArrayValue, ColumnBuilder, Datum, DatumRef};
use arrow_array::ArrayRef;
use std::sync::Arc;

fn compiled(cx: &mut EvalContext<'_>, pattern: &str, options: Options) -> Result<Arc<Regex>> {
    let options = Options { global: false, ..options };
    cx.state.regexes.get(pattern, options)
}

fn operator_options(fold: bool) -> Options {
    if fold { Options::ignoring_case() } else { Options::default() }
}

fn matches<const FOLD: bool, const NOT: bool>(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let (DatumRef::Text(s), DatumRef::Text(pattern)) = (a[0], a[1]) else { panic!("text arguments") };
    let found = compiled(cx, pattern, operator_options(FOLD))?.is_match(s)?;
    Ok(Datum::Bool(found != NOT))
}

fn matches_column<const FOLD: bool, const NOT: bool>(
    cx: &mut EvalContext<'_>,
    a: &[Value],
    rows: usize,
) -> Result<ArrayRef> {
    let prepare = |p: &str| compiled(cx, p, operator_options(FOLD));
    match_each(a, rows, prepare, |regex, s| Ok(regex.is_match(s)? != NOT))
}

fn not_global(options: Options, function: &str) -> Result<()> {
    if options.global {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("{function} does not support the \"global\" option"),
        ));
    }
    Ok(())
}

fn must_be_positive(name: &str, value: i32, least: i32) -> Result<()> {
    if value < least {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid value for parameter \"{name}\": {value}"),
        ));
    }
    Ok(())
}

/// What a replacement says: `\1` to `\9`, `\&`, and the rest as it is.
fn append_replacement(out: &mut String, replacement: &str, s: &str, spans: &Spans) {
    let mut chars = replacement.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let group = match chars.next() {
            Some('&') => 0,
            Some(d @ '1'..='9') => d as usize - '0' as usize,
            Some('\\') | None => {
                out.push('\\');
                continue;
            }
            Some(other) => {
                out.push('\\');
                out.push(other);
                continue;
            }
        };
        if let Some(Some((from, to))) = spans.get(group) {
            out.push_str(&s[*from..*to]);
        }
    }
}

/// Replaces match number `n`, or all from there on when `n` is 0 (`replace_text_regexp`).
fn replaced(regex: &Regex, s: &str, replacement: &str, start: usize, n: usize) -> Result<String> {
    let mut out = String::with_capacity(s.len());
    let (mut copied, mut at, mut count) = (0, start, 0);
    while let Some(spans) = regex.find_at(s, at)? {
        let (from, to) = spans[0].expect("the whole match took part");
        count += 1;
        at = to;
        if n == 0 || count == n {
            out.push_str(&s[copied..from]);
            append_replacement(&mut out, replacement, s, &spans);
            copied = to;
            if n != 0 {
                break;
            }
        }
        if from == to {
            match s[to..].chars().next() {
                Some(c) => at += c.len_utf8(),
                None => break,
            }
        }
    }
    out.push_str(&s[copied..]);
    Ok(out)
}

fn replace(
    cx: &mut EvalContext<'_>,
    s: &str,
    pattern: &str,
    replacement: &str,
    flags: &str,
    place: Option<(i32, Option<i32>)>,
) -> Result<String> {
    let options = Options::parse(flags)?;
    let (start, n) = place.unwrap_or((1, None));
    must_be_positive("start", start, 1)?;
    if let Some(n) = n {
        must_be_positive("n", n, 0)?;
    }
    let n = n.map_or(usize::from(!options.global), |n| n as usize);
    let regex = compiled(cx, pattern, options)?;
    if chars(s) < start as usize - 1 {
        return Ok(s.to_owned());
    }
    replaced(&regex, s, replacement, offset(s, start as usize - 1), n)
}

/// A match as an array of its groups, or of the whole if it has none.
fn groups(regex: &Regex, s: &str, spans: &Spans) -> ArrayValue {
    let parts = if regex.groups() == 0 { &spans[..1] } else { &spans[1..] };
    let items = parts.iter().map(|p| p.map_or(Datum::Null, |(from, to)| Datum::from(&s[from..to]))).collect();
    ArrayValue::one_dimensional(TEXT, items)
}

fn first_match(cx: &mut EvalContext<'_>, s: &str, pattern: &str, flags: &str) -> Result<Option<ArrayValue>> {
    let options = Options::parse(flags)?;
    if options.global {
        not_global(options, "regexp_match()").map_err(|e| e.hint("Use the regexp_matches function instead."))?;
    }
    let regex = compiled(cx, pattern, options)?;
    Ok(regex.find_at(s, 0)?.map(|spans| groups(&regex, s, &spans)))
}

/// The pieces between matches; an empty match splits nothing at the ends or right behind another match.
fn pieces<'s>(cx: &mut EvalContext<'_>, s: &'s str, pattern: &str, flags: &str, name: &str) -> Result<Vec<&'s str>> {
    let options = Options::parse(flags)?;
    not_global(options, name)?;
    let regex = compiled(cx, pattern, options)?;
    let mut out = Vec::new();
    let mut from = 0;
    let mut last_end = 0;
    for spans in all_matches(&regex, s, 0)? {
        let (start, end) = spans[0].expect("the whole match took part");
        if start < s.len() && end > last_end {
            out.push(&s[from..start]);
            from = end;
        }
        last_end = end;
    }
    out.push(&s[from..]);
    Ok(out)
}

/// The arguments that regexp_count, regexp_instr and regexp_substr share.
struct Search {
    start: i32,
    n: i32,
    subexpression: i32,
}

/// Where match number `n` from `start` on is, or its group.
fn nth_match(
    cx: &mut EvalContext<'_>,
    s: &str,
    pattern: &str,
    search: Search,
    flags: &str,
    function: &str,
) -> Result<Option<(usize, usize)>> {
    let options = Options::parse(flags)?;
    not_global(options, function)?;
    let regex = compiled(cx, pattern, options)?;
    if chars(s) < search.start as usize - 1 || search.subexpression as usize > regex.groups() {
        return Ok(None);
    }
    let found = all_matches(&regex, s, offset(s, search.start as usize - 1))?;
    Ok(found.get(search.n as usize - 1).and_then(|spans| spans[search.subexpression as usize]))
}

fn count(cx: &mut EvalContext<'_>, s: &str, pattern: &str, start: i32, flags: &str) -> Result<i32> {
    must_be_positive("start", start, 1)?;
    let options = Options::parse(flags)?;
    not_global(options, "regexp_count()")?;
    let regex = compiled(cx, pattern, options)?;
    if chars(s) < start as usize - 1 {
        return Ok(0);
    }
    Ok(all_matches(&regex, s, offset(s, start as usize - 1))?.len() as i32)
}

fn instr(cx: &mut EvalContext<'_>, s: &str, pattern: &str, search: Search, end: i32, flags: &str) -> Result<i32> {
    must_be_positive("start", search.start, 1)?;
    must_be_positive("n", search.n, 1)?;
    if end != 0 && end != 1 {
        must_be_positive("endoption", end, i32::MAX)?;
    }
    must_be_positive("subexpr", search.subexpression, 0)?;
    let found = nth_match(cx, s, pattern, search, flags, "regexp_instr()")?;
    Ok(found.map_or(0, |(from, to)| chars(&s[..if end == 1 { to } else { from }]) as i32 + 1))
}

fn substr(cx: &mut EvalContext<'_>, s: &str, pattern: &str, search: Search, flags: &str) -> Result<Option<String>> {
    must_be_positive("start", search.start, 1)?;
    must_be_positive("n", search.n, 1)?;
    must_be_positive("subexpr", search.subexpression, 0)?;
    let found = nth_match(cx, s, pattern, search, flags, "regexp_substr()")?;
    Ok(found.map(|(from, to)| s[from..to].to_owned()))
}

/// `substring(s from pattern)`: the first group if there is one, else the whole match.
fn extract(cx: &mut EvalContext<'_>, s: &str, pattern: &str) -> Result<Option<String>> {
    let regex = compiled(cx, pattern, Options::default())?;
    let group = usize::from(regex.groups() > 0);
    Ok(regex.find_at(s, 0)?.and_then(|spans| spans[group]).map(|(from, to)| s[from..to].to_owned()))
}

/// A SIMILAR TO pattern as a regular expression (`similar_escape_internal`).
fn similar(pattern: &str, escape: Option<&str>) -> Result<String> {
    let escape = match escape {
        None => Some('\\'),
        Some(e) => {
            let mut chars = e.chars();
            let first = chars.next();
            if chars.next().is_some() {
                return Err(Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
                    .hint("Escape string must be empty or one character."));
            }
            first
        }
    };
    let mut out = String::from("^(?:");
    let (mut after_escape, mut in_class, mut quotes) = (false, false, 0);
    for c in pattern.chars() {
        if after_escape {
            if c == '"' && !in_class {
                out.push_str(match quotes {
                    0 => "){1,1}?(",
                    1 => "){1,1}(?:",
                    _ => {
                        return Err(Error::new(
                            SqlState::INVALID_USE_OF_ESCAPE_CHARACTER,
                            "SQL regular expression may not contain more than two escape-double-quote separators",
                        ));
                    }
                });
                quotes += 1;
            } else {
                out.push('\\');
                out.push(c);
            }
            after_escape = false;
        } else if Some(c) == escape {
            after_escape = true;
        } else if in_class {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
            in_class = c != ']';
        } else {
            match c {
                '[' => {
                    out.push(c);
                    in_class = true;
                }
                '%' => out.push_str(".*"),
                '_' => out.push('.'),
                '(' => out.push_str("(?:"),
                '\\' | '.' | '^' | '$' => {
                    out.push('\\');
                    out.push(c);
                }
                c => out.push(c),
            }
        }
    }
    out.push_str(")$");
    Ok(out)
}

kernels! {
    fn textregexreplace_noopt[cx](s: &str, pattern: &str, new: &str) -> String {
        replace(cx, s, pattern, new, "", None)
    }

    fn textregexreplace[cx](s: &str, pattern: &str, new: &str, flags: &str) -> String {
        if flags.starts_with(|c: char| c.is_ascii_digit()) {
            let letter = &flags[..1];
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("invalid regular expression option: \"{letter}\""),
            )
            .hint("If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly."));
        }
        replace(cx, s, pattern, new, flags, None)
    }

    fn textregexreplace_extended[cx](s: &str, pattern: &str, new: &str, start: i32, n: i32, flags: &str) -> String {
        replace(cx, s, pattern, new, flags, Some((start, Some(n))))
    }

    fn textregexreplace_extended_no_flags[cx](s: &str, pattern: &str, new: &str, start: i32, n: i32) -> String {
        replace(cx, s, pattern, new, "", Some((start, Some(n))))
    }

    fn textregexreplace_extended_no_n[cx](s: &str, pattern: &str, new: &str, start: i32) -> String {
        replace(cx, s, pattern, new, "", Some((start, None)))
    }

    fn regexp_match[cx](s: &str, pattern: &str, flags: &str) -> Option<ArrayValue> {
        first_match(cx, s, pattern, flags)
    }

    fn regexp_match_no_flags[cx](s: &str, pattern: &str) -> Option<ArrayValue> {
        first_match(cx, s, pattern, "")
    }

    fn regexp_like[cx](s: &str, pattern: &str, flags: &str) -> bool {
        let options = Options::parse(flags)?;
        not_global(options, "regexp_like()")?;
        compiled(cx, pattern, options)?.is_match(s)
    }

    fn regexp_like_no_flags[cx](s: &str, pattern: &str) -> bool {
        compiled(cx, pattern, Options::default())?.is_match(s)
    }

    fn regexp_split_to_array[cx](s: &str, pattern: &str, flags: &str) -> ArrayValue {
        let parts = pieces(cx, s, pattern, flags, "regexp_split_to_array()")?;
        Ok(ArrayValue::one_dimensional(TEXT, parts.into_iter().map(Datum::from).collect()))
    }

    fn regexp_split_to_array_no_flags[cx](s: &str, pattern: &str) -> ArrayValue {
        let parts = pieces(cx, s, pattern, "", "regexp_split_to_array()")?;
        Ok(ArrayValue::one_dimensional(TEXT, parts.into_iter().map(Datum::from).collect()))
    }

    fn regexp_count[cx](s: &str, pattern: &str, start: i32, flags: &str) -> i32 {
        count(cx, s, pattern, start, flags)
    }

    fn regexp_count_no_flags[cx](s: &str, pattern: &str, start: i32) -> i32 {
        count(cx, s, pattern, start, "")
    }

    fn regexp_count_no_start[cx](s: &str, pattern: &str) -> i32 {
        count(cx, s, pattern, 1, "")
    }

    fn regexp_instr[cx](s: &str, pattern: &str, start: i32, n: i32, end: i32, flags: &str, subexpression: i32) -> i32 {
        instr(cx, s, pattern, Search { start, n, subexpression }, end, flags)
    }

    fn regexp_instr_no_subexpr[cx](s: &str, pattern: &str, start: i32, n: i32, end: i32, flags: &str) -> i32 {
        instr(cx, s, pattern, Search { start, n, subexpression: 0 }, end, flags)
    }

    fn regexp_instr_no_flags[cx](s: &str, pattern: &str, start: i32, n: i32, end: i32) -> i32 {
        instr(cx, s, pattern, Search { start, n, subexpression: 0 }, end, "")
    }

    fn regexp_instr_no_endoption[cx](s: &str, pattern: &str, start: i32, n: i32) -> i32 {
        instr(cx, s, pattern, Search { start, n, subexpression: 0 }, 0, "")
    }

    fn regexp_instr_no_n[cx](s: &str, pattern: &str, start: i32) -> i32 {
        instr(cx, s, pattern, Search { start, n: 1, subexpression: 0 }, 0, "")
    }

    fn regexp_instr_no_start[cx](s: &str, pattern: &str) -> i32 {
        instr(cx, s, pattern, Search { start: 1, n: 1, subexpression: 0 }, 0, "")
    }

    fn regexp_substr[cx](s: &str, pattern: &str, start: i32, n: i32, flags: &str, subexpression: i32) -> Option<String> {
        substr(cx, s, pattern, Search { start, n, subexpression }, flags)
    }

    fn regexp_substr_no_subexpr[cx](s: &str, pattern: &str, start: i32, n: i32, flags: &str) -> Option<String> {
        substr(cx, s, pattern, Search { start, n, subexpression: 0 }, flags)
    }

    fn regexp_substr_no_flags[cx](s: &str, pattern: &str, start: i32, n: i32) -> Option<String> {
        substr(cx, s, pattern, Search { start, n, subexpression: 0 }, "")
    }

    fn regexp_substr_no_n[cx](s: &str, pattern: &str, start: i32) -> Option<String> {
        substr(cx, s, pattern, Search { start, n: 1, subexpression: 0 }, "")
    }

    fn regexp_substr_no_start[cx](s: &str, pattern: &str) -> Option<String> {
        substr(cx, s, pattern, Search { start: 1, n: 1, subexpression: 0 }, "")
    }

    fn textregexsubstr[cx](s: &str, pattern: &str) -> Option<String> {
        extract(cx, s, pattern)
    }

    fn similar_substring[cx](s: &str, pattern: &str, escape: &str) -> Option<String> {
        extract(cx, s, &similar(pattern, Some(escape))?)
    }

    fn similar_to_escape_1(pattern: &str) -> String {
        similar(pattern, None)
    }

    fn similar_to_escape_2(pattern: &str, escape: &str) -> String {
        similar(pattern, Some(escape))
    }

    fn similar_escape(pattern: Option<&str>, escape: Option<&str>) -> Option<String> {
        pattern.map(|p| similar(p, escape)).transpose()
    }
}

/// Values made at once and handed out a batch at a time.
struct Made(std::vec::IntoIter<Datum>);

impl SetRows for Made {
    fn next(&mut self, _: &mut EvalContext<'_>, columns: &mut [ColumnBuilder], max: usize) -> Result<usize> {
        let mut rows = 0;
        for value in self.0.by_ref().take(max) {
            columns[0].push(value.as_ref());
            rows += 1;
        }
        Ok(rows)
    }
}

pub(super) fn made(values: Vec<Datum>) -> Box<dyn SetRows> {
    Box::new(Made(values.into_iter()))
}

fn text_at<'a>(a: &[DatumRef<'a>], i: usize) -> &'a str {
    match a.get(i) {
        Some(DatumRef::Text(t)) => t,
        _ => "",
    }
}

fn regexp_matches(cx: &mut EvalContext<'_>, _: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    let (s, options) = (text_at(a, 0), Options::parse(text_at(a, 2))?);
    let regex = compiled(cx, text_at(a, 1), options)?;
    let found = match options.global {
        true => all_matches(&regex, s, 0)?,
        false => regex.find_at(s, 0)?.into_iter().collect(),
    };
    Ok(made(found.iter().map(|spans| Datum::array(groups(&regex, s, spans))).collect()))
}

fn regexp_split_to_table(cx: &mut EvalContext<'_>, _: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    let parts = pieces(cx, text_at(a, 0), text_at(a, 1), text_at(a, 2), "regexp_split_to_table()")?;
    Ok(made(parts.into_iter().map(Datum::from).collect()))
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(6254, "regexp_count", &[TEXT, TEXT], INT4, Row(regexp_count_no_start)),
    f(6255, "regexp_count", &[TEXT, TEXT, INT4], INT4, Row(regexp_count_no_flags)),
    f(6256, "regexp_count", &[TEXT, TEXT, INT4, TEXT], INT4, Row(regexp_count)),
    f(6257, "regexp_instr", &[TEXT, TEXT], INT4, Row(regexp_instr_no_start)),
    f(6258, "regexp_instr", &[TEXT, TEXT, INT4], INT4, Row(regexp_instr_no_n)),
    f(6259, "regexp_instr", &[TEXT, TEXT, INT4, INT4], INT4, Row(regexp_instr_no_endoption)),
    f(6260, "regexp_instr", &[TEXT, TEXT, INT4, INT4, INT4], INT4, Row(regexp_instr_no_flags)),
    f(6261, "regexp_instr", &[TEXT, TEXT, INT4, INT4, INT4, TEXT], INT4, Row(regexp_instr_no_subexpr)),
    f(6262, "regexp_instr", &[TEXT, TEXT, INT4, INT4, INT4, TEXT, INT4], INT4, Row(regexp_instr)),
    f(6263, "regexp_like", &[TEXT, TEXT], BOOL, Row(regexp_like_no_flags)),
    f(6264, "regexp_like", &[TEXT, TEXT, TEXT], BOOL, Row(regexp_like)),
    f(3396, "regexp_match", &[TEXT, TEXT], TEXT_ARRAY, Row(regexp_match_no_flags)),
    f(3397, "regexp_match", &[TEXT, TEXT, TEXT], TEXT_ARRAY, Row(regexp_match)),
    f(2284, "regexp_replace", &[TEXT, TEXT, TEXT], TEXT, Row(textregexreplace_noopt)),
    f(2285, "regexp_replace", &[TEXT, TEXT, TEXT, TEXT], TEXT, Row(textregexreplace)),
    f(6251, "regexp_replace", &[TEXT, TEXT, TEXT, INT4, INT4, TEXT], TEXT, Row(textregexreplace_extended)),
    f(6252, "regexp_replace", &[TEXT, TEXT, TEXT, INT4, INT4], TEXT, Row(textregexreplace_extended_no_flags)),
    f(6253, "regexp_replace", &[TEXT, TEXT, TEXT, INT4], TEXT, Row(textregexreplace_extended_no_n)),
    f(2767, "regexp_split_to_array", &[TEXT, TEXT], TEXT_ARRAY, Row(regexp_split_to_array_no_flags)),
    f(2768, "regexp_split_to_array", &[TEXT, TEXT, TEXT], TEXT_ARRAY, Row(regexp_split_to_array)),
    f(6265, "regexp_substr", &[TEXT, TEXT], TEXT, Row(regexp_substr_no_start)),
    f(6266, "regexp_substr", &[TEXT, TEXT, INT4], TEXT, Row(regexp_substr_no_n)),
    f(6267, "regexp_substr", &[TEXT, TEXT, INT4, INT4], TEXT, Row(regexp_substr_no_flags)),
    f(6268, "regexp_substr", &[TEXT, TEXT, INT4, INT4, TEXT], TEXT, Row(regexp_substr_no_subexpr)),
    f(6269, "regexp_substr", &[TEXT, TEXT, INT4, INT4, TEXT, INT4], TEXT, Row(regexp_substr)),
    f(1623, "similar_escape", &[TEXT, TEXT], TEXT, Row(similar_escape)).lax(),
    f(1986, "similar_to_escape", &[TEXT, TEXT], TEXT, Row(similar_to_escape_2)),
    f(1987, "similar_to_escape", &[TEXT], TEXT, Row(similar_to_escape_1)),
    f(2073, "substring", &[TEXT, TEXT], TEXT, Row(textregexsubstr)),
    f(1658, "bpcharregexeq", &[BPCHAR, TEXT], BOOL, Column(matches::<false, false>, matches_column::<false, false>)),
    f(79, "nameregexeq", &[NAME, TEXT], BOOL, Column(matches::<false, false>, matches_column::<false, false>)),
    f(1254, "textregexeq", &[TEXT, TEXT], BOOL, Column(matches::<false, false>, matches_column::<false, false>)),
    f(1659, "bpcharregexne", &[BPCHAR, TEXT], BOOL, Column(matches::<false, true>, matches_column::<false, true>)),
    f(1252, "nameregexne", &[NAME, TEXT], BOOL, Column(matches::<false, true>, matches_column::<false, true>)),
    f(1256, "textregexne", &[TEXT, TEXT], BOOL, Column(matches::<false, true>, matches_column::<false, true>)),
    f(1656, "bpcharicregexeq", &[BPCHAR, TEXT], BOOL, Column(matches::<true, false>, matches_column::<true, false>)),
    f(1240, "nameicregexeq", &[NAME, TEXT], BOOL, Column(matches::<true, false>, matches_column::<true, false>)),
    f(1238, "texticregexeq", &[TEXT, TEXT], BOOL, Column(matches::<true, false>, matches_column::<true, false>)),
    f(1657, "bpcharicregexne", &[BPCHAR, TEXT], BOOL, Column(matches::<true, true>, matches_column::<true, true>)),
    f(1241, "nameicregexne", &[NAME, TEXT], BOOL, Column(matches::<true, true>, matches_column::<true, true>)),
    f(1239, "texticregexne", &[TEXT, TEXT], BOOL, Column(matches::<true, true>, matches_column::<true, true>)),
    f(2074, "substring", &[TEXT, TEXT, TEXT], TEXT, Row(similar_substring)),
    f(2763, "regexp_matches", &[TEXT, TEXT], TEXT_ARRAY, Set(regexp_matches)).set(),
    f(2764, "regexp_matches", &[TEXT, TEXT, TEXT], TEXT_ARRAY, Set(regexp_matches)).set(),
    f(2765, "regexp_split_to_table", &[TEXT, TEXT], TEXT, Set(regexp_split_to_table)).set(),
    f(2766, "regexp_split_to_table", &[TEXT, TEXT, TEXT], TEXT, Set(regexp_split_to_table)).set(),
];
