//! Window calls and windows (`transformWindowFuncCall`, `transformWindowDefinitions`). A call becomes a column of its level.

use super::clause::Clause;
use super::expr::Applied;
use super::rel::{Frame, FrameBound, FrameExclude, FrameOffset, FrameUnit, SortKey, WindowCall, WindowSpec};
use super::scope::Mention;
use super::sort::{check_ordering, direction};
use super::state::{Binder, ColumnKind};
use crate::base::{Error, Result, SqlState};
use crate::expr::resolve::resolve_operator;
use crate::expr::{CastContext, Expr, Function, Kind};
use crate::parser::ast::{self, FrameExclusion, FrameMode, Over};
use crate::types::{SqlType, format_type, oid, type_name};

impl Binder<'_> {
    pub fn place_window_call(&mut self, call: &ast::FunctionCall, applied: Applied, pos: usize) -> Result<Expr> {
        let func = applied.func;
        check_window_form(call, func, pos)?;
        if let Some(refusal) = self.level_ref().clause.refuses_window() {
            return Err(refusal.at(pos));
        }
        let depth = self.depth();
        if let Some(inner) = self.mentioned_of_kind(&applied.args, ColumnKind::Window, depth) {
            let at = self.mention_of(inner, depth).unwrap_or(pos);
            return Err(Error::new(SqlState::WINDOWING_ERROR, "window function calls cannot be nested").at(at));
        }
        if let Some(inner) = self.mentioned_of_kind(&applied.args, ColumnKind::Set, depth) {
            let at = self.mention_of(inner, depth).unwrap_or(pos);
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "window function calls cannot contain set-returning function calls",
            )
            .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
            .at(at));
        }
        let filter = call.filter.as_ref().map(|f| self.transform_where(f, Clause::Filter, "FILTER")).transpose()?;
        let spec = match call.over.as_ref().expect("a window call has OVER") {
            Over::Name(name) => self.named_window(name)?,
            Over::Spec(spec) => self.transform_window_spec(spec, None)?,
        };
        let id = self.new_column(func.name, applied.ret, ColumnKind::Window);
        let window = WindowCall { func, args: applied.args, filter, ty: applied.ret };
        let level = self.level();
        match level.windows.iter_mut().find(|w| same_window(w, &spec)) {
            Some(existing) => existing.calls.push((id, window)),
            None => level.windows.push(WindowSpec { calls: vec![(id, window)], ..spec }),
        }
        level.mentions.push(Mention { id, pos, in_aggregate: false });
        Ok(self.column_expr(id))
    }

    /// The windows of the WINDOW clause that nobody has used are checked too.
    pub fn transform_named_windows(&mut self) -> Result<()> {
        let names: Vec<(ast::Ident, usize)> =
            self.level_ref().named_windows.iter().map(|w| (w.definition.name.clone(), w.definition.spec.pos)).collect();
        for (i, (name, pos)) in names.iter().enumerate() {
            if names[..i].iter().any(|(n, _)| n.name == name.name) {
                return Err(
                    Error::new(SqlState::WINDOWING_ERROR, format!("window \"{name}\" is already defined")).at(*pos)
                );
            }
            self.named_window(name)?;
        }
        Ok(())
    }

    fn named_window(&mut self, name: &ast::Ident) -> Result<WindowSpec> {
        self.check_stack_depth()?;
        let found = self.level_ref().named_windows.iter().position(|w| w.definition.name.name == name.name);
        let Some(found) = found else {
            return Err(
                Error::new(SqlState::UNDEFINED_OBJECT, format!("window \"{name}\" does not exist")).at(name.pos)
            );
        };
        let window = &self.level_ref().named_windows[found];
        if let Some(bound) = &window.bound {
            return Ok(bound.clone());
        }
        let spec = window.definition.spec.clone();
        let bound = self.transform_window_spec(&spec, Some(found))?;
        self.level().named_windows[found].bound = Some(bound.clone());
        Ok(bound)
    }

    /// One window. `own` is its place in the WINDOW clause: it may only build on those before it.
    fn transform_window_spec(&mut self, spec: &ast::WindowSpec, own: Option<usize>) -> Result<WindowSpec> {
        let base = match &spec.base {
            None => None,
            Some(base) => {
                let defined = self.level_ref().named_windows.iter().position(|w| w.definition.name.name == base.name);
                if own.is_some_and(|own| defined.is_none_or(|d| d >= own)) {
                    return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("window \"{base}\" does not exist"))
                        .at(base.pos));
                }
                let bound = self.named_window(base)?;
                let framed = defined.is_some_and(|d| self.level_ref().named_windows[d].definition.spec.frame.is_some());
                Some((base, bound, framed))
            }
        };
        let mut partition = self.transform_partition(&spec.partition_by)?;
        let mut order = self.transform_window_order(&spec.order_by)?;
        if let Some((name, base, framed)) = base {
            check_base(spec, name, &base, framed)?;
            partition = base.partition;
            if order.is_empty() {
                order = base.order;
            }
        }
        let frame = self.transform_frame(spec, &mut order)?;
        Ok(WindowSpec { partition, order, frame, calls: Vec::new() })
    }

    fn transform_partition(&mut self, list: &[ast::Expr]) -> Result<Vec<Expr>> {
        let mut exprs: Vec<Expr> = Vec::with_capacity(list.len());
        for expr in list {
            let bound = self.transform_expr_in(expr, Clause::WindowPartition)?;
            let bound = self.resolve_unknown(bound, expr.location())?;
            super::select::check_equality(&bound, expr.location())?;
            if !exprs.contains(&bound) {
                exprs.push(bound);
            }
        }
        Ok(exprs)
    }

    fn transform_window_order(&mut self, list: &[ast::SortBy]) -> Result<Vec<SortKey>> {
        let mut keys: Vec<SortKey> = Vec::with_capacity(list.len());
        for by in list {
            let pos = by.expr.location();
            let bound = self.transform_expr_in(&by.expr, Clause::WindowOrder)?;
            let expr = self.resolve_unknown(bound, pos)?;
            check_ordering(&expr, pos)?;
            let (descending, nulls_first) = direction(by, expr.ty())?;
            if !keys.iter().any(|k| k.expr == expr) {
                keys.push(SortKey { expr, descending, nulls_first });
            }
        }
        Ok(keys)
    }

    fn transform_frame(&mut self, spec: &ast::WindowSpec, order: &mut [SortKey]) -> Result<Frame> {
        let Some(frame) = &spec.frame else {
            return Ok(Frame {
                unit: FrameUnit::Range,
                start: FrameBound::UnboundedPreceding,
                end: FrameBound::CurrentRow,
                exclude: FrameExclude::NoOthers,
            });
        };
        let unit = match frame.mode {
            FrameMode::Rows => FrameUnit::Rows,
            FrameMode::Range => FrameUnit::Range,
            FrameMode::Groups => FrameUnit::Groups,
        };
        if unit == FrameUnit::Groups && order.is_empty() {
            return Err(Error::new(SqlState::WINDOWING_ERROR, "GROUPS mode requires an ORDER BY clause").at(spec.pos));
        }
        let exclude = match frame.exclude {
            FrameExclusion::NoOthers => FrameExclude::NoOthers,
            FrameExclusion::CurrentRow => FrameExclude::CurrentRow,
            FrameExclusion::Group => FrameExclude::Group,
            FrameExclusion::Ties => FrameExclude::Ties,
        };
        let start = self.transform_bound(unit, &frame.start, order, spec.pos)?;
        let end = self.transform_bound(unit, &frame.end, order, spec.pos)?;
        Ok(Frame { unit, start, end, exclude })
    }

    fn transform_bound(
        &mut self,
        unit: FrameUnit,
        bound: &ast::FrameBound,
        order: &mut [SortKey],
        pos: usize,
    ) -> Result<FrameBound> {
        Ok(match bound {
            ast::FrameBound::UnboundedPreceding => FrameBound::UnboundedPreceding,
            ast::FrameBound::CurrentRow => FrameBound::CurrentRow,
            ast::FrameBound::UnboundedFollowing => FrameBound::UnboundedFollowing,
            ast::FrameBound::Preceding(e) => FrameBound::Preceding(self.transform_offset(unit, e, order, pos)?),
            ast::FrameBound::Following(e) => FrameBound::Following(self.transform_offset(unit, e, order, pos)?),
        })
    }

    /// `transformFrameOffset`.
    fn transform_offset(
        &mut self,
        unit: FrameUnit,
        expr: &ast::Expr,
        order: &mut [SortKey],
        pos: usize,
    ) -> Result<FrameOffset> {
        let (clause, name) = match unit {
            FrameUnit::Rows => (Clause::WindowFrameRows, "ROWS"),
            FrameUnit::Range => (Clause::WindowFrameRange, "RANGE"),
            FrameUnit::Groups => (Clause::WindowFrameGroups, "GROUPS"),
        };
        let at = expr.location();
        let bound = self.transform_expr_in(expr, clause)?;
        let offset = if unit == FrameUnit::Range {
            let [key] = order else {
                return Err(Error::new(
                    SqlState::WINDOWING_ERROR,
                    "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
                )
                .at(pos));
            };
            self.range_offset(bound, key, at)?
        } else {
            let from = bound.ty();
            let value = self.coerce(bound, SqlType::INT8, CastContext::Assignment, at)?.ok_or_else(|| {
                Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!("argument of {name} must be type bigint, not type {}", type_name(from.oid)),
                )
                .at(at)
            })?;
            FrameOffset { value, range: None }
        };
        self.refuse_variables(&offset.value, name, at)?;
        Ok(offset)
    }

    /// The functions that move a sort key by an offset. Where the sum is of a wider type, the key is ordered as that type.
    fn range_offset(&mut self, value: Expr, key: &mut SortKey, pos: usize) -> Result<FrameOffset> {
        let unsupported = |ty: SqlType| {
            Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("RANGE with offset PRECEDING/FOLLOWING is not supported for column type {}", type_name(ty.oid)),
            )
            .at(pos)
        };
        if key.expr.ty().oid == oid::DATE {
            let date = std::mem::take(&mut key.expr);
            key.expr = self
                .coerce(date, SqlType::TIMESTAMP, CastContext::Implicit, pos)?
                .ok_or_else(|| unsupported(SqlType::DATE))?;
        }
        let ty = key.expr.ty().bare();
        let offset =
            match ty.oid {
                oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC | oid::FLOAT8 | oid::FLOAT4 => {
                    if ty.oid == oid::FLOAT4 { SqlType::FLOAT8 } else { ty }
                }
                oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::TIME | oid::TIMETZ | oid::INTERVAL => SqlType::INTERVAL,
                _ => return Err(unsupported(ty)),
            };
        let from = value.ty();
        let value = self.coerce(value, offset, CastContext::Assignment, pos)?.ok_or_else(|| {
            Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!(
                    "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {} and offset type {}",
                    format_type(ty),
                    type_name(from.oid)
                ),
            )
            .hint("Cast the offset value to an appropriate type.")
            .at(pos)
        })?;
        if ty.oid == oid::FLOAT4 {
            let key_expr = std::mem::take(&mut key.expr);
            key.expr =
                self.coerce(key_expr, SqlType::FLOAT8, CastContext::Implicit, pos)?.ok_or_else(|| unsupported(ty))?;
        }
        let ty = key.expr.ty().bare();
        let mover = |name: &str| -> Result<&'static Function> {
            let resolved = resolve_operator(name, Some(ty), offset).map_err(|_| unsupported(ty))?;
            let fits = resolved.ret.oid == ty.oid && resolved.left.oid == ty.oid && resolved.right.oid == offset.oid;
            if fits { Ok(resolved.op.function()) } else { Err(unsupported(ty)) }
        };
        Ok(FrameOffset { value, range: Some((mover("-")?, mover("+")?)) })
    }
}

