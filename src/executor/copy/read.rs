//! Bytes to columns: rows are found, their fields parsed, and batches of them handed out with the line of each row.

use super::binary::Tuples;
use super::lines::{Fields, Lines};
use super::options::{Format, Header, Options};
use crate::base::{Error, Flow, Result, SqlState};
use crate::planner::definitions::Definition;
use crate::types::{self, ColumnBuilder, FormatContext, SqlType};
use arrow_array::ArrayRef;
use std::sync::Arc;

/// Rows that are gathered before they are inserted.
const BATCH_ROWS: usize = 1024;
/// How much of a bad field a message shows, in characters (`MAX_COPY_DATA_DISPLAY`).
const SHOWN: usize = 100;

enum Source {
    Lines(Lines),
    Tuples(Tuples),
}

/// Rows as columns, in the order of the fields.
pub(super) struct Piece {
    pub columns: Vec<ArrayRef>,
    /// Where each row was, for messages.
    pub lines: Vec<u64>,
}

/// Reads one COPY's data.
pub(super) struct Reader {
    table: Arc<Definition>,
    options: Options,
    types: Vec<SqlType>,
    names: Vec<String>,
    /// For each field: whether FORCE_NOT_NULL, FORCE_NULL apply.
    force_not_null: Vec<bool>,
    force_null: Vec<bool>,
    format: FormatContext,
    source: Source,
    fields: Fields,
    builders: Vec<ColumnBuilder>,
    lines: Vec<u64>,
    header_read: bool,
}

impl Reader {
    /// `positions` are those of the fields in the table's columns.
    pub fn new(table: Arc<Definition>, positions: &[usize], options: Options, format: FormatContext) -> Result<Reader> {
        let columns = &table.def.table.columns;
        let names: Vec<String> = positions.iter().map(|at| columns[*at].name.clone()).collect();
        let types: Vec<SqlType> = positions.iter().map(|at| table.def.types[*at]).collect();
        let source = match options.format {
            Format::Binary => Source::Tuples(Tuples::default()),
            _ => Source::Lines(Lines::new(&options)),
        };
        Ok(Reader {
            force_not_null: options.forced(&options.force_not_null, "FORCE_NOT_NULL", &names)?,
            force_null: options.forced(&options.force_null, "FORCE_NULL", &names)?,
            builders: types.iter().map(|ty| ColumnBuilder::new(ty.physical(), BATCH_ROWS)).collect(),
            table,
            types,
            names,
            format,
            source,
            fields: Fields::default(),
            lines: Vec::new(),
            header_read: options.header == Header::No,
            options,
        })
    }

    pub fn push(&mut self, data: &[u8]) {
        match &mut self.source {
            Source::Lines(lines) => lines.push(data),
            Source::Tuples(tuples) => tuples.push(data),
        }
    }

    /// The next rows; none when more bytes are needed. `last`: nothing follows, so whatever is there comes out.
    ///
    /// Errors: 22P04 for a malformed row, what input functions say of a value, with the line in CONTEXT. Rows before it
    /// that were not handed out are lost.
    pub fn next(&mut self, last: bool) -> Result<Option<Piece>> {
        while self.lines.len() < BATCH_ROWS {
            if !self.next_row(last).map_err(|(e, field)| self.at_line(e, field))? {
                if last && let Source::Tuples(tuples) = &self.source {
                    tuples.finish().map_err(|e| self.at_line(e, None))?;
                }
                if last && !self.lines.is_empty() {
                    break;
                }
                return Ok(None);
            }
        }
        // Fresh ones: a builder that goes on takes larger blocks each time.
        let finish = |(builder, ty): (&mut ColumnBuilder, &SqlType)| {
            std::mem::replace(builder, ColumnBuilder::new(ty.physical(), BATCH_ROWS)).finish()
        };
        let columns = self.builders.iter_mut().zip(&self.types).map(finish).collect();
        Ok(Some(Piece { columns, lines: std::mem::take(&mut self.lines) }))
    }

    /// The line, and the column and value where they are known (`CopyFromErrorCallback`).
    fn at_line(&self, e: Error, field: Option<usize>) -> Error {
        if e.fields().context.is_some() || e.flow() != Flow::Fail {
            return e;
        }
        let mut context = context(&self.table, self.line());
        if let Some(i) = field {
            context += &format!(", column {}", self.names[i]);
            if let Source::Lines(lines) = &self.source {
                let (bytes, null) = lines.field(&self.fields, i);
                let text = String::from_utf8_lossy(bytes);
                let shown: String = text.chars().take(SHOWN).collect();
                context += &match null {
                    true => ": null input".to_owned(),
                    false if shown.len() < text.len() => format!(": \"{shown}...\""),
                    false => format!(": \"{shown}\""),
                };
            }
        }
        e.context(context)
    }

