//! JOIN: conditions, USING and NATURAL, and the columns that the join offers (`transformFromClauseItem`,
//! `transformJoinUsingClause`, `buildMergedJoinVar`).

use super::clause::Clause;
use super::columns::apply_column_aliases;
use super::expr::Operand;
use super::from::FromItem;
use super::rel::{Join, JoinKind, Rel};
use super::scope::{Item, ItemColumn, ItemKind, check_name_conflicts, set_lateral};
use super::state::Binder;
use super::view::without_position;
use crate::base::{Error, Result, SqlState};
use crate::expr::Expr;
use crate::parser::ast::{self, Alias, JoinConstraint, Locking};
use crate::types::oid;
use std::sync::Arc;

/// The columns that a side offers: those of its items whose bare names are visible.
fn side_columns(items: &[Item]) -> Vec<ItemColumn> {
    items.iter().filter(|i| i.columns_visible).flat_map(|i| i.columns.iter().cloned()).collect()
}

impl Binder<'_> {
    pub fn transform_join(&mut self, join: &ast::Join, locking: &[Locking]) -> Result<FromItem> {
        let kind = match join.kind {
            ast::JoinKind::Inner | ast::JoinKind::Cross => JoinKind::Inner,
            ast::JoinKind::Left => JoinKind::Left,
            ast::JoinKind::Right => JoinKind::Right,
            ast::JoinKind::Full => JoinKind::Full,
        };
        let (left_bar, right_bar) = match kind {
            JoinKind::Left => (None, Some("an outer join")),
            JoinKind::Right => (Some("an outer join"), None),
            JoinKind::Full => (Some("an outer join"), Some("an outer join")),
            _ => (None, None),
        };
        let mut left = self.with_bar(left_bar, |b| b.transform_from_item(&join.left, locking))?;
        let hits = self.level_ref().lateral_hits.len();
        let mut right = self.with_bar(right_bar, |b| b.transform_join_right(&join.right, &mut left, kind, locking))?;
        check_name_conflicts(&left.items, &right.items)?;
        let lateral = self.has_lateral_hits(hits, &left.rel);
        self.note_nullable(kind, &mut left, &mut right);

        let (left_columns, right_columns) = (side_columns(&left.items), side_columns(&right.items));
        let mut items = left.items;
        items.append(&mut right.items);
        let using = self.using_columns(join, &left_columns, &right_columns)?;
        let (on, merged) = match &join.constraint {
            JoinConstraint::On(expr) => (Some(self.transform_join_on(expr, &mut items)?), Vec::new()),
            _ => self.transform_join_using(kind, &using, &left_columns, &right_columns, join.pos)?,
        };
        let columns = joined_columns(&using, merged.clone(), left_columns, right_columns);
        let rel = Rel::Join(Join { kind, left: Box::new(left.rel), right: Box::new(right.rel), on, lateral });
        let items = self.join_items(join, items, columns, merged)?;
        Ok(FromItem { rel, items })
    }

    /// The right side, which may see the left one laterally.
    fn transform_join_right(
        &mut self,
        right: &ast::TableRef,
        left: &mut FromItem,
        kind: JoinKind,
        locking: &[Locking],
    ) -> Result<FromItem> {
        let allowed = matches!(kind, JoinKind::Inner | JoinKind::Left);
        set_lateral(&mut left.items, true, allowed);
        let before = self.level_ref().items.len();
        self.level().items.extend(left.items.iter().cloned());
        let result = self.transform_from_item(right, locking);
        self.level().items.truncate(before);
        set_lateral(&mut left.items, false, true);
        result
    }

    /// Remembers which relations the join may pad with NULLs.
    fn note_nullable(&mut self, kind: JoinKind, left: &mut FromItem, right: &mut FromItem) {
        let left_padded = matches!(kind, JoinKind::Right | JoinKind::Full);
        let right_padded = matches!(kind, JoinKind::Left | JoinKind::Full);
        for (side, padded) in [(left, left_padded), (right, right_padded)] {
            if !padded {
                continue;
            }
            side.items.iter_mut().for_each(|i| i.nullable = true);
            let columns = side.rel.columns();
            for lockable in &mut self.level().lockables {
                lockable.nullable |= columns.contains(&lockable.key);
            }
        }
    }

    /// `transformJoinOnClause`: only the join's own sides can be named.
    fn transform_join_on(&mut self, expr: &ast::Expr, items: &mut Vec<Item>) -> Result<Expr> {
        set_lateral(items, false, true);
        let outer = std::mem::replace(&mut self.level().items, std::mem::take(items));
        let result = self.transform_where(expr, Clause::JoinOn, "JOIN/ON");
        *items = std::mem::replace(&mut self.level().items, outer);
        result
    }

    /// The names that USING or NATURAL merges, with their places left and right.
    fn using_columns(
        &self,
        join: &ast::Join,
        left: &[ItemColumn],
        right: &[ItemColumn],
    ) -> Result<Vec<(Arc<str>, usize, usize)>> {
        let mut using: Vec<(Arc<str>, usize, usize)> = Vec::new();
        match &join.constraint {
            JoinConstraint::Natural => {
                for (l, column) in left.iter().enumerate() {
                    if let Some(r) = find_using(right, &column.name, "right", false)? {
                        let l = find_using(left, &column.name, "left", false)?.unwrap_or(l);
                        using.push((column.name.clone(), l, r));
                    }
                }
            }
            JoinConstraint::Using { columns, .. } => {
                for name in columns {
                    if using.iter().any(|(n, ..)| **n == *name.name) {
                        return Err(Error::new(
                            SqlState::DUPLICATE_COLUMN,
                            format!("column name \"{name}\" appears more than once in USING clause"),
                        ));
                    }
                    let l = find_using(left, name, "left", true)?.expect("missing is an error");
                    let r = find_using(right, name, "right", true)?.expect("missing is an error");
                    using.push((name.name.as_str().into(), l, r));
                }
            }
            JoinConstraint::None | JoinConstraint::On(_) => {}
        }
        Ok(using)
    }

    /// The condition `left.a = right.a AND ...`, and the merged columns.
    fn transform_join_using(
        &mut self,
        kind: JoinKind,
        using: &[(Arc<str>, usize, usize)],
        left: &[ItemColumn],
        right: &[ItemColumn],
        pos: usize,
    ) -> Result<(Option<Expr>, Vec<ItemColumn>)> {
        let mut tests = Vec::with_capacity(using.len());
        let mut merged = Vec::with_capacity(using.len());
        for (name, l, r) in using {
            let (a, b) = (&left[*l].expr, &right[*r].expr);
            self.note_using(a);
            self.note_using(b);
            let expr = self.merge_columns(kind, a, b).map_err(without_position)?;
            let test = self.make_named_op("=", Operand::new(a.clone(), pos), Operand::new(b.clone(), pos), pos)?;
            tests.push(self.coerce_to_boolean(test, "JOIN/USING", pos)?);
            merged.push(ItemColumn { name: name.clone(), expr });
        }
        Ok(((!tests.is_empty()).then(|| Expr::and(tests)), merged))
    }

    fn note_using(&mut self, expr: &Expr) {
        let mut ids = Vec::new();
        expr.visit(&mut |e| {
            if let Expr::Column { id, .. } = e {
                ids.push(*id);
            }
            true
        });
        ids.into_iter().for_each(|id| self.note_access(id));
    }

    /// The merged column's value: that of the side that is never padded, or the one of both that is not NULL.
    fn merge_columns(&mut self, kind: JoinKind, left: &Expr, right: &Expr) -> Result<Expr> {
        let ty = self.common_type("JOIN/USING", &[(left.ty(), 0), (right.ty(), 0)])?;
        let l = self.coerce_to_common("JOIN/USING", left.clone(), ty, 0)?;
        let r = self.coerce_to_common("JOIN/USING", right.clone(), ty, 0)?;
        Ok(match kind {
            JoinKind::Left => l,
            JoinKind::Right => r,
            JoinKind::Full => Expr::Coalesce { args: vec![l, r], ty },
            // Of two equal values take the one that needs no cast.
            _ if left.ty().oid != ty.oid && right.ty().oid == ty.oid => r,
            _ => l,
        })
    }

    /// The names that are visible after the join.
    fn join_items(
        &mut self,
        join: &ast::Join,
        mut items: Vec<Item>,
        mut columns: Vec<ItemColumn>,
        merged: Vec<ItemColumn>,
    ) -> Result<Vec<Item>> {
        let alias: Option<&Alias> = join.alias.as_ref();
        apply_column_aliases(&mut columns, alias, "join expression")?;
        let name: Arc<str> = alias.map_or("unnamed_join", |a| &a.name).into();
        let mut item = self.add_item(name, ItemKind::Join, columns, alias.is_some());
        item.relation_visible = alias.is_some();
        let mut out = Vec::new();
        if alias.is_none() {
            items.iter_mut().for_each(|i| i.columns_visible = false);
            out = items;
        }
        if let JoinConstraint::Using { alias: Some(using), .. } = &join.constraint {
            let mut item = self.add_item(using.name.as_str().into(), ItemKind::Join, merged, true);
            item.columns_visible = false;
            check_name_conflicts(&out, std::slice::from_ref(&item))?;
            out.push(item);
        }
        check_name_conflicts(&out, std::slice::from_ref(&item))?;
        out.push(item);
        Ok(out)
    }
}

