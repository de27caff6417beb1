//! COPY FROM: fields to values, values to rows, rows into the table in batches.

use super::binary::Tuples;
use super::lines::{Fields, Lines};
use super::options::{Format, Header, Options};
use crate::base::{Error, Flow, Result, SqlState};
use crate::executor::{ExecContext, insert_batch};
use crate::expr::Expr;
use crate::planner::definitions::Definition;
use crate::txn::{Access, Waited};
use crate::types::{self, Batch, ColumnBuilder, Datum, DatumRef, FormatContext, SqlType, constant_column};
use std::sync::Arc;

/// Rows that are gathered before they are inserted.
const BATCH_ROWS: usize = 1024;
/// How much of a bad field a message shows, in characters (`MAX_COPY_DATA_DISPLAY`).
const SHOWN: usize = 100;

enum Source {
    Lines(Lines),
    Tuples(Tuples),
}

/// One COPY FROM in progress.
pub struct CopyFrom {
    table: Arc<Definition>,
    options: Options,
    /// Positions in the table's columns, in the order of the fields.
    positions: Vec<usize>,
    names: Vec<String>,
    /// For each field: whether FORCE_NOT_NULL, FORCE_NULL apply.
    force_not_null: Vec<bool>,
    force_null: Vec<bool>,
    /// What columns without a field get: position, value.
    defaults: Vec<(usize, Expr)>,
    /// WHERE, over the row.
    filter: Option<Expr>,
    source: Source,
    fields: Fields,
    builders: Vec<ColumnBuilder>,
    gathered: usize,
    header_read: bool,
    rows: u64,
}

impl CopyFrom {
    pub fn new(
        table: Arc<Definition>,
        positions: Vec<usize>,
        options: Options,
        defaults: Vec<(usize, Expr)>,
        filter: Option<Expr>,
    ) -> Result<CopyFrom> {
        let columns = &table.def.table.columns;
        let names: Vec<String> = positions.iter().map(|at| columns[*at].name.clone()).collect();
        let source = match options.format {
            Format::Binary => Source::Tuples(Tuples::default()),
            _ => Source::Lines(Lines::new(&options)),
        };
        let builders = positions.iter().map(|at| builder(table.def.types[*at])).collect();
        Ok(CopyFrom {
            force_not_null: options.forced(&options.force_not_null, "FORCE_NOT_NULL", &names)?,
            force_null: options.forced(&options.force_null, "FORCE_NULL", &names)?,
            table,
            positions,
            names,
            defaults,
            filter,
            source,
            fields: Fields::default(),
            builders,
            gathered: 0,
            header_read: options.header == Header::No,
            options,
            rows: 0,
        })
    }

    pub fn is_binary(&self) -> bool {
        self.options.format == Format::Binary
    }

    pub fn columns(&self) -> usize {
        self.positions.len()
    }

    /// Takes some more bytes in.
    ///
    /// Errors: 22P04 for a malformed row, what input functions say of a value, and what inserting a row can raise, with
    /// the line in CONTEXT.
    pub fn push(&mut self, cx: &mut ExecContext<'_>, data: &[u8]) -> Result<()> {
        match &mut self.source {
            Source::Lines(lines) => lines.push(data),
            Source::Tuples(tuples) => tuples.push(data),
        }
        self.take_rows(cx, false)
    }

    /// Takes in what is left; returns the number of rows.
    pub fn finish(&mut self, cx: &mut ExecContext<'_>) -> Result<u64> {
        self.take_rows(cx, true)?;
        if let Source::Tuples(tuples) = &self.source {
            tuples.finish().map_err(|e| self.at_line(e, None))?;
        }
        self.insert(cx)?;
        Ok(self.rows)
    }

    fn take_rows(&mut self, cx: &mut ExecContext<'_>, last: bool) -> Result<()> {
        loop {
            let more = self.next_row(cx.format, last).map_err(|(e, field)| self.at_line(e, field))?;
            if !more {
                return Ok(());
            }
            if self.gathered >= BATCH_ROWS {
                self.insert(cx)?;
            }
        }
    }

