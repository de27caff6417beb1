//! PostgreSQL's regular expressions, run by the crates `regex` and `fancy-regex`.
//!
//! `translate.rs` turns an ARE into their syntax; what needs look-around or back-references goes to `fancy-regex`. Compiled
//! patterns are kept by text and options in a [`RegexCache`], as PostgreSQL keeps its last ones.

mod options;
mod translate;

pub use options::Options;

use crate::base::{Error, Result, SqlState};
use hashbrown::HashMap;
use std::sync::Arc;
use translate::{Translated, translate};

/// How many compiled patterns a session keeps.
const CACHED: usize = 64;
/// Bytes that one compiled pattern may take.
const SIZE_LIMIT: usize = 32 << 20;

pub fn invalid(what: impl std::fmt::Display) -> Error {
    Error::new(SqlState::INVALID_REGULAR_EXPRESSION, format!("invalid regular expression: {what}"))
}

enum Engine {
    Plain(regex::Regex),
    Fancy(Box<fancy_regex::Regex>),
}

/// A compiled pattern.
///
/// The engines take the first alternative that leads to a match, PostgreSQL the one that leads to the longest. The
/// place where a match begins is the same, so for patterns with alternatives the end is searched for by itself, and then
/// the groups of a match that must end there.
pub struct Regex {
    engine: Engine,
    longest: Option<Longest>,
}

struct Longest {
    /// Finds the last place where a match can end.
    end: regex_automata::meta::Regex,
    /// Matches up to the end of the text, for the groups.
    whole: regex::Regex,
}

impl Longest {
    fn new(text: &str) -> Result<Longest> {
        use regex_automata::{MatchKind, meta};
        let config = meta::Config::new().match_kind(MatchKind::All).nfa_size_limit(Some(SIZE_LIMIT));
        let end = meta::Builder::new().configure(config).build(text).map_err(|e| refused(&e.to_string()))?;
        let whole = regex::RegexBuilder::new(&format!("(?:{text})\\z")).size_limit(SIZE_LIMIT).build();
        Ok(Longest { end, whole: whole.map_err(|e| refused(&e.to_string()))? })
    }

    /// The match that begins where `first` does and goes on longest.
    fn extend(&self, text: &str, first: Spans) -> Spans {
        use regex_automata::{Anchored, Input};
        let (start, end) = first[0].expect("the whole match took part");
        let input = Input::new(text).range(start..).anchored(Anchored::Yes);
        let Some(last) = self.end.search_half(&input).map(|m| m.offset()).filter(|&last| last > end) else {
            return first;
        };
        if first.len() > 1 {
            let mut at = self.whole.capture_locations();
            let found = self.whole.captures_read_at(&mut at, &text[..last], start);
            if found.is_some_and(|m| m.start() == start) {
                return (0..at.len()).map(|i| at.get(i)).collect();
            }
        }
        let mut spans = first;
        spans[0] = Some((start, last));
        spans
    }
}

/// Where a match and its groups are, in bytes; a group that did not take part is none.
pub type Spans = Vec<Option<(usize, usize)>>;

impl Regex {
    pub fn new(pattern: &str, options: Options) -> Result<Regex> {
        let Translated { text, fancy, longest } = translate(pattern, options)?;
        let engine = if fancy {
            let built = fancy_regex::RegexBuilder::new(&text).delegate_size_limit(SIZE_LIMIT).build();
            Engine::Fancy(Box::new(built.map_err(|e| refused(&e.to_string()))?))
        } else {
            let built = regex::RegexBuilder::new(&text).size_limit(SIZE_LIMIT).build();
            Engine::Plain(built.map_err(|e| match e {
                regex::Error::CompiledTooBig(_) => invalid("regular expression is too complex"),
                e => refused(&e.to_string()),
            })?)
        };
        let longest = if longest && !fancy { Some(Longest::new(&text)?) } else { None };
        Ok(Regex { engine, longest })
    }

    /// Number of capturing groups.
    pub fn groups(&self) -> usize {
        match &self.engine {
            Engine::Plain(r) => r.captures_len() - 1,
            Engine::Fancy(r) => r.captures_len() - 1,
        }
    }

    pub fn is_match(&self, text: &str) -> Result<bool> {
        match &self.engine {
            Engine::Plain(r) => Ok(r.is_match(text)),
            Engine::Fancy(r) => r.is_match(text).map_err(|e| failed(&e)),
        }
    }

    /// The first match at or after a byte offset, the whole and its groups. What stands before the offset still counts for
    /// `^` and word boundaries.
    pub fn find_at(&self, text: &str, from: usize) -> Result<Option<Spans>> {
        Ok(match &self.engine {
            Engine::Plain(r) => {
                let mut at = r.capture_locations();
                let found = r.captures_read_at(&mut at, text, from);
                let spans = found.map(|_| (0..at.len()).map(|i| at.get(i)).collect());
                match &self.longest {
                    Some(longest) => spans.map(|first| longest.extend(text, first)),
                    None => spans,
                }
            }
            Engine::Fancy(r) => r
                .captures_from_pos(text, from)
                .map_err(|e| failed(&e))?
                .map(|c| (0..c.len()).map(|i| c.get(i).map(|m| (m.start(), m.end()))).collect()),
        })
    }
}

/// The engine's own words, for what the translation did not refuse.
fn refused(message: &str) -> Error {
    let what = message.lines().last().unwrap_or(message).trim_start_matches("error: ");
    invalid(what)
}

fn failed(e: &fancy_regex::Error) -> Error {
    Error::new(SqlState::INVALID_REGULAR_EXPRESSION, format!("regular expression failed: {e}"))
}

/// Compiled patterns by text and options, the least recently compiled dropped first.
#[derive(Default)]
pub struct RegexCache {
    compiled: HashMap<(Box<str>, Options), Arc<Regex>>,
    order: std::collections::VecDeque<(Box<str>, Options)>,
}

impl RegexCache {
    pub fn get(&mut self, pattern: &str, options: Options) -> Result<Arc<Regex>> {
        let key = (Box::from(pattern), options);
        if let Some(found) = self.compiled.get(&key) {
            return Ok(found.clone());
        }
        let regex = Arc::new(Regex::new(pattern, options)?);
        if self.order.len() >= CACHED
            && let Some(oldest) = self.order.pop_front()
        {
            self.compiled.remove(&oldest);
        }
        self.compiled.insert(key.clone(), regex.clone());
        self.order.push_back(key);
        Ok(regex)
    }
}

/// All matches one after another, as PostgreSQL's loops go on after each: at the match's end, one character further if
/// it was empty.
pub fn all_matches(regex: &Regex, text: &str, from: usize) -> Result<Vec<Spans>> {
    let mut found = Vec::new();
    let mut at = from;
    while let Some(spans) = regex.find_at(text, at)? {
        let (start, end) = spans[0].expect("the whole match took part");
        found.push(spans);
        at = end;
        if start == end {
            match text[end..].chars().next() {
                Some(c) => at += c.len_utf8(),
                None => break,
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
