//! From PostgreSQL's regular expressions to the syntax of `regex` and `fancy-regex` (`regc_lex.c` is the specification).
//!
//! One pass over the pattern; each construct is written out in the other syntax. Errors that PostgreSQL names are found
//! here and named as it does.

use super::invalid;
use super::options::{Options, Syntax};
use crate::base::Result;
use std::iter::Peekable;
use std::str::Chars;

/// A pattern in the engines' syntax.
pub struct Translated {
    pub text: String,
    /// It needs look-around or back-references.
    pub fancy: bool,
    /// It has alternatives, and of those that match at one place the longest is wanted.
    pub longest: bool,
}

/// PostgreSQL's `DUPMAX`.
const MOST_REPEATS: u32 = 255;
/// Groups within groups; the engines recurse.
const DEEPEST: usize = 200;

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    options: Options,
    out: String,
    fancy: bool,
    /// Where each open group starts in `out`.
    open: Vec<usize>,
    captures: usize,
    /// Where the last atom starts, if a quantifier may follow.
    atom: Option<usize>,
    /// Of each open group, and of the whole below them, what it prefers.
    preferences: Vec<Preference>,
    /// Where the quantifiers end in `out`, and whether they are lazy.
    quantifiers: Vec<(usize, bool)>,
    /// A construct with a preference of its own: the others keep theirs.
    mixed: bool,
    alternatives: bool,
}

/// Whether an expression prefers short matches. In PostgreSQL that is one choice for a whole expression: the one of its
/// first quantified atom, and long whenever there are alternatives.
#[derive(Clone, Default)]
struct Preference {
    /// Where what is inside starts in `out`, and where its bars are.
    start: usize,
    bars: Vec<usize>,
    /// There is more inside than plain characters and bars.
    complex: bool,
    lazy: Option<bool>,
    alternatives: bool,
    /// What a group that has just closed prefers, which counts if no quantifier follows it.
    inner: Option<bool>,
}

impl Preference {
    fn settle_inner(&mut self) {
        if let Some(inner) = self.inner.take() {
            self.lazy.get_or_insert(inner);
        }
    }

    fn result(&self) -> Option<bool> {
        if self.alternatives { Some(false) } else { self.lazy.or(self.inner) }
    }
}

pub fn translate(pattern: &str, mut options: Options) -> Result<Translated> {
    let mut pattern = pattern;
    options.take_prefix(&mut pattern)?;
    let mut t = Translator {
        rest: pattern.chars().peekable(),
        options,
        out: String::with_capacity(pattern.len() + 16),
        fancy: false,
        open: Vec::new(),
        captures: 0,
        atom: None,
        preferences: vec![Preference::default()],
        quantifiers: Vec::new(),
        mixed: false,
        alternatives: false,
    };
    if options.ignore_case {
        t.out.push_str("(?i)");
        t.preferences[0].start = t.out.len();
    }
    match options.syntax {
        Syntax::Quoted => t.out.push_str(&regex::escape(pattern)),
        Syntax::Basic => return Err(crate::base::Error::unsupported("a basic regular expression")),
        Syntax::Are | Syntax::Ere => t.run()?,
    }
    t.preference().settle_inner();
    t.make_uniform();
    let longest = t.alternatives && !t.mixed && t.preferences[0].result() != Some(true);
    Ok(Translated { text: t.out, fancy: t.fancy, longest })
}

