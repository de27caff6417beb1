//! The text and CSV forms of COPY, taken apart into fields. A pure core: bytes go in as they come, rows come out.
//!
//! Most rows need no decoding: their fields, quoted as a whole or not at all, are taken where they lie, found a delimiter
//! at a time. The fields of all other rows are decoded one after another into one buffer. A field that was not quoted and
//! equals the NULL string is null. End-of-line may be LF, CR LF or CR, the same throughout (`CopyReadLine`, `src/backend/commands/copyfromparse.c`).

use super::options::{Format, Options};
use crate::base::{Error, Result, SqlState};
use memchr::{memchr, memchr2, memchr3};
use std::ops::Range;

/// The fields of one row: where they are in what [`Lines`] holds, or decoded.
#[derive(Default)]
pub struct Fields {
    /// The row's bytes as they came, when no field had to be decoded.
    row: Option<Range<usize>>,
    /// Decoded fields one after another.
    bytes: Vec<u8>,
    places: Vec<(Range<usize>, bool)>,
}

impl Fields {
    pub fn len(&self) -> usize {
        self.places.len()
    }

    fn clear(&mut self) {
        self.row = None;
        self.bytes.clear();
        self.places.clear();
    }

    fn push_decoded(&mut self, begin: usize, null: bool) {
        if null {
            self.bytes.truncate(begin);
        }
        self.places.push((begin..self.bytes.len(), null));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Eol {
    Unknown,
    Lf,
    Cr,
    CrLf,
}

/// Finds rows in what arrives piecemeal.
pub struct Lines {
    pending: Vec<u8>,
    at: usize,
    eol: Eol,
    ended: bool,
    /// There may be a carriage return in what is pending.
    returns: bool,
    /// The number of the line last taken, from 1.
    pub line: u64,
    csv: bool,
    delimiter: u8,
    quote: u8,
    escape: u8,
    null: Vec<u8>,
}

fn bad(text: impl Into<String>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, text)
}

impl Lines {
    pub fn new(options: &Options) -> Lines {
        Lines {
            pending: Vec::new(),
            at: 0,
            eol: Eol::Unknown,
            ended: false,
            returns: false,
            line: 0,
            csv: options.format == Format::Csv,
            delimiter: options.delimiter,
            quote: options.quote,
            escape: options.escape,
            null: options.null.clone().into_bytes(),
        }
    }

    pub fn push(&mut self, data: &[u8]) {
        if self.at > 0 {
            self.pending.drain(..self.at);
            self.at = 0;
        }
        self.returns = memchr(b'\r', data).is_some() || (self.returns && memchr(b'\r', &self.pending).is_some());
        self.pending.extend_from_slice(data);
    }

    /// The bytes of a field of the row last taken, and whether it is NULL.
    pub fn field<'a>(&'a self, fields: &'a Fields, i: usize) -> (&'a [u8], bool) {
        let (place, null) = &fields.places[i];
        let bytes = if fields.row.is_some() { &self.pending } else { &fields.bytes };
        (&bytes[place.clone()], *null)
    }

    /// The fields of the row last taken as text, if the whole row is and holds no zero byte, and it needed no decoding.
    pub fn texts<'a>(&'a self, fields: &'a Fields) -> Option<Texts<'a>> {
        let row = fields.row.clone()?;
        let text =
            std::str::from_utf8(&self.pending[row.clone()]).ok().filter(|t| memchr(0, t.as_bytes()).is_none())?;
        Some(Texts { text, from: row.start, places: &fields.places })
    }

    /// Takes the next whole row; false when more bytes are needed, or none come. `last`: nothing follows.
    pub fn next(&mut self, last: bool, fields: &mut Fields) -> Result<bool> {
        if self.ended {
            self.at = self.pending.len();
            return Ok(false);
        }
        if self.take_plain(fields) {
            return Ok(true);
        }
        let found = self.find_end(last).inspect_err(|_| self.line += 1)?;
        let Some((end, next, inner)) = found else { return Ok(false) };
        let line = self.at..end;
        self.at = next;
        self.line += 1 + inner;
        if &self.pending[line.clone()] == b"\\." {
            self.ended = true;
            self.at = self.pending.len();
            return Ok(false);
        }
        fields.clear();
        if self.csv {
            self.split_csv(line, fields)?
        } else {
            self.split_text(line, fields)?
        }
        Ok(true)
    }

