//! Access paths: which tree of a table to read, which part of it, in which direction.
//!
//! Conditions that compare a column (or an index's expression) with something that does not come from the table itself
//! become *terms*. For each index, terms on its leading key columns make ranges; what they say exactly need not be
//! checked again. The cheapest path wins, with the sort that it would save and the rows that a LIMIT would not read taken
//! into account.

use super::Planner;
use super::build::{OrderKey, Planned, Want, n_log_n, satisfies};
use super::columns::{Columns, is_volatile, used};
use super::conjuncts::{commuted, comparison, join, split_all, unrelabel};
use super::estimate::*;
use super::plan::{Append, Bound, Distinct, KeyPart, KeyRange, Lookup, Node, RangeCondition, Scan, ScanColumn};
use crate::base::Result;
use crate::binder::rel;
use crate::expr::{ColId, Expr, Form};
use crate::table::{IndexDef, KeySource, TableDef, index_covers};
use crate::types::{Datum, SqlType, oid};
use std::sync::Arc;

/// What fetching a row by its key costs, beside reading it in passing.
const FETCH: f64 = 0.1;
/// What finding the first entry of a range costs.
const DESCENT: f64 = 0.25;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Equal,
    Any,
    Null,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// A condition that an index could answer.
struct Term {
    /// The column or expression, over positions in the table's columns.
    target: Expr,
    op: Op,
    /// Without columns of the table; none for IS NULL.
    value: Option<Expr>,
    /// Which of the conditions it is.
    conjunct: usize,
}

/// One way to read the table.
struct Path {
    /// Position in the definition's indexes; none reads the table's tree whole.
    index: Option<usize>,
    prefix: Vec<usize>,
    lower: Option<usize>,
    upper: Option<usize>,
    /// All key columns of a unique index have one value.
    is_lookup: bool,
    covering: bool,
    backward: bool,
    order: Vec<OrderKey>,
    cost: f64,
    /// The cost as compared: with a sort to come, or with rows that are never read.
    weighed: f64,
}

/// A table about to be scanned.
struct Subject {
    def: Arc<TableDef>,
    scan: rel::Scan,
    conjuncts: Vec<Expr>,
    terms: Vec<Term>,
    rows: f64,
    out_rows: f64,
    scan_columns: Vec<ScanColumn>,
    columns: Vec<ColId>,
}

