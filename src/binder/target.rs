//! Target lists (`parse_target.c`): the columns of SELECT and RETURNING, stars expanded.

use super::clause::Clause;
use super::names::ItemRef;
use super::naming::column_name;
use super::rel::Rel;
use super::state::{Binder, ColumnKind};
use crate::base::{Error, Result, SqlState};
use crate::expr::{ColId, Expr};
use crate::parser::ast::{self, ExprKind, Indirection};
use crate::types::oid;
use std::ops::Range;

/// PostgreSQL's `MaxTupleAttributeNumber`.
const TARGETS_MAX: usize = 1664;

/// One column of a target list.
#[derive(Debug)]
pub(super) struct Target {
    pub name: String,
    pub expr: Expr,
    pub pos: usize,
    /// Not part of the output: an ORDER BY expression.
    pub junk: bool,
    /// Which mentions of columns of the level belong to it.
    pub mentions: Range<usize>,
}

impl Binder<'_> {
    /// `transformTargetList`.
    pub fn transform_targets(&mut self, list: &[ast::SelectTarget], clause: Clause) -> Result<Vec<Target>> {
        let outer = std::mem::replace(&mut self.level().clause, clause);
        let mut targets = Vec::with_capacity(list.len());
        for target in list {
            if self.is_star(&target.expr) {
                targets.extend(self.expand_star(&target.expr)?);
            } else {
                targets.push(self.transform_target(target)?);
            }
        }
        self.level().clause = outer;
        if targets.len() > TARGETS_MAX {
            return Err(Error::new(
                SqlState::TOO_MANY_COLUMNS,
                format!("target lists can have at most {TARGETS_MAX} entries"),
            ));
        }
        Ok(targets)
    }

    fn transform_target(&mut self, target: &ast::SelectTarget) -> Result<Target> {
        let start = self.level_ref().mentions.len();
        let expr = self.transform_expr(&target.expr)?;
        if matches!(expr.ty().oid, oid::ANY) {
            return Err(Error::internal("a target of type any"));
        }
        let name = match &target.alias {
            Some(alias) => alias.name.clone(),
            None => column_name(&target.expr),
        };
        let mentions = start..self.level_ref().mentions.len();
        Ok(Target { name, expr, pos: target.expr.location(), junk: false, mentions })
    }

    /// Whether the expression is `*`, `t.*` or `(x).*`, which stands for several.
    pub fn is_star(&self, expr: &ast::Expr) -> bool {
        match &expr.kind {
            ExprKind::Column(column) => column.star,
            ExprKind::Indirection { steps, .. } => matches!(steps.last(), Some(Indirection::Star)),
            _ => false,
        }
    }

    /// `ExpandColumnRefStar`, `ExpandIndirectionStar`.
    pub fn expand_star(&mut self, expr: &ast::Expr) -> Result<Vec<Target>> {
        let pos = expr.pos;
        match &expr.kind {
            ExprKind::Column(column) if column.parts.is_empty() => self.expand_all(pos),
            ExprKind::Column(column) => {
                let item = self.item_of(&column.parts, pos)?;
                Ok(self.expand_item(item, pos))
            }
            ExprKind::Indirection { arg, steps } => self.expand_row(arg, &steps[..steps.len() - 1], pos),
            _ => panic!("not a star"),
        }
    }

    /// `*`: everything in FROM whose bare column names are visible.
    fn expand_all(&mut self, pos: usize) -> Result<Vec<Target>> {
        let depth = self.depth();
        let visible: Vec<usize> = {
            let items = &self.level_ref().items;
            (0..items.len()).filter(|&i| items[i].columns_visible && !items[i].lateral_only).collect()
        };
        if visible.is_empty() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "SELECT * with no tables specified is not valid").at(pos));
        }
        Ok(visible.into_iter().flat_map(|item| self.expand_item(ItemRef { level: depth, item }, pos)).collect())
    }

    /// `expandNSItemAttrs`.
    fn expand_item(&mut self, at: ItemRef, pos: usize) -> Vec<Target> {
        let columns = self.levels[at.level].items[at.item].columns.clone();
        let expand = |(i, column): (usize, &super::scope::ItemColumn)| {
            let start = self.level_ref().mentions.len();
            let expr = self.use_column(at, i, pos);
            let mentions = start..self.level_ref().mentions.len();
            Target { name: column.name.to_string(), expr, pos, junk: false, mentions }
        };
        columns.iter().enumerate().map(expand).collect()
    }

    fn expand_row(&mut self, arg: &ast::Expr, steps: &[Indirection], pos: usize) -> Result<Vec<Target>> {
        if let (ExprKind::Column(column), []) = (&arg.kind, steps)
            && let ([name], false) = (&column.parts[..], column.star)
        {
            let is_column = self.names_column(name, arg.pos)?;
            if let (false, Some(item)) = (is_column, self.find_item(name, arg.pos)?) {
                return Ok(self.expand_item(item, pos));
            }
        }
        let start = self.level_ref().mentions.len();
        let row =
            if steps.is_empty() { self.transform_expr(arg)? } else { self.transform_indirection(arg, steps, pos)? };
        let mentions = start..self.level_ref().mentions.len();
        let Some(fields) = self.row_fields(&row) else {
            let ty = row.ty();
            let is_call = match &row {
                Expr::Call { .. } => true,
                Expr::Column { id, .. } => self.state(*id).kind == ColumnKind::Set,
                _ => false,
            };
            return Err(if is_call && ty.oid == oid::RECORD {
                Error::new(SqlState::WRONG_OBJECT_TYPE, "record type has not been registered")
            } else if ty.oid == oid::RECORD {
                Error::unsupported("expanding a row of unknown type").at(pos)
            } else {
                Error::new(SqlState::WRONG_OBJECT_TYPE, format!("type {} is not composite", self.type_name(ty))).at(pos)
            });
        };
        let field = |(index, (name, ty)): (usize, (String, _))| {
            let arg = Box::new(self.copy(&row));
            Target { name, expr: Expr::Field { arg, index, ty }, pos, junk: false, mentions: mentions.clone() }
        };
        Ok(fields.into_iter().enumerate().map(field).collect())
    }

    /// Turns what is of unknown type into text.
    pub fn resolve_target_unknowns(&mut self, targets: &mut [Target]) -> Result<()> {
        for target in targets {
            let expr = std::mem::take(&mut target.expr);
            target.expr = self.resolve_unknown(expr, target.pos)?;
        }
        Ok(())
    }

    /// A projection to the targets, and the id of each. A plain column of the level keeps its own id.
    pub fn project_targets(&mut self, rel: Rel, targets: Vec<Target>) -> (Rel, Vec<ColId>) {
        let mut exprs: Vec<(ColId, Expr)> = Vec::with_capacity(targets.len());
        let mut ids = Vec::with_capacity(targets.len());
        for target in targets {
            let id = match &target.expr {
                Expr::Column { id, .. } if self.state(*id).home == self.depth() => *id,
                expr => {
                    let new = self.new_column(target.name, expr.ty(), ColumnKind::Plain);
                    if let Expr::Column { id, .. } = expr {
                        self.state_mut(new).origin = self.state(*id).origin;
                    }
                    if expr.ty().oid == oid::RECORD {
                        self.state_mut(new).fields = self.row_fields(expr);
                    }
                    new
                }
            };
            if !exprs.iter().any(|(seen, _)| *seen == id) {
                exprs.push((id, target.expr));
            }
            ids.push(id);
        }
        (Rel::Project { input: Box::new(rel), exprs }, ids)
    }
}