/// The place of a column to merge, on one side.
fn find_using(columns: &[ItemColumn], name: &str, side: &str, required: bool) -> Result<Option<usize>> {
    let mut found = None;
    for (i, column) in columns.iter().enumerate() {
        if &*column.name != name {
            continue;
        }
        if found.is_some() {
            return Err(Error::new(
                SqlState::AMBIGUOUS_COLUMN,
                format!("common column name \"{name}\" appears more than once in {side} table"),
            ));
        }
        found = Some(i);
    }
    if found.is_none() && required {
        return Err(Error::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{name}\" specified in USING clause does not exist in {side} table"),
        ));
    }
    Ok(found)
}

/// Merged columns first, then what is left of each side.
fn joined_columns(
    using: &[(Arc<str>, usize, usize)],
    merged: Vec<ItemColumn>,
    left: Vec<ItemColumn>,
    right: Vec<ItemColumn>,
) -> Vec<ItemColumn> {
    let mut columns = merged;
    let is_left = |i: usize| using.iter().any(|(_, l, _)| *l == i);
    let is_right = |i: usize| using.iter().any(|(.., r)| *r == i);
    columns.extend(left.into_iter().enumerate().filter(|(i, _)| !is_left(*i)).map(|(_, c)| c));
    columns.extend(right.into_iter().enumerate().filter(|(i, _)| !is_right(*i)).map(|(_, c)| c));
    debug_assert!(columns.iter().all(|c| c.expr.ty().oid != oid::UNKNOWN));
    columns
}
