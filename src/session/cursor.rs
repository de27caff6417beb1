//! Cursors in SQL: DECLARE, FETCH, MOVE, CLOSE (`src/backend/commands/portalcmds.c`, `pquery.c`).
//!
//! A cursor keeps the rows that it has fetched, so that it can go back and be positioned; one declared NO SCROLL keeps
//! none. WITH HOLD reads all its rows when its transaction commits.

use super::Session;
use super::portal::{Cursor, Portal, RowsTag, Run, Source};
use super::run::in_place;
use super::sink::Formats;
use crate::base::{Error, Result, SqlState};
use crate::binder::rel::OutputColumn;
use crate::parser::ast::{DeclareCursor, Fetch, FetchDirection, RawStatement, Statement};
use crate::types::Batch;
use std::collections::VecDeque;
use std::sync::Arc;

fn no_such_cursor(name: &str) -> Error {
    Error::new(SqlState::INVALID_CURSOR_NAME, format!("cursor \"{name}\" does not exist"))
}

fn only_forward() -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward")
        .hint("Declare it with SCROLL option to enable backward scan.")
}

impl Session {
    pub(super) async fn declare(&mut self, d: &DeclareCursor, text: &Arc<str>, in_block: bool) -> Result<()> {
        if !d.hold && !in_block {
            self.require_block("DECLARE CURSOR")?;
        }
        let name = &d.name.name;
        if name.is_empty() || self.portals.contains(name) {
            return Err(Error::new(SqlState::DUPLICATE_CURSOR, format!("cursor \"{name}\" already exists")));
        }
        let raw = RawStatement { stmt: Statement::Select(Box::new(d.query.clone())), start: d.start, end: d.end };
        let plan = self.locked_plan(text, &raw).await?;
        if d.hold && !plan.read_only {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "DECLARE CURSOR WITH HOLD ... FOR UPDATE is not supported",
            )
            .detail("Holdable cursors must be READ ONLY."));
        }
        if d.scroll == Some(true) && !plan.read_only {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "DECLARE SCROLL CURSOR ... FOR UPDATE is not supported",
            )
            .detail("Scrollable cursors must be READ ONLY."));
        }
        let mut run = Box::new(Run::new(plan, Vec::new()));
        self.begin(&mut run).await?;
        let source = Source::Query(run);
        let formats = Formats::new(d.binary.then_some(Formats::BINARY));
        let mut portal = Portal::new(source, Arc::from(&text[..]), formats, self.statement_us);
        portal.cursor = Some(Box::new(Cursor {
            scroll: d.scroll == Some(true),
            no_scroll: d.scroll == Some(false),
            hold: d.hold,
            binary: d.binary,
            held: false,
            seen: Vec::new(),
            seen_rows: 0,
            position: 0,
            complete: false,
        }));
        self.portals.insert(name, portal);
        Ok(())
    }

    pub(super) async fn fetch_sql(&mut self, f: &Fetch) -> Result<Source> {
        let name = &f.portal.name;
        let mut portal = self.portals.remove(name).ok_or_else(|| no_such_cursor(name))?;
        let result = self.move_cursor(&mut portal, f).await;
        let columns: Arc<[OutputColumn]> = portal.columns().unwrap_or_default().into();
        self.portals.insert(name, portal);
        let batches = result?;
        let rows: usize = batches.iter().map(|b| b.rows).sum();
        if f.is_move {
            return Ok(Source::Rows {
                columns: Arc::new([]),
                batches: VecDeque::new(),
                tag: RowsTag::Text(format!("MOVE {rows}")),
            });
        }
        Ok(Source::Rows { columns, batches: batches.into(), tag: RowsTag::Counted("FETCH") })
    }

    /// The rows that a FETCH returns, in the order that it returns them; the cursor is left on the last.
    async fn move_cursor(&mut self, portal: &mut Portal, f: &Fetch) -> Result<Vec<Batch>> {
        if portal.cursor.is_none() {
            return Err(Error::unsupported("FETCH from a portal of the extended protocol"));
        }
        let at = cursor(portal).position as i64;
        match (f.direction, f.count) {
            (FetchDirection::Forward, n) if n > 0 => self.forward(portal, n as u64).await,
            (FetchDirection::Backward, n) if n < 0 => self.forward(portal, n.unsigned_abs()).await,
            (FetchDirection::Forward | FetchDirection::Backward | FetchDirection::Relative, 0) => {
                self.row_at(portal, at).await
            }
            (FetchDirection::Forward | FetchDirection::Backward, n) => backward(portal, n.unsigned_abs()),
            (FetchDirection::Relative, n) => self.row_at(portal, at.saturating_add(n)).await,
            (FetchDirection::Absolute, n) if n >= 0 => self.row_at(portal, n).await,
            (FetchDirection::Absolute, n) => {
                self.forward(portal, u64::MAX).await?;
                let end = cursor(portal).seen_rows as i64 + 1;
                self.row_at(portal, (end + n).max(0)).await
            }
        }
    }

    /// Goes to one row, 0 being before the first; returns it if there is one.
    async fn row_at(&mut self, portal: &mut Portal, target: i64) -> Result<Vec<Batch>> {
        let at = cursor(portal).position as i64;
        if target < at || (target == at && at > 0) {
            if cursor(portal).no_scroll {
                return Err(only_forward());
            }
        } else if target > at {
            let rows = self.forward(portal, (target - at) as u64).await?;
            let reached: usize = rows.iter().map(|b| b.rows).sum();
            let missed = (reached as i64) < target - at;
            return Ok(if missed {
                Vec::new()
            } else {
                rows.last().map(|b| b.slice(b.rows - 1, 1)).into_iter().collect()
            });
        }
        let c = cursor(portal);
        c.position = target.max(0) as u64;
        Ok(if target <= 0 { Vec::new() } else { slice(&c.seen, target as u64 - 1, 1) })
    }

    /// The next `n` rows.
    async fn forward(&mut self, portal: &mut Portal, n: u64) -> Result<Vec<Batch>> {
        let c = cursor(portal);
        let start = c.position;
        let wanted = start.saturating_add(n);
        let mut passed = Vec::new();
        while cursor(portal).seen_rows < wanted && !cursor(portal).complete {
            let missing = wanted - cursor(portal).seen_rows;
            let batch = self.next_rows(portal, missing).await?;
            let c = cursor(portal);
            match batch {
                None => c.complete = true,
                Some(batch) => {
                    c.seen_rows += batch.rows as u64;
                    if c.no_scroll { passed.push(batch) } else { c.seen.push(batch) }
                }
            }
        }
        let c = cursor(portal);
        let end = wanted.min(c.seen_rows);
        c.position = if wanted > c.seen_rows { c.seen_rows + 1 } else { wanted };
        if c.no_scroll {
            return Ok(passed);
        }
        Ok(slice(&c.seen, start, end.saturating_sub(start)))
    }

    /// At most `most` rows that nobody has seen.
    async fn next_rows(&mut self, portal: &mut Portal, most: u64) -> Result<Option<Batch>> {
        let Source::Query(run) = &mut portal.source else { return Ok(None) };
        let Some(batch) = self.pull(run).await? else { return Ok(None) };
        if batch.rows as u64 > most {
            let most = most as usize;
            run.rest = Some(batch.slice(most, batch.rows - most));
            return Ok(Some(batch.slice(0, most)));
        }
        Ok(Some(batch))
    }

    pub(super) fn close_cursor(&mut self, name: Option<&str>) -> Result<&'static str> {
        match name {
            None => {
                self.portals.close_cursors();
                Ok("CLOSE CURSOR ALL")
            }
            Some(name) => match self.portals.remove(name) {
                Some(_) => Ok("CLOSE CURSOR"),
                None => Err(no_such_cursor(name)),
            },
        }
    }

    /// COMMIT: cursors WITH HOLD read what is left of their rows.
    pub(super) async fn hold_cursors(&mut self) -> Result<()> {
        let to_hold = self.portals.cursors().filter(|(_, _, c)| c.hold && !c.held);
        let names: Vec<String> = to_hold.map(|(name, ..)| name.to_owned()).collect();
        for name in names {
            let mut portal = self.portals.remove(&name).expect("it was just listed");
            let position = cursor(&mut portal).position;
            // The rows are kept whatever NO SCROLL says; going back is refused all the same.
            let no_scroll = std::mem::replace(&mut cursor(&mut portal).no_scroll, false);
            let skipped = if no_scroll { cursor(&mut portal).seen_rows } else { 0 };
            while let Some(batch) = self.next_rows(&mut portal, u64::MAX).await? {
                let c = cursor(&mut portal);
                c.seen_rows += batch.rows as u64;
                c.seen.push(batch);
            }
            let columns: Arc<[OutputColumn]> = portal.columns().unwrap_or_default().into();
            let c = cursor(&mut portal);
            c.no_scroll = no_scroll;
            c.position = position - skipped.min(position);
            c.seen_rows -= skipped;
            c.complete = true;
            c.held = true;
            portal.source = Source::Rows { columns, batches: VecDeque::new(), tag: RowsTag::Counted("FETCH") };
            self.portals.insert(&name, portal);
        }
        Ok(())
    }
}

fn cursor(portal: &mut Portal) -> &mut Cursor {
    portal.cursor.as_mut().expect("the portal is a cursor")
}

/// The `n` rows before the cursor, nearest first.
fn backward(portal: &mut Portal, n: u64) -> Result<Vec<Batch>> {
    let c = cursor(portal);
    if c.no_scroll {
        return Err(only_forward());
    }
    let available = c.position.saturating_sub(1).min(c.seen_rows);
    let taken = n.min(available);
    let first = available - taken;
    c.position = if n > available { 0 } else { first + 1 };
    let rows = slice(&c.seen, first, taken);
    Ok(in_place(|| rows.iter().rev().flat_map(|b| (0..b.rows).rev().map(|i| b.slice(i, 1))).collect()))
}

/// Rows `from..from + n` of a run of batches.
fn slice(batches: &[Batch], mut from: u64, mut n: u64) -> Vec<Batch> {
    let mut out = Vec::new();
    for batch in batches {
        let rows = batch.rows as u64;
        if from >= rows {
            from -= rows;
            continue;
        }
        if n == 0 {
            break;
        }
        let take = n.min(rows - from);
        out.push(batch.slice(from as usize, take as usize));
        n -= take;
        from = 0;
    }
    out
}
