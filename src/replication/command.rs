//! The commands of a replication connection (`src/backend/replication/repl_gram.y`, `repl_scanner.l`), and two things of our
//! own: `BASE_COPY`, and START_REPLICATION's `CHAIN`, by which a replica says what its log holds before the position.

use crate::base::{Error, Lsn, Result, SqlState};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    IdentifySystem,
    Show(String),
    CreateSlot { name: String, temporary: bool, reserve: bool },
    DropSlot { name: String, wait: bool },
    ReadSlot(String),
    Start { slot: Option<String>, from: Lsn, timeline: Option<u32>, chain: Option<u32> },
    TimelineHistory(u32),
    BaseCopy,
}

impl Command {
    /// The command's tag when it is done.
    pub fn tag(&self) -> &'static str {
        match self {
            Command::IdentifySystem => "IDENTIFY_SYSTEM",
            Command::Show(_) => "SHOW",
            Command::CreateSlot { .. } => "CREATE_REPLICATION_SLOT",
            Command::DropSlot { .. } => "DROP_REPLICATION_SLOT",
            Command::ReadSlot(_) => "READ_REPLICATION_SLOT",
            Command::Start { .. } => "START_REPLICATION",
            Command::TimelineHistory(_) => "TIMELINE_HISTORY",
            Command::BaseCopy => "BASE_COPY",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// As it was written.
    Word(String),
    Quoted(String),
    Text(String),
    Number(u32),
    Position(Lsn),
    Sign(char),
}

/// The command in a text; none when it does not begin like one, and may be SQL.
///
/// Errors: 42601 when it is wrong, 0A000 for what is not built.
pub fn parse(text: &str) -> Result<Option<Command>> {
    let first: String = text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let known = [
        "IDENTIFY_SYSTEM",
        "BASE_BACKUP",
        "BASE_COPY",
        "START_REPLICATION",
        "CREATE_REPLICATION_SLOT",
        "DROP_REPLICATION_SLOT",
        "READ_REPLICATION_SLOT",
        "TIMELINE_HISTORY",
        "SHOW",
    ];
    if !known.contains(&first.to_ascii_uppercase().as_str()) {
        return Ok(None);
    }
    let mut p = Parser { tokens: scan(text)?, at: 0 };
    let command = p.command()?;
    p.sign(';');
    match p.next() {
        None => Ok(Some(command)),
        Some(_) => Err(syntax_error()),
    }
}

fn syntax_error() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "syntax error")
}

fn scan(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            c if c.is_whitespace() => continue,
            ';' | '(' | ')' | ',' => Token::Sign(c),
            '\'' => Token::Text(quoted(&mut chars, '\'')?),
            '"' => Token::Quoted(quoted(&mut chars, '"')?),
            c if c.is_ascii_alphanumeric() || c == '_' => {
                let mut word = c.to_string();
                while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '/' | '.')) {
                    word.push(c);
                }
                match (Lsn::parse(&word), word.parse()) {
                    (Some(lsn), _) => Token::Position(lsn),
                    (None, Ok(number)) => Token::Number(number),
                    _ if word.starts_with(|c: char| c.is_ascii_digit()) || word.contains('/') => {
                        return Err(syntax_error());
                    }
                    _ => Token::Word(word),
                }
            }
            _ => return Err(syntax_error()),
        });
    }
    Ok(tokens)
}

