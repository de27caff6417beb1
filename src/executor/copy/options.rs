//! COPY's options, checked as PostgreSQL does (`ProcessCopyOptions`, `src/backend/commands/copy.c`).

use crate::base::{Error, Result, SqlState};
use crate::parser::ast::{DefElem, DefValue};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Csv,
    Binary,
    /// Of COPY TO only.
    Parquet,
}

impl Format {
    /// What its own errors call it; none of the two that are made of fields of text.
    fn mode(self) -> Option<&'static str> {
        match self {
            Format::Text | Format::Csv => None,
            Format::Binary => Some("BINARY"),
            Format::Parquet => Some("PARQUET"),
        }
    }
}

/// What HEADER asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    No,
    Yes,
    /// The names must be those of the columns.
    Match,
}

/// Which columns a FORCE option names.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Force {
    #[default]
    None,
    All,
    Columns(Vec<String>),
}

#[derive(Clone, Debug)]
pub struct Options {
    pub format: Format,
    pub delimiter: u8,
    pub null: String,
    pub header: Header,
    pub quote: u8,
    pub escape: u8,
    pub force_quote: Force,
    pub force_not_null: Force,
    pub force_null: Force,
}

fn syntax(text: impl Into<String>) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, text)
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, text)
}

fn unfit(text: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, text)
}

/// What was written, before defaults.
#[derive(Default)]
struct Written {
    format: Option<Format>,
    delimiter: Option<String>,
    null: Option<String>,
    header: Option<Header>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Force,
    force_not_null: Force,
    force_null: Force,
}

/// Reads the options of a COPY.
///
/// Errors: 42601 for unknown or repeated options, 22023 for values that do not fit, 0A000 for combinations that make no
/// sense, in PostgreSQL's words.
pub fn read(list: &[DefElem], is_from: bool) -> Result<Options> {
    let mut w = Written::default();
    for (i, option) in list.iter().enumerate() {
        if list[..i].iter().any(|o| o.name == option.name) {
            return Err(syntax("conflicting or redundant options").at(option.pos));
        }
        read_one(&mut w, option)?;
    }
    finish(w, is_from)
}

fn read_one(w: &mut Written, option: &DefElem) -> Result<()> {
    match option.name.as_str() {
        "format" => {
            let name = word(option)?;
            w.format = Some(match name.as_str() {
                "text" => Format::Text,
                "csv" => Format::Csv,
                "binary" => Format::Binary,
                "parquet" => Format::Parquet,
                _ => return Err(invalid(format!("COPY format \"{name}\" not recognized")).at(option.pos)),
            });
        }
        // Rows are stored the same either way.
        "freeze" => drop(boolean(option)?),
        "delimiter" => w.delimiter = Some(word(option)?),
        "null" => w.null = Some(word(option)?),
        "header" => w.header = Some(header(option)?),
        "quote" => w.quote = Some(word(option)?),
        "escape" => w.escape = Some(word(option)?),
        "force_quote" => w.force_quote = columns(option)?,
        "force_not_null" => w.force_not_null = columns(option)?,
        "force_null" => w.force_null = columns(option)?,
        "encoding" => match word(option)?.to_ascii_uppercase().replace(['-', '_'], "").as_str() {
            "UTF8" | "UNICODE" | "SQLASCII" => {}
            other => return Err(Error::unsupported(format!("COPY with encoding {other}"))),
        },
        other => return Err(syntax(format!("option \"{other}\" not recognized")).at(option.pos)),
    }
    Ok(())
}

fn word(option: &DefElem) -> Result<String> {
    match &option.value {
        Some(DefValue::Word(s) | DefValue::String(s) | DefValue::Float(s)) => Ok(s.clone()),
        Some(DefValue::Type(t)) => Ok(t.name.to_string()),
        Some(DefValue::Name(n)) => Ok(n.to_string()),
        Some(DefValue::Integer(n)) => Ok(n.to_string()),
        Some(DefValue::Bool(b)) => Ok(b.to_string()),
        _ => Err(syntax(format!("{} requires a parameter", option.name))),
    }
}

fn boolean(option: &DefElem) -> Result<bool> {
    let Some(value) = &option.value else { return Ok(true) };
    let known = match value {
        DefValue::Bool(b) => Some(*b),
        DefValue::Integer(0) => Some(false),
        DefValue::Integer(1) => Some(true),
        _ => match word(option)?.to_ascii_lowercase().as_str() {
            "true" | "on" => Some(true),
            "false" | "off" => Some(false),
            _ => None,
        },
    };
    known.ok_or_else(|| syntax(format!("{} requires a Boolean value", option.name)))
}

fn header(option: &DefElem) -> Result<Header> {
    if option.value.is_some() && word(option).is_ok_and(|w| w.eq_ignore_ascii_case("match")) {
        return Ok(Header::Match);
    }
    match boolean(option) {
        Ok(true) => Ok(Header::Yes),
        Ok(false) => Ok(Header::No),
        Err(_) => Err(syntax("header requires a Boolean value or \"match\"")),
    }
}

