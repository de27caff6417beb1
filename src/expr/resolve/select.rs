//! Choosing among functions and operators of one name (`func_get_detail`, `oper`).

use super::coerce::{Pathway, array_type_of, can_coerce_all, coercion_pathway};
use super::common::category;
use super::known::is_known;
use super::polymorphic::resolve_polymorphic;
use crate::base::{Error, Oid, Result, SqlState};
use crate::expr::function::{CastContext, Function, Operator};
use crate::expr::functions::array_form;
use crate::expr::registry;
use crate::types::{SqlType, element_of, oid, type_by_name, type_name};

/// The arguments of a call as far as resolution cares.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallArgs<'a> {
    pub types: &'a [SqlType],
    /// One for each argument, or empty when none is named. Named ones follow the positional ones.
    pub names: &'a [Option<&'a str>],
    /// The last argument was written VARIADIC.
    pub variadic: bool,
}

/// What a call means.
#[derive(Clone, Debug)]
pub enum ResolvedCall {
    Function(ResolvedFunction),
    /// `int4(x)`: a cast to the type.
    Cast(SqlType),
}

#[derive(Clone, Debug)]
pub struct ResolvedFunction {
    pub func: &'static Function,
    /// For each parameter in order: which argument of the call fills it; none for one left to its default. Spelled-out
    /// variadic elements come one by one at the end.
    pub order: Vec<Option<usize>>,
    /// The type wanted of each of `order`, polymorphic ones made concrete.
    pub arg_types: Vec<SqlType>,
    /// How many of the last arguments are elements to be packed into an array of this type: a spelled-out VARIADIC.
    pub pack: Option<(usize, SqlType)>,
    pub ret: SqlType,
}

#[derive(Clone, Debug)]
pub struct ResolvedOperator {
    pub op: &'static Operator,
    /// For a prefix operator, the same as `right`.
    pub left: SqlType,
    pub right: SqlType,
    pub ret: SqlType,
}

/// PostgreSQL's `FUNC_MAX_ARGS`.
const MAX_ARGS: usize = 100;

/// `name(integer, text)`, as errors print it.
pub fn function_signature(name: &str, args: CallArgs<'_>) -> String {
    let types: Vec<String> = args
        .types
        .iter()
        .enumerate()
        .map(|(i, t)| match args.names.get(i).copied().flatten() {
            Some(n) => format!("{n} => {}", type_name(t.oid)),
            None => type_name(t.oid),
        })
        .collect();
    format!("{name}({})", types.join(", "))
}

/// Finds the built-in function that a call means.
pub fn resolve_function(name: &str, args: CallArgs<'_>) -> Result<ResolvedCall> {
    select_function(name, registry::functions_named(name), args)
}

/// A function seen as taking exactly the arguments of one call.
struct Candidate {
    func: &'static Function,
    args: Vec<Oid>,
    order: Vec<Option<usize>>,
    /// How many arguments at the end are the variadic elements.
    pack: usize,
}

