//! `to_char` of numbers and `to_number`, by templates such as `FM999,990.00PR`.
//!
//! A template is read into pieces and a description of the number they make; a processor then walks the
//! pieces over the number's digits, one way or the other. The order of decisions is that of `NUM_processor` in
//! PostgreSQL's `formatting.c`, whose results have corners that no description reproduces. The locale is C.

use super::convert::kernels;
use super::f;
use crate::base::{Error, Result, SqlState};
use crate::expr::function::Function;
use crate::expr::function::Kernel::Row;
use crate::types::oid::*;
use crate::types::{Numeric, NumericRef};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Key {
    Nine,
    Zero,
    Point,
    Comma,
    Group,
    Currency,
    Roman { lower: bool },
    Ordinal { lower: bool },
    Minus,
    Plus,
    EitherSign,
    Sign,
    Angle,
    Blank,
    Fill,
    Multiply,
    Exponent,
    Nothing,
}

enum Piece {
    Key(Key),
    Literal(char),
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum LocaleSign {
    #[default]
    None,
    Before,
    After,
}

/// What a template says of the number as a whole.
#[derive(Clone, Copy, Default)]
struct Shape {
    /// Digits before and after the point, and behind `V`.
    pre: i32,
    post: i32,
    multi: i32,
    sign: LocaleSign,
    /// Digits before the locale's sign.
    pre_sign: i32,
    zero_start: i32,
    zero_end: i32,
    point: bool,
    zero: bool,
    fill: bool,
    locale_sign: bool,
    angle: bool,
    minus: bool,
    plus: bool,
    roman: bool,
    multiply: bool,
    exponent: bool,
}

/// Keywords, longer ones before their beginnings.
const KEYS: &[(&str, Key)] = &[
    (",", Key::Comma),
    (".", Key::Point),
    ("0", Key::Zero),
    ("9", Key::Nine),
    ("B", Key::Blank),
    ("C", Key::Nothing),
    ("D", Key::Point),
    ("EEEE", Key::Exponent),
    ("FM", Key::Fill),
    ("G", Key::Group),
    ("L", Key::Currency),
    ("MI", Key::Minus),
    ("PL", Key::Plus),
    ("PR", Key::Angle),
    ("RN", Key::Roman { lower: false }),
    ("SG", Key::EitherSign),
    ("SP", Key::Nothing),
    ("S", Key::Sign),
    ("TH", Key::Ordinal { lower: false }),
    ("V", Key::Multiply),
    ("b", Key::Blank),
    ("c", Key::Nothing),
    ("d", Key::Point),
    ("eeee", Key::Exponent),
    ("fm", Key::Fill),
    ("g", Key::Group),
    ("l", Key::Currency),
    ("mi", Key::Minus),
    ("pl", Key::Plus),
    ("pr", Key::Angle),
    ("rn", Key::Roman { lower: true }),
    ("sg", Key::EitherSign),
    ("sp", Key::Nothing),
    ("s", Key::Sign),
    ("th", Key::Ordinal { lower: true }),
    ("v", Key::Multiply),
];

fn syntax(message: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message)
}

/// Reads a template.
fn parse(template: &str) -> Result<(Vec<Piece>, Shape)> {
    let (mut pieces, mut shape) = (Vec::new(), Shape::default());
    let mut rest = template;
    while let Some(c) = rest.chars().next() {
        if let Some((word, key)) = KEYS.iter().find(|(word, _)| rest.starts_with(word)) {
            shape.take(*key)?;
            pieces.push(Piece::Key(*key));
            rest = &rest[word.len()..];
        } else if c == '"' {
            rest = quoted(&rest[1..], &mut pieces);
        } else {
            // Outside quotes a backslash only shields a quote.
            let shielded = rest.starts_with("\\\"");
            let c = if shielded { '"' } else { c };
            pieces.push(Piece::Literal(c));
            rest = &rest[if shielded { 2 } else { c.len_utf8() }..];
        }
    }
    Ok((pieces, shape))
}

