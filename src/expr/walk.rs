//! Walking and rewriting expression trees.
//!
//! [`Expr::for_each_child`] and [`Expr::map_children`] are the only two places that know each node's children; all
//! else is written on them.

use super::fold::text_form_is_immutable;
use super::function::{Kernel, Volatility};
use super::tree::{Coercion, ColId, Expr, Form, Index, SubqueryId, SubqueryKind};
use crate::base::Result;
use crate::types::Datum;
use std::collections::BTreeSet;
use std::mem::discriminant;

impl Expr {
    /// Calls `f` on each direct child, left to right. The expression in [`Coercion::Elements`] counts as a child.
    pub fn for_each_child<'a>(&'a self, f: &mut dyn FnMut(&'a Expr)) {
        match self {
            Expr::Const { .. }
            | Expr::Column { .. }
            | Expr::Input { .. }
            | Expr::Param { .. }
            | Expr::Exec { .. }
            | Expr::CaseValue { .. }
            | Expr::Default { .. } => {}
            Expr::Call { args, .. }
            | Expr::And(args)
            | Expr::Or(args)
            | Expr::Coalesce { args, .. }
            | Expr::MinMax { args, .. }
            | Expr::Array { items: args, .. }
            | Expr::Row { fields: args, .. } => args.iter().for_each(f),
            Expr::Coerce { arg, how, .. } => {
                f(arg);
                if let Coercion::Elements(element) = how {
                    f(element);
                }
            }
            Expr::Not(arg) | Expr::IsNull { arg, .. } | Expr::IsBool { arg, .. } | Expr::Field { arg, .. } => f(arg),
            Expr::IsDistinct { left, right, .. } | Expr::NullIf { left, right, .. } => {
                f(left);
                f(right);
            }
            Expr::Case { operand, whens, otherwise, .. } => {
                operand.iter().for_each(|e| f(e));
                for (test, value) in whens {
                    f(test);
                    f(value);
                }
                otherwise.iter().for_each(|e| f(e));
            }
            Expr::RowCompare { left, right, .. } => {
                left.iter().for_each(&mut *f);
                right.iter().for_each(f);
            }
            Expr::Subscript { arg, indexes, .. } => {
                f(arg);
                indexes.iter().for_each(|i| i.for_each(f));
            }
            Expr::SubscriptAssign { arg, indexes, value, .. } => {
                f(arg);
                indexes.iter().for_each(|i| i.for_each(f));
                f(value);
            }
            Expr::AnyAll { left, array, .. } => {
                f(left);
                f(array);
            }
            Expr::Subquery { kind, args, .. } => {
                if let SubqueryKind::Quantified(q) = kind {
                    q.left.iter().for_each(&mut *f);
                }
                args.iter().for_each(|(_, e)| f(e));
            }
        }
    }

    /// Replaces each direct child by what `f` makes of it.
    pub fn map_children(&mut self, f: &mut dyn FnMut(&mut Expr) -> Result<()>) -> Result<()> {
        match self {
            Expr::Const { .. }
            | Expr::Column { .. }
            | Expr::Input { .. }
            | Expr::Param { .. }
            | Expr::Exec { .. }
            | Expr::CaseValue { .. }
            | Expr::Default { .. } => Ok(()),
            Expr::Call { args, .. }
            | Expr::And(args)
            | Expr::Or(args)
            | Expr::Coalesce { args, .. }
            | Expr::MinMax { args, .. }
            | Expr::Array { items: args, .. }
            | Expr::Row { fields: args, .. } => args.iter_mut().try_for_each(f),
            Expr::Coerce { arg, how, .. } => {
                f(arg)?;
                match how {
                    Coercion::Elements(element) => f(element),
                    _ => Ok(()),
                }
            }
            Expr::Not(arg) | Expr::IsNull { arg, .. } | Expr::IsBool { arg, .. } | Expr::Field { arg, .. } => f(arg),
            Expr::IsDistinct { left, right, .. } | Expr::NullIf { left, right, .. } => {
                f(left)?;
                f(right)
            }
            Expr::Case { operand, whens, otherwise, .. } => {
                operand.iter_mut().try_for_each(|e| f(e))?;
                for (test, value) in whens {
                    f(test)?;
                    f(value)?;
                }
                otherwise.iter_mut().try_for_each(|e| f(e))
            }
            Expr::RowCompare { left, right, .. } => {
                left.iter_mut().try_for_each(&mut *f)?;
                right.iter_mut().try_for_each(f)
            }
            Expr::Subscript { arg, indexes, .. } => {
                f(arg)?;
                indexes.iter_mut().try_for_each(|i| i.map(f))
            }
            Expr::SubscriptAssign { arg, indexes, value, .. } => {
                f(arg)?;
                indexes.iter_mut().try_for_each(|i| i.map(f))?;
                f(value)
            }
            Expr::AnyAll { left, array, .. } => {
                f(left)?;
                f(array)
            }
            Expr::Subquery { kind, args, .. } => {
                if let SubqueryKind::Quantified(q) = kind {
                    q.left.iter_mut().try_for_each(&mut *f)?;
                }
                args.iter_mut().try_for_each(|(_, e)| f(e))
            }
        }
    }