impl Planner<'_> {
    /// A scan of a table with conditions on it, which may mention columns from outside.
    pub(super) fn build_scan(&mut self, scan: rel::Scan, conjuncts: Vec<Expr>, want: &Want) -> Result<Planned> {
        let subject = self.subject(scan, conjuncts)?;
        let path = self.best_path(&subject, want);
        match self.union_of_ranges(&subject, path.weighed, want)? {
            Some(planned) => Ok(planned),
            None => self.finish_scan(subject, path),
        }
    }

    /// `a = 1 OR b = 2` by two indexes: the scans of the arms one after another, each row once.
    fn union_of_ranges(&mut self, s: &Subject, limit: f64, want: &Want) -> Result<Option<Planned>> {
        if !want.order.is_empty() || want.rows.is_some() {
            return Ok(None);
        }
        for (i, conjunct) in s.conjuncts.iter().enumerate() {
            let Expr::Or(parts) = conjunct else { continue };
            if conjunct.has_subquery() || is_volatile(conjunct, &self.subqueries) {
                continue;
            }
            let mut scan = s.scan.clone();
            let key = match scan.key {
                Some(key) => key,
                None => *scan.key.insert(self.new_column("ctid", SqlType::BYTEA)),
            };
            let (mut arms, mut cost) = (Vec::new(), 0.0);
            for part in parts {
                let mut conjuncts = split_all(part.clone());
                conjuncts.extend(s.conjuncts.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, c)| c.clone()));
                let arm = self.subject(scan.clone(), conjuncts)?;
                let path = self.best_path(&arm, &Want::default());
                if path.index.is_none() || (path.prefix.is_empty() && path.lower.is_none() && path.upper.is_none()) {
                    break;
                }
                cost += path.cost + arm.out_rows * CPU_OPERATOR * 2.0;
                arms.push((arm, path));
            }
            if arms.len() < parts.len() || cost >= limit {
                continue;
            }
            return self.append_arms(arms, key).map(Some);
        }
        Ok(None)
    }

    fn append_arms(&mut self, arms: Vec<(Subject, Path)>, key: ColId) -> Result<Planned> {
        let mut inputs = Vec::new();
        let mut columns = Vec::new();
        for (arm, path) in arms {
            let planned = self.finish_scan(arm, path)?;
            columns.clone_from(&planned.columns);
            inputs.push(planned.plan);
        }
        let types = self.types(&columns);
        let rows = inputs.iter().map(|p| p.estimate.rows).sum();
        let total = inputs.iter().map(|p| p.estimate.total).sum();
        let appended = Planned::new(Node::Append(Arc::new(Append { inputs })), types, columns, 0.0, total, rows);
        let key = self.lower(&Expr::Column { id: key, ty: SqlType::BYTEA }, &appended.columns)?;
        let distinct = |input| Node::Distinct(Arc::new(Distinct { input, on: Some(vec![key]), sorted: false }));
        Ok(appended.over(distinct, rows * CPU_OPERATOR, rows))
    }

    /// Notes where a scan's columns come from, for estimates.
    pub(super) fn note_sources(&mut self, scan: &rel::Scan) {
        for (id, at) in &scan.columns {
            self.sources.insert(*id, (scan.table.oid, scan.table.columns[*at].attnum));
        }
    }

    fn subject(&mut self, scan: rel::Scan, conjuncts: Vec<Expr>) -> Result<Subject> {
        self.note_sources(&scan);
        let def = Arc::clone(&self.definitions.get(self.catalog, &scan.table)?.def);
        let rows = self.definitions.tables().estimated_rows(self.catalog, scan.table.oid).max(1.0);
        let mut scan_columns: Vec<ScanColumn> = scan.columns.iter().map(|c| ScanColumn::Column(c.1)).collect();
        let mut columns: Vec<ColId> = scan.columns.iter().map(|c| c.0).collect();
        for (id, column) in [(scan.key, ScanColumn::RowKey), (scan.tableoid, ScanColumn::TableOid)] {
            if let Some(id) = id {
                columns.push(id);
                scan_columns.push(column);
            }
        }
        let own: Columns = columns.iter().copied().collect();
        let terms = conjuncts.iter().enumerate().filter_map(|(i, c)| self.term(&scan, &own, i, c)).collect();
        let selectivity: f64 = conjuncts.iter().map(|c| self.selectivity(c)).product();
        let out_rows = (rows * selectivity).max(1.0);
        Ok(Subject { def, scan, conjuncts, terms, rows, out_rows, scan_columns, columns })
    }

    fn term(&self, scan: &rel::Scan, own: &Columns, conjunct: usize, condition: &Expr) -> Option<Term> {
        if is_volatile(condition, &self.subqueries) {
            return None;
        }
        let outside = |e: &Expr| used(e, &self.subqueries).is_disjoint(own);
        let target = |e: &Expr| -> Option<Expr> {
            if outside(e) || e.has_subquery() {
                return None;
            }
            Some(over_positions(unrelabel(e), scan))
        };
        match condition {
            Expr::IsNull { arg, negated: false, row: false } => {
                Some(Term { target: target(arg)?, op: Op::Null, value: None, conjunct })
            }
            Expr::AnyAll { left, array, all: false, form: Form::Operator(op), .. } if op.name == "=" => {
                if !outside(array) || !comparable(unrelabel(left).ty(), array.ty().element()?) {
                    return None;
                }
                Some(Term { target: target(left)?, op: Op::Any, value: Some((**array).clone()), conjunct })
            }
            Expr::Or(parts) => any_of(parts, conjunct, &target, &outside),
            Expr::Column { ty, .. } if ty.oid == oid::BOOL => {
                let value = Some(Expr::constant(true, SqlType::BOOL));
                Some(Term { target: target(condition)?, op: Op::Equal, value, conjunct })
            }
            other => {
                let (name, left, right) = comparison(other)?;
                let (name, left, right) = match (outside(left), outside(right)) {
                    (false, true) => (name, left, right),
                    (true, false) => (commuted(name)?, right, left),
                    _ => return None,
                };
                let op = match name {
                    "=" => Op::Equal,
                    "<" => Op::Less,
                    "<=" => Op::LessEqual,
                    ">" => Op::Greater,
                    ">=" => Op::GreaterEqual,
                    _ => return None,
                };
                if !comparable(unrelabel(left).ty(), right.ty()) {
                    return None;
                }
                Some(Term { target: target(left)?, op, value: Some(right.clone()), conjunct })
            }
        }
    }

    fn best_path(&self, s: &Subject, want: &Want) -> Path {
        let mut best = self.whole_table(s, want);
        for index in 0..s.def.indexes.len() {
            for path in self.index_paths(s, index, want) {
                if path.weighed < best.weighed {
                    best = path;
                }
            }
        }
        best
    }

    fn whole_table(&self, s: &Subject, want: &Want) -> Path {
        let stats = self.catalog.stats(s.scan.table.oid);
        let bytes = f64::from(widths(s.def.types.iter()) + 24);
        let pages = stats.map_or((s.rows * bytes / PAGE_BYTES).ceil(), |t| t.pages as f64).max(1.0);
        let mut cost = pages * SEQ_PAGE + s.rows * (CPU_TUPLE + s.conjuncts.len() as f64 * CPU_OPERATOR);
        if !self.settings.enable_seqscan {
            cost += 1e10;
        }
        let mut path = Path {
            index: None,
            prefix: vec![],
            lower: None,
            upper: None,
            is_lookup: false,
            covering: false,
            backward: false,
            order: vec![],
            cost,
            weighed: cost,
        };
        weigh(&mut path, s, want, false);
        path
    }

    /// The ways in which an index could be read, if it could.
    fn index_paths(&self, s: &Subject, at: usize, want: &Want) -> Vec<Path> {
        let index = &s.def.indexes[at];
        if !index.index.valid || !predicate_holds(s, index) {
            return vec![];
        }
        let (mut prefix, mut used_terms) = (Vec::new(), Vec::new());
        let (mut lower, mut upper) = (None, None);
        for source in &index.sources {
            let here = |ops: &[Op]| s.terms.iter().position(|t| ops.contains(&t.op) && is_target(&t.target, source));
            let found = here(&[Op::Equal]).or_else(|| here(&[Op::Any])).or_else(|| here(&[Op::Null]));
            match found {
                Some(term) => {
                    prefix.push(term);
                    used_terms.push(term);
                }
                None => {
                    lower = here(&[Op::Greater, Op::GreaterEqual]);
                    upper = here(&[Op::Less, Op::LessEqual]);
                    used_terms.extend(lower);
                    used_terms.extend(upper);
                    break;
                }
            }
        }
        let is_lookup = index.index.unique
            && prefix.len() == index.sources.len()
            && prefix.iter().all(|&t| s.terms[t].op == Op::Equal);
        let covering = index_covers(&s.def.table, &index.index, &s.scan_columns);
        let clustered = index.index.clustered;
        let selectivity: f64 =
            used_terms.iter().map(|&t| self.selectivity(&s.conjuncts[s.terms[t].conjunct])).product();
        let rows = if is_lookup { 1.0 } else { (s.rows * selectivity).max(1.0) };
        let per_row = if clustered {
            CPU_TUPLE + f64::from(widths(s.def.types.iter()) + 24) / PAGE_BYTES * SEQ_PAGE
        } else if covering {
            CPU_TUPLE + CPU_INDEX
        } else {
            CPU_TUPLE + CPU_INDEX + FETCH
        };
        let descents: f64 = prefix
            .iter()
            .map(|&t| match (&s.terms[t].op, &s.terms[t].value) {
                (Op::Any, Some(Expr::Const { value: Datum::Array(a), .. })) => a.items.len() as f64,
                (Op::Any, Some(Expr::Array { items, .. })) => items.len() as f64,
                (Op::Any, _) => 10.0,
                _ => 1.0,
            })
            .product();
        let rest = s.conjuncts.len().saturating_sub(used_terms.len()) as f64;
        let mut cost = DESCENT * descents + rows * (per_row + rest * CPU_OPERATOR);
        if !self.settings.enable_indexscan {
            cost += 1e10;
        }
        let (order, fixed) = self.index_order(s, index, &prefix);
        let mut paths = Vec::new();
        for backward in [false, true] {
            let order: Vec<OrderKey> = order
                .iter()
                .map(|k| match backward {
                    true => OrderKey { descending: !k.descending, nulls_first: !k.nulls_first, ..*k },
                    false => *k,
                })
                .collect();
            let wanted: Vec<OrderKey> = want.order.iter().filter(|k| !fixed.contains(&k.column)).copied().collect();
            let ordered = !want.order.is_empty() && (wanted.is_empty() || satisfies(&order, &wanted));
            if (used_terms.is_empty() && !ordered && !covering) || (backward && !ordered) {
                continue;
            }
            let mut path = Path {
                index: Some(at),
                prefix: prefix.clone(),
                lower,
                upper,
                is_lookup,
                covering: covering && !clustered,
                backward,
                order: if ordered { want.order.clone() } else { order },
                cost,
                weighed: cost,
            };
            weigh(&mut path, s, want, ordered);
            paths.push(path);
        }
        paths
    }

    /// The order of an index's entries in terms of the scan's columns, after the columns that have one value, and these
    /// columns.
    fn index_order(&self, s: &Subject, index: &IndexDef, prefix: &[usize]) -> (Vec<OrderKey>, Vec<ColId>) {
        let column = |source: &KeySource| match source {
            KeySource::Column(at) => s.scan.columns.iter().find(|c| c.1 == *at).map(|c| c.0),
            KeySource::Expr(_) => None,
        };
        let skip = prefix.iter().take_while(|&&t| s.terms[t].op != Op::Any).count();
        let fixed = index.sources[..skip].iter().filter_map(column).collect();
        let mut order = Vec::new();
        for (source, key) in index.sources.iter().zip(&index.columns).skip(skip) {
            match column(source) {
                Some(column) => order.push(OrderKey {
                    column,
                    descending: key.order.descending,
                    nulls_first: key.order.nulls_first,
                }),
                None => break,
            }
        }
        (order, fixed)
    }

    fn finish_scan(&mut self, s: Subject, path: Path) -> Result<Planned> {
        let mut answered: Vec<usize> = path.prefix.iter().chain(&path.lower).chain(&path.upper).copied().collect();
        answered.sort_unstable();
        let mut range_conditions = Vec::new();
        for &t in path.prefix.iter().chain(&path.lower).chain(&path.upper) {
            let term = &s.terms[t];
            range_conditions.push(RangeCondition {
                target: term.target.clone(),
                operator: operator_text(term.op),
                value: term.value.as_ref().map(|v| self.lower(v, &[])).transpose()?,
                any: term.op == Op::Any,
            });
        }
        let rest: Vec<Expr> = s
            .conjuncts
            .iter()
            .enumerate()
            .filter(|(i, _)| !answered.iter().any(|&t| s.terms[t].conjunct == *i))
            .map(|(_, c)| c.clone())
            .collect();
        let filter = join(rest).map(|f| self.lower(&f, &s.columns)).transpose()?;
        let types = self.types(&s.columns);
        let (rows, cost) = (if path.is_lookup { 1.0 } else { s.out_rows }, path.cost);
        let startup = if path.index.is_some() { DESCENT } else { 0.0 };
        let node = if path.is_lookup {
            let mut key = Vec::new();
            for &t in &path.prefix {
                key.push(self.term_value(&s.terms[t])?);
            }
            Node::Lookup(Arc::new(Lookup {
                def: s.def,
                alias: s.scan.alias,
                index: path.index.expect("a lookup has an index"),
                key,
                columns: s.scan_columns,
                filter,
                project: None,
                range_conditions,
            }))
        } else {
            let ranges = if range_conditions.is_empty() { vec![] } else { vec![self.key_range(&s, &path)?] };
            let scan = Scan {
                def: s.def,
                alias: s.scan.alias,
                index: path.index,
                columns: s.scan_columns,
                ranges,
                backward: path.backward,
                covering: path.covering,
                filter,
                range_conditions,
            };
            if path.index.is_some() { Node::IndexScan(Arc::new(scan)) } else { Node::SeqScan(Arc::new(scan)) }
        };
        let mut planned = Planned::new(node, types, s.columns, startup, cost.max(startup), rows);
        planned.order = path.order;
        if path.is_lookup {
            planned.order = vec![];
        }
        Ok(planned)
    }

    fn term_value(&mut self, term: &Term) -> Result<Expr> {
        let value = term.value.as_ref().expect("an equality has a value");
        self.lower(value, &[])
    }

    fn key_range(&mut self, s: &Subject, path: &Path) -> Result<KeyRange> {
        let mut range = KeyRange::default();
        for &t in &path.prefix {
            let term = &s.terms[t];
            range.prefix.push(match term.op {
                Op::Any => KeyPart::Any(self.term_value(term)?),
                Op::Null => KeyPart::Null,
                _ => KeyPart::Equal(self.term_value(term)?),
            });
        }
        if let Some(t) = path.lower {
            let inclusive = s.terms[t].op == Op::GreaterEqual;
            range.lower = Some(Bound { value: self.term_value(&s.terms[t])?, inclusive });
        }
        if let Some(t) = path.upper {
            let inclusive = s.terms[t].op == Op::LessEqual;
            range.upper = Some(Bound { value: self.term_value(&s.terms[t])?, inclusive });
        }
        Ok(range)
    }

    /// What one lookup of a scan costs when some of its conditions get their values from the rows of a join's other side:
    /// cost and rows. None if no index begins with a column so compared.
    pub(super) fn lookup_cost(&mut self, scan: &rel::Scan, conjuncts: &[Expr]) -> Result<Option<(f64, f64)>> {
        let subject = self.subject(scan.clone(), conjuncts.to_vec())?;
        let path = self.best_path(&subject, &Want::default());
        let by_value = path.prefix.iter().any(|&t| subject.terms[t].op == Op::Equal);
        Ok((path.index.is_some() && by_value)
            .then_some((path.cost, if path.is_lookup { 1.0 } else { subject.out_rows })))
    }
}

