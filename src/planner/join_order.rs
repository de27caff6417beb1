//! The order of inner joins.
//!
//! Neighbouring inner joins and the conditions above them become one *group*: leaves, and conditions that each need some set
//! of leaves. The rows of a set of leaves do not depend on how it was put together, so plans of sets are compared by
//! cost alone: all ways for few leaves (dynamic programming over subsets), the smallest next result for many (greedy).

use super::Planner;
use super::access::comparable;
use super::build::{Planned, Want};
use super::columns::{Columns, free, is_volatile, used};
use super::conjuncts::{comparison, join, split, split_all, unrelabel};
use super::estimate::{CPU_OPERATOR, CPU_TUPLE};
use super::plan::{HashJoin, JoinKind, NestedLoop, Node};
use crate::base::{Error, Result, SqlState};
use crate::binder::rel::{self, Rel};
use crate::expr::{CastMethod, Expr, Form, registry};
use crate::types::{SqlType, oid};
use ahash::AHashMap;
use std::rc::Rc;
use std::sync::Arc;

/// Leaves up to which all orders are looked at.
const EXHAUSTIVE: usize = 8;
/// Sets of leaves are bits of a word.
const LEAVES_MAX: usize = 128;
const HASH_BUILD: f64 = 0.015;
const HASH_PROBE: f64 = 0.01;

type Mask = u128;

struct Leaf {
    rel: Rel,
    /// Conditions on this leaf alone.
    local: Vec<Expr>,
    /// Leaves whose columns it mentions (LATERAL).
    depends: Mask,
    rows: f64,
    cost: f64,
}

/// A condition on several leaves.
struct Condition {
    expr: Expr,
    mask: Mask,
    selectivity: f64,
    /// `left = right` with each side on leaves of its own.
    sides: Option<(Mask, Mask)>,
}

/// A way to join a set of leaves.
#[derive(Clone)]
struct Way {
    mask: Mask,
    rows: f64,
    cost: f64,
    shape: Shape,
}

#[derive(Clone)]
enum Shape {
    Leaf(usize),
    Join { left: Rc<Way>, right: Rc<Way>, method: Method },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Hash,
    Nested,
    /// The right leaf is looked up by index for each left row.
    Index,
    /// The right leaf mentions the left side's columns.
    Lateral,
}

