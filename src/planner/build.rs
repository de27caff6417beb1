//! Chooses a physical node for each logical one, bottom up.

use super::Planner;
use super::columns::{Columns, free};
use super::conjuncts::{join, split_all};
use super::estimate::{CPU_OPERATOR, CPU_TUPLE, widths};
use super::plan::*;
use crate::base::{Error, Result};
use crate::binder::rel::{self, DistinctOn, Rel, SetOpKind, WindowSpec};
use crate::expr::{ColId, Expr};
use crate::types::{Datum, SqlType};
use std::cmp::Reverse;
use std::sync::Arc;

/// A plan and the columns that it puts out, in order.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub plan: Plan,
    pub columns: Vec<ColId>,
    /// The order in which rows come, most significant first; empty if nothing is known.
    pub order: Vec<OrderKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OrderKey {
    pub column: ColId,
    pub descending: bool,
    pub nulls_first: bool,
}

/// What the node above would like.
#[derive(Clone, Debug, Default)]
pub(super) struct Want {
    pub order: Vec<OrderKey>,
    /// No more rows than this will be read.
    pub rows: Option<f64>,
}

/// The order of sort keys that are all plain columns.
pub(super) fn order_of(keys: &[SortKey]) -> Option<Vec<OrderKey>> {
    keys.iter()
        .map(|k| match &k.expr {
            Expr::Column { id, .. } => {
                Some(OrderKey { column: *id, descending: k.descending, nulls_first: k.nulls_first })
            }
            _ => None,
        })
        .collect()
}

/// Whether rows in `have` order are in `wanted` order too.
pub(super) fn satisfies(have: &[OrderKey], wanted: &[OrderKey]) -> bool {
    !wanted.is_empty() && have.len() >= wanted.len() && have[..wanted.len()] == *wanted
}

pub(super) fn n_log_n(rows: f64) -> f64 {
    let rows = rows.max(2.0);
    rows * rows.log2()
}

impl Planned {
    pub fn new(node: Node, types: Vec<SqlType>, columns: Vec<ColId>, startup: f64, total: f64, rows: f64) -> Planned {
        let estimate = Estimate { startup, total, rows: rows.max(1.0), width: widths(&types) };
        Planned { plan: Plan { node, types, estimate }, columns, order: Vec::new() }
    }

    pub fn rows(&self) -> f64 {
        self.plan.estimate.rows
    }

    pub fn total(&self) -> f64 {
        self.plan.estimate.total
    }

    /// A node over this one that passes columns and order on.
    pub fn over(self, make: impl FnOnce(Plan) -> Node, cost: f64, rows: f64) -> Planned {
        let (types, columns, order) = (self.plan.types.clone(), self.columns, self.order);
        let e = self.plan.estimate;
        let mut planned = Planned::new(make(self.plan), types, columns, e.startup, e.total + cost, rows);
        planned.order = order;
        planned
    }
}

