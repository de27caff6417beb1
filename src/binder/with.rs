//! WITH and WITH RECURSIVE (`parse_cte.c`).
//!
//! The items of WITH RECURSIVE may refer to each other in any order; an item is bound when it is first needed. One that is
//! needed while it is being bound refers to itself: in the second term of its UNION that is the recursion; anywhere
//! else it is an error. `recursion_bars` holds the constructs around the place being bound through which a recursion must not
//! pass.

use super::clause::Clause;
use super::limit::Clauses;
use super::rel::{Cte, CteRef, Recursive, Rel};
use super::scope::{ItemColumn, ItemKind, Level};
use super::select::{Bound, BoundColumn, check_equality};
use super::state::{Binder, ColumnKind};
use crate::base::{Error, Oid, Result, SqlState};
use crate::expr::{CastContext, ColId};
use crate::parser::ast::{self, QueryBody, SetOpKind, Statement, With};
use crate::types::{SqlType, format_type, oid};
use std::rc::Rc;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Unbound,
    /// Its definition is being bound: a reference is wrong for this reason.
    Whole,
    Seed,
    Step,
    Bound,
}

/// A column of a CTE.
#[derive(Clone, Debug)]
struct CteColumn {
    name: Arc<str>,
    ty: SqlType,
    origin: Option<(Oid, i16)>,
}

/// One WITH item of the statement, by id.
#[derive(Debug)]
pub(super) struct CteState {
    syntax: Rc<ast::Cte>,
    recursive: bool,
    phase: Phase,
    /// The depth of the level that it belongs to.
    depth: usize,
    columns: Vec<CteColumn>,
    /// None of a data-modifying statement without RETURNING.
    readable: bool,
    references: usize,
    self_references: usize,
    /// How many bars there were when its definition was begun.
    bars: usize,
    /// The finished definition and when it was finished, in comparison with others.
    finished: Option<(usize, Cte)>,
}