/// Text in double quotes; a backslash shields the next character.
fn quoted<'a>(text: &'a str, pieces: &mut Vec<Piece>) -> &'a str {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => pieces.extend(chars.next().map(Piece::Literal)),
            c => pieces.push(Piece::Literal(c)),
        }
    }
    chars.as_str()
}

impl Shape {
    /// Takes in one more keyword (`NUMDesc_prepare`).
    fn take(&mut self, key: Key) -> Result<()> {
        if self.exponent && key != Key::Exponent {
            return Err(syntax("\"EEEE\" must be the last pattern used"));
        }
        match key {
            Key::Nine => {
                if self.angle {
                    return Err(syntax("\"9\" must be ahead of \"PR\""));
                }
                match (self.multiply, self.point) {
                    (true, _) => self.multi += 1,
                    (false, true) => self.post += 1,
                    (false, false) => self.pre += 1,
                }
            }
            Key::Zero => {
                if self.angle {
                    return Err(syntax("\"0\" must be ahead of \"PR\""));
                }
                if !self.zero && !self.point {
                    self.zero = true;
                    self.zero_start = self.pre + 1;
                }
                if self.point {
                    self.post += 1
                } else {
                    self.pre += 1
                }
                self.zero_end = self.pre + self.post;
            }
            Key::Point => {
                if self.point {
                    return Err(syntax("multiple decimal points"));
                }
                if self.multiply {
                    return Err(syntax("cannot use \"V\" and decimal point together"));
                }
                self.point = true;
            }
            Key::Fill => self.fill = true,
            Key::Sign => self.take_locale_sign()?,
            Key::Minus | Key::Plus | Key::EitherSign => {
                if self.locale_sign {
                    let name = match key {
                        Key::Minus => "MI",
                        Key::Plus => "PL",
                        _ => "SG",
                    };
                    return Err(syntax(&format!("cannot use \"S\" and \"{name}\" together")));
                }
                self.minus |= key != Key::Plus;
                self.plus |= key != Key::Minus;
            }
            Key::Angle => {
                if self.locale_sign || self.plus || self.minus {
                    return Err(syntax("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together"));
                }
                self.angle = true;
            }
            Key::Roman { .. } => self.roman = true,
            Key::Multiply => {
                if self.point {
                    return Err(syntax("cannot use \"V\" and decimal point together"));
                }
                self.multiply = true;
            }
            Key::Exponent => self.take_exponent()?,
            Key::Comma | Key::Group | Key::Currency | Key::Ordinal { .. } | Key::Blank | Key::Nothing => {}
        }
        Ok(())
    }

    fn take_locale_sign(&mut self) -> Result<()> {
        if self.locale_sign {
            return Err(syntax("cannot use \"S\" twice"));
        }
        if self.plus || self.minus || self.angle {
            return Err(syntax("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together"));
        }
        self.locale_sign = true;
        if self.point {
            self.sign = LocaleSign::After;
        } else {
            self.sign = LocaleSign::Before;
            self.pre_sign = self.pre;
        }
        Ok(())
    }

    fn take_exponent(&mut self) -> Result<()> {
        if self.exponent {
            return Err(syntax("cannot use \"EEEE\" twice"));
        }
        if self.fill || self.locale_sign || self.angle || self.minus || self.plus || self.roman || self.multiply {
            return Err(syntax("\"EEEE\" is incompatible with other formats")
                .detail("\"EEEE\" may only be used together with digit and decimal point patterns."));
        }
        self.exponent = true;
        Ok(())
    }
}

/// Writes the digits of a number into a template.
struct Writer<'a> {
    shape: Shape,
    /// The digits, `.` among them.
    number: &'a [u8],
    at: usize,
    negative: bool,
    /// How many places of the template lie before the number's first digit.
    spaces: i32,
    out: String,
    /// How many digit places have been passed.
    current: i32,
    count: i32,
    /// A digit has been written.
    inside: bool,
    sign_written: bool,
    /// The last digit after the point that fill mode keeps, or the point.
    last_relevant: Option<usize>,
}