impl Planner<'_> {
    pub(super) fn build(&mut self, rel: Rel, want: &Want) -> Result<Planned> {
        match rel {
            Rel::Unit => {
                let node = Node::Result(Arc::new(ResultRow { exprs: vec![], condition: None }));
                Ok(Planned::new(node, vec![], vec![], 0.0, CPU_TUPLE, 1.0))
            }
            Rel::Empty { columns } => Ok(self.nothing(columns)),
            Rel::Scan(_) | Rel::Filter { .. } => self.build_group(rel, want),
            Rel::Join(j) => match j.kind {
                rel::JoinKind::Inner => self.build_group(Rel::Join(j), want),
                _ => self.build_outer_join(j),
            },
            Rel::SystemScan(s) => self.build_system_scan(s),
            Rel::Values { columns, rows } => {
                let count = rows.len() as f64;
                let rows = rows.iter().map(|r| self.lower_all(r, &[])).collect::<Result<_>>()?;
                let node = Node::Values(Arc::new(Values { rows, alias: "*VALUES*".into() }));
                Ok(Planned::new(node, self.types(&columns), columns, 0.0, count * 0.0125, count))
            }
            Rel::Function(f) => self.build_function_scan(f),
            Rel::Project { input, exprs } => self.build_project(*input, exprs, want),
            Rel::ProjectSet { input, calls } => {
                let input = self.build(*input, &Want::default())?;
                let mut lowered = Vec::new();
                let mut columns = input.columns.clone();
                let mut types = input.plan.types.clone();
                for (id, call) in calls {
                    lowered.push(SetCall { args: self.lower_all(&call.args, &input.columns)?, ..call.clone() });
                    columns.push(id);
                    types.push(call.ty);
                }
                let (cost, rows) = (input.total(), input.rows());
                let node = Node::ProjectSet(Arc::new(ProjectSet { input: input.plan, calls: lowered }));
                Ok(Planned::new(node, types, columns, 0.0, cost + rows * 10.0 * CPU_TUPLE, rows * 10.0))
            }
            Rel::Aggregate(a) => self.build_aggregate(a),
            Rel::Window(w) => self.build_window(w),
            Rel::Distinct { input, on } => self.build_distinct(*input, on),
            Rel::Sort { input, keys } => self.build_sort(*input, keys, None, want),
            Rel::Limit(l) => self.build_limit(l),
            Rel::SetOp(s) => self.build_set_op(s),
            Rel::Cte { cte, body } => {
                self.build_cte(*cte)?;
                self.build(*body, want)
            }
            Rel::CteRef(r) => {
                let (at, rows) = self.cte_places[&r.id];
                self.read_ctes.push(at);
                let name = Arc::clone(&self.ctes[at].name);
                let scan = CteScan { cte: at, alias: r.alias, name, columns: (0..r.columns.len()).collect() };
                let types = self.types(&r.columns);
                Ok(Planned::new(Node::CteScan(Arc::new(scan)), types, r.columns, 0.0, rows * 2.0 * CPU_TUPLE, rows))
            }
            Rel::Recursive(r) => self.build_recursive(*r),
            Rel::WorkTable(r) => {
                let (at, rows) = self.worktables[&r.id];
                self.read_worktables.push(at);
                let scan = WorkTableScan { worktable: at, alias: r.alias, columns: (0..r.columns.len()).collect() };
                let types = self.types(&r.columns);
                let node = Node::WorkTableScan(Arc::new(scan));
                Ok(Planned::new(node, types, r.columns, 0.0, rows * 2.0 * CPU_TUPLE, rows))
            }
            Rel::LockRows { input, targets } => self.build_lock_rows(*input, targets, want),
            Rel::Insert(i) => self.build_insert(*i),
            Rel::Update(u) => self.build_update(*u),
            Rel::Delete(d) => self.build_delete(*d),
            Rel::Merge(m) => self.build_merge(*m),
        }
    }

    /// No rows with these columns.
    pub(super) fn nothing(&self, columns: Vec<ColId>) -> Planned {
        let types = self.types(&columns);
        let exprs = types.iter().map(|t| Expr::null(*t)).collect();
        let condition = Some(Expr::constant(false, SqlType::BOOL));
        Planned::new(Node::Result(Arc::new(ResultRow { exprs, condition })), types, columns, 0.0, 0.0, 1.0)
    }

    /// The plan with exactly these columns, in this order.
    pub(super) fn arrange(&self, planned: Planned, columns: &[ColId]) -> Planned {
        if planned.columns == columns {
            return planned;
        }
        let at: Vec<usize> = columns
            .iter()
            .map(|id| planned.columns.iter().position(|c| c == id).expect("a column of the plan is asked for"))
            .collect();
        if let Node::Project(p) = &planned.plan.node
            && p.alias.is_none()
        {
            let exprs: Vec<Expr> = at.iter().map(|&i| p.exprs[i].clone()).collect();
            let repeated = at.iter().enumerate().any(|(i, a)| at[..i].contains(a));
            if !repeated || exprs.iter().all(|e| matches!(e, Expr::Input { .. } | Expr::Const { .. })) {
                let input = p.input.clone();
                return self.projected(input, planned.order, exprs, columns.to_vec());
            }
        }
        let types = &planned.plan.types;
        let exprs = at.iter().map(|&index| Expr::Input { index, ty: types[index] }).collect();
        self.projected(planned.plan, planned.order, exprs, columns.to_vec())
    }

    /// A projection of lowered expressions over a plan; a lookup does its own projecting.
    pub(super) fn projected(
        &self,
        input: Plan,
        order: Vec<OrderKey>,
        exprs: Vec<Expr>,
        columns: Vec<ColId>,
    ) -> Planned {
        let e = input.estimate;
        let types: Vec<SqlType> = exprs.iter().map(Expr::ty).collect();
        let cost = e.rows * CPU_OPERATOR * exprs.iter().filter(|e| !matches!(e, Expr::Input { .. })).count() as f64;
        let node = match &input.node {
            Node::Lookup(l) if l.project.is_none() => {
                // Mere columns are fetched as they are wanted; a filter reads them in the order that they have.
                let plain = |e: &Expr| match e {
                    Expr::Input { index, .. } if l.filter.is_none() => Some(l.columns[*index]),
                    _ => None,
                };
                let (columns, project) = match exprs.iter().map(plain).collect() {
                    Some(columns) => (columns, None),
                    None => (l.columns.clone(), Some(exprs)),
                };
                let lookup = Lookup {
                    def: Arc::clone(&l.def),
                    alias: Arc::clone(&l.alias),
                    index: l.index,
                    key: l.key.clone(),
                    columns,
                    filter: l.filter.clone(),
                    project,
                    range_conditions: l.range_conditions.clone(),
                };
                Node::Lookup(Arc::new(lookup))
            }
            Node::Result(r) if r.exprs.is_empty() && !exprs.iter().any(|e| matches!(e, Expr::Input { .. })) => {
                Node::Result(Arc::new(ResultRow { exprs, condition: r.condition.clone() }))
            }
            _ => Node::Project(Arc::new(Project { input, exprs, alias: None })),
        };
        let mut planned = Planned::new(node, types, columns, e.startup, e.total + cost, e.rows);
        planned.order = order.into_iter().take_while(|k| planned.columns.contains(&k.column)).collect();
        planned
    }

    fn build_project(&mut self, input: Rel, exprs: Vec<(ColId, Expr)>, want: &Want) -> Result<Planned> {
        // A wish for an order is passed on in terms of the input's columns.
        let source = |id: ColId| {
            exprs.iter().find(|(c, _)| *c == id).and_then(|(_, e)| match e {
                Expr::Column { id, .. } => Some(*id),
                _ => None,
            })
        };
        let order: Option<Vec<OrderKey>> =
            want.order.iter().map(|k| Some(OrderKey { column: source(k.column)?, ..*k })).collect();
        let input = self.build(input, &Want { order: order.unwrap_or_default(), rows: want.rows })?;
        let lowered = self.lower_all(exprs.iter().map(|e| &e.1), &input.columns)?;
        let columns: Vec<ColId> = exprs.iter().map(|e| e.0).collect();
        let mut order = Vec::new();
        for key in &input.order {
            let passed = exprs.iter().find(|(_, e)| matches!(e, Expr::Column { id, .. } if *id == key.column));
            match passed {
                Some((id, _)) => order.push(OrderKey { column: *id, ..*key }),
                None => break,
            }
        }
        for (id, e) in &exprs {
            if let Expr::Column { id: from, .. } = e
                && let Some(source) = self.sources.get(from).copied()
            {
                self.sources.insert(*id, source);
            }
        }
        if columns == input.columns && is_identity(&lowered) {
            return Ok(input);
        }
        // Projections over projections of plain columns are one.
        if let Node::Project(p) = &input.plan.node
            && p.alias.is_none()
            && p.exprs.iter().all(|e| matches!(e, Expr::Input { .. }))
            && !lowered.iter().any(Expr::has_subquery)
        {
            let merged = lowered.iter().map(|e| compose(e, &p.exprs)).collect();
            return Ok(self.projected(p.input.clone(), order, merged, columns));
        }
        Ok(self.projected(input.plan, order, lowered, columns))
    }

    /// LEFT, FULL, SEMI and ANTI joins (RIGHT ones were turned round).
    fn build_outer_join(&mut self, mut j: rel::Join) -> Result<Planned> {
        if j.kind == rel::JoinKind::Right {
            std::mem::swap(&mut j.left, &mut j.right);
            j.kind = rel::JoinKind::Left;
        }
        let kind = match j.kind {
            rel::JoinKind::Left => JoinKind::Left,
            rel::JoinKind::Full => JoinKind::Full,
            rel::JoinKind::Semi => JoinKind::Semi,
            rel::JoinKind::Anti => JoinKind::Anti,
            rel::JoinKind::Inner | rel::JoinKind::Right => JoinKind::Inner,
        };
        let conjuncts = j.on.map(split_all).unwrap_or_default();
        let alternative = match kind {
            JoinKind::Semi => self.semi_as_inner(&j.left, &j.right, &conjuncts),
            _ => None,
        };
        let left = self.build((*j.left).clone(), &Want::default())?;
        let planned = self.join_pair(kind, left, *j.right, conjuncts)?;
        match alternative {
            Some(rel) => {
                let other = self.build(rel, &Want::default())?;
                Ok(if other.total() < planned.total() { other } else { planned })
            }
            None => Ok(planned),
        }
    }

    /// `x IN (SELECT y ..)` as a join with the distinct `y`s, so that a few of them can look up many `x` by index. None if
    /// there is no such index, or the condition is more than equalities.
    fn semi_as_inner(&self, left: &Rel, right: &Rel, conjuncts: &[Expr]) -> Option<Rel> {
        let mut core = left;
        while let Rel::Filter { input, .. } = core {
            core = input;
        }
        let Rel::Scan(scan) = core else { return None };
        let right_columns: Columns = right.columns().into_iter().collect();
        let mut keys = Vec::new();
        let mut indexed = false;
        for c in conjuncts {
            let ("=", a, b) = super::conjuncts::comparison(c)? else { return None };
            let (outer, inner) = if a.columns().is_disjoint(&right_columns) { (a, b) } else { (b, a) };
            let Expr::Column { id, .. } = inner else { return None };
            let Expr::Column { id: outer, .. } = super::conjuncts::unrelabel(outer) else { return None };
            let (_, at) = scan.columns.iter().find(|c| c.0 == *outer)?;
            let part = crate::catalog::KeyPart::Column(scan.table.columns[*at].attnum);
            indexed |= self.catalog.indexes_of(scan.table.oid).iter().any(|i| i.keys[0].part == part);
            keys.push(*id);
        }
        if !indexed || !free(right, &self.subqueries).is_empty() {
            return None;
        }
        keys.dedup();
        let exprs = keys.iter().map(|id| (*id, Expr::Column { id: *id, ty: self.ty(*id) })).collect();
        let distinct = Rel::Distinct {
            input: Box::new(Rel::Project { input: Box::new(right.clone()), exprs }),
            on: DistinctOn::All(keys),
        };
        Some(Rel::Join(rel::Join {
            kind: rel::JoinKind::Inner,
            left: Box::new(left.clone()),
            right: Box::new(distinct),
            on: join(conjuncts.to_vec()),
            lateral: false,
        }))
    }

    fn build_system_scan(&mut self, s: rel::SystemScan) -> Result<Planned> {
        let mut columns: Vec<ColId> = s.columns.iter().map(|c| c.0).collect();
        let mut places: Vec<Option<usize>> = s.columns.iter().map(|c| Some(c.1)).collect();
        if let Some(oid) = s.tableoid {
            columns.push(oid);
            places.push(None);
        }
        let types = self.types(&columns);
        let node = SystemScan { table: s.table, alias: s.alias, columns: places, filter: None };
        Ok(Planned::new(Node::SystemScan(Arc::new(node)), types, columns, 0.0, 10.0, 100.0))
    }

    fn build_function_scan(&mut self, f: rel::FunctionScan) -> Result<Planned> {
        let mut calls = Vec::new();
        let mut columns = Vec::new();
        for function in f.functions {
            let source = match function.source {
                FunctionSource::Set(c) => FunctionSource::Set(SetCall { args: self.lower_all(&c.args, &[])?, ..c }),
                FunctionSource::Scalar(e) => FunctionSource::Scalar(self.lower(&e, &[])?),
            };
            calls.push(TableFunction { source, types: self.types(&function.columns), row: function.row });
            columns.extend(function.columns);
        }
        columns.extend(f.ordinality);
        let rows = function_rows(&calls);
        let types = self.types(&columns);
        let node = FunctionScan { alias: f.alias, calls, ordinality: f.ordinality.is_some() };
        Ok(Planned::new(Node::FunctionScan(Arc::new(node)), types, columns, 0.0, rows * CPU_TUPLE, rows))
    }

    fn build_aggregate(&mut self, a: rel::Aggregate) -> Result<Planned> {
        let a = match self.min_max_by_index(a)? {
            Ok(planned) => return Ok(planned),
            Err(a) => a,
        };
        let input = self.build(*a.input, &Want::default())?;
        let keys = self.lower_all(a.group.iter().map(|g| &g.1), &input.columns)?;
        let mut columns: Vec<ColId> = a.group.iter().map(|g| g.0).collect();
        let mut calls = Vec::new();
        for (id, call) in &a.aggs {
            columns.push(*id);
            calls.push(self.lower_call(call, &input.columns)?);
        }
        let groupings = a.grouping.iter().map(|g| g.1.clone()).collect();
        columns.extend(a.grouping.iter().map(|g| g.0));
        let strategy = if keys.is_empty() { Strategy::Plain } else { Strategy::Hashed };
        let rows = match &a.sets {
            None if keys.is_empty() => 1.0,
            None => self.group_count(a.group.iter().map(|g| &g.1), input.rows()),
            Some(sets) => (input.rows() * 0.1 * sets.len() as f64).max(1.0),
        };
        let sets = a.sets.unwrap_or_else(|| vec![(0..keys.len()).collect()]);
        let compared = a.dependent_from.min(keys.len());
        let types = self.types(&columns);
        let e = input.plan.estimate;
        let cost = e.total + e.rows * (keys.len() + calls.len()).max(1) as f64 * CPU_OPERATOR;
        let node = Aggregate { input: input.plan, strategy, keys, compared, sets, calls, groupings };
        Ok(Planned::new(Node::Aggregate(Arc::new(node)), types, columns, cost, cost + rows * CPU_TUPLE, rows))
    }

    fn lower_call(&mut self, call: &AggCall, input: &[ColId]) -> Result<AggCall> {
        Ok(AggCall {
            func: call.func,
            args: self.lower_all(&call.args, input)?,
            direct: self.lower_all(&call.direct, input)?,
            distinct: call.distinct,
            order: self.lower_keys(&call.order, input)?,
            filter: call.filter.as_ref().map(|f| self.lower(f, input)).transpose()?,
            ty: call.ty,
        })
    }

    /// How many groups rows fall into.
    pub(super) fn group_count<'e>(&self, keys: impl Iterator<Item = &'e Expr>, rows: f64) -> f64 {
        let mut product = 1.0;
        for key in keys {
            product *= self.distinct(key).unwrap_or(200.0);
        }
        f64::min(product, rows).max(1.0)
    }

    /// `min(c)` or `max(c)` of a whole table: the first row of `c`'s order, if an index has it.
    #[allow(clippy::result_large_err)]
    fn min_max_by_index(&mut self, a: rel::Aggregate) -> Result<std::result::Result<Planned, rel::Aggregate>> {
        let ([(id, call)], true, true) = (a.aggs.as_slice(), a.group.is_empty(), a.sets.is_none()) else {
            return Ok(Err(a));
        };
        let descending = match call.func.name {
            "min" => false,
            "max" => true,
            _ => return Ok(Err(a)),
        };
        let [Expr::Column { id: column, ty }] = call.args.as_slice() else { return Ok(Err(a)) };
        if call.filter.is_some() || !a.grouping.is_empty() {
            return Ok(Err(a));
        }
        let mut table = &*a.input;
        if let Rel::Filter { input, .. } = table {
            table = input;
        }
        let Rel::Scan(scan) = table else { return Ok(Err(a)) };
        let Some((_, position)) = scan.columns.iter().find(|c| c.0 == *column) else { return Ok(Err(a)) };
        let attnum = scan.table.columns[*position].attnum;
        let leads = |i: &Arc<crate::catalog::Index>| {
            i.valid
                && i.predicate.is_none()
                && i.keys.first().is_some_and(|k| k.part == crate::catalog::KeyPart::Column(attnum))
        };
        if !self.catalog.indexes_of(scan.table.oid).iter().any(leads) {
            return Ok(Err(a));
        }
        let (id, column, ty, call) = (*id, *column, *ty, call.clone());
        let value = Expr::Column { id: column, ty };
        let not_null = Expr::is_null(value.clone(), true);
        let input = match (*a.input).clone() {
            Rel::Filter { input, predicate } => Rel::Filter { input, predicate: Expr::And(vec![predicate, not_null]) },
            other => Rel::Filter { input: Box::new(other), predicate: not_null },
        };
        let keys = vec![SortKey { expr: value, descending, nulls_first: descending }];
        let one = Expr::constant(1i64, SqlType::INT8);
        let limit = rel::Limit {
            input: Box::new(Rel::Sort { input: Box::new(input), keys }),
            limit: Some(one),
            offset: None,
            ties: None,
        };
        let input = self.build_limit(limit)?;
        if matches!(&input.plan.node, Node::Limit(l) if matches!(l.input.node, Node::Sort(_))) {
            return Ok(Err(a));
        }
        let call = self.lower_call(&call, &input.columns)?;
        let cost = input.total();
        let node = Aggregate {
            input: input.plan,
            strategy: Strategy::Plain,
            keys: vec![],
            compared: 0,
            sets: vec![vec![]],
            calls: vec![call],
            groupings: vec![],
        };
        let types = self.types(&[id]);
        Ok(Ok(Planned::new(Node::Aggregate(Arc::new(node)), types, vec![id], cost, cost + CPU_TUPLE, 1.0)))
    }

    fn build_window(&mut self, w: rel::Window) -> Result<Planned> {
        let specs = in_order_of_evaluation(w.specs, self.group_keys(&w.input));
        let mut planned = self.build(*w.input, &Want::default())?;
        for spec in specs {
            let keys = sort_of(&spec);
            let sorted = order_of(&keys).is_some_and(|o| satisfies(&planned.order, &o));
            if !keys.is_empty() && !sorted {
                planned = self.sorted(planned, &keys, None)?;
            }
            let input = planned.columns.clone();
            let mut columns = input.clone();
            let mut calls = Vec::new();
            for (id, call) in &spec.calls {
                columns.push(*id);
                calls.push(WindowCall {
                    func: call.func,
                    args: self.lower_all(&call.args, &input)?,
                    filter: call.filter.as_ref().map(|f| self.lower(f, &input)).transpose()?,
                    ty: call.ty,
                });
            }
            let frame = Frame {
                unit: spec.frame.unit,
                start: self.lower_bound(&spec.frame.start)?,
                end: self.lower_bound(&spec.frame.end)?,
                exclude: spec.frame.exclude,
            };
            let e = planned.plan.estimate;
            let order = planned.order.clone();
            let node = Window {
                partition: self.lower_all(&spec.partition, &input)?,
                order: self.lower_keys(&spec.order, &input)?,
                frame,
                calls,
                input: planned.plan,
            };
            let cost = e.rows * (CPU_TUPLE + CPU_OPERATOR);
            let types = self.types(&columns);
            planned = Planned::new(Node::Window(Arc::new(node)), types, columns, e.startup, e.total + cost, e.rows);
            planned.order = order;
        }
        Ok(planned)
    }

    /// What the rows below windows are grouped by.
    fn group_keys(&self, input: &Rel) -> Vec<Expr> {
        match input {
            Rel::Filter { input, .. } => self.group_keys(input),
            Rel::Aggregate(a) => a.group.iter().map(|(id, _)| Expr::Column { id: *id, ty: self.ty(*id) }).collect(),
            _ => Vec::new(),
        }
    }

    fn lower_bound(&mut self, bound: &FrameBound) -> Result<FrameBound> {
        let mut offset = |o: &FrameOffset| -> Result<FrameOffset> {
            Ok(FrameOffset { value: self.lower(&o.value, &[])?, range: o.range })
        };
        Ok(match bound {
            FrameBound::Preceding(o) => FrameBound::Preceding(offset(o)?),
            FrameBound::Following(o) => FrameBound::Following(offset(o)?),
            other => other.clone(),
        })
    }

    fn build_distinct(&mut self, input: Rel, on: DistinctOn) -> Result<Planned> {
        let (want, exprs) = match on {
            DistinctOn::All(_) => (Want::default(), None),
            DistinctOn::On(exprs) => (Want::default(), Some(exprs)),
        };
        let input = self.build(input, &want)?;
        let rows = input.rows();
        let groups = match &exprs {
            Some(on) => self.group_count(on.iter(), rows),
            None => {
                let columns: Vec<Expr> =
                    input.columns.iter().map(|id| Expr::Column { id: *id, ty: self.ty(*id) }).collect();
                self.group_count(columns.iter(), rows)
            }
        };
        let on = exprs.map(|on| self.lower_all(&on, &input.columns)).transpose()?;
        let cost = rows * CPU_OPERATOR;
        Ok(input.over(|input| Node::Distinct(Arc::new(Distinct { input, on, sorted: false })), cost, groups))
    }

    /// A sort of a finished plan.
    pub(super) fn sorted(&mut self, input: Planned, keys: &[SortKey], bound: Option<Expr>) -> Result<Planned> {
        let lowered = self.lower_keys(keys, &input.columns)?;
        let rows = input.rows();
        let order = order_of(keys).unwrap_or_default();
        let total = input.total();
        let mut planned = input.over(
            |input| Node::Sort(Arc::new(Sort { input, keys: lowered, bound })),
            n_log_n(rows) * 2.0 * CPU_OPERATOR,
            rows,
        );
        planned.plan.estimate.startup = total + n_log_n(rows) * 2.0 * CPU_OPERATOR;
        planned.plan.estimate.total = planned.plan.estimate.startup + rows * CPU_OPERATOR;
        planned.order = order;
        Ok(planned)
    }

    fn build_sort(&mut self, input: Rel, keys: Vec<SortKey>, bound: Option<Expr>, want: &Want) -> Result<Planned> {
        let order = order_of(&keys);
        let rows = want.rows.or(limit_rows(bound.as_ref()));
        let input_want = Want { order: order.clone().unwrap_or_default(), rows };
        let input = self.build(input, &input_want)?;
        if order.is_some_and(|o| satisfies(&input.order, &o)) {
            return Ok(input);
        }
        self.sorted(input, &keys, bound)
    }

    fn build_limit(&mut self, l: rel::Limit) -> Result<Planned> {
        let count = l.limit.as_ref().map(|e| self.lower(e, &[])).transpose()?;
        let offset = l.offset.as_ref().map(|e| self.lower(e, &[])).transpose()?;
        let bound = match (&count, &offset, &l.ties) {
            (Some(c), None, None) => Some(c.clone()),
            (Some(c), Some(o), None) => add_counts(c, o),
            _ => None,
        };
        let rows = limit_rows(bound.as_ref());
        let input = match *l.input {
            Rel::Sort { input, keys } => self.build_sort(*input, keys, bound, &Want::default())?,
            Rel::Project { input, exprs } if matches!(*input, Rel::Sort { .. }) && bound.is_some() => {
                let Rel::Sort { input, keys } = *input else { unreachable!("just matched") };
                let sorted = self.build_sort(*input, keys, bound, &Want::default())?;
                let lowered = self.lower_all(exprs.iter().map(|e| &e.1), &sorted.columns)?;
                let columns: Vec<ColId> = exprs.iter().map(|e| e.0).collect();
                if columns == sorted.columns && is_identity(&lowered) {
                    sorted
                } else {
                    self.projected(sorted.plan, sorted.order, lowered, columns)
                }
            }
            other => self.build(other, &Want { order: vec![], rows })?,
        };
        let ties = l.ties.map(|t| self.lower_keys(&t, &input.columns)).transpose()?;
        let e = input.plan.estimate;
        let kept = rows.unwrap_or(e.rows * 0.1).min(e.rows).max(1.0);
        let mut planned = input.over(|input| Node::Limit(Arc::new(Limit { input, count, offset, ties })), 0.0, kept);
        planned.plan.estimate.total = e.startup + (e.total - e.startup) * (kept / e.rows.max(1.0));
        Ok(planned)
    }

    fn build_set_op(&mut self, s: rel::SetOp) -> Result<Planned> {
        let types = self.types(&s.columns);
        if s.kind == SetOpKind::Union {
            let mut inputs = Vec::new();
            self.append_inputs(s.kind, s.all, *s.left, &s.left_columns, &mut inputs)?;
            self.append_inputs(s.kind, s.all, *s.right, &s.right_columns, &mut inputs)?;
            let rows = inputs.iter().map(|p: &Plan| p.estimate.rows).sum();
            let total = inputs.iter().map(|p| p.estimate.total).sum();
            let node = Node::Append(Arc::new(Append { inputs }));
            let appended = Planned::new(node, types, s.columns, 0.0, total, rows);
            if s.all {
                return Ok(appended);
            }
            let distinct = |input| Node::Distinct(Arc::new(Distinct { input, on: None, sorted: false }));
            return Ok(appended.over(distinct, rows * CPU_OPERATOR, rows));
        }
        let left = self.build(*s.left, &Want::default())?;
        let left = self.arrange(left, &s.left_columns);
        let right = self.build(*s.right, &Want::default())?;
        let right = self.arrange(right, &s.right_columns);
        let (rows, total) = (left.rows(), left.total() + right.total());
        let node = SetOp { kind: s.kind, all: s.all, left: left.plan, right: right.plan };
        Ok(Planned::new(Node::SetOp(Arc::new(node)), types, s.columns, total, total + rows * CPU_OPERATOR, rows))
    }

    /// The inputs of a chain of UNIONs of one kind, flattened.
    fn append_inputs(
        &mut self,
        kind: SetOpKind,
        all: bool,
        rel: Rel,
        columns: &[ColId],
        out: &mut Vec<Plan>,
    ) -> Result<()> {
        match rel {
            Rel::SetOp(s) if s.kind == kind && s.all == all && s.columns == columns => {
                self.append_inputs(kind, all, *s.left, &s.left_columns, out)?;
                self.append_inputs(kind, all, *s.right, &s.right_columns, out)
            }
            other => {
                let planned = self.build(other, &Want::default())?;
                out.push(self.arrange(planned, columns).plan);
                Ok(())
            }
        }
    }

    fn build_cte(&mut self, cte: rel::Cte) -> Result<()> {
        if cte.references == 0 && !cte.modifies {
            self.cte_places.insert(cte.id, (usize::MAX, 1.0));
            return Ok(());
        }
        let outer = free(&cte.definition, &self.subqueries);
        let known = (self.ctes.len(), self.worktable_count);
        let read = (self.read_ctes.len(), self.read_worktables.len());
        let planned = self.build(cte.definition, &Want::default())?;
        let mut slots: Vec<usize> = outer.into_iter().map(|id| self.slot(id)).collect();
        let mut worktables = self.read_worktables[read.1..].to_vec();
        for other in self.read_ctes[read.0..].iter().filter(|&&other| other < known.0) {
            slots.extend(&self.ctes[*other].slots);
            worktables.extend(&self.ctes[*other].worktables);
        }
        worktables.retain(|&at| at < known.1);
        slots.sort_unstable();
        slots.dedup();
        worktables.sort_unstable();
        worktables.dedup();
        let planned = if cte.modifies && cte.output.is_empty() { planned } else { self.arrange(planned, &cte.output) };
        let at = self.ctes.len();
        self.cte_places.insert(cte.id, (at, planned.rows()));
        self.ctes.push(Cte { name: cte.name, plan: planned.plan, modifies: cte.modifies, slots, worktables });
        Ok(())
    }

    fn build_recursive(&mut self, r: rel::Recursive) -> Result<Planned> {
        let seed = self.build(r.seed, &Want::default())?;
        let seed = self.arrange(seed, &r.seed_columns);
        // A query that is planned in two places has a table of its own in each.
        let at = self.worktable_count;
        self.worktable_count += 1;
        self.worktables.insert(r.id, (at, seed.rows() * 10.0));
        let step = self.build(r.step, &Want::default())?;
        let step = self.arrange(step, &r.step_columns);
        let rows = seed.rows() + step.rows() * 10.0;
        let total = seed.total() + step.total() * 10.0;
        let types = seed.plan.types.clone();
        let node = RecursiveUnion { worktable: at, seed: seed.plan, step: step.plan, distinct: !r.all };
        Ok(Planned::new(Node::RecursiveUnion(Arc::new(node)), types, r.columns, 0.0, total, rows))
    }

    fn build_lock_rows(&mut self, input: Rel, targets: Vec<rel::LockTarget>, want: &Want) -> Result<Planned> {
        let input = self.build(input, want)?;
        let mut lowered = Vec::new();
        for target in targets {
            let key_column = input.columns.iter().position(|c| *c == target.key);
            let key_column = key_column.ok_or_else(|| Error::internal("a row to lock has no key"))?;
            lowered.push(LockTarget {
                def: Arc::clone(&self.definitions.get(self.catalog, &target.table)?.def),
                alias: target.alias,
                key_column,
                strength: target.strength,
                wait: target.wait,
            });
        }
        let rows = input.rows();
        Ok(input.over(|input| Node::LockRows(Arc::new(LockRows { input, targets: lowered })), rows * CPU_TUPLE, rows))
    }

    /// Puts a condition on top of a plan. Parts without any column decide once for all rows.
    pub(super) fn filtered(&mut self, input: Planned, conjuncts: Vec<Expr>) -> Result<Planned> {
        if conjuncts.is_empty() {
            return Ok(input);
        }
        let input_columns: Columns = input.columns.iter().copied().collect();
        let (once, each): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(|c| {
            super::columns::used(c, &self.subqueries).is_disjoint(&input_columns)
                && !super::columns::is_volatile(c, &self.subqueries)
        });
        let mut planned = input;
        let selectivity: f64 = each.iter().map(|c| self.selectivity(c)).product();
        if let Some(condition) = join(each) {
            let condition = self.lower(&condition, &planned.columns)?;
            let rows = planned.rows();
            planned = planned.over(
                |input| Node::Filter(Arc::new(Filter { input, condition })),
                rows * CPU_OPERATOR,
                rows * selectivity,
            );
        }
        if let Some(condition) = join(once) {
            if matches!(condition, Expr::Const { value: Datum::Bool(false) | Datum::Null, .. }) {
                return Ok(self.nothing(planned.columns));
            }
            let condition = self.lower(&condition, &[])?;
            planned = match &planned.plan.node {
                Node::Result(r) if r.condition.is_none() => {
                    let node = ResultRow { exprs: r.exprs.clone(), condition: Some(condition) };
                    Planned { plan: Plan { node: Node::Result(Arc::new(node)), ..planned.plan }, ..planned }
                }
                _ => {
                    let rows = planned.rows();
                    planned.over(|input| Node::Gate(Arc::new(Gate { input, condition })), 0.0, rows)
                }
            };
        }
        Ok(planned)
    }

    /// The columns of `from` that a relation takes from outside, as slots to fill.
    pub(super) fn slots_for(&mut self, rel: &Rel, from: &Planned) -> Vec<(usize, Expr)> {
        let needed = free(rel, &self.subqueries);
        self.slots_of(&needed, from)
    }

    pub(super) fn slots_of(&mut self, needed: &Columns, from: &Planned) -> Vec<(usize, Expr)> {
        let mut slots = Vec::new();
        for (index, column) in from.columns.iter().enumerate() {
            if needed.contains(column) {
                slots.push((self.slot(*column), Expr::Input { index, ty: from.plan.types[index] }));
            }
        }
        slots
    }
}

