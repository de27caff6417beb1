//! EXPLAIN: the planner's text, with what was counted when ANALYZE runs the statement.

use super::Session;
use super::portal::{Run, Source};
use super::utility::{text_column, text_rows};
use crate::base::{Error, Result, SqlState};
use crate::binder::rel::OutputColumn;
use crate::executor;
use crate::parser::ast::{DefElem, DefValue, Explain, RawStatement, Statement};
use crate::planner::explain::{ExplainOptions, Format, Measured, explain};
use std::sync::Arc;
use std::time::Duration;

fn is_on(option: &DefElem) -> Result<bool> {
    let text = match &option.value {
        None => return Ok(true),
        Some(DefValue::Bool(on)) => return Ok(*on),
        Some(DefValue::Integer(n)) => n.to_string(),
        Some(DefValue::Word(w) | DefValue::String(w)) => w.clone(),
        Some(DefValue::Type(t)) => t.name.to_string(),
        _ => String::new(),
    };
    super::settings::parse_bool(&text)
        .ok_or_else(|| Error::new(SqlState::SYNTAX_ERROR, format!("{} requires a Boolean value", option.name)))
}

fn options(list: &[DefElem]) -> Result<ExplainOptions> {
    let mut o = ExplainOptions::default();
    let (mut timing, mut summary) = (None, None);
    for option in list {
        match option.name.as_str() {
            "analyze" => o.analyze = is_on(option)?,
            "verbose" => o.verbose = is_on(option)?,
            "costs" => o.costs = is_on(option)?,
            "timing" => timing = Some(is_on(option)?),
            "summary" => summary = Some(is_on(option)?),
            // Pages and log bytes are not counted by statement.
            "buffers" | "wal" | "settings" if !is_on(option)? => {}
            "buffers" | "wal" | "settings" => {}
            "format" => {
                let name = match &option.value {
                    Some(DefValue::Word(w) | DefValue::String(w)) => w.clone(),
                    Some(DefValue::Type(t)) => t.name.to_string(),
                    _ => String::new(),
                };
                o.format = match name.as_str() {
                    "text" => Format::Text,
                    "json" => Format::Json,
                    "xml" | "yaml" => {
                        return Err(Error::unsupported(format!("EXPLAIN (FORMAT {})", name.to_uppercase())));
                    }
                    other => {
                        return Err(Error::new(
                            SqlState::INVALID_PARAMETER_VALUE,
                            format!("unrecognized value for EXPLAIN option \"format\": \"{other}\""),
                        )
                        .at(option.pos));
                    }
                };
            }
            other => {
                return Err(Error::new(SqlState::SYNTAX_ERROR, format!("unrecognized EXPLAIN option \"{other}\""))
                    .at(option.pos));
            }
        }
    }
    if timing == Some(true) && !o.analyze {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "EXPLAIN option TIMING requires ANALYZE"));
    }
    o.timing = timing.unwrap_or(o.analyze);
    o.summary = summary.unwrap_or(o.analyze);
    Ok(o)
}

impl Session {
    pub(super) fn explain_column(&self, statement: &Statement) -> Result<OutputColumn> {
        let Statement::Explain(e) = statement else { return Err(Error::internal("not an EXPLAIN")) };
        let mut column = text_column("QUERY PLAN");
        if options(&e.options)?.format == Format::Json {
            column.ty = crate::types::SqlType::of(crate::types::oid::JSON);
        }
        Ok(column)
    }

    pub(super) async fn explain(&mut self, e: &Explain, text: &Arc<str>) -> Result<Source> {
        let options = options(&e.options)?;
        let raw = RawStatement { stmt: e.statement.clone(), start: e.start, end: e.end };
        let (plan, params) = match &e.statement {
            Statement::Execute(execute) => match self.execute_sql(execute).await? {
                Source::Query(mut run) => (run.plan.clone(), run.execution.give_params()),
                _ => return Err(Error::internal("EXECUTE gave no plan")),
            },
            statement if super::prepare::is_planned(statement) => {
                let began = self.database.clock.monotonic();
                let plan = self.locked_plan(text, &raw).await?;
                self.planning = self.database.clock.monotonic().saturating_sub(began);
                (plan, Vec::new())
            }
            other => return Err(Error::unsupported(format!("EXPLAIN {}", other.kind_name()))),
        };
        let lines = if options.analyze {
            let began = self.database.clock.monotonic();
            let mut run = Box::new(Run::new(plan.clone(), Vec::new()));
            run.execution = executor::start_instrumented(plan.plan.clone(), params);
            while self.pull(&mut run).await?.is_some() {}
            let nodes = run.execution.actuals();
            self.finish_run(run);
            let took: Duration = self.database.clock.monotonic().saturating_sub(began);
            let measured = Measured {
                nodes,
                planning_us: self.planning.as_micros() as i64,
                execution_us: took.as_micros() as i64,
            };
            explain(&plan.plan, &options, Some(&measured))?
        } else {
            explain(&plan.plan, &options, None)?
        };
        let rows = lines.into_iter().map(|line| vec![line]).collect();
        let source = text_rows(&["QUERY PLAN"], rows, "EXPLAIN");
        match (source, self.explain_column(&Statement::Explain(Box::new(e.clone())))?) {
            (Source::Rows { batches, tag, .. }, column) => {
                Ok(Source::Rows { columns: Arc::new([column]), batches, tag })
            }
            (other, _) => Ok(other),
        }
    }
}
