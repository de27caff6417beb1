//! The extended protocol: Parse, Bind, Describe, Execute, Close, Sync. Everything up to Sync is one implicit transaction
//! unless a statement says BEGIN.

use super::Session;
use super::portal::{Portal, Source};
use super::prepare::Prepared;
use super::run::{no_such_portal, no_such_statement};
use super::sink::{Formats, Sink};
use super::transaction::ends_block;
use crate::base::{Error, Oid, Result, SqlState};
use crate::parser::ast::Statement;
use std::pin::pin;
use std::sync::Arc;

impl Session {
    /// Parse: `types` are parameter types where the client declares them, 0 elsewhere.
    pub async fn parse(&mut self, name: &str, text: &str, types: &[u32]) -> Result<()> {
        let text: Arc<str> = Arc::from(text);
        self.begin_message(Some(&text));
        let declared: Vec<Oid> = types.iter().map(|t| Oid(*t)).collect();
        let result = self.parse_into(name, text.clone(), &declared).await;
        result.map_err(|e| self.failed(e, Some(&text)))
    }

    async fn parse_into(&mut self, name: &str, text: Arc<str>, declared: &[Oid]) -> Result<()> {
        if name.is_empty() {
            self.statements.remove("");
        } else if self.statements.contains_key(name) {
            return Err(Error::new(
                SqlState::DUPLICATE_PREPARED_STATEMENT,
                format!("prepared statement \"{name}\" already exists"),
            ));
        }
        let prepared = Box::pin(self.prepare(text, declared, false)).await?;
        self.statements.insert(name.to_owned(), Arc::new(prepared));
        Ok(())
    }

    /// Bind.
    pub async fn bind(
        &mut self,
        portal: &str,
        statement: &str,
        formats: &Formats,
        values: &[Option<&[u8]>],
        results: Formats,
    ) -> Result<()> {
        self.begin_message(None);
        let result = match self.statements.get(statement).cloned() {
            Some(prepared) => self.bind_portal(portal, prepared, formats, values, results).await,
            None => Err(no_such_statement(statement)),
        };
        result.map_err(|e| self.failed(e, None))
    }

