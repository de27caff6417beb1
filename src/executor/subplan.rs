//! Sub-selects inside expressions: the evaluator asks for an answer, the outer values being in their slots.
//!
//! A sub-select without outer values runs once, and its answer is kept for the life of the execution: a scalar, a truth
//! value, an array, or the rows behind `= ANY`, in a hash table when the planner found that the comparison is a
//! type's own equality. One with outer values is rewound and runs again each time.

use super::build::build;
use super::context::Shared;
use super::foreign_key::Deferred;
use super::key_table::{KeyTable, Keys};
use super::spill::TempSpace;
use super::{BATCH_ROWS, BoxOperator, Cx};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::Catalog;
use crate::catalog::system::Facts;
use crate::expr::eval::quantified_row;
use crate::expr::{EvalContext, Quantified, Subplans, SubqueryId};
use crate::planner::definitions::Definitions;
use crate::planner::plan::PreparedPlan;
use crate::txn::Txn;
use crate::types::key::{self, KeyOrder};
use crate::types::{ArrayValue, Batch, ColumnReader, Datum, DatumRef, SqlType};
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct SubplanState {
    /// Built on first use; taken out while it runs.
    operator: Option<BoxOperator>,
    kept: Option<Kept>,
}

/// What an uncorrelated sub-select answers.
enum Kept {
    Value(Datum),
    Exists(bool),
    Rows(Arc<Vec<Batch>>),
    Hash(Arc<Hashed>),
}

/// The rows of `x = ANY (SELECT ...)`.
struct Hashed {
    table: KeyTable,
    has_null: bool,
    is_empty: bool,
}

pub(crate) struct SubplanRunner<'a> {
    pub txn: &'a mut Txn,
    pub catalog: &'a Arc<Catalog>,
    pub definitions: &'a Arc<Definitions>,
    pub temp: &'a Arc<TempSpace>,
    /// What the system tables show besides the catalog, and the path that names are shown under.
    pub facts: &'a dyn Facts,
    pub search_path: &'a [Oid],
    pub work_mem: usize,
    pub deferred: &'a mut Deferred,
    pub shared: &'a mut Shared,
}