/// Takes into account what comes above: a sort that is saved, rows that are never read.
fn weigh(path: &mut Path, s: &Subject, want: &Want, ordered: bool) {
    let share = match want.rows {
        Some(rows) if want.order.is_empty() || ordered => (rows / s.out_rows).min(1.0),
        _ => 1.0,
    };
    path.weighed = DESCENT + (path.cost - DESCENT).max(0.0) * share;
    if !want.order.is_empty() && !ordered {
        path.weighed += n_log_n(s.out_rows) * 2.0 * CPU_OPERATOR;
    }
    if path.is_lookup {
        path.weighed = 0.0;
    }
}

fn operator_text(op: Op) -> &'static str {
    match op {
        Op::Equal | Op::Any => "=",
        Op::Null => "IS NULL",
        Op::Less => "<",
        Op::LessEqual => "<=",
        Op::Greater => ">",
        Op::GreaterEqual => ">=",
    }
}

/// Whether comparing values of these types is what an index of the first one's type orders by.
pub(super) fn comparable(column: SqlType, value: SqlType) -> bool {
    let int = |t: SqlType| matches!(t.oid, oid::INT2 | oid::INT4 | oid::INT8);
    let text = |t: SqlType| matches!(t.oid, oid::TEXT | oid::VARCHAR);
    column.oid == value.oid || (int(column) && int(value)) || (text(column) && text(value))
}