impl Planner<'_> {
    /// Plans a tree of inner joins and filters.
    pub(super) fn build_group(&mut self, rel: Rel, want: &Want) -> Result<Planned> {
        let (mut rels, mut conjuncts) = (Vec::new(), Vec::new());
        collect(rel, &mut rels, &mut conjuncts);
        let all: Columns = rels.iter().flat_map(Rel::columns).collect();
        let (mut conjuncts, above): (Vec<_>, Vec<_>) = conjuncts
            .into_iter()
            .partition(|c| !is_volatile(c, &self.subqueries) && !used(c, &self.subqueries).is_disjoint(&all));
        if rels.len() == 1 {
            let rel = rels.pop().expect("one leaf");
            let planned = self.build_leaf(rel, conjuncts, want)?;
            return self.filtered(planned, above);
        }
        if rels.len() > LEAVES_MAX {
            return Err(Error::new(
                SqlState::STATEMENT_TOO_COMPLEX,
                format!("a join of more than {LEAVES_MAX} tables is not supported"),
            ));
        }
        for rel in &rels {
            if let Rel::Scan(scan) = rel {
                self.note_sources(scan);
            }
        }
        imply_constants(&mut conjuncts, &all, |c| used(c, &self.subqueries));
        let group = self.group(rels, conjuncts)?;
        let way = self.best_way(&group)?;
        let planned = self.build_way(&group, &way)?;
        self.filtered(planned, above)
    }

    fn group(&mut self, rels: Vec<Rel>, conjuncts: Vec<Expr>) -> Result<Group> {
        let columns: Vec<Columns> = rels.iter().map(|r| r.columns().into_iter().collect()).collect();
        let mask_of = |set: &Columns| -> Mask {
            columns.iter().enumerate().filter(|(_, c)| !c.is_disjoint(set)).fold(0, |m, (i, _)| m | 1 << i)
        };
        let mut leaves: Vec<Leaf> = Vec::new();
        for (i, rel) in rels.into_iter().enumerate() {
            let depends = mask_of(&free(&rel, &self.subqueries)) & !(1 << i);
            leaves.push(Leaf { rel, local: vec![], depends, rows: 1.0, cost: 0.0 });
        }
        let mut conditions = Vec::new();
        for expr in conjuncts {
            let mask = mask_of(&used(&expr, &self.subqueries));
            if mask.count_ones() == 1 {
                leaves[mask.trailing_zeros() as usize].local.push(expr);
                continue;
            }
            let sides = comparison(&expr).filter(|(name, ..)| *name == "=").and_then(|(_, l, r)| {
                let (l, r) = (mask_of(&used(l, &self.subqueries)), mask_of(&used(r, &self.subqueries)));
                (l != 0 && r != 0 && l & r == 0).then_some((l, r))
            });
            let selectivity = self.selectivity(&expr);
            conditions.push(Condition { expr, mask, selectivity, sides });
        }
        for leaf in &mut leaves {
            let planned = self.build_leaf(leaf.rel.clone(), leaf.local.clone(), &Want::default())?;
            (leaf.rows, leaf.cost) = (planned.rows(), planned.total());
        }
        Ok(Group { leaves, conditions })
    }

    /// A leaf with conditions that may mention columns from outside.
    fn build_leaf(&mut self, rel: Rel, conjuncts: Vec<Expr>, want: &Want) -> Result<Planned> {
        match rel {
            Rel::Scan(scan) => self.build_scan(scan, conjuncts, want),
            Rel::Unit => {
                let planned = self.build(Rel::Unit, want)?;
                self.filtered(planned, conjuncts)
            }
            other => {
                let want = if conjuncts.is_empty() { want.clone() } else { Want { rows: None, ..want.clone() } };
                let planned = self.build(other, &want)?;
                self.filtered(planned, conjuncts)
            }
        }
    }

    fn best_way(&mut self, group: &Group) -> Result<Rc<Way>> {
        let leaves: Vec<Rc<Way>> = (0..group.leaves.len())
            .map(|i| {
                let leaf = &group.leaves[i];
                Rc::new(Way { mask: 1 << i, rows: leaf.rows, cost: leaf.cost, shape: Shape::Leaf(i) })
            })
            .collect();
        if leaves.len() <= EXHAUSTIVE { self.exhaustive(group, leaves) } else { self.greedy(group, leaves) }
    }

    fn exhaustive(&mut self, group: &Group, leaves: Vec<Rc<Way>>) -> Result<Rc<Way>> {
        let full: Mask = (1 << leaves.len()) - 1;
        let mut best: AHashMap<Mask, Rc<Way>> = leaves.into_iter().map(|w| (w.mask, w)).collect();
        let mut masks: Vec<Mask> = (1..=full).filter(|m| m.count_ones() > 1).collect();
        masks.sort_by_key(|m| m.count_ones());
        for mask in masks {
            for connected in [true, false] {
                let mut found: Option<Way> = None;
                let mut left = (mask - 1) & mask;
                while left != 0 {
                    if let (Some(l), Some(r)) = (best.get(&left), best.get(&(mask & !left)))
                        && group.is_connected(l.mask, r.mask) == connected
                    {
                        let (l, r) = (Rc::clone(l), Rc::clone(r));
                        if let Some(way) = self.join_ways(group, &l, &r)?
                            && found.as_ref().is_none_or(|f| way.cost < f.cost)
                        {
                            found = Some(way);
                        }
                    }
                    left = (left - 1) & mask;
                }
                if let Some(way) = found {
                    best.insert(mask, Rc::new(way));
                    break;
                }
            }
        }
        best.remove(&full).ok_or_else(|| Error::internal("no order satisfies the lateral references"))
    }

    fn greedy(&mut self, group: &Group, mut ways: Vec<Rc<Way>>) -> Result<Rc<Way>> {
        while ways.len() > 1 {
            let mut found: Option<(usize, usize, Way)> = None;
            for connected in [true, false] {
                let mut pick: Option<(usize, usize, f64)> = None;
                for i in 0..ways.len() {
                    for j in i + 1..ways.len() {
                        if group.is_connected(ways[i].mask, ways[j].mask) != connected {
                            continue;
                        }
                        if !group.can_join(ways[i].mask, ways[j].mask) && !group.can_join(ways[j].mask, ways[i].mask) {
                            continue;
                        }
                        let rows = group.rows(ways[i].mask | ways[j].mask);
                        if pick.is_none_or(|p| rows < p.2) {
                            pick = Some((i, j, rows));
                        }
                    }
                }
                if let Some((i, j, _)) = pick {
                    let (l, r) = (Rc::clone(&ways[i]), Rc::clone(&ways[j]));
                    let one = self.join_ways(group, &l, &r)?;
                    let other = self.join_ways(group, &r, &l)?;
                    let best = one.into_iter().chain(other).min_by(|a, b| a.cost.total_cmp(&b.cost));
                    found = best.map(|b| (i, j, b));
                    break;
                }
            }
            let (i, j, way) = found.ok_or_else(|| Error::internal("no order satisfies the lateral references"))?;
            ways.remove(j);
            ways[i] = Rc::new(way);
        }
        Ok(ways.pop().expect("a group has leaves"))
    }

    /// The cheapest way to join two sets with this one on the left.
    fn join_ways(&mut self, group: &Group, left: &Rc<Way>, right: &Rc<Way>) -> Result<Option<Way>> {
        if !group.can_join(left.mask, right.mask) {
            return Ok(None);
        }
        let mask = left.mask | right.mask;
        let rows = group.rows(mask);
        let output = rows * CPU_TUPLE;
        if let Shape::Leaf(i) = right.shape
            && group.leaves[i].depends & left.mask != 0
        {
            let cost = left.cost + left.rows * right.cost.max(CPU_TUPLE) + output;
            let shape = Shape::Join { left: Rc::clone(left), right: Rc::clone(right), method: Method::Lateral };
            return Ok(Some(Way { mask, rows, cost, shape }));
        }
        let mut best = (Method::Nested, left.cost + right.cost + left.rows * right.rows * CPU_OPERATOR * 2.0 + output);
        if !self.settings.enable_nestloop {
            best.1 += 1e9;
        }
        if group.has_equality(left.mask, right.mask) {
            let mut cost = left.cost + right.cost + right.rows * HASH_BUILD + left.rows * HASH_PROBE + output;
            if !self.settings.enable_hashjoin {
                cost += 1e9;
            }
            if cost < best.1 {
                best = (Method::Hash, cost);
            }
            if let Shape::Leaf(i) = right.shape
                && let Rel::Scan(scan) = &group.leaves[i].rel
            {
                let conjuncts = group.leaf_conditions(i, left.mask);
                if let Some((each, _)) = self.lookup_cost(scan, &conjuncts)? {
                    let mut cost = left.cost + left.rows * (each + CPU_TUPLE * 2.0) + output;
                    if !self.settings.enable_nestloop {
                        cost += 1e9;
                    }
                    if cost < best.1 {
                        best = (Method::Index, cost);
                    }
                }
            }
        }
        let shape = Shape::Join { left: Rc::clone(left), right: Rc::clone(right), method: best.0 };
        Ok(Some(Way { mask, rows, cost: best.1, shape }))
    }

    fn build_way(&mut self, group: &Group, way: &Way) -> Result<Planned> {
        let (left, right, method) = match &way.shape {
            Shape::Leaf(i) => {
                let leaf = &group.leaves[*i];
                return self.build_leaf(leaf.rel.clone(), leaf.local.clone(), &Want::default());
            }
            Shape::Join { left, right, method } => (left, right, *method),
        };
        let outer = self.build_way(group, left)?;
        let conditions: Vec<Expr> = group
            .conditions
            .iter()
            .filter(|c| c.mask & !way.mask == 0 && c.mask & !left.mask != 0 && c.mask & !right.mask != 0)
            .map(|c| c.expr.clone())
            .collect();
        let mut planned = match (method, &right.shape) {
            (Method::Index, Shape::Leaf(i)) => {
                let leaf = &group.leaves[*i];
                let Rel::Scan(scan) = &leaf.rel else { unreachable!("an index join looks up a table") };
                let all = leaf.local.iter().cloned().chain(conditions).collect();
                self.index_join(JoinKind::Inner, outer, scan.clone(), all)?
            }
            (Method::Lateral, Shape::Leaf(i)) => {
                let leaf = &group.leaves[*i];
                let inner = self.build_leaf(leaf.rel.clone(), leaf.local.clone(), &Want::default())?;
                let slots = self.slots_for(&leaf.rel, &outer);
                self.nested_loop(JoinKind::Inner, outer, inner, conditions, slots)?
            }
            (Method::Nested, _) => {
                let inner = self.build_way(group, right)?;
                self.nested_loop(JoinKind::Inner, outer, inner, conditions, vec![])?
            }
            _ => {
                let inner = self.build_way(group, right)?;
                self.hash_or_nested(JoinKind::Inner, outer, inner, conditions)?
            }
        };
        planned.plan.estimate.rows = way.rows.max(1.0);
        Ok(planned)
    }

    /// Joins a finished left side with a relation; outer, semi and anti joins come here.
    pub(super) fn join_pair(
        &mut self,
        kind: JoinKind,
        left: Planned,
        right: Rel,
        conjuncts: Vec<Expr>,
    ) -> Result<Planned> {
        let slots = self.slots_for(&right, &left);
        if !slots.is_empty() {
            let inner = self.build(right, &Want::default())?;
            return self.nested_loop(kind, left, inner, conjuncts, slots);
        }
        let (mut core, mut local) = (right.clone(), Vec::new());
        while let Rel::Filter { input, predicate } = core {
            split(predicate, &mut local);
            core = *input;
        }
        let volatile = conjuncts.iter().chain(&local).any(|c| is_volatile(c, &self.subqueries));
        let inner = self.build(right, &Want::default())?;
        if let Rel::Scan(scan) = core
            && kind != JoinKind::Full
            && !volatile
        {
            let all: Vec<Expr> = local.into_iter().chain(conjuncts.iter().cloned()).collect();
            if let Some((each, _)) = self.lookup_cost(&scan, &all)? {
                let by_index = left.rows() * (each + CPU_TUPLE * 2.0);
                let by_hash = inner.total() + inner.rows() * HASH_BUILD + left.rows() * HASH_PROBE;
                if by_index < by_hash && self.settings.enable_nestloop {
                    return self.index_join(kind, left, scan, all);
                }
            }
        }
        self.hash_or_nested(kind, left, inner, conjuncts)
    }

    /// A nested loop whose right side is a scan keyed by the left row; all conditions go into the scan.
    fn index_join(&mut self, kind: JoinKind, left: Planned, scan: rel::Scan, conjuncts: Vec<Expr>) -> Result<Planned> {
        let mut needed = Columns::new();
        conjuncts.iter().for_each(|c| needed.extend(used(c, &self.subqueries)));
        let slots = self.slots_of(&needed, &left);
        // Sub-selects in the conditions may want left columns too; `used` has counted them.
        let right = self.build_scan(scan, conjuncts, &Want::default())?;
        self.nested_loop(kind, left, right, vec![], slots)
    }

    fn nested_loop(
        &mut self,
        kind: JoinKind,
        left: Planned,
        right: Planned,
        conjuncts: Vec<Expr>,
        slots: Vec<(usize, Expr)>,
    ) -> Result<Planned> {
        if kind == JoinKind::Full {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions",
            ));
        }
        let mut both = left.columns.clone();
        both.extend(&right.columns);
        let selectivity: f64 = conjuncts.iter().map(|c| self.selectivity(c)).product();
        let condition = join(conjuncts).map(|c| self.lower(&c, &both)).transpose()?;
        let pairs = left.rows() * right.rows();
        let rows = join_rows(kind, left.rows(), pairs * selectivity);
        let cost = if slots.is_empty() {
            left.total() + right.total() + pairs * CPU_OPERATOR
        } else {
            left.total() + left.rows() * right.total()
        };
        let inner_unique = matches!(right.plan.node, Node::Lookup(_));
        let (columns, types) = output(kind, &left, &right);
        let (startup, order) = (left.plan.estimate.startup + right.plan.estimate.startup, left.order.clone());
        let node = NestedLoop { kind, left: left.plan, right: right.plan, condition, slots, inner_unique };
        let mut planned =
            Planned::new(Node::NestedLoop(Arc::new(node)), types, columns, startup, cost + rows * CPU_TUPLE, rows);
        planned.order = order;
        Ok(planned)
    }

    /// A hash join if some condition is an equality of the two sides, else a nested loop.
    fn hash_or_nested(
        &mut self,
        kind: JoinKind,
        mut left: Planned,
        mut right: Planned,
        conjuncts: Vec<Expr>,
    ) -> Result<Planned> {
        let (left_set, right_set): (Columns, Columns) =
            (left.columns.iter().copied().collect(), right.columns.iter().copied().collect());
        let (mut pairs, mut rest) = (Vec::new(), Vec::new());
        for c in conjuncts {
            match self.hash_key(&c, &left_set, &right_set) {
                Some(pair) => pairs.push((pair, c)),
                None => rest.push(c),
            }
        }
        if pairs.is_empty() && kind == JoinKind::Full && rest.iter().all(|c| c.as_const().is_some()) {
            // No condition between the sides: all rows have one key.
            let one = || Expr::constant(1, SqlType::INT4);
            pairs.push(((one(), one()), Expr::constant(true, SqlType::BOOL)));
        }
        if pairs.is_empty() {
            return self.nested_loop(kind, left, right, rest, vec![]);
        }
        // The smaller side goes into the table.
        let swap = kind == JoinKind::Left && right.rows() > 3.0 * left.rows();
        let kind = if swap { JoinKind::Right } else { kind };
        if swap {
            std::mem::swap(&mut left, &mut right);
        }
        let selectivity: f64 = pairs.iter().map(|p| self.selectivity(&p.1)).product::<f64>()
            * rest.iter().map(|c| self.selectivity(c)).product::<f64>();
        let mut keys = Vec::new();
        for ((l, r), _) in &pairs {
            let (l, r) = if swap { (r, l) } else { (l, r) };
            keys.push((self.lower(l, &left.columns)?, self.lower(r, &right.columns)?));
        }
        let mut both = left.columns.clone();
        both.extend(&right.columns);
        let condition = join(rest).map(|c| self.lower(&c, &both)).transpose()?;
        let matched = left.rows() * right.rows() * selectivity;
        let rows = match kind {
            JoinKind::Right => join_rows(JoinKind::Left, right.rows(), matched),
            kind => join_rows(kind, left.rows(), matched),
        };
        let startup = right.total() + right.rows() * HASH_BUILD;
        let total = startup + left.total() + left.rows() * HASH_PROBE + rows * CPU_TUPLE;
        let (columns, types) = output(kind, &left, &right);
        let node = HashJoin { kind, left: left.plan, right: right.plan, keys, condition, inner_unique: false };
        Ok(Planned::new(Node::HashJoin(Arc::new(node)), types, columns, startup, total, rows))
    }

    /// `left = right` as a pair of hash keys of one type.
    fn hash_key(&self, condition: &Expr, left: &Columns, right: &Columns) -> Option<(Expr, Expr)> {
        let (name, a, b) = comparison(condition)?;
        let Expr::Call { func, .. } = condition else { return None };
        if name != "=" || is_volatile(condition, &self.subqueries) {
            return None;
        }
        let on = |e: &Expr, mine: &Columns, other: &Columns| {
            let u = used(e, &self.subqueries);
            !u.is_disjoint(mine) && u.is_disjoint(other)
        };
        let (l, r) = if on(a, left, right) && on(b, right, left) {
            (a, b)
        } else if on(b, left, right) && on(a, right, left) {
            (b, a)
        } else {
            return None;
        };
        let (lt, rt) = (l.ty().bare(), r.ty().bare());
        if lt == rt && registry::eq_function(lt) == Some(*func) {
            return Some((l.clone(), r.clone()));
        }
        if lt != rt && comparable(lt, rt) && is_integer(lt) {
            return Some((widened(l)?, widened(r)?));
        }
        None
    }
}