/// Whether expressions are the input's columns in order.
pub(super) fn is_identity(exprs: &[Expr]) -> bool {
    exprs.iter().enumerate().all(|(i, e)| matches!(e, Expr::Input { index, .. } if *index == i))
}

/// An expression over a projection as one over the projection's input; the projection has plain columns only.
fn compose(expr: &Expr, below: &[Expr]) -> Expr {
    let replace = &mut |e: Expr| {
        Ok(match e {
            Expr::Input { index, .. } => below[index].clone(),
            other => other,
        })
    };
    expr.clone().transform(replace).expect("replacing does not fail")
}

/// A row count that is known now.
fn limit_rows(bound: Option<&Expr>) -> Option<f64> {
    match bound? {
        Expr::Const { value: Datum::Int8(n), .. } if *n >= 0 => Some((*n as f64).max(1.0)),
        Expr::Const { .. } => None,
        _ => Some(100.0),
    }
}

/// LIMIT + OFFSET, when both are known.
fn add_counts(count: &Expr, offset: &Expr) -> Option<Expr> {
    match (count, offset) {
        (Expr::Const { value: Datum::Int8(c), .. }, Expr::Const { value: Datum::Int8(o), .. })
            if *c >= 0 && *o >= 0 =>
        {
            Some(Expr::constant(c.checked_add(*o)?, SqlType::INT8))
        }
        _ => None,
    }
}