    async fn bind_portal(
        &mut self,
        name: &str,
        prepared: Arc<Prepared>,
        formats: &Formats,
        values: &[Option<&[u8]>],
        results: Formats,
    ) -> Result<()> {
        if let Some(lsn) = self.environment.read_after {
            Box::pin(self.wait_to_read(lsn)).await?;
        }
        if name.is_empty() {
            self.portals.remove("");
        } else if self.portals.contains(name) {
            return Err(Error::new(SqlState::DUPLICATE_CURSOR, format!("cursor \"{name}\" already exists")));
        }
        let source = match &prepared.statement {
            None => Source::Empty,
            Some(raw) => {
                let ends = matches!(&raw.stmt, Statement::Transaction(t) if ends_block(&t.kind));
                if !ends {
                    self.refuse_if_failed()?;
                }
                self.ensure_transaction()?;
                let mut params = std::mem::take(&mut self.params);
                params.clear();
                self.parameters(&prepared, formats, values, &mut params)?;
                match &prepared.plan {
                    Some(_) => Source::Query(match self.try_prepared_run(&prepared, &mut params)? {
                        Some(run) => run,
                        None => Box::pin(self.prepared_run(&prepared, params)).await?,
                    }),
                    None => Source::Utility(prepared.clone()),
                }
            }
        };
        let columns = match &source {
            Source::Query(run) => run.plan.output().len(),
            Source::Utility(p) => p.output.as_ref().map_or(0, |o| o.len()),
            _ => 0,
        };
        if results.codes().len() > 1 && results.codes().len() != columns {
            return Err(Error::new(
                SqlState::PROTOCOL_VIOLATION,
                format!("bind message has {} result formats but query has {columns} columns", results.codes().len()),
            ));
        }
        if let Some(code) = results.codes().iter().find(|c| !matches!(c, 0 | 1)) {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("unsupported format code: {code}")));
        }
        let portal = Portal::new(source, prepared.text.clone(), results, self.statement_us);
        self.portals.insert(name, portal);
        Ok(())
    }

    /// Describe of a statement: its parameters, then its columns.
    pub async fn describe_statement<S: Sink>(&mut self, name: &str, sink: &mut S) -> Result<()> {
        self.begin_message(None);
        let Some(prepared) = self.statements.get(name).cloned() else {
            return Err(self.failed(no_such_statement(name), None));
        };
        if prepared.plan.is_some() {
            // The columns must be those that an execution now would have.
            let result = match self.refuse_if_failed().and_then(|()| self.ensure_transaction()) {
                Ok(()) => self.refresh_plan(&prepared),
                Err(e) => Err(e),
            };
            result.map_err(|e| self.failed(e, Some(&prepared.text)))?;
        }
        let types: Vec<Oid> = prepared.params.iter().map(|t| t.oid).collect();
        sink.parameter_description(&types);
        match &prepared.output {
            Some(columns) => sink.row_description(columns, &Formats::default()),
            None => sink.no_data(),
        }
        Ok(())
    }

    /// Describe of a portal: its columns.
    pub fn describe_portal<S: Sink>(&mut self, name: &str, sink: &mut S) -> Result<()> {
        let Some(portal) = self.portals.get(name) else {
            return Err(self.failed(no_such_portal(name), None));
        };
        match portal.columns() {
            Some(columns) => sink.row_description(columns, &portal.formats),
            None => sink.no_data(),
        }
        Ok(())
    }

    /// Execute: up to `most` rows, or all for 0.
    pub async fn execute<S: Sink>(&mut self, name: &str, most: usize, sink: &mut S) -> Result<()> {
        self.begin_message(None);
        let Some(mut portal) = self.portals.remove(name) else {
            return Err(self.failed(no_such_portal(name), None));
        };
        self.set_activity(Some(&portal.text));
        let deadline = self.deadline();
        let result = pin!(self.execute_portal(&mut portal, most, sink)).await;
        drop(deadline);
        self.send_notices(sink);
        if let Err(e) = result {
            return Err(self.failed(e, Some(&portal.text)));
        }
        let alive = self.transaction.is_some() || portal.is_held();
        if alive && !self.portals.contains(name) {
            self.portals.insert(name, portal);
        }
        Ok(())
    }

    async fn execute_portal<S: Sink>(&mut self, portal: &mut Portal, most: usize, sink: &mut S) -> Result<()> {
        if let Source::Utility(prepared) = &portal.source {
            let prepared = prepared.clone();
            let raw = prepared.statement.clone().expect("an empty statement is no utility");
            if let Statement::Transaction(t) = &raw.stmt {
                if !ends_block(&t.kind) {
                    self.refuse_if_failed()?;
                }
                let tag = self.transaction_statement(&t.kind).await?;
                portal.source = Source::Finished;
                self.send_notices(sink);
                sink.complete(&tag);
                return Ok(());
            }
            self.refuse_if_failed()?;
            self.ensure_transaction()?;
            let in_block = self.tx().explicit;
            portal.source = Box::pin(self.run_utility(&raw, &prepared.text, in_block, sink)).await?;
            self.send_notices(sink);
            if matches!(portal.source, Source::Finished) {
                return Ok(());
            }
        } else if !matches!(portal.source, Source::Empty) {
            self.refuse_if_failed()?;
            self.ensure_transaction()?;
        }
        pin!(self.fetch(portal, most, sink)).await?;
        if let Some(t) = &mut self.transaction {
            t.txn.next_command();
        }
        Ok(())
    }

    /// Close of a statement; it need not exist.
    pub fn close_statement(&mut self, name: &str) {
        self.statements.remove(name);
    }

    /// Close of a portal; it need not exist.
    pub fn close_portal(&mut self, name: &str) {
        self.portals.remove(name);
    }

    /// Sync: the implicit transaction ends.
    pub async fn sync<S: Sink>(&mut self, sink: &mut S) -> Result<()> {
        let result = pin!(self.end_implicit()).await;
        let result = result.map_err(|e| self.failed(e, None));
        self.send_notices(sink);
        self.set_activity(None);
        self.time_has_passed();
        result
    }
}