    /// Takes a row whose fields are there as they are, up to a newline; false, and nothing happens, when it is not so plain
    /// or does not end.
    fn take_plain(&mut self, fields: &mut Fields) -> bool {
        if self.returns || !matches!(self.eol, Eol::Unknown | Eol::Lf) {
            return false;
        }
        fields.clear();
        let bytes = &self.pending[self.at..];
        let special = if self.csv { self.quote } else { b'\\' };
        let (mut start, mut lines) = (0, 1);
        let end = loop {
            let (place, end) = match bytes.get(start) {
                None => return false,
                Some(b) if *b == special => match self.plain_special(bytes, start) {
                    None => return false,
                    Some((place, null, end)) => {
                        if self.csv && self.eol == Eol::Lf {
                            let quoted = &bytes[place.clone()];
                            lines += quoted.iter().filter(|b| **b == b'\n').count() as u64;
                        }
                        fields.places.push((self.at + place.start..self.at + place.end, null));
                        (None, end)
                    }
                },
                Some(_) => match memchr3(self.delimiter, b'\n', special, &bytes[start..]) {
                    Some(length) if bytes[start + length] != special => (Some(start..start + length), start + length),
                    _ => return false,
                },
            };
            if let Some(place) = place {
                let null = bytes[place.clone()] == self.null[..];
                fields.places.push((self.at + place.start..self.at + place.end, null));
            }
            if bytes[end] == b'\n' {
                break end;
            }
            start = end + 1;
        };
        if &bytes[..end] == b"\\." {
            return false;
        }
        fields.row = Some(self.at..self.at + end);
        self.eol = Eol::Lf;
        self.line += lines;
        self.at += end + 1;
        true
    }

    /// A field that begins with a quote and ends with the next one, or the NULL string in the text form: its place, whether
    /// it is NULL, and where the delimiter or newline behind it is.
    fn plain_special(&self, bytes: &[u8], start: usize) -> Option<(Range<usize>, bool, usize)> {
        let (place, null, end) = if self.csv {
            let inner = start + 1;
            let close = inner + memchr2(self.quote, self.escape, &bytes[inner..])?;
            (bytes[close] == self.quote).then_some((inner..close, false, close + 1))?
        } else {
            let end = start + self.null.len();
            (bytes.get(start..end)? == &self.null[..]).then_some((start..start, true, end))?
        };
        matches!(bytes.get(end), Some(b) if *b == self.delimiter || *b == b'\n').then_some((place, null, end))
    }

    /// Where the row ends, where the next begins, and how many line ends are within it.
    fn find_end(&mut self, last: bool) -> Result<Option<(usize, usize, u64)>> {
        let bytes = &self.pending;
        let line_end = if self.eol == Eol::Lf { b'\n' } else { b'\r' };
        let (mut quoted, mut inner) = (false, 0);
        let mut i = self.at;
        while i < bytes.len() {
            let b = bytes[i];
            if self.csv {
                if quoted && b == self.escape && self.escape != self.quote && i + 1 < bytes.len() {
                    i += 2;
                    continue;
                }
                if b == self.quote {
                    quoted = !quoted;
                }
            } else if b == b'\\' {
                // An escaped newline belongs to the data; so does whatever else follows.
                if i + 1 >= bytes.len() && !last {
                    return Ok(None);
                }
                i += 2;
                continue;
            }
            if !quoted && (b == b'\n' || b == b'\r') {
                return Ok(self.take_eol(i, last)?.map(|(end, next)| (end, next, inner)));
            }
            inner += u64::from(quoted && b == line_end);
            i += 1;
        }
        match last && self.at < bytes.len() {
            true if quoted => {
                self.line += inner;
                Err(bad("unterminated CSV quoted field"))
            }
            true => Ok(Some((bytes.len(), bytes.len(), inner))),
            false => Ok(None),
        }
    }