impl<'a> Writer<'a> {
    fn new(mut shape: Shape, number: &'a str, spaces: i32, negative: bool) -> Writer<'a> {
        let bytes = number.as_bytes();
        shape.zero_start -= i32::from(shape.zero_start > 0);
        if shape.roman {
            shape = Shape { fill: shape.fill, roman: true, ..Shape::default() };
        }
        let sign_written = if shape.plus || shape.minus {
            shape.minus || !shape.plus
        } else {
            if !negative && shape.angle && shape.fill {
                shape.angle = false;
            }
            if shape.sign == LocaleSign::Before && shape.pre == shape.pre_sign {
                shape.sign = LocaleSign::After;
            }
            !negative && shape.fill && !shape.locale_sign
        };
        let mut last_relevant = None;
        if shape.fill && shape.point {
            last_relevant = last_relevant_digit(bytes).map(|last| {
                if shape.zero_end > spaces {
                    last.max((bytes.len() as i32 - 1).min(shape.zero_end - spaces) as usize)
                } else {
                    last
                }
            });
        }
        let count = shape.post + shape.pre - 1 + i32::from(!sign_written && spaces == 0);
        Writer {
            shape,
            number: bytes,
            at: 0,
            negative,
            spaces,
            out: String::new(),
            current: 0,
            count,
            inside: false,
            sign_written,
            last_relevant,
        }
    }

    fn byte(&self, at: usize) -> u8 {
        self.number.get(at).copied().unwrap_or(0)
    }

    /// Whether the number's only digit before the point is a zero that the template leaves blank.
    fn blank_zero(&self) -> bool {
        !self.shape.zero && self.at == 0 && self.byte(0) == b'0' && self.shape.post != 0
    }

    fn relevant_is_point(&self) -> bool {
        self.last_relevant.is_some_and(|last| self.byte(last) == b'.')
    }

    fn locale_sign(&mut self) {
        self.out.push(if self.negative { '-' } else { '+' });
    }

    fn sign_before_digit(&mut self) {
        let reached = self.current >= self.spaces || (self.shape.zero && self.shape.zero_start == self.current);
        if self.sign_written || !reached || (self.blank_zero() && !self.relevant_is_point()) {
            return;
        }
        if self.shape.locale_sign {
            if self.shape.sign == LocaleSign::Before {
                self.locale_sign();
                self.sign_written = true;
            }
            return;
        }
        if self.shape.angle {
            self.out.push(if self.negative { '<' } else { ' ' });
        } else if self.negative {
            self.out.push('-');
        } else if !self.shape.fill {
            self.out.push(' ');
        }
        self.sign_written = true;
    }

    /// A digit place or the decimal point (`NUM_numpart_to_char`).
    fn place(&mut self, key: Key) {
        if self.shape.roman {
            return;
        }
        self.inside = false;
        self.sign_before_digit();
        let zero = self.shape.zero;
        if self.current < self.spaces && (self.shape.zero_start > self.current || !zero) {
            if !self.shape.fill {
                self.out.push(' ');
            }
        } else if zero && self.current < self.spaces && self.shape.zero_start <= self.current {
            self.out.push('0');
            self.inside = true;
        } else {
            self.digit(key);
            if self.at < self.number.len() {
                self.at += 1;
            }
        }
        let mut end = self.count + i32::from(self.spaces > 0) + i32::from(self.shape.point);
        if self.last_relevant == Some(self.at) {
            end = self.current;
        }
        if self.current + 1 == end {
            if self.sign_written && self.shape.angle {
                self.out.push(if self.negative { '>' } else { ' ' });
            } else if self.shape.locale_sign && self.shape.sign == LocaleSign::After {
                self.locale_sign();
            }
        }
        self.current += 1;
    }

    fn digit(&mut self, key: Key) {
        if self.byte(self.at) == b'.' {
            if !self.relevant_is_point() || self.shape.fill {
                self.out.push('.');
            }
        } else if self.last_relevant.is_some_and(|last| self.at > last) && key != Key::Zero {
        } else if self.blank_zero() {
            if !self.shape.fill {
                self.out.push(' ');
            } else if self.relevant_is_point() {
                self.out.push('0');
            }
        } else if self.at < self.number.len() {
            self.out.push(char::from(self.byte(self.at)));
            self.inside = true;
        }
    }

    fn key(&mut self, key: Key) -> Result<()> {
        match key {
            Key::Nine | Key::Zero | Key::Point => self.place(key),
            Key::Comma | Key::Group => {
                if self.inside {
                    self.out.push(',');
                } else if !self.shape.fill {
                    self.out.push(' ');
                }
            }
            Key::Currency => self.out.push(' '),
            Key::Roman { lower } => {
                let mut text = String::from_utf8_lossy(&self.number[self.at..]).into_owned();
                if lower {
                    text.make_ascii_lowercase();
                }
                if self.shape.fill {
                    self.out.push_str(&text);
                } else {
                    self.out.push_str(&format!("{text:>15}"));
                }
            }
            Key::Ordinal { lower } => {
                if !(self.shape.roman || self.byte(0) == b'#' || self.negative || self.shape.point) {
                    let suffix = ordinal(self.number)?;
                    self.out.push_str(&if lower { suffix.to_owned() } else { suffix.to_ascii_uppercase() });
                }
            }
            Key::Minus => self.either(self.negative, '-'),
            Key::Plus => self.either(!self.negative, '+'),
            Key::EitherSign => self.out.push(if self.negative { '-' } else { '+' }),
            Key::Sign | Key::Angle | Key::Blank | Key::Fill | Key::Multiply | Key::Exponent | Key::Nothing => {}
        }
        Ok(())
    }

    fn either(&mut self, written: bool, sign: char) {
        if written {
            self.out.push(sign);
        } else if !self.shape.fill {
            self.out.push(' ');
        }
    }

    fn run(mut self, pieces: &[Piece]) -> Result<String> {
        for piece in pieces {
            match piece {
                Piece::Key(key) => self.key(*key)?,
                Piece::Literal(c) => self.out.push(*c),
            }
        }
        Ok(self.out)
    }
}

fn last_relevant_digit(number: &[u8]) -> Option<usize> {
    let point = number.iter().position(|&b| b == b'.')?;
    Some(number.iter().rposition(|&b| b != b'0').filter(|&i| i > point).unwrap_or(point))
}

fn ordinal(number: &[u8]) -> Result<&'static str> {
    let last = number.last().copied().unwrap_or(b'0');
    if !last.is_ascii_digit() {
        let text = String::from_utf8_lossy(number);
        return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("\"{text}\" is not a number")));
    }
    let teen = number.len() > 1 && number[number.len() - 2] == b'1';
    Ok(match last {
        b'1' if !teen => "st",
        b'2' if !teen => "nd",
        b'3' if !teen => "rd",
        _ => "th",
    })
}