    /// Rewrites the whole tree, children first. What `f` returns is not visited again.
    pub fn transform(mut self, f: &mut dyn FnMut(Expr) -> Result<Expr>) -> Result<Expr> {
        fn up(e: &mut Expr, f: &mut dyn FnMut(Expr) -> Result<Expr>) -> Result<()> {
            e.map_children(&mut |child| up(child, f))?;
            *e = f(std::mem::take(e))?;
            Ok(())
        }
        up(&mut self, f)?;
        Ok(self)
    }

    /// Replaces columns: by what `f` gives for each, where it gives something.
    pub fn substitute(mut self, f: &mut dyn FnMut(ColId) -> Option<Expr>) -> Expr {
        fn down(e: &mut Expr, f: &mut dyn FnMut(ColId) -> Option<Expr>) -> Result<()> {
            if let Expr::Column { id, .. } = e {
                if let Some(new) = f(*id) {
                    *e = new;
                }
                return Ok(());
            }
            e.map_children(&mut |child| down(child, f))
        }
        down(&mut self, f).expect("substitution does not fail");
        self
    }

    /// Visits every node, parents first. `f` returns false to skip a node's children.
    pub fn visit<'a>(&'a self, f: &mut dyn FnMut(&'a Expr) -> bool) {
        if f(self) {
            self.for_each_child(&mut |child| child.visit(f));
        }
    }

    /// Whether some node satisfies `f`.
    pub fn any(&self, f: &mut dyn FnMut(&Expr) -> bool) -> bool {
        let mut found = false;
        self.visit(&mut |e| {
            found = found || f(e);
            !found
        });
        found
    }

    /// The columns that occur, subqueries' arguments included (the columns inside a subquery's own plan are not here).
    pub fn columns(&self) -> BTreeSet<ColId> {
        let mut set = BTreeSet::new();
        self.collect_columns(&mut set);
        set
    }

    pub fn collect_columns(&self, set: &mut BTreeSet<ColId>) {
        self.visit(&mut |e| {
            if let Expr::Column { id, .. } = e {
                set.insert(*id);
            }
            true
        });
    }

    pub fn subqueries(&self) -> Vec<SubqueryId> {
        let mut ids = Vec::new();
        self.visit(&mut |e| {
            if let Expr::Subquery { id, .. } = e {
                ids.push(*id);
            }
            true
        });
        ids
    }

    pub fn has_subquery(&self) -> bool {
        self.any(&mut |e| matches!(e, Expr::Subquery { .. }))
    }

    /// The most volatile thing in the tree. A subquery counts as stable: its own plan is judged by its owner.
    pub fn volatility(&self) -> Volatility {
        let mut worst = Volatility::Immutable;
        self.visit(&mut |e| {
            worst = worst.max(match e {
                Expr::Call { func, .. } | Expr::AnyAll { func, .. } => func.volatility,
                Expr::Coerce { arg, ty, how: Coercion::InOut, .. }
                    if !(text_form_is_immutable(arg.ty().oid) && text_form_is_immutable(ty.oid)) =>
                {
                    Volatility::Stable
                }
                Expr::Subquery { .. } | Expr::Param { .. } | Expr::Exec { .. } => Volatility::Stable,
                _ => Volatility::Immutable,
            });
            worst != Volatility::Volatile
        });
        worst
    }