/// An expression over the scan's columns as one over positions in the table.
fn over_positions(expr: &Expr, scan: &rel::Scan) -> Expr {
    expr.clone().substitute(&mut |id| {
        let (_, at) = scan.columns.iter().find(|c| c.0 == id)?;
        let column = &scan.table.columns[*at];
        Some(Expr::Input { index: *at, ty: SqlType::with_typmod(column.type_oid, column.typmod) })
    })
}

fn is_target(target: &Expr, source: &KeySource) -> bool {
    match source {
        KeySource::Column(at) => matches!(target, Expr::Input { index, .. } if index == at),
        KeySource::Expr(expr) => target == unrelabel(expr),
    }
}

/// `a = 1 OR a = 2`: as `a = ANY (ARRAY[1, 2])`.
fn any_of(
    parts: &[Expr],
    conjunct: usize,
    target: &dyn Fn(&Expr) -> Option<Expr>,
    outside: &dyn Fn(&Expr) -> bool,
) -> Option<Term> {
    let mut items = Vec::new();
    let mut common: Option<Expr> = None;
    for part in parts {
        let (name, left, right) = comparison(part)?;
        let (left, right) = if outside(right) { (left, right) } else { (right, left) };
        if name != "=" || !outside(right) || unrelabel(left).ty().bare() != right.ty().bare() {
            return None;
        }
        let this = target(left)?;
        if common.as_ref().is_some_and(|c| *c != this) {
            return None;
        }
        common = Some(this);
        items.push(right.clone());
    }
    let ty = items[0].ty().bare().array()?;
    let value = Some(Expr::Array { items, ty, nested: false });
    Some(Term { target: common?, op: Op::Any, value, conjunct })
}

/// Whether the conditions guarantee a partial index's predicate.
fn predicate_holds(s: &Subject, index: &IndexDef) -> bool {
    let Some(predicate) = &index.predicate else { return true };
    let conditions: Vec<Expr> = s.conjuncts.iter().map(|c| over_positions(c, &s.scan)).collect();
    split_all(predicate.clone()).iter().all(|p| {
        conditions.contains(p)
            || match p {
                Expr::IsNull { arg, negated: true, row: false } => {
                    s.terms.iter().any(|t| t.op != Op::Null && t.target == **arg)
                }
                _ => false,
            }
    })
}
