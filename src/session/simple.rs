//! The simple protocol: a text of one or more statements, all of them one implicit transaction unless the text itself
//! says BEGIN (`exec_simple_query`, `src/backend/tcop/postgres.c`).

use super::Session;
use super::plans::CachedPlan;
use super::portal::{Portal, Source};
use super::prepare::{is_planned, parse_text};
use super::run::Fetched;
use super::sink::{Formats, Sink, Tag};
use super::transaction::ends_block;
use crate::base::{Oid, Result, SqlState};
use crate::binder::{self, Parameters};
use crate::parser::ast::{RawStatement, Statement};
use crate::parser::fingerprint::{self, Lifted, Literal, LiteralKind};
use crate::types::{self, Datum, SqlType, oid};
use std::pin::pin;
use std::sync::Arc;

impl Session {
    /// Runs a text and sends what its statements return.
    pub async fn query<S: Sink>(&mut self, text: &str, sink: &mut S) -> Result<()> {
        let shared: Arc<str> = Arc::from(text);
        self.begin_message(Some(&shared));
        let result = pin!(self.run_text(&shared, sink)).await;
        let result = match result {
            Ok(()) => self.end_implicit().await,
            Err(e) => Err(e),
        };
        let result = result.map_err(|e| self.failed(e, Some(text)));
        self.send_notices(sink);
        self.set_activity(None);
        self.time_has_passed();
        result
    }

    /// A message begins: forget a cancel that came too late, take the time.
    pub(super) fn begin_message(&mut self, text: Option<&Arc<str>>) {
        self.backend.clear_interrupt();
        self.note_role();
        self.environment.refresh(&self.settings);
        self.statement_us = self.now_us();
        if let Some(text) = text {
            self.set_activity(Some(text));
        }
    }

    async fn run_text<S: Sink>(&mut self, text: &Arc<str>, sink: &mut S) -> Result<()> {
        if let Some(lsn) = self.environment.read_after {
            Box::pin(self.wait_to_read(lsn)).await?;
        }
        self.portals.remove("");
        if self.status() != super::Status::Failed
            && let Some((plan, params)) = self.known_plan(text)?
        {
            let _deadline = self.deadline();
            if self.lock_relations(&plan).await? {
                let tag = pin!(self.run_plan(&plan, params, &Formats::default(), sink)).await?;
                self.send_notices(sink);
                self.end_implicit().await?;
                self.send_notices(sink);
                sink.complete(&tag);
                return Ok(());
            }
        }
        Box::pin(self.run_statements(text, sink)).await
    }

    async fn run_statements<S: Sink>(&mut self, text: &Arc<str>, sink: &mut S) -> Result<()> {
        let statements = parse_text(text)?;
        if statements.is_empty() {
            sink.empty_query();
            return Ok(());
        }
        let count = statements.len();
        for (i, raw) in statements.into_iter().enumerate() {
            let tag = self.run_one(text, raw, count > 1, sink).await?;
            self.send_notices(sink);
            if i + 1 == count {
                self.end_implicit().await?;
                self.send_notices(sink);
            } else if let Some(t) = &mut self.transaction {
                t.txn.next_command();
            }
            if let Some(tag) = tag {
                sink.complete(&tag);
            }
        }
        Ok(())
    }

    /// The plan of a text that differs from one seen before in nothing but literals, and those as parameters.
    fn known_plan(&mut self, text: &Arc<str>) -> Result<Option<(Arc<CachedPlan>, Vec<Datum>)>> {
        let Some(lifted) = fingerprint::lift_literals(text) else { return Ok(None) };
        self.ensure_transaction()?;
        let declared: Vec<Oid> = lifted.literals.iter().map(|l| declared_type(&l.kind)).collect();
        let key_text: Arc<str> = Arc::from(lifted.text.as_str());
        self.tx().catalog.refresh()?;
        let key = self.plan_key(key_text.clone(), &declared);
        let version = self.tx().catalog.effective().version();
        let plan = match self.database.plans.get(&key, version) {
            Some(plan) => plan,
            None => {
                // Whatever is wrong with the statement is told better by the text as it was written.
                let Ok(mut statements) = parse_text(&key_text) else { return Ok(None) };
                let (Some(raw), true) = (statements.pop(), statements.is_empty()) else { return Ok(None) };
                match self.plan(&key_text, &raw, &declared) {
                    Ok(plan) => plan,
                    Err(_) => return Ok(None),
                }
            }
        };
        Ok(self.lifted_values(text, &lifted, &plan).map(|params| (plan, params)))
    }