    fn take_eol(&mut self, i: usize, last: bool) -> Result<Option<(usize, usize)>> {
        let bytes = &self.pending;
        if bytes[i] == b'\n' {
            if !matches!(self.eol, Eol::Unknown | Eol::Lf) {
                let hint = if self.csv {
                    "Use quoted CSV field to represent newline."
                } else {
                    "Use \"\\n\" to represent newline."
                };
                let what = if self.csv { "unquoted newline found in data" } else { "literal newline found in data" };
                return Err(bad(what).hint(hint));
            }
            self.eol = Eol::Lf;
            return Ok(Some((i, i + 1)));
        }
        match (bytes.get(i + 1), self.eol) {
            (None, _) if !last => Ok(None),
            (Some(b'\n'), Eol::Unknown | Eol::CrLf) => {
                self.eol = Eol::CrLf;
                Ok(Some((i, i + 2)))
            }
            (_, Eol::Unknown | Eol::Cr) => {
                self.eol = Eol::Cr;
                Ok(Some((i, i + 1)))
            }
            _ => {
                let hint = if self.csv {
                    "Use quoted CSV field to represent carriage return."
                } else {
                    "Use \"\\r\" to represent carriage return."
                };
                let what = if self.csv {
                    "unquoted carriage return found in data"
                } else {
                    "literal carriage return found in data"
                };
                Err(bad(what).hint(hint))
            }
        }
    }

    fn split_text(&self, line: std::ops::Range<usize>, fields: &mut Fields) -> Result<()> {
        let bytes = &self.pending[line];
        let mut start = 0;
        loop {
            let begin = fields.bytes.len();
            let mut i = start;
            loop {
                match bytes.get(i) {
                    None => break,
                    Some(b) if *b == self.delimiter => break,
                    Some(b'\\') => i = unescape(bytes, i + 1, &mut fields.bytes),
                    Some(b) => {
                        fields.bytes.push(*b);
                        i += 1;
                    }
                }
            }
            let null = bytes[start..i] == self.null[..];
            fields.push_decoded(begin, null);
            if i >= bytes.len() {
                return Ok(());
            }
            start = i + 1;
        }
    }

    fn split_csv(&self, line: std::ops::Range<usize>, fields: &mut Fields) -> Result<()> {
        let bytes = &self.pending[line];
        let mut i = 0;
        loop {
            let begin = fields.bytes.len();
            let mut any_quote = false;
            loop {
                match bytes.get(i) {
                    None => break,
                    Some(b) if *b == self.delimiter => break,
                    Some(b) if *b == self.quote => {
                        any_quote = true;
                        i = self.quoted(bytes, i + 1, &mut fields.bytes)?;
                    }
                    Some(b) => {
                        fields.bytes.push(*b);
                        i += 1;
                    }
                }
            }
            let null = !any_quote && fields.bytes[begin..] == self.null[..];
            fields.push_decoded(begin, null);
            if i >= bytes.len() {
                return Ok(());
            }
            i += 1;
        }
    }

    /// Copies what stands up to the closing quote; returns the place after it.
    fn quoted(&self, bytes: &[u8], mut i: usize, out: &mut Vec<u8>) -> Result<usize> {
        while let Some(&b) = bytes.get(i) {
            if b == self.escape
                && let Some(&next) = bytes.get(i + 1)
                && (next == self.quote || next == self.escape)
            {
                out.push(next);
                i += 2;
                continue;
            }
            if b == self.quote {
                return Ok(i + 1);
            }
            out.push(b);
            i += 1;
        }
        Err(bad("unterminated CSV quoted field"))
    }
}

/// The fields of a row as text.
#[derive(Clone, Copy)]
pub struct Texts<'a> {
    text: &'a str,
    from: usize,
    places: &'a [(Range<usize>, bool)],
}