/// What stands up to the closing quote; a doubled one stands for itself.
fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char) -> Result<String> {
    let mut out = String::new();
    loop {
        match chars.next() {
            Some(c) if c == quote && chars.next_if_eq(&quote).is_none() => return Ok(out),
            Some(c) => out.push(c),
            None => return Err(Error::new(SqlState::SYNTAX_ERROR, "unterminated quoted string")),
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    /// Takes the next token if it is this word.
    fn word(&mut self, word: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn sign(&mut self, sign: char) -> bool {
        let is = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(is);
        is
    }

    fn name(&mut self) -> Result<String> {
        match self.next() {
            Some(Token::Word(name)) => Ok(name.to_ascii_lowercase()),
            Some(Token::Quoted(name)) => Ok(name),
            _ => Err(syntax_error()),
        }
    }

    fn number(&mut self) -> Result<u32> {
        match self.next() {
            Some(Token::Number(n)) => Ok(n),
            _ => Err(syntax_error()),
        }
    }

    fn command(&mut self) -> Result<Command> {
        let word = self.name()?.to_ascii_uppercase();
        match word.as_str() {
            "IDENTIFY_SYSTEM" => Ok(Command::IdentifySystem),
            "SHOW" => self.name().map(Command::Show),
            "BASE_COPY" => Ok(Command::BaseCopy),
            "BASE_BACKUP" => Err(Error::unsupported("BASE_BACKUP")),
            "READ_REPLICATION_SLOT" => self.name().map(Command::ReadSlot),
            "TIMELINE_HISTORY" => match self.number()? {
                0 => Err(Error::new(SqlState::SYNTAX_ERROR, "invalid timeline 0")),
                timeline => Ok(Command::TimelineHistory(timeline)),
            },
            "DROP_REPLICATION_SLOT" => Ok(Command::DropSlot { name: self.name()?, wait: self.word("WAIT") }),
            "CREATE_REPLICATION_SLOT" => self.create_slot(),
            "START_REPLICATION" => self.start(),
            _ => Err(syntax_error()),
        }
    }

    fn create_slot(&mut self) -> Result<Command> {
        let name = self.name()?;
        let temporary = self.word("TEMPORARY");
        if self.word("LOGICAL") {
            return Err(Error::unsupported("logical replication"));
        }
        if !self.word("PHYSICAL") {
            return Err(syntax_error());
        }
        let mut reserve = self.word("RESERVE_WAL");
        if self.sign('(') {
            loop {
                let option = self.name()?;
                if !option.eq_ignore_ascii_case("reserve_wal") {
                    let message = format!("unrecognized option: {option}");
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
                reserve = match self.tokens.get(self.at) {
                    Some(Token::Sign(_)) => true,
                    _ => matches!(self.next(), Some(Token::Word(w) | Token::Text(w)) if is_true(&w)),
                };
                if !self.sign(',') {
                    break;
                }
            }
            if !self.sign(')') {
                return Err(syntax_error());
            }
        }
        Ok(Command::CreateSlot { name, temporary, reserve })
    }

    fn start(&mut self) -> Result<Command> {
        let slot = if self.word("SLOT") { Some(self.name()?) } else { None };
        if self.word("LOGICAL") {
            return Err(Error::unsupported("logical replication"));
        }
        self.word("PHYSICAL");
        let Some(Token::Position(from)) = self.next() else { return Err(syntax_error()) };
        let timeline = if self.word("TIMELINE") { Some(self.number()?) } else { None };
        let chain = if self.word("CHAIN") { Some(self.number()?) } else { None };
        Ok(Command::Start { slot, from, timeline, chain })
    }
}

fn is_true(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "true" | "on" | "yes" | "1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn commands_are_those_of_postgresql() {
        let slot = |name: &str, temporary, reserve| Command::CreateSlot { name: name.into(), temporary, reserve };
        let start = |slot: Option<&str>, from, timeline, chain| Command::Start {
            slot: slot.map(str::to_owned),
            from: Lsn(from),
            timeline,
            chain,
        };
        for (text, command) in [
            ("IDENTIFY_SYSTEM", Command::IdentifySystem),
            ("identify_system;", Command::IdentifySystem),
            ("SHOW wal_segment_size", Command::Show("wal_segment_size".into())),
            ("CREATE_REPLICATION_SLOT a PHYSICAL", slot("a", false, false)),
            ("CREATE_REPLICATION_SLOT \"A b\" TEMPORARY PHYSICAL RESERVE_WAL", slot("A b", true, true)),
            ("CREATE_REPLICATION_SLOT a PHYSICAL (RESERVE_WAL)", slot("a", false, true)),
            ("CREATE_REPLICATION_SLOT a PHYSICAL (reserve_wal false)", slot("a", false, false)),
            ("DROP_REPLICATION_SLOT a WAIT", Command::DropSlot { name: "a".into(), wait: true }),
            ("READ_REPLICATION_SLOT a", Command::ReadSlot("a".into())),
            ("START_REPLICATION 0/1A", start(None, 0x1a, None, None)),
            ("START_REPLICATION SLOT a PHYSICAL 1/0 TIMELINE 3", start(Some("a"), 1 << 32, Some(3), None)),
            ("START_REPLICATION 0/0 TIMELINE 1 CHAIN 4294967295", start(None, 0, Some(1), Some(u32::MAX))),
            ("TIMELINE_HISTORY 2", Command::TimelineHistory(2)),
            ("BASE_COPY", Command::BaseCopy),
        ] {
            assert_eq!(parse(text).unwrap(), Some(command), "{text}");
        }
        assert_eq!(parse("SELECT 1").unwrap(), None);
        for wrong in ["IDENTIFY_SYSTEM now", "START_REPLICATION", "START_REPLICATION 0/", "SHOW 'a"] {
            assert_eq!(parse(wrong).unwrap_err().code(), SqlState::SYNTAX_ERROR, "{wrong}");
        }
        let e = parse("START_REPLICATION SLOT a LOGICAL 0/0").unwrap_err();
        assert_eq!(e.message(), "logical replication is not supported");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(START_REPLICATION|SHOW|CREATE_REPLICATION_SLOT)[ -~]{0,40}") {
            let _ = parse(&text);
        }
    }
}