    fn line(&self) -> u64 {
        match &self.source {
            Source::Lines(lines) => lines.line,
            Source::Tuples(tuples) => tuples.row,
        }
    }

    fn next_row(&mut self, last: bool) -> Result<bool, (Error, Option<usize>)> {
        match &mut self.source {
            Source::Tuples(tuples) => {
                let Some(fields) = tuples.next(self.types.len()).map_err(|e| (e, None))? else { return Ok(false) };
                for (i, field) in fields.into_iter().enumerate() {
                    let ty = self.types[i];
                    match field {
                        None => self.builders[i].push_null(),
                        Some(range) => {
                            let value = types::parse_binary(ty, &tuples.bytes()[range])
                                .and_then(|v| types::coerce_typmod(ty, v, false))
                                .map_err(|e| (e, Some(i)))?;
                            self.builders[i].push(value.as_ref());
                        }
                    }
                }
            }
            Source::Lines(lines) => {
                if !lines.next(last, &mut self.fields).map_err(|e| (e, None))? {
                    return Ok(false);
                }
                if !self.header_read {
                    self.header_read = true;
                    self.check_header().map_err(|e| (e, None))?;
                    return Ok(true);
                }
                self.read_fields()?;
            }
        }
        self.lines.push(self.line());
        Ok(true)
    }

    fn read_fields(&mut self) -> Result<(), (Error, Option<usize>)> {
        let Source::Lines(lines) = &self.source else { return Ok(()) };
        let bad = |text: String| (Error::new(SqlState::BAD_COPY_FILE_FORMAT, text), None);
        // A table without columns takes empty lines.
        let count = match (self.types.len(), self.fields.len()) {
            (0, 1) if lines.field(&self.fields, 0).0.is_empty() => 0,
            (_, n) => n,
        };
        if count < self.types.len() {
            return Err(bad(format!("missing data for column \"{}\"", self.names[count])));
        }
        if count > self.types.len() {
            return Err(bad("extra data after last expected column".into()));
        }
        let texts = lines.texts(&self.fields);
        for i in 0..count {
            let (mut text, mut null) = match &texts {
                Some(texts) => texts.get(i),
                None => {
                    let (bytes, null) = lines.field(&self.fields, i);
                    (valid_text(bytes).map_err(|e| (e, None))?, null)
                }
            };
            if null && self.force_not_null[i] {
                (null, text) = (false, &self.options.null);
            } else if !null && self.force_null[i] && text == self.options.null {
                null = true;
            }
            let builder = &mut self.builders[i];
            match null {
                true => builder.push_null(),
                false => builder.push_parsed(self.types[i], text, &self.format).map_err(|e| (e, Some(i)))?,
            }
        }
        Ok(())
    }

    fn check_header(&self) -> Result<()> {
        let Source::Lines(lines) = &self.source else { return Ok(()) };
        if self.options.header != Header::Match {
            return Ok(());
        }
        let bad = |text: String| Err(Error::new(SqlState::BAD_COPY_FILE_FORMAT, text));
        if self.fields.len() != self.names.len() {
            return bad(format!(
                "wrong number of fields in header line: got {}, expected {}",
                self.fields.len(),
                self.names.len()
            ));
        }
        for (i, name) in self.names.iter().enumerate() {
            let (bytes, null) = lines.field(&self.fields, i);
            let found = String::from_utf8_lossy(bytes);
            if null {
                return bad(format!(
                    "column name mismatch in header line field {}: got null value (\"{}\"), expected \"{name}\"",
                    i + 1,
                    self.options.null
                ));
            }
            if found != *name {
                return bad(format!(
                    "column name mismatch in header line field {}: got \"{found}\", expected \"{name}\"",
                    i + 1
                ));
            }
        }
        Ok(())
    }
}

/// `COPY t, line 3`.
pub(super) fn context(table: &Definition, line: u64) -> String {
    format!("COPY {}, line {line}", table.def.table.name)
}

fn valid_text(bytes: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(bytes).map_err(|e| not_utf8(bytes, e.valid_up_to()))?;
    match bytes.contains(&0) {
        true => Err(not_utf8(b"\0", 0)),
        false => Ok(text),
    }
}

fn not_utf8(bytes: &[u8], at: usize) -> Error {
    Error::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": 0x{:02x}", bytes.get(at).copied().unwrap_or(0)),
    )
}