impl Binder<'_> {
    /// Binds the items of a WITH clause; answers their ids.
    pub fn transform_with(&mut self, with: Option<&With>) -> Result<Vec<usize>> {
        let Some(with) = with else { return Ok(Vec::new()) };
        check_items(with)?;
        let depth = self.depth();
        let first = self.ctes.len();
        for cte in &with.ctes {
            if modifies(&cte.statement) && depth > 0 {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "WITH clause containing a data-modifying statement must be at the top level",
                )
                .at(cte.name.pos));
            }
            self.ctes.push(CteState {
                syntax: Rc::new(cte.clone()),
                recursive: with.recursive,
                phase: Phase::Unbound,
                depth,
                columns: Vec::new(),
                readable: true,
                references: 0,
                self_references: 0,
                bars: 0,
                finished: None,
            });
        }
        let ids: Vec<usize> = (first..self.ctes.len()).collect();
        if with.recursive {
            for (&id, cte) in ids.iter().zip(&with.ctes) {
                self.level().ctes.push((cte.name.name.clone(), id));
            }
        } else {
            self.level().future_ctes = with.ctes.iter().map(|c| c.name.name.clone()).collect();
        }
        for (&id, cte) in ids.iter().zip(&with.ctes) {
            if self.ctes[id].phase == Phase::Unbound {
                self.bind_cte(id)?;
            }
            if !with.recursive {
                let level = self.level();
                level.future_ctes.remove(0);
                level.ctes.push((cte.name.name.clone(), id));
            }
        }
        Ok(ids)
    }

    /// Puts the definitions around the relation that reads them, those finished first outermost.
    pub fn wrap_ctes(&mut self, ids: Vec<usize>, mut rel: Rel) -> Rel {
        let mut finished: Vec<(usize, usize, Cte)> = Vec::new();
        for id in ids {
            let references = self.ctes[id].references;
            if let Some((order, cte)) = self.ctes[id].finished.take()
                && (references > 0 || cte.modifies)
            {
                finished.push((order, references, cte));
            }
        }
        finished.sort_by_key(|f| std::cmp::Reverse(f.0));
        for (_, references, cte) in finished {
            rel = Rel::Cte { cte: Box::new(Cte { references, ..cte }), body: Box::new(rel) };
        }
        rel
    }

    /// The WITH item that an unqualified name means (`scanNameSpaceForCTE`).
    pub fn find_cte(&self, name: &str) -> Option<usize> {
        self.visible_levels().find_map(|l| l.ctes.iter().rev().find(|(n, _)| n == name).map(|(_, id)| *id))
    }

    fn bind_cte(&mut self, id: usize) -> Result<()> {
        self.check_stack_depth()?;
        let syntax = self.ctes[id].syntax.clone();
        let inner = self.levels.split_off(self.ctes[id].depth + 1);
        self.ctes[id].bars = self.recursion_bars.len();
        self.ctes[id].phase = Phase::Whole;
        let result = self.bind_definition(id, &syntax);
        self.levels.extend(inner);
        let (bound, readable) = result?;
        self.finish_cte(id, &syntax, bound, readable)
    }

    fn bind_definition(&mut self, id: usize, syntax: &ast::Cte) -> Result<(Bound, bool)> {
        match &syntax.statement {
            Statement::Select(query) if self.ctes[id].recursive => Ok((self.bind_recursive(id, query)?, true)),
            Statement::Select(query) => Ok((self.bind_query(query, true)?, true)),
            Statement::Insert(insert) => {
                let bound = self.bind_insert(insert)?;
                Ok((bound, !insert.returning.is_empty()))
            }
            Statement::Update(update) => {
                let bound = self.bind_update(update)?;
                Ok((bound, !update.returning.is_empty()))
            }
            Statement::Delete(delete) => {
                let bound = self.bind_delete(delete)?;
                Ok((bound, !delete.returning.is_empty()))
            }
            other => Err(Error::unsupported(format!("{} in WITH", other.kind_name())).at(syntax.name.pos)),
        }
    }

    fn finish_cte(&mut self, id: usize, syntax: &ast::Cte, bound: Bound, readable: bool) -> Result<()> {
        if self.ctes[id].columns.is_empty() {
            self.ctes[id].columns = self.cte_columns(syntax, &bound)?;
        }
        let order = self.ctes.iter().filter(|c| c.finished.is_some() || c.phase == Phase::Bound).count();
        let state = &mut self.ctes[id];
        state.phase = Phase::Bound;
        state.readable = readable;
        let cte = Cte {
            id,
            name: syntax.name.name.as_str().into(),
            definition: bound.rel,
            output: bound.columns.iter().map(|c| c.id).collect(),
            materialized: syntax.materialized,
            references: 0,
            modifies: modifies(&syntax.statement),
        };
        state.finished = Some((order, cte));
        Ok(())
    }

    /// Names and types, the alias's column list applied (`analyzeCTETargetList`).
    fn cte_columns(&self, syntax: &ast::Cte, bound: &Bound) -> Result<Vec<CteColumn>> {
        if syntax.columns.len() > bound.columns.len() {
            return Err(Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!(
                    "WITH query \"{}\" has {} columns available but {} columns specified",
                    syntax.name,
                    bound.columns.len(),
                    syntax.columns.len()
                ),
            )
            .at(syntax.name.pos));
        }
        let column = |(i, c): (usize, &BoundColumn)| {
            let ty = self.column_type(c.id);
            CteColumn {
                name: syntax.columns.get(i).map_or(c.name.as_str(), |n| &n.name).into(),
                ty: if ty.oid == oid::UNKNOWN { SqlType::TEXT } else { ty },
                origin: self.state(c.id).origin,
            }
        };
        Ok(bound.columns.iter().enumerate().map(column).collect())
    }

    /// An item of WITH RECURSIVE, which need not refer to itself.
    fn bind_recursive(&mut self, id: usize, query: &ast::Query) -> Result<Bound> {
        let QueryBody::SetOp(op) = &query.body else { return self.bind_query(query, true) };
        if op.kind != SetOpKind::Union {
            return self.bind_query(query, true);
        }
        self.levels.push(Level::new(Clause::Other));
        let result = self.bind_recursive_union(id, query, op);
        self.levels.pop();
        result
    }

    fn bind_recursive_union(&mut self, id: usize, query: &ast::Query, op: &ast::SetOp) -> Result<Bound> {
        let ctes = self.transform_with(query.with.as_ref())?;
        self.ctes[id].phase = Phase::Seed;
        let seed = self.transform_operand(&op.left)?;
        let syntax = self.ctes[id].syntax.clone();
        self.ctes[id].columns = self.cte_columns(&syntax, &seed)?;
        self.ctes[id].phase = Phase::Step;
        let step = self.transform_operand(&op.right)?;
        self.ctes[id].phase = Phase::Whole;
        let mut bound = if self.ctes[id].self_references == 0 {
            self.ctes[id].columns.clear();
            let bound = self.combine(op, seed, step)?;
            self.finish_result(bound, Clauses::of(query), true)?
        } else {
            check_recursive_clauses(query)?;
            self.recursive_union(id, op, seed, step)?
        };
        bound.rel = self.wrap_ctes(ctes, bound.rel);
        Ok(bound)
    }

    fn recursive_union(&mut self, id: usize, op: &ast::SetOp, mut seed: Bound, mut step: Bound) -> Result<Bound> {
        if seed.columns.len() != step.columns.len() {
            return self.combine(op, seed, step);
        }
        self.ctes[id].columns.iter_mut().for_each(|c| c.origin = None);
        let types: Vec<SqlType> = self.ctes[id].columns.iter().map(|c| c.ty).collect();
        self.cast_columns(&mut seed, &types, CastContext::Implicit)?;
        let overall = self.common_types("UNION", &seed, &step)?;
        for (i, (&ty, &all)) in types.iter().zip(&overall).enumerate() {
            if ty.oid != all.oid {
                return Err(Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "recursive query \"{}\" column {} has type {} in non-recursive term but type {} overall",
                        self.ctes[id].syntax.name,
                        i + 1,
                        format_type(ty),
                        format_type(all)
                    ),
                )
                .hint("Cast the output of the non-recursive term to the correct type.")
                .at(seed.columns[i].pos));
            }
        }
        self.cast_columns(&mut step, &types, CastContext::Implicit)?;
        let mut columns = Vec::with_capacity(types.len());
        for (column, &ty) in seed.columns.iter().zip(&types) {
            let new = self.new_column(column.name.as_str(), ty, ColumnKind::Plain);
            if !op.all {
                check_equality(&self.column_expr(new), column.pos)?;
            }
            columns.push(BoundColumn { name: column.name.clone(), id: new, pos: column.pos });
        }
        let ids = |b: &Bound| -> Vec<ColId> { b.columns.iter().map(|c| c.id).collect() };
        let rel = Rel::Recursive(Box::new(Recursive {
            id,
            all: op.all,
            seed_columns: ids(&seed),
            seed: seed.rel,
            step_columns: ids(&step),
            step: step.rel,
            columns: columns.iter().map(|c| c.id).collect(),
        }));
        Ok(Bound { rel, columns })
    }

    /// Reads a WITH item in a FROM clause.
    pub fn read_cte(&mut self, id: usize, alias: &Arc<str>, pos: usize) -> Result<(Rel, Vec<ItemColumn>, ItemKind)> {
        if self.ctes[id].phase == Phase::Unbound {
            self.bind_cte(id)?;
        }
        let recursion = self.ctes[id].phase != Phase::Bound;
        if recursion {
            self.check_recursion(id, pos)?;
            self.ctes[id].self_references += 1;
            self.level().self_reference = Some(pos);
        } else {
            if !self.ctes[id].readable {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("WITH query \"{}\" does not have a RETURNING clause", self.ctes[id].syntax.name),
                )
                .at(pos));
            }
            self.ctes[id].references += 1;
        }
        let mut columns = Vec::new();
        let mut ids = Vec::new();
        for column in self.ctes[id].columns.clone() {
            let new = self.new_relation_column(alias, column.name.clone(), column.ty);
            self.state_mut(new).origin = column.origin;
            ids.push(new);
            columns.push(ItemColumn { name: column.name, expr: self.column_expr(new) });
        }
        let reader = CteRef { id, alias: alias.clone(), columns: ids };
        let rel = if recursion { Rel::WorkTable(reader) } else { Rel::CteRef(reader) };
        Ok((rel, columns, ItemKind::Cte))
    }

    /// `checkWellFormedRecursion`, for one reference to an item that is being bound.
    fn check_recursion(&self, id: usize, pos: usize) -> Result<()> {
        let state = &self.ctes[id];
        let name = &state.syntax.name;
        let sibling = |(i, c): (usize, &CteState)| {
            i != id && c.depth == state.depth && c.bars >= state.bars && is_open(c.phase) && is_open(state.phase)
        };
        if self.ctes.iter().enumerate().any(sibling) {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "mutual recursion between WITH items is not implemented",
            )
            .at(name.pos));
        }
        let wrong = |message: String| Err(Error::new(SqlState::INVALID_RECURSION, message).at(pos));
        match state.phase {
            Phase::Whole => {
                return Err(Error::new(
                    SqlState::INVALID_RECURSION,
                    format!(
                        "recursive query \"{name}\" does not have the form non-recursive-term UNION [ALL] recursive-term"
                    ),
                )
                .at(name.pos));
            }
            Phase::Seed => {
                return wrong(format!(
                    "recursive reference to query \"{name}\" must not appear within its non-recursive term"
                ));
            }
            Phase::Step | Phase::Unbound | Phase::Bound => {}
        }
        if let Some(bar) = self.recursion_bars.get(state.bars) {
            return wrong(format!("recursive reference to query \"{name}\" must not appear within {bar}"));
        }
        if state.self_references > 0 {
            return wrong(format!("recursive reference to query \"{name}\" must not appear more than once"));
        }
        Ok(())
    }

    /// Aggregates have no place beside a recursive reference.
    pub fn check_recursive_aggregates(&self) -> Result<()> {
        let level = self.level_ref();
        let (Some(_), Some((id, _))) = (level.self_reference, level.aggregates.first()) else { return Ok(()) };
        let error = Error::new(
            SqlState::INVALID_RECURSION,
            "aggregate functions are not allowed in a recursive query's recursive term",
        );
        Err(match self.mention_of(*id, self.depth()) {
            Some(pos) => error.at(pos),
            None => error,
        })
    }
}