impl SubplanRunner<'_> {
    /// Runs a sub-select, giving its batches to `each` until that answers false.
    fn run(
        &mut self,
        id: SubqueryId,
        ev: &mut EvalContext<'_>,
        rows: usize,
        each: &mut dyn FnMut(Batch, &mut Cx<'_>) -> Result<bool>,
    ) -> Result<()> {
        ev.check_cancelled()?;
        let index = id.0 as usize;
        let mut cx = Cx {
            txn: self.txn,
            catalog: self.catalog,
            definitions: self.definitions,
            temp: self.temp,
            facts: self.facts,
            search_path: self.search_path,
            params: ev.params,
            exec: ev.exec,
            host: ev.host,
            format: ev.format,
            eval: ev.state,
            cancelled: ev.cancelled,
            statement_us: ev.statement_us,
            transaction_us: ev.transaction_us,
            work_mem: self.work_mem,
            deferred: self.deferred,
            shared: self.shared,
            batch_rows: BATCH_ROWS,
        };
        let mut operator = match cx.shared.subplans[index].operator.take() {
            Some(mut operator) => {
                operator.rewind(&mut cx)?;
                operator
            }
            None => {
                let plan = Arc::clone(&cx.shared.plan);
                let subplan = plan.subplans[index].as_ref().expect("the planner kept every sub-select that is used");
                build(&subplan.plan, &cx.shared.numbering(1 + plan.ctes.len() + index))
            }
        };
        while let Some(batch) = cx.pull(&mut operator, rows)? {
            if !each(batch, &mut cx)? {
                break;
            }
        }
        cx.shared.subplans[index].operator = Some(operator);
        Ok(())
    }

    fn plan(&self) -> Arc<PreparedPlan> {
        Arc::clone(&self.shared.plan)
    }

    fn is_kept(&self, id: SubqueryId) -> bool {
        self.shared.plan.subplans[id.0 as usize].as_ref().is_some_and(|s| s.uncorrelated)
    }

    fn kept(&self, id: SubqueryId) -> Option<&Kept> {
        self.shared.subplans[id.0 as usize].kept.as_ref()
    }

    fn keep(&mut self, id: SubqueryId, kept: Kept) {
        if self.is_kept(id) {
            self.shared.subplans[id.0 as usize].kept = Some(kept);
        }
    }

    fn types(&self, id: SubqueryId) -> Vec<SqlType> {
        self.plan().subplans[id.0 as usize].as_ref().map(|s| s.plan.types.clone()).unwrap_or_default()
    }

    fn all_rows(&mut self, id: SubqueryId, ev: &mut EvalContext<'_>) -> Result<Arc<Vec<Batch>>> {
        let keep = self.is_kept(id);
        let mut rows = Vec::new();
        self.run(id, ev, BATCH_ROWS, &mut |batch, cx| {
            if keep {
                cx.shared.memory.grow(&batch)?;
            }
            rows.push(batch);
            Ok(true)
        })?;
        Ok(Arc::new(rows))
    }

    fn hash(&mut self, id: SubqueryId, types: &[SqlType], ev: &mut EvalContext<'_>) -> Result<Arc<Hashed>> {
        if let Some(Kept::Hash(hashed)) = self.kept(id) {
            return Ok(Arc::clone(hashed));
        }
        let mut hashed = Hashed { table: KeyTable::default(), has_null: false, is_empty: true };
        let mut keys = Keys::default();
        self.run(id, ev, BATCH_ROWS, &mut |batch, cx| {
            keys.encode(&batch.columns[..types.len()], types, batch.rows);
            let before = hashed.table.memory();
            hashed.is_empty = false;
            for i in 0..batch.rows {
                hashed.has_null |= keys.has_null(i);
                if !keys.has_null(i) {
                    hashed.table.insert(keys.get(i));
                }
            }
            cx.shared.memory.grow_by(hashed.table.memory() - before)?;
            Ok(true)
        })?;
        let hashed = Arc::new(hashed);
        self.keep(id, Kept::Hash(Arc::clone(&hashed)));
        Ok(hashed)
    }
}

impl Subplans for SubplanRunner<'_> {
    fn scalar(&mut self, id: SubqueryId, cx: &mut EvalContext<'_>) -> Result<Datum> {
        if let Some(Kept::Value(value)) = self.kept(id) {
            return Ok(value.clone());
        }
        let form = self.types(id)[0].physical();
        let mut value = None;
        self.run(id, cx, 2, &mut |batch, _| {
            if value.is_some() || batch.rows > 1 {
                return Err(Error::new(
                    SqlState::CARDINALITY_VIOLATION,
                    "more than one row returned by a subquery used as an expression",
                ));
            }
            value = Some(ColumnReader::new(form, &batch.columns[0]).get(0).to_owned());
            Ok(true)
        })?;
        let value = value.unwrap_or_default();
        self.keep(id, Kept::Value(value.clone()));
        Ok(value)
    }

    fn exists(&mut self, id: SubqueryId, cx: &mut EvalContext<'_>) -> Result<bool> {
        if let Some(Kept::Exists(found)) = self.kept(id) {
            return Ok(*found);
        }
        let mut found = false;
        self.run(id, cx, 1, &mut |_, _| {
            found = true;
            Ok(false)
        })?;
        self.keep(id, Kept::Exists(found));
        Ok(found)
    }

    fn array(&mut self, id: SubqueryId, cx: &mut EvalContext<'_>) -> Result<Datum> {
        if let Some(Kept::Value(value)) = self.kept(id) {
            return Ok(value.clone());
        }
        let ty = self.types(id)[0];
        let rows = self.all_rows(id, cx)?;
        let mut items = Vec::new();
        for batch in rows.iter() {
            let reader = ColumnReader::new(ty.physical(), &batch.columns[0]);
            items.extend((0..batch.rows).map(|i| reader.get(i).to_owned()));
        }
        let value = Datum::array(array_of(ty, items)?);
        self.keep(id, Kept::Value(value.clone()));
        Ok(value)
    }

    fn quantified(
        &mut self,
        id: SubqueryId,
        test: &Quantified,
        left: &[DatumRef<'_>],
        cx: &mut EvalContext<'_>,
    ) -> Result<Option<bool>> {
        let plan = self.plan();
        let subplan = plan.subplans[id.0 as usize].as_ref().expect("the planner kept every sub-select that is used");
        if subplan.hashed {
            let types: Vec<SqlType> = test.left.iter().map(|e| e.ty()).collect();
            let hashed = self.hash(id, &types, cx)?;
            return Ok(probe(&hashed, &types, left));
        }
        let kept = match self.kept(id) {
            Some(Kept::Rows(rows)) => Some(Arc::clone(rows)),
            _ if self.is_kept(id) => {
                let rows = self.all_rows(id, cx)?;
                self.keep(id, Kept::Rows(Arc::clone(&rows)));
                Some(rows)
            }
            _ => None,
        };
        let rows = match kept {
            Some(rows) => rows,
            None => self.all_rows(id, cx)?,
        };
        compare_rows(&rows, &subplan.plan.types, test, left, cx)
    }
}