impl<'a> Texts<'a> {
    pub fn get(&self, i: usize) -> (&'a str, bool) {
        let (place, null) = &self.places[i];
        (&self.text[place.start - self.from..place.end - self.from], *null)
    }
}

/// Decodes what follows a backslash at `i`; returns the place after it.
fn unescape(bytes: &[u8], i: usize, out: &mut Vec<u8>) -> usize {
    let Some(&b) = bytes.get(i) else {
        out.push(b'\\');
        return i;
    };
    let simple = match b {
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'0'..=b'7' => return number(bytes, i, 8, 3, out),
        b'x' if bytes.get(i + 1).is_some_and(u8::is_ascii_hexdigit) => return number(bytes, i + 1, 16, 2, out),
        other => other,
    };
    out.push(simple);
    i + 1
}

fn number(bytes: &[u8], start: usize, base: u32, most: usize, out: &mut Vec<u8>) -> usize {
    let mut value = 0u32;
    let mut i = start;
    while i < start + most
        && let Some(digit) = bytes.get(i).and_then(|b| (*b as char).to_digit(base))
    {
        value = value * base + digit;
        i += 1;
    }
    out.push(value as u8);
    i
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::copy::options;

    /// Rows of `text`, fed in pieces of `piece` bytes; `None` is NULL.
    fn rows(csv: bool, text: &str, piece: usize) -> Result<Vec<Vec<Option<String>>>> {
        let mut o = options::read(&[], true)?;
        if csv {
            o.format = Format::Csv;
            o.delimiter = b',';
            o.null = String::new();
        }
        let (mut lines, mut fields, mut out) = (Lines::new(&o), Fields::default(), Vec::new());
        let mut take = |lines: &mut Lines, last| -> Result<()> {
            while lines.next(last, &mut fields)? {
                let one = |i| {
                    let (bytes, null) = lines.field(&fields, i);
                    (!null).then(|| String::from_utf8_lossy(bytes).into_owned())
                };
                out.push((0..fields.len()).map(one).collect());
            }
            Ok(())
        };
        for chunk in text.as_bytes().chunks(piece) {
            lines.push(chunk);
            take(&mut lines, false)?;
        }
        take(&mut lines, true)?;
        Ok(out)
    }

    fn some(fields: &[&str]) -> Vec<Option<String>> {
        fields.iter().map(|f| (*f != "NULL").then(|| (*f).to_owned())).collect()
    }

    #[test]
    fn text_is_unescaped_however_it_arrives() {
        let text =
            "1\ta\\tb\\\\\t\\N\r\n2\t\\x41\\101\\q\t\n".replace("\r\n", "\n") + "3\tline\\\nbreak\tz\n\\.\nnot\tread\n";
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(
                rows(false, &text, piece).unwrap(),
                [some(&["1", "a\tb\\", "NULL"]), some(&["2", "AAq", ""]), some(&["3", "line\nbreak", "z"])]
            );
        }
    }

    #[test]
    fn csv_quotes_hold_delimiters_and_newlines() {
        let text = "a,\"b,\"\"c\"\"\",\n\"x\ny\",\"\",z";
        for piece in [1, 2, 5, 1000] {
            assert_eq!(rows(true, text, piece).unwrap(), [some(&["a", "b,\"c\"", "NULL"]), some(&["x\ny", "", "z"])]);
        }
        assert_eq!(rows(true, "\"open", 9).unwrap_err().message(), "unterminated CSV quoted field");
    }

    #[test]
    fn line_ends_must_agree() {
        assert_eq!(rows(false, "a\r\nb\r\n", 1).unwrap().len(), 2);
        assert_eq!(rows(false, "a\rb\r", 1).unwrap().len(), 2);
        assert_eq!(rows(false, "a\nb\r\n", 1).unwrap_err().message(), "literal carriage return found in data");
        assert_eq!(rows(false, "a\r\nb\n", 1).unwrap_err().message(), "literal newline found in data");
    }
}