    pub fn contains_volatile(&self) -> bool {
        self.volatility() == Volatility::Volatile
    }

    /// Whether the tree calls a set-returning function.
    pub fn returns_set(&self) -> bool {
        self.any(&mut |e| matches!(e, Expr::Call { func, .. } if func.returns_set))
    }

    /// Whether evaluation cannot raise an error, so that it may run on rows whose result is not wanted.
    pub fn infallible(&self) -> bool {
        !self.any(&mut |e| match e {
            Expr::Call { func, .. } | Expr::AnyAll { func, .. } => {
                !func.leakproof || matches!(func.kernel, Kernel::Host)
            }
            Expr::IsDistinct { equal, .. } | Expr::NullIf { equal, .. } => !equal.leakproof,
            Expr::Coerce { how, .. } => !matches!(how, Coercion::Relabel),
            Expr::Subquery { .. }
            | Expr::Array { .. }
            | Expr::Subscript { .. }
            | Expr::SubscriptAssign { .. }
            | Expr::RowCompare { .. }
            | Expr::MinMax { .. }
            | Expr::Default { .. } => true,
            _ => false,
        })
    }

    /// Whether the tree's value is NULL whenever the given columns are: what lets an outer join become an inner one.
    pub fn strict_in(&self, columns: &BTreeSet<ColId>) -> bool {
        match self {
            Expr::Column { id, .. } => columns.contains(id),
            Expr::Call { func, args, .. } => func.strict && args.iter().any(|a| a.strict_in(columns)),
            Expr::Coerce { arg, .. } | Expr::Not(arg) | Expr::Field { arg, .. } => arg.strict_in(columns),
            Expr::AnyAll { func, left, .. } => func.strict && left.strict_in(columns),
            Expr::Or(args) => args.iter().all(|a| a.strict_in(columns)),
            _ => false,
        }
    }
}

impl Index {
    fn for_each<'a>(&'a self, f: &mut dyn FnMut(&'a Expr)) {
        match self {
            Index::At(e) => f(e),
            Index::Slice { lower, upper } => lower.iter().chain(upper).for_each(f),
        }
    }

    fn map(&mut self, f: &mut dyn FnMut(&mut Expr) -> Result<()>) -> Result<()> {
        match self {
            Index::At(e) => f(e),
            Index::Slice { lower, upper } => lower.iter_mut().chain(upper).try_for_each(f),
        }
    }

    fn same_shape(&self, other: &Index) -> bool {
        match (self, other) {
            (Index::At(_), Index::At(_)) => true,
            (Index::Slice { lower: a, upper: b }, Index::Slice { lower: c, upper: d }) => {
                a.is_some() == c.is_some() && b.is_some() == d.is_some()
            }
            _ => false,
        }
    }
}

/// A NULL of no type: what [`Expr::transform`] leaves behind for an instant.
impl Default for Expr {
    fn default() -> Expr {
        Expr::null(crate::types::SqlType::UNKNOWN)
    }
}

/// The same tree, as GROUP BY matching and index matching mean it. Constants are equal when their bytes are: NaN is
/// itself, and `1.0` is not `1.00`. How a call was written does not matter.
impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        if discriminant(self) != discriminant(other) || self.ty() != other.ty() || !same_payload(self, other) {
            return false;
        }
        let (mut left, mut right) = (Vec::new(), Vec::new());
        self.for_each_child(&mut |e| left.push(e));
        other.for_each_child(&mut |e| right.push(e));
        left == right
    }
}