/// Finds which of `functions` a call means; `name` is for errors and for casts in function form.
pub fn select_function(name: &str, functions: &[&'static Function], args: CallArgs<'_>) -> Result<ResolvedCall> {
    if args.types.len() > MAX_ARGS {
        return Err(Error::new(
            SqlState::TOO_MANY_ARGUMENTS,
            format!("cannot pass more than {MAX_ARGS} arguments to a function"),
        ));
    }
    let actual: Vec<Oid> = args.types.iter().map(|t| t.oid).collect();
    let mut candidates: Vec<Candidate> = functions.iter().filter_map(|f| candidate(f, args)).collect();
    drop_shadowed(&mut candidates);
    if let Some(exact) = candidates.iter().position(|c| given(c).eq(actual_in_order(c, &actual))) {
        return finish(candidates.swap_remove(exact), &actual).map(ResolvedCall::Function);
    }
    if let Some(ty) = cast_in_function_form(name, args, &actual) {
        return Ok(ResolvedCall::Cast(ty));
    }
    candidates.retain(|c| {
        let from: Vec<Oid> = actual_in_order(c, &actual).collect();
        let to: Vec<Oid> = given(c).collect();
        can_coerce_all(&from, &to, CastContext::Implicit)
    });
    // Overloads are compared in the order of the call's arguments.
    let lists: Vec<Vec<Oid>> = candidates.iter().map(|c| in_call_order(c, actual.len())).collect();
    match candidates.len() {
        0 if functions.is_empty() && is_known(name) => Err(Error::unsupported(format!("function {name}"))),
        0 => Err(not_found(name, args)),
        1 => finish(candidates.swap_remove(0), &actual).map(ResolvedCall::Function),
        _ => match select_candidate(&actual, &lists) {
            Some(best) => finish(candidates.swap_remove(best), &actual).map(ResolvedCall::Function),
            None => Err(Error::new(
                SqlState::AMBIGUOUS_FUNCTION,
                format!("function {} is not unique", function_signature(name, args)),
            )
            .hint("Could not choose a best candidate function. You might need to add explicit type casts.")),
        },
    }
}

fn not_found(name: &str, args: CallArgs<'_>) -> Error {
    Error::new(SqlState::UNDEFINED_FUNCTION, format!("function {} does not exist", function_signature(name, args)))
        .hint("No function matches the given name and argument types. You might need to add explicit type casts.")
}

/// Sees a function as a candidate for the call's number and names of arguments (`FuncnameGetCandidates`).
fn candidate(func: &'static Function, args: CallArgs<'_>) -> Option<Candidate> {
    let given = args.types.len();
    let declared = func.args.len();
    if args.names.iter().any(Option::is_some) {
        return named_candidate(func, args);
    }
    if let Some(element) = func.variadic.filter(|_| !args.variadic) {
        if given < declared {
            return None;
        }
        let pack = given - declared + 1;
        let mut types = func.args[..declared - 1].to_vec();
        types.resize(given, element);
        let pack = if element == oid::ANY { 0 } else { pack };
        return Some(Candidate { func, args: types, order: (0..given).map(Some).collect(), pack });
    }
    if given > declared || given + func.defaults.len() < declared {
        return None;
    }
    if args.variadic && func.variadic.is_none() {
        return None;
    }
    let func = match func.variadic {
        Some(oid::ANY) if element_of(args.types.last()?.oid).is_some() => array_form(func)?,
        Some(oid::ANY) => return None,
        _ => func,
    };
    let order = (0..declared).map(|i| (i < given).then_some(i)).collect();
    Some(Candidate { func, args: func.args.to_vec(), order, pack: 0 })
}

fn named_candidate(func: &'static Function, args: CallArgs<'_>) -> Option<Candidate> {
    let mut order = vec![None; func.args.len()];
    for (i, name) in args.names.iter().enumerate() {
        let at = match name {
            None => i,
            Some(name) => func.arg_names.iter().position(|n| n == name)?,
        };
        if order.get(at)?.is_some() {
            return None;
        }
        order[at] = Some(i);
    }
    let first_default = func.args.len() - func.defaults.len();
    if order.iter().take(first_default).any(Option::is_none) {
        return None;
    }
    if func.variadic.is_some() && !args.variadic {
        return None;
    }
    Some(Candidate { func, args: func.args.to_vec(), order, pack: 0 })
}

/// Declared types of the parameters that the call fills.
fn given(c: &Candidate) -> impl Iterator<Item = Oid> {
    c.args.iter().zip(&c.order).filter(|(_, o)| o.is_some()).map(|(&a, _)| a)
}

fn actual_in_order<'a>(c: &'a Candidate, actual: &'a [Oid]) -> impl Iterator<Item = Oid> + 'a {
    c.order.iter().flatten().map(|&i| actual[i])
}

fn in_call_order(c: &Candidate, count: usize) -> Vec<Oid> {
    let mut list = vec![Oid::INVALID; count];
    for (&ty, at) in c.args.iter().zip(&c.order) {
        if let Some(at) = at {
            list[*at] = ty;
        }
    }
    list
}

/// Of candidates that take the same types, a spelled-out variadic one yields to one that is not, and one that
/// needs defaults to one that does not.
fn drop_shadowed(candidates: &mut Vec<Candidate>) {
    let keys: Vec<(Vec<Oid>, usize, usize)> = candidates
        .iter()
        .map(|c| (given(c).collect(), c.pack, c.order.iter().filter(|o| o.is_none()).count()))
        .collect();
    let mut i = 0;
    candidates.retain(|_| {
        let (list, pack, defaults) = &keys[i];
        i += 1;
        !keys.iter().any(|(other, p, d)| other == list && (p, d) < (pack, defaults))
    });
}

fn cast_in_function_form(name: &str, args: CallArgs<'_>, actual: &[Oid]) -> Option<SqlType> {
    let [from] = actual else { return None };
    if args.variadic || args.names.iter().any(Option::is_some) {
        return None;
    }
    let target = type_by_name(name)?;
    if target.kind == b'p' {
        return None;
    }
    let casts = *from == oid::UNKNOWN
        || match coercion_pathway(*from, target.oid, CastContext::Explicit) {
            Some(Pathway::Relabel) => true,
            Some(Pathway::InOut) => !(*from == oid::RECORD && category(target.oid).0 == b'S'),
            _ => false,
        };
    casts.then_some(SqlType::of(target.oid))
}

/// Makes a chosen candidate's polymorphic types concrete. Error: 0A000 for a function that does not run.
fn finish(c: Candidate, actual: &[Oid]) -> Result<ResolvedFunction> {
    if registry::function(c.func.oid).is_none() {
        let types: Vec<SqlType> = c.func.args.iter().map(|a| SqlType::of(*a)).collect();
        let declared = CallArgs { types: &types, ..CallArgs::default() };
        return Err(Error::unsupported(format!("function {}", function_signature(c.func.name, declared))));
    }
    // A parameter left to its default counts as exactly its declared type.
    let full: Vec<Oid> = c.order.iter().zip(&c.args).map(|(o, &declared)| o.map_or(declared, |i| actual[i])).collect();
    let (types, ret) = resolve_polymorphic(&full, &c.args, c.func.ret)?;
    let pack = match c.pack {
        0 => None,
        n => {
            let element = types[types.len() - 1];
            Some((n, array_type_of(SqlType::of(element))?))
        }
    };
    Ok(ResolvedFunction {
        func: c.func,
        order: c.order,
        // "any" is whatever is given.
        arg_types: types
            .into_iter()
            .zip(full)
            .map(|(wanted, given)| SqlType::of(if wanted == oid::ANY { given } else { wanted }))
            .collect(),
        pack,
        ret: SqlType::of(ret),
    })
}

/// Chooses among several lists of argument types that the actual ones all can be coerced to
/// (`func_select_candidate`): the index of the best, or none when it is a draw.
fn select_candidate(actual: &[Oid], lists: &[Vec<Oid>]) -> Option<usize> {
    let known = |i: usize| actual[i] != oid::UNKNOWN;
    let unknowns = (0..actual.len()).filter(|&i| !known(i)).count();
    let all: Vec<usize> = (0..lists.len()).collect();

    let exact = |c: usize| (0..actual.len()).filter(|&i| known(i) && lists[c][i] == actual[i]).count();
    let best = keep_best(all, exact);
    if let [one] = best[..] {
        return Some(one);
    }

    let preferred = |c: usize| {
        (0..actual.len())
            .filter(|&i| known(i))
            .filter(|&i| {
                let (cat, pref) = category(lists[c][i]);
                lists[c][i] == actual[i] || (pref && cat == category(actual[i]).0)
            })
            .count()
    };
    let mut best = keep_best(best, preferred);
    if let [one] = best[..] {
        return Some(one);
    }
    if unknowns == 0 {
        return None;
    }

    if let Some(kept) = by_category_of_unknowns(actual, lists, &best) {
        best = kept;
    }
    if let [one] = best[..] {
        return Some(one);
    }

    let mut types = actual.iter().copied().filter(|&t| t != oid::UNKNOWN);
    let common = types.next().filter(|&first| types.all(|t| t == first))?;
    let same = vec![common; actual.len()];
    let mut fitting = best.iter().copied().filter(|&c| can_coerce_all(&same, &lists[c], CastContext::Implicit));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

fn keep_best(candidates: Vec<usize>, score: impl Fn(usize) -> usize) -> Vec<usize> {
    let best = candidates.iter().map(|&c| score(c)).max().unwrap_or(0);
    candidates.into_iter().filter(|&c| score(c) == best).collect()
}

/// Settles each unknown argument on a type category, string if any candidate takes a string there, and keeps the
/// candidates that fit; none if some position cannot be settled or no candidate fits.
fn by_category_of_unknowns(actual: &[Oid], lists: &[Vec<Oid>], candidates: &[usize]) -> Option<Vec<usize>> {
    let mut slots = Vec::new();
    for i in (0..actual.len()).filter(|&i| actual[i] == oid::UNKNOWN) {
        let mut slot: Option<(u8, bool)> = None;
        let mut conflict = false;
        for &c in candidates {
            let (cat, pref) = category(lists[c][i]);
            match &mut slot {
                None => slot = Some((cat, pref)),
                Some((seen, has)) if *seen == cat => *has |= pref,
                Some(seen) if cat == b'S' => *seen = (cat, pref),
                Some(_) => conflict = true,
            }
        }
        let (cat, pref) = slot?;
        if conflict && cat != b'S' {
            return None;
        }
        slots.push((i, cat, pref));
    }
    let fits = |c: usize| {
        slots.iter().all(|&(i, cat, pref)| {
            let (own, own_preferred) = category(lists[c][i]);
            own == cat && (!pref || own_preferred)
        })
    };
    let kept: Vec<usize> = candidates.iter().copied().filter(|&c| fits(c)).collect();
    (!kept.is_empty()).then_some(kept)
}

/// Finds the operator that `left name right` means, or `name right` without a left.
pub fn resolve_operator(name: &str, left: Option<SqlType>, right: SqlType) -> Result<ResolvedOperator> {
    let op = match left {
        Some(left) => binary_operator(name, left.oid, right.oid),
        None => prefix_operator(name, right.oid),
    };
    let op = op.map_err(|e| e.error(name, left, right))?;
    if registry::function(op.func).is_none() {
        let side = |t: Oid| if t == Oid::INVALID { String::new() } else { type_name(t) + " " };
        let operator = format!("operator {}{name} {}", side(op.left), type_name(op.right));
        return Err(Error::unsupported(operator));
    }
    let (declared, actual): (Vec<Oid>, Vec<Oid>) = match left {
        Some(left) => (vec![op.left, op.right], vec![left.oid, right.oid]),
        None => (vec![op.right], vec![right.oid]),
    };
    let (types, ret) = resolve_polymorphic(&actual, &declared, op.ret)?;
    let of = |i: usize| SqlType::of(types[i]);
    Ok(ResolvedOperator { op, left: of(0), right: of(types.len() - 1), ret: SqlType::of(ret) })
}

/// `left op ANY|ALL (array)`: the operator between `left` and the array's elements, and the array type wanted.
pub fn resolve_any_all(name: &str, left: SqlType, array: SqlType) -> Result<ResolvedOperator> {
    let element = match array.oid {
        oid::UNKNOWN => oid::UNKNOWN,
        a => element_of(a).ok_or_else(|| {
            Error::new(SqlState::WRONG_OBJECT_TYPE, "op ANY/ALL (array) requires array on right side")
        })?,
    };
    let mut resolved = resolve_operator(name, Some(left), SqlType::of(element))?;
    if resolved.ret.oid != oid::BOOL {
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "op ANY/ALL (array) requires operator to yield boolean"));
    }
    resolved.right = array_type_of(resolved.right)?;
    Ok(resolved)
}