fn is_integer(ty: SqlType) -> bool {
    matches!(ty.oid, oid::INT2 | oid::INT4 | oid::INT8)
}

/// An integer as `int8`.
fn widened(expr: &Expr) -> Option<Expr> {
    if expr.ty().oid == oid::INT8 {
        return Some(expr.clone());
    }
    let CastMethod::Function(cast) = registry::cast(expr.ty().oid, oid::INT8)?.method else { return None };
    let func = registry::function(cast)?;
    Some(Expr::Call { func, args: vec![expr.clone()], ty: SqlType::INT8, form: Form::ImplicitCast })
}

fn join_rows(kind: JoinKind, left: f64, matched: f64) -> f64 {
    match kind {
        JoinKind::Inner | JoinKind::Right => matched,
        JoinKind::Left | JoinKind::Full => matched.max(left),
        JoinKind::Semi => left.min(matched).max(1.0),
        JoinKind::Anti | JoinKind::NullAwareAnti => (left - matched).max(left * 0.1),
    }
}

fn output(kind: JoinKind, left: &Planned, right: &Planned) -> (Vec<crate::expr::ColId>, Vec<SqlType>) {
    let (mut columns, mut types) = (left.columns.clone(), left.plan.types.clone());
    if !kind.left_only() {
        columns.extend(&right.columns);
        types.extend(&right.plan.types);
    }
    (columns, types)
}