/// Compares what is neither type nor child of two nodes of one kind.
fn same_payload(a: &Expr, b: &Expr) -> bool {
    match (a, b) {
        (Expr::Const { value: x, .. }, Expr::Const { value: y, .. }) => same_datum(x, y),
        (Expr::Column { id: x, .. }, Expr::Column { id: y, .. }) => x == y,
        (Expr::Input { index: x, .. }, Expr::Input { index: y, .. })
        | (Expr::Param { index: x, .. }, Expr::Param { index: y, .. })
        | (Expr::Field { index: x, .. }, Expr::Field { index: y, .. })
        | (Expr::Exec { slot: x, .. }, Expr::Exec { slot: y, .. }) => x == y,
        (Expr::Call { func: x, .. }, Expr::Call { func: y, .. })
        | (Expr::NullIf { equal: x, .. }, Expr::NullIf { equal: y, .. }) => x == y,
        (Expr::Coerce { how: x, .. }, Expr::Coerce { how: y, .. }) => {
            discriminant(x) == discriminant(y)
                && match (x, y) {
                    (Coercion::Typmod { explicit: p }, Coercion::Typmod { explicit: q }) => p == q,
                    _ => true,
                }
        }
        (Expr::IsNull { negated: x, row: p, .. }, Expr::IsNull { negated: y, row: q, .. }) => x == y && p == q,
        (Expr::IsBool { test: x, .. }, Expr::IsBool { test: y, .. }) => x == y,
        (Expr::IsDistinct { equal: x, negated: p, .. }, Expr::IsDistinct { equal: y, negated: q, .. }) => {
            x == y && p == q
        }
        (Expr::Case { operand: x, otherwise: p, .. }, Expr::Case { operand: y, otherwise: q, .. }) => {
            x.is_some() == y.is_some() && p.is_some() == q.is_some()
        }
        (Expr::MinMax { greatest: x, .. }, Expr::MinMax { greatest: y, .. })
        | (Expr::Array { nested: x, .. }, Expr::Array { nested: y, .. }) => x == y,
        (
            Expr::RowCompare { less: x, equal: p, order: r, .. },
            Expr::RowCompare { less: y, equal: q, order: s, .. },
        ) => x == y && p == q && r == s,
        (Expr::Subscript { indexes: x, .. }, Expr::Subscript { indexes: y, .. })
        | (Expr::SubscriptAssign { indexes: x, .. }, Expr::SubscriptAssign { indexes: y, .. }) => {
            x.len() == y.len() && x.iter().zip(y).all(|(p, q)| p.same_shape(q))
        }
        (Expr::AnyAll { func: x, all: p, .. }, Expr::AnyAll { func: y, all: q, .. }) => x == y && p == q,
        (Expr::Subquery { id: x, .. }, Expr::Subquery { id: y, .. }) => x == y,
        _ => true,
    }
}

fn same_datum(a: &Datum, b: &Datum) -> bool {
    match (a, b) {
        (Datum::Null, Datum::Null) => true,
        (Datum::Bool(x), Datum::Bool(y)) => x == y,
        (Datum::Int2(x), Datum::Int2(y)) => x == y,
        (Datum::Int4(x), Datum::Int4(y)) => x == y,
        (Datum::Int8(x), Datum::Int8(y)) => x == y,
        (Datum::Oid(x), Datum::Oid(y)) => x == y,
        (Datum::Float4(x), Datum::Float4(y)) => x.to_bits() == y.to_bits(),
        (Datum::Float8(x), Datum::Float8(y)) => x.to_bits() == y.to_bits(),
        (Datum::Text(x), Datum::Text(y)) => x == y,
        (Datum::Bytes(x), Datum::Bytes(y)) => x == y,
        (Datum::Interval(x), Datum::Interval(y)) => format!("{x:?}") == format!("{y:?}"),
        (Datum::Uuid(x), Datum::Uuid(y)) => x == y,
        (Datum::Numeric(_), Datum::Numeric(_))
        | (Datum::Array(_), Datum::Array(_))
        | (Datum::Record(_), Datum::Record(_)) => format!("{a:?}") == format!("{b:?}"),
        _ => false,
    }
}

impl Form {
    pub fn is_implicit_cast(self) -> bool {
        self == Form::ImplicitCast
    }
}