    fn lifted_values(&self, text: &str, lifted: &Lifted, plan: &CachedPlan) -> Option<Vec<Datum>> {
        if plan.plan.params.len() != lifted.literals.len() {
            return None;
        }
        let pairs = lifted.literals.iter().zip(&plan.plan.params);
        let value = |(l, ty): (&Literal, &SqlType)| match l.kind {
            LiteralKind::Integer(n) if ty.oid == oid::INT4 => Some(Datum::Int4(n)),
            // What the name stands for now only the binder knows.
            _ if types::is_reg(ty.oid) => None,
            _ => types::parse_text(*ty, &l.value(text), &self.environment.format).ok(),
        };
        pairs.map(value).collect()
    }

    /// Runs one statement of a text; returns its command tag unless that has been sent.
    async fn run_one<S: Sink>(
        &mut self,
        text: &Arc<str>,
        raw: RawStatement,
        several: bool,
        sink: &mut S,
    ) -> Result<Option<Tag>> {
        if let Statement::Transaction(t) = &raw.stmt {
            if !ends_block(&t.kind) {
                self.refuse_if_failed()?;
            }
            return self.transaction_statement(&t.kind).await.map(Some);
        }
        self.refuse_if_failed()?;
        self.ensure_transaction()?;
        let _deadline = self.deadline();
        if is_planned(&raw.stmt) {
            let plan = self.locked_plan(text, &raw).await?;
            return self.run_plan(&plan, Vec::new(), &Formats::default(), sink).await.map(Some);
        }
        let in_block = several || self.tx().explicit;
        let source = Box::pin(self.run_utility(&raw, text, in_block, sink)).await?;
        self.send_notices(sink);
        let mut portal = match source {
            Source::Finished => return Ok(None),
            source => Portal::new(source, text.clone(), Formats::default(), self.statement_us),
        };
        if let Source::Rows { columns, .. } = &portal.source
            && !columns.is_empty()
        {
            sink.row_description(columns, &portal.formats);
        }
        if let Source::Query(run) = &portal.source
            && super::prepare::returns_rows(&run.plan)
        {
            sink.row_description(run.plan.output(), &portal.formats);
        }
        let fetched = self.fetch(&mut portal, 0, sink).await?;
        debug_assert_eq!(fetched, Fetched::Finished);
        Ok(None)
    }

    /// A plan whose relations are locked and that is still good after that.
    pub(super) async fn locked_plan(&mut self, text: &Arc<str>, raw: &RawStatement) -> Result<Arc<CachedPlan>> {
        loop {
            let plan = match self.plan(text, raw, &[]) {
                Ok(plan) if plan.plan.params.is_empty() => plan,
                Err(e) if e.code() != SqlState::INDETERMINATE_DATATYPE => return Err(e),
                // A text of this protocol has no parameters, whatever type they could have been given.
                undone => {
                    self.with_env(|env| binder::bind(env, &raw.stmt, Parameters::Forbidden))?;
                    undone?
                }
            };
            if self.lock_relations(&plan).await? {
                return Ok(plan);
            }
        }
    }
}

fn declared_type(kind: &LiteralKind) -> Oid {
    match kind {
        LiteralKind::Integer(_) => oid::INT4,
        LiteralKind::BigInt(_) => oid::INT8,
        LiteralKind::Numeric => oid::NUMERIC,
        LiteralKind::String => Oid::INVALID,
    }
}