fn roman(n: i64) -> String {
    const STEPS: [(i64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..=3999).contains(&n) {
        return "#".repeat(15);
    }
    let (mut n, mut out) = (n, String::new());
    for (value, letters) in STEPS {
        while n >= value {
            out.push_str(letters);
            n -= value;
        }
    }
    out
}

/// Fills the template with the digits of a number; with `#` when there are too many before the point.
fn write(pieces: &[Piece], shape: Shape, digits: &str) -> Result<String> {
    let (negative, number) = digits.strip_prefix('-').map_or((false, digits), |d| (true, d));
    let before = number.find('.').unwrap_or(number.len()) as i32;
    if before > shape.pre {
        let mut marks = "#".repeat((shape.pre + shape.post + 1) as usize).into_bytes();
        marks[shape.pre as usize] = b'.';
        let marks = String::from_utf8(marks).expect("ASCII");
        return Writer::new(shape, &marks, 0, negative).run(pieces);
    }
    Writer::new(shape, number, shape.pre - before, negative).run(pieces)
}

/// What `EEEE` makes of a number that has no exponent: NaN and the infinities.
fn no_exponent(shape: Shape) -> String {
    let mut marks = "#".repeat((shape.pre + shape.post + 6) as usize).into_bytes();
    marks[0] = b' ';
    marks[shape.pre as usize + 1] = b'.';
    String::from_utf8(marks).expect("ASCII")
}

/// C's `%+.*e`, a blank for the plus.
fn exponent_of(v: f64, digits: usize) -> String {
    let text = format!("{v:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').expect("an exponent was asked for");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    let sign = if exponent < 0 { '-' } else { '+' };
    let lead = if mantissa.starts_with('-') { "" } else { " " };
    format!("{lead}{mantissa}e{sign}{:02}", exponent.abs())
}

/// Digits of a number as text.
fn digits_of(v: NumericRef<'_>) -> String {
    let mut out = Vec::new();
    v.write(&mut out);
    String::from_utf8(out).expect("digits are ASCII")
}

/// Scientific notation with rounding half away from zero (`numeric_out_sci`).
fn exponent_of_numeric(v: NumericRef<'_>, digits: i32) -> Result<String> {
    let text = digits_of(v.abs().as_ref());
    let point = text.find('.').unwrap_or(text.len()) as i32;
    let plain: Vec<u8> = text.bytes().filter(|b| *b != b'.').collect();
    let first = plain.iter().position(|&b| b != b'0').map(|i| i as i32);
    let exponent = first.map_or(0, |first| point - 1 - first);
    // A mantissa that rounds up to ten stays ten, as it does in PostgreSQL.
    let mantissa = match first {
        None => Numeric::ZERO.as_ref().round(digits)?,
        Some(_) => shifted(&plain, first, digits)?,
    };
    let sign = if exponent < 0 { '-' } else { '+' };
    let lead = if v.signum() < 0 { '-' } else { ' ' };
    Ok(format!("{lead}{}e{sign}{:02}", digits_of(mantissa.as_ref()), exponent.abs()))
}

/// `d.ddd` of the digits from the first significant one on, rounded.
fn shifted(plain: &[u8], first: Option<i32>, digits: i32) -> Result<Numeric> {
    let significant = &plain[first.unwrap_or(0) as usize..];
    let text = std::str::from_utf8(significant).expect("digits are ASCII");
    let (one, rest) = text.split_at(1);
    let keep = rest.len().min(digits as usize + 1);
    // Digits beyond the first one cut off cannot change a rounding half away from zero.
    Numeric::parse(&format!("{one}.{}", &rest[..keep]))?.as_ref().round(digits)
}

fn format_numeric(v: NumericRef<'_>, template: &str) -> Result<String> {
    let (pieces, mut shape) = parse(template)?;
    if shape.roman {
        let whole = v.round(0)?;
        let text = roman(whole.as_ref().to_i32()?.into());
        return Writer::new(shape, &text, 0, false).run(&pieces);
    }
    if shape.exponent {
        return if v.is_finite() { exponent_of_numeric(v, shape.post) } else { Ok(no_exponent(shape)) };
    }
    let mut value = v.to_owned();
    if shape.multiply {
        let factor = Numeric::from(10i32).as_ref().power(Numeric::from(shape.multi).as_ref())?;
        value = value.as_ref().mul(factor.as_ref())?;
        shape.pre += shape.multi;
    }
    let rounded = value.as_ref().round(shape.post)?;
    write(&pieces, shape, &digits_of(rounded.as_ref()))
}

fn format_integer(v: i64, template: &str, limits: (i64, i64, &str)) -> Result<String> {
    let (pieces, mut shape) = parse(template)?;
    if shape.roman {
        return Writer::new(shape, &roman(v), 0, false).run(&pieces);
    }
    if shape.exponent {
        return exponent_of_numeric(Numeric::from(v).as_ref(), shape.post);
    }
    let mut value = v;
    if shape.multiply {
        let (low, high, name) = limits;
        let factor = 10i64.checked_pow(shape.multi as u32);
        value = factor
            .and_then(|f| v.checked_mul(f))
            .filter(|v| (low..=high).contains(v))
            .ok_or_else(|| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{name} out of range")))?;
        shape.pre += shape.multi;
    }
    let mut digits = value.to_string();
    if shape.post > 0 {
        digits.push('.');
        digits.extend(std::iter::repeat_n('0', shape.post as usize));
    }
    write(&pieces, shape, &digits)
}

/// `exact` is how many decimal digits the type holds.
fn format_float(v: f64, template: &str, exact: i32) -> Result<String> {
    let (pieces, mut shape) = parse(template)?;
    if shape.roman {
        // What is no integer has no letters either; the cast makes it 0 or huge.
        let n = v.round_ties_even();
        return Writer::new(shape, &roman(n as i64), 0, false).run(&pieces);
    }
    if shape.exponent {
        return Ok(if v.is_finite() { exponent_of(v, shape.post as usize) } else { no_exponent(shape) });
    }
    let mut value = v;
    if shape.multiply {
        value *= 10f64.powi(shape.multi);
        shape.pre += shape.multi;
    }
    let shown = |v: f64, digits: usize| match v {
        v if v.is_nan() => "NaN".to_owned(),
        v if v.is_infinite() => if v < 0.0 { "-Infinity" } else { "Infinity" }.to_owned(),
        v => format!("{v:.digits$}"),
    };
    let before = shown(value.abs(), 0).len() as i32;
    shape.post = if before >= exact { 0 } else { shape.post.min(exact - before) };
    write(&pieces, shape, &shown(value, shape.post as usize))
}

/// Reads a number out of a text that follows a template.
struct Scanner<'a> {
    shape: Shape,
    text: &'a [u8],
    at: usize,
    sign: Option<u8>,
    digits: String,
    read_pre: i32,
    read_post: i32,
    read_point: bool,
}

impl Scanner<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    /// Skips up to `n` characters that are no data of a number.
    fn skip(&mut self, n: usize) {
        for _ in 0..n {
            match self.byte(self.at) {
                Some(b) if !b"0123456789.,+-".contains(&b) => {
                    self.at += 1;
                    while self.byte(self.at).is_some_and(|b| b & 0xc0 == 0x80) {
                        self.at += 1;
                    }
                }
                _ => break,
            }
        }
    }

    fn is_minus(&self, b: u8) -> bool {
        b == b'-' || (self.shape.angle && b == b'<')
    }

    /// A digit place or the decimal point (`NUM_numpart_from_char`); leaves the position on the character it read.
    fn place(&mut self, key: Key) {
        if self.byte(self.at) == Some(b' ') {
            self.at += 1;
        }
        let Some(b) = self.byte(self.at) else { return };
        if self.sign.is_none() && key != Key::Point && self.read_pre + self.read_post == 0 {
            let before = !self.shape.locale_sign || self.shape.sign == LocaleSign::Before;
            if before && self.is_minus(b) {
                self.sign = Some(b'-');
                self.at += 1;
            } else if before && b == b'+' {
                self.sign = Some(b'+');
                self.at += 1;
            }
        }
        let Some(b) = self.byte(self.at) else { return };
        let mut read = false;
        if b.is_ascii_digit() {
            if self.read_point && self.read_post == self.shape.post {
                return;
            }
            self.digits.push(char::from(b));
            if self.read_point {
                self.read_post += 1
            } else {
                self.read_pre += 1
            }
            read = true;
        } else if self.shape.point && !self.read_point && b == b'.' {
            self.digits.push('.');
            self.read_point = true;
            read = true;
        }
        if self.sign.is_some() || self.read_pre + self.read_post == 0 {
            return;
        }
        if self.shape.locale_sign && read {
            if let Some(next @ (b'-' | b'+')) = self.byte(self.at + 1) {
                self.sign = Some(next);
                self.at += 1;
            }
        } else if !read && !self.shape.locale_sign && (self.shape.plus || self.shape.minus) {
            if self.is_minus(b) {
                self.sign = Some(b'-');
            } else if b == b'+' {
                self.sign = Some(b'+');
            }
        }
    }

    fn key(&mut self, key: Key) {
        match key {
            Key::Nine | Key::Zero | Key::Point => {
                self.place(key);
                self.at += 1;
            }
            Key::Comma | Key::Group
                // Before the first digit fill mode expects no separator.
                if self.byte(self.at) == Some(b',') => {
                    self.at += 1;
                }
            Key::Currency => self.skip(1),
            Key::Ordinal { .. }
                if self.sign != Some(b'-') && !self.shape.point => {
                    self.skip(2);
                }
            Key::Minus => self.sign_or_skip(b"-"),
            Key::Plus => self.sign_or_skip(b"+"),
            Key::EitherSign => self.sign_or_skip(b"-+"),
            _ => {}
        }
    }

    fn sign_or_skip(&mut self, signs: &[u8]) {
        match self.byte(self.at) {
            Some(b) if signs.contains(&b) => {
                self.sign = Some(b);
                self.at += 1;
            }
            _ => self.skip(1),
        }
    }
}

fn read_number(text: &str, template: &str) -> Result<Option<Numeric>> {
    if template.is_empty() {
        return Ok(None);
    }
    let (pieces, shape) = parse(template)?;
    if shape.exponent {
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "\"EEEE\" not supported for input"));
    }
    if shape.roman {
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "\"RN\" not supported for input"));
    }
    let mut scanner = Scanner {
        shape,
        text: text.as_bytes(),
        at: 0,
        sign: None,
        digits: String::new(),
        read_pre: 0,
        read_post: 0,
        read_point: false,
    };
    for piece in &pieces {
        if scanner.at >= scanner.text.len() {
            break;
        }
        match piece {
            Piece::Key(key) => scanner.key(*key),
            Piece::Literal(_) => {
                scanner.at += 1;
                while scanner.byte(scanner.at).is_some_and(|b| b & 0xc0 == 0x80) {
                    scanner.at += 1;
                }
            }
        }
    }
    let sign = scanner.sign.map_or(' ', char::from);
    let digits = format!("{sign}{}", scanner.digits.strip_suffix('.').unwrap_or(&scanner.digits));
    let number = Numeric::parse(&digits)?;
    let scale = scanner.read_post;
    let number = number.as_ref().fit(shape.pre + shape.multi + scale, scale)?;
    if !shape.multiply {
        return Ok(Some(number));
    }
    let ten = Numeric::from(10i32);
    let factor = ten.as_ref().power(Numeric::from(-shape.multi).as_ref())?;
    number.as_ref().mul(factor.as_ref()).map(Some)
}