fn is_open(phase: Phase) -> bool {
    matches!(phase, Phase::Whole | Phase::Seed | Phase::Step)
}

fn modifies(statement: &Statement) -> bool {
    !matches!(statement, Statement::Select(_))
}

fn check_items(with: &With) -> Result<()> {
    for (i, cte) in with.ctes.iter().enumerate() {
        if with.ctes[..i].iter().any(|c| c.name.name == cte.name.name) {
            return Err(Error::new(
                SqlState::DUPLICATE_ALIAS,
                format!("WITH query name \"{}\" specified more than once", cte.name),
            )
            .at(cte.name.pos));
        }
        if let Some(search) = &cte.search {
            return Err(Error::unsupported("SEARCH in WITH RECURSIVE").at(search.pos));
        }
        if let Some(cycle) = &cte.cycle {
            return Err(Error::unsupported("CYCLE in WITH RECURSIVE").at(cycle.pos));
        }
    }
    Ok(())
}

fn check_recursive_clauses(query: &ast::Query) -> Result<()> {
    let (clause, pos) = if let Some(by) = query.order_by.first() {
        ("ORDER BY", Some(by.expr.location()))
    } else if let Some(offset) = &query.offset {
        ("OFFSET", Some(offset.location()))
    } else if let Some(limit) = &query.limit {
        ("LIMIT", Some(limit.count.as_ref().map_or(limit.pos, |e| e.location())))
    } else if !query.locking.is_empty() {
        ("FOR UPDATE/SHARE", None)
    } else {
        return Ok(());
    };
    let error =
        Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{clause} in a recursive query is not implemented"));
    Err(match pos {
        Some(pos) => error.at(pos),
        None => error,
    })
}