struct Group {
    leaves: Vec<Leaf>,
    conditions: Vec<Condition>,
}

impl Group {
    /// Rows of a set of leaves.
    fn rows(&self, mask: Mask) -> f64 {
        let leaves = self.leaves.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, l)| l.rows);
        let conditions = self.conditions.iter().filter(|c| c.mask & !mask == 0).map(|c| c.selectivity);
        (leaves.product::<f64>() * conditions.product::<f64>()).max(1.0)
    }

    fn is_connected(&self, left: Mask, right: Mask) -> bool {
        self.conditions.iter().any(|c| c.mask & left != 0 && c.mask & right != 0)
            || self.depends(right) & left != 0
            || self.depends(left) & right != 0
    }

    fn depends(&self, mask: Mask) -> Mask {
        self.leaves.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).fold(0, |m, (_, l)| m | l.depends)
    }

    /// Whether lateral references allow this order: whatever a side mentions is within it, unless it is a single leaf on
    /// the right whose references all lie on the left.
    fn can_join(&self, left: Mask, right: Mask) -> bool {
        let (l, r) = (self.depends(left) & !left, self.depends(right) & !right);
        l == 0 && (r == 0 || (right.count_ones() == 1 && r & !left == 0))
    }

    fn has_equality(&self, left: Mask, right: Mask) -> bool {
        self.conditions.iter().any(|c| {
            c.sides.is_some_and(|(a, b)| (a & !left == 0 && b & !right == 0) || (b & !left == 0 && a & !right == 0))
        })
    }

    /// Conditions that a leaf can check when rows of `left` are known.
    fn leaf_conditions(&self, leaf: usize, left: Mask) -> Vec<Expr> {
        let bit: Mask = 1 << leaf;
        let joins = self.conditions.iter().filter(|c| c.mask & bit != 0 && c.mask & !(left | bit) == 0);
        self.leaves[leaf].local.iter().cloned().chain(joins.map(|c| c.expr.clone())).collect()
    }
}

