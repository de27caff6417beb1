//! From what a statement means ([`Query`]) to how it is run ([`plan::PreparedPlan`]).
//!
//! Entry points: [`plan()`], [`explain`] for the text of EXPLAIN, [`definitions::Definitions`] for tables ready to be used.
//!
//! Must not know: pages, transactions, sessions.
//!
//! Steps:
//! 1. Rewrites on the logical plan: constants folded, WITH queries read once inlined, EXISTS and IN made joins
//!    (`unnest.rs`), conditions pushed down and outer joins made inner (`push_down.rs`), unread columns dropped
//!    (`prune.rs`).
//! 2. Bottom-up choice of physical nodes (`build.rs`): access paths (`access.rs`), join order (`join_order.rs`).
//! 3. Columns become positions, outer columns become slots (`lower.rs`), while nodes are built.
//!
//! Invariants:
//! 1. Every rewrite keeps the bag of rows, and the order where a Sort asked for one.
//! 2. A physical plan has no `Expr::Column`.
//! 3. One column has one slot in a statement: whoever sets it sets the value that everyone below means.
//!
//! A pure function of the query, the catalog and its statistics: no I/O; any thread.
//!
//! Read in this order: `plan.rs`, `columns.rs`, the rewrites, `build.rs`, `access.rs`, `join_order.rs`, `explain.rs`.

mod access;
mod build;
mod columns;
mod conjuncts;
pub mod definitions;
mod deparse;
mod estimate;
pub mod explain;
mod first_lock;
mod join_order;
mod lower;
mod modify;
pub mod plan;
mod prune;
mod push_down;
mod stack;
mod unnest;

pub use deparse::deparse_over;

use crate::base::{Error, Oid, Result};
use crate::binder::rel::{ColumnInfo, MergeAction, Query, Rel, Subquery};
use crate::catalog::Catalog;
use crate::expr::{ColId, Expr, SubqueryId, failing_constant, fold_constants};
use crate::types::{FormatContext, SqlType};
use ahash::AHashMap;
use build::Want;
use columns::Columns;
use definitions::Definitions;
pub use first_lock::{first_lock, lock_mode};
use plan::{Access, Cte, Node, Plan, PreparedPlan, Subplan};
use std::sync::Arc;

/// What planning depends on besides the query.
#[derive(Clone)]
pub struct PlannerSettings<'a> {
    pub definitions: &'a Arc<Definitions>,
    /// How constants are read when calls on them are folded.
    pub format: &'a FormatContext,
    pub enable_seqscan: bool,
    pub enable_indexscan: bool,
    pub enable_hashjoin: bool,
    pub enable_nestloop: bool,
}

impl<'a> PlannerSettings<'a> {
    pub fn new(definitions: &'a Arc<Definitions>, format: &'a FormatContext) -> PlannerSettings<'a> {
        PlannerSettings {
            definitions,
            format,
            enable_seqscan: true,
            enable_indexscan: true,
            enable_hashjoin: true,
            enable_nestloop: true,
        }
    }
}

/// The state of planning one statement.
struct Planner<'a> {
    catalog: &'a Arc<Catalog>,
    definitions: &'a Arc<Definitions>,
    settings: &'a PlannerSettings<'a>,
    columns: Vec<ColumnInfo>,
    subqueries: Vec<Subquery>,
    slots: AHashMap<ColId, usize>,
    subplans: Vec<Option<Subplan>>,
    ctes: Vec<Cte>,
    /// By the binder's CTE id: position in `ctes`, and the definition's columns in order.
    cte_places: AHashMap<usize, (usize, f64)>,
    /// By the binder's CTE id: the work table of the place being planned, and its rows.
    worktables: AHashMap<usize, (usize, f64)>,
    worktable_count: usize,
    /// All scans planned so far: what a WITH query's rows depend on is told from those of its definition.
    read_ctes: Vec<usize>,
    read_worktables: Vec<usize>,
    /// Where base columns come from: table and attribute number.
    sources: AHashMap<ColId, (Oid, i16)>,
}

/// Plans a bound statement.
pub fn plan(query: &Query, catalog: &Arc<Catalog>, settings: &PlannerSettings<'_>) -> Result<PreparedPlan> {
    let planned = stack::with_stack(query, || plan_query(query, catalog, settings))?;
    planned.parts().flatten().try_for_each(stack::check_depth)?;
    Ok(planned)
}

fn plan_query(query: &Query, catalog: &Arc<Catalog>, settings: &PlannerSettings<'_>) -> Result<PreparedPlan> {
    let mut p = Planner {
        catalog,
        definitions: settings.definitions,
        settings,
        columns: query.columns.clone(),
        subqueries: query.subqueries.clone(),
        slots: AHashMap::new(),
        subplans: query.subqueries.iter().map(|_| None).collect(),
        ctes: Vec::new(),
        cte_places: AHashMap::new(),
        worktables: AHashMap::new(),
        worktable_count: 0,
        read_ctes: Vec::new(),
        read_worktables: Vec::new(),
        sources: AHashMap::new(),
    };
    let output: Vec<ColId> = query.output.iter().map(|o| o.id).collect();
    let root = p.rewrite(query.root.clone(), &output);
    let failure = p.failure(&root);
    let planned = p.build(root, &Want::default())?;
    let is_short = is_short(&planned.plan);
    let planned = p.arrange(planned, &output);
    let writes = !query.read_only;
    Ok(PreparedPlan {
        lock_first: writes && first_lock(&planned.plan).is_some(),
        is_short: is_short && p.subplans.iter().flatten().all(|s| self::is_short(&s.plan)) && p.ctes.is_empty(),
        root: planned.plan,
        subplans: p.subplans,
        ctes: p.ctes,
        params: query.params.clone(),
        output: query.output.clone(),
        worktables: p.worktable_count,
        exec_slots: p.slots.len(),
        access: if writes { Access::Write } else { Access::Read },
        kind: query.kind,
        relations: query.access.clone(),
        unstable: query.literals_unstable,
        failure,
    })
}

