//! Conditions as lists of conjuncts.

use crate::expr::{Expr, Form};
use crate::types::Datum;

/// Splits at AND.
pub(super) fn split(condition: Expr, out: &mut Vec<Expr>) {
    match condition {
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
