//! Evaluating ahead of time what does not depend on rows, parameters or time (`eval_const_expressions`).

use super::context::{EvalContext, EvalState, NoHost};
use super::eval::evaluate_scalar;
use super::function::{Kernel, Volatility};
use super::tree::{Coercion, Expr};
use crate::base::{Error, Oid, Result};
use crate::types::{Datum, FormatContext, SqlType, element_of, is_reg, oid};
use std::sync::atomic::AtomicBool;

/// Replaces immutable calls on constants by their values and simplifies AND, OR, NOT, CASE and COALESCE around
/// constants. An evaluation that fails is left as it is, see [`failing_constant`].
pub fn fold_constants(expr: Expr, format: &FormatContext) -> Expr {
    let mut state = None;
    let folded = expr.clone().transform(&mut |e| Ok(fold(e, format, &mut state)));
    folded.unwrap_or(expr)
}

/// What is wrong with a call on constants that is left after folding. PostgreSQL says so when it plans, whether or not a row
/// gets there; not of the branches of a CASE on a constant, which it decides first.
pub fn failing_constant(expr: &Expr, format: &FormatContext) -> Option<Error> {
    let (mut found, mut state) = (None, None);
    expr.visit(&mut |e| {
        if found.is_none() && is_foldable(e) {
            found = compute(e, format, &mut state).err();
        }
        let decided = matches!(e, Expr::Case { operand: Some(operand), .. } if operand.as_const().is_some());
        found.is_none() && !decided
    });
    found
}

/// Whether the type's input and output functions depend on no setting.
pub fn text_form_is_immutable(ty: Oid) -> bool {
    let base = element_of(ty).unwrap_or(ty);
    !is_reg(base)
        && !matches!(
            base,
            oid::DATE
                | oid::TIME
                | oid::TIMETZ
                | oid::TIMESTAMP
                | oid::TIMESTAMPTZ
                | oid::INTERVAL
                | oid::RECORD
                | oid::ACLITEM
        )
        && base < Oid::FIRST_USER
}

fn fold(expr: Expr, format: &FormatContext, state: &mut Option<EvalState>) -> Expr {
    match expr {
        Expr::And(args) => junction(args, false),
        Expr::Or(args) => junction(args, true),
        Expr::Case { operand: None, whens, otherwise, ty } => case(whens, otherwise, ty),
        Expr::Coalesce { args, ty } => coalesce(args, ty),
        Expr::Call { func, args, ty, .. }
            if func.strict && !func.returns_set && !func.is_aggregate() && args.iter().any(is_null) =>
        {
            Expr::null(ty)
        }
        expr if is_foldable(&expr) => match compute(&expr, format, state) {
            Ok(value) => Expr::Const { ty: expr.ty(), value },
            Err(_) => expr,
        },
        expr => expr,
    }
}

fn is_null(e: &Expr) -> bool {
    matches!(e, Expr::Const { value: Datum::Null, .. })
}

/// Whether the node's children are constants and the node itself depends on nothing else.
fn is_foldable(expr: &Expr) -> bool {
    let pure = match expr {
        Expr::Call { func, .. } => {
            func.volatility == Volatility::Immutable
                && !func.returns_set
                && matches!(func.kernel, Kernel::Row(_) | Kernel::Typed(_) | Kernel::Column(..))
        }
        Expr::Coerce { arg, ty, how, .. } => match how {
            Coercion::InOut => text_form_is_immutable(arg.ty().oid) && text_form_is_immutable(ty.oid),
            Coercion::Relabel | Coercion::Typmod { .. } => true,
            Coercion::Elements(_) => false,
        },
        Expr::AnyAll { func, .. } => func.volatility == Volatility::Immutable,
        Expr::IsDistinct { equal, .. } | Expr::NullIf { equal, .. } => equal.volatility == Volatility::Immutable,
        Expr::Not(_)
        | Expr::IsNull { .. }
        | Expr::IsBool { .. }
        | Expr::MinMax { .. }
        | Expr::Array { .. }
        | Expr::Subscript { .. } => true,
        _ => false,
    };
    let mut constant = pure;
    expr.for_each_child(&mut |child| constant &= child.as_const().is_some());
    constant
}

fn compute(expr: &Expr, format: &FormatContext, state: &mut Option<EvalState>) -> Result<Datum> {
    // Immutable functions ask for no random number.
    let state = state.get_or_insert_with(|| EvalState::new([0; 32]));
    let cancelled = AtomicBool::new(false);
    let mut cx = EvalContext {
        params: &[],
        exec: &mut Vec::new(),
        format,
        host: &mut NoHost,
        subplans: None,
        state,
        cancelled: &cancelled,
        statement_us: format.now_us,
        transaction_us: format.now_us,
    };
    evaluate_scalar(expr, &mut cx)
}