impl Planner<'_> {
    /// The logical rewrites, of the main tree and of all sub-selects.
    fn rewrite(&mut self, root: Rel, output: &[ColId]) -> Rel {
        let columns = std::mem::take(&mut self.columns);
        let column_type = |id: ColId| columns[id.0 as usize].ty;
        let mut subqueries = std::mem::take(&mut self.subqueries);
        let root = self.fold(root);
        for sub in &mut subqueries {
            let rel = std::mem::replace(&mut sub.root, Rel::Unit);
            sub.root = self.fold(rel);
        }
        let root = unnest::inline_ctes(root, &mut subqueries, &column_type);
        let root = Self::rewrite_one(root, output, &subqueries);
        for i in 0..subqueries.len() {
            let rel = std::mem::replace(&mut subqueries[i].root, Rel::Unit);
            // Its own place is empty while it is rewritten: a sub-select never mentions itself.
            subqueries[i].root = Self::rewrite_one(rel, &subqueries[i].output.clone(), &subqueries);
        }
        self.subqueries = subqueries;
        self.columns = columns;
        root
    }

    fn rewrite_one(rel: Rel, output: &[ColId], subqueries: &[Subquery]) -> Rel {
        let rel = unnest::unnest(rel, subqueries);
        let mut rel = push_down::PushDown { subqueries }.push(rel, Vec::new());
        let needed: Columns = output.iter().copied().collect();
        prune::Prune { subqueries }.prune(&mut rel, &needed);
        rel
    }

    /// Folds the constants of all conditions and projections.
    fn fold(&self, mut rel: Rel) -> Rel {
        let format = self.settings.format;
        let fold = |e: &mut Expr| *e = fold_constants(std::mem::take(e), format);
        match &mut rel {
            Rel::Filter { predicate, .. } => fold(predicate),
            Rel::Project { exprs, .. } => exprs.iter_mut().for_each(|e| fold(&mut e.1)),
            Rel::Join(j) => j.on.iter_mut().for_each(fold),
            Rel::Values { rows, .. } => rows.iter_mut().flatten().for_each(fold),
            Rel::Insert(i) => i.values.iter_mut().flatten().for_each(fold),
            Rel::Update(u) => u.assignments.iter_mut().for_each(|a| fold(&mut a.1)),
            Rel::Merge(m) => m.actions.iter_mut().flat_map(MergeAction::exprs_mut).for_each(fold),
            Rel::Aggregate(a) => {
                for (_, call) in &mut a.aggs {
                    call.args.iter_mut().chain(&mut call.filter).for_each(fold);
                }
            }
            Rel::Limit(l) => l.limit.iter_mut().chain(&mut l.offset).for_each(fold),
            _ => {}
        }
        rel.map_inputs(&mut |input| self.fold(input));
        rel
    }

    /// What is wrong with the first constant that cannot be computed.
    fn failure(&self, rel: &Rel) -> Option<Error> {
        let mut found = None;
        let of_subquery = |id: SubqueryId| self.failure(&self.subqueries[id.0 as usize].root);
        rel.for_each_expr(&mut |e| {
            found = found.take().or_else(|| failing_constant(e, self.settings.format));
            found = found.take().or_else(|| e.subqueries().into_iter().find_map(of_subquery));
        });
        rel.for_each_input(&mut |input| found = found.take().or_else(|| self.failure(input)));
        found
    }

    /// A column that only the plan knows.
    fn new_column(&mut self, name: &str, ty: SqlType) -> ColId {
        self.columns.push(ColumnInfo { relation: None, name: name.into(), ty });
        ColId(self.columns.len() as u32 - 1)
    }

    fn ty(&self, id: ColId) -> SqlType {
        self.columns[id.0 as usize].ty
    }

    fn types(&self, ids: &[ColId]) -> Vec<SqlType> {
        ids.iter().map(|id| self.ty(*id)).collect()
    }
}

/// Whether a plan does provably little: a handful of lookups, or a scan that a small LIMIT ends.
fn is_short(plan: &Plan) -> bool {
    match &plan.node {
        Node::Result(_) | Node::Lookup(_) => true,
        Node::Values(v) => v.rows.len() <= 16,
        Node::Filter(n) => is_short(&n.input),
        Node::Project(n) => is_short(&n.input),
        Node::Gate(n) => is_short(&n.input),
        Node::Sort(n) => is_short(&n.input),
        Node::Aggregate(n) => is_short(&n.input),
        Node::Distinct(n) => is_short(&n.input),
        Node::LockRows(n) => is_short(&n.input),
        Node::NestedLoop(n) => is_short(&n.left) && is_short(&n.right),
        Node::Append(n) => n.inputs.len() <= 8 && n.inputs.iter().all(is_short),
        Node::Insert(n) => is_short(&n.input),
        Node::Update(n) => is_short(&n.input),
        Node::Delete(n) => is_short(&n.input),
        Node::Limit(n) => {
            let few = matches!(n.count.as_ref().and_then(Expr::as_const), Some(crate::types::Datum::Int8(0..=64)))
                && n.offset.is_none()
                && n.ties.is_none();
            is_short(&n.input) || (few && streams_from_index(&n.input))
        }
        _ => false,
    }
}

/// Whether the rows come straight from an index or a table without a condition that might pass over many.
fn streams_from_index(plan: &Plan) -> bool {
    match &plan.node {
        Node::SeqScan(s) | Node::IndexScan(s) => s.filter.is_none(),
        Node::Project(p) => streams_from_index(&p.input),
        _ => false,
    }
}