fn columns(option: &DefElem) -> Result<Force> {
    match &option.value {
        Some(DefValue::Star) => Ok(Force::All),
        Some(DefValue::Names(names)) => Ok(Force::Columns(names.iter().map(|n| n.name.clone()).collect())),
        _ => {
            Err(invalid(format!("argument to option \"{}\" must be a list of column names", option.name))
                .at(option.pos))
        }
    }
}

fn finish(w: Written, is_from: bool) -> Result<Options> {
    let format = w.format.unwrap_or(Format::Text);
    let csv = format == Format::Csv;
    if format == Format::Parquet && is_from {
        return Err(Error::unsupported("COPY FROM in Parquet format"));
    }
    if let Some(mode) = format.mode() {
        for (option, given) in [("DELIMITER", w.delimiter.is_some()), ("NULL", w.null.is_some())] {
            if given {
                return Err(syntax(format!("cannot specify {option} in {mode} mode")));
            }
        }
    }
    let delimiter = one_byte("COPY delimiter", w.delimiter.as_deref().unwrap_or(if csv { "," } else { "\t" }))?;
    let null = w.null.clone().unwrap_or_else(|| if csv { String::new() } else { "\\N".into() });
    if matches!(delimiter, b'\r' | b'\n') {
        return Err(invalid("COPY delimiter cannot be newline or carriage return"));
    }
    if null.contains(['\r', '\n']) {
        return Err(invalid("COPY null representation cannot use newline or carriage return"));
    }
    if !csv && b"\\.abcdefghijklmnopqrstuvwxyz0123456789".contains(&delimiter) {
        return Err(invalid(format!("COPY delimiter cannot be \"{}\"", delimiter as char)));
    }
    let header = w.header.unwrap_or(Header::No);
    if let Some(mode) = format.mode()
        && header != Header::No
    {
        return Err(unfit(&format!("cannot specify HEADER in {mode} mode")));
    }
    if header == Header::Match && !is_from {
        return Err(syntax("cannot use \"match\" with HEADER in COPY TO"));
    }
    if !csv && w.quote.is_some() {
        return Err(unfit("COPY quote available only in CSV mode"));
    }
    let quote = one_byte("COPY quote", w.quote.as_deref().unwrap_or("\""))?;
    if csv && delimiter == quote {
        return Err(invalid("COPY delimiter and quote must be different"));
    }
    if !csv && w.escape.is_some() {
        return Err(unfit("COPY escape available only in CSV mode"));
    }
    let escape = match &w.escape {
        Some(e) => one_byte("COPY escape", e)?,
        None => quote,
    };
    check_force(&w, csv, is_from)?;
    if null.as_bytes().contains(&delimiter) && format.mode().is_none() {
        return Err(invalid("COPY delimiter must not appear in the NULL specification"));
    }
    if csv && null.as_bytes().contains(&quote) {
        return Err(invalid("CSV quote character must not appear in the NULL specification"));
    }
    Ok(Options {
        format,
        delimiter,
        null,
        header,
        quote,
        escape,
        force_quote: w.force_quote,
        force_not_null: w.force_not_null,
        force_null: w.force_null,
    })
}

fn check_force(w: &Written, csv: bool, is_from: bool) -> Result<()> {
    let given = |f: &Force| *f != Force::None;
    if given(&w.force_quote) && !csv {
        return Err(unfit("COPY force quote available only in CSV mode"));
    }
    if given(&w.force_quote) && is_from {
        return Err(unfit("COPY force quote only available using COPY TO"));
    }
    if given(&w.force_not_null) && !csv {
        return Err(unfit("COPY force not null available only in CSV mode"));
    }
    if given(&w.force_not_null) && !is_from {
        return Err(unfit("COPY force not null only available using COPY FROM"));
    }
    if given(&w.force_null) && !csv {
        return Err(unfit("COPY force null available only in CSV mode"));
    }
    if given(&w.force_null) && !is_from {
        return Err(unfit("COPY force null only available using COPY FROM"));
    }
    Ok(())
}

fn one_byte(what: &str, text: &str) -> Result<u8> {
    match text.as_bytes() {
        [b] => Ok(*b),
        _ => Err(unfit(&format!("{what} must be a single one-byte character"))),
    }
}

impl Options {
    /// Whether a FORCE option applies to each of the columns.
    ///
    /// Error: 42703 for a name that is not among them.
    pub fn forced(&self, force: &Force, option: &str, columns: &[String]) -> Result<Vec<bool>> {
        match force {
            Force::None => Ok(vec![false; columns.len()]),
            Force::All => Ok(vec![true; columns.len()]),
            Force::Columns(names) => {
                if let Some(stray) = names.iter().find(|n| !columns.contains(n)) {
                    return Err(Error::new(
                        SqlState::INVALID_COLUMN_REFERENCE,
                        format!("{option} column \"{stray}\" not referenced by COPY"),
                    ));
                }
                Ok(columns.iter().map(|c| names.contains(c)).collect())
            }
        }
    }
}