/// `left = ANY (rows)` by hash: unknown when there is no match but a NULL that might have been one.
fn probe(hashed: &Hashed, types: &[SqlType], left: &[DatumRef<'_>]) -> Option<bool> {
    if hashed.is_empty {
        return Some(false);
    }
    if left.iter().any(|v| v.is_null()) {
        return None;
    }
    let mut bytes = Vec::new();
    for (value, ty) in left.iter().zip(types) {
        key::encode(&mut bytes, *ty, *value, KeyOrder::default());
    }
    match hashed.table.find(&bytes) {
        Some(_) => Some(true),
        None if hashed.has_null => None,
        None => Some(false),
    }
}

fn compare_rows(
    rows: &[Batch],
    types: &[SqlType],
    test: &Quantified,
    left: &[DatumRef<'_>],
    cx: &mut EvalContext<'_>,
) -> Result<Option<bool>> {
    let mut unknown = false;
    for batch in rows {
        let readers: Vec<_> =
            batch.columns.iter().zip(types).take(left.len()).map(|(c, t)| ColumnReader::new(t.physical(), c)).collect();
        for i in 0..batch.rows {
            let row: Vec<DatumRef<'_>> = readers.iter().map(|r| r.get(i)).collect();
            match quantified_row(test, left, &row, cx)? {
                Some(answer) if answer != test.all => return Ok(Some(answer)),
                Some(_) => {}
                None => unknown = true,
            }
        }
    }
    Ok(if unknown { None } else { Some(test.all) })
}

/// The array of a column's values; of arrays, the array with one more dimension.
fn array_of(ty: SqlType, items: Vec<Datum>) -> Result<ArrayValue> {
    let Some(element) = ty.element() else { return Ok(ArrayValue::one_dimensional(ty.oid, items)) };
    let mismatch =
        || Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "cannot accumulate arrays of different dimensionality");
    let mut all = ArrayValue::empty(element.oid);
    let outer = items.len() as i32;
    for item in items {
        let Datum::Array(item) = item else {
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays"));
        };
        if item.dims.is_empty() {
            return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "cannot accumulate empty arrays"));
        }
        if all.dims.is_empty() {
            all.dims = std::iter::once((outer, 1)).chain(item.dims.iter().copied()).collect();
        } else if all.dims[1..] != item.dims[..] {
            return Err(mismatch());
        }
        all.items.extend(item.items);
    }
    Ok(all)
}
