//! The options of a regular expression: the flags argument and the letters in `(?..)` at its head
//! (`parse_re_flags`, `lexstart`).

use super::invalid;
use crate::base::{Error, Result, SqlState};

/// Which language the pattern is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// Advanced.
    #[default]
    Are,
    /// Extended: no escapes but of special characters.
    Ere,
    Basic,
    /// A literal string.
    Quoted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    pub syntax: Syntax,
    pub ignore_case: bool,
    /// `.` and `[^..]` stop at newlines.
    pub newline_stops: bool,
    /// `^` and `$` match at newlines.
    pub newline_anchors: bool,
    /// White space and comments are left out.
    pub expanded: bool,
    /// All matches rather than the first; not part of the pattern.
    pub global: bool,
}

impl Options {
    pub fn ignoring_case() -> Options {
        Options { ignore_case: true, ..Options::default() }
    }

    /// Reads a flags argument.
    pub fn parse(flags: &str) -> Result<Options> {
        let mut options = Options::default();
        for c in flags.chars() {
            if c == 'g' {
                options.global = true;
            } else if !options.set(c) {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("invalid regular expression option: \"{c}\""),
                ));
            }
        }
        Ok(options)
    }

    /// Sets what a letter means; false if it means nothing.
    fn set(&mut self, letter: char) -> bool {
        match letter {
            'b' => self.syntax = Syntax::Basic,
            'c' => self.ignore_case = false,
            'e' => self.syntax = Syntax::Ere,
            'i' => self.ignore_case = true,
            'm' | 'n' => (self.newline_stops, self.newline_anchors) = (true, true),
            'p' => (self.newline_stops, self.newline_anchors) = (true, false),
            'q' => self.syntax = Syntax::Quoted,
            's' => (self.newline_stops, self.newline_anchors) = (false, false),
            't' => self.expanded = false,
            'w' => (self.newline_stops, self.newline_anchors) = (false, true),
            'x' => self.expanded = true,
            _ => return false,
        }
        true
    }

    /// Takes the directors `***=` and `***:` and the options `(?..)` off the head of a pattern.
    pub fn take_prefix(&mut self, pattern: &mut &str) -> Result<()> {
        if self.syntax == Syntax::Quoted {
            return Ok(());
        }
        if let Some(rest) = pattern.strip_prefix("***") {
            if let Some(rest) = rest.strip_prefix('=') {
                *pattern = rest;
                self.syntax = Syntax::Quoted;
                return Ok(());
            }
            let Some(rest) = rest.strip_prefix(':') else {
                return Err(invalid("quantifier operand invalid"));
            };
            *pattern = rest;
            self.syntax = Syntax::Are;
        }
        if self.syntax != Syntax::Are {
            return Ok(());
        }
        let Some(rest) = pattern.strip_prefix("(?") else { return Ok(()) };
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Ok(());
        }
        let (letters, rest) = rest.split_once(')').ok_or_else(|| invalid("invalid embedded option"))?;
        for c in letters.chars() {
            if !self.set(c) {
                return Err(invalid("invalid embedded option"));
            }
        }
        *pattern = rest;
        Ok(())
    }
}