enum Unresolved {
    Missing,
    Ambiguous,
}

impl Unresolved {
    fn error(self, name: &str, left: Option<SqlType>, right: SqlType) -> Error {
        let right_name = type_name(right.oid);
        let signature = match left {
            Some(left) => format!("{} {name} {right_name}", type_name(left.oid)),
            None => format!("{name} {right_name}"),
        };
        match self {
            Unresolved::Ambiguous => {
                Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("operator is not unique: {signature}"))
                    .hint("Could not choose a best candidate operator. You might need to add explicit type casts.")
            }
            Unresolved::Missing => {
                let hint = match left {
                    Some(_) => {
                        "No operator matches the given name and argument types. You might need to add explicit type casts."
                    }
                    None => {
                        "No operator matches the given name and argument type. You might need to add an explicit type cast."
                    }
                };
                Error::new(SqlState::UNDEFINED_FUNCTION, format!("operator does not exist: {signature}")).hint(hint)
            }
        }
    }
}

fn exact_candidate(name: &str, left: Oid, right: Oid) -> Option<&'static Operator> {
    registry::operator_candidates(name).iter().copied().find(|op| op.left == left && op.right == right)
}

fn binary_operator(name: &str, left: Oid, right: Oid) -> Result<&'static Operator, Unresolved> {
    let (l, r) = match (left, right) {
        (oid::UNKNOWN, r) => (r, r),
        (l, oid::UNKNOWN) => (l, l),
        both => both,
    };
    if let Some(op) = exact_candidate(name, l, r) {
        return Ok(op);
    }
    let candidates = registry::operator_candidates(name).iter().copied().filter(|op| op.left != Oid::INVALID);
    choose_operator(&[left, right], candidates.map(|op| (op, vec![op.left, op.right])))
}

fn prefix_operator(name: &str, right: Oid) -> Result<&'static Operator, Unresolved> {
    if let Some(op) = exact_candidate(name, Oid::INVALID, right) {
        return Ok(op);
    }
    let candidates = registry::operator_candidates(name).iter().copied().filter(|op| op.left == Oid::INVALID);
    choose_operator(&[right], candidates.map(|op| (op, vec![op.right])))
}

fn choose_operator(
    actual: &[Oid],
    candidates: impl Iterator<Item = (&'static Operator, Vec<Oid>)>,
) -> Result<&'static Operator, Unresolved> {
    let (ops, lists): (Vec<_>, Vec<_>) =
        candidates.filter(|(_, list)| can_coerce_all(actual, list, CastContext::Implicit)).unzip();
    match ops.len() {
        0 => Err(Unresolved::Missing),
        1 => Ok(ops[0]),
        _ => select_candidate(actual, &lists).map(|i| ops[i]).ok_or(Unresolved::Ambiguous),
    }
}