    /// The line, and the column and value where they are known (`CopyFromErrorCallback`).
    fn at_line(&self, e: Error, field: Option<usize>) -> Error {
        if e.fields().context.is_some() || e.flow() != Flow::Fail {
            return e;
        }
        let line = match &self.source {
            Source::Lines(lines) => lines.line,
            Source::Tuples(tuples) => tuples.row,
        };
        let mut context = format!("COPY {}, line {line}", self.table.def.table.name);
        if let Some(i) = field {
            context += &format!(", column {}", self.names[i]);
            if !self.is_binary() {
                let (bytes, null) = self.fields.get(i);
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

    fn next_row(&mut self, format: &FormatContext, last: bool) -> Result<bool, (Error, Option<usize>)> {
        match &mut self.source {
            Source::Tuples(tuples) => {
                let Some(fields) = tuples.next(self.positions.len()).map_err(|e| (e, None))? else { return Ok(false) };
                for (i, field) in fields.into_iter().enumerate() {
                    let ty = self.table.def.types[self.positions[i]];
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
                if !self.header_read {
                    if !lines.next(last, &mut self.fields).map_err(|e| (e, None))? {
                        return Ok(false);
                    }
                    self.header_read = true;
                    self.check_header().map_err(|e| (e, None))?;
                    return Ok(true);
                }
                if !lines.next(last, &mut self.fields).map_err(|e| (e, None))? {
                    return Ok(false);
                }
                self.read_fields(format)?;
            }
        }
        self.gathered += 1;
        Ok(true)
    }

    fn read_fields(&mut self, format: &FormatContext) -> Result<(), (Error, Option<usize>)> {
        let bad = |text: String| (Error::new(SqlState::BAD_COPY_FILE_FORMAT, text), None);
        // A table without columns takes empty lines.
        let count = match (self.positions.len(), self.fields.len()) {
            (0, 1) if self.fields.get(0).0.is_empty() => 0,
            (_, n) => n,
        };
        if count < self.positions.len() {
            return Err(bad(format!("missing data for column \"{}\"", self.names[count])));
        }
        if count > self.positions.len() {
            return Err(bad("extra data after last expected column".into()));
        }
        for i in 0..count {
            let ty = self.table.def.types[self.positions[i]];
            let (bytes, mut null) = self.fields.get(i);
            let mut text = std::str::from_utf8(bytes).map_err(|e| (not_utf8(bytes, e.valid_up_to()), None))?;
            if null && self.force_not_null[i] {
                (null, text) = (false, &self.options.null);
            } else if !null && self.force_null[i] && text == self.options.null {
                null = true;
            }
            if null {
                self.builders[i].push_null();
                continue;
            }
            if text.as_bytes().contains(&0) {
                return Err((not_utf8(b"\0", 0), None));
            }
            let value = types::parse_text(ty, text, format).map_err(|e| (e, Some(i)))?;
            self.builders[i].push(value.as_ref());
        }
        Ok(())
    }

    fn check_header(&self) -> Result<()> {
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
            let (bytes, null) = self.fields.get(i);
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

    /// Inserts what has been gathered. A lock is waited for here, holding the thread: the data cannot be asked for again.
    fn insert(&mut self, cx: &mut ExecContext<'_>) -> Result<()> {
        if self.gathered == 0 {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.gathered);
        let batch = self.whole_rows(cx, rows)?;
        loop {
            let statement = cx.txn.begin_statement(Access::Write)?;
            let deferred = cx.deferred.len();
            match insert_batch(cx, &self.table, self.filter.as_ref(), batch.clone()) {
                Ok(inserted) => {
                    self.rows += inserted;
                    return Ok(());
                }
                Err(e) if e.flow() == Flow::Fail => return Err(self.at_line(e, None)),
                Err(e) => {
                    cx.txn.undo_statement(statement);
                    cx.deferred.truncate(deferred);
                    if e.flow() == Flow::Wait {
                        wait(cx)?;
                    }
                }
            }
        }
    }

    /// A batch in the order of the table's columns, with defaults where there is no field.
    fn whole_rows(&mut self, cx: &mut ExecContext<'_>, rows: usize) -> Result<Batch> {
        let def = &self.table.def;
        let mut columns: Vec<_> =
            def.types.iter().map(|ty| constant_column(ty.physical(), DatumRef::Null, rows)).collect();
        for (builder, at) in self.builders.iter_mut().zip(&self.positions) {
            columns[*at] = builder.finish();
        }
        for (at, expr) in &self.defaults {
            let ty = def.types[*at];
            columns[*at] = match expr {
                Expr::Const { value, .. } => constant_column(ty.physical(), value.as_ref(), rows),
                expr => {
                    let mut made = builder(ty);
                    for _ in 0..rows {
                        let value: Datum = cx.evaluate_row(expr)?;
                        made.push(value.as_ref());
                    }
                    made.finish()
                }
            };
        }
        Ok(Batch::new(columns, rows))
    }
}

fn builder(ty: SqlType) -> ColumnBuilder {
    ColumnBuilder::new(ty.physical(), BATCH_ROWS)
}

fn not_utf8(bytes: &[u8], at: usize) -> Error {
    Error::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": 0x{:02x}", bytes.get(at).copied().unwrap_or(0)),
    )
}

/// Waits for the lock that the transaction has queued for.
fn wait(cx: &mut ExecContext<'_>) -> Result<()> {
    let place = cx.txn.take_wait().ok_or_else(|| Error::internal("a wait without a place in a queue"))?;
    match place.wait_blocking(None, cx.cancelled)? {
        Waited::Granted => Ok(()),
        _ => Err(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")),
    }
}