fn boolean(e: &Expr) -> Option<bool> {
    match e {
        Expr::Const { value: Datum::Bool(b), .. } => Some(*b),
        _ => None,
    }
}

/// AND falls to the first constant false and loses its trues; OR the other way round. Nested ones are flattened.
fn junction(args: Vec<Expr>, decider: bool) -> Expr {
    let mut parts = Vec::with_capacity(args.len());
    for arg in args {
        match arg {
            Expr::And(inner) if !decider => parts.extend(inner),
            Expr::Or(inner) if decider => parts.extend(inner),
            other => parts.push(other),
        }
    }
    if parts.iter().any(|p| boolean(p) == Some(decider)) {
        return Expr::constant(decider, SqlType::BOOL);
    }
    parts.retain(|p| boolean(p).is_none());
    if decider { Expr::or(parts) } else { Expr::and(parts) }
}

fn case(whens: Vec<(Expr, Expr)>, otherwise: Option<Box<Expr>>, ty: SqlType) -> Expr {
    let mut kept = Vec::with_capacity(whens.len());
    let mut otherwise = otherwise;
    for (test, value) in whens {
        match boolean(&test) {
            Some(true) => {
                otherwise = Some(Box::new(value));
                break;
            }
            Some(false) => {}
            None if is_null(&test) => {}
            None => kept.push((test, value)),
        }
    }
    match otherwise {
        Some(value) if kept.is_empty() => *value,
        None if kept.is_empty() => Expr::null(ty),
        otherwise => Expr::Case { operand: None, whens: kept, otherwise, ty },
    }
}

fn coalesce(args: Vec<Expr>, ty: SqlType) -> Expr {
    let mut kept = Vec::with_capacity(args.len());
    for arg in args {
        if is_null(&arg) {
            continue;
        }
        let last = arg.as_const().is_some();
        kept.push(arg);
        if last {
            break;
        }
    }
    match kept.len() {
        0 => Expr::null(ty),
        1 => kept.pop().expect("one argument"),
        _ => Expr::Coalesce { args: kept, ty },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::tests::{bind_call, bind_operator};
    use crate::expr::tree::ColId;

    fn int(v: i32) -> Expr {
        Expr::constant(v, SqlType::INT4)
    }

    fn column() -> Expr {
        Expr::Column { id: ColId(1), ty: SqlType::INT4 }
    }

    fn folded(e: Expr) -> Expr {
        fold_constants(e, &FormatContext::default())
    }

    #[test]
    fn constants_are_computed_and_failures_stay() {
        let sum = bind_operator("+", vec![int(1), int(2)]).unwrap();
        assert_eq!(folded(sum), int(3));
        let quotient = bind_operator("/", vec![int(1), int(0)]).unwrap();
        assert_eq!(folded(quotient.clone()), quotient);
        let says = failing_constant(&Expr::not(quotient), &FormatContext::default()).map(|e| e.message().to_string());
        assert_eq!(says.as_deref(), Some("division by zero"));
        let random = bind_call("random", vec![]).unwrap();
        assert_eq!(folded(random.clone()), random);
        let null = bind_operator("+", vec![column(), Expr::null(SqlType::INT4)]).unwrap();
        assert!(is_null(&folded(null)));
    }

    #[test]
    fn logic_around_constants_simplifies() {
        let test = bind_operator("=", vec![column(), int(1)]).unwrap();
        let yes = Expr::constant(true, SqlType::BOOL);
        let no = Expr::constant(false, SqlType::BOOL);
        assert_eq!(folded(Expr::And(vec![yes.clone(), test.clone()])), test);
        assert_eq!(folded(Expr::And(vec![no.clone(), test.clone()])), no);
        assert_eq!(folded(Expr::Or(vec![Expr::Or(vec![test.clone(), no]), yes.clone()])), yes);
        let fails = bind_operator("/", vec![int(1), int(0)]).unwrap();
        let case =
            Expr::Case { operand: None, whens: vec![(yes, int(7))], otherwise: Some(fails.into()), ty: SqlType::INT4 };
        assert_eq!(folded(case), int(7));
        let coalesce = Expr::Coalesce { args: vec![Expr::null(SqlType::INT4), int(2), column()], ty: SqlType::INT4 };
        assert_eq!(folded(coalesce), int(2));
    }
}