kernels! {
    fn numeric_to_char(v: NumericRef<'_>, template: &str) -> String {
        format_numeric(v, template)
    }

    fn int4_to_char(v: i32, template: &str) -> String {
        format_integer(v.into(), template, (i32::MIN.into(), i32::MAX.into(), "integer"))
    }

    fn int8_to_char(v: i64, template: &str) -> String {
        format_integer(v, template, (i64::MIN, i64::MAX, "bigint"))
    }

    fn float4_to_char(v: f32, template: &str) -> String {
        format_float(v.into(), template, 6)
    }

    fn float8_to_char(v: f64, template: &str) -> String {
        format_float(v, template, 15)
    }

    fn numeric_to_number(text: &str, template: &str) -> Option<Numeric> {
        read_number(text, template)
    }
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(1772, "to_char", &[NUMERIC, TEXT], TEXT, Row(numeric_to_char)).stable(),
    f(1773, "to_char", &[INT4, TEXT], TEXT, Row(int4_to_char)).stable(),
    f(1774, "to_char", &[INT8, TEXT], TEXT, Row(int8_to_char)).stable(),
    f(1775, "to_char", &[FLOAT4, TEXT], TEXT, Row(float4_to_char)).stable(),
    f(1776, "to_char", &[FLOAT8, TEXT], TEXT, Row(float8_to_char)).stable(),
    f(1777, "to_number", &[TEXT, TEXT], NUMERIC, Row(numeric_to_number)).stable(),
];
