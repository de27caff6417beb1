//! ORDER BY, and finding what an expression of ORDER BY, GROUP BY or DISTINCT ON means in the target list
//! (`transformSortClause`, `findTargetlistEntrySQL92`).

use super::clause::Clause;
use super::rel::SortKey;
use super::state::Binder;
use super::target::Target;
use crate::base::{Error, Result, SqlState};
use crate::expr::registry::less_operator;
use crate::expr::resolve::resolve_operator;
use crate::expr::{ColId, Expr};
use crate::parser::ast::{self, Constant, ExprKind, NullsOrder, SortDirection};
use crate::types::{SqlType, type_name};

/// One key of ORDER BY, by position in the target list.
#[derive(Clone, Copy, Debug)]
pub(super) struct SortItem {
    pub target: usize,
    pub descending: bool,
    pub nulls_first: bool,
}

/// The direction of a key, and where its NULLs go.
pub(super) fn direction(by: &ast::SortBy, ty: SqlType) -> Result<(bool, bool)> {
    let descending = match &by.direction {
        SortDirection::Default | SortDirection::Asc => false,
        SortDirection::Desc => true,
        SortDirection::Using(op) => match op.name.as_str() {
            "<" => false,
            ">" => true,
            name => {
                resolve_operator(name, Some(ty), ty).map_err(|e| e.at(op.pos))?;
                return Err(Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("operator {name} is not a valid ordering operator"),
                )
                .hint("Ordering operators must be \"<\" or \">\" members of btree operator families.")
                .at(op.pos));
            }
        },
    };
    let nulls_first = match by.nulls {
        NullsOrder::Default => descending,
        NullsOrder::First => true,
        NullsOrder::Last => false,
    };
    Ok((descending, nulls_first))
}

/// 42883 for types without an order.
pub(super) fn check_ordering(expr: &Expr, pos: usize) -> Result<()> {
    if less_operator(expr.ty()).is_some() {
        return Ok(());
    }
    Err(Error::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("could not identify an ordering operator for type {}", type_name(expr.ty().oid)),
    )
    .hint("Use an explicit ordering operator or modify the query.")
    .at(pos))
}

/// The plain ascending key over an expression.
pub(super) fn ascending(expr: Expr) -> Result<SortKey> {
    check_ordering(&expr, 0)?;
    Ok(SortKey { expr, descending: false, nulls_first: false })
}

impl Binder<'_> {
    pub fn transform_sort_clause(
        &mut self,
        list: &[ast::SortBy],
        targets: &mut Vec<Target>,
        clause: Clause,
    ) -> Result<Vec<SortItem>> {
        let mut items: Vec<SortItem> = Vec::with_capacity(list.len());
        for by in list {
            let target = self.find_target(&by.expr, targets, clause)?;
            self.resolve_target(targets, target)?;
            check_ordering(&targets[target].expr, by.expr.location())?;
            let (descending, nulls_first) = direction(by, targets[target].expr.ty())?;
            if !items.iter().any(|i| i.target == target) {
                items.push(SortItem { target, descending, nulls_first });
            }
        }
        Ok(items)
    }

    pub fn sort_keys(&self, items: &[SortItem], ids: &[ColId]) -> Vec<SortKey> {
        let key = |i: &SortItem| SortKey {
            expr: self.column_expr(ids[i.target]),
            descending: i.descending,
            nulls_first: i.nulls_first,
        };
        items.iter().map(key).collect()
    }

    /// A target that is still a literal of unknown type becomes text.
    pub fn resolve_target(&mut self, targets: &mut [Target], target: usize) -> Result<()> {
        let target = &mut targets[target];
        let expr = std::mem::take(&mut target.expr);
        target.expr = self.resolve_unknown(expr, target.pos)?;
        Ok(())
    }

    /// `findTargetlistEntrySQL92`: a name of the output, an ordinal, or else an expression, which is added to the target list
    /// if it is not there.
    pub fn find_target(&mut self, expr: &ast::Expr, targets: &mut Vec<Target>, clause: Clause) -> Result<usize> {
        if let Some(found) = self.find_target_by_name(expr, targets, clause)? {
            return Ok(found);
        }
        if let ExprKind::Const(constant) = &expr.kind {
            return find_target_by_position(constant, expr.pos, targets, clause);
        }
        self.find_target_by_expr(expr, targets, clause)
    }

    fn find_target_by_name(&mut self, expr: &ast::Expr, targets: &[Target], clause: Clause) -> Result<Option<usize>> {
        let ExprKind::Column(column) = &expr.kind else { return Ok(None) };
        let ([name], false) = (&column.parts[..], column.star) else { return Ok(None) };
        // SQL99 and SQL92 disagree for GROUP BY; a column of FROM wins there.
        if clause == Clause::GroupBy && self.has_local_column(name, expr.pos)? {
            return Ok(None);
        }
        let mut found: Option<usize> = None;
        for (i, target) in targets.iter().enumerate() {
            if target.junk || target.name != name.name {
                continue;
            }
            match found {
                None => found = Some(i),
                Some(first) if targets[first].expr == target.expr => {}
                Some(_) => {
                    return Err(Error::new(
                        SqlState::AMBIGUOUS_COLUMN,
                        format!("{} \"{name}\" is ambiguous", clause.name()),
                    )
                    .at(expr.pos));
                }
            }
        }
        Ok(found)
    }

    /// `findTargetlistEntrySQL99`.
    fn find_target_by_expr(&mut self, expr: &ast::Expr, targets: &mut Vec<Target>, clause: Clause) -> Result<usize> {
        let start = self.level_ref().mentions.len();
        let bound = self.transform_expr_in(expr, clause)?;
        if let Some(found) = targets.iter().position(|t| t.expr == bound) {
            return Ok(found);
        }
        let mentions = start..self.level_ref().mentions.len();
        targets.push(Target {
            name: super::naming::column_name(expr),
            expr: bound,
            pos: expr.location(),
            junk: true,
            mentions,
        });
        Ok(targets.len() - 1)
    }
}

fn find_target_by_position(constant: &Constant, pos: usize, targets: &[Target], clause: Clause) -> Result<usize> {
    let Constant::Integer(position) = constant else {
        return Err(Error::new(SqlState::SYNTAX_ERROR, format!("non-integer constant in {}", clause.name())).at(pos));
    };
    let visible = targets.iter().enumerate().filter(|(_, t)| !t.junk).map(|(i, _)| i);
    let index = usize::try_from(*position).ok().and_then(|p| p.checked_sub(1));
    index.and_then(|i| visible.clone().nth(i)).ok_or_else(|| {
        Error::new(
            SqlState::INVALID_COLUMN_REFERENCE,
            format!("{} position {position} is not in select list", clause.name()),
        )
        .at(pos)
    })
}