/// `generate_series` of constants tells how many rows it makes; other functions are taken to make a hundred.
fn function_rows(calls: &[TableFunction]) -> f64 {
    let rows = calls.iter().map(|c| match &c.source {
        FunctionSource::Scalar(_) => 1.0,
        FunctionSource::Set(call) if call.func.name == "generate_series" && call.args.len() == 2 => {
            let int = |e: &Expr| match e.as_const() {
                Some(Datum::Int4(n)) => Some(f64::from(*n)),
                Some(Datum::Int8(n)) => Some(*n as f64),
                _ => None,
            };
            match (int(&call.args[0]), int(&call.args[1])) {
                (Some(a), Some(b)) => (b - a + 1.0).max(1.0),
                _ => 1000.0,
            }
        }
        FunctionSource::Set(_) => 100.0,
    });
    rows.fold(1.0, f64::max)
}

/// The order that a window's rows come in.
fn sort_of(spec: &WindowSpec) -> Vec<SortKey> {
    let ascending = |e: &Expr| SortKey { expr: e.clone(), descending: false, nulls_first: false };
    let mut keys: Vec<SortKey> = spec.partition.iter().map(ascending).collect();
    for key in &spec.order {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

/// As PostgreSQL has it (`select_active_windows`): one whose order begins with that of another comes before it, so that one
/// sort serves both; otherwise the one by what comes first in the statement comes last, and so the rows come out in its
/// order. `known` comes before all of them.
fn in_order_of_evaluation(mut specs: Vec<WindowSpec>, mut known: Vec<Expr>) -> Vec<WindowSpec> {
    for spec in &specs {
        for expr in spec.order.iter().map(|k| &k.expr).chain(&spec.partition) {
            if !known.contains(expr) {
                known.push(expr.clone());
            }
        }
    }
    let number = |key: &SortKey| (known.iter().position(|e| *e == key.expr), key.descending, key.nulls_first);
    specs.sort_by_cached_key(|spec| Reverse(sort_of(spec).iter().map(number).collect::<Vec<_>>()));
    specs
}
