//! Conditions as lists of conjuncts.

use crate::expr::{Expr, Form};
use crate::types::{Datum, SqlType};

/// What a condition says of the rows it keeps, where NULL is as good as false: NOT is pushed through AND and OR, and
/// constants decide or disappear (`negate_clause`, `canonicalize_qual`). What is left out is never computed, as in PostgreSQL.
fn canonical(condition: Expr) -> Expr {
    match condition {
        Expr::Not(inner) => match negated(*inner) {
            not @ Expr::Not(_) => not,
            other => canonical(other),
        },
        Expr::And(parts) => {
            let parts: Vec<Expr> = parts.into_iter().map(canonical).collect();
            if parts.iter().any(|p| decides(p) == Some(false)) {
                return Expr::constant(false, SqlType::BOOL);
            }
            Expr::and(parts.into_iter().filter(|p| decides(p).is_none()).collect())
        }
        Expr::Or(parts) => {
            let parts: Vec<Expr> = parts.into_iter().map(canonical).collect();
            if parts.iter().any(|p| decides(p) == Some(true)) {
                return Expr::constant(true, SqlType::BOOL);
            }
            Expr::or(parts.into_iter().filter(|p| decides(p).is_none()).collect())
        }
        other => match decides(&other) {
            Some(kept) => Expr::constant(kept, SqlType::BOOL),
            None => other,
        },
    }
}

/// What a constant condition does with every row.
fn decides(condition: &Expr) -> Option<bool> {
    match condition.as_const()? {
        Datum::Bool(kept) => Some(*kept),
        Datum::Null => Some(false),
        _ => None,
    }
}

/// NOT of an expression, by De Morgan's laws.
fn negated(expr: Expr) -> Expr {
    match expr {
        Expr::Not(inner) => *inner,
        Expr::And(parts) => Expr::or(parts.into_iter().map(negated).collect()),
        Expr::Or(parts) => Expr::and(parts.into_iter().map(negated).collect()),
        Expr::Const { value: Datum::Null, ty } => Expr::null(ty),
        Expr::Const { value: Datum::Bool(b), ty } => Expr::constant(!b, ty),
        other => Expr::Not(Box::new(other)),
    }
}

/// Splits at AND, after simplifying.
pub(super) fn split(condition: Expr, out: &mut Vec<Expr>) {
    match canonical(condition) {
        Expr::And(parts) => parts.into_iter().for_each(|p| split(p, out)),
        Expr::Const { value: Datum::Bool(true), .. } => {}
        other => out.push(other),
    }
}

pub(super) fn split_all(condition: Expr) -> Vec<Expr> {
    let mut out = Vec::new();
    split(condition, &mut out);
    out
}

/// The AND of conjuncts; none of none.
pub(super) fn join(mut conjuncts: Vec<Expr>) -> Option<Expr> {
    match conjuncts.len() {
        0 => None,
        1 => conjuncts.pop(),
        _ => Some(Expr::And(conjuncts)),
    }
}

/// `left op right` as its operator's name and sides.
pub(super) fn comparison(expr: &Expr) -> Option<(&'static str, &Expr, &Expr)> {
    let Expr::Call { func, args, form, .. } = expr else { return None };
    let [left, right] = args.as_slice() else { return None };
    let name = match form {
        Form::Operator(op) => op.name,
        _ => return None,
    };
    let _ = func;
    Some((name, left, right))
}

/// The operator that says the same with its sides exchanged.
pub(super) fn commuted(name: &str) -> Option<&'static str> {
    Some(match name {
        "=" => "=",
        "<" => ">",
        ">" => "<",
        "<=" => ">=",
        ">=" => "<=",
        _ => return None,
    })
}

/// A value without the casts that change nothing but its type's name.
pub(super) fn unrelabel(mut expr: &Expr) -> &Expr {
    while let Expr::Coerce { arg, how: crate::expr::Coercion::Relabel, .. } = expr {
        expr = arg;
    }
    expr
}