impl Translator<'_> {
    fn run(&mut self) -> Result<()> {
        while let Some(c) = self.rest.next() {
            if !matches!(c, '*' | '+' | '?' | '{') {
                self.preference().settle_inner();
            }
            match c {
                '\\' => self.escape()?,
                '[' => self.bracket()?,
                '(' => self.group()?,
                ')' => self.close()?,
                '|' => {
                    self.out.push('|');
                    self.atom = None;
                    self.preference().alternatives = true;
                    let bar = self.out.len() - 1;
                    self.preference().bars.push(bar);
                    self.alternatives = true;
                }
                '*' | '+' | '?' => self.quantifier(c)?,
                '{' if self.rest.peek().is_some_and(char::is_ascii_digit) => self.bound()?,
                '{' => self.literal('{'),
                '.' => self.atom(if self.options.newline_stops { "[^\n]" } else { "(?s:.)" }),
                '^' => self.anchor(if self.options.newline_anchors { "(?m:^)" } else { "\\A" }),
                '$' => self.anchor(if self.options.newline_anchors { "(?m:$)" } else { "\\z" }),
                '#' if self.options.expanded => while self.rest.next().is_some_and(|c| c != '\n') {},
                c if self.options.expanded && c.is_whitespace() => {}
                c => self.literal(c),
            }
        }
        if !self.open.is_empty() {
            return Err(invalid("parentheses () not balanced"));
        }
        self.sort_alternatives();
        Ok(())
    }

    /// Alternatives of plain characters go longest first, so that a group takes the longest, as in PostgreSQL.
    fn sort_alternatives(&mut self) {
        let group = self.preference().clone();
        if group.complex || group.bars.is_empty() {
            return;
        }
        let body = self.out.split_off(group.start);
        let mut parts = Vec::new();
        let mut from = 0;
        for bar in group.bars.iter().map(|bar| bar - group.start).chain([body.len()]) {
            parts.push(&body[from..bar]);
            from = bar + 1;
        }
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        self.out.push_str(&parts.join("|"));
    }

    fn preference(&mut self) -> &mut Preference {
        self.preferences.last_mut().expect("the whole expression stays open")
    }

    /// The engines let each quantifier choose for itself; PostgreSQL's whole expression chooses once.
    fn make_uniform(&mut self) {
        let lazies = self.quantifiers.iter().filter(|(_, lazy)| *lazy).count();
        if self.mixed || lazies == 0 {
            return;
        }
        let whole = self.preferences[0].result().unwrap_or(false);
        for &(at, lazy) in self.quantifiers.iter().rev() {
            match (lazy, whole) {
                (true, false) => drop(self.out.remove(at)),
                (false, true) => self.out.insert(at, '?'),
                _ => {}
            }
        }
    }

    /// Notes a quantifier that ends here, with its `?` if it is lazy still to be written.
    fn quantified(&mut self, lazy: bool) {
        let preference = self.preference();
        preference.complex = true;
        preference.inner = None;
        preference.lazy.get_or_insert(lazy);
        self.quantifiers.push((self.out.len(), lazy));
        if lazy {
            self.out.push('?');
        }
    }

    fn atom(&mut self, text: &str) {
        self.preference().complex = true;
        self.atom = Some(self.out.len());
        self.out.push_str(text);
    }

    fn literal(&mut self, c: char) {
        self.atom = Some(self.out.len());
        push_literal(&mut self.out, c);
    }

    /// A constraint: it may not be quantified.
    fn anchor(&mut self, text: &str) {
        self.preference().complex = true;
        self.out.push_str(text);
        self.atom = None;
    }

    fn group(&mut self) -> Result<()> {
        if self.open.len() >= DEEPEST {
            return Err(invalid("regular expression is too complex"));
        }
        self.preference().complex = true;
        self.open.push(self.out.len());
        self.preferences.push(Preference::default());
        self.atom = None;
        if self.rest.peek() != Some(&'?') || self.options.syntax == Syntax::Ere {
            self.captures += 1;
            self.out.push('(');
            let start = self.out.len();
            self.preference().start = start;
            return Ok(());
        }
        self.rest.next();
        match self.rest.next() {
            Some(':') => self.out.push_str("(?:"),
            Some(c @ ('=' | '!')) => {
                self.fancy = true;
                self.out.push_str("(?");
                self.out.push(c);
            }
            Some('<') => {
                self.fancy = true;
                match self.rest.next() {
                    Some('=') => self.out.push_str("(?<="),
                    Some('!') => self.out.push_str("(?<!"),
                    _ => return Err(invalid("quantifier operand invalid")),
                }
            }
            Some('#') => {
                self.open.pop();
                self.preferences.pop();
                while self.rest.next().is_some_and(|c| c != ')') {}
                return Ok(());
            }
            _ => return Err(invalid("quantifier operand invalid")),
        }
        let start = self.out.len();
        self.preference().start = start;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        match self.open.pop() {
            Some(start) => {
                self.sort_alternatives();
                self.out.push(')');
                let inner = self.preferences.pop().and_then(|p| p.result());
                self.preference().inner = inner;
                self.atom = Some(start);
                Ok(())
            }
            None if self.options.syntax == Syntax::Ere => {
                self.literal(')');
                Ok(())
            }
            None => Err(invalid("parentheses () not balanced")),
        }
    }

    fn lazy(&mut self) -> bool {
        self.options.syntax == Syntax::Are && self.rest.next_if_eq(&'?').is_some()
    }

    fn quantifier(&mut self, c: char) -> Result<()> {
        if self.atom.take().is_none() {
            return Err(invalid("quantifier operand invalid"));
        }
        self.out.push(c);
        let lazy = self.lazy();
        self.quantified(lazy);
        Ok(())
    }

    fn number(&mut self) -> Option<u32> {
        let mut digits = String::new();
        while let Some(c) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(c);
        }
        digits.parse().ok()
    }

    fn bound(&mut self) -> Result<()> {
        let Some(atom) = self.atom.take() else { return Err(invalid("quantifier operand invalid")) };
        let counts = || invalid("invalid repetition count(s)");
        let least = self.number().ok_or_else(counts)?;
        let most = match self.rest.next() {
            Some('}') => Some(least),
            Some(',') => {
                let most = match self.rest.peek() {
                    Some(c) if c.is_ascii_digit() => Some(self.number().ok_or_else(counts)?),
                    _ => None,
                };
                if self.rest.next() != Some('}') {
                    return Err(counts());
                }
                most
            }
            Some(_) => return Err(counts()),
            None => return Err(invalid("braces {} not balanced")),
        };
        if least > MOST_REPEATS || most.is_some_and(|m| m > MOST_REPEATS || m < least) {
            return Err(counts());
        }
        let lazy = self.lazy();
        if (least, most) == (1, Some(1)) && lazy && self.out[atom..].starts_with("(?:") {
            // `(?:..){1,1}?` makes the whole group match as little as it can: SUBSTRING .. SIMILAR is built on it.
            self.out.replace_range(atom..atom + 3, "(?U:");
            self.mixed = true;
            return Ok(());
        }
        match most {
            Some(most) if most == least => self.out.push_str(&format!("{{{least}}}")),
            Some(most) => self.out.push_str(&format!("{{{least},{most}}}")),
            None => self.out.push_str(&format!("{{{least},}}")),
        }
        self.quantified(lazy);
        Ok(())
    }

    fn escape(&mut self) -> Result<()> {
        let Some(c) = self.rest.next() else { return Err(invalid("invalid escape \\ sequence")) };
        if self.options.syntax == Syntax::Ere || !c.is_ascii_alphanumeric() {
            self.literal(c);
            return Ok(());
        }
        match c {
            'd' => self.atom("[0-9]"),
            'D' => self.atom("[^0-9]"),
            's' => self.atom("\\s"),
            'S' => self.atom("\\S"),
            'w' => self.atom("\\w"),
            'W' => self.atom("\\W"),
            'A' => self.anchor("\\A"),
            'Z' => self.anchor("\\z"),
            'm' => self.anchor("\\b{start}"),
            'M' => self.anchor("\\b{end}"),
            'y' => self.anchor("\\b"),
            'Y' => self.anchor("\\B"),
            '1'..='9' => self.back_reference(c)?,
            _ => {
                let c = self.character_escape(c)?;
                self.literal(c);
            }
        }
        Ok(())
    }

    fn back_reference(&mut self, first: char) -> Result<()> {
        let mut number = first.to_digit(10).unwrap_or(0) as usize;
        while let Some(d) = self.rest.peek().and_then(|c| c.to_digit(10)) {
            let longer = number * 10 + d as usize;
            if longer > self.captures {
                break;
            }
            number = longer;
            self.rest.next();
        }
        if number > self.captures {
            return Err(invalid("invalid backreference number"));
        }
        self.fancy = true;
        let text = format!("(?:\\{number})");
        self.atom(&text);
        Ok(())
    }

    fn hex(&mut self, least: usize, most: usize) -> Result<char> {
        let mut digits = String::new();
        while digits.len() < most {
            match self.rest.next_if(char::is_ascii_hexdigit) {
                Some(c) => digits.push(c),
                None => break,
            }
        }
        let bad = || invalid("invalid escape \\ sequence");
        if digits.len() < least {
            return Err(bad());
        }
        u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).ok_or_else(bad)
    }

    /// An escape that stands for one character.
    fn character_escape(&mut self, c: char) -> Result<char> {
        Ok(match c {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'B' => '\\',
            'c' => {
                let next = self.rest.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
                char::from((next as u32 & 0x1f) as u8)
            }
            'e' => '\u{1b}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'u' => self.hex(4, 4)?,
            'U' => self.hex(8, 8)?,
            'x' => self.hex(1, 255)?,
            '0' => {
                let mut code = 0;
                for _ in 0..2 {
                    match self.rest.peek().and_then(|c| c.to_digit(8)) {
                        Some(d) => {
                            code = code * 8 + d;
                            self.rest.next();
                        }
                        None => break,
                    }
                }
                char::from(code as u8)
            }
            _ => return Err(invalid("invalid escape \\ sequence")),
        })
    }

    fn bracket(&mut self) -> Result<()> {
        let unbalanced = || invalid("brackets [] not balanced");
        let rest: String = self.rest.clone().take(6).collect();
        for (marker, boundary) in [("[:<:]]", "\\b{start}"), ("[:>:]]", "\\b{end}")] {
            if rest == marker {
                for _ in marker.chars() {
                    self.rest.next();
                }
                self.anchor(boundary);
                return Ok(());
            }
        }
        self.preference().complex = true;
        self.atom = Some(self.out.len());
        self.out.push('[');
        let negated = self.rest.next_if_eq(&'^').is_some();
        if negated {
            self.out.push('^');
            if self.options.newline_stops {
                self.out.push('\n');
            }
        }
        let mut first = true;
        loop {
            let c = self.rest.next().ok_or_else(unbalanced)?;
            match c {
                ']' if !first => break,
                '[' if matches!(self.rest.peek(), Some(':' | '.' | '=')) => self.named_class()?,
                '\\' if self.options.syntax == Syntax::Are => self.class_escape()?,
                c => self.class_item(c)?,
            }
            first = false;
        }
        self.out.push(']');
        Ok(())
    }

    /// A character, or the range it begins.
    fn class_item(&mut self, c: char) -> Result<()> {
        push_class_literal(&mut self.out, c);
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || matches!(ahead.next(), Some(']') | None) {
            return Ok(());
        }
        self.rest.next();
        let end = match self.rest.next() {
            Some('\\') if self.options.syntax == Syntax::Are => {
                let e = self.rest.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
                if e.is_ascii_alphanumeric() { self.character_escape(e)? } else { e }
            }
            Some('[') if self.rest.peek() == Some(&'.') => self.collating_element()?,
            Some(end) => end,
            None => return Err(invalid("brackets [] not balanced")),
        };
        if end < c {
            return Err(invalid("invalid character range"));
        }
        self.out.push('-');
        push_class_literal(&mut self.out, end);
        Ok(())
    }

    fn class_escape(&mut self) -> Result<()> {
        let c = self.rest.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
        match c {
            'd' => self.out.push_str("0-9"),
            's' => self.out.push_str("\\s"),
            'w' => self.out.push_str("\\w"),
            'D' | 'S' | 'W' => {
                self.out.push_str(if c == 'D' {
                    "[^0-9]"
                } else if c == 'S' {
                    "\\S"
                } else {
                    "\\W"
                });
            }
            c if c.is_ascii_alphanumeric() => {
                let c = self.character_escape(c)?;
                self.class_item(c)?;
            }
            c => self.class_item(c)?,
        }
        Ok(())
    }

    fn collating_element(&mut self) -> Result<char> {
        self.rest.next();
        let c = self.rest.next().ok_or_else(|| invalid("invalid collating element"))?;
        if self.rest.next() == Some('.') && self.rest.next() == Some(']') {
            return Ok(c);
        }
        Err(invalid("invalid collating element"))
    }

    /// `[:alpha:]`, `[.x.]`, `[=x=]` inside brackets.
    fn named_class(&mut self) -> Result<()> {
        let kind = self.rest.next().expect("peeked");
        let mut name = String::new();
        loop {
            match self.rest.next() {
                Some(c) if c == kind && self.rest.peek() == Some(&']') => break,
                Some(c) => name.push(c),
                None => return Err(invalid("brackets [] not balanced")),
            }
        }
        self.rest.next();
        if kind != ':' {
            let mut chars = name.chars();
            return match (chars.next(), chars.next()) {
                (Some(c), None) => self.class_item(c),
                _ => Err(invalid("invalid collating element")),
            };
        }
        self.out.push_str(match name.as_str() {
            "alpha" => "[\\w--[\\d_]]",
            "alnum" => "[\\w--_]",
            "digit" => "0-9",
            "space" => "\\s",
            "word" => "\\w",
            "upper" if self.options.ignore_case => "[\\w--[\\d_]]",
            "lower" if self.options.ignore_case => "[\\w--[\\d_]]",
            "upper" => "[:upper:]",
            "lower" => "[:lower:]",
            "blank" => "[:blank:]",
            "punct" => "[:punct:]",
            "graph" => "[:graph:]",
            "print" => "[:print:]",
            "cntrl" => "[:cntrl:]",
            "xdigit" => "[:xdigit:]",
            "ascii" => "[:ascii:]",
            _ => return Err(invalid("invalid character class")),
        });
        Ok(())
    }
}

fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_punctuation()
        && c != '_'
        && !matches!(c, '<' | '>' | '/' | '!' | '"' | '\'' | ',' | ':' | ';' | '=' | '@' | '`' | '%')
    {
        out.push('\\');
    }
    out.push(c);
}

fn push_class_literal(out: &mut String, c: char) {
    if matches!(c, '[' | ']' | '\\' | '^' | '-' | '&' | '~') {
        out.push('\\');
    }
    out.push(c);
}