/// Takes inner joins and filters apart.
fn collect(rel: Rel, rels: &mut Vec<Rel>, conjuncts: &mut Vec<Expr>) {
    match rel {
        Rel::Filter { input, predicate } => {
            split(predicate, conjuncts);
            collect(*input, rels, conjuncts);
        }
        Rel::Join(j) if j.kind == rel::JoinKind::Inner => {
            if let Some(on) = j.on {
                conjuncts.extend(split_all(on));
            }
            collect(*j.left, rels, conjuncts);
            collect(*j.right, rels, conjuncts);
        }
        other => rels.push(other),
    }
}

/// From `a = b` and `b = 5` follows `a = 5`, which may be an index's condition.
fn imply_constants(conjuncts: &mut Vec<Expr>, all: &Columns, used: impl Fn(&Expr) -> Columns) {
    let mut at = 0;
    let limit = conjuncts.len() * 4 + 16;
    while at < conjuncts.len() && conjuncts.len() < limit {
        let mut implied = Vec::new();
        if let Some(("=", l, r)) = comparison(&conjuncts[at]) {
            let (column, value) = if used(r).is_disjoint(all) { (l, r) } else { (r, l) };
            if matches!(unrelabel(column), Expr::Column { .. }) && used(value).is_disjoint(all) && !value.has_subquery()
            {
                let Expr::Call { func, .. } = &conjuncts[at] else { unreachable!("a comparison is a call") };
                for other in conjuncts.iter() {
                    let Expr::Call { func: f, ty, form, .. } = other else { continue };
                    let Some(("=", a, b)) = comparison(other) else { continue };
                    if f != func || column.ty() != value.ty() {
                        continue;
                    }
                    let partner = if a == column {
                        b
                    } else if b == column {
                        a
                    } else {
                        continue;
                    };
                    if matches!(unrelabel(partner), Expr::Column { .. }) && !used(partner).is_disjoint(all) {
                        implied.push(Expr::Call {
                            func: f,
                            args: vec![partner.clone(), value.clone()],
                            ty: *ty,
                            form: *form,
                        });
                    }
                }
            }
        }
        for new in implied {
            if !conjuncts.contains(&new) {
                conjuncts.push(new);
            }
        }
        at += 1;
    }
}