fn check_window_form(call: &ast::FunctionCall, func: &Function, pos: usize) -> Result<()> {
    let name = func.name;
    let unsupported = |message: String| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
    match func.kind {
        Kind::OrderedSet { .. } => {
            return unsupported(format!("OVER is not supported for ordered-set aggregate {name}"));
        }
        Kind::Scalar => {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("OVER specified, but {name} is not a window function nor an aggregate function"),
            )
            .at(pos));
        }
        Kind::Aggregate | Kind::Window => {}
    }
    if call.within_group {
        return Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("window function {name} cannot have WITHIN GROUP"),
        )
        .at(pos));
    }
    if call.distinct {
        return unsupported("DISTINCT is not implemented for window functions".to_owned());
    }
    if func.kind == Kind::Aggregate && call.args.is_empty() && !call.star {
        return Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("{name}(*) must be used to call a parameterless aggregate function"),
        )
        .at(pos));
    }
    if !call.order_by.is_empty() {
        return unsupported("aggregate ORDER BY is not implemented for window functions".to_owned());
    }
    if call.filter.is_some() && func.kind == Kind::Window {
        return unsupported("FILTER is not implemented for non-aggregate window functions".to_owned());
    }
    Ok(())
}

/// What a window may change of the one that it builds on.
fn check_base(spec: &ast::WindowSpec, name: &ast::Ident, base: &WindowSpec, framed: bool) -> Result<()> {
    let wrong = |message: String| Err(Error::new(SqlState::WINDOWING_ERROR, message).at(spec.pos));
    if !spec.partition_by.is_empty() {
        return wrong(format!("cannot override PARTITION BY clause of window \"{name}\""));
    }
    if !spec.order_by.is_empty() && !base.order.is_empty() {
        return wrong(format!("cannot override ORDER BY clause of window \"{name}\""));
    }
    if framed {
        return wrong(format!("cannot copy window \"{name}\" because it has a frame clause"));
    }
    Ok(())
}

fn same_window(a: &WindowSpec, b: &WindowSpec) -> bool {
    a.partition == b.partition
        && a.order == b.order
        && a.frame.unit == b.frame.unit
        && a.frame.exclude == b.frame.exclude
        && same_bound(&a.frame.start, &b.frame.start)
        && same_bound(&a.frame.end, &b.frame.end)
}

fn same_bound(a: &FrameBound, b: &FrameBound) -> bool {
    match (a, b) {
        (FrameBound::UnboundedPreceding, FrameBound::UnboundedPreceding)
        | (FrameBound::CurrentRow, FrameBound::CurrentRow)
        | (FrameBound::UnboundedFollowing, FrameBound::UnboundedFollowing) => true,
        (FrameBound::Preceding(x), FrameBound::Preceding(y)) | (FrameBound::Following(x), FrameBound::Following(y)) => {
            x.value == y.value
        }
        _ => false,
    }
}
